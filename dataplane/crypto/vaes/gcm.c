// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// AES-256-GCM on 256 bits, two blocks of one message a vector, sixteen blocks under way at once. The
// hash of sixteen blocks runs between the AES rounds of sixteen others, since both units would wait
// for themselves otherwise: when sealing of those before, when opening of the same ones.
//
// The hash works on blocks in reversed byte order with powers of H that are multiplied by x
// beforehand, so that the product of two reflected numbers needs no shift; products of sixteen blocks
// are summed up before they are reduced. Sources: NIST SP 800-38D; Gueron and Kounavis, "Intel
// Carry-Less Multiplication Instruction and its Usage for Computing the GCM Mode" (2010); FIPS 197.
#include <immintrin.h>

#include "../equal.h"
#include "../ops.h"
#include "../wipe.h"
#include "vaes.h"

enum {
	GCM_ROUNDS = 14,
	GCM_WIDE = 8, // vectors under way at once
	GCM_BLOCK = 16,
	GCM_STEP = 2 * GCM_WIDE * GCM_BLOCK, // bytes
};

// power[i] holds H to the 16 - 2i in its low half, to the 15 - 2i in its high half.
struct gcm_key {
	__m128i round[GCM_ROUNDS + 1];
	__m256i power[GCM_WIDE];
	__m256i halves[GCM_WIDE]; // of 'power', the sum of both halves of each number
};

_Static_assert(sizeof(struct gcm_key) <= sizeof(struct fog_gcm_key), "fits");

// Products before their reduction: low, middle and high 128 bits of 256, in both halves.
struct gcm_sum {
	__m256i low, middle, high;
};

static inline __attribute__((always_inline)) __m256i both(__m128i v)
{
	return _mm256_broadcastsi128_si256(v);
}

static inline __attribute__((always_inline)) __m128i reversed(__m128i v)
{
	return _mm_shuffle_epi8(
	        v, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
	);
}

