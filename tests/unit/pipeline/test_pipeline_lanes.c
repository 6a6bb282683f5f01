// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How packets share the calls of X25519: whole widths at once, partial ones after the hold, key
// agreements and blindings together. The implementation is the reference under a width of four, its
// calls counted.
#include <errno.h>
#include <rte_cycles.h>
#include <sodium.h>

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
	r->w->call_lanes = 2 * WIDTH;
	for (unsigned i = 0; i < 2; i++)
		r->w->chunks[i].sphinx.ops = &wide;
	calls = 0;
	return r;
}

// Made by another implementation object, so that only the worker's calls are counted.
static void put_to(struct rig *r, int next)
{
	uint8_t packet[MTU_PACKET];

	r->w->crypto = ref;
	rig_packet(r, next, packet);
	r->w->crypto = &wide;
	rig_put_packet(r, packet);
}

static void put(struct rig *r, unsigned n)
{
	while (n-- > 0)
		put_to(r, 1);
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

// Rounds until one works: it holds while the hold lasts, which began at 'since', and no longer.
// However slow the machine is, a round decides between the two readings of the clock around it.
static void hold_expect(struct rig *r, uint64_t since)
{
	enum fog_round round = FOG_ROUND_HOLDING;

	while (round == FOG_ROUND_HOLDING) {
		uint64_t before = rte_rdtsc();
		round = round_run(r);
		uint64_t after = rte_rdtsc();
		if (round == FOG_ROUND_HOLDING) {
			CU_ASSERT_FATAL(before - since < r->w->hold);
		} else {
			CU_ASSERT(after - since >= r->w->hold);
		}
	}
	CU_ASSERT_EQUAL(round, FOG_ROUND_WORKED);
}

// The hold is as long as it says, counted from the arrival, and then from the end of the opening.
static void test_hold(void)
{
	struct rig *r = rig_wide(RIG_LONG_DELAY);

	CU_ASSERT_EQUAL(r->w->hold, FOG_HOLD_US * rte_get_tsc_hz() / 1000000);
	r->w->hold = NEVER;
	put(r, 1);
	CU_ASSERT_EQUAL(round_run(r), FOG_ROUND_WORKED);
	CU_ASSERT_EQUAL(calls, 0);
	r->w->hold = rte_get_tsc_hz() / 20;
	hold_expect(r, fog_pkt(r->w->ready[0])->arrival);
	CU_ASSERT_EQUAL(calls, 1);
	CU_ASSERT_EQUAL_FATAL(r->w->opened->waiting, 1);
	hold_expect(r, r->w->opened->since);
	CU_ASSERT_EQUAL(calls, 2);
	CU_ASSERT_EQUAL(rig_snapshot(r)->parked, 1);
	rig_destroy(r);
}

// What each packet of a full chunk is given: no less than it is owed, and at least a tick.
static void due_expect(struct rig *r, bool short_law)
{
	r->w->hold = NEVER;
	put(r, WIDTH);
	round_run(r);
	CU_ASSERT_EQUAL_FATAL(r->w->opened->waiting, WIDTH);
	for (unsigned i = 0; i < WIDTH; i++) {
		const struct fog_pkt *pkt = fog_pkt(r->w->opened->mbuf[i]);
		uint64_t tick = fog_calendar_tick(r->w->calendar), wait = pkt->due - pkt->arrival;
		uint64_t us = fog_delay_owed(
		        &r->conf->law, &r->key->delay, fog_sphinx_replay_tag(&r->w->opened->hop[i]),
		        0
		);
		CU_ASSERT(wait >= tick);
		CU_ASSERT(wait * 1000000 >= us * r->w->tsc_hz);
		if (short_law)
			CU_ASSERT_EQUAL(wait, tick);
	}
	rig_destroy(r);
}

static void test_due(void)
{
	due_expect(rig_wide(RIG_SLOW), false);
	struct rig *r = rig_wide(0);
	r->blob->run.delay_mean_us = r->blob->run.delay_max_us = 1;
	rig_configure(r, RIG_NODES, RIG_NODES);
	due_expect(r, true);
}

// Whether nothing of packet 'i' is left in a chunk.
static bool wiped(const struct fog_chunk *c, unsigned i)
{
	return sodium_is_zero((const uint8_t *)&c->hop[i], sizeof(c->hop[i])) &&
	        sodium_is_zero((const uint8_t *)&c->route[i], sizeof(c->route[i])) &&
	        sodium_is_zero((const uint8_t *)&c->place[i], sizeof(c->place[i]));
}

static unsigned wiped_count(const struct fog_chunk *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FOG_CHUNK_MAX; i++)
		n += wiped(c, i);
	return n;
}

