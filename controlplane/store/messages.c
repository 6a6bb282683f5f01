// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Received and sent messages, and the outbox between the two processes.
#include <errno.h>
#include <string.h>

#include "private.h"

// A worker's messages come in the order of their sequence numbers, whatever ring carries them, so
// one number a worker and boot tells what has been handled.
int fog_store_mark(struct fog_store *s, const uint8_t boot_id[16], uint32_t worker, uint64_t seq)
{
	sqlite3_stmt *st = store_statement(s, SQL_MARK_GET);
	int r;

	sqlite3_bind_blob(st, 1, boot_id, 16, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, worker);
	r = sqlite3_step(st);
	int known = r == SQLITE_ROW && (uint64_t)sqlite3_column_int64(st, 0) >= seq;
	sqlite3_reset(st);
	if (r != SQLITE_ROW && r != SQLITE_DONE)
		return store_error(s, "reading a ring's mark");
	if (known)
		return 1;
	st = store_statement(s, SQL_MARK_PUT);
	sqlite3_bind_blob(st, 1, boot_id, 16, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, worker);
	sqlite3_bind_int64(st, 3, (int64_t)seq);
	sqlite3_bind_int64(st, 4, fog_now_unix_us());
	return store_run(s, st, "writing a ring's mark");
}

// An empty blob must not become NULL, which sqlite3_bind_blob makes of a null pointer.
static void bind_bytes(sqlite3_stmt *st, int index, const uint8_t *data, size_t len)
{
	if (len == 0)
		sqlite3_bind_zeroblob(st, index, 0);
	else
		sqlite3_bind_blob64(st, index, data, len, SQLITE_STATIC);
}

int fog_store_receive(struct fog_store *s, const struct fog_store_received *m)
{
	sqlite3_stmt *st = store_statement(s, SQL_RECEIVE);

	sqlite3_bind_int64(st, 1, m->time_us);
	bind_bytes(st, 2, m->recipient, sizeof(m->recipient));
	bind_bytes(st, 3, m->data, m->len);
	if (m->surb != NULL)
		bind_bytes(st, 4, m->surb, m->surb_len);
	sqlite3_bind_int64(st, 5, m->in_reply_to);
	sqlite3_bind_int64(st, 6, (int64_t)m->surb_epoch);
	return store_run(s, st, "storing a message");
}

int fog_store_list(
        struct fog_store *s, int64_t after, unsigned limit,
        void (*each)(void *ctx, const struct fog_store_received *), void *ctx
)
{
	sqlite3_stmt *st = store_statement(s, SQL_LIST);
	int n = 0, r;

	sqlite3_bind_int64(st, 1, after);
	sqlite3_bind_int64(st, 2, limit);
	while ((r = sqlite3_step(st)) == SQLITE_ROW) {
		struct fog_store_received m = {
		        .id = sqlite3_column_int64(st, 0),
		        .time_us = sqlite3_column_int64(st, 1),
		        .data = sqlite3_column_blob(st, 3),
		        .len = (size_t)sqlite3_column_bytes(st, 3),
		        .can_reply = sqlite3_column_int(st, 4),
		        .in_reply_to = sqlite3_column_int64(st, 5),
		};
		if (sqlite3_column_bytes(st, 2) == sizeof(m.recipient))
			memcpy(m.recipient, sqlite3_column_blob(st, 2), sizeof(m.recipient));
		each(ctx, &m);
		n++;
	}
	sqlite3_reset(st);
	return r == SQLITE_DONE ? n : store_error(s, "listing messages");
}

int fog_store_take_surb(
        struct fog_store *s, int64_t id, uint8_t *surb, size_t surb_len, uint64_t *epoch
)
{
	sqlite3_stmt *st = store_statement(s, SQL_SURB_GET);
	int r = -ENOENT, e;

	sqlite3_bind_int64(st, 1, id);
	if ((e = sqlite3_step(st)) == SQLITE_ROW) {
		r = sqlite3_column_int(st, 1) ? -EALREADY : -ENODATA;
		if ((size_t)sqlite3_column_bytes(st, 0) == surb_len && surb_len > 0) {
			memcpy(surb, sqlite3_column_blob(st, 0), surb_len);
			*epoch = (uint64_t)sqlite3_column_int64(st, 2);
			r = 0;
		}
	} else if (e != SQLITE_DONE) {
		r = store_error(s, "reading a SURB");
	}
	sqlite3_reset(st);
	if (r < 0)
		return r;
	st = store_statement(s, SQL_SURB_USED);
	sqlite3_bind_int64(st, 1, id);
	return store_run(s, st, "taking a SURB");
}

