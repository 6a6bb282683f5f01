// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Header in front, then out. A port that takes nothing for a while holds back at most
// FOG_TX_HELD_MAX frames; what comes on top is dropped under its own name.
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "link_stage.h"

enum {
	SOURCE_PORT_BASE = 49152, // dynamic ports, RFC 6335
};

static void udp_finish(struct fog_worker *w, struct rte_mbuf *m, const struct fog_next_hop *n)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	struct rte_udp_hdr *udp = (void *)(frame + n->udp_at);

	w->source_port = (uint16_t)((w->source_port + 1) % FOG_SOURCE_PORTS);
	uint16_t own = (uint16_t)(SOURCE_PORT_BASE + w->index * FOG_SOURCE_PORTS + w->source_port);
	udp->src_port = rte_cpu_to_be_16(n->source_port != 0 ? n->source_port : own);
	if (n->ip.family == 4) // no checksum (RFC 768): the packet's own MAC and tag say more
		return;
	const struct rte_ipv6_hdr *ip = (const void *)(frame + n->udp_at - sizeof(*ip));
	if (!w->ports[n->port]->tx_checksum) {
		udp->dgram_cksum = rte_ipv6_udptcp_cksum(ip, udp);
		return;
	}
	m->ol_flags |= RTE_MBUF_F_TX_IPV6 |
	        RTE_MBUF_F_TX_UDP_CKSUM; // it also says whose the buffer is
	m->l2_len = n->udp_at - sizeof(*ip);
	m->l3_len = sizeof(*ip);
	udp->dgram_cksum = rte_ipv6_phdr_cksum(ip, m->ol_flags);
}

static unsigned tx_port(struct fog_worker *w, struct fog_port *port, struct fog_tx_queue *q)
{
	uint16_t place[FOG_TX_HELD_MAX];

	if (unlikely(w->trace != NULL))
		stage_trace_note(w, q->frame, q->n, place);
	uint16_t sent = port->ops->tx_burst(port, (uint16_t)w->index, q->frame, q->n);
	if (unlikely(w->trace != NULL))
		stage_trace_sent(w, place, sent);

	for (uint16_t i = 0; i < sent; i++)
		if (q->peer[i] != FOG_PEER_NONE)
			w->count.peer[q->peer[i]].tx++;
	w->count.tx += sent;
	q->n = (uint16_t)(q->n - sent);
	memmove(q->frame, q->frame + sent, q->n * sizeof(q->frame[0]));
	memmove(q->peer, q->peer + sent, q->n * sizeof(q->peer[0]));
	return sent;
}

static unsigned tx_push(struct fog_worker *w)
{
	unsigned sent = 0;

	for (unsigned p = 0; p < w->port_count; p++)
		if (w->tx[p].n > 0)
			sent += tx_port(w, w->ports[p], &w->tx[p]);
	return sent;
}

void stage_tx_put(struct fog_worker *w, unsigned port, struct rte_mbuf *m, uint16_t peer)
{
	struct fog_tx_queue *q = &w->tx[port];

	if (q->n == FOG_TX_HELD_MAX)
		tx_push(w);
	if (q->n == FOG_TX_HELD_MAX) {
		fog_worker_drop(w, m, FOG_DROP_TX_FULL);
		return;
	}
	q->peer[q->n] = peer;
	q->frame[q->n++] = m;
}

void stage_send(struct fog_worker *w, struct rte_mbuf *m, const struct fog_next_hop *n)
{
	if (!n->resolved) {
		fog_worker_drop(w, m, n->routed ? FOG_DROP_NO_NEIGHBOUR : FOG_DROP_NO_ROUTE);
		return;
	}
	if (w->links != NULL)
		stage_link_seal_put(w, m, n);
	else
		stage_frame(w, m, n);
}

void stage_frame(struct fog_worker *w, struct rte_mbuf *m, const struct fog_next_hop *n)
{
	// The frame's old headers were in front of the packet, so there is room for the new ones.
	uint8_t *frame = (uint8_t *)rte_pktmbuf_prepend(m, n->header_len);
	if (frame == NULL) {
		fog_worker_drop(w, m, FOG_DROP_NO_BUFFER);
		return;
	}
	memcpy(frame, n->header, n->header_len);
	udp_finish(w, m, n);
	if (unlikely(w->trace != NULL)) {
		const struct fog_trace_origin origin = {n->port, w->index, FOG_CAPTURE_OUT};
		stage_trace_frame(w, frame, m->data_len, &origin, FOG_DROP_NONE);
	}
	stage_tx_put(w, n->port, m, n->peer);
}

unsigned stage_tx(struct fog_worker *w)
{
	if (w->seal.n > 0)
		stage_link_seal(w);
	return tx_push(w);
}
