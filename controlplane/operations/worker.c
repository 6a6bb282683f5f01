// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The queue and the workers: what an operation ends with, also when it never ran.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../now.h"
#include "private.h"

// Under the lock of both.
static void operation_end(struct fog_operation *op, enum fog_operation_state state)
{
	op->now.state = state;
	op->now.ended_us = fog_now_unix_us();
	if (state == FOG_OPERATION_DONE)
		op->now.progress = 100;
	op->news = true;
}

void operation_interrupted(struct fog_operation *op)
{
	snprintf(op->now.error_code, sizeof(op->now.error_code), "interrupted");
	snprintf(
	        op->now.error_text, sizeof(op->now.error_text),
	        "the control plane was stopped: begin it again"
	);
	operation_end(op, FOG_OPERATION_FAILED);
}

static void operation_went(struct fog_operation *op, int result, bool stop)
{
	if (op->heard && op->cancel) {
		operation_end(op, FOG_OPERATION_CANCELLED);
	} else if (op->heard && stop && result < 0) {
		operation_interrupted(op);
	} else if (op->too_long) {
		snprintf(op->now.error_code, sizeof(op->now.error_code), "result_too_long");
		snprintf(
		        op->now.error_text, sizeof(op->now.error_text),
		        "the result has more than %d bytes", FOG_OPERATION_JSON_MAX
		);
		operation_end(op, FOG_OPERATION_FAILED);
	} else if (result == 0) {
		operation_end(op, FOG_OPERATION_DONE);
	} else {
		if (op->now.error_code[0] == '\0') {
			snprintf(op->now.error_code, sizeof(op->now.error_code), "failed");
			snprintf(
			        op->now.error_text, sizeof(op->now.error_text), "%s",
			        strerror(-result)
			);
		}
		operation_end(op, FOG_OPERATION_FAILED);
	}
}

// Called and left with the lock of 'operations'.
static void operation_run(struct fog_operations *o, struct fog_operation *op)
{
	pthread_mutex_lock(&op->lock);
	op->now.state = FOG_OPERATION_RUNNING;
	op->now.started_us = fog_now_unix_us();
	op->news = true;
	pthread_mutex_unlock(&op->lock);
	pthread_cond_broadcast(&o->news);
	pthread_mutex_unlock(&o->lock);
	int r = op->work(op, op->ctx);
	if (op->done != NULL)
		op->done(op->ctx);
	pthread_mutex_lock(&o->lock);
	pthread_mutex_lock(&op->lock);
	operation_went(op, r, o->stop);
	pthread_mutex_unlock(&op->lock);
	pthread_cond_broadcast(&o->news);
}

static struct fog_operation *operation_take(struct fog_operations *o)
{
	struct fog_operation *op = o->first;

	o->first = op->next;
	if (o->first == NULL)
		o->last = NULL;
	o->waiting--;
	op->next = o->live;
	o->live = op;
	return op;
}

void *operations_work(void *arg)
{
	struct fog_operations *o = arg;

	pthread_mutex_lock(&o->lock);
	while (!o->stop) {
		if (o->first != NULL)
			operation_run(o, operation_take(o));
		else
			pthread_cond_wait(&o->news, &o->lock);
	}
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

static struct fog_operation *operation_find(struct fog_operations *o, int64_t id)
{
	for (struct fog_operation *op = o->live; op != NULL; op = op->next)
		if (op->id == id)
			return op;
	for (struct fog_operation *op = o->first; op != NULL; op = op->next)
		if (op->id == id)
			return op;
	return NULL;
}

// Out of the queue, as if it had run. Under the lock.
void operation_drop(
        struct fog_operations *o, struct fog_operation *op, void (*end)(struct fog_operation *)
)
{
	struct fog_operation *before = NULL, **at = &o->first;

	while (*at != op) {
		before = *at;
		at = &before->next;
	}
	*at = op->next;
	if (o->last == op)
		o->last = before;
	o->waiting--;
	op->next = o->live;
	o->live = op;
	pthread_mutex_lock(&op->lock);
	end(op);
	pthread_mutex_unlock(&op->lock);
	pthread_cond_broadcast(&o->news);
}

static void operation_cancel_queued(struct fog_operation *op)
{
	operation_end(op, FOG_OPERATION_CANCELLED);
}

// Under the lock. What it has done for its caller so far is given back to him without the lock.
void operation_cancel_here(struct fog_operations *o, int64_t id)
{
	struct fog_operation *op = operation_find(o, id);

	if (op == NULL)
		return;
	pthread_mutex_lock(&op->lock);
	bool queued = op->now.state == FOG_OPERATION_QUEUED;
	op->cancel = true;
	pthread_mutex_unlock(&op->lock);
	if (!queued)
		return;
	void (*done)(void *) = op->done;
	void *ctx = op->ctx;
	operation_drop(o, op, operation_cancel_queued);
	pthread_mutex_unlock(&o->lock);
	if (done != NULL)
		done(ctx);
	pthread_mutex_lock(&o->lock);
}
