// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Every access is behind a length check; what a check has passed is copied before it is used, as
// nothing in a frame is aligned.
#include "question.h"

#include <rte_arp.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <string.h>

#include "frame.h"

enum {
	ICMP_LEN = 8, // header of echo messages
	ND_LEN = 24, // solicitation and advertisement without options
	ND_HOP_LIMIT = 255,
	ND_OPTION_SOURCE = 1,
	ND_OPTION_TARGET = 2,
};

struct question_frame {
	const struct fog_port *port;
	const uint8_t *bytes;
	uint32_t len;
	uint32_t at; // behind the Ethernet header
	uint16_t type;
	bool to_us, to_many; // by its Ethernet destination
};

static struct fog_question bad(enum fog_drop reason)
{
	return (struct fog_question){.kind = FOG_QUESTION_BAD, .drop = reason};
}

static struct fog_question none(void)
{
	return (struct fog_question){.kind = FOG_QUESTION_NONE};
}

static bool all_zero(const uint8_t *bytes, unsigned n)
{
	uint8_t any = 0;

	for (unsigned i = 0; i < n; i++)
		any |= bytes[i];
	return any == 0;
}

static bool mac_of_one(const uint8_t mac[6])
{
	return (mac[0] & 1) == 0 && !all_zero(mac, 6);
}

static struct fog_ip ip4(const void *from)
{
	struct fog_ip ip = {.family = 4};

	memcpy(ip.addr, from, 4);
	return ip;
}

static struct fog_ip ip6(const void *from)
{
	struct fog_ip ip = {.family = 6};

	memcpy(ip.addr, from, 16);
	return ip;
}

static bool ip_equal(const struct fog_ip *a, const struct fog_ip *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool ours(const struct fog_port *port, const struct fog_ip *ip)
{
	for (unsigned i = 0; i < port->address_count; i++)
		if (ip_equal(&port->address[i], ip))
			return true;
	return ip->family == 6 && ip_equal(&port->link_local, ip);
}

// Whether 'ip' is the first or last address of a link of ours: all hosts of it.
static bool everybody4(const struct fog_port *port, const struct fog_ip *ip)
{
	uint32_t them, us;

	memcpy(&them, ip->addr, 4);
	them = rte_be_to_cpu_32(them);
	for (unsigned i = 0; i < port->address_count; i++) {
		unsigned prefix = port->prefix[i];
		if (port->address[i].family != 4 || prefix == 0 || prefix > 30)
			continue;
		memcpy(&us, port->address[i].addr, 4);
		uint32_t hosts = UINT32_MAX >> prefix;
		if (((them ^ rte_be_to_cpu_32(us)) & ~hosts) == 0 &&
		    ((them & hosts) == 0 || (them & hosts) == hosts))
			return true;
	}
	return false;
}

// Whether 'ip' can be the source of a packet of one other host.
static bool one_host(const struct fog_port *port, const struct fog_ip *ip)
{
	static const uint8_t loopback6[16] = {[15] = 1};
	uint8_t first = ip->addr[0];

	if (ours(port, ip))
		return false;
	if (ip->family == 4)
		return first != 0 && first != 127 && first < 224 && !everybody4(port, ip);
	return first != 0xff && !all_zero(ip->addr, 16) && memcmp(ip->addr, loopback6, 16) != 0;
}

static bool read_ethernet(struct question_frame *f)
{
	const uint8_t *b = f->bytes;

	if (f->len < sizeof(struct rte_ether_hdr))
		return false;
	f->to_us = memcmp(b, f->port->mac, 6) == 0;
	f->to_many = (b[0] & 1) != 0;
	f->at = sizeof(struct rte_ether_hdr);
	f->type = (uint16_t)(b[12] << 8 | b[13]);
	if (f->type == RTE_ETHER_TYPE_VLAN) { // the tag was checked by the parser
		if (f->len < f->at + sizeof(struct rte_vlan_hdr))
			return false;
		f->type = (uint16_t)(b[16] << 8 | b[17]);
		f->at += sizeof(struct rte_vlan_hdr);
	}
	return mac_of_one(b + 6) && memcmp(b + 6, f->port->mac, 6) != 0;
}

static struct fog_question arp_told(
        const struct question_frame *f, struct fog_question q, bool asked
)
{
	const struct fog_port *port = f->port;

	// Whoever says that it is us, is told off; RFC 5227 section 2.4.
	q.kind = ours(port, &q.sender) ? FOG_QUESTION_CONFLICT : FOG_QUESTION_TOLD;
	q.has_mac = true;
	q.solicited = asked;
	if (q.kind == FOG_QUESTION_TOLD && !one_host(port, &q.sender))
		return bad(FOG_DROP_ARP);
	return q;
}

static struct fog_question read_arp(const struct question_frame *f)
{
	struct rte_arp_hdr arp;
	struct fog_question q = {.kind = FOG_QUESTION_ARP};

	if (f->len - f->at < sizeof(arp))
		return bad(FOG_DROP_ARP);
	memcpy(&arp, f->bytes + f->at, sizeof(arp));
	uint16_t operation = rte_be_to_cpu_16(arp.arp_opcode);
	if (arp.arp_hardware != rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) ||
	    arp.arp_protocol != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) || arp.arp_hlen != 6 ||
	    arp.arp_plen != 4 || (operation != FOG_ARP_REQUEST && operation != FOG_ARP_REPLY))
		return bad(FOG_DROP_ARP);
	memcpy(q.mac, &arp.arp_data.arp_sha, 6);
	if (!mac_of_one(q.mac) || memcmp(q.mac, f->port->mac, 6) == 0)
		return bad(FOG_DROP_ARP);
	q.sender = ip4(&arp.arp_data.arp_sip);
	q.target = ip4(&arp.arp_data.arp_tip);
	if (operation == FOG_ARP_REPLY)
		return arp_told(
		        f, q, f->to_us && memcmp(&arp.arp_data.arp_tha, f->port->mac, 6) == 0
		);
	// An announcement (RFC 5227 section 3), or somebody who takes our address for its own.
	if (ip_equal(&q.sender, &q.target) || ours(f->port, &q.sender))
		return arp_told(f, q, false);
	if (!ours(f->port, &q.target))
		return bad(FOG_DROP_NOT_OUR_ADDRESS);
	// The zero address asks whether ours is in use (RFC 5227 section 2.1.1): it is.
	if (!all_zero(q.sender.addr, 4) && !one_host(f->port, &q.sender))
		return bad(FOG_DROP_ARP);
	return q;
}

