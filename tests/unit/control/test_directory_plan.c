// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// When a node of a network with a directory announces itself and asks for consensuses, over a clock that the
// test moves.
#include <stdio.h>

#include "../../../controlplane/node_directory_plan.h"
#include "../run.h"

enum { EPOCH = 1000, MAX = 0xffffffff };

static const struct fog_schedule hour = {
        .epoch_ns = UINT64_C(3600000000000), .overlap_ns = UINT64_C(600000000000)};
static const struct fog_schedule quick = {
        .epoch_ns = UINT64_C(16000000000), .overlap_ns = UINT64_C(4000000000)};

// 'part' 32nds into EPOCH.
static uint64_t at(const struct fog_schedule *s, unsigned part)
{
	return EPOCH * s->epoch_ns + s->epoch_ns / 32 * part;
}

static void test_jitter(void)
{
	CU_ASSERT_EQUAL(directory_plan_jitter(1000, 0), 500);
	CU_ASSERT_EQUAL(directory_plan_jitter(1000, MAX), 1499);
	CU_ASSERT_EQUAL(directory_plan_jitter(1000, MAX / 2), 999);
	CU_ASSERT_EQUAL(directory_plan_jitter(0, MAX), 0);
}

static void test_want(void)
{
	for (unsigned part = 0; part < 32; part++)
		CU_ASSERT_EQUAL(
		        directory_plan_want(&hour, at(&hour, part)), EPOCH + (part >= 28 ? 1 : 0)
		);
	CU_ASSERT_EQUAL(directory_plan_want(&hour, at(&hour, 28) - 1), EPOCH);
	for (unsigned part = 0; part < 32; part++)
		CU_ASSERT_EQUAL(
		        directory_plan_late(&hour, at(&hour, part)), part >= 6 && part < 28
		);
}

// Whoever has it comes back when the next one is made, within an eighth of an epoch for all dice.
static void test_rest(void)
{
	CU_ASSERT_EQUAL(
	        directory_plan_rest(&hour, EPOCH, at(&hour, 16), 0), 3600000 / 8 * 3 + 3600000 / 128
	);
	CU_ASSERT_EQUAL(
	        directory_plan_rest(&hour, EPOCH, at(&hour, 16), MAX),
	        3600000 / 8 * 3 + 3600000 / 64 * 3 / 2 - 1
	);
	CU_ASSERT_EQUAL(directory_plan_rest(&hour, EPOCH, at(&hour, 28), MAX), 0);
	// It was there early: the whole next epoch lies between.
	CU_ASSERT_EQUAL(
	        directory_plan_rest(&hour, EPOCH + 1, at(&hour, 28), 0), 3600000 + 3600000 / 128
	);
}

static void test_gap(void)
{
	// In its first eighth it may still come, and who lacks it asks once more after that, for all dice. When
	// none counts any other will do.
	CU_ASSERT_EQUAL(directory_plan_gap(&hour, at(&hour, 2), true, 0), 3600000 / 64 / 2);
	CU_ASSERT_TRUE(
	        at(&hour, 4) + directory_plan_gap(&hour, at(&hour, 4) - 1, true, MAX) * 1000000 <
	        fog_schedule_settled(&hour, EPOCH)
	);
	CU_ASSERT_EQUAL(directory_plan_gap(&hour, at(&hour, 20), false, 0), 3600000 / 64 / 2);
	// Later there is no hurry, with a bound.
	CU_ASSERT_EQUAL(directory_plan_gap(&hour, at(&hour, 20), true, 0), 30000);
	CU_ASSERT_EQUAL(directory_plan_gap(&hour, at(&hour, 20), true, MAX), 89999);
	// Short epochs don't mean haste.
	CU_ASSERT_EQUAL(directory_plan_gap(&quick, at(&quick, 2), true, 0), 250);
	CU_ASSERT_EQUAL(directory_plan_gap(&quick, at(&quick, 29), true, MAX), 749);
	CU_ASSERT_EQUAL(directory_plan_gap(&quick, at(&quick, 6), true, 0), 1000);
	// The next one's time comes first: 500 ms from here, and the jitter of 250 ms.
	CU_ASSERT_EQUAL(directory_plan_gap(&quick, at(&quick, 27), true, MAX), 500 + 374);
}

