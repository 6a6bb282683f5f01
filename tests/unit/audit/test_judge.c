// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The borders of the judge's contract: what it refuses, what it counts, that the order of the loops
// doesn't matter, and that a proof needs more than one tick.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/ctl/audit/private.h"
#include "../run.h"
#include "simulate.h"

enum { LOOPS = 1000 };

static struct fog_judge_loop loop[LOOPS];

static struct fog_judge_report *judge(size_t count, unsigned nodes)
{
	struct fog_judge_report *report = NULL;
	struct fog_judge_rules rules;

	fog_judge_rules_default(&rules);
	CU_ASSERT_EQUAL_FATAL(fog_judge(loop, count, nodes, &rules, &report), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(report);
	return report;
}

static int judge_error(size_t count, unsigned nodes, const struct fog_judge_rules *rules)
{
	struct fog_judge_report *report = (void *)1;
	int ret = fog_judge(loop, count, nodes, rules, &report);

	CU_ASSERT_PTR_NULL(report);
	return ret;
}

static void test_refused(void)
{
	struct fog_judge_rules rules;

	memset(loop, 0, sizeof(loop));
	fog_judge_rules_default(&rules);
	CU_ASSERT_EQUAL(judge_error(1, 3, &rules), -EINVAL); // no hop
	loop[0].hops = 2;
	CU_ASSERT_EQUAL(judge_error(1, 3, &rules), -EINVAL); // twice the same node
	loop[0].hop[1].node = 3;
	CU_ASSERT_EQUAL(judge_error(1, 3, &rules), -EINVAL); // no such node
	loop[0].hop[1].node = 2;
	CU_ASSERT_EQUAL(judge_error(1, 0, &rules), -EINVAL);
	CU_ASSERT_EQUAL(judge_error(1, FOG_JUDGE_NODES_MAX + 1, &rules), -EINVAL);
	loop[0].hops = FOG_JUDGE_HOPS_MAX + 1;
	CU_ASSERT_EQUAL(judge_error(1, 3, &rules), -EINVAL);
	loop[0].hops = 2;
	rules.error = 0;
	CU_ASSERT_EQUAL(judge_error(1, 3, &rules), -EINVAL);
	fog_judge_rules_default(&rules);
	rules.late_us = 0;
	CU_ASSERT_EQUAL(judge_error(1, 3, &rules), -EINVAL);
	fog_judge_report_free(NULL);
}

static void test_nothing(void)
{
	struct fog_judge_report *report = judge(0, 2);

	CU_ASSERT_EQUAL(report->nodes, 2);
	CU_ASSERT_EQUAL(report->loops, 0);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(report->verdict[i].kind, FOG_JUDGE_UNDECIDED);
		CU_ASSERT_EQUAL(report->verdict[i].p, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(report->verdict[i].words, "no loop passed it"));
	}
	fog_judge_report_free(report);
}

// One loop of two hops that owed 1,000 us each: proof begins a microsecond beyond tick and slack.
static void test_proof(void)
{
	struct fog_judge_rules rules;

	fog_judge_rules_default(&rules);
	memset(loop, 0, sizeof(loop[0]));
	loop[0] = (struct fog_judge_loop){.hops = 2, .hop = {{0, 1000}, {1, 1000}}};
	loop[0].transit_us = 2000 - rules.tick_us - rules.slack_us;
	struct fog_judge_report *report = judge(1, 2);
	CU_ASSERT_EQUAL(report->early, 0);
	CU_ASSERT_EQUAL(report->least_residual_us, -(double)(rules.tick_us + rules.slack_us));
	fog_judge_report_free(report);
	loop[0].transit_us--;
	report = judge(1, 2);
	CU_ASSERT_EQUAL(report->early, 1);
	CU_ASSERT_EQUAL(report->early_unexplained, 1); // one loop blames nobody
	CU_ASSERT_EQUAL(report->verdict[0].kind, FOG_JUDGE_UNDECIDED);
	CU_ASSERT_EQUAL(report->verdict[0].early, 1);
	fog_judge_report_free(report);
	// A node that owes nothing keeps a packet for a tick.
	loop[0].hop[0].owed_us = 0;
	loop[0].transit_us = 1000 - rules.slack_us;
	report = judge(1, 2);
	CU_ASSERT_EQUAL(report->early, 0);
	fog_judge_report_free(report);
	loop[0].transit_us--;
	report = judge(1, 2);
	CU_ASSERT_EQUAL(report->early, 1);
	fog_judge_report_free(report);
}

