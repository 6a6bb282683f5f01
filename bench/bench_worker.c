// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The whole pipeline on one core, beside plain unwraps on the same core in the same run. A second
// core feeds and drains the port. Windows alternate: unwraps, then one pass of the worker at
// saturation, then with --links one of a worker with encrypted links; afterwards the worker runs at a part of the rate that it has reached, for lateness.
#include <errno.h>
#include <math.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench.h"
#include "pipe.h"

enum {
	FRAMES = 8192, // of a pass
	EPOCH_S = 20 * 60, // planned replay table: epoch and overlap
	OVERLAP_S = 2 * 60,
	PACED_S = 5,
	MAIN_LCORE = 0,
	WORKER_LCORE = 1,
	CPUS_MAX = 1024,
	OFF_CPU_NS = 50000, // a window in which the thread waited for its CPU longer is not clean
};

static struct bench_option options[] = {
        {"--isa", "best|ref|avx2|avx512", "best"},
        {"--load", "percent of the rate", "80"},
        {"--links", "no|yes", "no"},
        {0}};

// What became of the phase at a part of the rate.
struct paced {
	double load, pps; // asked for, as a part of the saturated rate, and reached
	double saturated; // packets a second
	uint64_t refused; // arrivals that found the port full and had to wait
};

struct rig {
	struct pipe *pipe, *linked; // the second one with encrypted links, or NULL
	struct fog_worker *w;
	struct fog_worker *running; // of either
	struct fog_sphinx_batch batch;
	struct fog_sphinx_hop hop[FOG_SPHINX_BATCH_MAX];
	struct fog_sphinx_route route[FOG_SPHINX_BATCH_MAX];
	uint8_t packet[FOG_SPHINX_BATCH_MAX][FOG_SPHINX_PACKET_MAX];
	unsigned frames, windows;
	double sphinx_pps[BENCH_WINDOWS_MAX], worker_pps[BENCH_WINDOWS_MAX];
	double linked_pps[BENCH_WINDOWS_MAX];
	struct fog_hist loop_all, loop_clean;
	unsigned clean;
	bool off_cpu; // of the window that just ended; worker's lcore: wo
};

// Nanoseconds that this thread was runnable but not running; 0 where the kernel doesn't count.
static uint64_t wait_ns(void)
{
	unsigned long long ran = 0, waited = 0;
	FILE *f = fopen("/proc/thread-self/schedstat", "r");

	if (f != NULL && fscanf(f, "%llu %llu", &ran, &waited) != 2)
		waited = 0;
	if (f != NULL)
		fclose(f);
	return waited;
}

// Ticks that the hypervisor gave to others, all CPUs.
static uint64_t steal_ticks(void)
{
	unsigned long long v[8] = {0};
	FILE *f = fopen("/proc/stat", "r");

	if (f != NULL &&
	    fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3],
	           &v[4], &v[5], &v[6], &v[7]) != 8)
		v[7] = 0;
	if (f != NULL)
		fclose(f);
	return v[7];
}

static double seconds(uint64_t ticks)
{
	return (double)ticks / (double)rte_get_tsc_hz();
}

// Unwraps of a pass's packets in batches whose multiplications share calls, as the worker's do.
// Returns packets per second.
static double sphinx_window(struct rig *r)
{
	struct fog_sphinx_batch *b = &r->batch;
	uint64_t spent = 0;

	for (unsigned done = 0; done < r->frames; done += b->n) {
		for (unsigned i = 0; i < b->n; i++) {
			memcpy(r->packet[i], pipe_packet(r->pipe, 0, (done + i) % r->frames),
			       b->geo->packet_len);
			b->drop[i] = FOG_DROP_NONE;
		}
		uint64_t start = bench_ticks();
		fog_sphinx_key(b, pipe_private_key(r->pipe));
		fog_sphinx_mac(b);
		fog_sphinx_open(b);
		fog_sphinx_payload(b);
		fog_sphinx_blind(b);
		spent += bench_ticks() - start;
	}
	return r->frames / seconds(spent);
}

static int sphinx_main(void *arg)
{
	struct rig *r = arg;
	unsigned window = r->windows;

	if (fog_crypto_thread_init() < 0)
		return -ENOMEM;
	r->sphinx_pps[window] = sphinx_window(r);
	return 0;
}

