// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The rows of operations in the platform's store.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../now.h"
#include "private.h"

struct insert {
	const struct fog_operations *operations;
	const struct fog_operation_begin *begin;
	int64_t id;
};

static int insert_work(struct fog_tx *tx, void *ctx)
{
	struct insert *i = ctx;
	const struct fog_operation_begin *b = i->begin;
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows,
	        "INSERT INTO operation(kind, owner, parameters, control_plane, state, progress, cancel, "
	        "created_us) VALUES($1, $2, $3, $4, 'queued', 0, 0, $5) RETURNING id",
	        FOG_BIND(
	                FOG_TEXT(b->kind), FOG_TEXT(b->owner), FOG_TEXT(b->parameters),
	                FOG_TEXT(i->operations->control_plane), FOG_INT(fog_now_unix_us())
	        )
	);

	if (r == 0)
		i->id = fog_rows_int(&rows, 0);
	fog_rows_end(&rows);
	return r;
}

int operation_insert(struct fog_operations *o, const struct fog_operation_begin *b, int64_t *id)
{
	struct insert i = {.operations = o, .begin = b};
	int r = fog_db_write(o->db, insert_work, &i);

	*id = i.id;
	return r;
}

struct write {
	int64_t id;
	const struct operation_state *now;
	const char *result;
};

static struct fog_value time_value(int64_t us)
{
	return us != 0 ? FOG_INT(us) : FOG_NULL;
}

static int write_lines(struct fog_tx *tx, const struct write *w)
{
	int r = 0;

	for (unsigned i = 0; i < w->now->pending && r >= 0; i++) {
		const struct operation_line *l = &w->now->line[i];
		r = fog_db_run(
		        tx,
		        "INSERT INTO operation_line(operation, number, time_us, text) "
		        "VALUES($1, $2, $3, $4) ON CONFLICT DO NOTHING",
		        FOG_BIND(
		                FOG_INT(w->id), FOG_INT(l->number), FOG_INT(l->time_us),
		                FOG_TEXT(l->text)
		        )
		);
	}
	if (r >= 0 && w->now->pending > 0 && w->now->line_count > FOG_OPERATION_LINES)
		r = fog_db_run(
		        tx, "DELETE FROM operation_line WHERE operation = $1 AND number <= $2",
		        FOG_BIND(FOG_INT(w->id), FOG_INT(w->now->line_count - FOG_OPERATION_LINES))
		);
	return r;
}

static int write_work(struct fog_tx *tx, void *ctx)
{
	const struct write *w = ctx;
	const struct operation_state *now = w->now;
	bool failed = now->state == FOG_OPERATION_FAILED;
	int r = fog_db_run(
	        tx,
	        "UPDATE operation SET state = $2, progress = $3, started_us = $4, ended_us = $5, "
	        "error_code = $6, error_text = $7, result = $8 WHERE id = $1 AND ended_us IS NULL",
	        FOG_BIND(
	                FOG_INT(w->id), FOG_TEXT(fog_operation_state_name(now->state)),
	                FOG_INT(now->progress), time_value(now->started_us),
	                time_value(now->ended_us), failed ? FOG_TEXT(now->error_code) : FOG_NULL,
	                failed ? FOG_TEXT(now->error_text) : FOG_NULL, FOG_TEXT(w->result)
	        )
	);

	// Nothing is left of it: it was forgotten, or its end is known.
	return r <= 0 ? r : write_lines(tx, w);
}

int operation_write(
        struct fog_operations *o, int64_t id, const struct operation_state *now, const char *result
)
{
	struct write w = {.id = id, .now = now, .result = result};
	int r = fog_db_write(o->db, write_work, &w);

	return r < 0 ? r : 0;
}

