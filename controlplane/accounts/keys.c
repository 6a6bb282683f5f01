// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

struct keying {
	struct work work;
	const struct fog_key_new *fresh;
	uint8_t hash[HASH_LEN];
	int64_t user_id, key_id, after;
	unsigned limit;
	bool revoked;
	struct fog_key *out;
};

#define KEY_COLUMNS \
	"id, account_id, name, scopes, rate_auth, rate_write, rate_read, created_at, ends_at, used_at, revoked_at"

static void key_row(const struct fog_rows *row, struct fog_key *k)
{
	*k = (struct fog_key
	){.id = fog_rows_int(row, 0),
	  .user_id = fog_rows_int(row, 1),
	  .scopes = (uint32_t)fog_rows_int(row, 3),
	  .limits =
	          {(uint32_t)fog_rows_int(row, 4), (uint32_t)fog_rows_int(row, 5),
	           (uint32_t)fog_rows_int(row, 6)},
	  .created_us = fog_rows_int(row, 7),
	  .ends_us = fog_rows_int(row, 8),
	  .used_us = fog_rows_int(row, 9),
	  .revoked_us = fog_rows_int(row, 10)};
	snprintf(k->name, sizeof(k->name), "%s", fog_rows_text(row, 2));
}

static int key_room(struct fog_tx *tx, struct keying *k)
{
	struct fog_rows row;
	int r = fog_db_one(
	        tx, &row,
	        "SELECT count(*) FROM api_key WHERE account_id = $1 AND revoked_at = 0 AND (ends_at = 0 OR ends_at > $2)",
	        FOG_BIND(FOG_INT(k->fresh->user_id), FOG_INT(k->work.now_us))
	);
	bool full = r == 0 && fog_rows_int(&row, 0) >= FOG_KEYS_MAX;

	fog_rows_end(&row);
	return full ? refuse(k->work.refusal, -EEXIST, "too_many_keys", NULL,
	                     "An account has at most 50 API keys: revoke one first.")
	            : r;
}

static int add_work(struct fog_tx *tx, void *ctx)
{
	struct keying *k = ctx;
	const struct fog_key_new *n = k->fresh;
	struct fog_rows row;
	int r = key_room(tx, k);

	if (r < 0)
		return r;
	r = fog_db_one(
	        tx, &row,
	        "INSERT INTO api_key (account_id, hash, name, scopes, rate_auth, rate_write, rate_read, created_at, ends_at, used_at, "
	        "revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0) RETURNING " KEY_COLUMNS,
	        FOG_BIND(
	                FOG_INT(n->user_id), FOG_BYTES(k->hash, sizeof(k->hash)), FOG_TEXT(n->name),
	                FOG_INT(n->scopes), FOG_INT(n->limits.auth), FOG_INT(n->limits.write),
	                FOG_INT(n->limits.read), FOG_INT(k->work.now_us), FOG_INT(n->ends_us)
	        )
	);
	if (r == 0)
		key_row(&row, k->out);
	fog_rows_end(&row);
	return r;
}

static int key_new_check(const struct fog_key_new *n, int64_t now_us, struct fog_denial *refusal)
{
	size_t characters = 0;

	for (const char *c = n->name; *c != '\0'; c++)
		characters += ((unsigned char)*c & 0xc0) != 0x80;
	if (characters == 0 || characters > FOG_KEY_NAME_MAX ||
	    strlen(n->name) > FOG_KEY_NAME_MAX * 4)
		return refuse(
		        refusal, -EINVAL, "bad_name", NULL,
		        "The name of a key has 1 to 100 characters: choose another one."
		);
	if (n->scopes == 0 || (n->scopes & ~(uint32_t)FOG_SCOPE_ALL) != 0)
		return refuse(
		        refusal, -EINVAL, "bad_scope", NULL,
		        "A key has one scope at least: name those that it needs."
		);
	if ((n->scopes & ~n->may) != 0)
		return refuse(
		        refusal, -EPERM, "scope_missing", NULL,
		        "A key can't give more than it has: log in with a password."
		);
	if (n->ends_us != 0 && n->ends_us <= now_us)
		return refuse(
		        refusal, -EINVAL, "bad_expiry", NULL,
		        "A key can't have expired before it is made: choose a later time."
		);
	return 0;
}

