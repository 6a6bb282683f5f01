// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Traffic through AF_XDP ports on a veth pair between two network namespaces.
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "../run.h"
#include "afxdp_pair.h"

static void test_two_queues(void)
{
	const struct frame to_b = {.to = "10.9.0.2", .from = "10.9.0.1", .payload = 1408};
	const struct frame to_a = {.to = "fd09::1", .from = "fd09::2", .payload = 1408};
	struct fog_blob_port conf_a, conf_b;
	struct fog_port *a, *b;
	struct fog_stats_port stats;

	pair_make(2, 1500);
	conf_a = pair_conf("fa", 2);
	conf_b = pair_conf("fb", 2);
	a = pair_run(pair_a, &conf_a);
	b = pair_run(pair_b, &conf_b);
	CU_ASSERT_EQUAL(a->ifindex, (int)if_nametoindex("fa"));
	CU_ASSERT_TRUE(a->address_count >= 2);
	CU_ASSERT_EQUAL(a->address[0].family, 4);
	CU_ASSERT_EQUAL(a->address[0].addr[3], 1);
	pair_pass(a, b, &to_b, 10000);
	pair_pass(b, a, &to_a, 10000);
	stats = pair_stats(a);
	CU_ASSERT_STRING_EQUAL(stats.mode, "native-copy");
	CU_ASSERT_EQUAL(stats.link_up, 1);
	CU_ASSERT_EQUAL(stats.tx_frames, 10000);
	CU_ASSERT_EQUAL(stats.rx_frames, 10000);
	CU_ASSERT_EQUAL(stats.tx_bytes, 10000 * (14 + 20 + 8 + 1408));
	CU_ASSERT_EQUAL(stats.rx_bytes, 10000 * (14 + 40 + 8 + 1408));
	CU_ASSERT_EQUAL(stats.lost_rx_ring + stats.lost_no_buffer + stats.lost_invalid, 0);
	CU_ASSERT_EQUAL(stats.lost_steer + stats.tx_failed, 0);
	CU_ASSERT_TRUE(stats.to_kernel > 0); // the pings
	a->ops->close(a);
	b->ops->close(b);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pair_pool), PAIR_BUFFERS);
	pair_remove();
}

// Both queues receive: what leaves queue q of a veth arrives on queue q of its peer.
static void test_each_queue(void)
{
	const struct frame shape = {.to = "10.9.0.2", .payload = 64};
	struct fog_blob_port conf_a, conf_b;
	struct fog_port *a, *b;

	pair_make(2, 1500);
	conf_a = pair_conf("fa", 2);
	conf_b = pair_conf("fb", 2);
	a = pair_run(pair_a, &conf_a);
	b = pair_run(pair_b, &conf_b);
	for (uint16_t q = 0; q < 2; q++) {
		struct pollfd wait = {.fd = b->ops->idle_fd(b, q), .events = POLLIN};
		struct rte_mbuf *m;

		CU_ASSERT_EQUAL(b->ops->rx_burst(b, q, &m, 1), 0);
		CU_ASSERT_EQUAL(poll(&wait, 1, 0), 0);
		pair_send(a, q, pair_frame(b, &shape, q));
		CU_ASSERT_EQUAL(poll(&wait, 1, 10000), 1);
		CU_ASSERT_EQUAL_FATAL(b->ops->rx_burst(b, q, &m, 1), 1);
		CU_ASSERT_EQUAL(pair_check(b, &shape, m), q);
		rte_pktmbuf_free(m);
		CU_ASSERT_EQUAL(poll(&wait, 1, 0), 0);
	}
	a->ops->close(a);
	b->ops->close(b);
	pair_remove();
}

