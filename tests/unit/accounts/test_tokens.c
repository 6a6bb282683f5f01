// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Sessions, access and refresh tokens, API keys; two control planes on one store, and a store that is away.
#include <sodium.h>

#include "rig.h"

static struct fog_denial refusal;
static struct fog_caller caller;

static void test_access(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	struct fog_tokens t;
	char other[FOG_ACCESS_MAX + 1], longer[FOG_BEARER_MAX + 2];

	rig_user(a, "gina", RIG_PASSWORD, FOG_ROLE_USER);
	rig_login(a, "gina", &t);
	CU_ASSERT_EQUAL(t.access_ends_us, (rig_now() + 30 * RIG_MINUTE) / RIG_SECOND * RIG_SECOND);
	CU_ASSERT_EQUAL(t.refresh_ends_us, rig_now() + 7 * RIG_DAY);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(rig_find(a, t.access, &caller, &refusal), 0);
	// Every character counts.
	size_t len = strlen(t.access);
	for (size_t i = 0; i < len; i++) {
		strcpy(other, t.access);
		other[i] = other[i] == 'A' ? 'Q' : 'A';
		CU_ASSERT_EQUAL(rig_find(a, other, &caller, &refusal), -EACCES);
		CU_ASSERT_STRING_EQUAL(refusal.code, "bad_token");
		CU_ASSERT(caller.kind == FOG_CALLER_NONE && caller.roles == 0);
		other[i] = '\0';
		CU_ASSERT_EQUAL(rig_find(a, other, &caller, &refusal), -EACCES);
	}
	memset(longer, 'a', sizeof(longer));
	CHECK_REFUSED(
	        fog_caller_find(a, longer, sizeof(longer), &caller, &refusal), -EACCES, "bad_token",
	        "length"
	);
	CHECK_REFUSED(fog_caller_find(a, "", 0, &caller, &refusal), -EACCES, "bad_token", "length");
	rig_now_us += 30 * RIG_MINUTE - RIG_SECOND;
	CU_ASSERT_EQUAL(rig_find(a, t.access, &caller, &refusal), 0);
	rig_now_us += RIG_SECOND;
	CHECK_REFUSED(
	        rig_find(a, t.access, &caller, &refusal), -EACCES, "token_expired", "jwt_expired"
	);
	rig_end(a, db);
}

static void test_refresh(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	struct fog_tokens first, second, third, other;

	rig_user(a, "gina", RIG_PASSWORD, FOG_ROLE_USER);
	rig_login(a, "gina", &first);
	rig_login(a, "gina", &other);
	CU_ASSERT_EQUAL(fog_session_refresh(a, first.refresh, RIG_HOME, &second, &refusal), 0);
	CU_ASSERT(
	        second.session_id == first.session_id && strcmp(second.refresh, first.refresh) != 0
	);
	CU_ASSERT_EQUAL(rig_find(a, first.access, &caller, &refusal), 0);
	CU_ASSERT_EQUAL(rig_find(a, second.access, &caller, &refusal), 0);
	// Twice is a theft: the whole family is out, at once, and nobody else.
	rig_noted[0] = '\0';
	CHECK_REFUSED(
	        fog_session_refresh(a, first.refresh, RIG_HOME, &third, &refusal), -EACCES,
	        "token_reused", "refresh_reused"
	);
	CU_ASSERT_EQUAL(third.refresh[0], '\0');
	char revoked[128];
	snprintf(
	        revoked, sizeof(revoked),
	        "session.revoke /v1/auth/sessions/%lld "
	        "{\"why\":\"refresh_token_reused\",\"user_id\":%lld}\n",
	        (long long)first.session_id, (long long)first.user_id
	);
	CU_ASSERT_STRING_EQUAL(rig_noted, revoked);
	// Whose it was is for the audit.
	CU_ASSERT(third.user_id == first.user_id && third.session_id == first.session_id);
	CHECK_REFUSED(
	        rig_find(a, first.access, &caller, &refusal), -EACCES, "token_revoked",
	        "session_revoked"
	);
	CHECK_REFUSED(
	        rig_find(a, second.access, &caller, &refusal), -EACCES, "token_revoked",
	        "session_revoked"
	);
	CHECK_REFUSED(
	        fog_session_refresh(a, second.refresh, RIG_HOME, &third, &refusal), -EACCES,
	        "token_revoked", "session_revoked"
	);
	CU_ASSERT_EQUAL(rig_find(a, other.access, &caller, &refusal), 0);
	CHECK_REFUSED(
	        fog_session_refresh(a, "nothing", RIG_HOME, &third, &refusal), -EACCES, "bad_token",
	        "refresh_unknown"
	);
	CU_ASSERT(third.user_id == 0 && third.session_id == 0);
	CHECK_REFUSED(
	        fog_session_refresh(a, other.access, RIG_HOME, &third, &refusal), -EACCES,
	        "bad_token", "refresh_unknown"
	);
	rig_now_us += 7 * RIG_DAY;
	CHECK_REFUSED(
	        fog_session_refresh(a, other.refresh, RIG_HOME, &third, &refusal), -EACCES,
	        "token_expired", "refresh_expired"
	);
	rig_end(a, db);
}

