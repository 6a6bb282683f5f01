// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

enum { STEP_TRIES = 5 };

#define STEP_US (5 * MINUTE_US)

static int candidate_row(const struct fog_rows *row, struct candidate *c)
{
	c->id = fog_rows_int(row, 0);
	snprintf(c->name, sizeof(c->name), "%s", fog_rows_text(row, 1));
	snprintf(c->stored, sizeof(c->stored), "%s", fog_rows_text(row, 2));
	c->disabled = fog_rows_int(row, 3) != 0;
	c->totp = fog_rows_int(row, 4) != 0;
	return 0;
}

int candidate_by_id(struct fog_tx *tx, struct candidate *c, int64_t id)
{
	struct fog_rows row;
	int r = fog_db_one(
	        tx, &row, "SELECT id, name, password, disabled, totp_on FROM account WHERE id = $1",
	        FOG_BIND(FOG_INT(id))
	);

	*c = (struct candidate){0};
	if (r == 0)
		candidate_row(&row, c);
	fog_rows_end(&row);
	return r;
}

int candidate_by_name(struct fog_tx *tx, struct candidate *c, const char *name)
{
	struct fog_rows row;
	int r = fog_db_one(
	        tx, &row,
	        "SELECT id, name, password, disabled, totp_on FROM account WHERE name = $1",
	        FOG_BIND(FOG_TEXT(name))
	);

	*c = (struct candidate){0};
	if (r == 0)
		candidate_row(&row, c);
	fog_rows_end(&row);
	return r;
}

struct login {
	struct work work;
	uint8_t step[HASH_LEN];
	const char *code, *source;
	char name[FOG_USER_NAME_MAX + 1]; // "" = it can be nobody's
	struct candidate who;
	struct attempt attempt;
	struct fog_tokens *tokens;
	bool wrong_code;
};

static int refuse_login(struct fog_denial *refusal, const char *why)
{
	return refuse(refusal, -EACCES, "bad_login", why, "Name or password is wrong: try again.");
}

static int refuse_code(struct fog_denial *refusal)
{
	return refuse(
	        refusal, -EACCES, "bad_code", "code",
	        "This code is wrong, or was used before: wait for the next one."
	);
}

static int refuse_disabled(struct fog_denial *refusal)
{
	return refuse(refusal, -EPERM, "disabled", NULL, "This account is disabled: ask an admin.");
}

static int login_begin(struct fog_tx *tx, void *ctx)
{
	struct login *l = ctx;
	int r = candidate_by_name(tx, &l->who, l->name);

	if (r < 0 && r != -ENOENT)
		return r;
	return attempt_begin(tx, &l->work, &l->attempt, l->who.id);
}

// The password may have been changed while it was verified.
static int login_still(struct fog_tx *tx, struct login *l)
{
	struct candidate now;
	int r = candidate_by_id(tx, &now, l->who.id);

	if (r == -ENOENT || (r == 0 && strcmp(now.stored, l->who.stored) != 0))
		return refuse_login(l->work.refusal, "changed");
	if (r == 0 && now.disabled)
		return refuse_disabled(l->work.refusal);
	l->who.totp = now.totp;
	return r;
}

static int step_begin(struct fog_tx *tx, struct login *l)
{
	uint8_t hash[HASH_LEN];
	struct fog_tokens *t = l->tokens;
	int r = attempt_undo(tx, &l->attempt);

	secret_make(t->step, hash);
	t->step_ends_us = l->work.now_us + STEP_US;
	t->user_id = l->who.id;
	if (r >= 0)
		r = fog_db_run(
		        tx,
		        "INSERT INTO login_step (hash, account_id, tries, ends_at) VALUES ($1, $2, 0, $3)",
		        FOG_BIND(
		                FOG_BYTES(hash, sizeof(hash)), FOG_INT(l->who.id),
		                FOG_INT(t->step_ends_us)
		        )
		);
	return r < 0 ? r : FOG_LOGIN_CODE;
}

static int login_let_in(struct fog_tx *tx, struct login *l)
{
	int r = attempt_done(tx, &l->work, &l->attempt, l->who.id);

	if (r >= 0)
		r = session_begin(tx, &l->work, l->who.id, l->source, l->tokens);
	if (r >= 0)
		r = fog_db_run(
		        tx, "UPDATE account SET login_at = $2 WHERE id = $1",
		        FOG_BIND(FOG_INT(l->who.id), FOG_INT(l->work.now_us))
		);
	return r < 0 ? r : 0;
}

static int login_finish(struct fog_tx *tx, void *ctx)
{
	struct login *l = ctx;
	int r = login_still(tx, l);

	if (r < 0)
		return r;
	if (l->who.totp && l->code == NULL)
		return step_begin(tx, l);
	if (l->who.totp) {
		r = totp_take(tx, &l->work, l->who.id, l->code, &l->tokens->codes_left);
		if (r <= 0)
			return r < 0 ? r : refuse_code(l->work.refusal);
	}
	return login_let_in(tx, l);
}

