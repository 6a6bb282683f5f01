// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Routes and neighbours asked from the kernel, in two joined network namespaces.
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../../drivers/rtnl.h"
#include "../run.h"
#include "frame.h"
#include "net.h"

static int ns_a, ns_b;
static struct fog_neigh *neigh;

// na (10.9.0.1, fd09::1, 10.10.0.1) here, nb (.2, .3, ::2) in the other namespace.
static void setup(void)
{
	ns_a = net_new();
	ns_b = net_new();
	net_veth(ns_a, "na", ns_b, "nb", 1, 1500);
	net_enter(ns_b);
	net_run("ip addr add 10.9.0.2/24 dev nb; ip addr add 10.9.0.3/24 dev nb");
	// The kernel solicits neighbours from a link-local address only.
	net_run("ip addr add fd09::2/64 dev nb nodad; ip addr add fe80::2/64 dev nb nodad");
	net_enter(ns_a);
	net_run("ip addr add fe80::1/64 dev na nodad; ip addr add fd09::1/64 dev na nodad");
	net_run("ip addr add 10.9.0.1/24 dev na; ip addr add 10.10.0.1/24 dev na");
	// The carrier is told some time after the link was set up.
	for (int i = 0; i < 1000 && net_run("ip link show na | grep -q 'state UP'") != 0; i++)
		usleep(10000);
	CU_ASSERT_EQUAL_FATAL(fog_neigh_open(&neigh), 0);
}

static void teardown(void)
{
	fog_neigh_close(neigh);
	net_run("ip link del na");
	close(ns_a);
	close(ns_b);
}

static int lookup(const char *to, struct fog_neigh_entry *out)
{
	struct fog_ip ip = frame_ip(to);

	memset(out, 0xee, sizeof(*out));
	return fog_neigh_lookup(neigh, &ip, out);
}

static void assert_ip(const struct fog_ip *ip, const char *text)
{
	struct fog_ip wanted = frame_ip(text);

	CU_ASSERT_EQUAL(memcmp(ip, &wanted, sizeof(wanted)), 0);
}

// Look up and wait for notices until the neighbour is resolved.
static void lookup_resolved(const char *to, struct fog_neigh_entry *out)
{
	struct pollfd wait = {.fd = fog_neigh_fd(neigh), .events = POLLIN};

	for (int i = 0; i < 20; i++) {
		CU_ASSERT_EQUAL_FATAL(lookup(to, out), 0);
		if (out->resolved)
			return;
		poll(&wait, 1, 1000);
		CU_ASSERT_TRUE(fog_neigh_process(neigh) >= 0);
	}
	CU_FAIL_FATAL("neighbour was never resolved");
}

// Process notices until one says that something changed.
static void wait_change(void)
{
	struct pollfd wait = {.fd = fog_neigh_fd(neigh), .events = POLLIN};

	for (int i = 0; i < 20; i++) {
		if (poll(&wait, 1, 1000) == 1 && fog_neigh_process(neigh) == 1)
			return;
	}
	CU_FAIL_FATAL("no change was noticed");
}

