// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Fields of what is hashed or signed: each has its length in front, so no two lists of fields are the same bytes.
#pragma once

#include <sodium.h>
#include <string.h>

static inline void field_bytes(crypto_generichash_state *h, const void *data, size_t len)
{
	const uint8_t prefix[4] = {
	        (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};

	crypto_generichash_update(h, prefix, sizeof(prefix));
	if (len > 0)
		crypto_generichash_update(h, data, len);
}

static inline void field_text(crypto_generichash_state *h, const char *text)
{
	field_bytes(h, text, strlen(text));
}

static inline void field_number(crypto_generichash_state *h, int64_t number)
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
	field_bytes(h, bytes, sizeof(bytes));
}