static void tokens_clear(struct fog_tokens *t)
{
	sodium_memzero(t, sizeof(*t));
	t->codes_left = -1;
}

// Nothing but whose login it was.
static void tokens_refuse(struct fog_tokens *t, int64_t user_id)
{
	tokens_clear(t);
	t->user_id = user_id;
}

int fog_login(
        struct fog_accounts *a, const struct fog_login *said, struct fog_tokens *tokens,
        struct fog_denial *refusal
)
{
	struct login l = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()},
	        .code = said->code,
	        .source = said->source,
	        .tokens = tokens};

	tokens_clear(tokens);
	if (user_name(said->name, l.name) < 0)
		l.name[0] = '\0';
	attempt_name(a, &l.attempt, said->name, said->source);
	int r = accounts_write(&l.work, login_begin);
	if (r >= 0)
		r = attempt_verify(&l.work, &l.attempt, l.who.stored, said->password);
	if (r == 0)
		r = refuse_login(
		        refusal,
		        l.who.id == 0                     ? "name"
		                : l.who.stored[0] == '\0' ? "no_password"
		                                          : "password"
		);
	bool right = r > 0;
	if (right && said->verified != NULL && said->verified(said->ctx, l.who.id) < 0)
		r = refuse_store(refusal, -EAGAIN);
	if (r > 0)
		r = accounts_write(&l.work, login_finish);
	if (right && r < 0 && r != -EACCES)
		attempt_spare(&l.work, &l.attempt);
	if (r == 0)
		r = session_tokens(&l.work, tokens);
	// Only who has shown the password is told to be somebody, even to the audit.
	if (r < 0)
		tokens_refuse(tokens, right ? l.who.id : 0);
	if (r == -EACCES)
		accounts_note_lock(&l.work, l.who.id, l.attempt.network);
	sodium_memzero(&l.who, sizeof(l.who));
	return r;
}

struct step {
	int64_t tries, ends_us;
};

static int step_find(struct fog_tx *tx, struct login *l, struct step *s)
{
	struct fog_rows row;
	int64_t user_id = 0;
	int r = fog_db_one(
	        tx, &row, "SELECT account_id, tries, ends_at FROM login_step WHERE hash = $1",
	        FOG_BIND(FOG_BYTES(l->step, sizeof(l->step)))
	);

	if (r == 0) {
		user_id = fog_rows_int(&row, 0);
		s->tries = fog_rows_int(&row, 1);
		s->ends_us = fog_rows_int(&row, 2);
	}
	fog_rows_end(&row);
	l->who.id = user_id;
	if (r == -ENOENT || (r == 0 && (s->tries >= STEP_TRIES || s->ends_us <= l->work.now_us)))
		return refuse(
		        l->work.refusal, -EACCES, "bad_step", NULL,
		        "This login took too long, or too many codes: begin again."
		);
	return r < 0 ? r : candidate_by_id(tx, &l->who, user_id);
}

// A wrong code must be counted, so it is no error of the transaction.
static int step_work(struct fog_tx *tx, void *ctx)
{
	struct login *l = ctx;
	struct step s;
	int r = step_find(tx, l, &s);

	l->wrong_code = false;
	if (r < 0)
		return r;
	if (l->who.disabled)
		return refuse_disabled(l->work.refusal);
	attempt_name(l->work.a, &l->attempt, l->who.name, l->source);
	r = attempt_begin(tx, &l->work, &l->attempt, l->who.id);
	if (r >= 0)
		r = totp_take(tx, &l->work, l->who.id, l->code, &l->tokens->codes_left);
	l->wrong_code = r == 0;
	if (r == 0)
		r = fog_db_run(
		        tx, "UPDATE login_step SET tries = tries + 1 WHERE hash = $1",
		        FOG_BIND(FOG_BYTES(l->step, sizeof(l->step)))
		);
	else if (r > 0)
		r = fog_db_run(
		        tx, "DELETE FROM login_step WHERE hash = $1",
		        FOG_BIND(FOG_BYTES(l->step, sizeof(l->step)))
		);
	return r < 0 || l->wrong_code ? r : login_let_in(tx, l);
}

int fog_login_code(
        struct fog_accounts *a, const char *step, const char *code, const char *source,
        struct fog_tokens *tokens, struct fog_denial *refusal
)
{
	struct login l = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()},
	        .code = code,
	        .source = source,
	        .tokens = tokens};

	secret_hash(step, l.step);
	tokens_clear(tokens); // not before: the step may stand in them
	int r = accounts_write(&l.work, step_work);
	if (r >= 0 && l.wrong_code) {
		accounts_note_lock(&l.work, l.who.id, l.attempt.network);
		r = refuse_code(refusal);
	}
	if (r >= 0)
		r = session_tokens(&l.work, tokens);
	if (r < 0)
		tokens_refuse(tokens, l.who.id);
	sodium_memzero(&l.who, sizeof(l.who));
	return r < 0 ? r : 0;
}
