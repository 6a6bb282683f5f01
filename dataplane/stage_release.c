// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What is due leaves the calendar and finds its next hop anew: the table may have changed while it
// was parked.
#include "cover.h"

static void release(struct fog_worker *w, const struct fog_calendar_item *item, uint64_t now)
{
	struct rte_mbuf *m = item->packet;
	struct fog_pkt *pkt = fog_pkt(m);
	int node = fog_conf_find(w->conf, pkt->next_hop);

	fog_hist_add(&w->count.given_us, fog_worker_ns(w, now - pkt->arrival) / 1000u);
	fog_hist_add(&w->count.late_ns, fog_worker_ns(w, now - item->due));
	if (node < 0)
		fog_worker_drop(w, m, FOG_DROP_NEXT_HOP_GONE);
	else
		stage_send(w, m, &w->conf->node[node]);
}

static void prefetch(struct rte_mbuf *m)
{
	rte_mbuf_prefetch_part1(m);
	rte_mbuf_prefetch_part2(m);
	rte_prefetch0(fog_pkt(m));
}

// Cover that is due leaves among what is due, every order of the two as likely as any other: an order would tell
// them apart. So would turns that always stay together.
static void release_all(
        struct fog_worker *w, const struct fog_calendar_item *due, unsigned n, uint64_t now,
        bool cover
)
{
	struct fog_cover_turn turn[FOG_COVER_TURNS];
	unsigned turns = cover ? stage_cover_turns(w, now, turn) : 0, taken = 0, released = 0;

	while (released < n || taken < turns) {
		unsigned left = turns - taken;
		if (left > 0 && fog_random_below(&w->cover->choice, n - released + left) < left)
			stage_cover_turn(w, &turn[taken++]);
		else
			release(w, &due[released++], now);
	}
}

unsigned stage_release(struct fog_worker *w, uint64_t now)
{
	bool cover = w->cover != NULL && stage_cover_due(w, now);
	struct fog_calendar_item due[FOG_BURST];
	unsigned n = fog_calendar_take(w->calendar, now, due, FOG_BURST);
	const struct fog_calendar_item *ahead;

	// Parked packets have left the cache: fetch all of a burst at a time, first what describes
	// them, then the bytes that their headers go to.
	for (unsigned i = 0; i < n; i++)
		prefetch(due[i].packet);
	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod_offset((struct rte_mbuf *)due[i].packet, void *, -1)
		);
	for (unsigned i = 0; unlikely(w->trace != NULL) && i < n; i++)
		stage_trace_release(w, due[i].packet, fog_worker_ns(w, now - due[i].due));
	release_all(w, due, n, now, cover);
	// Those of the next slot have until then to arrive.
	unsigned next = fog_calendar_ahead(w->calendar, &ahead);
	for (unsigned i = 0; i < next; i++)
		prefetch(ahead[i].packet);
	return n + cover;
}
