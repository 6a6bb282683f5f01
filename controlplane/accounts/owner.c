// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Whose a token is, for who has to note a change before it is made.
#include <errno.h>

#include "private.h"

struct owner {
	struct work work;
	const char *sql;
	uint8_t hash[HASH_LEN];
	int64_t user_id;
};

static int owner_work(struct fog_tx *tx, void *ctx)
{
	struct owner *o = ctx;
	struct fog_rows row;
	int r = fog_db_one(tx, &row, o->sql, FOG_BIND(FOG_BYTES(o->hash, sizeof(o->hash))));

	o->user_id = r >= 0 ? fog_rows_int(&row, 0) : 0;
	fog_rows_end(&row);
	return r;
}

int fog_token_owner(
        struct fog_accounts *a, enum fog_token_kind kind, const char *token, int64_t *user_id
)
{
	static const char *const sql[] = {
	        [FOG_TOKEN_STEP] = "SELECT account_id FROM login_step WHERE hash = $1",
	        [FOG_TOKEN_REFRESH] = "SELECT s.account_id FROM refresh_token t JOIN session s ON "
	                              "s.id = t.session_id WHERE t.hash = $1",
	        [FOG_TOKEN_RESET] = "SELECT account_id FROM reset_token WHERE hash = $1",
	};
	struct fog_denial denial;
	struct owner o = {
	        .work = {.a = a, .refusal = &denial, .now_us = a->now_us()}, .sql = sql[kind]};

	secret_hash(token, o.hash);
	int r = accounts_read(&o.work, owner_work);
	*user_id = o.user_id;
	return r;
}
