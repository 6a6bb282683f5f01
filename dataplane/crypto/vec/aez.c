// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// AEZ v5 enciphering as the packet format uses it: no authenticator (tau = 0), no associated data,
// a 48-byte key taken as it is (I, J, L), a 16-byte nonce, 32 bytes or more. One message a lane.
// Source: Hoang, Krovetz, Rogaway: AEZ v5: Authenticated Encryption by Enciphering (2017).
//
// Names follow the paper: a message is pairs (M_i, M'_i) of blocks, up to 31 bytes in the middle
// split into u and v, and the last two blocks x and y. Enciphering and deciphering differ only in
// the order of the tweaks 1 and 2 on the last two blocks.
#include "../wipe.h"
#include "vec.h"
#include "vec_ops.h"

enum {
	AEZ_PAIR = 2 * VEC_BLOCK,
	AEZ_EIGHT = 8, // pairs after which the offset is doubled
	AEZ_WIDE = 8, // pairs under way at once, to hide the latency of a round
	AEZ_CHUNK = 4, // vectors whose serial parts overlap, for the same reason
};

// Round keys. Passed by value, so that they stay in registers while messages are written.
struct aez_keys {
	vec i, j, l; // I, J, L
};

struct aez {
	struct aez_keys k;
	vec i2; // 2I
	vec j2; // 2J
	vec l[8]; // 0, L, .. 7L
	vec delta; // hash of tau and the nonce
	vec sum; // of a pass
	vec x, y; // the last two blocks between the passes, S_x and S_y
	uint8_t *buf[VEC_LANES];
};

// How a message of this length is cut.
struct aez_shape {
	size_t pairs, middle; // number; bytes
	size_t u, x, y; // where they start
};

// Multiply by two in GF(2^128) with the block read as a big-endian polynomial.
static inline vec aez_double(vec v)
{
	vec le = vec_reverse(v);
	// The carry out of each 32-bit word goes into the next one, the last comes back as 0x87.
	vec carry = VEC_OP(shuffle_epi32)(VEC_OP(srai_epi32)(le, 31), _MM_SHUFFLE(2, 1, 0, 3));

	carry &= vec_all(_mm_set_epi32(1, 1, 1, 0x87));
	return vec_reverse(VEC_OP(slli_epi32)(le, 1) ^ carry);
}

static inline vec aez_aes4(struct aez_keys k, vec s)
{
	s = vec_enc(s, k.j);
	s = vec_enc(s, k.i);
	s = vec_enc(s, k.l);
	return vec_enc(s, vec_all(_mm_setzero_si128()));
}

// E^{-1,l}
static inline vec aez_aes10(const struct aez *z, unsigned l, vec s)
{
	s ^= z->l[l];
	for (unsigned r = 0; r < 3; r++) {
		s = vec_enc(s, z->k.i);
		s = vec_enc(s, z->k.j);
		s = vec_enc(s, z->k.l);
	}
	return vec_enc(s, z->k.i);
}

// E^{0,0}
static inline vec aez_e00(struct aez_keys k, vec s)
{
	return aez_aes4(k, s ^ k.i);
}

// E^{0,i} for 1 <= i <= 7
static inline vec aez_e0(const struct aez *z, unsigned i, vec s)
{
	return aez_aes4(z->k, s ^ z->i2 ^ z->l[i]);
}

static void aez_key(
        struct aez *z, const uint8_t *const key[VEC_LANES], const uint8_t *const nonce[VEC_LANES]
)
{
	vec j4;

	z->k.i = vec_load(key, 0);
	z->k.j = vec_load(key, VEC_BLOCK);
	z->k.l = vec_load(key, 2 * VEC_BLOCK);
	z->i2 = aez_double(z->k.i);
	z->j2 = aez_double(z->k.j);
	j4 = aez_double(z->j2);
	z->l[0] = vec_all(_mm_setzero_si128());
	z->l[1] = z->k.l;
	z->l[2] = aez_double(z->k.l);
	z->l[3] = z->l[2] ^ z->k.l;
	z->l[4] = aez_double(z->l[2]);
	z->l[5] = z->l[4] ^ z->k.l;
	z->l[6] = aez_double(z->l[3]);
	z->l[7] = z->l[6] ^ z->k.l;
	// tau = 0 is the first string hashed (3J), the nonce the second (4J).
	z->delta = aez_aes4(z->k, z->k.j ^ z->j2 ^ z->i2 ^ z->k.l) ^
	        aez_aes4(z->k, j4 ^ z->i2 ^ z->k.l ^ vec_load(nonce, 0));
}

// A walk over the pairs of a message.
struct aez_walk {
	const struct aez *z;
	uint8_t *buf[VEC_LANES];
	struct aez_keys k;
	vec big, sum;
	size_t at;
};

