// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Access tokens: RFC 7519 in the form of RFC 9068 (typ at+jwt), signed by Ed25519 (RFC 8037). Signing is done here, from
// locked memory; who reads and verifies what others send is librhonabwy. It is told one algorithm and one key: nothing that a
// header says chooses either.
#include <errno.h>
#include <inttypes.h>
#include <rhonabwy.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

#define JWT_ISSUER "fogline"
#define JWT_TYPE "at+jwt"

enum {
	JWT_LEEWAY_S = 5, // for 'nbf' and 'iat' of another control plane's clock
	JWT_HEADER_MAX = 256,
	B64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING,
};

// Append a JSON object in base64url. Returns 0 or -ENOMEM. Consumes 'object'.
static int jwt_append(char *text, json_t *object)
{
	size_t used = strlen(text);
	char *json = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
	int r = -ENOMEM;

	if (json != NULL && used + sodium_base64_encoded_len(strlen(json), B64) <= FOG_ACCESS_MAX) {
		sodium_bin2base64(
		        text + used, FOG_ACCESS_MAX - used, (uint8_t *)json, strlen(json), B64
		);
		r = 0;
	}
	free(json);
	json_decref(object);
	return r;
}

static json_t *jwt_body(
        const struct fog_accounts *a, int64_t user_id, int64_t session_id, int64_t now_us
)
{
	char subject[24], session[24], id[24];
	uint8_t random[16];
	json_int_t now = now_us / SECOND_US;

	randombytes_buf(random, sizeof(random));
	sodium_bin2base64(id, sizeof(id), random, sizeof(random), B64);
	snprintf(subject, sizeof(subject), "%" PRId64, user_id);
	snprintf(session, sizeof(session), "%" PRId64, session_id);
	return json_pack(
	        "{s:s s:s s:s s:s s:s s:I s:I s:I}", "iss", JWT_ISSUER, "aud", a->platform, "sub",
	        subject, "sid", session, "jti", id, "iat", now, "nbf", now, "exp",
	        now + (json_int_t)(a->access_us / SECOND_US)
	);
}

int jwt_make(
        struct fog_accounts *a, int64_t user_id, int64_t session_id, int64_t now_us,
        char text[FOG_ACCESS_MAX + 1]
)
{
	char kid[SIGNING_KID_LEN + 1];
	uint8_t signature[crypto_sign_BYTES];
	int r = signing_kid(&a->signing, now_us, kid);

	text[0] = '\0';
	if (r == 0)
		r = jwt_append(
		        text,
		        json_pack("{s:s s:s s:s}", "alg", "EdDSA", "kid", kid, "typ", JWT_TYPE)
		);
	if (r == 0) {
		strcat(text, ".");
		r = jwt_append(text, jwt_body(a, user_id, session_id, now_us));
	}
	if (r == 0)
		r = signing_sign(&a->signing, kid, (uint8_t *)text, strlen(text), signature);
	if (r == 0) {
		strcat(text, ".");
		sodium_bin2base64(
		        text + strlen(text), FOG_ACCESS_MAX + 1 - strlen(text), signature,
		        sizeof(signature), B64
		);
	}
	return r;
}

static int jwt_refuse(struct fog_denial *refusal, const char *why)
{
	return refuse(
	        refusal, -EACCES, "bad_token", why, "This is no token of this platform: log in."
	);
}

// Three parts of base64url and nothing else, so that a token has one spelling.
static bool jwt_form(const char *text, size_t len)
{
	unsigned dots = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		dots += c == '.';
		if (c != '.' && c != '-' && c != '_' && (c < '0' || c > '9') &&
		    (c < 'A' || c > 'Z') && (c < 'a' || c > 'z'))
			return false;
	}
	return dots == 2;
}

static bool jwt_signed(const char *text, size_t len)
{
	const char *dot = memrchr(text, '.', len);
	uint8_t signature[crypto_sign_BYTES];
	size_t signature_len;

	return sodium_base642bin(
	               signature, sizeof(signature), dot + 1, (size_t)(text + len - dot - 1), NULL,
	               &signature_len, NULL, B64
	       ) == 0 &&
	        signature_len == sizeof(signature);
}

// The header as it came. NULL when it is none.
static json_t *jwt_header(const char *text, size_t len)
{
	uint8_t json[JWT_HEADER_MAX];
	const char *dot = memchr(text, '.', len);
	size_t json_len;

	if (dot == NULL ||
	    sodium_base642bin(
	            json, sizeof(json), text, (size_t)(dot - text), NULL, &json_len, NULL, B64
	    ) != 0)
		return NULL;
	return json_loadb((char *)json, json_len, JSON_REJECT_DUPLICATES, NULL);
}

static bool jwt_says(const json_t *object, const char *name, const char *value)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL && strcmp(text, value) == 0;
}

