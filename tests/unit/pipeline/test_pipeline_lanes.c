// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How packets share the calls of X25519: whole widths at once, partial ones after the hold, key
// agreements and blindings together. The implementation is the reference under a width of four, its
// calls counted.
#include <rte_cycles.h>

#include "../run.h"
#include "rig.h"

enum { WIDTH = 4, MTU_PACKET = 1408, NEVER = INT32_MAX };

static struct fog_crypto_ops wide;
static const struct fog_crypto_ops *ref;
static unsigned calls, lanes[64];

static uint64_t x25519_counted(
        unsigned n, uint8_t *const out[], const uint8_t *const scalar[],
        const uint8_t *const point[]
)
{
	lanes[calls++ % 64] = n;
	return ref->x25519(n, out, scalar, point);
}

static struct rig *rig_wide(unsigned flags)
{
	struct rig *r = rig_create(flags, 64);

	ref = fog_crypto_ops_get("ref");
	wide = *ref;
	wide.width = WIDTH;
	wide.x25519 = x25519_counted;
	r->w->crypto = &wide;
	r->w->chunk_size = WIDTH;
	for (unsigned i = 0; i < 2; i++)
		r->w->chunks[i].sphinx.ops = &wide;
	calls = 0;
	return r;
}

// Made by another implementation object, so that only the worker's calls are counted.
static void put(struct rig *r, unsigned n)
{
	uint8_t packet[MTU_PACKET];

	while (n-- > 0) {
		r->w->crypto = ref;
		rig_packet(r, 1, packet);
		r->w->crypto = &wide;
		rig_put_packet(r, packet);
	}
}

static enum fog_round round_run(struct rig *r)
{
	return fog_worker_round(r->w, rte_rdtsc());
}

// Fewer packets than lanes wait, first for their key, then for their blinding.
static void test_partial(void)
{
	struct rig *r = rig_wide(RIG_LONG_DELAY);

	r->w->hold = NEVER;
	put(r, WIDTH - 1);
	CU_ASSERT_EQUAL(round_run(r), FOG_ROUND_WORKED); // they were received
	for (int i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(round_run(r), FOG_ROUND_HOLDING);
	CU_ASSERT_EQUAL(calls, 0);
	CU_ASSERT_EQUAL(rig_snapshot(r)->in_batch, WIDTH - 1);
	r->w->hold = 0;
	CU_ASSERT_EQUAL(round_run(r), FOG_ROUND_WORKED);
	r->w->hold = NEVER;
	CU_ASSERT_EQUAL(round_run(r), FOG_ROUND_HOLDING);
	CU_ASSERT_EQUAL(calls, 1);
	CU_ASSERT_EQUAL(lanes[0], WIDTH - 1);
	CU_ASSERT_EQUAL(rig_snapshot(r)->in_batch, WIDTH - 1);
	r->w->hold = 0;
	CU_ASSERT_EQUAL(round_run(r), FOG_ROUND_WORKED);
	CU_ASSERT_EQUAL(calls, 2);
	CU_ASSERT_EQUAL(rig_snapshot(r)->parked, WIDTH - 1);
	CU_ASSERT_EQUAL(round_run(r), FOG_ROUND_DRY);
	rig_destroy(r);
}

// The hold is as long as it says, counted from the arrival.
static void test_hold(void)
{
	struct rig *r = rig_wide(RIG_LONG_DELAY);

	CU_ASSERT_EQUAL(r->w->hold, FOG_HOLD_US * rte_get_tsc_hz() / 1000000);
	put(r, 1);
	round_run(r);
	if (calls == 0) {
		uint64_t arrival = fog_pkt(r->w->ready[0])->arrival;
		while (round_run(r) == FOG_ROUND_HOLDING)
			continue;
		CU_ASSERT(rte_rdtsc() - arrival >= r->w->hold);
	}
	CU_ASSERT_EQUAL(calls, 1);
	rig_destroy(r);
}

// Whole widths don't wait, and one call serves the keys of one chunk and the blindings of another.
static void test_shared(void)
{
	struct rig *r = rig_wide(RIG_LONG_DELAY);

	r->w->hold = NEVER;
	put(r, 2 * WIDTH + 1);
	for (int i = 0; i < 10; i++)
		round_run(r);
	CU_ASSERT_EQUAL(calls, 3);
	CU_ASSERT_EQUAL(lanes[0], WIDTH); // keys
	CU_ASSERT_EQUAL(lanes[1], 2 * WIDTH); // keys and blindings
	CU_ASSERT_EQUAL(lanes[2], WIDTH); // blindings; one packet is left alone
	CU_ASSERT_EQUAL(r->w->ready_n, 1);
	CU_ASSERT_EQUAL(rig_snapshot(r)->parked, 2 * WIDTH);
	rig_destroy(r);

	// Three blindings leave one lane for a key.
	r = rig_wide(RIG_LONG_DELAY);
	put(r, WIDTH - 1);
	r->w->hold = 0;
	round_run(r);
	r->w->hold = NEVER;
	put(r, 2);
	for (int i = 0; i < 10; i++)
		round_run(r);
	CU_ASSERT_EQUAL(calls, 2);
	CU_ASSERT_EQUAL(lanes[1], WIDTH);
	CU_ASSERT_EQUAL(r->w->ready_n, 1);
	CU_ASSERT_EQUAL(r->w->opened->waiting, 1);
	rig_destroy(r);
}

// What is given up at the end is in the books and in no pool's debt (rig_destroy checks it).
static void test_shutdown(void)
{
	struct rig *r = rig_wide(RIG_LONG_DELAY);

	r->w->hold = NEVER;
	put(r, WIDTH + 1);
	round_run(r);
	CU_ASSERT_EQUAL(r->w->opened->waiting, WIDTH);
	CU_ASSERT_EQUAL(r->w->ready_n, 1);
	fog_worker_fini(r->w);
	CU_ASSERT_EQUAL(fog_books_gap(&r->shared->counters), 0);
	CU_ASSERT_EQUAL(r->shared->counters.drop[FOG_DROP_SHUTDOWN], WIDTH + 1);
	CU_ASSERT_EQUAL(r->shared->counters.in_batch, 0);
	rig_destroy(r);
}

int main(void)
{
	if (rig_global_init("fogt-lanes") < 0 || CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	CU_pSuite s = CU_add_suite("lanes", NULL, NULL);
	CU_add_test(s, "partial batches wait", test_partial);
	CU_add_test(s, "for no longer than the hold", test_hold);
	CU_add_test(s, "whole widths, shared by two chunks", test_shared);
	CU_add_test(s, "what waits at the end is accounted for", test_shutdown);
	return check_run_registered();
}
