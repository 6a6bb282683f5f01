// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "blob_check.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "api/blob.h"
#include "api/link.h"
#include "api/plan.h"
#include "log.h"
#include "sphinx/sphinx.h"

enum {
	CHECK_CPU_MAX = 1023,
	CHECK_MTU_MIN = 576,
	CHECK_MTU_MAX = 9000,
	CHECK_SLOTS_MIN = 2,
	CHECK_SLOTS_MAX = 65536,
	CHECK_BUFFERS_MAX = 1 << 26,
	CHECK_MIB_MAX = 1 << 20,
	CHECK_BURST_MAX = 1000000,
};

#define CHECK_REPLAY_MAX (UINT64_C(1) << 40)
#define CHECK_DELAY_MAX_US UINT32_C(3600000000)
#define CHECK_COVER_MAX_US UINT32_C(3600000000)

struct check {
	char *text;
	size_t text_len;
};

// All checks return 0 or what this returns.
__attribute__((format(printf, 3, 4))) static int refuse(
        const struct check *c, int error, const char *format, ...
)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->text, c->text_len, format, args);
	va_end(args);
	return error;
}

static bool all_zero(const void *bytes, size_t len)
{
	return sodium_is_zero(bytes, len) == 1;
}

static int check_range(
        const struct check *c, const char *what, uint64_t value, uint64_t min, uint64_t max
)
{
	if (value >= min && value <= max)
		return 0;
	return refuse(
	        c, -EINVAL, "%s is %" PRIu64 ", must be %" PRIu64 " to %" PRIu64, what, value, min,
	        max
	);
}

// NUL-terminated, printable, zero behind the NUL.
static int check_text(
        const struct check *c, const char *what, const char *s, size_t size, bool required
)
{
	size_t len = strnlen(s, size);

	if (len == size)
		return refuse(c, -EINVAL, "%s has no end", what);
	if (required && len == 0)
		return refuse(c, -EINVAL, "%s is empty", what);
	for (size_t i = 0; i < len; i++)
		if (s[i] < ' ' || s[i] > '~')
			return refuse(
			        c, -EINVAL, "%s has a character outside of printable ASCII", what
			);
	return all_zero(s + len, size - len)
	        ? 0
	        : refuse(c, -EINVAL, "%s has bytes behind its end", what);
}

static int check_ip(const struct check *c, const char *what, const struct fog_ip *ip)
{
	size_t used = ip->family == 4 ? 4 : 16;

	if (ip->family != 4 && ip->family != 6)
		return refuse(c, -EINVAL, "%s has address family %u", what, ip->family);
	if (!all_zero(ip->reserved, sizeof(ip->reserved)) ||
	    !all_zero(ip->addr + used, sizeof(ip->addr) - used))
		return refuse(c, -EINVAL, "%s has bytes behind its end", what);
	if (all_zero(ip->addr, used))
		return refuse(c, -EINVAL, "%s is the zero address", what);
	if ((ip->family == 4 && ip->addr[0] >= 224) || (ip->family == 6 && ip->addr[0] == 0xff))
		return refuse(c, -EINVAL, "%s is not the address of one host", what);
	return 0;
}

