// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Callers that have shown who they are, by a keyed hash of what they showed it with. Bounded: CACHE_SETS sets of CACHE_WAYS,
// the least used gives way. Any thread; one short lock of many a call.
//
// What is in here has been verified under all changes of rights up to the version that is in force; a change takes out
// whom it concerns. So being in here is the proof that nothing was revoked.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accounts.h"

enum { CACHE_SETS = 1024, CACHE_WAYS = 4, CACHE_LOCKS = 64, CACHE_HASH_LEN = 32 };

struct cache;

struct cache *cache_new(void); // NULL: no memory
void cache_free(struct cache *); // accepts NULL

void cache_hash(const struct cache *, const char *bearer, size_t len, uint8_t hash[CACHE_HASH_LEN]);
bool cache_get(struct cache *, const uint8_t hash[CACHE_HASH_LEN], int64_t now_us, struct fog_caller *);
// 'version' is that of the rights under which the caller was looked up: when newer ones are in force by now it isn't kept.
void cache_put(
        struct cache *, const uint8_t hash[CACHE_HASH_LEN], const struct fog_caller *,
        int64_t now_us, int64_t ends_us, int64_t version
);

// A change of rights. One thread at a time: begin with the new version, then drop all whom the changes concern.
void cache_begin(struct cache *, int64_t version);
void cache_drop(
        struct cache *, bool (*concerns)(const struct fog_caller *, const void *ctx),
        const void *ctx
);
void cache_clear(struct cache *);

// Keys that were used after 'since_us': calls 'each' with the lock held.
void cache_used_keys(
        struct cache *, int64_t since_us, void (*each)(void *ctx, int64_t key_id, int64_t used_us),
        void *ctx
);
