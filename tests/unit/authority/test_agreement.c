// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Four authorities agree: with losses, clocks that differ, some of them down or started again, and with one
// that lies in every way that its key allows.
#include <errno.h>

#include "../../../controlplane/big_endian.h"
#include "../../../log/log.h"
#include "sim.h"

enum { HONEST = 7, ALL = 15, NODES = 10 };

// In 128ths of an epoch: after what happens there.
enum { VOTED = 82, ROUND_1 = 88, LATE_1 = 95, ROUND_2 = 100, LATE_2 = 111, OVER = 128 + 14 };

static void test_plain(void)
{
	struct sim *s = sim_make(NODES, 20, 1);

	for (unsigned e = 0; e < 4; e++) {
		sim_upload(s);
		sim_until(s, 128);
		CU_ASSERT_EQUAL(sim_agreed(s, sim_epoch(s)), ALL);
		const struct fog_consensus *c = fog_view_exact(s->a[0].view, sim_epoch(s));
		CU_ASSERT_PTR_NOT_NULL_FATAL(c);
		CU_ASSERT(c->voted == ALL && c->shared == ALL && c->lied == 0);
		CU_ASSERT_EQUAL(c->node_count, NODES);
	}
	CU_ASSERT_EQUAL(sim_proofs(s, FOG_STATEMENT_VOTE), 0);
	sim_free(s);
}

static void test_clocks(void)
{
	struct sim *s = sim_make(NODES, 20, 2);

	// A difference of an eighth, less the time for messages, is what the rounds bear.
	s->a[0].ahead_ns = SIM_EPOCH_NS / 64;
	s->a[1].ahead_ns = -(int64_t)(SIM_EPOCH_NS / 64);
	s->p->net.tolerance_ms = 10000;
	for (unsigned e = 0; e < 3; e++) {
		sim_until(s, 4); // all are in the epoch
		sim_upload(s);
		sim_until(s, 128 + 2);
		CU_ASSERT_EQUAL(sim_agreed(s, sim_epoch(s)), ALL);
	}
	sim_free(s);
}

static void test_down(void)
{
	struct sim *s = sim_make(NODES, 10, 3);

	sim_upload(s);
	sim_until(s, 128);
	CU_ASSERT_EQUAL(sim_agreed(s, PARTS_EPOCH), ALL);
	sim_down(s, 1);
	sim_upload(s);
	sim_until(s, 128);
	CU_ASSERT_EQUAL(sim_agreed(s, PARTS_EPOCH + 1), ALL & ~2u);
	CU_ASSERT_EQUAL(fog_view_exact(s->a[0].view, PARTS_EPOCH + 1)->voted, ALL & ~2u);
	sim_down(s, 2);
	sim_upload(s);
	sim_until(s, OVER);
	CU_ASSERT_EQUAL(sim_agreed(s, PARTS_EPOCH + 2), 0);
	CU_ASSERT(fog_agreement_lacks(s->a[0].agreement, sim_now(s, 0)));
	// Both come back, get what they missed, and the next epoch has one again.
	sim_up(s, 1);
	sim_up(s, 2);
	sim_until(s, 60);
	CU_ASSERT_EQUAL(sim_agreed(s, PARTS_EPOCH + 1), ALL);
	sim_upload(s);
	sim_until(s, 128);
	CU_ASSERT_EQUAL(sim_agreed(s, PARTS_EPOCH + 3), ALL);
	CU_ASSERT_EQUAL(sim_proofs(s, FOG_STATEMENT_VOTE), 0);
	sim_free(s);
}

// Started again at any moment, it says nothing else than before: sim_save sees to that, and proofs would.
static void test_restart(void)
{
	struct sim *s = sim_make(NODES, 20, 4);

	for (unsigned step = 76; step < 128; step += 4) {
		sim_upload(s);
		sim_until(s, step);
		sim_down(s, 1);
		sim_up(s, 1);
		sim_until(s, 128 + 10);
		unsigned have = sim_agreed(s, sim_epoch(s));
		CU_ASSERT_EQUAL(have, ALL);
		CU_ASSERT_EQUAL(
		        sim_proofs(s, FOG_STATEMENT_VOTE) | sim_proofs(s, FOG_STATEMENT_CONSENSUS),
		        0
		);
	}
	sim_free(s);
}

// What isn't on disk isn't said.
static void test_disk(void)
{
	struct sim *s = sim_make(NODES, 0, 5);

	s->a[2].disk_full = true;
	sim_upload(s);
	sim_until(s, 128);
	CU_ASSERT_EQUAL(sim_agreed(s, PARTS_EPOCH), ALL);
	const struct fog_consensus *c = fog_view_exact(s->a[0].view, PARTS_EPOCH);
	CU_ASSERT(c->voted == (ALL & ~4) && (c->signers & 4) == 0);
	sim_free(s);
}

