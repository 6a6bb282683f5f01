// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From the ports to ready[]: every frame is counted, and either becomes a bare packet or a drop.
#include <rte_cycles.h>

#include "link_stage.h"

// Without links an address says who sent a frame.
static void peer_find(struct fog_worker *w, struct fog_pkt *pkt, const struct fog_ip *source)
{
	int node = w->conf != NULL ? fog_conf_find_ip(w->conf, source) : -1;

	if (node < 0)
		return;
	pkt->peer = w->conf->node[node].peer;
	if (pkt->peer != FOG_PEER_NONE)
		w->count.peer[pkt->peer].rx++;
}

// Returns whether the parser took the frame, which 'in' describes then.
static bool rx_frame(
        struct fog_worker *w, const struct fog_rx_source *from, struct rte_mbuf *m, uint64_t now,
        struct fog_link_arrival *in
)
{
	const struct fog_port *port = w->ports[from->port];
	struct fog_pkt *pkt = fog_pkt(m);
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *); // the parser moves on
	uint32_t len = m->data_len;

	*in = (struct fog_link_arrival){.m = m};
	enum fog_drop reason = stage_parse(w, port, m, &in->ip, &in->udp_port);

	w->count.rx++;
	pkt->arrival = now;
	pkt->peer = FOG_PEER_NONE;
	pkt->trace = 0;
	if (unlikely(w->trace != NULL)) {
		const struct fog_trace_origin origin = {from->port, from->queue, FOG_CAPTURE_IN};
		stage_trace_frame(w, frame, len, &origin, reason);
		stage_trace_begin(w, m, from->port, from->queue);
	}
	if (w->links == NULL)
		peer_find(w, pkt, &in->ip);
	if (reason == FOG_DROP_NONE)
		return true;
	if (port->bare)
		reason = stage_answer(w, from->port, m, reason, now);
	if (reason != FOG_DROP_NONE)
		fog_worker_drop(w, m, reason);
	return false;
}

static void rx_burst(
        struct fog_worker *w, const struct fog_rx_source *from, struct rte_mbuf **burst, unsigned n,
        uint64_t now
)
{
	struct fog_link_arrival in[FOG_BURST];
	unsigned taken = 0;

	// Their headers are in no cache of ours yet: ask for all of a burst before the first is read.
	for (unsigned i = 0; i < n; i++) {
		rte_prefetch0(rte_pktmbuf_mtod(burst[i], const void *));
		rte_prefetch0(fog_pkt(burst[i]));
	}
	for (unsigned i = 0; i < n; i++)
		taken += rx_frame(w, from, burst[i], now, &in[taken]);
	if (w->links != NULL) {
		stage_link_open(w, from->port, in, taken, now);
		return;
	}
	for (unsigned i = 0; i < taken; i++) {
		if (unlikely(w->trace != NULL))
			stage_trace_pass(w, in[i].m, FOG_TRACE_PARSE);
		fog_pkt(in[i].m)->kind = FOG_KIND_SPHINX;
		fog_pkt(in[i].m)->epoch = FOG_EPOCH_FOREVER;
		w->ready[w->ready_n++] = in[i].m;
	}
}

unsigned stage_rx(struct fog_worker *w)
{
	struct rte_mbuf *burst[FOG_BURST];
	unsigned taken = 0, full = FOG_READY_MAX - FOG_INJECT_BURST, most = 0;

	// What finds no room stays with the port.
	if (w->ready_n < full)
		most = RTE_MIN((unsigned)FOG_BURST, full - w->ready_n);

	// A round begins where the last one had to stop: a flooded queue starves no other.
	for (unsigned s = 0; s < w->source_count && taken < most; s++) {
		const struct fog_rx_source *from = &w->source[w->source_next];
		struct fog_port *port = w->ports[from->port];
		uint16_t room = (uint16_t)(most - taken);
		uint16_t n = port->ops->rx_burst(port, from->queue, burst, room);
		// Read after the burst: a frame that came since the round began must not count as older
		// than it is, or it would leave before the delay that it is owed.
		if (n > 0)
			rx_burst(w, from, burst, n, rte_rdtsc());
		taken += n;
		w->source_next = w->source_next + 1 < w->source_count ? w->source_next + 1 : 0;
	}
	return taken;
}
