// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

// A token that was signed at the last moment is good for a day at most (accounts.token_minutes).
#define SIGNING_AFTER_US (DAY_US + MINUTE_US)

int signing_init(struct signing *s)
{
	s->secret = sodium_malloc(SIGNING_KEYS_MAX * sizeof(*s->secret));
	if (s->secret == NULL)
		return -ENOMEM;
	pthread_rwlock_init(&s->lock, NULL);
	s->count = 0;
	return 0;
}

void signing_destroy(struct signing *s)
{
	if (s->secret == NULL)
		return;
	pthread_rwlock_destroy(&s->lock);
	sodium_free(s->secret);
	s->secret = NULL;
}

static bool signing_verifies(const struct signing_key *k, int64_t now_us)
{
	return k->retired_us == 0 || now_us < k->retired_us + SIGNING_AFTER_US;
}

static void signing_context(const char *kid, char context[SEAL_CONTEXT_MAX])
{
	snprintf(context, SEAL_CONTEXT_MAX, "signing key %s", kid);
}

// One row into place 'i'. Under the lock.
static int signing_take(struct fog_accounts *a, const struct fog_rows *row, unsigned i)
{
	struct signing *s = &a->signing;
	struct signing_key *k = &s->key[i];
	uint8_t seed[crypto_sign_SEEDBYTES], public_key[crypto_sign_PUBLICKEYBYTES];
	char context[SEAL_CONTEXT_MAX];
	size_t len, box_len;

	snprintf(k->kid, sizeof(k->kid), "%s", fog_rows_text(row, 0));
	const uint8_t *known = fog_rows_bytes(row, 1, &len);
	const uint8_t *box = fog_rows_bytes(row, 2, &box_len);
	k->created_us = fog_rows_int(row, 3);
	k->retired_us = fog_rows_int(row, 4);
	signing_context(k->kid, context);
	if (len != sizeof(k->public_key) || box_len != sizeof(seed) + SEAL_MORE ||
	    seal_unbox(a->seal, context, box, box_len, seed) < 0)
		return -EBADMSG;
	memcpy(k->public_key, known, sizeof(k->public_key));
	crypto_sign_seed_keypair(public_key, s->secret[i], seed);
	sodium_memzero(seed, sizeof(seed));
	return sodium_memcmp(public_key, k->public_key, sizeof(public_key)) == 0 ? 0 : -EBADMSG;
}

int signing_load(struct fog_accounts *a, struct fog_tx *tx)
{
	struct fog_rows row;
	unsigned count = 0;
	int r = fog_db_ask(
	        tx, &row,
	        "SELECT kid, public_key, sealed, created_at, retired_at FROM signing_key ORDER BY created_at DESC, kid LIMIT 8",
	        FOG_NONE
	);

	if (r < 0)
		return r;
	pthread_rwlock_wrlock(&a->signing.lock);
	while ((r = fog_rows_next(&row)) > 0 && count < SIGNING_KEYS_MAX) {
		r = signing_take(a, &row, count);
		if (r < 0)
			break;
		count++;
	}
	a->signing.count = count;
	pthread_rwlock_unlock(&a->signing.lock);
	fog_rows_end(&row);
	return r < 0 ? r : 0;
}

struct renewal {
	struct work work;
	bool force, made;
	uint8_t public_key[32], sealed[32 + SEAL_MORE];
	char kid[SIGNING_KID_LEN + 1];
};

// The store decides whether it is time, so of several control planes one makes it.
static int renewal_due(struct fog_tx *tx, const struct renewal *n)
{
	struct fog_rows row;
	int r = fog_db_one(
	        tx, &row,
	        "SELECT COALESCE(MAX(created_at), 0) FROM signing_key WHERE retired_at = 0",
	        FOG_NONE
	);
	int64_t created = r == 0 ? fog_rows_int(&row, 0) : 0;

	fog_rows_end(&row);
	if (r < 0)
		return r;
	return n->force || created == 0 || created + SIGNING_DAYS * DAY_US <= n->work.now_us;
}

static int renewal_work(struct fog_tx *tx, void *ctx)
{
	struct renewal *n = ctx;
	int64_t now = n->work.now_us;
	int r = renewal_due(tx, n);

	n->made = false;
	if (r <= 0)
		return r;
	r = fog_db_run(
	        tx, "UPDATE signing_key SET retired_at = $1 WHERE retired_at = 0",
	        FOG_BIND(FOG_INT(now))
	);
	if (r >= 0)
		r = fog_db_run(
		        tx, "DELETE FROM signing_key WHERE retired_at <> 0 AND retired_at < $1",
		        FOG_BIND(FOG_INT(now - SIGNING_AFTER_US))
		);
	if (r >= 0)
		r = fog_db_run(
		        tx,
		        "INSERT INTO signing_key (kid, public_key, sealed, created_at, retired_at) VALUES ($1, $2, $3, $4, 0)",
		        FOG_BIND(
		                FOG_TEXT(n->kid), FOG_BYTES(n->public_key, sizeof(n->public_key)),
		                FOG_BYTES(n->sealed, sizeof(n->sealed)), FOG_INT(now)
		        )
		);
	if (r >= 0)
		r = rights_changed(tx, now, RIGHTS_SIGNING, 0);
	n->made = r >= 0;
	return r;
}

