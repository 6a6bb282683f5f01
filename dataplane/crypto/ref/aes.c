// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// AES key schedule and block encryption with AES-NI (see ../aes.h).
#include "../aes.h"

#include <errno.h>
#include <immintrin.h>
#include <sodium.h>

// Each word of a round key is the XOR of all words before it in the previous one, and of the
// transformed last word.
static inline __m128i aes_schedule_fold(__m128i prev, __m128i word)
{
	prev = _mm_xor_si128(prev, _mm_slli_si128(prev, 4));
	prev = _mm_xor_si128(prev, _mm_slli_si128(prev, 8));
	return _mm_xor_si128(prev, word);
}

// The round constant is an immediate of the instruction, so this can't be a loop.
#define AES_NEXT(prev, last, rcon) \
	aes_schedule_fold(prev, _mm_shuffle_epi32(_mm_aeskeygenassist_si128(last, rcon), 0xff))
// AES-256's odd round keys use SubWord without rotation or constant.
#define AES_NEXT_ODD(prev, last) \
	aes_schedule_fold(prev, _mm_shuffle_epi32(_mm_aeskeygenassist_si128(last, 0), 0xaa))

static void aes_schedule_128(__m128i *k)
{
	k[1] = AES_NEXT(k[0], k[0], 0x01);
	k[2] = AES_NEXT(k[1], k[1], 0x02);
	k[3] = AES_NEXT(k[2], k[2], 0x04);
	k[4] = AES_NEXT(k[3], k[3], 0x08);
	k[5] = AES_NEXT(k[4], k[4], 0x10);
	k[6] = AES_NEXT(k[5], k[5], 0x20);
	k[7] = AES_NEXT(k[6], k[6], 0x40);
	k[8] = AES_NEXT(k[7], k[7], 0x80);
	k[9] = AES_NEXT(k[8], k[8], 0x1b);
	k[10] = AES_NEXT(k[9], k[9], 0x36);
}

static void aes_schedule_256(__m128i *k)
{
	k[2] = AES_NEXT(k[0], k[1], 0x01);
	k[3] = AES_NEXT_ODD(k[1], k[2]);
	k[4] = AES_NEXT(k[2], k[3], 0x02);
	k[5] = AES_NEXT_ODD(k[3], k[4]);
	k[6] = AES_NEXT(k[4], k[5], 0x04);
	k[7] = AES_NEXT_ODD(k[5], k[6]);
	k[8] = AES_NEXT(k[6], k[7], 0x08);
	k[9] = AES_NEXT_ODD(k[7], k[8]);
	k[10] = AES_NEXT(k[8], k[9], 0x10);
	k[11] = AES_NEXT_ODD(k[9], k[10]);
	k[12] = AES_NEXT(k[10], k[11], 0x20);
	k[13] = AES_NEXT_ODD(k[11], k[12]);
	k[14] = AES_NEXT(k[12], k[13], 0x40);
}

int fog_aes_key_init(struct fog_aes_key *k, const uint8_t *key, size_t len)
{
	__m128i *rk = (__m128i *)k->round_key;

	if (len != 16 && len != 32)
		return -EINVAL;
	rk[0] = _mm_loadu_si128((const __m128i *)key);
	if (len == 16) {
		k->rounds = 10;
		aes_schedule_128(rk);
	} else {
		k->rounds = 14;
		rk[1] = _mm_loadu_si128((const __m128i *)(key + 16));
		aes_schedule_256(rk);
	}
	return 0;
}

void fog_aes_key_wipe(struct fog_aes_key *k)
{
	sodium_memzero(k, sizeof(*k));
}

// Independent blocks hide the latency of the AES instruction. 'n' must be a constant, for the blocks
// to live in registers.
static inline __attribute__((always_inline)) void aes_encrypt_some(
        const struct fog_aes_key *k, const uint8_t (*in)[16], uint8_t (*out)[16], unsigned n
)
{
	const __m128i *rk = (const __m128i *)k->round_key;
	__m128i b[8];

#pragma GCC unroll 8
	for (unsigned i = 0; i < n; i++)
		b[i] = _mm_xor_si128(_mm_loadu_si128((const __m128i *)in[i]), rk[0]);
	for (unsigned r = 1; r < k->rounds; r++) {
#pragma GCC unroll 8
		for (unsigned i = 0; i < n; i++)
			b[i] = _mm_aesenc_si128(b[i], rk[r]);
	}
#pragma GCC unroll 8
	for (unsigned i = 0; i < n; i++)
		_mm_storeu_si128((__m128i *)out[i], _mm_aesenclast_si128(b[i], rk[k->rounds]));
}

void fog_aes_encrypt_blocks(
        const struct fog_aes_key *k, const uint8_t in[][16], uint8_t out[][16], unsigned n
)
{
	for (; n >= 8; n -= 8, in += 8, out += 8)
		aes_encrypt_some(k, in, out, 8);
	if (n & 4) {
		aes_encrypt_some(k, in, out, 4);
		in += 4;
		out += 4;
	}
	if (n & 2) {
		aes_encrypt_some(k, in, out, 2);
		in += 2;
		out += 2;
	}
	if (n & 1)
		aes_encrypt_some(k, in, out, 1);
}
