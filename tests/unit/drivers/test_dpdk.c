// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// DPDK devices that need no hardware, opened by devargs through the dpdk driver.
#include <arpa/inet.h>
#include <errno.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../run.h"
#include "frame.h"
#include "net.h"

enum { BUFFERS = 16000, COUNT = 500 };

static struct rte_mempool *pool;
static char folder[] = "/tmp/fogt-XXXXXX";

static int open_device(
        uint16_t queues, uint16_t mtu, const char *device, struct fog_port **port, char *error
)
{
	struct fog_blob_port conf = {
	        .name = "d", .driver = FOG_DRIVER_DPDK, .queues = queues, .mtu = mtu};
	const struct fog_port_params params = {
	        .conf = &conf,
	        .mix_port = FRAME_MIX_PORT,
	        .pool = &pool,
	        .workers = 1,
	        .error = error,
	        .error_len = 512};

	error[0] = 0;
	snprintf(conf.device, sizeof(conf.device), "%s", device);
	return fog_port_open(&params, port);
}

static struct fog_port *open_started(uint16_t queues, uint16_t mtu, const char *device)
{
	struct fog_port *port = NULL;
	char error[512];
	int ret = open_device(queues, mtu, device, &port, error);

	if (ret < 0)
		printf("\n  %s", error);
	CU_ASSERT_EQUAL_FATAL(ret, 0);
	CU_ASSERT_EQUAL(port->ifindex, 0);
	CU_ASSERT_EQUAL(port->ops->idle_fd(port, 0), -ENOTSUP);
	CU_ASSERT_EQUAL_FATAL(port->ops->start(port), 0);
	return port;
}

static struct fog_stats_port stats_of(struct fog_port *port)
{
	struct fog_stats_port stats = {};

	port->ops->stats(port, &stats);
	return stats;
}

static struct rte_mbuf *numbered(uint32_t number, uint16_t payload)
{
	const struct frame shape = {.to = "10.0.0.2", .payload = payload};
	uint8_t bytes[FRAME_MAX];
	unsigned len = frame_build(&shape, number, bytes);

	memcpy(bytes + len - payload, &number, sizeof(number));
	return net_mbuf(pool, bytes, len);
}

static void check_numbered(struct rte_mbuf *m, uint32_t number, uint16_t payload)
{
	struct rte_mbuf *wanted = numbered(number, payload);

	CU_ASSERT_EQUAL(m->pkt_len, wanted->pkt_len);
	CU_ASSERT_EQUAL(
	        memcmp(rte_pktmbuf_mtod(m, void *), rte_pktmbuf_mtod(wanted, void *),
	               wanted->data_len),
	        0
	);
	rte_pktmbuf_free(wanted);
	rte_pktmbuf_free(m);
}

// Frames from one port to another, one at a time, in order.
static void pass(struct fog_port *from, struct fog_port *to, uint16_t payload)
{
	for (uint32_t i = 0; i < COUNT; i++) {
		struct rte_mbuf *m = numbered(i, payload);

		CU_ASSERT_EQUAL_FATAL(from->ops->tx_burst(from, i % from->queues, &m, 1), 1);
		CU_ASSERT_EQUAL_FATAL(net_receive(to, &m, 1), 1);
		check_numbered(m, i, payload);
	}
}

// A net_ring made by devargs gives back what it is given, on each queue.
static void test_ring(void)
{
	struct fog_port *port = open_started(2, 1500, "net_ring0");
	struct fog_stats_port stats;
	struct rte_mbuf *m;

	pass(port, port, 1000);
	stats = stats_of(port);
	CU_ASSERT_STRING_EQUAL(stats.mode, "dpdk net_ring, no RSS offered");
	CU_ASSERT_EQUAL(stats.queues, 2);
	CU_ASSERT_EQUAL(stats.rx_frames, COUNT);
	CU_ASSERT_EQUAL(stats.tx_frames, COUNT);
	// After stop nothing is received any more, but sending goes on.
	m = numbered(0, 10);
	port->ops->stop(port);
	CU_ASSERT_EQUAL(port->ops->tx_burst(port, 0, &m, 1), 1);
	CU_ASSERT_EQUAL(port->ops->rx_burst(port, 0, &m, 1), 0);
	port->ops->start(port);
	CU_ASSERT_EQUAL(port->ops->rx_burst(port, 0, &m, 1), 1);
	rte_pktmbuf_free(m);
	port->ops->close(port);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS);
}

// net_null offers RSS, and its redirection table starts with all entries at queue 0.
static void test_spreading(void)
{
	struct fog_port *port = open_started(2, 1500, "net_null0");
	struct rte_eth_rss_reta_entry64 table[2] = {{.mask = UINT64_MAX}, {.mask = UINT64_MAX}};
	uint16_t id;

	CU_ASSERT_STRING_EQUAL(stats_of(port).mode, "dpdk net_null, RSS over UDP");
	CU_ASSERT_EQUAL_FATAL(rte_eth_dev_get_port_by_name("net_null0", &id), 0);
	CU_ASSERT_EQUAL_FATAL(rte_eth_dev_rss_reta_query(id, table, 128), 0);
	for (unsigned i = 0; i < 128; i++)
		CU_ASSERT_EQUAL(table[i / 64].reta[i % 64], i % 2);
	port->ops->close(port);
}

