// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// HMAC-SHA-256 (RFC 2104) and HKDF-Expand (RFC 5869) on interleaved streams. All messages of a call
// have one length, so they are padded alike and march block by block together.
#include "shani.h"

#include "../kdf.h"
#include "../wipe.h"
#include "sha256.h"

// Messages worked on together. While one group of streams ends, the next one's first rounds fill
// the gap.
enum { SHANI_CHUNK = 8 };

// Bytes of an Expand step from the second on: they spill into another block.
enum { SHANI_CHAINED = SHA256_LEN + KDF_INFO_LEN + 1 };

struct shani_chunk {
	struct sha256 inner[SHANI_CHUNK], outer[SHANI_CHUNK]; // after HMAC's key block
	struct sha256 state[SHANI_CHUNK];
	// What is hashed is written and read in pieces of 16 bytes where it can be: a load that
	// needs several stores before it waits until they are in the cache.
	_Alignas(16) uint8_t text[SHANI_CHUNK][2 * SHA256_BLOCK];
	_Alignas(16) uint8_t digest[SHANI_CHUNK][SHA256_BLOCK]; // the outer hash's only block
};

#define SHANI_STREAMS(n) \
	static void shani_block_##n(struct sha256 s[], const uint8_t *const block[]) \
	{ \
		struct sha256 local[n]; \
		for (unsigned i = 0; i < (n); i++) \
			local[i] = s[i]; \
		sha256_block(local, block, n); \
		for (unsigned i = 0; i < (n); i++) \
			s[i] = local[i]; \
	}
SHANI_STREAMS(1)
SHANI_STREAMS(2)
SHANI_STREAMS(3)
SHANI_STREAMS(4)

// One block into each of 'n' streams. A lone stream costs twice its share: five are 3 + 2.
static void shani_blocks(unsigned n, struct sha256 s[], const uint8_t *const block[])
{
	for (; n > 5 || n == 4; n -= 4, s += 4, block += 4)
		shani_block_4(s, block);
	if (n == 1) {
		shani_block_1(s, block);
		return;
	}
	if (n == 2) {
		shani_block_2(s, block);
		return;
	}
	if (n >= 3)
		shani_block_3(s, block);
	if (n == 5)
		shani_block_2(s + 3, block + 3);
}

// One block at text[..][at].
static void shani_text(struct shani_chunk *c, unsigned n, struct sha256 s[], size_t at)
{
	const uint8_t *block[SHANI_CHUNK];

	for (unsigned i = 0; i < n; i++)
		block[i] = c->text[i] + at;
	shani_blocks(n, s, block);
}

// One block that is the same for all.
static void shani_same(unsigned n, struct sha256 s[], const uint8_t text[SHA256_BLOCK])
{
	const uint8_t *block[SHANI_CHUNK];

	for (unsigned i = 0; i < n; i++)
		block[i] = text;
	shani_blocks(n, s, block);
}

// Pad the 'len' bytes that stand in 'block' and are the last of 'total' bytes (key block included).
// Returns the number of blocks.
static unsigned shani_pad(uint8_t *block, size_t len, uint64_t total)
{
	unsigned blocks = len + 9 <= SHA256_BLOCK ? 1 : 2;
	uint64_t bits = __builtin_bswap64(total * 8);

	block[len] = 0x80;
	memset(block + len + 1, 0, blocks * SHA256_BLOCK - len - 9);
	memcpy(block + blocks * SHA256_BLOCK - 8, &bits, sizeof(bits));
	return blocks;
}

static void shani_key_block(uint8_t block[SHA256_BLOCK], const uint8_t key[SHA256_LEN], char pad)
{
	__m128i *b = (__m128i *)block, v = _mm_set1_epi8(pad);

	_mm_store_si128(b, _mm_xor_si128(v, _mm_loadu_si128((const __m128i *)key)));
	_mm_store_si128(b + 1, _mm_xor_si128(v, _mm_loadu_si128((const __m128i *)key + 1)));
	_mm_store_si128(b + 2, v);
	_mm_store_si128(b + 3, v);
}

static void shani_key(struct shani_chunk *c, unsigned n, const uint8_t *const key[])
{
	for (unsigned i = 0; i < n; i++) {
		shani_key_block(c->text[i], key[i], 0x36);
		shani_key_block(c->text[i] + SHA256_BLOCK, key[i], 0x5c);
		c->inner[i] = c->outer[i] = sha256_start();
		shani_pad(c->digest[i], SHA256_LEN, SHA256_BLOCK + SHA256_LEN);
	}
	shani_text(c, n, c->inner, 0);
	shani_text(c, n, c->outer, SHA256_BLOCK);
}

