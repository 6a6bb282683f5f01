// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The VRF: the RFC's examples with every value that they show, and what must be refused.
#include "../../../controlplane/vrf/vrf.h"

#include <errno.h>
#include <sodium.h>

#include "../../../controlplane/vrf/private.h"
#include "vectors.h"

static json_t *examples;

// One example, as bytes.
struct example {
	uint8_t seed[32], key[32], alpha[8], proof[80], beta[64];
	size_t len;
};

static void example_read(const json_t *json, struct example *e)
{
	vectors_bytes(json, "sk", e->seed, 32);
	vectors_bytes(json, "pk", e->key, 32);
	e->len = vectors_bytes(json, "alpha", e->alpha, sizeof(e->alpha));
	vectors_bytes(json, "pi", e->proof, 80);
	vectors_bytes(json, "beta", e->beta, 64);
}

static void refused(const struct example *e, const uint8_t *key, const uint8_t *proof)
{
	uint8_t beta[64] = {0};

	CU_ASSERT_EQUAL(fog_vrf_verify(key, e->alpha, e->len, proof, beta), -EBADMSG);
	CU_ASSERT_TRUE(sodium_is_zero(beta, sizeof(beta)));
}

static void test_examples(void)
{
	json_t *json;
	size_t i;

	CU_ASSERT_EQUAL_FATAL(json_array_size(examples), 3);
	json_array_foreach(examples, i, json)
	{
		struct example e;
		uint8_t proof[80], beta[64];

		example_read(json, &e);
		CU_ASSERT_EQUAL(fog_vrf_prove(e.seed, e.alpha, e.len, proof), 0);
		vectors_same(json, "pi", proof, 80);
		CU_ASSERT_EQUAL(fog_vrf_verify(e.key, e.alpha, e.len, proof, beta), 0);
		vectors_same(json, "beta", beta, 64);
		memset(beta, 0, sizeof(beta));
		CU_ASSERT_EQUAL(fog_vrf_beta(proof, beta), 0);
		vectors_same(json, "beta", beta, 64);
	}
}

static void test_intermediates(void)
{
	json_t *json;
	size_t i;

	json_array_foreach(examples, i, json)
	{
		struct example e;
		uint8_t hash[64], h[32], u[32], v[32], wide[64], k[32], point[32];

		example_read(json, &e);
		CU_ASSERT_EQUAL(
		        vrf_encode_to_curve(e.key, e.alpha, e.len, h),
		        (int)vectors_number(json, "ctr") + 1
		);
		vectors_same(json, "h", h, 32);
		crypto_hash_sha512(hash, e.seed, 32);
		vrf_nonce(hash + 32, h, wide, k);
		vectors_same(json, "k", wide, 64);
		CU_ASSERT_EQUAL(vrf_points(e.key, h, e.proof, u, v), 0);
		vectors_same(json, "u", u, 32);
		vectors_same(json, "v", v, 32);
		CU_ASSERT_EQUAL(crypto_scalarmult_ed25519_base_noclamp(point, k), 0);
		vectors_same(json, "u", point, 32);
		vectors_bytes(json, "x", k, 32);
		CU_ASSERT_EQUAL(crypto_scalarmult_ed25519_base_noclamp(point, k), 0);
		vectors_same(json, "pk", point, 32);
	}
}

// Every byte of proof, key and alpha, with each bit flipped.
static void test_tampered(void)
{
	json_t *json;
	size_t i;

	json_array_foreach(examples, i, json)
	{
		struct example e;
		example_read(json, &e);
		for (unsigned bit = 0; bit < 8 * sizeof(e.proof); bit++) {
			e.proof[bit / 8] ^= 1 << bit % 8;
			refused(&e, e.key, e.proof);
			e.proof[bit / 8] ^= 1 << bit % 8;
		}
		for (unsigned bit = 0; bit < 8 * sizeof(e.key); bit++) {
			e.key[bit / 8] ^= 1 << bit % 8;
			refused(&e, e.key, e.proof);
			e.key[bit / 8] ^= 1 << bit % 8;
		}
		for (unsigned bit = 0; bit < 8 * e.len; bit++) {
			e.alpha[bit / 8] ^= 1 << bit % 8;
			refused(&e, e.key, e.proof);
			e.alpha[bit / 8] ^= 1 << bit % 8;
		}
		e.len++;
		e.alpha[e.len - 1] = 0;
		refused(&e, e.key, e.proof);
	}
}

