// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Random texts that stand for somebody, of which the store has only a hash.
#include <sodium.h>
#include <string.h>

#include "private.h"

enum { B64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING };

void secret_make(char text[FOG_SECRET_LEN + 1], uint8_t hash[HASH_LEN])
{
	uint8_t raw[SECRET_LEN];

	randombytes_buf(raw, sizeof(raw));
	crypto_generichash(hash, HASH_LEN, raw, sizeof(raw), NULL, 0);
	sodium_bin2base64(text, FOG_SECRET_LEN + 1, raw, sizeof(raw), B64);
	sodium_memzero(raw, sizeof(raw));
}

void secret_hash(const char *text, uint8_t hash[HASH_LEN])
{
	uint8_t raw[SECRET_LEN];
	size_t len = 0;

	// What is none has a hash, too, and is looked up alike.
	if (sodium_base642bin(raw, sizeof(raw), text, strlen(text), NULL, &len, NULL, B64) != 0 ||
	    len != SECRET_LEN)
		len = 0;
	crypto_generichash(hash, HASH_LEN, raw, len, NULL, 0);
	sodium_memzero(raw, sizeof(raw));
}
