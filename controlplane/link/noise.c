// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "noise.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

enum { MESSAGES = 2, TOKENS_MAX = 4 };

enum noise_token { TOKEN_END, TOKEN_E, TOKEN_S, TOKEN_EE, TOKEN_ES, TOKEN_SE, TOKEN_SS };

struct noise_row {
	const char *name; // of the protocol, at most 32 bytes: it begins the hash as it is
	bool initiator_static;
	enum noise_token token[MESSAGES][TOKENS_MAX + 1];
};

static const struct noise_row noise_rows[] = {
        [FOG_NOISE_NK] =
                {"Noise_NK_25519_AESGCM_SHA256", false, {{TOKEN_E, TOKEN_ES}, {TOKEN_E, TOKEN_EE}}},
        [FOG_NOISE_IK] =
                {"Noise_IK_25519_AESGCM_SHA256",
                 true,
                 {{TOKEN_E, TOKEN_ES, TOKEN_S, TOKEN_SS}, {TOKEN_E, TOKEN_EE, TOKEN_SE}}},
};

// Nonce of AESGCM: 32 zero bits and the counter, big endian (section 12.4).
static void cipher_nonce(uint64_t n, uint8_t out[12])
{
	memset(out, 0, 4);
	for (int i = 0; i < 8; i++)
		out[4 + i] = (uint8_t)(n >> (56 - 8 * i));
}

static void cipher_seal(
        struct fog_noise_cipher *c, const void *ad, size_t ad_len, const uint8_t *in, size_t len,
        uint8_t *out
)
{
	uint8_t nonce[12];

	cipher_nonce(c->nonce++, nonce);
	crypto_aead_aes256gcm_encrypt(out, NULL, in, len, ad, ad_len, NULL, nonce, c->key);
}

static int cipher_open(
        struct fog_noise_cipher *c, const void *ad, size_t ad_len, const uint8_t *in, size_t len,
        uint8_t *out
)
{
	uint8_t nonce[12];

	cipher_nonce(c->nonce, nonce);
	if (crypto_aead_aes256gcm_decrypt(out, NULL, NULL, in, len, ad, ad_len, nonce, c->key) != 0)
		return -EBADMSG;
	c->nonce++;
	return 0;
}

int fog_noise_seal(struct fog_noise_cipher *c, const uint8_t *in, size_t len, uint8_t *out)
{
	cipher_seal(c, NULL, 0, in, len, out);
	return 0;
}

int fog_noise_open(struct fog_noise_cipher *c, const uint8_t *in, size_t len, uint8_t *out)
{
	return len < FOG_NOISE_TAG ? -EBADMSG : cipher_open(c, NULL, 0, in, len, out);
}

static void noise_hmac(
        const uint8_t key[32], const void *a, size_t a_len, uint8_t b, uint8_t out[32]
)
{
	crypto_auth_hmacsha256_state s;

	crypto_auth_hmacsha256_init(&s, key, 32);
	crypto_auth_hmacsha256_update(&s, a, a_len);
	if (b != 0)
		crypto_auth_hmacsha256_update(&s, &b, 1);
	crypto_auth_hmacsha256_final(&s, out);
	sodium_memzero(&s, sizeof(s));
}

// HKDF of section 4.3 with two outputs; 'a' may be 'ck'.
static void noise_hkdf(
        const uint8_t ck[32], const uint8_t *input, size_t len, uint8_t a[32], uint8_t b[32]
)
{
	uint8_t temp[32], chain[33];

	noise_hmac(ck, input, len, 0, temp);
	noise_hmac(temp, NULL, 0, 1, chain);
	memcpy(a, chain, 32);
	noise_hmac(temp, chain, 32, 2, b);
	sodium_memzero(temp, sizeof(temp));
	sodium_memzero(chain, sizeof(chain));
}