// The device's own counters, under its own names.
static void test_counters(void)
{
	struct fog_port *port = open_started(1, 1500, "net_ring3");
	static struct fog_stats_device device;
	bool found = false;

	pass(port, port, 1000);
	port->ops->device_stats(port, &device);
	CU_ASSERT_TRUE(device.count > 0 && device.count <= FOG_DEVICE_STATS_MAX);
	for (unsigned i = 0; i < device.count; i++)
		if (strcmp(device.name[i], "rx_good_packets") == 0) {
			found = true;
			CU_ASSERT_EQUAL(device.value[i], COUNT);
		}
	CU_ASSERT_TRUE(found);
	// Those of single queues come last.
	CU_ASSERT_NOT_EQUAL(strncmp(device.name[0], "rx_q", 4), 0);
	CU_ASSERT_EQUAL(strncmp(device.name[device.count - 1], "tx_q", 4), 0);
	port->ops->close(port);
}

static unsigned file_bytes(const char *name, uint8_t *out, unsigned max)
{
	char path[128];
	unsigned n = 0;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "r");
	if (f) {
		n = fread(out, 1, max, f);
		fclose(f);
	}
	return n;
}

// What is sent goes to one file, which another port then reads.
static void test_pcap(void)
{
	static uint8_t bytes[1 << 20];
	char device[256];
	struct fog_port *port;
	struct rte_mbuf *m;

	snprintf(device, sizeof(device), "net_pcap0,rx_iface=lo,tx_pcap=%s/out", folder);
	port = open_started(1, 1500, device);
	for (uint32_t i = 0; i < COUNT; i++) {
		m = numbered(i, 1000);
		CU_ASSERT_EQUAL_FATAL(port->ops->tx_burst(port, 0, &m, 1), 1);
	}
	CU_ASSERT_EQUAL(stats_of(port).tx_frames, COUNT);
	port->ops->close(port);
	CU_ASSERT_EQUAL(file_bytes("out", bytes, sizeof(bytes)), 24 + COUNT * (16 + 1042));
	snprintf(
	        device, sizeof(device), "net_pcap1,rx_pcap=%s/out,tx_pcap=%s/none", folder, folder
	);
	port = open_started(1, 1500, device);
	for (uint32_t i = 0; i < COUNT; i++) {
		CU_ASSERT_EQUAL_FATAL(net_receive(port, &m, 1), 1);
		check_numbered(m, i, 1000);
	}
	CU_ASSERT_STRING_EQUAL(stats_of(port).mode, "dpdk net_pcap");
	CU_ASSERT_EQUAL(stats_of(port).rx_frames, COUNT);
	port->ops->close(port);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS);
}

// Two ends of a memif. The socket's path is spelled in two ways, as one process may hold only one
// end per path.
static void test_memif(void)
{
	char device[256];
	struct fog_port *server, *client;
	struct rte_mbuf *m;

	snprintf(
	        device, sizeof(device),
	        "net_memif0,role=server,id=0,socket-abstract=no,socket=%s/m.sock", folder
	);
	server = open_started(1, 1500, device);
	snprintf(
	        device, sizeof(device),
	        "net_memif1,role=client,id=0,socket-abstract=no,socket=%s/./m.sock", folder
	);
	client = open_started(1, 1500, device);
	for (unsigned i = 0; i < 10000 && !(stats_of(server).link_up && stats_of(client).link_up);
	     i++)
		usleep(1000);
	CU_ASSERT_EQUAL_FATAL(stats_of(server).link_up, 1);
	// A client offers its receive slots when it polls for the first time.
	CU_ASSERT_EQUAL(client->ops->rx_burst(client, 0, &m, 1), 0);
	pass(client, server, 1000);
	pass(server, client, 1400);
	CU_ASSERT_STRING_EQUAL(stats_of(client).mode, "dpdk net_memif");
	client->ops->close(client);
	// A thread of the library takes the server's end down, and is not through with it when the link is.
	for (unsigned i = 0; i < 10000 && stats_of(server).link_up; i++)
		usleep(1000);
	usleep(100000);
	server->ops->close(server);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS);
}

union address {
	struct sockaddr_in in;
	struct sockaddr any;
};