static void test_sessions(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	int64_t id = rig_user(a, "gina", RIG_PASSWORD, FOG_ROLE_USER),
	        other = rig_user(a, "hugo", RIG_PASSWORD, FOG_ROLE_USER);
	struct fog_tokens t[3];
	struct fog_session list[8];

	for (int i = 0; i < 3; i++)
		rig_login(a, "gina", &t[i]);
	CU_ASSERT_EQUAL(fog_session_list(a, id, 0, 8, list, &refusal), 3);
	CU_ASSERT(list[0].id == t[0].session_id && list[0].user_id == id);
	CU_ASSERT_STRING_EQUAL(list[0].source, RIG_HOME);
	CU_ASSERT_EQUAL(fog_session_list(a, id, list[0].id, 1, list, &refusal), 1);
	CU_ASSERT_EQUAL(fog_session_list(a, other, 0, 8, list, &refusal), 0);
	CHECK_REFUSED(
	        fog_session_end(a, other, t[0].session_id, &refusal), -ENOENT, "not_found",
	        "not_found"
	);
	CU_ASSERT_EQUAL(rig_find(a, t[0].access, &caller, &refusal), 0);
	CU_ASSERT_EQUAL(fog_session_end(a, id, t[0].session_id, &refusal), 0);
	CHECK_REFUSED(
	        rig_find(a, t[0].access, &caller, &refusal), -EACCES, "token_revoked",
	        "session_revoked"
	);
	CHECK_REFUSED(
	        fog_session_end(a, id, t[0].session_id, &refusal), -ENOENT, "not_found", "not_found"
	);
	CU_ASSERT_EQUAL(rig_find(a, t[2].access, &caller, &refusal), 0);
	CU_ASSERT_EQUAL(fog_session_end_all(a, id, t[1].session_id, &refusal), 1);
	CHECK_REFUSED(fog_session_end_all(a, 4711, 0, &refusal), -ENOENT, "not_found", "not_found");
	CHECK_REFUSED(
	        rig_find(a, t[2].access, &caller, &refusal), -EACCES, "token_revoked",
	        "session_revoked"
	);
	CU_ASSERT_EQUAL(rig_find(a, t[1].access, &caller, &refusal), 0);
	CU_ASSERT_EQUAL(fog_user_delete(a, id, 0, &refusal), 0);
	CHECK_REFUSED(
	        rig_find(a, t[1].access, &caller, &refusal), -EACCES, "token_revoked",
	        "session_gone"
	);
	rig_end(a, db);
}

static void test_rights_at_once(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	int64_t id = rig_user(a, "gina", RIG_PASSWORD, FOG_ROLE_OPERATOR);
	const uint32_t auditor = FOG_ROLE_AUDITOR;
	const struct fog_limits limits = {.read = 12345};
	struct fog_user_change change = {.roles = &auditor, .limits = &limits};
	struct fog_tokens t;
	struct fog_user u;

	rig_login(a, "gina", &t);
	CU_ASSERT(
	        rig_find(a, t.access, &caller, &refusal) == 0 && caller.roles == FOG_ROLE_OPERATOR
	);
	CU_ASSERT_EQUAL(fog_user_change(a, id, &change, &u, &refusal), 0);
	CU_ASSERT(
	        rig_find(a, t.access, &caller, &refusal) == 0 && caller.roles == FOG_ROLE_AUDITOR
	);
	CU_ASSERT_EQUAL(caller.limits.read, 12345);
	rig_end(a, db);
}

