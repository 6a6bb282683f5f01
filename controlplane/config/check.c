// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What is wrong between keys, between file and topology, and between file and host.
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "../mixnet/topology.h"
#include "prefix.h"
#include "private.h"
#include "schema.h"

#define CHECK_TAGS_MIN UINT64_C(16)
#define CHECK_TAGS_MAX UINT64_C(1000000000000)

void config_finding(
        const struct fog_config *c, struct fog_report *r, const char *path, const char *format, ...
)
{
	const struct config_source s = {.file = c->file, .report = r, .lines = c->lines};
	char what[900];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	config_error(&s, path, "%s", what);
}

void config_warning(
        const struct fog_config *c, struct fog_report *r, const char *path, const char *format, ...
)
{
	char what[900];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	fog_report_warning(r, c->file, config_line(c->lines, path), "%s: %s", path, what);
}

static void check_power_of_two(
        const struct fog_config *c, struct fog_report *r, const char *path, uint32_t value
)
{
	uint32_t above = 16;

	if ((value & (value - 1)) == 0)
		return;
	while (above < value)
		above *= 2;
	config_finding(
	        c, r, path, "%u is not a power of two: take %u or %u", value, above / 2, above
	);
}

static void check_keys(const struct fog_config *c, struct fog_report *r)
{
	check_power_of_two(c, r, "rings.deliver_slots", c->rings.deliver_slots);
	check_power_of_two(c, r, "rings.inject_slots", c->rings.inject_slots);
	if (c->replay.capacity != 0 && c->replay.capacity < CHECK_TAGS_MIN)
		config_finding(
		        c, r, "replay.capacity",
		        "%" PRIu64 " packets are no table: take 0, or at least %" PRIu64,
		        c->replay.capacity, CHECK_TAGS_MIN
		);
	if (c->production && c->test.delay_seed != 0)
		config_finding(
		        c, r, "test.delay_seed",
		        "a production node must not have delays that others can compute: remove "
		        "it or set production: false"
		);
	if (c->production && c->test.key_seed != 0)
		config_finding(
		        c, r, "test.key_seed",
		        "a production node must not have keys that everybody knows: remove it or "
		        "set production: false"
		);
	if (c->production && c->test.clock_ahead_ms != 0)
		config_finding(
		        c, r, "test.clock_ahead",
		        "a production node goes by the right time: remove it or set production: "
		        "false"
		);
	if (c->data_uid != 0 && c->user_found && c->data_uid == c->uid)
		config_finding(
		        c, r, "dataplane_user",
		        "both processes would be user %u, and whoever takes one over reads the "
		        "files of the other: name another user",
		        c->uid
		);
	if (c->production && c->dataplane_user[0] == '\0')
		config_warning(
		        c, r, "dataplane_user",
		        "the data plane stays root: name a user that nothing else runs as"
		);
	for (unsigned i = 0; i < c->workers.cpu_count; i++)
		if (c->workers.cpu[i] == c->workers.manager_cpu && c->workers.idle == FOG_IDLE_BUSY)
			config_warning(
			        c, r, "workers.manager_cpu",
			        "CPU %u polls without pause for a worker, the manager starves "
			        "it: give the manager a CPU of its own",
			        c->workers.manager_cpu
			);
}

