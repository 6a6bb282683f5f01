// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The AF_XDP driver on veth pairs between two network namespaces.
#include <CUnit/Basic.h>
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "net.h"

enum { BUFFERS = 16000, BURST = 64, WINDOW = 128 };

static struct rte_mempool *pool;
static int ns_a, ns_b;

// A fresh pair fa (10.9.0.1, fd09::1 in ns_a) and fb (.2, ::2 in ns_b) for every test.
static void pair_make(unsigned queues, unsigned mtu)
{
	ns_a = net_new();
	ns_b = net_new();
	net_veth(ns_a, "fa", ns_b, "fb", queues, mtu);
	net_run("ip address add 10.9.0.1/24 dev fa; ip address add fd09::1/64 dev fa nodad");
	net_enter(ns_b);
	net_run("ip address add 10.9.0.2/24 dev fb; ip address add fd09::2/64 dev fb nodad");
	net_enter(ns_a);
}

static void pair_remove(void)
{
	net_enter(ns_a);
	net_run("ip link del fa");
	close(ns_a);
	close(ns_b);
}

static struct fog_blob_port conf_of(const char *interface, uint16_t queues)
{
	struct fog_blob_port conf = {.driver = FOG_DRIVER_AFXDP, .queues = queues, .mtu = 1500};

	snprintf(conf.name, sizeof(conf.name), "p-%s", interface);
	snprintf(conf.device, sizeof(conf.device), "%s", interface);
	return conf;
}

static int open_conf(int ns, const struct fog_blob_port *conf, struct fog_port **port, char *error)
{
	const struct fog_port_params params = {
	        .conf = conf,
	        .mix_port = FRAME_MIX_PORT,
	        .pool = pool,
	        .error = error,
	        .error_len = 512,
	};
	int ret;

	error[0] = 0;
	net_enter(ns);
	ret = fog_port_open(&params, port);
	net_enter(ns_a);
	return ret;
}

static struct fog_port *open_started(int ns, const struct fog_blob_port *conf)
{
	struct fog_port *port = NULL;
	char error[512];
	int ret = open_conf(ns, conf, &port, error);

	if (ret < 0)
		printf("\n  %s", error);
	CU_ASSERT_EQUAL_FATAL(ret, 0);
	CU_ASSERT_EQUAL_FATAL(port->ops->start(port), 0);
	return port;
}

static struct fog_stats_port stats_of(struct fog_port *port)
{
	struct fog_stats_port stats = {};

	port->ops->stats(port, &stats);
	return stats;
}

// A frame for port 'to' whose payload starts with 'number'.
static struct rte_mbuf *frame_to(struct fog_port *to, const struct frame *shape, uint32_t number)
{
	struct frame f = *shape;
	uint8_t bytes[FRAME_MAX];
	unsigned len;

	memcpy(f.mac_to, to->mac, 6);
	len = frame_build(&f, number, bytes);
	memcpy(bytes + len - f.payload, &number, sizeof(number));
	return net_mbuf(pool, bytes, len);
}

// Check a received frame byte by byte against the one that was sent; returns its number.
static uint32_t check_frame(struct fog_port *to, const struct frame *shape, struct rte_mbuf *m)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	struct rte_mbuf *sent;
	uint32_t number = 0;

	CU_ASSERT_TRUE_FATAL(m->data_len >= shape->payload);
	memcpy(&number, data + m->data_len - shape->payload, sizeof(number));
	sent = frame_to(to, shape, number);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sent);
	CU_ASSERT_EQUAL(m->pkt_len, sent->pkt_len);
	CU_ASSERT_EQUAL(m->data_len, sent->data_len);
	CU_ASSERT_EQUAL(memcmp(data, rte_pktmbuf_mtod(sent, void *), sent->data_len), 0);
	rte_pktmbuf_free(sent);
	return number;
}

static void send_one(struct fog_port *from, uint16_t queue, struct rte_mbuf *m)
{
	CU_ASSERT_EQUAL_FATAL(from->ops->tx_burst(from, queue, &m, 1), 1);
}

// One ICMP echo from a kernel socket in ns_b to 'fa'. Returns 1 when it was answered.
static int ping(void)
{
	union {
		struct sockaddr_in in;
		struct sockaddr any;
	} to = {.in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a090001)}};
	struct icmphdr echo = {.type = ICMP_ECHO}, answer = {};
	int fd;

	net_enter(ns_b);
	net_run("sysctl -q -w net.ipv4.ping_group_range='0 0'");
	fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	net_enter(ns_a);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	sendto(fd, &echo, sizeof(echo), 0, &to.any, sizeof(to));
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	int got = poll(&wait, 1, 10000) == 1 && recv(fd, &answer, sizeof(answer), 0) > 0;
	close(fd);
	return got && answer.type == ICMP_ECHOREPLY;
}