static bool power_of_two(uint32_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static int check_gateway(
        const struct check *c, const struct fog_blob_port *p, const struct fog_ip *ip,
        uint8_t family
)
{
	if (all_zero((const uint8_t *)ip, sizeof(*ip)))
		return 0;
	if (ip->family != family)
		return refuse(
		        c, -EINVAL, "port %s has a gateway%u of family %u", p->name, family,
		        ip->family
		);
	return check_ip(c, "gateway of a port", ip);
}

static int check_prefixes(const struct check *c, const struct fog_blob_port *p)
{
	for (unsigned i = 0; i < FOG_ADDRESSES_MAX; i++) {
		unsigned most = i >= p->address_count ? 0 : p->address[i].family == 4 ? 32 : 128;
		if (p->prefix[i] > most)
			return refuse(
			        c, -EINVAL, "port %s has a prefix of %u bits, at most %u", p->name,
			        p->prefix[i], most
			);
	}
	return 0;
}

static int check_port_addresses(const struct check *c, const struct fog_blob_port *p)
{
	int ret;

	if ((ret = check_prefixes(c, p)) < 0 || (ret = check_gateway(c, p, &p->gateway4, 4)) < 0 ||
	    (ret = check_gateway(c, p, &p->gateway6, 6)) < 0)
		return ret;

	for (unsigned i = 0; i < p->address_count; i++) {
		if ((ret = check_ip(c, "address of a port", &p->address[i])) < 0)
			return ret;
		for (unsigned k = 0; k < i; k++)
			if (memcmp(&p->address[i], &p->address[k], sizeof(p->address[i])) == 0)
				return refuse(c, -EINVAL, "port %s has an address twice", p->name);
	}
	if (p->driver != FOG_DRIVER_AFXDP && p->driver != FOG_DRIVER_AUTO && p->address_count == 0)
		return refuse(c, -EINVAL, "port %s has no address and no kernel to ask", p->name);
	return 0;
}

static int check_port(
        const struct check *c, const struct fog_blob_launch *l, const struct fog_blob_port *p
)
{
	size_t used = p->address_count * sizeof(p->address[0]);
	int ret;

	if ((ret = check_text(c, "name of a port", p->name, sizeof(p->name), true)) < 0 ||
	    (ret = check_text(c, "device of a port", p->device, sizeof(p->device), true)) < 0 ||
	    (ret = check_range(c, "driver of a port", p->driver, FOG_DRIVER_LOOP, FOG_DRIVER_AUTO)
	    ) < 0 ||
	    (ret = check_range(c, "xdp_mode of a port", p->xdp_mode, FOG_XDP_AUTO, FOG_XDP_GENERIC)
	    ) < 0 ||
	    (ret = check_range(c, "queues of a port", p->queues, l->worker_count, FOG_QUEUES_MAX)) <
	            0 ||
	    (ret = check_range(c, "vlan of a port", p->vlan, 0, 4094)) < 0 ||
	    (ret = check_range(c, "mtu of a port", p->mtu, CHECK_MTU_MIN, CHECK_MTU_MAX)) < 0 ||
	    (ret = check_range(c, "addresses of a port", p->address_count, 0, FOG_ADDRESSES_MAX)) <
	            0)
		return ret;
	if (p->driver != FOG_DRIVER_AFXDP && p->driver != FOG_DRIVER_AUTO &&
	    p->xdp_mode != FOG_XDP_AUTO)
		return refuse(c, -EINVAL, "port %s has an XDP mode and no XDP", p->name);
	if (!all_zero((const uint8_t *)p->address + used, sizeof(p->address) - used))
		return refuse(c, -EINVAL, "port %s has bytes behind its addresses", p->name);
	return check_port_addresses(c, p);
}

static int check_ports(const struct check *c, const struct fog_blob_launch *l)
{
	size_t used = l->port_count * sizeof(l->port[0]);
	int ret;

	for (unsigned i = 0; i < l->port_count; i++) {
		if ((ret = check_port(c, l, &l->port[i])) < 0)
			return ret;
		for (unsigned k = 0; k < i; k++) {
			if (strcmp(l->port[i].name, l->port[k].name) == 0)
				return refuse(
				        c, -EINVAL, "two ports are called %s", l->port[i].name
				);
			if (l->port[i].driver != FOG_DRIVER_LOOP &&
			    strcmp(l->port[i].device, l->port[k].device) == 0)
				return refuse(
				        c, -EINVAL, "two ports use device %s", l->port[i].device
				);
		}
	}
	if (!all_zero((const uint8_t *)l->port + used, sizeof(l->port) - used))
		return refuse(c, -EINVAL, "bytes behind the last port");
	return 0;
}

static int check_workers(const struct check *c, const struct fog_blob_launch *l)
{
	size_t used = l->worker_count * sizeof(l->worker[0]);
	int ret;

	for (unsigned i = 0; i < l->worker_count; i++) {
		const struct fog_blob_worker *w = &l->worker[i];
		if ((ret = check_range(c, "CPU of a worker", w->cpu, 0, CHECK_CPU_MAX)) < 0)
			return ret;
		if (!all_zero(w->reserved, sizeof(w->reserved)))
			return refuse(c, -EINVAL, "reserved bytes of worker %u are not zero", i);
		for (unsigned k = 0; k < i; k++)
			if (w->cpu == l->worker[k].cpu)
				return refuse(c, -EINVAL, "CPU %u has two workers", w->cpu);
	}
	if (!all_zero((const uint8_t *)l->worker + used, sizeof(l->worker) - used))
		return refuse(c, -EINVAL, "bytes behind the last worker");
	return 0;
}

static int check_launch_numbers(const struct check *c, const struct fog_blob_launch *l)
{
	int ret;

	if ((ret = check_range(c, "mix_port", l->mix_port, 1, UINT16_MAX)) < 0 ||
	    (ret = check_range(c, "manager_cpu", l->manager_cpu, 0, CHECK_CPU_MAX)) < 0 ||
	    (ret = check_range(c, "worker_count", l->worker_count, 1, FOG_WORKERS_MAX)) < 0 ||
	    (ret = check_range(c, "port_count", l->port_count, 1, FOG_PORTS_MAX)) < 0 ||
	    (ret = check_range(c, "idle", l->idle, FOG_IDLE_BUSY, FOG_IDLE_ADAPTIVE)) < 0 ||
	    (ret = check_range(c, "links", l->links, FOG_LINKS_NONE, FOG_LINKS_NOISE)) < 0 ||
	    (ret = check_range(c, "control_uid", l->control_uid, 0, UINT32_MAX - 1)) < 0 ||
	    (ret = check_range(c, "control_gid", l->control_gid, 0, UINT32_MAX - 1)) < 0 ||
	    (ret = check_range(c, "data_uid", l->data_uid, 0, UINT32_MAX - 1)) < 0 ||
	    (ret = check_range(c, "data_gid", l->data_gid, 0, UINT32_MAX - 1)) < 0 ||
	    (ret = check_range(c, "hugepages", l->hugepages, 0, 1)) < 0 ||
	    (ret = check_range(c, "memory_mib", l->memory_mib, 1, CHECK_MIB_MAX)) < 0 ||
	    (ret = check_range(c, "packet_buffers", l->packet_buffers, 1, CHECK_BUFFERS_MAX)) < 0 ||
	    (ret = check_range(c, "parked_max", l->parked_max, 1, CHECK_BUFFERS_MAX)) < 0 ||
	    (ret = check_range(
	             c, "deliver_slots", l->deliver_slots, CHECK_SLOTS_MIN, CHECK_SLOTS_MAX
	     )) < 0 ||
	    (ret = check_range(c, "inject_slots", l->inject_slots, CHECK_SLOTS_MIN, CHECK_SLOTS_MAX)
	    ) < 0)
		return ret;
	if (!power_of_two(l->deliver_slots) || !power_of_two(l->inject_slots))
		return refuse(c, -EINVAL, "deliver_slots or inject_slots is not a power of two");
	if ((ret = check_range(c, "replay_capacity", l->replay_capacity, 1, CHECK_REPLAY_MAX)) < 0)
		return ret;
	return check_range(c, "max_rate", l->max_rate, 0, FOG_RATE_MAX);
}

// Only after the ranges: the plan doesn't overflow then.
static int check_plan(const struct check *c, const struct fog_blob_launch *l, uint32_t packet_len)
{
	struct fog_plan p;

	fog_plan(l, packet_len, 1, &p); // fog_pools_plan looks at this machine's nodes
	for (unsigned i = 0; i < l->port_count; i++)
		if (l->port[i].mtu < p.mtu_need)
			return refuse(
			        c, -ENOSPC, "port %s has MTU %u, a packet needs %u",
			        l->port[i].name, l->port[i].mtu, p.mtu_need
			);
	if (p.buffers_need > l->packet_buffers)
		return refuse(
		        c, -ENOSPC, "parked_max and queues need %u buffers, packet_buffers is %u",
		        p.buffers_need, l->packet_buffers
		);
	if (p.eal_need > (uint64_t)l->memory_mib << 20)
		return refuse(
		        c, -ENOSPC, "packet buffers need %" PRIu64 " MiB, memory_mib is %u",
		        fog_plan_mib(&p), l->memory_mib
		);
	return 0;
}

static int check_launch(const struct check *c, const struct fog_blob_launch *l)
{
	struct fog_geometry g;
	int ret;

	if ((ret = check_text(c, "instance", l->instance, sizeof(l->instance), true)) < 0 ||
	    (ret = check_text(c, "replay_dir", l->replay_dir, sizeof(l->replay_dir), true)) < 0)
		return ret;
	// The instance becomes part of file names.
	if (strchr(l->instance, '/') != NULL || l->instance[0] == '.')
		return refuse(c, -EINVAL, "instance '%s' is not a name", l->instance);
	if (l->replay_dir[0] != '/')
		return refuse(c, -EINVAL, "replay_dir '%s' is not an absolute path", l->replay_dir);
	if (fog_geometry_init(&g, l->slots, l->payload_len) < 0 || l->payload_len == 0)
		return refuse(
		        c, -EINVAL, "no geometry has %u slots and %u bytes", l->slots,
		        l->payload_len
		);
	uint32_t frame_len = g.packet_len + FOG_LINK_OVERHEAD;
	if (l->links == FOG_LINKS_NOISE && frame_len < FOG_INITIATION_LEN)
		return refuse(
		        c, -EINVAL,
		        "frames of %u bytes hold no handshake message of %d: raise the payload to %u",
		        frame_len, FOG_INITIATION_LEN,
		        l->payload_len + FOG_INITIATION_LEN - frame_len
		);
	if ((ret = check_launch_numbers(c, l)) < 0 || (ret = check_workers(c, l)) < 0 ||
	    (ret = check_ports(c, l)) < 0)
		return ret;
	return check_plan(c, l, g.packet_len);
}

static int check_neighbours(
        const struct check *c, const struct fog_blob_launch *l, const struct fog_blob_run *r
)
{
	size_t used = r->neighbour_count * sizeof(r->neighbour[0]);
	int ret;

	for (unsigned i = 0; i < r->neighbour_count; i++) {
		const struct fog_blob_neighbour *n = &r->neighbour[i];
		if ((ret = check_ip(c, "address of a neighbour", &n->ip)) < 0)
			return ret;
		// Behind a VLAN of an AF_XDP port there may be no kernel that knows neighbours.
		if (n->port >= l->port_count ||
		    (l->port[n->port].driver == FOG_DRIVER_AFXDP && l->port[n->port].vlan == 0))
			return refuse(
			        c, -EINVAL, "neighbour %u is on port %u, which has none", i, n->port
			);
		if ((n->mac[0] & 1) != 0 || all_zero(n->mac, sizeof(n->mac)))
			return refuse(c, -EINVAL, "neighbour %u has no MAC address of one host", i);
		for (unsigned k = 0; k < i; k++)
			if (n->port == r->neighbour[k].port &&
			    memcmp(&n->ip, &r->neighbour[k].ip, sizeof(n->ip)) == 0)
				return refuse(
				        c, -EINVAL, "neighbours %u and %u are the same", k, i
				);
	}
	if (!all_zero((const uint8_t *)r->neighbour + used, sizeof(r->neighbour) - used))
		return refuse(c, -EINVAL, "bytes behind the last neighbour");
	return 0;
}

static int check_nodes(const struct check *c, const struct fog_blob_node *node, uint32_t count)
{
	int ret;

	for (uint32_t i = 0; i < count; i++) {
		if ((ret = check_ip(c, "address of a node", &node[i].ip)) < 0)
			return ret;
		if (node[i].port == 0 || node[i].reserved != 0 || all_zero(node[i].id, FOG_ID_LEN))
			return refuse(
			        c, -EINVAL, "node %u has no port, no ID, or reserved bytes", i
			);
		for (uint32_t k = 0; k < i; k++) {
			if (memcmp(node[i].id, node[k].id, FOG_ID_LEN) == 0)
				return refuse(c, -EINVAL, "nodes %u and %u have one ID", k, i);
			// Who sent a frame is known by its address alone.
			if (memcmp(&node[i].ip, &node[k].ip, sizeof(node[i].ip)) == 0)
				return refuse(c, -EINVAL, "nodes %u and %u have one address", k, i);
		}
	}
	return 0;
}

// Bits of an address behind the first 'len', one byte at a time.
static bool host_bits(const struct fog_ip *ip, unsigned len)
{
	for (unsigned i = 0; i < sizeof(ip->addr); i++) {
		unsigned kept = len >= 8 * (i + 1) ? 8 : len > 8 * i ? len - 8 * i : 0;
		if ((ip->addr[i] & 0xffu >> kept) != 0)
			return true;
	}
	return false;
}

static int check_deny(const struct check *c, const struct fog_prefix *deny, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct fog_prefix *p = &deny[i];
		if ((p->ip.family != 4 && p->ip.family != 6) ||
		    p->len > (p->ip.family == 4 ? 32 : 128))
			return refuse(
			        c, -EINVAL, "deny %u has family %u and length %u", i, p->ip.family,
			        p->len
			);
		if (!all_zero(p->ip.reserved, sizeof(p->ip.reserved)) ||
		    !all_zero(p->reserved, sizeof(p->reserved)) || host_bits(&p->ip, p->len))
			return refuse(c, -EINVAL, "deny %u has bytes or bits behind its end", i);
		// In memory order, which is that of family, address, length.
		if (i > 0 && memcmp(&deny[i - 1], p, sizeof(*p)) >= 0)
			return refuse(c, -EINVAL, "deny %u is not behind the one before it", i);
	}
	return 0;
}

