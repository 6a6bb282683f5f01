// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One authority's part in the agreement on the next epoch's consensus, without a clock, a network or a
// disk of its own. Within epoch e, for the consensus of e+1, in eighths of the epoch:
//
//   until 5   descriptors that come are judged and kept
//   5 to 6    round 1: everybody sends its vote to all others
//   to 7      round 2: a vote that came from its author is relayed to all others, with a signature of who
//             relays; a vote that comes so counts, one that comes from its author doesn't any more
//   7         what counts is fixed: compute, sign, send the signature
//   to 9      signatures come; with the threshold of them it is a consensus, and in the view
//
// This is Dolev-Strong's broadcast ("Authenticated algorithms for Byzantine agreement", SIAM J. Comput.
// 12(4), 1983) with two rounds, once for each vote: if at most one authority lies and messages between honest
// ones arrive within an eighth of an epoch (less the difference of their clocks), all honest ones
// compute from the same votes, whatever the liar sends to whom and when.
// An authority that signs two votes or two consensuses of an epoch leaves a proof, which goes into the view.
//
// One thread at a time (the caller locks). Times are nanoseconds since 1970.
#pragma once

#include <stdbool.h>

#include "../directory/consensus.h"
#include "../directory/view.h"

struct fog_agreement;

// What an authority has said must outlive it: one that forgets it could say something else.
struct fog_agreement_ops {
	// Keep, durably: on return 0 it is there after a power cut. Returns 0 or -errno.
	int (*save
	)(void *ctx, enum fog_statement_kind, uint64_t epoch, const void *data, size_t len);
	// Read it back; the caller frees *data. Returns 0, -ENOENT (nothing was said), -errno.
	int (*load
	)(void *ctx, enum fog_statement_kind, uint64_t epoch, uint8_t **data, size_t *len);
	// Whether the operator refuses this node.
	bool (*denies)(void *ctx, const uint8_t node_id[FOG_ID_LEN]);
};

struct fog_agreement_params {
	const struct fog_topology *network; // outlives the object
	unsigned self; // our place in it
	const uint8_t *secret_key, *vrf_seed; // as in struct fog_identity; outlive the object
	struct fog_view *view; // outlives the object; taken into under the caller's lock
	const struct fog_agreement_ops *ops;
	void *ctx;
};

// Returns 0 or -ENOMEM.
int fog_agreement_create(const struct fog_agreement_params *, struct fog_agreement **out);
void fog_agreement_destroy(struct fog_agreement *); // accepts NULL

// What is due now: vote, compute, publish, begin anew. Several times an eighth of an epoch. Logs what fails.
void fog_agreement_tick(struct fog_agreement *, uint64_t now_ns);

// A descriptor came. Returns FOG_REFUSAL_NONE (taken, also when it is known) or why not, with a sentence in 'text'
// (FOG_JUDGE_TEXT_LEN bytes); -ENOMEM.
int fog_agreement_descriptor(
        struct fog_agreement *, const uint8_t *data, size_t len, uint64_t now_ns, char *text
);

// A vote came from whoever: relaying authority 1 (255: it is its author's own message) | zeros 3 |
// signature of the relaying one 64 (zeros: its author's own) | vote.
// The signature is Ed25519 over "fogline relay v1" | 0 | network 32 | epoch 8 | digest of the vote 32.
// Returns as above: MALFORMED, NETWORK, SIGNATURE, EPOCH (of another epoch, or too late to count).
enum { FOG_AGREEMENT_RELAY = 1 + 3 + 64, FOG_AGREEMENT_AUTHOR = 255 };

int fog_agreement_vote(struct fog_agreement *, const uint8_t *data, size_t len, uint64_t now_ns);

// A signature on a consensus: authority 1 | zeros 3 | epoch 8 | digest 32 | signature 64. Returns as above.
enum { FOG_AGREEMENT_SIGNATURE = 4 + 8 + 32 + 64 };

int fog_agreement_signature(
        struct fog_agreement *, const uint8_t *data, size_t len, uint64_t now_ns
);

// What another authority isn't known to have yet.
struct fog_agreement_message {
	enum fog_statement_kind kind;
	uint64_t token; // for fog_agreement_sent
	uint8_t *data; // the caller frees it
	size_t len;
};

// Returns true and a message, or false: there is nothing for it now.
bool fog_agreement_next(const struct fog_agreement *, unsigned to, uint64_t now_ns, struct fog_agreement_message *);
// It has arrived: an answer came that isn't "come again later".
void fog_agreement_sent(struct fog_agreement *, unsigned to, uint64_t token);
// Whether a consensus is missing that others may have: of this epoch, or at the end of it of the next.
bool fog_agreement_lacks(const struct fog_agreement *, uint64_t now_ns);

// The votes of an epoch once they are fixed (before that nobody may build on them), as they are, each behind
// its length, 4 bytes. The caller frees *data. Returns 0, -ENOENT, -ENOMEM.
int fog_agreement_votes(const struct fog_agreement *, uint64_t epoch, uint8_t **data, size_t *len);