// Send 'total' frames on alternating queues, never more than WINDOW on their way, and see each
// arrive once and whole.
static void pass(
        struct fog_port *from, struct fog_port *to, const struct frame *shape, unsigned total
)
{
	uint8_t *seen = calloc(total, 1);
	unsigned sent = 0, received = 0, got = 1;

	while (received < total && got) {
		struct rte_mbuf *frames[BURST];
		uint16_t n = 0, queue = (sent / BURST) % from->queues;

		while (n < BURST && sent + n < total && sent + n < received + WINDOW) {
			frames[n] = frame_to(to, shape, sent + n);
			n++;
		}
		CU_ASSERT_EQUAL_FATAL(from->ops->tx_burst(from, queue, frames, n), n);
		sent += n;
		got = net_receive(to, frames, BURST);
		for (unsigned i = 0; i < got; i++) {
			uint32_t number = check_frame(to, shape, frames[i]);
			CU_ASSERT_TRUE_FATAL(number < total);
			CU_ASSERT_EQUAL(seen[number]++, 0);
			rte_pktmbuf_free(frames[i]);
		}
		received += got;
		if (received % 2048 < got)
			CU_ASSERT_EQUAL(ping(), 1);
	}
	CU_ASSERT_EQUAL(received, total);
	free(seen);
}

static void test_two_queues(void)
{
	const struct frame to_b = {.to = "10.9.0.2", .from = "10.9.0.1", .payload = 1408};
	const struct frame to_a = {.to = "fd09::1", .from = "fd09::2", .payload = 1408};
	struct fog_blob_port conf_a, conf_b;
	struct fog_port *a, *b;
	struct fog_stats_port stats;

	pair_make(2, 1500);
	conf_a = conf_of("fa", 2);
	conf_b = conf_of("fb", 2);
	a = open_started(ns_a, &conf_a);
	b = open_started(ns_b, &conf_b);
	CU_ASSERT_EQUAL(a->ifindex, (int)if_nametoindex("fa"));
	CU_ASSERT_TRUE(a->address_count >= 2);
	CU_ASSERT_EQUAL(a->address[0].family, 4);
	CU_ASSERT_EQUAL(a->address[0].addr[3], 1);
	pass(a, b, &to_b, 10000);
	pass(b, a, &to_a, 10000);
	stats = stats_of(a);
	CU_ASSERT_STRING_EQUAL(stats.mode, "native-copy (zero-copy not requested)");
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
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS);
	pair_remove();
}

