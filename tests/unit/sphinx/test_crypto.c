// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Every implementation of fog_crypto_ops against published vectors and against libsodium, and
// batches against single messages.
#include <cpuid.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../dataplane/crypto/aes.h"
#include "../../../dataplane/crypto/equal.h"
#include "../../../dataplane/crypto/ops.h"
#include "../../../dataplane/crypto/ref/ref.h"
#include "../../../dataplane/crypto/vec/vec_ops.h"
#include "../../../sandbox/sandbox.h" // FOG_SANDBOX_ON: not under sanitizers
#include "tables.h"

enum { LEN_MAX = 3000 };

static const char *vectors_dir;

static void unhex(uint8_t *out, size_t len, const char *hex)
{
	size_t done;

	CU_ASSERT_EQUAL_FATAL(sodium_hex2bin(out, len, hex, strlen(hex), NULL, &done, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(done, len);
}

static void check_hex(const uint8_t *got, size_t len, const char *hex)
{
	uint8_t want[64];

	unhex(want, len, hex);
	CU_ASSERT_EQUAL(memcmp(got, want, len), 0);
}

// 64 messages with their own buffers and pointers to them.
struct lanes {
	uint8_t mem[FOG_CRYPTO_BATCH_MAX][LEN_MAX];
	uint8_t *p[FOG_CRYPTO_BATCH_MAX];
	const uint8_t *cp[FOG_CRYPTO_BATCH_MAX];
};

static struct lanes lane_a, lane_b, lane_c, lane_d;

static void lanes_fill(struct lanes *l)
{
	randombytes_buf(l->mem, sizeof(l->mem));
	for (unsigned i = 0; i < FOG_CRYPTO_BATCH_MAX; i++)
		l->cp[i] = l->p[i] = l->mem[i];
}

// On an emulated CPU (../run.h) not every size of a batch beyond one and a bit of eight lanes.
static unsigned size_next(unsigned n)
{
	return n + (check_few() && n > 8 ? 11 : 1);
}

// A name gives its table or nothing, no name gives the best there is.
static void test_choice(void)
{
	static const char *const names[] = {"ref", "avx2", "avx512"};
	const struct fog_crypto_ops *best = NULL;

	CU_ASSERT_EQUAL(fog_crypto_init(), 0);
	CU_ASSERT_EQUAL(fog_crypto_thread_init(), 0);
	CU_ASSERT_EQUAL(fog_crypto_thread_init(), 0);
	for (unsigned i = 0; i < 3; i++) {
		const struct fog_crypto_ops *table = fog_crypto_ops_get(names[i]);

		if (table == NULL)
			continue;
		CU_ASSERT_STRING_EQUAL(table->name, names[i]);
		best = table;
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(fog_crypto_ops_get("ref"));
	CU_ASSERT_PTR_EQUAL(fog_crypto_ops_get(NULL), best);
	CU_ASSERT_PTR_NULL(fog_crypto_ops_get("no such"));
}

// FIPS 197, appendix C.
static void test_aes_known(void)
{
	struct fog_aes_key k;
	uint8_t key[32], in[1][16], out[1][16];

	unhex(in[0], 16, "00112233445566778899aabbccddeeff");
	unhex(key, 32, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
	CU_ASSERT_EQUAL(fog_aes_key_init(&k, key, 16), 0);
	fog_aes_encrypt_blocks(&k, in, out, 1);
	check_hex(out[0], 16, "69c4e0d86a7b0430d8cdb78070b4c55a");
	CU_ASSERT_EQUAL(fog_aes_key_init(&k, key, 32), 0);
	fog_aes_encrypt_blocks(&k, in, out, 1);
	check_hex(out[0], 16, "8ea2b7ca516745bfeafc49904b496089");
	CU_ASSERT_EQUAL(fog_aes_key_init(&k, key, 24), -EINVAL);
	CU_ASSERT_EQUAL(fog_aes_key_init(&k, key, 0), -EINVAL);
	fog_aes_key_wipe(&k);
	CU_ASSERT_TRUE(sodium_is_zero((uint8_t *)&k, sizeof(k)));
}

static void test_aes_many(void)
{
	struct fog_aes_key k;
	uint8_t key[32], in[40][16], out[41][16], one[1][16];

	randombytes_buf(key, sizeof(key));
	randombytes_buf(in, sizeof(in));
	fog_aes_key_init(&k, key, 32);
	for (unsigned n = 0; n <= 40; n++) {
		memset(out, 0xee, sizeof(out));
		fog_aes_encrypt_blocks(&k, in, out, n);
		for (unsigned i = 0; i < n; i++) {
			fog_aes_encrypt_blocks(&k, in + i, one, 1);
			CU_ASSERT_EQUAL(memcmp(out[i], one[0], 16), 0);
		}
		CU_ASSERT_EQUAL(out[n][0], 0xee);
	}
	memcpy(out, in, sizeof(in));
	fog_aes_encrypt_blocks(&k, out, out, 40);
	fog_aes_encrypt_blocks(&k, in + 39, one, 1);
	CU_ASSERT_EQUAL(memcmp(out[39], one[0], 16), 0);
}

// Every length, every single bit.
static void test_equal(void)
{
	uint8_t a[41], b[41], zero[41] = {0};

	randombytes_buf(a, sizeof(a));
	memcpy(b, a, sizeof(a));
	for (size_t len = 0; len <= 40; len++) {
		CU_ASSERT_TRUE(fog_equal(a, b, len));
		CU_ASSERT_TRUE(fog_all_zero(zero, len));
		for (size_t bit = 0; bit < 8 * sizeof(a); bit++) {
			b[bit / 8] ^= 1 << bit % 8;
			zero[bit / 8] ^= 1 << bit % 8;
			CU_ASSERT_EQUAL(fog_equal(a, b, len), bit / 8 >= len);
			CU_ASSERT_EQUAL(fog_all_zero(zero, len), bit / 8 >= len);
			b[bit / 8] ^= 1 << bit % 8;
			zero[bit / 8] ^= 1 << bit % 8;
		}
	}
}

// RFC 7748 section 5.2.
static void test_x25519_known(void)
{
	uint8_t scalar[32], point[32], got[32], *out = got;
	const uint8_t *s = scalar, *p = point;

	unhex(scalar, 32, "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
	unhex(point, 32, "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
	CU_ASSERT_EQUAL(ops->x25519(1, &out, &s, &p), 0);
	check_hex(got, 32, "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
	// The result may overwrite the point, or the scalar.
	out = point;
	CU_ASSERT_EQUAL(ops->x25519(1, &out, &s, &p), 0);
	CU_ASSERT_EQUAL(memcmp(point, got, 32), 0);
	unhex(point, 32, "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
	out = scalar;
	CU_ASSERT_EQUAL(ops->x25519(1, &out, &s, &p), 0);
	CU_ASSERT_EQUAL(memcmp(scalar, got, 32), 0);
}

// All encodings of points of low order (bit 255 is ignored), mixed into a batch.
static void test_x25519_low_order(void)
{
	static const char *const low[] = {
	        "0000000000000000000000000000000000000000000000000000000000000000",
	        "0100000000000000000000000000000000000000000000000000000000000000",
	        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	uint64_t want = 0;

	lanes_fill(&lane_a);
	lanes_fill(&lane_b);
	lanes_fill(&lane_c);
	for (unsigned i = 0; i < 7; i++) {
		unhex(lane_b.mem[9 * i], 32, low[i]);
		unhex(lane_b.mem[9 * i + 1], 32, low[i]);
		lane_b.mem[9 * i + 1][31] |= 0x80;
		want |= UINT64_C(3) << 9 * i;
	}
	CU_ASSERT_EQUAL(ops->x25519(64, lane_c.p, lane_a.cp, lane_b.cp), want);
	for (unsigned i = 0; i < 64; i++) {
		uint8_t q[32];

		CU_ASSERT_EQUAL(sodium_is_zero(lane_c.mem[i], 32), (want >> i & 1) != 0);
		if (crypto_scalarmult_curve25519(q, lane_a.mem[i], lane_b.mem[i]) == 0)
			CU_ASSERT_EQUAL(memcmp(q, lane_c.mem[i], 32), 0);
	}
}

static void test_hmac(void)
{
	uint8_t want[32];

	lanes_fill(&lane_a);
	lanes_fill(&lane_b);
	lanes_fill(&lane_c);
	for (size_t len = 1; len < LEN_MAX; len += len < 200 ? 1 : 97) {
		unsigned n = 1 + len % 64;

		ops->hmac(n, lane_c.p, lane_a.cp, lane_b.cp, len);
		for (unsigned i = 0; i < n; i++) {
			crypto_auth_hmacsha256(want, lane_b.mem[i], len, lane_a.mem[i]);
			CU_ASSERT_EQUAL(memcmp(want, lane_c.mem[i], 32), 0);
		}
	}
}

// RFC 5869 section 2.3 on libsodium's HMAC.
static void test_expand(void)
{
	static const char info[] = "katzenpost-kdf-v0-hkdf-sha256";

	lanes_fill(&lane_a);
	lanes_fill(&lane_b);
	for (unsigned n = 0; n <= 64; n = size_next(n)) {
		ops->expand(n, lane_b.p, lane_a.cp);
		for (unsigned i = 0; i < n; i++) {
			uint8_t block[32 + 29 + 1], t[32];

			memcpy(block + 32, info, 29);
			for (unsigned j = 0; j < 6; j++) {
				unsigned skip = j == 0 ? 32 : 0;

				block[61] = j + 1;
				crypto_auth_hmacsha256(
				        t, block + skip, sizeof(block) - skip, lane_a.mem[i]
				);
				CU_ASSERT_EQUAL(memcmp(t, lane_b.mem[i] + 32 * j, 32), 0);
				memcpy(block, t, 32);
			}
		}
	}
}

// AES in counter mode block by block, the counter a 128-bit big-endian number.
static void ctr_slowly(uint8_t *buf, size_t len, const uint8_t key[32], const uint8_t iv[16])
{
	struct fog_aes_key k;
	uint8_t counter[1][16], stream[1][16];

	fog_aes_key_init(&k, key, 32);
	memcpy(counter[0], iv, 16);
	for (size_t i = 0; i < len; i++) {
		if (i % 16 == 0) {
			fog_aes_encrypt_blocks(&k, counter, stream, 1);
			for (int j = 15; j >= 0 && ++counter[0][j] == 0; j--)
				;
		}
		buf[i] ^= stream[0][i % 16];
	}
}

static void ctr_check(unsigned n, size_t len)
{
	// a: keys, b: IVs, c: text, d: result
	ops->ctr(n, lane_d.p, lane_c.cp, lane_a.cp, lane_b.cp, len);
	for (unsigned i = 0; i < n; i++) {
		uint8_t want[LEN_MAX];

		memcpy(want, lane_c.mem[i], len);
		ctr_slowly(want, len, lane_a.mem[i], lane_b.mem[i]);
		CU_ASSERT_EQUAL(memcmp(want, lane_d.mem[i], len), 0);
	}
}

static void test_ctr_lengths(void)
{
	lanes_fill(&lane_a);
	lanes_fill(&lane_b);
	lanes_fill(&lane_c);
	lanes_fill(&lane_d);
	for (size_t len = 1; len < 260; len++)
		ctr_check(1 + len % 8, len);
	ctr_check(64, 492);
	ctr_check(64, 1722);
}

// The last word wraps after 0, 1, .. blocks; the carry stops in, or runs through, every byte.
static void test_ctr_wrap(void)
{
	lanes_fill(&lane_a);
	lanes_fill(&lane_b);
	lanes_fill(&lane_c);
	lanes_fill(&lane_d);
	for (unsigned i = 0; i < 64; i++) {
		memset(lane_b.mem[i] + 12, 0xff, 4);
		lane_b.mem[i][15] = 0xff - i;
		if (i < 13)
			memset(lane_b.mem[i] + 12 - i, 0xff, i);
	}
	ctr_check(64, 492);
	for (unsigned i = 0; i < 64; i++)
		memset(lane_b.mem[i], 0xff, 16);
	ctr_check(64, 492);
	ctr_check(5, 16);
	ctr_check(5, 17);
	ctr_check(5, 3);
	// In place, too.
	memcpy(lane_d.mem, lane_c.mem, sizeof(lane_c.mem));
	ops->ctr(64, lane_d.p, lane_d.cp, lane_a.cp, lane_b.cp, 300);
	ctr_slowly(lane_c.mem[63], 300, lane_a.mem[63], lane_b.mem[63]);
	CU_ASSERT_EQUAL(memcmp(lane_c.mem[63], lane_d.mem[63], 300), 0);
}

static void test_aez_vectors(void)
{
	char path[4096];
	json_t *file, *v;
	size_t i;

	snprintf(path, sizeof(path), "%s/aez-v5.json", vectors_dir);
	file = json_load_file(path, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(json_array_size(file), 2);
	json_array_foreach(file, i, v)
	{
		const char *m = json_string_value(json_object_get(v, "m"));
		const char *c = json_string_value(json_object_get(v, "c"));
		uint8_t key[48], nonce[16], plain[LEN_MAX], cipher[LEN_MAX], buf[LEN_MAX];
		uint8_t *p = buf;
		const uint8_t *k = key, *n = nonce;
		size_t len = strlen(m) / 2;

		unhex(key, 48, json_string_value(json_object_get(v, "k")));
		unhex(nonce, 16, json_string_value(json_object_get(v, "nonce")));
		unhex(plain, len, m);
		unhex(cipher, len, c);
		memcpy(buf, plain, len);
		ops->aez_encrypt(1, &p, &k, &n, len);
		CU_ASSERT_EQUAL(memcmp(buf, cipher, len), 0);
		ops->aez_decrypt(1, &p, &k, &n, len);
		CU_ASSERT_EQUAL(memcmp(buf, plain, len), 0);
	}
	json_decref(file);
}

static void aez_round_trip(size_t len)
{
	unsigned n = 1 + len % 64;

	memcpy(lane_d.mem, lane_c.mem, sizeof(lane_c.mem));
	ops->aez_encrypt(n, lane_d.p, lane_a.cp, lane_b.cp, len);
	for (unsigned i = 0; i < n; i++) {
		// Nothing behind the message is touched, and every block of it changes.
		CU_ASSERT_EQUAL(memcmp(lane_d.mem[i] + len, lane_c.mem[i] + len, 32), 0);
		for (size_t at = 0; at + 16 <= len; at += 16)
			CU_ASSERT_NOT_EQUAL(memcmp(lane_d.mem[i] + at, lane_c.mem[i] + at, 16), 0);
	}
	ops->aez_decrypt(n, lane_d.p, lane_a.cp, lane_b.cp, len);
	CU_ASSERT_EQUAL(memcmp(lane_d.mem, lane_c.mem, sizeof(lane_c.mem)), 0);
}

static void test_aez_lengths(void)
{
	lanes_fill(&lane_a);
	lanes_fill(&lane_b);
	lanes_fill(&lane_c);
	lanes_fill(&lane_d);
	for (size_t len = 32; len <= 320; len++)
		aez_round_trip(len);
	aez_round_trip(932);
	aez_round_trip(1096);
	aez_round_trip(2606);
}

// One hash over the ciphertexts of every length from 32 to 200, as tests/sphinx_ref computes it.
static void test_aez_reference(void)
{
	uint8_t key[48], nonce[16], buf[200], digest[32], *p = buf;
	const uint8_t *k = key, *n = nonce;
	crypto_generichash_state state;

	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = i;
	for (unsigned i = 0; i < sizeof(nonce); i++)
		nonce[i] = 100 + i;
	crypto_generichash_init(&state, NULL, 0, sizeof(digest));
	for (size_t len = 32; len <= sizeof(buf); len++) {
		for (size_t i = 0; i < len; i++)
			buf[i] = i * 7;
		ops->aez_encrypt(1, &p, &k, &n, len);
		crypto_generichash_update(&state, buf, len);
	}
	crypto_generichash_final(&state, digest, sizeof(digest));
	check_hex(digest, 32, "d5fbb291b4801b93862d0f20968e7f273900e4aaff0f5cc0b04242159fe1ee73");
}

// One flipped bit anywhere must garble the whole message: that is why tagging a packet is futile.
static void test_aez_diffusion(void)
{
	uint8_t buf[96], *p = buf;

	lanes_fill(&lane_a);
	lanes_fill(&lane_b);
	lanes_fill(&lane_c);
	for (unsigned bit = 0; bit < 8 * sizeof(buf); bit++) {
		memcpy(buf, lane_c.mem[0], sizeof(buf));
		ops->aez_encrypt(1, &p, lane_a.cp, lane_b.cp, sizeof(buf));
		buf[bit / 8] ^= 1 << bit % 8;
		ops->aez_decrypt(1, &p, lane_a.cp, lane_b.cp, sizeof(buf));
		for (size_t at = 0; at < sizeof(buf); at += 16)
			CU_ASSERT_NOT_EQUAL(memcmp(buf + at, lane_c.mem[0] + at, 16), 0);
	}
}

// From Katzenpost's first packet vector: seed and scalar of hop 0.
static void test_blind_scalar(void)
{
	uint8_t seed[32], got[32], *out = got;
	const uint8_t *s = seed;

	unhex(seed, 32, "d2f09ef8ddc8baf2f48b60b88284ac024c9ef0b052af2990f10a20213afa465c");
	ops->blind_scalar(1, &out, &s);
	check_hex(got, 32, "5ccc52e1f8cf023ab44b7ae4f35c4746ec9b34579d93751e91b624ff598fd6a7");
}

// Payload and header lengths of the shipped geometries, and what lies around them.
static const size_t lengths[] = {32, 444, 492, 932, 1096, 2606};

static void lanes_same(const struct lanes *got, const struct lanes *want)
{
	CU_ASSERT_EQUAL(memcmp(got->mem, want->mem, sizeof(want->mem)), 0);
}

// Every function on every number of messages in place, against the plain table one message at a
// time; messages beyond the batch, and bytes beyond a message, stay as they are.
static void test_batches(void)
{
	lanes_fill(&lane_a);
	lanes_fill(&lane_b);
	lanes_fill(&lane_c);
	lanes_fill(&lane_d);
	for (unsigned n = 0; n <= FOG_CRYPTO_BATCH_MAX; n = size_next(n)) {
		size_t len = lengths[n % 6];

		memcpy(lane_d.mem, lane_c.mem, sizeof(lane_c.mem));
		ops->expand(n, lane_d.p, lane_d.cp);
		ops->hmac(n, lane_d.p, lane_a.cp, lane_d.cp, len);
		ops->ctr(n, lane_d.p, lane_d.cp, lane_a.cp, lane_b.cp, len);
		ops->aez_encrypt(n, lane_d.p, lane_a.cp, lane_b.cp, len);
		ops->aez_decrypt(n, lane_d.p, lane_b.cp, lane_a.cp, len);
		ops->blind_scalar(n, lane_d.p, lane_d.cp);
		for (unsigned i = 0; i < n; i++) {
			uint8_t *const *p = lane_c.p + i;
			const uint8_t *const *cp = lane_c.cp + i;
			const uint8_t *const *a = lane_a.cp + i, *const *b = lane_b.cp + i;

			ref_ops.expand(1, p, cp);
			ref_ops.hmac(1, p, a, cp, len);
			ref_ops.ctr(1, p, cp, a, b, len);
			ref_ops.aez_encrypt(1, p, a, b, len);
			ref_ops.aez_decrypt(1, p, b, a, len);
			ref_ops.blind_scalar(1, p, cp);
		}
		lanes_same(&lane_d, &lane_c);
	}
}

// Where a key may be left behind: the stack below, and the vector registers.
struct remains {
	uint8_t reg[16][16];
	uint8_t stack[16384];
};

static struct remains remains;

// Inlined right behind the call, before anything else can overwrite what it left.
static inline __attribute__((always_inline)) void remains_registers(void)
{
	__asm__ volatile(
	        "movups %%xmm0, 0(%0)\n\tmovups %%xmm1, 16(%0)\n\tmovups %%xmm2, 32(%0)\n\t"
	        "movups %%xmm3, 48(%0)\n\tmovups %%xmm4, 64(%0)\n\tmovups %%xmm5, 80(%0)\n\t"
	        "movups %%xmm6, 96(%0)\n\tmovups %%xmm7, 112(%0)\n\tmovups %%xmm8, 128(%0)\n\t"
	        "movups %%xmm9, 144(%0)\n\tmovups %%xmm10, 160(%0)\n\tmovups %%xmm11, 176(%0)\n\t"
	        "movups %%xmm12, 192(%0)\n\tmovups %%xmm13, 208(%0)\n\tmovups %%xmm14, 224(%0)\n\t"
	        "movups %%xmm15, 240(%0)"
	        :
	        : "r"(remains.reg)
	        : "memory"
	);
}

static __attribute__((noinline, no_sanitize("address"))) void remains_stack(void)
{
	const volatile uint8_t *below = (uint8_t *)__builtin_frame_address(0) -
	        sizeof(remains.stack);

	for (size_t i = 0; i < sizeof(remains.stack); i++)
		remains.stack[i] = below[i];
}

// Eight bytes of the key, as they are or XORed with a constant byte.
static unsigned remains_of(const uint8_t *key, size_t len, uint8_t pad)
{
	const uint8_t *all = (const uint8_t *)&remains;
	unsigned found = 0;

	for (size_t at = 0; at + 8 <= len; at += 8) {
		uint8_t part[8];

		for (unsigned i = 0; i < sizeof(part); i++)
			part[i] = key[at + i] ^ pad;
		found += memmem(all, sizeof(remains), part, sizeof(part)) != NULL;
	}
	return found;
}

// New keys for each: looking for the old ones has left them on the stack.
#define LEFT_BY(call) \
	do { \
		lanes_fill(&lane_a); \
		call; \
		remains_registers(); \
		remains_stack(); \
	} while (0)

static void test_wiped(void)
{
#if !FOG_SANDBOX_ON || !defined(__OPTIMIZE__)
	return; // variables lie where the code doesn't know of them
#endif
	lanes_fill(&lane_b);
	lanes_fill(&lane_c);
	LEFT_BY(ops->ctr(9, lane_c.p, lane_c.cp, lane_a.cp, lane_b.cp, 492));
	for (unsigned i = 0; i < 9; i++)
		CU_ASSERT_EQUAL(remains_of(lane_a.mem[i], 32, 0), 0);
	LEFT_BY(ops->aez_decrypt(9, lane_c.p, lane_a.cp, lane_b.cp, 932));
	for (unsigned i = 0; i < 9; i++)
		CU_ASSERT_EQUAL(remains_of(lane_a.mem[i], 48, 0), 0);
	LEFT_BY(ops->blind_scalar(9, lane_c.p, lane_a.cp));
	for (unsigned i = 0; i < 9; i++) {
		CU_ASSERT_EQUAL(remains_of(lane_a.mem[i], 32, 0), 0);
		CU_ASSERT_EQUAL(remains_of(lane_c.mem[i], 32, 0), 0);
	}
	if (ops->hmac == ref_mb_hmac) // what ipsec-mb leaves is its own affair
		return;
	LEFT_BY(ops->hmac(9, lane_c.p, lane_a.cp, lane_b.cp, 444));
	for (unsigned i = 0; i < 9; i++) {
		CU_ASSERT_EQUAL(remains_of(lane_a.mem[i], 32, 0), 0);
		CU_ASSERT_EQUAL(remains_of(lane_a.mem[i], 32, 0x36), 0);
		CU_ASSERT_EQUAL(remains_of(lane_a.mem[i], 32, 0x5c), 0);
	}
	LEFT_BY(ops->expand(9, lane_c.p, lane_a.cp));
	for (unsigned i = 0; i < 9; i++) {
		CU_ASSERT_EQUAL(remains_of(lane_a.mem[i], 32, 0x36), 0);
		CU_ASSERT_EQUAL(remains_of(lane_c.mem[i], 192, 0), 0);
	}
}

// A bit of CPUID that nobody asked for would leave the widest code unused.
static void test_width(void)
{
	unsigned eax, ebx = 0, ecx = 0, edx, bits = 128;

	__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx);
	if (strcmp(ops->name, "ref") != 0 && (ecx & bit_VAES) != 0)
		bits = strcmp(ops->name, "avx512") == 0 && (ebx & bit_AVX512BW) != 0 ? 512 : 256;
	printf("\nAES of %s: %u bits\n", ops->name, bits);
	CU_ASSERT_EQUAL(ops->ctr == vec4_ctr, bits == 512);
	CU_ASSERT_EQUAL(ops->aez_encrypt == vec4_aez_encrypt, bits == 512);
	CU_ASSERT_EQUAL(ops->aez_decrypt == vec4_aez_decrypt, bits == 512);
	CU_ASSERT_EQUAL(ops->blind_scalar == vec4_blind_scalar, bits == 512);
	CU_ASSERT_EQUAL(ops->ctr == vec2_ctr, bits == 256);
	CU_ASSERT_EQUAL(ops->aez_encrypt == vec2_aez_encrypt, bits == 256);
	CU_ASSERT_EQUAL(ops->aez_decrypt == vec2_aez_decrypt, bits == 256);
	CU_ASSERT_EQUAL(ops->blind_scalar == vec2_blind_scalar, bits == 256);
}

static void *thread_main(void *arg)
{
	uint8_t key[32], msg[444], want[32], got[32], *out = got;
	const uint8_t *k = key, *m = msg;
	unsigned *wrong = arg;

	randombytes_buf(msg, sizeof(msg));
	for (unsigned i = 0; i < (check_few() ? 50 : 2000); i++) {
		randombytes_buf(key, sizeof(key));
		ops->hmac(1, &out, &k, &m, sizeof(msg));
		crypto_auth_hmacsha256(want, msg, sizeof(msg), key);
		*wrong += memcmp(want, got, 32) != 0;
	}
	return NULL;
}

// Threads that never called fog_crypto_thread_init get their own context all the same.
static void test_threads(void)
{
	pthread_t thread[4];
	unsigned wrong[4] = {0};

	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, thread_main, &wrong[i]), 0);
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		CU_ASSERT_EQUAL(wrong[i], 0);
	}
}

// The table that a suite works on. The first is what a CPU without the SHA extensions gets.
static int plain_chosen(void)
{
	ops = &ref_ops;
	return 0;
}

int main(int argc, char **argv)
{
	static CU_TestInfo common[] = {
	        {"choice of an implementation", test_choice},
	        {"AES, FIPS 197", test_aes_known},
	        {"AES, many blocks", test_aes_many},
	        {"comparisons", test_equal},
	        CU_TEST_INFO_NULL,
	};
	static CU_TestInfo tests[] = {
	        {"the widest AES of this CPU", test_width},
	        {"X25519, RFC 7748", test_x25519_known},
	        {"X25519, low order in a batch", test_x25519_low_order},
	        {"HMAC-SHA-256 against libsodium", test_hmac},
	        {"HKDF-Expand against libsodium", test_expand},
	        {"AES-CTR, lengths", test_ctr_lengths},
	        {"AES-CTR, counter wraps", test_ctr_wrap},
	        {"AEZ, published vectors", test_aez_vectors},
	        {"AEZ, lengths", test_aez_lengths},
	        {"AEZ, lengths against the reference", test_aez_reference},
	        {"AEZ, diffusion", test_aez_diffusion},
	        {"blinding scalar", test_blind_scalar},
	        {"every batch against single messages of the plain table", test_batches},
	        {"keys wiped", test_wiped},
	        {"threads", test_threads},
	        CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[2 + TABLES + 1] = {
	        {.pName = "crypto", .pTests = common},
	        {.pName = "ref, plain", .pInitFunc = plain_chosen, .pTests = tests},
	};

	if (argc != 2 || fog_crypto_init() < 0)
		return 2;
	vectors_dir = argv[1];
	tables_suites(tests, suites + 2);
	return check_run_suites(suites);
}
