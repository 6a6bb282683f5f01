// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the stages note about sampled packets. Nothing here is called while nobody traces; and nothing
// here keeps a packet back: without a free place or room in the ring the record is lost and counted.
#include "trace.h"

#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "worker.h"

void fog_trace_init(struct fog_trace *t, uint64_t now, uint32_t sample, uint32_t count)
{
	t->began = now;
	t->sample = sample;
	t->countdown[0] = t->countdown[1] = sample;
	t->left = count;
	t->free_n = FOG_TRACE_PLACES;
	for (unsigned i = 0; i < FOG_TRACE_PLACES; i++)
		t->free[i] = (uint16_t)i;
}

// The place of a packet's record, or NULL. A packet that outlived its trace carries an old serial.
static struct fog_trace_open *place_of(const struct fog_worker *w, const struct rte_mbuf *m)
{
	const struct fog_pkt *pkt = rte_mbuf_to_priv((struct rte_mbuf *)m);

	if (pkt->trace == 0 || pkt->trace > FOG_TRACE_PLACES)
		return NULL;
	struct fog_trace_open *o = &w->trace->place[pkt->trace - 1];
	return o->serial == pkt->trace_serial ? o : NULL;
}

// Never 0, which stands for "did not get there".
static uint64_t since(const struct fog_worker *w, const struct fog_trace_open *o)
{
	uint64_t now = rte_rdtsc();

	return now > o->arrival ? RTE_MAX(fog_worker_ns(w, now - o->arrival), UINT64_C(1)) : 1;
}

static bool sampled(struct fog_trace *t, unsigned which)
{
	if (atomic_load_explicit(&t->closing, memory_order_relaxed) || t->left == 0)
		return false;
	if (--t->countdown[which] > 0)
		return false;
	t->countdown[which] = t->sample;
	return true;
}

void stage_trace_begin(struct fog_worker *w, struct rte_mbuf *m, unsigned port, unsigned queue)
{
	struct fog_trace *t = w->trace;
	struct fog_pkt *pkt = fog_pkt(m);

	if (t->capture || !sampled(t, 0))
		return;
	if (t->free_n == 0) {
		w->count.trace_lost++;
		return;
	}
	uint16_t at = t->free[--t->free_n];
	struct fog_trace_open *o = &t->place[at];
	if (++w->trace_serial == 0)
		w->trace_serial = 1;
	*o = (struct fog_trace_open
	){.serial = w->trace_serial,
	  .arrival = pkt->arrival,
	  .record = {
	          .id = w->trace_serial,
	          .arrival_ns = pkt->arrival > t->began ? fog_worker_ns(w, pkt->arrival - t->began)
	                                                : 0,
	          .worker = (uint16_t)w->index,
	          .port = (uint16_t)port,
	          .queue = (uint16_t)queue,
	  }};
	pkt->trace = (uint16_t)(at + 1);
	pkt->trace_serial = w->trace_serial;
	t->left--;
	atomic_fetch_add_explicit(&t->open, 1, memory_order_relaxed);
}

void stage_trace_pass(struct fog_worker *w, const struct rte_mbuf *m, enum fog_trace_stage stage)
{
	struct fog_trace_open *o = place_of(w, m);

	if (o != NULL)
		o->record.stage_ns[stage] = since(w, o);
}

void stage_trace_chunk(struct fog_worker *w, const struct fog_chunk *c, enum fog_trace_stage stage)
{
	for (unsigned i = 0; i < c->sphinx.n; i++)
		if (c->mbuf[i] != NULL && c->sphinx.drop[i] == FOG_DROP_NONE)
			stage_trace_pass(w, c->mbuf[i], stage);
}

void stage_trace_owed(struct fog_worker *w, const struct rte_mbuf *m, uint64_t owed_us)
{
	struct fog_trace_open *o = place_of(w, m);

	if (o == NULL)
		return;
	o->record.owed_us = owed_us;
	o->record.stage_ns[FOG_TRACE_DELAY] = since(w, o);
}

void stage_trace_release(struct fog_worker *w, const struct rte_mbuf *m, uint64_t late_ns)
{
	struct fog_trace_open *o = place_of(w, m);

	if (o == NULL)
		return;
	o->record.late_ns = late_ns;
	o->record.stage_ns[FOG_TRACE_RELEASE] = since(w, o);
}

