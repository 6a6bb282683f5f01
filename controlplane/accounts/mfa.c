// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Setting up and taking away one-time codes.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

struct mfa {
	struct work work;
	int64_t user_id;
	const char *code, *source;
	struct candidate who;
	struct attempt attempt;
	struct fog_totp *totp;
	char (*codes)[FOG_BACKUP_CODE_LEN + 1];
	bool wrong;
};

static int refuse_state(struct fog_denial *refusal, bool on)
{
	if (on)
		return refuse(
		        refusal, -EEXIST, "totp_on", NULL,
		        "One-time codes are set up already: take them away first."
		);
	return refuse(
	        refusal, -EEXIST, "totp_off", NULL, "One-time codes are not set up: do that first."
	);
}

static int mfa_find(struct fog_tx *tx, struct mfa *m, bool on)
{
	int r = candidate_by_id(tx, &m->who, m->user_id);

	if (r == 0 && m->who.totp != on)
		return refuse_state(m->work.refusal, m->who.totp);
	return r;
}

// Change the account: whoever knows its version must look again, and callers as well.
static int mfa_changed(struct fog_tx *tx, struct mfa *m)
{
	int r = fog_db_run(
	        tx, "UPDATE account SET version = version + 1, changed_at = $2 WHERE id = $1",
	        FOG_BIND(FOG_INT(m->user_id), FOG_INT(m->work.now_us))
	);

	return r < 0 ? r : rights_changed(tx, m->work.now_us, RIGHTS_ACCOUNT, m->user_id);
}

// Before the password is verified.
static int mfa_asked(struct fog_tx *tx, struct mfa *m, bool on)
{
	int r = mfa_find(tx, m, on);

	if (r < 0)
		return r;
	attempt_name(m->work.a, &m->attempt, m->who.name, m->source);
	return attempt_begin(tx, &m->work, &m->attempt, m->user_id);
}

// Returns 1, or an error: a wrong one is one.
static int mfa_password(struct mfa *m, const char *password)
{
	int r = attempt_verify(&m->work, &m->attempt, m->who.stored, password);

	if (r == 0)
		accounts_note_lock(&m->work, m->user_id, m->attempt.network);
	return r != 0 ? r
	              : refuse(m->work.refusal, -EACCES, "bad_login", "password",
	                       "This is not the password: try again.");
}

static int begin_asked(struct fog_tx *tx, void *ctx)
{
	return mfa_asked(tx, ctx, false);
}

static int begin_work(struct fog_tx *tx, void *ctx)
{
	struct mfa *m = ctx;
	char stored[sizeof(m->who.stored)];

	memcpy(stored, m->who.stored, sizeof(stored));
	int r = mfa_find(tx, m, false);
	if (r == 0 && strcmp(stored, m->who.stored) != 0)
		r =
		        refuse(m->work.refusal, -EACCES, "bad_login", "changed",
		               "The account has changed meanwhile: log in again.");
	sodium_memzero(stored, sizeof(stored));
	if (r >= 0)
		r = attempt_done(tx, &m->work, &m->attempt, m->user_id);
	return r < 0 ? r : totp_fresh(tx, &m->work, m->user_id, m->totp->secret);
}

int fog_totp_begin(
        struct fog_accounts *a, int64_t user_id, const char *password, const char *source,
        struct fog_totp *totp, struct fog_denial *refusal
)
{
	struct mfa m = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()},
	        .user_id = user_id,
	        .source = source,
	        .totp = totp};
	int r = accounts_write(&m.work, begin_asked);

	if (r >= 0)
		r = mfa_password(&m, password);
	if (r > 0) {
		r = accounts_write(&m.work, begin_work);
		if (r < 0)
			attempt_spare(&m.work, &m.attempt);
	}
	if (r >= 0)
		snprintf(
		        totp->uri, sizeof(totp->uri),
		        "otpauth://totp/Fogline:%s?secret=%s&issuer=Fogline&algorithm=SHA1&digits=6&period=30",
		        m.who.name, totp->secret
		);
	sodium_memzero(&m.who, sizeof(m.who));
	return r;
}

// A wrong code must be counted, so it is no error of the transaction.
static int mfa_code(struct fog_tx *tx, struct mfa *m, bool on)
{
	int left, r = mfa_find(tx, m, on);

	m->wrong = false;
	if (r < 0)
		return r;
	attempt_name(m->work.a, &m->attempt, m->who.name, m->source);
	r = attempt_begin(tx, &m->work, &m->attempt, m->user_id);
	if (r >= 0)
		r = on ? totp_take(tx, &m->work, m->user_id, m->code, &left)
		       : totp_confirm(tx, &m->work, m->user_id, m->code);
	if (r == 0)
		m->wrong = true;
	return r <= 0 ? r : attempt_done(tx, &m->work, &m->attempt, m->user_id);
}