// 5,000 received packets stay parked, more than a UMEM has frames: receiving goes on.
static void test_parked(void)
{
	static struct rte_mbuf *parked[5000];
	const struct frame shape = {.to = "10.9.0.2", .payload = 200};
	struct fog_blob_port conf_a, conf_b;
	struct fog_port *a, *b;
	unsigned held = 0, got;

	pair_make(1, 1500);
	conf_a = pair_conf("fa", 1);
	conf_b = pair_conf("fb", 1);
	a = pair_run(pair_a, &conf_a);
	b = pair_run(pair_b, &conf_b);
	while (held < 5000) {
		pair_send(a, 0, pair_frame(b, &shape, held));
		got = net_receive(b, parked + held, 5000 - held);
		CU_ASSERT_EQUAL_FATAL(got, 1);
		held += got;
	}
	for (unsigned i = 0; i < held; i++)
		CU_ASSERT_EQUAL(pair_check(b, &shape, parked[i]), i);
	pair_pass(a, b, &shape, 500);
	CU_ASSERT_EQUAL(pair_stats(b).lost_no_buffer, 0);
	rte_pktmbuf_free_bulk(parked, held);
	a->ops->close(a);
	b->ops->close(b);
	pair_remove();
}

static uint64_t device_count(struct fog_port *port, const char *name)
{
	struct fog_stats_device stats;

	port->ops->device_stats(port, &stats);
	for (unsigned i = 0; i < stats.count; i++)
		if (strcmp(stats.name[i], name) == 0)
			return stats.value[i];
	CU_FAIL_FATAL("no such counter");
	return 0;
}

// Nobody takes frames: once the UMEM is full of them, the rest is lost, by the kernel's own account
// too.
static void test_nobody_receives(void)
{
	const struct frame shape = {.to = "10.9.0.2", .payload = 200};
	struct fog_blob_port conf_a, conf_b;
	struct fog_port *a, *b;
	uint64_t lost;

	pair_make(1, 1500);
	conf_a = pair_conf("fa", 1);
	conf_b = pair_conf("fb", 1);
	a = pair_run(pair_a, &conf_a);
	b = pair_run(pair_b, &conf_b);
	CU_ASSERT_EQUAL(device_count(b, "xdp_rx_dropped"), 0);
	for (unsigned i = 0; i < 3000; i++)
		pair_send(a, 0, pair_frame(b, &shape, i));
	lost = device_count(b, "xdp_rx_dropped") + device_count(b, "xdp_rx_ring_full");
	CU_ASSERT_EQUAL(lost, 3000 - 2048);
	CU_ASSERT_EQUAL(pair_stats(b).lost_rx_ring + pair_stats(b).lost_no_buffer, lost);
	CU_ASSERT_TRUE(device_count(b, "xdp_rx_fill_ring_empty_descs") > 0);
	a->ops->close(a);
	b->ops->close(b);
	pair_remove();
}

// With the pair_pool empty frames are lost and counted, more than a UMEM has; with buffers back receiving
// goes on.
static void test_pool_empty(void)
{
	static struct rte_mbuf *all[PAIR_BUFFERS];
	const struct frame shape = {.to = "10.9.0.2", .payload = 200};
	struct fog_blob_port conf_a, conf_b;
	struct fog_port *a, *b;
	struct rte_mbuf *m;
	unsigned taken;

	pair_make(1, 1500);
	conf_a = pair_conf("fa", 1);
	conf_b = pair_conf("fb", 1);
	a = pair_run(pair_a, &conf_a);
	b = pair_run(pair_b, &conf_b);
	struct pollfd wait = {.fd = b->ops->idle_fd(b, 0), .events = POLLIN};
	for (taken = 0; taken < PAIR_BUFFERS && (all[taken] = rte_pktmbuf_alloc(pair_pool));
	     taken++)
		continue;
	for (unsigned i = 0; i < 3000; i++) {
		pair_send(a, 0, pair_frame(b, &shape, i));
		CU_ASSERT_EQUAL_FATAL(poll(&wait, 1, 10000), 1);
		CU_ASSERT_EQUAL(b->ops->rx_burst(b, 0, &m, 1), 0);
	}
	CU_ASSERT_EQUAL(pair_stats(b).lost_no_buffer, 3000);
	CU_ASSERT_EQUAL(pair_stats(b).rx_frames, 0);
	rte_pktmbuf_free_bulk(all, taken);
	pair_pass(a, b, &shape, 5000);
	a->ops->close(a);
	b->ops->close(b);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pair_pool), PAIR_BUFFERS);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pair_spare), PAIR_SPARE);
	pair_remove();
}