// Find the link-layer address in the options behind 'at'. Returns false when one of them is broken.
static bool read_nd_options(
        const uint8_t *bytes, uint32_t at, uint32_t end, uint8_t wanted, struct fog_question *q
)
{
	while (at < end) {
		if (end - at < 8)
			return false;
		uint32_t size = bytes[at + 1] * 8u;
		if (size == 0 || size > end - at)
			return false;
		if (bytes[at] == wanted && !q->has_mac) {
			memcpy(q->mac, bytes + at + 2, 6);
			q->has_mac = true;
		}
		at += size;
	}
	return !q->has_mac || mac_of_one(q->mac);
}

static struct fog_question read_solicit(
        const struct question_frame *f, const struct rte_ipv6_hdr *ip, uint32_t at, uint32_t end
)
{
	struct fog_question q = {.kind = FOG_QUESTION_ND, .sender = ip6(ip->src_addr)};

	q.target = ip6(f->bytes + at + 8);
	if (!read_nd_options(f->bytes, at + ND_LEN, end, ND_OPTION_SOURCE, &q))
		return bad(FOG_DROP_ND);
	if (all_zero(q.sender.addr, 16)) {
		// Duplicate address detection asks a group and has nothing to tell of itself.
		if (q.has_mac || ip->dst_addr[0] != 0xff)
			return bad(FOG_DROP_ND);
	} else if (!one_host(f->port, &q.sender)) {
		return bad(FOG_DROP_ND);
	}
	if (q.target.addr[0] == 0xff)
		return bad(FOG_DROP_ND);
	if (!ours(f->port, &q.target))
		return bad(FOG_DROP_NOT_OUR_ADDRESS);
	if (!q.has_mac)
		memcpy(q.mac, f->bytes + 6, 6);
	return q;
}

static struct fog_question read_advertise(
        const struct question_frame *f, const struct rte_ipv6_hdr *ip, uint32_t at, uint32_t end
)
{
	struct fog_question q = {.kind = FOG_QUESTION_TOLD};
	struct fog_ip source = ip6(ip->src_addr);

	q.sender = ip6(f->bytes + at + 8);
	q.solicited = (f->bytes[at + 4] & 0x40) != 0;
	if (!read_nd_options(f->bytes, at + ND_LEN, end, ND_OPTION_TARGET, &q))
		return bad(FOG_DROP_ND);
	if (q.solicited && ip->dst_addr[0] == 0xff)
		return bad(FOG_DROP_ND);
	if (ours(f->port, &q.sender))
		q.kind = FOG_QUESTION_CONFLICT;
	else if (!one_host(f->port, &q.sender) || !one_host(f->port, &source))
		return bad(FOG_DROP_ND);
	return q;
}