// Over a whole epoch without a consensus: who asks as often as this is no load, and is there when it comes.
static void test_asking(void)
{
	unsigned asked = 0, asked_next = 0;
	uint64_t now = at(&hour, 0), first_next = 0;

	while (now < at(&hour, 32)) {
		bool next = directory_plan_want(&hour, now) > EPOCH;
		if (next && first_next == 0)
			first_next = now;
		asked += !next;
		asked_next += next;
		now += directory_plan_gap(&hour, now, true, MAX / 2) * 1000000;
	}
	CU_ASSERT(asked > 40 && asked < 70);
	CU_ASSERT(asked_next >= 7 && asked_next <= 9);
	CU_ASSERT(first_next < at(&hour, 29));
}

static void test_retry(void)
{
	uint64_t gap = 0, want[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};

	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		gap = directory_plan_retry(gap);
		CU_ASSERT_EQUAL(gap, want[i]);
	}
}

// About every eighth, and never when a new epoch asks for a new descriptor.
static void test_again(void)
{
	const uint64_t eighth_ms = hour.epoch_ns / 8000000;

	CU_ASSERT_EQUAL(directory_plan_again(&hour, at(&hour, 0), 0), eighth_ms / 2);
	CU_ASSERT_EQUAL(
	        directory_plan_again(&hour, at(&hour, 0), UINT32_MAX), eighth_ms * 3 / 2 - 1
	);
	for (unsigned part = 0; part < 32; part++)
		for (unsigned dice = 0; dice < 8; dice++) {
			uint64_t ms = directory_plan_again(&hour, at(&hour, part), dice << 29);
			bool late = 2 * part + 4 + dice >= 2 * 20;
			CU_ASSERT_EQUAL(ms == UINT64_MAX, late);
		}
}

static struct fog_consensus_node listed = {.since = 10, .descriptor = {.vrf_from = 10}};
static struct fog_consensus previous = {
        .epoch = EPOCH, .until = EPOCH + FOG_CONSENSUS_LIFE, .node_count = 1, .node = &listed};

static void test_hold(void)
{
	struct fog_descriptor own = {0};

	// Up to 17/32 of the epoch, and not once the proof is in it.
	for (unsigned part = 0; part < 32; part++)
		CU_ASSERT_EQUAL(
		        directory_plan_hold(&hour, at(&hour, part), &previous, &own), part < 17
		);
	own.proof_count = 2;
	own.proof[0].epoch = EPOCH;
	own.proof[1].epoch = EPOCH - 2;
	CU_ASSERT_TRUE(directory_plan_hold(&hour, at(&hour, 1), &previous, &own));
	own.proof[1].epoch = EPOCH - 1;
	CU_ASSERT_FALSE(directory_plan_hold(&hour, at(&hour, 1), &previous, &own));
	own.proof_count = 1;
	CU_ASSERT_TRUE(directory_plan_hold(&hour, at(&hour, 1), &previous, &own));
	// Who leaves owes nothing.
	own.flags = FOG_DESCRIPTOR_WITHDRAWN;
	CU_ASSERT_FALSE(directory_plan_hold(&hour, at(&hour, 1), &previous, &own));
}

// Nor does who was not there, or whose VRF key did not count yet.
static void test_hold_none(void)
{
	struct fog_descriptor own = {0}, other = {.node_id = {1}};
	uint64_t now = at(&hour, 1);

	CU_ASSERT_FALSE(directory_plan_hold(&hour, now, NULL, &own));
	CU_ASSERT_FALSE(directory_plan_hold(&hour, now, &previous, &other));
	listed.since = EPOCH;
	CU_ASSERT_FALSE(directory_plan_hold(&hour, now, &previous, &own));
	listed.since = EPOCH - 1;
	CU_ASSERT_TRUE(directory_plan_hold(&hour, now, &previous, &own));
	listed.descriptor.vrf_from = EPOCH;
	CU_ASSERT_FALSE(directory_plan_hold(&hour, now, &previous, &own));
	listed.since = EPOCH - 3; // two epochs after it came it counts, whatever it says
	CU_ASSERT_TRUE(directory_plan_hold(&hour, now, &previous, &own));
	listed.since = EPOCH - 2;
	CU_ASSERT_FALSE(directory_plan_hold(&hour, now, &previous, &own));
	listed.since = listed.descriptor.vrf_from = 10;
	// That consensus was over before the epoch in question.
	previous.until = EPOCH - 1;
	CU_ASSERT_FALSE(directory_plan_hold(&hour, now, &previous, &own));
	previous.until = EPOCH;
	CU_ASSERT_TRUE(directory_plan_hold(&hour, now, &previous, &own));
	CU_ASSERT_FALSE(directory_plan_hold(&hour, 5, &previous, &own)); // of epoch 0
}

