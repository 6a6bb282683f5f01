// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "node_loops.h"

#include "../log/log.h"
#include "node.h"
#include "node_epochs.h"

static const struct fog_topology *loops_hold(void *ctx, const struct fog_topology_node **self)
{
	struct fog_node *n = ctx;

	pthread_rwlock_rdlock(&n->lock);
	*self = fog_node_self(n);
	return n->topology;
}

static void loops_release(void *ctx)
{
	struct fog_node *n = ctx;

	pthread_rwlock_unlock(&n->lock);
}

static uint64_t loops_epoch(void *ctx)
{
	return node_epoch_now(ctx);
}

static int loops_mix_key(
        void *ctx, const struct fog_topology_node *node, uint64_t epoch, uint8_t public_key[32]
)
{
	return node_mix_key(ctx, node, epoch, public_key);
}

static int loops_inject(
        void *ctx, const uint8_t first_hop[FOG_ID_LEN], uint64_t epoch, const uint8_t *packet,
        uint32_t len
)
{
	struct fog_node *n = ctx;

	return fog_dpclient_inject(
	        n->dp, FOG_INJECT_FORWARD, first_hop, (uint8_t)epoch, packet, len
	);
}

static uint64_t loops_tsc_hz(void *ctx)
{
	struct fog_node *n = ctx;
	struct fog_dpclient_stats view;
	uint64_t hz;

	if (fog_dpclient_stats_get(n->dp, &view) < 0)
		return 0;
	hz = view.stats->tsc_hz;
	fog_dpclient_stats_put(n->dp, &view);
	return hz;
}

static const struct fog_loops_ops loops_ops = {
        .hold = loops_hold,
        .release = loops_release,
        .epoch = loops_epoch,
        .mix_key = loops_mix_key,
        .inject = loops_inject,
        .tsc_hz = loops_tsc_hz,
};

int node_loops_create(struct fog_node *n)
{
	int r = fog_loops_create(&loops_ops, n, n->ops, n->identity->link_private, &n->loops);

	if (r < 0)
		LOG_ERR("no memory for loops can be locked: raise RLIMIT_MEMLOCK");
	return r;
}
