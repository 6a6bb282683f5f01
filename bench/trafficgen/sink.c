// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "sink.h"

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <string.h>

#include "payload.h"

enum sink_frame { SINK_PACKET, SINK_BROKEN, SINK_OTHER };

// UDP header of a frame of either family, or NULL. Reads foreign bytes.
static const struct rte_udp_hdr *sink_udp(
        const uint8_t *frame, uint32_t len, const void **ip, int *family
)
{
	const struct rte_ether_hdr *eth = (const void *)frame;
	uint32_t at = sizeof(*eth);

	if (len < at + sizeof(struct rte_vlan_hdr) + sizeof(struct rte_ipv6_hdr) + 8)
		return NULL; // shorter than any frame of ours
	uint16_t type = eth->ether_type;
	if (type == RTE_BE16(RTE_ETHER_TYPE_VLAN)) {
		type = ((const struct rte_vlan_hdr *)(frame + at))->eth_proto;
		at += sizeof(struct rte_vlan_hdr);
	}
	*ip = frame + at;
	if (type == RTE_BE16(RTE_ETHER_TYPE_IPV4)) {
		const struct rte_ipv4_hdr *v4 = *ip;
		at += rte_ipv4_hdr_len(v4);
		*family = v4->next_proto_id == IPPROTO_UDP ? 4 : 0;
	} else {
		const struct rte_ipv6_hdr *v6 = *ip;
		at += sizeof(*v6);
		*family = type == RTE_BE16(RTE_ETHER_TYPE_IPV6) && v6->proto == IPPROTO_UDP ? 6 : 0;
	}
	if (*family == 0 || at + sizeof(struct rte_udp_hdr) > len)
		return NULL;
	return (const void *)(frame + at);
}

// Whether IP and UDP agree about the length: the checksum is taken over what IP says.
static bool sink_ip_length(const void *ip, int family, const struct rte_udp_hdr *udp)
{
	const struct rte_ipv4_hdr *v4 = ip;
	const struct rte_ipv6_hdr *v6 = ip;
	unsigned len = rte_be_to_cpu_16(udp->dgram_len);

	if (family == 6)
		return rte_be_to_cpu_16(v6->payload_len) == len;
	return rte_be_to_cpu_16(v4->total_length) == rte_ipv4_hdr_len(v4) + len;
}

// Find the packet of a frame and put the buffer's data on it.
static enum sink_frame sink_frame(const struct sink *s, struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	const void *ip;
	int family;

	if (m->nb_segs != 1)
		return SINK_OTHER;
	const struct rte_udp_hdr *udp = sink_udp(frame, m->data_len, &ip, &family);
	if (udp == NULL || udp->dst_port != rte_cpu_to_be_16(s->udp_port))
		return SINK_OTHER;
	uint32_t at = (uint32_t)((const uint8_t *)(udp + 1) - frame);
	if (rte_be_to_cpu_16(udp->dgram_len) != sizeof(*udp) + s->geo->packet_len ||
	    at + s->geo->packet_len > m->data_len || !sink_ip_length(ip, family, udp))
		return SINK_BROKEN;
	// Over a datagram that carries its right checksum the sum is zero, written as 0xffff.
	if (family == 6 && rte_ipv6_udptcp_cksum(ip, udp) != 0xffff)
		return SINK_BROKEN;
	if (family == 4 && udp->dgram_cksum != 0 && rte_ipv4_udptcp_cksum(ip, udp) != 0xffff)
		return SINK_BROKEN;
	rte_pktmbuf_adj(m, (uint16_t)at);
	return SINK_PACKET;
}

static void sink_latency(struct sink *s, const struct pool_slot *slot, uint64_t arrival)
{
	uint64_t stamp = atomic_load_explicit(&slot->stamp, memory_order_acquire);

	// A packet that is under way twice can't be told from its copy.
	if (atomic_load_explicit(&slot->sent, memory_order_relaxed) != slot->received) {
		s->unclear++;
		return;
	}
	uint64_t us = arrival > stamp
	        ? (uint64_t)((unsigned __int128)(arrival - stamp) * 1000000 / s->tsc_hz)
	        : 0;
	fog_hist_add(&s->latency_us, us);
	if (!s->owed_known)
		return;
	fog_hist_add(&s->owed_us, slot->owed_us);
	// One microsecond for what both clocks round.
	s->early += us + 1 < slot->owed_us;
	fog_hist_add(&s->over_us, us > slot->owed_us ? us - slot->owed_us : 0);
}

static void sink_good(struct sink *s, uint64_t sequence, uint64_t arrival)
{
	struct pool_slot *slot = &s->pool->slot[sequence];

	slot->received++;
	if (slot->received > atomic_load_explicit(&slot->sent, memory_order_relaxed)) {
		s->duplicates++;
		return;
	}
	s->received++;
	if (sequence < s->highest)
		s->reordered++;
	else
		s->highest = sequence;
	sink_latency(s, slot, arrival);
}

static void sink_judge(struct sink *s, struct rte_mbuf *m, const struct fog_sphinx_route *route)
{
	const uint8_t *packet = rte_pktmbuf_mtod(m, const uint8_t *);
	uint64_t sequence;

	if (route->has_next_hop || !route->has_recipient ||
	    memcmp(route->recipient, s->id, sizeof(s->id)) != 0) {
		s->foreign++;
		return;
	}
	switch (payload_read(
	        packet + s->geo->header_len + FOG_SPHINX_TAG_LEN, s->geo->payload_len, s->pool->run,
	        &sequence
	)) {
	case PAYLOAD_GOOD:
		if (sequence < s->pool->count)
			sink_good(s, sequence, io_arrival(m)->tsc);
		else
			s->corrupt++;
		break;
	case PAYLOAD_CORRUPT:
		s->corrupt++;
		break;
	case PAYLOAD_FOREIGN:
		s->foreign++;
		break;
	}
}

unsigned sink_take(struct sink *s, struct rte_ring *arrived)
{
	struct fog_sphinx_batch b = {
	        .ops = s->ops, .geo = s->geo, .hop = s->hop, .route = s->route};
	struct rte_mbuf *of[SINK_BATCH];
	unsigned n = rte_ring_sc_dequeue_burst(arrived, (void *)s->frame, SINK_BATCH, NULL);

	for (unsigned i = 0; i < n; i++) {
		enum sink_frame kind = sink_frame(s, s->frame[i]);

		s->corrupt += kind == SINK_BROKEN;
		s->other += kind == SINK_OTHER;
		if (kind != SINK_PACKET)
			continue;
		of[b.n] = s->frame[i];
		b.drop[b.n] = FOG_DROP_NONE;
		b.pkt[b.n++] = rte_pktmbuf_mtod(s->frame[i], uint8_t *);
	}
	fog_sphinx_key(&b, s->private_key);
	fog_sphinx_mac(&b);
	fog_sphinx_open(&b);
	fog_sphinx_payload(&b);
	for (unsigned i = 0; i < b.n; i++) {
		if (b.drop[i] == FOG_DROP_NONE) {
			sink_judge(s, of[i], &s->route[i]);
			continue;
		}
		s->corrupt++;
		s->reason[b.drop[i]]++;
	}
	rte_pktmbuf_free_bulk(s->frame, n);
	return n;
}
