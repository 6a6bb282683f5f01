// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How often the judge is wrong and how often it finds what is there, over many simulated audits. Prints a
// table; deterministic. With FOGLINE_LONG set ten times as many.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../run.h"
#include "simulate.h"

static unsigned times = 1;

static const char *const noise_name[NOISES] = {
        "uniform jitter",   "exponential jitter", "100 ms pauses",
        "one slow machine", "unlike paths",       "full calendars",
};
static const char *const cheat_name[CHEATS] = {
        "nobody",
        "halves",
        "own law",
        "late for 20 %",
        "halves, honest when it bounces",
        "drops long delays",
};

// What came out of a number of audits.
struct score {
	unsigned audits;
	unsigned wrong; // audits that blame an honest node
	unsigned named, kind, missed; // cheats blamed; with the right word; called honest
	unsigned cheats, honest, cleared; // nodes
};

static bool kind_fits(enum cheat cheat, enum fog_judge_kind kind)
{
	switch (cheat) {
	case CHEAT_HALVES:
	case CHEAT_BOUNCE:
		return kind == FOG_JUDGE_EARLY_PROOF || kind == FOG_JUDGE_EARLY_STATISTICS;
	case CHEAT_OWN_LAW:
		return kind == FOG_JUDGE_WRONG_LAW;
	case CHEAT_LATE:
		return kind == FOG_JUDGE_LATE;
	default:
		return kind == FOG_JUDGE_DROPS_LONG;
	}
}

static void audit_show(const struct sim *sim, const struct fog_judge_report *report)
{
	printf("seed %016lx, %s, %zu loops\n", (unsigned long)sim->seed, noise_name[sim->noise],
	       sim->loops);
	for (unsigned i = 0; i < report->nodes; i++)
		printf("  node %u (%s): %s, p %.2g: %s\n", i, cheat_name[sim->cheat[i]],
		       fog_judge_kind_name(report->verdict[i].kind), report->verdict[i].p,
		       report->verdict[i].words);
}

static void audit_score(
        const struct sim *sim, const struct fog_judge_report *report, struct score *score
)
{
	bool wrong = false;

	for (unsigned i = 0; i < report->nodes; i++) {
		enum fog_judge_kind kind = report->verdict[i].kind;
		bool blamed = fog_judge_blames(kind);
		if (sim->cheat[i] == CHEAT_NONE) {
			wrong = wrong || blamed;
			score->honest++;
			score->cleared += kind == FOG_JUDGE_HONEST;
			continue;
		}
		score->cheats++;
		score->named += blamed;
		score->kind += kind_fits(sim->cheat[i], kind);
		score->missed += kind == FOG_JUDGE_HONEST;
	}
	score->audits++;
	score->wrong += wrong;
	if (wrong || getenv("AUDIT_SHOW") != NULL)
		audit_show(sim, report);
}

static void audit(const struct sim *sim, struct score *score)
{
	struct fog_judge_loop *loop = calloc(sim->loops, sizeof(*loop));
	struct fog_judge_report *report = NULL;
	struct fog_judge_rules rules;

	CU_ASSERT_PTR_NOT_NULL_FATAL(loop);
	sim_run(sim, loop);
	fog_judge_rules_default(&rules);
	CU_ASSERT_EQUAL_FATAL(fog_judge(loop, sim->loops, 3 * sim->width, &rules, &report), 0);
	audit_score(sim, report, score);
	fog_judge_report_free(report);
	free(loop);
}

static void score_add(struct score *sum, const struct score *s)
{
	sum->audits += s->audits;
	sum->wrong += s->wrong;
	sum->named += s->named;
	sum->kind += s->kind;
	sum->missed += s->missed;
	sum->cheats += s->cheats;
	sum->honest += s->honest;
	sum->cleared += s->cleared;
}

static void score_show(const char *what, const char *noise, const struct score *s)
{
	printf("%-32s %-20s %6u audits, %u blame an honest node; cleared %.1f %%", what, noise,
	       s->audits, s->wrong, 100.0 * s->cleared / s->honest);
	if (s->cheats > 0)
		printf("; of %u cheats %.1f %% named, %.1f %% by their kind, %u called honest",
		       s->cheats, 100.0 * s->named / s->cheats, 100.0 * s->kind / s->cheats,
		       s->missed);
	puts("");
}

