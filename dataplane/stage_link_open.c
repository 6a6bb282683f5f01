// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From the frames of encrypted links to what is in them. Nothing of a frame is believed before its tag
// was found good, and its counter is claimed only then: who forges frames moves no window.
#include <rte_byteorder.h>

#include "link_stage.h"
#include "punt.h"

_Static_assert((int)FOG_LINK_NO_PEER == (int)FOG_PEER_NONE, "sessions name statistics slots");

// A DATA frame of a session that is here.
struct opening {
	const struct fog_link_arrival *in;
	struct fog_link *link;
	struct fog_window *window;
	uint64_t counter;
};

static enum fog_drop window_reason(enum fog_window_answer answer)
{
	switch (answer) {
	case FOG_WINDOW_OLD:
		return FOG_DROP_LINK_OLD;
	case FOG_WINDOW_REPLAY:
		return FOG_DROP_LINK_REPLAY;
	default:
		return FOG_DROP_NONE;
	}
}

// Everything that can be said without the key.
static enum fog_drop data_begin(
        const struct fog_worker *w, const uint8_t *frame, struct opening *o, struct fog_gcm_job *job
)
{
	rte_be32_t index;
	rte_be64_t counter;

	memcpy(&index, frame + 4, sizeof(index));
	memcpy(&counter, frame + 8, sizeof(counter));
	uint32_t sub = rte_be_to_cpu_32(index) - fog_link_base(rte_be_to_cpu_32(index));
	o->link = fog_link_find(w->links, rte_be_to_cpu_32(index));
	o->counter = rte_be_to_cpu_64(counter);
	if (o->link == NULL || sub >= o->link->rx_count || o->counter >= o->link->reject_packets)
		return FOG_DROP_LINK_SESSION;
	o->window = &o->link->rx[sub].window;
	*job = (struct fog_gcm_job){.key = &o->link->rx[sub].key, .aad = frame};
	memcpy(job->nonce + 4, frame + 8, sizeof(counter));
	return window_reason(fog_window_look(o->window, o->counter));
}

// Without the header, down to the packet; 'plain' is what its prefix says.
static const uint8_t *frame_strip(struct fog_worker *w, struct rte_mbuf *m)
{
	const uint8_t *plain = (const uint8_t *)rte_pktmbuf_adj(m, FOG_FRAME_HEADER);

	m->data_len = (uint16_t)w->geo.packet_len;
	m->pkt_len = w->geo.packet_len;
	return plain;
}

static void frame_answered(struct fog_worker *w, struct rte_mbuf *m)
{
	w->count.answered++;
	if (unlikely(w->trace != NULL))
		stage_trace_end(w, m, FOG_TRACE_PUNTED, FOG_DROP_NONE);
	rte_pktmbuf_free(m);
}

// What a genuine frame holds.
static void frame_take(struct fog_worker *w, const struct fog_link *link, struct rte_mbuf *m)
{
	struct fog_pkt *pkt = fog_pkt(m);
	uint8_t *plain = (uint8_t *)frame_strip(w, m);

	pkt->peer = link->peer;
	pkt->kind = plain[0];
	pkt->epoch = plain[1];
	if (pkt->peer != FOG_PEER_NONE)
		w->count.peer[pkt->peer].rx++;
	switch (pkt->kind) {
	case FOG_KIND_SPHINX:
		memset(plain, 0, 2); // the packet's constant prefix
		if (unlikely(w->trace != NULL))
			stage_trace_pass(w, m, FOG_TRACE_PARSE);
		w->ready[w->ready_n++] = m;
		break;
	case FOG_KIND_NOTICE:
		stage_notice(w, m, link->rx_index);
		break;
	case FOG_KIND_NOTHING:
		frame_answered(w, m);
		break;
	default:
		fog_worker_drop(w, m, FOG_DROP_LINK_FRAME);
	}
}

// The tag is good.
static void data_end(struct fog_worker *w, const struct opening *o, uint64_t now)
{
	enum fog_window_answer answer = fog_window_claim(o->window, o->counter);
	enum fog_drop reason = window_reason(answer);

	if (reason == FOG_DROP_NONE) {
		fog_link_heard(w->links, o->link, w->index);
		if (o->link->class == FOG_LINK_CLIENT && answer == FOG_WINDOW_NEWEST)
			fog_link_moved(o->link, w->index, &o->in->ip, o->in->udp_port, now);
		if (o->link->budget != NULL && !fog_budget_take(&o->link->budget->budget, now))
			reason = FOG_DROP_CLIENT_RATE;
	}
	if (reason != FOG_DROP_NONE)
		fog_worker_drop(w, o->in->m, reason);
	else
		frame_take(w, o->link, o->in->m);
}

// What kind of frame it is by its header. Returns whether it is DATA that can be opened, as number 'n'.
static bool frame_begin(
        struct fog_worker *w, unsigned port, const struct fog_link_arrival *in, struct opening *o,
        struct fog_gcm_job *job, uint64_t now
)
{
	uint8_t *frame = rte_pktmbuf_mtod(in->m, uint8_t *);
	bool reserved = frame[1] == 0 && frame[2] == 0 && frame[3] == 0;
	enum fog_drop reason = FOG_DROP_LINK_FRAME;

	if (reserved && frame[0] >= FOG_FRAME_INITIATION && frame[0] <= FOG_FRAME_COOKIE) {
		stage_handshake(w, port, in->m, &in->ip, in->udp_port, now);
		return false;
	}
	if (reserved && frame[0] == FOG_FRAME_DATA)
		reason = data_begin(w, frame, o, job);
	if (reason != FOG_DROP_NONE) {
		fog_worker_drop(w, in->m, reason);
		return false;
	}
	o->in = in;
	job->text = frame + FOG_FRAME_HEADER;
	job->tag = job->text + w->geo.packet_len;
	return true;
}

void stage_link_open(
        struct fog_worker *w, unsigned port, const struct fog_link_arrival *in, unsigned n,
        uint64_t now
)
{
	struct opening opening[FOG_BURST];
	struct fog_gcm_job job[FOG_BURST];
	unsigned data = 0;

	for (unsigned i = 0; i < n; i++)
		data += frame_begin(w, port, &in[i], &opening[data], &job[data], now);
	if (data == 0)
		return;
	uint64_t bad = w->links->crypto->gcm_open(data, job, w->geo.packet_len);
	for (unsigned i = 0; i < data; i++) {
		if ((bad >> i & 1) != 0)
			fog_worker_drop(w, opening[i].in->m, FOG_DROP_LINK_TAMPERED);
		else
			data_end(w, &opening[i], now);
	}
}
