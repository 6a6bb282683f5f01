// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Messages on their way out.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "../big_endian.h"
#include "store_private.h"

enum { OUT_KEYS_HEAD = 2 }; // number of keys

static int out_pieces(
        struct client_store *s, int64_t id, const uint8_t *sealed, unsigned count, size_t len,
        int64_t now_us
)
{
	int r = 0;

	for (unsigned i = 0; i < count && r == 0; i++) {
		sqlite3_stmt *st = client_store_sql(s, CSQL_PIECE_PUT);
		sqlite3_bind_int64(st, 1, id);
		sqlite3_bind_int64(st, 2, i);
		sqlite3_bind_int64(st, 3, now_us);
		sqlite3_bind_blob(st, 4, sealed + i * len, (int)len, SQLITE_STATIC);
		r = client_store_run(s, st, "accepting a message");
	}
	return r;
}

int client_store_accept(
        struct client_store *s, const struct client_address *to, const uint8_t *sealed,
        unsigned count, size_t len, int64_t now_us, int64_t *id
)
{
	sqlite3_stmt *st = client_store_sql(s, CSQL_ACCEPT);
	int r = client_store_begin(s, true);

	if (r < 0)
		return r;
	sqlite3_bind_blob(st, 1, to->mailbox, sizeof(to->mailbox), SQLITE_STATIC);
	sqlite3_bind_blob(st, 2, to->gateway, sizeof(to->gateway), SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, count);
	sqlite3_bind_int64(st, 4, now_us);
	r = client_store_run(s, st, "accepting a message");
	*id = sqlite3_last_insert_rowid(s->db);
	if (r == 0)
		r = out_pieces(s, *id, sealed, count, len, now_us);
	return client_store_end(s, r);
}

int client_store_status(struct client_store *s, int64_t id, struct fog_client_status *out)
{
	sqlite3_stmt *st = client_store_sql(s, CSQL_STATUS);
	int step, r = -ENOENT;

	sqlite3_bind_int64(st, 1, id);
	step = sqlite3_step(st);
	if (step == SQLITE_ROW &&
	    (sqlite3_column_int(st, 0) < FOG_CLIENT_QUEUED ||
	     sqlite3_column_int(st, 0) > FOG_CLIENT_FAILED)) {
		r = client_store_damaged(s, "reading a message's state");
	} else if (step == SQLITE_ROW) {
		*out = (struct fog_client_status){
		        .id = id,
		        .state = sqlite3_column_int(st, 0),
		        .fragments = (uint32_t)sqlite3_column_int64(st, 1),
		        .sent = (uint32_t)sqlite3_column_int64(st, 2),
		        .acknowledged = (uint32_t)sqlite3_column_int64(st, 3),
		        .retransmissions = (uint32_t)sqlite3_column_int64(st, 4),
		        .accepted_us = sqlite3_column_int64(st, 5),
		        .changed_us = sqlite3_column_int64(st, 6),
		};
		const char *why = (const char *)sqlite3_column_text(st, 7);
		snprintf(out->why, sizeof(out->why), "%s", why != NULL ? why : "");
		r = 0;
	} else if (step != SQLITE_DONE) {
		r = client_store_fail(s, "reading");
	}
	sqlite3_reset(st);
	return r;
}

// Returns 1, 0 (none is due), -EBADMSG (the row is damaged; d->message says whose).
static int out_due(struct client_store *s, int64_t now_us, struct client_due *d)
{
	sqlite3_stmt *st = client_store_sql(s, CSQL_DUE);
	int step, r = 0;

	sqlite3_bind_int64(st, 1, now_us);
	step = sqlite3_step(st);
	if (step == SQLITE_ROW) {
		d->message = sqlite3_column_int64(st, 0);
		d->index = (unsigned)sqlite3_column_int64(st, 1);
		d->tries = (unsigned)sqlite3_column_int64(st, 2);
		d->len = (size_t)sqlite3_column_bytes(st, 3);
		d->accepted_us = sqlite3_column_int64(st, 6);
		d->waited = sqlite3_column_int(st, 7) != 0;
		r = -EBADMSG;
		if (d->len > 0 && d->len <= sizeof(d->data) &&
		    sqlite3_column_bytes(st, 4) == FOG_ID_LEN &&
		    sqlite3_column_bytes(st, 5) == FOG_ID_LEN) {
			memcpy(d->data, sqlite3_column_blob(st, 3), d->len);
			memcpy(d->to.mailbox, sqlite3_column_blob(st, 4), FOG_ID_LEN);
			memcpy(d->to.gateway, sqlite3_column_blob(st, 5), FOG_ID_LEN);
			r = 1;
		}
	} else if (step != SQLITE_DONE) {
		r = client_store_fail(s, "reading");
	}
	sqlite3_reset(st);
	return r;
}