static int worker_main(void *arg)
{
	struct rig *r = arg;
	struct rusage usage;
	uint64_t waited = wait_ns(), steal = steal_ticks();
	int ret;

	getrusage(RUSAGE_THREAD, &usage);
	long before = usage.ru_nivcsw;
	ret = fog_worker_run(r->running);
	getrusage(RUSAGE_THREAD, &usage);
	r->off_cpu = usage.ru_nivcsw != before || wait_ns() - waited > OFF_CPU_NS ||
	        steal_ticks() != steal;
	return ret;
}

// Returns when the worker goes round: that a thread wakes up is no part of its rate.
static void worker_start(struct rig *r, struct pipe *pipe)
{
	r->running = pipe_worker(pipe, 0);
	atomic_store(&r->running->stop, false);
	uint64_t before = __atomic_load_n(&r->running->count.loops, __ATOMIC_ACQUIRE);

	rte_eal_remote_launch(worker_main, r, WORKER_LCORE);
	while (__atomic_load_n(&r->running->count.loops, __ATOMIC_ACQUIRE) == before)
		rte_pause();
}

static int worker_stop(struct rig *r)
{
	atomic_store(&r->running->stop, true);
	return rte_eal_wait_lcore(WORKER_LCORE);
}

static void pass_finish(struct pipe *pipe)
{
	while (!pipe_done(pipe, 0))
		pipe_drain(pipe, 0);
}

// One pass as fast as the worker takes it; its packets per second.
static int pass_run(struct rig *r, struct pipe *pipe, double *pps)
{
	pipe_pass(pipe);
	worker_start(r, pipe);
	uint64_t start = rte_rdtsc();
	while (pipe_left(pipe, 0) > 0) {
		pipe_feed(pipe, 0, FOG_BURST);
		pipe_drain(pipe, 0);
	}
	pass_finish(pipe);
	*pps = r->frames / seconds(rte_rdtsc() - start);
	return worker_stop(r);
}

static int worker_window(struct rig *r)
{
	struct fog_hist *loop = &r->w->count.loop_ns;

	memset(loop, 0, sizeof(*loop));
	int ret = pass_run(r, r->pipe, &r->worker_pps[r->windows]);
	fog_hist_merge(&r->loop_all, loop);
	if (!r->off_cpu) {
		fog_hist_merge(&r->loop_clean, loop);
		r->clean++;
	}
	return ret;
}

static int saturate(struct rig *r, unsigned windows)
{
	int ret = 0;

	for (r->windows = 0; r->windows < windows && ret == 0; r->windows++) {
		ret = rte_eal_remote_launch(sphinx_main, r, WORKER_LCORE);
		if (ret == 0)
			ret = rte_eal_wait_lcore(WORKER_LCORE);
		if (ret == 0)
			ret = worker_window(r);
		if (ret == 0 && r->linked != NULL)
			ret = pass_run(r, r->linked, &r->linked_pps[r->windows]);
	}
	return ret;
}

// Poisson arrivals: exponential gaps.
static uint64_t gap(double pps)
{
	double u = (randombytes_random() + 1.0) / 4294967297.0;

	return (uint64_t)(-log(u) * (double)rte_get_tsc_hz() / pps);
}

// Feed Poisson arrivals until 'end'. What is late, since the port was full or a pass at its end had
// to be waited for, is fed at once afterwards: the schedule stays. Returns how many.
static uint64_t feed_paced(
        struct rig *r, double pps, uint64_t start, uint64_t end, uint64_t *refused
)
{
	uint64_t fed = 0, next = start;
	bool waits = false;

	for (uint64_t now = start; now < end; now = rte_rdtsc()) {
		pipe_drain(r->pipe, 0);
		if (now < next)
			continue;
		if (pipe_left(r->pipe, 0) == 0) {
			pass_finish(r->pipe);
			pipe_pass(r->pipe);
		}
		if (pipe_feed(r->pipe, 0, 1) == 0) {
			*refused += !waits;
			waits = true;
			continue;
		}
		waits = false;
		fed++;
		next += gap(pps);
	}
	return fed;
}

