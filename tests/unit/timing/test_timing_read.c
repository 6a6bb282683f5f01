// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What is read of a data plane's counters, and when it is no data any more. The counters lie in this program;
// figures of known traffic are test_timing's.
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../../../controlplane/timing/law.h"
#include "../../../controlplane/timing/series.h"
#include "../../../controlplane/timing/timing.h"
#include "../run.h"

enum { WORKERS = 2 };

static struct fog_stats stats;
static struct fog_stats_worker worker[TIMING_WORKERS_MAX + 1];
static uint32_t worker_count;
static bool there; // the data plane
static int held; // looks that were not given back

int fog_dpclient_stats_get(struct fog_dpclient *c, struct fog_dpclient_stats *out)
{
	if (!there)
		return -ENOTCONN;
	*out = (struct fog_dpclient_stats
	){.stats = &stats, .worker = worker, .worker_count = worker_count};
	held++;
	return 0;
}

void fog_dpclient_stats_put(struct fog_dpclient *c, struct fog_dpclient_stats *v)
{
	held--;
}

// Worker 'w' publishes once more; 'packets' came, were given a delay and left since the last time.
static void publish(unsigned w, unsigned packets, uint64_t parked)
{
	worker[w].counters.rx += packets;
	worker[w].counters.tx += packets;
	worker[w].counters.owed_us.count += packets;
	worker[w].counters.parked = parked;
	atomic_store(&worker[w].heartbeat, __rdtsc());
}

static void begin(struct fog_timing **t)
{
	memset(&stats, 0, sizeof(stats));
	memset(worker, 0, sizeof(worker));
	worker_count = WORKERS;
	there = true;
	stats.boot_id[0] = 1;
	stats.tsc_hz = 2000000000;
	CU_ASSERT_EQUAL_FATAL(fog_timing_create(NULL, t), 0);
}

static void end(struct fog_timing *t)
{
	CU_ASSERT_EQUAL(held, 0);
	fog_timing_destroy(t);
}

// Each look has another cap, so that none is answered with the figures of the one before.
static struct fog_timing_figures look(struct fog_timing *t)
{
	static struct fog_timing_law law = {.mean_us = 50000, .max_us = 500000};
	struct fog_timing_figures f;

	law.cap_ms++;
	fog_timing_figures(t, &law, &f);
	return f;
}

static void sample(struct fog_timing *t, unsigned times)
{
	while (times-- > 0) {
		for (unsigned w = 0; w < WORKERS; w++)
			publish(w, 10, 3 + w);
		usleep(1000);
		fog_timing_sample(t);
	}
}

// Until there is something measured, however long a busy machine takes.
static void measure(struct fog_timing *t)
{
	for (unsigned i = 0; i < 10000 && !(look(t).measured_s > 0); i++)
		sample(t, 1);
	CU_ASSERT(look(t).measured_s > 0);
}

static void test_counters(void)
{
	struct fog_timing *t;

	begin(&t);
	measure(t);
	struct fog_timing_figures f = look(t);
	CU_ASSERT_EQUAL(f.pool, 3 + 4);
	CU_ASSERT(f.law_mean_s > 0 && f.law_mean_s < 0.05);
	CU_ASSERT(f.law_entropy > 0);
	CU_ASSERT(f.tick_s > 0 && f.tick_s < 0.001);
	CU_ASSERT_TRUE(isnan(f.rate)); // less than FOG_TIMING_LEAST_S were measured
	CU_ASSERT_TRUE(isnan(f.set));
	end(t);
}

// A worker that is publishing at this very moment: what is known of all stays.
static void test_torn(void)
{
	struct fog_timing *t;

	begin(&t);
	sample(t, 5);
	atomic_store(&worker[1].sequence, 1);
	worker[0].counters.parked = 100;
	worker[1].counters.parked = 1000;
	fog_timing_sample(t);
	CU_ASSERT_EQUAL(look(t).pool, 3 + 4);
	atomic_store(&worker[1].sequence, 2);
	fog_timing_sample(t);
	CU_ASSERT_EQUAL(look(t).pool, 1100);
	end(t);
}

static void test_no_data(void)
{
	const struct fog_timing_law no_law = {0};
	struct fog_timing_figures f;
	struct fog_timing *t;

	begin(&t);
	there = false;
	fog_timing_sample(t);
	f = look(t);
	CU_ASSERT(
	        f.measured_s == 0 && isnan(f.pool) && isnan(f.law_mean_s) && isnan(f.correlation)
	);
	there = true;
	measure(t);
	fog_timing_figures(t, &no_law, &f);
	CU_ASSERT(f.measured_s == 0 && isnan(f.pool));
	// Another data plane begins anew, and so does the same one after it was away.
	stats.boot_id[0] = 2;
	fog_timing_sample(t);
	CU_ASSERT_EQUAL(look(t).measured_s, 0);
	measure(t);
	there = false;
	fog_timing_sample(t);
	CU_ASSERT_TRUE(isnan(look(t).pool));
	there = true;
	fog_timing_sample(t);
	f = look(t);
	CU_ASSERT(f.measured_s == 0 && f.pool == 7);
	// More workers than there can be, and a clock that stands still.
	stats.boot_id[0] = 3;
	worker_count = TIMING_WORKERS_MAX + 1;
	fog_timing_sample(t);
	CU_ASSERT_TRUE(isnan(look(t).pool));
	worker_count = WORKERS;
	stats.boot_id[0] = 4;
	stats.tsc_hz = 0;
	fog_timing_sample(t);
	CU_ASSERT_TRUE(isnan(look(t).pool));
	end(t);
}

static void test_rate_for(void)
{
	const struct fog_timing_law law = {.mean_us = 50000, .max_us = 500000};
	const struct timing_law seconds = {.mean_s = 0.05, .max_s = 0.5};

	for (double set = 2; set < 100; set *= 3)
		CU_ASSERT_DOUBLE_EQUAL(
		        exp2(timing_law_anonymity(&seconds, fog_timing_rate_for(&law, set))), set,
		        set * 1e-3
		);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"counters of all workers", test_counters},
	        {"a worker that is publishing", test_torn},
	        {"no data", test_no_data},
	        {"the rate for a set", test_rate_for},
	        CU_TEST_INFO_NULL,
	};

	return check_run("timing_read", tests);
}