static inline __attribute__((always_inline)) __m256i reversed2(__m256i v)
{
	return _mm256_shuffle_epi8(
	        v, both(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
	);
}

static inline __attribute__((always_inline)) __m128i load(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

static inline __attribute__((always_inline)) __m256i load2(const uint8_t *p)
{
	return _mm256_loadu_si256((const __m256i *)p);
}

static inline __attribute__((always_inline)) void store(uint8_t *p, __m128i v)
{
	_mm_storeu_si128((__m128i *)p, v);
}

static inline __attribute__((always_inline)) void store2(uint8_t *p, __m256i v)
{
	_mm256_storeu_si256((__m256i *)p, v);
}

// Add the products of two blocks and two powers (Karatsuba).
static inline __attribute__((always_inline)) void sum_add(
        struct gcm_sum *s, __m256i block, __m256i power, __m256i halves
)
{
	__m256i mixed = block ^ _mm256_shuffle_epi32(block, 0x4e);

	s->low ^= _mm256_clmulepi64_epi128(block, power, 0x00);
	s->high ^= _mm256_clmulepi64_epi128(block, power, 0x11);
	s->middle ^= _mm256_clmulepi64_epi128(mixed, halves, 0x00);
}

// Modulo x^128 + x^7 + x^2 + x + 1, reflected: the low 128 bits are folded up in two steps of 64.
static inline __attribute__((always_inline)) __m128i reduced(
        __m128i low, __m128i middle, __m128i high
)
{
	const __m128i poly = _mm_set_epi64x((long long)0xc200000000000000, 1);

	middle ^= _mm_shuffle_epi32(low, 0x4e) ^ _mm_clmulepi64_si128(poly, low, 0x01);
	return high ^ _mm_shuffle_epi32(middle, 0x4e) ^ _mm_clmulepi64_si128(poly, middle, 0x01);
}

static inline __attribute__((always_inline)) __m128i sum_reduced(const struct gcm_sum *s)
{
	__m256i m = s->middle ^ s->low ^ s->high;

	return reduced(
	        _mm256_castsi256_si128(s->low) ^ _mm256_extracti128_si256(s->low, 1),
	        _mm256_castsi256_si128(m) ^ _mm256_extracti128_si256(m, 1),
	        _mm256_castsi256_si128(s->high) ^ _mm256_extracti128_si256(s->high, 1)
	);
}

static inline __attribute__((always_inline)) __m128i product(__m128i a, __m128i b)
{
	return reduced(
	        _mm_clmulepi64_si128(a, b, 0x00),
	        _mm_clmulepi64_si128(a, b, 0x01) ^ _mm_clmulepi64_si128(a, b, 0x10),
	        _mm_clmulepi64_si128(a, b, 0x11)
	);
}

// The next round key (FIPS 197 section 5.2): the last round of AES on four equal words is SubWord.
static inline __attribute__((always_inline)) __m128i next_key(
        __m128i before, __m128i last, unsigned i
)
{
	__m128i word, fold = before ^ _mm_bslli_si128(before, 4);

	if (i % 2 == 0) {
		word = _mm_shuffle_epi8(last, _mm_set1_epi32(0x0c0f0e0d));
		word = _mm_aesenclast_si128(word, _mm_set1_epi32(1 << (i / 2 - 1)));
	} else {
		word = _mm_aesenclast_si128(_mm_shuffle_epi32(last, 0xff), _mm_setzero_si128());
	}
	fold ^= _mm_bslli_si128(fold, 8);
	return fold ^ word;
}

static inline __attribute__((always_inline)) __m128i encrypted(const struct gcm_key *k, __m128i v)
{
	v ^= k->round[0];
#pragma GCC unroll 13
	for (unsigned r = 1; r < GCM_ROUNDS; r++)
		v = _mm_aesenc_si128(v, k->round[r]);
	return _mm_aesenclast_si128(v, k->round[GCM_ROUNDS]);
}

static __attribute__((noinline)) void key_expand(struct gcm_key *k, const uint8_t key[32])
{
	__m128i h, power[2 * GCM_WIDE];

	k->round[0] = load(key);
	k->round[1] = load(key + GCM_BLOCK);
#pragma GCC unroll 13
	for (unsigned i = 2; i <= GCM_ROUNDS; i++)
		k->round[i] = next_key(k->round[i - 2], k->round[i - 1], i);
	h = reversed(encrypted(k, _mm_setzero_si128()));
	// Times x: what leaves at the top comes back as the polynomial.
	__m128i top = _mm_srai_epi32(_mm_shuffle_epi32(h, 0xff), 31);
	__m128i carry = _mm_bslli_si128(_mm_srli_epi64(h, 63), 8);
	h = _mm_slli_epi64(h, 1) ^ carry ^ (top & _mm_set_epi64x((long long)0xc200000000000000, 1));
	power[0] = h;
	for (unsigned i = 1; i < 2 * GCM_WIDE; i++)
		power[i] = product(power[i - 1], h);
	for (unsigned i = 0; i < GCM_WIDE; i++) {
		__m256i p = _mm256_set_m128i(
		        power[2 * GCM_WIDE - 2 - 2 * i], power[2 * GCM_WIDE - 1 - 2 * i]
		);
		k->power[i] = p;
		k->halves[i] = p ^ _mm256_shuffle_epi32(p, 0x4e);
	}
	wipe(power, sizeof(power));
}

void vaes_gcm_key(struct fog_gcm_key *out, const uint8_t key[32])
{
	key_expand((struct gcm_key *)out->expanded, key);
	wipe_leftovers();
	__asm__ volatile("");
}

// Counter blocks 'at' and the next, with the first round key.
static inline __attribute__((always_inline)) __m256i counted(__m256i base, unsigned at)
{
	return _mm256_add_epi32(base, _mm256_set_epi32(0, 0, 0, (int)at, 0, 0, 0, (int)at));
}

// One step: key stream of sixteen blocks into 'stream', the hash of the sixteen at 'hashed' (NULL:
// none) into 'sum' on the way. 'hash' is what came out for the blocks before those.
static inline __attribute__((always_inline)) void step(
        const struct gcm_key *k, __m256i stream[GCM_WIDE], unsigned wide, __m256i base,
        const uint8_t *hashed, __m128i hash, struct gcm_sum *sum
)
{
	__m256i key = both(k->round[0]);

#pragma GCC unroll 8
	for (unsigned i = 0; i < wide; i++)
		stream[i] = reversed2(counted(base, 2 * i)) ^ key;
#pragma GCC unroll 13
	for (unsigned r = 1; r < GCM_ROUNDS; r++) {
		key = both(k->round[r]);
#pragma GCC unroll 8
		for (unsigned i = 0; i < wide; i++)
			stream[i] = _mm256_aesenc_epi128(stream[i], key);
		if (hashed != NULL && r <= GCM_WIDE) {
			__m256i block = reversed2(load2(hashed + (r - 1) * 2 * GCM_BLOCK));
			if (r == 1)
				block ^= _mm256_zextsi128_si256(hash);
			sum_add(sum, block, k->power[r - 1], k->halves[r - 1]);
		}
	}
	key = both(k->round[GCM_ROUNDS]);
#pragma GCC unroll 8
	for (unsigned i = 0; i < wide; i++)
		stream[i] = _mm256_aesenclast_epi128(stream[i], key);
}

// The hash of up to sixteen blocks, of which the last may be padded with zeros.
static inline __attribute__((always_inline)) __m128i tail_hash(
        const struct gcm_key *k, const uint8_t *tail, unsigned blocks, __m128i hash
)
{
	struct gcm_sum sum = {0};
	unsigned at = GCM_WIDE - (blocks + 1) / 2;

	// An odd first block stands alone in the high half, where its power is.
	if (blocks % 2 != 0) {
		__m128i first = reversed(load(tail)) ^ hash;
		sum_add(&sum, _mm256_set_m128i(first, _mm_setzero_si128()), k->power[at],
		        k->halves[at]);
		hash = _mm_setzero_si128();
		tail += GCM_BLOCK;
		at++;
	}
	for (; at < GCM_WIDE; at++, tail += 2 * GCM_BLOCK) {
		__m256i block = reversed2(load2(tail)) ^ _mm256_zextsi128_si256(hash);
		sum_add(&sum, block, k->power[at], k->halves[at]);
		hash = _mm_setzero_si128();
	}
	return sum_reduced(&sum);
}

// The last bytes, fewer than a step, by way of 'tail', which is zero behind them. Returns the hash.
static inline __attribute__((always_inline)) __m128i tail_crypt(
        const struct gcm_key *k, uint8_t *text, size_t len, __m256i base, __m128i hash, bool seal,
        unsigned wide
)
{
	_Alignas(32) uint8_t tail[GCM_STEP] = {0};
	unsigned blocks = (unsigned)((len + GCM_BLOCK - 1) / GCM_BLOCK);
	struct gcm_sum none = {0};
	__m256i stream[GCM_WIDE];

	memcpy(tail, text, len);
	if (!seal)
		hash = tail_hash(k, tail, blocks, hash);
	step(k, stream, wide, base, NULL, hash, &none);
	for (unsigned i = 0; i < wide; i++)
		store2(tail + i * 2 * GCM_BLOCK, stream[i] ^ load2(tail + i * 2 * GCM_BLOCK));
	memcpy(text, tail, len);
	if (seal) {
		memset(tail + len, 0, sizeof(tail) - len);
		hash = tail_hash(k, tail, blocks, hash);
	}
	wipe(tail, sizeof(tail));
	return hash;
}

// Seal or open one message; returns its tag.
static inline __attribute__((always_inline)) __m128i crypt(
        const struct fog_gcm_job *j, size_t len, bool seal
)
{
	const struct gcm_key *k = (const struct gcm_key *)j->key->expanded;
	const __m128i h = _mm256_extracti128_si256(k->power[GCM_WIDE - 1], 1);
	uint8_t start[GCM_BLOCK] = {[15] = 1};
	uint8_t *text = j->text, *end = text + len;

	memcpy(start, j->nonce, FOG_GCM_NONCE);
	__m128i mask = encrypted(k, load(start)), hash = product(reversed(load(j->aad)), h);
	// Counters of two blocks side by side, reversed: 2 and 3.
	__m256i base = _mm256_add_epi32(
	        both(reversed(load(start))), _mm256_set_epi32(0, 0, 0, 2, 0, 0, 0, 1)
	);
	const uint8_t *hashed = seal ? NULL : text;

	for (; end - text >= GCM_STEP; text += GCM_STEP) {
		struct gcm_sum sum = {0};
		__m256i stream[GCM_WIDE];

		if (hashed != NULL) {
			step(k, stream, GCM_WIDE, base, hashed, hash, &sum);
			hash = sum_reduced(&sum);
		} else {
			step(k, stream, GCM_WIDE, base, NULL, hash, &sum);
		}
#pragma GCC unroll 8
		for (unsigned i = 0; i < GCM_WIDE; i++) {
			uint8_t *at = text + i * 2 * GCM_BLOCK;
			store2(at, stream[i] ^ load2(at));
		}
		base = counted(base, 2 * GCM_WIDE);
		hashed = seal ? text : text + GCM_STEP;
	}
	if (seal && hashed != NULL)
		hash = tail_hash(k, hashed, 2 * GCM_WIDE, hash);
	if (end - text > GCM_STEP / 2)
		hash = tail_crypt(k, text, (size_t)(end - text), base, hash, seal, GCM_WIDE);
	else if (end > text)
		hash = tail_crypt(k, text, (size_t)(end - text), base, hash, seal, GCM_WIDE / 2);
	hash ^= _mm_set_epi64x(FOG_GCM_AAD * 8, (long long)len * 8);
	return reversed(product(hash, h)) ^ mask;
}

// Never inlined: what it spills must lie below the frame of whoever wipes it.
static __attribute__((noinline)) void seal_all(
        unsigned n, const struct fog_gcm_job *jobs, size_t len
)
{
	for (unsigned i = 0; i < n; i++)
		store(jobs[i].tag, crypt(&jobs[i], len, true));
}

static __attribute__((noinline)) uint64_t open_all(
        unsigned n, const struct fog_gcm_job *jobs, size_t len
)
{
	uint8_t tag[FOG_GCM_TAG];
	uint64_t bad = 0;

	for (unsigned i = 0; i < n; i++) {
		store(tag, crypt(&jobs[i], len, false));
		if (!fog_equal(tag, jobs[i].tag, sizeof(tag)))
			bad |= UINT64_C(1) << i;
	}
	return bad;
}

void vaes_gcm_seal(unsigned n, const struct fog_gcm_job *jobs, size_t len)
{
	seal_all(n, jobs, len);
	wipe_leftovers();
	__asm__ volatile("");
}

uint64_t vaes_gcm_open(unsigned n, const struct fog_gcm_job *jobs, size_t len)
{
	uint64_t bad = open_all(n, jobs, len);

	wipe_leftovers();
	return bad;
}
