// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a flood of forged initiations costs: a worker's cycles per forwarded packet, with encrypted links,
// without and with one forged initiation for every packet. Half of them have a right MAC1; all come
// from addresses of nobody. Passes alternate; feeding the port and emptying it is not counted.
#include <errno.h>
#include <rte_cycles.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "pipe.h"

enum { FRAMES = 2048, CAPACITY = 1 << 20, BAR_PERCENT = 10 };

struct rig {
	struct pipe *pipe;
	struct fog_worker *w;
	unsigned frames;
	double cycles[2][BENCH_WINDOWS_MAX]; // per forwarded packet: alone, flooded
	uint64_t forged;
};

// One pass; returns TSC ticks of the worker per packet of it.
static double pass(struct rig *r, bool flooded)
{
	uint64_t spent = 0, start;

	pipe_pass(r->pipe);
	while (pipe_left(r->pipe, 0) > 0) {
		unsigned fed = pipe_feed(r->pipe, 0, FOG_BURST);
		enum fog_round round = FOG_ROUND_WORKED;

		if (flooded)
			r->forged += pipe_forge(r->pipe, 0, fed);
		while (round != FOG_ROUND_DRY) {
			start = bench_ticks();
			round = fog_worker_round(r->w, start);
			spent += bench_ticks() - start;
			pipe_drain(r->pipe, 0);
		}
	}
	return (double)spent / r->frames;
}

// Nothing but forged frames may have been dropped, and they for what they are.
static int drops_check(const struct rig *r)
{
	const struct fog_worker_counters *c = &r->w->count;
	uint64_t held = c->drop[FOG_DROP_HANDSHAKE_MAC] + c->drop[FOG_DROP_HANDSHAKE_COOKIE] +
	        c->drop[FOG_DROP_HANDSHAKE_RATE];

	if (c->drops == held && held + c->punted == r->forged)
		return 0;
	fprintf(stderr, "bench: flood: %llu drops, %llu of forged initiations, %llu were sent\n",
	        (unsigned long long)c->drops, (unsigned long long)held,
	        (unsigned long long)r->forged);
	return -EBADMSG;
}

static void row_fill(struct bench_report *report, struct rig *r)
{
	unsigned n = report->plan.windows;
	json_t *row = bench_row(report);
	const struct fog_worker_counters *c = &r->w->count;
	struct bench_figure ratio = bench_ratio_of(r->cycles[1], r->cycles[0], n);
	struct bench_figure alone = bench_figure_of(r->cycles[0], n);
	struct bench_figure flooded = bench_figure_of(r->cycles[1], n);
	double growth = (ratio.median - 1) * 100;

	json_object_set_new(row, "isa", json_string(r->w->crypto->name));
	bench_row_figure(row, "ticks", &alone);
	bench_row_figure(row, "flood_ticks", &flooded);
	bench_row_figure(row, "times_alone", &ratio);
	json_object_set_new(row, "growth_percent", json_real(growth));
	json_object_set_new(row, "forged_per_packet", json_integer(1));
	json_object_set_new(row, "forged", json_integer((json_int_t)r->forged));
	json_object_set_new(
	        row, "wrong_mac", json_integer((json_int_t)c->drop[FOG_DROP_HANDSHAKE_MAC])
	);
	json_object_set_new(row, "punted", json_integer((json_int_t)c->punted));
	if (growth >= BAR_PERCENT)
		bench_note(report, "the flood costs %.1f %%, more than %d %%", growth, BAR_PERCENT);
}

static int measure(struct bench_report *report, struct rig *r)
{
	r->w = pipe_worker(r->pipe, 0);
	rte_rcu_qsbr_thread_register(r->w->qsbr, 0);
	pass(r, false); // caches, and packets parked as they will be
	for (unsigned i = 0; i < report->plan.windows; i++)
		for (unsigned flooded = 0; flooded < 2; flooded++)
			r->cycles[flooded][i] = pass(r, flooded);
	rte_rcu_qsbr_thread_unregister(r->w->qsbr, 0);
	int ret = drops_check(r);
	if (ret == 0)
		row_fill(report, r);
	return ret;
}

static int run(struct bench_report *report)
{
	static struct rig r;
	int cpu = report->plan.cpu, ret = pipe_eal_start(cpu, &cpu, 1);

	if (ret < 0)
		return ret;
	r.frames = report->plan.quick ? 64 : FRAMES;
	struct pipe_params params = {
	        .workers = 1,
	        .frames = r.frames,
	        .crypto = fog_crypto_ops_get(NULL),
	        .replay_capacity = report->plan.quick ? 1 << 14 : CAPACITY,
	        .delay_mean_us = 20000,
	        .delay_max_us = 200000,
	        .links = true,
	};
	ret = fog_crypto_thread_init() < 0 ? -ENOMEM : pipe_create(&params, &r.pipe);
	if (ret == 0)
		ret = measure(report, &r);
	pipe_destroy(r.pipe);
	pipe_eal_stop();
	return ret;
}

const struct bench bench_flood = {
        .name = "flood",
        .what = "a worker under a flood of forged initiations",
        .key = (const char *const[]){"isa", NULL},
        .run = run,
};
