// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Into the calendar, when the group element is blinded and nothing is left to do but wait.
#include <errno.h>

#include "worker.h"

static void park(struct fog_worker *w, struct rte_mbuf *m)
{
	const struct fog_pkt *pkt = fog_pkt(m);
	int ret = fog_calendar_insert(w->calendar, m, pkt->due, pkt->arrival);

	if (ret == -ENOSPC) {
		fog_worker_drop(w, fog_calendar_evict_random(w->calendar), FOG_DROP_DELAY_FULL);
		ret = fog_calendar_insert(w->calendar, m, pkt->due, pkt->arrival);
	}
	if (ret < 0)
		fog_worker_drop(w, m, FOG_DROP_DELAY_FULL);
}

void stage_park(struct fog_worker *w, struct fog_chunk *c)
{
	if (unlikely(w->trace != NULL)) // before the calendar may give one of them up
		stage_trace_chunk(w, c, FOG_TRACE_PARK);
	for (unsigned i = 0; i < c->sphinx.n; i++)
		if (c->mbuf[i] != NULL)
			park(w, c->mbuf[i]);
	fog_chunk_wipe(c, 0, c->sphinx.n);
	c->sphinx.n = 0;
}
