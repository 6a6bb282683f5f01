// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Accounts of the platform: who somebody is, and how he shows it. Passwords, sessions (a JWT for 30 minutes and a
// refresh token for 7 days), one-time codes, API keys. All of it lies in the platform's store (store/db.h), which other
// control planes may share; nothing here knows HTTP.
//
// Any thread, unless it says otherwise. Times are microseconds since 1970, UTC; 0 stands for never. Texts in results are
// copies. What is secret in a result is the caller's to wipe (sodium_memzero).
//
// Errors of all functions, each with 'refusal' filled in (which may be NULL):
//   -EACCES  not known, or no longer            401
//   -EPERM   known, but may not                 403
//   -ENOENT  no such object                     404
//   -EEXIST  in the way of what is there        409
//   -ESTALE  changed meanwhile                  412
//   -EINVAL  not of the right form              422
//   -EDQUOT  too many tries; retry_after_s      429
//   -EAGAIN, -EBUSY  not now; retry_after_s     503
//   -ENOMEM, -ENOSPC, -EIO  logged              500
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../store/db.h"
#include "rights.h"

enum {
	FOG_USER_NAME_MIN = 3,
	FOG_USER_NAME_MAX = 64,
	FOG_PASSWORD_MIN = 8, // characters
	FOG_PASSWORD_MAX = 128,
	FOG_PASSWORD_BYTES_MAX = 512,
	FOG_SECRET_LEN = 43, // 32 bytes in base64url
	FOG_KEY_LEN = 7 + FOG_SECRET_LEN, // fog_sk_..
	FOG_ACCOUNTS_LIST_MAX =
	        201, // of a list: a page of 200, and one more, which tells whether others follow
	FOG_KEY_NAME_MAX = 100,
	FOG_KEYS_MAX = 50, // of an account, good ones
	FOG_BEARER_MAX = 1024,
	FOG_ACCESS_MAX = 640,
	FOG_TOTP_SECRET_LEN = 32, // base32
	FOG_TOTP_URI_MAX = 256,
	FOG_BACKUP_CODES = 10,
	FOG_BACKUP_CODE_LEN = 9, // XXXX-XXXX
	FOG_SOURCE_MAX = 45, // an IP address
	FOG_ACCESS_MINUTES = 30,
	FOG_REFRESH_DAYS = 7,
	FOG_RESET_MINUTES = 60,
	FOG_MIRROR_MS = 250, // how often the store is asked what has changed
	FOG_MIRROR_STALE_MS = 2000, // nobody is let in by a store that has been away for longer
};

struct fog_accounts;

// What a caller is told, and what the audit is told beyond it. Static texts.
struct fog_denial {
	const char *code; // "bad_token", "token_expired", "token_revoked", "bad_login", ...
	const char *why; // for the audit only: "jwt_kid", "password", ...; NULL: as 'code'
	const char *text; // one sentence with its mend
	unsigned retry_after_s; // 0: trying again does not help
};

struct fog_accounts_params {
	struct fog_db *db; // migrated; outlives the accounts
	const char *
	        key_file; // 32 bytes that seal secrets in the store, mode 0600; made for a new store
	bool admins_need_totp; // without a one-time code set up they are but users
	unsigned access_minutes, refresh_days; // 0: FOG_ACCESS_MINUTES, FOG_REFRESH_DAYS
	int64_t (*now_us)(void); // NULL: the host's clock
	uint64_t (*steady_ms)(void); // never goes back; NULL: the kernel's
	char *error; // gets a sentence with its mend
	size_t error_len;
	// What changes rights and nobody has asked for: lockouts, keys that are replaced, sessions that are ended or over. Not inside of a transaction; any
	// thread. 'details' is the text of a JSON object. NULL: nobody wants to know.
	void (*note)(void *ctx, const char *action, const char *object, const char *details);
	void *note_ctx;
};

// Returns 0, -ESTALE (the store lacks a migration), -EKEYREJECTED (another key file made this store), -EPERM (owner or
// mode of the key file), -errno.
int fog_accounts_open(struct fog_accounts **, const struct fog_accounts_params *);
// A thread that calls fog_accounts_follow each FOG_MIRROR_MS. Returns 0 or -errno.
int fog_accounts_start(struct fog_accounts *);
void fog_accounts_close(struct fog_accounts *); // accepts NULL
// Learn what others have changed; now and then make a new signing key, write when keys were used, and delete what is over.
// Returns 0 or an error of the store, which is logged.
int fog_accounts_follow(struct fog_accounts *);
// What tokens of this platform say as their 'aud'.
const char *fog_accounts_platform(const struct fog_accounts *);
// How often Argon2id has run since it was opened.
uint64_t fog_accounts_hashes(struct fog_accounts *);
// Public keys that verify tokens, as RFC 7517 writes a set of them; NULL: no memory.
json_t *fog_accounts_jwks(struct fog_accounts *);
// A new signing key now, not when the present one is 30 days old.
int fog_accounts_rotate(struct fog_accounts *, struct fog_denial *);

// Callers.

