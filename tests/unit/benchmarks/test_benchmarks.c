// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Benchmarks that an appliance runs: that they measure, tell how far they are, and end. Never how fast anything is.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "../../../controlplane/benchmarks/crypto.h"
#include "../../../controlplane/benchmarks/latency.h"
#include "../../../controlplane/benchmarks/throughput.h"
#include "../../../dataplane/crypto/ops.h"
#include "../run.h"

struct watch {
	unsigned asked, last, most; // 'most': of the times that it goes on
	bool falls;
};

static bool watch(void *ctx, unsigned percent)
{
	struct watch *w = ctx;

	w->falls = w->falls || percent < w->last || percent > 100;
	w->last = percent;
	return ++w->asked < w->most;
}

static void test_crypto(void)
{
	struct fog_geometry geo;
	struct fog_benchmark_crypto out;
	struct watch w = {.most = UINT32_MAX};

	CU_ASSERT_EQUAL_FATAL(fog_geometry_named(&geo, "mtu"), 0);
	CU_ASSERT_EQUAL(fog_benchmark_crypto(&geo, 1, watch, &w, &out), 0);
	CU_ASSERT(w.asked > 0 && w.last == 100 && !w.falls);
	CU_ASSERT_FATAL(out.isas > 0);
	CU_ASSERT_STRING_EQUAL(out.isa[0].name, "ref");
	for (unsigned i = 0; i < out.isas; i++) {
		double seconds = (double)out.isa[i].cpu_ns / 1e9;
		CU_ASSERT_PTR_NOT_NULL(fog_crypto_ops_get(out.isa[i].name));
		CU_ASSERT(out.isa[i].packets > 0 && out.isa[i].cpu_ns > 0);
		CU_ASSERT_DOUBLE_EQUAL(out.isa[i].pps * seconds, (double)out.isa[i].packets, 1);
		CU_ASSERT(out.isa[i].cycles > 0);
	}
}

static void test_stop(void)
{
	struct fog_geometry geo;
	struct fog_benchmark_crypto out;
	struct watch w = {.most = 2};

	CU_ASSERT_EQUAL_FATAL(fog_geometry_named(&geo, "mtu3"), 0);
	CU_ASSERT_EQUAL(fog_benchmark_crypto(&geo, 600, watch, &w, &out), -ECANCELED);
	CU_ASSERT_EQUAL(w.asked, 2);
	CU_ASSERT(w.last < 100);
	CU_ASSERT(out.isa[0].packets > 0 && out.isa[0].pps > 0);
	CU_ASSERT_EQUAL(fog_benchmark_crypto(&geo, 0, watch, &w, &out), -EINVAL);
	CU_ASSERT_EQUAL(fog_benchmark_crypto(&geo, 601, watch, &w, &out), -EINVAL);
	CU_ASSERT_EQUAL(w.asked, 2);
}

// Times by the law itself, and so much more.
static void test_latency(void)
{
	enum { COUNT = 4000, DELAYS = 3, MORE_US = 1500 };

	static uint64_t travel[COUNT];
	struct fog_benchmark_latency out;
	struct fog_delay_law law;

	CU_ASSERT_EQUAL_FATAL(fog_delay_law_init(&law, 50000, 400000, 0), 0);
	for (unsigned i = 0; i < COUNT; i++) {
		travel[i] = MORE_US;
		for (unsigned k = 0; k < DELAYS; k++) {
			uint64_t u;
			randombytes_buf(&u, sizeof(u));
			travel[i] += fog_delay_quantile(&law, u);
		}
	}
	CU_ASSERT_EQUAL(fog_benchmark_latency(&law, DELAYS, travel, COUNT, &out), 0);
	// Of the law: three times its mean, which the end at 400 ms makes a little less than 50 ms.
	CU_ASSERT(out.owed.mean > 148000 && out.owed.mean < 150000);
	CU_ASSERT(
	        out.owed.p50 < out.owed.p90 && out.owed.p90 < out.owed.p99 &&
	        out.owed.p99 < out.owed.max
	);
	CU_ASSERT(out.owed.p50 > 130000 && out.owed.p50 < 137000);
	CU_ASSERT(out.travel.max >= out.travel.p99 && out.travel.p50 > 100000);
	CU_ASSERT(out.error > 2000 && out.error < 3500);
	// Six standard errors: not once in the life of this test.
	CU_ASSERT_DOUBLE_EQUAL(out.beyond, MORE_US, 3.1 * out.error);
	CU_ASSERT_DOUBLE_EQUAL(out.travel.mean - out.owed.mean, out.beyond, 1e-6);
}

