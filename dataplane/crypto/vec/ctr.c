// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// AES-256 in counter mode (NIST SP 800-38A) with a counter of 128 bits, one message a lane.
#include "../wipe.h"
#include "vec.h"
#include "vec_ops.h"

enum {
	CTR_KEYS = 15, // round keys of AES-256
	CTR_WIDE = 8, // blocks of a message under way at once, to hide the latency of a round
	// Vectors whose keys are expanded together, for the same reason. Eight messages, the usual
	// batch, fill two vectors of four.
	CTR_CHUNK = VEC_LANES == 4 ? 2 : 4,
};

// The next round key. FIPS 197, section 5.2; the last round of AES on a block of four equal words is
// SubWord on them and an XOR: equal columns make ShiftRows no change.
static inline __attribute__((always_inline)) vec ctr_next_key(vec before, vec last, unsigned i)
{
	const __m128i rotated = _mm_set1_epi32(0x0c0f0e0d); // the last word, rotated, four times
	vec word, fold = before ^ vec_up(before, 4);

	if (i % 2 == 0) {
		word = VEC_OP(shuffle_epi8)(last, vec_all(rotated));
		word = vec_enc_last(word, VEC_OP(set1_epi32)(1 << (i / 2 - 1)));
	} else {
		word = VEC_OP(shuffle_epi32)(last, 0xff);
		word = vec_enc_last(word, vec_all(_mm_setzero_si128()));
	}
	fold ^= vec_up(fold, 8);
	return fold ^ word;
}

// The keys of a chunk of vectors, the first of them that of message 'first' of 'n'. A key waits for
// the one before it, so those of several vectors are made side by side.
static void ctr_expand(
        vec k[CTR_CHUNK][CTR_KEYS], const uint8_t *const key[], unsigned first, unsigned n
)
{
#pragma GCC unroll 4
	for (unsigned v = 0; v < CTR_CHUNK; v++) {
		const uint8_t *lane[VEC_LANES];

		VEC_LANES_OF(lane, key, first + v * VEC_LANES, n);
		k[v][0] = vec_load(lane, 0);
		k[v][1] = vec_load(lane, VEC_BLOCK);
	}
#pragma GCC unroll 13
	for (unsigned i = 2; i < CTR_KEYS; i++) {
#pragma GCC unroll 4
		for (unsigned v = 0; v < CTR_CHUNK; v++)
			k[v][i] = ctr_next_key(k[v][i - 2], k[v][i - 1], i);
	}
}

// The counter, a little-endian number, 'by' blocks on. Its low half overflows where the top bit goes
// from 1 to 0.
static inline vec ctr_add(vec count, unsigned by)
{
	vec next = VEC_OP(add_epi64)(count, vec_all(_mm_set_epi64x(0, by)));
	vec carry = VEC_OP(srli_epi64)(~next & count, 63);

	return VEC_OP(add_epi64)(next, vec_up(carry, 8));
}

static inline void ctr_stream(vec s[CTR_WIDE], const vec k[CTR_KEYS], vec count)
{
#pragma GCC unroll 8
	for (unsigned i = 0; i < CTR_WIDE; i++)
		s[i] = vec_reverse(ctr_add(count, i)) ^ k[0];
#pragma GCC unroll 13
	for (unsigned r = 1; r < CTR_KEYS - 1; r++) {
#pragma GCC unroll 8
		for (unsigned i = 0; i < CTR_WIDE; i++)
			s[i] = vec_enc(s[i], k[r]);
	}
#pragma GCC unroll 8
	for (unsigned i = 0; i < CTR_WIDE; i++)
		s[i] = vec_enc_last(s[i], k[CTR_KEYS - 1]);
}

static void ctr_some(
        const vec k[CTR_KEYS], uint8_t *const out[VEC_LANES], const uint8_t *const in[VEC_LANES],
        const uint8_t *const iv[VEC_LANES], size_t len
)
{
	vec s[CTR_WIDE], count = vec_reverse(vec_load(iv, 0));
	size_t at = 0, i = 0;

	for (; len - at >= CTR_WIDE * VEC_BLOCK; at += CTR_WIDE * VEC_BLOCK) {
		ctr_stream(s, k, count);
		count = ctr_add(count, CTR_WIDE);
#pragma GCC unroll 8
		for (i = 0; i < CTR_WIDE; i++)
			vec_store(out, at + i * VEC_BLOCK, s[i] ^ vec_load(in, at + i * VEC_BLOCK));
	}
	if (at == len)
		return;
	ctr_stream(s, k, count);
	for (i = 0; len - at >= VEC_BLOCK; i++, at += VEC_BLOCK)
		vec_store(out, at, s[i] ^ vec_load(in, at));
	if (at < len)
		vec_store_part(out, at, len - at, s[i] ^ vec_load_part(in, at, len - at));
}

// Never inlined: what it spills must lie below the frame of whoever wipes it.
static __attribute__((noinline)) void ctr_batch(
        vec k[CTR_CHUNK][CTR_KEYS], unsigned n, uint8_t *const out[], const uint8_t *const in[],
        const uint8_t *const key[], const uint8_t *const iv[], size_t len
)
{
	for (unsigned first = 0; first < n; first += CTR_CHUNK * VEC_LANES) {
		ctr_expand(k, key, first, n);
		for (unsigned i = first, v = 0; i < n && v < CTR_CHUNK; i += VEC_LANES, v++) {
			const uint8_t *from[VEC_LANES], *start[VEC_LANES];
			uint8_t *to[VEC_LANES];

			VEC_LANES_OF(to, out, i, n);
			VEC_LANES_OF(from, in, i, n);
			VEC_LANES_OF(start, iv, i, n);
			ctr_some(k[v], to, from, start, len);
		}
	}
}

void vec_ctr(
        unsigned n, uint8_t *const out[], const uint8_t *const in[], const uint8_t *const key[],
        const uint8_t *const iv[], size_t len
)
{
	vec k[CTR_CHUNK][CTR_KEYS];

	ctr_batch(k, n, out, in, key, iv, len);
	wipe_leftovers();
	wipe(k, sizeof(k));
}
