// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

int user_name(const char *text, char name[FOG_USER_NAME_MAX + 1])
{
	size_t len = strnlen(text, FOG_USER_NAME_MAX + 1);

	if (len < FOG_USER_NAME_MIN || len > FOG_USER_NAME_MAX)
		return -EINVAL;
	for (size_t i = 0; i <= len; i++) {
		char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (i < len && !plain && (i == 0 || strchr("._-", c) == NULL))
			return -EINVAL;
		name[i] = c;
	}
	return 0;
}

#define USER_COLUMNS \
	"id, version, name, roles, tier, rate_auth, rate_write, rate_read, disabled, password IS NOT NULL, totp_on, " \
	"created_at, changed_at, password_at, login_at, " \
	"(SELECT count(*) FROM backup_code WHERE account_id = account.id)"

static void user_row(const struct fog_rows *row, struct fog_user *u)
{
	*u = (struct fog_user
	){.id = fog_rows_int(row, 0),
	  .version = fog_rows_int(row, 1),
	  .roles = (uint32_t)fog_rows_int(row, 3),
	  .tier = (enum fog_tier)fog_rows_int(row, 4),
	  .limits =
	          {(uint32_t)fog_rows_int(row, 5), (uint32_t)fog_rows_int(row, 6),
	           (uint32_t)fog_rows_int(row, 7)},
	  .disabled = fog_rows_int(row, 8) != 0,
	  .password = fog_rows_int(row, 9) != 0,
	  .totp = fog_rows_int(row, 10) != 0,
	  .created_us = fog_rows_int(row, 11),
	  .changed_us = fog_rows_int(row, 12),
	  .password_us = fog_rows_int(row, 13),
	  .login_us = fog_rows_int(row, 14),
	  .backup_codes = (unsigned)fog_rows_int(row, 15)};
	snprintf(u->name, sizeof(u->name), "%s", fog_rows_text(row, 2));
}

struct using
{
	struct work work;
	const struct fog_user_new *fresh;
	const struct fog_user_change *change;
	const struct fog_user_query *query;
	int64_t id, version;
	char name[FOG_USER_NAME_MAX + 1];
	char stored[crypto_pwhash_STRBYTES];
	struct fog_user user, *out;
};

int user_load(struct fog_tx *tx, int64_t id, struct fog_user *u)
{
	struct fog_rows row;
	int r = fog_db_one(
	        tx, &row, "SELECT " USER_COLUMNS " FROM account WHERE id = $1",
	        FOG_BIND(FOG_INT(id))
	);

	if (r == 0)
		user_row(&row, u);
	fog_rows_end(&row);
	return r;
}

static int add_work(struct fog_tx *tx, void *ctx)
{
	struct using *u = ctx;
	const struct fog_user_new *n = u->fresh;
	bool password = n->password != NULL;
	struct fog_rows row;
	int r = fog_db_one(
	        tx, &row,
	        "INSERT INTO account (name, version, roles, tier, disabled, rate_auth, rate_write, rate_read, password, password_at, "
	        "created_at, changed_at, login_at, totp_on, totp_step) "
	        "VALUES ($1, 1, $2, $3, 0, $4, $5, $6, $7, $8, $9, $9, 0, 0, 0) RETURNING id",
	        FOG_BIND(
	                FOG_TEXT(u->name), FOG_INT(n->roles), FOG_INT(n->tier),
	                FOG_INT(n->limits.auth), FOG_INT(n->limits.write), FOG_INT(n->limits.read),
	                FOG_TEXT(password ? u->stored : NULL),
	                FOG_INT(password ? u->work.now_us : 0), FOG_INT(u->work.now_us)
	        )
	);

	u->id = r == 0 ? fog_rows_int(&row, 0) : 0;
	fog_rows_end(&row);
	if (r == -EEXIST)
		return refuse(
		        u->work.refusal, -EEXIST, "name_taken", NULL,
		        "There is an account of this name: choose another one."
		);
	return r < 0 ? r : user_load(tx, u->id, u->out);
}

static int rights_check(uint32_t roles, unsigned tier, struct fog_denial *refusal)
{
	if (roles == 0 || (roles & ~(uint32_t)FOG_ROLES_ALL) != 0)
		return refuse(
		        refusal, -EINVAL, "bad_role", NULL,
		        "An account has one role at least: user, auditor, operator, admin."
		);
	if (tier >= FOG_TIERS)
		return refuse(
		        refusal, -EINVAL, "bad_tier", NULL,
		        "There is no such tier: free, pro, enterprise."
		);
	return 0;
}

