// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What others see of operations: read into memory, since a read may be begun anew, then shown.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

// What is read: 'view' and 'line' point into texts that 'keep' holds.
struct read {
	const struct fog_operation_filter *filter;
	int64_t id, after;
	const char *owner;
	bool lines;

	unsigned count, line_count;
	struct fog_operation_view view[FOG_OPERATIONS_LIST_MAX + 1];
	struct fog_operation_line line[FOG_OPERATION_LINES];
	struct text *keep;
};

struct text {
	struct text *next;
	char text[];
};

static void read_clear(struct read *q)
{
	while (q->keep != NULL) {
		struct text *next = q->keep->next;
		free(q->keep);
		q->keep = next;
	}
	q->count = q->line_count = 0;
}

static const char *read_text(struct read *q, const struct fog_rows *rows, int column, int *r)
{
	if (fog_rows_null(rows, column))
		return NULL;
	const char *text = fog_rows_text(rows, column);
	size_t len = strlen(text) + 1;
	struct text *t = malloc(sizeof(*t) + len);
	if (t == NULL) {
		*r = -ENOMEM;
		return NULL;
	}
	memcpy(t->text, text, len);
	t->next = q->keep;
	q->keep = t;
	return t->text;
}

#define COLUMNS \
	"id, kind, owner, parameters, control_plane, state, progress, cancel, created_us, " \
	"started_us, ended_us, error_code, error_text, result"

static int read_row(struct read *q, const struct fog_rows *rows)
{
	int r = 0;

	q->view[q->count++] = (struct fog_operation_view){
	        .id = fog_rows_int(rows, 0),
	        .kind = read_text(q, rows, 1, &r),
	        .owner = read_text(q, rows, 2, &r),
	        .parameters = read_text(q, rows, 3, &r),
	        .control_plane = read_text(q, rows, 4, &r),
	        .state = fog_operation_state_of(fog_rows_text(rows, 5)),
	        .progress = (unsigned)fog_rows_int(rows, 6),
	        .cancel = fog_rows_int(rows, 7) != 0,
	        .created_us = fog_rows_int(rows, 8),
	        .started_us = fog_rows_int(rows, 9),
	        .ended_us = fog_rows_int(rows, 10),
	        .error_code = read_text(q, rows, 11, &r),
	        .error_text = read_text(q, rows, 12, &r),
	        .result = read_text(q, rows, 13, &r),
	};
	return r;
}

static int list_work(struct fog_tx *tx, void *ctx)
{
	struct read *q = ctx;
	const struct fog_operation_filter *f = q->filter;
	const char *state = f->state < FOG_OPERATION_STATES ? fog_operation_state_name(f->state)
	                                                    : NULL;
	struct fog_rows rows;

	read_clear(q);
	int r = fog_db_ask(
	        tx, &rows,
	        "SELECT " COLUMNS " FROM operation WHERE owner = COALESCE($1, owner) "
	        "AND kind = COALESCE($2, kind) AND state = COALESCE($3, state) AND id < $4 "
	        "AND parameters LIKE '%' || COALESCE($6, '') || '%' ORDER BY id DESC LIMIT $5",
	        FOG_BIND(
	                FOG_TEXT(f->owner), FOG_TEXT(f->kind), FOG_TEXT(state),
	                FOG_INT(f->before > 0 ? f->before : INT64_MAX), FOG_INT(f->limit + 1),
	                FOG_TEXT(f->parameters)
	        )
	);
	while (r >= 0 && (r = fog_rows_next(&rows)) > 0)
		r = read_row(q, &rows);
	fog_rows_end(&rows);
	return r;
}

int fog_operations_list(
        struct fog_operations *o, const struct fog_operation_filter *filter, fog_operation_see *see,
        void *ctx
)
{
	struct read *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return -ENOMEM;
	q->filter = filter;
	int r = filter->limit < 1 || filter->limit > FOG_OPERATIONS_LIST_MAX
	        ? -EINVAL
	        : fog_db_read(o->db, list_work, q);
	for (unsigned i = 0; r >= 0 && i < q->count && i < filter->limit; i++)
		see(ctx, &q->view[i]);
	if (r >= 0)
		r = q->count > filter->limit;
	read_clear(q);
	free(q);
	return r;
}

static int read_lines(struct fog_tx *tx, struct read *q)
{
	struct fog_rows rows;
	int r = fog_db_ask(
	        tx, &rows,
	        "SELECT number, time_us, text FROM operation_line WHERE operation = $1 "
	        "AND number > $2 ORDER BY number LIMIT $3",
	        FOG_BIND(FOG_INT(q->id), FOG_INT(q->after), FOG_INT(FOG_OPERATION_LINES))
	);

	while (r >= 0 && (r = fog_rows_next(&rows)) > 0) {
		r = 0;
		q->line[q->line_count++] = (struct fog_operation_line
		){.number = fog_rows_int(&rows, 0),
		  .time_us = fog_rows_int(&rows, 1),
		  .text = read_text(q, &rows, 2, &r)};
	}
	fog_rows_end(&rows);
	return r;
}

static int get_work(struct fog_tx *tx, void *ctx)
{
	struct read *q = ctx;
	struct fog_rows rows;

	read_clear(q);
	int r = fog_db_one(
	        tx, &rows,
	        "SELECT " COLUMNS " FROM operation WHERE id = $1 AND owner = COALESCE($2, owner)",
	        FOG_BIND(FOG_INT(q->id), FOG_TEXT(q->owner))
	);
	if (r == 0)
		r = read_row(q, &rows);
	fog_rows_end(&rows);
	return r == 0 && q->lines ? read_lines(tx, q) : r;
}

int fog_operations_get(
        struct fog_operations *o, int64_t id, const char *owner, int64_t after,
        fog_operation_see *see, fog_operation_see_line *line, void *ctx
)
{
	struct read *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return -ENOMEM;
	q->id = id;
	q->owner = owner;
	q->after = after;
	q->lines = line != NULL;
	int r = fog_db_read(o->db, get_work, q);
	if (r == 0)
		see(ctx, &q->view[0]);
	for (unsigned i = 0; r == 0 && i < q->line_count; i++)
		line(ctx, &q->line[i]);
	read_clear(q);
	free(q);
	return r;
}