int fog_key_add(
        struct fog_accounts *a, const struct fog_key_new *fresh, struct fog_key *out,
        char secret[FOG_KEY_LEN + 1], struct fog_denial *refusal
)
{
	struct keying k = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()},
	        .fresh = fresh,
	        .out = out};
	uint8_t raw[SECRET_LEN];
	int r = key_new_check(fresh, k.work.now_us, refusal);

	secret[0] = '\0';
	if (r < 0)
		return r;
	randombytes_buf(raw, sizeof(raw));
	strcpy(secret, "fog_sk_");
	sodium_bin2base64(
	        secret + 7, FOG_SECRET_LEN + 1, raw, sizeof(raw),
	        sodium_base64_VARIANT_URLSAFE_NO_PADDING
	);
	sodium_memzero(raw, sizeof(raw));
	crypto_generichash(k.hash, sizeof(k.hash), (const uint8_t *)secret, FOG_KEY_LEN, NULL, 0);
	r = accounts_write(&k.work, add_work);
	if (r < 0)
		sodium_memzero(secret, FOG_KEY_LEN + 1);
	return r;
}

static int get_work(struct fog_tx *tx, void *ctx)
{
	struct keying *k = ctx;
	struct fog_rows row;
	int r = fog_db_one(
	        tx, &row, "SELECT " KEY_COLUMNS " FROM api_key WHERE id = $1 AND account_id = $2",
	        FOG_BIND(FOG_INT(k->key_id), FOG_INT(k->user_id))
	);

	if (r == 0)
		key_row(&row, k->out);
	fog_rows_end(&row);
	return r;
}

int fog_key_get(
        struct fog_accounts *a, int64_t user_id, int64_t key_id, struct fog_key *out,
        struct fog_denial *refusal
)
{
	struct keying k = {
	        .work = {.a = a, .refusal = refusal},
	        .user_id = user_id,
	        .key_id = key_id,
	        .out = out};

	return accounts_read(&k.work, get_work);
}

static int list_work(struct fog_tx *tx, void *ctx)
{
	struct keying *k = ctx;
	struct fog_rows row;
	unsigned n = 0;
	int r = fog_db_ask(
	        tx, &row,
	        "SELECT " KEY_COLUMNS
	        " FROM api_key WHERE account_id = $1 AND id > $2 AND ($3 = 1 OR revoked_at = 0) "
	        "ORDER BY id LIMIT $4",
	        FOG_BIND(
	                FOG_INT(k->user_id), FOG_INT(k->after), FOG_INT(k->revoked),
	                FOG_INT(k->limit)
	        )
	);

	if (r < 0)
		return r;
	while (n < k->limit && (r = fog_rows_next(&row)) > 0)
		key_row(&row, &k->out[n++]);
	fog_rows_end(&row);
	return r < 0 ? r : (int)n;
}

int fog_key_list(
        struct fog_accounts *a, int64_t user_id, int64_t after, unsigned limit, bool revoked,
        struct fog_key *out, struct fog_denial *refusal
)
{
	struct keying k = {
	        .work = {.a = a, .refusal = refusal},
	        .user_id = user_id,
	        .after = after,
	        .limit = limit < FOG_ACCOUNTS_LIST_MAX ? limit : FOG_ACCOUNTS_LIST_MAX,
	        .revoked = revoked,
	        .out = out};

	return accounts_read(&k.work, list_work);
}

static int revoke_work(struct fog_tx *tx, void *ctx)
{
	struct keying *k = ctx;
	int r = fog_db_run(
	        tx,
	        "UPDATE api_key SET revoked_at = $3 WHERE id = $1 AND account_id = $2 AND revoked_at = 0",
	        FOG_BIND(FOG_INT(k->key_id), FOG_INT(k->user_id), FOG_INT(k->work.now_us))
	);

	if (r == 0)
		return refuse_store(k->work.refusal, -ENOENT);
	return r < 0 ? r : rights_changed(tx, k->work.now_us, RIGHTS_KEY, k->key_id);
}

int keys_revoke(struct fog_tx *tx, struct work *w, int64_t user_id)
{
	int r = fog_db_run(
	        tx, "UPDATE api_key SET revoked_at = $2 WHERE account_id = $1 AND revoked_at = 0",
	        FOG_BIND(FOG_INT(user_id), FOG_INT(w->now_us))
	);

	return r <= 0 ? r : rights_changed(tx, w->now_us, RIGHTS_ACCOUNT, user_id);
}

int fog_key_revoke(
        struct fog_accounts *a, int64_t user_id, int64_t key_id, struct fog_denial *refusal
)
{
	struct keying k = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()},
	        .user_id = user_id,
	        .key_id = key_id};

	return accounts_change(&k.work, revoke_work);
}
