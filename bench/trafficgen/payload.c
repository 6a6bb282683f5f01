// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "payload.h"

#include <sodium.h>
#include <string.h>

enum { AT_RUN = 8, AT_SEQUENCE = 16, AT_CHECK = 24, AT_FILLER = 32 };

static const uint8_t payload_magic[8] = {'f', 'o', 'g', 'l', 'i', 'n', 'e', '?'};

static void put64(uint8_t *at, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> (56 - 8 * i));
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < 8; i++)
		value = value << 8 | at[i];
	return value;
}

// Of the head's numbers and of the filler; the key is no secret, it only has to be fixed.
static void payload_check(const uint8_t *payload, size_t len, uint8_t out[8])
{
	static const uint8_t key[crypto_shorthash_KEYBYTES] = "fog-trafficgen";
	uint8_t both[16];

	crypto_shorthash(both, payload, AT_CHECK, key);
	crypto_shorthash(both + 8, payload + AT_FILLER, len - AT_FILLER, key);
	crypto_shorthash(out, both, sizeof(both), key);
}

void payload_write(uint8_t *payload, size_t len, uint64_t run, uint64_t sequence)
{
	uint64_t x = (run ^ sequence * UINT64_C(0x9e3779b97f4a7c15)) |
	        1; // never 0: xorshift stays there

	memcpy(payload, payload_magic, sizeof(payload_magic));
	put64(payload + AT_RUN, run);
	put64(payload + AT_SEQUENCE, sequence);
	for (size_t at = AT_FILLER; at < len; at += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(payload + at, &x, len - at < 8 ? len - at : 8);
	}
	payload_check(payload, len, payload + AT_CHECK);
}

enum payload_verdict payload_read(
        const uint8_t *payload, size_t len, uint64_t run, uint64_t *sequence
)
{
	uint8_t check[8];

	payload_check(payload, len, check);
	if (memcmp(payload, payload_magic, sizeof(payload_magic)) != 0)
		return PAYLOAD_FOREIGN;
	if (memcmp(check, payload + AT_CHECK, sizeof(check)) != 0)
		return PAYLOAD_CORRUPT;
	if (get64(payload + AT_RUN) != run)
		return PAYLOAD_FOREIGN;
	*sequence = get64(payload + AT_SEQUENCE);
	return PAYLOAD_GOOD;
}
