// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A vector of VEC_LANES (1, 2 or 4, from the build) blocks of 128 bits, each of another message:
// what is done to a message is written once, as if there were only one, and compiled for AES-NI,
// VAES on 256 bits and VAES on 512 bits.
//
// A batch that doesn't fill its last vector repeats its last message in the lanes that are left
// (VEC_LANES_OF). These compute the same and, since every vec_load reads all lanes before a vec_store
// writes any, write the same bytes twice: so no lane is ever a special case.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if VEC_LANES == 1
typedef __m128i vec;
#define VEC_NAME(name) vec1_##name
#define VEC_OP(name) _mm_##name
#define vec_enc _mm_aesenc_si128
#define vec_enc_last _mm_aesenclast_si128
#define vec_up _mm_bslli_si128
#define vec_all(block) (block)
#elif VEC_LANES == 2
typedef __m256i vec;
#define VEC_NAME(name) vec2_##name
#define VEC_OP(name) _mm256_##name
#define vec_enc _mm256_aesenc_epi128
#define vec_enc_last _mm256_aesenclast_epi128
#define vec_up _mm256_bslli_epi128
#define vec_all(block) _mm256_broadcastsi128_si256(block)
#else
typedef __m512i vec;
#define VEC_NAME(name) vec4_##name
#define VEC_OP(name) _mm512_##name
#define vec_enc _mm512_aesenc_epi128
#define vec_enc_last _mm512_aesenclast_epi128
#define vec_up _mm512_bslli_epi128
#define vec_all(block) _mm512_broadcast_i32x4(block)
#endif

#define vec_ctr VEC_NAME(ctr)
#define vec_aez_encrypt VEC_NAME(aez_encrypt)
#define vec_aez_decrypt VEC_NAME(aez_decrypt)
#define vec_blind_scalar VEC_NAME(blind_scalar)

enum { VEC_BLOCK = 16 };

static inline __m128i vec_block_load(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

static inline void vec_block_store(uint8_t *p, __m128i v)
{
	_mm_storeu_si128((__m128i *)p, v);
}

// One block of each message, at the same place of all.
static inline vec vec_load(const uint8_t *const p[VEC_LANES], size_t at)
{
#if VEC_LANES == 1
	return vec_block_load(p[0] + at);
#elif VEC_LANES == 2
	return _mm256_inserti128_si256(
	        _mm256_castsi128_si256(vec_block_load(p[0] + at)), vec_block_load(p[1] + at), 1
	);
#else
	vec v = _mm512_castsi128_si512(vec_block_load(p[0] + at));

	v = _mm512_inserti32x4(v, vec_block_load(p[1] + at), 1);
	v = _mm512_inserti32x4(v, vec_block_load(p[2] + at), 2);
	return _mm512_inserti32x4(v, vec_block_load(p[3] + at), 3);
#endif
}

static inline void vec_store(uint8_t *const p[VEC_LANES], size_t at, vec v)
{
#if VEC_LANES == 1
	vec_block_store(p[0] + at, v);
#elif VEC_LANES == 2
	vec_block_store(p[0] + at, _mm256_castsi256_si128(v));
	vec_block_store(p[1] + at, _mm256_extracti128_si256(v, 1));
#else
	vec_block_store(p[0] + at, _mm512_castsi512_si128(v));
	vec_block_store(p[1] + at, _mm512_extracti32x4_epi32(v, 1));
	vec_block_store(p[2] + at, _mm512_extracti32x4_epi32(v, 2));
	vec_block_store(p[3] + at, _mm512_extracti32x4_epi32(v, 3));
#endif
}

// The first 'len' bytes of a block, zeros behind. This and vec_store_part leave the bytes on the
// stack.
static inline vec vec_load_part(const uint8_t *const p[VEC_LANES], size_t at, size_t len)
{
	uint8_t part[VEC_LANES][VEC_BLOCK] = {{0}};
	vec v;

	for (unsigned i = 0; i < VEC_LANES; i++)
		memcpy(part[i], p[i] + at, len);
	memcpy(&v, part, sizeof(v));
	return v;
}

static inline void vec_store_part(uint8_t *const p[VEC_LANES], size_t at, size_t len, vec v)
{
	uint8_t part[VEC_LANES][VEC_BLOCK];

	memcpy(part, &v, sizeof(v));
	for (unsigned i = 0; i < VEC_LANES; i++)
		memcpy(p[i] + at, part[i], len);
}

// The messages of the vector that starts at number 'first' of 'n'.
#define VEC_LANES_OF(lane, p, first, n) \
	for (unsigned vec_i = 0; vec_i < VEC_LANES; vec_i++) \
	(lane)[vec_i] = (p)[(first) + vec_i < (n) ? (first) + vec_i : (n)-1]

static inline vec vec_reverse(vec v)
{
	const __m128i order = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

	return VEC_OP(shuffle_epi8)(v, vec_all(order));
}
