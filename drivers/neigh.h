// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Addresses, routes and neighbours of kernel-owned ports, asked from the kernel by rtnetlink.
// One handle, manager thread only. Sources: rtnetlink(7), RFC 4861 (states).
#pragma once

#include <stdint.h>

#include "../dataplane/api/abi.h"

struct fog_neigh;

struct fog_neigh_entry {
	int ifindex; // leaves through this interface
	struct fog_ip source; // the kernel's preferred source address for it
	struct fog_ip via; // gateway, or the destination itself when on link
	uint8_t mac[6]; // valid when 'resolved'
	uint8_t resolved;
};

// Subscribes to link, address, route and neighbour changes. Sees the network namespace that the
// calling thread is in. Returns 0 or -errno.
int fog_neigh_open(struct fog_neigh **);
void fog_neigh_close(struct fog_neigh *); // accepts NULL
int fog_neigh_fd(const struct fog_neigh *); // readable when changes wait

// Drain change notices. Neighbours looked up in the last five minutes are kept alive: when the
// kernel calls one stale it is asked to probe it, as it does not see our traffic. Returns 1 when
// something changed that lookups may see, 0 when not, -errno.
int fog_neigh_process(struct fog_neigh *);

// Route and neighbour of 'dst'. Known answers come from a cache that fog_neigh_process keeps right.
// An unresolved neighbour is asked for (NTF_USE, needs CAP_NET_ADMIN) at most once a second, so
// call again every second while 'resolved' is 0: the kernel gives up after three requests.
// Returns 0, -ENETUNREACH (no route), -EPERM (unresolved, and we may not ask), -errno.
int fog_neigh_lookup(struct fog_neigh *, const struct fog_ip *dst, struct fog_neigh_entry *out);

// Addresses that the kernel holds on 'ifindex', in its order: IPv4, then IPv6 by scope, so that
// link-local ones come last. Returns the count (at most 'max') or -errno.
int fog_neigh_addresses(struct fog_neigh *, int ifindex, struct fog_ip *out, unsigned max);

// The VLAN interface of tag 'vlan' on top of 'ifindex'. Returns its index, -ENODEV, -errno.
int fog_neigh_vlan(struct fog_neigh *, int ifindex, uint16_t vlan);