int fog_user_add(
        struct fog_accounts *a, const struct fog_user_new *fresh, struct fog_user *out,
        struct fog_denial *refusal
)
{
	struct using u = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()},
	        .fresh = fresh,
	        .out = out};
	int r = rights_check(fresh->roles, fresh->tier, refusal);

	if (r == 0 && user_name(fresh->name, u.name) < 0)
		r = refuse(
		        refusal, -EINVAL, "bad_name", NULL,
		        "A name has 3 to 64 letters, digits, '.', '_', '-' and begins with a letter or digit: choose another one."
		);
	if (r == 0 && fresh->password != NULL)
		r = password_check(fresh->password, u.name, refusal);
	if (r == 0 && fresh->password != NULL)
		r = password_hash(a, fresh->password, u.stored, refusal);
	if (r == 0)
		r = accounts_write(&u.work, add_work);
	sodium_memzero(u.stored, sizeof(u.stored));
	return r;
}

static int get_work(struct fog_tx *tx, void *ctx)
{
	struct using *u = ctx;

	return user_load(tx, u->id, u->out);
}

int fog_user_get(
        struct fog_accounts *a, int64_t id, struct fog_user *out, struct fog_denial *refusal
)
{
	struct using u = {.work = {.a = a, .refusal = refusal}, .id = id, .out = out};

	return accounts_read(&u.work, get_work);
}

static int find_work(struct fog_tx *tx, void *ctx)
{
	struct using *u = ctx;
	struct fog_rows row;
	int r = fog_db_one(
	        tx, &row, "SELECT " USER_COLUMNS " FROM account WHERE name = $1",
	        FOG_BIND(FOG_TEXT(u->name))
	);

	if (r == 0)
		user_row(&row, u->out);
	fog_rows_end(&row);
	return r;
}

int fog_user_find(
        struct fog_accounts *a, const char *name, struct fog_user *out, struct fog_denial *refusal
)
{
	struct using u = {.work = {.a = a, .refusal = refusal}, .out = out};

	if (user_name(name, u.name) < 0)
		return refuse_store(refusal, -ENOENT);
	return accounts_read(&u.work, find_work);
}

static int list_work(struct fog_tx *tx, void *ctx)
{
	struct using *u = ctx;
	const struct fog_user_query *q = u->query;
	const char *prefix = q->prefix != NULL ? q->prefix : "";
	unsigned limit = q->limit < FOG_ACCOUNTS_LIST_MAX ? q->limit : FOG_ACCOUNTS_LIST_MAX, n = 0;
	struct fog_rows row;
	int r = fog_db_ask(
	        tx, &row,
	        "SELECT " USER_COLUMNS
	        " FROM account WHERE id > $1 AND ($2 = 0 OR (roles & $2) <> 0) "
	        "AND ($3 < 0 OR disabled = $3) AND substr(name, 1, CAST($5 AS INTEGER)) = $4 ORDER BY id LIMIT $6",
	        FOG_BIND(
	                FOG_INT(q->after), FOG_INT(q->roles), FOG_INT(q->disabled),
	                FOG_TEXT(prefix), FOG_INT((int64_t)strlen(prefix)), FOG_INT(limit)
	        )
	);

	if (r < 0)
		return r;
	while (n < limit && (r = fog_rows_next(&row)) > 0)
		user_row(&row, &u->out[n++]);
	fog_rows_end(&row);
	return r < 0 ? r : (int)n;
}

int fog_user_list(
        struct fog_accounts *a, const struct fog_user_query *query, struct fog_user *out,
        struct fog_denial *refusal
)
{
	struct using u = {.work = {.a = a, .refusal = refusal}, .query = query, .out = out};

	return accounts_read(&u.work, list_work);
}

static bool is_admin(uint32_t roles, bool disabled)
{
	return (roles & FOG_ROLE_ADMIN) != 0 && !disabled;
}

// Whether somebody else is left who can log in and change rights. Where admins need one-time codes, one who has them does not
// leave it to those without.
static int user_spare(struct fog_tx *tx, struct using *u)
{
	bool codes = u->work.a->admins_need_totp && u->user.totp;
	struct fog_rows row;
	int r = fog_db_one(
	        tx, &row,
	        "SELECT count(*) FROM account WHERE id <> $1 AND disabled = 0 AND (roles & 8) <> 0 AND password IS NOT NULL "
	        "AND totp_on >= $2",
	        FOG_BIND(FOG_INT(u->id), FOG_INT(codes))
	);
	bool last = r == 0 && fog_rows_int(&row, 0) == 0;

	fog_rows_end(&row);
	if (!last)
		return r;
	return refuse(
	        u->work.refusal, -EEXIST, "last_admin", codes ? "last_admin_with_codes" : NULL,
	        codes ? "This is the last admin with one-time codes, which admins need here: have another one set them up first."
	              : "This is the last admin: make another one first."
	);
}

