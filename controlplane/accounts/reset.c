// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A new password for who has lost his: by a token that an admin hands out.
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "private.h"

struct reset {
	struct work work;
	uint8_t hash[HASH_LEN];
	int64_t user_id, ends_us;
	struct candidate who;
	char stored[crypto_pwhash_STRBYTES];
};

static int make_work(struct fog_tx *tx, void *ctx)
{
	struct reset *s = ctx;
	int r = candidate_by_id(tx, &s->who, s->user_id);

	if (r >= 0)
		r = fog_db_run(
		        tx, "DELETE FROM reset_token WHERE account_id = $1",
		        FOG_BIND(FOG_INT(s->user_id))
		);
	if (r >= 0)
		r = fog_db_run(
		        tx,
		        "INSERT INTO reset_token (hash, account_id, ends_at) VALUES ($1, $2, $3)",
		        FOG_BIND(
		                FOG_BYTES(s->hash, sizeof(s->hash)), FOG_INT(s->user_id),
		                FOG_INT(s->ends_us)
		        )
		);
	return r < 0 ? r : 0;
}

int fog_reset_make(
        struct fog_accounts *a, int64_t user_id, char token[FOG_SECRET_LEN + 1], int64_t *ends_us,
        struct fog_denial *refusal
)
{
	struct reset s = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()}, .user_id = user_id};

	secret_make(token, s.hash);
	s.ends_us = *ends_us = s.work.now_us + FOG_RESET_MINUTES * MINUTE_US;
	int r = accounts_write(&s.work, make_work);
	if (r < 0)
		sodium_memzero(token, FOG_SECRET_LEN + 1);
	sodium_memzero(&s.who, sizeof(s.who));
	return r;
}

// Whose it is, if it is good.
static int look_work(struct fog_tx *tx, void *ctx)
{
	struct reset *s = ctx;
	struct fog_rows row;
	bool good = false;
	int r = fog_db_one(
	        tx, &row, "SELECT account_id, ends_at FROM reset_token WHERE hash = $1",
	        FOG_BIND(FOG_BYTES(s->hash, sizeof(s->hash)))
	);

	if (r == 0) {
		s->user_id = fog_rows_int(&row, 0);
		good = fog_rows_int(&row, 1) > s->work.now_us;
	}
	fog_rows_end(&row);
	if (good)
		r = candidate_by_id(tx, &s->who, s->user_id);
	if (r == -ENOENT || (r == 0 && (!good || s->who.disabled)))
		return refuse(
		        s->work.refusal, -EACCES, "bad_reset",
		        s->who.disabled ? "account_disabled" : NULL,
		        "This reset is over: ask an admin for another one."
		);
	return r;
}

static int use_work(struct fog_tx *tx, void *ctx)
{
	struct reset *s = ctx;
	struct attempt t;
	int r = look_work(tx, s);

	if (r < 0)
		return r;
	attempt_name(s->work.a, &t, s->who.name, "");
	r = attempt_forget(tx, t.who);
	if (r >= 0)
		r = password_store(tx, &s->work, s->user_id, s->stored);
	return r < 0 ? r : keys_revoke(tx, &s->work, s->user_id);
}

int fog_reset_use(
        struct fog_accounts *a, const char *token, const char *fresh, int64_t *user_id,
        struct fog_denial *refusal
)
{
	struct reset s = {.work = {.a = a, .refusal = refusal, .now_us = a->now_us()}};

	secret_hash(token, s.hash);
	int r = accounts_read(&s.work, look_work);
	if (r >= 0)
		r = password_check(fresh, s.who.name, refusal);
	if (r >= 0)
		r = password_hash(a, fresh, s.stored, refusal);
	if (r >= 0)
		r = accounts_change(&s.work, use_work);
	*user_id = r >= 0 ? s.user_id : 0;
	sodium_memzero(&s, sizeof(s));
	return r < 0 ? r : 0;
}
