// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "pools.h"

#include <errno.h>

// Buffers that one worker may hold at the same time, as plan.h adds them up for all of them.
static uint32_t worker_need(const struct fog_blob_launch *l, uint32_t worker)
{
	uint32_t need = l->parked_max / l->worker_count + FOG_BUFFER_CACHE * 3 / 2 +
	        FOG_WORKER_HELD + l->port_count * FOG_WORKER_TX_HELD;

	for (uint32_t i = 0; i < l->port_count; i++) {
		if (l->port[i].driver != FOG_DRIVER_DPDK && l->port[i].driver != FOG_DRIVER_AUTO)
			continue;
		for (uint32_t q = worker; q < l->port[i].queues; q += l->worker_count)
			need += 2u * FOG_DPDK_RING;
	}
	return need;
}

static unsigned share_of(struct fog_pools_plan *p, int node)
{
	unsigned i = 0;

	while (i < p->count && p->share[i].node != node)
		i++;
	if (i == p->count)
		p->share[p->count++] = (struct fog_pool_share
		){.node = node, .buffers = FOG_BUFFER_CACHE * 3 / 2}; // the manager's cache
	return i;
}

int fog_pools_plan(
        const struct fog_blob_launch *l, uint32_t packet_len, const int node[],
        struct fog_pools_plan *p, struct fog_plan *plan
)
{
	uint32_t given = 0;

	memset(p, 0, sizeof(*p));
	for (uint32_t i = 0; i < l->worker_count; i++) {
		// Ordinary pages have no node that we could choose.
		unsigned s = share_of(p, l->hugepages != 0 ? node[i] : -1);
		p->of_worker[i] = (uint8_t)s;
		p->share[s].workers++;
		p->share[s].buffers += worker_need(l, i);
	}
	fog_plan(l, packet_len, p->count, plan);
	if (plan->buffers_need > l->packet_buffers ||
	    plan->eal_need > (uint64_t)l->memory_mib << 20)
		return -ENOSPC;
	for (unsigned s = 0; s < p->count; s++)
		given += p->share[s].buffers;
	uint32_t rest = l->packet_buffers - given;
	for (unsigned s = 0; s < p->count; s++)
		p->share[s].buffers += (uint32_t
		)((uint64_t)rest * p->share[s].workers / l->worker_count);
	return 0;
}