static void check_port(const struct fog_config *c, struct fog_report *r, unsigned i)
{
	const struct fog_config_port *p = &c->port[i];
	char path[48];

	snprintf(path, sizeof(path), "ports[%u].queues", i);
	if (p->queues < c->workers.cpu_count)
		config_finding(
		        c, r, path,
		        "%u queues for %u workers: take at least %u, or leave the key out",
		        p->queues, c->workers.cpu_count, c->workers.cpu_count
		);
	snprintf(path, sizeof(path), "ports[%u].device", i);
	if (p->driver == FOG_DRIVER_AFXDP && strlen(p->device) >= IFNAMSIZ)
		config_finding(
		        c, r, path, "'%s' is longer than an interface name can be (%d characters)",
		        p->device, IFNAMSIZ - 1
		);
	snprintf(path, sizeof(path), "ports[%u].xdp_mode", i);
	if (p->driver != FOG_DRIVER_AFXDP && p->driver != FOG_DRIVER_AUTO &&
	    p->xdp_mode != FOG_XDP_AUTO)
		config_finding(
		        c, r, path, "only a port of driver afxdp has an XDP mode: remove the key"
		);
	snprintf(path, sizeof(path), "ports[%u].neighbours", i);
	// A VLAN may be unknown to the kernel, and with it the neighbours behind it.
	if (p->driver == FOG_DRIVER_AFXDP && p->vlan == 0 && p->neighbour_count > 0)
		config_finding(
		        c, r, path,
		        "the kernel knows the neighbours of an afxdp port: remove the key and "
		        "use 'ip neighbour add' where one must be fixed"
		);
	snprintf(path, sizeof(path), "ports[%u].addresses", i);
	if (p->driver != FOG_DRIVER_AFXDP && p->driver != FOG_DRIVER_AUTO && p->address_count == 0)
		config_finding(
		        c, r, path,
		        "is missing: the kernel knows no address of a port of driver %s",
		        config_word(KIND_DRIVER, p->driver)
		);
}

static bool port_covers(const struct fog_config_port *p, unsigned i, const struct fog_ip *ip)
{
	const struct fog_ip *a = &p->address[i];
	unsigned bytes = p->prefix[i] / 8, bits = p->prefix[i] % 8;

	if (a->family != ip->family || memcmp(a->addr, ip->addr, bytes) != 0)
		return false;
	return bits == 0 || ((a->addr[bytes] ^ ip->addr[bytes]) >> (8 - bits)) == 0;
}

// Addresses of a family on a port, and on how many of their links 'ip' is.
static unsigned port_speaks(
        const struct fog_config_port *p, const struct fog_ip *ip, unsigned *on_link
)
{
	unsigned found = 0;

	*on_link = 0;
	for (unsigned i = 0; i < p->address_count; i++) {
		found += p->address[i].family == ip->family;
		*on_link += port_covers(p, i, ip);
	}
	return found;
}

static bool port_bare(const struct fog_config_port *p)
{
	return p->driver == FOG_DRIVER_DPDK || p->driver == FOG_DRIVER_LOOP;
}

static void check_gateway(
        const struct fog_config *c, struct fog_report *r, unsigned i, const struct fog_ip *gateway,
        unsigned family
)
{
	const struct fog_config_port *p = &c->port[i];
	unsigned on_link;
	char path[48];

	if (gateway->family == 0)
		return;
	snprintf(path, sizeof(path), "ports[%u].gateway%u", i, family);
	if (p->driver == FOG_DRIVER_AFXDP) {
		config_finding(
		        c, r, path,
		        "the kernel routes what leaves an afxdp port: remove the key and use 'ip "
		        "route add'"
		);
		return;
	}
	bool link_local = family == 6 && gateway->addr[0] == 0xfe &&
	        (gateway->addr[1] & 0xc0) == 0x80;
	if (port_speaks(p, gateway, &on_link) == 0)
		config_finding(
		        c, r, path, "the port has no IPv%u address: add one with its prefix length",
		        family
		);
	else if (on_link == 0 && !link_local)
		config_finding(
		        c, r, path,
		        "is on no link of the port's addresses: correct it, or their prefix "
		        "lengths"
		);
	for (unsigned a = 0; a < p->address_count; a++)
		if (p->address[a].family == family && p->prefix[a] == 0)
			config_finding(
			        c, r, path,
			        "addresses[%u] has no prefix length, so everything is on link and "
			        "nothing goes to a gateway: write it as address/bits",
			        a
			);
}

