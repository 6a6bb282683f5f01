// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "manager.h"

#include <errno.h>
#include <poll.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../drivers/neigh.h"
#include "log.h"
#include "manager_conf.h"
#include "manager_drain.h"
#include "manager_key.h"
#include "manager_notify.h"
#include "manager_trace.h"

enum {
	PERIOD_BUSY_MS = 1, // busy workers don't ring the doorbell themselves
	PERIOD_ADAPTIVE_MS = 20,
	SILENCE_MS = 5000, // it beats at least once a second
	REFRESH_S = 5,
};

// Also at the first attach, when there is no old set: until the worker has taken it, the note is
// the worker's to read.
static bool handover_pending(const struct fog_manager *m)
{
	for (unsigned i = 0; i < m->worker_count; i++)
		if (atomic_load_explicit(&m->workers[i]->handover, memory_order_acquire) != NULL)
			return true;
	return false;
}

// The old set may go when the last worker has left it.
static void handover_poll(struct fog_manager *m)
{
	if (m->rings_old == NULL || handover_pending(m))
		return;
	fog_session_rings_free(m->session, m->rings_old);
	m->rings_old = NULL;
}

static void doorbells(struct fog_manager *m)
{
	uint64_t one = 1;
	bool ring = false;

	for (unsigned i = 0; i < m->worker_count; i++)
		ring |= atomic_exchange_explicit(
		        &m->workers[i]->ring_doorbell, false, memory_order_acquire
		);
	if (ring && write(fog_session_doorbell_fd(m->session), &one, sizeof(one)) < 0)
		return; // full: it rings already
}

// A worker has left a ring of the control plane alone: out with that one, it may come back with new
// rings. During a hand-over the faults are still those of the one before.
static void report_faults(struct fog_manager *m)
{
	for (unsigned i = 0; m->rings_old == NULL && i < m->worker_count; i++)
		if (atomic_exchange_explicit(&m->workers[i]->faults, 0, memory_order_relaxed) != 0)
			fog_session_fault(m->session, i);
}

// A control plane that hangs keeps its connection; only its heartbeat tells.
static void report_silence(struct fog_manager *m)
{
	uint64_t age = fog_session_control_age_ms(m->session); // UINT64_MAX: none is attached
	bool silent = age != UINT64_MAX && age >= SILENCE_MS;

	if (silent && !m->control_silent)
		LOG_WARN(
		        "the control plane is attached but silent for %llu s: it hangs, restart it; "
		        "packets keep flowing",
		        (unsigned long long)age / 1000
		);
	m->control_silent = silent;
}

static void buffer_stats(struct fog_manager *m)
{
	uint64_t total = 0, unused = 0;

	for (unsigned i = 0; i < m->pools.plan.count; i++) {
		total += m->pools.pool[i]->size;
		unused += rte_mempool_avail_count(m->pools.pool[i]);
	}
	atomic_store_explicit(&m->stats->mbuf_total, total, memory_order_relaxed);
	atomic_store_explicit(&m->stats->mbuf_free, unused, memory_order_relaxed);
}

void fog_manager_port_stats(const struct fog_manager *m, unsigned port, struct fog_stats_port *out)
{
	m->ports[port]->ops->stats(m->ports[port], out);
	memcpy(out->driver_why, m->driver_why[port], sizeof(out->driver_why));
}

static void port_stats(struct fog_manager *m)
{
	struct fog_stats *s = m->stats;
	struct fog_stats_port fresh[FOG_PORTS_MAX];

	memcpy(fresh, s->port, sizeof(fresh));
	for (unsigned i = 0; i < m->port_count; i++) {
		uint32_t was = fresh[i].link_up;
		fog_manager_port_stats(m, i, &fresh[i]);
		if (fresh[i].link_up == was)
			continue;
		if (fresh[i].link_up)
			manager_host_announce(m, i);
		LOG_INFO("port %s: link %s", m->ports[i]->name, fresh[i].link_up ? "up" : "down");
		struct fog_evt evt = {.index = i, .value = fresh[i].link_up};
		fog_session_event(m->session, FOG_EVT_LINK, &evt);
	}
	fog_stats_publish(&s->sequence, s->port, fresh, sizeof(fresh));
	buffer_stats(m);
}