int client_store_due(struct client_store *s, int64_t now_us, struct client_due *d)
{
	int r;

	// It would be due for ever, and keep all others from leaving.
	while ((r = out_due(s, now_us, d)) == -EBADMSG) {
		r = client_store_failed(
		        s, d->message, "its bytes on disk are damaged: send it again", now_us
		);
		if (r < 0)
			break;
	}
	return r;
}

// nonce | sealed (number of keys, keys).
static size_t out_seal_keys(
        const struct client_store *s, const struct fog_surb_keys *k, uint8_t *box
)
{
	uint8_t plain[OUT_KEYS_HEAD + sizeof(k->key)];
	size_t len = OUT_KEYS_HEAD + (size_t)k->n * FOG_SPHINX_SURB_KEY_LEN;

	fog_be_put(plain, k->n, OUT_KEYS_HEAD);
	memcpy(plain + OUT_KEYS_HEAD, k->key, len - OUT_KEYS_HEAD);
	randombytes_buf(box, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES, plain, len, box, s->key);
	sodium_memzero(plain, sizeof(plain));
	return crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + len;
}

static int out_open_keys(
        const struct client_store *s, const uint8_t *box, size_t len, struct fog_surb_keys *k
)
{
	uint8_t plain[OUT_KEYS_HEAD + sizeof(k->key)];
	const size_t over = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
	int r = -ENOENT;

	if (len < over + OUT_KEYS_HEAD || len > over + sizeof(plain))
		return r;
	if (crypto_secretbox_open_easy(
	            plain, box + crypto_secretbox_NONCEBYTES, len - crypto_secretbox_NONCEBYTES,
	            box, s->key
	    ) == 0) {
		k->n = (uint16_t)fog_be_get(plain, OUT_KEYS_HEAD);
		if (k->n <= sizeof(k->key) / FOG_SPHINX_SURB_KEY_LEN &&
		    len - over == OUT_KEYS_HEAD + (size_t)k->n * FOG_SPHINX_SURB_KEY_LEN) {
			memcpy(k->key, plain + OUT_KEYS_HEAD, len - over - OUT_KEYS_HEAD);
			r = 0;
		}
	}
	sodium_memzero(plain, sizeof(plain));
	return r;
}

static int out_put_surb(
        struct client_store *s, const struct client_due *d, const uint8_t *surb_id,
        const struct fog_surb_keys *keys
)
{
	uint8_t
	        box[crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + OUT_KEYS_HEAD +
	            sizeof(keys->key)];
	sqlite3_stmt *st = client_store_sql(s, CSQL_SURB_PUT);
	size_t len = out_seal_keys(s, keys, box);

	sqlite3_bind_blob(st, 1, surb_id, FOG_SPHINX_SURB_ID_LEN, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, d->message);
	sqlite3_bind_int64(st, 3, d->index);
	sqlite3_bind_blob(st, 4, box, (int)len, SQLITE_STATIC);
	return client_store_run(s, st, "keeping the keys of a reply");
}

// A statement whose parameters are a message and then up to two numbers.
static int out_run(
        struct client_store *s, enum client_sql which, int64_t message, int64_t a, int64_t b
)
{
	sqlite3_stmt *st = client_store_sql(s, which);
	int n = sqlite3_bind_parameter_count(st);

	sqlite3_bind_int64(st, 1, message);
	if (n > 1)
		sqlite3_bind_int64(st, 2, a);
	if (n > 2)
		sqlite3_bind_int64(st, 3, b);
	return client_store_run(s, st, "writing a message's state");
}

