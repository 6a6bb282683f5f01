// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

void caller_fill(
        struct fog_accounts *a, struct fog_caller *c, const struct fog_rows *row, int column
)
{
	bool totp = fog_rows_int(row, column + 6) != 0;

	snprintf(c->name, sizeof(c->name), "%s", fog_rows_text(row, column));
	c->roles = (uint32_t)fog_rows_int(row, column + 1);
	if (a->admins_need_totp && (c->roles & FOG_ROLE_ADMIN) != 0 && !totp)
		c->roles = FOG_ROLE_USER;
	c->tier = (enum fog_tier)fog_rows_int(row, column + 2);
	c->limits = (struct fog_limits
	){(uint32_t)fog_rows_int(row, column + 3), (uint32_t)fog_rows_int(row, column + 4),
	  (uint32_t)fog_rows_int(row, column + 5)};
}

static int refuse_revoked(struct fog_denial *refusal, const char *why)
{
	return refuse(refusal, -EACCES, "token_revoked", why, "This session has ended: log in.");
}

int session_caller(struct fog_tx *tx, void *ctx)
{
	struct found *f = ctx;
	struct fog_caller *c = f->caller;
	struct fog_rows row;
	bool revoked = false, disabled = false;
	int r = fog_db_one(
	        tx, &row,
	        "SELECT " CALLER_COLUMNS
	        ", a.disabled, s.revoked_at FROM session s JOIN account a ON a.id = s.account_id "
	        "WHERE s.id = $1 AND a.id = $2",
	        FOG_BIND(FOG_INT(f->claims.session_id), FOG_INT(f->claims.user_id))
	);

	if (r == 0) {
		*c = (struct fog_caller
		){.kind = FOG_CALLER_SESSION,
		  .user_id = f->claims.user_id,
		  .session_id = f->claims.session_id,
		  .scopes = FOG_SCOPE_ALL};
		caller_fill(f->work.a, c, &row, 0);
		snprintf(c->actor, sizeof(c->actor), "user:%lld", (long long)c->user_id);
		disabled = fog_rows_int(&row, 7) != 0;
		revoked = fog_rows_int(&row, 8) != 0;
	}
	fog_rows_end(&row);
	if (r == -ENOENT)
		return refuse_revoked(f->work.refusal, "session_gone");
	if (r < 0)
		return r;
	if (disabled)
		return refuse_revoked(f->work.refusal, "account_disabled");
	if (revoked)
		return refuse_revoked(f->work.refusal, "session_revoked");
	return rights_version(tx, &f->version);
}

int sessions_revoke(struct fog_tx *tx, struct work *w, int64_t user_id, int64_t except)
{
	int n = fog_db_run(
	        tx,
	        "UPDATE session SET revoked_at = $3 WHERE account_id = $1 AND id <> $2 AND revoked_at = 0",
	        FOG_BIND(FOG_INT(user_id), FOG_INT(except), FOG_INT(w->now_us))
	);
	int r = n < 0 ? n : rights_changed(tx, w->now_us, RIGHTS_ACCOUNT, user_id);

	return r < 0 ? r : n;
}

// A new refresh token of a session, which gets the session's life, too.
static int refresh_put(struct fog_tx *tx, struct work *w, struct fog_tokens *t)
{
	uint8_t hash[HASH_LEN];

	secret_make(t->refresh, hash);
	t->refresh_ends_us = w->now_us + w->a->refresh_us;
	return fog_db_run(
	        tx,
	        "INSERT INTO refresh_token (hash, session_id, ends_at, used_at) VALUES ($1, $2, $3, 0)",
	        FOG_BIND(
	                FOG_BYTES(hash, sizeof(hash)), FOG_INT(t->session_id),
	                FOG_INT(t->refresh_ends_us)
	        )
	);
}

// The least used ones of too many give way.
static int sessions_bound(struct fog_tx *tx, struct work *w, int64_t user_id)
{
	int r = fog_db_run(
	        tx,
	        "UPDATE session SET revoked_at = $2 WHERE account_id = $1 AND revoked_at = 0 AND id NOT IN "
	        "(SELECT id FROM session WHERE account_id = $1 AND revoked_at = 0 ORDER BY used_at DESC, id DESC LIMIT $3)",
	        FOG_BIND(FOG_INT(user_id), FOG_INT(w->now_us), FOG_INT(SESSIONS_MAX))
	);

	return r <= 0 ? r : rights_changed(tx, w->now_us, RIGHTS_ACCOUNT, user_id);
}

int session_begin(
        struct fog_tx *tx, struct work *w, int64_t user_id, const char *source, struct fog_tokens *t
)
{
	struct fog_rows row;
	int64_t ends = w->now_us + w->a->refresh_us;
	int r = fog_db_one(
	        tx, &row,
	        "INSERT INTO session (account_id, created_at, used_at, ends_at, revoked_at, source) "
	        "VALUES ($1, $2, $2, $3, 0, $4) RETURNING id",
	        FOG_BIND(FOG_INT(user_id), FOG_INT(w->now_us), FOG_INT(ends), FOG_TEXT(source))
	);

	t->user_id = user_id;
	t->session_id = r == 0 ? fog_rows_int(&row, 0) : 0;
	fog_rows_end(&row);
	if (r >= 0)
		r = refresh_put(tx, w, t);
	return r < 0 ? r : sessions_bound(tx, w, user_id);
}