static int udp_socket(const char *address, uint16_t port)
{
	union address own = {.in = {.sin_family = AF_INET, .sin_port = htons(port)}};
	struct timeval limit = {.tv_sec = 10};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, address, &own.in.sin_addr);
	CU_ASSERT_EQUAL_FATAL(bind(fd, &own.any, sizeof(own)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

// A net_tap: the kernel at its other end is our peer, so frames pass to and from a UDP socket.
static void test_tap(void)
{
	struct frame shape = {.to = "10.6.0.1", .from = "10.6.0.2", .payload = 300};

	union address us = {.in = {.sin_family = AF_INET, .sin_port = htons(FRAME_MIX_PORT)}};
	struct fog_port *port;
	uint8_t bytes[FRAME_MAX], got[FRAME_MAX];
	struct rte_mbuf *m;
	int fd;

	port = open_started(1, 1500, "net_tap0,iface=fogt0");
	net_run("ip link set fogt0 up && ip addr add 10.6.0.1/24 dev fogt0");
	net_run("ip neigh replace 10.6.0.2 lladdr 02:00:00:00:00:02 dev fogt0 nud permanent");
	fd = udp_socket("10.6.0.1", FRAME_MIX_PORT);
	memcpy(shape.mac_to, port->mac, 6); // the kernel's end has the same address as ours
	m = net_mbuf(pool, bytes, frame_build(&shape, 3, bytes));
	CU_ASSERT_EQUAL_FATAL(port->ops->tx_burst(port, 0, &m, 1), 1);
	CU_ASSERT_EQUAL(recv(fd, got, sizeof(got), 0), 300);
	CU_ASSERT_EQUAL(memcmp(got, bytes + 42, 300), 0);
	inet_pton(AF_INET, "10.6.0.2", &us.in.sin_addr);
	CU_ASSERT_EQUAL(sendto(fd, bytes + 42, 300, 0, &us.any, sizeof(us)), 300);
	do { // the kernel may have said something of its own first
		CU_ASSERT_EQUAL_FATAL(net_receive(port, &m, 1), 1);
		memcpy(got, rte_pktmbuf_mtod(m, void *), m->data_len);
		rte_pktmbuf_free(m);
	} while (got[12] != 8 || got[13] != 0 || m->data_len != 342);
	CU_ASSERT_EQUAL(memcmp(got + 42, bytes + 42, 300), 0);
	CU_ASSERT_STRING_EQUAL(stats_of(port).mode, "dpdk net_tap, rx and tx checksums");
	CU_ASSERT_EQUAL(stats_of(port).link_up, 1);
	CU_ASSERT_TRUE(stats_of(port).rx_frames >= 1);
	CU_ASSERT_EQUAL(stats_of(port).tx_frames, 1);
	close(fd);
	port->ops->close(port);
	CU_ASSERT_EQUAL(net_run("ip link show fogt0 2>/dev/null"), 1);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS);
}

// A port that is closed gives its device back, so the same one opens again.
static void test_reopen(void)
{
	for (int i = 0; i < 3; i++) {
		struct fog_port *port = open_started(1, 3400, "net_ring7");

		pass(port, port, 3300);
		port->ops->close(port);
	}
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS);
}

// A device that runs already is neither shared nor disturbed.
static void test_twice(void)
{
	struct fog_port *port = open_started(1, 1500, "net_ring3"), *second = NULL;
	char error[512];

	CU_ASSERT_EQUAL(open_device(1, 1500, "net_ring3", &second, error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "give each port its own"));
	pass(port, port, 100);
	port->ops->close(port);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS);
}

struct refusal {
	const char *device;
	uint16_t queues, mtu;
	int ret;
	const char *says;
};

static const struct refusal refusals[] = {
        {"net_nothing0", 1, 1500, -ENODEV, "DPDK finds no Ethernet device net_nothing0"},
        {"0000:ff:1f.7", 1, 1500, -ENODEV, "fogctl host init vfio"},
        {"", 1, 1500, -ENODEV, "devargs"},
        {"net_ring0", 64, 1500, -EINVAL, "set queues: "},
        {"net_ring0", 1, 4000, -EINVAL, "lower the mtu to "},
};

static void test_refusals(void)
{
	for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct fog_port *port = NULL;
		char error[512];
		int ret = open_device(
		        refusals[i].queues, refusals[i].mtu, refusals[i].device, &port, error
		);

		if (ret != refusals[i].ret || !strstr(error, refusals[i].says))
			printf("\n  row %u: %d %s", i, ret, error);
		CU_ASSERT_EQUAL(ret, refusals[i].ret);
		CU_ASSERT_PTR_NOT_NULL(strstr(error, refusals[i].says));
	}
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS);
}

int main(int argc, char **argv)
{
	char command[64];
	CU_pSuite suite;

	net_need_root();
	net_new();
	net_eal(argv[0]);
	pool = net_pool("dpdk", BUFFERS);
	if (!mkdtemp(folder))
		return 2;
	CU_initialize_registry();
	suite = CU_add_suite("dpdk", NULL, NULL);
	CU_add_test(suite, "net_ring", test_ring);
	CU_add_test(suite, "RSS and its redirection table", test_spreading);
	CU_add_test(suite, "counters of the device", test_counters);
	CU_add_test(suite, "net_pcap", test_pcap);
	CU_add_test(suite, "net_memif", test_memif);
	CU_add_test(suite, "net_tap", test_tap);
	CU_add_test(suite, "open and close again", test_reopen);
	CU_add_test(suite, "the same device twice", test_twice);
	CU_add_test(suite, "refusals", test_refusals);
	int failed = check_run_registered();
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) || failed ? 1 : 0;
}
