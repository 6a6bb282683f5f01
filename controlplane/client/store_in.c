// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Messages that come in, and what is thrown away with time.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_private.h"

static sqlite3_stmt *in_of(
        struct client_store *s, enum client_sql which, const struct client_fragment *f
)
{
	sqlite3_stmt *st = client_store_sql(s, which);

	sqlite3_bind_blob(st, 1, f->id, sizeof(f->id), SQLITE_STATIC);
	return st;
}

static int in_put(struct client_store *s, const struct client_fragment *f, int64_t now_us)
{
	sqlite3_stmt *st = in_of(s, CSQL_PARTIAL_LIKE, f);
	int64_t like;

	sqlite3_bind_int64(st, 2, f->count);
	sqlite3_bind_int64(st, 3, f->length);
	int r = client_store_number(s, st, 1, &like);
	if (r < 0 || !like)
		return r < 0 ? r : -EBADMSG;
	st = in_of(s, CSQL_PARTIAL_PUT, f);
	sqlite3_bind_int64(st, 2, f->index);
	sqlite3_bind_int64(st, 3, f->count);
	sqlite3_bind_int64(st, 4, f->length);
	sqlite3_bind_int64(st, 5, now_us);
	sqlite3_bind_blob(st, 6, f->data, (int)f->len, SQLITE_STATIC);
	return client_store_run(s, st, "keeping a fragment");
}

// Put the fragments of a message together that are all there. The caller frees *out.
static int in_join(struct client_store *s, const struct client_fragment *f, uint8_t **out)
{
	sqlite3_stmt *st = in_of(s, CSQL_PARTIAL_LIST, f);
	size_t at = 0;
	int step, r = 0;

	*out = malloc(f->length);
	if (*out == NULL)
		return -ENOMEM;
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		size_t len = (size_t)sqlite3_column_bytes(st, 0);
		if (len > f->length - at)
			break;
		memcpy(*out + at, sqlite3_column_blob(st, 0), len);
		at += len;
	}
	if (step != SQLITE_DONE || at != f->length)
		r = client_store_fail(s, "putting a message together");
	sqlite3_reset(st);
	return r;
}

static int in_whole(struct client_store *s, const struct client_fragment *f, int64_t now_us)
{
	uint8_t *data = NULL;
	int r = in_join(s, f, &data);

	if (r == 0) {
		sqlite3_stmt *st = client_store_sql(s, CSQL_MESSAGE_PUT);
		sqlite3_bind_int64(st, 1, now_us);
		sqlite3_bind_blob(st, 2, data, (int)f->length, SQLITE_STATIC);
		r = client_store_run(s, st, "keeping a message");
	}
	free(data);
	if (r == 0)
		r = client_store_run(s, in_of(s, CSQL_PARTIAL_DELETE, f), "keeping a message");
	if (r == 0) {
		sqlite3_stmt *st = in_of(s, CSQL_SEEN_PUT, f);
		sqlite3_bind_int64(st, 2, now_us);
		r = client_store_run(s, st, "keeping a message");
	}
	return r < 0 ? r : 1;
}

// Whose messages never become whole must not fill our disk.
static int in_limit(struct client_store *s, size_t room)
{
	int64_t fragments;
	int r = client_store_number(s, client_store_sql(s, CSQL_PARTIAL_BYTES), 0, &fragments);

	while (r == 0 && (uint64_t)fragments * room > CLIENT_STORE_PARTIAL_MAX) {
		r = client_store_run(
		        s, client_store_sql(s, CSQL_PARTIAL_STALEST), "throwing fragments away"
		);
		fragments -= sqlite3_changes(s->db);
	}
	return r;
}

int client_store_fragment(
        struct client_store *s, const struct client_fragment *f, size_t room, int64_t now_us
)
{
	int64_t seen = 0, have = 0;
	int r = client_store_begin(s, true);

	if (r < 0)
		return r;
	r = client_store_number(s, in_of(s, CSQL_SEEN_GET, f), 0, &seen);
	if (r == 0 && !seen) {
		r = in_put(s, f, now_us);
		if (r == 0)
			r = client_store_number(s, in_of(s, CSQL_PARTIAL_COUNT, f), 0, &have);
		if (r == 0)
			r = have == f->count ? in_whole(s, f, now_us) : in_limit(s, room);
	}
	return client_store_end(s, r);
}

int client_store_receive(struct client_store *s, int64_t after, struct fog_client_message *out)
{
	sqlite3_stmt *st = client_store_sql(s, CSQL_MESSAGE_NEXT);
	int step, r = 0;

	sqlite3_bind_int64(st, 1, after);
	step = sqlite3_step(st);
	if (step == SQLITE_ROW) {
		out->id = sqlite3_column_int64(st, 0);
		out->received_us = sqlite3_column_int64(st, 1);
		out->len = (size_t)sqlite3_column_bytes(st, 2);
		r = -ENOMEM;
		// A row that stays open would keep this object at what the database is now.
		uint8_t *copy = out->len > 0 ? realloc(s->message, out->len) : NULL;
		if (out->len == 0) {
			r = client_store_damaged(s, "reading a message");
		} else if (copy != NULL) {
			memcpy(copy, sqlite3_column_blob(st, 2), out->len);
			out->data = s->message = copy;
			r = 1;
		}
	} else if (step != SQLITE_DONE) {
		r = client_store_fail(s, "reading");
	}
	sqlite3_reset(st);
	return r;
}

int client_store_forget(struct client_store *s, int64_t id)
{
	sqlite3_stmt *st = client_store_sql(s, CSQL_MESSAGE_DELETE);
	int r = client_store_begin(s, true);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, id);
	r = client_store_run(s, st, "forgetting a message");
	if (r == 0 && sqlite3_changes(s->db) == 0)
		r = -ENOENT;
	return client_store_end(s, r);
}

static int in_prune(struct client_store *s, enum client_sql which, int64_t before_us)
{
	sqlite3_stmt *st = client_store_sql(s, which);

	sqlite3_bind_int64(st, 1, before_us);
	return client_store_run(s, st, "throwing old things away");
}

int client_store_sweep(struct client_store *s, int64_t now_us)
{
	const int64_t day_us = INT64_C(1000000) * CLIENT_STORE_DAY_S;
	int64_t id, old_us = now_us - CLIENT_STORE_KEEP_DAYS * day_us;
	int r;

	for (;;) {
		sqlite3_stmt *st = client_store_sql(s, CSQL_OLD_OUT);
		sqlite3_bind_int64(st, 1, now_us - day_us);
		r = client_store_number(s, st, 0, &id);
		if (r < 0 || id == 0)
			break;
		r = client_store_failed(
		        s, id, "not acknowledged within a day: send it again", now_us
		);
		if (r < 0)
			break;
	}
	if (r == 0)
		r = client_store_begin(s, false);
	if (r < 0)
		return r;
	r = in_prune(s, CSQL_PRUNE_OUT, old_us);
	if (r == 0)
		r = in_prune(s, CSQL_PRUNE_SEEN, old_us);
	if (r == 0)
		r = in_prune(s, CSQL_PRUNE_PARTIAL, old_us);
	return client_store_end(s, r);
}
