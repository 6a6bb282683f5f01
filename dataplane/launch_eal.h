// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// EAL and packet memory, sized by the launch configuration. For launch.c and tests.
#pragma once

#include "api/blob.h"

struct rte_mempool;

// Start EAL: lcore 0 for the manager, lcores 1..n for the workers, memory as configured.
// Returns 0 or -errno, logged with the mend.
int fog_eal_start(const struct fog_blob_launch *);
// End EAL and remove the folder that it leaves under /run/dpdk.
void fog_eal_stop(void);
// One pool for all packets, shaped by api/plan.h; 'packet_len' is the geometry's.
// Returns NULL when it does not fit; the arithmetic is logged.
struct rte_mempool *fog_pool_create(const struct fog_blob_launch *, uint32_t packet_len);
