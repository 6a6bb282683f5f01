// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A cache over rtnetlink: lookups of known destinations ask the kernel nothing, change notices keep
// the cache right.
#include "neigh.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rtnl.h"

enum {
	CACHE_SIZE = 2048, // power of two, twice the nodes of a table
	CACHE_MAX = CACHE_SIZE / 2,
	ASK_EVERY_MS = 1000,
	IN_USE_MS = 300000,
};

struct neigh_slot {
	struct fog_ip dst; // family 0 = empty
	struct fog_neigh_entry entry;
	uint32_t generation; // of the routes that 'entry' was made from
	uint16_t state; // NUD_*
	bool asked;
	uint64_t asked_ms, looked_up_ms;
};

struct fog_neigh {
	struct rtnl rtnl;
	struct mnl_socket *notices;
	uint32_t generation; // grows when routes, links or addresses change: all entries are void
	unsigned used;
	bool changed; // by the notices of the current round
	struct neigh_slot slot[CACHE_SIZE];
};

static uint64_t neigh_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int neigh_subscribe(struct fog_neigh *n)
{
	static const int groups[] = {
	        RTNLGRP_LINK,       RTNLGRP_NEIGH,       RTNLGRP_IPV4_ROUTE,
	        RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
	};

	n->notices = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!n->notices || mnl_socket_bind(n->notices, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int group = groups[i];
		if (mnl_socket_setsockopt(
		            n->notices, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)
		    ) < 0)
			return -errno;
	}
	return 0;
}

int fog_neigh_open(struct fog_neigh **neigh)
{
	struct fog_neigh *n = calloc(1, sizeof(*n));
	int ret;

	if (!n)
		return -ENOMEM;
	n->generation = 1;
	if ((ret = rtnl_open(&n->rtnl)) < 0 || (ret = neigh_subscribe(n)) < 0) {
		fog_neigh_close(n);
		return ret;
	}
	*neigh = n;
	return 0;
}

void fog_neigh_close(struct fog_neigh *n)
{
	if (!n)
		return;
	if (n->notices)
		mnl_socket_close(n->notices);
	rtnl_close(&n->rtnl);
	free(n);
}

int fog_neigh_fd(const struct fog_neigh *n)
{
	return mnl_socket_get_fd(n->notices);
}

static bool ip_equal(const struct fog_ip *a, const struct fog_ip *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

// The slot of 'dst', taken when it has none. A cache that got full of destinations that nobody uses
// any more starts over.
static struct neigh_slot *neigh_slot(struct fog_neigh *n, const struct fog_ip *dst)
{
	uint32_t hash = 2166136261u; // FNV-1a
	const uint8_t *bytes = (const uint8_t *)dst;

	for (size_t i = 0; i < sizeof(*dst); i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	for (;; hash++) {
		struct neigh_slot *s = &n->slot[hash % CACHE_SIZE];

		if (ip_equal(&s->dst, dst))
			return s;
		if (s->dst.family)
			continue;
		if (n->used == CACHE_MAX)
			break;
		n->used++;
		s->dst = *dst;
		return s;
	}
	memset(n->slot, 0, sizeof(n->slot));
	n->used = 0;
	return neigh_slot(n, dst);
}

// Take over what the kernel says about the neighbour. Returns true when a lookup would see it.
static bool neigh_take(struct neigh_slot *s, const struct rtnl_neighbour *now)
{
	struct fog_neigh_entry *e = &s->entry;
	bool same = e->resolved == now->resolved &&
	        (!now->resolved || memcmp(e->mac, now->mac, sizeof(e->mac)) == 0);

	s->state = now->state;
	e->resolved = now->resolved;
	memcpy(e->mac, now->mac, sizeof(e->mac));
	return !same;
}

static int neigh_ask(struct fog_neigh *n, struct neigh_slot *s)
{
	uint64_t now = neigh_now_ms();

	if (s->asked && now - s->asked_ms < ASK_EVERY_MS)
		return 0;
	s->asked = true;
	s->asked_ms = now;
	return rtnl_use(&n->rtnl, s->entry.ifindex, &s->entry.via);
}

int fog_neigh_lookup(struct fog_neigh *n, const struct fog_ip *dst, struct fog_neigh_entry *out)
{
	struct neigh_slot *s = neigh_slot(n, dst);
	struct rtnl_neighbour found;
	int ret;

	s->looked_up_ms = neigh_now_ms();
	if (s->generation != n->generation) {
		s->generation = 0;
		if ((ret = rtnl_route(&n->rtnl, dst, &s->entry)) < 0)
			return ret;
		s->generation = n->generation;
	}
	if (!s->entry.resolved) {
		if ((ret = rtnl_neighbour(&n->rtnl, s->entry.ifindex, &s->entry.via, &found)) < 0)
			return ret;
		neigh_take(s, &found);
	}
	if (!s->entry.resolved && (ret = neigh_ask(n, s)) < 0)
		return ret;
	if (s->state & NUD_STALE)
		neigh_ask(n, s);
	*out = s->entry;
	return 0;
}

// A neighbour's notice concerns every destination that goes through it.
static void neigh_notice(struct fog_neigh *n, const struct rtnl_neighbour *now)
{
	for (unsigned i = 0; i < CACHE_SIZE; i++) {
		struct neigh_slot *s = &n->slot[i];

		if (!s->dst.family || s->generation != n->generation ||
		    s->entry.ifindex != now->ifindex || !ip_equal(&s->entry.via, &now->ip))
			continue;
		if (neigh_take(s, now))
			n->changed = true;
		if ((s->state & NUD_STALE) && neigh_now_ms() - s->looked_up_ms < IN_USE_MS)
			neigh_ask(n, s);
	}
}

static void neigh_forget_all(struct fog_neigh *n)
{
	n->generation++;
	n->changed = true;
}

static int neigh_read_notice(const struct nlmsghdr *message, void *data)
{
	struct fog_neigh *n = data;
	struct rtnl_neighbour now;

	if (message->nlmsg_type != RTM_NEWNEIGH && message->nlmsg_type != RTM_DELNEIGH)
		neigh_forget_all(n);
	else if (rtnl_parse_neighbour(message, &now))
		neigh_notice(n, &now);
	return MNL_CB_OK;
}

int fog_neigh_process(struct fog_neigh *n)
{
	char buffer[RTNL_BUFFER];

	n->changed = false;
	for (;;) {
		ssize_t got = mnl_socket_recvfrom(n->notices, buffer, sizeof(buffer));

		// The kernel threw notices away for lack of room: anything may have changed.
		if (got < 0 && (errno == ENOBUFS || errno == ENOSPC)) {
			neigh_forget_all(n);
			continue;
		}
		if (got < 0 && errno != EAGAIN)
			return -errno;
		if (got < 0)
			return n->changed;
		if (mnl_cb_run(buffer, got, 0, 0, neigh_read_notice, n) < 0)
			neigh_forget_all(n);
	}
}

int fog_neigh_addresses(struct fog_neigh *n, int ifindex, struct fog_ip *out, unsigned max)
{
	return rtnl_addresses(&n->rtnl, ifindex, out, max);
}

int fog_neigh_vlan(struct fog_neigh *n, int ifindex, uint16_t vlan)
{
	return rtnl_vlan(&n->rtnl, ifindex, vlan);
}
