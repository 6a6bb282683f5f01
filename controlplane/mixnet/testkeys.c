// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "testkeys.h"

#include <sodium.h>
#include <string.h>

static void testkeys_derive(const char *label, uint64_t seed, uint8_t out[32])
{
	uint8_t number[8];
	crypto_generichash_state state;

	for (unsigned i = 0; i < sizeof(number); i++)
		number[i] = (uint8_t)(seed >> 8 * i);
	crypto_generichash_init(&state, NULL, 0, 32);
	crypto_generichash_update(&state, (const uint8_t *)label, strlen(label));
	crypto_generichash_update(&state, number, sizeof(number));
	crypto_generichash_final(&state, out, 32);
}

void fog_test_identity_seed(uint64_t seed, uint8_t out[32])
{
	testkeys_derive("fogline test identity", seed, out);
}

void fog_test_mix_key(uint64_t seed, uint8_t out[32])
{
	testkeys_derive("fogline test mix key", seed, out);
}
