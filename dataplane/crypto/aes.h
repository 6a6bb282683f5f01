// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Raw AES blocks under a key that is used many times: the replay table's fingerprint and the
// delay's uniform are AES of a replay tag. Needs a CPU with AES-NI (fog_crypto_init checks).
// Constant time; safe from any thread, a key may be shared read-only. Source: FIPS 197.
#pragma once

#include <stddef.h>
#include <stdint.h>

// An expanded encryption key. Holds a secret: the owner wipes it (fog_aes_key_wipe).
struct fog_aes_key {
	_Alignas(16) uint8_t round_key[15][16];
	uint32_t rounds; // 10 for AES-128, 14 for AES-256
};

// Expand 'key' of 'len' bytes. Returns 0, or -EINVAL when 'len' is neither 16 nor 32.
int fog_aes_key_init(struct fog_aes_key *k, const uint8_t *key, size_t len);

void fog_aes_key_wipe(struct fog_aes_key *k);

// out[i] = AES(k, in[i]) for 'n' independent blocks; 'in' and 'out' may be the same array.
void fog_aes_encrypt_blocks(
        const struct fog_aes_key *k, const uint8_t in[][16], uint8_t out[][16], unsigned n
);
