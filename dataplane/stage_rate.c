// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Admit what workers.max_rate allows: a bucket of tokens that fills by the clock. A packet takes one
// behind the MAC, so that forged ones take nothing from honest ones, and before its claim, so that
// the replay table gets no more tags than it was planned for. What the table does not take gives its
// token back, so that copies of old packets take nothing either.
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

void stage_rate(struct fog_worker *w)
{
	if (w->tokens_max != 0)
		tokens_fill(w, rte_rdtsc());
}

bool stage_rate_take(struct fog_worker *w)
{
	if (w->tokens_max == 0)
		return true;
	if (w->tokens < FOG_TOKEN)
		return false;
	w->tokens -= FOG_TOKEN;
	return true;
}

void stage_rate_return(struct fog_worker *w)
{
	if (w->tokens_max != 0)
		w->tokens = RTE_MIN(w->tokens + FOG_TOKEN, w->tokens_max);
}
