// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "rtnl.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

enum {
	DUMP_TRIES = 5, // a dump that a change interrupts is asked again
	STATES_RESOLVED = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT |
	        NUD_NOARP,
};

static uint8_t ip_family(const struct fog_ip *ip)
{
	return ip->family == 4 ? AF_INET : AF_INET6;
}

static uint16_t ip_len(const struct fog_ip *ip)
{
	return ip->family == 4 ? 4 : 16;
}

// The address in attribute 'a' of a message of family 'family'; zeroed when it has another size.
static struct fog_ip ip_from(const struct nlattr *a, uint8_t family)
{
	struct fog_ip ip = {.family = family == AF_INET ? 4 : 6};

	if (mnl_attr_get_payload_len(a) != ip_len(&ip))
		return (struct fog_ip){};
	memcpy(ip.addr, mnl_attr_get_payload(a), ip_len(&ip));
	return ip;
}

int rtnl_open(struct rtnl *r)
{
	r->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!r->socket)
		return -errno;
	return mnl_socket_bind(r->socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
}

void rtnl_close(struct rtnl *r)
{
	if (r->socket)
		mnl_socket_close(r->socket);
	r->socket = NULL;
}

// Start a message of 'type' in the buffer.
static struct nlmsghdr *rtnl_message(struct rtnl *r, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(r->buffer);

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	message->nlmsg_seq = ++r->sequence;
	return message;
}

// Send the message and feed every answer to 'answer' until it stops, the dump ends or the kernel
// acknowledges. What an earlier, failed question left behind is thrown away first.
static int rtnl_talk(struct rtnl *r, struct nlmsghdr *message, mnl_cb_t answer, void *data)
{
	char stale[64];
	int fd = mnl_socket_get_fd(r->socket), more;
	unsigned port = mnl_socket_get_portid(r->socket);

	while (recv(fd, stale, sizeof(stale), MSG_DONTWAIT | MSG_TRUNC) > 0)
		continue;
	if (mnl_socket_sendto(r->socket, message, message->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t n = mnl_socket_recvfrom(r->socket, r->buffer, sizeof(r->buffer));
		if (n < 0)
			return -errno;
		more = mnl_cb_run(r->buffer, n, r->sequence, port, answer, data);
	} while (more > MNL_CB_STOP);
	return more < 0 ? -errno : 0;
}

static int rtnl_read_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	struct fog_neigh_entry *out = data;
	const struct nlattr *a;

	mnl_attr_for_each(a, message, sizeof(*route))
	{
		switch (mnl_attr_get_type(a)) {
		case RTA_OIF:
			out->ifindex = mnl_attr_get_u32(a);
			break;
		case RTA_PREFSRC:
			out->source = ip_from(a, route->rtm_family);
			break;
		case RTA_GATEWAY:
			out->via = ip_from(a, route->rtm_family);
			break;
		case RTA_VIA: { // an IPv4 route through an IPv6 gateway (RFC 5549)
			const struct rtvia *via = mnl_attr_get_payload(a);
			out->via = (struct fog_ip){.family = via->rtvia_family == AF_INET ? 4 : 6};
			memcpy(out->via.addr, via->rtvia_addr, ip_len(&out->via));
			break;
		}
		}
	}
	return MNL_CB_STOP;
}

int rtnl_route(struct rtnl *r, const struct fog_ip *dst, struct fog_neigh_entry *out)
{
	struct nlmsghdr *message = rtnl_message(r, RTM_GETROUTE, 0);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(message, sizeof(*route));
	int ret;

	route->rtm_family = ip_family(dst);
	route->rtm_dst_len = 8 * ip_len(dst);
	mnl_attr_put(message, RTA_DST, ip_len(dst), dst->addr);
	memset(out, 0, sizeof(*out));
	out->via = *dst;
	ret = rtnl_talk(r, message, rtnl_read_route, out);
	switch (-ret) {
	case EHOSTUNREACH: // unreachable
	case EACCES: // prohibit
	case EINVAL: // blackhole
		return -ENETUNREACH;
	}
	return ret == 0 && !out->ifindex ? -ENETUNREACH : ret;
}

int rtnl_parse_neighbour(const struct nlmsghdr *message, struct rtnl_neighbour *out)
{
	const struct ndmsg *neighbour = mnl_nlmsg_get_payload(message);
	bool has_mac = false;
	const struct nlattr *a;

	memset(out, 0, sizeof(*out));
	if (neighbour->ndm_family != AF_INET && neighbour->ndm_family != AF_INET6)
		return 0;
	out->ifindex = neighbour->ndm_ifindex;
	out->state = message->nlmsg_type == RTM_DELNEIGH ? NUD_NONE : neighbour->ndm_state;
	mnl_attr_for_each(a, message, sizeof(*neighbour))
	{
		if (mnl_attr_get_type(a) == NDA_DST)
			out->ip = ip_from(a, neighbour->ndm_family);
		if (mnl_attr_get_type(a) != NDA_LLADDR || mnl_attr_get_payload_len(a) != 6)
			continue;
		memcpy(out->mac, mnl_attr_get_payload(a), sizeof(out->mac));
		has_mac = true;
	}
	out->resolved = has_mac && (out->state & STATES_RESOLVED);
	return out->ip.family != 0;
}

static int rtnl_read_neighbour(const struct nlmsghdr *message, void *data)
{
	rtnl_parse_neighbour(message, data);
	return MNL_CB_STOP;
}