static void test_signing_keys(void)
{
	struct fog_db *db = rig_store(), *second = rig_open();
	struct fog_accounts *a = rig_accounts(db), *b = rig_accounts(second);
	struct fog_tokens old, fresh;
	json_t *set;

	rig_user(a, "gina", RIG_PASSWORD, FOG_ROLE_USER);
	rig_login(a, "gina", &old);
	CU_ASSERT_EQUAL(rig_find(b, old.access, &caller, &refusal), 0);
	set = fog_accounts_jwks(a);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(set, "keys")), 1);
	json_decref(set);
	rig_now_us += 29 * RIG_MINUTE;
	CU_ASSERT_EQUAL(fog_accounts_rotate(a, &refusal), 0);
	CU_ASSERT_EQUAL(rig_find(a, old.access, &caller, &refusal), 0);
	// It signs when the other one has heard of it.
	rig_login(a, "gina", &fresh);
	CU_ASSERT_EQUAL(rig_find(b, fresh.access, &caller, &refusal), 0);
	rig_now_us += 6 * RIG_SECOND;
	rig_login(a, "gina", &fresh);
	CHECK_REFUSED(
	        rig_find(b, fresh.access, &caller, &refusal), -EACCES, "bad_token", "jwt_kid"
	);
	CU_ASSERT_EQUAL(fog_accounts_follow(b), 0);
	CU_ASSERT_EQUAL(rig_find(b, fresh.access, &caller, &refusal), 0);
	// By itself after 30 days; the old one is forgotten a day later.
	rig_now_us += 30 * RIG_DAY;
	rig_noted[0] = '\0';
	CU_ASSERT_EQUAL(fog_accounts_follow(b), 0);
	CU_ASSERT_EQUAL(fog_accounts_follow(a), 0);
	CU_ASSERT_EQUAL(strncmp(rig_noted, "signing_key.rotate ", 19), 0); // by one of them
	CU_ASSERT_PTR_NULL(strstr(rig_noted + 19, "signing_key"));
	CU_ASSERT_PTR_NOT_NULL(
	        strstr(rig_noted, "\nsession.expire /v1/auth/sessions {\"sessions\":3,")
	);
	set = fog_accounts_jwks(a);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(set, "keys")), 2);
	json_decref(set);
	rig_now_us += 1 * RIG_DAY + 2 * RIG_MINUTE;
	set = fog_accounts_jwks(b);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(set, "keys")), 1);
	json_decref(set);
	fog_accounts_close(b);
	fog_db_close(second);
	rig_end(a, db);
}