// After stop our frames die in the program, are counted, and sending still works.
static void test_stop(void)
{
	const struct frame to_a = {.to = "10.9.0.1", .payload = 64},
	                   to_b = {.to = "10.9.0.2", .payload = 64};
	struct fog_blob_port conf_a, conf_b;
	struct fog_port *a, *b;
	struct rte_mbuf *m;

	pair_make(1, 1500);
	conf_a = pair_conf("fa", 1);
	conf_b = pair_conf("fb", 1);
	a = pair_run(pair_a, &conf_a);
	b = pair_run(pair_b, &conf_b);
	a->ops->stop(a);
	for (unsigned i = 0; i < 5; i++)
		pair_send(b, 0, pair_frame(a, &to_a, i));
	for (unsigned i = 0; i < 10000 && pair_stats(a).lost_steer < 5; i++)
		usleep(1000);
	CU_ASSERT_EQUAL(pair_stats(a).lost_steer, 5);
	CU_ASSERT_EQUAL(a->ops->rx_burst(a, 0, &m, 1), 0);
	CU_ASSERT_EQUAL(pair_ping(), 1);
	pair_pass(a, b, &to_b, 100);
	CU_ASSERT_EQUAL(a->ops->start(a), 0);
	pair_pass(b, a, &to_a, 100);
	a->ops->close(a);
	b->ops->close(b);
	pair_remove();
}

// Packets of 3,506 bytes, the most that native XDP on veth lets through.
static void test_big_frames(void)
{
	const struct frame shape = {.to = "10.9.0.2", .payload = 3506 - 28};
	struct fog_blob_port conf_a, conf_b;
	struct fog_port *a, *b;

	pair_make(1, 3506);
	conf_a = pair_conf("fa", 1);
	conf_b = pair_conf("fb", 1);
	conf_a.mtu = conf_b.mtu = 3506;
	a = pair_run(pair_a, &conf_a);
	b = pair_run(pair_b, &conf_b);
	pair_pass(a, b, &shape, 2500);
	CU_ASSERT_STRING_EQUAL(pair_stats(b).mode, "native-copy");
	CU_ASSERT_STRING_EQUAL(pair_stats(b).xdp_why, "zero-copy refused: Operation not supported");
	a->ops->close(a);
	b->ops->close(b);
	pair_remove();
}

// Generic mode on request, and by itself where native is refused (a veth with a larger MTU).
static void test_generic(void)
{
	const struct frame shape = {.to = "10.9.0.2", .payload = 1000};
	struct fog_blob_port conf_a, conf_b;
	struct fog_port *a, *b = NULL;
	char error[512];

	pair_make(1, 9000);
	conf_a = pair_conf("fa", 1);
	conf_b = pair_conf("fb", 1);
	conf_a.xdp_mode = FOG_XDP_GENERIC;
	a = pair_run(pair_a, &conf_a);
	conf_b.xdp_mode = FOG_XDP_NATIVE;
	CU_ASSERT_EQUAL(pair_open(pair_b, &conf_b, &b, error), -ERANGE);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "lower the MTU"));
	conf_b.xdp_mode = FOG_XDP_AUTO;
	b = pair_run(pair_b, &conf_b);
	pair_pass(a, b, &shape, 1000);
	CU_ASSERT_STRING_EQUAL(pair_stats(a).mode, "generic-copy");
	CU_ASSERT_STRING_EQUAL(pair_stats(a).xdp_why, "native refused: xdp_mode is generic");
	CU_ASSERT_STRING_EQUAL(pair_stats(b).mode, "generic-copy");
	CU_ASSERT_PTR_NOT_NULL(strstr(
	        pair_stats(b).xdp_why, "native refused: Numerical result out of range; lower"
	));
	a->ops->close(a);
	b->ops->close(b);
	pair_remove();
}

