// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How many may hash a password at once: each takes 64 MiB and a CPU.
#pragma once

#include <pthread.h>

enum { GATE_RUNNING = 2, GATE_WAITING = 16, GATE_WAIT_MS = 5000 };

struct gate {
	pthread_mutex_t lock; // over what follows
	pthread_cond_t cond;
	unsigned running, waiting;
};

void gate_init(struct gate *);
void gate_destroy(struct gate *);
// Returns 0, or -EBUSY: too many wait already, or it took too long. Any thread.
int gate_enter(struct gate *);
void gate_leave(struct gate *);
