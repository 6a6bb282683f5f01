// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Single questions to the kernel's rtnetlink and the reading of its answers. Manager thread only.
// Source: rtnetlink(7), linux/rtnetlink.h, linux/neighbour.h.
#pragma once

#include <libmnl/libmnl.h>
#include <stdint.h>

#include "neigh.h"

enum { RTNL_BUFFER = 32768 }; // the largest dump piece that the kernel sends

struct rtnl {
	struct mnl_socket *socket;
	uint32_t sequence;
	char buffer[RTNL_BUFFER];
};

// One neighbour as the kernel tells it, in an answer or in a notice.
struct rtnl_neighbour {
	int ifindex;
	struct fog_ip ip;
	uint16_t state; // NUD_*
	uint8_t mac[6];
	uint8_t resolved; // state is one with a usable 'mac'
};

int rtnl_open(struct rtnl *r); // 0 or -errno
void rtnl_close(struct rtnl *r); // accepts one that was never opened

// Route to 'dst': fills ifindex, source and via of 'out'. Returns 0, -ENETUNREACH, -errno.
int rtnl_route(struct rtnl *r, const struct fog_ip *dst, struct fog_neigh_entry *out);
// The kernel's entry for 'ip' on 'ifindex'. Returns 0 (unresolved when it has none) or -errno.
int rtnl_neighbour(
        struct rtnl *r, int ifindex, const struct fog_ip *ip, struct rtnl_neighbour *out
);
// Ask the kernel to resolve or confirm a neighbour. Returns 0, -EPERM, -errno.
int rtnl_use(struct rtnl *r, int ifindex, const struct fog_ip *ip);
int rtnl_addresses(struct rtnl *r, int ifindex, struct fog_ip *out, unsigned max);
int rtnl_vlan(struct rtnl *r, int ifindex, uint16_t vlan);

// Read a RTM_NEWNEIGH or RTM_DELNEIGH message. Returns 1, or 0 when it is not about IP.
int rtnl_parse_neighbour(const struct nlmsghdr *message, struct rtnl_neighbour *out);
// Read a RTM_NEWLINK message: the VLAN number of the interface, 0 when it is of another kind, and the
// interface below it.
uint16_t rtnl_parse_vlan(const struct nlmsghdr *message, int *parent);
