// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The start of ChaCha20's key stream (Bernstein 2008: counter and nonce of 64 bits, here zero), one
// message a lane: a vector is a row of the state of each.
#include "../wipe.h"
#include "vec.h"
#include "vec_ops.h"

enum {
	CHACHA_WIDE = 4, // vectors under way at once, to hide the latency of the additions
	CHACHA_DOUBLE_ROUNDS = 10,
};

struct chacha {
	vec a, b, c, d;
};

#if VEC_LANES == 4
#define chacha_rotate(v, by) _mm512_rol_epi32(v, by)
#else
#define chacha_rotate(v, by) (VEC_OP(slli_epi32)(v, by) | VEC_OP(srli_epi32)(v, 32 - (by)))
#endif

// Four quarter rounds side by side.
static inline __attribute__((always_inline)) void chacha_half(struct chacha *s)
{
	s->a = VEC_OP(add_epi32)(s->a, s->b);
	s->d = chacha_rotate(s->d ^ s->a, 16);
	s->c = VEC_OP(add_epi32)(s->c, s->d);
	s->b = chacha_rotate(s->b ^ s->c, 12);
	s->a = VEC_OP(add_epi32)(s->a, s->b);
	s->d = chacha_rotate(s->d ^ s->a, 8);
	s->c = VEC_OP(add_epi32)(s->c, s->d);
	s->b = chacha_rotate(s->b ^ s->c, 7);
}

// Turn the rows b, c, d by one, two, three words, so that diagonals become columns, or back.
#define CHACHA_TURN(s, first, third) \
	do { \
		(s)->b = VEC_OP(shuffle_epi32)((s)->b, first); \
		(s)->c = VEC_OP(shuffle_epi32)((s)->c, _MM_SHUFFLE(1, 0, 3, 2)); \
		(s)->d = VEC_OP(shuffle_epi32)((s)->d, third); \
	} while (0)

static inline __attribute__((always_inline)) void chacha_rounds(struct chacha s[], unsigned n)
{
	for (unsigned r = 0; r < CHACHA_DOUBLE_ROUNDS; r++) {
#pragma GCC unroll 4
		for (unsigned i = 0; i < n; i++)
			chacha_half(&s[i]);
#pragma GCC unroll 4
		for (unsigned i = 0; i < n; i++)
			CHACHA_TURN(&s[i], _MM_SHUFFLE(0, 3, 2, 1), _MM_SHUFFLE(2, 1, 0, 3));
#pragma GCC unroll 4
		for (unsigned i = 0; i < n; i++)
			chacha_half(&s[i]);
#pragma GCC unroll 4
		for (unsigned i = 0; i < n; i++)
			CHACHA_TURN(&s[i], _MM_SHUFFLE(2, 1, 0, 3), _MM_SHUFFLE(0, 3, 2, 1));
	}
}

// 'some' vectors of messages; 'first' is the number of the first of 'n' messages.
static inline __attribute__((always_inline)) void chacha_some(
        unsigned some, uint8_t *const out[], const uint8_t *const seed[], unsigned first, unsigned n
)
{
	const vec start = vec_all(_mm_set_epi32(0x6b206574, 0x79622d32, 0x3320646e, 0x61707865));
	struct chacha s[CHACHA_WIDE];
	vec key[CHACHA_WIDE];

#pragma GCC unroll 4
	for (unsigned i = 0; i < some; i++) {
		const uint8_t *lane[VEC_LANES];

		VEC_LANES_OF(lane, seed, first + i * VEC_LANES, n);
		key[i] = vec_load(lane, 0);
		s[i].a = start;
		s[i].b = key[i];
		s[i].c = vec_load(lane, VEC_BLOCK);
		s[i].d = vec_all(_mm_setzero_si128());
	}
	chacha_rounds(s, some);
#pragma GCC unroll 4
	for (unsigned i = 0; i < some; i++) {
		uint8_t *lane[VEC_LANES];

		VEC_LANES_OF(lane, out, first + i * VEC_LANES, n);
		vec_store(lane, 0, VEC_OP(add_epi32)(s[i].a, start));
		vec_store(lane, VEC_BLOCK, VEC_OP(add_epi32)(s[i].b, key[i]));
	}
}

// Never inlined: what it spills must lie below the frame of whoever wipes it.
static __attribute__((noinline)) void chacha_batch(
        unsigned n, uint8_t *const out[], const uint8_t *const seed[]
)
{
	unsigned first = 0;

	for (; first + (CHACHA_WIDE - 1) * VEC_LANES < n; first += CHACHA_WIDE * VEC_LANES)
		chacha_some(CHACHA_WIDE, out, seed, first, n);
	for (; first + VEC_LANES < n; first += 2 * VEC_LANES)
		chacha_some(2, out, seed, first, n);
	if (first < n)
		chacha_some(1, out, seed, first, n);
}

void vec_blind_scalar(unsigned n, uint8_t *const out[], const uint8_t *const seed[])
{
	chacha_batch(n, out, seed);
	wipe_leftovers();
}
