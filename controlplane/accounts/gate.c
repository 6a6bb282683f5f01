// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "gate.h"

#include <errno.h>

#include "../now.h"

void gate_init(struct gate *g)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->cond, &attr);
	pthread_condattr_destroy(&attr);
	g->running = g->waiting = 0;
}

void gate_destroy(struct gate *g)
{
	pthread_cond_destroy(&g->cond);
	pthread_mutex_destroy(&g->lock);
}

int gate_enter(struct gate *g)
{
	struct timespec until = fog_deadline(GATE_WAIT_MS);
	int r = 0;

	pthread_mutex_lock(&g->lock);
	if (g->running >= GATE_RUNNING && g->waiting >= GATE_WAITING) {
		r = EBUSY;
		goto out;
	}
	g->waiting++;
	while (g->running >= GATE_RUNNING && r == 0)
		r = pthread_cond_timedwait(&g->cond, &g->lock, &until);
	g->waiting--;
	if (g->running < GATE_RUNNING) {
		g->running++;
		r = 0;
	}
out:
	pthread_mutex_unlock(&g->lock);
	return r == 0 ? 0 : -EBUSY;
}

void gate_leave(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->running--;
	pthread_cond_signal(&g->cond);
	pthread_mutex_unlock(&g->lock);
}