// A port takes its interface's addresses once, when it is opened: steering and parser are made for
// them. A later change is told, because packets to a new address are the kernel's.
static void report_addresses(struct fog_manager *m)
{
	struct fog_ip now[FOG_ADDRESSES_MAX];

	for (unsigned i = 0; i < m->port_count; i++) {
		const struct fog_port *p = m->ports[i];
		if (p->ifindex == 0 || m->blob->launch.port[i].address_count > 0)
			continue;
		int n = fog_neigh_addresses(m->neigh, p->ifindex, now, FOG_ADDRESSES_MAX);
		bool same = n < 0 ||
		        (n == p->address_count &&
		         memcmp(now, p->address, (size_t)n * sizeof(now[0])) == 0);
		if (!same && !(m->moved_ports & 1u << i))
			LOG_WARN(
			        "port %s: the addresses of its interface changed: restart "
			        "fog-dataplane to take the new ones",
			        p->name
			);
		m->moved_ports = same ? m->moved_ports & ~(1u << i) : m->moved_ports | 1u << i;
	}
}

void fog_manager_housekeeping(struct fog_manager *m, uint64_t now)
{
	atomic_fetch_add_explicit(&m->stats->heartbeat, 1, memory_order_relaxed);
	doorbells(m);
	handover_poll(m);
	manager_retired_poll(m);
	manager_trace_poll(m, now);
	manager_link_poll(m, now);
	manager_punt_poll(m);
	if (now >= m->stats_at) {
		m->stats_at = now + rte_get_tsc_hz() / 10;
		port_stats(m);
		report_faults(m);
		report_silence(m);
		manager_key_report(m);
		fog_log_flush();
	}
	if (now >= m->device_at) {
		m->device_at = now + rte_get_tsc_hz();
		manager_host_device_stats(m);
	}
	if (manager_host_run(m))
		fog_manager_refresh(m);
	if (now >= m->refresh_at) {
		fog_manager_refresh(m); // asks for missing neighbours, keeps the others alive
		report_addresses(m);
		bool missing = m->conf->resolved_count < m->conf->remote_count;
		m->refresh_at = now + (missing ? 1 : REFRESH_S) * rte_get_tsc_hz();
	}
	manager_notify(m, now);
}

