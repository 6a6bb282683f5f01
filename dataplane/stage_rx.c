// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From the ports to ready[]: every frame is counted, and either becomes a bare packet or a drop.
#include <rte_cycles.h>

#include "worker.h"

static void rx_frame(
        struct fog_worker *w, const struct fog_rx_source *from, struct rte_mbuf *m, uint64_t now
)
{
	const struct fog_port *port = w->ports[from->port];
	struct fog_ip source = {0};
	struct fog_pkt *pkt = fog_pkt(m);
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *); // the parser moves on
	uint32_t len = m->data_len;
	enum fog_drop reason = stage_parse(w, port, m, &source);

	w->count.rx++;
	pkt->arrival = now;
	pkt->peer = FOG_PEER_NONE;
	pkt->trace = 0;
	if (unlikely(w->trace != NULL)) {
		const struct fog_trace_origin origin = {from->port, from->queue, FOG_CAPTURE_IN};
		stage_trace_frame(w, frame, len, &origin, reason);
		stage_trace_begin(w, m, from->port, from->queue);
	}
	if (w->conf != NULL) {
		int node = fog_conf_find_ip(w->conf, &source);
		if (node >= 0) {
			pkt->peer = w->conf->node[node].peer;
			if (pkt->peer != FOG_PEER_NONE)
				w->count.peer[pkt->peer].rx++;
		}
	}
	if (reason != FOG_DROP_NONE) {
		if (port->bare)
			reason = stage_answer(w, from->port, m, reason, now);
		if (reason != FOG_DROP_NONE)
			fog_worker_drop(w, m, reason);
		return;
	}
	if (unlikely(w->trace != NULL))
		stage_trace_pass(w, m, FOG_TRACE_PARSE);
	w->ready[w->ready_n++] = m;
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
		uint64_t now = n > 0 ? rte_rdtsc() : 0;
		for (uint16_t i = 0; i < n; i++)
			rx_frame(w, from, burst[i], now);
		taken += n;
		w->source_next = w->source_next + 1 < w->source_count ? w->source_next + 1 : 0;
	}
	return taken;
}
