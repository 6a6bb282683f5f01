// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// X25519 of every implementation this CPU can run, against RFC 7748 and libsodium: all batch sizes,
// all lanes, and the points that are not what they should be, among honest ones.
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "../../../dataplane/crypto/ops.h"
#include "tables.h"

enum { MAX = FOG_CRYPTO_BATCH_MAX, SPECIAL_MAX = 64 };

// Results lie in a larger field, so that a write behind the last one is seen.
static uint8_t scalar[MAX][32], point[MAX][32], result[MAX + 1][32];
static uint8_t *out[MAX];
static const uint8_t *scalars[MAX], *points[MAX];

static void pairs_draw(void)
{
	randombytes_buf(scalar, sizeof(scalar));
	randombytes_buf(point, sizeof(point));
}

// On an emulated CPU the honest pairs stay the same: libsodium's answers are most of the work.
static void batch_reset(void)
{
	static uint8_t kept[2][MAX][32];

	if (!check_few() || sodium_is_zero(kept[0][0], 32)) {
		pairs_draw();
		memcpy(kept[0], scalar, sizeof(scalar));
		memcpy(kept[1], point, sizeof(point));
	}
	memcpy(scalar, kept[0], sizeof(scalar));
	memcpy(point, kept[1], sizeof(point));
	for (unsigned i = 0; i < MAX; i++) {
		out[i] = result[i];
		scalars[i] = scalar[i];
		points[i] = point[i];
	}
}

// libsodium's answer for a lane; asked again only when the lane's scalar or point has changed.
static bool answer(unsigned i, uint8_t want[32])
{
	static struct {
		uint8_t scalar[32], point[32], want[32];
		bool known, low;
	} last[MAX];

	if (!last[i].known || memcmp(last[i].scalar, scalar[i], 32) != 0 ||
	    memcmp(last[i].point, point[i], 32) != 0) {
		memcpy(last[i].scalar, scalar[i], 32);
		memcpy(last[i].point, point[i], 32);
		last[i].low = crypto_scalarmult_curve25519(last[i].want, scalar[i], point[i]) != 0;
		if (last[i].low)
			memset(last[i].want, 0, 32);
		last[i].known = true;
	}
	memcpy(want, last[i].want, 32);
	return !last[i].low;
}

