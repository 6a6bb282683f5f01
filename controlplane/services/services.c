// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The object's life, and what others ask of it.
#include "services.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../log/log.h"
#include "../now.h"
#include "private.h"

enum { WAIT_MS = 200 };

static uint64_t services_host_ms(void *ctx)
{
	(void)ctx;
	return fog_now_ms();
}

static uint32_t services_host_dice(void *ctx)
{
	(void)ctx;
	return randombytes_random();
}

static const struct fog_services_clock services_host = {
        .now_ms = services_host_ms, .dice = services_host_dice};

uint64_t services_now_ms(struct fog_services *s)
{
	return s->clock.now_ms(s->clock.ctx);
}

int fog_services_create(
        const struct fog_service *table, unsigned count, void *ctx,
        const struct fog_services_clock *clock, struct fog_services **out, char *error,
        size_t error_len
)
{
	struct fog_services *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (s == NULL) {
		snprintf(error, error_len, "there is no memory for services");
		return -ENOMEM;
	}
	s->table = table;
	s->ctx = ctx;
	s->clock = clock != NULL ? *clock : services_host;
	int r = services_graph_make(table, count, &s->graph, error, error_len);
	if (r < 0) {
		free(s);
		return r;
	}
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->news, &attr);
	pthread_condattr_destroy(&attr);
	*out = s;
	return 0;
}

