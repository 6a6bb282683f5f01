// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../log/log.h"
#include "private.h"

enum {
	PRUNE_ROUNDS = 100, // transactions of one call
};

static int box_read(struct fog_store *s, sqlite3_stmt *st, struct fog_store_box *b)
{
	int r = sqlite3_step(st);

	if (r == SQLITE_ROW) {
		*b = (struct fog_store_box){
		        .box = sqlite3_column_int64(st, 0),
		        .first = sqlite3_column_int64(st, 1),
		        .next = sqlite3_column_int64(st, 2),
		        .bytes = sqlite3_column_int64(st, 3),
		        .heard_us = sqlite3_column_int64(st, 4),
		};
		r = 0;
	} else {
		r = r == SQLITE_DONE ? -ENOENT : store_error(s, "looking for a mailbox");
	}
	sqlite3_reset(st);
	return r;
}

int fog_store_box_get(struct fog_store *s, const uint8_t id[32], struct fog_store_box *b)
{
	sqlite3_stmt *st = store_statement(s, SQL_BOX_GET);

	sqlite3_bind_blob(st, 1, id, 32, SQLITE_STATIC);
	return box_read(s, st, b);
}

int fog_store_box_make(
        struct fog_store *s, const uint8_t id[32], int64_t now_us, struct fog_store_box *b
)
{
	sqlite3_stmt *st = store_statement(s, SQL_BOX_MAKE);

	sqlite3_bind_blob(st, 1, id, 32, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, now_us);
	int r = store_run(s, st, "making a mailbox");
	*b = (struct fog_store_box){
	        .box = sqlite3_last_insert_rowid(s->db),
	        .first = now_us,
	        .next = now_us,
	        .heard_us = now_us,
	};
	return r;
}

static int box_write(struct fog_store *s, const struct fog_store_box *b)
{
	sqlite3_stmt *st = store_statement(s, SQL_BOX_PUT);

	sqlite3_bind_int64(st, 1, b->box);
	sqlite3_bind_int64(st, 2, b->first);
	sqlite3_bind_int64(st, 3, b->next);
	sqlite3_bind_int64(st, 4, b->bytes);
	sqlite3_bind_int64(st, 5, b->heard_us);
	return store_run(s, st, "writing a mailbox");
}

int fog_store_box_heard(struct fog_store *s, struct fog_store_box *b, int64_t now_us)
{
	b->heard_us = now_us;
	return box_write(s, b);
}

int fog_store_box_put(
        struct fog_store *s, struct fog_store_box *b, int64_t now_us, const uint8_t *data,
        size_t len, int64_t max
)
{
	int64_t bytes = b->bytes + (int64_t)len + FOG_STORE_MAIL_OVERHEAD;

	if (bytes > max || b->next == INT64_MAX)
		return -EDQUOT;
	sqlite3_stmt *st = store_statement(s, SQL_MAIL_PUT);
	sqlite3_bind_int64(st, 1, b->box);
	sqlite3_bind_int64(st, 2, b->next);
	sqlite3_bind_int64(st, 3, now_us);
	sqlite3_bind_blob64(st, 4, data, len, SQLITE_STATIC);
	int r = store_run(s, st, "storing mail");
	if (r < 0)
		return r;
	b->next++;
	b->bytes = bytes;
	return box_write(s, b);
}

// What the mails up to 'last' count for.
static int box_weight(
        struct fog_store *s, const struct fog_store_box *b, int64_t last, int64_t *bytes
)
{
	sqlite3_stmt *st = store_statement(s, SQL_MAIL_WEIGHT);
	int r = 0;

	sqlite3_bind_int64(st, 1, b->box);
	sqlite3_bind_int64(st, 2, last);
	if (sqlite3_step(st) == SQLITE_ROW)
		*bytes = sqlite3_column_int64(st, 0) +
		        sqlite3_column_int64(st, 1) * FOG_STORE_MAIL_OVERHEAD;
	else
		r = store_error(s, "weighing mail");
	sqlite3_reset(st);
	return r;
}

int fog_store_box_forget(struct fog_store *s, struct fog_store_box *b, int64_t last)
{
	int64_t bytes = 0;

	if (last < b->first)
		return 0;
	if (last == INT64_MAX)
		last--;
	int r = box_weight(s, b, last, &bytes);
	if (r < 0)
		return r;
	sqlite3_stmt *st = store_statement(s, SQL_MAIL_FORGET);
	sqlite3_bind_int64(st, 1, b->box);
	sqlite3_bind_int64(st, 2, last);
	r = store_run(s, st, "forgetting mail");
	if (r < 0)
		return r;
	b->bytes -= bytes;
	b->first = last + 1;
	if (b->next < b->first)
		b->next = b->first;
	return box_write(s, b);
}

int fog_store_box_mail(
        struct fog_store *s, const struct fog_store_box *b, int64_t number, uint8_t *data,
        size_t cap
)
{
	sqlite3_stmt *st = store_statement(s, SQL_MAIL_GET);
	int r;

	sqlite3_bind_int64(st, 1, b->box);
	sqlite3_bind_int64(st, 2, number);
	r = sqlite3_step(st);
	if (r == SQLITE_ROW) {
		size_t len = (size_t)sqlite3_column_bytes(st, 0);
		if (len > 0)
			memcpy(data, sqlite3_column_blob(st, 0), len < cap ? len : cap);
		r = (int)len;
	} else {
		r = r == SQLITE_DONE ? -ENOENT : store_error(s, "reading mail");
	}
	sqlite3_reset(st);
	return r;
}

