// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the supervisor does in a round. Nothing here waits for a service.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../log/log.h"
#include "../now.h"
#include "private.h"

enum { IDLE_MS = 1000 };

static void *job_run(void *arg)
{
	struct service_job *j = arg;
	struct fog_services *s = j->services;
	const struct fog_service *row = &s->table[j->number];
	char text[FOG_SERVICE_TEXT_LEN] = "";
	uint64_t began_ms = fog_now_ms();
	int r = 0;

	if (j->work == WORK_START)
		r = row->start(s->ctx);
	else if (j->work == WORK_STOP && row->stop != NULL)
		row->stop(s->ctx);
	else if (j->work == WORK_CHECK && row->health != NULL)
		r = row->health(s->ctx, text);
	pthread_mutex_lock(&s->lock);
	j->check.took_ms = (uint32_t)(fog_now_ms() - began_ms);
	j->check.result = r;
	memcpy(j->check.text, text, sizeof(text));
	j->done = true;
	s->awake = true;
	pthread_cond_broadcast(&s->news);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void service_turn(struct service *v, enum fog_service_state state)
{
	v->state = state;
	v->since_us = fog_now_unix_us();
}

bool services_begin(struct fog_services *s, unsigned i, enum service_work work)
{
	struct service *v = &s->service[i];
	struct service_job *j = work == WORK_CHECK ? &v->check : &v->change;

	*j = (struct service_job
	){.services = s,
	  .number = i,
	  .work = work,
	  .busy = true,
	  .began_ms = services_now_ms(s),
	  .check = {.time_us = fog_now_unix_us()}};
	if (work != WORK_CHECK)
		service_turn(v, work == WORK_START ? FOG_SERVICE_STARTING : FOG_SERVICE_STOPPING);
	int r = -pthread_create(&j->thread, NULL, job_run, j);
	if (r == 0)
		return true;
	j->busy = false;
	LOG_ERR("service %s: no thread for it: %s: raise TasksMax or LimitNPROC", s->table[i].name,
	        strerror(-r));
	if (work == WORK_CHECK)
		v->check_ms = j->began_ms + FOG_SERVICE_CHECK_MS;
	else
		service_turn(v, work == WORK_START ? FOG_SERVICE_WAITING : FOG_SERVICE_RUNNING);
	v->due_ms = j->began_ms + FOG_SERVICE_BACKOFF_MAX_MS;
	return false;
}

// A quarter more or less, so that what failed together doesn't come back together.
static uint64_t service_backoff(struct fog_services *s, struct service *v)
{
	uint64_t ms = FOG_SERVICE_BACKOFF_MAX_MS;

	if (v->attempts < 6)
		ms = (uint64_t)FOG_SERVICE_BACKOFF_MS << v->attempts;
	v->attempts++;
	return ms * 3 / 4 + (ms / 2 * s->clock.dice(s->clock.ctx) >> 32);
}

static void service_tell(
        struct fog_services *s, unsigned i, const char *what, int result, const char *text
)
{
	if (s->note != NULL)
		s->note(s->ctx, s->table[i].name, what, result, text);
}

static void service_remember(struct service *v, const struct fog_service_check *c)
{
	v->history[v->history_count++ % FOG_SERVICE_HISTORY] = *c;
	memcpy(v->text, c->text, sizeof(v->text));
	if (c->result < 0 && c->text[0] == '\0')
		snprintf(v->text, sizeof(v->text), "%s", strerror(-c->result));
	else if (c->result == 0)
		v->text[0] = '\0';
}

static void service_failed(struct fog_services *s, unsigned i, uint64_t now_ms)
{
	struct service *v = &s->service[i];

	v->recoveries = 0;
	if (++v->failures < FOG_SERVICE_FAILURES)
		return;
	v->well_ms = now_ms;
	if (!v->ill) {
		LOG_WARN("service %s is not well: %s", s->table[i].name, v->text);
		service_tell(s, i, "unhealthy", 0, v->text);
	}
	v->ill = true;
	if (s->table[i].start == NULL || v->down || v->state != FOG_SERVICE_RUNNING)
		return;
	v->down = v->again = true;
	v->restarts++;
	service_tell(s, i, "restart", 0, v->text);
	v->due_ms = now_ms + service_backoff(s, v);
}

// A check has ended, or was given up.
static void service_checked(
        struct fog_services *s, unsigned i, const struct fog_service_check *c, uint64_t now_ms
)
{
	struct service *v = &s->service[i];

	service_remember(v, c);
	v->checked = true;
	if (c->result < 0) {
		service_failed(s, i, now_ms);
		return;
	}
	v->failures = 0;
	if (v->ill && ++v->recoveries < FOG_SERVICE_RECOVERIES)
		return;
	if (v->ill) {
		LOG_INFO("service %s is well again", s->table[i].name);
		service_tell(s, i, "healthy", 0, "");
		v->well_ms = now_ms;
	}
	v->ill = false;
	if (now_ms - v->well_ms >= FOG_SERVICE_STEADY_MS)
		v->attempts = 0;
}

static void service_started(struct fog_services *s, unsigned i, int result, uint64_t now_ms)
{
	struct service *v = &s->service[i];
	bool told = result < 0 ? v->error != result : v->again;

	v->again = result < 0;
	v->error = result;
	if (told)
		service_tell(s, i, "start", result, "");
	if (result < 0) {
		service_turn(v, FOG_SERVICE_WAITING);
		v->due_ms = now_ms + service_backoff(s, v);
		snprintf(v->text, sizeof(v->text), "it does not start: %s", strerror(-result));
		LOG_ERR("service %s does not start (%s): see what the lines above say; it is tried "
		        "again in %llu ms",
		        s->table[i].name, strerror(-result),
		        (unsigned long long)(v->due_ms - now_ms));
		return;
	}
	service_turn(v, FOG_SERVICE_RUNNING);
	v->checked = v->ill = false;
	v->failures = v->recoveries = 0;
	v->check_ms = v->well_ms = now_ms;
	v->text[0] = '\0';
}

static void service_stopped(struct fog_services *s, unsigned i)
{
	struct service *v = &s->service[i];

	// Waiting is what one does that was asked to come back.
	service_turn(v, v->down && !s->stopping ? FOG_SERVICE_WAITING : FOG_SERVICE_STOPPED);
	v->down = false;
	v->checked = v->ill = false;
	v->failures = v->recoveries = 0;
}

static void service_changed(struct fog_services *s, unsigned i, uint64_t now_ms)
{
	struct service *v = &s->service[i];
	struct service_job *j = &v->change;

	if (j->work == WORK_START)
		service_started(s, i, j->check.result, now_ms);
	else
		service_stopped(s, i);
	if (j->late)
		LOG_INFO(
		        "service %s: its %s has come back after all", s->table[i].name,
		        j->work == WORK_START ? "start" : "stop"
		);
}

// Join what has ended. It has nothing left to do but to return.
static void job_collect(struct service_job *j)
{
	pthread_join(j->thread, NULL);
	j->busy = false;
}

static void service_collect(struct fog_services *s, unsigned i, uint64_t now_ms)
{
	struct service *v = &s->service[i];

	if (v->change.busy && v->change.done) {
		job_collect(&v->change);
		service_changed(s, i, now_ms);
	}
	if (v->check.busy && v->check.done) {
		job_collect(&v->check);
		// What was given up, or of an earlier life, says nothing of now.
		if (v->check.late || v->state != FOG_SERVICE_RUNNING ||
		    v->check.began_ms < v->well_ms)
			return;
		v->check_ms = v->check.began_ms + FOG_SERVICE_CHECK_MS;
		service_checked(s, i, &v->check.check, now_ms);
	}
}

static void service_watch_change(struct fog_services *s, unsigned i, uint64_t now_ms)
{
	struct service *v = &s->service[i];
	struct service_job *j = &v->change;
	const char *what = j->work == WORK_START ? "start" : "stop";
	uint64_t max_ms = j->work == WORK_START ? FOG_SERVICE_START_MAX_MS
	                                        : FOG_SERVICE_STOP_MAX_MS;

	if (!j->busy || j->done || j->late || now_ms - j->began_ms < max_ms)
		return;
	j->late = true;
	snprintf(
	        v->text, sizeof(v->text), "its %s takes longer than %llu s", what,
	        (unsigned long long)max_ms / 1000
	);
	LOG_ERR("service %s: its %s hangs: the others go on; restart fog-controlplane if it does "
	        "not come back",
	        s->table[i].name, what);
}

// Fails once when it is late, then once whenever another one would be due.
static void service_watch_check(struct fog_services *s, unsigned i, uint64_t now_ms)
{
	struct service *v = &s->service[i];
	struct service_job *j = &v->check;

	if (!j->busy || j->done)
		return;
	if (j->late ? now_ms < v->check_ms : now_ms - j->began_ms < FOG_SERVICE_CHECK_MAX_MS)
		return;
	j->late = true;
	v->check_ms = now_ms + FOG_SERVICE_CHECK_MS;
	if (v->state != FOG_SERVICE_RUNNING)
		return;
	struct fog_service_check c = {
	        .time_us = fog_now_unix_us(),
	        .took_ms = (uint32_t)(now_ms - j->began_ms),
	        .result = -ETIMEDOUT};
	snprintf(c.text, sizeof(c.text), "its check hangs: no answer for %u s", c.took_ms / 1000);
	service_checked(s, i, &c, now_ms);
}

static bool service_down(const struct service *v)
{
	return v->state == FOG_SERVICE_STOPPED || v->state == FOG_SERVICE_WAITING;
}

// Those that may not run now, as a set.
static uint32_t services_falling(const struct fog_services *s)
{
	uint32_t falling = 0;

	for (unsigned n = 0; n < s->graph.count; n++) {
		unsigned i = s->graph.order[n];
		bool falls = s->stopping || s->service[i].down;
		for (unsigned k = 0; k < s->graph.count; k++)
			if ((s->graph.needs[i] >> k & 1) != 0)
				falls |= (falling >> k & 1) != 0 ||
				        s->service[k].state != FOG_SERVICE_RUNNING;
		falling |= (uint32_t)falls << i;
	}
	return falling;
}

// One change at a time; those that are late don't count.
static bool services_changing(const struct fog_services *s)
{
	for (unsigned i = 0; i < s->graph.count; i++)
		if (s->service[i].change.busy && !s->service[i].change.late)
			return true;
	return false;
}

static bool services_stop_one(struct fog_services *s, uint32_t falling)
{
	for (unsigned n = s->graph.count; n-- > 0;) {
		unsigned i = s->graph.order[n];
		struct service *v = &s->service[i];
		uint32_t above = s->graph.needed_by[i] | (s->stopping ? s->graph.used_by[i] : 0);
		bool free = true;
		if ((falling >> i & 1) == 0 || v->state != FOG_SERVICE_RUNNING)
			continue;
		for (unsigned k = 0; k < s->graph.count; k++)
			if ((above >> k & 1) != 0)
				free &= service_down(&s->service[k]) ||
				        (s->stopping && s->service[k].change.late);
		if (!free)
			continue;
		if (s->table[i].start != NULL)
			return services_begin(s, i, WORK_STOP);
		service_stopped(s, i);
		return true;
	}
	return false;
}

static bool services_start_one(struct fog_services *s, uint32_t falling, uint64_t now_ms)
{
	for (unsigned n = 0; n < s->graph.count; n++) {
		unsigned i = s->graph.order[n];
		struct service *v = &s->service[i];
		if ((falling >> i & 1) != 0 || !service_down(v) || now_ms < v->due_ms)
			continue;
		if (s->table[i].start != NULL)
			return services_begin(s, i, WORK_START);
		service_started(s, i, 0, now_ms);
		return true;
	}
	return false;
}

static uint64_t service_next(const struct service *v, uint64_t now_ms)
{
	uint64_t next = now_ms + IDLE_MS;

	if (v->state == FOG_SERVICE_WAITING && v->due_ms < next)
		next = v->due_ms;
	if (v->state == FOG_SERVICE_RUNNING && v->check_ms < next &&
	    (!v->check.busy || v->check.late))
		next = v->check_ms;
	if (v->check.busy && !v->check.late && v->check.began_ms + FOG_SERVICE_CHECK_MAX_MS < next)
		next = v->check.began_ms + FOG_SERVICE_CHECK_MAX_MS;
	return next > now_ms ? next : now_ms + 1;
}

unsigned services_round(struct fog_services *s)
{
	uint64_t now_ms = services_now_ms(s), next = UINT64_MAX;

	for (unsigned i = 0; i < s->graph.count; i++) {
		service_collect(s, i, now_ms);
		service_watch_change(s, i, now_ms);
		service_watch_check(s, i, now_ms);
	}
	bool more = true;
	while (more && !services_changing(s)) {
		uint32_t falling = services_falling(s);
		more = services_stop_one(s, falling) || services_start_one(s, falling, now_ms);
	}
	for (unsigned i = 0; i < s->graph.count; i++) {
		struct service *v = &s->service[i];
		if (v->state == FOG_SERVICE_RUNNING && !s->stopping && !v->check.busy &&
		    now_ms >= v->check_ms)
			services_begin(s, i, WORK_CHECK);
		uint64_t at = service_next(v, now_ms);
		next = at < next ? at : next;
	}
	return next == UINT64_MAX ? IDLE_MS : (unsigned)(next - now_ms);
}

bool services_settled(const struct fog_services *s)
{
	uint32_t falling = services_falling(s);

	for (unsigned i = 0; i < s->graph.count; i++) {
		const struct service *v = &s->service[i];
		bool busy = v->change.busy && !v->change.late;
		if (s->stopping)
			busy |= (v->check.busy && !v->check.late) ||
			        v->state == FOG_SERVICE_RUNNING;
		else
			busy |= v->state == FOG_SERVICE_STOPPED && (falling >> i & 1) == 0;
		if (busy)
			return false;
	}
	return true;
}

enum fog_service_health services_health(const struct fog_services *s, unsigned i)
{
	const struct service *v = &s->service[i];
	uint32_t below = s->graph.needs[i] | s->graph.uses[i];

	if (v->state != FOG_SERVICE_RUNNING || v->ill)
		return FOG_HEALTH_UNHEALTHY;
	if (!v->checked)
		return FOG_HEALTH_UNKNOWN;
	for (unsigned k = 0; k < s->graph.count; k++)
		if ((below >> k & 1) != 0 &&
		    (s->service[k].ill || s->service[k].state != FOG_SERVICE_RUNNING))
			return FOG_HEALTH_DEGRADED;
	return FOG_HEALTH_HEALTHY;
}