static int mfa_run(struct mfa *m, fog_db_work *work)
{
	int r = accounts_change(&m->work, work);

	if (r >= 0 && m->wrong)
		r =
		        refuse(m->work.refusal, -EACCES, "bad_code", "code",
		               "This code is wrong, or was used before: wait for the next one.");
	if (r == -EACCES)
		accounts_note_lock(&m->work, m->user_id, m->attempt.network);
	sodium_memzero(&m->who, sizeof(m->who));
	return r;
}

static int confirm_work(struct fog_tx *tx, void *ctx)
{
	struct mfa *m = ctx;
	int r = mfa_code(tx, m, false);

	if (r < 0 || m->wrong)
		return r;
	r = fog_db_run(
	        tx, "UPDATE account SET totp_on = 1 WHERE id = $1", FOG_BIND(FOG_INT(m->user_id))
	);
	if (r >= 0)
		r = backup_fresh(tx, &m->work, m->user_id, m->codes);
	return r < 0 ? r : mfa_changed(tx, m);
}

static int codes_work(struct fog_tx *tx, void *ctx)
{
	struct mfa *m = ctx;
	int r = mfa_code(tx, m, true);

	return r < 0 || m->wrong ? r : backup_fresh(tx, &m->work, m->user_id, m->codes);
}

int fog_totp_confirm(
        struct fog_accounts *a, int64_t user_id, const char *code, const char *source,
        fog_backup_codes codes, struct fog_denial *refusal
)
{
	struct mfa m = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()},
	        .user_id = user_id,
	        .code = code,
	        .source = source,
	        .codes = codes};

	return mfa_run(&m, confirm_work);
}

int fog_totp_codes(
        struct fog_accounts *a, int64_t user_id, const char *code, const char *source,
        fog_backup_codes codes, struct fog_denial *refusal
)
{
	struct mfa m = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()},
	        .user_id = user_id,
	        .code = code,
	        .source = source,
	        .codes = codes};

	return mfa_run(&m, codes_work);
}

static int mfa_remove(struct fog_tx *tx, struct mfa *m)
{
	int r = fog_db_run(
	        tx,
	        "UPDATE account SET totp_secret = NULL, totp_on = 0, totp_step = 0 WHERE id = $1",
	        FOG_BIND(FOG_INT(m->user_id))
	);

	if (r >= 0)
		r = fog_db_run(
		        tx, "DELETE FROM backup_code WHERE account_id = $1",
		        FOG_BIND(FOG_INT(m->user_id))
		);
	return r < 0 ? r : mfa_changed(tx, m);
}

static int off_asked(struct fog_tx *tx, void *ctx)
{
	return mfa_asked(tx, ctx, true);
}

static int off_work(struct fog_tx *tx, void *ctx)
{
	struct mfa *m = ctx;
	int r = attempt_undo(tx, &m->attempt); // the password was right; the code counts for itself

	if (r >= 0)
		r = mfa_code(tx, m, true);
	return r < 0 || m->wrong ? r : mfa_remove(tx, m);
}

int fog_totp_off(
        struct fog_accounts *a, int64_t user_id, const char *password, const char *code,
        const char *source, struct fog_denial *refusal
)
{
	struct mfa m = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()},
	        .user_id = user_id,
	        .code = code,
	        .source = source};
	int r = accounts_write(&m.work, off_asked);

	if (r >= 0)
		r = mfa_password(&m, password);
	if (r > 0) {
		r = mfa_run(&m, off_work);
		if (r < 0 && r != -EACCES)
			attempt_spare(&m.work, &m.attempt);
	}
	sodium_memzero(&m.who, sizeof(m.who));
	return r;
}

static int remove_work(struct fog_tx *tx, void *ctx)
{
	struct mfa *m = ctx;
	int r = candidate_by_id(tx, &m->who, m->user_id);

	return r < 0 ? r : mfa_remove(tx, m);
}

int fog_totp_remove(struct fog_accounts *a, int64_t user_id, struct fog_denial *refusal)
{
	struct mfa m = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()}, .user_id = user_id};

	return mfa_run(&m, remove_work);
}
