// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "afxdp_pair.h"

#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BURST = 64, WINDOW = 128 };

struct rte_mempool *pair_pool, *pair_spare;
int pair_a, pair_b;
bool pair_busy;

void pair_start(const char *program)
{
	net_eal(program);
	pair_pool = net_pool("pool", PAIR_BUFFERS);
	pair_spare = net_pool("spare", PAIR_SPARE);
}

void pair_make(unsigned queues, unsigned mtu)
{
	pair_a = net_new();
	pair_b = net_new();
	net_veth(pair_a, "fa", pair_b, "fb", queues, mtu);
	net_run("ip address add 10.9.0.1/24 dev fa; ip address add fd09::1/64 dev fa nodad");
	net_enter(pair_b);
	net_run("ip address add 10.9.0.2/24 dev fb; ip address add fd09::2/64 dev fb nodad");
	net_enter(pair_a);
}

void pair_remove(void)
{
	net_enter(pair_a);
	net_run("ip link del fa");
	close(pair_a);
	close(pair_b);
}

struct fog_blob_port pair_conf(const char *interface, uint16_t queues)
{
	struct fog_blob_port conf = {.driver = FOG_DRIVER_AFXDP, .queues = queues, .mtu = 1500};

	snprintf(conf.name, sizeof(conf.name), "p-%s", interface);
	snprintf(conf.device, sizeof(conf.device), "%s", interface);
	return conf;
}

int pair_open(int ns, const struct fog_blob_port *conf, struct fog_port **port, char *error)
{
	const struct fog_port_params params = {
	        .conf = conf,
	        .mix_port = FRAME_MIX_PORT,
	        .pool = &pair_pool,
	        .workers = 1,
	        .payload_len = PAIR_PAYLOAD,
	        .busy = pair_busy,
	        .error = error,
	        .error_len = 512,
	};
	int ret;

	error[0] = 0;
	net_enter(ns);
	ret = fog_port_open(&params, port);
	net_enter(pair_a);
	return ret;
}

struct fog_port *pair_run(int ns, const struct fog_blob_port *conf)
{
	struct fog_port *port = NULL;
	char error[512];
	int ret = pair_open(ns, conf, &port, error);

	if (ret < 0)
		printf("\n  %s", error);
	CU_ASSERT_EQUAL_FATAL(ret, 0);
	CU_ASSERT_EQUAL_FATAL(port->ops->start(port), 0);
	return port;
}

struct fog_stats_port pair_stats(struct fog_port *port)
{
	struct fog_stats_port stats = {};

	port->ops->stats(port, &stats);
	return stats;
}

struct rte_mbuf *pair_frame(struct fog_port *to, const struct frame *shape, uint32_t number)
{
	struct frame f = *shape;
	uint8_t bytes[FRAME_MAX];
	unsigned len;

	memcpy(f.mac_to, to->mac, 6);
	len = frame_build(&f, number, bytes);
	memcpy(bytes + len - f.payload, &number, sizeof(number));
	return net_mbuf(pair_spare, bytes, len);
}

uint32_t pair_check(struct fog_port *to, const struct frame *shape, struct rte_mbuf *m)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	struct rte_mbuf *sent;
	uint32_t number = 0;

	CU_ASSERT_TRUE_FATAL(m->data_len >= shape->payload);
	memcpy(&number, data + m->data_len - shape->payload, sizeof(number));
	sent = pair_frame(to, shape, number);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sent);
	CU_ASSERT_EQUAL(m->pkt_len, sent->pkt_len);
	CU_ASSERT_EQUAL(m->data_len, sent->data_len);
	CU_ASSERT_EQUAL(memcmp(data, rte_pktmbuf_mtod(sent, void *), sent->data_len), 0);
	rte_pktmbuf_free(sent);
	return number;
}

void pair_send(struct fog_port *from, uint16_t queue, struct rte_mbuf *m)
{
	CU_ASSERT_EQUAL_FATAL(from->ops->tx_burst(from, queue, &m, 1), 1);
}

int pair_ping(void)
{
	union {
		struct sockaddr_in in;
		struct sockaddr any;
	} to = {.in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a090001)}};
	struct icmphdr echo = {.type = ICMP_ECHO}, answer = {};
	int fd;

	net_enter(pair_b);
	net_run("sysctl -q -w net.ipv4.ping_group_range='0 0'");
	fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	net_enter(pair_a);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	sendto(fd, &echo, sizeof(echo), 0, &to.any, sizeof(to));
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	int got = poll(&wait, 1, 10000) == 1 && recv(fd, &answer, sizeof(answer), 0) > 0;
	close(fd);
	return got && answer.type == ICMP_ECHOREPLY;
}

void pair_pass(
        struct fog_port *from, struct fog_port *to, const struct frame *shape, unsigned total
)
{
	uint8_t *seen = calloc(total, 1);
	unsigned sent = 0, received = 0, got = 1;

	while (received < total && got) {
		struct rte_mbuf *frames[BURST];
		uint16_t n = 0, queue = (sent / BURST) % from->queues;

		while (n < BURST && sent + n < total && sent + n < received + WINDOW) {
			frames[n] = pair_frame(to, shape, sent + n);
			n++;
		}
		CU_ASSERT_EQUAL_FATAL(from->ops->tx_burst(from, queue, frames, n), n);
		sent += n;
		got = net_receive(to, frames, BURST);
		for (unsigned i = 0; i < got; i++) {
			uint32_t number = pair_check(to, shape, frames[i]);
			CU_ASSERT_TRUE_FATAL(number < total);
			CU_ASSERT_EQUAL(seen[number]++, 0);
			rte_pktmbuf_free(frames[i]);
		}
		received += got;
		if (received % 2048 < got)
			CU_ASSERT_EQUAL(pair_ping(), 1);
	}
	CU_ASSERT_EQUAL(received, total);
	free(seen);
}