static int paced(struct rig *r, struct paced *phase, double duration_s)
{
	uint64_t start;

	worker_start(r, r->pipe);
	// What the windows before left overdue is not this phase's.
	while (__atomic_load_n(&r->w->count.tx, __ATOMIC_ACQUIRE) + pipe_drops(r->pipe) <
	       __atomic_load_n(&r->w->count.owed_us.count, __ATOMIC_ACQUIRE))
		pipe_drain(r->pipe, 0);
	int ret = worker_stop(r);
	memset(&r->w->count.late_ns, 0, sizeof(r->w->count.late_ns));
	memset(&r->w->count.loop_ns, 0, sizeof(r->w->count.loop_ns));
	pipe_pass(r->pipe);
	worker_start(r, r->pipe);
	start = rte_rdtsc();
	double fed = (double)feed_paced(
	        r, phase->load * phase->saturated, start,
	        start + (uint64_t)(duration_s * (double)rte_get_tsc_hz()), &phase->refused
	);
	phase->pps = fed / seconds(rte_rdtsc() - start);
	pass_finish(r->pipe);
	return worker_stop(r) < 0 ? -EIO : ret;
}

static double us(const struct fog_hist *h, double q)
{
	return (double)fog_hist_quantile(h, q) / 1000;
}

static void paced_fill(struct bench_report *report, json_t *row, const struct paced *phase)
{
	double reached = phase->pps / phase->saturated;

	json_object_set_new(row, "load", json_real(phase->load));
	json_object_set_new(row, "load_reached", json_real(reached));
	json_object_set_new(row, "paced_pps", json_real(phase->pps));
	json_object_set_new(row, "refused", json_integer((json_int_t)phase->refused));
	if (reached < 0.98 * phase->load)
		bench_note(
		        report, "lateness is that at a load of %.3f, not of %.3f as asked", reached,
		        phase->load
		);
}

static void linked_fill(json_t *row, const struct rig *r)
{
	double linked[BENCH_WINDOWS_MAX], plain[BENCH_WINDOWS_MAX];

	memcpy(linked, r->linked_pps, sizeof(linked));
	memcpy(plain, r->worker_pps, sizeof(plain));
	struct bench_figure share = bench_ratio_of(linked, plain, r->windows);
	struct bench_figure pps = bench_figure_of(linked, r->windows);
	bench_row_figure(row, "links_pps", &pps);
	bench_row_figure(row, "links_share", &share);
}

static void row_fill(
        struct bench_report *report, struct rig *r, const struct paced *phase,
        uint64_t replay_capacity
)
{
	json_t *row = bench_row(report);
	unsigned n = r->windows;

	if (r->linked != NULL)
		linked_fill(row, r); // before the windows change their order
	struct bench_figure part = bench_ratio_of(r->worker_pps, r->sphinx_pps, n);
	struct bench_figure worker = bench_figure_of(r->worker_pps, n);
	struct bench_figure sphinx = bench_figure_of(r->sphinx_pps, n);

	json_object_set_new(row, "isa", json_string(r->w->crypto->name));
	json_object_set_new(row, "geometry", json_string("mtu"));
	bench_row_figure(row, "pps", &worker);
	bench_row_figure(row, "sphinx_pps", &sphinx);
	bench_row_figure(row, "share_of_sphinx", &part);
	json_object_set_new(row, "replay_capacity", json_integer((json_int_t)replay_capacity));
	json_object_set_new(row, "loop_p99_us", json_real(us(&r->loop_all, 0.99)));
	json_object_set_new(row, "loop_p999_us", json_real(us(&r->loop_all, 0.999)));
	json_object_set_new(row, "windows_on_cpu", json_integer(r->clean));
	if (r->clean > 0) {
		json_object_set_new(row, "loop_on_cpu_p99_us", json_real(us(&r->loop_clean, 0.99)));
		json_object_set_new(
		        row, "loop_on_cpu_p999_us", json_real(us(&r->loop_clean, 0.999))
		);
	}
	paced_fill(report, row, phase);
	json_object_set_new(
	        row, "tick_us",
	        json_real((double)fog_calendar_tick(r->w->calendar) * 1e6 / (double)r->w->tsc_hz)
	);
	json_object_set_new(row, "lateness_p50_us", json_real(us(&r->w->count.late_ns, 0.5)));
	json_object_set_new(row, "lateness_p99_us", json_real(us(&r->w->count.late_ns, 0.99)));
	json_object_set_new(
	        row, "lateness_max_us", json_real((double)r->w->count.late_ns.max / 1e3)
	);
}

