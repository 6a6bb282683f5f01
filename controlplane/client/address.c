// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "address.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

enum { ADDRESS_BASE64 = 43, ADDRESS_LEN = ADDRESS_BASE64 + 1 + ADDRESS_BASE64 + 1 + 64 };

void client_address_put(const struct client_address *a, char out[FOG_CLIENT_ADDRESS_LEN])
{
	char *at = out;

	sodium_bin2base64(
	        at, ADDRESS_BASE64 + 1, a->mailbox, sizeof(a->mailbox),
	        sodium_base64_VARIANT_URLSAFE_NO_PADDING
	);
	at += ADDRESS_BASE64;
	*at++ = '.';
	sodium_bin2base64(
	        at, ADDRESS_BASE64 + 1, a->key, sizeof(a->key),
	        sodium_base64_VARIANT_URLSAFE_NO_PADDING
	);
	at += ADDRESS_BASE64;
	*at++ = '@';
	sodium_bin2hex(at, 65, a->gateway, sizeof(a->gateway));
}

static int address_base64(const char *text, uint8_t out[32])
{
	size_t len = 0;

	return sodium_base642bin(
	               out, 32, text, ADDRESS_BASE64, NULL, &len, NULL,
	               sodium_base64_VARIANT_URLSAFE_NO_PADDING
	       ) == 0 && len == 32
	        ? 0
	        : -EINVAL;
}

int client_address_parse(const char *text, struct client_address *out)
{
	const char *key = text + ADDRESS_BASE64 + 1, *gateway = key + ADDRESS_BASE64 + 1;
	char again[FOG_CLIENT_ADDRESS_LEN];
	size_t len = 0;

	if (strnlen(text, ADDRESS_LEN + 1) != ADDRESS_LEN || key[-1] != '.' || gateway[-1] != '@')
		return -EINVAL;
	if (address_base64(text, out->mailbox) < 0 || address_base64(key, out->key) < 0 ||
	    sodium_hex2bin(out->gateway, 32, gateway, 64, NULL, &len, NULL) != 0 || len != 32)
		return -EINVAL;
	// One address has one form: also its last bits, and no capitals.
	client_address_put(out, again);
	return strcmp(again, text) == 0 ? 0 : -EINVAL;
}