// 'count' audits over all models of noise and both widths; in each one node cheats as 'cheat', and
// another one as 'second'.
static struct score audits(
        enum cheat cheat, enum cheat second, unsigned count, size_t loops, uint64_t seed
)
{
	struct score sum = {0};
	char what[80];

	snprintf(
	        what, sizeof(what), "%s%s%s", cheat_name[cheat],
	        second != CHEAT_NONE ? " and " : "", second != CHEAT_NONE ? cheat_name[second] : ""
	);
	for (enum noise noise = 0; noise < NOISES; noise++) {
		struct score score = {0};
		for (unsigned i = 0; i < count * times / NOISES; i++) {
			struct sim sim = {
			        .width = 2 + i % 2,
			        .loops = loops,
			        .noise = noise,
			        .bounces = cheat == CHEAT_BOUNCE ? 0.1 : 0,
			};
			sim.seed = sim_random(&seed);
			unsigned nodes = SIM_LAYERS * sim.width;
			unsigned who = (unsigned)(sim_random(&seed) % nodes);
			sim.cheat[who] = cheat;
			if (second != CHEAT_NONE)
				sim.cheat[(who + 1 + sim_random(&seed) % (nodes - 1)) % nodes] =
				        second;
			audit(&sim, &score);
		}
		score_show(what, noise_name[noise], &score);
		score_add(&sum, &score);
	}
	return sum;
}

// At most one audit in a thousand.
static bool rarely_wrong(const struct score *s)
{
	return s->wrong * 1000 <= s->audits;
}

static void test_honest(void)
{
	struct score s = audits(CHEAT_NONE, CHEAT_NONE, 1200, 1000, 1);

	CU_ASSERT_TRUE(s.audits >= 1000 && rarely_wrong(&s));
	CU_ASSERT_TRUE(s.cleared * 100 >= s.honest * 95);
}

static void test_one_cheat(void)
{
	struct score all = {0};

	for (enum cheat cheat = CHEAT_NONE + 1; cheat < CHEATS; cheat++) {
		struct score s = audits(cheat, CHEAT_NONE, 300, 1000, 100 + cheat);
		CU_ASSERT_TRUE(s.kind * 100 >= s.cheats * 99);
		CU_ASSERT_EQUAL(s.missed, 0);
		score_add(&all, &s);
	}
	CU_ASSERT_TRUE(rarely_wrong(&all));
}

static void test_two_cheats(void)
{
	struct score all = {0};

	for (enum cheat a = CHEAT_NONE + 1; a < CHEATS; a++)
		for (enum cheat b = a; b < CHEATS; b++) {
			struct score s = audits(a, b, 24, 1000, 1000 + 10 * a + b);
			score_add(&all, &s);
		}
	CU_ASSERT_TRUE(rarely_wrong(&all));
	// Two that are late in a layer of two are like noise; nothing else hides anybody.
	CU_ASSERT_TRUE(all.named * 100 >= all.cheats * 95);
	CU_ASSERT_TRUE(all.missed * 100 <= all.cheats);
}

// Too few loops: whoever isn't sure says so.
static void test_few_loops(void)
{
	struct score all = {0};

	for (enum cheat cheat = CHEAT_NONE; cheat < CHEATS; cheat++) {
		struct score s = audits(cheat, CHEAT_NONE, 120, 300, 2000 + cheat);
		score_add(&all, &s);
	}
	for (enum cheat cheat = CHEAT_NONE; cheat < CHEATS; cheat++) {
		struct score s = audits(cheat, CHEAT_NONE, 60, 60, 3000 + cheat);
		CU_ASSERT_EQUAL(s.cleared, 0);
		score_add(&all, &s);
	}
	CU_ASSERT_TRUE(rarely_wrong(&all));
	CU_ASSERT_TRUE(all.missed * 500 <= all.cheats);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"honest networks", test_honest},
	        {"one node that cheats", test_one_cheat},
	        {"two nodes that cheat", test_two_cheats},
	        {"few loops", test_few_loops},
	        CU_TEST_INFO_NULL,
	};

	if (getenv("FOGLINE_LONG") != NULL)
		times = 10;
	return check_run("simulated audits", tests);
}
