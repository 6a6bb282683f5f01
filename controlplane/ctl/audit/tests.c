// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The tests of one node. Each asks how probable what was seen is if this node is honest, whatever the
// others do and however noisy the paths are; README.md says why that holds.
#include <math.h>
#include <string.h>

#include "private.h"

enum {
	PASSAGES_MIN = 50, // less isn't looked at without the loops of nodes blamed before
	EARLY_MIN = 5, // fewer early loops say nothing about one node, or of one without another
	BORDERS = 5, // between short and long delays, at which losses are compared
};

#define SLOPE_LEAST \
	0.1 // a node that gives 90 % and more of what it owes isn't blamed by statistics
#define SLOPE_LAW 0.75 // between halving (0.5) and ignoring what is owed (1)
#define SLOPE_CLEAR 0.25 // what must be excluded before a node is called honest
#define SHARE_CLEAR 0.12 // as above: late or lost packets, of which the reference cheat makes 20 %
#define LONG_CLEAR 0.5 // as above: lost packets among those owed most, where it loses them all
#define Z_95 1.645
#define Z_99 2.326
#define Z_999 3.09

static bool counts(const struct judge_outcome *o, const struct judge_findings *f)
{
	return !o->out || f->all;
}

// The node's arrived passages into x (owed) and y (extra), by departure.
static void collect(struct judge *j, uint32_t node, struct judge_findings *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < j->used; i++)
		j->outcome[j->order[i]].through = false;
	for (size_t i = j->first[node]; i < j->first[node + 1]; i++)
		kept += !j->outcome[j->passage[i].loop].out;
	f->all = kept < PASSAGES_MIN;
	for (size_t i = j->first[node]; i < j->first[node + 1]; i++) {
		struct judge_outcome *o = &j->outcome[j->passage[i].loop];
		o->through = true;
		if (!counts(o, f))
			continue;
		f->n++;
		f->lost += o->lost;
		f->early += o->early;
		f->owed += j->passage[i].owed;
		if (o->lost)
			continue;
		j->x[f->arrived] = j->passage[i].owed;
		j->y[f->arrived++] = o->extra;
	}
	f->owed /= fmax((double)f->n, 1);
}

static void test_slope(struct judge *j, struct judge_findings *f)
{
	f->slope = (struct stat_slope){.low = -INFINITY, .high = INFINITY};
	if (f->arrived < 3)
		return;
	stat_ranks(j->x, f->arrived, j->a, j->index);
	stat_ranks(j->y, f->arrived, j->b, j->index);
	double z = stat_permutation_z(j->a, j->b, f->arrived);
	f->slope = stat_slope(j->x, j->y, f->arrived, j->index, j->a);
	if (f->slope.middle <= -SLOPE_LEAST)
		f->log_p[TEST_SLOPE] = stat_log_normal(-z);
	for (size_t i = 0; i < f->arrived; i++)
		j->y[i] += j->x[i];
	f->spread = stat_spread(j->y, f->arrived) / fmax(stat_spread(j->x, f->arrived), 1);
}

// Whether neighbours in time are late together, as they are when a machine stands still: by how much
// fewer independent packets the late ones count.
static double late_clusters(const double *late, size_t n, double p)
{
	double together = 0;

	if (n < 3 || p <= 0 || p >= 1)
		return 1;
	for (size_t i = 0; i + 1 < n; i++)
		together += (late[i] - p) * (late[i + 1] - p);
	double r = together / ((double)(n - 1) * p * (1 - p));
	if (r < 2 / sqrt((double)n))
		return 1;
	r = fmin(r, 0.9);
	return (1 + r) / (1 - r);
}

// Border above a share of n, 'z' standard deviations away.
static double border(double share, double n, double z)
{
	double p = (share * n + 1) / (n + 2);

	return p + z * sqrt(p * (1 - p) / fmax(n, 1));
}

static void test_late(struct judge *j, uint32_t node, struct judge_findings *f)
{
	size_t late = 0, late_others = 0;

	for (size_t i = j->first[node]; i < j->first[node + 1]; i++) {
		const struct judge_outcome *o = &j->outcome[j->passage[i].loop];
		if (!counts(o, f) || o->lost || !o->usual)
			continue;
		j->a[f->timed] = o->extra > j->rules->late_us;
		late += j->a[f->timed++] > 0;
	}
	for (size_t i = 0; i < j->used; i++) {
		const struct judge_outcome *o = &j->outcome[j->order[i]];
		if (o->through || !counts(o, f) || o->lost || !o->usual)
			continue;
		f->timed_others++;
		late_others += o->extra > j->rules->late_us;
	}
	double n = (double)f->timed, others = (double)f->timed_others;
	f->late = (double)late / fmax(n, 1);
	f->late_others = (double)late_others / fmax(others, 1);
	double clusters = late_clusters(j->a, f->timed, f->late);
	f->late_high = border(f->late, n / clusters, Z_99);
	if (f->timed_others < PASSAGES_MIN)
		return;
	double least = border(f->late_others, others, Z_95) + j->rules->late_share;
	f->log_p[TEST_LATE] =
	        stat_log_binomial((size_t)(n / clusters), (size_t)((double)late / clusters), least);
}

