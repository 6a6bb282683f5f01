// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Secret random numbers for one thread at the price of half an AES block each: AES-256 in counter
// mode with fast key erasure. Every refill replaces the key by the stream's first bytes and every
// number is wiped as it is handed out, so memory read later tells nothing about earlier choices.
// No locks, no system calls, no DPDK.
#pragma once

#include <stdint.h>

#include "crypto/aes.h"

enum { FOG_RANDOM_BLOCKS = 32 };

struct fog_random {
	uint8_t block[FOG_RANDOM_BLOCKS][16]; // the first two are the next key
	struct fog_aes_key key;
	uint32_t next; // first unused byte of 'block'
};

void fog_random_init(struct fog_random *, const uint8_t seed[32]); // the caller wipes the seed
void fog_random_wipe(struct fog_random *);
// Uniform over all 64-bit numbers.
uint64_t fog_random_next(struct fog_random *);
// Uniform over 0 to bound - 1, to within 2^-32 of the ideal. 'bound' is not 0.
uint32_t fog_random_below(struct fog_random *, uint32_t bound);