static void test_keys(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	int64_t id = rig_user(a, "gina", RIG_PASSWORD, FOG_ROLE_OPERATOR),
	        other = rig_user(a, "hugo", NULL, FOG_ROLE_USER);
	struct fog_key_new n = {
	        .user_id = id,
	        .name = "Nagios \xe2\x9c\x93",
	        .scopes = FOG_SCOPE_NODE_READ | FOG_SCOPE_METRICS_READ,
	        .may = FOG_SCOPE_ALL,
	        .limits = {.read = 1000},
	        .ends_us = rig_now() + 40 * RIG_MINUTE};
	char secret[FOG_KEY_LEN + 1], wrong[FOG_KEY_LEN + 1];
	struct fog_key key, list[4];

	CU_ASSERT_EQUAL_FATAL(fog_key_add(a, &n, &key, secret, &refusal), 0);
	CU_ASSERT(strlen(secret) == FOG_KEY_LEN && strncmp(secret, "fog_sk_", 7) == 0);
	CU_ASSERT_EQUAL(rig_find(a, secret, &caller, &refusal), 0);
	CU_ASSERT(
	        caller.kind == FOG_CALLER_KEY && caller.user_id == id && caller.key_id == key.id &&
	        caller.session_id == 0
	);
	CU_ASSERT(
	        caller.roles == FOG_ROLE_OPERATOR && caller.scopes == n.scopes &&
	        caller.limits.read == 1000
	);
	strcpy(wrong, secret);
	wrong[20] = wrong[20] == 'A' ? 'B' : 'A';
	CHECK_REFUSED(rig_find(a, wrong, &caller, &refusal), -EACCES, "bad_token", "key_unknown");
	CHECK_REFUSED(rig_find(a, "fog_sk_", &caller, &refusal), -EACCES, "bad_token", "key_form");
	// When it was used, within a minute.
	rig_now_us += RIG_MINUTE + RIG_SECOND;
	int64_t used = rig_now();
	CU_ASSERT_EQUAL(rig_find(a, secret, &caller, &refusal), 0);
	CU_ASSERT_EQUAL(fog_accounts_follow(a), 0);
	CU_ASSERT_EQUAL(fog_key_get(a, id, key.id, &key, &refusal), 0);
	CU_ASSERT_EQUAL(key.used_us, used);
	CHECK_REFUSED(
	        fog_key_get(a, other, key.id, &key, &refusal), -ENOENT, "not_found", "not_found"
	);
	CHECK_REFUSED(
	        fog_key_revoke(a, other, key.id, &refusal), -ENOENT, "not_found", "not_found"
	);
	rig_now_us += 40 * RIG_MINUTE;
	CHECK_REFUSED(
	        rig_find(a, secret, &caller, &refusal), -EACCES, "token_expired", "key_expired"
	);
	n.ends_us = 0;
	CU_ASSERT_EQUAL_FATAL(fog_key_add(a, &n, &key, secret, &refusal), 0);
	rig_now_us += 400 * RIG_DAY;
	CU_ASSERT_EQUAL(fog_accounts_follow(a), 0);
	CU_ASSERT_EQUAL(rig_find(a, secret, &caller, &refusal), 0);
	CU_ASSERT_EQUAL(fog_key_revoke(a, id, key.id, &refusal), 0);
	CHECK_REFUSED(
	        rig_find(a, secret, &caller, &refusal), -EACCES, "token_revoked", "key_revoked"
	);
	CHECK_REFUSED(fog_key_revoke(a, id, key.id, &refusal), -ENOENT, "not_found", "not_found");
	CU_ASSERT_EQUAL(fog_key_list(a, id, 0, 4, false, list, &refusal), 1);
	CU_ASSERT_EQUAL(fog_key_list(a, id, 0, 4, true, list, &refusal), 2);
	CU_ASSERT(list[1].revoked_us == rig_now() && strcmp(list[1].name, n.name) == 0);
	rig_end(a, db);
}

static void test_keys_refused(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	int64_t id = rig_user(a, "gina", RIG_PASSWORD, FOG_ROLE_OPERATOR);
	const bool yes = true;
	struct fog_user_change off = {.disabled = &yes};
	struct fog_key_new n = {
	        .user_id = id, .name = "", .scopes = FOG_SCOPE_TRACE, .may = FOG_SCOPE_ALL};
	char secret[FOG_KEY_LEN + 1];
	struct fog_user u;
	struct fog_key key;

	CHECK_REFUSED(fog_key_add(a, &n, &key, secret, &refusal), -EINVAL, "bad_name", "bad_name");
	n.name = "k";
	n.may = FOG_SCOPE_NODE_READ;
	CHECK_REFUSED(
	        fog_key_add(a, &n, &key, secret, &refusal), -EPERM, "scope_missing", "scope_missing"
	);
	n.may = FOG_SCOPE_ALL;
	n.scopes = 0;
	CHECK_REFUSED(
	        fog_key_add(a, &n, &key, secret, &refusal), -EINVAL, "bad_scope", "bad_scope"
	);
	n.scopes = 1u << FOG_SCOPES;
	CHECK_REFUSED(
	        fog_key_add(a, &n, &key, secret, &refusal), -EINVAL, "bad_scope", "bad_scope"
	);
	n.scopes = FOG_SCOPE_TRACE;
	n.ends_us = rig_now();
	CHECK_REFUSED(
	        fog_key_add(a, &n, &key, secret, &refusal), -EINVAL, "bad_expiry", "bad_expiry"
	);
	n.ends_us = 0;
	n.user_id = 4711;
	CU_ASSERT_EQUAL(fog_key_add(a, &n, &key, secret, &refusal), -ENOENT);
	CU_ASSERT_EQUAL(secret[0], '\0');
	n.user_id = id;
	for (int i = 0; i < FOG_KEYS_MAX; i++)
		CU_ASSERT_EQUAL(fog_key_add(a, &n, &key, secret, &refusal), 0);
	CU_ASSERT_EQUAL(rig_find(a, secret, &caller, &refusal), 0);
	CU_ASSERT_EQUAL(fog_user_change(a, id, &off, &u, &refusal), 0);
	CHECK_REFUSED(
	        rig_find(a, secret, &caller, &refusal), -EACCES, "token_revoked", "account_disabled"
	);
	CHECK_REFUSED(
	        fog_key_add(a, &n, &key, secret, &refusal), -EEXIST, "too_many_keys",
	        "too_many_keys"
	);
	rig_end(a, db);
}

