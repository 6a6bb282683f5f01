// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// EAL and packet memory, sized by the launch configuration. For launch.c and tests.
#pragma once

#include "pools.h"

// Start EAL: lcore 0 for the manager, lcores 1..n for the workers, memory as configured.
// Returns 0 or -errno, logged with the mend.
int fog_eal_start(const struct fog_blob_launch *);
// End EAL and remove the folder that it leaves under /run/dpdk.
void fog_eal_stop(void);
// NUMA node of each worker's CPU, -1 = unknown. After fog_eal_start.
void fog_eal_worker_nodes(const struct fog_blob_launch *, int node[]);
// The packet pools, shaped by api/plan.h, one for each node; 'packet_len' is the geometry's.
// Returns 0, or -errno when they do not fit; the arithmetic is logged.
int fog_pools_create(const struct fog_blob_launch *, uint32_t packet_len, const int node[], struct fog_pools *);
void fog_pools_free(struct fog_pools *);
