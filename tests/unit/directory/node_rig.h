// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A node without a data plane in a network with a directory, and listeners in the place of its authorities: real
// ones (directory/serve.h), whose words the test puts into their mouths.
#pragma once

#include <pthread.h>
#include <unistd.h>

#include "../../../controlplane/node_directory.h"
#include "../../../controlplane/node_epochs.h"
#include "../run.h"
#include "parts.h"

struct rig_authority {
	struct fog_serve *serve; // NULL: nobody takes its packets
	int fd, fill[4]; // of one like that
	uint16_t port;
	uint8_t tls_seed[32], tls_key[32];

	pthread_mutex_t lock; // what follows
	unsigned status; // what descriptors are answered with
	const char *body; // ... and what comes with it; NULL: nothing
	unsigned posts, gets;
	struct fog_descriptor got; // the last one
	uint8_t data[FOG_DESCRIPTOR_MAX];
	size_t len;
	const struct fog_consensus *consensus; // that it has, NULL: none
};

struct rig {
	char folder[64];
	uint64_t epoch; // the test's first one
	struct parts
	        *parts; // keys of the authorities; nodes beside ours; 'net' is the network file
	struct fog_topology *file;
	struct rig_authority authority[PARTS_AUTHORITIES];
	struct fog_node *node;
	uint16_t listener; // of the node
};

enum { RIG_EPOCH_S = 240 };

// Authorities, and the network file; no node yet. The first rig_start is at 'rig->epoch'.
void rig_begin(struct rig *);
void rig_end(struct rig *);
// Authority 'i' answers no packet any more, or again.
void rig_hole(struct rig *, unsigned i);
void rig_mend(struct rig *, unsigned i);
void rig_network(struct rig *); // write the file as the authorities are by now

// Start the node (again) at 'part' 32nds into 'epoch'; times only grow within a test.
void rig_start(struct rig *, uint64_t epoch, unsigned part);
void rig_stop(struct rig *);
void rig_forget_key(uint64_t epoch); // as a reboot does
void rig_forget_keys(void); // all of them, those of tests that have ended early, too
void rig_tick(struct rig *); // what the control thread does four times a second

// A consensus of 'epoch' of the parts' nodes and, if 'own' isn't NULL, of ours. The caller frees it.
struct fog_consensus *rig_consensus(
        struct rig *, uint64_t epoch, const struct fog_consensus *previous,
        const struct rig_authority *own
);
void rig_give(struct rig *, unsigned i, const struct fog_consensus *);
void rig_answer(struct rig *, unsigned i, unsigned status, const char *body);
unsigned rig_posts(struct rig *, unsigned i);
unsigned rig_gets(struct rig *, unsigned i);
struct fog_descriptor rig_got(struct rig *, unsigned i);

enum node_directory_answer rig_said(struct rig *, unsigned i);
struct node_directory_view rig_look(struct rig *);
// Whether a reason (or a warning) of this code is given, with 'part' in its sentence.
bool rig_unready(struct rig *, const char *code, const char *part);
bool rig_warns(struct rig *, const char *code, const char *part);

// Ticks until it is so; false after half a minute.
#define RIG_UNTIL(rig, condition) \
	({ \
		unsigned rig_left = 1500; \
		while (!(condition) && rig_left-- > 0) \
			rig_tick(rig); \
		(condition); \
	})