static bool signing_due(struct signing *s, int64_t now_us)
{
	pthread_rwlock_rdlock(&s->lock);
	bool due = s->count == 0 || s->key[0].retired_us != 0 ||
	        s->key[0].created_us + SIGNING_DAYS * DAY_US <= now_us;
	pthread_rwlock_unlock(&s->lock);
	return due;
}

int signing_renew(struct work *w, bool force)
{
	struct renewal n = {.work = *w, .force = force};
	uint8_t seed[crypto_sign_SEEDBYTES], secret[crypto_sign_SECRETKEYBYTES], name[12];
	char context[SEAL_CONTEXT_MAX];

	if (!force && !signing_due(&w->a->signing, w->now_us))
		return 0;
	randombytes_buf(seed, sizeof(seed));
	randombytes_buf(name, sizeof(name));
	crypto_sign_seed_keypair(n.public_key, secret, seed);
	sodium_bin2base64(
	        n.kid, sizeof(n.kid), name, sizeof(name), sodium_base64_VARIANT_URLSAFE_NO_PADDING
	);
	signing_context(n.kid, context);
	seal_box(w->a->seal, context, seed, sizeof(seed), n.sealed);
	sodium_memzero(seed, sizeof(seed));
	sodium_memzero(secret, sizeof(secret));
	int r = accounts_change(&n.work, renewal_work);
	if (r >= 0 && n.made && !force)
		accounts_note_key(w->a, n.kid);
	return r;
}

int signing_kid(struct signing *s, int64_t now_us, char kid[SIGNING_KID_LEN + 1])
{
	int r = -EAGAIN;

	pthread_rwlock_rdlock(&s->lock);
	for (unsigned i = 0; i < s->count; i++) {
		const struct signing_key *k = &s->key[i];
		bool settled = k->created_us + SIGNING_SETTLE_S * SECOND_US <= now_us;
		bool last = i + 1 == s->count || !signing_verifies(&s->key[i + 1], now_us);

		if (settled || last) {
			memcpy(kid, k->kid, sizeof(k->kid));
			r = 0;
			break;
		}
	}
	pthread_rwlock_unlock(&s->lock);
	return r;
}

int signing_sign(
        struct signing *s, const char *kid, const uint8_t *text, size_t len, uint8_t signature[64]
)
{
	int r = -EAGAIN;

	pthread_rwlock_rdlock(&s->lock);
	for (unsigned i = 0; i < s->count && r < 0; i++) {
		if (strcmp(s->key[i].kid, kid) == 0)
			r = crypto_sign_detached(signature, NULL, text, len, s->secret[i]);
	}
	pthread_rwlock_unlock(&s->lock);
	return r;
}

int signing_public(struct signing *s, const char *kid, int64_t now_us, uint8_t public_key[32])
{
	int r = -ENOENT;

	pthread_rwlock_rdlock(&s->lock);
	for (unsigned i = 0; i < s->count && r < 0; i++) {
		if (strcmp(s->key[i].kid, kid) != 0 || !signing_verifies(&s->key[i], now_us))
			continue;
		memcpy(public_key, s->key[i].public_key, 32);
		r = 0;
	}
	pthread_rwlock_unlock(&s->lock);
	return r;
}

json_t *signing_jwk(const char *kid, const uint8_t public_key[32])
{
	char x[sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

	sodium_bin2base64(x, sizeof(x), public_key, 32, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return json_pack(
	        "{s:s s:s s:s s:s s:s s:s}", "kty", "OKP", "crv", "Ed25519", "alg", "EdDSA", "use",
	        "sig", "kid", kid, "x", x
	);
}

json_t *signing_jwks(struct signing *s, int64_t now_us)
{
	json_t *keys = json_array();

	pthread_rwlock_rdlock(&s->lock);
	for (unsigned i = 0; i < s->count; i++) {
		if (signing_verifies(&s->key[i], now_us))
			json_array_append_new(
			        keys, signing_jwk(s->key[i].kid, s->key[i].public_key)
			);
	}
	pthread_rwlock_unlock(&s->lock);
	return json_pack("{s:o}", "keys", keys);
}
