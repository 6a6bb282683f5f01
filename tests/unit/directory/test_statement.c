// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Statements and proofs of equivocation; the beacon; names of refusals.
#include <errno.h>

#include "../../../controlplane/directory/refusals.h"
#include "../../../controlplane/directory/statement.h"
#include "../run.h"
#include "parts.h"

static struct parts_keys liar, other;

static struct fog_statement statement(enum fog_statement_kind kind, uint8_t content)
{
	struct fog_statement s = {.kind = kind, .network = {9}, .epoch = 77};

	memset(s.digest, content, sizeof(s.digest));
	return s;
}

static void test_statement(void)
{
	struct fog_statement s = statement(FOG_STATEMENT_VOTE, 1), t;
	uint8_t signature[64];

	fog_statement_sign(&s, liar.secret, signature);
	CU_ASSERT_EQUAL(fog_statement_verify(&s, liar.identity, signature), 0);
	CU_ASSERT_EQUAL(fog_statement_verify(&s, other.identity, signature), -EKEYREJECTED);
	t = s;
	t.kind = FOG_STATEMENT_CONSENSUS;
	CU_ASSERT_EQUAL(fog_statement_verify(&t, liar.identity, signature), -EKEYREJECTED);
	t = s;
	t.epoch++;
	CU_ASSERT_EQUAL(fog_statement_verify(&t, liar.identity, signature), -EKEYREJECTED);
	t = s;
	t.network[31] ^= 1;
	CU_ASSERT_EQUAL(fog_statement_verify(&t, liar.identity, signature), -EKEYREJECTED);
	t = s;
	t.digest[31] ^= 1;
	CU_ASSERT_EQUAL(fog_statement_verify(&t, liar.identity, signature), -EKEYREJECTED);
}

static struct fog_equivocation lie(enum fog_statement_kind kind, uint8_t one, uint8_t two)
{
	struct fog_equivocation e = {.kind = kind, .network = {9}, .epoch = 77};
	struct fog_statement s[] = {statement(kind, one), statement(kind, two)};

	memcpy(e.identity, liar.identity, 32);
	for (unsigned i = 0; i < 2; i++) {
		memcpy(e.said[i].digest, s[i].digest, 32);
		fog_statement_sign(&s[i], liar.secret, e.said[i].signature);
	}
	return e;
}

