// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Published vectors of NK and IK, every message; what must be refused; the hello.
#include <errno.h>
#include <jansson.h>
#include <sodium.h>

#include "../../../controlplane/link/hello.h"
#include "../../../controlplane/link/noise.h"
#include "../run.h"

enum { ROOM = 512 };

static struct fog_noise *a, *b; // initiator, responder

static size_t hex(const json_t *o, const char *key, uint8_t *out, size_t room)
{
	const char *text = json_string_value(json_object_get(o, key));
	size_t len = 0;

	if (text == NULL)
		return 0;
	CU_ASSERT_EQUAL_FATAL(sodium_hex2bin(out, room, text, strlen(text), NULL, &len, NULL), 0);
	return len;
}

static void vector_begin(const json_t *v, enum fog_noise_pattern pattern)
{
	uint8_t prologue[ROOM], s[32], s_public[32], rs[32], rs_public[32], e[32];
	bool with_static = hex(v, "init_static", s, sizeof(s)) == 32;
	size_t len = hex(v, "init_prologue", prologue, sizeof(prologue));

	if (with_static)
		crypto_scalarmult_base(s_public, s);
	hex(v, "init_remote_static", rs_public, sizeof(rs_public));
	CU_ASSERT_EQUAL_FATAL(
	        fog_noise_start(
	                a, pattern, true, prologue, len, with_static ? s : NULL, s_public, rs_public
	        ),
	        0
	);
	hex(v, "init_ephemeral", e, sizeof(e));
	fog_noise_ephemeral_set(a, e);
	len = hex(v, "resp_prologue", prologue, sizeof(prologue));
	hex(v, "resp_static", rs, sizeof(rs));
	CU_ASSERT_EQUAL_FATAL(
	        fog_noise_start(b, pattern, false, prologue, len, rs, rs_public, NULL), 0
	);
	hex(v, "resp_ephemeral", e, sizeof(e));
	fog_noise_ephemeral_set(b, e);
}

static void vector_handshake(const json_t *m, struct fog_noise *from, struct fog_noise *to)
{
	uint8_t payload[ROOM], want[ROOM], got[ROOM], read[ROOM];
	size_t payload_len = hex(m, "payload", payload, ROOM);
	size_t want_len = hex(m, "ciphertext", want, ROOM), got_len = 0, read_len = 0;

	CU_ASSERT_EQUAL_FATAL(fog_noise_write(from, payload, payload_len, got, ROOM, &got_len), 0);
	CU_ASSERT_EQUAL_FATAL(got_len, want_len);
	CU_ASSERT_EQUAL(memcmp(got, want, want_len), 0);
	CU_ASSERT_EQUAL_FATAL(fog_noise_read(to, want, want_len, read, ROOM, &read_len), 0);
	CU_ASSERT_EQUAL_FATAL(read_len, payload_len);
	CU_ASSERT_EQUAL(memcmp(read, payload, payload_len), 0);
}

static void vector_transport(
        const json_t *m, struct fog_noise_cipher *from, struct fog_noise_cipher *to
)
{
	uint8_t payload[ROOM], want[ROOM], got[ROOM];
	size_t len = hex(m, "payload", payload, ROOM);

	CU_ASSERT_EQUAL_FATAL(hex(m, "ciphertext", want, ROOM), len + FOG_NOISE_TAG);
	fog_noise_seal(from, payload, len, got);
	CU_ASSERT_EQUAL(memcmp(got, want, len + FOG_NOISE_TAG), 0);
	CU_ASSERT_EQUAL_FATAL(fog_noise_open(to, want, len + FOG_NOISE_TAG, got), 0);
	CU_ASSERT_EQUAL(memcmp(got, payload, len), 0);
}

static unsigned vector_run(const json_t *v, enum fog_noise_pattern pattern)
{
	struct fog_noise_cipher a_tx = {0}, a_rx = {0}, b_tx = {0}, b_rx = {0};
	const json_t *list = json_object_get(v, "messages");
	uint8_t hash[32];

	vector_begin(v, pattern);
	vector_handshake(json_array_get(list, 0), a, b);
	vector_handshake(json_array_get(list, 1), b, a);
	CU_ASSERT_EQUAL(hex(v, "handshake_hash", hash, 32), 32);
	CU_ASSERT_EQUAL(memcmp(a->h, hash, 32), 0);
	CU_ASSERT_EQUAL(fog_noise_split(a, a_tx.key, a_rx.key), 0);
	CU_ASSERT_EQUAL(fog_noise_split(b, b_tx.key, b_rx.key), 0);
	for (size_t i = 2; i < json_array_size(list); i++) {
		if (i % 2 == 0)
			vector_transport(json_array_get(list, i), &a_tx, &b_rx);
		else
			vector_transport(json_array_get(list, i), &b_tx, &a_rx);
	}
	return (unsigned)json_array_size(list);
}

