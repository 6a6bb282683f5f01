// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
	// A 64-bit multiplication takes 3 cycles on every x86-64 core since Nehalem and Zen.
	MUL_CYCLES = 3,
	CHAIN = 4096, // multiplications: some 4 us
	CHAIN_TRIES = 5, // the fastest one was not interrupted
	STRETCH_US = 100, // shortest stretch that is timed
	RUNS_MAX = 1 << 16,
	COLUMNS = 2 + BENCH_LAPS_MAX, // cycles, ns, laps
};

// One stretch: a case's runs within one window.
struct stretch {
	uint64_t ticks, lap[BENCH_LAPS_MAX];
	double ratio; // core cycles per tick
	bool disturbed;
};

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

// Ticks that reading the clock twice takes by itself.
static uint64_t read_cost(void)
{
	uint64_t best = UINT64_MAX;

	for (unsigned try = 0; try < 1000; try++) {
		uint64_t start = bench_ticks(), ticks = bench_ticks() - start;
		if (ticks < best)
			best = ticks;
	}
	return best;
}

// Core cycles per tick of the TSC, now.
static double clock_ratio(const struct bench_plan *plan)
{
	uint64_t best = UINT64_MAX;

	for (unsigned try = 0; try < CHAIN_TRIES; try++) {
		uint64_t x = 3, rounds = CHAIN / 32, start = bench_ticks();

		__asm__ volatile("1:\n\t.rept 32\n\timulq %0, %0\n\t.endr\n\tdecq %1\n\tjnz 1b"
		                 : "+r"(x), "+r"(rounds));
		uint64_t ticks = bench_ticks() - start;
		if (ticks < best)
			best = ticks;
	}
	return (double)MUL_CYCLES * CHAIN / (double)(best - plan->read_cost);
}

static int pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0) {
		if (sched_getaffinity(0, sizeof(set), &set) < 0)
			return -errno;
		for (cpu = CPU_SETSIZE - 1; !CPU_ISSET(cpu, &set);)
			cpu--;
	}
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : cpu;
}

int bench_plan_init(struct bench_plan *plan, int cpu)
{
	if (sched_getaffinity(0, sizeof(plan->allowed), &plan->allowed) < 0)
		return -errno;
	if ((plan->cpu = pin(cpu)) < 0)
		return plan->cpu;
	double us = now_us();
	uint64_t ticks = bench_ticks();
	while (now_us() - us < 20000)
		continue;
	plan->tsc_mhz = (double)(bench_ticks() - ticks) / (now_us() - us);
	plan->read_cost = read_cost();
	plan->clock_mhz = clock_ratio(plan) * plan->tsc_mhz;
	return 0;
}

unsigned bench_other_cpus(const struct bench_plan *plan, int cpu[], unsigned max)
{
	unsigned n = 0;

	for (int i = 0; i < CPU_SETSIZE && n < max; i++) {
		if (CPU_ISSET(i, &plan->allowed) && i != plan->cpu)
			cpu[n++] = i;
	}
	return n;
}

static long switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

static void case_run(const struct bench_plan *plan, const struct bench_case *c, struct stretch *s)
{
	if (c->prepare != NULL)
		c->prepare(c->ctx);
	uint64_t start = bench_ticks();
	c->run(c->ctx, s->lap);
	uint64_t ticks = bench_ticks() - start;
	if (ticks > plan->read_cost)
		s->ticks += ticks - plan->read_cost;
}

// The first run is not counted: it brings code and data of this case back into the caches, and the
// core to the clock at which it runs this kind of instruction.
static struct stretch case_stretch(
        const struct bench_plan *plan, const struct bench_case *c, unsigned runs
)
{
	struct stretch warm = {0}, s = {0};

	case_run(plan, c, &warm);
	long before = switches();
	double ratio = clock_ratio(plan);
	for (unsigned i = 0; i < runs; i++)
		case_run(plan, c, &s);
	double after = clock_ratio(plan);
	s.ratio = (ratio + after) / 2;
	s.disturbed = switches() != before || after < ratio * 0.98 || ratio < after * 0.98;
	return s;
}

static unsigned case_runs(const struct bench_plan *plan, const struct bench_case *c)
{
	struct stretch warm = {0}, s = {0};

	if (c->runs > 0)
		return c->runs;
	case_run(plan, c, &warm);
	case_run(plan, c, &s);
	double runs = STRETCH_US * plan->tsc_mhz / (double)(s.ticks > 0 ? s.ticks : 1);
	if (plan->quick || runs < 1)
		return 1;
	return runs < RUNS_MAX ? (unsigned)runs + 1 : RUNS_MAX;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct bench_figure bench_figure_of(double value[], unsigned n)
{
	qsort(value, n, sizeof(*value), by_value);
	return (struct bench_figure
	){.median = value[n / 2], .minimum = value[0], .q1 = value[n / 4], .q3 = value[3 * n / 4]};
}

struct bench_figure bench_ratio_of(const double a[], const double b[], unsigned n)
{
	double ratio[BENCH_WINDOWS_MAX] = {0};

	for (unsigned i = 0; i < n; i++)
		ratio[i] = a[i] / b[i];
	return bench_figure_of(ratio, n);
}

// 'sample' is [COLUMNS][windows] of one case.
static void sample_store(
        const struct bench_plan *plan, const struct bench_case *c, const struct stretch *s,
        unsigned runs, double *sample
)
{
	double ops = (double)runs * c->ops;

	sample[0] = (double)s->ticks * s->ratio / ops;
	sample[plan->windows] = (double)s->ticks / plan->tsc_mhz * 1e3 / ops;
	for (unsigned i = 0; i < c->laps; i++)
		sample[(2 + i) * plan->windows] = (double)s->lap[i] * s->ratio / ops;
}

static void case_results(const struct bench_plan *plan, struct bench_case *c, double *sample)
{
	c->cycles = bench_figure_of(sample, plan->windows);
	c->ns = bench_figure_of(sample + plan->windows, plan->windows);
	for (unsigned i = 0; i < c->laps; i++)
		c->lap[i] = bench_figure_of(sample + (2 + i) * plan->windows, plan->windows);
}

int bench_measure(struct bench_plan *plan, struct bench_case *cases, unsigned n)
{
	const unsigned windows = plan->windows;
	double *sample = calloc((size_t)n * COLUMNS * windows, sizeof(*sample));
	double *clock = calloc((size_t)n * windows, sizeof(*clock));
	unsigned *runs = calloc(n, sizeof(*runs));
	unsigned spare = n *
	        windows; // most stretches measured again: a busy machine must not hang us
	int ret = -ENOMEM;

	if (sample == NULL || clock == NULL || runs == NULL)
		goto out;
	for (unsigned i = 0; i < n; i++)
		runs[i] = case_runs(plan, &cases[i]);
	for (unsigned w = 0; w < windows; w++) {
		for (unsigned i = 0; i < n; i++) {
			struct stretch s = case_stretch(plan, &cases[i], runs[i]);
			for (; s.disturbed && !plan->quick && spare > 0; spare--) {
				plan->repeated++;
				s = case_stretch(plan, &cases[i], runs[i]);
			}
			sample_store(
			        plan, &cases[i], &s, runs[i], sample + i * COLUMNS * windows + w
			);
			clock[w * n + i] = s.ratio * plan->tsc_mhz;
		}
	}
	for (unsigned i = 0; i < n; i++)
		case_results(plan, &cases[i], sample + i * COLUMNS * windows);
	plan->clock_mhz = bench_figure_of(clock, n * windows).median;
	ret = 0;
out:
	free(sample);
	free(clock);
	free(runs);
	return ret;
}
