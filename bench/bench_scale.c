// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One worker against several, each a thread on a core of its own, claiming in one replay table; beside it
// what the machine itself gives: plain X25519 on one core against several. Windows of all kinds
// alternate. A worker's thread feeds and drains its own queue between two rounds, so that every
// core does the same work.
#include <errno.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "pipe.h"

enum {
	FRAMES = 4096, // of a worker and window
	MULTIPLICATIONS = 8192,
	REPLAY_CAPACITY = 16 << 20, // at least
	COUNTS_MAX = 5, // 1, 2, 4, 8, 16 workers
};

static struct bench_option options[] = {{"--isa", "best|ref|avx2|avx512", "best"}, {0}};

// What one core does in a window.
struct core {
	struct rig *rig;
	unsigned index;
	uint64_t start, end; // TSC
	int ret;
};

struct rig {
	struct pipe *pipe;
	const struct fog_crypto_ops *ops;
	unsigned frames, multiplications;
	unsigned counts, count[COUNTS_MAX]; // of cores, ascending, 1 first
	double worker[COUNTS_MAX][BENCH_WINDOWS_MAX], machine[COUNTS_MAX][BENCH_WINDOWS_MAX];
	struct core core[PIPE_WORKERS_MAX];
	_Atomic unsigned waiting; // at the start line
};

// All cores of a window begin together.
static void start_line(struct rig *r)
{
	atomic_fetch_sub(&r->waiting, 1);
	while (atomic_load(&r->waiting) > 0)
		rte_pause();
}

static int worker_main(void *arg)
{
	struct core *c = arg;
	struct pipe *p = c->rig->pipe;
	struct fog_worker *w = pipe_worker(p, c->index);

	if (fog_crypto_thread_init() < 0)
		return c->ret = -ENOMEM;
	rte_rcu_qsbr_thread_register(w->qsbr, c->index);
	start_line(c->rig);
	c->start = rte_rdtsc();
	while (!pipe_done(p, c->index) || pipe_left(p, c->index) > 0) {
		pipe_feed(p, c->index, FOG_BURST);
		fog_worker_round(w, rte_rdtsc());
		pipe_drain(p, c->index);
	}
	c->end = rte_rdtsc();
	rte_rcu_qsbr_thread_unregister(w->qsbr, c->index);
	return c->ret = 0;
}

static int machine_main(void *arg)
{
	enum { N = FOG_CRYPTO_BATCH_MAX };

	static _Thread_local uint8_t mem[3][N][32];
	struct core *c = arg;
	uint8_t *out[N];
	const uint8_t *scalar[N], *point[N];
	unsigned n = RTE_MAX(2 * c->rig->ops->width, 8u);

	randombytes_buf(mem, sizeof(mem));
	for (unsigned i = 0; i < n; i++) {
		out[i] = mem[0][i];
		scalar[i] = mem[1][i];
		point[i] = mem[2][i];
	}
	start_line(c->rig);
	c->start = rte_rdtsc();
	for (unsigned done = 0; done < c->rig->multiplications; done += n)
		c->rig->ops->x25519(n, out, scalar, point);
	c->end = rte_rdtsc();
	return c->ret = 0;
}

// All operations over the time from the first start to the last end: a core that is done early adds
// nothing while the others still work. The first core is this thread's.
static int window(struct rig *r, int (*work)(void *), unsigned cores, unsigned ops, double *rate)
{
	uint64_t start = UINT64_MAX, end = 0;
	int ret = 0;

	atomic_store(&r->waiting, cores);
	for (unsigned i = 1; i < cores; i++)
		rte_eal_remote_launch(work, &r->core[i], i);
	work(&r->core[0]);
	rte_eal_mp_wait_lcore();
	for (unsigned i = 0; i < cores; i++) {
		start = RTE_MIN(start, r->core[i].start);
		end = RTE_MAX(end, r->core[i].end);
		if (r->core[i].ret < 0)
			ret = r->core[i].ret;
	}
	*rate = (double)cores * ops * (double)rte_get_tsc_hz() / (double)(end - start);
	return ret;
}

static int windows_run(struct rig *r, unsigned windows)
{
	int ret = 0;

	for (unsigned w = 0; w < windows; w++) {
		for (unsigned i = 0; i < r->counts && ret == 0; i++) {
			pipe_pass(r->pipe);
			ret = window(r, worker_main, r->count[i], r->frames, &r->worker[i][w]);
			if (ret == 0)
				ret =
				        window(r, machine_main, r->count[i], r->multiplications,
				               &r->machine[i][w]);
		}
	}
	return ret;
}

