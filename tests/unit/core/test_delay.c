// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Owed delays: the vectors that delay_check.py computes from the definition, the law of 100,000
// samples (Kolmogorov-Smirnov), and the borders.
#include "crypto/delay.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static const char *vectors_path;

static uint64_t hex64(const json_t *object, const char *key)
{
	return strtoull(json_string_value(json_object_get(object, key)), NULL, 16);
}

static uint32_t number(const json_t *object, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(object, key));
}

static void bytes(const json_t *object, const char *key, uint8_t *out, size_t len)
{
	const char *hex = json_string_value(json_object_get(object, key));

	CU_ASSERT_EQUAL_FATAL(strlen(hex), 2 * len);
	for (size_t i = 0; i < len; i++)
		CU_ASSERT_EQUAL_FATAL(sscanf(hex + 2 * i, "%2hhx", &out[i]), 1);
}

static void test_vectors(void)
{
	json_t *file = json_load_file(vectors_path, 0, NULL), *law_json, *item;
	size_t i, k, quantiles = 0, owed = 0;
	struct fog_aes_key key;
	uint8_t delay_key[32], tag[32];

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	bytes(file, "delay_key", delay_key, sizeof(delay_key));
	CU_ASSERT_EQUAL_FATAL(fog_aes_key_init(&key, delay_key, sizeof(delay_key)), 0);
	json_array_foreach(json_object_get(file, "laws"), i, law_json)
	{
		struct fog_delay_law law;
		CU_ASSERT_EQUAL_FATAL(
		        fog_delay_law_init(
		                &law, number(law_json, "mean_us"), number(law_json, "max_us"),
		                number(law_json, "cap_ms")
		        ),
		        0
		);
		CU_ASSERT_EQUAL(law.scale, hex64(law_json, "scale"));
		json_array_foreach(json_object_get(law_json, "quantile"), k, item)
		{
			CU_ASSERT_EQUAL(
			        fog_delay_quantile(&law, hex64(item, "u")), number(item, "us")
			);
			quantiles++;
		}
		json_array_foreach(json_object_get(law_json, "owed"), k, item)
		{
			bytes(item, "tag", tag, sizeof(tag));
			CU_ASSERT_EQUAL(fog_delay_uniform(&key, tag), hex64(item, "uniform"));
			CU_ASSERT_EQUAL(
			        fog_delay_owed(&law, &key, tag, number(item, "node_delay_ms")),
			        (uint64_t)json_integer_value(json_object_get(item, "us"))
			);
			owed++;
		}
	}
	CU_ASSERT(quantiles > 100);
	CU_ASSERT(owed > 20);
	json_decref(file);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

// The delays that a node owes for 100,000 different tags follow the truncated exponential law.
static void test_law(void)
{
	enum {
		N = 100000,
	};

	static const uint32_t mean_max[][2] = {
	        {50000, 500000}, {10000000, 60000000}, {1000000, 1000000}};
	static double sample[N];
	const uint8_t delay_key[32] = "a fixed seed";
	struct fog_aes_key key;

	fog_aes_key_init(&key, delay_key, sizeof(delay_key));
	for (unsigned l = 0; l < sizeof(mean_max) / sizeof(mean_max[0]); l++) {
		double mean = mean_max[l][0], max = mean_max[l][1], worst = 0;
		struct fog_delay_law law;
		fog_delay_law_init(&law, mean_max[l][0], mean_max[l][1], 0);
		for (uint32_t i = 0; i < N; i++) {
			uint8_t tag[32] = {0};
			memcpy(tag, &i, sizeof(i));
			sample[i] = (double)fog_delay_owed(&law, &key, tag, 1000);
		}
		qsort(sample, N, sizeof(sample[0]), by_value);
		for (unsigned i = 0; i < N; i++) {
			double law_at = -expm1(-sample[i] / mean) / -expm1(-max / mean);
			worst = fmax(worst, fabs(law_at - (double)i / N));
			worst = fmax(worst, fabs((i + 1.0) / N - law_at));
		}
		printf("D * sqrt(N) = %.3f, limit 1.950 ... ", worst * sqrt(N));
		CU_ASSERT(worst * sqrt(N) < 1.950); // alpha 0.001
		CU_ASSERT(sample[N - 1] <= max);
	}
}

static void test_monotone(void)
{
	struct fog_delay_law law;
	uint64_t rng = 7;

	fog_delay_law_init(&law, 10000000, 100000000, 0);
	// Runs of neighbours anywhere, and across the seams of octaves and table steps.
	for (unsigned run = 0; run < 20000; run++) {
		uint64_t u = check_random(&rng);
		if (run % 2 == 0)
			u = -(UINT64_C(1) << (u % 64)) +
			        (u >> 32) % 4096 * (UINT64_C(1) << (u % 53)) / 2;
		uint64_t step = UINT64_C(1) << (run % 50);
		uint32_t before = fog_delay_quantile(&law, u);
		for (unsigned i = 0; i < 16 && u <= UINT64_MAX - step; i++) {
			u += step;
			uint32_t here = fog_delay_quantile(&law, u);
			CU_ASSERT_FATAL(here >= before);
			before = here;
		}
	}
}

static void test_borders(void)
{
	struct fog_delay_law law;
	struct fog_aes_key key;
	const uint8_t tag[32] = {1};

	CU_ASSERT_EQUAL(fog_delay_law_init(&law, 0, 1000, 0), -EINVAL);
	CU_ASSERT_EQUAL(fog_delay_law_init(&law, 1001, 1000, 0), -EINVAL);
	CU_ASSERT_EQUAL(fog_delay_law_init(&law, 1, 3600000001u, 0), -EINVAL);
	CU_ASSERT_EQUAL(fog_delay_law_init(&law, 1, 3600000000u, 0), 0);
	CU_ASSERT_EQUAL(fog_delay_quantile(&law, 0), 0);
	CU_ASSERT_EQUAL(fog_delay_quantile(&law, UINT64_MAX), 44); // 64 ln 2
	CU_ASSERT_EQUAL(fog_delay_law_init(&law, 3600000000u, 3600000000u, UINT32_MAX), 0);
	CU_ASSERT_EQUAL(fog_delay_quantile(&law, 0), 0);
	CU_ASSERT_EQUAL(fog_delay_quantile(&law, UINT64_MAX), 3600000000u);

	fog_aes_key_init(&key, (const uint8_t[32]){0}, 32);
	fog_delay_law_init(&law, 1000, 5000, 250);
	uint64_t own = fog_delay_owed(&law, &key, tag, 0);
	CU_ASSERT_EQUAL(fog_delay_owed(&law, &key, tag, 249), own + 249000);
	CU_ASSERT_EQUAL(fog_delay_owed(&law, &key, tag, UINT32_MAX), own + 250000);
	fog_delay_law_init(&law, 1000, 5000, UINT32_MAX);
	CU_ASSERT_EQUAL(fog_delay_owed(&law, &key, tag, UINT32_MAX), own + UINT64_C(4294967295000));
}

// A batch owes each packet what it is owed alone.
static void test_batch(void)
{
	enum {
		MAX = 40,
	};

	uint8_t tag[MAX][32];
	const uint8_t *from[MAX];
	uint32_t sender_ms[MAX];
	uint64_t owed[MAX + 1], rng = 5;
	struct fog_delay_law law;
	struct fog_aes_key key;

	fog_aes_key_init(&key, (const uint8_t[32]){1}, 32);
	fog_delay_law_init(&law, 50000, 500000, 100);
	for (unsigned i = 0; i < MAX; i++) {
		for (unsigned k = 0; k < sizeof(tag[0]); k++)
			tag[i][k] = (uint8_t)check_random(&rng);
		from[i] = tag[i];
		sender_ms[i] = (uint32_t)check_random(&rng) % 200;
	}
	for (unsigned n = 0; n <= MAX; n++) {
		owed[n] = 1;
		fog_delay_owed_batch(&law, &key, n, from, sender_ms, owed);
		for (unsigned i = 0; i < n; i++)
			CU_ASSERT_EQUAL(owed[i], fog_delay_owed(&law, &key, tag[i], sender_ms[i]));
		CU_ASSERT_EQUAL(owed[n], 1);
	}
}

int main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {
	        {"vectors", test_vectors},   {"Kolmogorov-Smirnov on 100,000", test_law},
	        {"monotone", test_monotone}, {"borders and the sender's part", test_borders},
	        {"batches", test_batch},     CU_TEST_INFO_NULL,
	};
	if (argc != 2) {
		fprintf(stderr, "usage: test_delay VECTORS\n");
		return 2;
	}
	vectors_path = argv[1];
	return check_run("delay", tests);
}
