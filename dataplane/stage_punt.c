// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The two queues between a worker and the manager that carry the control plane's link messages.
#include <errno.h>
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_ring_elem.h>

#include "link_stage.h"
#include "punt.h"

enum { LETTERS_MAX = 8 }; // of the manager, per round

void stage_punt(struct fog_worker *w, struct rte_mbuf *m, struct fog_link_punt *punt)
{
	if (rte_ring_sp_enqueue_elem(w->punts, punt, sizeof(*punt)) < 0) {
		fog_worker_drop(w, m, FOG_DROP_PUNT_FULL);
		return;
	}
	w->count.punted++;
	if (unlikely(w->trace != NULL))
		stage_trace_end(w, m, FOG_TRACE_PUNTED, FOG_DROP_NONE);
	rte_pktmbuf_free(m);
}

void stage_notice(struct fog_worker *w, struct rte_mbuf *m, uint32_t rx_base)
{
	const uint8_t *packet = rte_pktmbuf_mtod(m, const uint8_t *);
	const struct fog_pkt *pkt = fog_pkt(m);
	struct fog_link_punt punt = {.type = FOG_FRAME_DATA, .rx_index = rx_base};
	rte_be16_t len;

	memcpy(&len, packet + 2, sizeof(len));
	punt.len = rte_be_to_cpu_16(len);
	if (packet[1] != 0 || punt.len > fog_notice_room(w->geo.packet_len)) {
		fog_worker_drop(w, m, FOG_DROP_LINK_FRAME);
		return;
	}
	// Clients have no statistics slot, and a budget for all that they send: however many there are of
	// them, they leave room for what nodes have to say.
	bool room = pkt->peer == FOG_PEER_NONE
	        ? rte_ring_count(w->punts) < FOG_PUNT_STRANGERS
	        : fog_budget_take(&w->handshake->node[pkt->peer].notices, pkt->arrival);
	if (!room) {
		fog_worker_drop(w, m, FOG_DROP_PUNT_FULL);
		return;
	}
	memcpy(punt.data, packet + FOG_NOTICE_HEADER, punt.len);
	stage_punt(w, m, &punt);
}

static void letter_lost(struct fog_worker *w, enum fog_drop reason)
{
	w->count.made++;
	w->count.drop[reason]++;
	w->count.drops++;
}

// Through a session. The letter has to last until it is sealed.
static void letter_data(struct fog_worker *w, const struct fog_letter *letter)
{
	const struct fog_link_send *s = &letter->send;
	int ret;

	if (letter->client)
		ret = stage_link_send_client(w, s->rx_index, &letter->to, s->kind, s->data, s->len);
	else
		ret = stage_link_send_control(w, s->rx_index, s->kind, s->data, s->len);
	if (ret == -ENOBUFS)
		letter_lost(w, FOG_DROP_NO_BUFFER);
	else if (ret == -ENETUNREACH)
		letter_lost(w, FOG_DROP_NO_NEIGHBOUR);
	else if (ret < 0)
		letter_lost(w, FOG_DROP_NO_LINK);
}

static void letter_handshake(struct fog_worker *w, const struct fog_letter *letter)
{
	const struct fog_link_send *s = &letter->send;
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->pool);
	uint32_t len = fog_worker_payload_len(w);

	if (m == NULL) {
		letter_lost(w, FOG_DROP_NO_BUFFER);
		return;
	}
	uint8_t *frame = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)len);
	w->count.made++;
	fog_pkt(m)->trace = 0;
	memcpy(frame, s->data, s->len);
	fog_random_fill(&w->handshake->random, frame + s->len, len - s->len);
	stage_frame(w, m, &letter->to);
}

unsigned stage_letters(struct fog_worker *w)
{
	struct fog_letter letter[LETTERS_MAX];
	bool clients = false;
	unsigned n = 0;

	if (w->letters == NULL)
		return 0;
	for (; n < LETTERS_MAX; n++) {
		if (rte_ring_sc_dequeue_elem(w->letters, &letter[n], sizeof(letter[n])) < 0)
			break;
		clients |= letter[n].client;
		if (letter[n].send.type == FOG_FRAME_DATA)
			letter_data(w, &letter[n]);
		else
			letter_handshake(w, &letter[n]);
	}
	if (clients)
		stage_link_seal(w); // where they are stands in the letters, which end here
	return n;
}
