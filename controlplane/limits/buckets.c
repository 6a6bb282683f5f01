// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A bounded table of buckets.
#include "rates_private.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int rate_table_init(struct rate_table *t, unsigned size)
{
	t->chains = 1;
	while (t->chains < size)
		t->chains *= 2;
	t->size = size;
	t->bucket = calloc(size, sizeof(*t->bucket));
	t->chain = calloc(t->chains, sizeof(*t->chain));
	TAILQ_INIT(&t->ages);
	randombytes_buf(t->secret, sizeof(t->secret));
	return t->bucket != NULL && t->chain != NULL ? 0 : -ENOMEM;
}

void rate_table_free(struct rate_table *t)
{
	free(t->bucket);
	free(t->chain);
}

static struct rate_chain *table_chain(struct rate_table *t, const struct rate_key *key)
{
	uint64_t hash;

	static_assert(crypto_shorthash_BYTES == sizeof(hash));
	static_assert(crypto_shorthash_KEYBYTES == sizeof(t->secret));
	crypto_shorthash((uint8_t *)&hash, key->byte, sizeof(key->byte), t->secret);
	return &t->chain[hash & (t->chains - 1)];
}

struct rate_bucket *rate_table_find(struct rate_table *t, const struct rate_key *key)
{
	struct rate_bucket *b = LIST_FIRST(table_chain(t, key));

	while (b != NULL && memcmp(&b->key, key, sizeof(*key)) != 0)
		b = LIST_NEXT(b, chain);
	return b;
}

void rate_table_touch(struct rate_table *t, struct rate_bucket *b)
{
	TAILQ_REMOVE(&t->ages, b, age);
	TAILQ_INSERT_TAIL(&t->ages, b, age);
}

// One that is full says nothing that a new one would not say.
static struct rate_bucket *table_evict(struct rate_table *t, uint64_t now_us)
{
	struct rate_bucket *b = TAILQ_FIRST(&t->ages);

	for (int i = 0; i < RATE_EVICT_LOOK && b != NULL; i++, b = TAILQ_NEXT(b, age)) {
		if (b->full_us > now_us)
			continue;
		LIST_REMOVE(b, chain);
		TAILQ_REMOVE(&t->ages, b, age);
		return b;
	}
	return NULL;
}

struct rate_bucket *rate_table_get(
        struct rate_table *t, const struct rate_key *key, uint64_t now_us
)
{
	struct rate_bucket *b = rate_table_find(t, key);

	if (b != NULL) {
		rate_table_touch(t, b);
		return b;
	}
	b = t->used < t->size ? &t->bucket[t->used++] : table_evict(t, now_us);
	if (b == NULL)
		return NULL;
	memset(b, 0, sizeof(*b));
	b->key = *key;
	LIST_INSERT_HEAD(table_chain(t, key), b, chain);
	TAILQ_INSERT_TAIL(&t->ages, b, age);
	return b;
}
