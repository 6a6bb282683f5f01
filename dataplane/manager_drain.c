// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "manager_drain.h"

#include <inttypes.h>
#include <rte_common.h>
#include <rte_cycles.h>

#include "log.h"

enum {
	SETTLE_MS = 10, // frames that were on their way through a driver when its port was stopped
	SLACK_MS = 5000, // beyond the longest delay, for a busy host or a port that sends slowly
	ASK_MS = 10000, // beyond that, for the service manager not to lose patience
};

static uint64_t drain_cycles(uint64_t ms)
{
	return ms * (rte_get_tsc_hz() / 1000);
}

// Milliseconds from 'now' to 'then', 0 when it has passed.
static uint64_t drain_left(uint64_t now, uint64_t then)
{
	return now < then ? (then - now) / (rte_get_tsc_hz() / 1000) : 0;
}

static uint64_t drain_longest_ms(const struct fog_manager *m)
{
	return m->conf->law.max_us / 1000 + m->conf->law.cap_ms;
}

// Packets that have still to leave, as the workers published last.
static uint64_t drain_held(const struct fog_manager *m)
{
	uint64_t held = 0, one[2];

	for (unsigned i = 0; i < m->worker_count; i++) {
		const struct fog_stats_worker *w = m->workers[i]->shared;
		if (fog_stats_copy(&w->sequence, &w->counters.parked, &one[0], sizeof(one[0])) <
		            0 ||
		    fog_stats_copy(&w->sequence, &w->counters.in_batch, &one[1], sizeof(one[1])) <
		            0)
			continue;
		held += one[0] + one[1];
	}
	return held;
}

void manager_drain_begin(struct fog_manager *m, uint64_t grace_ms)
{
	uint64_t now = rte_rdtsc();

	if (m->drain == MANAGER_GRACE)
		m->drain_at = RTE_MIN(m->drain_at, now + drain_cycles(grace_ms));
	if (m->drain != MANAGER_RUNS)
		return;
	m->drain = MANAGER_GRACE;
	m->drain_at = now + drain_cycles(grace_ms);
	atomic_store_explicit(&m->stats->draining, 1, memory_order_relaxed);
	LOG_INFO(
	        "draining: %" PRIu64
	        " ms of grace, then no new packets; parked ones leave within %" PRIu64 " ms",
	        grace_ms, drain_longest_ms(m)
	);
	if (grace_ms > 0)
		manager_drain_tell(m, now);
}

// What comes from now on is counted by the port; what it gave before is still worked off.
static void drain_stop_ports(struct fog_manager *m, uint64_t now)
{
	for (unsigned i = 0; i < m->port_count; i++)
		m->ports[i]->ops->stop(m->ports[i]);
	m->drain = MANAGER_SETTLES;
	m->drain_at = now + drain_cycles(SETTLE_MS);
	LOG_INFO("draining: the ports take no more packets");
}

static void drain_workers(struct fog_manager *m, uint64_t now)
{
	for (unsigned i = 0; i < m->worker_count; i++) {
		atomic_store_explicit(&m->workers[i]->drain, true, memory_order_relaxed);
		fog_session_wake(m->session, i);
	}
	m->drain = MANAGER_DRAINS;
	m->drain_at = now + drain_cycles(drain_longest_ms(m) + SLACK_MS);
	manager_drain_tell(m, now);
}

static bool drain_workers_done(const struct fog_manager *m)
{
	for (unsigned i = 0; i < m->worker_count; i++)
		if (!atomic_load_explicit(&m->workers[i]->drained, memory_order_acquire))
			return false;
	return true;
}

bool manager_drain_step(struct fog_manager *m, uint64_t now)
{
	if (m->drain == MANAGER_GRACE && now >= m->drain_at)
		drain_stop_ports(m, now);
	if (m->drain == MANAGER_SETTLES && now >= m->drain_at)
		drain_workers(m, now);
	if (m->drain != MANAGER_DRAINS)
		return false;
	if (drain_workers_done(m)) {
		// A device has some microseconds of work left with what it was given last.
		rte_delay_us_sleep(SETTLE_MS * 1000);
		LOG_INFO("drained: nothing is parked, everything is sent");
		return true;
	}
	if (now < m->drain_at)
		return false;
	LOG_WARN(
	        "%" PRIu64
	        " packets did not leave in time and are dropped as shutdown: a port doesn't "
	        "send, or a worker has no CPU",
	        drain_held(m)
	);
	return true;
}

// 1234567 as 1,234,567.
static const char *drain_number(uint64_t n, char text[32])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n), at = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = '\0';
	return text;
}

void manager_drain_tell(struct fog_manager *m, uint64_t now)
{
	uint64_t longest = drain_longest_ms(m), left = drain_left(now, m->drain_at);
	char number[32];

	if (m->drain == MANAGER_GRACE) {
		notify_status(
		        &m->notify, "draining: packets are taken for %" PRIu64 " more ms", left
		);
		left += longest + SLACK_MS;
	} else {
		// The end is set SLACK_MS beyond the longest delay.
		uint64_t last = m->drain != MANAGER_DRAINS ? longest
		        : left > SLACK_MS                  ? left - SLACK_MS
		                                           : 0;
		notify_status(
		        &m->notify,
		        "draining: %s packets parked, the last leaves within %" PRIu64 " ms",
		        drain_number(drain_held(m), number), last
		);
	}
	notify_stopping(&m->notify, left + ASK_MS);
}

void manager_books_tell(const struct fog_manager *m)
{
	struct fog_worker_counters sum = {0};
	uint64_t lost = 0;

	for (unsigned i = 0; i < m->worker_count; i++) {
		const struct fog_worker_counters *c = &m->workers[i]->count;
		sum.rx += c->rx;
		sum.injected += c->injected;
		sum.made += c->made;
		sum.tx += c->tx;
		sum.delivered += c->delivered;
		sum.punted += c->punted;
		sum.answered += c->answered;
		sum.drops += c->drops;
	}
	for (unsigned i = 0; i < m->port_count; i++) {
		const struct fog_stats_port *p = &m->stats->port[i];
		lost += p->lost_rx_ring + p->lost_no_buffer + p->lost_invalid + p->lost_steer;
	}
	LOG_INFO(
	        "books at the end: %" PRIu64 " received, %" PRIu64 " injected, %" PRIu64
	        " made; %" PRIu64 " sent, %" PRIu64 " delivered, %" PRIu64 " punted, %" PRIu64
	        " answered, %" PRIu64 " dropped; %" PRIu64
	        " more came to ports that did not take them",
	        sum.rx, sum.injected, sum.made, sum.tx, sum.delivered, sum.punted, sum.answered,
	        sum.drops, lost
	);
}
