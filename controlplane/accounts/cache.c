// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "cache.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	uint8_t hash[CACHE_HASH_LEN];
	int64_t ends_us; // 0: nobody is in here
	int64_t used_us;
	struct fog_caller caller;
};

struct cache {
	_Atomic int64_t version; // of the rights in force; written by one thread at a time
	uint8_t key[crypto_generichash_KEYBYTES];
	pthread_mutex_t lock[CACHE_LOCKS]; // set i is under lock i % CACHE_LOCKS
	struct entry set[CACHE_SETS][CACHE_WAYS];
};

struct cache *cache_new(void)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	randombytes_buf(c->key, sizeof(c->key));
	for (unsigned i = 0; i < CACHE_LOCKS; i++)
		pthread_mutex_init(&c->lock[i], NULL);
	return c;
}

void cache_free(struct cache *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < CACHE_LOCKS; i++)
		pthread_mutex_destroy(&c->lock[i]);
	sodium_memzero(c->key, sizeof(c->key));
	free(c);
}

void cache_hash(const struct cache *c, const char *bearer, size_t len, uint8_t hash[CACHE_HASH_LEN])
{
	crypto_generichash(
	        hash, CACHE_HASH_LEN, (const uint8_t *)bearer, len, c->key, sizeof(c->key)
	);
}

static unsigned cache_index(const uint8_t hash[CACHE_HASH_LEN])
{
	return (hash[0] | (unsigned)hash[1] << 8) % CACHE_SETS;
}

bool cache_get(
        struct cache *c, const uint8_t hash[CACHE_HASH_LEN], int64_t now_us,
        struct fog_caller *caller
)
{
	unsigned index = cache_index(hash);
	bool found = false;

	pthread_mutex_lock(&c->lock[index % CACHE_LOCKS]);
	for (unsigned i = 0; i < CACHE_WAYS && !found; i++) {
		struct entry *e = &c->set[index][i];

		if (sodium_memcmp(e->hash, hash, CACHE_HASH_LEN) != 0 || e->ends_us <= now_us)
			continue;
		e->used_us = now_us;
		*caller = e->caller;
		found = true;
	}
	pthread_mutex_unlock(&c->lock[index % CACHE_LOCKS]);
	return found;
}

// Its own place when it is in here already, else an empty one, else that of the least used.
static struct entry *cache_place(struct entry *set, const uint8_t hash[CACHE_HASH_LEN])
{
	struct entry *place = &set[0];

	for (unsigned i = 0; i < CACHE_WAYS; i++) {
		if (set[i].ends_us != 0 && sodium_memcmp(set[i].hash, hash, CACHE_HASH_LEN) == 0)
			return &set[i];
		if (set[i].used_us < place->used_us)
			place = &set[i];
	}
	return place;
}

void cache_put(
        struct cache *c, const uint8_t hash[CACHE_HASH_LEN], const struct fog_caller *caller,
        int64_t now_us, int64_t ends_us, int64_t version
)
{
	unsigned index = cache_index(hash);

	pthread_mutex_lock(&c->lock[index % CACHE_LOCKS]);
	if (version >= atomic_load(&c->version)) {
		struct entry *e = cache_place(c->set[index], hash);
		memcpy(e->hash, hash, CACHE_HASH_LEN);
		e->ends_us = ends_us;
		e->used_us = now_us;
		e->caller = *caller;
	}
	pthread_mutex_unlock(&c->lock[index % CACHE_LOCKS]);
}

void cache_begin(struct cache *c, int64_t version)
{
	atomic_store(&c->version, version);
}

void cache_drop(
        struct cache *c, bool (*concerns)(const struct fog_caller *, const void *ctx),
        const void *ctx
)
{
	for (unsigned index = 0; index < CACHE_SETS; index++) {
		pthread_mutex_lock(&c->lock[index % CACHE_LOCKS]);
		for (unsigned i = 0; i < CACHE_WAYS; i++) {
			struct entry *e = &c->set[index][i];
			if (e->ends_us != 0 && concerns(&e->caller, ctx))
				memset(e, 0, sizeof(*e));
		}
		pthread_mutex_unlock(&c->lock[index % CACHE_LOCKS]);
	}
}

static bool concerns_all(const struct fog_caller *caller, const void *ctx)
{
	return true;
}

void cache_clear(struct cache *c)
{
	cache_drop(c, concerns_all, NULL);
}

void cache_used_keys(
        struct cache *c, int64_t since_us, void (*each)(void *ctx, int64_t key_id, int64_t used_us),
        void *ctx
)
{
	for (unsigned index = 0; index < CACHE_SETS; index++) {
		pthread_mutex_lock(&c->lock[index % CACHE_LOCKS]);
		for (unsigned i = 0; i < CACHE_WAYS; i++) {
			const struct entry *e = &c->set[index][i];
			if (e->ends_us != 0 && e->caller.key_id != 0 && e->used_us > since_us)
				each(ctx, e->caller.key_id, e->used_us);
		}
		pthread_mutex_unlock(&c->lock[index % CACHE_LOCKS]);
	}
}
