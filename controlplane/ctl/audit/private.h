// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Between the judge's files: judge.c goes round, loops.c prepares what loops say, tests.c tests a node,
// words.c puts it into sentences.
#pragma once

#include "judge.h"
#include "statistics.h"

// One passage of a loop through a node.
struct judge_passage {
	uint32_t loop;
	double owed; // at least one tick
};

// What a loop says, whichever node is looked at.
struct judge_outcome {
	double residual; // transit without all that was owed; of lost ones without meaning
	double extra; // residual beyond what is usual on its path
	bool usual; // enough loops took this path to tell what is usual
	bool lost;
	bool early; // arrived before it could have
	bool out; // through a node that is blamed already
	bool through; // the node that is looked at
};

struct judge {
	const struct fog_judge_loop *loop;
	size_t count;
	unsigned nodes;
	const struct fog_judge_rules *rules;
	struct fog_judge_report *report;
	struct judge_outcome *outcome; // [count]
	size_t *first; // [nodes + 2]: where a node's passages begin
	struct judge_passage *passage; // by node, then by departure
	uint32_t *order; // [used]: loops that count
	size_t used;
	// Scratch space, [count] each.
	double *x, *y, *a, *b;
	size_t *index;
	size_t *with; // [nodes]
};

enum judge_test { TEST_SLOPE, TEST_EARLY, TEST_DROPS, TEST_LATE, JUDGE_TESTS };

// What the tests of one node found.
struct judge_findings {
	double log_p[JUDGE_TESTS]; // natural logarithms, one-sided
	size_t n, arrived, lost, early; // of its passages, without loops that are out
	bool all; // too few passages would have been left without loops that are out: all are in
	struct stat_slope
	        slope; // of 'extra' over owed: 0 when honest, -1 when it ignores what it owes
	double owed; // mean
	double spread; // of what it gave, against that of what it owed
	size_t timed, timed_others; // arrived on paths where it is known what is usual
	double late, late_high, late_others; // shares of these; the second is the border above
	double lost_share, lost_high; // as above
	double lost_rank; // mean rank of what was owed to the lost ones
	size_t most, most_lost; // passages owed the longest fifth of delays
};

// Fill outcomes and passages. Returns 0, -EINVAL, -ENOMEM; what is filled in belongs to judge.c.
int judge_prepare(struct judge *);
// Test 'node'.
void judge_examine(struct judge *, uint32_t node, struct judge_findings *);
// Kind of the cheat that the test 'test' has found.
enum fog_judge_kind judge_kind_of(const struct judge_findings *, enum judge_test test);
// Whether the findings are enough to say that the node does none of it.
bool judge_clears_slope(const struct judge_findings *);
bool judge_clears_late(const struct judge_findings *);
bool judge_clears_drops(const struct judge_findings *);
// Write the sentences of a verdict whose other fields are set.
void judge_put_words(const struct judge *, const struct judge_findings *, struct fog_judge_verdict *);