static void test_vectors(void)
{
	json_t *all = json_load_file(getenv("NOISE_VECTORS"), 0, NULL);
	unsigned ik = 0, nk = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(all);
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *v = json_array_get(all, i);
		const char *name = json_string_value(json_object_get(v, "protocol_name"));
		if (strcmp(name, "Noise_IK_25519_AESGCM_SHA256") == 0)
			ik += vector_run(v, FOG_NOISE_IK);
		else if (strcmp(name, "Noise_NK_25519_AESGCM_SHA256") == 0)
			nk += vector_run(v, FOG_NOISE_NK);
	}
	CU_ASSERT_EQUAL(ik, 6);
	CU_ASSERT_EQUAL(nk, 6);
	json_decref(all);
}

static uint8_t key[2][32], public[2][32];

static void pair_begin(void)
{
	for (int i = 0; i < 2; i++) {
		randombytes_buf(key[i], 32);
		crypto_scalarmult_base(public[i], key[i]);
	}
	CU_ASSERT_EQUAL(
	        fog_noise_start(a, FOG_NOISE_IK, true, "x", 1, key[0], public[0], public[1]), 0
	);
	CU_ASSERT_EQUAL(
	        fog_noise_start(b, FOG_NOISE_IK, false, "x", 1, key[1], public[1], NULL), 0
	);
}

static void test_tampered(void)
{
	uint8_t msg[ROOM], out[ROOM];
	size_t len, n;

	pair_begin();
	CU_ASSERT_EQUAL(fog_noise_write(a, "hello", 5, msg, ROOM, &len), 0);
	CU_ASSERT_EQUAL(len, 5 + fog_noise_overhead(FOG_NOISE_IK, 0));
	CU_ASSERT_EQUAL(fog_noise_write(a, "hello", 5, msg, ROOM, &n), -EPROTO);
	for (size_t i = 0; i < len; i++) {
		fog_noise_start(b, FOG_NOISE_IK, false, "x", 1, key[1], public[1], NULL);
		msg[i] ^= 1;
		CU_ASSERT_EQUAL(fog_noise_read(b, msg, len, out, ROOM, &n), -EBADMSG);
		msg[i] ^= 1;
		CU_ASSERT_EQUAL(fog_noise_read(b, msg, len, out, ROOM, &n), -EPROTO);
		fog_noise_start(b, FOG_NOISE_IK, false, "x", 1, key[1], public[1], NULL);
		int r = fog_noise_read(b, msg, i, out, ROOM, &n);
		CU_ASSERT(r == -EMSGSIZE || r == -EBADMSG);
	}
	fog_noise_start(b, FOG_NOISE_IK, false, "y", 1, key[1], public[1], NULL);
	CU_ASSERT_EQUAL(fog_noise_read(b, msg, len, out, ROOM, &n), -EBADMSG);
	fog_noise_start(b, FOG_NOISE_IK, false, "x", 1, key[1], public[1], NULL);
	CU_ASSERT_EQUAL(fog_noise_read(b, msg, len, out, ROOM, &n), 0);
	CU_ASSERT_EQUAL(memcmp(b->rs, public[0], 32), 0);
	CU_ASSERT_EQUAL(fog_noise_write(b, "", 0, msg, ROOM, &len), 0);
	for (size_t i = 0; i < len; i++) {
		struct fog_noise *copy = sodium_malloc(sizeof(*copy));
		*copy = *a;
		msg[i] ^= 0x10;
		CU_ASSERT_EQUAL(fog_noise_read(copy, msg, len, out, ROOM, &n), -EBADMSG);
		msg[i] ^= 0x10;
		sodium_free(copy);
	}
	CU_ASSERT_EQUAL(fog_noise_read(a, msg, len, out, ROOM, &n), 0);
}

// Points of small order make a secret of zero with any key.
static void test_zero_secret(void)
{
	static const uint8_t small[3][32] = {
	        {0}, {1}, {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
	                   0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
	                   0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00}};
	uint8_t msg[ROOM] = {0}, out[ROOM];
	size_t n;

	for (int i = 0; i < 3; i++) {
		pair_begin();
		memcpy(msg, small[i], 32);
		CU_ASSERT_EQUAL(fog_noise_read(b, msg, 100, out, ROOM, &n), -EDOM);
		fog_noise_start(a, FOG_NOISE_IK, true, "x", 1, key[0], public[0], small[i]);
		CU_ASSERT_EQUAL(fog_noise_write(a, "", 0, out, ROOM, &n), -EDOM);
		CU_ASSERT_EQUAL(fog_noise_write(a, "", 0, out, ROOM, &n), -EPROTO);
	}
}

static int parse(const char *text)
{
	char wire[24] = "";
	uint16_t x, y, z;

	memcpy(wire, text, strlen(text) < 24 ? strlen(text) : 24);
	return fog_protocol_parse(wire, &x, &y, &z);
}