static void noise_mix_hash(struct fog_noise *n, const void *data, size_t len)
{
	crypto_hash_sha256_state s;

	crypto_hash_sha256_init(&s);
	crypto_hash_sha256_update(&s, n->h, sizeof(n->h));
	crypto_hash_sha256_update(&s, data, len);
	crypto_hash_sha256_final(&s, n->h);
}

// A secret of zero comes of a point of small order: whoever sends one would know the key (section 12.1
// leaves the check to us).
static int noise_mix_dh(struct fog_noise *n, const uint8_t secret[32], const uint8_t public[32])
{
	uint8_t shared[32];
	int r = crypto_scalarmult(shared, secret, public) == 0 ? 0 : -EDOM;

	if (r == 0) {
		noise_hkdf(n->ck, shared, sizeof(shared), n->ck, n->cipher.key);
		n->cipher.nonce = 0;
		n->cipher.has_key = true;
	}
	sodium_memzero(shared, sizeof(shared));
	return r;
}

// EncryptAndHash and DecryptAndHash; without a key the bytes pass as they are.
static size_t noise_seal_hash(struct fog_noise *n, const void *in, size_t len, uint8_t *out)
{
	if (n->cipher.has_key) {
		cipher_seal(&n->cipher, n->h, sizeof(n->h), in, len, out);
		len += FOG_NOISE_TAG;
	} else if (len > 0) {
		memcpy(out, in, len);
	}
	noise_mix_hash(n, out, len);
	return len;
}

static int noise_open_hash(struct fog_noise *n, const uint8_t *in, size_t len, uint8_t *out)
{
	int r = 0;

	if (n->cipher.has_key)
		r = cipher_open(&n->cipher, n->h, sizeof(n->h), in, len, out);
	else if (len > 0)
		memcpy(out, in, len);
	if (r == 0)
		noise_mix_hash(n, in, len);
	return r;
}

int fog_noise_start(
        struct fog_noise *n, enum fog_noise_pattern pattern, bool initiator, const void *prologue,
        size_t prologue_len, const uint8_t s[32], const uint8_t s_public[32], const uint8_t rs[32]
)
{
	const struct noise_row *row = &noise_rows[pattern];

	memset(n, 0, sizeof(*n));
	if ((initiator && rs == NULL) || ((!initiator || row->initiator_static) && s == NULL))
		return -EINVAL;
	n->pattern = pattern;
	n->initiator = initiator;
	n->has_static = s != NULL;
	if (s != NULL) {
		memcpy(n->s, s, 32);
		memcpy(n->s_public, s_public, 32);
	}
	if (rs != NULL)
		memcpy(n->rs, rs, 32);
	memcpy(n->h, row->name, strlen(row->name));
	memcpy(n->ck, n->h, sizeof(n->ck));
	noise_mix_hash(n, prologue, prologue_len);
	// The pre-message of both patterns: <- s
	noise_mix_hash(n, initiator ? n->rs : n->s_public, 32);
	return 0;
}

void fog_noise_ephemeral_set(struct fog_noise *n, const uint8_t e[32])
{
	memcpy(n->e, e, 32);
	crypto_scalarmult_base(n->e_public, n->e);
	n->has_ephemeral = true;
}

static void noise_ephemeral_make(struct fog_noise *n)
{
	if (n->has_ephemeral)
		return;
	uint8_t *e = n->e;
	randombytes_buf(e, 32);
	crypto_scalarmult_base(n->e_public, e);
	n->has_ephemeral = true;
}

size_t fog_noise_overhead(enum fog_noise_pattern pattern, unsigned message)
{
	const enum noise_token *t = noise_rows[pattern].token[message];
	bool key = message > 0;
	size_t len = 0;

	for (; *t != TOKEN_END; t++) {
		if (*t == TOKEN_E)
			len += 32;
		else if (*t == TOKEN_S)
			len += 32 + (key ? FOG_NOISE_TAG : 0);
		else
			key = true;
	}
	return len + (key ? FOG_NOISE_TAG : 0);
}

