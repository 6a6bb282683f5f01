// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "tracer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../log/log.h"
#include "now.h"

enum { ANSWER_WAIT_MS = 2000 };

struct fog_tracer {
	pthread_mutex_t lock;
	pthread_cond_t news;
	// Under the lock.
	struct fog_tracer_status status;
	union fog_trace_entry *record; // [status.request.count]
	uint64_t token; // of the last command
	bool asked; // the data plane owes an answer
	int answer;
	time_t ended; // CLOCK_MONOTONIC
	bool closing;
};

int fog_tracer_create(struct fog_tracer **out)
{
	struct fog_tracer *t = calloc(1, sizeof(*t));
	pthread_condattr_t attr;

	if (t == NULL)
		return -ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->news, &attr);
	pthread_condattr_destroy(&attr);
	*out = t;
	return 0;
}

void fog_tracer_destroy(struct fog_tracer *t)
{
	if (t == NULL)
		return;
	pthread_cond_destroy(&t->news);
	pthread_mutex_destroy(&t->lock);
	free(t->record);
	free(t);
}

static time_t clock_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

// Under the lock.
static void trace_forget(struct fog_tracer *t)
{
	free(t->record);
	t->record = NULL;
	t->status = (struct fog_tracer_status){.state = FOG_TRACER_NONE};
}

static void trace_ended(struct fog_tracer *t)
{
	if (t->status.state == FOG_TRACER_ACTIVE) {
		t->status.state = FOG_TRACER_ENDED;
		t->ended = clock_s();
		LOG_WARN("single packets are traced no more");
	}
	pthread_cond_broadcast(&t->news);
}

// Wait for the data plane's answer. Under the lock.
static int answer_wait(struct fog_tracer *t)
{
	const struct timespec end = fog_deadline(ANSWER_WAIT_MS);
	int r = 0;

	while (t->asked && !t->closing && r == 0)
		r = pthread_cond_timedwait(&t->news, &t->lock, &end);
	if (t->asked) {
		t->asked = false;
		return -ETIMEDOUT;
	}
	return t->answer;
}

int fog_tracer_start(
        struct fog_tracer *t, struct fog_dpclient *dp, const struct fog_tracer_request *q
)
{
	struct fog_cmd cmd = {.arg = {q->sample, q->count, q->seconds, q->worker}};
	int r = -EBUSY;

	pthread_mutex_lock(&t->lock);
	if (t->status.state == FOG_TRACER_ACTIVE || t->asked)
		goto out;
	trace_forget(t);
	r = -ENOMEM;
	t->record = calloc(q->count, sizeof(*t->record));
	if (t->record == NULL)
		goto out;
	t->status.request = *q;
	cmd.token = ++t->token;
	t->asked = true;
	r = fog_dpclient_command_args(
	        dp, q->capture ? FOG_CMD_CAPTURE_START : FOG_CMD_TRACE_START, &cmd
	);
	if (r == 0)
		r = answer_wait(t);
	t->asked = false;
	if (r < 0) {
		trace_forget(t);
		// It may have begun after our patience ended.
		if (r == -ETIMEDOUT)
			fog_dpclient_command(dp, FOG_CMD_TRACE_STOP, 0);
	}
out:
	pthread_mutex_unlock(&t->lock);
	return r;
}

int fog_tracer_stop(struct fog_tracer *t, struct fog_dpclient *dp)
{
	pthread_mutex_lock(&t->lock);
	int r = t->status.state == FOG_TRACER_NONE ? -ENOENT : 0;
	if (t->status.state == FOG_TRACER_ACTIVE) {
		fog_dpclient_command(dp, FOG_CMD_TRACE_STOP, 0);
		trace_ended(t);
	}
	if (r == 0)
		trace_forget(t);
	pthread_mutex_unlock(&t->lock);
	return r;
}

void fog_tracer_status(struct fog_tracer *t, struct fog_tracer_status *out)
{
	pthread_mutex_lock(&t->lock);
	*out = t->status;
	pthread_mutex_unlock(&t->lock);
}

unsigned fog_tracer_read(
        struct fog_tracer *t, bool capture, uint32_t after, union fog_trace_entry *out,
        unsigned max, int wait_ms
)
{
	const struct timespec end = fog_deadline(wait_ms);
	unsigned n = 0;
	int r = 0;

	pthread_mutex_lock(&t->lock);
	while (t->status.state == FOG_TRACER_ACTIVE && t->status.records <= after && !t->closing &&
	       wait_ms > 0 && r == 0)
		r = pthread_cond_timedwait(&t->news, &t->lock, &end);
	// By now it may be another one.
	if (t->status.request.capture == capture && t->status.records > after) {
		n = t->status.records - after < max ? t->status.records - after : max;
		memcpy(out, t->record + after, n * sizeof(*out));
	}
	pthread_mutex_unlock(&t->lock);
	return n;
}

void fog_tracer_wake(struct fog_tracer *t)
{
	pthread_mutex_lock(&t->lock);
	t->closing = true;
	pthread_cond_broadcast(&t->news);
	pthread_mutex_unlock(&t->lock);
}

void fog_tracer_record(struct fog_tracer *t, uint32_t type, const union fog_trace_entry *record)
{
	pthread_mutex_lock(&t->lock);
	if (t->status.state == FOG_TRACER_ACTIVE &&
	    t->status.request.capture == (type == FOG_EVT_CAPTURE) &&
	    t->status.records < t->status.request.count)
		t->record[t->status.records++] = *record;
	pthread_cond_broadcast(&t->news);
	pthread_mutex_unlock(&t->lock);
}

void fog_tracer_answer(struct fog_tracer *t, const struct fog_evt *evt)
{
	pthread_mutex_lock(&t->lock);
	if (evt->token != t->token) {
		// Of a trace that nobody waits for any more.
	} else if (t->asked) {
		t->asked = false;
		t->answer = -(int)(evt->value & 0xfff);
		if (t->answer == 0) {
			t->status.state = FOG_TRACER_ACTIVE;
			t->status.began_us = fog_now_unix_us();
			LOG_WARN("single packets are traced until the trace ends");
		}
		pthread_cond_broadcast(&t->news);
	} else if (evt->index == 0) {
		trace_ended(t);
	}
	pthread_mutex_unlock(&t->lock);
}

void fog_tracer_detached(struct fog_tracer *t)
{
	pthread_mutex_lock(&t->lock);
	if (t->asked) {
		t->asked = false;
		t->answer = -ENOTCONN;
	}
	trace_ended(t);
	pthread_mutex_unlock(&t->lock);
}

void fog_tracer_tick(struct fog_tracer *t)
{
	pthread_mutex_lock(&t->lock);
	if (t->status.state == FOG_TRACER_ENDED && clock_s() - t->ended >= FOG_TRACER_KEEP_S)
		trace_forget(t);
	pthread_mutex_unlock(&t->lock);
}