static void row_add(struct bench_report *report, struct rig *r, unsigned i)
{
	unsigned n = report->plan.windows;
	json_t *row = bench_row(report);
	double gain[2][BENCH_WINDOWS_MAX];
	struct bench_figure workers, machine, share;

	for (unsigned w = 0; w < n; w++) {
		gain[0][w] = r->worker[i][w] / r->worker[0][w];
		gain[1][w] = r->machine[i][w] / r->machine[0][w];
	}
	share = bench_ratio_of(gain[0], gain[1], n);
	workers = bench_figure_of(gain[0], n);
	machine = bench_figure_of(gain[1], n);
	json_object_set_new(row, "workers", json_integer(r->count[i]));
	json_object_set_new(row, "isa", json_string(r->ops->name));
	bench_row_figure(row, "speedup", &workers);
	bench_row_figure(row, "machine_speedup", &machine);
	bench_row_figure(row, "share_of_machine", &share);
}

static void rows_add(struct bench_report *report, struct rig *r)
{
	unsigned n = report->plan.windows;
	struct bench_figure rate;

	for (unsigned i = 0; i < r->counts; i++)
		row_add(report, r, i);
	// After all quotients: a figure sorts its values.
	for (unsigned i = 0; i < r->counts; i++) {
		json_t *row = json_array_get(report->rows, i);

		rate = bench_figure_of(r->worker[i], n);
		bench_row_figure(row, "pps", &rate);
		rate = bench_figure_of(r->machine[i], n);
		bench_row_figure(row, "x25519_per_s", &rate);
	}
}

// Half of the table is filled beforehand; all claims of the run leave a quarter of it free.
static uint64_t capacity_for(const struct rig *r, unsigned windows)
{
	uint64_t claims = 0;

	for (unsigned i = 0; i < r->counts; i++)
		claims += (uint64_t)r->count[i] * r->frames * windows;
	return RTE_MAX(4 * claims, (uint64_t)REPLAY_CAPACITY);
}

static int run_rig(struct bench_report *report, struct rig *r, unsigned cores)
{
	bool quick = report->plan.quick;
	int ret;

	r->frames = quick ? 64 : FRAMES;
	r->multiplications = quick ? 64 : MULTIPLICATIONS;
	for (unsigned n = 1; n <= cores && r->counts < COUNTS_MAX; n *= 2)
		r->count[r->counts++] = n;
	struct pipe_params params = {
	        .workers = cores,
	        .frames = r->frames,
	        .crypto = r->ops,
	        .replay_capacity = quick ? 4096 : capacity_for(r, report->plan.windows),
	        .delay_mean_us = 20000,
	        .delay_max_us = 200000,
	};
	if ((ret = pipe_create(&params, &r->pipe)) < 0)
		return ret;
	for (unsigned i = 0; i < cores; i++)
		r->core[i] = (struct core){.rig = r, .index = i};
	ret = windows_run(r, report->plan.windows);
	if (ret == 0 && pipe_drops(r->pipe) > 0) {
		fprintf(stderr, "bench: the workers dropped %llu of their packets\n",
		        (unsigned long long)pipe_drops(r->pipe));
		ret = -EBADMSG;
	}
	if (ret == 0)
		rows_add(report, r);
	pipe_destroy(r->pipe);
	return ret;
}

static int run(struct bench_report *report)
{
	bool best = strcmp(options[0].value, "best") == 0;
	int cpu[PIPE_WORKERS_MAX], ret;
	unsigned others = bench_other_cpus(&report->plan, cpu, PIPE_WORKERS_MAX);
	struct rig *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -ENOMEM;
	r->ops = fog_crypto_ops_get(best ? NULL : options[0].value);
	if (r->ops == NULL) {
		free(r);
		return bench_option_wrong(&options[0]);
	}
	if (others == 0)
		bench_note(report, "one CPU only: nothing to scale to");
	ret = pipe_eal_start(report->plan.cpu, cpu, others);
	if (ret == 0) {
		ret = run_rig(report, r, RTE_MIN(others + 1, (unsigned)PIPE_WORKERS_MAX));
		pipe_eal_stop();
	}
	free(r);
	return ret;
}

const struct bench bench_scale = {
        .name = "scale",
        .what = "workers on several cores, beside what plain X25519 gains from these cores",
        .key = (const char *const[]){"workers", "isa", NULL},
        .options = options,
        .run = run,
};
