// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A row of the audit, and the hash that ties it to the row before.
//
// A chain is what one control plane has done: rows numbered from 1 without a gap. It is named after the node's
// identity: hexadecimal BLAKE2b-256 of the Ed25519 public key that signs its heads (head.h).
//
// hash = BLAKE2b-256, without a key, of these fields one after the other, each of them its length (4 bytes, big-endian)
// and its bytes; a number is 8 bytes, big-endian, two's complement; a text is UTF-8 as it is stored:
//
//   "fogline audit row v1", hash of the row before (32 bytes, zeros for row 1), chain, sequence, time_us, status,
//   duration_us, body_digest (32 bytes, or none), then the texts in the order of texts.def.
//
// The store's own number of a row ('id', for pages of a search) is not part of it.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { FOG_AUDIT_HASH_LEN = 32, FOG_AUDIT_CHAIN_LEN = 65 }; // the latter with its NUL

enum fog_audit_text {

#define X(name, max) FOG_AUDIT_TEXT_##name,
#include "texts.def"
#undef X
	FOG_AUDIT_TEXTS
};

enum {

#define X(name, max) FOG_AUDIT_MAX_##name = (max),
#include "texts.def"
#undef X
};

// As the store has it, however wrong that may be.
struct fog_audit_row {
	int64_t id;
	const char *chain;
	int64_t sequence;
	int64_t time_us; // since 1970, when the request came
	int64_t status; // of HTTP, 0: there is none
	int64_t duration_us;
	const uint8_t *body_digest; // BLAKE2b-256
	size_t body_digest_len; // 0: no body
	const char *text[FOG_AUDIT_TEXTS]; // never NULL
	uint8_t previous[FOG_AUDIT_HASH_LEN], hash[FOG_AUDIT_HASH_LEN];
};

// Column names, in order.
extern const char *const fog_audit_text_name[FOG_AUDIT_TEXTS];

void fog_audit_row_hash(const struct fog_audit_row *, uint8_t hash[FOG_AUDIT_HASH_LEN]);
void fog_audit_chain_name(const uint8_t public_key[32], char chain[FOG_AUDIT_CHAIN_LEN]);
