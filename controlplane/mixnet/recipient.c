// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "recipient.h"

#include <sodium.h>
#include <string.h>

static void recipient_hash(
        const char *label, const uint8_t *data, size_t len, uint8_t out[FOG_ID_LEN]
)
{
	crypto_generichash_state s;

	crypto_generichash_init(&s, NULL, 0, FOG_ID_LEN);
	crypto_generichash_update(&s, (const uint8_t *)label, strlen(label));
	crypto_generichash_update(&s, data, len);
	crypto_generichash_final(&s, out, FOG_ID_LEN);
}

void fog_recipient_drop(uint8_t out[FOG_ID_LEN])
{
	recipient_hash("fogline drop v1", NULL, 0, out);
}

void fog_recipient_echo(uint8_t out[FOG_ID_LEN])
{
	recipient_hash("fogline echo v1", NULL, 0, out);
}

void fog_recipient_mailbox(const uint8_t link_public[32], uint8_t out[FOG_ID_LEN])
{
	recipient_hash("fogline mailbox v1", link_public, 32, out);
}
