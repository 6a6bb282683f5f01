// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From the ports to ready[]: every frame is counted, and either becomes a bare packet or a drop.
#include "worker.h"

static void rx_frame(
        struct fog_worker *w, const struct fog_port *port, struct rte_mbuf *m, uint64_t now
)
{
	struct fog_ip source = {0};
	struct fog_pkt *pkt = fog_pkt(m);
	enum fog_drop reason = stage_parse(w, port, m, &source);

	w->count.rx++;
	pkt->arrival = now;
	pkt->peer = FOG_PEER_NONE;
	if (w->conf != NULL) {
		int node = fog_conf_find_ip(w->conf, &source);
		if (node >= 0) {
			pkt->peer = w->conf->node[node].peer;
			w->count.peer[pkt->peer].rx++;
		}
	}
	if (reason != FOG_DROP_NONE)
		fog_worker_drop(w, m, reason);
	else
		w->ready[w->ready_n++] = m;
}

unsigned stage_rx(struct fog_worker *w, uint64_t now)
{
	struct rte_mbuf *burst[FOG_BURST];
	unsigned taken = 0;

	for (unsigned p = 0; p < w->port_count; p++) {
		struct fog_port *port = w->ports[p];
		for (uint16_t q = (uint16_t)w->index; q < port->queues && taken < FOG_BURST;
		     q += (uint16_t)w->workers) {
			uint16_t n =
			        port->ops->rx_burst(port, q, burst, (uint16_t)(FOG_BURST - taken));
			for (uint16_t i = 0; i < n; i++)
				rx_frame(w, port, burst[i], now);
			taken += n;
		}
	}
	return taken;
}
