// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "link.h"

#include <endian.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

static void labelled(const char *label, const uint8_t key[32], uint8_t out[32])
{
	crypto_hash_sha256_state s;

	crypto_hash_sha256_init(&s);
	crypto_hash_sha256_update(&s, (const uint8_t *)label, strlen(label));
	crypto_hash_sha256_update(&s, key, 32);
	crypto_hash_sha256_final(&s, out);
}

void fog_link_mac1_key(const uint8_t static_key[32], uint8_t out[32])
{
	labelled("fogline mac1", static_key, out);
}

void fog_link_cookie_key(const uint8_t static_key[32], uint8_t out[32])
{
	labelled("fogline cookie", static_key, out);
}

void fog_link_mac(
        const uint8_t *key, size_t key_len, const uint8_t *msg, size_t len,
        uint8_t mac[FOG_LINK_MAC]
)
{
	crypto_auth_hmacsha256_state s;
	uint8_t whole[32];

	crypto_auth_hmacsha256_init(&s, key, key_len);
	crypto_auth_hmacsha256_update(&s, msg, len);
	crypto_auth_hmacsha256_final(&s, whole);
	memcpy(mac, whole, FOG_LINK_MAC);
	sodium_memzero(&s, sizeof(s));
}

void fog_link_place_bytes(const struct fog_ip *ip, uint16_t port, uint8_t out[FOG_LINK_PLACE])
{
	out[0] = ip->family;
	memcpy(out + 1, ip->addr, sizeof(ip->addr));
	out[17] = (uint8_t)(port >> 8);
	out[18] = (uint8_t)port;
}

void fog_link_cookie(
        const uint8_t secret[32], const struct fog_ip *ip, uint16_t port, uint8_t cookie[16]
)
{
	uint8_t from[FOG_LINK_PLACE];

	fog_link_place_bytes(ip, port, from);
	fog_link_mac(secret, 32, from, sizeof(from), cookie);
}

void fog_link_cookie_seal(
        const uint8_t cookie_key[32], const uint8_t nonce[24], const uint8_t cookie[16],
        const uint8_t mac1[FOG_LINK_MAC], uint8_t body[56]
)
{
	memcpy(body, nonce, 24);
	crypto_aead_xchacha20poly1305_ietf_encrypt(
	        body + 24, NULL, cookie, 16, mac1, FOG_LINK_MAC, NULL, nonce, cookie_key
	);
}

int fog_link_cookie_open(
        const uint8_t cookie_key[32], const uint8_t body[56], const uint8_t mac1[FOG_LINK_MAC],
        uint8_t cookie[16]
)
{
	return crypto_aead_xchacha20poly1305_ietf_decrypt(
	               cookie, NULL, NULL, body + 24, 32, mac1, FOG_LINK_MAC, body, cookie_key
	       ) == 0
	        ? 0
	        : -EBADMSG;
}

void fog_link_sub_key(const uint8_t direction_key[32], uint32_t sub, uint8_t out[32])
{
	static const char label[] = "fogline sub-session";
	const uint32_t number = htobe32(sub);
	crypto_auth_hmacsha256_state s;

	crypto_auth_hmacsha256_init(&s, direction_key, 32);
	crypto_auth_hmacsha256_update(&s, (const uint8_t *)label, sizeof(label) - 1);
	crypto_auth_hmacsha256_update(&s, (const uint8_t *)&number, sizeof(number));
	crypto_auth_hmacsha256_final(&s, out);
	sodium_memzero(&s, sizeof(s));
}

void fog_frame_header_put(
        uint8_t out[FOG_FRAME_HEADER], enum fog_frame_type type, uint32_t index, uint64_t counter
)
{
	index = htobe32(index);
	counter = htobe64(counter);
	memset(out, 0, 4);
	out[0] = (uint8_t)type;
	memcpy(out + 4, &index, sizeof(index));
	memcpy(out + 8, &counter, sizeof(counter));
}