static void check_ports(const struct fog_config *c, struct fog_report *r)
{
	unsigned neighbours = 0;

	for (unsigned i = 0; i < c->port_count; i++) {
		check_port(c, r, i);
		check_gateway(c, r, i, &c->port[i].gateway4, 4);
		check_gateway(c, r, i, &c->port[i].gateway6, 6);
		neighbours += c->port[i].neighbour_count;
		for (unsigned a = 0; a < i; a++)
			for (unsigned k = 0;
			     k < c->port[a].address_count * c->port[i].address_count; k++)
				if (memcmp(&c->port[a].address[k / c->port[i].address_count],
				           &c->port[i].address[k % c->port[i].address_count],
				           sizeof(struct fog_ip)) == 0)
					config_finding(
					        c, r, "ports",
					        "ports[%u] and ports[%u] have an address in common",
					        a, i
					);
	}
	if (neighbours > FOG_NEIGHBOURS_MAX)
		config_finding(
		        c, r, "ports", "%u neighbours on all ports, %d are the most", neighbours,
		        FOG_NEIGHBOURS_MAX
		);
}

static void check_memory(const struct fog_config *c, const struct fog_plan *p, struct fog_report *r)
{
	if (p->eal_need > (uint64_t)c->memory.mib << 20) {
		uint64_t all = (uint64_t)c->memory.mib << 20, fixed = FOG_PLAN_EAL + p->queues;
		uint64_t room = all > fixed ? all - fixed : 0;
		config_finding(
		        c, r, "memory.mib",
		        "packet_buffers %u x %" PRIu64 " B take %" PRIu64
		        " MiB in whole pages, EAL, devices and queues of links %" PRIu64
		        " MiB, together %" PRIu64
		        " MiB, but memory.mib is %u: raise memory.mib to at least %" PRIu64
		        " or lower packet_buffers to at most %" PRIu64,
		        c->memory.packet_buffers, p->buffer_size, (p->pool + (1 << 20) - 1) >> 20,
		        (fixed + (1 << 20) - 1) >> 20, fog_plan_mib(p), c->memory.mib,
		        fog_plan_mib(p), room * c->memory.packet_buffers / p->pool
		);
	}
	if (p->buffers_need > c->memory.packet_buffers)
		config_finding(
		        c, r, "memory.packet_buffers",
		        "parked_max %u + device queues %u + caches of workers and manager %u + "
		        "packets in work %u = %u buffers, but packet_buffers is %u: "
		        "raise packet_buffers to at least %u or lower parked_max",
		        p->parked, p->queued, p->cached, p->held, p->buffers_need,
		        c->memory.packet_buffers, p->buffers_need
		);
}

// Highest max_rate whose tables of this many tags don't overflow; 0 when there is none.
static uint64_t rate_for(const struct fog_config *c, const struct fog_topology *t, uint64_t tags)
{
	uint64_t seconds = config_key_seconds(t);
	uint64_t rate = tags / c->workers.cpu_count / seconds;

	while (rate > 0 && fog_plan_tags(c->workers.cpu_count, rate, seconds) > tags)
		rate--;
	return rate;
}

// max_rate 0 would lift the limit: where no rate is low enough, lowering it is no way out.
static void rate_say(char *text, size_t len, const char *before, uint64_t rate, const char *behind)
{
	text[0] = '\0';
	if (rate > 0)
		snprintf(text, len, "%s%" PRIu64 "%s", before, rate, behind);
}

static void check_capacity(
        const struct fog_config *c, const struct fog_topology *t, struct fog_report *r
)
{
	uint64_t need =
	        fog_plan_tags(c->workers.cpu_count, c->workers.max_rate, config_key_seconds(t));
	char lower[64];

	if (c->workers.max_rate != 0 && c->replay.capacity != 0 && c->replay.capacity < need) {
		rate_say(
		        lower, sizeof(lower), ", or lower max_rate to ",
		        rate_for(c, t, c->replay.capacity), ""
		);
		config_warning(
		        c, r, "replay.capacity",
		        "%" PRIu64 " is less than the %" PRIu64
		        " packets that workers.max_rate admits under one mix key; once the table is "
		        "full every packet is dropped as replay_full: leave the key out%s",
		        c->replay.capacity, need, lower
		);
	}
	if (fog_config_tags(c, t) > CHECK_TAGS_MAX)
		config_finding(
		        c, r, "workers.max_rate",
		        "%" PRIu64 " tags in one replay table, %" PRIu64
		        " are the most: lower it, or shorten the network's mix_key.epoch",
		        fog_config_tags(c, t), CHECK_TAGS_MAX
		);
}

