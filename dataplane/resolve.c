// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "resolve.h"

#include <string.h>

#include "../drivers/neigh.h"
#include "../drivers/port_ops.h"
#include "neighbours.h"

static bool covers(const struct fog_ip *address, unsigned prefix, const struct fog_ip *to)
{
	unsigned bytes = prefix / 8, bits = prefix % 8;

	if (address->family != to->family || memcmp(address->addr, to->addr, bytes) != 0)
		return false;
	return bits == 0 || ((address->addr[bytes] ^ to->addr[bytes]) >> (8 - bits)) == 0;
}

static bool link_local(const struct fog_ip *ip)
{
	return ip->family == 6 && ip->addr[0] == 0xfe && (ip->addr[1] & 0xc0) == 0x80;
}

// Our own address on 'port' to send to 'to' from: 'hint' when it is one of the port's, else one that
// shares a link with 'to', else one of its family that is valid beyond the link, else any of it.
static const struct fog_ip *source_address(
        const struct fog_port *port, const struct fog_ip *to, const struct fog_ip *hint
)
{
	const struct fog_ip *found = NULL, *near = NULL;

	for (unsigned i = 0; i < port->address_count; i++) {
		const struct fog_ip *a = &port->address[i];
		if (hint != NULL && memcmp(a, hint, sizeof(*a)) == 0)
			return a;
		if (a->family != to->family)
			continue;
		if (near == NULL && port->prefix[i] > 0 && covers(a, port->prefix[i], to))
			near = a;
		if (found == NULL || (link_local(found) && !link_local(a)))
			found = a;
	}
	return near != NULL ? near : found;
}

static bool way_through(
        const struct fog_resolver *r, unsigned port, const struct fog_ip *to,
        const struct fog_ip *hint, struct fog_way *way
)
{
	const struct fog_ip *source = source_address(r->ports[port], to, hint);

	if (source == NULL)
		return false;
	way->routed = true;
	way->port = (uint16_t)port;
	way->source = *source;
	return true;
}

static bool way_static(
        const struct fog_resolver *r, const struct fog_blob_run *run, const struct fog_ip *to,
        struct fog_way *way
)
{
	for (unsigned i = 0; i < run->neighbour_count; i++) {
		const struct fog_blob_neighbour *n = &run->neighbour[i];
		if (memcmp(&n->ip, to, sizeof(*to)) != 0)
			continue;
		if (!way_through(r, n->port, to, NULL, way))
			return false;
		memcpy(way->mac, n->mac, sizeof(way->mac));
		way->resolved = true;
		return true;
	}
	return false;
}

static bool way_kernel(const struct fog_resolver *r, const struct fog_ip *to, struct fog_way *way)
{
	struct fog_neigh_entry e;

	if (r->neigh == NULL || fog_neigh_lookup(r->neigh, to, &e) < 0)
		return false;
	for (unsigned i = 0; i < r->port_count; i++) {
		if (r->ports[i]->ifindex == 0 || r->ports[i]->ifindex != e.ifindex ||
		    !way_through(r, i, to, &e.source, way))
			continue;
		way->resolved = e.resolved;
		memcpy(way->mac, e.mac, sizeof(way->mac));
		return true;
	}
	return false;
}

// 'via' is on the link of a port without a kernel, and may have a static address there as well.
static bool way_link(
        const struct fog_resolver *r, const struct fog_blob_run *run, unsigned port,
        const struct fog_ip *to, const struct fog_ip *via, uint64_t now_ms, struct fog_way *way
)
{
	if (!way_through(r, port, to, NULL, way))
		return false;
	for (unsigned i = 0; i < run->neighbour_count && !way->resolved; i++) {
		const struct fog_blob_neighbour *n = &run->neighbour[i];
		if (n->port != port || memcmp(&n->ip, via, sizeof(*via)) != 0)
			continue;
		memcpy(way->mac, n->mac, sizeof(way->mac));
		way->resolved = true;
	}
	if (!way->resolved && r->neighbours != NULL)
		way->resolved =
		        fog_neighbours_lookup(r->neighbours, (uint16_t)port, via, now_ms, way->mac);
	return true;
}

// The port without a kernel whose prefix says the most about 'to', or -1.
static int link_of(const struct fog_resolver *r, const struct fog_ip *to)
{
	unsigned best = 0;
	int found = -1;

	for (unsigned i = 0; i < r->port_count; i++) {
		const struct fog_port *p = r->ports[i];
		for (unsigned a = 0; p->bare && a < p->address_count; a++) {
			if (p->prefix[a] <= best || !covers(&p->address[a], p->prefix[a], to))
				continue;
			best = p->prefix[a];
			found = (int)i;
		}
	}
	return found;
}

static bool without_prefix(const struct fog_port *p, uint8_t family)
{
	for (unsigned i = 0; i < p->address_count; i++)
		if (p->address[i].family == family && p->prefix[i] == 0)
			return true;
	return false;
}

struct fog_way fog_resolve(
        const struct fog_resolver *r, const struct fog_blob_run *run, const struct fog_ip *to,
        uint64_t now_ms
)
{
	struct fog_way way = {0};
	int link;

	if (way_static(r, run, to, &way))
		return way;
	if ((link = link_of(r, to)) >= 0 && way_link(r, run, (unsigned)link, to, to, now_ms, &way))
		return way;
	if (way_kernel(r, to, &way))
		return way;
	for (unsigned i = 0; i < r->port_count; i++) {
		const struct fog_port *p = r->ports[i];
		const struct fog_ip *gateway = to->family == 4 ? &p->gateway4 : &p->gateway6;
		if (!p->bare || (gateway->family == 0 && !without_prefix(p, to->family)))
			continue;
		const struct fog_ip *via = gateway->family != 0 ? gateway : to;
		if (way_link(r, run, i, to, via, now_ms, &way))
			return way;
	}
	return way;
}
