// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "tsc.h"

#include <time.h>
#include <x86intrin.h>

enum { MEASURE_NS = 200000000, TRIES = 16 };

static uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// Of several readings the one between whose TSC reads the least time passed: nothing interrupted it.
struct fog_tsc_mark fog_tsc_mark(void)
{
	struct fog_tsc_mark best = {0};
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		uint64_t before = __rdtsc();
		uint64_t ns = monotonic_ns();
		uint64_t after = __rdtsc();
		if (after - before >= least)
			continue;
		least = after - before;
		best = (struct fog_tsc_mark){before + least / 2, ns};
	}
	return best;
}

uint64_t fog_tsc_hz(const struct fog_tsc_mark *mark)
{
	uint64_t passed = monotonic_ns() - mark->ns;

	if (passed < MEASURE_NS) {
		struct timespec rest = {.tv_nsec = (long)(MEASURE_NS - passed)};
		nanosleep(&rest, NULL);
	}
	struct fog_tsc_mark now = fog_tsc_mark();
	return (uint64_t
	)((unsigned __int128)(now.tsc - mark->tsc) * 1000000000u / (now.ns - mark->ns));
}
