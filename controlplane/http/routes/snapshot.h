// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One consistent reading of the data plane's counters. Each worker's block is consistent in itself.
#pragma once

#include <stdbool.h>

#include "../../node.h"

struct snapshot_worker {
	bool valid; // false: the worker was in the way all the time, or died writing: no data
	uint32_t cpu;
	uint64_t heartbeat_tsc;
	struct fog_worker_counters counters;
};

// A copy: lives without the data plane.
struct snapshot {
	uint64_t tsc_hz, start_unix_ns;
	uint8_t boot_id[16], checksum[32];
	uint64_t generation, control_faults;
	unsigned key_count;
	struct fog_stats_key key[FOG_MIX_KEYS_MAX]; // installed, oldest epoch first
	uint64_t replay_count, replay_capacity; // of the fullest table
	uint64_t mbuf_total, mbuf_free;
	uint32_t draining;
	uint32_t accept_replays;
	uint32_t tracing;
	uint32_t next_hops, next_hops_ready; // other nodes; of these, reachable now
	char crypto[17];
	bool ports_valid;
	uint32_t port_count;
	struct fog_stats_port port[FOG_PORTS_MAX];
	uint8_t peer[FOG_NODES_MAX][FOG_ID_LEN];
	bool devices_valid;
	struct fog_stats_device device[FOG_PORTS_MAX]; // by port; names are NUL-terminated
	bool workers_valid; // all of them
	uint32_t worker_count;
	struct snapshot_worker worker[];
};

// Returns a snapshot that the caller frees, or NULL: no data plane is attached (or no memory).
struct snapshot *snapshot_take(struct fog_dpclient *);

// Sum of all workers' counters; parts that are no sums (histograms) are merged. Only when
// workers_valid. The caller frees it; NULL = no memory.
struct fog_worker_counters *snapshot_sum(const struct snapshot *);

// What the crypto of all workers opens together, packets per second, as measured at its start; 0 when
// that is not known of each of them.
uint64_t snapshot_capacity(const struct snapshot *);

// What never reached a worker, all ports together.
uint64_t snapshot_port_lost(const struct fog_stats_port *);

// Whether an XDP program stands in front of the port: any but those whose frames come from DPDK or memory.
bool snapshot_port_steered(const struct fog_stats_port *);

// Name of the node in peer slot 'slot' as the topology knows it; NULL when it doesn't. Under lock.
const char *snapshot_peer_name(const struct fog_node *, const struct snapshot *, unsigned slot);