// Run a batch and compare results, mask and the bytes behind with libsodium's.
static void batch_check(unsigned n)
{
	uint64_t want_zero = 0, zero;
	unsigned wrong = 0;

	memset(result, 0xee, sizeof(result));
	zero = ops->x25519(n, out, scalars, points);
	for (unsigned i = 0; i < n; i++) {
		uint8_t want[32];

		if (!answer(i, want))
			want_zero |= UINT64_C(1) << i;
		wrong += memcmp(want, result[i], sizeof(want)) != 0;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(zero, want_zero);
	for (unsigned i = 0; i < 32; i++)
		CU_ASSERT_EQUAL(result[n][i], 0xee);
}

static void unhex(uint8_t *bytes, const char *hex)
{
	size_t done;

	CU_ASSERT_EQUAL_FATAL(sodium_hex2bin(bytes, 32, hex, 64, NULL, &done, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(done, 32);
}

// RFC 7748 section 5.2, the two single vectors, in every lane.
static void test_known(void)
{
	static const char *const vector[][3] = {
	        {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
	         "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
	         "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
	        {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
	         "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
	         "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
	};
	uint8_t want[32];

	batch_reset();
	for (unsigned i = 0; i < MAX; i++) {
		unhex(scalar[i], vector[i % 2][0]);
		unhex(point[i], vector[i % 2][1]);
	}
	CU_ASSERT_EQUAL(ops->x25519(MAX, out, scalars, points), 0);
	for (unsigned i = 0; i < MAX; i++) {
		unhex(want, vector[i % 2][2]);
		CU_ASSERT_EQUAL(memcmp(result[i], want, 32), 0);
	}
}

// The iterated vector of section 5.2: 1 and 1,000 rounds. The lanes around run the same iteration
// from other beginnings; at the end all are compared with libsodium. That is after 20 rounds on an
// emulated CPU, where a thousand take as long as half of all else here. Results overwrite the scalars.
static void test_iterated(void)
{
	uint8_t k[9][32] = {{9}}, u[9][32] = {{9}}, last[32], want[32];
	unsigned rounds = check_few() ? 20 : 1000;

	batch_reset();
	for (unsigned i = 1; i < 9; i++) {
		memcpy(k[i], scalar[i], 32);
		memcpy(u[i], point[i], 32);
	}
	memcpy(scalar, k, sizeof(k));
	memcpy(point, u, sizeof(u));
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < 9; i++)
			out[i] = scalar[i];
		memcpy(result, scalar, sizeof(k));
		CU_ASSERT_EQUAL(ops->x25519(9, out, scalars, points), 0);
		memcpy(point, result, sizeof(k));
		if (round == 0) {
			unhex(want,
			      "422c8e7a6227d7bca1350b3e2bb7279f"
			      "7897b87bb6854b783c60e80311ae3079");
			CU_ASSERT_EQUAL(memcmp(scalar[0], want, 32), 0);
		}
	}
	unhex(want, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
	if (rounds == 1000)
		CU_ASSERT_EQUAL(memcmp(scalar[0], want, 32), 0);
	for (unsigned i = 0; i < 9; i++) {
		for (unsigned round = 0; round < rounds; round++) {
			memcpy(last, k[i], 32);
			CU_ASSERT_EQUAL(crypto_scalarmult_curve25519(want, last, u[i]), 0);
			memcpy(k[i], want, 32);
			memcpy(u[i], last, 32);
		}
		CU_ASSERT_EQUAL(memcmp(scalar[i], k[i], 32), 0);
	}
}

// After batches of 'n': every size from 0 to 64. On an emulated CPU up to two groups of eight, and 64.
static unsigned size_next(unsigned n)
{
	if (check_few() && n == 17)
		return MAX;
	return (n + 1) % (MAX + 1);
}

// More than 10,000 random pairs, in batches of every size.
static void test_random(void)
{
	unsigned enough = check_few() ? 1 : 10000;

	for (unsigned pairs = 0, n = 0; pairs < enough || n != 0; n = size_next(n)) {
		batch_reset();
		pairs_draw();
		batch_check(n);
		pairs += n;
	}
}

// Scalars at the ends: all bits, none (clamping sets and clears), one bit at a time.
static void test_scalars(void)
{
	batch_reset();
	memset(scalar, 0, sizeof(scalar));
	memset(scalar[1], 0xff, 32);
	memset(scalar[2], 0xaa, 32);
	memset(scalar[3], 0x55, 32);
	batch_check(4);
	for (unsigned first = 0; first < 256; first += MAX) {
		batch_reset();
		memset(scalar, 0, sizeof(scalar));
		for (unsigned i = 0; i < MAX; i++)
			scalar[i][(first + i) / 8] = 1 << i % 8;
		batch_check(MAX);
	}
}

// 0, 1, p - 5 to 2^255 - 1 (of which those from p on are not canonical) and the points of order
// 8, each with and without bit 255.
static unsigned special_points(uint8_t p[][32])
{
	static const char *const order8[] = {
	        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	};
	unsigned n = 0;

	memset(p, 0, SPECIAL_MAX / 2 * sizeof(p[0]));
	for (unsigned low = 0; low < 2; low++)
		p[n++][0] = low;
	for (unsigned low = 0xe8; low <= 0xff; low++, n++) {
		memset(p[n], 0xff, 32);
		p[n][31] = 0x7f;
		p[n][0] = low;
	}
	for (unsigned i = 0; i < 2; i++)
		unhex(p[n++], order8[i]);
	memcpy(p + n, p, n * sizeof(p[0]));
	for (unsigned i = n; i < 2 * n; i++)
		p[i][31] |= 0x80;
	return 2 * n;
}

// Every special point in every lane of a batch of 64, honest points around it. On an emulated CPU each of
// them in a few lanes.
static void test_special_lanes(void)
{
	uint8_t special[SPECIAL_MAX][32];
	unsigned count = special_points(special), low = 0;

	CU_ASSERT_TRUE_FATAL(count <= SPECIAL_MAX);
	for (unsigned shift = 0; shift < MAX; shift += check_few() ? 5 : 1) {
		batch_reset();
		for (unsigned i = shift % 3; i < MAX; i += 3)
			memcpy(point[i], special[(i + shift) % count], 32);
		batch_check(MAX);
	}
	batch_reset();
	memcpy(point, special, count * 32);
	low = (unsigned)__builtin_popcountll(ops->x25519(count, out, scalars, points));
	CU_ASSERT_EQUAL(low, 14);
}

// One point of low order alone among honest ones, in every lane of every group.
static void test_one_low(void)
{
	for (unsigned lane = 0; lane < MAX; lane++) {
		batch_reset();
		memset(point[lane], 0, 32);
		point[lane][0] = lane % 2;
		batch_check(lane + 1 < 20 ? 20 : lane + 1);
	}
	batch_reset();
	memset(point, 0, sizeof(point));
	batch_check(MAX);
	batch_check(13);
}

// Every subset of the lanes of a group with points of low order, the others honest: all there are in
// groups of one to eight (on an emulated CPU one in five, of eight), alone and behind a full group.
static void test_lane_masks(void)
{
	for (unsigned lanes = check_few() ? 8 : 1; lanes <= 8; lanes++) {
		for (unsigned mask = 0; mask < 1u << lanes; mask += check_few() ? 5 : 1) {
			unsigned first = mask % 3 == 0 ? 8 : 0;

			batch_reset();
			for (unsigned i = 0; i < lanes; i++) {
				if (mask >> i & 1) {
					memset(point[first + i], 0, 32);
					point[first + i][0] = (mask + i) % 2;
				}
			}
			batch_check(first + lanes);
		}
	}
}

// Numbers of long runs of equal bits: limbs that are all ones or all zeros, and carries that walk
// far.
static void runs_fill(uint8_t number[32])
{
	memset(number, 0, 32);
	for (unsigned bit = 0, value = randombytes_uniform(2); bit < 256; value ^= 1) {
		unsigned end = bit + 1 + randombytes_uniform(120);

		for (; bit < end && bit < 256; bit++)
			number[bit / 8] |= (uint8_t)(value << bit % 8);
	}
}

static void test_runs(void)
{
	for (unsigned round = 0; round < (check_few() ? 3 : 50); round++) {
		batch_reset();
		for (unsigned i = 0; i < MAX; i++) {
			runs_fill(scalar[i]);
			runs_fill(point[i]);
		}
		batch_check(MAX);
	}
}

// The fixed base against libsodium's, all batch sizes (on an emulated CPU one in nine), results on
// the scalars and elsewhere.
static void test_base(void)
{
	for (unsigned n = 0; n <= MAX; n += check_few() ? 9 : 1) {
		unsigned wrong = 0;

		batch_reset();
		memset(scalar, n % 2 ? 0 : 0xff, 32);
		memset(result, 0xee, sizeof(result));
		for (unsigned i = 0; i < MAX; i += 2) {
			memcpy(result[i], scalar[i], 32);
			scalars[i] = result[i];
		}
		ops->x25519_base(n, out, scalars);
		for (unsigned i = 0; i < n; i++) {
			uint8_t want[32];

			crypto_scalarmult_curve25519_base(want, scalar[i]);
			wrong += memcmp(want, result[i], 32) != 0;
		}
		for (unsigned i = n % 2 ? n : n + 1; i <= MAX; i += 2)
			wrong += result[i][0] != 0xee || result[i][31] != 0xee;
		CU_ASSERT_EQUAL(wrong, 0);
	}
}

// Results may lie on the points or on the scalars.
static void test_in_place(void)
{
	uint8_t want[MAX][32];

	batch_reset();
	CU_ASSERT_EQUAL(ops->x25519(MAX, out, scalars, points), 0);
	memcpy(want, result, sizeof(want));
	for (unsigned i = 0; i < MAX; i++) {
		memcpy(result[i], i % 2 ? scalar[i] : point[i], 32);
		*(i % 2 ? &scalars[i] : &points[i]) = result[i];
	}
	CU_ASSERT_EQUAL(ops->x25519(MAX, out, scalars, points), 0);
	CU_ASSERT_EQUAL(memcmp(result, want, sizeof(want)), 0);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"RFC 7748, single", test_known},
	        {"RFC 7748, iterated", test_iterated},
	        {"random, all batch sizes", test_random},
	        {"scalars at the ends", test_scalars},
	        {"special points in all lanes", test_special_lanes},
	        {"one point of low order", test_one_low},
	        {"every mask of lanes", test_lane_masks},
	        {"long runs of bits", test_runs},
	        {"in place", test_in_place},
	        {"fixed base", test_base},
	        CU_TEST_INFO_NULL,
	};

	CU_SuiteInfo suites[TABLES + 1] = {0};

	if (fog_crypto_init() < 0)
		return 2;
	tables_suites(tests, suites);
	return check_run_suites(suites);
}
