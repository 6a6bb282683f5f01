// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "gate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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
	memset(g->network, 0, sizeof(g->network));
}

void gate_destroy(struct gate *g)
{
	pthread_cond_destroy(&g->cond);
	pthread_mutex_destroy(&g->lock);
}

// Under the lock. Returns whether the network has not got its share yet.
static bool gate_place(struct gate *g, const char *network)
{
	unsigned same = 0, free = GATE_PLACES;

	for (unsigned i = 0; i < GATE_PLACES; i++) {
		same += strcmp(g->network[i], network) == 0;
		if (g->network[i][0] == '\0')
			free = i;
	}
	if (same >= GATE_SHARE || free == GATE_PLACES)
		return false;
	snprintf(g->network[free], sizeof(g->network[free]), "%s", network);
	return true;
}

static void gate_unplace(struct gate *g, const char *network)
{
	unsigned i = 0;

	while (i < GATE_PLACES && strcmp(g->network[i], network) != 0)
		i++;
	if (i < GATE_PLACES)
		g->network[i][0] = '\0';
}

int gate_enter(struct gate *g, const char *network)
{
	struct timespec until = fog_deadline(GATE_WAIT_MS);
	int r = 0;

	pthread_mutex_lock(&g->lock);
	if ((g->running >= GATE_RUNNING && g->waiting >= GATE_WAITING) ||
	    (network != NULL && !gate_place(g, network))) {
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
	} else if (network != NULL) {
		gate_unplace(g, network);
	}
out:
	pthread_mutex_unlock(&g->lock);
	return r == 0 ? 0 : -EBUSY;
}

void gate_leave(struct gate *g, const char *network)
{
	pthread_mutex_lock(&g->lock);
	g->running--;
	if (network != NULL)
		gate_unplace(g, network);
	pthread_cond_signal(&g->cond);
	pthread_mutex_unlock(&g->lock);
}