// Seventy accounts that nobody has, in one transaction.
static int changes_work(struct fog_tx *tx, void *ctx)
{
	int r = 0;

	for (int i = 0; i < 70 && r >= 0; i++) {
		r = fog_db_run(tx, "UPDATE rights_version SET version = version + 1", FOG_NONE);
		if (r >= 0)
			r = fog_db_run(
			        tx,
			        "INSERT INTO rights_change (version, kind, object, changed_at) "
			        "SELECT version, 1, 4711, 0 FROM rights_version",
			        FOG_NONE
			);
	}
	return r < 0 ? r : 0;
}

// What one control plane has ended, the other one lets in until it looks, and no longer.
static void test_two(void)
{
	struct fog_db *db = rig_store(), *second = rig_open();
	struct fog_accounts *a = rig_accounts(db), *b = rig_accounts(second);
	int64_t id = rig_user(a, "gina", RIG_PASSWORD, FOG_ROLE_OPERATOR);
	struct fog_key_new n = {
	        .user_id = id, .name = "k", .scopes = FOG_SCOPE_TRACE, .may = FOG_SCOPE_ALL};
	struct fog_tokens t, kept;
	char secret[FOG_KEY_LEN + 1];
	struct fog_key key;

	rig_login(a, "gina", &t);
	rig_login(b, "gina", &kept);
	CU_ASSERT_EQUAL(fog_key_add(a, &n, &key, secret, &refusal), 0);
	CU_ASSERT_EQUAL(fog_accounts_follow(b), 0);
	CU_ASSERT_EQUAL(rig_find(b, t.access, &caller, &refusal), 0);
	CU_ASSERT_EQUAL(rig_find(b, kept.access, &caller, &refusal), 0);
	CU_ASSERT_EQUAL(rig_find(b, secret, &caller, &refusal), 0);
	CU_ASSERT_EQUAL(fog_session_end(a, id, t.session_id, &refusal), 0);
	CU_ASSERT_EQUAL(fog_key_revoke(a, id, key.id, &refusal), 0);
	CU_ASSERT_EQUAL(fog_accounts_follow(b), 0);
	CHECK_REFUSED(
	        rig_find(b, t.access, &caller, &refusal), -EACCES, "token_revoked",
	        "session_revoked"
	);
	CHECK_REFUSED(
	        rig_find(b, secret, &caller, &refusal), -EACCES, "token_revoked", "key_revoked"
	);
	CU_ASSERT_EQUAL(rig_find(b, kept.access, &caller, &refusal), 0);
	// More changes than one look takes: all are looked up again.
	CU_ASSERT_EQUAL(fog_db_write(db, changes_work, NULL), 0);
	CU_ASSERT_EQUAL(fog_session_end(a, id, kept.session_id, &refusal), 0);
	CU_ASSERT_EQUAL(fog_accounts_follow(b), 0);
	CHECK_REFUSED(
	        rig_find(b, kept.access, &caller, &refusal), -EACCES, "token_revoked",
	        "session_revoked"
	);
	fog_accounts_close(b);
	fog_db_close(second);
	rig_end(a, db);
}