// Both queues receive: what leaves queue q of a veth arrives on queue q of its peer.
static void test_each_queue(void)
{
	const struct frame shape = {.to = "10.9.0.2", .payload = 64};
	struct fog_blob_port conf_a, conf_b;
	struct fog_port *a, *b;

	pair_make(2, 1500);
	conf_a = conf_of("fa", 2);
	conf_b = conf_of("fb", 2);
	a = open_started(ns_a, &conf_a);
	b = open_started(ns_b, &conf_b);
	for (uint16_t q = 0; q < 2; q++) {
		struct pollfd wait = {.fd = b->ops->idle_fd(b, q), .events = POLLIN};
		struct rte_mbuf *m;

		CU_ASSERT_EQUAL(b->ops->rx_burst(b, q, &m, 1), 0);
		CU_ASSERT_EQUAL(poll(&wait, 1, 0), 0);
		send_one(a, q, frame_to(b, &shape, q));
		CU_ASSERT_EQUAL(poll(&wait, 1, 10000), 1);
		CU_ASSERT_EQUAL_FATAL(b->ops->rx_burst(b, q, &m, 1), 1);
		CU_ASSERT_EQUAL(check_frame(b, &shape, m), q);
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
	conf_a = conf_of("fa", 1);
	conf_b = conf_of("fb", 1);
	a = open_started(ns_a, &conf_a);
	b = open_started(ns_b, &conf_b);
	while (held < 5000) {
		send_one(a, 0, frame_to(b, &shape, held));
		got = net_receive(b, parked + held, 5000 - held);
		CU_ASSERT_EQUAL_FATAL(got, 1);
		held += got;
	}
	for (unsigned i = 0; i < held; i++)
		CU_ASSERT_EQUAL(check_frame(b, &shape, parked[i]), i);
	pass(a, b, &shape, 500);
	CU_ASSERT_EQUAL(stats_of(b).lost_no_buffer, 0);
	rte_pktmbuf_free_bulk(parked, held);
	a->ops->close(a);
	b->ops->close(b);
	pair_remove();
}

// With the pool empty frames are lost and counted; with buffers back receiving goes on.
static void test_pool_empty(void)
{
	static struct rte_mbuf *all[BUFFERS];
	const struct frame shape = {.to = "10.9.0.2", .payload = 200};
	struct fog_blob_port conf_a, conf_b;
	struct fog_port *a, *b;
	struct rte_mbuf *m;
	unsigned taken;

	pair_make(1, 1500);
	conf_a = conf_of("fa", 1);
	conf_b = conf_of("fb", 1);
	a = open_started(ns_a, &conf_a);
	b = open_started(ns_b, &conf_b);
	for (unsigned i = 0; i < 10; i++)
		send_one(a, 0, frame_to(b, &shape, i));
	struct pollfd wait = {.fd = b->ops->idle_fd(b, 0), .events = POLLIN};
	for (taken = 0; taken < BUFFERS && (all[taken] = rte_pktmbuf_alloc(pool)); taken++)
		continue;
	for (unsigned i = 0; i < 1000 && stats_of(b).lost_no_buffer < 10; i++) {
		poll(&wait, 1, 10);
		CU_ASSERT_EQUAL(b->ops->rx_burst(b, 0, &m, 1), 0);
	}
	CU_ASSERT_EQUAL(stats_of(b).lost_no_buffer, 10);
	CU_ASSERT_EQUAL(stats_of(b).rx_frames, 0);
	rte_pktmbuf_free_bulk(all, taken);
	pass(a, b, &shape, 5000);
	a->ops->close(a);
	b->ops->close(b);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS);
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
	conf_a = conf_of("fa", 1);
	conf_b = conf_of("fb", 1);
	a = open_started(ns_a, &conf_a);
	b = open_started(ns_b, &conf_b);
	a->ops->stop(a);
	for (unsigned i = 0; i < 5; i++)
		send_one(b, 0, frame_to(a, &to_a, i));
	for (unsigned i = 0; i < 10000 && stats_of(a).lost_steer < 5; i++)
		usleep(1000);
	CU_ASSERT_EQUAL(stats_of(a).lost_steer, 5);
	CU_ASSERT_EQUAL(a->ops->rx_burst(a, 0, &m, 1), 0);
	CU_ASSERT_EQUAL(ping(), 1);
	pass(a, b, &to_b, 100);
	CU_ASSERT_EQUAL(a->ops->start(a), 0);
	pass(b, a, &to_a, 100);
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
	conf_a = conf_of("fa", 1);
	conf_b = conf_of("fb", 1);
	conf_a.mtu = conf_b.mtu = 3506;
	a = open_started(ns_a, &conf_a);
	b = open_started(ns_b, &conf_b);
	pass(a, b, &shape, 2500);
	CU_ASSERT_STRING_EQUAL(stats_of(b).mode, "native-copy (zero-copy not requested)");
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
	conf_a = conf_of("fa", 1);
	conf_b = conf_of("fb", 1);
	conf_a.xdp_mode = FOG_XDP_GENERIC;
	a = open_started(ns_a, &conf_a);
	conf_b.xdp_mode = FOG_XDP_NATIVE;
	CU_ASSERT_EQUAL(open_conf(ns_b, &conf_b, &b, error), -ERANGE);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "lower the MTU"));
	conf_b.xdp_mode = FOG_XDP_AUTO;
	b = open_started(ns_b, &conf_b);
	pass(a, b, &shape, 1000);
	CU_ASSERT_STRING_EQUAL(stats_of(a).mode, "generic-copy (zero-copy not requested)");
	CU_ASSERT_PTR_NOT_NULL(
	        strstr(stats_of(b).mode, "native refused: Numerical result out of range")
	);
	a->ops->close(a);
	b->ops->close(b);
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
	struct fog_port *a = open_started(ns_a, conf_a), *b = open_started(ns_b, conf_b);
	uint64_t before = stats_of(b).to_kernel;
	struct rte_mbuf *m;

	CU_ASSERT_EQUAL(b->ifindex, index);
	CU_ASSERT_EQUAL(b->address_count, 1);
	CU_ASSERT_EQUAL(b->address[0].addr[1], 8);
	pass(a, b, &tagged, 1000);
	for (unsigned i = 0; i < 2; i++)
		send_one(a, 0, frame_to(b, &others[i], 0));
	for (unsigned i = 0; i < 10000 && stats_of(b).to_kernel < before + 2; i++)
		usleep(1000);
	CU_ASSERT_TRUE(stats_of(b).to_kernel >= before + 2);
	CU_ASSERT_EQUAL(b->ops->rx_burst(b, 0, &m, 1), 0);
	a->ops->close(a);
	b->ops->close(b);
}

