// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Reads foreign bytes: every access is behind a length check.
#include "parse.h"

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <stddef.h>
#include <string.h>

// Common shape of the extension headers that are read (RFC 8200 section 4).
struct extension {
	uint8_t next;
	uint8_t len; // in units of 8 bytes, the first not counted; reserved in a fragment header
	uint8_t body[6]; // routing: type, stops left; fragment: offset and flags
};

struct cursor {
	const uint8_t *at;
	uint32_t left; // of the frame
	uint32_t ip_left; // of the IP packet by its own length: Ethernet pads short ones
	bool fragment; // the first one of several, or IPv6's fragment header around a whole packet
};

static const void *take(struct cursor *c, uint32_t len)
{
	const void *p = c->at;

	if (c->left < len)
		return NULL;
	c->at += len;
	c->left -= len;
	return p;
}

static bool address_is_ours(const struct fog_parse_rules *r, const struct fog_ip *ip)
{
	for (unsigned i = 0; i < r->address_count; i++)
		if (memcmp(&r->address[i], ip, sizeof(*ip)) == 0)
			return true;
	return false;
}

static bool is_tag(uint16_t ether_type)
{
	return ether_type == RTE_ETHER_TYPE_VLAN || ether_type == RTE_ETHER_TYPE_QINQ;
}

// Tag 0 is a priority, not a network, so it says nothing about whose the frame is. Ours is one
// 802.1Q tag with our number: a number inside or outside of it is another network's.
static enum fog_drop parse_ethernet(
        const struct fog_parse_rules *r, struct cursor *c, uint16_t *ether_type
)
{
	const struct rte_ether_hdr *eth = take(c, sizeof(*eth));
	uint16_t vlan = 0;
	bool foreign = false;

	if (eth == NULL)
		return FOG_DROP_FRAME_TRUNCATED;
	*ether_type = rte_be_to_cpu_16(eth->ether_type);
	for (int i = 0; i < FOG_PARSE_TAGS && is_tag(*ether_type); i++) {
		const struct rte_vlan_hdr *tag = take(c, sizeof(*tag));
		if (tag == NULL)
			return FOG_DROP_FRAME_TRUNCATED;
		uint16_t number = rte_be_to_cpu_16(tag->vlan_tci) & 0xfff;
		if (number != 0) {
			foreign |= vlan != 0 || *ether_type != RTE_ETHER_TYPE_VLAN;
			vlan = number;
		}
		*ether_type = rte_be_to_cpu_16(tag->eth_proto);
	}
	return foreign || vlan != r->vlan ? FOG_DROP_VLAN : FOG_DROP_NONE;
}

static enum fog_drop parse_ipv4(const struct fog_parse_rules *r, struct cursor *c)
{
	const struct rte_ipv4_hdr *ip = (const void *)c->at;

	if (c->left < sizeof(*ip))
		return FOG_DROP_FRAME_TRUNCATED;
	uint32_t header_len = (ip->version_ihl & 15u) * 4u;
	uint32_t total = rte_be_to_cpu_16(ip->total_length);
	if (ip->version_ihl >> 4 != 4 || header_len < sizeof(*ip) || total < header_len)
		return FOG_DROP_IP_HEADER;
	struct fog_ip to = {.family = 4};
	memcpy(to.addr, &ip->dst_addr, 4);
	if (!address_is_ours(r, &to))
		return FOG_DROP_NOT_OUR_ADDRESS;
	uint16_t fragment = rte_be_to_cpu_16(ip->fragment_offset);
	if (fragment & RTE_IPV4_HDR_OFFSET_MASK)
		return FOG_DROP_FRAGMENT;
	if (ip->next_proto_id != IPPROTO_UDP)
		return FOG_DROP_NOT_UDP;
	if (take(c, header_len) == NULL)
		return FOG_DROP_FRAME_TRUNCATED;
	c->fragment = fragment & RTE_IPV4_HDR_MF_FLAG;
	c->ip_left = total - header_len;
	return FOG_DROP_NONE;
}

static bool is_extension(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_FRAGMENT ||
	        next == IPPROTO_DSTOPTS;
}

static uint32_t extension_len(uint8_t type, const struct extension *header)
{
	uint32_t units = type == IPPROTO_FRAGMENT ? 1 : 1u + header->len;

	return units * (uint32_t)sizeof(*header);
}

// From the first extension header to UDP.
static enum fog_drop parse_extensions(struct cursor *c, uint8_t next)
{
	for (int i = 0; i < FOG_PARSE_HEADERS && is_extension(next); i++) {
		const struct extension *header = (const void *)c->at;
		if (c->left < sizeof(*header))
			return FOG_DROP_FRAME_TRUNCATED;
		if (next == IPPROTO_FRAGMENT) {
			// 13 bits offset, 2 reserved, 1 more.
			if (header->body[0] != 0 || (header->body[1] & 0xf8) != 0)
				return FOG_DROP_FRAGMENT;
			c->fragment = true;
		}
		// Not at its last stop: it is meant for somebody else.
		if (next == IPPROTO_ROUTING && header->body[1] != 0)
			return FOG_DROP_NOT_UDP;
		// One that claims more than there is leaves nothing for what follows it.
		uint32_t len = extension_len(next, header);
		next = header->next;
		c->ip_left -= RTE_MIN(len, c->ip_left);
		len = RTE_MIN(len, c->left);
		take(c, len);
	}
	return next == IPPROTO_UDP ? FOG_DROP_NONE : FOG_DROP_NOT_UDP;
}