int client_store_left(
        struct client_store *s, const struct client_due *d, const uint8_t surb_id[16],
        const struct fog_surb_keys *keys, int64_t now_us, int64_t again_us
)
{
	int r = client_store_begin(s, false);

	if (r < 0)
		return r;
	r = out_run(s, CSQL_LEFT, d->message, d->index, again_us);
	if (r == 0)
		r = out_run(s, d->tries == 0 ? CSQL_LEFT_FIRST : CSQL_LEFT_AGAIN, d->message, 0, 0);
	if (r == 0)
		r = out_run(s, CSQL_ALL_SENT, d->message, now_us, 0);
	if (r == 0)
		r = out_put_surb(s, d, surb_id, keys);
	return client_store_end(s, r);
}

int client_store_postpone(struct client_store *s, int64_t message, unsigned index, int64_t due_us)
{
	int r = client_store_begin(s, false);

	return r < 0 ? r : client_store_end(s, out_run(s, CSQL_POSTPONE, message, index, due_us));
}

int client_store_wait(struct client_store *s, int64_t message, unsigned index, int64_t due_us)
{
	int r = client_store_begin(s, false);

	return r < 0 ? r : client_store_end(s, out_run(s, CSQL_WAIT, message, index, due_us));
}

int client_store_surb(
        struct client_store *s, const uint8_t surb_id[16], struct fog_surb_keys *keys,
        int64_t *message, unsigned *index
)
{
	sqlite3_stmt *st = client_store_sql(s, CSQL_SURB_GET);
	int step, r = -ENOENT;

	sqlite3_bind_blob(st, 1, surb_id, FOG_SPHINX_SURB_ID_LEN, SQLITE_STATIC);
	step = sqlite3_step(st);
	if (step == SQLITE_ROW) {
		*message = sqlite3_column_int64(st, 0);
		*index = (unsigned)sqlite3_column_int64(st, 1);
		r = out_open_keys(
		        s, sqlite3_column_blob(st, 2), (size_t)sqlite3_column_bytes(st, 2), keys
		);
	} else if (step != SQLITE_DONE) {
		r = client_store_fail(s, "reading");
	}
	sqlite3_reset(st);
	return r;
}

int client_store_acknowledged(
        struct client_store *s, int64_t message, unsigned index, int64_t now_us
)
{
	int r = client_store_begin(s, true);

	if (r < 0)
		return r;
	r = out_run(s, CSQL_PIECE_DELETE, message, index, 0);
	// An answer to another copy of it has come before.
	if (r == 0 && sqlite3_changes(s->db) > 0)
		r = out_run(s, CSQL_ACKNOWLEDGED, message, 0, 0);
	if (r == 0)
		r = out_run(s, CSQL_SURBS_DELETE_PIECE, message, index, 0);
	if (r == 0)
		r = out_run(s, CSQL_ALL_ACKNOWLEDGED, message, now_us, 0);
	return client_store_end(s, r);
}

int client_store_answered(
        struct client_store *s, const uint8_t surb_id[16], int64_t message, unsigned index,
        int64_t due_us
)
{
	sqlite3_stmt *st = client_store_sql(s, CSQL_SURB_DELETE);
	int r = client_store_begin(s, false);

	if (r < 0)
		return r;
	sqlite3_bind_blob(st, 1, surb_id, FOG_SPHINX_SURB_ID_LEN, SQLITE_STATIC);
	r = client_store_run(s, st, "forgetting a SURB");
	if (r == 0)
		r = out_run(s, CSQL_POSTPONE, message, index, due_us);
	return client_store_end(s, r);
}

int client_store_failed(struct client_store *s, int64_t message, const char *why, int64_t now_us)
{
	sqlite3_stmt *st = client_store_sql(s, CSQL_FAILED);
	int r = client_store_begin(s, true);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, message);
	sqlite3_bind_text(st, 2, why, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, now_us);
	r = client_store_run(s, st, "giving up a message");
	if (r == 0)
		r = out_run(s, CSQL_PIECES_DELETE, message, 0, 0);
	if (r == 0)
		r = out_run(s, CSQL_SURBS_DELETE, message, 0, 0);
	return client_store_end(s, r);
}
