// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Packets of our own control plane: through the whole path when we are the first hop, else straight
// to the first hop; cover waits for its turn first. The ring's peer is another process and believed in nothing.
#include <rte_cycles.h>

#include "cover.h"

static void inject_packet(
        struct fog_worker *w, uint32_t type, const struct fog_inject *in, const uint8_t *packet
)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->pool);

	w->count.injected++;
	if (m == NULL) {
		w->count.drop[FOG_DROP_NO_BUFFER]++;
		w->count.drops++;
		return;
	}
	memcpy(rte_pktmbuf_append(m, w->geo.packet_len), packet, w->geo.packet_len);
	fog_pkt(m)->arrival = rte_rdtsc();
	fog_pkt(m)->peer = FOG_PEER_NONE;
	fog_pkt(m)->trace = 0;
	fog_pkt(m)->kind = FOG_KIND_SPHINX;
	fog_pkt(m)->epoch = (uint8_t)in->epoch;
	if (unlikely(w->trace != NULL))
		stage_trace_begin(w, m, FOG_TRACE_INJECTED, FOG_TRACE_INJECTED);
	if (type == FOG_INJECT_UNWRAP) {
		w->ready[w->ready_n++] = m;
		return;
	}
	int node = fog_conf_find(w->conf, in->next_hop);
	if (node < 0)
		fog_worker_drop(w, m, FOG_DROP_UNKNOWN_NEXT_HOP);
	else
		stage_send(w, m, &w->conf->node[node]);
}

static void inject_cover(struct fog_worker *w, const struct fog_inject *in, const uint8_t *packet)
{
	w->count.injected++;
	if (w->cover != NULL) {
		stage_cover_put(w, in, packet);
		return;
	}
	w->count.drop[FOG_DROP_COVER_FULL]++; // without links there is no stock
	w->count.drops++;
}

static bool inject_valid(
        const struct fog_worker *w, const struct fog_slot_header *h, const struct fog_inject *in
)
{
	return h->type >= FOG_INJECT_UNWRAP && h->type <= FOG_INJECT_COVER &&
	        h->len == sizeof(*in) + w->geo.packet_len && in->data_len == w->geo.packet_len;
}

unsigned stage_inject(struct fog_worker *w)
{
	const uint8_t *slot = w->inject_slot;
	unsigned n = 0;

	if (w->rings == NULL || w->rings->inject_faulty)
		return 0;
	if (w->conf == NULL)
		return 0;
	for (; n < FOG_INJECT_BURST && w->ready_n < FOG_READY_MAX; n++) {
		struct fog_slot_header h;
		struct fog_inject in;
		int ret = fog_ring_peek(&w->rings->inject, w->inject_slot);
		if (ret == 0)
			break;
		memcpy(&h, slot, sizeof(h));
		memcpy(&in, slot + sizeof(h), sizeof(in));
		if (ret < 0 || !inject_valid(w, &h, &in)) {
			w->rings->inject_faulty = 1;
			w->count.ring_faults++;
			atomic_fetch_or_explicit(&w->faults, 2, memory_order_relaxed);
			break;
		}
		// After a restart they come before the keys do, and wait for them where they are.
		if (h.type != FOG_INJECT_FORWARD && w->conf->key_count == 0)
			break;
		if (h.type == FOG_INJECT_COVER)
			inject_cover(w, &in, slot + sizeof(h) + sizeof(in));
		else
			inject_packet(w, h.type, &in, slot + sizeof(h) + sizeof(in));
		fog_ring_advance(&w->rings->inject);
	}
	return n;
}