// What the filter drops is counted by verdict and as lost; the rest arrives. It can be changed while
// frames arrive, and taken away again.
static void test_filter(void)
{
	const struct fog_prefix deny = {.ip = frame_ip("192.0.2.66"), .len = 32};
	const struct fog_port_filter on = {.early_drop = 1, .deny = &deny, .deny_count = 1};
	const struct fog_port_filter off = {};
	const struct frame packet = {.to = "10.9.0.2", .payload = PAIR_PAYLOAD};
	const struct frame small = {.to = "10.9.0.2", .payload = 18};
	const struct frame denied = {
	        .to = "10.9.0.2", .payload = PAIR_PAYLOAD, .from = "192.0.2.66"};
	struct fog_blob_port conf_a, conf_b;
	struct fog_stats_port stats;
	struct fog_port *a, *b;

	pair_make(1, 1500);
	conf_a = pair_conf("fa", 1);
	conf_b = pair_conf("fb", 1);
	a = pair_run(pair_a, &conf_a);
	b = pair_run(pair_b, &conf_b);
	pair_pass(a, b, &small, 100); // nothing is filtered before the first call
	CU_ASSERT_EQUAL_FATAL(b->ops->set_filter(b, &on), 0);
	for (uint32_t i = 0; i < 50; i++) {
		pair_send(a, 0, pair_frame(b, &small, i));
		pair_send(a, 0, pair_frame(b, &denied, i));
	}
	pair_pass(a, b, &packet, 1000);
	stats = pair_stats(b);
	CU_ASSERT_EQUAL(stats.steer[FOG_STEER_DROP_LENGTH], 50);
	CU_ASSERT_EQUAL(stats.steer[FOG_STEER_DROP_DENIED], 50);
	CU_ASSERT_EQUAL(stats.steer[FOG_STEER_REDIRECTED], 1100);
	CU_ASSERT_EQUAL(stats.lost_steer, 100);
	CU_ASSERT_EQUAL(stats.rx_frames, 1100);
	CU_ASSERT_EQUAL_FATAL(b->ops->set_filter(b, &off), 0);
	pair_pass(a, b, &small, 100);
	pair_pass(a, b, &denied, 100);
	CU_ASSERT_EQUAL(pair_stats(b).lost_steer, 100);
	a->ops->close(a);
	b->ops->close(b);
	pair_remove();
}

// Busy polling takes frames where the interface defers its interrupts, and workers spin; elsewhere
// it is left alone. sysfs shows the interfaces of the namespace that it was mounted in.
static void test_busy_poll(void)
{
	const struct frame shape = {.to = "10.9.0.1", .payload = 500};
	struct fog_blob_port conf_a, conf_b;
	struct fog_port *a, *b;

	pair_make(2, 1500);
	CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNS), 0);
	CU_ASSERT_EQUAL_FATAL(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(mount("sysfs", "/sys", "sysfs", 0, NULL), 0);
	conf_a = pair_conf("fa", 2);
	conf_b = pair_conf("fb", 2);
	b = pair_run(pair_b, &conf_b);
	pair_busy = true;
	a = pair_run(pair_a, &conf_a);
	CU_ASSERT_STRING_EQUAL(pair_stats(a).mode, "native-copy");
	a->ops->close(a);
	net_run("echo 2 > /sys/class/net/fa/napi_defer_hard_irqs");
	net_run("echo 200000 > /sys/class/net/fa/gro_flush_timeout");
	a = pair_run(pair_a, &conf_a);
	CU_ASSERT_STRING_EQUAL(pair_stats(a).mode, "native-copy, busy poll");
	pair_pass(b, a, &shape, 3000);
	a->ops->close(a);
	pair_busy = false;
	a = pair_run(pair_a, &conf_a);
	CU_ASSERT_STRING_EQUAL(pair_stats(a).mode, "native-copy");
	a->ops->close(a);
	b->ops->close(b);
	CU_ASSERT_EQUAL(umount2("/sys", MNT_DETACH), 0);
	pair_remove();
}

