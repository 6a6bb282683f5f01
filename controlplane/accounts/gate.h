// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How many may hash a password at once: each takes 64 MiB and a CPU.
#pragma once

#include <pthread.h>

enum {
	GATE_RUNNING = 2,
	GATE_WAITING = 16,
	GATE_PLACES = GATE_RUNNING + GATE_WAITING,
	GATE_SHARE = 12, // places of one network, so that some are left for all others
	GATE_WAIT_MS = 5000,
	GATE_NETWORK_LEN = 48,
};

struct gate {
	pthread_mutex_t lock; // over what follows
	pthread_cond_t cond;
	unsigned running, waiting;
	char network[GATE_PLACES][GATE_NETWORK_LEN]; // of those inside; "": a free place
};

void gate_init(struct gate *);
void gate_destroy(struct gate *);
// 'network': where the order comes from, NULL: from somebody who is known. Returns 0, or -EBUSY: too many wait already, of all or of
// this network, or it took too long. Any thread.
int gate_enter(struct gate *, const char *network);
void gate_leave(struct gate *, const char *network); // the same
