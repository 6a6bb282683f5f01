// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// An authority at work: the agreement with its clock, its files, its listener, and a thread for each of the
// other authorities. One lock around the agreement and the view.
#pragma once

#include <stddef.h>

#include "../mixnet/identity.h"
#include "../mixnet/topology.h"

struct service;

struct service_params {
	const struct fog_topology *network; // outlives the object, as the next two
	const struct fog_identity *identity;
	const char *dir; // folder for consensuses and what was signed
	unsigned self; // our place in the network file
	int listen_fd; // taken over by start
};

// Returns 0 or -errno, logged with its mend.
int service_create(const struct service_params *, struct service **out);
// Refuse the nodes of this list from now on: IDs, 32 bytes each. Copied. Returns 0 or -ENOMEM.
int service_deny(struct service *, const uint8_t (*ids)[FOG_ID_LEN], unsigned count);
// Start the listener and the threads. Returns 0 or -errno, logged.
int service_start(struct service *);
// How it is, in one line: the consensus that counts, and who of the others answers. Any thread.
void service_say(struct service *, char *text, size_t len);
// Several times a second.
void service_tick(struct service *);
void service_destroy(struct service *); // ends threads; accepts NULL
