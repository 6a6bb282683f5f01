// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Argon2id (RFC 9106) with 64 MiB, about 100 ms of one CPU. At most GATE_RUNNING at once.
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "private.h"

enum { PASSES = 3, MEMORY = crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE };

static_assert(PASSES == 3 && MEMORY == 64 << 20, "as in NOBODY");

// Of no password at all, so that it takes as long to refuse a name that nobody has.
#define NOBODY \
	"$argon2id$v=19$m=65536,t=3,p=1$Zm9nbGluZS1ub2JvZHktMQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const char *const weak[] = {
#define X(password) password,
#include "weak_passwords.def"
#undef X
};

// Of UTF-8: bytes that begin one.
static size_t password_characters(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

int password_check(const char *password, const char *name, struct fog_denial *refusal)
{
	size_t len = strlen(password), characters = password_characters(password);

	if (characters < FOG_PASSWORD_MIN || characters > FOG_PASSWORD_MAX ||
	    len > FOG_PASSWORD_BYTES_MAX)
		return refuse(
		        refusal, -EINVAL, "bad_password", "length",
		        "A password has 8 to 128 characters: choose another one."
		);
	if (strcasecmp(password, name) == 0)
		return refuse(
		        refusal, -EINVAL, "bad_password", "name",
		        "The password is the name: choose another one."
		);
	for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
		if (strcasecmp(password, weak[i]) == 0)
			return refuse(
			        refusal, -EINVAL, "bad_password", "weak",
			        "This is one of the first passwords that everybody tries: choose another one."
			);
	}
	return 0;
}

static int password_enter(struct fog_accounts *a, const char *network, struct fog_denial *refusal)
{
	if (gate_enter(&a->gate, network) == 0) {
		atomic_fetch_add(&a->hashes, 1);
		return 0;
	}
	return refuse_for(
	        refusal, -EBUSY, "busy", "argon2", "Too many log in at once: try again.", 2
	);
}

int password_hash(
        struct fog_accounts *a, const char *password, char out[], struct fog_denial *refusal
)
{
	int r = password_enter(a, NULL, refusal);

	if (r < 0)
		return r;
	r = crypto_pwhash_str_alg(
	        out, password, strlen(password), PASSES, MEMORY, crypto_pwhash_ALG_ARGON2ID13
	);
	gate_leave(&a->gate, NULL);
	return r == 0 ? 0 : refuse_store(refusal, -ENOMEM);
}

int fog_secret_digest(
        struct fog_accounts *a, const uint8_t plain[32], uint8_t digest[32],
        struct fog_denial *refusal
)
{
	uint8_t salt[crypto_pwhash_SALTBYTES], keyed[32];
	int r = password_enter(a, NULL, refusal);

	if (r < 0)
		return r;
	seal_hash(a->seal, "secret digest salt", plain, 32, salt, sizeof(salt));
	seal_hash(a->seal, "secret digest", plain, 32, keyed, sizeof(keyed));
	r = crypto_pwhash(
	        digest, 32, (const char *)keyed, sizeof(keyed), salt, PASSES, MEMORY,
	        crypto_pwhash_ALG_ARGON2ID13
	);
	gate_leave(&a->gate, NULL);
	sodium_memzero(keyed, sizeof(keyed));
	return r == 0 ? 0 : refuse_store(refusal, -ENOMEM);
}

int password_verify(
        struct fog_accounts *a, const char *network, const char *stored, const char *password,
        struct fog_denial *refusal
)
{
	bool known = stored != NULL && stored[0] != '\0';
	size_t len = strnlen(password, FOG_PASSWORD_BYTES_MAX + 1);
	int r = password_enter(a, network, refusal);

	if (r < 0)
		return r;
	errno = 0;
	r = crypto_pwhash_str_verify(known ? stored : NOBODY, password, len);
	bool memory = r < 0 && errno != EINVAL; // EINVAL: another password
	gate_leave(&a->gate, network);
	if (memory)
		return refuse_store(refusal, -ENOMEM);
	return r == 0 && known && len <= FOG_PASSWORD_BYTES_MAX;
}