static void mac_of_nb(uint8_t mac[6])
{
	unsigned b[6];
	char text[64] = "";

	net_enter(ns_b);
	FILE *f = popen("ip -br link show nb | awk '{print $3}'", "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(text, sizeof(text), f));
	pclose(f);
	net_enter(ns_a);
	CU_ASSERT_EQUAL_FATAL(
	        sscanf(text, "%x:%x:%x:%x:%x:%x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]), 6
	);
	for (int i = 0; i < 6; i++)
		mac[i] = b[i];
}

static void test_on_link(void)
{
	struct fog_neigh_entry e;
	uint8_t mac[6];

	setup();
	mac_of_nb(mac);
	CU_ASSERT_EQUAL(lookup("10.9.0.2", &e), 0);
	CU_ASSERT_EQUAL(e.resolved, 0);
	CU_ASSERT_EQUAL(e.ifindex, (int)if_nametoindex("na"));
	assert_ip(&e.source, "10.9.0.1");
	assert_ip(&e.via, "10.9.0.2");
	wait_change();
	CU_ASSERT_EQUAL(lookup("10.9.0.2", &e), 0);
	CU_ASSERT_EQUAL(e.resolved, 1);
	CU_ASSERT_EQUAL(memcmp(e.mac, mac, 6), 0);
	teardown();
}

static void test_ipv6(void)
{
	struct fog_neigh_entry e;
	uint8_t mac[6];

	setup();
	mac_of_nb(mac);
	lookup_resolved("fd09::2", &e);
	CU_ASSERT_EQUAL(e.ifindex, (int)if_nametoindex("na"));
	assert_ip(&e.source, "fd09::1");
	assert_ip(&e.via, "fd09::2");
	CU_ASSERT_EQUAL(memcmp(e.mac, mac, 6), 0);
	net_run("ip -6 route add fd77::/64 via fd09::2");
	wait_change();
	lookup_resolved("fd77::5", &e);
	assert_ip(&e.via, "fd09::2");
	teardown();
}

static void test_gateway(void)
{
	struct fog_neigh_entry e;

	setup();
	CU_ASSERT_EQUAL(lookup("172.16.5.5", &e), -ENETUNREACH);
	net_run("ip route add 172.16.0.0/16 via 10.9.0.2 src 10.10.0.1");
	wait_change();
	lookup_resolved("172.16.5.5", &e);
	assert_ip(&e.via, "10.9.0.2");
	assert_ip(&e.source, "10.10.0.1");
	// A route that moves to another gateway takes its destinations along.
	net_run("ip route replace 172.16.0.0/16 via 10.9.0.3");
	wait_change();
	lookup_resolved("172.16.5.5", &e);
	assert_ip(&e.via, "10.9.0.3");
	assert_ip(&e.source, "10.9.0.1");
	// An IPv4 route through an IPv6 gateway.
	net_run("ip route replace 172.16.0.0/16 via inet6 fd09::2");
	wait_change();
	lookup_resolved("172.16.5.5", &e);
	assert_ip(&e.via, "fd09::2");
	for (int i = 0; i < 3; i++) {
		static const char *const kinds[] = {"unreachable", "blackhole", "prohibit"};
		net_run("ip route replace %s 172.16.0.0/16", kinds[i]);
		wait_change();
		CU_ASSERT_EQUAL(lookup("172.16.5.5", &e), -ENETUNREACH);
	}
	teardown();
}

// A neighbour's new MAC address, its loss and a link that goes down are noticed; notices about
// others are not called changes.
static void test_changes(void)
{
	static const uint8_t other[6] = {2, 0, 0, 0, 0, 9};
	struct pollfd wait = {.events = POLLIN};
	struct fog_neigh_entry e;

	setup();
	wait.fd = fog_neigh_fd(neigh);
	lookup_resolved("10.9.0.2", &e);
	net_run("ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:09 dev na nud permanent");
	wait_change();
	CU_ASSERT_EQUAL(lookup("10.9.0.2", &e), 0);
	CU_ASSERT_EQUAL(e.resolved, 1);
	CU_ASSERT_EQUAL(memcmp(e.mac, other, 6), 0);
	net_run("ip neigh replace 10.9.0.77 lladdr 02:00:00:00:00:07 dev na nud permanent");
	CU_ASSERT_EQUAL(poll(&wait, 1, 10000), 1);
	CU_ASSERT_EQUAL(fog_neigh_process(neigh), 0);
	CU_ASSERT_EQUAL(poll(&wait, 1, 0), 0);
	CU_ASSERT_EQUAL(fog_neigh_process(neigh), 0);
	net_run("ip neigh del 10.9.0.2 dev na");
	wait_change();
	CU_ASSERT_EQUAL(lookup("10.9.0.2", &e), 0);
	lookup_resolved("10.9.0.2", &e);
	CU_ASSERT_NOT_EQUAL(memcmp(e.mac, other, 6), 0);
	net_run("ip link set na down");
	wait_change();
	CU_ASSERT_EQUAL(lookup("10.9.0.2", &e), -ENETUNREACH);
	teardown();
}

// What one neighbour's state is, as ip prints it.
static int state_is(const char *address, const char *state)
{
	return net_run("ip neigh show %s dev na | grep -q %s", address, state) == 0;
}

// The kernel does not see our traffic, so it would let the entry go stale: it is asked to confirm.
static void test_stale(void)
{
	struct fog_neigh_entry e;

	setup();
	lookup_resolved("10.9.0.2", &e);
	lookup_resolved("10.9.0.3", &e);
	// The lookups have just asked; the limit is one request a second.
	sleep(1);
	fog_neigh_process(neigh);
	net_run("ip neigh change 10.9.0.2 lladdr $(ip neigh show 10.9.0.2 | awk '{print $5}') dev na "
	        "nud stale");
	CU_ASSERT_EQUAL(state_is("10.9.0.2", "STALE"), 1);
	CU_ASSERT_EQUAL(fog_neigh_process(neigh), 0);
	CU_ASSERT_EQUAL(state_is("10.9.0.2", "STALE"), 0);
	// One that nobody looked up is left alone.
	net_run("ip neigh add 10.9.0.9 lladdr 02:00:00:00:00:01 dev na nud stale");
	CU_ASSERT_EQUAL(fog_neigh_process(neigh), 0);
	CU_ASSERT_EQUAL(state_is("10.9.0.9", "STALE"), 1);
	// Stale is good enough to send, and a lookup asks as well.
	CU_ASSERT_EQUAL(lookup("10.9.0.9", &e), 0);
	CU_ASSERT_EQUAL(e.resolved, 1);
	CU_ASSERT_EQUAL(state_is("10.9.0.9", "STALE"), 0);
	teardown();
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * UINT64_C(1000) + now.tv_nsec / 1000000;
}

// An absent neighbour is asked for again, but not before a second has passed.
static void test_absent(void)
{
	struct fog_neigh_entry e;
	uint64_t start = now_ms();

	setup();
	CU_ASSERT_EQUAL(lookup("10.9.0.200", &e), 0);
	CU_ASSERT_EQUAL(e.resolved, 0);
	CU_ASSERT_EQUAL(state_is("10.9.0.200", "INCOMPLETE"), 1);
	net_run("ip neigh del 10.9.0.200 dev na");
	CU_ASSERT_EQUAL(lookup("10.9.0.200", &e), 0);
	if (state_is("10.9.0.200", "INCOMPLETE"))
		CU_ASSERT_TRUE(now_ms() - start >= 1000);
	sleep(1);
	CU_ASSERT_EQUAL(lookup("10.9.0.200", &e), 0);
	CU_ASSERT_EQUAL(state_is("10.9.0.200", "INCOMPLETE"), 1);
	teardown();
}

// Without CAP_NET_ADMIN what is resolved can be read, but nothing can be asked for.
static void test_unprivileged(void)
{
	struct fog_neigh_entry e;
	int status = -1;

	setup();
	lookup_resolved("10.9.0.2", &e);
	pid_t pid = fork();
	if (pid == 0) {
		struct fog_neigh *own;
		struct fog_ip known = frame_ip("10.9.0.2"), absent = frame_ip("10.9.0.200");

		if (setresuid(65534, 65534, 65534) < 0 || fog_neigh_open(&own) < 0)
			_exit(1);
		if (fog_neigh_lookup(own, &known, &e) != 0 || !e.resolved)
			_exit(2);
		_exit(fog_neigh_lookup(own, &absent, &e) == -EPERM ? 0 : 3);
	}
	waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
	teardown();
}

// Notices that the kernel had to throw away count as "everything changed".
static void test_overflow(void)
{
	const int small = 1;
	struct fog_neigh_entry e;

	setup();
	lookup_resolved("10.9.0.2", &e);
	while (fog_neigh_process(neigh) != 0)
		continue;
	CU_ASSERT_EQUAL(
	        setsockopt(fog_neigh_fd(neigh), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0
	);
	net_run("for i in $(seq 1 200); do echo neigh replace 10.9.0.1$((i %% 9 + 10)) "
	        "lladdr 02:00:00:00:00:07 dev na nud permanent; "
	        "echo neigh del 10.9.0.1$((i %% 9 + 10)) dev na; done | ip -batch -");
	net_run("ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:09 dev na nud permanent");
	CU_ASSERT_EQUAL(fog_neigh_process(neigh), 1);
	CU_ASSERT_EQUAL(lookup("10.9.0.2", &e), 0);
	CU_ASSERT_EQUAL(e.mac[5], 9);
	teardown();
}

// More destinations than the cache holds.
static void test_many(void)
{
	struct fog_neigh_entry e;
	char to[32];

	setup();
	net_run("ip route add 172.16.0.0/12 via 10.9.0.2");
	fog_neigh_process(neigh);
	lookup_resolved("10.9.0.2", &e);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 3000; i++) {
			snprintf(to, sizeof(to), "172.16.%d.%d", i / 250, i % 250);
			CU_ASSERT_EQUAL(lookup(to, &e), 0);
			CU_ASSERT_EQUAL(e.resolved, 1);
			assert_ip(&e.via, "10.9.0.2");
		}
	}
	teardown();
}

static void test_addresses(void)
{
	struct fog_ip ip[8];
	int n, index;

	setup();
	index = if_nametoindex("na");
	n = fog_neigh_addresses(neigh, index, ip, 8);
	CU_ASSERT_EQUAL_FATAL(n, 4);
	assert_ip(&ip[0], "10.9.0.1");
	assert_ip(&ip[1], "10.10.0.1");
	assert_ip(&ip[2], "fd09::1");
	assert_ip(&ip[3], "fe80::1");
	CU_ASSERT_EQUAL(fog_neigh_addresses(neigh, index, ip, 2), 2);
	CU_ASSERT_EQUAL(fog_neigh_addresses(neigh, 9999, ip, 8), 0);
	// Of a point-to-point pair only our own end is ours.
	net_run("ip addr flush dev na; ip addr add 10.1.1.1 peer 10.1.1.2/32 dev na");
	CU_ASSERT_EQUAL(fog_neigh_addresses(neigh, index, ip, 1), 1);
	assert_ip(&ip[0], "10.1.1.1");
	teardown();
}

struct vlan_row {
	const char *kind;
	uint16_t vlan;
};

static const struct vlan_row vlan_rows[] = {{"vlan", 42}, {"macvlan", 0}, {"vlan-like", 0}};

// The kernel's description of a VLAN interface, built here as kernels without CONFIG_VLAN_8021Q give
// none.
static void test_vlan_message(void)
{
	for (unsigned i = 0; i < 3; i++) {
		char buffer[512];
		struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
		struct nlattr *info, *content;
		int parent = -1;

		mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
		mnl_attr_put_strz(message, IFLA_IFNAME, "na.42");
		mnl_attr_put_u32(message, IFLA_LINK, 7);
		info = mnl_attr_nest_start(message, IFLA_LINKINFO);
		mnl_attr_put_strz(message, IFLA_INFO_KIND, vlan_rows[i].kind);
		content = mnl_attr_nest_start(message, IFLA_INFO_DATA);
		mnl_attr_put_u16(message, IFLA_VLAN_PROTOCOL, 0x0081);
		mnl_attr_put_u16(message, IFLA_VLAN_ID, 42);
		mnl_attr_nest_end(message, content);
		mnl_attr_nest_end(message, info);
		CU_ASSERT_EQUAL(rtnl_parse_vlan(message, &parent), vlan_rows[i].vlan);
		CU_ASSERT_EQUAL(parent, 7);
	}
}

// A neighbour that the kernel throws away is announced with the state it had last: gone all the same.
static void test_deleted_message(void)
{
	const struct fog_ip ip = frame_ip("10.9.0.2");
	struct rtnl_neighbour now;
	char buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ndmsg *neighbour = mnl_nlmsg_put_extra_header(message, sizeof(*neighbour));

	neighbour->ndm_family = AF_INET;
	neighbour->ndm_ifindex = 7;
	neighbour->ndm_state = NUD_STALE;
	mnl_attr_put(message, NDA_DST, 4, ip.addr);
	mnl_attr_put(message, NDA_LLADDR, 6, "\2\0\0\0\0\1");
	message->nlmsg_type = RTM_NEWNEIGH;
	CU_ASSERT_EQUAL(rtnl_parse_neighbour(message, &now), 1);
	CU_ASSERT_EQUAL(now.ifindex, 7);
	CU_ASSERT_EQUAL(now.resolved, 1);
	CU_ASSERT_EQUAL(memcmp(&now.ip, &ip, sizeof(ip)), 0);
	message->nlmsg_type = RTM_DELNEIGH;
	CU_ASSERT_EQUAL(rtnl_parse_neighbour(message, &now), 1);
	CU_ASSERT_EQUAL(now.resolved, 0);
	neighbour->ndm_family = AF_BRIDGE;
	CU_ASSERT_EQUAL(rtnl_parse_neighbour(message, &now), 0);
}

static void test_vlan(void)
{
	setup();
	CU_ASSERT_EQUAL(fog_neigh_vlan(neigh, if_nametoindex("na"), 5), -ENODEV);
	if (net_run("ip link add link na name na.5 type vlan id 5 2>/dev/null") != 0) {
		printf("rest skipped: kernel without CONFIG_VLAN_8021Q ");
		teardown();
		return;
	}
	CU_ASSERT_EQUAL(
	        fog_neigh_vlan(neigh, if_nametoindex("na"), 5), (int)if_nametoindex("na.5")
	);
	CU_ASSERT_EQUAL(fog_neigh_vlan(neigh, if_nametoindex("na"), 6), -ENODEV);
	CU_ASSERT_EQUAL(fog_neigh_vlan(neigh, if_nametoindex("lo"), 5), -ENODEV);
	teardown();
}

int main(void)
{
	CU_pSuite suite;

	net_need_root();
	CU_initialize_registry();
	suite = CU_add_suite("neigh", NULL, NULL);
	CU_add_test(suite, "on link: unresolved, then resolved", test_on_link);
	CU_add_test(suite, "IPv6", test_ipv6);
	CU_add_test(suite, "gateways", test_gateway);
	CU_add_test(suite, "change notices", test_changes);
	CU_add_test(suite, "stale neighbours", test_stale);
	CU_add_test(suite, "absent neighbour", test_absent);
	CU_add_test(suite, "without privileges", test_unprivileged);
	CU_add_test(suite, "lost notices", test_overflow);
	CU_add_test(suite, "more destinations than the cache holds", test_many);
	CU_add_test(suite, "addresses", test_addresses);
	CU_add_test(suite, "deleted neighbour", test_deleted_message);
	CU_add_test(suite, "VLAN interface as the kernel describes it", test_vlan_message);
	CU_add_test(suite, "VLAN interface", test_vlan);
	return check_run_registered();
}