static bool node_has_neighbour(const struct fog_config_port *p, const struct fog_ip *ip)
{
	for (unsigned i = 0; i < p->neighbour_count; i++)
		if (memcmp(&p->neighbour[i].address, ip, sizeof(*ip)) == 0)
			return true;
	return false;
}

// A port that would send to 'ip' if it had a gateway, or -1: some port reaches it, or none speaks
// its family, or a kernel may have a route.
static int node_off_link(const struct fog_config *c, const struct fog_ip *ip)
{
	int without = -1;

	for (unsigned i = 0; i < c->port_count; i++) {
		const struct fog_config_port *p = &c->port[i];
		const struct fog_ip *gateway = ip->family == 4 ? &p->gateway4 : &p->gateway6;
		unsigned on_link, speaks = port_speaks(p, ip, &on_link);
		if (!port_bare(p) || on_link > 0 || node_has_neighbour(p, ip) ||
		    (speaks > 0 && gateway->family != 0))
			return -1;
		if (speaks > 0 && without < 0)
			without = (int)i;
	}
	return without;
}

static void check_next_hops(
        const struct fog_config *c, const struct fog_topology *t, struct fog_report *r
)
{
	unsigned far[2] = {0}, first[2] = {0};
	int port[2] = {-1, -1};
	char path[48];

	for (unsigned i = 0; i < t->node_count; i++) {
		unsigned six = t->node[i].address.family == 6;
		int without = node_off_link(c, &t->node[i].address);
		if (without < 0)
			continue;
		if (far[six]++ == 0)
			first[six] = i;
		port[six] = without;
	}
	for (unsigned six = 0; six < 2; six++) {
		if (far[six] == 0)
			continue;
		snprintf(path, sizeof(path), "ports[%d].addresses", port[six]);
		config_finding(
		        c, r, path,
		        "%u IPv%d node(s) of the network, %s the first, are on no link of ours and "
		        "there is no gateway: set gateway%d, or correct the prefix length",
		        far[six], six ? 6 : 4, t->node[first[six]].name, six ? 6 : 4
		);
	}
}

static bool port_has(const struct fog_config *c, const struct fog_ip *ip)
{
	bool all_known = true;

	for (unsigned i = 0; i < c->port_count; i++) {
		const struct fog_config_port *p = &c->port[i];
		all_known = all_known && p->address_count > 0;
		for (unsigned a = 0; a < p->address_count; a++)
			if (memcmp(&p->address[a], ip, sizeof(*ip)) == 0)
				return true;
	}
	return !all_known; // a port with the addresses of its interface may have this one
}

// What a node of a network with a directory says of itself stands in its own file.
static void check_node(
        const struct fog_config *c, const struct fog_topology *t, struct fog_report *r
)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (t->authority_count == 0 && c->directory.listen[0] != '\0')
		config_warning(
		        c, r, "directory.listen",
		        "%s lists its nodes, there is no consensus to serve: remove it", t->file
		);
	if (t->authority_count == 0)
		return;
	if (c->node.address.family == 0)
		config_finding(
		        c, r, "node.address",
		        "is missing: %s has a directory, to which this node has to say where it is",
		        t->file
		);
	else if (!port_has(c, &c->node.address))
		config_warning(
		        c, r, "node.address",
		        "%s is no address of our ports: correct it, unless somebody translates it",
		        inet_ntop(
		                c->node.address.family == 4 ? AF_INET : AF_INET6,
		                c->node.address.addr, text, sizeof(text)
		        )
		);
	if (c->node.role != FOG_ROLE_MIX && c->node.layer != 0)
		config_finding(c, r, "node.layer", "only a mix has a layer: remove it");
	else if (c->node.layer > fog_topology_layers_most(t))
		config_finding(
		        c, r, "node.layer", "the network has %u layers at most: lower it",
		        fog_topology_layers_most(t)
		);
}