int rtnl_neighbour(struct rtnl *r, int ifindex, const struct fog_ip *ip, struct rtnl_neighbour *out)
{
	struct nlmsghdr *message = rtnl_message(r, RTM_GETNEIGH, 0);
	struct ndmsg *neighbour = mnl_nlmsg_put_extra_header(message, sizeof(*neighbour));
	int ret;

	neighbour->ndm_family = ip_family(ip);
	neighbour->ndm_ifindex = ifindex;
	mnl_attr_put(message, NDA_DST, ip_len(ip), ip->addr);
	memset(out, 0, sizeof(*out));
	ret = rtnl_talk(r, message, rtnl_read_neighbour, out);
	return ret == -ENOENT ? 0 : ret;
}

int rtnl_use(struct rtnl *r, int ifindex, const struct fog_ip *ip)
{
	struct nlmsghdr *message = rtnl_message(r, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK);
	struct ndmsg *neighbour = mnl_nlmsg_put_extra_header(message, sizeof(*neighbour));

	neighbour->ndm_family = ip_family(ip);
	neighbour->ndm_ifindex = ifindex;
	neighbour->ndm_flags = NTF_USE;
	mnl_attr_put(message, NDA_DST, ip_len(ip), ip->addr);
	return rtnl_talk(r, message, NULL, NULL);
}

struct address_list {
	int ifindex;
	unsigned max, count;
	struct fog_ip *out;
};

static int rtnl_read_address(const struct nlmsghdr *message, void *data)
{
	const struct ifaddrmsg *address = mnl_nlmsg_get_payload(message);
	struct address_list *list = data;
	struct fog_ip ip = {}, local = {};
	uint32_t flags = address->ifa_flags;
	const struct nlattr *a;

	if ((int)address->ifa_index != list->ifindex)
		return MNL_CB_OK;
	mnl_attr_for_each(a, message, sizeof(*address))
	{
		// On a point-to-point interface ADDRESS is the other end's and LOCAL is ours.
		if (mnl_attr_get_type(a) == IFA_LOCAL)
			local = ip_from(a, address->ifa_family);
		else if (mnl_attr_get_type(a) == IFA_ADDRESS)
			ip = ip_from(a, address->ifa_family);
		else if (mnl_attr_get_type(a) == IFA_FLAGS)
			flags = mnl_attr_get_u32(a);
	}
	if (local.family)
		ip = local;
	if (!ip.family || (flags & IFA_F_DADFAILED))
		return MNL_CB_OK;
	if (list->count < list->max)
		list->out[list->count++] = ip;
	return MNL_CB_OK;
}

int rtnl_addresses(struct rtnl *r, int ifindex, struct fog_ip *out, unsigned max)
{
	struct address_list list = {.ifindex = ifindex, .max = max, .out = out};
	int ret = -EINTR;

	for (int i = 0; i < DUMP_TRIES && ret == -EINTR; i++) {
		struct nlmsghdr *message = rtnl_message(r, RTM_GETADDR, NLM_F_DUMP);
		struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(message, sizeof(*m));

		m->ifa_family = AF_UNSPEC;
		list.count = 0;
		ret = rtnl_talk(r, message, rtnl_read_address, &list);
	}
	return ret < 0 ? ret : (int)list.count;
}

struct vlan_query {
	int parent, found;
	uint16_t vlan;
};

// The VLAN number in IFLA_LINKINFO, 0 when the link is of another kind.
static uint16_t rtnl_vlan_of(const struct nlattr *info)
{
	const struct nlattr *a, *content = NULL;
	bool is_vlan = false;
	uint16_t vlan = 0;

	mnl_attr_for_each_nested(a, info)
	{
		if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
			is_vlan = strcmp(mnl_attr_get_str(a), "vlan") == 0;
		else if (mnl_attr_get_type(a) == IFLA_INFO_DATA)
			content = a;
	}
	if (!is_vlan || !content)
		return 0;
	mnl_attr_for_each_nested(a, content)
	{
		if (mnl_attr_get_type(a) == IFLA_VLAN_ID)
			vlan = mnl_attr_get_u16(a);
	}
	return vlan;
}

uint16_t rtnl_parse_vlan(const struct nlmsghdr *message, int *parent)
{
	uint16_t vlan = 0;
	const struct nlattr *a;

	*parent = 0;
	mnl_attr_for_each(a, message, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(a) == IFLA_LINK)
			*parent = mnl_attr_get_u32(a);
		else if (mnl_attr_get_type(a) == IFLA_LINKINFO)
			vlan = rtnl_vlan_of(a);
	}
	return vlan;
}

static int rtnl_read_vlan(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
	struct vlan_query *query = data;
	int parent;

	if (rtnl_parse_vlan(message, &parent) == query->vlan && parent == query->parent)
		query->found = link->ifi_index;
	return MNL_CB_OK;
}

int rtnl_vlan(struct rtnl *r, int ifindex, uint16_t vlan)
{
	struct vlan_query query = {.parent = ifindex, .vlan = vlan};
	int ret = -EINTR;

	for (int i = 0; i < DUMP_TRIES && ret == -EINTR; i++) {
		struct nlmsghdr *message = rtnl_message(r, RTM_GETLINK, NLM_F_DUMP);
		struct ifinfomsg *m = mnl_nlmsg_put_extra_header(message, sizeof(*m));

		m->ifi_family = AF_UNSPEC;
		ret = rtnl_talk(r, message, rtnl_read_vlan, &query);
	}
	if (ret < 0)
		return ret;
	return query.found ? query.found : -ENODEV;
}
