// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "statement.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "wire.h"

enum { STATEMENT_LABEL_MAX = 24, STATEMENT_MAX = STATEMENT_LABEL_MAX + 32 + 8 + 32 };

// Labels go in with their NUL. Returns the length.
static size_t statement_text(const struct fog_statement *s, uint8_t out[STATEMENT_MAX])
{
	static const char vote[] = "fogline vote v1", consensus[] = "fogline consensus v1";
	uint8_t *at = s->kind == FOG_STATEMENT_VOTE ? wire_put(out, vote, sizeof(vote))
	                                            : wire_put(out, consensus, sizeof(consensus));

	at = wire_put(at, s->network, 32);
	at = fog_be_put(at, s->epoch, 8);
	at = wire_put(at, s->digest, 32);
	return (size_t)(at - out);
}

void fog_statement_sign(
        const struct fog_statement *s, const uint8_t *secret_key, uint8_t signature[64]
)
{
	uint8_t text[STATEMENT_MAX];

	crypto_sign_detached(signature, NULL, text, statement_text(s, text), secret_key);
}

int fog_statement_verify(
        const struct fog_statement *s, const uint8_t identity[32], const uint8_t signature[64]
)
{
	uint8_t text[STATEMENT_MAX];

	return crypto_sign_verify_detached(signature, text, statement_text(s, text), identity) == 0
	        ? 0
	        : -EKEYREJECTED;
}

void fog_equivocation_put(const struct fog_equivocation *e, uint8_t out[FOG_EQUIVOCATION_LEN])
{
	unsigned first = memcmp(e->said[0].digest, e->said[1].digest, 32) > 0;
	const uint8_t head[4] = {1, (uint8_t)e->kind};
	uint8_t *at = wire_put(out, head, sizeof(head));

	at = wire_put(at, e->network, 32);
	at = fog_be_put(at, e->epoch, 8);
	at = wire_put(at, e->identity, 32);
	for (unsigned i = 0; i < 2; i++) {
		at = wire_put(at, e->said[first ^ i].digest, 32);
		at = wire_put(at, e->said[first ^ i].signature, 64);
	}
}

static bool equivocation_form(const uint8_t *data, size_t len)
{
	return len == FOG_EQUIVOCATION_LEN && data[0] == 1 &&
	        (data[1] == FOG_STATEMENT_VOTE || data[1] == FOG_STATEMENT_CONSENSUS) &&
	        data[2] == 0 && data[3] == 0;
}

int fog_equivocation_open(const uint8_t *data, size_t len, struct fog_equivocation *out)
{
	const uint8_t *at;
	struct fog_statement s;

	memset(out, 0, sizeof(*out));
	if (!equivocation_form(data, len))
		return -EBADMSG;
	out->kind = data[1];
	at = wire_get(data + 4, out->network, 32);
	at = wire_get_u64(at, &out->epoch);
	at = wire_get(at, out->identity, 32);
	for (unsigned i = 0; i < 2; i++) {
		at = wire_get(at, out->said[i].digest, 32);
		at = wire_get(at, out->said[i].signature, 64);
	}
	if (memcmp(out->said[0].digest, out->said[1].digest, 32) >= 0)
		return -EBADMSG;
	s.kind = out->kind;
	s.epoch = out->epoch;
	memcpy(s.network, out->network, 32);
	for (unsigned i = 0; i < 2; i++) {
		memcpy(s.digest, out->said[i].digest, 32);
		if (fog_statement_verify(&s, out->identity, out->said[i].signature) < 0)
			return -EKEYREJECTED;
	}
	return 0;
}
