// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Admit what workers.max_rate allows: a bucket of tokens that fills by the clock. Behind the MAC, so
// that forged packets take nothing from honest ones, and before the claim, so that the replay table
// gets no more tags than it was planned for.
#include <rte_cycles.h>

#include "worker.h"

static void tokens_fill(struct fog_worker *w, uint64_t now)
{
	uint64_t passed = now - w->tokens_at;

	w->tokens_at = now;
	// A longer pause than the bucket's depth fills it; the product fits 64 bits otherwise.
	if (passed >= w->tokens_cycles)
		w->tokens = w->tokens_max;
	else
		w->tokens = RTE_MIN(w->tokens + passed * w->tokens_per_cycle, w->tokens_max);
}

void stage_rate(struct fog_worker *w, struct fog_chunk *c)
{
	struct fog_sphinx_batch *b = &c->sphinx;

	if (w->tokens_max == 0)
		return;
	tokens_fill(w, rte_rdtsc());
	for (unsigned i = 0; i < b->n; i++) {
		if (b->drop[i] != FOG_DROP_NONE)
			continue;
		if (w->tokens >= FOG_TOKEN)
			w->tokens -= FOG_TOKEN;
		else
			b->drop[i] = FOG_DROP_RATE;
	}
}
