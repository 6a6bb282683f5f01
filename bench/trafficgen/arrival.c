// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "arrival.h"

#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <stdbool.h>

struct arrival_headers {
	const struct rte_ipv4_hdr *v4; // one of both
	const struct rte_ipv6_hdr *v6;
	const struct rte_udp_hdr *udp;
	uint32_t packet_at;
};

// Whether the frame is a UDP datagram of either family whose headers are all there.
static bool arrival_udp(const uint8_t *frame, uint32_t len, struct arrival_headers *h)
{
	const struct rte_ether_hdr *eth = (const void *)frame;
	uint32_t at = sizeof(*eth);

	if (len < at + sizeof(struct rte_vlan_hdr) + sizeof(struct rte_ipv6_hdr))
		return false; // shorter than any frame of ours
	uint16_t type = eth->ether_type;
	if (type == RTE_BE16(RTE_ETHER_TYPE_VLAN)) {
		type = ((const struct rte_vlan_hdr *)(frame + at))->eth_proto;
		at += sizeof(struct rte_vlan_hdr);
	}
	*h = (struct arrival_headers){0};
	if (type == RTE_BE16(RTE_ETHER_TYPE_IPV4)) {
		h->v4 = (const void *)(frame + at);
		at += rte_ipv4_hdr_len(h->v4);
		if (h->v4->next_proto_id != IPPROTO_UDP)
			return false;
	} else if (type == RTE_BE16(RTE_ETHER_TYPE_IPV6)) {
		h->v6 = (const void *)(frame + at);
		at += sizeof(*h->v6);
		if (h->v6->proto != IPPROTO_UDP)
			return false;
	} else {
		return false;
	}
	h->udp = (const void *)(frame + at);
	h->packet_at = at + (uint32_t)sizeof(*h->udp);
	return h->packet_at <= len;
}

// Whether IP and UDP agree about the length: the checksum is taken over what IP says.
static bool arrival_ip_length(const struct arrival_headers *h)
{
	unsigned len = rte_be_to_cpu_16(h->udp->dgram_len);

	if (h->v6 != NULL)
		return rte_be_to_cpu_16(h->v6->payload_len) == len;
	return rte_ipv4_hdr_len(h->v4) >= sizeof(*h->v4) &&
	        rte_be_to_cpu_16(h->v4->total_length) == rte_ipv4_hdr_len(h->v4) + len;
}

// Over a datagram that carries its right checksum the sum is zero, written as 0xffff.
static bool arrival_checksum(const struct arrival_headers *h)
{
	if (h->v6 != NULL)
		return rte_ipv6_udptcp_cksum(h->v6, h->udp) == 0xffff;
	return h->udp->dgram_cksum == 0 || rte_ipv4_udptcp_cksum(h->v4, h->udp) == 0xffff;
}

enum arrival arrival_find(
        const uint8_t *frame, uint32_t len, uint16_t udp_port, uint16_t packet_len, uint32_t *at
)
{
	struct arrival_headers h;

	if (!arrival_udp(frame, len, &h) || h.udp->dst_port != rte_cpu_to_be_16(udp_port))
		return ARRIVAL_OTHER;
	if (rte_be_to_cpu_16(h.udp->dgram_len) != sizeof(*h.udp) + packet_len ||
	    h.packet_at + packet_len > len || !arrival_ip_length(&h) || !arrival_checksum(&h))
		return ARRIVAL_BROKEN;
	*at = h.packet_at;
	return ARRIVAL_PACKET;
}
