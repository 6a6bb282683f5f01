// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Known-answer test (see self_test.h). The inputs are a ChaCha20 key stream with some special values
// put in, the answers BLAKE2b hashes of all that a function wrote. tests/unit/sphinx/self_test.py
// computes them from independent implementations and fails when they differ from these.
#include "self_test.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

enum {
	SELF_LANES = 19, // two vectors of eight and a part of one
	SELF_HMAC_LEN = 444, // ends in two blocks of padding
	SELF_TEXT_LEN = 460, // for AES-CTR and AEZ: groups of every size, and a part of a block
	SELF_GCM_LEN = 440, // a step of sixteen blocks, whole ones, and a part; the tag behind
	SELF_BAD_TAG = 7, // lane whose tag is wrong
	SELF_HASH_LEN = 16,
	SELF_LOW_ORDER = 5, // lane with a point of low order
	SELF_ALL_ONES = 3, // lanes whose counter wraps in 128 bits ..
	SELF_LOW_ONES = 18, // .. and in 64
};

struct self_lane {
	uint8_t key[48], iv[16], point[32], text[SELF_TEXT_LEN];
};

struct self_test {
	const struct fog_crypto_ops *ops;
	struct self_lane lane[SELF_LANES];
	uint8_t result[SELF_LANES][SELF_TEXT_LEN];
	uint8_t *out[SELF_LANES];
	const uint8_t *key[SELF_LANES], *iv[SELF_LANES], *point[SELF_LANES], *text[SELF_LANES];
	uint64_t mask; // what the function returned
};

static void self_init(struct self_test *t, const struct fog_crypto_ops *ops)
{
	static const uint8_t seed[randombytes_SEEDBYTES] = "fogline crypto self-test";

	t->ops = ops;
	randombytes_buf_deterministic(t->lane, sizeof(t->lane), seed);
	memset(t->lane[SELF_LOW_ORDER].point, 0, 32);
	memset(t->lane[SELF_ALL_ONES].iv, 0xff, 16);
	memset(t->lane[SELF_LOW_ONES].iv + 8, 0xff, 8);
	for (unsigned i = 0; i < SELF_LANES; i++) {
		t->out[i] = t->result[i];
		t->key[i] = t->lane[i].key;
		t->iv[i] = t->lane[i].iv;
		t->point[i] = t->lane[i].point;
		t->text[i] = t->lane[i].text;
	}
}

static void self_x25519(struct self_test *t)
{
	t->mask = t->ops->x25519(SELF_LANES, t->out, t->key, t->point);
}

static void self_x25519_base(struct self_test *t)
{
	t->ops->x25519_base(SELF_LANES, t->out, t->key);
}

static void self_expand(struct self_test *t)
{
	t->ops->expand(SELF_LANES, t->out, t->key);
}

static void self_hmac(struct self_test *t)
{
	t->ops->hmac(SELF_LANES, t->out, t->key, t->text, SELF_HMAC_LEN);
}

static void self_ctr(struct self_test *t)
{
	t->ops->ctr(SELF_LANES, t->out, t->text, t->key, t->iv, SELF_TEXT_LEN);
}

static void self_aez_encrypt(struct self_test *t)
{
	for (unsigned i = 0; i < SELF_LANES; i++)
		memcpy(t->result[i], t->text[i], SELF_TEXT_LEN);
	t->ops->aez_encrypt(SELF_LANES, t->out, t->key, t->iv, SELF_TEXT_LEN);
}

static void self_aez_decrypt(struct self_test *t)
{
	for (unsigned i = 0; i < SELF_LANES; i++)
		memcpy(t->result[i], t->text[i], SELF_TEXT_LEN);
	t->ops->aez_decrypt(SELF_LANES, t->out, t->key, t->iv, SELF_TEXT_LEN);
}

static void self_blind_scalar(struct self_test *t)
{
	t->ops->blind_scalar(SELF_LANES, t->out, t->key);
}

