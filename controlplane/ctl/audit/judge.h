// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What loop packets say about the nodes that they passed. For each loop the auditor knows what every
// node of the path owed it (recomputed from published proofs) and how long the whole loop took; the
// judge says which node gave less, something else, more, or dropped what it would have had to keep
// long. Only arithmetic: no input, no output, no clock, no randomness. README.md has the statistics.
//
// Any thread; times in microseconds.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FOG_JUDGE_HOPS_MAX = 16,
	FOG_JUDGE_NODES_MAX = 4096,
	FOG_JUDGE_WORDS = 512,
};

struct fog_judge_hop {
	uint32_t node; // index below the number of nodes
	uint64_t owed_us; // as fog_delay_owed says
};

struct fog_judge_loop {
	uint64_t departure_us; // when it left the auditor, on any clock that only goes forward
	int64_t transit_us; // from there to its arrival, unless lost
	bool lost; // not there long after the last moment at which it could have been
	uint8_t hops;
	struct fog_judge_hop hop[FOG_JUDGE_HOPS_MAX]; // the auditor's own node isn't among them
};

// How much is too much. fog_judge_rules_default fills in what README.md gives reasons for; the caller
// sets what it has measured or knows better.
struct fog_judge_rules {
	uint32_t tick_us; // of the slowest calendar on the paths
	uint32_t slack_us; // most that the auditor's two readings of its clock are off
	uint32_t late_us; // beyond the path's usual time: what counts as a late packet
	double late_share; // of a node's packets above that of others: less isn't blamed
	double error; // most probability of blaming any honest node of the audit
};

enum fog_judge_kind {
	FOG_JUDGE_UNDECIDED, // not enough data, or too noisy; 'words' says what is missing
	FOG_JUDGE_HONEST, // enough data for each kind of cheat, and none of it
	FOG_JUDGE_EARLY_PROOF, // gives less than it owes, loops arrived before they could have
	FOG_JUDGE_EARLY_STATISTICS, // gives less than it owes, but never so little that it is proof
	FOG_JUDGE_WRONG_LAW, // its delays don't follow what it owes
	FOG_JUDGE_LATE, // adds to some packets far more than other nodes do
	FOG_JUDGE_DROPS_LONG, // loses those that it would have to keep long
	FOG_JUDGE_KINDS
};

struct fog_judge_verdict {
	enum fog_judge_kind kind;
	// Probability of evidence this strong if the node were honest, times the number of tests of the
	// audit; 1 at most. For a verdict without blame: the least of the node's tests.
	double p;
	unsigned loops, lost; // through the node, where it couldn't know its packet from any other
	unsigned bounced; // through it and back to where they came from; not judged
	unsigned early; // of 'loops', arrived before they could have
	double owed_us, given_us; // mean owed; the part of it that the packets owed it were given
	double slope; // given for each microsecond owed: 1 when honest
	double late_share, late_share_others; // of arrived loops through it, not through it
	double lost_rank; // 0..1: mean rank of what it owed the lost ones; about 0.5 when honest
	char words[FOG_JUDGE_WORDS]; // the evidence in sentences
};

struct fog_judge_report {
	unsigned loops, lost;
	unsigned early; // loops that arrived before they could have: proof that some node gave less
	unsigned early_unexplained; // of these, through no node that is blamed for it
	double least_residual_us; // of all loops: transit without all that was owed
	unsigned tests; // by which probabilities are multiplied
	unsigned nodes;
	struct fog_judge_verdict *verdict; // [nodes], in the order of the caller's indices
};

void fog_judge_rules_default(struct fog_judge_rules *);
// Judge 'nodes' nodes by 'count' loops, in any order. Returns 0 and a report that the caller frees,
// -EINVAL (a loop without a hop or with too many, a node out of range or twice on a path, rules out of
// range), -ENOMEM.
int fog_judge(
        const struct fog_judge_loop *loop, size_t count, unsigned nodes,
        const struct fog_judge_rules *rules, struct fog_judge_report **report
);
void fog_judge_report_free(struct fog_judge_report *); // accepts NULL
// "honest", "not enough data", "early (proof)", "early (statistics)", "wrong law", "late",
// "drops long delays".
const char *fog_judge_kind_name(enum fog_judge_kind);

static inline bool fog_judge_blames(enum fog_judge_kind kind)
{
	return kind > FOG_JUDGE_HONEST && kind < FOG_JUDGE_KINDS;
}
