// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "sink.h"

#include <string.h>

#include "arrival.h"
#include "payload.h"

// Find the packet of a frame and put the buffer's data on it.
static enum arrival sink_frame(const struct sink *s, struct rte_mbuf *m)
{
	uint32_t at;

	if (m->nb_segs != 1)
		return ARRIVAL_OTHER; // buffers hold whole frames
	enum arrival kind = arrival_find(
	        rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, s->udp_port, s->geo->packet_len,
	        &at
	);
	if (kind == ARRIVAL_PACKET)
		rte_pktmbuf_adj(m, (uint16_t)at);
	return kind;
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
		enum arrival kind = sink_frame(s, s->frame[i]);

		s->corrupt += kind == ARRIVAL_BROKEN;
		s->other += kind == ARRIVAL_OTHER;
		if (kind != ARRIVAL_PACKET)
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