static void test_bounced(void)
{
	memset(loop, 0, sizeof(loop[0]) * 2);
	loop[0] = (struct fog_judge_loop){.hops = 1, .hop = {{1, 1000}}, .transit_us = 2000};
	loop[1] = (struct fog_judge_loop){.hops = 2, .hop = {{0, 1000}, {1, 1000}}, .lost = true};
	struct fog_judge_report *report = judge(2, 2);
	CU_ASSERT_EQUAL(report->loops, 2);
	CU_ASSERT_EQUAL(report->lost, 1);
	CU_ASSERT_EQUAL(report->verdict[1].bounced, 1);
	CU_ASSERT_EQUAL(report->verdict[1].loops, 1);
	CU_ASSERT_EQUAL(report->verdict[1].lost, 1);
	CU_ASSERT_EQUAL(report->verdict[0].bounced, 0);
	fog_judge_report_free(report);
}

// Each cheat, with the loops in another order: the same verdicts to the last word.
static void test_order(void)
{
	for (enum cheat cheat = CHEAT_NONE; cheat < CHEATS; cheat++) {
		struct sim sim = {.seed = 77, .width = 3, .loops = LOOPS, .noise = NOISE_PAUSES};
		uint64_t random = 5;
		sim.cheat[4] = cheat;
		sim_run(&sim, loop);
		struct fog_judge_report *before = judge(LOOPS, 9);
		for (size_t i = LOOPS - 1; i > 0; i--) {
			size_t k = sim_random(&random) % (i + 1);
			struct fog_judge_loop swap = loop[i];
			loop[i] = loop[k];
			loop[k] = swap;
		}
		struct fog_judge_report *after = judge(LOOPS, 9);
		CU_ASSERT_EQUAL(fog_judge_blames(before->verdict[4].kind), cheat != CHEAT_NONE);
		for (unsigned i = 0; i < 9; i++) {
			CU_ASSERT_EQUAL(before->verdict[i].kind, after->verdict[i].kind);
			CU_ASSERT_STRING_EQUAL(before->verdict[i].words, after->verdict[i].words);
			CU_ASSERT_TRUE(strlen(after->verdict[i].words) < FOG_JUDGE_WORDS - 1);
		}
		fog_judge_report_free(before);
		fog_judge_report_free(after);
	}
}

// Every node that is tested makes a false alarm likelier, so it makes the evidence weaker: twice as many
// nodes, half as strong.
static void test_correction(void)
{
	unsigned compared = 0;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct sim sim = {.seed = seed, .width = 2, .loops = LOOPS, .noise = NOISE_UNIFORM};
		sim_run(&sim, loop);
		struct fog_judge_report *few = judge(LOOPS, 6), *many = judge(LOOPS, 12);
		for (unsigned i = 0; i < 6; i++) {
			if (many->verdict[i].p >= 1)
				continue;
			CU_ASSERT_DOUBLE_EQUAL(many->verdict[i].p / few->verdict[i].p, 2, 1e-9);
			compared++;
		}
		fog_judge_report_free(few);
		fog_judge_report_free(many);
	}
	for (enum cheat cheat = CHEAT_HALVES; cheat < CHEATS; cheat++) {
		struct sim sim = {.seed = 5, .width = 2, .loops = LOOPS, .noise = NOISE_UNIFORM};
		sim.cheat[1] = cheat;
		sim_run(&sim, loop);
		struct fog_judge_report *few = judge(LOOPS, 6), *many = judge(LOOPS, 12);
		if (few->verdict[1].p > 1e-300) {
			CU_ASSERT_DOUBLE_EQUAL(many->verdict[1].p / few->verdict[1].p, 2, 1e-9);
			compared++;
		}
		fog_judge_report_free(few);
		fog_judge_report_free(many);
	}
	CU_ASSERT_TRUE(compared > 3);
}