static void test_away(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	struct fog_tokens t;

	rig_user(a, "gina", RIG_PASSWORD, FOG_ROLE_OPERATOR);
	rig_login(a, "gina", &t);
	CU_ASSERT_EQUAL(rig_find(a, t.access, &caller, &refusal), 0);
	rig_ms += FOG_MIRROR_STALE_MS;
	CU_ASSERT_EQUAL(rig_find(a, t.access, &caller, &refusal), 0);
	rig_ms += 1;
	CHECK_REFUSED(
	        rig_find(a, t.access, &caller, &refusal), -EAGAIN, "store_away", "store_away"
	);
	CU_ASSERT(refusal.retry_after_s > 0);
	CU_ASSERT_EQUAL(fog_accounts_follow(a), 0);
	CU_ASSERT_EQUAL(rig_find(a, t.access, &caller, &refusal), 0);
	rig_end(a, db);
}

// More callers than the cache holds: all get in, and what is revoked does not.
enum { MANY = 5000 };

static char many[MANY][FOG_KEY_LEN + 1];

static int many_work(struct fog_tx *tx, void *ctx)
{
	const int64_t *id = ctx;
	uint8_t hash[32];

	for (int i = 0; i < MANY; i++) {
		snprintf(many[i], sizeof(many[i]), "fog_sk_%043d", i);
		crypto_generichash(hash, sizeof(hash), (uint8_t *)many[i], FOG_KEY_LEN, NULL, 0);
		int r = fog_db_run(
		        tx,
		        "INSERT INTO api_key (account_id, hash, name, scopes, rate_auth, rate_write, rate_read, created_at, ends_at, "
		        "used_at, revoked_at) VALUES ($1, $2, 'k', 1, 0, 0, 0, 0, 0, 0, 0)",
		        FOG_BIND(FOG_INT(*id), FOG_BYTES(hash, sizeof(hash)))
		);
		if (r < 0)
			return r;
	}
	return 0;
}

static void test_many(void)
{
	struct fog_db *db = rig_store();
	struct fog_accounts *a = rig_accounts(db);
	int64_t id = rig_user(a, "gina", NULL, FOG_ROLE_USER);

	CU_ASSERT_EQUAL_FATAL(fog_db_write(db, many_work, &id), 0);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < MANY; i++)
			CU_ASSERT_EQUAL(rig_find(a, many[i], &caller, &refusal), 0);
	for (int i = MANY - 5; i < MANY; i++) {
		CU_ASSERT_EQUAL(rig_find(a, many[i], &caller, &refusal), 0);
		CU_ASSERT_EQUAL(fog_key_revoke(a, id, caller.key_id, &refusal), 0);
		CHECK_REFUSED(
		        rig_find(a, many[i], &caller, &refusal), -EACCES, "token_revoked",
		        "key_revoked"
		);
	}
	rig_end(a, db);
}

static void test_others(void)
{
	fog_caller_local(&caller, 0, FOG_ROLE_ADMIN);
	CU_ASSERT(
	        caller.kind == FOG_CALLER_LOCAL && caller.roles == FOG_ROLE_ADMIN &&
	        caller.scopes == FOG_SCOPE_ALL
	);
	CU_ASSERT_STRING_EQUAL(caller.actor, "uid:0");
	fog_caller_static(&caller, "0123456789abcdef");
	CU_ASSERT(caller.kind == FOG_CALLER_STATIC && caller.roles == FOG_ROLE_OPERATOR);
	CU_ASSERT_STRING_EQUAL(caller.actor, "token:0123456789abcdef");
}

int main(void)
{
	const CU_TestInfo tests[] = {
	        {"access tokens", test_access},
	        {"refresh tokens", test_refresh},
	        {"sessions", test_sessions},
	        {"changed rights count at once", test_rights_at_once},
	        {"signing keys", test_signing_keys},
	        {"API keys", test_keys},
	        {"API keys that are not made", test_keys_refused},
	        {"two control planes", test_two},
	        {"the store is away", test_away},
	        {"more callers than places", test_many},
	        {"callers without an account", test_others},
	        CU_TEST_INFO_NULL};

	return check_run("tokens", tests);
}
