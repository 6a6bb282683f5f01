// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Measuring: cases run interleaved in short windows (A B C A B C ...), so that a slow spell of the
// machine hits all of them alike; medians and quartiles over the windows are what is reported.
//
// Time is read from the TSC. Core cycles are ticks times the ratio of the core clock to the TSC,
// which a chain of dependent multiplications gives before and after every timed stretch: the
// figures stay right when the clock moves between windows. A stretch during which it moved, or the
// thread was off its CPU, is measured again.
#pragma once

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <x86intrin.h>

enum { BENCH_LAPS_MAX = 8, BENCH_WINDOWS_MIN = 15, BENCH_WINDOWS_MAX = 1001 };

// A figure over all windows, each taken by itself.
struct bench_figure {
	double median, minimum, q1, q3;
};

struct bench_case {
	// Not timed, before each run; may be NULL.
	void (*prepare)(void *ctx);
	// Timed. May add ticks to lap[]: parts of the whole that are reported by themselves.
	void (*run)(void *ctx, uint64_t lap[]);
	void *ctx;
	unsigned ops; // operations in one run; all figures are per operation
	unsigned laps; // in use
	unsigned runs; // in one stretch; 0: as many as make it long enough for the clock
	// Results.
	struct bench_figure cycles, ns, lap[BENCH_LAPS_MAX]; // laps in cycles
};

// How to measure, and what was learned about the clock. One per process.
struct bench_plan {
	unsigned windows; // per case
	bool quick; // tiny: for tests that look at the output's form
	int cpu; // pinned to
	cpu_set_t allowed; // what the process might use before
	double tsc_mhz, clock_mhz; // the core clock: at the start, or the median over all stretches
	uint64_t read_cost; // ticks, of reading the clock twice; taken off all that is timed
	uint64_t repeated; // stretches that were measured again
};

// Pin the process to 'cpu' (-1: the last one that it may use) and calibrate the TSC.
// Returns 0 or -errno.
int bench_plan_init(struct bench_plan *, int cpu);
// CPUs that the process might use besides the plan's, ascending. Returns how many.
unsigned bench_other_cpus(const struct bench_plan *, int cpu[], unsigned max);
// The figure that 'n' values make; sorts them. For benches that time by themselves.
struct bench_figure bench_figure_of(double value[], unsigned n);
// The figure that the quotients a[i] / b[i] make: window by window, so that slow spells cancel out.
// At most BENCH_WINDOWS_MAX; leaves both in order.
struct bench_figure bench_ratio_of(const double a[], const double b[], unsigned n);
// Measure 'n' cases; fills their results. May be called several times. Returns 0 or -ENOMEM.
int bench_measure(struct bench_plan *, struct bench_case *cases, unsigned n);

// Everything before it is done when the clock is read, nothing behind it has begun.
static inline uint64_t bench_ticks(void)
{
	_mm_lfence();
	uint64_t t = __rdtsc();
	_mm_lfence();
	return t;
}