// A clock that was set: early loops through everybody, and nobody is blamed.
static void test_clock_step(void)
{
	struct sim sim = {.seed = 3, .width = 3, .loops = LOOPS, .noise = NOISE_UNIFORM};

	sim_run(&sim, loop);
	for (size_t i = 500; i < 520; i++)
		loop[i].transit_us -= 1000000;
	struct fog_judge_report *report = judge(LOOPS, 9);
	CU_ASSERT_TRUE(report->early >= 18);
	CU_ASSERT_EQUAL(report->early_unexplained, report->early);
	for (unsigned i = 0; i < 9; i++)
		CU_ASSERT_FALSE(fog_judge_blames(report->verdict[i].kind));
	fog_judge_report_free(report);
}

// What no slope shows is shown by proofs alone, as long as the node is the only one on all of their paths.
static void test_flat(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct sim sim = {.seed = seed, .width = 2, .loops = LOOPS, .noise = NOISE_UNIFORM};
		sim.cheat[seed % 6] = CHEAT_FLAT;
		sim_run(&sim, loop);
		struct fog_judge_report *report = judge(LOOPS, 6);
		for (unsigned i = 0; i < 6; i++)
			CU_ASSERT_EQUAL(
			        report->verdict[i].kind,
			        i == seed % 6 ? FOG_JUDGE_EARLY_PROOF : FOG_JUDGE_HONEST
			);
		CU_ASSERT_EQUAL(report->early_unexplained, 0);
		fog_judge_report_free(report);
	}
}

// Early loops are seen, and nobody of the six is blamed for them.
static void check_unexplained(void)
{
	struct fog_judge_report *report = judge(LOOPS, 6);
	CU_ASSERT_TRUE(report->early > 100);
	CU_ASSERT_EQUAL(report->early_unexplained, report->early);
	for (unsigned i = 0; i < 6; i++)
		CU_ASSERT_FALSE(fog_judge_blames(report->verdict[i].kind));
	fog_judge_report_free(report);
}

// Of two nodes that all early loops passed, either may be the one.
static void test_flat_pair(void)
{
	struct sim sim = {.seed = 9, .width = 2, .loops = LOOPS, .noise = NOISE_UNIFORM};

	sim.cheat[0] = CHEAT_FLAT;
	sim_run(&sim, loop);
	// All other paths through node 0 are too long for a proof, as if node 2 were near.
	for (size_t i = 0; i < LOOPS; i++)
		if (loop[i].hop[0].node == 0 && loop[i].hop[1].node != 2)
			loop[i].transit_us += 20000;
	check_unexplained();
}

// Two of them: no node was on all early loops, so none is singled out by them.
static void test_flat_two(void)
{
	struct sim sim = {.seed = 9, .width = 2, .loops = LOOPS, .noise = NOISE_UNIFORM};

	sim.cheat[0] = sim.cheat[2] = CHEAT_FLAT;
	sim_run(&sim, loop);
	check_unexplained();
}

// The strongest evidence is weighed first, with all loops: as it would be if nobody were ever blamed.
static void test_strongest(void)
{
	unsigned looked = 0;

	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct sim sim = {.seed = seed, .width = 3, .loops = LOOPS, .noise = NOISE_UNIFORM};
		struct fog_judge_report *none = NULL;
		struct fog_judge_rules rules;
		unsigned blamed = 0, first = 0;

		sim.cheat[0] = sim.cheat[4] = CHEAT_HALVES;
		sim_run(&sim, loop);
		fog_judge_rules_default(&rules);
		rules.error = 1e-300;
		CU_ASSERT_EQUAL_FATAL(fog_judge(loop, LOOPS, 9, &rules, &none), 0);
		struct fog_judge_report *report = judge(LOOPS, 9);
		for (unsigned i = 0; i < 9; i++) {
			CU_ASSERT_FALSE(fog_judge_blames(none->verdict[i].kind));
			blamed += fog_judge_blames(report->verdict[i].kind);
			if (none->verdict[i].p < none->verdict[first].p)
				first = i;
		}
		CU_ASSERT_EQUAL(blamed, 2);
		CU_ASSERT_EQUAL(report->verdict[first].p, none->verdict[first].p);
		looked += blamed == 2;
		fog_judge_report_free(none);
		fog_judge_report_free(report);
	}
	CU_ASSERT_EQUAL(looked, 10);
}

