// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Cover traffic of a worker, by a simulated clock.
#include "../../../dataplane/cover.h"

#include <rte_cycles.h>

#include "../../../drivers/port_ops.h"
#include "../run.h"
#include "link_pair.h"

enum { DRAWS = 10000, MEAN_US = 1000 };

static uint64_t due_at[DRAWS], sent_at[DRAWS];

static struct pair *pair_ready(void)
{
	struct pair *p = pair_create();

	pair_nothing(p->a, p->a_index, p->b);
	return p;
}

// Rates, and clocks that begin anew with this stream at 'now'.
static void start(
        struct rig *r, uint8_t seed, uint64_t now, uint64_t cover_us, uint64_t dummy_us,
        uint32_t cap
)
{
	struct fog_cover *c = r->w->cover;
	uint8_t key[32] = {seed};

	r->blob->run.cover_us = cover_us;
	r->blob->run.dummy_us = dummy_us;
	r->blob->run.cover_rate_max = cap;
	rig_configure(r, RIG_NODES, RIG_NODES);
	rig_run(r, NULL, NULL); // the worker has this configuration
	fog_random_init(&c->clock, key);
	memset(&c->law, 0, sizeof(c->law));
	c->due[0] = c->due[1] = UINT64_MAX;
	stage_cover_follow(r->w, now);
}

static void flush(struct rig *r)
{
	struct rte_mbuf *m[FOG_BURST];
	unsigned n;

	stage_tx(r->w);
	while ((n = fog_loop_take(r->port, 0, m, FOG_BURST)) > 0)
		rte_pktmbuf_free_bulk(m, n);
}

static void put(struct rig *r, uint8_t epoch, uint8_t number)
{
	static uint8_t packet[2048];
	struct fog_inject in = {.epoch = epoch, .data_len = r->w->geo.packet_len};

	memcpy(in.next_hop, r->id[1], sizeof(in.next_hop));
	packet[100] = number;
	r->w->count.injected++;
	stage_cover_put(r->w, &in, packet);
}

static uint64_t left(const struct rig *r)
{
	return r->w->count.cover_sent + r->w->count.dummies;
}

// DRAWS turns of the stock's clock. 'fill': there is always something in the stock.
static void play(struct rig *r, uint64_t now, bool fill)
{
	struct fog_cover *c = r->w->cover;

	start(r, 7, now, MEAN_US, 0, 0);
	for (unsigned i = 0; i < DRAWS;) {
		if (fill && c->n < FOG_COVER_TURNS)
			for (unsigned k = 0; k < FOG_COVER_TURNS; k++)
				put(r, PAIR_EPOCH, 0);
		uint64_t before = left(r), due = c->due[0], at = c->next;
		CU_ASSERT_EQUAL_FATAL(stage_release(r->w, at - 1), 0); // never early
		CU_ASSERT_TRUE_FATAL(stage_release(r->w, at) > 0);
		for (uint64_t n = left(r) - before; n > 0 && i < DRAWS; n--, i++) {
			due_at[i] = due; // of the first of them
			sent_at[i] = at;
		}
		flush(r);
	}
	CU_ASSERT_EQUAL(rig_snapshot(r)->drop[FOG_DROP_COVER_OLD], 0);
}

// What leaves and what the stock holds moves no clock.
static void test_independent(void)
{
	static uint64_t first_due[DRAWS], first_sent[DRAWS];
	struct pair *p = pair_ready();
	uint64_t now = rte_rdtsc() + p->a->w->tsc_hz;

	play(p->a, now, false);
	CU_ASSERT_TRUE(p->a->w->count.cover_starved >= DRAWS);
	CU_ASSERT_EQUAL(p->a->w->count.cover_sent, 0);
	memcpy(first_due, due_at, sizeof(due_at));
	memcpy(first_sent, sent_at, sizeof(sent_at));
	uint64_t starved = p->a->w->count.cover_starved;
	play(p->a, now, true);
	CU_ASSERT_TRUE(p->a->w->count.cover_sent >= DRAWS);
	CU_ASSERT_EQUAL(p->a->w->count.cover_starved, starved);
	CU_ASSERT_EQUAL(memcmp(first_due, due_at, sizeof(due_at)), 0);
	CU_ASSERT_EQUAL(memcmp(first_sent, sent_at, sizeof(sent_at)), 0);
	pair_destroy(p);
}

// Gaps of the exponential law: beyond k times the half-life there are 2^-k of them, to within 5 sigma.
static void test_law(void)
{
	enum { LONG_US = 100000, HALVES = 8 };

	const double half = 0.69314718055994531;
	struct pair *p = pair_ready();
	struct fog_cover *c = p->a->w->cover;
	double cycles = (double)p->a->w->tsc_hz * LONG_US / 1e6 * half;
	unsigned beyond[HALVES] = {0};

	start(p->a, 9, rte_rdtsc(), LONG_US, 0, 0);
	for (unsigned i = 0; i < DRAWS; i++) {
		uint64_t due = c->due[0];
		stage_cover(p->a->w, c->next);
		flush(p->a);
		for (unsigned k = 0; k < HALVES; k++)
			beyond[k] += (double)(c->due[0] - due) > k * cycles;
	}
	for (unsigned k = 1; k < HALVES; k++) {
		double wanted = (double)DRAWS / (1 << k), off = beyond[k] - wanted;
		CU_ASSERT_TRUE(off * off < 25 * wanted * (1 - 1.0 / (1 << k)));
	}
	pair_destroy(p);
}

