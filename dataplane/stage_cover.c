// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Cover traffic (cover.h): when its turn is, and what goes.
#include "cover.h"

#include <errno.h>
#include <rte_cycles.h>
#include <stdlib.h>

_Static_assert(
        (FOG_COVER_STOCK & (FOG_COVER_STOCK - 1)) == 0, "a ring is indexed without a division"
);

static void stream_init(struct fog_random *r)
{
	uint8_t seed[32];

	randombytes_buf(seed, sizeof(seed));
	fog_random_init(r, seed);
	sodium_memzero(seed, sizeof(seed));
}

int fog_cover_create(uint32_t packet_len, struct fog_cover **out)
{
	// sodium_malloc ends its objects at a guard page, so the size keeps the alignment.
	struct fog_cover *c = sodium_malloc((sizeof(*c) + 63u) & ~(size_t)63);

	if (c == NULL)
		return -ENOMEM;
	memset(c, 0, sizeof(*c));
	c->packet = calloc(FOG_COVER_STOCK, packet_len);
	if (c->packet == NULL) {
		sodium_free(c);
		return -ENOMEM;
	}
	c->packet_len = packet_len;
	stream_init(&c->clock);
	stream_init(&c->choice);
	c->next = UINT64_MAX;
	for (unsigned k = 0; k < FOG_COVER_CLOCKS; k++)
		c->due[k] = UINT64_MAX;
	*out = c;
	return 0;
}

void fog_cover_destroy(struct fog_cover *c)
{
	if (c == NULL)
		return;
	free(c->packet);
	sodium_free(c);
}

static void drop(struct fog_worker *w, enum fog_drop reason)
{
	w->count.drop[reason]++;
	w->count.drops++;
}

// From one turn of a clock to the next.
static uint64_t gap(struct fog_cover *c, unsigned clock)
{
	uint64_t standard = fog_delay_exponential(fog_random_next(&c->clock));

	return (uint64_t)(((unsigned __int128)standard * c->law.mean[clock]) >> 32);
}

static void next_set(struct fog_worker *w)
{
	struct fog_cover *c = w->cover;

	c->next = fog_calendar_ceil(w->calendar, RTE_MIN(c->due[0], c->due[1]));
}

void stage_cover_follow(struct fog_worker *w, uint64_t now)
{
	struct fog_cover *c = w->cover;
	const struct fog_conf_cover was = c->law;

	c->law = w->conf->cover;
	// An exponential wait has no memory: one that begins anew is as good as the rest of an old one.
	for (unsigned k = 0; k < FOG_COVER_CLOCKS; k++)
		if (c->law.mean[k] != was.mean[k])
			c->due[k] = c->law.mean[k] != 0 ? now + gap(c, k) : UINT64_MAX;
	next_set(w);
}

// The oldest packet of the stock leaves it. Its number in the ring.
static unsigned stock_take(struct fog_worker *w)
{
	struct fog_cover *c = w->cover;
	unsigned at = c->first;

	c->first = (c->first + 1) & (FOG_COVER_STOCK - 1);
	c->n--;
	w->count.cover_stock = c->n;
	w->count.cover_taken++;
	return at;
}

void stage_cover_put(struct fog_worker *w, const struct fog_inject *in, const uint8_t *packet)
{
	struct fog_cover *c = w->cover;

	if (c->n == FOG_COVER_STOCK) {
		stock_take(w);
		drop(w, FOG_DROP_COVER_FULL);
	}
	unsigned at = (c->first + c->n) & (FOG_COVER_STOCK - 1);
	c->head[at] = *in;
	memcpy(c->packet + (size_t)at * c->packet_len, packet, c->packet_len);
	c->n++;
	w->count.cover_stock = c->n;
}

void stage_cover_empty(struct fog_worker *w)
{
	while (w->cover->n > 0) {
		stock_take(w);
		drop(w, FOG_DROP_SHUTDOWN);
	}
}

// Whether a frame can be sent there now.
static bool hop_ready(const struct fog_worker *w, const struct fog_next_hop *to)
{
	return to->resolved && fog_link_sending(w->links, to->peer) != NULL;
}

// A buffer with a packet of zeros, or NULL: counted.
static struct rte_mbuf *frame_make(struct fog_worker *w, enum fog_kind kind, uint8_t epoch)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->pool);

	if (m == NULL) {
		drop(w, FOG_DROP_NO_BUFFER);
		return NULL;
	}
	rte_pktmbuf_append(m, (uint16_t)w->geo.packet_len);
	fog_pkt(m)->arrival = rte_rdtsc(); // for its trace
	fog_pkt(m)->peer = FOG_PEER_NONE;
	fog_pkt(m)->trace = 0;
	fog_pkt(m)->kind = (uint8_t)kind;
	fog_pkt(m)->epoch = epoch;
	return m;
}

static void dummy_send(struct fog_worker *w, const struct fog_next_hop *to)
{
	w->count.made++;
	struct rte_mbuf *m = frame_make(w, FOG_KIND_NOTHING, 0);
	if (m == NULL)
		return;
	memset(rte_pktmbuf_mtod(m, uint8_t *), 0, w->geo.packet_len);
	w->count.dummies++;
	stage_send(w, m, to);
}

static const struct fog_next_hop *node_draw(struct fog_worker *w)
{
	const struct fog_conf *conf = w->conf;
	const struct fog_next_hop *to =
	        &conf->node[fog_random_below(&w->cover->choice, conf->node_count)];

	return hop_ready(w, to) ? to : NULL;
}