// A consensus that can't be written is tried again, but not with each tick.
static void test_unwritable(void)
{
	struct sim *s = sim_make(NODES, 0, 6);
	char path[128];

	snprintf(path, sizeof(path), "%s/consensus-%d.new", s->a[1].dir, PARTS_EPOCH);
	CU_ASSERT_EQUAL_FATAL(mkdir(path, 0700), 0);
	sim_upload(s);
	sim_until(s, 115);
	CU_ASSERT_EQUAL(sim_agreed(s, PARTS_EPOCH), ALL & ~2);
	CU_ASSERT_EQUAL_FATAL(rmdir(path), 0);
	fog_agreement_tick(s->a[1].agreement, sim_now(s, 1));
	CU_ASSERT_PTR_NULL(fog_view_exact(s->a[1].view, PARTS_EPOCH));
	fog_agreement_tick(s->a[1].agreement, sim_now(s, 1) + SIM_EPOCH_NS / SIM_STEPS);
	CU_ASSERT_PTR_NOT_NULL(fog_view_exact(s->a[1].view, PARTS_EPOCH));
	sim_free(s);
}

// A host whose clock begins in 1970 and is set right after that.
static void test_first_epoch(void)
{
	struct sim *s = sim_make(NODES, 0, 7);

	for (unsigned i = 0; i < SIM_COUNT; i++) {
		fog_agreement_destroy(s->a[i].agreement);
		fog_view_destroy(s->a[i].view);
		s->a[i].ahead_ns = -(int64_t)s->now_ns + 1000;
		sim_up(s, i);
		s->a[i].ahead_ns = 0;
	}
	sim_upload(s);
	sim_until(s, 128);
	CU_ASSERT_EQUAL(sim_agreed(s, PARTS_EPOCH), ALL);
	sim_free(s);
}

// Vote number 'which' of the liar: each lists another set of nodes.
static uint8_t *lie(
        struct sim *s, unsigned which, const struct fog_consensus *previous, bool relay, size_t *len
)
{
	const struct parts_node *node[NODES];
	unsigned count = 0;
	size_t n;

	for (unsigned i = 0; i < NODES; i++)
		if (i != which)
			node[count++] = &s->p->node[i];
	uint8_t *vote =
	        parts_vote_bytes(s->p, SIM_LIAR, sim_epoch(s) + 1, previous, true, node, count, &n);
	uint8_t *out = calloc(1, FOG_AGREEMENT_RELAY + n);
	out[0] = relay ? SIM_LIAR : FOG_AGREEMENT_AUTHOR;
	if (relay) {
		uint8_t text[17 + 32 + 8 + 32] = "fogline relay v1", digest[32];
		crypto_generichash(digest, 32, vote, n - 64, NULL, 0);
		memcpy(text + 17, s->p->network, 32);
		fog_be_put(text + 49, sim_epoch(s) + 1, 8);
		memcpy(text + 57, digest, 32);
		crypto_sign_detached(
		        out + 4, NULL, text, sizeof(text), s->p->authority[SIM_LIAR].secret
		);
	}
	memcpy(out + FOG_AGREEMENT_RELAY, vote, n);
	free(vote);
	*len = FOG_AGREEMENT_RELAY + n;
	return out;
}

static int tell(struct sim *s, unsigned to, unsigned which, bool relay)
{
	size_t len;
	uint8_t *data = lie(s, which, fog_view_newest(s->a[0].view, sim_epoch(s)), relay, &len);
	int r = sim_deliver(s, to, FOG_STATEMENT_VOTE, data, len);

	free(data);
	return r;
}

static struct sim *lying(uint64_t seed)
{
	struct sim *s = sim_make(NODES, 10, seed);

	s->lies = true;
	sim_upload(s);
	sim_until(s, VOTED);
	return s;
}

static int unlink_consensus(const struct sim *s, unsigned i)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/consensus-%d", s->a[i].dir, PARTS_EPOCH);
	return unlink(path);
}

