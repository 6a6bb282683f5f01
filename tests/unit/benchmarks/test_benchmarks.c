// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Benchmarks that an appliance runs: that they measure, tell how far they are, and end. Never how fast anything is.
#include <errno.h>
#include <stdio.h>

#include "../../../controlplane/benchmarks/crypto.h"
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

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"unwraps by instruction set", test_crypto},
	        {"a benchmark that is stopped", test_stop},
	        CU_TEST_INFO_NULL,
	};

	return check_run("benchmarks", tests);
}
