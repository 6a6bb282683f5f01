// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Operations from outside: begin, cancel, forget; start and stop of the threads.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../log/log.h"
#include "private.h"

static const char *const state_names[FOG_OPERATION_STATES] = {
        [FOG_OPERATION_QUEUED] = "queued",       [FOG_OPERATION_RUNNING] = "running",
        [FOG_OPERATION_DONE] = "done",           [FOG_OPERATION_FAILED] = "failed",
        [FOG_OPERATION_CANCELLED] = "cancelled",
};

const char *fog_operation_state_name(enum fog_operation_state state)
{
	return state_names[state];
}

enum fog_operation_state fog_operation_state_of(const char *name)
{
	unsigned i = 0;

	while (i < FOG_OPERATION_STATES && strcmp(state_names[i], name) != 0)
		i++;
	return (enum fog_operation_state)i;
}

int fog_operations_create(struct fog_db *db, const char *control_plane, struct fog_operations **out)
{
	struct fog_operations *o = calloc(1, sizeof(*o));
	pthread_condattr_t attr;

	if (o == NULL)
		return -ENOMEM;
	o->db = db;
	snprintf(o->control_plane, sizeof(o->control_plane), "%s", control_plane);
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->news, &attr);
	pthread_condattr_destroy(&attr);
	*out = o;
	return 0;
}

void fog_operations_destroy(struct fog_operations *o)
{
	if (o == NULL)
		return;
	fog_operations_stop(o);
	pthread_cond_destroy(&o->news);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

void operation_free(struct fog_operation *op)
{
	pthread_mutex_destroy(&op->lock);
	free(op->result);
	free(op);
}

static void operations_join(struct fog_operations *o)
{
	pthread_mutex_lock(&o->lock);
	o->stop = true;
	pthread_cond_broadcast(&o->news);
	pthread_mutex_unlock(&o->lock);
	for (unsigned i = 0; i < o->threads; i++)
		pthread_join(o->thread[i], NULL);
	o->threads = 0;
}

int fog_operations_start(struct fog_operations *o)
{
	if (o->started)
		return 0;
	int r = operation_interrupt(o);
	if (r < 0) {
		LOG_ERR("operations: the store does not answer (%s): look at store.url, or at its "
		        "disk",
		        strerror(-r));
		return r;
	}
	if (r > 0)
		LOG_WARN("%d operations were interrupted by the end of the control plane", r);
	o->stop = o->quit = false;
	for (r = 0; r == 0 && o->threads < FOG_OPERATIONS_THREADS; o->threads += r == 0)
		r = -pthread_create(&o->thread[o->threads], NULL, operations_work, o);
	if (r == 0)
		r = -pthread_create(&o->keeper, NULL, operations_keep, o);
	if (r < 0) {
		LOG_ERR("operations: no thread: %s: raise TasksMax", strerror(-r));
		operations_join(o);
		return -EAGAIN;
	}
	pthread_mutex_lock(&o->lock);
	o->started = true;
	pthread_mutex_unlock(&o->lock);
	return 0;
}

void fog_operations_stop(struct fog_operations *o)
{
	pthread_mutex_lock(&o->lock);
	bool started = o->started;
	o->started = false;
	while (started && o->first != NULL) {
		struct fog_operation *op = o->first;
		void (*done)(void *) = op->done;
		void *ctx = op->ctx;
		operation_drop(o, op, operation_interrupted);
		pthread_mutex_unlock(&o->lock);
		if (done != NULL)
			done(ctx);
		pthread_mutex_lock(&o->lock);
	}
	pthread_mutex_unlock(&o->lock);
	if (!started)
		return;
	operations_join(o);
	pthread_mutex_lock(&o->lock);
	o->quit = true;
	pthread_cond_broadcast(&o->news);
	pthread_mutex_unlock(&o->lock);
	pthread_join(o->keeper, NULL);
	// What the store would not take is "interrupted" at the next start.
	while (o->live != NULL)
		operations_take_out(o, o->live);
}

static bool operation_fits(const struct fog_operation_begin *b)
{
	return strlen(b->kind) < FOG_OPERATION_NAME_LEN &&
	        strlen(b->owner) < FOG_OPERATION_NAME_LEN &&
	        strlen(b->parameters) <= FOG_OPERATION_JSON_MAX;
}

// A place in the queue, before the row is written.
static int operation_reserve(struct fog_operations *o)
{
	pthread_mutex_lock(&o->lock);
	int r = !o->started ? -EAGAIN : o->waiting >= FOG_OPERATIONS_QUEUE ? -EBUSY : 0;
	o->waiting += r == 0;
	pthread_mutex_unlock(&o->lock);
	return r;
}

// Returns whether it will run.
static bool operation_enqueue(struct fog_operations *o, struct fog_operation *op)
{
	pthread_mutex_lock(&o->lock);
	bool runs = o->started;
	if (runs && o->last != NULL)
		o->last->next = op;
	else if (runs)
		o->first = op;
	if (runs)
		o->last = op;
	else
		o->waiting--;
	pthread_cond_broadcast(&o->news);
	pthread_mutex_unlock(&o->lock);
	return runs;
}

int fog_operations_begin(struct fog_operations *o, const struct fog_operation_begin *b, int64_t *id)
{
	struct fog_operation *op = NULL;
	int r = operation_fits(b) ? operation_reserve(o) : -EINVAL;

	if (r < 0)
		return r;
	op = calloc(1, sizeof(*op));
	r = op == NULL ? -ENOMEM : operation_insert(o, b, id);
	if (r < 0) {
		free(op);
		pthread_mutex_lock(&o->lock);
		o->waiting--;
		pthread_mutex_unlock(&o->lock);
		return r;
	}
	op->operations = o;
	op->id = *id;
	op->work = b->work;
	op->done = b->done;
	op->ctx = b->ctx;
	pthread_mutex_init(&op->lock, NULL);
	// Stopped meanwhile: its row is "interrupted" at the next start.
	if (!operation_enqueue(o, op)) {
		operation_free(op);
		return -EAGAIN;
	}
	return 0;
}

int fog_operations_cancel(struct fog_operations *o, int64_t id, const char *owner)
{
	int r = operation_ask_cancel(o, id, owner);

	if (r < 0)
		return r;
	pthread_mutex_lock(&o->lock);
	operation_cancel_here(o, id);
	pthread_mutex_unlock(&o->lock);
	return 0;
}

int fog_operations_forget(struct fog_operations *o, int64_t id, const char *owner)
{
	return operation_forget(o, id, owner);
}

int fog_operations_health(struct fog_operations *o, char *text, size_t len)
{
	pthread_mutex_lock(&o->lock);
	int r = o->started ? o->write_error : -ESRCH;
	pthread_mutex_unlock(&o->lock);
	if (r < 0)
		snprintf(
		        text, len, "%s",
		        r == -ESRCH ? "its threads are stopped"
		                    : "the store does not take what operations have to say"
		);
	return r;
}