static int check_filter(const struct check *c, const struct fog_blob *b)
{
	const struct fog_blob_run *r = &b->run;
	const struct fog_blob_node *nodes = (const struct fog_blob_node *)(b + 1);
	int ret;

	if ((ret = check_range(c, "early_drop", r->early_drop, 0, 1)) < 0 ||
	    (ret = check_range(c, "source_rate", r->source_rate, 0, FOG_RATE_MAX)) < 0 ||
	    (ret = check_range(c, "source_burst", r->source_burst, 1, CHECK_BURST_MAX)) < 0)
		return ret;
	return check_deny(c, (const struct fog_prefix *)(nodes + r->node_count), r->deny_count);
}

static int check_cover(const struct check *c, const struct fog_blob *b)
{
	const struct fog_blob_run *r = &b->run;
	int ret;

	if ((ret = check_range(c, "cover_us", r->cover_us, 0, CHECK_COVER_MAX_US)) < 0 ||
	    (ret = check_range(c, "dummy_us", r->dummy_us, 0, CHECK_COVER_MAX_US)) < 0 ||
	    (ret = check_range(c, "cover_rate_max", r->cover_rate_max, 0, FOG_RATE_MAX)) < 0)
		return ret;
	if (r->reserved != 0)
		return refuse(c, -EINVAL, "reserved bytes of the run part are not zero");
	if (b->launch.links == FOG_LINKS_NONE &&
	    (r->cover_us | r->dummy_us | r->cover_rate_max) != 0)
		return refuse(c, -EINVAL, "cover without links: compile the configuration again");
	return 0;
}