static void check_topology(
        const struct fog_config *c, const struct fog_topology *t, const struct fog_plan *p,
        struct fog_report *r
)
{
	char path[48];

	for (unsigned i = 0; i < c->port_count; i++) {
		if (c->port[i].mtu >= p->mtu_need)
			continue;
		snprintf(path, sizeof(path), "ports[%u].mtu", i);
		config_finding(
		        c, r, path,
		        "%u is too small: a packet of this network has %u bytes, with UDP and "
		        "IPv6 headers %u: set the MTU to at least %u or choose a smaller geometry",
		        c->port[i].mtu, t->geometry.packet_len, p->mtu_need, p->mtu_need
		);
	}
	check_next_hops(c, t, r);
	check_node(c, t, r);
	if (c->production && t->links == FOG_LINKS_NONE)
		config_finding(
		        c, r, "production",
		        "%s says 'links: none', which shows every packet to the wire: set "
		        "production: false, or encrypt the links",
		        t->file
		);
}

static void check_filter(
        const struct fog_config *c, const struct fog_topology *t, struct fog_report *r
)
{
	const struct fog_config_filter *f = &c->filter;
	char text[FOG_PREFIX_TEXT_LEN];

	for (unsigned i = 0; i < c->port_count && (f->source_rate | f->deny_count) != 0; i++)
		if (c->port[i].driver != FOG_DRIVER_AFXDP && c->port[i].driver != FOG_DRIVER_AUTO)
			config_warning(
			        c, r, "filter",
			        "port '%s' takes what source_rate and deny keep out elsewhere: only "
			        "a port of driver afxdp has a filter",
			        c->port[i].name
			);
	for (unsigned k = 0; t != NULL && k < f->deny_count; k++) {
		for (unsigned i = 0; i < t->node_count; i++) {
			if (!fog_prefix_holds(&f->deny[k], &t->node[i].address))
				continue;
			config_warning(
			        c, r, "filter.deny", "%s holds node '%s': its packets are dropped",
			        fog_prefix_print(&f->deny[k], text), t->node[i].name
			);
			break; // one example is enough
		}
	}
}

static void check_cpu(
        const struct fog_config *c, const struct fog_config_host *h, struct fog_report *r,
        const char *path, uint32_t cpu
)
{
	if (cpu >= FOG_CONFIG_CPUS_MAX || (h->cpu[cpu / 64] >> cpu % 64 & 1) == 0)
		config_finding(
		        c, r, path, "CPU %u does not exist (this host has %s)", cpu, h->cpu_text
		);
}

static const char *replay_mend(const struct fog_config_host *h, uint64_t have)
{
	if (h->replay_huge)
		return "reserve more pages with 'fogctl host init hugepages'";
	return have < h->replay_free ? "give the host more memory" : "give the file system more";
}

// All tables that the network's keys will ask for must fit, although the first one alone would: a
// node that can't make the second one loses its traffic when the first key is renewed.
static void check_replay_fits(
        const struct fog_config *c, const struct fog_topology *t, const struct fog_config_host *h,
        const struct fog_plan *p, struct fog_report *r
)
{
	uint64_t have = fog_config_replay_have(c, h, p);
	uint64_t page = h->replay_huge ? h->replay_page : FOG_PLAN_PAGE;
	uint64_t each = page != 0 ? have / p->replay_keys / page * page : 0;
	uint64_t tags = each > FOG_PLAN_PAGE ? (each - FOG_PLAN_PAGE) / FOG_REPLAY_SLOT : 0;
	char arithmetic[256], lower[64];

	if (!config_replay_known(h) || p->replay <= each)
		return;
	config_replay_say(c, t, h, p, arithmetic, sizeof(arithmetic));
	if (c->replay.capacity != 0 || c->workers.max_rate == 0) {
		rate_say(
		        lower, sizeof(lower), "lower it to at most ",
		        tags >= CHECK_TAGS_MIN ? tags : 0, " or "
		);
		config_finding(
		        c, r, "replay.capacity", "%s in %s: %s%s", arithmetic, c->replay.dir, lower,
		        replay_mend(h, have)
		);
	} else {
		rate_say(lower, sizeof(lower), "lower it to at most ", rate_for(c, t, tags), ", ");
		config_finding(
		        c, r, "workers.max_rate",
		        "%s in %s: %sshorten the network's mix_key.epoch, or %s", arithmetic,
		        c->replay.dir, lower, replay_mend(h, have)
		);
	}
}

