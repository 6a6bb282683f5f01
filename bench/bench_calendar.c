// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The calendar in its steady state, by how much is parked: a packet in, then whatever is due out,
// at the rate at which mean delay and number parked belong together. Delays are drawn beforehand.
// Sizes are measured one after the other, so that each finds the caches as it left them.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "../dataplane/calendar.h"
#include "../dataplane/crypto/delay.h"
#include "bench.h"

enum {
	TSC_HZ = 2500000000u, // of the clock that is simulated
	TSC_PER_US = TSC_HZ / 1000000u,
	MEAN_US = 50000,
	MAX_US = 10 * MEAN_US,
	DELAYS = 1 << 16, // drawn; a multiple of ROUND
	ROUND = 1024, // packets in one timed run
	TAKE_MAX = 32, // as a worker takes them
	SLOTS = 1 << 16, // as a worker has them
	PARKED_MAX = 16, // sizes
};

static struct bench_option options[] = {
        {"--parked", "numbers from 64 to 16000000", "1000,4500,10000,100000,400000,1000000"}, {0}};

struct park {
	struct fog_calendar *calendar;
	uint64_t now, interval; // of the simulated clock
	unsigned at; // next delay
	uint64_t refused;
	uint32_t delay[DELAYS]; // of that clock
};

static void steady(void *ctx, uint64_t lap[])
{
	struct fog_calendar_item out[TAKE_MAX];
	struct park *p = ctx;

	(void)lap;
	for (unsigned i = 0; i < ROUND; i++) {
		uint64_t due = p->now + p->delay[p->at + i];
		p->refused += fog_calendar_insert(p->calendar, p, due, p->now) != 0;
		p->now += p->interval;
		fog_calendar_take(p->calendar, p->now, out, TAKE_MAX);
	}
	p->at = (p->at + ROUND) % DELAYS;
}

static int delays_draw(struct park *p)
{
	struct fog_delay_law law;

	if (fog_delay_law_init(&law, MEAN_US, MAX_US, 0) < 0)
		return -EDOM;
	for (unsigned i = 0; i < DELAYS; i++) {
		uint64_t u;
		randombytes_buf(&u, sizeof(u));
		p->delay[i] = fog_delay_quantile(&law, u) * TSC_PER_US;
	}
	return 0;
}

static int parked_measure(struct bench_report *report, struct park *p, unsigned parked)
{
	struct fog_calendar_config config = {
	        .tsc_hz = TSC_HZ, .start = 1, .slots = SLOTS, .capacity = parked + parked / 4 + 64};
	struct bench_case c = {.run = steady, .ctx = p, .ops = ROUND};
	int ret = fog_calendar_create(&config, &p->calendar);

	if (ret < 0)
		return ret;
	p->now = 1;
	p->interval = (uint64_t)MEAN_US * TSC_PER_US / parked;
	p->refused = 0;
	// After the longest delay as many leave as come.
	while (p->now < (uint64_t)MAX_US * TSC_PER_US)
		steady(p, NULL);
	ret = bench_measure(&report->plan, &c, 1);
	if (ret == 0 && p->refused > 0)
		bench_note(
		        report, "%u parked: the calendar was full %llu times", parked,
		        (unsigned long long)p->refused
		);
	if (ret == 0) {
		json_t *row = bench_row(report);
		json_object_set_new(row, "parked", json_integer(parked));
		json_object_set_new(row, "rate_pps", json_real(parked * 1e6 / MEAN_US));
		json_object_set_new(row, "depth", json_integer(fog_calendar_depth(p->calendar)));
		bench_row_figure(row, "cycles", &c.cycles);
	}
	fog_calendar_destroy(p->calendar);
	return ret;
}

static int run(struct bench_report *report)
{
	double parked[PARKED_MAX];
	int n = bench_option_list(&options[0], 64, 16e6, parked, PARKED_MAX), ret = 0;
	struct park *p;

	if (n < 0)
		return n;
	if ((p = calloc(1, sizeof(*p))) == NULL || (ret = delays_draw(p)) < 0)
		ret = p == NULL ? -ENOMEM : ret;
	for (int i = 0; i < n && ret == 0; i++) {
		if (!report->plan.quick || parked[i] <= 10000)
			ret = parked_measure(report, p, (unsigned)parked[i]);
	}
	if (ret < 0)
		fprintf(stderr, "bench: no memory for a calendar; ask for less by --parked\n");
	free(p);
	return ret;
}

const struct bench bench_calendar = {
        .name = "calendar",
        .what = "a packet into the calendar and out again, by how many are parked",
        .key = (const char *const[]){"parked", NULL},
        .options = options,
        .run = run,
};
