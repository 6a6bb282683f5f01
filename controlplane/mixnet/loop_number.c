// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "loop_number.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

#include "message.h"

enum { PLACE_LEN = 4, MAC_AT = 16 };

void loop_number_key(const char *label, const uint8_t secret[32], uint8_t key[32])
{
	crypto_generichash(key, 32, (const uint8_t *)label, strlen(label), secret, 32);
}

static void number_hash(
        const uint8_t key[32], const char *label, const uint8_t *data, size_t data_len,
        uint8_t *out, size_t out_len
)
{
	crypto_generichash_state s;

	crypto_generichash_init(&s, key, 32, out_len);
	crypto_generichash_update(&s, (const uint8_t *)label, strlen(label) + 1);
	crypto_generichash_update(&s, data, data_len);
	crypto_generichash_final(&s, out, out_len);
	sodium_memzero(&s, sizeof(s));
}

void loop_number_make(const uint8_t key[32], uint32_t place, uint8_t number[LOOP_NUMBER_LEN])
{
	uint32_t be = htobe32(place);

	memcpy(number, &be, PLACE_LEN);
	randombytes_buf(number + PLACE_LEN, MAC_AT - PLACE_LEN);
	number_hash(key, "number", number, MAC_AT, number + MAC_AT, LOOP_NUMBER_LEN - MAC_AT);
}

void loop_number_mark(
        const uint8_t key[32], const uint8_t number[LOOP_NUMBER_LEN], uint8_t mark[LOOP_MARK_LEN]
)
{
	number_hash(key, "mark", number, LOOP_NUMBER_LEN, mark, LOOP_MARK_LEN);
}

bool loop_number_of(const uint8_t key[32], const struct fog_deliver *d, uint32_t *place)
{
	const uint8_t *number = d->recipient;
	uint8_t mac[LOOP_NUMBER_LEN - MAC_AT];

	number_hash(key, "number", number, MAC_AT, mac, sizeof(mac));
	if (d->flags != FOG_DELIVER_RECIPIENT ||
	    sodium_memcmp(mac, number + MAC_AT, sizeof(mac)) != 0)
		return false;
	memcpy(place, number, PLACE_LEN);
	*place = be32toh(*place);
	return true;
}

bool loop_number_intact(const uint8_t key[32], const struct fog_deliver *d, const uint8_t *data)
{
	struct fog_geometry g = {.payload_len = (uint16_t)(d->data_len - FOG_SPHINX_TAG_LEN)};
	struct fog_message message;
	uint8_t mark[LOOP_MARK_LEN];

	if (d->data_len <= FOG_SPHINX_TAG_LEN || d->data_len > FOG_SPHINX_PACKET_MAX ||
	    fog_message_decode(&g, data + FOG_SPHINX_TAG_LEN, &message) < 0)
		return false;
	loop_number_mark(key, d->recipient, mark);
	return message.surb == NULL && message.len == sizeof(mark) &&
	        sodium_memcmp(message.data, mark, sizeof(mark)) == 0;
}