// Who is named as a debtor waits for that proof, which is made within moments.
static void test_hold_owed(void)
{
	struct fog_consensus_owed owed = {.node_id = {1}, .epoch = EPOCH - 5};
	struct fog_consensus names = {
	        .epoch = EPOCH,
	        .until = EPOCH + FOG_CONSENSUS_LIFE,
	        .owed_count = 1,
	        .owed = &owed};
	struct fog_descriptor own = {.node_id = {1}, .proof_count = 1};

	own.proof[0].epoch = EPOCH - 1;
	CU_ASSERT_TRUE(directory_plan_hold(&hour, at(&hour, 1), &names, &own));
	CU_ASSERT_FALSE(directory_plan_hold(&hour, at(&hour, 17), &names, &own));
	own.proof[0].epoch = EPOCH - 5;
	CU_ASSERT_FALSE(directory_plan_hold(&hour, at(&hour, 1), &names, &own));
}

static void test_source(void)
{
	struct fog_fetch_peer source[4] = {0};
	struct directory_avoid avoid = {0};
	unsigned seen[5] = {0};

	for (unsigned i = 0; i < 4; i++) {
		source[i].address = (struct fog_ip){.family = 4, .addr = {192, 0, 2, (uint8_t)i}};
		source[i].port = (uint16_t)(9003 + i / 2);
	}
	for (uint32_t dice = 0; dice < 256; dice++)
		seen[directory_plan_source(source, 4, 0, &avoid, 0, dice << 24)]++;
	CU_ASSERT(seen[0] == 64 && seen[1] == 64 && seen[2] == 64 && seen[3] == 64);
	CU_ASSERT_EQUAL(directory_plan_source(source, 4, 0, &avoid, 0, MAX), 3);
	CU_ASSERT_EQUAL(directory_plan_source(source, 4, 8, &avoid, 0, MAX), 2);
	CU_ASSERT_EQUAL(directory_plan_source(source, 4, 15, &avoid, 0, 0), 4);
	directory_plan_avoid(&avoid, &source[2], 1000);
	CU_ASSERT_EQUAL(directory_plan_source(source, 4, 8, &avoid, 1000, MAX), 1);
	CU_ASSERT_EQUAL(
	        directory_plan_source(source, 4, 8, &avoid, 1000 + DIRECTORY_AVOID_MS, MAX), 2
	);
	directory_plan_avoid(&avoid, &source[2], 5000); // the same place
	CU_ASSERT_EQUAL(avoid.next, 1);
	CU_ASSERT_EQUAL(
	        directory_plan_source(source, 4, 8, &avoid, 1000 + DIRECTORY_AVOID_MS, MAX), 1
	);
	CU_ASSERT_EQUAL(directory_plan_source(source, 0, 0, &avoid, 0, 0), 0);
}

// The oldest one goes when there are too many.
static void test_avoid_many(void)
{
	struct fog_fetch_peer p = {.port = 1};
	struct directory_avoid avoid = {0};

	for (unsigned i = 0; i <= DIRECTORY_AVOID_MAX; i++) {
		p.port = (uint16_t)(i + 1);
		directory_plan_avoid(&avoid, &p, 0);
	}
	CU_ASSERT_EQUAL(directory_plan_source(&p, 1, 0, &avoid, 0, 0), 1);
	p.port = 2;
	CU_ASSERT_EQUAL(directory_plan_source(&p, 1, 0, &avoid, 0, 0), 1);
	p.port = 1;
	CU_ASSERT_EQUAL(directory_plan_source(&p, 1, 0, &avoid, 0, 0), 0);
}

static void test_figure(void)
{
	static const uint64_t of[][2] = {
	        {0, 0},
	        {9, 9},
	        {99, 99},
	        {100, 100},
	        {109, 100},
	        {1999, 1900},
	        {123456789, 120000000},
	        {UINT64_MAX, UINT64_C(18000000000000000000)}};

	for (unsigned i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		CU_ASSERT_EQUAL(directory_plan_figure(of[i][0]), of[i][1]);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"jitter", test_jitter},
	        {"which one", test_want},
	        {"rest", test_rest},
	        {"gap", test_gap},
	        {"asking over an epoch", test_asking},
	        {"backoff", test_retry},
	        {"showing it again", test_again},
	        {"holding an announcement", test_hold},
	        {"nothing to hold it for", test_hold_none},
	        {"holding for a debt", test_hold_owed},
	        {"sources", test_source},
	        {"many to avoid", test_avoid_many},
	        {"figures", test_figure},
	        CU_TEST_INFO_NULL,
	};

	return check_run("directory plan", tests);
}
