// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "usage.h"
#include "../../log/log.h"
#include "../now.h"
#include "usage_private.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static int64_t usage_clock(void *ctx)
{
	return fog_now_unix_us();
}

static int64_t usage_day(const struct fog_usage *u)
{
	return u->params.now_us(u->params.ctx) / USAGE_DAY_US;
}

static int usage_name(struct usage_name *name, const char *user, enum fog_usage_metric metric)
{
	size_t len = strlen(user);

	if (len == 0 || len >= sizeof(name->user) || metric >= FOG_USAGE_METRICS)
		return -EINVAL;
	memset(name, 0, sizeof(*name));
	memcpy(name->user, user, len);
	name->metric = metric;
	return 0;
}

static void state_set(struct fog_usage_state *s, int64_t limit, int64_t used, int64_t day)
{
	s->limit = limit;
	s->used = used;
	s->remaining = limit == FOG_USAGE_UNLIMITED ? FOG_USAGE_UNLIMITED
	        : limit > used                      ? limit - used
	                                            : 0;
	s->resets_at_us = (day + 1) * USAGE_DAY_US;
}

static void lease_state(const struct usage_lease *l, int64_t day, struct fog_usage_state *s)
{
	if (s != NULL)
		state_set(s, l->limit, l->limit - l->free - l->left, day);
}

// Under the lock, which is given up meanwhile. Get at least 'amount' into the lease, or know that there is less.
static int lease_fill(
        struct fog_usage *u, struct usage_lease *l, const char *tier, int64_t day, int64_t amount,
        const struct usage_rest *evicted
)
{
	struct usage_rest rest[2] = {*evicted};
	struct usage_order o = {
	        .name = &l->name, .tier = tier, .day = day, .rest = rest, .rests = 2};

	if (l->day != day) {
		rest[1] = (struct usage_rest){l->name, l->day, l->left};
		l->day = day;
		l->left = 0;
	}
	o.need = amount - l->left;
	l->busy = true;
	pthread_mutex_unlock(&u->lock);
	int r = usage_store_lease(u->params.db, &o);
	pthread_mutex_lock(&u->lock);
	l->busy = false;
	pthread_cond_broadcast(&u->free);
	if (r < 0)
		return r;
	l->left += o.granted;
	l->free = o.free;
	l->limit = o.limit;
	l->refused_ms = o.granted == 0 ? fog_now_ms() + USAGE_REFUSED_MS : 0;
	return 0;
}

// Under the lock.
static int lease_use(
        struct fog_usage *u, struct usage_lease *l, const char *tier, int64_t amount,
        struct usage_rest *evicted, struct fog_usage_state *state
)
{
	int r = 0;

	for (;;) {
		int64_t day = usage_day(u);
		while (l->busy)
			pthread_cond_wait(&u->free, &u->lock);
		if (l->day == day && l->left >= amount) {
			l->left -= amount;
			lease_state(l, day, state);
			return 0;
		}
		if (l->day == day && fog_now_ms() < l->refused_ms && l->free + l->left < amount) {
			lease_state(l, day, state);
			return -EDQUOT;
		}
		r = lease_fill(u, l, tier, day, amount, evicted);
		evicted->amount = 0;
		if (r < 0)
			return r;
	}
}

int fog_usage_take(
        struct fog_usage *u, const char *user, const char *tier, enum fog_usage_metric metric,
        int64_t amount, struct fog_usage_state *state
)
{
	struct usage_rest evicted = {0};
	struct usage_name name;
	int r = amount >= 1 ? usage_name(&name, user, metric) : -EINVAL;

	if (r < 0)
		return r;
	pthread_mutex_lock(&u->lock);
	struct usage_lease *l = lease_get(u, &name, &evicted);
	r = l != NULL ? 0 : -ENOMEM;
	if (r == 0) {
		l->waiting++;
		l->used_ms = fog_now_ms();
		r = lease_use(u, l, tier, amount, &evicted, state);
		l->waiting--;
	}
	pthread_mutex_unlock(&u->lock);
	return r;
}

int fog_usage_give_back(
        struct fog_usage *u, const char *user, enum fog_usage_metric metric, int64_t amount
)
{
	struct usage_rest rest = {.day = usage_day(u), .amount = amount};
	int r = amount >= 1 ? usage_name(&rest.name, user, metric) : -EINVAL;

	if (r == 0)
		r = usage_store_return(u->params.db, &rest, 1);
	if (r < 0)
		return r;
	pthread_mutex_lock(&u->lock);
	struct usage_lease *l = lease_find(u, &rest.name);
	if (l != NULL)
		l->refused_ms = 0;
	pthread_mutex_unlock(&u->lock);
	return 0;
}