// AES4 on 'n' blocks round by round: written out block by block, their chains would fill the CPU's
// scheduler and wait there for each other.
static inline __attribute__((always_inline)) void aez_aes4_all(
        struct aez_keys k, vec s[], unsigned n
)
{
	const vec round[4] = {k.j, k.i, k.l, vec_all(_mm_setzero_si128())};

#pragma GCC unroll 4
	for (unsigned r = 0; r < 4; r++) {
#pragma GCC unroll 8
		for (unsigned i = 0; i < n; i++)
			s[i] = vec_enc(s[i], round[r]);
	}
}

// 'n' pairs from 'at' on, of which the first is number 'first' (from 0) of its eight: W over M, X
// over M'; adds up all X.
static inline __attribute__((always_inline)) void aez_pass1_some(
        struct aez_walk *t, unsigned first, unsigned n
)
{
	const uint8_t *const *in = (const uint8_t *const *)t->buf;
	const vec base = t->k.j ^ t->big;
	vec s[AEZ_WIDE];

#pragma GCC unroll 8
	for (unsigned i = 0; i < n; i++) {
		s[i] = vec_load(in, t->at + AEZ_PAIR * i + VEC_BLOCK);
		s[i] ^= base ^ t->z->l[(first + i + 1) & 7];
	}
	aez_aes4_all(t->k, s, n);
#pragma GCC unroll 8
	for (unsigned i = 0; i < n; i++) {
		s[i] ^= vec_load(in, t->at + AEZ_PAIR * i);
		vec_store(t->buf, t->at + AEZ_PAIR * i, s[i]);
		s[i] ^= t->k.i;
	}
	aez_aes4_all(t->k, s, n);
#pragma GCC unroll 8
	for (unsigned i = 0; i < n; i++) {
		s[i] ^= vec_load(in, t->at + AEZ_PAIR * i + VEC_BLOCK);
		vec_store(t->buf, t->at + AEZ_PAIR * i + VEC_BLOCK, s[i]);
		t->sum ^= s[i];
	}
	t->at += AEZ_PAIR * n;
}

// C over W, C' over X; adds up all Y. S of the paper is x ^ y.
static inline __attribute__((always_inline)) void aez_pass2_some(
        struct aez_walk *t, unsigned first, unsigned n
)
{
	const uint8_t *const *in = (const uint8_t *const *)t->buf;
	const vec base = t->k.j ^ t->big, base_s = t->z->x ^ t->z->y ^ t->z->j2 ^ t->big;
	vec s[AEZ_WIDE], y[AEZ_WIDE], e[AEZ_WIDE];

#pragma GCC unroll 8
	for (unsigned i = 0; i < n; i++)
		s[i] = base_s ^ t->z->l[(first + i + 1) & 7];
	aez_aes4_all(t->k, s, n);
#pragma GCC unroll 8
	for (unsigned i = 0; i < n; i++) {
		y[i] = s[i] ^ vec_load(in, t->at + AEZ_PAIR * i);
		e[i] = s[i] ^ vec_load(in, t->at + AEZ_PAIR * i + VEC_BLOCK);
		t->sum ^= y[i];
		s[i] = e[i] ^ t->k.i;
	}
	aez_aes4_all(t->k, s, n);
#pragma GCC unroll 8
	for (unsigned i = 0; i < n; i++) {
		s[i] ^= y[i];
		vec_store(t->buf, t->at + AEZ_PAIR * i + VEC_BLOCK, s[i]);
		s[i] ^= base ^ t->z->l[(first + i + 1) & 7];
	}
	aez_aes4_all(t->k, s, n);
#pragma GCC unroll 8
	for (unsigned i = 0; i < n; i++)
		vec_store(t->buf, t->at + AEZ_PAIR * i, s[i] ^ e[i]);
	t->at += AEZ_PAIR * n;
}

static inline __attribute__((always_inline)) void aez_some(
        struct aez_walk *t, unsigned pass, unsigned first, unsigned n
)
{
	if (pass == 1)
		aez_pass1_some(t, first, n);
	else
		aez_pass2_some(t, first, n);
}

// All pairs: whole eights, then what is left.
static inline __attribute__((always_inline)) void aez_pass(
        struct aez *z, unsigned pass, size_t pairs
)
{
	struct aez_walk t = {.z = z, .k = z->k, .big = z->i2, .sum = vec_all(_mm_setzero_si128())};
	unsigned first = 0;

	for (unsigned i = 0; i < VEC_LANES; i++)
		t.buf[i] = z->buf[i];
	for (; pairs >= AEZ_EIGHT; pairs -= AEZ_EIGHT) {
		aez_some(&t, pass, 0, AEZ_WIDE);
		t.big = aez_double(t.big);
	}
	if (pairs >= AEZ_WIDE / 2) {
		aez_some(&t, pass, 0, AEZ_WIDE / 2);
		pairs -= AEZ_WIDE / 2;
		first = AEZ_WIDE / 2;
	}
	for (; pairs > 0; pairs--, first++)
		aez_some(&t, pass, first, 1);
	z->sum = t.sum;
}

