// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// SURB keys, encrypted under a secret that lives in the kernel's memory only, and the answers to
// idempotent requests.
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "private.h"

#define BOX_LEN (sizeof(struct fog_surb_keys) + crypto_aead_xchacha20poly1305_ietf_ABYTES)
#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES

// The SURB's ID is authenticated with its keys, so that rows cannot be swapped.
int fog_store_surb_put(
        struct fog_store *s, const uint8_t surb_id[16], int64_t sent_id,
        const struct fog_surb_keys *keys
)
{
	sqlite3_stmt *st = store_statement(s, SQL_KEYS_PUT);
	uint8_t nonce[NONCE_LEN], box[BOX_LEN];

	randombytes_buf(nonce, sizeof(nonce));
	crypto_aead_xchacha20poly1305_ietf_encrypt(
	        box, NULL, (const uint8_t *)keys, sizeof(*keys), surb_id, 16, NULL, nonce,
	        s->secret->key
	);
	sqlite3_bind_blob(st, 1, surb_id, 16, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, sent_id);
	sqlite3_bind_int64(st, 3, fog_now_unix_us());
	sqlite3_bind_blob(st, 4, nonce, sizeof(nonce), SQLITE_STATIC);
	sqlite3_bind_blob(st, 5, box, sizeof(box), SQLITE_STATIC);
	return store_run(s, st, "storing SURB keys");
}

int fog_store_surb_take(
        struct fog_store *s, const uint8_t surb_id[16], int64_t *sent_id, struct fog_surb_keys *keys
)
{
	sqlite3_stmt *st = store_statement(s, SQL_KEYS_GET);
	int r = -ENOENT, e;

	sqlite3_bind_blob(st, 1, surb_id, 16, SQLITE_STATIC);
	if ((e = sqlite3_step(st)) == SQLITE_ROW) {
		r = -EBADMSG;
		*sent_id = sqlite3_column_int64(st, 0);
		if (sqlite3_column_bytes(st, 1) == NONCE_LEN &&
		    sqlite3_column_bytes(st, 2) == BOX_LEN &&
		    crypto_aead_xchacha20poly1305_ietf_decrypt(
		            (uint8_t *)keys, NULL, NULL, sqlite3_column_blob(st, 2), BOX_LEN,
		            surb_id, 16, sqlite3_column_blob(st, 1), s->secret->key
		    ) == 0)
			r = 0;
	} else if (e != SQLITE_DONE) {
		r = store_error(s, "reading SURB keys");
	}
	sqlite3_reset(st);
	if (r < 0 && r != -EBADMSG)
		return r;
	st = store_statement(s, SQL_KEYS_DELETE);
	sqlite3_bind_blob(st, 1, surb_id, 16, SQLITE_STATIC);
	e = store_run(s, st, "deleting SURB keys");
	return e < 0 ? e : r;
}

int fog_store_answer_get(
        struct fog_store *s, const char *caller, const char *key, const uint8_t request[32],
        struct fog_store_answer *answer
)
{
	sqlite3_stmt *st = store_statement(s, SQL_ANSWER_GET);
	int r = -ENOENT, e;

	sqlite3_bind_text(st, 1, caller, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, key, -1, SQLITE_STATIC);
	if ((e = sqlite3_step(st)) == SQLITE_ROW) {
		r = -EEXIST;
		if (sqlite3_column_bytes(st, 0) == 32 &&
		    memcmp(sqlite3_column_blob(st, 0), request, 32) == 0) {
			answer->status = sqlite3_column_int(st, 1);
			answer->body = strdup((const char *)sqlite3_column_text(st, 2));
			r = answer->body != NULL ? 0 : -ENOMEM;
		}
	} else if (e != SQLITE_DONE) {
		r = store_error(s, "reading an answer");
	}
	sqlite3_reset(st);
	return r;
}

int fog_store_answer_put(
        struct fog_store *s, const char *caller, const char *key, const uint8_t request[32],
        const struct fog_store_answer *answer
)
{
	sqlite3_stmt *st = store_statement(s, SQL_ANSWER_PUT);

	sqlite3_bind_text(st, 1, caller, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, key, -1, SQLITE_STATIC);
	sqlite3_bind_blob(st, 3, request, 32, SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, answer->status);
	sqlite3_bind_text(st, 5, answer->body, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 6, fog_now_unix_us());
	return store_run(s, st, "storing an answer");
}
