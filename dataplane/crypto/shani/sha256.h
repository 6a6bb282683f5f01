// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// SHA-256's compression function (FIPS 180-4) on several independent streams with the SHA
// extensions. One stream waits for the latency of sha256rnds2 most of the time; from two on, the
// instructions of the streams interleave and the instruction's throughput is the limit.
#pragma once

#include <immintrin.h>
#include <stdint.h>

// A stream's eight words as the instructions want them: from the lowest lane up f, e, b, a and
// h, g, d, c.
struct sha256 {
	__m128i abef, cdgh;
};

enum { SHA256_BLOCK = 64, SHA256_LEN = 32, SHA256_STREAMS = 4 };

static const _Alignas(16) uint32_t sha256_k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
        0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
        0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
        0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
        0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2,
};

// The first 32 bits of the fractional parts of the square roots of the first eight primes.
static inline struct sha256 sha256_start(void)
{
	return (struct sha256){
	        .abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c),
	        .cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19),
	};
}

static inline __m128i sha256_swap(__m128i v)
{
	return _mm_shuffle_epi8(
	        v, _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3)
	);
}

// The state in the order of the standard, big-endian.
static inline void sha256_store(uint8_t out[SHA256_LEN], const struct sha256 *s)
{
	__m128i feba = _mm_shuffle_epi32(s->abef, _MM_SHUFFLE(0, 1, 2, 3)); // a b e f
	__m128i hgdc = _mm_shuffle_epi32(s->cdgh, _MM_SHUFFLE(0, 1, 2, 3)); // c d g h

	_mm_storeu_si128((__m128i *)out, sha256_swap(_mm_unpacklo_epi64(feba, hgdc)));
	_mm_storeu_si128((__m128i *)(out + 16), sha256_swap(_mm_unpackhi_epi64(feba, hgdc)));
}

// Four message words for the rounds 4i to 4i + 3; w[] is a window on the last sixteen words.
static inline __attribute__((always_inline)) __m128i sha256_words(
        __m128i w[4], unsigned i, const uint8_t *block
)
{
	if (i < 4) {
		w[i] = sha256_swap(_mm_loadu_si128((const __m128i *)block + i));
	} else {
		__m128i last = w[(i + 3) & 3];
		__m128i sum = _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]);

		sum = _mm_add_epi32(sum, _mm_alignr_epi8(last, w[(i + 2) & 3], 4));
		w[i & 3] = _mm_sha256msg2_epu32(sum, last);
	}
	return w[i & 3];
}

// One block into each of 'n' streams. 'n' must be a constant: all loops are to be unrolled, so that
// everything but the message windows lives in registers.
static inline __attribute__((always_inline)) void sha256_block(
        struct sha256 s[], const uint8_t *const block[], unsigned n
)
{
	struct sha256 in[SHA256_STREAMS];
	__m128i w[SHA256_STREAMS][4];

#pragma GCC unroll 4
	for (unsigned j = 0; j < n; j++)
		in[j] = s[j];
#pragma GCC unroll 16
	for (unsigned i = 0; i < 16; i++) {
		const __m128i k = _mm_load_si128((const __m128i *)sha256_k + i);
#pragma GCC unroll 4
		for (unsigned j = 0; j < n; j++) {
			__m128i wk = _mm_add_epi32(sha256_words(w[j], i, block[j]), k);

			s[j].cdgh = _mm_sha256rnds2_epu32(s[j].cdgh, s[j].abef, wk);
			wk = _mm_shuffle_epi32(wk, _MM_SHUFFLE(0, 0, 3, 2));
			s[j].abef = _mm_sha256rnds2_epu32(s[j].abef, s[j].cdgh, wk);
		}
	}
#pragma GCC unroll 4
	for (unsigned j = 0; j < n; j++) {
		s[j].abef = _mm_add_epi32(s[j].abef, in[j].abef);
		s[j].cdgh = _mm_add_epi32(s[j].cdgh, in[j].cdgh);
	}
}