// s + L fits into 32 bytes and means the same scalar.
static void test_scalar_forms(void)
{
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
	                                  0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
	                                  0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
	uint8_t proof[80];
	struct example e;
	json_t *json;
	size_t i;

	json_array_foreach(examples, i, json)
	{
		example_read(json, &e);
		memcpy(proof, e.proof, 80);
		for (int times = 1; times < 16; times++) {
			sodium_add(proof + 48, order, 32);
			refused(&e, e.key, proof);
		}
		memset(proof + 48, 0, 32);
		refused(&e, e.key, proof);
		memcpy(proof + 48, order, 32);
		refused(&e, e.key, proof);
		memcpy(proof, e.proof, 80);
		memset(proof + 32, 0, 16);
		refused(&e, e.key, proof);
	}
}

// All points of small order (RFC 7748's curve in Edwards form), every form of each: as key, Gamma.
static void test_small_order(void)
{
	static const char *const forms[] = {
	        "0100000000000000000000000000000000000000000000000000000000000000",
	        "0100000000000000000000000000000000000000000000000000000000000080",
	        "0000000000000000000000000000000000000000000000000000000000000000",
	        "0000000000000000000000000000000000000000000000000000000000000080",
	        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	};
	struct example e;

	example_read(json_array_get(examples, 0), &e);
	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		uint8_t point[32], proof[80];
		sodium_hex2bin(point, 32, forms[i], 64, NULL, NULL, NULL);
		memcpy(proof, e.proof, 80);
		memcpy(proof, point, 32);
		refused(&e, e.key, proof);
		refused(&e, point, e.proof);
		refused(&e, point, proof);
	}
}

// y of 2^255 - 19 and more: beta would be the same as that of the short form.
static void test_not_canonical(void)
{
	struct example e;
	uint8_t point[32], beta[64];
	unsigned on_curve = 0;

	example_read(json_array_get(examples, 0), &e);
	for (unsigned low = 0; low < 19; low++) {
		uint8_t y[32] = {(uint8_t)low};
		on_curve += crypto_core_ed25519_add(point, y, y) == 0;
		memset(y, 0xff, 32);
		y[0] = (uint8_t)(0xed + low);
		for (int sign = 0; sign < 2; sign++) {
			y[31] = sign ? 0xff : 0x7f;
			uint8_t proof[80];
			memcpy(proof, e.proof, 80);
			memcpy(proof, y, 32);
			CU_ASSERT_EQUAL(fog_vrf_beta(proof, beta), -EBADMSG);
			refused(&e, e.key, proof);
			refused(&e, y, e.proof);
		}
	}
	CU_ASSERT_TRUE(on_curve > 4);
}

// y just below 2^255 - 19 but for one byte is reduced: such points are taken where the curve has them.
static void test_almost(void)
{
	unsigned taken = 0, wrong = 0;

	for (unsigned at = 0; at < 31; at++) {
		for (unsigned value = 0; value<0xff; value += at> 0 ? 1 : 15) {
			uint8_t proof[80] = {0}, point[32], beta[64];
			memset(proof, 0xff, 32);
			proof[31] = 0x7f;
			proof[0] = (uint8_t)(0xed + value % 19);
			proof[at] = (uint8_t)value;
			if (at == 0 && value >= 0xed)
				continue;
			bool there = crypto_core_ed25519_add(point, proof, proof) == 0;
			taken += there;
			wrong += (fog_vrf_beta(proof, beta) == 0) != there;
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_TRUE(taken > 3000);
}

// Gamma or key plus a point of order 2: on the curve, outside the prime subgroup, and the same beta.
static void test_torsion(void)
{
	static const uint8_t order_two[32] = {[0] = 0xec, [1 ... 30] = 0xff, [31] = 0x7f};
	uint8_t proof[80], key[32], beta[64];
	struct example e;
	json_t *json;
	size_t i;

	json_array_foreach(examples, i, json)
	{
		example_read(json, &e);
		memcpy(proof, e.proof, 80);
		CU_ASSERT_EQUAL(crypto_core_ed25519_add(proof, e.proof, order_two), 0);
		CU_ASSERT_EQUAL(fog_vrf_beta(proof, beta), 0);
		CU_ASSERT_EQUAL(memcmp(beta, e.beta, 64), 0);
		refused(&e, e.key, proof);
		CU_ASSERT_EQUAL(crypto_core_ed25519_add(key, e.key, order_two), 0);
		refused(&e, key, e.proof);
	}
}

int main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {
	        {"the RFC's examples", test_examples},
	        {"their intermediate values", test_intermediates},
	        {"each bit flipped", test_tampered},
	        {"other forms of a scalar", test_scalar_forms},
	        {"points of small order", test_small_order},
	        {"y that isn't reduced", test_not_canonical},
	        {"y that is, hardly", test_almost},
	        {"points outside the subgroup", test_torsion},
	        CU_TEST_INFO_NULL,
	};
	json_t *file = argc > 1 ? json_load_file(argv[1], 0, NULL) : NULL;

	examples = json_object_get(file, "examples");
	if (examples == NULL || sodium_init() < 0)
		return 1;
	int ret = check_run("vrf", tests);
	json_decref(file);
	return ret;
}