int fog_usage_show(
        struct fog_usage *u, const char *user, const char *tier,
        struct fog_usage_state state[FOG_USAGE_METRICS]
)
{
	int64_t day = usage_day(u);
	struct usage_name name;
	int r = usage_name(&name, user, 0);

	if (r == 0)
		r = usage_store_show(u->params.db, user, tier, day, state);
	if (r < 0)
		return r;
	pthread_mutex_lock(&u->lock);
	for (int i = 0; i < FOG_USAGE_METRICS; i++) {
		name.metric = i;
		const struct usage_lease *l = lease_find(u, &name);
		int64_t left = l != NULL && l->day == day ? l->left : 0;
		state_set(
		        &state[i], state[i].limit, state[i].used > left ? state[i].used - left : 0,
		        day
		);
	}
	pthread_mutex_unlock(&u->lock);
	return 0;
}

int fog_usage_limits(struct fog_usage *u, const char *tier, int64_t limit[FOG_USAGE_METRICS])
{
	return usage_store_limits(u->params.db, tier, limit);
}

int64_t fog_usage_resets_us(struct fog_usage *u)
{
	return (usage_day(u) + 1) * USAGE_DAY_US;
}

// Under the lock. Leases that were used last before 'before_ms' are emptied into 'rest'.
static unsigned settle_collect(struct fog_usage *u, uint64_t before_ms, struct usage_rest *rest)
{
	struct usage_lease *l = TAILQ_FIRST(&u->ages);
	unsigned n = 0;

	for (; l != NULL && l->used_ms <= before_ms && n < USAGE_SETTLE_MAX;
	     l = TAILQ_NEXT(l, age)) {
		if (l->busy || l->left == 0)
			continue;
		rest[n++] = (struct usage_rest){l->name, l->day, l->left};
		l->left = 0;
	}
	return n;
}

// What the store may or may not have taken back is not given out again.
static int settle(struct fog_usage *u, uint64_t before_ms)
{
	struct usage_rest *rest = calloc(USAGE_SETTLE_MAX, sizeof(*rest));
	unsigned n = USAGE_SETTLE_MAX;
	int r = rest != NULL ? 0 : -ENOMEM;

	while (r == 0 && n == USAGE_SETTLE_MAX) {
		pthread_mutex_lock(&u->lock);
		n = settle_collect(u, before_ms, rest);
		pthread_mutex_unlock(&u->lock);
		if (n > 0)
			r = usage_store_return(u->params.db, rest, n);
	}
	free(rest);
	return r;
}

int fog_usage_settle(struct fog_usage *u)
{
	return settle(u, UINT64_MAX);
}

static void *usage_thread(void *arg)
{
	struct fog_usage *u = arg;
	int64_t forgotten = 0;

	pthread_mutex_lock(&u->lock);
	while (!u->stop) {
		struct timespec until = fog_deadline(FOG_USAGE_IDLE_S * 1000);
		pthread_cond_timedwait(&u->wake, &u->lock, &until);
		pthread_mutex_unlock(&u->lock);
		int64_t day = usage_day(u);
		int r = settle(u, fog_now_ms() - FOG_USAGE_IDLE_S * 1000);
		if (r == 0 && day != forgotten) {
			r = usage_store_forget(u->params.db, day - FOG_USAGE_KEEP_DAYS);
			forgotten = day;
		}
		if (r < 0)
			LOG_LIMITED(
			        LOG_WARN,
			        "the store takes back no leases of daily usage: %s: see that it answers",
			        strerror(-r)
			);
		pthread_mutex_lock(&u->lock);
	}
	pthread_mutex_unlock(&u->lock);
	return NULL;
}

static void usage_free(struct fog_usage *u)
{
	leases_free(u);
	pthread_cond_destroy(&u->wake);
	pthread_cond_destroy(&u->free);
	pthread_mutex_destroy(&u->lock);
	free(u);
}

int fog_usage_open(struct fog_usage **out, const struct fog_usage_params *params)
{
	struct fog_usage *u = calloc(1, sizeof(*u));
	pthread_condattr_t attr;

	if (u == NULL)
		return -ENOMEM;
	u->params = *params;
	if (u->params.leases == 0)
		u->params.leases = FOG_USAGE_LEASES;
	if (u->params.now_us == NULL)
		u->params.now_us = usage_clock;
	TAILQ_INIT(&u->ages);
	randombytes_buf(u->secret, sizeof(u->secret));
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->free, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&u->wake, &attr);
	pthread_condattr_destroy(&attr);
	int r = -pthread_create(&u->thread, NULL, usage_thread, u);
	if (r < 0) {
		usage_free(u);
		return r;
	}
	*out = u;
	return 0;
}

void fog_usage_close(struct fog_usage *u)
{
	if (u == NULL)
		return;
	pthread_mutex_lock(&u->lock);
	u->stop = true;
	pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->lock);
	pthread_join(u->thread, NULL);
	int r = fog_usage_settle(u);
	if (r < 0)
		LOG_WARN(
		        "what was left of daily usage stays counted: %s: see that the store answers",
		        strerror(-r)
		);
	usage_free(u);
}
