// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Hand a packet whose path ends here to the control plane, through this worker's own ring.
#include <sodium.h>

#include "worker.h"

// The pool is neither locked nor cleared: no plaintext stays in it.
static void plaintext_wipe(const struct fog_worker *w, struct rte_mbuf *m)
{
	sodium_memzero(
	        rte_pktmbuf_mtod_offset(m, uint8_t *, w->geo.header_len),
	        w->geo.packet_len - w->geo.header_len
	);
}

static void deliver_refuse(struct fog_worker *w, struct rte_mbuf *m)
{
	plaintext_wipe(w, m);
	fog_worker_drop(w, m, FOG_DROP_DELIVER_FULL);
}

void stage_deliver(struct fog_worker *w, struct rte_mbuf *m, const struct fog_sphinx_route *r)
{
	uint32_t data_len = w->geo.packet_len - w->geo.header_len;
	int err = 0;

	if (w->rings == NULL || w->rings->deliver_faulty) {
		deliver_refuse(w, m);
		return;
	}
	uint8_t *slot = fog_ring_reserve(&w->rings->deliver, &err);
	if (slot == NULL) {
		if (err == -EPROTO) {
			w->rings->deliver_faulty = 1;
			w->count.ring_faults++;
			atomic_fetch_or_explicit(&w->faults, 1, memory_order_relaxed);
		}
		deliver_refuse(w, m);
		return;
	}
	struct fog_deliver d = {
	        .flags = (r->has_recipient ? FOG_DELIVER_RECIPIENT : 0) |
	                (r->has_surb ? FOG_DELIVER_SURB : 0),
	        .data_len = data_len,
	        .arrival = fog_pkt(m)->arrival,
	        .epoch = fog_pkt(m)->epoch,
	};
	if (r->has_recipient)
		memcpy(d.recipient, r->recipient, sizeof(d.recipient));
	if (r->has_surb)
		memcpy(d.surb_id, r->surb_id, sizeof(d.surb_id));
	memcpy(slot, &d, sizeof(d));
	memcpy(slot + sizeof(d), rte_pktmbuf_mtod_offset(m, uint8_t *, w->geo.header_len),
	       data_len);
	fog_ring_commit(&w->rings->deliver, FOG_DELIVER_PACKET, (uint32_t)sizeof(d) + data_len);
	atomic_store_explicit(&w->ring_doorbell, true, memory_order_release);
	w->count.delivered++;
	plaintext_wipe(w, m);
	if (unlikely(w->trace != NULL)) {
		stage_trace_pass(w, m, FOG_TRACE_DELIVER);
		stage_trace_end(w, m, FOG_TRACE_DELIVERED, FOG_DROP_NONE);
	}
	rte_pktmbuf_free(m);
}
