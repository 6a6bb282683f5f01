// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// AEZ-core with AES-NI. Names follow the paper: a message is pairs (M_i, M'_i) of blocks, up to
// 31 bytes in the middle split into u and v, and the last two blocks x and y. Enciphering and
// deciphering differ only in the order of the tweaks 1 and 2 on the last two blocks.
#include "aez.h"

#include <immintrin.h>
#include <sodium.h>
#include <string.h>

// Pairs of blocks worked on at once, to hide the latency of the AES instruction. Divides 8, so
// that one group never straddles a doubling of the offset.
enum { AEZ_WIDE = 4 };

struct aez_key {
	__m128i i[2]; // I, 2I
	__m128i j[3]; // J, 2J, 4J
	__m128i l[8]; // 0, L, .. 7L
	__m128i delta; // hash of tau and the nonce
};

static inline __m128i xor3(__m128i a, __m128i b, __m128i c)
{
	return _mm_xor_si128(_mm_xor_si128(a, b), c);
}

static inline __m128i aez_load(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

static inline void aez_store(uint8_t *p, __m128i v)
{
	_mm_storeu_si128((__m128i *)p, v);
}

// Multiply by two in GF(2^128) with the block read as a big-endian polynomial.
static __m128i aez_double(__m128i v)
{
	const __m128i reverse = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	__m128i le = _mm_shuffle_epi8(v, reverse);
	// The carry out of each 32-bit word goes into the next one, the last comes back as 0x87.
	__m128i carry = _mm_shuffle_epi32(_mm_srai_epi32(le, 31), _MM_SHUFFLE(2, 1, 0, 3));

	carry = _mm_and_si128(carry, _mm_set_epi32(1, 1, 1, 0x87));
	return _mm_shuffle_epi8(_mm_xor_si128(_mm_slli_epi32(le, 1), carry), reverse);
}

static inline __m128i aez_aes4(const struct aez_key *k, __m128i s)
{
	s = _mm_aesenc_si128(s, k->j[0]);
	s = _mm_aesenc_si128(s, k->i[0]);
	s = _mm_aesenc_si128(s, k->l[1]);
	return _mm_aesenc_si128(s, _mm_setzero_si128());
}

// E^{-1,l}
static __m128i aez_aes10(const struct aez_key *k, unsigned l, __m128i s)
{
	s = _mm_xor_si128(s, k->l[l]);
	for (unsigned r = 0; r < 3; r++) {
		s = _mm_aesenc_si128(s, k->i[0]);
		s = _mm_aesenc_si128(s, k->j[0]);
		s = _mm_aesenc_si128(s, k->l[1]);
	}
	return _mm_aesenc_si128(s, k->i[0]);
}

// E^{0,0}
static inline __m128i aez_e00(const struct aez_key *k, __m128i s)
{
	return aez_aes4(k, _mm_xor_si128(s, k->i[0]));
}

// E^{0,i} for 1 <= i <= 7
static inline __m128i aez_e0(const struct aez_key *k, unsigned i, __m128i s)
{
	return aez_aes4(k, xor3(s, k->i[1], k->l[i]));
}

static void aez_key_init(struct aez_key *k, const uint8_t key[48], const uint8_t nonce[16])
{
	__m128i tau, tweak;

	k->i[0] = aez_load(key);
	k->i[1] = aez_double(k->i[0]);
	k->j[0] = aez_load(key + 16);
	k->j[1] = aez_double(k->j[0]);
	k->j[2] = aez_double(k->j[1]);
	k->l[0] = _mm_setzero_si128();
	k->l[1] = aez_load(key + 32);
	k->l[2] = aez_double(k->l[1]);
	k->l[3] = _mm_xor_si128(k->l[2], k->l[1]);
	k->l[4] = aez_double(k->l[2]);
	k->l[5] = _mm_xor_si128(k->l[4], k->l[1]);
	k->l[6] = aez_double(k->l[3]);
	k->l[7] = _mm_xor_si128(k->l[6], k->l[1]);
	// tau = 0 is the first string hashed (3J), the nonce the second (4J).
	tau = aez_aes4(k, _mm_xor_si128(xor3(k->j[0], k->j[1], k->i[1]), k->l[1]));
	tweak = xor3(k->j[2], k->i[1], k->l[1]);
	k->delta = _mm_xor_si128(tau, aez_aes4(k, _mm_xor_si128(tweak, aez_load(nonce))));
}

// The first pass over 'n' pairs numbered from 8g + 1 + first: W over M, X over M'.
// Returns the XOR of all X.
static inline __m128i aez_pass1_some(
        const struct aez_key *k, uint8_t *p, __m128i big, unsigned first, unsigned n
)
{
	__m128i w[AEZ_WIDE], x[AEZ_WIDE], sum = _mm_setzero_si128();

	for (unsigned i = 0; i < n; i++) {
		__m128i tweak = xor3(k->j[0], big, k->l[(first + i + 1) & 7]);
		x[i] = aez_load(p + 32 * i + 16);
		w[i] = aez_aes4(k, _mm_xor_si128(x[i], tweak));
	}
	for (unsigned i = 0; i < n; i++) {
		w[i] = _mm_xor_si128(w[i], aez_load(p + 32 * i));
		x[i] = _mm_xor_si128(x[i], aez_e00(k, w[i]));
		sum = _mm_xor_si128(sum, x[i]);
		aez_store(p + 32 * i, w[i]);
		aez_store(p + 32 * i + 16, x[i]);
	}
	return sum;
}

static __m128i aez_pass1(const struct aez_key *k, uint8_t *p, size_t pairs)
{
	__m128i big = k->i[1], sum = _mm_setzero_si128();
	size_t done = 0;

	for (; done + AEZ_WIDE <= pairs; done += AEZ_WIDE, p += 32 * AEZ_WIDE) {
		if (done > 0 && done % 8 == 0)
			big = aez_double(big);
		sum = _mm_xor_si128(sum, aez_pass1_some(k, p, big, done & 7, AEZ_WIDE));
	}
	if (done < pairs) {
		if (done > 0 && done % 8 == 0)
			big = aez_double(big);
		sum = _mm_xor_si128(sum, aez_pass1_some(k, p, big, done & 7, pairs - done));
	}
	return sum;
}

// The second pass: C over W, C' over X. Returns the XOR of all Y.
static inline __m128i aez_pass2_some(
        const struct aez_key *k, uint8_t *p, __m128i big, __m128i s, unsigned first, unsigned n
)
{
	__m128i y[AEZ_WIDE], z[AEZ_WIDE], c[AEZ_WIDE], sum = _mm_setzero_si128();

	for (unsigned i = 0; i < n; i++) {
		__m128i offset = _mm_xor_si128(big, k->l[(first + i + 1) & 7]);
		c[i] = aez_aes4(k, xor3(s, k->j[1], offset));
	}
	for (unsigned i = 0; i < n; i++) {
		y[i] = _mm_xor_si128(c[i], aez_load(p + 32 * i));
		z[i] = _mm_xor_si128(c[i], aez_load(p + 32 * i + 16));
		sum = _mm_xor_si128(sum, y[i]);
		c[i] = _mm_xor_si128(y[i], aez_e00(k, z[i]));
	}
	for (unsigned i = 0; i < n; i++) {
		__m128i tweak = xor3(k->j[0], big, k->l[(first + i + 1) & 7]);
		aez_store(p + 32 * i + 16, c[i]);
		aez_store(p + 32 * i, _mm_xor_si128(z[i], aez_aes4(k, _mm_xor_si128(c[i], tweak))));
	}
	return sum;
}

static __m128i aez_pass2(const struct aez_key *k, uint8_t *p, __m128i s, size_t pairs)
{
	__m128i big = k->i[1], sum = _mm_setzero_si128();
	size_t done = 0;

	for (; done + AEZ_WIDE <= pairs; done += AEZ_WIDE, p += 32 * AEZ_WIDE) {
		if (done > 0 && done % 8 == 0)
			big = aez_double(big);
		sum = _mm_xor_si128(sum, aez_pass2_some(k, p, big, s, done & 7, AEZ_WIDE));
	}
	if (done < pairs) {
		if (done > 0 && done % 8 == 0)
			big = aez_double(big);
		sum = _mm_xor_si128(sum, aez_pass2_some(k, p, big, s, done & 7, pairs - done));
	}
	return sum;
}

// A part of a block padded with a one bit and zeros.
static __m128i aez_pad(const uint8_t *p, size_t len)
{
	uint8_t block[16] = {0};
	__m128i v;

	memcpy(block, p, len);
	block[len] = 0x80;
	v = aez_load(block);
	sodium_memzero(block, sizeof(block));
	return v;
}

// What the middle (u and v, fewer than 32 bytes) adds to the sum of a pass.
static __m128i aez_middle_hash(const struct aez_key *k, const uint8_t *p, size_t len)
{
	__m128i sum = _mm_setzero_si128();

	if (len == 0)
		return sum;
	if (len < 16)
		return aez_e0(k, 4, aez_pad(p, len));
	sum = aez_e0(k, 4, aez_load(p));
	return _mm_xor_si128(sum, aez_e0(k, 5, aez_pad(p + 16, len - 16)));
}

// XOR the middle with a key stream of at most two blocks.
static void aez_middle_xor(const struct aez_key *k, uint8_t *p, size_t len, __m128i s)
{
	uint8_t stream[32];

	aez_store(stream, aez_aes10(k, 4, s));
	aez_store(stream + 16, aez_aes10(k, 5, s));
	for (size_t i = 0; i < len; i++)
		p[i] ^= stream[i];
	sodium_memzero(stream, sizeof(stream));
}

// 'first' and 'second' are the tweaks of the last two blocks: 1, 2 enciphers, 2, 1 deciphers.
static void aez_core(
        const struct aez_key *k, uint8_t *buf, size_t len, unsigned first, unsigned second
)
{
	size_t pairs = len / 32 - 1, middle = len % 32;
	uint8_t *u = buf + 32 * pairs, *x = u + middle, *y = x + 16;
	__m128i sum, sx, sy, s, in_y = aez_load(y);

	sum = aez_pass1(k, buf, pairs);
	sum = _mm_xor_si128(sum, aez_middle_hash(k, u, middle));
	sx = _mm_xor_si128(aez_load(x), xor3(k->delta, sum, aez_e0(k, first, in_y)));
	sy = _mm_xor_si128(in_y, aez_aes10(k, first, sx));
	s = _mm_xor_si128(sx, sy);

	sum = aez_pass2(k, buf, s, pairs);
	if (middle > 0)
		aez_middle_xor(k, u, middle, s);
	sum = _mm_xor_si128(sum, aez_middle_hash(k, u, middle));
	sx = _mm_xor_si128(sx, aez_aes10(k, second, sy));
	aez_store(y, sx);
	aez_store(x, _mm_xor_si128(sy, xor3(k->delta, sum, aez_e0(k, second, sx))));
}

void aez_encipher(uint8_t *buf, size_t len, const uint8_t key[48], const uint8_t nonce[16])
{
	struct aez_key k;

	aez_key_init(&k, key, nonce);
	aez_core(&k, buf, len, 1, 2);
	sodium_memzero(&k, sizeof(k));
}

void aez_decipher(uint8_t *buf, size_t len, const uint8_t key[48], const uint8_t nonce[16])
{
	struct aez_key k;

	aez_key_init(&k, key, nonce);
	aez_core(&k, buf, len, 2, 1);
	sodium_memzero(&k, sizeof(k));
}
