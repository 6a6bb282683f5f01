// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Rounds of blame: test every node, blame the one with the strongest evidence, leave its loops out, test
// again, until nobody is blamed any more.
#include "judge.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "private.h"

void fog_judge_rules_default(struct fog_judge_rules *rules)
{
	*rules = (struct fog_judge_rules){
	        .tick_us = 100,
	        .slack_us = 100,
	        .late_us = 40000,
	        .late_share = 0.03,
	        .error = 1e-4,
	};
}

static int rules_check(const struct fog_judge_rules *r)
{
	if (r->late_us == 0 || !(r->late_share >= 0 && r->late_share < 0.5) ||
	    !(r->error > 0 && r->error < 1))
		return -EINVAL;
	return 0;
}

static void judge_free(struct judge *j)
{
	free(j->outcome);
	free(j->first);
	free(j->passage);
	free(j->order);
	free(j->x);
	free(j->y);
	free(j->a);
	free(j->b);
	free(j->index);
	free(j->with);
}

static int judge_make(struct judge *j)
{
	size_t n = j->count + 1; // an allocation of nothing may be NULL

	j->outcome = calloc(n, sizeof(*j->outcome));
	j->order = calloc(n, sizeof(*j->order));
	j->x = calloc(n, sizeof(*j->x));
	j->y = calloc(n, sizeof(*j->y));
	j->a = calloc(n, sizeof(*j->a));
	j->b = calloc(n, sizeof(*j->b));
	j->index = calloc(n, sizeof(*j->index));
	j->with = calloc(j->nodes, sizeof(*j->with));
	j->report = calloc(1, sizeof(*j->report));
	if (j->report != NULL)
		j->report->verdict = calloc(j->nodes + 1, sizeof(*j->report->verdict));
	if (j->outcome == NULL || j->order == NULL || j->x == NULL || j->y == NULL ||
	    j->a == NULL || j->b == NULL || j->index == NULL || j->with == NULL ||
	    j->report == NULL || j->report->verdict == NULL)
		return -ENOMEM;
	j->report->nodes = j->nodes;
	j->report->tests = j->nodes * JUDGE_TESTS;
	return 0;
}

// The test with the least probability. Equal ones: the first, which says most.
static enum judge_test strongest(const struct judge_findings *f)
{
	enum judge_test best = 0;

	for (enum judge_test t = 1; t < JUDGE_TESTS; t++)
		if (f->log_p[t] < f->log_p[best])
			best = t;
	return best;
}

// Logarithm of the probability after correction.
static double corrected(const struct judge *j, double log_p)
{
	return fmin(log_p + log(j->report->tests), 0);
}

// What the node is blamed for. A node that doesn't keep to the law may be late or lose packets, too;
// what explains most comes first.
static enum fog_judge_kind blame_of(const struct judge *j, const struct judge_findings *f)
{
	for (enum judge_test t = 0; t < JUDGE_TESTS; t++)
		if (corrected(j, f->log_p[t]) < log(j->rules->error))
			return judge_kind_of(f, t);
	return FOG_JUDGE_UNDECIDED;
}

static void verdict_write(
        const struct judge *j, uint32_t node, const struct judge_findings *f,
        enum fog_judge_kind kind
)
{
	struct fog_judge_verdict *v = &j->report->verdict[node];

	v->kind = kind;
	v->p = exp(corrected(j, f->log_p[strongest(f)]));
	v->loops = (unsigned)f->n;
	v->lost = (unsigned)f->lost;
	v->early = (unsigned)f->early;
	v->owed_us = f->owed;
	v->given_us = fmax(f->owed * (1 + f->slope.middle), 0);
	v->slope = 1 + f->slope.middle;
	v->late_share = f->late;
	v->late_share_others = f->late_others;
	v->lost_rank = f->lost_rank;
	judge_put_words(j, f, v);
}

static void loops_leave(struct judge *j, uint32_t node)
{
	for (size_t i = j->first[node]; i < j->first[node + 1]; i++)
		j->outcome[j->passage[i].loop].out = true;
}

// One round: blame the node with the strongest evidence. Returns whether there is one.
static bool round_blame(struct judge *j)
{
	enum fog_judge_kind kind = FOG_JUDGE_UNDECIDED;
	struct judge_findings worst = {0};
	uint32_t who = 0;

	for (uint32_t node = 0; node < j->nodes; node++) {
		struct judge_findings f;
		if (fog_judge_blames(j->report->verdict[node].kind))
			continue;
		judge_examine(j, node, &f);
		enum fog_judge_kind found = blame_of(j, &f);
		if (!fog_judge_blames(found) ||
		    (fog_judge_blames(kind) &&
		     f.log_p[strongest(&f)] >= worst.log_p[strongest(&worst)]))
			continue;
		worst = f;
		who = node;
		kind = found;
	}
	if (!fog_judge_blames(kind))
		return false;
	verdict_write(j, who, &worst, kind);
	loops_leave(j, who);
	return true;
}

static void acquit(struct judge *j)
{
	for (uint32_t node = 0; node < j->nodes; node++) {
		struct judge_findings f;
		if (fog_judge_blames(j->report->verdict[node].kind))
			continue;
		judge_examine(j, node, &f);
		bool clear = judge_clears_slope(&f) && judge_clears_late(&f) &&
		        judge_clears_drops(&f);
		verdict_write(j, node, &f, clear ? FOG_JUDGE_HONEST : FOG_JUDGE_UNDECIDED);
	}
	for (size_t i = 0; i < j->used; i++) {
		const struct judge_outcome *o = &j->outcome[j->order[i]];
		j->report->early_unexplained += o->early && !o->out;
	}
}

int fog_judge(
        const struct fog_judge_loop *loop, size_t count, unsigned nodes,
        const struct fog_judge_rules *rules, struct fog_judge_report **report
)
{
	struct judge j = {.loop = loop, .count = count, .nodes = nodes, .rules = rules};
	int ret;

	*report = NULL;
	if (nodes == 0 || nodes > FOG_JUDGE_NODES_MAX || count >= UINT32_MAX ||
	    rules_check(rules) < 0)
		return -EINVAL;
	if ((ret = judge_make(&j)) < 0 || (ret = judge_prepare(&j)) < 0)
		goto err;
	while (round_blame(&j))
		;
	acquit(&j);
	*report = j.report;
	judge_free(&j);
	return 0;
err:
	fog_judge_report_free(j.report);
	judge_free(&j);
	return ret;
}

void fog_judge_report_free(struct fog_judge_report *report)
{
	if (report == NULL)
		return;
	free(report->verdict);
	free(report);
}

const char *fog_judge_kind_name(enum fog_judge_kind kind)
{
	static const char *const name[FOG_JUDGE_KINDS] = {
	        [FOG_JUDGE_UNDECIDED] = "not enough data",
	        [FOG_JUDGE_HONEST] = "honest",
	        [FOG_JUDGE_EARLY_PROOF] = "early (proof)",
	        [FOG_JUDGE_EARLY_STATISTICS] = "early (statistics)",
	        [FOG_JUDGE_WRONG_LAW] = "wrong law",
	        [FOG_JUDGE_LATE] = "late",
	        [FOG_JUDGE_DROPS_LONG] = "drops long delays",
	};

	return kind < FOG_JUDGE_KINDS ? name[kind] : "?";
}