void fog_services_destroy(struct fog_services *s)
{
	if (s == NULL)
		return;
	pthread_cond_destroy(&s->news);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

unsigned fog_services_step(struct fog_services *s)
{
	pthread_mutex_lock(&s->lock);
	unsigned ms = services_round(s);
	pthread_mutex_unlock(&s->lock);
	return ms;
}

void fog_services_wait(struct fog_services *s, unsigned ms)
{
	struct timespec until = fog_deadline((int)ms);

	pthread_mutex_lock(&s->lock);
	while (!s->awake && pthread_cond_timedwait(&s->news, &s->lock, &until) == 0)
		;
	s->awake = false;
	pthread_mutex_unlock(&s->lock);
}

static void services_wake(struct fog_services *s)
{
	s->awake = true;
	pthread_cond_broadcast(&s->news);
}

static void *services_run(void *arg)
{
	struct fog_services *s = arg;
	bool quit = false;

	while (!quit) {
		fog_services_wait(s, fog_services_step(s));
		pthread_mutex_lock(&s->lock);
		quit = s->quit;
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

static void services_settle(struct fog_services *s)
{
	bool settled = false;

	while (!settled) {
		unsigned ms = fog_services_step(s);
		pthread_mutex_lock(&s->lock);
		settled = services_settled(s);
		pthread_mutex_unlock(&s->lock);
		if (!settled)
			fog_services_wait(s, ms < WAIT_MS ? ms : WAIT_MS);
	}
}

// Why a critical one did not start: its own error, or of the first one that it waits for.
static int services_missing(const struct fog_services *s)
{
	int error = 0;

	for (unsigned n = 0; n < s->graph.count; n++) {
		unsigned i = s->graph.order[n];
		const struct service *v = &s->service[i];
		if (v->state == FOG_SERVICE_RUNNING)
			continue;
		if (error == 0)
			error = v->change.late ? -ETIMEDOUT : v->error;
		if (s->table[i].critical) {
			LOG_ERR("service %s (%s) is critical and does not run: %s",
			        s->table[i].name, s->table[i].text,
			        v->text[0] != '\0' ? v->text : "mend what it needs");
			return error;
		}
	}
	return 0;
}

void fog_services_watch(struct fog_services *s, fog_services_note *note)
{
	s->note = note;
}

int fog_services_start(struct fog_services *s)
{
	services_settle(s);
	pthread_mutex_lock(&s->lock);
	int r = services_missing(s);
	pthread_mutex_unlock(&s->lock);
	if (r < 0)
		return r;
	r = -pthread_create(&s->thread, NULL, services_run, s);
	if (r < 0)
		LOG_ERR("no thread for supervision: %s: raise TasksMax", strerror(-r));
	s->running = r == 0;
	return r;
}

int fog_services_stop(struct fog_services *s)
{
	int r = 0;

	if (s == NULL)
		return 0;
	pthread_mutex_lock(&s->lock);
	s->quit = true;
	services_wake(s);
	pthread_mutex_unlock(&s->lock);
	if (s->running)
		pthread_join(s->thread, NULL);
	s->running = false;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_mutex_unlock(&s->lock);
	services_settle(s);
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->graph.count; i++) {
		const struct service *v = &s->service[i];
		if (!v->change.busy && !v->check.busy)
			continue;
		LOG_ERR("service %s hangs in its %s: nothing is freed that it may touch",
		        s->table[i].name,
		        !v->change.busy                       ? "check"
		                : v->change.work == WORK_STOP ? "stop"
		                                              : "start");
		r = -ETIMEDOUT;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

static int services_find(const struct fog_services *s, const char *name)
{
	for (unsigned i = 0; i < s->graph.count; i++)
		if (strcmp(s->table[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

static bool services_needed(const struct fog_services *s, unsigned i)
{
	for (unsigned k = 0; k < s->graph.count; k++)
		if ((s->graph.needed_by[i] >> k & 1) != 0 &&
		    (s->service[k].state == FOG_SERVICE_RUNNING ||
		     s->service[k].state == FOG_SERVICE_STARTING))
			return true;
	return false;
}

static int services_again(struct fog_services *s, const char *name, bool force)
{
	int i = services_find(s, name);
	struct service *v = &s->service[i < 0 ? 0 : i];

	if (i < 0)
		return i;
	if (s->table[i].start == NULL)
		return -EOPNOTSUPP;
	if (s->stopping || v->down || v->change.busy)
		return -EALREADY;
	if (!force && services_needed(s, (unsigned)i))
		return -EBUSY;
	v->down = v->state == FOG_SERVICE_RUNNING;
	v->due_ms = services_now_ms(s);
	v->restarts++;
	services_wake(s);
	return 0;
}

int fog_services_restart(struct fog_services *s, const char *name, bool force)
{
	pthread_mutex_lock(&s->lock);
	int r = services_again(s, name, force);
	pthread_mutex_unlock(&s->lock);
	if (r == 0)
		LOG_INFO("service %s is restarted, as it was asked for", name);
	return r;
}

int fog_services_check(struct fog_services *s, const char *name)
{
	pthread_mutex_lock(&s->lock);
	int one = name != NULL ? services_find(s, name) : 0;
	for (unsigned i = 0; one >= 0 && i < s->graph.count; i++)
		if (name == NULL || (int)i == one)
			s->service[i].check_ms = services_now_ms(s);
	services_wake(s);
	pthread_mutex_unlock(&s->lock);
	return one < 0 ? one : 0;
}

static void services_view(struct fog_services *s, unsigned i, struct fog_service_view *out)
{
	const struct service *v = &s->service[i];
	uint64_t now_ms = services_now_ms(s);

	*out = (struct fog_service_view
	){.service = &s->table[i],
	  .layer = s->graph.layer[i],
	  .state = v->state,
	  .health = services_health(s, i),
	  .hangs = (v->change.busy && v->change.late) || (v->check.busy && v->check.late),
	  .checks = v->history_count,
	  .failures = v->failures,
	  .recoveries = v->recoveries,
	  .restarts = v->restarts,
	  .since_us = v->since_us};
	while (s->graph.order[out->place] != i)
		out->place++;
	if (v->state == FOG_SERVICE_WAITING && v->due_ms > now_ms)
		out->retry_ms = v->due_ms - now_ms;
	if (out->health != FOG_HEALTH_HEALTHY || v->failures > 0)
		memcpy(out->text, v->text, sizeof(out->text));
}

unsigned fog_services_list(struct fog_services *s, struct fog_service_view *out, unsigned max)
{
	unsigned count = s->graph.count;

	pthread_mutex_lock(&s->lock);
	for (unsigned n = 0; n < count && n < max; n++)
		services_view(s, s->graph.order[n], &out[n]);
	pthread_mutex_unlock(&s->lock);
	return count < max ? count : max;
}

int fog_services_get(
        struct fog_services *s, const char *name, struct fog_service_view *view,
        struct fog_service_check *out, unsigned max
)
{
	pthread_mutex_lock(&s->lock);
	int i = services_find(s, name), count = i < 0 ? i : 0;
	if (i >= 0) {
		const struct service *v = &s->service[i];
		services_view(s, (unsigned)i, view);
		unsigned have = v->history_count < FOG_SERVICE_HISTORY ? v->history_count
		                                                       : FOG_SERVICE_HISTORY;
		for (; (unsigned)count < have && (unsigned)count < max; count++)
			out[count] = v->history
			                     [(v->history_count - 1 - (unsigned)count) %
			                      FOG_SERVICE_HISTORY];
	}
	pthread_mutex_unlock(&s->lock);
	return count;
}

int fog_services_dependents(
        struct fog_services *s, const char *name, bool uses, const char **out, unsigned max
)
{
	int i = services_find(s, name), count = 0;

	if (i < 0)
		return i;
	for (unsigned n = 0; n < s->graph.count && (unsigned)count < max; n++) {
		unsigned k = s->graph.order[n];
		uint32_t set = uses ? s->graph.used_by[i] : s->graph.needed_by[i];
		if ((set >> k & 1) != 0)
			out[count++] = s->table[k].name;
	}
	return count;
}

enum fog_service_health fog_services_health(struct fog_services *s)
{
	unsigned count[FOG_HEALTH_UNHEALTHY + 1] = {0};

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->graph.count; i++) {
		enum fog_service_health h = services_health(s, i);
		if (h == FOG_HEALTH_UNHEALTHY && !s->table[i].critical)
			h = FOG_HEALTH_DEGRADED;
		count[h]++;
	}
	pthread_mutex_unlock(&s->lock);
	return count[FOG_HEALTH_UNHEALTHY] > 0   ? FOG_HEALTH_UNHEALTHY
	        : count[FOG_HEALTH_DEGRADED] > 0 ? FOG_HEALTH_DEGRADED
	        : count[FOG_HEALTH_UNKNOWN] > 0  ? FOG_HEALTH_UNKNOWN
	                                         : FOG_HEALTH_HEALTHY;
}

// A copy of what to say, so that nobody is called under the lock.
unsigned fog_services_reasons(
        struct fog_services *s, bool critical,
        void (*say)(void *ctx, const char *code, const char *text), void *ctx
)
{
	char text[FOG_SERVICE_TEXT_LEN + 128];
	struct fog_service_view v;
	unsigned count = 0;

	for (unsigned n = 0; n < s->graph.count; n++) {
		unsigned i = s->graph.order[n];
		pthread_mutex_lock(&s->lock);
		services_view(s, i, &v);
		pthread_mutex_unlock(&s->lock);
		if (v.health != FOG_HEALTH_UNHEALTHY || v.service->told ||
		    v.service->critical != critical)
			continue;
		snprintf(
		        text, sizeof(text), "service %s (%.80s): %s", v.service->name,
		        v.service->text,
		        v.text[0] != '\0'                        ? v.text
		                : v.state == FOG_SERVICE_RUNNING ? "it is not well"
		                                                 : "it waits for what it needs"
		);
		say(ctx, critical ? "service_unhealthy" : "service_degraded", text);
		count++;
	}
	return count;
}

const char *fog_service_state_name(enum fog_service_state state)
{
	static const char *const names[] = {
	        [FOG_SERVICE_STOPPED] = "stopped", [FOG_SERVICE_STARTING] = "starting",
	        [FOG_SERVICE_RUNNING] = "running", [FOG_SERVICE_STOPPING] = "stopping",
	        [FOG_SERVICE_WAITING] = "waiting",
	};

	return names[state];
}

const char *fog_service_health_name(enum fog_service_health health)
{
	static const char *const names[] = {
	        [FOG_HEALTH_UNKNOWN] = "unknown",
	        [FOG_HEALTH_HEALTHY] = "healthy",
	        [FOG_HEALTH_DEGRADED] = "degraded",
	        [FOG_HEALTH_UNHEALTHY] = "unhealthy",
	};

	return names[health];
}