static int rig_make(struct rig *r, const struct fog_crypto_ops *ops, bool quick, uint64_t *capacity)
{
	struct pipe_params params = {
	        .workers = 1,
	        .frames = quick ? 64 : FRAMES,
	        .crypto = ops,
	        .replay_capacity = quick ? 1 << 17 : 1 << 20,
	        .delay_mean_us = quick ? 1000 : 50000,
	        .delay_max_us = quick ? 10000 : 500000,
	};
	int ret;

	// As an operator plans it: from the rate of plain unwraps, which a small table suffices for.
	for (unsigned pass = 0; pass < (quick ? 1u : 2u); pass++) {
		if ((ret = pipe_create(&params, &r->pipe)) < 0)
			return ret;
		r->w = pipe_worker(r->pipe, 0);
		r->frames = params.frames;
		r->batch = (struct fog_sphinx_batch
		){.ops = ops,
		  .geo = pipe_geometry(r->pipe),
		  .n = RTE_MAX(2 * ops->width, 8u),
		  .hop = r->hop,
		  .route = r->route};
		for (unsigned i = 0; i < r->batch.n; i++)
			r->batch.pkt[i] = r->packet[i];
		*capacity = params.replay_capacity;
		if (quick || pass > 0)
			break;
		params.replay_capacity = (uint64_t)(sphinx_window(r) * (EPOCH_S + OVERLAP_S));
		pipe_destroy(r->pipe);
		r->pipe = NULL;
	}
	params.links = true;
	return strcmp(options[2].value, "yes") == 0 ? pipe_create(&params, &r->linked) : 0;
}

static int run_rig(struct bench_report *report, struct rig *r, const struct fog_crypto_ops *ops)
{
	struct paced phase = {.load = atof(options[1].value) / 100};
	double copy[BENCH_WINDOWS_MAX];
	uint64_t capacity = 0;
	int ret = rig_make(r, ops, report->plan.quick, &capacity);

	if (ret < 0)
		return ret;
	if ((ret = saturate(r, report->plan.windows)) < 0)
		return ret;
	memcpy(copy, r->worker_pps, sizeof(copy));
	phase.saturated = bench_figure_of(copy, r->windows).median;
	if ((ret = paced(r, &phase, report->plan.quick ? 0.2 : PACED_S)) < 0)
		return ret;
	uint64_t drops = pipe_drops(r->pipe) + (r->linked != NULL ? pipe_drops(r->linked) : 0);
	if (drops > 0) {
		fprintf(stderr, "bench: the worker dropped %llu of its packets\n",
		        (unsigned long long)drops);
		return -EBADMSG;
	}
	row_fill(report, r, &phase, capacity);
	return 0;
}

static int run(struct bench_report *report)
{
	bool best = strcmp(options[0].value, "best") == 0;
	const struct fog_crypto_ops *ops = fog_crypto_ops_get(best ? NULL : options[0].value);
	int cpu = report->plan.cpu, other[CPUS_MAX], ret;
	unsigned others = bench_other_cpus(&report->plan, other, CPUS_MAX);
	double load = atof(options[1].value);
	struct rig *r;

	if (ops == NULL)
		return bench_option_wrong(&options[0]);
	if (load < 1 || load > 100)
		return bench_option_wrong(&options[1]);
	if (strcmp(options[2].value, "yes") != 0 && strcmp(options[2].value, "no") != 0)
		return bench_option_wrong(&options[2]);
	if (others == 0) {
		fprintf(stderr,
		        "bench: worker needs two CPUs: one runs it, one feeds it; taskset "
		        "allowed one\n");
		return -ENOTSUP;
	}
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return -ENOMEM;
	ret = pipe_eal_start(other[others - 1], &cpu, 1);
	if (ret == 0) {
		ret = run_rig(report, r, ops);
		pipe_destroy(r->linked);
		pipe_destroy(r->pipe);
		pipe_eal_stop();
	}
	free(r);
	return ret;
}

const struct bench bench_worker = {
        .name = "worker",
        .what = "the whole pipeline on one core, in memory, beside plain unwraps",
        .key = (const char *const[]){"isa", "geometry", NULL},
        .options = options,
        .run = run,
};