// Room for the next record, or NULL: lost.
static union fog_trace_entry *ring_reserve(struct fog_worker *w)
{
	struct fog_trace *t = w->trace;
	uint32_t head = atomic_load_explicit(&t->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&t->tail, memory_order_acquire) < FOG_TRACE_RING)
		return &t->ring[head % FOG_TRACE_RING];
	w->count.trace_lost++;
	return NULL;
}

static void ring_commit(struct fog_worker *w)
{
	w->count.traced++;
	atomic_fetch_add_explicit(&w->trace->head, 1, memory_order_release);
}

static void place_end(
        struct fog_worker *w, struct fog_trace_open *o, enum fog_trace_outcome outcome,
        enum fog_drop reason
)
{
	struct fog_trace *t = w->trace;
	union fog_trace_entry *room = ring_reserve(w);

	o->record.outcome = (uint8_t)outcome;
	o->record.drop = (uint8_t)reason;
	o->record.end_ns = since(w, o);
	if (room != NULL) {
		room->packet = o->record;
		ring_commit(w);
	}
	o->serial = 0;
	t->free[t->free_n++] = (uint16_t)(o - t->place);
	atomic_fetch_sub_explicit(&t->open, 1, memory_order_release);
}

void stage_trace_end(
        struct fog_worker *w, struct rte_mbuf *m, enum fog_trace_outcome outcome,
        enum fog_drop reason
)
{
	struct fog_trace_open *o = place_of(w, m);

	if (o != NULL)
		place_end(w, o, outcome, reason);
}

void stage_trace_note(
        const struct fog_worker *w, struct rte_mbuf **frame, unsigned n, uint16_t *place
)
{
	for (unsigned i = 0; i < n; i++)
		place[i] = place_of(w, frame[i]) != NULL ? fog_pkt(frame[i])->trace : 0;
}

void stage_trace_sent(struct fog_worker *w, const uint16_t *place, unsigned sent)
{
	for (unsigned i = 0; i < sent; i++) {
		if (place[i] == 0)
			continue;
		struct fog_trace_open *o = &w->trace->place[place[i] - 1];
		o->record.stage_ns[FOG_TRACE_SEND] = since(w, o);
		place_end(w, o, FOG_TRACE_SENT, FOG_DROP_NONE);
	}
}

// Length of a frame's Ethernet, VLAN, IP and UDP headers; what is not understood ends before it.
static uint32_t headers_len(const uint8_t *frame, uint32_t len)
{
	uint32_t at = 12, type, udp = 0;

	while (at + 4 <= len &&
	       ((frame[at] == 0x81 && frame[at + 1] == 0x00) ||
	        (frame[at] == 0x88 && frame[at + 1] == 0xa8)))
		at += 4;
	if (at + 2 > len)
		return len;
	type = (uint32_t)frame[at] << 8 | frame[at + 1];
	at += 2;
	if (type == RTE_ETHER_TYPE_IPV4 && at + 20 <= len) {
		// Behind the header of a later fragment comes payload at once.
		bool first = (frame[at + 6] & 0x1f) == 0 && frame[at + 7] == 0;
		udp = first && frame[at + 9] == IPPROTO_UDP ? 8 : 0;
		at += (frame[at] & 15u) * 4u;
	} else if (type == RTE_ETHER_TYPE_IPV6 && at + 40 <= len) {
		udp = frame[at + 6] == IPPROTO_UDP ? 8 : 0;
		at += 40;
	}
	return RTE_MIN(at + udp, len);
}

void stage_trace_frame(
        struct fog_worker *w, const uint8_t *frame, uint32_t len, const struct fog_trace_origin *o,
        enum fog_drop reason
)
{
	struct fog_trace *t = w->trace;
	uint64_t now = rte_rdtsc();

	if (!t->capture || !sampled(t, o->direction == FOG_CAPTURE_OUT))
		return;
	union fog_trace_entry *room = ring_reserve(w);
	if (room == NULL)
		return;
	uint32_t data_len = RTE_MIN(headers_len(frame, len), (uint32_t)FOG_CAPTURE_DATA);
	room->frame = (struct fog_capture_record){
	        .time_ns = now > t->began ? fog_worker_ns(w, now - t->began) : 0,
	        .frame_len = len,
	        .data_len = (uint16_t)data_len,
	        .worker = (uint16_t)w->index,
	        .port = (uint16_t)o->port,
	        .queue = (uint16_t)o->queue,
	        .direction = (uint8_t)o->direction,
	        .drop = (uint8_t)reason,
	};
	memcpy(room->frame.data, frame, data_len);
	t->left--;
	ring_commit(w);
}