enum fog_caller_kind {
	FOG_CALLER_NONE,
	FOG_CALLER_LOCAL, // at the UNIX socket
	FOG_CALLER_STATIC, // with the token of rest.token_file
	FOG_CALLER_SESSION,
	FOG_CALLER_KEY,
};

struct fog_caller {
	enum fog_caller_kind kind;
	int64_t user_id, key_id, session_id; // 0: has none
	uint32_t roles; // enum fog_account_role
	uint32_t scopes; // enum fog_scope; of all but keys FOG_SCOPE_ALL
	enum fog_tier tier;
	struct fog_limits limits; // of the key, else of the account
	struct fog_limits owner; // of the account
	char
	        name[FOG_USER_NAME_MAX +
	             1]; // of the account; "uid 0", "token 12ab.." of those without one
	char actor[32]; // unique among all callers: "user:7", "key:3", "uid:0", "token:12ab.."
};

// Who sends this bearer token: a JWT or an API key. What has been seen before costs a hash and a look into memory, and
// neither a signature nor the store. -EACCES, or -EAGAIN while the store has been away for longer than FOG_MIRROR_STALE_MS.
int fog_caller_find(struct fog_accounts *, const char *bearer, size_t len, struct fog_caller *, struct fog_denial *);
// The same as far as memory knows, so that nothing is looked up: -ENOENT, what was not seen before.
int fog_caller_known(struct fog_accounts *, const char *bearer, size_t len, struct fog_caller *, struct fog_denial *);
// Those that this library does not know. 'id' is fog_token.id.
void fog_caller_local(struct fog_caller *, uint32_t uid, uint32_t roles);
void fog_caller_static(struct fog_caller *, const char *id);

// Users.

struct fog_user {
	int64_t id, version; // the version grows with every change
	char name[FOG_USER_NAME_MAX + 1];
	uint32_t roles;
	enum fog_tier tier;
	struct fog_limits limits;
	bool disabled, password, totp; // whether it has one
	unsigned backup_codes; // left
	int64_t created_us, changed_us, password_us, login_us;
};

struct fog_user_new {
	const char *name; // letters, digits, '.', '_', '-'; capitals become small ones
	const char *password; // NULL: none until a reset
	uint32_t roles;
	enum fog_tier tier;
	struct fog_limits limits;
};

// NULL: stays. 'version' 0: whichever it is.
struct fog_user_change {
	int64_t version;
	const uint32_t *roles;
	const enum fog_tier *tier;
	const bool *disabled; // ends all sessions
	const struct fog_limits *limits;
};

struct fog_user_query {
	int64_t after; // ids above it
	unsigned limit; // at most FOG_ACCOUNTS_LIST_MAX
	uint32_t roles; // one of these; 0: any
	int disabled; // 0, 1; -1: both
	const char *prefix; // of the name; NULL: any
};

int fog_user_add(struct fog_accounts *, const struct fog_user_new *, struct fog_user *, struct fog_denial *);
int fog_user_get(struct fog_accounts *, int64_t id, struct fog_user *, struct fog_denial *);
int fog_user_find(struct fog_accounts *, const char *name, struct fog_user *, struct fog_denial *);
// Returns how many.
int fog_user_list(struct fog_accounts *, const struct fog_user_query *, struct fog_user *, struct fog_denial *);
// -EEXIST "last_admin": somebody must be left who is admin and not disabled, and where admins need one-time codes who has
// them if this one does; so for deletion.
int fog_user_change(struct fog_accounts *, int64_t id, const struct fog_user_change *, struct fog_user *, struct fog_denial *);
int fog_user_delete(struct fog_accounts *, int64_t id, int64_t version, struct fog_denial *);
// Forget failed logins from everywhere.
int fog_user_unlock(struct fog_accounts *, int64_t id, struct fog_denial *);

// Logging in.

struct fog_tokens {
	char access[FOG_ACCESS_MAX + 1], refresh[FOG_SECRET_LEN + 1];
	int64_t access_ends_us, refresh_ends_us;
	int64_t user_id, session_id;
	char step[FOG_SECRET_LEN + 1]; // of a login that waits for its code
	int64_t step_ends_us;
	int codes_left; // backup codes, after one was used; else -1
};

// Whose a token is that logs in, whether it is still good or not, before anything is done with it.
// Returns 0, -ENOENT (nobody's), or an error of the store.
enum fog_token_kind { FOG_TOKEN_STEP, FOG_TOKEN_REFRESH, FOG_TOKEN_RESET };

int fog_token_owner(
        struct fog_accounts *, enum fog_token_kind, const char *token, int64_t *user_id
);

struct fog_login {
	const char *name, *password;
	const char *code; // one-time or backup code; NULL: ask for it when it is needed
	const char *source; // IP address of the caller, or "local"
	// The password is right, and nothing has come of it yet. Returns 0, or -EAGAIN: nothing may. NULL: it may.
	int (*verified)(void *ctx, int64_t user_id);
	void *ctx;
};

enum { FOG_LOGIN_CODE = 1 };

