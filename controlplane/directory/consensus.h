// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The network of one epoch, as a threshold of authorities has signed it. One form, integers big-endian:
//
//   version 1 (1) | authorities 1 | threshold 1 | layers 1 | network 32 | epoch 8 |
//   until 8 (the first epoch that it is not good for any more: epoch + FOG_CONSENSUS_LIFE) |
//   previous epoch 8 | previous digest 32 (zeros: it is the first) |
//   beacons of this epoch, the one before and the one before that, 32 each |
//   voted 2, shared 2, lied 2 (bit a: authority a's vote counted; gave a share of the beacon, which it
//   withheld when it voted only; signed two votes, of which none counts) | reserved 2, zero |
//   slots 2, payload length 2, epoch s 4, overlap s 4, delay mean us 4, delay max us 4, delay cap ms 4,
//   tolerance ms 4, rekey s 4, rekey packets 8 | rates 7 * 4 |
//   shares: 80 for each bit of 'shared', ascending |
//   number of nodes 2 | number of left out 2 | number of debtors 2 |
//   nodes, ascending by ID, each: since 8 (first epoch of its present unbroken row), layer 1,
//   reserved 1, zero, length 2, descriptor (with its own signature) |
//   left out, ascending, each: node ID 32, reason 1 (enum fog_refusal) |
//   debtors, ascending, each: node ID 32, epoch 8, VRF key 32, beacon 32 (that of the epoch before) |
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
	FOG_CONSENSUS_OWED =
	        16, // epochs after one that the proof of its delays can still be asked for
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

// The proof of an epoch's delays that a node which is left out has not shown yet. It is taken again when its
// descriptor has it, or when FOG_CONSENSUS_OWED epochs have passed.
struct fog_consensus_owed {
	uint8_t node_id[FOG_ID_LEN];
	uint64_t epoch;
	uint8_t vrf_key[32], beacon[32]; // that counted then; what its delays were drawn with
};

// A consensus that was read. Immutable.
struct fog_consensus {
	uint64_t epoch, until, previous_epoch;
	uint8_t network[32], previous_digest[32];
	uint8_t beacon[32], beacon_before[2][32]; // of 'epoch', of epoch - 1 and epoch - 2
	uint8_t digest[32]; // of what is signed
	uint16_t voted, shared, lied; // bits by authority
	unsigned authorities, threshold, layers;
	struct fog_cover_rates rates;
	uint32_t tolerance_ms, rekey_s;
	uint64_t rekey_packets;
	uint16_t signers; // bits: whose valid signatures it has
	unsigned node_count, left_count, owed_count;
	struct fog_consensus_node *node; // ascending by ID
	struct fog_consensus_left *left;
	struct fog_consensus_owed *owed; // ascending by ID
	size_t body_len, len; // of 'data', without and with signatures
	uint8_t *data;
};

// Who is in it and why others are left out is decided here. 'votes': of one epoch, at place a the one of
// authority a or NULL; bits in 'lied' are for authorities that signed two. Those count that are for 'epoch',
// name 'previous' (may be NULL: none) and are nobody's who lied.
// The result is unsigned: number of signatures 0. The caller frees it. Returns 0, -ENOMEM, -ENODATA (the
// votes that count are fewer than the threshold), -EINVAL ('previous' is not older than 'epoch').
int fog_consensus_compute(
        const struct fog_topology *network, uint64_t epoch,
        const struct fog_vote *const votes[FOG_AUTHORITIES_MAX], uint16_t lied,
        const struct fog_consensus *previous, struct fog_consensus **out
);
// Our statement about it.
struct fog_statement fog_consensus_statement(const struct fog_consensus *);

// Put signatures in the place of those it has, in any order, at most one an authority (the last one counts).
// They are not verified here. Returns 0 or -ENOMEM.
struct fog_consensus_signature {
	uint8_t authority, signature[64];
};

int fog_consensus_set_signatures(
        struct fog_consensus *, const struct fog_consensus_signature *, unsigned count
);
// The signature of an authority in it, 64 bytes; NULL: it has none.
const uint8_t *fog_consensus_signature(const struct fog_consensus *, unsigned authority);
// Whether an authority has signed both, which are of one epoch and differ. Fills *out, whose signatures are
// taken from them unverified.
bool fog_consensus_contradiction(
        const struct fog_consensus *, const struct fog_consensus *,
        const struct fog_topology *network, unsigned authority, struct fog_equivocation *out
);
// The beacon of an epoch not before epoch - 2 of the consensus, as if no later one came; the static one of a
// network when the consensus is NULL.
void fog_consensus_beacon(
        const struct fog_consensus *, const uint8_t network[32], uint64_t epoch, uint8_t out[32]
);
// Read, and check form, network, parameters, signatures, the beacon's shares and that it follows from
// them (what it says about earlier beacons is believed with the signatures), and the signature of every
// descriptor.
// The caller frees *out. Returns FOG_REFUSAL_NONE, MALFORMED, NETWORK, PARAMETERS, SIGNATURE (one of an
// authority or of a node is wrong), THRESHOLD; -ENOMEM.
int fog_consensus_open(
        const uint8_t *data, size_t len, const struct fog_topology *network,
        struct fog_consensus **out
);
// Read the form alone: nothing of it is verified, so it's good for showing only. The caller frees *out.
// Returns 0, -EBADMSG or -ENOMEM.
int fog_consensus_parse(const uint8_t *data, size_t len, struct fog_consensus **out);
void fog_consensus_free(struct fog_consensus *); // accepts NULL
// What it says that the network file must say, too, and the rates: fills slots and payload length of the
// geometry, times, rekeying and 'cover'; all else is zero.
void fog_consensus_parameters(const struct fog_consensus *, struct fog_topology *out);
// NULL: it is not in it.
const struct fog_consensus_node *fog_consensus_find(
        const struct fog_consensus *, const uint8_t node_id[FOG_ID_LEN]
);
// NULL: it owes nothing.
const struct fog_consensus_owed *fog_consensus_owed(
        const struct fog_consensus *, const uint8_t node_id[FOG_ID_LEN]
);

// What a descriptor is refused for by itself and beside those of 'known' (descriptors of other nodes, or an
// older one of its own; may be 0): everything in refusals.def that needs no votes. 'epoch': that of the
// consensus which is made next. 'previous' may be NULL. 'now_ms' since 1970: it may be signed
// later than that by the network's tolerance and earlier by that and an epoch; 0: the clock isn't looked at,
// as in fog_consensus_compute, which judges each again.
// A conflict with a node of 'known' counts when the other one would win it. WITHDRAWN is no fault: an
// authority puts such a descriptor into its vote, so that all leave the node out.
// Sentence with the mend in 'text' (FOG_JUDGE_TEXT_LEN bytes, empty when it is good; may be NULL).
// Takes one signature, and one VRF proof when everything else is good.
enum { FOG_JUDGE_TEXT_LEN = 256 };
enum fog_refusal fog_descriptor_judge(
        const struct fog_topology *network, const struct fog_consensus *previous, uint64_t epoch,
        const uint8_t *data, size_t len, const struct fog_descriptor *const *known,
        unsigned known_count, uint64_t now_ms, char *text
);