static void test_equivocation(void)
{
	for (unsigned kind = FOG_STATEMENT_VOTE; kind <= FOG_STATEMENT_CONSENSUS; kind++) {
		struct fog_equivocation e = lie(kind, 1, 2), back = lie(kind, 2, 1), out;
		uint8_t data[FOG_EQUIVOCATION_LEN + 1] = {0}, again[FOG_EQUIVOCATION_LEN];
		fog_equivocation_put(&e, data);
		// Whatever the order in which they became known, the proof is the same.
		fog_equivocation_put(&back, again);
		CU_ASSERT_EQUAL(memcmp(data, again, sizeof(again)), 0);
		CU_ASSERT_EQUAL(fog_equivocation_open(data, FOG_EQUIVOCATION_LEN, &out), 0);
		CU_ASSERT_EQUAL(memcmp(&out, &e, sizeof(e)), 0);
		for (size_t len = 0; len < FOG_EQUIVOCATION_LEN; len++)
			CU_ASSERT_EQUAL(fog_equivocation_open(data, len, &out), -EBADMSG);
		CU_ASSERT_EQUAL(
		        fog_equivocation_open(data, FOG_EQUIVOCATION_LEN + 1, &out), -EBADMSG
		);
		for (size_t bit = 0; bit < 8 * FOG_EQUIVOCATION_LEN; bit++) {
			data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			CU_ASSERT_TRUE(fog_equivocation_open(data, FOG_EQUIVOCATION_LEN, &out) < 0);
			data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

// Whoever says one thing twice doesn't lie, and nobody else's signature makes a liar.
static void test_no_equivocation(void)
{
	struct fog_equivocation e = lie(FOG_STATEMENT_VOTE, 1, 1), out;
	uint8_t data[FOG_EQUIVOCATION_LEN], swapped[FOG_EQUIVOCATION_LEN];

	fog_equivocation_put(&e, data);
	CU_ASSERT_EQUAL(fog_equivocation_open(data, sizeof(data), &out), -EBADMSG);
	e = lie(FOG_STATEMENT_VOTE, 1, 2);
	fog_equivocation_put(&e, data);
	memcpy(swapped, data, 76);
	memcpy(swapped + 76, data + 172, 96);
	memcpy(swapped + 172, data + 76, 96);
	CU_ASSERT_EQUAL(fog_equivocation_open(swapped, sizeof(data), &out), -EBADMSG);
	memcpy(e.identity, other.identity, 32);
	fog_equivocation_put(&e, data);
	CU_ASSERT_EQUAL(fog_equivocation_open(data, sizeof(data), &out), -EKEYREJECTED);
}

static void test_beacon(void)
{
	uint8_t network[32] = {1}, before[32] = {2}, betas[4][64], turned[4][64], a[32], b[32];

	randombytes_buf(betas, sizeof(betas));
	for (unsigned i = 0; i < 4; i++)
		memcpy(turned[i], betas[3 - i], 64);
	fog_beacon_next(network, 5, before, betas, 4, a);
	fog_beacon_next(network, 5, before, turned, 4, b);
	CU_ASSERT_EQUAL(memcmp(a, b, 32), 0);
	// Everything in it counts.
	fog_beacon_next(network, 5, before, betas, 3, b);
	CU_ASSERT_NOT_EQUAL(memcmp(a, b, 32), 0);
	fog_beacon_next(network, 6, before, betas, 4, b);
	CU_ASSERT_NOT_EQUAL(memcmp(a, b, 32), 0);
	before[31] = 1;
	fog_beacon_next(network, 5, before, betas, 4, b);
	CU_ASSERT_NOT_EQUAL(memcmp(a, b, 32), 0);
}

static void test_beacon_extend(void)
{
	uint8_t network[32] = {1}, before[32] = {2}, step[32], out[32];

	memcpy(step, before, 32);
	for (uint64_t epoch = 5; epoch < 15; epoch++) {
		fog_beacon_extend(network, 5, before, epoch, out);
		CU_ASSERT_EQUAL(memcmp(step, out, 32), 0);
		fog_beacon_next(network, epoch + 1, step, NULL, 0, step);
	}
}

static void test_refusals(void)
{
	for (unsigned i = 0; i < FOG_REFUSAL_COUNT; i++) {
		CU_ASSERT_TRUE(strlen(fog_refusal_label(i)) > 1);
		CU_ASSERT_TRUE(strlen(fog_refusal_text(i)) > 1);
		for (unsigned k = 0; k < i; k++)
			CU_ASSERT_NOT_EQUAL(strcmp(fog_refusal_label(i), fog_refusal_label(k)), 0);
	}
	CU_ASSERT_STRING_EQUAL(fog_refusal_label(FOG_REFUSAL_NONE), "ok");
	CU_ASSERT_STRING_EQUAL(fog_refusal_label(FOG_REFUSAL_VRF_PROOF), "no_vrf_proof");
	CU_ASSERT_STRING_EQUAL(fog_refusal_label(FOG_REFUSAL_COUNT), "?");
	CU_ASSERT_STRING_EQUAL(fog_refusal_label((enum fog_refusal) - 1), "?");
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"statements", test_statement},
	        {"equivocation", test_equivocation},
	        {"no equivocation", test_no_equivocation},
	        {"the beacon doesn't depend on order", test_beacon},
	        {"a beacon goes on without authorities", test_beacon_extend},
	        {"names of refusals", test_refusals},
	        CU_TEST_INFO_NULL,
	};

	if (sodium_init() < 0)
		return 1;
	parts_keys_make(&liar, 1, 1);
	parts_keys_make(&other, 1, 2);
	return check_run("statements", tests);
}