// The first 'len' bytes (below 16) of a block, a one bit and zeros. There are always two whole blocks
// behind the middle, so it is read with what follows.
static inline vec aez_pad(vec v, size_t len)
{
	static const uint8_t ones[2 * VEC_BLOCK] = {[0 ... VEC_BLOCK - 1] = 0xff};
	static const uint8_t end[2 * VEC_BLOCK] = {[VEC_BLOCK] = 0x80};

	v &= vec_all(vec_block_load(ones + VEC_BLOCK - len));
	return v ^ vec_all(vec_block_load(end + VEC_BLOCK - len));
}

// What the middle (u and v, fewer than 32 bytes) adds to the sum of a pass. A part of a block is
// padded with a one bit and zeros.
static void aez_middle_hash(struct aez *z, const struct aez_shape *m)
{
	const uint8_t *const *in = (const uint8_t *const *)z->buf;
	size_t at = m->u, left = m->middle;
	unsigned tweak = 4;

	if (left == 0)
		return;
	if (left >= VEC_BLOCK) {
		z->sum ^= aez_e0(z, tweak++, vec_load(in, at));
		at += VEC_BLOCK;
		left -= VEC_BLOCK;
	}
	z->sum ^= aez_e0(z, tweak, aez_pad(vec_load(in, at), left));
}

// XOR the middle with a key stream of at most two blocks. What goes beyond it falls on x and y, which
// are written last.
static void aez_middle_xor(struct aez *z, const struct aez_shape *m)
{
	const uint8_t *const *in = (const uint8_t *const *)z->buf;
	const vec s = z->x ^ z->y;

	for (size_t at = 0; at < m->middle; at += VEC_BLOCK) {
		vec stream = aez_aes10(z, 4 + at / VEC_BLOCK, s);

		vec_store(z->buf, m->u + at, vec_load(in, m->u + at) ^ stream);
	}
}

// 'first' and 'second' are the tweaks of the last two blocks: 1, 2 enciphers, 2, 1 deciphers.
static void aez_first_half(struct aez *z, const struct aez_shape *m, unsigned first)
{
	const uint8_t *const *in = (const uint8_t *const *)z->buf;
	vec y = vec_load(in, m->y);

	aez_pass(z, 1, m->pairs);
	aez_middle_hash(z, m);
	z->x = vec_load(in, m->x) ^ z->delta ^ z->sum ^ aez_e0(z, first, y);
	z->y = y ^ aez_aes10(z, first, z->x);
}

static void aez_second_half(struct aez *z, const struct aez_shape *m, unsigned second)
{
	aez_pass(z, 2, m->pairs);
	aez_middle_xor(z, m);
	aez_middle_hash(z, m);
	z->x ^= aez_aes10(z, second, z->y);
	vec_store(z->buf, m->y, z->x);
	vec_store(z->buf, m->x, z->y ^ z->delta ^ z->sum ^ aez_e0(z, second, z->x));
}

// Never inlined: what it spills must lie below the frame of whoever wipes it.
static __attribute__((noinline)) void aez_batch(
        struct aez z[AEZ_CHUNK], unsigned n, uint8_t *const buf[], const uint8_t *const key[],
        const uint8_t *const nonce[], size_t len, unsigned first, unsigned second
)
{
	const struct aez_shape m = {
	        .pairs = len / AEZ_PAIR - 1,
	        .middle = len % AEZ_PAIR,
	        .u = len - len % AEZ_PAIR - AEZ_PAIR,
	        .x = len - AEZ_PAIR,
	        .y = len - VEC_BLOCK,
	};

	for (unsigned i = 0; i < n; i += AEZ_CHUNK * VEC_LANES) {
		unsigned v = 0;

		for (unsigned j = i; j < n && v < AEZ_CHUNK; j += VEC_LANES, v++) {
			const uint8_t *lane_key[VEC_LANES], *lane_nonce[VEC_LANES];

			VEC_LANES_OF(z[v].buf, buf, j, n);
			VEC_LANES_OF(lane_key, key, j, n);
			VEC_LANES_OF(lane_nonce, nonce, j, n);
			aez_key(&z[v], lane_key, lane_nonce);
		}
		for (unsigned j = 0; j < v; j++)
			aez_first_half(&z[j], &m, first);
		for (unsigned j = 0; j < v; j++)
			aez_second_half(&z[j], &m, second);
	}
}

void vec_aez_encrypt(
        unsigned n, uint8_t *const buf[], const uint8_t *const key[], const uint8_t *const nonce[],
        size_t len
)
{
	struct aez z[AEZ_CHUNK];

	aez_batch(z, n, buf, key, nonce, len, 1, 2);
	wipe_leftovers();
	wipe(z, sizeof(z));
}

void vec_aez_decrypt(
        unsigned n, uint8_t *const buf[], const uint8_t *const key[], const uint8_t *const nonce[],
        size_t len
)
{
	struct aez z[AEZ_CHUNK];

	aez_batch(z, n, buf, key, nonce, len, 2, 1);
	wipe_leftovers();
	wipe(z, sizeof(z));
}
