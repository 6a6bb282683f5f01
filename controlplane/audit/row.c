// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "row.h"

#include "field.h"

const char *const fog_audit_text_name[FOG_AUDIT_TEXTS] = {
#define X(name, max) #name,
#include "texts.def"
#undef X
};

void fog_audit_row_hash(const struct fog_audit_row *row, uint8_t hash[FOG_AUDIT_HASH_LEN])
{
	crypto_generichash_state h;

	crypto_generichash_init(&h, NULL, 0, FOG_AUDIT_HASH_LEN);
	field_text(&h, "fogline audit row v1");
	field_bytes(&h, row->previous, sizeof(row->previous));
	field_text(&h, row->chain);
	field_number(&h, row->sequence);
	field_number(&h, row->time_us);
	field_number(&h, row->status);
	field_number(&h, row->duration_us);
	field_bytes(&h, row->body_digest, row->body_digest_len);
	for (int i = 0; i < FOG_AUDIT_TEXTS; i++)
		field_text(&h, row->text[i]);
	crypto_generichash_final(&h, hash, FOG_AUDIT_HASH_LEN);
}

void fog_audit_chain_name(const uint8_t public_key[32], char chain[FOG_AUDIT_CHAIN_LEN])
{
	uint8_t id[32];

	crypto_generichash(id, sizeof(id), public_key, 32, NULL, 0);
	sodium_bin2hex(chain, FOG_AUDIT_CHAIN_LEN, id, sizeof(id));
}
