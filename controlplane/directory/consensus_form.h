// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What computing, writing, reading and judging share. Inside of this folder.
#pragma once

#include "consensus.h"

enum {
	CONSENSUS_VERSION = 1,
	CONSENSUS_PARAMETERS_AT = 4 + 32 + 3 * 8 + 32 + 3 * 32 + 4 * 2,
	CONSENSUS_PARAMETERS = 2 * 2 + 7 * 4 + 8,
	CONSENSUS_TOLERANCE_AT = 2 * 2 + 5 * 4, // in the parameters
	CONSENSUS_HEAD = CONSENSUS_PARAMETERS_AT + CONSENSUS_PARAMETERS + 7 * 4,
	CONSENSUS_NODE = 8 + 1 + 1 + 2, // before its descriptor
	CONSENSUS_COUNTS = 3 * 2,
	CONSENSUS_LEFT = FOG_ID_LEN + 1,
	CONSENSUS_OWED = FOG_ID_LEN + 8 + 32 + 32,
	CONSENSUS_SIGNATURE = 1 + 64,
	CONSENSUS_SHARE = 80,
};

// A node that enough votes list.
struct consensus_member {
	struct fog_descriptor descriptor;
	const uint8_t *data; // in a vote
	size_t len;
	const struct fog_consensus_node *before; // in the previous consensus; NULL: not in it
	enum fog_refusal reason; // NONE: it is in
	bool owes; // and has not shown it
	uint8_t layer;
};

// What is written. 'head' has what a consensus says beside its lists.
struct consensus_draft {
	const struct fog_topology *network;
	struct fog_consensus head;
	uint8_t share[FOG_AUTHORITIES_MAX][CONSENSUS_SHARE]; // of the bits of head.shared
	const struct consensus_member *member; // ascending
	unsigned member_count;
	const struct fog_consensus_left *left; // ascending
	unsigned left_count;
	const struct fog_consensus_owed *owed; // ascending
	unsigned owed_count;
	const struct fog_consensus *previous;
};

// Bytes without a signature. The caller frees *out. Returns 0 or -ENOMEM.
int consensus_write(const struct consensus_draft *, uint8_t **out, size_t *len);
// Parameters of the network file, as a consensus repeats them.
void consensus_parameters_put(const struct fog_topology *, uint8_t out[CONSENSUS_PARAMETERS]);
// First epoch of the row that a node which is in 'epoch' goes on with.
uint64_t consensus_since(
        const struct fog_consensus *previous, const struct fog_consensus_node *before,
        uint64_t epoch
);

// Decide conflicts between members without a reason, and who is beyond the limit; sets reasons. Members
// ascend by ID. Returns 0 or -ENOMEM.
int conflicts_decide(struct consensus_member *, unsigned count);
// Why 'd' can't be beside 'other', a different node: NONE, IDENTITY, MIX_KEY_TAKEN, ADDRESS_TAKEN or
// NAME_TAKEN.
enum fog_refusal conflict_of(const struct fog_descriptor *d, const struct fog_descriptor *other);
// Who of two nodes keeps what both want: who was in the previous consensus (NULL: it was not), there the one
// who has been in for longer, then the lower ID, which anybody can choose. As memcmp: < 0 is the first one.
int conflict_order(
        const struct fog_consensus_node *before, const uint8_t *id,
        const struct fog_consensus_node *other_before, const uint8_t *other_id
);

// What all descriptors of one epoch are judged by.
struct judge {
	const struct fog_topology *network;
	const struct fog_consensus *previous;
	uint64_t epoch;
	uint8_t hash[32]; // of the network
	uint64_t owed; // epoch whose delays are to be proved
	uint8_t owed_beacon[32];
	bool owes; // somebody may have to
};

void judge_init(
        struct judge *, const struct fog_topology *network, const struct fog_consensus *previous,
        uint64_t epoch
);
// Whether the node owes a proof to the consensus that is made: one that it owed before, or that of the last
// epoch that is over.
bool judge_owes(const struct judge *, const uint8_t *node_id, struct fog_consensus_owed *);
// ... and whether its descriptor has it.
bool judge_shows(const struct judge *, const struct fog_consensus_owed *, const struct fog_descriptor *);
// By itself and the previous consensus; form and signature are known to be good. 'text' may be NULL.
enum fog_refusal judge_itself(
        const struct judge *, const struct fog_descriptor *, const uint8_t *data, size_t len,
        char *text
);