static void check_host_memory(
        const struct fog_config *c, const struct fog_topology *t, const struct fog_config_host *h,
        const struct fog_plan *p, struct fog_report *r
)
{
	uint64_t rest = config_plan_rest(c, p), eal = (uint64_t)c->memory.mib << 20;
	bool pages_short = c->memory.hugepages && eal > h->hugepages_free;
	bool memory_short = h->memory_free != 0 && rest > h->memory_free;

	if (h->replay_on_disk)
		config_finding(
		        c, r, "replay.dir",
		        "%s is on a disk: choose a folder on tmpfs or hugetlbfs such as "
		        "/dev/shm/fogline-%s",
		        c->replay.dir, c->instance
		);
	// What is short without any table is no matter of the tables.
	if (!memory_short && !(pages_short && h->replay_huge))
		check_replay_fits(c, t, h, p, r);
	if (pages_short)
		config_finding(
		        c, r, "memory.hugepages",
		        "memory.mib asks for %u MiB of hugepages, %" PRIu64
		        " MiB are free: reserve %u pages with 'fogctl host init hugepages' or set "
		        "hugepages: false",
		        c->memory.mib, h->hugepages_free >> 20, (c->memory.mib + 1) / 2
		);
	if (memory_short)
		config_finding(
		        c, r, "memory",
		        "the appliance needs %" PRIu64
		        " MiB beside its replay tables, this host has %" PRIu64
		        " MiB free: lower memory.mib (%u MiB)",
		        rest >> 20, h->memory_free >> 20, c->memory.mib
		);
}

// What 'driver: auto' would come to here.
static void check_devices(
        const struct fog_config *c, const struct fog_config_host *h, struct fog_report *r
)
{
	char path[48];

	for (unsigned i = 0; i < c->port_count; i++) {
		const struct fog_device_choice *choice = &h->choice[i];
		snprintf(path, sizeof(path), "ports[%u].device", i);
		if (c->port[i].driver != FOG_DRIVER_AUTO || choice->why[0] == '\0')
			continue;
		if (choice->driver == 0)
			config_finding(c, r, path, "%s", choice->why);
		snprintf(path, sizeof(path), "ports[%u].addresses", i);
		if (choice->driver == FOG_DRIVER_DPDK && c->port[i].address_count == 0)
			config_finding(
			        c, r, path,
			        "is missing: %s, where the kernel knows no address of it",
			        choice->why
			);
	}
}

static void check_host(
        const struct fog_config *c, const struct fog_topology *t, const struct fog_config_host *h,
        const struct fog_plan *p, struct fog_report *r
)
{
	char path[48];

	if (h->cpu_text[0] != '\0') {
		for (unsigned i = 0; i < c->workers.cpu_count; i++) {
			snprintf(path, sizeof(path), "workers.cpus[%u]", i);
			check_cpu(c, h, r, path, c->workers.cpu[i]);
		}
		check_cpu(c, h, r, "workers.manager_cpu", c->workers.manager_cpu);
	}
	if (!c->user_found)
		config_finding(
		        c, r, "user",
		        "this host has no user '%s': create it with 'useradd --system "
		        "--no-create-home %s', or name another",
		        c->user, c->user
		);
	if (!c->data_user_found)
		config_finding(
		        c, r, "dataplane_user",
		        "this host has no user '%s': create it with 'useradd --system "
		        "--no-create-home %s', or name another",
		        c->dataplane_user, c->dataplane_user
		);
	check_devices(c, h, r);
	check_host_memory(c, t, h, p, r);
}

int fog_config_check(
        const struct fog_config *c, const struct fog_topology *t, const struct fog_config_host *h,
        struct fog_report *r
)
{
	unsigned before = r->errors;
	struct fog_plan plan;

	check_keys(c, r);
	config_check_platform(c, r);
	check_ports(c, r);
	fog_config_plan(c, t, h, &plan);
	check_memory(c, &plan, r);
	check_capacity(c, t, r);
	check_filter(c, t, r);
	if (t != NULL)
		check_topology(c, t, &plan, r);
	if (h != NULL)
		check_host(c, t, h, &plan, r);
	return r->errors > before ? -EINVAL : 0;
}