static_assert(FOG_ROLE_ADMIN == 8, "as user_spare asks");

// What is to be changed, if nobody was faster.
static int user_current(struct fog_tx *tx, struct using *u, int64_t version)
{
	int r = user_load(tx, u->id, &u->user);

	if (r == 0 && version != 0 && version != u->user.version)
		return refuse(
		        u->work.refusal, -ESTALE, "stale", NULL,
		        "The account has changed meanwhile: read it again."
		);
	return r;
}

static int change_work(struct fog_tx *tx, void *ctx)
{
	struct using *u = ctx;
	const struct fog_user_change *c = u->change;
	int r = user_current(tx, u, c->version);

	if (r < 0)
		return r;
	uint32_t roles = c->roles != NULL ? *c->roles : u->user.roles;
	enum fog_tier tier = c->tier != NULL ? *c->tier : u->user.tier;
	bool disabled = c->disabled != NULL ? *c->disabled : u->user.disabled;
	struct fog_limits limits = c->limits != NULL ? *c->limits : u->user.limits;
	if (is_admin(u->user.roles, u->user.disabled) && !is_admin(roles, disabled))
		r = user_spare(tx, u);
	if (r >= 0)
		r = fog_db_run(
		        tx,
		        "UPDATE account SET roles = $2, tier = $3, disabled = $4, rate_auth = $5, rate_write = $6, rate_read = $7, "
		        "changed_at = $8, version = version + 1 WHERE id = $1",
		        FOG_BIND(
		                FOG_INT(u->id), FOG_INT(roles), FOG_INT(tier), FOG_INT(disabled),
		                FOG_INT(limits.auth), FOG_INT(limits.write), FOG_INT(limits.read),
		                FOG_INT(u->work.now_us)
		        )
		);
	if (r >= 0)
		r = disabled ? sessions_revoke(tx, &u->work, u->id, 0)
		             : rights_changed(tx, u->work.now_us, RIGHTS_ACCOUNT, u->id);
	return r < 0 ? r : user_load(tx, u->id, u->out);
}

int fog_user_change(
        struct fog_accounts *a, int64_t id, const struct fog_user_change *change,
        struct fog_user *out, struct fog_denial *refusal
)
{
	struct using u = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()},
	        .change = change,
	        .id = id,
	        .out = out};
	int r = rights_check(
	        change->roles != NULL ? *change->roles : FOG_ROLE_USER,
	        change->tier != NULL ? *change->tier : FOG_TIER_FREE, refusal
	);

	return r < 0 ? r : accounts_change(&u.work, change_work);
}

static int delete_work(struct fog_tx *tx, void *ctx)
{
	struct using *u = ctx;
	struct attempt t;
	int r = user_current(tx, u, u->version);

	if (r == 0 && is_admin(u->user.roles, u->user.disabled))
		r = user_spare(tx, u);
	if (r < 0)
		return r;
	attempt_name(u->work.a, &t, u->user.name, "");
	r = attempt_forget(tx, t.who);
	if (r >= 0)
		r = fog_db_run(tx, "DELETE FROM account WHERE id = $1", FOG_BIND(FOG_INT(u->id)));
	return r < 0 ? r : rights_changed(tx, u->work.now_us, RIGHTS_ACCOUNT, u->id);
}

int fog_user_delete(struct fog_accounts *a, int64_t id, int64_t version, struct fog_denial *refusal)
{
	struct using u = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()},
	        .id = id,
	        .version = version};

	return accounts_change(&u.work, delete_work);
}

static int unlock_work(struct fog_tx *tx, void *ctx)
{
	struct using *u = ctx;
	struct attempt t;
	int r = user_load(tx, u->id, &u->user);

	if (r < 0)
		return r;
	attempt_name(u->work.a, &t, u->user.name, "");
	return attempt_forget(tx, t.who);
}

int fog_user_unlock(struct fog_accounts *a, int64_t id, struct fog_denial *refusal)
{
	struct using u = {.work = {.a = a, .refusal = refusal}, .id = id};

	return accounts_write(&u.work, unlock_work);
}
