// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Packet pools by NUMA node: a worker takes its buffers from a pool on its own node, so that a
// packet never crosses between sockets on its way. One pool for each node that has a worker, which
// on most machines is one. Pure arithmetic, no DPDK.
#pragma once

#include "api/plan.h"

struct rte_mempool;

struct fog_pool_share {
	int node; // NUMA node, -1 = unknown
	uint32_t workers; // that take from it
	uint32_t buffers;
};

struct fog_pools_plan {
	unsigned count;
	struct fog_pool_share share[FOG_WORKERS_MAX];
	uint8_t of_worker[FOG_WORKERS_MAX]; // index into share
};

struct fog_pools {
	struct fog_pools_plan plan;
	struct rte_mempool *pool[FOG_WORKERS_MAX]; // [plan.count]
	struct rte_mempool *of_worker[FOG_WORKERS_MAX]; // the same, by worker
};

// Divide l->packet_buffers among the nodes of the workers' CPUs ('node', one for each worker): every
// share has what its workers can hold at the same time, and its part of the rest. 'plan' becomes the
// arithmetic for this many nodes. Returns 0, or -ENOSPC when packet_buffers or memory_mib is less
// than the plan asks for.
int fog_pools_plan(
        const struct fog_blob_launch *l, uint32_t packet_len, const int node[],
        struct fog_pools_plan *, struct fog_plan *plan
);
