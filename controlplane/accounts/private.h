// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files of this folder share.
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "accounts.h"
#include "cache.h"
#include "gate.h"
#include "seal.h"
#include "signing.h"

enum {
	SECRET_LEN = 32,
	HASH_LEN = 32,
	WHO_LEN = 16,
	NETWORK_MAX = 48,
	PLATFORM_MAX = 64,
	SESSIONS_MAX = 100
};

#define SECOND_US ((int64_t)1000000)
#define MINUTE_US (60 * SECOND_US)
#define DAY_US (24 * 60 * MINUTE_US)

struct fog_accounts {
	struct fog_db *db;
	struct seal *seal;
	bool admins_need_totp;
	int64_t access_us, refresh_us;
	int64_t (*now_us)(void);
	uint64_t (*steady_ms)(void);
	void (*note)(void *ctx, const char *action, const char *object, const char *details);
	void *note_ctx;
	char platform[PLATFORM_MAX + 1];
	struct cache *cache;
	struct signing signing;
	struct gate gate;
	_Atomic uint64_t hashes; // runs of Argon2id
	_Atomic uint64_t synced_ms; // when the store was last asked what has changed, and answered
	pthread_mutex_t follow_lock; // over what follows
	int64_t version; // up to which changes are known
	pthread_mutex_t chores_lock; // over what follows
	bool away; // the store did not answer
	int64_t swept_us; // when all old rows had been deleted
	unsigned sweeping; // which table is next
	int64_t used_us; // when the use of keys was last written
	pthread_t thread;
	pthread_mutex_t stop_lock;
	pthread_cond_t stop_cond;
	bool started, stop;
};

// What every transaction of ours gets, as the first member of its context.
struct work {
	struct fog_accounts *a;
	struct fog_denial *refusal;
	int64_t now_us;
	bool locks; // the failure that is counted locks somebody out
};

// note.c. For the audit, after the transaction.

// A login has failed: say so when that locks somebody out. 'user_id' 0: of a name that nobody has.
void accounts_note_lock(const struct work *, int64_t user_id, const char *network);
// A refresh token came twice, and its session was ended.
void accounts_note_reuse(struct fog_accounts *, int64_t user_id, int64_t session_id);
void accounts_note_key(struct fog_accounts *, const char *kid); // a signing key that is due
void accounts_note_over(struct fog_accounts *, int sessions, int resets); // rows that were deleted

// refusal.c

// Fill it in and return 'error'.
int refuse(struct fog_denial *, int error, const char *code, const char *why, const char *text);
int refuse_for(
        struct fog_denial *, int error, const char *code, const char *why, const char *text,
        unsigned retry_after_s
);
// An error of the store, of memory or of a lock.
int refuse_store(struct fog_denial *, int error);

// secret.c

void secret_make(char text[FOG_SECRET_LEN + 1], uint8_t hash[HASH_LEN]);
void secret_hash(const char *text, uint8_t hash[HASH_LEN]);

// mirror.c

enum rights_kind { RIGHTS_ACCOUNT = 1, RIGHTS_SESSION, RIGHTS_KEY, RIGHTS_SIGNING };

// Run 'work', whose context begins with a struct work. An error without a refusal is the store's.
int accounts_read(struct work *, fog_db_work *work);
int accounts_write(struct work *, fog_db_work *work);
// The same for what changes rights: when it returns, this process has forgotten what it knew of them.
int accounts_change(struct work *, fog_db_work *work);
// Say in a transaction that callers of this account, session or key must be looked up again.
int rights_changed(struct fog_tx *, int64_t now_us, enum rights_kind, int64_t object);
int rights_version(struct fog_tx *, int64_t *version);
int mirror_follow(struct fog_accounts *);
bool mirror_stale(struct fog_accounts *); // the store has been away for too long

// jwt.c

struct jwt_claims {
	int64_t user_id, session_id, ends_us;
};

int jwt_make(
        struct fog_accounts *, int64_t user_id, int64_t session_id, int64_t now_us,
        char text[FOG_ACCESS_MAX + 1]
);
// -EACCES under a code of its own for everything that can be wrong with it.
int jwt_check(struct fog_accounts *, const char *text, size_t len, int64_t now_us, struct jwt_claims *, struct fog_denial *);

// keys.c, session.c: a caller who is not in the cache.

