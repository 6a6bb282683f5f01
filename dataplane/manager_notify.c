// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "manager_notify.h"

#include <inttypes.h>
#include <rte_cycles.h>

#include "log.h"
#include "manager_drain.h"

enum {
	CHECKS = 4, // looks at the workers within the time that the watchdog allows
	CHECK_MS = 2500, // between two looks when there is no watchdog
	TELL_MS = 500, // between two sentences of a drain
};

static uint64_t heartbeat(const struct fog_manager *m, unsigned worker)
{
	return atomic_load_explicit(&m->workers[worker]->shared->heartbeat, memory_order_relaxed);
}

// A worker publishes every 10 ms, an adaptive one that sleeps every 50 ms: a heartbeat that stood
// still for a whole period belongs to a worker that does nothing, not to one that has nothing to do.
static unsigned workers_stalled(struct fog_manager *m)
{
	unsigned stalled = 0;

	for (unsigned i = 0; i < m->worker_count; i++) {
		uint64_t beat = heartbeat(m, i);
		bool still = beat == m->heartbeat_seen[i];
		m->heartbeat_seen[i] = beat;
		stalled += still;
		if (still && !(m->stalled & UINT64_C(1) << i))
			LOG_ERR("worker %u stands still: its packets wait, and the watchdog is fed no "
			        "more; if nothing restarts this process, restart it",
			        i);
		if (!still && m->stalled & UINT64_C(1) << i)
			LOG_WARN("worker %u moves again", i);
		m->stalled &= ~(UINT64_C(1) << i);
		m->stalled |= (uint64_t)still << i;
	}
	return stalled;
}

static bool workers_began(const struct fog_manager *m)
{
	for (unsigned i = 0; i < m->worker_count; i++)
		if (heartbeat(m, i) == 0)
			return false;
	return true;
}

static void tell_state(struct fog_manager *m)
{
	bool attached = atomic_load_explicit(&m->stats->control_attached, memory_order_relaxed);

	if (m->stalled != 0)
		notify_status(
		        &m->notify, "%d of %u workers stand still",
		        __builtin_popcountll(m->stalled), m->worker_count
		);
	else if (m->keys.count == 0)
		notify_status(
		        &m->notify,
		        attached ? "waiting for the control plane's mix key"
		                 : "waiting for the control plane"
		);
	else
		notify_status(
		        &m->notify,
		        "forwarding on %u worker(s), configuration generation %" PRIu64 "%s",
		        m->worker_count, m->conf->generation,
		        !attached                   ? "; the control plane is gone"
		                : m->control_silent ? "; the control plane hangs"
		                                    : ""
		);
}

void manager_notify(struct fog_manager *m, uint64_t now)
{
	uint64_t ms = m->notify.watchdog_us > 0 ? m->notify.watchdog_us / 1000 / CHECKS : CHECK_MS;

	if (!m->notify.ready) {
		if (!workers_began(m))
			return;
		notify_ready(&m->notify);
	}
	if (now >= m->check_at) {
		m->check_at = now + ms * (rte_get_tsc_hz() / 1000);
		if (workers_stalled(m) == 0)
			notify_alive(&m->notify);
	}
	if (now < m->tell_at)
		return;
	m->tell_at = now + TELL_MS * (rte_get_tsc_hz() / 1000);
	if (m->drain == MANAGER_RUNS)
		tell_state(m);
	else
		manager_drain_tell(m, now);
}
