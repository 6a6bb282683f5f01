// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Who sends a bearer token. What was verified before is in the cache, which loses whom a change of rights concerns.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

#define LOOKED_UP_US (30 * MINUTE_US) // a key is looked up again after it
#define KEY_PREFIX "fog_sk_"

static int refuse_bearer(struct fog_denial *refusal, const char *why)
{
	return refuse(
	        refusal, -EACCES, "bad_token", why, "This is no token of this platform: log in."
	);
}

static bool is_key(const char *bearer, size_t len)
{
	return len >= strlen(KEY_PREFIX) && memcmp(bearer, KEY_PREFIX, strlen(KEY_PREFIX)) == 0;
}

static int key_find(struct found *f, const char *bearer, size_t len, struct fog_denial *refusal)
{
	if (len != FOG_KEY_LEN)
		return refuse_bearer(refusal, "key_form");
	crypto_generichash(f->hash, sizeof(f->hash), (const uint8_t *)bearer, len, NULL, 0);
	int r = accounts_read(&f->work, key_caller);
	f->claims.ends_us = f->work.now_us + LOOKED_UP_US;
	if (f->ends_us != 0 && f->ends_us < f->claims.ends_us)
		f->claims.ends_us = f->ends_us;
	return r;
}

static int session_find(struct found *f, const char *bearer, size_t len, struct fog_denial *refusal)
{
	int r = jwt_check(f->work.a, bearer, len, f->work.now_us, &f->claims, refusal);

	return r < 0 ? r : accounts_read(&f->work, session_caller);
}

int fog_caller_known(
        struct fog_accounts *a, const char *bearer, size_t len, struct fog_caller *caller,
        struct fog_denial *refusal
)
{
	uint8_t hash[CACHE_HASH_LEN];

	*caller = (struct fog_caller){0}; // nobody, whatever refuses him
	if (mirror_stale(a))
		return refuse_store(refusal, -EAGAIN);
	if (len == 0 || len > FOG_BEARER_MAX)
		return refuse_bearer(refusal, "length");
	cache_hash(a->cache, bearer, len, hash);
	return cache_get(a->cache, hash, a->now_us(), caller) ? 0 : -ENOENT;
}

int fog_caller_find(
        struct fog_accounts *a, const char *bearer, size_t len, struct fog_caller *caller,
        struct fog_denial *refusal
)
{
	int64_t now = a->now_us();
	int r = fog_caller_known(a, bearer, len, caller, refusal);

	if (r != -ENOENT)
		return r;
	struct found f = {.work = {.a = a, .refusal = refusal, .now_us = now}, .caller = caller};
	r = is_key(bearer, len) ? key_find(&f, bearer, len, refusal)
	                        : session_find(&f, bearer, len, refusal);
	if (r < 0) {
		*caller = (struct fog_caller){0};
		return r;
	}
	uint8_t hash[CACHE_HASH_LEN];
	cache_hash(a->cache, bearer, len, hash);
	cache_put(a->cache, hash, caller, now, f.claims.ends_us, f.version);
	return 0;
}

void fog_caller_local(struct fog_caller *c, uint32_t uid, uint32_t roles)
{
	*c = (struct fog_caller
	){.kind = FOG_CALLER_LOCAL,
	  .roles = roles,
	  .scopes = FOG_SCOPE_ALL,
	  .tier = FOG_TIER_ENTERPRISE};
	snprintf(c->name, sizeof(c->name), "uid %u", uid);
	snprintf(c->actor, sizeof(c->actor), "uid:%u", uid);
}

void fog_caller_static(struct fog_caller *c, const char *id)
{
	*c = (struct fog_caller
	){.kind = FOG_CALLER_STATIC,
	  .roles = FOG_ROLE_OPERATOR,
	  .scopes = FOG_SCOPE_ALL,
	  .tier = FOG_TIER_ENTERPRISE};
	snprintf(c->name, sizeof(c->name), "token %s", id);
	snprintf(c->actor, sizeof(c->actor), "token:%s", id);
}