static void test_latency_exact(void)
{
	uint64_t travel[100], one = 7;
	struct fog_benchmark_latency out;
	struct fog_delay_law law;

	CU_ASSERT_EQUAL_FATAL(fog_delay_law_init(&law, 1000, 10000, 0), 0);
	for (unsigned i = 0; i < 100; i++)
		travel[i] = 100 - i;
	CU_ASSERT_EQUAL(fog_benchmark_latency(&law, 0, travel, 100, &out), 0);
	CU_ASSERT_DOUBLE_EQUAL(out.travel.p50, 50, 0);
	CU_ASSERT_DOUBLE_EQUAL(out.travel.p90, 90, 0);
	CU_ASSERT_DOUBLE_EQUAL(out.travel.p99, 99, 0);
	CU_ASSERT_DOUBLE_EQUAL(out.travel.max, 100, 0);
	CU_ASSERT_DOUBLE_EQUAL(out.travel.mean, 50.5, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(out.owed.max, 0, 0);
	CU_ASSERT_DOUBLE_EQUAL(out.error, 1.96 * 2.9011491975882016, 1e-6);
	CU_ASSERT_EQUAL(fog_benchmark_latency(&law, 3, &one, 1, &out), -ENODATA);
}

static void test_throughput(void)
{
	struct fog_benchmark_reading a = {
	        .time_ns = 5000000000, .boot_id = {1}, .workers = 2, .port_lost = 3};
	struct fog_benchmark_reading b;
	struct fog_benchmark_throughput out;

	a.worker[0] = (struct fog_benchmark_count){1000, 500, 40, 7};
	b = a;
	CU_ASSERT_EQUAL(fog_benchmark_throughput(&a, &b, &out), -ENODATA);
	b.time_ns += 2500000000;
	b.worker[0] = (struct fog_benchmark_count){1250, 750, 45, 7};
	b.worker[1] = (struct fog_benchmark_count){100, 50, 25, 25};
	b.port_lost = 10;
	CU_ASSERT_EQUAL(fog_benchmark_throughput(&a, &b, &out), 0);
	CU_ASSERT_DOUBLE_EQUAL(out.seconds, 2.5, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(out.worker[0].received, 100, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(out.worker[0].sent, 100, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(out.worker[0].delivered, 2, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(out.worker[0].dropped, 0, 0);
	CU_ASSERT_DOUBLE_EQUAL(out.sum.received, 140, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(out.sum.sent, 120, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(out.sum.delivered, 12, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(out.sum.dropped, 10, 1e-9);
	CU_ASSERT_EQUAL(out.port_lost, 7);
	b.boot_id[0] = 2;
	CU_ASSERT_EQUAL(fog_benchmark_throughput(&a, &b, &out), -EXDEV);
	b.boot_id[0] = 1;
	b.workers = 1;
	CU_ASSERT_EQUAL(fog_benchmark_throughput(&a, &b, &out), -EXDEV);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"unwraps by instruction set", test_crypto},
	        {"a benchmark that is stopped", test_stop},
	        {"travel times against the law", test_latency},
	        {"ranks, mean and error of given times", test_latency_exact},
	        {"rates between two readings", test_throughput},
	        CU_TEST_INFO_NULL,
	};

	return check_run("benchmarks", tests);
}