int fog_store_send(struct fog_store *s, const struct fog_store_sent *m, int64_t *id)
{
	sqlite3_stmt *st = store_statement(s, SQL_SEND);

	sqlite3_bind_int64(st, 1, fog_now_unix_us());
	sqlite3_bind_int64(st, 2, (int64_t)m->bytes);
	sqlite3_bind_int64(st, 3, m->reply_to);
	int r = store_run(s, st, "storing a sent message");
	if (r < 0)
		return r;
	*id = sqlite3_last_insert_rowid(s->db);
	st = store_statement(s, SQL_OUTBOX_PUT);
	sqlite3_bind_int64(st, 1, *id);
	sqlite3_bind_int64(st, 2, m->inject_type);
	bind_bytes(st, 3, m->first_hop, sizeof(m->first_hop));
	bind_bytes(st, 4, m->packet, m->packet_len);
	sqlite3_bind_int64(st, 5, (int64_t)m->epoch);
	return store_run(s, st, "storing a packet to send");
}

int fog_store_outbox_done(struct fog_store *s, int64_t id)
{
	sqlite3_stmt *st = store_statement(s, SQL_OUTBOX_DONE);

	sqlite3_bind_int64(st, 1, id);
	return store_run(s, st, "emptying the outbox");
}

int fog_store_outbox_give_up(struct fog_store *s, int64_t id)
{
	sqlite3_stmt *st = store_statement(s, SQL_GIVEN_UP);

	sqlite3_bind_int64(st, 1, id);
	int r = store_run(s, st, "giving a message up");
	return r < 0 ? r : fog_store_outbox_done(s, id);
}

int fog_store_sent_get(struct fog_store *s, int64_t id, struct fog_store_sent_state *out)
{
	sqlite3_stmt *st = store_statement(s, SQL_SENT_GET);

	sqlite3_bind_int64(st, 1, id);
	int r = sqlite3_step(st);
	if (r == SQLITE_ROW) {
		*out = (struct fog_store_sent_state){
		        .time_us = sqlite3_column_int64(st, 0),
		        .bytes = (size_t)sqlite3_column_int64(st, 1),
		        .reply_to = sqlite3_column_int64(st, 2),
		        .given_up = sqlite3_column_int(st, 3),
		        .waiting = sqlite3_column_int(st, 4),
		};
		r = 0;
	} else {
		r = r == SQLITE_DONE ? -ENOENT : store_error(s, "reading a sent message");
	}
	sqlite3_reset(st);
	return r;
}

int fog_store_outbox_next(
        struct fog_store *s, int64_t *id, uint32_t *inject_type, uint8_t first_hop[32],
        uint64_t *epoch, uint8_t *packet, size_t cap
)
{
	sqlite3_stmt *st = store_statement(s, SQL_OUTBOX_NEXT);
	int r = sqlite3_step(st);

	if (r == SQLITE_ROW) {
		size_t len = (size_t)sqlite3_column_bytes(st, 3);
		*id = sqlite3_column_int64(st, 0);
		*inject_type = (uint32_t)sqlite3_column_int64(st, 1);
		if (sqlite3_column_bytes(st, 2) == 32)
			memcpy(first_hop, sqlite3_column_blob(st, 2), 32);
		memcpy(packet, sqlite3_column_blob(st, 3), len < cap ? len : cap);
		*epoch = (uint64_t)sqlite3_column_int64(st, 4);
		r = (int)len;
	} else {
		r = r == SQLITE_DONE ? -ENOENT : store_error(s, "reading the outbox");
	}
	sqlite3_reset(st);
	return r;
}