// Its clock set back and other votes shown to it, it would come to another consensus, which it must not sign.
static void test_twice(void)
{
	struct sim *s = lying(12);

	sim_until(s, 120);
	CU_ASSERT_EQUAL(sim_agreed(s, PARTS_EPOCH), HONEST);
	sim_down(s, 1);
	s->a[1].ahead_ns = -(int64_t)(SIM_EPOCH_NS / SIM_STEPS * 28);
	CU_ASSERT_EQUAL(unlink_consensus(s, 1), 0);
	sim_up(s, 1);
	for (unsigned i = 0; i < 3; i += 2) {
		const struct sim_said *vote =
		        sim_said_find(&s->a[i], FOG_STATEMENT_VOTE, PARTS_EPOCH);
		uint8_t *data = calloc(1, FOG_AGREEMENT_RELAY + vote->len);
		data[0] = FOG_AGREEMENT_AUTHOR;
		memcpy(data + FOG_AGREEMENT_RELAY, vote->data, vote->len);
		CU_ASSERT_EQUAL(
		        sim_deliver(
		                s, 1, FOG_STATEMENT_VOTE, data, FOG_AGREEMENT_RELAY + vote->len
		        ),
		        FOG_REFUSAL_NONE
		);
		free(data);
	}
	CU_ASSERT_EQUAL(tell(s, 1, 0, false), FOG_REFUSAL_NONE);
	sim_until(s, 128);
	for (unsigned step = 0; step < 16; step++)
		sim_step(s);
	CU_ASSERT_EQUAL(sim_proofs(s, FOG_STATEMENT_CONSENSUS), 0);
	sim_free(s);
}

