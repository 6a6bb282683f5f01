// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From a frame to the bare packet. Reads foreign bytes: every access is behind a length check.
// Sources: IEEE 802.1Q, RFC 791, RFC 8200, RFC 768.
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "worker.h"

struct cursor {
	const uint8_t *at;
	uint32_t left;
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

static bool address_is_ours(const struct fog_port *port, const struct fog_ip *ip)
{
	for (unsigned i = 0; i < port->address_count; i++)
		if (memcmp(&port->address[i], ip, sizeof(*ip)) == 0)
			return true;
	return false;
}

static enum fog_drop parse_ethernet(
        const struct fog_port *port, struct cursor *c, uint16_t *ether_type
)
{
	const struct rte_ether_hdr *eth = take(c, sizeof(*eth));
	uint16_t tag = 0;

	if (eth == NULL)
		return FOG_DROP_FRAME_TRUNCATED;
	*ether_type = rte_be_to_cpu_16(eth->ether_type);
	if (*ether_type == RTE_ETHER_TYPE_VLAN) {
		const struct rte_vlan_hdr *vlan = take(c, sizeof(*vlan));
		if (vlan == NULL)
			return FOG_DROP_FRAME_TRUNCATED;
		tag = rte_be_to_cpu_16(vlan->vlan_tci) & 0xfff; // 0 is a priority tag, not a VLAN
		*ether_type = rte_be_to_cpu_16(vlan->eth_proto);
	}
	return tag == port->vlan ? FOG_DROP_NONE : FOG_DROP_VLAN;
}

static enum fog_drop parse_ipv4(
        const struct fog_port *port, struct cursor *c, struct fog_ip *source
)
{
	const struct rte_ipv4_hdr *ip = (const void *)c->at;

	if (c->left < sizeof(*ip))
		return FOG_DROP_FRAME_TRUNCATED;
	uint32_t header_len = (ip->version_ihl & 15u) * 4u;
	uint32_t total = rte_be_to_cpu_16(ip->total_length);
	if (ip->version_ihl >> 4 != 4 || header_len < sizeof(*ip) || total < header_len)
		return FOG_DROP_IP_HEADER;
	if (total > c->left)
		return FOG_DROP_FRAME_TRUNCATED;
	if (rte_raw_cksum(ip, header_len) != 0xffff)
		return FOG_DROP_IP_HEADER;
	struct fog_ip to = {.family = 4};
	memcpy(to.addr, &ip->dst_addr, 4);
	if (!address_is_ours(port, &to))
		return FOG_DROP_NOT_OUR_ADDRESS;
	uint16_t fragment = rte_be_to_cpu_16(ip->fragment_offset);
	if (fragment & (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK))
		return FOG_DROP_FRAGMENT;
	if (ip->next_proto_id != IPPROTO_UDP)
		return FOG_DROP_NOT_UDP;
	source->family = 4;
	memcpy(source->addr, &ip->src_addr, 4);
	c->at += header_len;
	c->left = total - header_len; // Ethernet may have padded the frame
	return FOG_DROP_NONE;
}

static enum fog_drop parse_ipv6(
        const struct fog_port *port, struct cursor *c, struct fog_ip *source
)
{
	const struct rte_ipv6_hdr *ip = take(c, sizeof(*ip));

	if (ip == NULL)
		return FOG_DROP_FRAME_TRUNCATED;
	uint32_t len = rte_be_to_cpu_16(ip->payload_len);
	if (rte_be_to_cpu_32(ip->vtc_flow) >> 28 != 6)
		return FOG_DROP_IP_HEADER;
	if (len > c->left)
		return FOG_DROP_FRAME_TRUNCATED;
	struct fog_ip to = {.family = 6};
	memcpy(to.addr, ip->dst_addr, 16);
	if (!address_is_ours(port, &to))
		return FOG_DROP_NOT_OUR_ADDRESS;
	if (ip->proto == IPPROTO_FRAGMENT)
		return FOG_DROP_FRAGMENT;
	if (ip->proto != IPPROTO_UDP)
		return FOG_DROP_NOT_UDP;
	source->family = 6;
	memcpy(source->addr, ip->src_addr, 16);
	c->left = len;
	return FOG_DROP_NONE;
}

// One's complement sum of pseudo header and datagram must be zero (RFC 768, RFC 8200 section 8.1).
static bool udp_checksum_good(
        const struct rte_udp_hdr *udp, uint32_t len, const void *ip, int family
)
{
	if (udp->dgram_cksum == 0)
		return family == 4;
	uint32_t sum = rte_raw_cksum(udp, len);
	if (family == 4) {
		const struct rte_ipv4_hdr *h = ip;
		sum += rte_raw_cksum(&h->src_addr, 8);
	} else {
		const struct rte_ipv6_hdr *h = ip;
		sum += rte_raw_cksum(h->src_addr, 32);
	}
	sum += rte_cpu_to_be_16((uint16_t)len);
	sum += rte_cpu_to_be_16(IPPROTO_UDP);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static enum fog_drop parse_udp(
        const struct fog_worker *w, struct cursor *c, const void *ip, int family
)
{
	const struct rte_udp_hdr *udp = (const void *)c->at;
	uint32_t ip_left = c->left;

	if (take(c, sizeof(*udp)) == NULL)
		return FOG_DROP_FRAME_TRUNCATED;
	if (rte_be_to_cpu_16(udp->dst_port) != w->mix_port)
		return FOG_DROP_UDP_PORT;
	uint32_t len = rte_be_to_cpu_16(udp->dgram_len);
	if (len < sizeof(*udp) || len > ip_left)
		return FOG_DROP_FRAME_TRUNCATED;
	if (len - sizeof(*udp) < w->geo.packet_len)
		return FOG_DROP_UNDERSIZE;
	if (len - sizeof(*udp) > w->geo.packet_len)
		return FOG_DROP_OVERSIZE;
	return udp_checksum_good(udp, len, ip, family) ? FOG_DROP_NONE : FOG_DROP_UDP_CHECKSUM;
}

enum fog_drop stage_parse(
        const struct fog_worker *w, const struct fog_port *port, struct rte_mbuf *m,
        struct fog_ip *source
)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	struct cursor c = {frame, m->data_len};
	enum fog_drop drop;
	uint16_t ether_type;

	if (m->nb_segs != 1)
		return FOG_DROP_OVERSIZE; // a buffer holds any frame of our MTU
	if ((drop = parse_ethernet(port, &c, &ether_type)) != FOG_DROP_NONE)
		return drop;
	const void *ip = c.at;
	int family = ether_type == RTE_ETHER_TYPE_IPV4 ? 4 : 6;
	if (ether_type == RTE_ETHER_TYPE_IPV4)
		drop = parse_ipv4(port, &c, source);
	else if (ether_type == RTE_ETHER_TYPE_IPV6)
		drop = parse_ipv6(port, &c, source);
	else
		drop = FOG_DROP_ETHERTYPE;
	if (drop != FOG_DROP_NONE)
		return drop;
	if ((drop = parse_udp(w, &c, ip, family)) != FOG_DROP_NONE)
		return drop;
	rte_pktmbuf_adj(m, (uint16_t)(c.at - frame));
	m->data_len = w->geo.packet_len;
	m->pkt_len = w->geo.packet_len;
	return FOG_DROP_NONE;
}
