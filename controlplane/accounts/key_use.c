// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Who shows an API key, and when it was used last.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "private.h"

// When a key is shown that nobody ever had, the same is looked up.
int key_caller(struct fog_tx *tx, void *ctx)
{
	struct found *f = ctx;
	struct fog_caller *c = f->caller;
	struct fog_rows row;
	bool disabled = false, revoked = false;
	int r = fog_db_one(
	        tx, &row,
	        "SELECT " CALLER_COLUMNS
	        ", a.disabled, a.id, k.id, k.scopes, k.ends_at, k.revoked_at, k.rate_auth, k.rate_write, "
	        "k.rate_read FROM api_key k JOIN account a ON a.id = k.account_id WHERE k.hash = $1",
	        FOG_BIND(FOG_BYTES(f->hash, sizeof(f->hash)))
	);

	if (r == 0) {
		*c = (struct fog_caller){.kind = FOG_CALLER_KEY};
		caller_fill(f->work.a, c, &row, 0);
		disabled = fog_rows_int(&row, 7) != 0;
		c->user_id = fog_rows_int(&row, 8);
		c->key_id = fog_rows_int(&row, 9);
		c->scopes = (uint32_t)fog_rows_int(&row, 10);
		f->ends_us = fog_rows_int(&row, 11);
		revoked = fog_rows_int(&row, 12) != 0;
		c->owner = c->limits;
		uint32_t *limit[] = {&c->limits.auth, &c->limits.write, &c->limits.read};
		for (int i = 0; i < 3; i++)
			if (fog_rows_int(&row, 13 + i) != 0)
				*limit[i] = (uint32_t)fog_rows_int(&row, 13 + i);
		snprintf(c->actor, sizeof(c->actor), "key:%lld", (long long)c->key_id);
	}
	fog_rows_end(&row);
	if (r == -ENOENT)
		return refuse(
		        f->work.refusal, -EACCES, "bad_token", "key_unknown",
		        "This is no token of this platform: log in."
		);
	if (r < 0)
		return r;
	if (revoked || disabled)
		return refuse(
		        f->work.refusal, -EACCES, "token_revoked",
		        revoked ? "key_revoked" : "account_disabled",
		        "This API key was revoked: make another one."
		);
	if (f->ends_us != 0 && f->ends_us <= f->work.now_us)
		return refuse(
		        f->work.refusal, -EACCES, "token_expired", "key_expired",
		        "This API key has expired: make another one."
		);
	return rights_version(tx, &f->version);
}

// When keys were used: gathered from the cache, written once a minute.
struct use {
	int64_t key_id, used_us;
};

struct uses {
	struct work work;
	struct use use[CACHE_SETS * CACHE_WAYS];
	unsigned count;
};

static void use_add(void *ctx, int64_t key_id, int64_t used_us)
{
	struct uses *u = ctx;

	u->use[u->count++] = (struct use){key_id, used_us};
}

static int use_work(struct fog_tx *tx, void *ctx)
{
	const struct uses *u = ctx;

	for (unsigned i = 0; i < u->count; i++) {
		int r = fog_db_run(
		        tx, "UPDATE api_key SET used_at = $2 WHERE id = $1 AND used_at < $2",
		        FOG_BIND(FOG_INT(u->use[i].key_id), FOG_INT(u->use[i].used_us))
		);
		if (r < 0)
			return r;
	}
	return 0;
}

int key_used(struct fog_accounts *a, int64_t now_us)
{
	struct fog_denial refusal;
	struct uses *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return -ENOMEM;
	u->work = (struct work){.a = a, .refusal = &refusal, .now_us = now_us};
	cache_used_keys(a->cache, a->used_us, use_add, u);
	int r = u->count > 0 ? accounts_write(&u->work, use_work) : 0;
	free(u);
	return r;
}
