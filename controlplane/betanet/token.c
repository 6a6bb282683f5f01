// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Tokens of enrolments, and what is signed of them. Without the store: the new host has none.
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "private.h"

enum { TOKEN_BYTES = 32 };

static void token_hash(const uint8_t bytes[TOKEN_BYTES], uint8_t hash[BETANET_HASH])
{
	crypto_generichash(hash, BETANET_HASH, bytes, TOKEN_BYTES, NULL, 0);
}

void betanet_token(char token[FOG_BETANET_TOKEN_LEN], uint8_t hash[BETANET_HASH])
{
	uint8_t bytes[TOKEN_BYTES];

	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2base64(
	        token, FOG_BETANET_TOKEN_LEN, bytes, sizeof(bytes),
	        sodium_base64_VARIANT_URLSAFE_NO_PADDING
	);
	token_hash(bytes, hash);
	sodium_memzero(bytes, sizeof(bytes));
}

int betanet_statement(const char *token, struct betanet_statement *out)
{
	static const char label[sizeof(out->label)] = "fogline enrolment v1";
	uint8_t bytes[TOKEN_BYTES];
	size_t len = 0;
	int r = sodium_base642bin(
	        bytes, sizeof(bytes), token, strlen(token), NULL, &len, NULL,
	        sodium_base64_VARIANT_URLSAFE_NO_PADDING
	);

	if (r == 0 && len == sizeof(bytes)) {
		memcpy(out->label, label, sizeof(label));
		token_hash(bytes, out->hash);
	}
	sodium_memzero(bytes, sizeof(bytes));
	return r == 0 && len == TOKEN_BYTES ? 0 : -EINVAL;
}

int fog_betanet_sign(const char *token, const uint8_t *secret_key, uint8_t signature[64])
{
	struct betanet_statement s;

	if (betanet_statement(token, &s) < 0)
		return -EINVAL;
	crypto_sign_detached(signature, NULL, (const uint8_t *)&s, sizeof(s), secret_key);
	return 0;
}