// Full: the oldest gives way. Old epochs: the next one goes. None: a dummy.
static void test_stock(void)
{
	struct pair *p = pair_ready();
	struct rig *r = p->a;
	struct fog_cover *c = r->w->cover;
	uint64_t now = rte_rdtsc() + r->w->tsc_hz;

	start(r, 3, now, 1000000, 0, 0);
	for (unsigned i = 0; i < FOG_COVER_STOCK + 5; i++)
		put(r, PAIR_EPOCH, (uint8_t)i);
	CU_ASSERT_EQUAL(rig_snapshot(r)->drop[FOG_DROP_COVER_FULL], 5);
	CU_ASSERT_EQUAL(r->w->count.cover_taken, 5);
	CU_ASSERT_EQUAL(r->w->count.cover_stock, FOG_COVER_STOCK);
	for (unsigned i = 0; i < FOG_COVER_STOCK; i++) {
		CU_ASSERT_EQUAL_FATAL(stage_release(r->w, c->next), 1);
		CU_ASSERT_EQUAL_FATAL(r->w->seal.n, 1);
		CU_ASSERT_EQUAL(r->w->seal.job[0].text[100], (uint8_t)(i + 5));
		CU_ASSERT_EQUAL(r->w->seal.job[0].text[0], FOG_KIND_SPHINX);
		CU_ASSERT_EQUAL(r->w->seal.job[0].text[1], PAIR_EPOCH);
		flush(r);
	}
	CU_ASSERT_EQUAL(r->w->count.cover_starved, 0);
	put(r, PAIR_EPOCH + 1, 0);
	put(r, PAIR_EPOCH + 2, 0);
	put(r, PAIR_EPOCH, 77);
	stage_release(r->w, c->next);
	CU_ASSERT_EQUAL(r->w->seal.job[0].text[100], 77);
	flush(r);
	CU_ASSERT_EQUAL(rig_snapshot(r)->drop[FOG_DROP_COVER_OLD], 2);
	CU_ASSERT_EQUAL(r->w->count.cover_taken, FOG_COVER_STOCK + 8);
	put(r, PAIR_EPOCH + 1, 0);
	stage_release(r->w, c->next);
	CU_ASSERT_EQUAL(r->w->seal.job[0].text[0], FOG_KIND_NOTHING);
	flush(r);
	CU_ASSERT_EQUAL(rig_snapshot(r)->drop[FOG_DROP_COVER_OLD], 3);
	CU_ASSERT_EQUAL(r->w->count.cover_starved, 1);
	CU_ASSERT_EQUAL(r->w->count.dummies, 1);
	pair_destroy(p);
}

// Turns in 10 s. Of dummies one link's share; under a cap no more than that.
static void test_rates(void)
{
	struct pair *p = pair_ready();
	struct rig *r = p->a;
	uint64_t now = rte_rdtsc() + r->w->tsc_hz, end = now + 10 * r->w->tsc_hz;

	start(r, 5, now, 0, MEAN_US, 0);
	for (; r->w->cover->next < end; flush(r))
		stage_release(r->w, r->w->cover->next);
	CU_ASSERT_TRUE(r->w->count.dummies > 9500 && r->w->count.dummies < 10500);
	CU_ASSERT_EQUAL(r->w->count.cover_starved, 0);
	uint64_t before = left(r);
	start(r, 5, now, MEAN_US, MEAN_US, 100);
	for (; r->w->cover->next < end; flush(r))
		stage_release(r->w, r->w->cover->next);
	CU_ASSERT_TRUE(left(r) - before > 990 && left(r) - before <= 1010);
	CU_ASSERT_TRUE(rig_snapshot(r)->cover_capped > 18000);
	pair_destroy(p);
}

// A worker that was late catches up; one that was away doesn't. None at all while it drains.
static void test_late(void)
{
	struct pair *p = pair_ready();
	struct rig *r = p->a;
	struct fog_cover *c = r->w->cover;
	uint64_t now = rte_rdtsc() + r->w->tsc_hz;

	start(r, 5, now, MEAN_US, 0, 0);
	for (unsigned i = 0; i < 100; i++, flush(r))
		stage_release(r->w, now + r->w->tsc_hz / 2);
	CU_ASSERT_TRUE(left(r) > 400 && left(r) < 600);
	uint64_t before = left(r);
	for (unsigned i = 0; i < 100; i++, flush(r))
		stage_release(r->w, now + 4 * r->w->tsc_hz);
	CU_ASSERT_EQUAL(left(r), before);
	CU_ASSERT_TRUE(c->next > now + 4 * r->w->tsc_hz);
	atomic_store(&r->w->drain, true);
	CU_ASSERT_EQUAL(stage_release(r->w, c->next + r->w->tsc_hz / 10), 0);
	CU_ASSERT_EQUAL(left(r), before);
	rig_snapshot(r);
	pair_destroy(p);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"stock moves no clock", test_independent},
	        {"exponential gaps", test_law},
	        {"stock", test_stock},
	        {"rates and cap", test_rates},
	        {"late", test_late},
	        CU_TEST_INFO_NULL,
	};

	if (rig_global_init("fogt-cover") < 0)
		return 2;
	return check_run("cover", tests);
}