// How much it takes to call a node honest, and a law another one.
static void test_borders(void)
{
	struct judge_findings f = {
	        .n = 50, .slope.low = -0.24, .late_high = 0.11, .lost_high = 0.11};

	CU_ASSERT_TRUE(judge_clears_slope(&f) && judge_clears_late(&f) && judge_clears_drops(&f));
	f.n = 49;
	CU_ASSERT_FALSE(judge_clears_slope(&f) || judge_clears_late(&f) || judge_clears_drops(&f));
	f = (struct judge_findings
	){.n = 50, .slope.low = -0.26, .late_high = 0.13, .lost_high = 0.13};
	CU_ASSERT_FALSE(judge_clears_slope(&f) || judge_clears_late(&f) || judge_clears_drops(&f));
	f.most = 100; // losses, but not among those owed most
	f.most_lost = 20;
	CU_ASSERT_TRUE(judge_clears_drops(&f));
	f = (struct judge_findings){.slope.middle = -0.8, .spread = 0.6};
	CU_ASSERT_EQUAL(judge_kind_of(&f, TEST_SLOPE), FOG_JUDGE_WRONG_LAW);
	f.spread = 0.4;
	CU_ASSERT_EQUAL(judge_kind_of(&f, TEST_SLOPE), FOG_JUDGE_EARLY_STATISTICS);
	f.early = 1;
	CU_ASSERT_EQUAL(judge_kind_of(&f, TEST_SLOPE), FOG_JUDGE_EARLY_PROOF);
	f.spread = 0.6;
	f.slope.middle = -0.7;
	CU_ASSERT_EQUAL(judge_kind_of(&f, TEST_SLOPE), FOG_JUDGE_EARLY_PROOF);
	CU_ASSERT_EQUAL(judge_kind_of(&f, TEST_LATE), FOG_JUDGE_LATE);
	CU_ASSERT_EQUAL(judge_kind_of(&f, TEST_DROPS), FOG_JUDGE_DROPS_LONG);
}

static void test_names(void)
{
	for (enum fog_judge_kind kind = 0; kind < FOG_JUDGE_KINDS; kind++)
		CU_ASSERT_STRING_NOT_EQUAL(fog_judge_kind_name(kind), "?");
	CU_ASSERT_STRING_EQUAL(fog_judge_kind_name(FOG_JUDGE_KINDS), "?");
	CU_ASSERT_FALSE(fog_judge_blames(FOG_JUDGE_UNDECIDED));
	CU_ASSERT_FALSE(fog_judge_blames(FOG_JUDGE_HONEST));
	CU_ASSERT_TRUE(fog_judge_blames(FOG_JUDGE_DROPS_LONG));
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"what is refused", test_refused},
	        {"no loops", test_nothing},
	        {"where proof begins", test_proof},
	        {"loops that bounced", test_bounced},
	        {"any order", test_order},
	        {"more nodes, weaker evidence", test_correction},
	        {"a clock that was set", test_clock_step},
	        {"proofs alone", test_flat},
	        {"proofs that two nodes share", test_flat_pair},
	        {"proofs of two nodes", test_flat_two},
	        {"the strongest first", test_strongest},
	        {"borders of a verdict", test_borders},
	        {"names", test_names},
	        CU_TEST_INFO_NULL,
	};
	return check_run("judge", tests);
}