// Returns 0 with tokens of a new session, FOG_LOGIN_CODE with a 'step' for fog_login_code, -EACCES "bad_login", -EPERM
// "disabled" (after the right password only), -EDQUOT "locked", -EBUSY "busy". Takes as long for a name that nobody has.
int fog_login(struct fog_accounts *, const struct fog_login *, struct fog_tokens *, struct fog_denial *);
// The second half. A step is good for 5 minutes, one session and 5 codes.
int fog_login_code(struct fog_accounts *, const char *step, const char *code, const char *source, struct fog_tokens *, struct fog_denial *);

// Sessions.

struct fog_session {
	int64_t id, user_id;
	int64_t created_us, used_us, ends_us;
	char source[FOG_SOURCE_MAX + 1]; // where it was used last
};

// New tokens for a refresh token, once: a used one that comes again ends its session (-EACCES "token_reused").
int fog_session_refresh(struct fog_accounts *, const char *refresh, const char *source, struct fog_tokens *, struct fog_denial *);
int fog_session_end(struct fog_accounts *, int64_t user_id, int64_t session_id, struct fog_denial *);
// All of an account but 'except' (0: all). Returns how many.
int fog_session_end_all(struct fog_accounts *, int64_t user_id, int64_t except, struct fog_denial *);
// Those that have not ended, ids above 'after'. Returns how many, at most 'limit'.
int fog_session_list(struct fog_accounts *, int64_t user_id, int64_t after, unsigned limit, struct fog_session *, struct fog_denial *);

// Passwords.

// Ends all sessions and answers with tokens of a new one. A wrong old password counts as a failed login.
int fog_password_change(struct fog_accounts *, int64_t user_id, const char *old, const char *fresh, const char *source, struct fog_tokens *, struct fog_denial *);
// Without the old one, by who may read the store itself. Ends all sessions and API keys.
int fog_password_set(struct fog_accounts *, int64_t user_id, const char *fresh, struct fog_denial *);
// A token that sets a new password, once, for FOG_RESET_MINUTES; those before it are over.
int fog_reset_make(struct fog_accounts *, int64_t user_id, char token[FOG_SECRET_LEN + 1], int64_t *ends_us, struct fog_denial *);
// Ends all sessions and API keys: somebody else may have made them. Returns 0 with whose it was, -EACCES "bad_reset".
int fog_reset_use(struct fog_accounts *, const char *token, const char *fresh, int64_t *user_id, struct fog_denial *);
// A digest of the digest of a text that holds a password, for comparing it with another one: as hard to guess at as a stored password,
// the same on all control planes of a store. Returns 0, -EBUSY, -ENOMEM.
int fog_secret_digest(struct fog_accounts *, const uint8_t plain[32], uint8_t digest[32], struct fog_denial *);

// One-time codes (RFC 6238: SHA-1, 6 digits, 30 s), and backup codes for who lost the device.

struct fog_totp {
	char secret[FOG_TOTP_SECRET_LEN + 1]; // base32
	char uri[FOG_TOTP_URI_MAX]; // otpauth://
};

typedef char fog_backup_codes[FOG_BACKUP_CODES][FOG_BACKUP_CODE_LEN + 1];

// A new secret, asked for at logins once it is confirmed. -EEXIST "totp_on". A wrong password counts as a failed login.
int fog_totp_begin(struct fog_accounts *, int64_t user_id, const char *password, const char *source, struct fog_totp *, struct fog_denial *);
int fog_totp_confirm(struct fog_accounts *, int64_t user_id, const char *code, const char *source, fog_backup_codes, struct fog_denial *);
// New backup codes in place of the old ones.
int fog_totp_codes(struct fog_accounts *, int64_t user_id, const char *code, const char *source, fog_backup_codes, struct fog_denial *);
// The owner takes it away with his password and a code, an admin for who has lost both.
int fog_totp_off(struct fog_accounts *, int64_t user_id, const char *password, const char *code, const char *source, struct fog_denial *);
int fog_totp_remove(struct fog_accounts *, int64_t user_id, struct fog_denial *);

// API keys.

struct fog_key {
	int64_t id, user_id;
	char name[FOG_KEY_NAME_MAX * 4 + 1]; // UTF-8
	uint32_t scopes;
	struct fog_limits limits;
	int64_t created_us, ends_us, used_us, revoked_us;
};

struct fog_key_new {
	int64_t user_id;
	const char *name;
	uint32_t scopes;
	uint32_t may; // scopes of who asks: a key can't make one that may more
	struct fog_limits limits;
	int64_t ends_us; // 0: never
};

// 'secret' is shown this once.
int fog_key_add(struct fog_accounts *, const struct fog_key_new *, struct fog_key *, char secret[FOG_KEY_LEN + 1], struct fog_denial *);
int fog_key_get(struct fog_accounts *, int64_t user_id, int64_t key_id, struct fog_key *, struct fog_denial *);
// Ids above 'after'; with 'revoked' those that are over, too. Returns how many, at most 'limit'.
int fog_key_list(struct fog_accounts *, int64_t user_id, int64_t after, unsigned limit, bool revoked, struct fog_key *, struct fog_denial *);
int fog_key_revoke(struct fog_accounts *, int64_t user_id, int64_t key_id, struct fog_denial *);
