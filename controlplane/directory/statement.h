// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What an authority signs: that a document with this digest is its vote, or the consensus, of an epoch.
//
//   label, with its NUL | network 32 | epoch 8, big-endian | digest 32 (BLAKE2b-256 of the document)
//
// An honest authority makes one statement of each kind an epoch; two different ones are the proof that it
// lies, and everybody can check it. With 4 authorities and a threshold of 3, a second valid consensus of
// an epoch takes two of them.
// Pure, any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../mixnet/topology.h"

enum fog_statement_kind {
	FOG_STATEMENT_VOTE = 1, // "fogline vote v1"
	FOG_STATEMENT_CONSENSUS = 2, // "fogline consensus v1"
};

struct fog_statement {
	enum fog_statement_kind kind;
	uint8_t network[32];
	uint64_t epoch;
	uint8_t digest[32];
};

// 'secret_key' has 64 bytes as libsodium has them.
void fog_statement_sign(
        const struct fog_statement *, const uint8_t *secret_key, uint8_t signature[64]
);
// Returns 0 or -EKEYREJECTED.
int fog_statement_verify(
        const struct fog_statement *, const uint8_t identity[32], const uint8_t signature[64]
);

// Two statements of one kind and epoch that contradict each other, as they travel:
//   version 1 (1) | kind 1 | reserved 2, zero | network 32 | epoch 8 | identity 32 |
//   digest 32, signature 64 | digest 32, signature 64         the smaller digest first
enum { FOG_EQUIVOCATION_LEN = 4 + 32 + 8 + 32 + 2 * (32 + 64) };

struct fog_equivocation {
	enum fog_statement_kind kind;
	uint8_t network[32];
	uint64_t epoch;
	uint8_t identity[32];

	struct {
		uint8_t digest[32], signature[64];
	} said[2];
};

// Puts the two into their order.
void fog_equivocation_put(const struct fog_equivocation *, uint8_t out[FOG_EQUIVOCATION_LEN]);
// Read and verify. Returns 0, -EBADMSG (not of this form, or both say the same), -EKEYREJECTED (a
// signature is not of that identity).
int fog_equivocation_open(const uint8_t *data, size_t len, struct fog_equivocation *out);
