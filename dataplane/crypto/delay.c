// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The delay law (see delay.h). For a uniform v / 2^64 the standard exponential's quantile is
// -ln(1 - v / 2^64). With 2^64 - v = 2^(64 - k) * (1 + m), 0 <= m < 1, that is k ln 2 - ln(1 + m):
// the table holds ln(1 + m) at 2,048 steps of m, and the octave k is a count of leading zeros.
#include "delay.h"

#include <endian.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

enum {
	STEP_BITS = 11,
	FRACTION_BITS = 32,
	GROUP = 16, // tags enciphered at a time
};

#define MAX_US_LIMIT UINT32_C(3600000000)

// ln(1 + i / 2048) * 2^32, rounded to nearest; the last entry is ln 2.
static const uint32_t log_table[(1 << STEP_BITS) + 1] = {
#include "delay_table.inc"
};

uint64_t fog_delay_exponential(uint64_t v)
{
	uint64_t tail = -v; // 2^64 - v

	if (v == 0)
		return 0;
	unsigned zeros = (unsigned)__builtin_clzll(tail);
	uint64_t mantissa = tail << zeros << 1; // m in units of 2^-64
	uint32_t step = (uint32_t)(mantissa >> (64 - STEP_BITS));
	uint64_t rest = mantissa << STEP_BITS >> 32; // way to the next step in units of 2^-32
	uint64_t rise = log_table[step + 1] - log_table[step];
	uint64_t log = log_table[step] + (rise * rest >> 32);
	return (zeros + 1) * (uint64_t)log_table[1 << STEP_BITS] - log;
}

int fog_delay_law_init(
        struct fog_delay_law *law, uint32_t mean_us, uint32_t max_us, uint32_t cap_ms
)
{
	if (mean_us == 0 || max_us < mean_us || max_us > MAX_US_LIMIT)
		return -EINVAL;
	law->mean_us = mean_us;
	law->max_us = max_us;
	law->cap_ms = cap_ms;
	// Greatest v whose quantile isn't beyond max: the quantile is monotone, so bit by bit.
	law->scale = 0;
	for (uint64_t bit = UINT64_C(1) << 63; bit != 0; bit >>= 1) {
		uint64_t v = law->scale | bit;
		unsigned __int128 us = (unsigned __int128)fog_delay_exponential(v) * mean_us;
		if (us <= (unsigned __int128)max_us << FRACTION_BITS)
			law->scale = v;
	}
	return 0;
}

void fog_delay_key_seeded(struct fog_aes_key *delay_key, uint64_t seed)
{
	uint8_t key[32];

	crypto_generichash(key, sizeof(key), (const void *)&seed, sizeof(seed), NULL, 0);
	fog_aes_key_init(delay_key, key, sizeof(key));
}

uint32_t fog_delay_quantile(const struct fog_delay_law *law, uint64_t u)
{
	uint64_t v = (uint64_t)(((unsigned __int128)u * law->scale) >> 64);
	unsigned __int128 us = (unsigned __int128)fog_delay_exponential(v) * law->mean_us;

	return (uint32_t)((us + (UINT64_C(1) << (FRACTION_BITS - 1))) >> FRACTION_BITS);
}

// Big-endian first halves of the blocks that the tags' first halves become.
static void uniforms(
        const struct fog_aes_key *delay_key, unsigned n, const uint8_t *const tag[], uint64_t u[]
)
{
	for (; n > 0; tag += GROUP, u += GROUP) {
		uint8_t block[GROUP][16];
		unsigned m = n < GROUP ? n : GROUP;

		for (unsigned i = 0; i < m; i++)
			memcpy(block[i], tag[i], 16);
		fog_aes_encrypt_blocks(delay_key, (const uint8_t(*)[16])block, block, m);
		for (unsigned i = 0; i < m; i++) {
			memcpy(&u[i], block[i], sizeof(u[i]));
			u[i] = be64toh(u[i]);
		}
		n -= m;
		sodium_memzero(block, sizeof(block)); // the delays follow from it
	}
}

uint64_t fog_delay_uniform(const struct fog_aes_key *delay_key, const uint8_t tag[32])
{
	uint64_t u;

	uniforms(delay_key, 1, &tag, &u);
	return u;
}

void fog_delay_owed_batch(
        const struct fog_delay_law *law, const struct fog_aes_key *delay_key, unsigned n,
        const uint8_t *const tag[], const uint32_t node_delay_ms[], uint64_t owed[]
)
{
	uniforms(delay_key, n, tag, owed);
	for (unsigned i = 0; i < n; i++) {
		uint64_t sender = node_delay_ms[i] < law->cap_ms ? node_delay_ms[i] : law->cap_ms;
		owed[i] = fog_delay_quantile(law, owed[i]) + sender * 1000;
	}
}

uint64_t fog_delay_owed(
        const struct fog_delay_law *law, const struct fog_aes_key *delay_key, const uint8_t tag[32],
        uint32_t node_delay_ms
)
{
	uint64_t owed;

	fog_delay_owed_batch(law, delay_key, 1, &tag, &node_delay_ms, &owed);
	return owed;
}