static void test_two_votes(void)
{
	struct sim *s = lying(6);

	CU_ASSERT_EQUAL(tell(s, 0, 0, false), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(tell(s, 1, 1, false), FOG_REFUSAL_NONE);
	sim_until(s, 128);
	CU_ASSERT_EQUAL(sim_agreed(s, PARTS_EPOCH), HONEST);
	const struct fog_consensus *c = fog_view_exact(s->a[2].view, PARTS_EPOCH);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT(c->lied == 1 << SIM_LIAR && c->voted == HONEST);
	CU_ASSERT_EQUAL(sim_proofs(s, FOG_STATEMENT_VOTE) & HONEST, HONEST);
	sim_free(s);
}

// To one only: at the last moment, when all others know by it; and too late, when it counts for nobody.
static void test_late(void)
{
	struct sim *s = lying(7);

	sim_until(s, LATE_1);
	CU_ASSERT_EQUAL(tell(s, 1, 0, false), FOG_REFUSAL_NONE);
	sim_until(s, 128);
	CU_ASSERT_EQUAL(sim_agreed(s, PARTS_EPOCH), HONEST);
	CU_ASSERT_EQUAL(fog_view_exact(s->a[0].view, PARTS_EPOCH)->voted, ALL);
	sim_free(s);

	s = lying(8);
	sim_until(s, ROUND_2);
	CU_ASSERT_EQUAL(tell(s, 1, 0, false), FOG_REFUSAL_EPOCH);
	sim_until(s, LATE_2);
	CU_ASSERT_EQUAL(tell(s, 2, 0, true), FOG_REFUSAL_MALFORMED); // its own relay
	sim_until(s, 128);
	CU_ASSERT_EQUAL(sim_agreed(s, PARTS_EPOCH), HONEST);
	CU_ASSERT_EQUAL(fog_view_exact(s->a[0].view, PARTS_EPOCH)->voted, HONEST);
	sim_free(s);
}

// Late votes to one must not keep out what comes to it by others in time.
static void test_crowding(void)
{
	struct sim *s = lying(9);

	s->loss = 0;
	sim_until(s, LATE_1);
	CU_ASSERT_EQUAL(tell(s, 1, 2, false), FOG_REFUSAL_NONE);
	s->a[0].ahead_ns = SIM_EPOCH_NS / SIM_STEPS * 2; // for it, round 1 is over
	CU_ASSERT_EQUAL(tell(s, 0, 0, false), FOG_REFUSAL_EPOCH);
	CU_ASSERT_EQUAL(tell(s, 0, 1, false), FOG_REFUSAL_EPOCH);
	sim_until(s, 128);
	CU_ASSERT_EQUAL(sim_agreed(s, PARTS_EPOCH), HONEST);
	CU_ASSERT_EQUAL(fog_view_exact(s->a[0].view, PARTS_EPOCH)->voted, ALL);
	CU_ASSERT_EQUAL(sim_proofs(s, FOG_STATEMENT_VOTE) & 1, 1);
	sim_free(s);
}

static int sign(struct sim *s, unsigned to, const uint8_t digest[32])
{
	uint8_t data[FOG_AGREEMENT_SIGNATURE] = {SIM_LIAR};
	struct fog_statement st = {.kind = FOG_STATEMENT_CONSENSUS, .epoch = sim_epoch(s) + 1};

	memcpy(st.network, s->p->network, 32);
	memcpy(st.digest, digest, 32);
	fog_be_put(data + 4, st.epoch, 8);
	memcpy(data + 12, digest, 32);
	fog_statement_sign(&st, s->p->authority[SIM_LIAR].secret, data + 44);
	return sim_deliver(s, to, FOG_STATEMENT_CONSENSUS, data, sizeof(data));
}

static void test_two_consensuses(void)
{
	struct sim *s = lying(10);
	const uint8_t x[32] = {1}, y[32] = {2};

	sim_until(s, LATE_2);
	CU_ASSERT_EQUAL(sign(s, 0, x), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(sign(s, 1, y), FOG_REFUSAL_NONE);
	sim_until(s, 128);
	CU_ASSERT_EQUAL(sim_agreed(s, PARTS_EPOCH), HONEST);
	CU_ASSERT_EQUAL(sim_proofs(s, FOG_STATEMENT_CONSENSUS) & HONEST, HONEST);
	sim_free(s);
}

// Whatever it sends to whom and when.
static void test_anything(void)
{
	unsigned votes = 0, lies = 0;

	for (unsigned seed = 0; seed < (check_few() ? 12 : 60); seed++) {
		struct sim *s = lying(100 + seed);
		for (unsigned i = 0; i < 6; i++) {
			unsigned step = VOTED + sim_random(s, LATE_2 - VOTED + 3);
			sim_until(s, step);
			tell(s, sim_random(s, 3), sim_random(s, 3), sim_random(s, 4) == 0);
		}
		sim_until(s, 128);
		CU_ASSERT_EQUAL(sim_agreed(s, PARTS_EPOCH), HONEST);
		const struct fog_consensus *c = fog_view_exact(s->a[0].view, PARTS_EPOCH);
		if (c != NULL) {
			votes += c->voted >> SIM_LIAR & 1;
			lies += c->lied >> SIM_LIAR & 1;
		}
		sim_proofs(s, FOG_STATEMENT_VOTE);
		sim_free(s);
	}
	CU_ASSERT(votes > 0 && lies > 0);
}

static void test_refusals(void)
{
	struct sim *s = lying(11);
	size_t len;
	uint8_t *data = lie(s, 0, NULL, false, &len);

	CU_ASSERT_EQUAL(sim_deliver(s, 0, FOG_STATEMENT_VOTE, data, 10), FOG_REFUSAL_MALFORMED);
	data[4] = 1; // an author's message has no signature of who relays
	CU_ASSERT_EQUAL(sim_deliver(s, 0, FOG_STATEMENT_VOTE, data, len), FOG_REFUSAL_MALFORMED);
	data[0] = 1; // ... and somebody else's must be good
	CU_ASSERT_EQUAL(sim_deliver(s, 0, FOG_STATEMENT_VOTE, data, len), FOG_REFUSAL_SIGNATURE);
	data[0] = FOG_AGREEMENT_AUTHOR;
	data[4] = 0;
	data[len - 1] ^= 1;
	CU_ASSERT_EQUAL(sim_deliver(s, 0, FOG_STATEMENT_VOTE, data, len), FOG_REFUSAL_SIGNATURE);
	data[len - 1] ^= 1;
	CU_ASSERT_EQUAL(sim_deliver(s, 0, FOG_STATEMENT_VOTE, data, len), FOG_REFUSAL_NONE);
	sim_until(s, OVER + 10);
	CU_ASSERT_EQUAL(sim_deliver(s, 0, FOG_STATEMENT_VOTE, data, len), FOG_REFUSAL_EPOCH);
	free(data);
	const uint8_t x[FOG_AGREEMENT_SIGNATURE] = {9};
	CU_ASSERT_EQUAL(
	        sim_deliver(s, 0, FOG_STATEMENT_CONSENSUS, x, sizeof(x)), FOG_REFUSAL_MALFORMED
	);
	sim_free(s);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"plain", test_plain},
	        {"clocks", test_clocks},
	        {"down", test_down},
	        {"restart", test_restart},
	        {"disk", test_disk},
	        {"a folder that can't be written", test_unwritable},
	        {"the first epoch", test_first_epoch},
	        {"twice", test_twice},
	        {"two votes", test_two_votes},
	        {"late votes", test_late},
	        {"crowding", test_crowding},
	        {"two consensuses", test_two_consensuses},
	        {"anything", test_anything},
	        {"refusals", test_refusals},
	        CU_TEST_INFO_NULL,
	};

	if (sodium_init() < 0)
		return 1;
	fog_log_level_set(FOG_LOG_ERROR);
	return check_run("agreement", tests);
}