static void self_gcm_jobs(struct self_test *t, struct fog_gcm_job *job)
{
	static struct fog_gcm_key key[SELF_LANES]; // ASan's stack aligns to 32 bytes only

	for (unsigned i = 0; i < SELF_LANES; i++) {
		t->ops->gcm_key(&key[i], t->key[i]);
		job[i] = (struct fog_gcm_job){
		        .key = &key[i],
		        .aad = t->point[i],
		        .text = t->result[i],
		        .tag = t->result[i] + SELF_GCM_LEN,
		};
		memcpy(job[i].nonce, t->iv[i], FOG_GCM_NONCE);
		memcpy(t->result[i], t->text[i], SELF_GCM_LEN);
	}
}

static void self_gcm_seal(struct self_test *t)
{
	struct fog_gcm_job job[SELF_LANES];

	self_gcm_jobs(t, job);
	t->ops->gcm_seal(SELF_LANES, job, SELF_GCM_LEN);
}

// What is opened is the text again, in the lane with the wrong tag, too.
static void self_gcm_open(struct self_test *t)
{
	struct fog_gcm_job job[SELF_LANES];

	self_gcm_jobs(t, job);
	t->ops->gcm_seal(SELF_LANES, job, SELF_GCM_LEN);
	job[SELF_BAD_TAG].tag[FOG_GCM_TAG - 1] ^= 1;
	t->mask = t->ops->gcm_open(SELF_LANES, job, SELF_GCM_LEN);
}

static const struct {
	const char *name;
	void (*run)(struct self_test *t);
	const char *answer;
} self_tests[] = {
        {"x25519", self_x25519, "ac755e161c03c0703e4a6f30c3563ae3"},
        {"x25519_base", self_x25519_base, "6af6334282be78cfa210538969b27ee9"},
        {"expand", self_expand, "ac675a05f9e44d39ef9c857f166c53fa"},
        {"hmac", self_hmac, "1e46a76303caef62dff317f6fe2d7177"},
        {"ctr", self_ctr, "29c19c3dfc961625f6f037c494a05d9d"},
        {"aez_encrypt", self_aez_encrypt, "d80f485402dddda74b78a7a477edfe03"},
        {"aez_decrypt", self_aez_decrypt, "0e5b8582437876576896fb2d3e42cb76"},
        {"blind_scalar", self_blind_scalar, "196af257ce537e45cb2d2b5fc24a5a9e"},
        {"gcm_seal", self_gcm_seal, "629243153e74b3658b863df66c7b6fc0"},
        {"gcm_open", self_gcm_open, "880b212ab6385a6fc810c355fb708d19"},
};

// Whatever a function wrote where it shouldn't is in the hash, too.
static int self_right(const struct self_test *t, const char *answer)
{
	crypto_generichash_state state;
	uint8_t got[SELF_HASH_LEN], mask[8];
	char hex[2 * SELF_HASH_LEN + 1];

	for (unsigned i = 0; i < sizeof(mask); i++)
		mask[i] = t->mask >> 8 * i & 0xff;
	crypto_generichash_init(&state, NULL, 0, sizeof(got));
	crypto_generichash_update(&state, t->result[0], sizeof(t->result));
	crypto_generichash_update(&state, mask, sizeof(mask));
	crypto_generichash_final(&state, got, sizeof(got));
	return strcmp(sodium_bin2hex(hex, sizeof(hex), got, sizeof(got)), answer) == 0;
}

int fog_crypto_self_test(const struct fog_crypto_ops *ops, const char **what)
{
	struct self_test t;

	self_init(&t, ops);
	for (size_t i = 0; i < sizeof(self_tests) / sizeof(self_tests[0]); i++) {
		memset(t.result, 0, sizeof(t.result));
		t.mask = 0;
		self_tests[i].run(&t);
		if (!self_right(&t, self_tests[i].answer)) {
			*what = self_tests[i].name;
			return -EBADMSG;
		}
	}
	return 0;
}
