// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <rte_cycles.h>

#include "cheat.h"

// SplitMix64 from the clock: nobody who audits knows it.
uint64_t cheat_random(void)
{
	static _Thread_local uint64_t state;

	if (state == 0)
		state = rte_rdtsc();
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t cheat_cycles(const struct fog_worker *w, uint64_t us)
{
	return us * (w->tsc_hz / 1000000);
}

void __wrap_stage_park(struct fog_worker *w, struct fog_chunk *c)
{
	for (unsigned i = 0; i < c->sphinx.n; i++) {
		if (c->mbuf[i] == NULL || cheat_packet(w, fog_pkt(c->mbuf[i])))
			continue;
		// The books are to balance: as if the network had lost it.
		w->count.tx++;
		rte_pktmbuf_free(c->mbuf[i]);
		c->mbuf[i] = NULL;
	}
	__real_stage_park(w, c);
}