// A VLAN without a kernel interface: addresses come from the config.
static void test_vlan(void)
{
	struct fog_blob_port conf_a, conf_b;

	pair_make(1, 1500);
	conf_a = conf_of("fa", 1);
	conf_b = conf_of("fb", 1);
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
	net_enter(ns_b);
	net_run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1");
	net_run("ip link add link fb name fb.99 up type vlan id 99; ip addr add 10.7.0.2/24 dev fb.99"
	);
	net_run("ip link add link fb name fb.100 up type vlan id 100; ip addr add 10.8.0.2/24 dev fb.100"
	);
	index = if_nametoindex("fb.100");
	net_enter(ns_a);
	conf_a = conf_of("fa", 1);
	conf_b = conf_of("fb", 1);
	conf_a.vlan = conf_b.vlan = 100;
	check_vlan(&conf_a, &conf_b, index);
	pair_remove();
}

// Every refusal says what is wrong and what mends it.
static void test_refusals(void)
{
	static const struct {
		const char *prepare;
		struct fog_blob_port conf;
		int ret;
		const char *says;
	} rows[] = {
	        {"true", {.device = "nowhere", .queues = 1, .mtu = 1500}, -ENODEV, "ip link show"},
	        {"true", {.device = "fa", .queues = 1, .mtu = 1500}, -EINVAL, "ethtool -L fa rx 1"},
	        {"true", {.device = "fa", .queues = 3, .mtu = 1500}, -EINVAL, "set queues: 2"},
	        {"true",
	         {.device = "fa", .queues = 2, .mtu = 1501},
	         -EINVAL,
	         "ip link set dev fa mtu 1501"},
	        {"true",
	         {.device = "fa", .queues = 2, .mtu = 1500, .vlan = 5},
	         -ENODEV,
	         "type vlan id 5"},
	        {"ip link set fa mtu 5000",
	         {.device = "fa", .queues = 2, .mtu = 3900},
	         -EINVAL,
	         "AF_XDP frame"},
	        {"ip link set fa mtu 5000",
	         {.device = "fa", .queues = 2, .mtu = 3600},
	         -EINVAL,
	         "packet buffers"},
	        {"ip addr flush dev fa",
	         {.device = "fa", .queues = 2, .mtu = 1500},
	         -EADDRNOTAVAIL,
	         "ip address add"},
	        {"ip link set fa down",
	         {.device = "fa", .queues = 2, .mtu = 1500},
	         -ENETDOWN,
	         "ip link set dev fa up"},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fog_blob_port conf = rows[i].conf;
		struct fog_port *port = NULL;
		char error[512];
		int ret;

		pair_make(2, 1500);
		conf.driver = FOG_DRIVER_AFXDP;
		memcpy(conf.name, "px", 3);
		net_run("%s", rows[i].prepare);
		ret = open_conf(ns_a, &conf, &port, error);
		if (ret != rows[i].ret || !strstr(error, rows[i].says))
			printf("\n  row %u: %d %s", i, ret, error);
		CU_ASSERT_EQUAL(ret, rows[i].ret);
		CU_ASSERT_PTR_NOT_NULL(strstr(error, rows[i].says));
		pair_remove();
	}
}

static uint32_t program_on(const char *interface)
{
	uint32_t id = 0;

	bpf_xdp_query_id(if_nametoindex(interface), 0, &id);
	return id;
}

// A program of somebody else, attached without and with a bpf_link, is named and left alone.
static void test_foreign(void)
{
	const struct bpf_insn pass_all[] = {
	        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
	        {.code = BPF_JMP | BPF_EXIT},
	};
	struct fog_blob_port conf;
	struct fog_port *port = NULL;
	char error[512], named[64];
	int program, link;
	uint32_t id;

	pair_make(1, 1500);
	conf = conf_of("fa", 1);
	program = bpf_prog_load(BPF_PROG_TYPE_XDP, "stranger", "GPL", pass_all, 2, NULL);
	CU_ASSERT_TRUE_FATAL(program >= 0);
	CU_ASSERT_EQUAL_FATAL(bpf_xdp_attach(if_nametoindex("fa"), program, 0, NULL), 0);
	id = program_on("fa");
	snprintf(named, sizeof(named), "XDP program %u (stranger)", id);
	CU_ASSERT_EQUAL(open_conf(ns_a, &conf, &port, error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, named));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "ip link set dev fa xdp off"));
	CU_ASSERT_EQUAL(program_on("fa"), id);
	// The mend mends.
	CU_ASSERT_EQUAL(net_run("ip link set dev fa xdp off"), 0);
	CU_ASSERT_EQUAL(open_conf(ns_a, &conf, &port, error), 0);
	port->ops->close(port);
	CU_ASSERT_EQUAL(program_on("fa"), 0);

	link = bpf_link_create(program, if_nametoindex("fa"), BPF_XDP, NULL);
	CU_ASSERT_TRUE_FATAL(link >= 0);
	CU_ASSERT_EQUAL(open_conf(ns_a, &conf, &port, error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, named));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "owns its bpf_link"));
	CU_ASSERT_EQUAL(program_on("fa"), id);
	close(link);
	close(program);
	CU_ASSERT_EQUAL(open_conf(ns_a, &conf, &port, error), 0);
	port->ops->close(port);
	pair_remove();
}