int password_store(struct fog_tx *tx, struct work *w, int64_t user_id, const char *stored)
{
	int r = fog_db_run(
	        tx,
	        "UPDATE account SET password = $2, password_at = $3, changed_at = $3, version = version + 1 WHERE id = $1",
	        FOG_BIND(FOG_INT(user_id), FOG_TEXT(stored), FOG_INT(w->now_us))
	);

	if (r == 0)
		return refuse_store(w->refusal, -ENOENT);
	if (r > 0)
		r = fog_db_run(
		        tx, "DELETE FROM reset_token WHERE account_id = $1",
		        FOG_BIND(FOG_INT(user_id))
		);
	if (r >= 0)
		r = fog_db_run(
		        tx, "DELETE FROM login_step WHERE account_id = $1",
		        FOG_BIND(FOG_INT(user_id))
		);
	return r >= 0 ? sessions_revoke(tx, w, user_id, 0) : r;
}

struct setting {
	struct work work;
	int64_t user_id;
	const char *source;
	struct candidate who;
	struct attempt attempt;
	char stored[crypto_pwhash_STRBYTES];
	struct fog_tokens *tokens; // NULL: no new session
};

static int setting_begin(struct fog_tx *tx, void *ctx)
{
	struct setting *s = ctx;

	attempt_name(s->work.a, &s->attempt, s->who.name, s->source);
	return attempt_begin(tx, &s->work, &s->attempt, s->user_id);
}

static int setting_look(struct fog_tx *tx, void *ctx)
{
	struct setting *s = ctx;

	return candidate_by_id(tx, &s->who, s->user_id);
}

static int setting_finish(struct fog_tx *tx, void *ctx)
{
	struct setting *s = ctx;
	struct candidate now;
	int r = candidate_by_id(tx, &now, s->user_id);

	if (r < 0)
		return r;
	if (s->tokens != NULL && (now.disabled || strcmp(now.stored, s->who.stored) != 0))
		return refuse(
		        s->work.refusal, -EACCES, "bad_login", "changed",
		        "The account has changed meanwhile: log in again."
		);
	r = password_store(tx, &s->work, s->user_id, s->stored);
	if (r >= 0 && s->tokens == NULL)
		r = keys_revoke(tx, &s->work, s->user_id);
	if (r < 0 || s->tokens == NULL)
		return r;
	r = attempt_done(tx, &s->work, &s->attempt, s->user_id);
	return r < 0 ? r : session_begin(tx, &s->work, s->user_id, s->source, s->tokens);
}

static int setting_keep(struct setting *s, const char *fresh)
{
	int r = password_hash(s->work.a, fresh, s->stored, s->work.refusal);

	return r < 0 ? r : accounts_change(&s->work, setting_finish);
}

int fog_password_change(
        struct fog_accounts *a, int64_t user_id, const char *old, const char *fresh,
        const char *source, struct fog_tokens *tokens, struct fog_denial *refusal
)
{
	struct setting s = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()},
	        .user_id = user_id,
	        .source = source,
	        .tokens = tokens};
	int r = accounts_read(&s.work, setting_look);

	if (r >= 0)
		r = password_check(fresh, s.who.name, refusal);
	if (r == 0)
		r = accounts_write(&s.work, setting_begin);
	if (r >= 0)
		r = attempt_verify(&s.work, &s.attempt, s.who.stored, old);
	if (r == 0)
		r =
		        refuse(refusal, -EACCES, "bad_login", "password",
		               "This is not the present password: try again.");
	if (r == -EACCES)
		accounts_note_lock(&s.work, user_id, s.attempt.network);
	if (r > 0) {
		r = setting_keep(&s, fresh);
		if (r < 0)
			attempt_spare(&s.work, &s.attempt);
	}
	if (r >= 0)
		r = session_tokens(&s.work, tokens);
	sodium_memzero(&s, sizeof(s));
	return r;
}

int fog_password_set(
        struct fog_accounts *a, int64_t user_id, const char *fresh, struct fog_denial *refusal
)
{
	struct setting s = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()}, .user_id = user_id};
	int r = accounts_read(&s.work, setting_look);

	if (r >= 0)
		r = password_check(fresh, s.who.name, refusal);
	if (r == 0)
		r = setting_keep(&s, fresh);
	sodium_memzero(&s, sizeof(s));
	return r < 0 ? r : 0;
}