struct found {
	struct work work;
	struct jwt_claims claims;
	uint8_t hash[HASH_LEN]; // of an API key
	struct fog_caller *caller;
	int64_t ends_us; // of the key; 0: never
	int64_t version; // of rights, as of this look
};

int session_caller(struct fog_tx *, void *found);
int key_caller(struct fog_tx *, void *found);
int key_used(struct fog_accounts *, int64_t now_us); // write when keys were used
// What an account may, from columns 'column' on: name, roles, tier, rate_auth, rate_write, rate_read, totp_on.
#define CALLER_COLUMNS "a.name, a.roles, a.tier, a.rate_auth, a.rate_write, a.rate_read, a.totp_on"
void caller_fill(struct fog_accounts *, struct fog_caller *, const struct fog_rows *, int column);

// password.c

int password_check(const char *password, const char *name, struct fog_denial *); // whether it may be one
int password_hash(struct fog_accounts *, const char *password, char out[], struct fog_denial *); // crypto_pwhash_STRBYTES
// Returns 1, 0 or an error. 'stored' NULL or empty: as much work, and 0. 'network': of the gate.
int password_verify(struct fog_accounts *, const char *network, const char *stored, const char *password, struct fog_denial *);
// In a transaction: the new one, the end of all sessions, steps and resets.
int password_store(struct fog_tx *, struct work *, int64_t user_id, const char *stored);

// keys.c

// All of an account. Returns 0 or an error of the store.
int keys_revoke(struct fog_tx *, struct work *, int64_t user_id);

// sweep.c

// Delete some of what is over, in transactions of a bounded number of rows, so that nobody waits for it. Returns 1: there may be
// more, 0, or an error of the store.
int accounts_sweep(struct work *);

// lockout.c

#define LOCK_US (30 * MINUTE_US) // of a pair; failures before it don't count

struct attempt {
	uint8_t who[WHO_LEN];
	char network[NETWORK_MAX];
	char wide[NETWORK_MAX]; // of IPv6 the /48
};

void attempt_name(struct fog_accounts *, struct attempt *, const char *name, const char *source);
// Count a failure before anything is tried, so that tries at the same time count, too. 'user_id' 0: nobody's name.
int attempt_begin(struct fog_tx *, struct work *, const struct attempt *, int64_t user_id);
int attempt_undo(struct fog_tx *, const struct attempt *); // it was none
// The same in a transaction of its own, when what follows a right password fails for another reason. The refusal stays.
void attempt_spare(struct work *, const struct attempt *);
// password_verify, after which an attempt counts only when the password was a wrong one.
int attempt_verify(struct work *, const struct attempt *, const char *stored, const char *password);
int attempt_done(
        struct fog_tx *, struct work *, const struct attempt *, int64_t user_id
); // it was him
int attempt_forget(struct fog_tx *, const uint8_t who[WHO_LEN]);

// session.c

// A new session; after the transaction session_tokens makes its access token.
int session_begin(struct fog_tx *, struct work *, int64_t user_id, const char *source, struct fog_tokens *);
int session_tokens(struct work *, struct fog_tokens *);
int sessions_revoke(struct fog_tx *, struct work *, int64_t user_id, int64_t except);

// totp.c

// Whether 'code' is a one-time or backup code of the account that has not been used. Returns 1, 0 or an error; *left gets
// the number of backup codes when it was one of them.
int totp_take(struct fog_tx *, struct work *, int64_t user_id, const char *code, int *left);
// The same of a secret that waits for its first code.
int totp_confirm(struct fog_tx *, struct work *, int64_t user_id, const char *code);
int totp_fresh(struct fog_tx *, struct work *, int64_t user_id, char text[FOG_TOTP_SECRET_LEN + 1]);
int backup_fresh(struct fog_tx *, struct work *, int64_t user_id, fog_backup_codes);

// login.c

// Who a password or code is asked of, before Argon2id.
struct candidate {
	int64_t id;
	char name[FOG_USER_NAME_MAX + 1];
	char stored[128]; // crypto_pwhash_STRBYTES
	bool disabled, totp;
};

int candidate_by_id(struct fog_tx *, struct candidate *, int64_t id); // 0, -ENOENT or of the store
int candidate_by_name(struct fog_tx *, struct candidate *, const char *name);

// users.c

// Small letters for capitals. Returns 0 or -EINVAL (not a name).
int user_name(const char *text, char name[FOG_USER_NAME_MAX + 1]);
int user_load(struct fog_tx *, int64_t id, struct fog_user *);
