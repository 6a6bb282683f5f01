// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "manager_trace.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_malloc.h>

#include "log.h"
#include "manager_conf.h"
#include "trace.h"

enum { GRACE_MS = 500 }; // beyond the longest delay, for the last packets

static void state_tell(struct fog_manager *m, uint64_t token, bool tracing, int error)
{
	struct fog_evt evt = {.token = token, .index = tracing, .value = (uint32_t)-error};

	fog_session_event(m->session, FOG_EVT_TRACE_STATE, &evt);
}

static const char *mend(int error)
{
	switch (error) {
	case -EBUSY:
		return "another trace is active: wait for its end, or stop it";
	case -EPERM:
		return "this node is in production: set trace.allow in the file as root";
	case -EINVAL:
		return "there is no such worker, or a number is out of range: see `fogctl trace --help`";
	default:
		return "no memory for the records: free some and ask again";
	}
}

static int args_check(const struct fog_manager *m, const struct fog_cmd *c)
{
	uint32_t sample = c->arg[0], count = c->arg[1], seconds = c->arg[2], worker = c->arg[3];

	if (m->trace.tracing)
		return -EBUSY;
	if (m->blob->run.production && !m->blob->run.trace_allow)
		return -EPERM;
	if (sample == 0 || sample > FOG_TRACE_SAMPLE_MAX || count == 0 ||
	    count > FOG_TRACE_COUNT_MAX || seconds == 0 || seconds > FOG_TRACE_SECONDS_MAX ||
	    (worker != FOG_TRACE_ALL && worker >= m->worker_count))
		return -EINVAL;
	return 0;
}

static bool trace_free(void *t)
{
	rte_free(t);
	return false;
}

static void unpublish(struct fog_manager *m)
{
	for (unsigned i = 0; i < m->worker_count; i++) {
		if (m->trace.of[i] == NULL)
			continue;
		atomic_store_explicit(&m->workers[i]->trace_next, NULL, memory_order_release);
		manager_retire(m, trace_free, m->trace.of[i]);
		m->trace.of[i] = NULL;
	}
	m->trace.tracing = false;
	atomic_store_explicit(&m->stats->tracing, 0, memory_order_relaxed);
}

static int trace_publish(struct fog_manager *m, bool capture, const struct fog_cmd *c, uint64_t now)
{
	for (unsigned i = 0; i < m->worker_count; i++) {
		if (c->arg[3] != FOG_TRACE_ALL && c->arg[3] != i)
			continue;
		m->trace.of[i] = rte_zmalloc("trace", sizeof(struct fog_trace), FOG_CACHE_LINE);
		if (m->trace.of[i] == NULL) {
			unpublish(m);
			return -ENOMEM;
		}
		fog_trace_init(m->trace.of[i], now, c->arg[0], c->arg[1]);
		m->trace.of[i]->capture = capture;
		atomic_store_explicit(
		        &m->workers[i]->trace_next, m->trace.of[i], memory_order_release
		);
	}
	return 0;
}

void manager_trace_start(struct fog_manager *m, uint32_t type, const struct fog_cmd *c)
{
	uint64_t now = rte_rdtsc();
	int ret = args_check(m, c);

	if (ret == 0)
		ret = trace_publish(m, type == FOG_CMD_CAPTURE_START, c, now);
	if (ret < 0) {
		LOG_WARN("packets are not traced: %s", mend(ret));
		state_tell(m, c->token, ret == -EBUSY, ret);
		return;
	}
	m->trace.tracing = true;
	m->trace.untold = false; // of the one before: its token is gone
	m->trace.token = c->token;
	m->trace.left = c->arg[1];
	m->trace.until = now + c->arg[2] * m->stats->tsc_hz;
	m->trace.closing = false;
	atomic_store_explicit(&m->stats->tracing, 1, memory_order_relaxed);
	state_tell(m, c->token, true, 0);
	LOG_WITH(
	        FOG_LOG_WARNING,
	        LOG_FIELDS(
	                LOG_TEXT("records", type == FOG_CMD_CAPTURE_START ? "frames" : "packets"),
	                LOG_NUMBER("sample", c->arg[0]), LOG_NUMBER("count", c->arg[1]),
	                LOG_NUMBER("seconds", c->arg[2])
	        ),
	        "single packets are traced: whoever reads the records can tell which arrival became "
	        "which departure"
	);
}

// Begin no more records; those of packets that are here end with them.
static void trace_close(struct fog_manager *m)
{
	uint64_t ms = m->conf->law.max_us / 1000 + m->conf->law.cap_ms + GRACE_MS;

	m->trace.closing = true;
	m->trace.until = rte_rdtsc() + ms * (m->stats->tsc_hz / 1000);
	for (unsigned i = 0; i < m->worker_count; i++)
		if (m->trace.of[i] != NULL)
			atomic_store_explicit(&m->trace.of[i]->closing, true, memory_order_relaxed);
}

static void trace_over(struct fog_manager *m)
{
	unpublish(m);
	LOG_WARN("single packets are traced no more");
}

void manager_trace_abort(struct fog_manager *m)
{
	if (m->trace.tracing)
		trace_over(m);
	m->trace.untold = false;
}

void manager_trace_forbid(struct fog_manager *m)
{
	if (!m->trace.tracing)
		return;
	trace_over(m);
	m->trace.untold = true;
}

// Hand on the records of one worker. Returns whether it has more to come.
static bool records_take(struct fog_manager *m, struct fog_trace *t)
{
	bool open = atomic_load_explicit(&t->open, memory_order_acquire) > 0;
	uint32_t head = atomic_load_explicit(&t->head, memory_order_acquire);
	uint32_t tail = atomic_load_explicit(&t->tail, memory_order_relaxed);

	while (tail != head && m->trace.left > 0 &&
	       fog_session_trace(
	               m->session, t->capture ? FOG_EVT_CAPTURE : FOG_EVT_TRACE,
	               &t->ring[tail % FOG_TRACE_RING]
	       ) == 0) {
		m->trace.left--;
		tail++;
	}
	if (!m->trace.tracing) // the control plane has left, and this may be freed
		return false;
	atomic_store_explicit(&t->tail, tail, memory_order_release);
	return open || tail != head;
}

// What every worker together has begun is no less than what was asked for.
static bool count_begun(const struct fog_manager *m)
{
	uint64_t sum = 0, wanted = m->trace.left;

	for (unsigned i = 0; i < m->worker_count; i++) {
		const struct fog_trace *t = m->trace.of[i];
		if (t == NULL)
			continue;
		sum += atomic_load_explicit(&t->open, memory_order_relaxed);
		sum += atomic_load_explicit(&t->head, memory_order_relaxed) -
		        atomic_load_explicit(&t->tail, memory_order_relaxed);
	}
	return sum >= wanted;
}

void manager_trace_poll(struct fog_manager *m, uint64_t now)
{
	bool more = false;

	if (m->trace.untold && fog_session_event_room(m->session)) {
		m->trace.untold = false;
		state_tell(m, m->trace.token, false, 0);
	}
	if (!m->trace.tracing)
		return;
	for (unsigned i = 0; i < m->worker_count && m->trace.tracing; i++)
		if (m->trace.of[i] != NULL)
			more |= records_take(m, m->trace.of[i]);
	if (!m->trace.tracing) // the control plane has left meanwhile
		return;
	bool late = now >= m->trace.until;
	if (!m->trace.closing && (late || count_begun(m)))
		trace_close(m);
	else if (m->trace.closing && (late || !more || m->trace.left == 0)) {
		trace_over(m);
		m->trace.untold = true;
	}
}