int session_tokens(struct work *w, struct fog_tokens *t)
{
	int r = jwt_make(w->a, t->user_id, t->session_id, w->now_us, t->access);

	// Tokens count whole seconds.
	t->access_ends_us = (w->now_us + w->a->access_us) / SECOND_US * SECOND_US;
	return r < 0 ? refuse_store(w->refusal, r) : 0;
}

struct refreshing {
	struct work work;
	uint8_t hash[HASH_LEN];
	const char *source;
	struct fog_tokens *tokens;
	int64_t ends_us, used_us, revoked_us;
	bool disabled, reused;
};

static int refresh_find(struct fog_tx *tx, struct refreshing *f)
{
	struct fog_rows row;
	int r = fog_db_one(
	        tx, &row,
	        "SELECT t.session_id, t.ends_at, t.used_at, s.account_id, s.revoked_at, a.disabled FROM refresh_token t "
	        "JOIN session s ON s.id = t.session_id JOIN account a ON a.id = s.account_id WHERE t.hash = $1",
	        FOG_BIND(FOG_BYTES(f->hash, sizeof(f->hash)))
	);

	if (r == 0) {
		f->tokens->session_id = fog_rows_int(&row, 0);
		f->ends_us = fog_rows_int(&row, 1);
		f->used_us = fog_rows_int(&row, 2);
		f->tokens->user_id = fog_rows_int(&row, 3);
		f->revoked_us = fog_rows_int(&row, 4);
		f->disabled = fog_rows_int(&row, 5) != 0;
	}
	fog_rows_end(&row);
	return r;
}

// Whoever shows a used one has stolen it, or the other one has: nobody goes on with this session.
static int refresh_reused(struct fog_tx *tx, struct refreshing *f)
{
	int64_t id = f->tokens->session_id;
	int r = fog_db_run(
	        tx, "UPDATE session SET revoked_at = $2 WHERE id = $1 AND revoked_at = 0",
	        FOG_BIND(FOG_INT(id), FOG_INT(f->work.now_us))
	);

	f->reused = true;
	return r <= 0 ? r : rights_changed(tx, f->work.now_us, RIGHTS_SESSION, id);
}

static int refresh_work(struct fog_tx *tx, void *ctx)
{
	struct refreshing *f = ctx;
	struct fog_denial *refusal = f->work.refusal;

	f->tokens->user_id = f->tokens->session_id = 0; // of an attempt that was rolled back
	f->reused = false;
	int r = refresh_find(tx, f);
	if (r == -ENOENT)
		return refuse(
		        refusal, -EACCES, "bad_token", "refresh_unknown",
		        "This is no refresh token of this platform: log in."
		);
	if (r < 0)
		return r;
	if (f->used_us != 0)
		return refresh_reused(tx, f);
	if (f->revoked_us != 0)
		return refuse_revoked(refusal, "session_revoked");
	if (f->disabled)
		return refuse_revoked(refusal, "account_disabled");
	if (f->ends_us <= f->work.now_us)
		return refuse(
		        refusal, -EACCES, "token_expired", "refresh_expired",
		        "This session has expired: log in."
		);
	r = fog_db_run(
	        tx, "UPDATE refresh_token SET used_at = $2 WHERE hash = $1",
	        FOG_BIND(FOG_BYTES(f->hash, sizeof(f->hash)), FOG_INT(f->work.now_us))
	);
	if (r >= 0)
		r = refresh_put(tx, &f->work, f->tokens);
	if (r >= 0)
		r = fog_db_run(
		        tx,
		        "UPDATE session SET used_at = $2, ends_at = $3, source = $4 WHERE id = $1",
		        FOG_BIND(
		                FOG_INT(f->tokens->session_id), FOG_INT(f->work.now_us),
		                FOG_INT(f->tokens->refresh_ends_us), FOG_TEXT(f->source)
		        )
		);
	return r < 0 ? r : 0;
}

int fog_session_refresh(
        struct fog_accounts *a, const char *refresh, const char *source, struct fog_tokens *tokens,
        struct fog_denial *refusal
)
{
	struct refreshing f = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()},
	        .source = source,
	        .tokens = tokens};

	secret_hash(refresh, f.hash);
	sodium_memzero(tokens, sizeof(*tokens)); // not before: the token may stand in them
	tokens->codes_left = -1;
	int r = accounts_change(&f.work, refresh_work);
	const int64_t user_id = tokens->user_id, session_id = tokens->session_id;
	if (r >= 0 && f.reused)
		accounts_note_reuse(a, tokens->user_id, tokens->session_id);
	if (r >= 0 && f.reused)
		r = refuse(
		        refusal, -EACCES, "token_reused", "refresh_reused",
		        "This refresh token was used before, so its session has ended: log in."
		);
	if (r >= 0)
		r = session_tokens(&f.work, tokens);
	if (r < 0) {
		sodium_memzero(tokens, sizeof(*tokens));
		tokens->user_id = user_id;
		tokens->session_id = session_id;
	}
	return r < 0 ? r : 0;
}