// The first letter of a token is the initiator's key, the second the responder's.
static int noise_token_dh(struct fog_noise *n, enum noise_token t)
{
	bool first_e = t == TOKEN_EE || t == TOKEN_ES, second_e = t == TOKEN_EE || t == TOKEN_SE;
	bool ours_e = n->initiator ? first_e : second_e,
	     theirs_e = n->initiator ? second_e : first_e;

	return noise_mix_dh(n, ours_e ? n->e : n->s, theirs_e ? n->re : n->rs);
}

static bool noise_turn(const struct fog_noise *n, bool writing)
{
	return !n->failed && n->message < MESSAGES &&
	        (n->message % 2 == 0) == (writing ? n->initiator : !n->initiator);
}

int fog_noise_write(
        struct fog_noise *n, const void *payload, size_t payload_len, uint8_t *out, size_t room,
        size_t *out_len
)
{
	size_t at = 0, overhead;
	int r = 0;

	if (!noise_turn(n, true))
		return -EPROTO;
	overhead = fog_noise_overhead(n->pattern, n->message);
	if (payload_len > FOG_NOISE_MESSAGE_MAX - overhead || overhead + payload_len > room)
		return -EMSGSIZE;
	for (const enum noise_token *t = noise_rows[n->pattern].token[n->message];
	     *t != TOKEN_END && r == 0; t++) {
		if (*t == TOKEN_E) {
			noise_ephemeral_make(n);
			memcpy(out + at, n->e_public, 32);
			noise_mix_hash(n, n->e_public, 32);
			at += 32;
		} else if (*t == TOKEN_S) {
			at += noise_seal_hash(n, n->s_public, 32, out + at);
		} else {
			r = noise_token_dh(n, *t);
		}
	}
	if (r < 0) {
		n->failed = true;
		return r;
	}
	at += noise_seal_hash(n, payload, payload_len, out + at);
	n->message++;
	*out_len = at;
	return 0;
}

// Everything before the payload; its length is known to be there.
static int noise_read_tokens(struct fog_noise *n, const uint8_t *msg, size_t *at)
{
	int r = 0;

	for (const enum noise_token *t = noise_rows[n->pattern].token[n->message];
	     *t != TOKEN_END && r == 0; t++) {
		if (*t == TOKEN_E) {
			memcpy(n->re, msg + *at, 32);
			noise_mix_hash(n, n->re, 32);
			*at += 32;
		} else if (*t == TOKEN_S) {
			size_t len = 32 + (n->cipher.has_key ? FOG_NOISE_TAG : 0);
			r = noise_open_hash(n, msg + *at, len, n->rs);
			*at += len;
		} else {
			r = noise_token_dh(n, *t);
		}
	}
	return r;
}

int fog_noise_read(
        struct fog_noise *n, const uint8_t *msg, size_t len, uint8_t *payload, size_t room,
        size_t *payload_len
)
{
	size_t at = 0, overhead;
	int r;

	if (!noise_turn(n, false))
		return -EPROTO;
	overhead = fog_noise_overhead(n->pattern, n->message);
	if (len > FOG_NOISE_MESSAGE_MAX || len < overhead || len - overhead > room)
		r = -EMSGSIZE;
	else
		r = noise_read_tokens(n, msg, &at);
	if (r == 0)
		r = noise_open_hash(n, msg + at, len - at, payload);
	if (r < 0) {
		n->failed = true;
		return r;
	}
	n->message++;
	*payload_len = len - overhead;
	return 0;
}

int fog_noise_split(const struct fog_noise *n, uint8_t tx[32], uint8_t rx[32])
{
	if (n->failed || n->message != MESSAGES)
		return -EPROTO;
	noise_hkdf(n->ck, NULL, 0, n->initiator ? tx : rx, n->initiator ? rx : tx);
	return 0;
}
