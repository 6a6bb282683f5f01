// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Secret random numbers for one thread at the price of half an AES block each: AES-256 in counter
// mode with fast key erasure. Every refill replaces the key by the stream's first bytes and every
// number is wiped as it is handed out, so memory read later tells nothing about earlier choices.
// No locks, no system calls, no DPDK.
#pragma once

#include <stdint.h>
#include <string.h>

#include "crypto/aes.h"

enum { FOG_RANDOM_BLOCKS = 32 };

struct fog_random {
	uint8_t block[FOG_RANDOM_BLOCKS][16]; // the first two are the next key
	struct fog_aes_key key;
	uint32_t next; // first unused byte of 'block'
};

void fog_random_init(struct fog_random *, const uint8_t seed[32]); // the caller wipes the seed
void fog_random_wipe(struct fog_random *);
void fog_random_refill(struct fog_random *); // for fog_random_next

// 'len' random bytes.
void fog_random_fill(struct fog_random *, uint8_t *out, uint32_t len);

// Uniform over all 64-bit numbers.
static inline uint64_t fog_random_next(struct fog_random *r)
{
	uint64_t value;

	if (r->next == sizeof(r->block))
		fog_random_refill(r);
	uint8_t *at = (uint8_t *)r->block + r->next;
	memcpy(&value, at, sizeof(value));
	memset(at, 0, sizeof(value));
	r->next += (uint32_t)sizeof(value);
	return value;
}

// Uniform over 0 to bound - 1, to within 2^-32 of the ideal. 'bound' is not 0.
static inline uint32_t fog_random_below(struct fog_random *r, uint32_t bound)
{
	return (uint32_t)(((unsigned __int128)fog_random_next(r) * bound) >> 64);
}