static void test_protocol(void)
{
	static const char *const bad[] = {
	        "",
	        "/betanet/mix/",
	        "/betanet/mix/1",
	        "/betanet/mix/1.2",
	        "/betanet/mix/1.2.",
	        "/betanet/mix/01.2.0",
	        "/betanet/mix/1.2.00",
	        "/betanet/mix/1.2.0.0",
	        "/betanet/mix/1.2.0 ",
	        "/betanet/mix/1.-2.0",
	        "/betanet/mix/1.2000.0",
	        "/Betanet/mix/1.2.0",
	        "/betanet/mix/999.999.999x",
	        "/betanet/mix/1..0",
	};

	CU_ASSERT_EQUAL(parse("/betanet/mix/1.2.0"), 0);
	CU_ASSERT_EQUAL(parse("/betanet/mix/0.10.999"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(parse(bad[i]), -EBADMSG);
	// Nothing behind the zero.
	char wire[24] = "/betanet/mix/1.2.0";
	uint16_t x, y, z;
	wire[23] = 1;
	CU_ASSERT_EQUAL(fog_protocol_parse(wire, &x, &y, &z), -EBADMSG);
}

static void test_hello(void)
{
	struct fog_hello h = {.major = 1,
	                      .minor = 2,
	                      .senders = 3,
	                      .time_ns = 0x0102030405060708,
	                      .features = 3,
	                      .index = 0xabcd1240,
	                      .network = {9, 8}},
	                 got;
	uint8_t wire[sizeof(struct fog_link_hello)];

	fog_hello_put(&h, wire);
	CU_ASSERT_EQUAL(wire[offsetof(struct fog_link_hello, time_ns)], 1);
	CU_ASSERT_EQUAL(fog_hello_parse(wire, &got), 0);
	CU_ASSERT_EQUAL(got.minor, 2);
	CU_ASSERT_EQUAL(got.senders, 3);
	CU_ASSERT_EQUAL(got.time_ns, h.time_ns);
	CU_ASSERT_EQUAL(got.features, 3);
	CU_ASSERT_EQUAL(got.index, h.index);
	CU_ASSERT_EQUAL(memcmp(got.network, h.network, 16), 0);
	wire[79] = 1;
	CU_ASSERT_EQUAL(fog_hello_parse(wire, &got), -EBADMSG);
	h.index |= 1;
	fog_hello_put(&h, wire);
	CU_ASSERT_EQUAL(fog_hello_parse(wire, &got), -EBADMSG);
	h.senders = 0; // a refusal, and its reason
	fog_hello_put(&h, wire);
	CU_ASSERT_EQUAL(fog_hello_parse(wire, &got), 0);
	h.index = 0;
	fog_hello_put(&h, wire);
	CU_ASSERT_EQUAL(fog_hello_parse(wire, &got), -EBADMSG);
	h.senders = FOG_WORKERS_MAX + 1;
	fog_hello_put(&h, wire);
	CU_ASSERT_EQUAL(fog_hello_parse(wire, &got), -EBADMSG);
}

// The same from both ends, whatever the two say.
static void test_agree(void)
{
	for (uint16_t i = 0; i < 6; i++)
		for (uint16_t k = 0; k < 6; k++) {
			struct fog_hello x = {.major = 1, .minor = i, .features = UINT32_MAX};
			struct fog_hello y = {
			        .major = 1, .minor = k, .features = fog_protocol_features(k)};
			uint32_t f = 9, g = 8;
			uint16_t m = 9, n = 8;
			CU_ASSERT_EQUAL(fog_hello_agree(&x, &y, &m, &f), 0);
			CU_ASSERT_EQUAL(fog_hello_agree(&y, &x, &n, &g), 0);
			CU_ASSERT_EQUAL(m, i < k ? i : k);
			CU_ASSERT_EQUAL(m, n);
			CU_ASSERT_EQUAL(f, g);
			CU_ASSERT_EQUAL(f, fog_protocol_features(m) & fog_protocol_features(k));
			x.major = 2;
			CU_ASSERT_EQUAL(fog_hello_agree(&x, &y, &m, &f), -EPROTONOSUPPORT);
			CU_ASSERT_EQUAL(fog_hello_agree(&y, &x, &m, &f), -EPROTONOSUPPORT);
		}
	CU_ASSERT_EQUAL(fog_protocol_features(0), 0);
	CU_ASSERT_EQUAL(fog_protocol_features(1), FOG_FEATURE_BATCH_PROCESSING);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"published vectors", test_vectors},
	        {"tampered and truncated", test_tampered},
	        {"secrets of zero", test_zero_secret},
	        {"protocol id", test_protocol},
	        {"hello", test_hello},
	        {"agreement", test_agree},
	        CU_TEST_INFO_NULL,
	};

	if (sodium_init() < 0 || !crypto_aead_aes256gcm_is_available())
		return 1;
	a = sodium_malloc(sizeof(*a));
	b = sodium_malloc(sizeof(*b));
	int failed = check_run("noise", tests);
	sodium_free(a);
	sodium_free(b);
	return failed;
}
