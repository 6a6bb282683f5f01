// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A control plane that breaks rules one at a time, against a mini data plane that has to stay up.
#pragma once

#include "../../../dataplane/session_internal.h"
#include "suites.h"

enum {
	CMD_SLOT = (sizeof(struct fog_slot_header) + sizeof(struct fog_cmd) + 15) & ~15,
	CMD_BYTES = sizeof(struct fog_control_page) + sizeof(struct fog_ring_producer) +
	        64 * CMD_SLOT,
	INJECT_SLOT = 16 + sizeof(struct fog_inject) + MINI_PACKET + 12,
	INJECT_BYTES = sizeof(struct fog_ring_producer) + MINI_SLOTS * INJECT_SLOT,
};

_Static_assert(INJECT_SLOT % 16 == 0, "a slot size");

struct hostile {
	struct mini_dp dp;
	struct mini_record *record;
	char path[64];
	int sock;
	// After hostile_welcome: stats, evt, bell, deliver[], wake[].
	int fds[FOG_SOCK_FDS_MAX];
	unsigned nfds;
	// After hostile_rings_make.
	struct fog_shm cmd, inject[MINI_WORKERS];
};

void hostile_dp_start(struct hostile *p, uint64_t goal);
void hostile_drop(struct hostile *p);
void hostile_dp_stop(struct hostile *p);
void hostile_connect(struct hostile *p);
// Next message, however long it takes; returns as fog_sock_recv.
int hostile_recv(struct hostile *p, void *msg, size_t size, int *fds, unsigned *nfds);
// Whether the data plane hangs up, and counts 'faults' more than before.
void hostile_expect_hangup(struct hostile *p, uint64_t before, unsigned faults);
struct fog_msg_hello hostile_hello(void);
void hostile_welcome(struct hostile *p, struct fog_msg_welcome *m);
// Make rings as they should be; fds[1 + workers] are the caller's.
void hostile_rings_make(struct hostile *p, int *fds);
void hostile_rings_send(struct hostile *p, const int *fds, unsigned n);
void hostile_attach(struct hostile *p);
void hostile_blob_send(struct hostile *p, int fd, uint64_t generation);
int hostile_blob_fd(const struct fog_blob *b, size_t len, int seals);
int hostile_memfd(size_t size, int seals);
