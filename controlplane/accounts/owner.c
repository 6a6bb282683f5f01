// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Whose a token is, for who has to note a change before it is made.
#include <errno.h>

#include "private.h"

static const char *const owner_text[] = {
        [FOG_TOKEN_STEP] = "SELECT account_id FROM login_step WHERE hash = $1",
        [FOG_TOKEN_REFRESH] = "SELECT s.account_id FROM refresh_token t JOIN session s ON "
                              "s.id = t.session_id WHERE t.hash = $1",
        [FOG_TOKEN_RESET] = "SELECT account_id FROM reset_token WHERE hash = $1",
};

struct owner {
	struct work work;
	enum fog_token_kind kind;
	uint8_t hash[HASH_LEN];
	int64_t user_id;
};

static int owner_work(struct fog_tx *tx, void *ctx)
{
	struct owner *o = ctx;
	struct fog_rows row;
	int r = fog_db_one(
	        tx, &row, owner_text[o->kind], FOG_BIND(FOG_BYTES(o->hash, sizeof(o->hash)))
	);

	o->user_id = r >= 0 ? fog_rows_int(&row, 0) : 0;
	fog_rows_end(&row);
	return r;
}

int fog_token_owner(
        struct fog_accounts *a, enum fog_token_kind kind, const char *token, int64_t *user_id
)
{
	struct fog_denial denial;
	struct owner o = {
	        .work = {.a = a, .refusal = &denial, .now_us = a->now_us()}, .kind = kind};

	secret_hash(token, o.hash);
	int r = accounts_read(&o.work, owner_work);
	*user_id = o.user_id;
	return r;
}
