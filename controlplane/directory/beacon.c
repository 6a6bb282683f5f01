// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "beacon.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

// The labels have no terminating zero.
static const uint8_t share_label[] = {"fogline beacon share v1"};
static const uint8_t beacon_label[] = {"fogline beacon v1"};

static_assert(FOG_BEACON_SHARE_LEN == sizeof(share_label) - 1 + 32 + 8 + 32);

size_t fog_beacon_share(
        const uint8_t network[32], uint64_t epoch, const uint8_t previous[32],
        uint8_t alpha[FOG_BEACON_SHARE_LEN]
)
{
	uint8_t *at = wire_put(alpha, share_label, sizeof(share_label) - 1);

	at = wire_put(at, network, 32);
	at = fog_be_put(at, epoch, 8);
	memcpy(at, previous, 32);
	return FOG_BEACON_SHARE_LEN;
}

static int beta_compare(const void *a, const void *b)
{
	return memcmp(a, b, 64);
}

void fog_beacon_next(
        const uint8_t network[32], uint64_t epoch, const uint8_t previous[32],
        const uint8_t (*betas)[64], unsigned count, uint8_t out[32]
)
{
	uint8_t sorted[FOG_AUTHORITIES_MAX][64], number[8];
	crypto_hash_sha256_state state;

	fog_be_put(number, epoch, sizeof(number));
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, beacon_label, sizeof(beacon_label) - 1);
	crypto_hash_sha256_update(&state, network, 32);
	crypto_hash_sha256_update(&state, number, sizeof(number));
	crypto_hash_sha256_update(&state, previous, 32);
	if (count > 0) {
		memcpy(sorted, betas, count * sizeof(sorted[0]));
		qsort(sorted, count, sizeof(sorted[0]), beta_compare);
		crypto_hash_sha256_update(&state, sorted[0], count * sizeof(sorted[0]));
	}
	crypto_hash_sha256_final(&state, out);
}

void fog_beacon_extend(
        const uint8_t network[32], uint64_t from, const uint8_t beacon[32], uint64_t epoch,
        uint8_t out[32]
)
{
	uint8_t now[32];

	memcpy(now, beacon, 32);
	while (from < epoch)
		fog_beacon_next(network, ++from, now, NULL, 0, now);
	memcpy(out, now, 32);
}