// Losses of the passages owed most against those of the others, of which j->x has what was owed, j->a
// its rank, j->b whether it was lost. An overflowing calendar drops a random packet of those that it
// keeps: what is kept twice as long is lost twice as often, at the rate that the short ones show (with
// its border above). Only what prefers the long ones more than that is a choice.
static double drops_beyond(const struct judge *j, size_t n, double rank)
{
	double lost_short = 0, time_short = 0, expected = 0;
	size_t longs = 0, lost_long = 0;

	for (size_t i = 0; i < n; i++)
		if (j->a[i] < rank) {
			lost_short += j->b[i];
			time_short += j->x[i];
		}
	double rate = (lost_short + Z_999 * sqrt(lost_short + 1) + Z_999) / fmax(time_short, 1);
	for (size_t i = 0; i < n; i++)
		if (j->a[i] >= rank) {
			longs++;
			lost_long += j->b[i] > 0;
			expected -= expm1(-rate * j->x[i]);
		}
	return longs == 0 ? 0 : stat_log_binomial(longs, lost_long, expected / (double)longs);
}

static void test_drops(struct judge *j, uint32_t node, struct judge_findings *f)
{
	double sum = 0, least = 0;
	size_t n = 0;

	for (size_t i = j->first[node]; i < j->first[node + 1]; i++) {
		const struct judge_outcome *o = &j->outcome[j->passage[i].loop];
		if (!counts(o, f))
			continue;
		j->x[n] = j->passage[i].owed;
		j->b[n++] = o->lost;
	}
	stat_ranks(j->x, n, j->a, j->index);
	for (size_t i = 0; i < n; i++) {
		sum += j->b[i] * j->a[i];
		f->most += j->a[i] >= 0.8;
		f->most_lost += j->a[i] >= 0.8 && j->b[i] > 0;
	}
	f->lost_rank = sum / fmax((double)f->lost, 1);
	f->lost_share = (double)f->lost / fmax((double)n, 1);
	f->lost_high = border(f->lost_share, (double)n, Z_99);
	for (unsigned i = 0; i < BORDERS; i++)
		least = fmin(least, drops_beyond(j, n, 0.5 + 0.1 * i));
	f->log_p[TEST_DROPS] = fmin(least + log(BORDERS), 0);
}

// A loop is early when somebody gave less and the rest was quick: an honest node that is near shows what
// a cheat further on does. So early loops single out a node only when all of them that nobody is blamed
// for went through it, and no other node was there always or nearly so.
static void test_early(struct judge *j, uint32_t node, struct judge_findings *f)
{
	size_t arrived = 0, early = 0, mine = 0, mine_early = 0;

	memset(j->with, 0, j->nodes * sizeof(*j->with));
	for (size_t i = 0; i < j->used; i++) {
		const struct fog_judge_loop *loop = &j->loop[j->order[i]];
		const struct judge_outcome *o = &j->outcome[j->order[i]];
		if (o->out || o->lost)
			continue;
		arrived++;
		early += o->early;
		mine += o->through;
		if (!o->through || !o->early)
			continue;
		mine_early++;
		for (unsigned k = 0; k < loop->hops; k++)
			j->with[loop->hop[k].node]++;
	}
	if (mine_early < EARLY_MIN || mine_early < early)
		return;
	for (uint32_t other = 0; other < j->nodes; other++)
		if (other != node && j->with[other] + EARLY_MIN > mine_early)
			return;
	f->log_p[TEST_EARLY] = stat_log_hypergeometric(arrived, early, mine, mine_early);
}

void judge_examine(struct judge *j, uint32_t node, struct judge_findings *f)
{
	*f = (struct judge_findings){0};
	collect(j, node, f);
	test_slope(j, f);
	test_early(j, node, f);
	test_drops(j, node, f);
	test_late(j, node, f);
}

enum fog_judge_kind judge_kind_of(const struct judge_findings *f, enum judge_test test)
{
	if (test == TEST_DROPS)
		return FOG_JUDGE_DROPS_LONG;
	if (test == TEST_LATE)
		return FOG_JUDGE_LATE;
	// What ignores the law but varies like it is another law, not none.
	if (test == TEST_SLOPE && f->slope.middle < -SLOPE_LAW && f->spread > 0.5)
		return FOG_JUDGE_WRONG_LAW;
	return f->early > 0 ? FOG_JUDGE_EARLY_PROOF : FOG_JUDGE_EARLY_STATISTICS;
}

bool judge_clears_slope(const struct judge_findings *f)
{
	return f->n >= PASSAGES_MIN && f->slope.low > -SLOPE_CLEAR;
}

bool judge_clears_late(const struct judge_findings *f)
{
	return f->n >= PASSAGES_MIN && f->late_high < SHARE_CLEAR;
}

bool judge_clears_drops(const struct judge_findings *f)
{
	if (f->n < PASSAGES_MIN)
		return false;
	return f->lost_high < SHARE_CLEAR ||
	        border((double)f->most_lost / fmax((double)f->most, 1), (double)f->most, Z_99) <
	        LONG_CLEAR;
}
