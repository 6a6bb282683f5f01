// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Which worker takes its buffers from which pool, on machines that nobody has at hand.
#include <errno.h>

#include "../../../dataplane/pools.h"
#include "check.h"

enum { PACKET = 1408 };

// Workers on two ports, one of them with device queues.
static struct fog_blob_launch launch(uint32_t workers, int hugepages)
{
	return (struct fog_blob_launch){
	        .slots = 5,
	        .payload_len = 900,
	        .worker_count = workers,
	        .port_count = 2,
	        .links = FOG_LINKS_NONE,
	        .hugepages = (uint32_t)hugepages,
	        .memory_mib = 1024,
	        .packet_buffers = 100003,
	        .parked_max = 10001,
	        .deliver_slots = 16,
	        .inject_slots = 16,
	        .replay_capacity = 1024,
	        .port[0] =
	                {.driver = FOG_DRIVER_DPDK, .queues = (uint16_t)(workers + 1), .mtu = 1500},
	        .port[1] = {.driver = FOG_DRIVER_AFXDP, .queues = (uint16_t)workers, .mtu = 1500},
	};
}

// What holds whatever the nodes are.
static void check_plan(
        const struct fog_blob_launch *l, const struct fog_pools_plan *p, const struct fog_plan *plan
)
{
	uint32_t workers = 0, buffers = 0;
	uint64_t bytes = 0;

	for (unsigned s = 0; s < p->count; s++) {
		workers += p->share[s].workers;
		buffers += p->share[s].buffers;
		bytes += fog_plan_pool(p->share[s].buffers, plan->buffer_size, l->hugepages != 0);
	}
	CU_ASSERT_EQUAL(workers, l->worker_count);
	CU_ASSERT_EQUAL(plan->nodes, p->count);
	// No more than was given, and of that only what doesn't divide is left out.
	CU_ASSERT_TRUE(buffers <= l->packet_buffers);
	CU_ASSERT_TRUE(buffers + p->count > l->packet_buffers);
	CU_ASSERT_TRUE(bytes <= plan->pool);
}

static void test_one_node(void)
{
	struct fog_blob_launch l = launch(3, 1);
	const int zero[3] = {0, 0, 0}, apart[3] = {0, 1, 2};
	struct fog_pools_plan p;
	struct fog_plan plan;

	CU_ASSERT_EQUAL(fog_pools_plan(&l, PACKET, zero, &p, &plan), 0);
	CU_ASSERT_EQUAL(p.count, 1);
	CU_ASSERT_EQUAL(p.share[0].node, 0);
	CU_ASSERT_EQUAL(p.share[0].buffers, l.packet_buffers);
	check_plan(&l, &p, &plan);
	// Ordinary pages: one pool, on no node in particular.
	l.hugepages = 0;
	CU_ASSERT_EQUAL(fog_pools_plan(&l, PACKET, apart, &p, &plan), 0);
	CU_ASSERT_EQUAL(p.count, 1);
	CU_ASSERT_EQUAL(p.share[0].node, -1);
	CU_ASSERT_EQUAL(p.share[0].workers, 3);
	check_plan(&l, &p, &plan);
}

static void test_two_nodes(void)
{
	struct fog_blob_launch l = launch(5, 1);
	const int node[5] = {1, 0, 1, 0, 1};
	struct fog_pools_plan p;
	struct fog_plan plan;

	CU_ASSERT_EQUAL(fog_pools_plan(&l, PACKET, node, &p, &plan), 0);
	CU_ASSERT_EQUAL_FATAL(p.count, 2);
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(p.share[p.of_worker[i]].node, node[i]);
	CU_ASSERT_EQUAL(p.share[p.of_worker[0]].workers, 3);
	CU_ASSERT_EQUAL(p.share[p.of_worker[1]].workers, 2);
	check_plan(&l, &p, &plan);
	// Six queues for five workers: worker 0 has two of them. The rest is shared by heads.
	uint32_t each = 10001 / 5 + 96 + 128 + 2 * 64;
	uint32_t need[2] = {3 * each + 4 * 2048 + 96, 2 * each + 2 * 2048 + 96};
	uint32_t rest = l.packet_buffers - need[0] - need[1];
	CU_ASSERT_EQUAL(p.share[0].buffers, need[0] + rest * 3 / 5);
	CU_ASSERT_EQUAL(p.share[1].buffers, need[1] + rest * 2 / 5);
}