// A packet's secrets go with it: at the end of the opening, or when it is parked.
static void test_wiped(void)
{
	struct rig *r = rig_wide(RIG_LONG_DELAY);
	const struct fog_chunk *c = r->w->chunks;

	r->w->hold = NEVER;
	put_to(r, 1);
	put_to(r, 0);
	put_to(r, 1);
	put_to(r, 0);
	round_run(r);
	CU_ASSERT_EQUAL(calls, 1);
	CU_ASSERT_EQUAL_FATAL(r->w->opened->waiting, 2);
	for (unsigned i = 0; i < WIDTH; i++)
		CU_ASSERT_EQUAL(wiped(r->w->opened, i), i % 2 == 1);
	CU_ASSERT_EQUAL(wiped_count(r->w->fresh), FOG_CHUNK_MAX);
	r->w->hold = 0;
	round_run(r);
	CU_ASSERT_EQUAL(rig_snapshot(r)->parked, 2);
	CU_ASSERT_EQUAL(wiped_count(&c[0]) + wiped_count(&c[1]), 2 * FOG_CHUNK_MAX);
	// Nothing waits for a blinding, so the worker may idle from now on.
	r->w->hold = NEVER;
	for (unsigned i = 0; i < WIDTH; i++)
		put_to(r, 0);
	round_run(r);
	CU_ASSERT_EQUAL(rig_snapshot(r)->delivered, 2 + WIDTH);
	CU_ASSERT_EQUAL(r->w->opened->sphinx.n, 0);
	CU_ASSERT_EQUAL(round_run(r), FOG_ROUND_DRY);
	CU_ASSERT_EQUAL(wiped_count(&c[0]) + wiped_count(&c[1]), 2 * FOG_CHUNK_MAX);
	rig_destroy(r);
}

// A chunk must be able to fill the lanes, and a call to hold two chunks.
static void test_width_refused(void)
{
	struct rig *r = rig_create(0, 64);
	struct fog_worker *w = aligned_alloc(FOG_CACHE_LINE, (sizeof(*w) + 127u) & ~(size_t)127);

	memset(w, 0, sizeof(*w));
	w->tsc_hz = rte_get_tsc_hz();
	w->shared = r->shared;
	w->pool = r->w->pool;
	wide = *r->w->crypto;
	w->crypto = &wide;
	wide.width = 2 * FOG_CHUNK_MAX;
	CU_ASSERT_EQUAL(fog_worker_init(w, 64, 64), -EINVAL);
	wide.width = FOG_CRYPTO_BATCH_MAX;
	CU_ASSERT_EQUAL(fog_worker_init(w, 64, 64), -EINVAL);
	CU_ASSERT_PTR_NULL(w->calendar);
	wide.width = FOG_CHUNK_MAX;
	CU_ASSERT_EQUAL(fog_worker_init(w, 64, 64), 0);
	fog_worker_fini(w);
	free(w);
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

// Where two widths take too long, blindings and keys take turns.
static void test_one_width(void)
{
	struct rig *r = rig_wide(RIG_LONG_DELAY);

	r->w->hold = NEVER;
	r->w->call_lanes = WIDTH;
	put(r, 2 * WIDTH);
	for (int i = 0; i < 10; i++)
		round_run(r);
	CU_ASSERT_EQUAL(calls, 4);
	for (unsigned i = 0; i < calls; i++)
		CU_ASSERT_EQUAL(lanes[i], WIDTH);
	CU_ASSERT_EQUAL(rig_snapshot(r)->parked, 2 * WIDTH);
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
	CU_add_test(s, "no less than what is owed, at least a tick", test_due);
	CU_add_test(s, "secrets go with their packet", test_wiped);
	CU_add_test(s, "lanes that don't fit a chunk", test_width_refused);
	CU_add_test(s, "whole widths, shared by two chunks", test_shared);
	CU_add_test(s, "one width a call", test_one_width);
	CU_add_test(s, "what waits at the end is accounted for", test_shutdown);
	return check_run_registered();
}
