// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../run.h"
#include "net.h"

enum { BUFFERS = 12000 };

static struct rte_mempool *pool;

static struct fog_port *open_loop(uint16_t queues)
{
	struct fog_blob_port conf = {
	        .name = "lo",
	        .driver = FOG_DRIVER_LOOP,
	        .queues = queues,
	        .vlan = 7,
	        .mtu = 1500,
	        .address_count = 1,
	        .address = {{.family = 4, .addr = {10, 0, 0, 1}}}};
	char error[256];
	const struct fog_port_params params = {
	        .conf = &conf,
	        .pool = &pool,
	        .workers = 1,
	        .error = error,
	        .error_len = sizeof(error)};
	struct fog_port *port = NULL;

	CU_ASSERT_EQUAL_FATAL(fog_port_open(&params, &port), 0);
	CU_ASSERT_EQUAL(port->queues, queues);
	CU_ASSERT_EQUAL(port->vlan, 7);
	CU_ASSERT_EQUAL(port->mtu, 1500);
	CU_ASSERT_EQUAL(port->ifindex, 0);
	CU_ASSERT_EQUAL(port->address_count, 1);
	CU_ASSERT_EQUAL(port->address[0].addr[3], 1);
	CU_ASSERT_STRING_EQUAL(port->name, "lo");
	return port;
}

static struct rte_mbuf *numbered(uint32_t n)
{
	return net_mbuf(pool, (const uint8_t *)&n, sizeof(n));
}

static uint32_t number_of(const struct rte_mbuf *m)
{
	return *rte_pktmbuf_mtod(m, const uint32_t *);
}

// Frames keep their order and their queue in both directions, and the counters say so.
static void test_both_ways(void)
{
	struct fog_port *port = open_loop(2);
	struct fog_stats_port stats = {.name = "kept"};
	struct rte_mbuf *m, *back[8];

	CU_ASSERT_EQUAL(port->ops->start(port), 0);
	for (uint32_t i = 0; i < 6; i++) {
		m = numbered(i);
		CU_ASSERT_EQUAL(fog_loop_put(port, i % 2, &m, 1), 1);
	}
	CU_ASSERT_EQUAL(port->ops->rx_burst(port, 1, back, 8), 3);
	for (uint32_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(number_of(back[i]), 2 * i + 1);
	CU_ASSERT_EQUAL(port->ops->tx_burst(port, 1, back, 3), 3);
	CU_ASSERT_EQUAL(fog_loop_take(port, 0, back, 8), 0);
	CU_ASSERT_EQUAL(fog_loop_take(port, 1, back, 8), 3);
	CU_ASSERT_EQUAL(number_of(back[2]), 5);
	rte_pktmbuf_free_bulk(back, 3);
	CU_ASSERT_EQUAL(port->ops->rx_burst(port, 0, back, 2), 2);
	CU_ASSERT_EQUAL(number_of(back[1]), 2);
	rte_pktmbuf_free_bulk(back, 2);
	CU_ASSERT_EQUAL(port->ops->idle_fd(port, 0), -ENOTSUP);
	port->ops->stats(port, &stats);
	CU_ASSERT_STRING_EQUAL(stats.name, "kept");
	CU_ASSERT_STRING_EQUAL(stats.mode, "loop");
	CU_ASSERT_EQUAL(stats.queues, 2);
	CU_ASSERT_EQUAL(stats.rx_frames, 5);
	CU_ASSERT_EQUAL(stats.rx_bytes, 20);
	CU_ASSERT_EQUAL(stats.tx_frames, 3);
	CU_ASSERT_EQUAL(stats.tx_bytes, 12);
	port->ops->close(port); // one frame is still inside
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS);
}

// Nothing enters before start or after stop; sending goes on after stop.
static void test_start_stop(void)
{
	struct fog_port *port = open_loop(1);
	struct rte_mbuf *m = numbered(1), *back;

	CU_ASSERT_EQUAL(fog_loop_put(port, 0, &m, 1), 0);
	port->ops->start(port);
	CU_ASSERT_EQUAL(fog_loop_put(port, 0, &m, 1), 1);
	port->ops->stop(port);
	CU_ASSERT_EQUAL(port->ops->rx_burst(port, 0, &back, 1), 1);
	CU_ASSERT_EQUAL(fog_loop_put(port, 0, &back, 1), 0);
	CU_ASSERT_EQUAL(port->ops->tx_burst(port, 0, &back, 1), 1);
	CU_ASSERT_EQUAL(fog_loop_take(port, 0, &m, 1), 1);
	rte_pktmbuf_free(m);
	port->ops->close(port);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS);
}

// A full ring takes what fits and leaves the rest with the caller.
static void test_full(void)
{
	static struct rte_mbuf *frames[5000];
	struct fog_stats_port stats = {};
	struct fog_port *port = open_loop(1);
	unsigned taken;

	port->ops->start(port);
	for (uint32_t i = 0; i < 5000; i++)
		frames[i] = numbered(i);
	taken = port->ops->tx_burst(port, 0, frames, 5000);
	CU_ASSERT_TRUE(taken >= 4000 && taken < 5000);
	CU_ASSERT_EQUAL(port->ops->tx_burst(port, 0, frames + taken, 1), 0);
	port->ops->stats(port, &stats);
	CU_ASSERT_EQUAL(stats.tx_frames, taken);
	CU_ASSERT_EQUAL(number_of(frames[taken]), taken);
	rte_pktmbuf_free_bulk(frames + taken, 5000 - taken);
	port->ops->close(port);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS);
}

struct refusal {
	struct fog_blob_port conf;
	const char *says;
};

static const struct refusal refusals[] = {
        {{.name = "p", .driver = 9, .queues = 1}, "set driver to loop, afxdp, dpdk or auto"},
        {{.name = "p", .driver = FOG_DRIVER_LOOP}, "set queues to 1 to 64"},
        {{.name = "p", .driver = FOG_DRIVER_LOOP, .queues = 65}, "set queues to 1 to 64"},
        {{.name = "p", .driver = FOG_DRIVER_LOOP, .queues = 1, .address_count = 9}, "at most 8"},
};

// What no driver can open is refused with a sentence.
static void test_refused(void)
{
	for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		char error[256] = "";
		const struct fog_port_params params = {
		        .conf = &refusals[i].conf,
		        .pool = &pool,
		        .workers = 1,
		        .error = error,
		        .error_len = sizeof(error)};
		struct fog_port *port;

		CU_ASSERT_EQUAL(fog_port_open(&params, &port), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(error, refusals[i].says));
		CU_ASSERT_PTR_NOT_NULL(strstr(error, "port p: "));
	}
}

int main(int argc, char **argv)
{
	CU_pSuite suite;

	net_eal(argv[0]);
	pool = net_pool("loop", BUFFERS);
	CU_initialize_registry();
	suite = CU_add_suite("loop", NULL, NULL);
	CU_add_test(suite, "frames both ways", test_both_ways);
	CU_add_test(suite, "start and stop", test_start_stop);
	CU_add_test(suite, "full ring", test_full);
	CU_add_test(suite, "refused configs", test_refused);
	return check_run_registered();
}
