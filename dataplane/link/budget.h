// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A budget of packets, which several workers may share: the generic cell rate algorithm in one atomic
// word, the time at which the bucket is full again. Any thread. Source: ITU-T I.371, annex A.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct fog_budget {
	uint64_t interval; // TSC cycles for one packet; 0 = no limit
	uint64_t depth; // interval * (burst - 1)
	_Atomic uint64_t full_at; // TSC
};

// 'rate' packets a second, 0 = no limit, of which 'burst' may come at once. Nobody takes yet.
static inline void fog_budget_init(
        struct fog_budget *b, uint64_t tsc_hz, uint64_t rate, uint64_t burst
)
{
	b->interval = rate == 0 ? 0 : rate < tsc_hz ? tsc_hz / rate : 1;
	b->depth = burst > 0 ? b->interval * (burst - 1) : 0;
	atomic_init(&b->full_at, 0);
}

// 'now' is the TSC. True: the packet is within the budget, and paid for.
static inline bool fog_budget_take(struct fog_budget *b, uint64_t now)
{
	uint64_t at, from;

	if (b->interval == 0)
		return true;
	at = atomic_load_explicit(&b->full_at, memory_order_relaxed);
	do {
		from = at > now ? at : now;
		if (from - now > b->depth)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
	        &b->full_at, &at, from + b->interval, memory_order_relaxed, memory_order_relaxed
	));
	return true;
}