// What is meant for tests, for whoever compiled the blob.
static int check_production(const struct check *c, const struct fog_blob *b)
{
	if (b->run.production == 0)
		return 0;
	if (b->launch.delay_seed != 0)
		return refuse(
		        c, -EINVAL,
		        "production is 1 and delay_seed fixes the delays: remove test.delay_seed or set "
		        "production: false"
		);
	if (b->launch.links == FOG_LINKS_NONE)
		return refuse(
		        c, -EINVAL,
		        "production is 1 and links are not encrypted: set production: false, or "
		        "encrypt the links"
		);
	return 0;
}

static int check_run(const struct check *c, const struct fog_blob *b)
{
	const struct fog_blob_run *r = &b->run;
	int ret;

	if ((ret = check_range(c, "delay_mean_us", r->delay_mean_us, 1, CHECK_DELAY_MAX_US)) < 0 ||
	    (ret = check_range(
	             c, "delay_max_us", r->delay_max_us, r->delay_mean_us, CHECK_DELAY_MAX_US
	     )) < 0 ||
	    (ret = check_range(c, "delay_cap_ms", r->delay_cap_ms, 0, CHECK_DELAY_MAX_US / 1000)) <
	            0 ||
	    (ret = check_range(c, "production", r->production, 0, 1)) < 0 ||
	    (ret = check_range(c, "log_level", r->log_level, 0, FOG_LOG_DEBUG)) < 0 ||
	    (ret = check_range(c, "trace_allow", r->trace_allow, 0, 1)) < 0 ||
	    (ret = check_range(c, "drain_grace_ms", r->drain_grace_ms, 0, FOG_DRAIN_GRACE_MAX_MS)) <
	            0 ||
	    (ret = check_range(c, "neighbour_count", r->neighbour_count, 0, FOG_NEIGHBOURS_MAX)) <
	            0)
		return ret;
	if ((ret = check_production(c, b)) < 0 || (ret = check_neighbours(c, &b->launch, r)) < 0 ||
	    (ret = check_filter(c, b)) < 0 || (ret = check_cover(c, b)) < 0)
		return ret;
	return check_nodes(c, (const struct fog_blob_node *)(b + 1), r->node_count);
}