// A node that a frame can be sent to: by lot, or, where there are few, from a place that the lot falls on.
static const struct fog_next_hop *node_find(struct fog_worker *w)
{
	const struct fog_conf *conf = w->conf;
	const struct fog_next_hop *to = NULL;

	if (conf->node_count == 0)
		return NULL;
	for (unsigned i = 0; i < FOG_COVER_TRIES && to == NULL; i++)
		to = node_draw(w);
	if (to != NULL)
		return to;
	uint32_t at = fog_random_below(&w->cover->choice, conf->node_count);
	for (uint32_t i = 0; i < conf->node_count; i++) {
		if (hop_ready(w, &conf->node[at]))
			return &conf->node[at];
		at = at + 1 < conf->node_count ? at + 1 : 0;
	}
	return NULL;
}

// Where the packets of the stock went, one of the last by lot: a dummy in the place of one goes the same ways, so an
// empty stock doesn't show in how many frames each link carries. NULL: none has come yet, or none of these can be sent to.
static const struct fog_next_hop *stock_hop(struct fog_worker *w)
{
	struct fog_cover *c = w->cover;

	for (unsigned i = 0; i < FOG_COVER_TRIES; i++) {
		unsigned at = fog_random_below(&c->choice, FOG_COVER_STOCK);
		int node = fog_conf_find(w->conf, c->head[at].next_hop);
		if (node >= 0 && hop_ready(w, &w->conf->node[node]))
			return &w->conf->node[node];
	}
	return NULL;
}

// Whether a packet may go now, and where to.
static enum fog_drop stock_judge(
        const struct fog_worker *w, const struct fog_inject *head, const struct fog_next_hop **to
)
{
	int node = fog_conf_find(w->conf, head->next_hop);

	if (fog_conf_key(w->conf, (uint8_t)head->epoch) == NULL)
		return FOG_DROP_COVER_OLD;
	if (node < 0)
		return FOG_DROP_UNKNOWN_NEXT_HOP;
	*to = &w->conf->node[node];
	if (!(*to)->resolved)
		return (*to)->routed ? FOG_DROP_NO_NEIGHBOUR : FOG_DROP_NO_ROUTE;
	return hop_ready(w, *to) ? FOG_DROP_NONE : FOG_DROP_NO_LINK;
}

static void stock_send(
        struct fog_worker *w, unsigned at, const struct fog_next_hop *to, uint64_t due
)
{
	struct fog_cover *c = w->cover;
	struct rte_mbuf *m = frame_make(w, FOG_KIND_SPHINX, (uint8_t)c->head[at].epoch);

	if (m == NULL)
		return;
	memcpy(rte_pktmbuf_mtod(m, uint8_t *), c->packet + (size_t)at * c->packet_len,
	       c->packet_len);
	if (unlikely(w->trace != NULL)) {
		stage_trace_begin(w, m, FOG_TRACE_INJECTED, FOG_TRACE_INJECTED);
		stage_trace_release(w, m, fog_worker_ns(w, fog_pkt(m)->arrival - due));
	}
	w->count.cover_sent++;
	stage_send(w, m, to);
}

// The first packet that may go; a dummy when there is none.
static void stock_turn(struct fog_worker *w, uint64_t due)
{
	const struct fog_next_hop *to = NULL;

	while (w->cover->n > 0) {
		unsigned at = stock_take(w);
		enum fog_drop reason = stock_judge(w, &w->cover->head[at], &to);
		if (reason == FOG_DROP_NONE) {
			stock_send(w, at, to, due);
			return;
		}
		drop(w, reason);
	}
	w->count.cover_starved++;
	to = stock_hop(w);
	if (to == NULL)
		to = node_find(w);
	if (to != NULL)
		dummy_send(w, to);
}

// Whether the cap has room for a frame at 'due'. By the time at which it is due, not by the time at which it
// gets there. Source: generic cell rate algorithm, ITU-T I.371, annex A.
static bool cap_take(struct fog_cover *c, uint64_t due)
{
	uint64_t from = RTE_MAX(c->full_at, due);

	if (c->law.interval == 0)
		return true;
	if (from - due > c->law.depth)
		return false;
	c->full_at = from + c->law.interval;
	return true;
}

void stage_cover_turn(struct fog_worker *w, const struct fog_cover_turn *turn)
{
	const struct fog_next_hop *to = NULL;

	if (turn->clock == FOG_COVER_DUMMY_CLOCK && (to = node_draw(w)) == NULL)
		return; // that link's turn, which isn't there
	if (!cap_take(w->cover, turn->due))
		w->count.cover_capped++;
	else if (to != NULL)
		dummy_send(w, to);
	else
		stock_turn(w, turn->due);
}

unsigned stage_cover_turns(
        struct fog_worker *w, uint64_t now, struct fog_cover_turn turn[FOG_COVER_TURNS]
)
{
	struct fog_cover *c = w->cover;
	uint64_t tick = fog_calendar_floor(w->calendar, now);
	unsigned count = 0;

	for (unsigned n = 0; n < FOG_COVER_TURNS; n++) {
		unsigned clock = c->due[1] < c->due[0];
		uint64_t due = c->due[clock];
		if (due > tick)
			break;
		// From the time that it was due, so that being late stretches no gap. What a pause has swallowed
		// doesn't come in a heap.
		bool pause = tick - due > w->tsc_hz;
		c->due[clock] = (pause ? tick : due) + gap(c, clock);
		if (!pause)
			turn[count++] = (struct fog_cover_turn){due, clock};
	}
	next_set(w);
	return count;
}
