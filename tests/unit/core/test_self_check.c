// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The self-check at start: it passes every implementation of this CPU and none that is wrong, and
// what it measures it has measured.
#include <errno.h>
#include <string.h>
#include <time.h>

#include "../../../dataplane/self_check.h"
#include "check.h"

static const char *const names[] = {"ref", "avx2", "avx512"};

static const struct fog_crypto_ops *real;

static void bad_hmac(
        unsigned n, uint8_t *const mac[], const uint8_t *const key[], const uint8_t *const msg[],
        size_t len
)
{
	real->hmac(n, mac, key, msg, len);
	mac[n - 1][0] ^= 0x80;
}

static void test_good(void)
{
	char text[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct fog_crypto_ops *ops = fog_crypto_ops_get(names[i]);
		if (ops == NULL)
			continue;
		printf("%s ", names[i]);
		CU_ASSERT_EQUAL(fog_self_check_answers(ops, text, sizeof(text)), 0);
	}
}

// What one wrong bit leads to; that each primitive is looked at is the self-test's own test.
static void test_broken(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[256] = "", want[64];
		real = fog_crypto_ops_get(names[i]);
		if (real == NULL)
			continue;
		struct fog_crypto_ops bad = *real;
		bad.hmac = bad_hmac;
		CU_ASSERT_EQUAL(fog_self_check_answers(&bad, text, sizeof(text)), -EIO);
		snprintf(want, sizeof(want), "hmac of implementation %s gives", names[i]);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, want));
		CU_ASSERT_PTR_NOT_NULL(strstr(text, "--crypto"));
	}
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void test_capacity(void)
{
	struct fog_geometry g;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct fog_crypto_ops *ops = fog_crypto_ops_get(names[i]);
		if (ops == NULL)
			continue;
		for (unsigned batch = 1; batch <= FOG_SPHINX_BATCH_MAX; batch *= 8) {
			CU_ASSERT_EQUAL(fog_geometry_named(&g, "mtu3"), 0);
			uint64_t start = now_ns();
			uint64_t pps = fog_self_check_capacity(ops, &g, batch, 5);
			CU_ASSERT_TRUE(now_ns() - start >= 5000000);
			// A packet takes more than a microsecond and less than ten seconds.
			CU_ASSERT_TRUE(pps > 0 && pps < 1000000);
		}
	}
	CU_ASSERT_EQUAL(fog_geometry_init(&g, 1, 64), 0);
	CU_ASSERT_TRUE(fog_self_check_capacity(fog_crypto_ops_get(NULL), &g, 4, 1) > 0);
}

// Packets that are not opened are no capacity.
static void test_no_capacity(void)
{
	struct fog_geometry g;

	real = fog_crypto_ops_get(NULL);
	struct fog_crypto_ops bad = *real;
	bad.hmac = bad_hmac;
	CU_ASSERT_EQUAL(fog_geometry_named(&g, "mtu"), 0);
	CU_ASSERT_EQUAL(fog_self_check_capacity(&bad, &g, 4, 5), 0);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"every implementation", test_good},
	        {"a broken primitive", test_broken},
	        {"capacity", test_capacity},
	        {"no capacity", test_no_capacity},
	        CU_TEST_INFO_NULL,
	};
	if (fog_crypto_init() < 0)
		return 1;
	return check_run("self-check", tests);
}