// Start this program again as one that holds port fa; returns its pid once the port is open.
static pid_t start_holder(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ready[1], 3);
		execl("/proc/self/exe", "test_afxdp", "hold", NULL);
		_exit(127);
	}
	close(ready[1]);
	CU_ASSERT_EQUAL(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

// Wait for the killed holder and remove what its EAL left.
static void reap_holder(pid_t holder)
{
	waitpid(holder, NULL, 0);
	net_run("rmdir /var/run/dpdk/fogt-%d", holder);
}

static int hold(void)
{
	const struct fog_blob_port conf = conf_of("fa", 2);
	char error[512] = "";
	const struct fog_port_params params = {
	        .conf = &conf,
	        .mix_port = FRAME_MIX_PORT,
	        .pool = pool,
	        .error = error,
	        .error_len = sizeof(error),
	};
	struct fog_port *port;

	if (fog_port_open(&params, &port) < 0 || port->ops->start(port) < 0) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	if (write(3, "r", 1) != 1)
		return 1;
	for (;;)
		pause();
}

// While another data plane lives its port is refused; killed, it leaves nothing behind and the next
// one opens at once.
static void test_kill(void)
{
	const struct frame shape = {.to = "10.9.0.1", .payload = 64};
	struct fog_blob_port conf_a, conf_b;
	struct fog_port *a = NULL, *b;
	char error[512];
	pid_t holder;

	pair_make(2, 1500);
	conf_a = conf_of("fa", 2);
	conf_b = conf_of("fb", 2);
	b = open_started(ns_b, &conf_b);
	for (int round = 0; round < 3; round++) {
		holder = start_holder();
		CU_ASSERT_TRUE(program_on("fa") > 0);
		if (round == 0) {
			CU_ASSERT_EQUAL(open_conf(ns_a, &conf_a, &a, error), -EBUSY);
			CU_ASSERT_PTR_NOT_NULL(strstr(error, "(fog_steer)"));
		}
		kill(holder, SIGKILL);
		if (round == 1) // else we are faster than the kernel's cleaning
			reap_holder(holder);
		a = open_started(ns_a, &conf_a);
		if (round != 1)
			reap_holder(holder);
		pass(b, a, &shape, 100);
		a->ops->close(a);
		CU_ASSERT_EQUAL(program_on("fa"), 0);
	}
	holder = start_holder();
	kill(holder, SIGKILL);
	reap_holder(holder);
	CU_ASSERT_EQUAL(program_on("fa"), 0);
	b->ops->close(b);
	pair_remove();
}

int main(int argc, char **argv)
{
	CU_pSuite suite;
	unsigned failures;

	net_need_root();
	net_eal(argv[0]);
	pool = net_pool("afxdp", BUFFERS);
	if (argc == 2 && strcmp(argv[1], "hold") == 0)
		return hold();
	CU_initialize_registry();
	suite = CU_add_suite("afxdp", NULL, NULL);
	CU_add_test(suite, "two queues, both ways, among pings", test_two_queues);
	CU_add_test(suite, "each queue and its descriptor", test_each_queue);
	CU_add_test(suite, "5,000 packets parked", test_parked);
	CU_add_test(suite, "pool empty", test_pool_empty);
	CU_add_test(suite, "stop and start again", test_stop);
	CU_add_test(suite, "3,506-byte packets", test_big_frames);
	CU_add_test(suite, "generic mode", test_generic);
	CU_add_test(suite, "VLAN port with its own addresses", test_vlan);
	CU_add_test(suite, "VLAN port on a kernel interface", test_vlan_interface);
	CU_add_test(suite, "refusals", test_refusals);
	CU_add_test(suite, "foreign XDP program", test_foreign);
	CU_add_test(suite, "owner killed", test_kill);
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures ? 1 : 0;
}