// The tag is ours; other tags and untagged frames are the kernel's.
static void check_vlan(
        const struct fog_blob_port *conf_a, const struct fog_blob_port *conf_b, int index
)
{
	const struct frame tagged = {.to = "10.8.0.2", .vlan = 100, .payload = 500};
	const struct frame others[] = {
	        {.to = "10.8.0.2", .payload = 500},
	        {.to = "10.8.0.2", .vlan = 99, .payload = 500},
	};
	struct fog_port *a = pair_run(pair_a, conf_a), *b = pair_run(pair_b, conf_b);
	uint64_t before = pair_stats(b).to_kernel;
	struct rte_mbuf *m;

	CU_ASSERT_EQUAL(b->ifindex, index);
	CU_ASSERT_EQUAL(b->address_count, 1);
	CU_ASSERT_EQUAL(b->address[0].addr[1], 8);
	pair_pass(a, b, &tagged, 1000);
	for (unsigned i = 0; i < 2; i++)
		pair_send(a, 0, pair_frame(b, &others[i], 0));
	for (unsigned i = 0; i < 10000 && pair_stats(b).to_kernel < before + 2; i++)
		usleep(1000);
	CU_ASSERT_TRUE(pair_stats(b).to_kernel >= before + 2);
	CU_ASSERT_EQUAL(b->ops->rx_burst(b, 0, &m, 1), 0);
	a->ops->close(a);
	b->ops->close(b);
}

// A VLAN without a kernel interface: addresses come from the config.
static void test_vlan(void)
{
	struct fog_blob_port conf_a, conf_b;

	pair_make(1, 1500);
	conf_a = pair_conf("fa", 1);
	conf_b = pair_conf("fb", 1);
	conf_a.vlan = conf_b.vlan = 100;
	conf_a.address_count = conf_b.address_count = 1;
	conf_a.address[0] = frame_ip("10.8.0.1");
	conf_b.address[0] = frame_ip("10.8.0.2");
	check_vlan(&conf_a, &conf_b, 0);
	pair_remove();
}

// A VLAN interface of the kernel gives addresses and ifindex.
static void test_vlan_interface(void)
{
	struct fog_blob_port conf_a, conf_b;
	int index;

	pair_make(1, 1500);
	if (net_run("ip link add link fa name fa.100 up type vlan id 100 2>/dev/null") != 0) {
		printf("skipped: kernel without CONFIG_VLAN_8021Q ");
		pair_remove();
		return;
	}
	net_run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1; ip addr add 10.8.0.1/24 dev fa.100");
	net_enter(pair_b);
	net_run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1");
	net_run("ip link add link fb name fb.99 up type vlan id 99; ip addr add 10.7.0.2/24 dev fb.99"
	);
	net_run("ip link add link fb name fb.100 up type vlan id 100; ip addr add 10.8.0.2/24 dev fb.100"
	);
	index = if_nametoindex("fb.100");
	net_enter(pair_a);
	conf_a = pair_conf("fa", 1);
	conf_b = pair_conf("fb", 1);
	conf_a.vlan = conf_b.vlan = 100;
	check_vlan(&conf_a, &conf_b, index);
	pair_remove();
}

int main(int argc, char **argv)
{
	CU_pSuite suite;

	net_need_root();
	pair_start(argv[0]);
	CU_initialize_registry();
	suite = CU_add_suite("afxdp", NULL, NULL);
	CU_add_test(suite, "two queues, both ways, among pings", test_two_queues);
	CU_add_test(suite, "each queue and its descriptor", test_each_queue);
	CU_add_test(suite, "5,000 packets parked", test_parked);
	CU_add_test(suite, "nobody receives", test_nobody_receives);
	CU_add_test(suite, "pool empty", test_pool_empty);
	CU_add_test(suite, "stop and start again", test_stop);
	CU_add_test(suite, "3,506-byte packets", test_big_frames);
	CU_add_test(suite, "generic mode", test_generic);
	CU_add_test(suite, "filter", test_filter);
	CU_add_test(suite, "busy poll", test_busy_poll);
	CU_add_test(suite, "VLAN port with its own addresses", test_vlan);
	CU_add_test(suite, "VLAN port on a kernel interface", test_vlan_interface);
	return check_run_registered();
}
