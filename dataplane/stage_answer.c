// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a host without a kernel owes its link: answers to ARP, neighbour discovery and echo requests,
// and the frames by which the manager finds neighbours. An answer takes the place of its question
// in the same buffer and is about as long, so nobody is flooded through us; who asks more than
// FOG_ANSWER_RATE costs the worker a look at the headers and no more.
#include <rte_cycles.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "frame.h"
#include "question.h"
#include "worker.h"

enum { ERRANDS_MAX = 8 }; // frames of the manager per round

// A bucket of FOG_ANSWER_BURST tokens, kept as the time at which it is full again.
static bool token_take(const struct fog_worker *w, uint64_t *full_at, uint64_t now)
{
	uint64_t at = RTE_MAX(*full_at, now);

	if (at - now > w->answer_cycles * (FOG_ANSWER_BURST - 1))
		return false;
	*full_at = at + w->answer_cycles;
	return true;
}

// The frame in 'm' is 'len' bytes now, and leaves through 'port'.
static void answer_send(struct fog_worker *w, unsigned port, struct rte_mbuf *m, unsigned len)
{
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	w->count.answered++;
	w->count.made++;
	stage_tx_put(w, port, m, FOG_PEER_NONE);
}

static unsigned answer_nd(uint8_t *frame, const struct fog_port *port, const struct fog_question *q)
{
	static const struct fog_ip nobody = {.family = 6};
	bool address = memcmp(&q->sender, &nobody, sizeof(nobody)) != 0;

	return fog_frame_advertise(frame, port, &q->target, &q->sender, address ? q->mac : NULL);
}

static enum fog_drop answer_neighbour(
        struct fog_worker *w, unsigned index, struct rte_mbuf *m, const struct fog_question *q,
        uint64_t now
)
{
	const struct fog_port *port = w->ports[index];
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	unsigned room = m->data_len + rte_pktmbuf_tailroom(m), len;

	if (room < FOG_FRAME_MAX)
		return FOG_DROP_NO_BUFFER;
	if (!token_take(w, &w->neighbours_full_at, now))
		return FOG_DROP_ANSWER_RATE;
	if (q->kind == FOG_QUESTION_ARP)
		len = fog_frame_arp(
		        frame, port, FOG_ARP_REPLY, q->mac, &q->target, q->mac, &q->sender
		);
	else
		len = answer_nd(frame, port, q);
	answer_send(w, index, m, len);
	return FOG_DROP_NONE;
}

static enum fog_drop answer_echo(
        struct fog_worker *w, unsigned index, struct rte_mbuf *m, const struct fog_question *q,
        uint64_t now
)
{
	if (!token_take(w, &w->echo_full_at, now))
		return FOG_DROP_ANSWER_RATE;
	unsigned len = fog_frame_echo(rte_pktmbuf_mtod(m, uint8_t *), w->ports[index], q);
	answer_send(w, index, m, len);
	return FOG_DROP_NONE;
}

static enum fog_drop punt(
        struct fog_worker *w, unsigned index, struct rte_mbuf *m, const struct fog_question *q
)
{
	struct fog_heard heard = {
	        .ip = q->sender,
	        .port = (uint16_t)index,
	        .has_mac = q->has_mac,
	        .solicited = q->solicited,
	        .conflict = q->kind == FOG_QUESTION_CONFLICT,
	};

	memcpy(heard.mac, q->mac, sizeof(heard.mac));
	if (w->heard == NULL || rte_ring_sp_enqueue_elem(w->heard, &heard, sizeof(heard)) < 0)
		return FOG_DROP_PUNT_FULL;
	w->count.punted++;
	if (unlikely(w->trace != NULL))
		stage_trace_end(w, m, FOG_TRACE_PUNTED, FOG_DROP_NONE);
	rte_pktmbuf_free(m);
	return FOG_DROP_NONE;
}

enum fog_drop stage_answer(
        struct fog_worker *w, unsigned index, struct rte_mbuf *m, enum fog_drop reason, uint64_t now
)
{
	if (reason != FOG_DROP_ETHERTYPE && reason != FOG_DROP_NOT_UDP &&
	    reason != FOG_DROP_NOT_OUR_ADDRESS)
		return reason;
	struct fog_question q = fog_question_read(
	        w->ports[index], rte_pktmbuf_mtod(m, const uint8_t *), m->data_len
	);
	switch (q.kind) {
	case FOG_QUESTION_ARP:
	case FOG_QUESTION_ND:
		return answer_neighbour(w, index, m, &q, now);
	case FOG_QUESTION_ECHO:
		return answer_echo(w, index, m, &q, now);
	case FOG_QUESTION_TOLD:
	case FOG_QUESTION_CONFLICT:
		return punt(w, index, m, &q);
	case FOG_QUESTION_BAD:
		return q.drop;
	default:
		return reason;
	}
}

unsigned stage_errands(struct fog_worker *w)
{
	struct fog_errand errand;
	unsigned n = 0;

	if (w->errands == NULL)
		return 0;
	for (; n < ERRANDS_MAX; n++) {
		if (rte_ring_sc_dequeue_elem(w->errands, &errand, sizeof(errand)) < 0)
			break;
		struct rte_mbuf *m = rte_pktmbuf_alloc(w->pool);
		w->count.made++;
		if (m == NULL) {
			w->count.drop[FOG_DROP_NO_BUFFER]++;
			w->count.drops++;
			continue;
		}
		fog_pkt(m)->trace = 0;
		memcpy(rte_pktmbuf_append(m, errand.len), errand.frame, errand.len);
		stage_tx_put(w, errand.port, m, FOG_PEER_NONE);
	}
	return n;
}
