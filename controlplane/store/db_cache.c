// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <stdlib.h>

#include "db_private.h"

static unsigned cache_bucket(const char *sql)
{
	return (unsigned)(((uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15)) >> 58) % DB_BUCKETS;
}

struct db_statement *db_cache_find(const struct db_cache *cache, const char *sql, uint64_t types)
{
	struct db_statement *s = cache->bucket[cache_bucket(sql)];

	while (s != NULL && (s->sql != sql || s->types != types))
		s = s->next;
	return s;
}

struct db_statement *db_cache_add(
        struct db_cache *cache, const char *sql, uint64_t types, void *prepared
)
{
	struct db_statement **bucket = &cache->bucket[cache_bucket(sql)];
	struct db_statement *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = (struct db_statement){*bucket, sql, types, prepared, cache->count++, false};
	*bucket = s;
	return s;
}

void db_cache_clear(struct db_cache *cache, void (*forget)(void *prepared))
{
	for (unsigned i = 0; i < DB_BUCKETS; i++) {
		while (cache->bucket[i] != NULL) {
			struct db_statement *s = cache->bucket[i];

			cache->bucket[i] = s->next;
			if (forget != NULL)
				forget(s->prepared);
			free(s);
		}
	}
	cache->count = 0;
}
