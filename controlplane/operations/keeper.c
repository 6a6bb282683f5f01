// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The keeper: a thread that tells the store what is new, hears of cancels and forgets what is old.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../log/log.h"
#include "../now.h"
#include "private.h"

enum {
	PRUNE_S = 3600,
	CANCELS_MAX = FOG_OPERATIONS_QUEUE + FOG_OPERATIONS_THREADS,
};

// Tell the store what it doesn't know. Called and left with the lock of 'operations'. Returns whether the store knows all.
static bool keeper_write(struct fog_operations *o, struct fog_operation *op)
{
	struct operation_state *now = malloc(sizeof(*now));
	char *result = NULL;

	if (now == NULL)
		return false;
	pthread_mutex_lock(&op->lock);
	*now = op->now;
	if (now->ended_us != 0)
		result = op->result; // nobody changes it any more
	op->news = false;
	pthread_mutex_unlock(&op->lock);
	pthread_mutex_unlock(&o->lock);
	int r = operation_write(o, op->id, now, result);
	pthread_mutex_lock(&o->lock);
	if (r < 0 && o->write_error == 0)
		LOG_WARN(
		        "operation %lld: the store takes nothing of it now (%s): it is tried again; "
		        "look at the store",
		        (long long)op->id, strerror(-r)
		);
	o->write_error = r;
	pthread_mutex_lock(&op->lock);
	// What came meanwhile stands behind what is written.
	unsigned gone = 0;
	int64_t last = now->pending > 0 ? now->line[now->pending - 1].number : 0;
	while (r == 0 && gone < op->now.pending && op->now.line[gone].number <= last)
		gone++;
	op->now.pending -= gone;
	memmove(op->now.line, op->now.line + gone, op->now.pending * sizeof(op->now.line[0]));
	op->news |= r < 0;
	pthread_mutex_unlock(&op->lock);
	free(now);
	return r == 0;
}

static bool operation_has_news(struct fog_operation *op, bool *ended)
{
	pthread_mutex_lock(&op->lock);
	bool news = op->news;
	*ended = op->now.ended_us != 0;
	pthread_mutex_unlock(&op->lock);
	return news;
}

void operations_take_out(struct fog_operations *o, struct fog_operation *op)
{
	struct fog_operation **at = &o->live;

	while (*at != op)
		at = &(*at)->next;
	*at = op->next;
	operation_free(op);
}

// Others only put in, at the head: what stands behind an operation stays.
static void keeper_write_all(struct fog_operations *o)
{
	struct fog_operation *next;

	for (struct fog_operation *op = o->live; op != NULL; op = next) {
		bool ended, news = operation_has_news(op, &ended);
		bool known = !news || keeper_write(o, op);
		next = op->next;
		// It may have ended while it was written.
		if (known && ended && !operation_has_news(op, &ended))
			operations_take_out(o, op);
	}
}

// Another control plane may have been asked. Called and left with the lock.
static void keeper_hear(struct fog_operations *o)
{
	int64_t id[CANCELS_MAX];

	if (!fog_db_shared(o->db) || (o->live == NULL && o->first == NULL))
		return;
	pthread_mutex_unlock(&o->lock);
	int n = operation_cancels(o, id, CANCELS_MAX);
	pthread_mutex_lock(&o->lock);
	for (int i = 0; i < n; i++)
		operation_cancel_here(o, id[i]);
}

static void keeper_prune(struct fog_operations *o)
{
	int64_t now_us = fog_now_unix_us();

	if (now_us - o->pruned_us < PRUNE_S * INT64_C(1000000) && now_us >= o->pruned_us)
		return;
	o->pruned_us = now_us;
	pthread_mutex_unlock(&o->lock);
	int r = operation_prune(o, now_us - FOG_OPERATIONS_DAYS * INT64_C(86400000000));
	if (r > 0)
		LOG_INFO(
		        "%d operations that ended over %d days ago are forgotten", r,
		        FOG_OPERATIONS_DAYS
		);
	pthread_mutex_lock(&o->lock);
}

// Whether something is to be written at once: an end.
static bool keeper_urgent(struct fog_operations *o)
{
	for (struct fog_operation *op = o->live; op != NULL; op = op->next) {
		bool ended, news = operation_has_news(op, &ended);
		if (news && ended && o->write_error == 0)
			return true;
	}
	return false;
}

void *operations_keep(void *arg)
{
	struct fog_operations *o = arg;

	pthread_mutex_lock(&o->lock);
	while (!o->quit) {
		keeper_prune(o);
		keeper_hear(o);
		keeper_write_all(o);
		struct timespec until = fog_deadline(FOG_OPERATION_FLUSH_MS);
		int r = 0;
		while (!o->quit && r == 0 && !keeper_urgent(o))
			r = pthread_cond_timedwait(&o->news, &o->lock, &until);
	}
	keeper_write_all(o);
	pthread_mutex_unlock(&o->lock);
	return NULL;
}