int fog_store_boxes(struct fog_store *s, struct fog_store_boxes *all)
{
	sqlite3_stmt *st = store_statement(s, SQL_BOXES);
	int r = 0;

	if (sqlite3_step(st) == SQLITE_ROW)
		*all = (struct fog_store_boxes){
		        .boxes = (uint64_t)sqlite3_column_int64(st, 0),
		        .mails = (uint64_t)sqlite3_column_int64(st, 1),
		        .bytes = (uint64_t)sqlite3_column_int64(st, 2),
		        .answers = (uint64_t)sqlite3_column_int64(st, 3),
		};
	else
		r = store_error(s, "counting mail");
	sqlite3_reset(st);
	return r;
}

// One box with mail from before then, or whose client is away: 1 when there was one, 0, -EIO, -ENOSPC.
static int boxes_prune_mail(struct fog_store *s, int64_t before_us)
{
	sqlite3_stmt *st = store_statement(s, SQL_MAIL_OLD);
	struct fog_store_box b;

	sqlite3_bind_int64(st, 1, before_us);
	int r = sqlite3_step(st);
	int64_t box = r == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	int64_t last = r == SQLITE_ROW ? sqlite3_column_int64(st, 1) : 0;
	sqlite3_reset(st);
	if (r != SQLITE_ROW)
		return r == SQLITE_DONE ? 0 : store_error(s, "looking for old mail");
	st = store_statement(s, SQL_BOX_OF);
	sqlite3_bind_int64(st, 1, box);
	r = box_read(s, st, &b);
	if (r == 0)
		r = fog_store_box_forget(s, &b, last);
	return r < 0 ? r : 1;
}

static int boxes_prune_box(struct fog_store *s, int64_t before_us)
{
	sqlite3_stmt *st = store_statement(s, SQL_BOX_OLD);
	struct fog_store_box b;

	sqlite3_bind_int64(st, 1, before_us);
	int r = box_read(s, st, &b);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = fog_store_box_forget(s, &b, b.next - 1);
	if (r < 0)
		return r;
	st = store_statement(s, SQL_BOX_DELETE);
	sqlite3_bind_int64(st, 1, b.box);
	r = store_run(s, st, "forgetting a mailbox");
	return r < 0 ? r : 1;
}

void fog_store_boxes_prune(struct fog_store *s, int64_t before_us)
{
	int r = 1;

	for (int i = 0; i < PRUNE_ROUNDS && r == 1; i++) {
		if (fog_store_begin(s) < 0)
			return;
		// A box that goes takes all of its mail along.
		r = boxes_prune_box(s, before_us);
		if (r == 0)
			r = boxes_prune_mail(s, before_us);
		if (fog_store_end(s, r >= 0) < 0)
			return;
	}
}

int fog_store_mail_answer_put(struct fog_store *s, const struct fog_store_answer_packet *a)
{
	sqlite3_stmt *st = store_statement(s, SQL_MAIL_ANSWER_PUT);

	sqlite3_bind_int64(st, 1, a->inject_type);
	sqlite3_bind_blob(st, 2, a->first_hop, sizeof(a->first_hop), SQLITE_STATIC);
	sqlite3_bind_blob64(st, 3, a->packet, a->len, SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, (int64_t)a->epoch);
	return store_run(s, st, "storing an answer");
}

int fog_store_mail_answer_next(
        struct fog_store *s, int64_t after, struct fog_store_answer_packet *a
)
{
	sqlite3_stmt *st = store_statement(s, SQL_MAIL_ANSWER_NEXT);

	sqlite3_bind_int64(st, 1, after);
	int r = sqlite3_step(st);
	if (r == SQLITE_ROW) {
		size_t len = (size_t)sqlite3_column_bytes(st, 3);
		a->id = sqlite3_column_int64(st, 0);
		a->inject_type = (uint32_t)sqlite3_column_int64(st, 1);
		if (sqlite3_column_bytes(st, 2) == sizeof(a->first_hop))
			memcpy(a->first_hop, sqlite3_column_blob(st, 2), sizeof(a->first_hop));
		a->len = len <= sizeof(a->packet) ? len : 0;
		if (a->len > 0)
			memcpy(a->packet, sqlite3_column_blob(st, 3), a->len);
		a->epoch = (uint64_t)sqlite3_column_int64(st, 4);
		r = 0;
	} else {
		r = r == SQLITE_DONE ? -ENOENT : store_error(s, "reading answers");
	}
	sqlite3_reset(st);
	return r;
}

int fog_store_mail_answers_done(struct fog_store *s, int64_t id)
{
	sqlite3_stmt *st = store_statement(s, SQL_MAIL_ANSWERS_DONE);

	sqlite3_bind_int64(st, 1, id);
	return store_run(s, st, "forgetting answers");
}

int64_t fog_store_mail_answers_last(struct fog_store *s)
{
	sqlite3_stmt *st = store_statement(s, SQL_MAIL_ANSWERS_LAST);
	int64_t id;

	if (sqlite3_step(st) == SQLITE_ROW)
		id = sqlite3_column_int64(st, 0);
	else
		id = store_error(s, "reading answers");
	sqlite3_reset(st);
	return id;
}

// Everything committed is in the log or, synced by SQLite before it lets the log start anew, in the main
// file. The first time SQLite does it all by itself, the log's folder included.
int fog_store_sync(struct fog_store *s)
{
	if (!atomic_load(&s->synced)) {
		int r = fog_store_durable(s);
		atomic_store(&s->synced, r == 0);
		return r;
	}
	const char *wal = sqlite3_filename_wal(sqlite3_db_filename(s->db, "main"));
	int fd = open(wal, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int r = fd < 0 || fdatasync(fd) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (r < 0) {
		LOG_ERR("%s: cannot wait for the disk: %s: look at the kernel's log for its faults",
		        wal, strerror(-r));
		r = r == -ENOSPC ? r : -EIO;
	}
	return r;
}