// The outer hash over the inner one's result, which is in 'state' and gives way to the MAC.
static void shani_finish(struct shani_chunk *c, unsigned n)
{
	const uint8_t *block[SHANI_CHUNK];

	for (unsigned i = 0; i < n; i++) {
		sha256_store(c->digest[i], &c->state[i]);
		block[i] = c->digest[i];
		c->state[i] = c->outer[i];
	}
	shani_blocks(n, c->state, block);
}

// This and shani_expand_some are never inlined: what they spill must lie below the frame of whoever
// wipes it.
static __attribute__((noinline)) void shani_hmac_some(
        struct shani_chunk *c, unsigned n, uint8_t *const mac[], const uint8_t *const key[],
        const uint8_t *const msg[], size_t len
)
{
	const uint8_t *block[SHANI_CHUNK];
	size_t whole = len - len % SHA256_BLOCK;
	unsigned blocks = 0;

	shani_key(c, n, key);
	memcpy(c->state, c->inner, n * sizeof(c->state[0]));
	for (size_t at = 0; at < whole; at += SHA256_BLOCK) {
		for (unsigned i = 0; i < n; i++)
			block[i] = msg[i] + at;
		shani_blocks(n, c->state, block);
	}
	for (unsigned i = 0; i < n; i++) {
		memcpy(c->text[i], msg[i] + whole, len - whole);
		blocks = shani_pad(c->text[i], len - whole, SHA256_BLOCK + len);
	}
	for (unsigned b = 0; b < blocks; b++)
		shani_text(c, n, c->state, b * SHA256_BLOCK);
	shani_finish(c, n);
	for (unsigned i = 0; i < n; i++)
		sha256_store(mac[i], &c->state[i]);
}

// T(i) = HMAC(secret, T(i-1) | info | i), i from 1, and the output is T(1) | T(2) | .. The first
// text is the same for all messages, of the others the second block.
static __attribute__((noinline)) void shani_expand_some(
        struct shani_chunk *c, unsigned n, uint8_t *const okm[], const uint8_t *const secret[]
)
{
	_Alignas(16) uint8_t text[2 * SHA256_BLOCK];

	memcpy(text, kdf_info, KDF_INFO_LEN);
	text[KDF_INFO_LEN] = 1;
	shani_pad(text, KDF_INFO_LEN + 1, SHA256_BLOCK + KDF_INFO_LEN + 1);
	shani_key(c, n, secret);
	memcpy(c->state, c->inner, n * sizeof(c->state[0]));
	shani_same(n, c->state, text);
	shani_finish(c, n);

	memcpy(text + SHA256_LEN, kdf_info, KDF_INFO_LEN);
	shani_pad(text, SHANI_CHAINED, SHA256_BLOCK + SHANI_CHAINED);
	for (unsigned t = 1; t < KDF_OKM_LEN / SHA256_LEN; t++) {
		text[SHANI_CHAINED - 1] = t + 1;
		for (unsigned i = 0; i < n; i++) {
			sha256_store(c->text[i], &c->state[i]);
			sha256_store(okm[i] + (t - 1) * SHA256_LEN, &c->state[i]);
			memcpy(c->text[i] + SHA256_LEN, text + SHA256_LEN, SHA256_LEN);
			c->state[i] = c->inner[i];
		}
		shani_text(c, n, c->state, 0);
		shani_same(n, c->state, text + SHA256_BLOCK);
		shani_finish(c, n);
	}
	for (unsigned i = 0; i < n; i++)
		sha256_store(okm[i] + KDF_OKM_LEN - SHA256_LEN, &c->state[i]);
}

void shani_hmac(
        unsigned n, uint8_t *const mac[], const uint8_t *const key[], const uint8_t *const msg[],
        size_t len
)
{
	struct shani_chunk c;

	for (unsigned i = 0; i < n; i += SHANI_CHUNK) {
		unsigned some = n - i < SHANI_CHUNK ? n - i : SHANI_CHUNK;

		shani_hmac_some(&c, some, mac + i, key + i, msg + i, len);
	}
	wipe_leftovers();
	wipe(&c, sizeof(c));
}

void shani_expand(unsigned n, uint8_t *const okm[], const uint8_t *const secret[])
{
	struct shani_chunk c;

	for (unsigned i = 0; i < n; i += SHANI_CHUNK) {
		unsigned some = n - i < SHANI_CHUNK ? n - i : SHANI_CHUNK;

		shani_expand_some(&c, some, okm + i, secret + i);
	}
	wipe_leftovers();
	wipe(&c, sizeof(c));
}
