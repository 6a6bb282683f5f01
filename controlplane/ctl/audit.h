// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the words of `fogctl audit` share, and what `audit delays` gathers before the judge (audit/judge.h) has its say: the network and
// its law, loops, and the delay keys that follow from the nodes' proofs.
#pragma once

#include "../../dataplane/crypto/delay.h"
#include "audit/judge.h"
#include "client.h"

extern const char audit_usage[]; // of all words

// `audit verify`, `show` and `export`, on the platform's store (audit_rows.c).
bool audit_rows_word(const char *text);
int audit_rows(int argc, char **argv);

// What is known of a node's delay key of one epoch.
enum audit_proof {
	AUDIT_PROOF_UNASKED, // no loop of that epoch passed the node
	AUDIT_PROOF_MISSING, // not published, or not known here
	AUDIT_PROOF_BAD, // is no proof by the node's published key
	AUDIT_PROOF_EARLY, // the VRF key does not count yet in that epoch
	AUDIT_PROOF_GOOD,
};

struct audit_node {
	char name[32];
	char id[65]; // hexadecimal
	uint8_t vrf_key[32];
	bool has_vrf_key, self;
	unsigned layer;
	unsigned missing, bad; // epochs without a proof, with a bad one
};

enum audit_fate { AUDIT_ARRIVED, AUDIT_LOST, AUDIT_UNKNOWN };

struct audit_loop {
	uint64_t epoch, departure_us, travel_us;
	enum audit_fate fate;
	unsigned hops; // mixes only
	uint32_t node[FOG_JUDGE_HOPS_MAX];
	uint8_t tag[FOG_JUDGE_HOPS_MAX][32];
};

struct audit_key {
	enum audit_proof state;
	struct fog_aes_key key; // GOOD only
};

struct audit_beacon {
	bool known;
	uint8_t beacon[32];
};

struct fog_consensus;

struct audit {
	// The network.
	uint8_t hash[32];
	struct fog_delay_law law;
	uint32_t tick_us, epoch_s, overlap_s;
	bool directory; // its authorities make a consensus, and that the beacons
	unsigned node_count;
	struct audit_node *node;
	// Loops, in the order of their departure.
	size_t loop_count, loop_room;
	struct audit_loop *loop;
	// Epochs of loops, ascending, and a key for each node in each of them.
	unsigned epoch_count;
	uint64_t *epoch;
	struct audit_beacon *beacon; // what the delays of each were drawn with
	struct audit_key *key; // [epoch_count * node_count]
	// Loops that could not be judged.
	unsigned unknown, other_epoch, unproved, early;
};

void audit_free(struct audit *);

// Read answers of the API. Return 0, -EPROTO (the field that is missing or wrong is said on stderr)
// or -ENOMEM.
int audit_read_nodes(struct audit *, const json_t *answer); // GET /v1/nodes
int audit_read_loops(struct audit *, const json_t *answer); // GET /v1/loops, page by page

// Make the table of keys for the epochs of the loops from 'first' to 'last' (loops of others are
// taken out and counted). Returns 0 or -ENOMEM.
int audit_epochs(struct audit *, uint64_t first, uint64_t last);
// The beacons of a network whose file lists the nodes.
void audit_beacons_static(struct audit *);
// Those that a consensus of this network says of epochs of the table: delays of epoch x are drawn with the
// beacon of x - 1, which the consensuses of x - 1 to x + 1 have. Returns 0, or -EXDEV (of another network).
int audit_beacons_take(struct audit *, const struct fog_consensus *);
// The first epoch of the table whose beacon is not known yet, a loop's at least; UINT64_MAX: all are.
uint64_t audit_beacons_missing(const struct audit *);
// Take a node's answer for an epoch (GET /v1/nodes/{id}/epochs/{n}/vrf; NULL: there is none) and
// check the proof. Returns what became of it.
enum audit_proof audit_take_proof(
        struct audit *, unsigned node, unsigned epoch, const json_t *answer
);

static inline struct audit_key *audit_key_of(const struct audit *a, unsigned epoch, unsigned node)
{
	return &a->key[epoch * a->node_count + node];
}

// Fill in the beacons: a directory's from the running node, and from 'file', if it isn't NULL, as 'network'
// verifies it. Returns 0, or the exit code after having said what is missing: an audit with another beacon
// would take honest nodes for cheats.
int audit_beacons(struct ctl_client *, struct audit *, const char *file, const char *network);

// Judge what has proofs for all its hops. Returns 0 with a report that the caller frees, -EINVAL,
// -ENOMEM. '*used' says how many loops there were.
int audit_judge(struct audit *, struct fog_judge_report **, size_t *used);

// Both return what they said.
enum audit_result { AUDIT_HONEST, AUDIT_CHEATING, AUDIT_UNDECIDED };

enum audit_result audit_print(const struct audit *, const struct fog_judge_report *, size_t used);
enum audit_result audit_print_json(
        const struct audit *, const struct fog_judge_report *, size_t used
);