static int interrupt_work(struct fog_tx *tx, void *ctx)
{
	const struct fog_operations *o = ctx;

	return fog_db_run(
	        tx,
	        "UPDATE operation SET state = 'failed', ended_us = $2, error_code = 'interrupted', "
	        "error_text = 'the control plane ended while it was at it: begin it again' "
	        "WHERE control_plane = $1 AND ended_us IS NULL",
	        FOG_BIND(FOG_TEXT(o->control_plane), FOG_INT(fog_now_unix_us()))
	);
}

int operation_interrupt(struct fog_operations *o)
{
	return fog_db_write(o->db, interrupt_work, o);
}

static int prune_work(struct fog_tx *tx, void *ctx)
{
	return fog_db_run(
	        tx, "DELETE FROM operation WHERE ended_us < $1",
	        FOG_BIND(FOG_INT(*(const int64_t *)ctx))
	);
}

int operation_prune(struct fog_operations *o, int64_t before_us)
{
	return fog_db_write(o->db, prune_work, &before_us);
}

struct cancels {
	const struct fog_operations *operations;
	int64_t *id;
	unsigned max;
};

static int cancels_work(struct fog_tx *tx, void *ctx)
{
	const struct cancels *c = ctx;
	struct fog_rows rows;
	unsigned n = 0;
	int r = fog_db_ask(
	        tx, &rows,
	        "SELECT id FROM operation WHERE control_plane = $1 AND ended_us IS NULL AND cancel = 1",
	        FOG_BIND(FOG_TEXT(c->operations->control_plane))
	);

	while (r >= 0 && n < c->max && (r = fog_rows_next(&rows)) > 0)
		c->id[n++] = fog_rows_int(&rows, 0);
	fog_rows_end(&rows);
	return r < 0 ? r : (int)n;
}

int operation_cancels(struct fog_operations *o, int64_t *id, unsigned max)
{
	struct cancels c = {.operations = o, .id = id, .max = max};

	return fog_db_read(o->db, cancels_work, &c);
}

struct ask {
	int64_t id;
	const char *owner;
};

// Why nothing was changed: -ENOENT, or 'state' when the operation is there.
static int ask_why(struct fog_tx *tx, const struct ask *a, int state)
{
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows, "SELECT 1 FROM operation WHERE id = $1 AND owner = COALESCE($2, owner)",
	        FOG_BIND(FOG_INT(a->id), FOG_TEXT(a->owner))
	);

	fog_rows_end(&rows);
	return r == 0 ? state : r;
}

// $2 stands in a place of its own type: PostgreSQL asks for that where it may be NULL.
static int ask_work(struct fog_tx *tx, void *ctx)
{
	const struct ask *a = ctx;
	int r = fog_db_run(
	        tx,
	        "UPDATE operation SET cancel = 1 WHERE id = $1 AND owner = COALESCE($2, owner) "
	        "AND ended_us IS NULL",
	        FOG_BIND(FOG_INT(a->id), FOG_TEXT(a->owner))
	);

	return r != 0 ? r : ask_why(tx, a, -EALREADY);
}

int operation_ask_cancel(struct fog_operations *o, int64_t id, const char *owner)
{
	struct ask a = {.id = id, .owner = owner};
	int r = fog_db_write(o->db, ask_work, &a);

	return r < 0 ? r : 0;
}

static int forget_work(struct fog_tx *tx, void *ctx)
{
	const struct ask *a = ctx;
	int r = fog_db_run(
	        tx,
	        "DELETE FROM operation WHERE id = $1 AND owner = COALESCE($2, owner) "
	        "AND ended_us IS NOT NULL",
	        FOG_BIND(FOG_INT(a->id), FOG_TEXT(a->owner))
	);

	return r != 0 ? r : ask_why(tx, a, -EINPROGRESS);
}

int operation_forget(struct fog_operations *o, int64_t id, const char *owner)
{
	struct ask a = {.id = id, .owner = owner};
	int r = fog_db_write(o->db, forget_work, &a);

	return r < 0 ? r : 0;
}
