// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// No branch and no address depends on a secret: memcheck is told that scalars are undefined, follows
// what is computed from them, and reports every jump and every access that they decide. The program
// starts itself again under valgrind. Two leaks on purpose show that memcheck would see one.
//
// What an implementation says about its results is public by contract, so ref is left out: it
// branches on libsodium's word that a result is zero. valgrind knows no AVX-512.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <valgrind/memcheck.h>

#include "../../../dataplane/crypto/ops.h"
#include "../run.h"

enum { MAX = FOG_CRYPTO_BATCH_MAX, SKIPPED = 77 };

static const struct fog_crypto_ops *ops;
static uint8_t scalar[MAX][32], point[MAX][32], result[MAX][32];
static uint8_t *out[MAX];
static const uint8_t *scalars[MAX], *points[MAX];

static void secrets_reset(void)
{
	randombytes_buf(scalar, sizeof(scalar));
	randombytes_buf(point, sizeof(point));
	memset(point[3], 0, 32); // a point of low order among them
	for (unsigned i = 0; i < MAX; i++) {
		out[i] = result[i];
		scalars[i] = scalar[i];
		points[i] = point[i];
	}
	(void)VALGRIND_MAKE_MEM_UNDEFINED(scalar, sizeof(scalar));
}

static unsigned errors_now(void)
{
	return VALGRIND_COUNT_ERRORS;
}

// volatile and the nop keep the compiler from doing without the jump.
static void test_branch_seen(void)
{
	unsigned before = errors_now();

	secrets_reset();
	if (*(volatile uint8_t *)&scalar[5][0] & 1)
		__asm__ volatile("nop");
	CU_ASSERT_NOT_EQUAL(errors_now(), before);
}

static void test_index_seen(void)
{
	static const volatile uint8_t table[256];
	static volatile uint8_t sink; // valgrind leaves out loads that nobody needs
	unsigned before = errors_now();

	secrets_reset();
	sink = table[*(volatile uint8_t *)&scalar[7][31]];
	CU_ASSERT_NOT_EQUAL(errors_now(), before);
	(void)sink;
}

// Undefined bits must also arrive: a multiplication whose result doesn't depend on the scalar would
// pass everything.
static void results_check(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t bits[32] = {0};
		unsigned undefined = 0;

		CU_ASSERT_EQUAL(VALGRIND_GET_VBITS(result[i], bits, 32), 1);
		for (unsigned j = 0; j < 32; j++)
			undefined += bits[j] != 0;
		CU_ASSERT_EQUAL(undefined, 32);
	}
}

static void test_x25519(void)
{
	static const unsigned sizes[] = {1, 4, 7, MAX};

	for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		unsigned before = errors_now();

		secrets_reset();
		ops->x25519(sizes[s], out, scalars, points);
		CU_ASSERT_EQUAL(errors_now(), before);
		results_check(sizes[s]);
	}
}

static void test_x25519_base(void)
{
	unsigned before = errors_now();

	secrets_reset();
	ops->x25519_base(5, out, scalars);
	CU_ASSERT_EQUAL(errors_now(), before);
	results_check(5);
}

int main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {
	        {"memcheck sees a secret branch", test_branch_seen},
	        {"memcheck sees a secret index", test_index_seen},
	        {"x25519", test_x25519},
	        {"x25519_base", test_x25519_base},
	        CU_TEST_INFO_NULL,
	};

	if (!RUNNING_ON_VALGRIND) {
		execlp("valgrind", "valgrind", "--quiet", argv[0], (char *)NULL);
		fprintf(stderr, "valgrind: %s; install it\n", strerror(errno));
		return 1;
	}
	if (fog_crypto_init() < 0)
		return 1;
	ops = fog_crypto_ops_get("avx2");
	if (ops == NULL) {
		printf("no AVX2 on this CPU\n");
		return SKIPPED;
	}
	printf("The first two errors that memcheck reports are leaks on purpose.\n");
	return check_run("secrets", tests);
}
