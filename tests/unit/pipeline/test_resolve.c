// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Which port, which next hop, which source address: ports without a kernel, with and without prefix
// lengths and gateways. Where a kernel knows the way is tested with real ones (tests/smoke).
#include <arpa/inet.h>
#include <string.h>

#include "../../../dataplane/neighbours.h"
#include "../../../dataplane/question.h"
#include "../../../dataplane/resolve.h"
#include "../../../drivers/port_ops.h"
#include "../run.h"

static struct fog_ip ip(const char *text)
{
	struct fog_ip a = {.family = strchr(text, ':') != NULL ? 6 : 4};

	CU_ASSERT_EQUAL_FATAL(inet_pton(a.family == 4 ? AF_INET : AF_INET6, text, a.addr), 1);
	return a;
}

static struct fog_port make(const char *address, uint8_t prefix, const char *gateway)
{
	struct fog_port p = {.bare = true, .address_count = 1, .address = {ip(address)}};

	p.prefix[0] = prefix;
	if (gateway != NULL && p.address[0].family == 4)
		p.gateway4 = ip(gateway);
	else if (gateway != NULL)
		p.gateway6 = ip(gateway);
	return p;
}

static void add(struct fog_port *p, const char *address, uint8_t prefix)
{
	p->address[p->address_count] = ip(address);
	p->prefix[p->address_count++] = prefix;
}

static int ask(void *via, uint16_t port, const struct fog_ip *target, const uint8_t *mac)
{
	*(struct fog_ip *)via = *target;
	return 0;
}

// 'to' leaves through 'port' with 'source', by way of 'via'; no port (-1): not at all.
static void way_case(
        struct fog_port *const *ports, unsigned count, const char *to, int port, const char *source,
        const char *via
)
{
	static const struct fog_blob_run run;
	struct fog_neighbours *t = NULL;
	struct fog_ip asked = {0}, target = ip(to);

	CU_ASSERT_EQUAL_FATAL(fog_neighbours_create(&t), 0);
	const struct fog_resolver r = {.ports = ports, .port_count = count, .neighbours = t};
	struct fog_way way = fog_resolve(&r, &run, &target, 0);
	CU_ASSERT_EQUAL(way.routed, port >= 0);
	CU_ASSERT_FALSE(way.resolved);
	fog_neighbours_run(t, 0, ask, &asked);
	if (port >= 0) {
		struct fog_ip from = ip(source), hop = ip(via);
		struct fog_heard h = {
		        .ip = hop,
		        .port = (uint16_t)port,
		        .mac = {2, 0, 0, 0, 0, 9},
		        .has_mac = 1,
		        .solicited = 1};
		CU_ASSERT_EQUAL(way.port, port);
		CU_ASSERT_EQUAL(memcmp(&way.source, &from, sizeof(from)), 0);
		CU_ASSERT_EQUAL(memcmp(&asked, &hop, sizeof(hop)), 0);
		CU_ASSERT_TRUE(fog_neighbours_heard(t, &h, 1));
		way = fog_resolve(&r, &run, &target, 2);
		CU_ASSERT_TRUE(way.resolved);
		CU_ASSERT_EQUAL(memcmp(way.mac, h.mac, 6), 0);
	} else {
		CU_ASSERT_EQUAL(asked.family, 0);
	}
	fog_neighbours_destroy(t);
}

static void test_one_port(void)
{
	struct fog_port all = make("192.0.2.1", 0, NULL), near = make("192.0.2.1", 25, NULL),
	                far = make("192.0.2.1", 25, "192.0.2.126"),
	                six = make("2001:db8::1", 61, "fe80::5");
	struct fog_port *p[] = {&all};

	way_case(p, 1, "203.0.113.9", 0, "192.0.2.1", "203.0.113.9");
	way_case(p, 1, "2001:db8::2", -1, NULL, NULL);
	p[0] = &near;
	way_case(p, 1, "192.0.2.127", 0, "192.0.2.1", "192.0.2.127");
	way_case(p, 1, "192.0.2.128", -1, NULL, NULL);
	p[0] = &far;
	way_case(p, 1, "192.0.2.127", 0, "192.0.2.1", "192.0.2.127");
	way_case(p, 1, "192.0.2.128", 0, "192.0.2.1", "192.0.2.126");
	p[0] = &six;
	way_case(p, 1, "2001:db8:0:7::2", 0, "2001:db8::1", "2001:db8:0:7::2");
	way_case(p, 1, "2001:db8:0:8::2", 0, "2001:db8::1", "fe80::5");
}

