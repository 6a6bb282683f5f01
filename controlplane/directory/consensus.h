// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The network of one epoch, as a threshold of authorities has signed it. One form, integers big-endian:
//
//   version 1 (1) | authorities 1 | threshold 1 | layers 1 | network 32 | epoch 8 |
//   until 8 (the first epoch that it is not good for any more: epoch + FOG_CONSENSUS_LIFE) |
//   previous epoch 8 | previous digest 32 (zeros: it is the first) | beacon 32 |
//   voted 2, shared 2, lied 2 (bit a: authority a's vote counted; gave a share of the beacon, which it
//   withheld when it voted only; signed two votes, of which none counts) | reserved 2, zero |
//   slots 2, payload length 2, epoch s 4, overlap s 4, delay mean us 4, delay max us 4, delay cap ms 4,
//   tolerance ms 4, rekey s 4, rekey packets 8 | rates 7 * 4 |
//   shares: 80 for each bit of 'shared', ascending |
//   number of nodes 2 | number of left out 2 |
//   nodes, ascending by ID, each: since 8 (first epoch of its present unbroken row), layer 1,
//   reserved 1, zero, length 2, descriptor (with its own signature) |
//   left out, ascending, each: node ID 32, reason 1 (enum fog_refusal) |
//   number of signatures 1 | signatures, ascending, each: authority 1, 64 (statement.h, CONSENSUS, over
//   the BLAKE2b-256 of everything before the number of signatures)
//
// What is in it follows from the votes, the previous consensus and the network file alone (README.md has
// the rules), so authorities that have the same votes make the same bytes.
// Pure, any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vote.h"

enum {
	FOG_CONSENSUS_LIFE =
	        3, // epochs that one is good for: its own, and two more without a newer one
	FOG_CONSENSUS_MAX = 4 << 20, // bytes
};

struct fog_consensus_node {
	uint64_t since;
	uint8_t layer; // 0: not a mix
	uint32_t at, len; // of its signed descriptor, in 'data'
	struct fog_descriptor descriptor;
};

struct fog_consensus_left {
	uint8_t node_id[FOG_ID_LEN];
	uint8_t reason; // enum fog_refusal
};

// A consensus that was read. Immutable.
struct fog_consensus {
	uint64_t epoch, until, previous_epoch;
	uint8_t network[32], previous_digest[32], beacon[32];
	uint8_t digest[32]; // of what is signed
	uint16_t voted, shared, lied; // bits by authority
	unsigned authorities, threshold, layers;
	struct fog_cover_rates rates;
	uint32_t tolerance_ms, rekey_s;
	uint64_t rekey_packets;
	uint16_t signers; // bits: whose valid signatures it has
	unsigned node_count, left_count;
	struct fog_consensus_node *node; // ascending by ID
	struct fog_consensus_left *left;
	size_t body_len, len; // of 'data', without and with signatures
	uint8_t *data;
};

// Why a node of 'vote'd descriptors is left out is decided here. 'votes': those that count or lie, of one
// epoch, at most one an authority; the caller gives NULL for those that are absent, and sets bits in 'lied'
// for authorities that signed two. 'previous' (may be NULL) is the consensus that the votes name.
// The result is unsigned: number of signatures 0. The caller frees it. Returns 0, -ENOMEM, -ENODATA (the
// votes that count are fewer than the threshold, or name different previous ones), -EINVAL.
int fog_consensus_compute(
        const struct fog_topology *network, uint64_t epoch,
        const struct fog_vote *const votes[FOG_AUTHORITIES_MAX], uint16_t lied,
        const struct fog_consensus *previous, struct fog_consensus **out
);
// Our statement about it.
struct fog_statement fog_consensus_statement(const struct fog_consensus *);

// Put signatures in the place of those it has. Returns 0 or -ENOMEM.
struct fog_consensus_signature {
	uint8_t authority, signature[64];
};

int fog_consensus_set_signatures(
        struct fog_consensus *, const struct fog_consensus_signature *, unsigned count
);
// Read, and check form, network, parameters, signatures (each valid one counts once), the beacon's shares
// (not that of 'previous', which the reader may not have) and the signature of every descriptor.
// The caller frees *out. Returns FOG_REFUSAL_NONE, MALFORMED, NETWORK, PARAMETERS, SIGNATURE (one of an
// authority or of a node is wrong), THRESHOLD; -ENOMEM.
int fog_consensus_open(
        const uint8_t *data, size_t len, const struct fog_topology *network,
        struct fog_consensus **out
);
void fog_consensus_free(struct fog_consensus *); // accepts NULL
// NULL: it is not in it.
const struct fog_consensus_node *fog_consensus_find(
        const struct fog_consensus *, const uint8_t node_id[FOG_ID_LEN]
);

// What a descriptor is refused for by itself and beside those of 'known' (descriptors of other nodes, or an
// older one of its own; may be 0): everything in refusals.def that needs no votes. 'now_ms' since 1970;
// 'previous' may be NULL. Used by an authority when one comes, and again by fog_consensus_compute (which
// leaves CLOCK out). Sentence with the mend in 'text' (FOG_JUDGE_TEXT_LEN bytes).
enum { FOG_JUDGE_TEXT_LEN = 256 };
enum fog_refusal fog_descriptor_judge(
        const struct fog_topology *network, const struct fog_consensus *previous, uint64_t epoch,
        const uint8_t *data, size_t len, const struct fog_descriptor *const *known,
        unsigned known_count, uint64_t now_ms, char *text
);
