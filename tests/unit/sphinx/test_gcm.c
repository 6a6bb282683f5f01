// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// AES-256-GCM of every table: a published vector, libsodium as second opinion on all lengths, tags that are
// wrong by one bit, batches of different keys.
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "../../../dataplane/crypto/ops.h"
#include "tables.h"

enum { LEN_MAX = 3600, GUARD = 32, BATCH = FOG_CRYPTO_BATCH_MAX };

// A message with its tag behind, and guards around both.
struct message {
	uint8_t before[GUARD + 1]; // the text is not aligned
	uint8_t text[LEN_MAX + FOG_GCM_TAG + GUARD];
	uint8_t aad[FOG_GCM_AAD], nonce[FOG_GCM_NONCE], key[32];
	struct fog_gcm_key expanded;
};

static struct message message[BATCH], original[BATCH];
static struct fog_gcm_job job[BATCH];

static void messages_make(unsigned n, size_t len)
{
	randombytes_buf(message, n * sizeof(message[0]));
	for (unsigned i = 0; i < n; i++) {
		struct message *m = &message[i];

		ops->gcm_key(&m->expanded, m->key);
		job[i] = (struct fog_gcm_job
		){.key = &m->expanded, .aad = m->aad, .text = m->text, .tag = m->text + len};
		memcpy(job[i].nonce, m->nonce, sizeof(job[i].nonce));
	}
	memcpy(original, message, n * sizeof(message[0]));
}

// Everything outside of text and tag is as it was; both are what libsodium says.
static bool message_right(unsigned i, size_t len)
{
	static struct message want;
	unsigned long long tag_len;

	want = original[i];

	crypto_aead_aes256gcm_encrypt_detached(
	        want.text, want.text + len, &tag_len, original[i].text, len, want.aad,
	        sizeof(want.aad), NULL, want.nonce, want.key
	);
	return memcmp(&want, &message[i], sizeof(want)) == 0;
}

// NIST CAVP, gcmEncryptExtIV256.rsp, PTlen 128, AADlen 128, Taglen 128, count 0.
static void test_published(void)
{
	static const char *const hex[] = {
	        "92e11dcdaa866f5ce790fd24501f92509aacf4cb8b1339d50c9c1240935dd08b",
	        "ac93a1a6145299bde902f21a",
	        "1e0889016f67601c8ebea4943bc23ad6",
	        "2d71bcfa914e4ac045b2aa60955fad24",
	        "8995ae2e6df3dbf96fac7b7137bae67feca5aa77d51d4a0a14d9c51e1da474ab",
	};
	uint8_t key[32], aad[16], text[32], plain[16], want[32];
	static struct fog_gcm_key expanded; // ASan's stack aligns to 32 bytes
	struct fog_gcm_job j = {.key = &expanded, .aad = aad, .text = text, .tag = text + 16};

	sodium_hex2bin(key, sizeof(key), hex[0], 64, NULL, NULL, NULL);
	sodium_hex2bin(j.nonce, sizeof(j.nonce), hex[1], 24, NULL, NULL, NULL);
	sodium_hex2bin(aad, sizeof(aad), hex[2], 32, NULL, NULL, NULL);
	sodium_hex2bin(plain, sizeof(plain), hex[3], 32, NULL, NULL, NULL);
	sodium_hex2bin(want, sizeof(want), hex[4], 64, NULL, NULL, NULL);
	memcpy(text, plain, sizeof(plain));
	ops->gcm_key(&expanded, key);
	ops->gcm_seal(1, &j, 16);
	CU_ASSERT_EQUAL(memcmp(text, want, sizeof(want)), 0);
	CU_ASSERT_EQUAL(ops->gcm_open(1, &j, 16), 0);
	CU_ASSERT_EQUAL(memcmp(text, plain, sizeof(plain)), 0);
}

static void test_lengths(void)
{
	unsigned wrong = 0;

	for (size_t len = 1; len <= LEN_MAX; len += check_few() && len > 600 ? 97 : 1) {
		messages_make(1, len);
		ops->gcm_seal(1, job, len);
		wrong += !message_right(0, len);
		uint8_t tag[FOG_GCM_TAG];
		memcpy(tag, job[0].tag, sizeof(tag));
		wrong += ops->gcm_open(1, job, len) != 0;
		wrong += memcmp(message[0].text, original[0].text, len) != 0;
		wrong += memcmp(tag, job[0].tag, sizeof(tag)) != 0;
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

// All batches, each message under another key.
static void test_batches(void)
{
	enum { LEN = 700 };

	for (unsigned n = 1; n <= BATCH; n += check_few() && n > 8 ? 11 : 1) {
		unsigned wrong = 0;

		messages_make(n, LEN);
		ops->gcm_seal(n, job, LEN);
		for (unsigned i = 0; i < n; i++)
			wrong += !message_right(i, LEN);
		CU_ASSERT_EQUAL(wrong, 0);
		message[n - 1].text[LEN / 2] ^= 1;
		CU_ASSERT_EQUAL(ops->gcm_open(n, job, LEN), UINT64_C(1) << (n - 1));
	}
}

// One bit of text, tag, associated data or nonce. On an emulated CPU one of seven, which are each bit of a byte.
static void test_tampered(void)
{
	enum { LEN = 291 };

	struct {
		uint8_t *bytes;
		size_t len;
	} part[] = {
	        {message[0].text, LEN + FOG_GCM_TAG},
	        {message[0].aad, FOG_GCM_AAD},
	        {job[0].nonce, FOG_GCM_NONCE},
	};

	unsigned passed = 0, tried = 0, step = check_few() ? 7 : 1;

	for (unsigned p = 0; p < 3; p++) {
		for (size_t bit = 0; bit < 8 * part[p].len; bit += step) {
			messages_make(1, LEN);
			ops->gcm_seal(1, job, LEN);
			part[p].bytes[bit / 8] ^= 1 << bit % 8;
			passed += ops->gcm_open(1, job, LEN) != 1;
			tried++;
		}
	}
	CU_ASSERT_EQUAL(passed, 0);
	CU_ASSERT_TRUE(step * tried >= 8 * (LEN + FOG_GCM_TAG + FOG_GCM_AAD + FOG_GCM_NONCE));
}

int main(void)
{
	static CU_TestInfo tests[] = {
	        {"a published vector", test_published},
	        {"all lengths against libsodium", test_lengths},
	        {"batches", test_batches},
	        {"one wrong bit", test_tampered},
	        CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[TABLES + 1] = {0};

	if (fog_crypto_init() < 0 || crypto_aead_aes256gcm_is_available() == 0)
		return 2;
	tables_suites(tests, suites);
	return check_run_suites(suites);
}