static int check_frame(const struct check *c, const struct fog_blob *b, size_t len)
{
	const size_t from = offsetof(struct fog_blob, generation);
	uint8_t checksum[sizeof(b->checksum)];

	if (len < sizeof(*b) || len > FOG_BLOB_SIZE_MAX)
		return refuse(c, -EMSGSIZE, "%zu bytes are no configuration blob", len);
	if (b->magic != FOG_ABI_MAGIC)
		return refuse(
		        c, -EPROTO,
		        "no configuration blob: compile one with 'fogctl config compile'"
		);
	if (b->abi != FOG_ABI)
		return refuse(
		        c, -EPROTO,
		        "blob of ABI %u, this data plane speaks %u: compile it again with the "
		        "fogctl beside it",
		        b->abi, FOG_ABI
		);
	if (b->run.node_count > FOG_NODES_MAX || b->run.deny_count > FOG_DENY_MAX ||
	    len !=
	            sizeof(*b) + b->run.node_count * sizeof(struct fog_blob_node) +
	                    b->run.deny_count * sizeof(struct fog_prefix) ||
	    b->size != len)
		return refuse(
		        c, -EMSGSIZE, "%zu bytes don't hold %u nodes and %u denied prefixes", len,
		        b->run.node_count, b->run.deny_count
		);
	crypto_generichash(
	        checksum, sizeof(checksum), (const uint8_t *)b + from, len - from, NULL, 0
	);
	if (memcmp(checksum, b->checksum, sizeof(checksum)) != 0)
		return refuse(
		        c, -EBADMSG, "the checksum is wrong: the blob was damaged, compile it again"
		);
	return 0;
}

int fog_blob_check(const void *blob, size_t len, char *text, size_t text_len)
{
	const struct check c = {.text = text, .text_len = text_len};
	const struct fog_blob *b = blob;
	int ret;

	if (text_len > 0)
		text[0] = '\0';
	if ((ret = check_frame(&c, b, len)) < 0 || (ret = check_launch(&c, &b->launch)) < 0)
		return ret;
	return check_run(&c, b);
}