static void test_a_node_each(void)
{
	struct fog_blob_launch l = launch(FOG_WORKERS_MAX, 1);
	int node[FOG_WORKERS_MAX];
	struct fog_pools_plan p;
	struct fog_plan plan;

	l.packet_buffers = 400000;
	l.memory_mib = 2048;
	for (int i = 0; i < FOG_WORKERS_MAX; i++)
		node[i] = FOG_WORKERS_MAX - i;
	CU_ASSERT_EQUAL(fog_pools_plan(&l, PACKET, node, &p, &plan), 0);
	CU_ASSERT_EQUAL(p.count, FOG_WORKERS_MAX);
	check_plan(&l, &p, &plan);
}

// What is enough on one node may be too little on two; then the plan says how much it has to be.
static void test_too_little(void)
{
	struct fog_blob_launch l = launch(2, 1);
	const int same[2] = {1, 1}, apart[2] = {0, 1};
	struct fog_pools_plan p;
	struct fog_plan plan;

	fog_plan(&l, PACKET, 1, &plan);
	l.packet_buffers = plan.buffers_need;
	CU_ASSERT_EQUAL(fog_pools_plan(&l, PACKET, same, &p, &plan), 0);
	check_plan(&l, &p, &plan);
	CU_ASSERT_EQUAL(fog_pools_plan(&l, PACKET, apart, &p, &plan), -ENOSPC);
	CU_ASSERT_EQUAL(plan.buffers_need, l.packet_buffers + 96);
	l.packet_buffers = plan.buffers_need;
	CU_ASSERT_EQUAL(fog_pools_plan(&l, PACKET, apart, &p, &plan), 0);
	check_plan(&l, &p, &plan);
	l.memory_mib = (uint32_t)fog_plan_mib(&plan);
	CU_ASSERT_EQUAL(fog_pools_plan(&l, PACKET, apart, &p, &plan), 0);
	l.memory_mib--;
	CU_ASSERT_EQUAL(fog_pools_plan(&l, PACKET, apart, &p, &plan), -ENOSPC);
}

// Queues of link messages lie in EAL's memory: memory_mib has to hold them.
static void test_queues(void)
{
	struct fog_blob_launch l = launch(FOG_WORKERS_MAX, 0);
	struct fog_plan without, with;
	struct fog_pools_plan p;
	int node[FOG_WORKERS_MAX] = {0};

	l.packet_buffers = 400000;
	fog_plan(&l, PACKET, 1, &without);
	CU_ASSERT_EQUAL(without.queues, 0);
	l.links = FOG_LINKS_NOISE;
	fog_plan(&l, PACKET, 1, &with);
	CU_ASSERT_TRUE(
	        with.queues >
	        FOG_WORKERS_MAX * FOG_PUNT_SLOTS * (uint64_t)sizeof(struct fog_link_punt)
	);
	CU_ASSERT_EQUAL(with.eal_need, without.eal_need + with.queues);
	l.memory_mib = (uint32_t)fog_plan_mib(&without);
	CU_ASSERT_EQUAL(fog_pools_plan(&l, PACKET, node, &p, &with), -ENOSPC);
	l.memory_mib = (uint32_t)fog_plan_mib(&with);
	CU_ASSERT_EQUAL(fog_pools_plan(&l, PACKET, node, &p, &with), 0);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"one node", test_one_node},
	        {"two nodes", test_two_nodes},
	        {"a node for each worker", test_a_node_each},
	        {"too little", test_too_little},
	        {"queues of link messages", test_queues},
	        CU_TEST_INFO_NULL,
	};
	return check_run("pools", tests);
}
