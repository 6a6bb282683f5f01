// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "breaker.h"

#include <stdio.h>
#include <string.h>

#include "../../log/log.h"

void fog_breaker_init(struct fog_breaker *b, const char *name)
{
	*b = (struct fog_breaker){.state = FOG_BREAKER_CLOSED};
	snprintf(b->name, sizeof(b->name), "%s", name);
	pthread_mutex_init(&b->lock, NULL);
}

void fog_breaker_destroy(struct fog_breaker *b)
{
	pthread_mutex_destroy(&b->lock);
}

static void breaker_turn(struct fog_breaker *b, enum fog_breaker_state state, uint64_t now_ms)
{
	enum fog_breaker_state old = b->state;

	b->state = state;
	b->failures = b->trials = b->successes = 0;
	b->round++;
	if (state == FOG_BREAKER_OPEN)
		b->opened_ms = now_ms;
	if (state == FOG_BREAKER_OPEN && old == FOG_BREAKER_CLOSED)
		LOG_WARN(
		        "%s: %d calls in a row have failed: for %d s it is called only by those who "
		        "know nobody else",
		        b->name, FOG_BREAKER_FAILURES, FOG_BREAKER_OPEN_MS / 1000
		);
	else if (state == FOG_BREAKER_CLOSED)
		LOG_INFO("%s answers again", b->name);
}

// Under the lock.
static bool breaker_admits(const struct fog_breaker *b, uint64_t now_ms)
{
	switch (b->state) {
	case FOG_BREAKER_CLOSED:
		return true;
	case FOG_BREAKER_OPEN:
		return now_ms - b->opened_ms >= FOG_BREAKER_OPEN_MS;
	case FOG_BREAKER_HALF_OPEN:
		return b->trials < FOG_BREAKER_TRIALS;
	}
	return false;
}

static uint64_t breaker_call(struct fog_breaker *b, uint64_t now_ms)
{
	if (b->state == FOG_BREAKER_OPEN)
		breaker_turn(b, FOG_BREAKER_HALF_OPEN, now_ms);
	if (b->state == FOG_BREAKER_HALF_OPEN)
		b->trials++;
	b->calls++;
	return b->round;
}

bool fog_breaker_enter(struct fog_breaker *b, uint64_t now_ms, uint64_t *ticket)
{
	pthread_mutex_lock(&b->lock);
	bool may = breaker_admits(b, now_ms);
	if (may)
		*ticket = breaker_call(b, now_ms);
	else
		b->refused++;
	pthread_mutex_unlock(&b->lock);
	return may;
}

void fog_breaker_insist(struct fog_breaker *b, uint64_t now_ms, uint64_t *ticket)
{
	pthread_mutex_lock(&b->lock);
	*ticket = breaker_call(b, now_ms);
	pthread_mutex_unlock(&b->lock);
}

static void breaker_success(struct fog_breaker *b, uint64_t now_ms)
{
	b->failures = 0;
	if (b->state == FOG_BREAKER_HALF_OPEN && ++b->successes >= FOG_BREAKER_TRIALS)
		breaker_turn(b, FOG_BREAKER_CLOSED, now_ms);
}

static void breaker_failure(struct fog_breaker *b, uint64_t now_ms)
{
	b->failures++;
	if (b->state == FOG_BREAKER_HALF_OPEN || b->failures >= FOG_BREAKER_FAILURES)
		breaker_turn(b, FOG_BREAKER_OPEN, now_ms);
}

void fog_breaker_leave(struct fog_breaker *b, uint64_t ticket, bool success, uint64_t now_ms)
{
	pthread_mutex_lock(&b->lock);
	if (!success)
		b->failed++;
	// Who entered in another state says nothing of this one.
	if (ticket == b->round) {
		if (b->trials > 0)
			b->trials--;
		if (success)
			breaker_success(b, now_ms);
		else
			breaker_failure(b, now_ms);
	}
	pthread_mutex_unlock(&b->lock);
}

bool fog_breaker_refuses(struct fog_breaker *b, uint64_t now_ms)
{
	pthread_mutex_lock(&b->lock);
	bool refuses = !breaker_admits(b, now_ms);
	pthread_mutex_unlock(&b->lock);
	return refuses;
}

void fog_breaker_look(struct fog_breaker *b, uint64_t now_ms, struct fog_breaker_view *out)
{
	pthread_mutex_lock(&b->lock);
	uint64_t open_ms = b->state == FOG_BREAKER_OPEN ? now_ms - b->opened_ms : 0;
	*out = (struct fog_breaker_view
	){.state = b->state,
	  .failures = b->failures,
	  .calls = b->calls,
	  .failed = b->failed,
	  .refused = b->refused};
	memcpy(out->name, b->name, sizeof(out->name));
	if (b->state == FOG_BREAKER_OPEN && open_ms < FOG_BREAKER_OPEN_MS)
		out->retry_ms = FOG_BREAKER_OPEN_MS - open_ms;
	pthread_mutex_unlock(&b->lock);
}

const char *fog_breaker_state_name(enum fog_breaker_state state)
{
	static const char *const names[] = {
	        [FOG_BREAKER_CLOSED] = "closed",
	        [FOG_BREAKER_OPEN] = "open",
	        [FOG_BREAKER_HALF_OPEN] = "half_open"};

	return names[state];
}
