// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The shared histogram, and the secret random numbers behind the calendar's choices.
#include "api/hist.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "random.h"

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

// Buckets follow each other without gap or overlap, each at most 1/16 wide.
static void test_buckets(void)
{
	uint64_t lower = 0;

	for (unsigned i = 0; i < FOG_HIST_BUCKETS; i++) {
		uint64_t upper = fog_hist_upper(i);
		CU_ASSERT_FATAL(upper >= lower);
		CU_ASSERT_EQUAL(fog_hist_index(lower), i);
		CU_ASSERT_EQUAL(fog_hist_index(upper), i);
		CU_ASSERT(lower < 16 || (upper - lower) * 16 <= lower);
		lower = upper + 1;
	}
	CU_ASSERT_EQUAL(lower, FOG_HIST_VALUE_MAX + 1);
}

static void test_quantiles(void)
{
	enum {
		N = 20000,
	};

	static uint64_t value[N];
	static struct fog_hist h;
	uint64_t rng = 3, sum = 0;

	memset(&h, 0, sizeof(h));
	CU_ASSERT_EQUAL(fog_hist_quantile(&h, 0.5), 0);
	for (unsigned i = 0; i < N; i++) {
		value[i] = check_random(&rng) >> (28 + check_random(&rng) % 36);
		sum += value[i];
		fog_hist_add(&h, value[i]);
	}
	qsort(value, N, sizeof(value[0]), by_value);
	CU_ASSERT_EQUAL(h.count, N);
	CU_ASSERT_EQUAL(h.sum, sum);
	CU_ASSERT_EQUAL(h.max, value[N - 1]);
	for (unsigned i = 1; i <= N; i += 7) {
		uint64_t exact = value[i - 1], got = fog_hist_quantile(&h, (i - 0.5) / N);
		CU_ASSERT(got >= exact && got <= exact + exact / 16 && got <= h.max);
	}
	CU_ASSERT_EQUAL(fog_hist_quantile(&h, 1), h.max);
	CU_ASSERT(fog_hist_quantile(&h, 0) <= value[0] + value[0] / 16);
	CU_ASSERT_DOUBLE_EQUAL(fog_hist_mean(&h), (double)sum / N, 1e-3);
}

static void test_saturation(void)
{
	static struct fog_hist h;

	memset(&h, 0, sizeof(h));
	fog_hist_add(&h, UINT64_MAX);
	fog_hist_add(&h, FOG_HIST_VALUE_MAX + 1);
	CU_ASSERT_EQUAL(h.bucket[FOG_HIST_BUCKETS - 1], 2);
	CU_ASSERT_EQUAL(h.max, FOG_HIST_VALUE_MAX);
	CU_ASSERT_EQUAL(h.sum, 2 * FOG_HIST_VALUE_MAX);
	CU_ASSERT_EQUAL(fog_hist_quantile(&h, 0.5), FOG_HIST_VALUE_MAX);
	// A copy from a faulty peer may not add up.
	memset(&h, 0xff, sizeof(h));
	CU_ASSERT(fog_hist_quantile(&h, 0.99) <= FOG_HIST_VALUE_MAX);
	memset(h.bucket, 0, sizeof(h.bucket));
	CU_ASSERT_EQUAL(fog_hist_quantile(&h, 0.99), UINT64_MAX);
}

static void test_merge(void)
{
	static struct fog_hist part[2], whole;
	uint64_t rng = 4;

	memset(part, 0, sizeof(part));
	memset(&whole, 0, sizeof(whole));
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t v = check_random(&rng) >> (28 + i % 30);
		fog_hist_add(&part[i % 3 == 0], v);
		fog_hist_add(&whole, v);
	}
	fog_hist_merge(&part[0], &part[1]);
	CU_ASSERT_EQUAL(memcmp(&part[0], &whole, sizeof(whole)), 0);
}

static void test_random_uniform(void)
{
	enum {
		CELLS = 37,
		N = 370000,
	};

	uint32_t seen[CELLS] = {0}, bits[64] = {0};
	struct fog_random r;
	uint64_t before = 0, same = 0;

	fog_random_init(&r, (const uint8_t[32]){9});
	for (unsigned i = 0; i < N; i++) {
		seen[fog_random_below(&r, CELLS)]++;
		uint64_t v = fog_random_next(&r);
		same += v == before;
		before = v;
		for (unsigned b = 0; b < 64; b++)
			bits[b] += v >> b & 1;
	}
	CU_ASSERT(check_chi_squared(seen, CELLS, (double)N / CELLS) < 67.99); // alpha 0.001
	for (unsigned b = 0; b < 64; b++)
		CU_ASSERT(bits[b] > N / 2 - 1600 && bits[b] < N / 2 + 1600); // 5 sigma
	CU_ASSERT_EQUAL(same, 0);
	CU_ASSERT_EQUAL(fog_random_below(&r, 1), 0);
	fog_random_wipe(&r);
}

// Nothing that was handed out, and no key it came from, is left in memory.
static void test_random_erasure(void)
{
	static struct fog_random r, fresh;
	const uint8_t seed[32] = "it must not be found again";
	uint64_t used[200];

	fog_random_init(&fresh, seed);
	r = fresh;
	for (unsigned i = 0; i < 200; i++)
		used[i] = fog_random_next(&r);
	CU_ASSERT_PTR_NULL(memmem(&r, sizeof(r), seed, 16));
	CU_ASSERT_PTR_NULL(memmem(&r, sizeof(r), &fresh.key, 16));
	for (unsigned i = 0; i < 200; i++)
		CU_ASSERT_PTR_NULL(memmem(&r, sizeof(r), &used[i], sizeof(used[i])));
	for (unsigned i = 0; i < 200; i++)
		CU_ASSERT_EQUAL(fog_random_next(&fresh), used[i]);
	fog_random_wipe(&r);
	CU_ASSERT_EQUAL(r.next, 0);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"buckets are complete", test_buckets},
	        {"quantiles against a sorted list", test_quantiles},
	        {"saturation and faulty copies", test_saturation},
	        {"merge", test_merge},
	        {"random numbers are uniform", test_random_uniform},
	        {"random numbers are erased", test_random_erasure},
	        CU_TEST_INFO_NULL,
	};
	return check_run("histogram and random numbers", tests);
}