static enum fog_drop parse_ipv6(const struct fog_parse_rules *r, struct cursor *c)
{
	const struct rte_ipv6_hdr *ip = take(c, sizeof(*ip));

	if (ip == NULL)
		return FOG_DROP_FRAME_TRUNCATED;
	if (rte_be_to_cpu_32(ip->vtc_flow) >> 28 != 6)
		return FOG_DROP_IP_HEADER;
	struct fog_ip to = {.family = 6};
	memcpy(to.addr, ip->dst_addr, 16);
	if (!address_is_ours(r, &to))
		return FOG_DROP_NOT_OUR_ADDRESS;
	c->ip_left = rte_be_to_cpu_16(ip->payload_len);
	if (ip->proto == IPPROTO_UDP)
		return FOG_DROP_NONE;
	return parse_extensions(c, ip->proto);
}

static void parse_source(struct fog_parsed *out)
{
	out->source.family = out->family;
	if (out->family == 4)
		memcpy(out->source.addr, out->ip + offsetof(struct rte_ipv4_hdr, src_addr), 4);
	else
		memcpy(out->source.addr, out->ip + offsetof(struct rte_ipv6_hdr, src_addr), 16);
}

static enum fog_drop parse_udp(
        const struct fog_parse_rules *r, struct cursor *c, struct fog_parsed *out
)
{
	const struct rte_udp_hdr *udp = (const void *)c->at;

	if (c->left < sizeof(*udp) || c->ip_left < sizeof(*udp))
		return FOG_DROP_FRAME_TRUNCATED;
	if (rte_be_to_cpu_16(udp->dst_port) != r->mix_port)
		return FOG_DROP_UDP_PORT;
	out->ours = true;
	parse_source(out);
	out->source_port = rte_be_to_cpu_16(udp->src_port);
	if (c->fragment)
		return FOG_DROP_FRAGMENT;
	uint32_t len = rte_be_to_cpu_16(udp->dgram_len);
	if (c->ip_left > c->left || len < sizeof(*udp) || len > c->ip_left)
		return FOG_DROP_FRAME_TRUNCATED;
	if (len - sizeof(*udp) < r->payload_len)
		return FOG_DROP_UNDERSIZE;
	if (len - sizeof(*udp) > r->payload_len)
		return FOG_DROP_OVERSIZE;
	out->udp = c->at;
	return FOG_DROP_NONE;
}

enum fog_drop fog_parse(
        const struct fog_parse_rules *rules, const uint8_t *frame, uint32_t len,
        struct fog_parsed *out
)
{
	struct cursor c = {.at = frame, .left = len};
	uint16_t ether_type;
	enum fog_drop drop;

	*out = (struct fog_parsed){0};
	if ((drop = parse_ethernet(rules, &c, &ether_type)) != FOG_DROP_NONE)
		return drop;
	out->ip = c.at;
	out->family = ether_type == RTE_ETHER_TYPE_IPV4 ? 4 : 6;
	if (ether_type == RTE_ETHER_TYPE_IPV4)
		drop = parse_ipv4(rules, &c);
	else if (ether_type == RTE_ETHER_TYPE_IPV6)
		drop = parse_ipv6(rules, &c);
	else
		drop = FOG_DROP_ETHERTYPE;
	if (drop == FOG_DROP_NONE)
		drop = parse_udp(rules, &c, out);
	if (drop == FOG_DROP_NONE)
		out->payload_at = (uint32_t)(out->udp - frame) +
		        (uint32_t)sizeof(struct rte_udp_hdr);
	return drop;
}

// One's complement sum of pseudo header and datagram must be zero (RFC 768, RFC 8200 section 8.1).
// Devices differ in what they call a datagram without one, so that is decided first.
static bool udp_checksum_good(const struct fog_parsed *p, enum fog_checksum device)
{
	const struct rte_udp_hdr *udp = (const void *)p->udp;
	uint32_t len = rte_be_to_cpu_16(udp->dgram_len);

	if (udp->dgram_cksum == 0)
		return p->family == 4;
	if (device != FOG_CHECKSUM_UNKNOWN)
		return device == FOG_CHECKSUM_GOOD;
	uint32_t sum = rte_raw_cksum(udp, len);
	if (p->family == 4) {
		const struct rte_ipv4_hdr *h = (const void *)p->ip;
		sum += rte_raw_cksum(&h->src_addr, 8);
	} else {
		const struct rte_ipv6_hdr *h = (const void *)p->ip;
		sum += rte_raw_cksum(h->src_addr, 32);
	}
	sum += rte_cpu_to_be_16((uint16_t)len);
	sum += rte_cpu_to_be_16(IPPROTO_UDP);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static bool ip_checksum_good(const struct fog_parsed *p, enum fog_checksum device)
{
	if (p->family != 4 || device == FOG_CHECKSUM_GOOD)
		return true;
	return device == FOG_CHECKSUM_UNKNOWN &&
	        rte_raw_cksum(p->ip, (p->ip[0] & 15u) * 4u) == 0xffff;
}

enum fog_drop fog_parse_checksums(
        const struct fog_parsed *p, enum fog_checksum ip, enum fog_checksum udp
)
{
	if (!ip_checksum_good(p, ip))
		return FOG_DROP_IP_HEADER;
	return udp_checksum_good(p, udp) ? FOG_DROP_NONE : FOG_DROP_UDP_CHECKSUM;
}