// The first SIGTERM or SIGINT drains, the second one ends at once. A drain that was ordered before is
// no signal: who stops the service meanwhile doesn't mean to lose what is parked.
static bool signal_received(struct fog_manager *m)
{
	struct signalfd_siginfo info;
	bool end = false;

	while (read(m->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		end |= m->signalled;
		m->signalled = true;
		manager_drain_begin(m, m->blob->run.drain_grace_ms);
	}
	return end;
}

// A worker returns only when it is told to; one that could not even begin is an error of the start.
static bool worker_lost(const struct fog_manager *m)
{
	for (unsigned i = 0; i < m->worker_count; i++) {
		if (rte_eal_get_lcore_state(m->workers[i]->lcore) == RUNNING)
			continue;
		LOG_ERR("worker %u did not start: no memory for its crypto context: give the host more",
		        i);
		return true;
	}
	return false;
}

int fog_manager_run(struct fog_manager *m)
{
	struct pollfd fds[3] = {
	        {.fd = fog_session_fd(m->session), .events = POLLIN},
	        {.fd = m->signal_fd, .events = POLLIN},
	        {.fd = m->neigh != NULL ? fog_neigh_fd(m->neigh) : -1, .events = POLLIN},
	};
	int period = m->workers[0]->idle == FOG_IDLE_BUSY ? PERIOD_BUSY_MS : PERIOD_ADAPTIVE_MS;

	for (;;) {
		bool busy = manager_key_poll(m);
		if (poll(fds, 3, busy ? 0 : period) < 0 && errno != EINTR)
			LOG_ERR("poll: %s: free memory; it is tried again", strerror(errno));
		fog_session_process(m->session);
		if (m->neigh != NULL && fog_neigh_process(m->neigh) > 0)
			fog_manager_refresh(m);
		fog_manager_housekeeping(m, rte_rdtsc());
		if (worker_lost(m))
			return -ECHILD;
		if (signal_received(m) || manager_drain_step(m, rte_rdtsc()))
			return 0;
	}
}

static void on_command(void *ctx, uint32_t type, const struct fog_cmd *cmd)
{
	struct fog_manager *m = ctx;

	if (type == FOG_CMD_PING) {
		struct fog_evt evt = {.token = cmd->token};
		fog_session_event(m->session, FOG_EVT_PONG, &evt);
	} else if (type == FOG_CMD_DRAIN) {
		uint64_t grace = cmd->token;
		if (grace > FOG_DRAIN_GRACE_MAX_MS)
			grace = m->blob->run.drain_grace_ms;
		manager_drain_begin(m, grace);
	} else if (type == FOG_CMD_LOG_LEVEL && cmd->arg[0] < FOG_LOG_LEVELS) {
		manager_log_level(m, cmd->arg[0]);
		LOG_INFO(
		        "log level is %s now", fog_log_level_name((enum fog_log_level)cmd->arg[0])
		);
	} else if (type == FOG_CMD_TRACE_START || type == FOG_CMD_CAPTURE_START) {
		manager_trace_start(m, type, cmd);
	} else if (type == FOG_CMD_TRACE_STOP) {
		manager_trace_abort(m);
	}
}

// Wait until every worker uses the rings of the previous attach: they need one round for it.
static int handover_wait(struct fog_manager *m)
{
	for (int i = 0; i < 1000 && handover_pending(m); i++) {
		for (unsigned w = 0; w < m->worker_count; w++)
			fog_session_wake(m->session, w);
		rte_delay_us_sleep(1000);
	}
	handover_poll(m);
	return handover_pending(m) ? -EBUSY : 0;
}

static int on_attach(void *ctx, struct fog_worker_rings *rings)
{
	struct fog_manager *m = ctx;
	int ret = handover_wait(m);

	if (ret < 0)
		return ret;
	for (unsigned i = 0; i < m->worker_count; i++) {
		struct fog_ring_handover *h = &m->handover[i];
		h->rings = &rings[i];
		h->carried = 0;
		if (m->rings != NULL) {
			const struct fog_ring_tx *old = &m->rings[i].deliver;
			h->carried = fog_session_carry_start(old);
			uint32_t upto =
			        atomic_load_explicit(&old->shared->head, memory_order_acquire);
			fog_session_carry(old, &h->carried, upto, &rings[i].deliver);
		}
		atomic_store_explicit(&m->workers[i]->handover, h, memory_order_release);
		fog_session_wake(m->session, i);
	}
	m->rings_old = m->rings;
	m->rings = rings;
	atomic_store_explicit(&m->stats->control_attached, 1, memory_order_relaxed);
	return 0;
}

static void on_detach(void *ctx)
{
	struct fog_manager *m = ctx;

	atomic_store_explicit(&m->stats->control_attached, 0, memory_order_relaxed);
	manager_trace_abort(m);
	LOG_LIMITED(LOG_WARN, "control plane gone; packets keep flowing");
}

static int on_link_install(void *ctx, const struct fog_link_session *session)
{
	return manager_link_install(ctx, session);
}

static int on_link_remove(void *ctx, uint32_t rx_index)
{
	return manager_link_remove(ctx, rx_index);
}

const struct fog_session_ops fog_manager_session_ops = {
        .config = manager_on_config,
        .key_install = manager_on_key_install,
        .keys_keep = manager_on_keys_keep,
        .command = on_command,
        .attach = on_attach,
        .detach = on_detach,
        .link_install = on_link_install,
        .link_remove = on_link_remove,
        .link_send = manager_on_link_send,
        .link_room = manager_link_room,
};

void fog_manager_stop(struct fog_manager *m)
{
	manager_trace_abort(m);
	while (m->retired != NULL)
		manager_retired_poll(m); // no reader is registered any more
	port_stats(m);
	manager_conf_free(m);
	if (m->rings_old != NULL)
		fog_session_rings_free(m->session, m->rings_old);
	if (m->rings != NULL)
		fog_session_rings_free(m->session, m->rings);
	m->rings = m->rings_old = NULL;
}
