// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "frame.h"

#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <string.h>

enum { HOP_LIMIT = 64 };

// Each header is made aside and copied behind what is there already.
static void frame_append(struct frame *f, const void *header, size_t len)
{
	memcpy(f->header + f->header_len, header, len);
	f->header_len = (uint16_t)(f->header_len + len);
}

static void frame_ethernet(struct frame *f, const struct frame_spec *s)
{
	uint16_t type = s->to.ip.family == 4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6;
	const struct rte_vlan_hdr vlan = {
	        .vlan_tci = rte_cpu_to_be_16(s->vlan), .eth_proto = rte_cpu_to_be_16(type)};
	struct rte_ether_hdr eth;

	memcpy(&eth.dst_addr, s->to.mac, 6);
	memcpy(&eth.src_addr, s->from.mac, 6);
	eth.ether_type = rte_cpu_to_be_16(s->vlan == 0 ? type : RTE_ETHER_TYPE_VLAN);
	frame_append(f, &eth, sizeof(eth));
	if (s->vlan != 0)
		frame_append(f, &vlan, sizeof(vlan));
}

static void frame_ipv4(struct frame *f, const struct frame_spec *s, uint16_t udp_len)
{
	struct rte_ipv4_hdr ip = {
	        .version_ihl = RTE_IPV4_VHL_DEF,
	        .total_length = rte_cpu_to_be_16((uint16_t)(sizeof(ip) + udp_len)),
	        .fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
	        .time_to_live = HOP_LIMIT,
	        .next_proto_id = IPPROTO_UDP,
	};

	memcpy(&ip.src_addr, s->from.ip.addr, 4);
	memcpy(&ip.dst_addr, s->to.ip.addr, 4);
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	frame_append(f, &ip, sizeof(ip));
}

static void frame_ipv6(struct frame *f, const struct frame_spec *s, uint16_t udp_len)
{
	struct rte_ipv6_hdr ip = {
	        .vtc_flow = RTE_BE32(UINT32_C(6) << 28),
	        .payload_len = rte_cpu_to_be_16(udp_len),
	        .proto = IPPROTO_UDP,
	        .hop_limits = HOP_LIMIT,
	};

	memcpy(ip.src_addr, s->from.ip.addr, 16);
	memcpy(ip.dst_addr, s->to.ip.addr, 16);
	frame_append(f, &ip, sizeof(ip));
}

void frame_init(struct frame *f, const struct frame_spec *s)
{
	memset(f, 0, sizeof(*f));
	f->packet_len = s->packet_len;
	f->first_port = s->from.port;
	f->flows = s->flows;
	f->family = s->to.ip.family;
	struct rte_udp_hdr udp = {
	        .dst_port = rte_cpu_to_be_16(s->to.port),
	        .dgram_len = rte_cpu_to_be_16((uint16_t)(sizeof(udp) + s->packet_len)),
	};
	frame_ethernet(f, s);
	if (f->family == 6)
		frame_ipv6(f, s, (uint16_t)(sizeof(udp) + s->packet_len));
	else
		frame_ipv4(f, s, (uint16_t)(sizeof(udp) + s->packet_len));
	f->udp_at = f->header_len;
	frame_append(f, &udp, sizeof(udp));
}

void frame_finish(const struct frame *f, uint64_t number, uint8_t *out)
{
	memcpy(out, f->header, f->header_len);
	struct rte_udp_hdr *udp = (void *)(out + f->udp_at);
	udp->src_port = rte_cpu_to_be_16((uint16_t)(f->first_port + number % f->flows));
	const void *ip;
	if (f->family == 6) {
		ip = out + f->udp_at - sizeof(struct rte_ipv6_hdr);
		udp->dgram_cksum = rte_ipv6_udptcp_cksum(ip, udp);
	} else {
		ip = out + f->udp_at - sizeof(struct rte_ipv4_hdr);
		udp->dgram_cksum = rte_ipv4_udptcp_cksum(ip, udp);
	}
}