static struct fog_question read_echo6(
        const struct question_frame *f, const struct rte_ipv6_hdr *ip, uint32_t end
)
{
	struct fog_question q = {
	        .kind = FOG_QUESTION_ECHO,
	        .sender = ip6(ip->src_addr),
	        .target = ip6(ip->dst_addr),
	        .l3_at = (uint16_t)f->at,
	        .l3_len = (uint16_t)(end - f->at),
	};

	if (!ours(f->port, &q.target))
		return none();
	if (!f->to_us || q.l3_len > f->port->mtu || !one_host(f->port, &q.sender))
		return bad(FOG_DROP_ECHO);
	memcpy(q.mac, f->bytes + 6, 6);
	return q;
}

static struct fog_question read_ipv6(const struct question_frame *f)
{
	struct rte_ipv6_hdr ip;

	if (f->len - f->at < sizeof(ip))
		return none();
	memcpy(&ip, f->bytes + f->at, sizeof(ip));
	uint32_t at = f->at + (uint32_t)sizeof(ip), len = rte_be_to_cpu_16(ip.payload_len);
	if (rte_be_to_cpu_32(ip.vtc_flow) >> 28 != 6 || ip.proto != IPPROTO_ICMPV6 ||
	    len > f->len - at || len < ICMP_LEN || f->port->link_local.family == 0)
		return none();
	const uint8_t *icmp = f->bytes + at;
	bool nd = icmp[0] == FOG_ND_SOLICIT || icmp[0] == FOG_ND_ADVERTISE;
	if (!nd && icmp[0] != FOG_ICMP6_ECHO_REQUEST)
		return none();
	// A group's or ours, but no other host's that happened to come by.
	if (!f->to_us && !f->to_many)
		return none();
	if (icmp[1] != 0 || fog_frame_icmp6_sum(f->bytes + f->at, icmp, len) != 0xffff)
		return bad(nd ? FOG_DROP_ND : FOG_DROP_ECHO);
	if (!nd)
		return read_echo6(f, &ip, at + len);
	if (len < ND_LEN || ip.hop_limits != ND_HOP_LIMIT)
		return bad(FOG_DROP_ND);
	return icmp[0] == FOG_ND_SOLICIT ? read_solicit(f, &ip, at, at + len)
	                                 : read_advertise(f, &ip, at, at + len);
}

static struct fog_question read_ipv4(const struct question_frame *f)
{
	struct rte_ipv4_hdr ip;
	struct fog_question q = {.kind = FOG_QUESTION_ECHO, .l3_at = (uint16_t)f->at};

	if (f->len - f->at < sizeof(ip))
		return none();
	memcpy(&ip, f->bytes + f->at, sizeof(ip));
	uint32_t total = rte_be_to_cpu_16(ip.total_length);
	q.sender = ip4(&ip.src_addr);
	q.target = ip4(&ip.dst_addr);
	if (ip.version_ihl >> 4 != 4 || total > f->len - f->at ||
	    ip.next_proto_id != IPPROTO_ICMP || !ours(f->port, &q.target))
		return none();
	uint32_t header = (ip.version_ihl & 15u) * 4u;
	if (header < sizeof(ip) || total < header + ICMP_LEN)
		return bad(FOG_DROP_ECHO);
	const uint8_t *icmp = f->bytes + f->at + header;
	if (icmp[0] != RTE_IP_ICMP_ECHO_REQUEST)
		return none();
	// With options there would be a route to turn around; nobody needs that from a mix node.
	if (header != sizeof(ip) || icmp[1] != 0 || total > f->port->mtu || !f->to_us ||
	    (ip.fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)
	    ) != 0 ||
	    rte_raw_cksum(f->bytes + f->at, header) != 0xffff ||
	    rte_raw_cksum(icmp, total - header) != 0xffff || !one_host(f->port, &q.sender))
		return bad(FOG_DROP_ECHO);
	q.l3_len = (uint16_t)total;
	memcpy(q.mac, f->bytes + 6, 6);
	return q;
}

struct fog_question fog_question_read(
        const struct fog_port *port, const uint8_t *frame, uint32_t len
)
{
	struct question_frame f = {.port = port, .bytes = frame, .len = len};

	if (!read_ethernet(&f))
		return none();
	switch (f.type) {
	case RTE_ETHER_TYPE_ARP:
		return f.to_us || f.to_many ? read_arp(&f) : none();
	case RTE_ETHER_TYPE_IPV4:
		return read_ipv4(&f);
	case RTE_ETHER_TYPE_IPV6:
		return read_ipv6(&f);
	default:
		return none();
	}
}
