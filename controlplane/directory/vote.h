// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What an authority has to say about the next epoch. One form, integers big-endian:
//
//   version 1 (1) | authority 1 (its place in the network file) | flags 1 (bit 0: a share follows) |
//   reserved 1, zero | network 32 | epoch 8 | previous epoch 8 | previous digest 32 (of the newest
//   consensus it has; zeros: none) | rates: the 7 numbers of struct fog_cover_rates, 4 each |
//   share 80 (VRF proof, zeros when withheld) | number of descriptors 2 | reserved 2, zero |
//   descriptors, each: length 2, bytes (signed; ascending by node ID)
//   signature 64: fog_statement_sign, VOTE, over the BLAKE2b-256 of all before it
//
// Pure, any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "descriptor.h"
#include "refusals.h"
#include "statement.h"

enum {
	FOG_VOTE_HEAD = 4 + 32 + 8 + 8 + 32 + 7 * 4 + 80 + 4,
	FOG_VOTE_MAX = FOG_VOTE_HEAD + FOG_NODES_MAX * (2 + FOG_DESCRIPTOR_MAX) + 64,
};

// A vote that was read; its descriptors lie in 'data', which is the object's own.
struct fog_vote {
	unsigned authority;
	bool has_share;
	uint8_t network[32], previous_digest[32], digest[32], signature[64];
	uint64_t epoch, previous_epoch;
	struct fog_cover_rates rates;
	uint8_t share[80];
	unsigned count;

	struct {
		uint32_t at, len; // in 'data'
	} descriptor[FOG_NODES_MAX];

	size_t len;
	uint8_t data[]; // the whole vote
};

struct fog_vote_content {
	unsigned authority;
	uint64_t epoch, previous_epoch;
	uint8_t network[32], previous_digest[32];
	struct fog_cover_rates rates;
	const uint8_t *share; // 80 bytes, or NULL
	unsigned count; // descriptors, in any order
	const uint8_t *const *descriptor;
	const size_t *descriptor_len;
};

// Write and sign. The caller frees *out. Returns 0, -ENOMEM, -EINVAL (too many, or two of one node).
int fog_vote_make(
        const struct fog_vote_content *, const uint8_t *secret_key, uint8_t **out, size_t *len
);
// Read and check the signature against the network file. Descriptors are not looked into but for their
// order and form. The caller frees *out. Returns FOG_REFUSAL_NONE, or why not (MALFORMED, SIGNATURE,
// NETWORK: also of an authority that the network file doesn't have); -ENOMEM when there is no memory.
int fog_vote_open(
        const uint8_t *data, size_t len, const struct fog_topology *network, struct fog_vote **out
);
