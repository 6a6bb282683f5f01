// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Secret random numbers of one thread (see random.h).
#include "random.h"

void fog_random_refill(struct fog_random *r)
{
	memset(r->block, 0, sizeof(r->block));
	// Each key enciphers the same counters once, so they may start at 0 every time.
	for (unsigned i = 0; i < FOG_RANDOM_BLOCKS; i++)
		r->block[i][15] = (uint8_t)i;
	fog_aes_encrypt_blocks(&r->key, r->block, r->block, FOG_RANDOM_BLOCKS);
	fog_aes_key_init(&r->key, r->block[0], 32);
	r->next = 32;
}

void fog_random_init(struct fog_random *r, const uint8_t seed[32])
{
	fog_aes_key_init(&r->key, seed, 32);
	fog_random_refill(r);
}

void fog_random_fill(struct fog_random *r, uint8_t *out, uint32_t len)
{
	while (len > 0) {
		if (r->next == sizeof(r->block))
			fog_random_refill(r);
		uint8_t *at = (uint8_t *)r->block + r->next;
		uint32_t left = (uint32_t)sizeof(r->block) - r->next,
		         some = len < left ? len : left;
		uint32_t whole = (some + 7u) & ~7u; // fog_random_next takes eight at a time
		memcpy(out, at, some);
		memset(at, 0, whole);
		r->next += whole;
		out += some;
		len -= some;
	}
}

void fog_random_wipe(struct fog_random *r)
{
	explicit_bzero(r, sizeof(*r));
}
