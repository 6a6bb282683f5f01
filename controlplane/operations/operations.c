// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The threads: workers that do what waits, and a keeper that tells the store.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../log/log.h"
#include "../now.h"
#include "private.h"

enum {
	PRUNE_S = 3600,
	CANCELS_MAX = FOG_OPERATIONS_QUEUE + FOG_OPERATIONS_THREADS,
};

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

static void operation_free(struct fog_operation *op)
{
	pthread_mutex_destroy(&op->lock);
	free(op->result);
	free(op);
}

// Under the lock of both.
static void operation_end(struct fog_operation *op, enum fog_operation_state state)
{
	op->now.state = state;
	op->now.ended_us = fog_now_unix_us();
	if (state == FOG_OPERATION_DONE)
		op->now.progress = 100;
	op->news = true;
}

static void operation_interrupted(struct fog_operation *op)
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

static void *worker_run(void *arg)
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

static void keeper_take_out(struct fog_operations *o, struct fog_operation *op)
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
			keeper_take_out(o, op);
	}
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
static void operation_drop(
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
static void operations_cancel_here(struct fog_operations *o, int64_t id)
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
		operations_cancel_here(o, id[i]);
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

static void *keeper_run(void *arg)
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
		r = -pthread_create(&o->thread[o->threads], NULL, worker_run, o);
	if (r == 0)
		r = -pthread_create(&o->keeper, NULL, keeper_run, o);
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
		keeper_take_out(o, o->live);
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
	operations_cancel_here(o, id);
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
