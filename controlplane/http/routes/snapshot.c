// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

static void snapshot_head(struct snapshot *s, const struct fog_stats *st)
{
	s->tsc_hz = st->tsc_hz;
	s->start_unix_ns = st->start_unix_ns;
	memcpy(s->boot_id, st->boot_id, sizeof(s->boot_id));
	memcpy(s->checksum, st->checksum, sizeof(s->checksum));
	s->generation = st->generation;
	s->control_faults = st->control_faults;
	s->mbuf_total = st->mbuf_total;
	s->mbuf_free = st->mbuf_free;
	s->draining = st->draining;
	s->accept_replays = st->accept_replays;
	s->tracing = st->tracing;
	s->next_hops = st->next_hops;
	s->next_hops_ready = st->next_hops_ready;
	memcpy(s->crypto, st->crypto, sizeof(st->crypto));
}

// Oldest first; the rest is zero. "No data" looks like no key.
static void snapshot_keys(struct snapshot *s, const struct fog_stats *st)
{
	fog_stats_fullest(st, &s->replay_count, &s->replay_capacity);
	if (fog_stats_copy(&st->key_sequence, st->key, s->key, sizeof(s->key)) < 0)
		memset(s->key, 0, sizeof(s->key));
	while (s->key_count < FOG_MIX_KEYS_MAX && s->key[s->key_count].replay_capacity > 0)
		s->key_count++;
}

// The data plane is believed in nothing that could lead astray.
static void snapshot_devices(struct snapshot *s, const struct fog_stats *st)
{
	s->devices_valid =
	        fog_stats_copy(&st->device_sequence, st->device, s->device, sizeof(s->device)) == 0;
	for (unsigned i = 0; i < FOG_PORTS_MAX; i++) {
		struct fog_stats_device *d = &s->device[i];
		if (d->count > FOG_DEVICE_STATS_MAX)
			s->devices_valid = false;
		for (unsigned k = 0; k < FOG_DEVICE_STATS_MAX; k++)
			d->name[k][sizeof(d->name[k]) - 1] = '\0';
	}
}

struct snapshot *snapshot_take(struct fog_dpclient *dp)
{
	struct fog_dpclient_stats view;
	struct snapshot *s;

	if (fog_dpclient_stats_get(dp, &view) < 0)
		return NULL;
	s = calloc(1, sizeof(*s) + view.worker_count * sizeof(s->worker[0]));
	if (s == NULL) {
		fog_dpclient_stats_put(dp, &view);
		return NULL;
	}
	snapshot_head(s, view.stats);
	// port[] and peer[] lie behind each other under one lock, here as there.
	s->ports_valid = fog_stats_copy(
	                         &view.stats->sequence, view.stats->port, s->port, sizeof(s->port)
	                 ) == 0 &&
	        fog_stats_copy(&view.stats->sequence, view.stats->peer, s->peer, sizeof(s->peer)) ==
	                0;
	s->port_count = view.stats->port_count;
	snapshot_keys(s, view.stats);
	snapshot_devices(s, view.stats);
	if (s->port_count > FOG_PORTS_MAX)
		s->ports_valid = false;
	s->worker_count = view.worker_count;
	s->workers_valid = s->ports_valid;
	for (uint32_t i = 0; i < view.worker_count; i++) {
		struct snapshot_worker *w = &s->worker[i];
		w->valid = fog_stats_worker_read(&view.worker[i], &w->counters) == 0;
		w->cpu = view.worker[i].cpu;
		w->heartbeat_tsc = view.worker[i].heartbeat;
		s->workers_valid = s->workers_valid && w->valid;
	}
	fog_dpclient_stats_put(dp, &view);
	return s;
}

struct fog_worker_counters *snapshot_sum(const struct snapshot *s)
{
	struct fog_worker_counters *sum = calloc(1, sizeof(*sum));

	for (uint32_t i = 0; sum != NULL && i < s->worker_count; i++) {
		const struct fog_worker_counters *c = &s->worker[i].counters;
#define COUNTER(field, name, unit, text) sum->field += c->field;
#define GAUGE(field, name, unit, text) sum->field += c->field;
#include "../../../dataplane/api/metrics.def"
		for (unsigned d = 0; d < FOG_DROP_COUNT; d++)
			sum->drop[d] += c->drop[d];
		for (unsigned p = 0; p < FOG_NODES_MAX; p++) {
			sum->peer[p].tx += c->peer[p].tx;
			sum->peer[p].rx += c->peer[p].rx;
		}
		fog_hist_merge(&sum->owed_us, &c->owed_us);
		fog_hist_merge(&sum->given_us, &c->given_us);
		fog_hist_merge(&sum->late_ns, &c->late_ns);
		fog_hist_merge(&sum->loop_ns, &c->loop_ns);
	}
	return sum;
}

uint64_t snapshot_capacity(const struct snapshot *s)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < s->worker_count; i++) {
		if (!s->worker[i].valid || s->worker[i].counters.capacity == 0)
			return 0;
		sum += s->worker[i].counters.capacity;
	}
	return sum;
}

uint64_t snapshot_port_lost(const struct fog_stats_port *p)
{
	return p->lost_rx_ring + p->lost_no_buffer + p->lost_invalid + p->lost_steer;
}

bool snapshot_port_steered(const struct fog_stats_port *p)
{
	return p->mode[0] != '\0' && strncmp(p->mode, "loop", 4) != 0 &&
	        strncmp(p->mode, "dpdk", 4) != 0;
}

const char *snapshot_peer_name(const struct fog_node *n, const struct snapshot *s, unsigned slot)
{
	const struct fog_topology_node *node = n->topology != NULL
	        ? fog_topology_find(n->topology, s->peer[slot])
	        : NULL;

	return node != NULL ? node->name : NULL;
}
