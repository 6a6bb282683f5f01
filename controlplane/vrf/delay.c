// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "delay.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "../big_endian.h"

// The labels have no terminating zero.
static const uint8_t alpha_label[] = {"fogline delay v1"};
static const uint8_t beacon_label[] = {"fogline static beacon v1"};
static const uint8_t key_label[] = {"fogline delay"};

static_assert(FOG_DELAY_ALPHA_LEN == sizeof(alpha_label) - 1 + 32 + 8 + 32);

void fog_static_beacon(const uint8_t network[32], uint64_t epoch, uint8_t out[32])
{
	crypto_hash_sha256_state state;
	uint8_t number[8];

	fog_be_put(number, epoch, sizeof(number));
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, beacon_label, sizeof(beacon_label) - 1);
	crypto_hash_sha256_update(&state, network, 32);
	crypto_hash_sha256_update(&state, number, sizeof(number));
	crypto_hash_sha256_final(&state, out);
}

size_t fog_delay_alpha(
        const uint8_t network[32], uint64_t epoch, const uint8_t beacon[32],
        uint8_t out[FOG_DELAY_ALPHA_LEN]
)
{
	uint8_t *p = mempcpy(out, alpha_label, sizeof(alpha_label) - 1);

	p = mempcpy(p, network, 32);
	p = fog_be_put(p, epoch, 8);
	memcpy(p, beacon, 32);
	return FOG_DELAY_ALPHA_LEN;
}

void fog_delay_key_of_beta(const uint8_t beta[64], uint8_t out[32])
{
	crypto_hash_sha512_state state;
	uint8_t hash[64];

	crypto_hash_sha512_init(&state);
	crypto_hash_sha512_update(&state, key_label, sizeof(key_label) - 1);
	crypto_hash_sha512_update(&state, beta, 64);
	crypto_hash_sha512_final(&state, hash);
	memcpy(out, hash, 32);
	sodium_memzero(hash, sizeof(hash));
	sodium_memzero(&state, sizeof(state));
}