// What a header may say: our algorithm, our type, a key that we know, and nothing else. NULL: it does.
static const char *header_wrong(
        struct fog_accounts *a, const json_t *header, int64_t now_us, char kid[SIGNING_KID_LEN + 1],
        uint8_t public_key[32]
)
{
	if (!json_is_object(header))
		return "jwt_form";
	if (!jwt_says(header, "alg", "EdDSA"))
		return "jwt_alg";
	if (!jwt_says(header, "typ", JWT_TYPE))
		return "jwt_type";
	const char *name = json_string_value(json_object_get(header, "kid"));
	if (name == NULL || strlen(name) != SIGNING_KID_LEN ||
	    signing_public(&a->signing, name, now_us, public_key) < 0)
		return "jwt_kid";
	if (json_object_size(header) != 3)
		return "jwt_header";
	memcpy(kid, name, SIGNING_KID_LEN + 1);
	return NULL;
}

// What the signature stands for, as JSON. NULL: it is none of ours.
static json_t *jwt_verified(
        const char *text, size_t len, const char *kid, const uint8_t public_key[32]
)
{
	json_t *key = signing_jwk(kid, public_key), *body = NULL;
	jwk_t *jwk = NULL;
	jws_t *jws = NULL;
	const unsigned char *payload;
	size_t payload_len;

	if (key != NULL && r_jwk_init(&jwk) == RHN_OK && r_jws_init(&jws) == RHN_OK &&
	    r_jwk_import_from_json_t(jwk, key) == RHN_OK &&
	    r_jws_advanced_compact_parsen(jws, text, len, R_PARSE_NONE, R_FLAG_IGNORE_REMOTE) ==
	            RHN_OK &&
	    r_jws_get_alg(jws) == R_JWA_ALG_EDDSA &&
	    r_jws_verify_signature(jws, jwk, R_FLAG_IGNORE_REMOTE) == RHN_OK) {
		payload = r_jws_get_payload(jws, &payload_len);
		if (payload != NULL)
			body = json_loadb(
			        (const char *)payload, payload_len, JSON_REJECT_DUPLICATES, NULL
			);
	}
	r_jws_free(jws);
	r_jwk_free(jwk);
	json_decref(key);
	return body;
}

// A positive number as 'sub' and 'sid' have it. Returns it or 0.
static int64_t jwt_number(const json_t *body, const char *name)
{
	const char *text = json_string_value(json_object_get(body, name));
	char *end = NULL;

	if (text == NULL || text[0] < '1' || text[0] > '9' || strlen(text) > 18)
		return 0;
	long long number = strtoll(text, &end, 10);
	return *end == '\0' ? number : 0;
}

static bool jwt_time(const json_t *body, const char *name, int64_t *us)
{
	const json_t *value = json_object_get(body, name);
	json_int_t s = json_integer_value(value);

	if (!json_is_integer(value) || s < 0 || s > INT64_MAX / SECOND_US)
		return false;
	*us = (int64_t)s * SECOND_US;
	return true;
}

static int jwt_claims(
        const struct fog_accounts *a, const json_t *body, int64_t now_us, struct jwt_claims *c,
        struct fog_denial *refusal
)
{
	int64_t from, made;

	if (!jwt_says(body, "iss", JWT_ISSUER))
		return jwt_refuse(refusal, "jwt_issuer");
	if (!jwt_says(body, "aud", a->platform))
		return jwt_refuse(refusal, "jwt_audience");
	c->user_id = jwt_number(body, "sub");
	c->session_id = jwt_number(body, "sid");
	if (c->user_id == 0 || c->session_id == 0 || !jwt_time(body, "exp", &c->ends_us) ||
	    !jwt_time(body, "nbf", &from) || !jwt_time(body, "iat", &made))
		return jwt_refuse(refusal, "jwt_claims");
	if (from > now_us + JWT_LEEWAY_S * SECOND_US || made > now_us + JWT_LEEWAY_S * SECOND_US)
		return jwt_refuse(refusal, "jwt_early");
	if (c->ends_us <= now_us)
		return refuse(
		        refusal, -EACCES, "token_expired", "jwt_expired",
		        "This token has expired: refresh it."
		);
	return 0;
}

int jwt_check(
        struct fog_accounts *a, const char *text, size_t len, int64_t now_us, struct jwt_claims *c,
        struct fog_denial *refusal
)
{
	char kid[SIGNING_KID_LEN + 1];
	uint8_t public_key[32];

	if (!jwt_form(text, len))
		return jwt_refuse(refusal, "jwt_form");
	json_t *header = jwt_header(text, len);
	const char *wrong = header_wrong(a, header, now_us, kid, public_key);

	json_decref(header);
	if (wrong != NULL)
		return jwt_refuse(refusal, wrong);
	json_t *body = jwt_signed(text, len) ? jwt_verified(text, len, kid, public_key) : NULL;
	int r = body != NULL ? jwt_claims(a, body, now_us, c, refusal)
	                     : jwt_refuse(refusal, "jwt_signature");
	json_decref(body);
	return r;
}