// The longest prefix wins, wherever it stands; then the first gateway.
static void test_ports(void)
{
	struct fog_port a = make("10.0.0.1", 8, "10.0.0.254"),
	                b = make("10.1.0.1", 16, "10.1.0.254");
	struct fog_port *p[] = {&a, &b};

	way_case(p, 2, "10.2.0.9", 0, "10.0.0.1", "10.2.0.9");
	way_case(p, 2, "10.1.0.9", 1, "10.1.0.1", "10.1.0.9");
	way_case(p, 2, "192.0.2.9", 0, "10.0.0.1", "10.0.0.254");
	memset(&a.gateway4, 0, sizeof(a.gateway4));
	way_case(p, 2, "192.0.2.9", 1, "10.1.0.1", "10.1.0.254");
	a.bare = false; // a kernel's port is not ours to decide
	way_case(p, 2, "10.2.0.9", 1, "10.1.0.1", "10.1.0.254");
}

// The source shares the link with the next hop, or is at least no link-local one.
static void test_source(void)
{
	struct fog_port a = make("fe80::1", 64, "fe80::5"), b = make("10.0.0.1", 24, "10.0.0.254");
	struct fog_port *p[] = {&a};

	add(&a, "fd00::1", 64);
	add(&a, "2001:db8::1", 64);
	way_case(p, 1, "2001:db8::9", 0, "2001:db8::1", "2001:db8::9");
	way_case(p, 1, "fe80::9", 0, "fe80::1", "fe80::9");
	way_case(p, 1, "2001:db9::9", 0, "fd00::1", "fe80::5");
	p[0] = &b;
	add(&b, "10.0.1.1", 24);
	way_case(p, 1, "10.0.1.9", 0, "10.0.1.1", "10.0.1.9");
}

// What stands in the configuration is not asked for, on link or as a gateway.
static void test_static(void)
{
	struct fog_port a = make("192.0.2.1", 24, "192.0.2.254");
	struct fog_port *p[] = {&a};
	struct fog_blob_run run = {
	        .neighbour_count = 2,
	        .neighbour = {
	                {.ip = ip("203.0.113.9"), .mac = {2, 1}, .port = 0},
	                {.ip = ip("192.0.2.254"), .mac = {2, 2}, .port = 0},
	        }};
	struct fog_neighbours *t = NULL;
	struct fog_ip asked = {0},
	              to[] = {ip("203.0.113.9"), ip("192.0.2.254"), ip("198.51.100.1")};
	static const uint8_t mac[] = {1, 2, 2};

	CU_ASSERT_EQUAL_FATAL(fog_neighbours_create(&t), 0);
	const struct fog_resolver r = {.ports = p, .port_count = 1, .neighbours = t};
	for (unsigned i = 0; i < 3; i++) {
		struct fog_way way = fog_resolve(&r, &run, &to[i], 0);
		CU_ASSERT_TRUE(way.resolved);
		CU_ASSERT_EQUAL(way.mac[1], mac[i]);
	}
	fog_neighbours_run(t, 0, ask, &asked);
	CU_ASSERT_EQUAL(asked.family, 0);
	fog_neighbours_destroy(t);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"one port", test_one_port},
	        {"several ports", test_ports},
	        {"source address", test_source},
	        {"static neighbours", test_static},
	        CU_TEST_INFO_NULL,
	};
	return check_run("resolve", tests);
}
