// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a process has begun and not ended, because it died. Its rows are closed by the next one.
#include "chain_private.h"
#include "list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEFT_PAGE = 1000 };

struct left_row {
	int64_t sequence;
	char request_id[FOG_AUDIT_MAX_request_id + 1];
};

struct left {
	struct fog_audit_chain *chain;
	struct left_row open[AUDIT_OPEN_MAX];
	unsigned count;
};

// Rows of this chain from its last start on: what was begun before it has been closed by it.
static int left_from(struct fog_tx *tx, const struct fog_audit_chain *c, int64_t *sequence)
{
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows,
	        "SELECT sequence FROM audit WHERE chain = $1 AND action = 'audit.start' ORDER BY "
	        "sequence DESC LIMIT 1",
	        FOG_BIND(FOG_TEXT(c->id))
	);

	*sequence = r >= 0 ? fog_rows_int(&rows, 0) : 0;
	fog_rows_end(&rows);
	return r == -ENOENT ? 0 : r;
}

static void left_take(struct left *l, int64_t sequence, const char *request_id, bool begun)
{
	unsigned i = 0;

	if (begun && l->count < AUDIT_OPEN_MAX) {
		struct left_row *row = &l->open[l->count++];
		row->sequence = sequence;
		snprintf(row->request_id, sizeof(row->request_id), "%s", request_id);
		return;
	}
	while (i < l->count && strcmp(l->open[i].request_id, request_id) != 0)
		i++;
	if (!begun && i < l->count)
		memmove(&l->open[i], &l->open[i + 1], (--l->count - i) * sizeof(l->open[0]));
}

// One page. Returns how many rows, or an error.
static int left_page(struct fog_tx *tx, struct left *l, int64_t *after)
{
	struct fog_rows rows;
	int count = 0,
	    r = fog_db_ask(
	            tx, &rows,
	            "SELECT sequence, request_id, outcome FROM audit WHERE chain = $1 AND sequence > $2 "
	            "ORDER BY sequence LIMIT $3",
	            FOG_BIND(FOG_TEXT(l->chain->id), FOG_INT(*after), FOG_INT(LEFT_PAGE))
	    );

	if (r < 0)
		return r;
	while ((r = fog_rows_next(&rows)) > 0) {
		const char *request_id = fog_rows_text(&rows, 1);
		*after = fog_rows_int(&rows, 0);
		if (request_id[0] != '\0' && strcmp(request_id, l->chain->begun) != 0)
			left_take(
			        l, *after, request_id, strcmp(fog_rows_text(&rows, 2), "begun") == 0
			);
		count++;
	}
	fog_rows_end(&rows);
	return r < 0 ? r : count;
}

static int left_rows(struct fog_tx *tx, struct left *l)
{
	struct fog_audit_list one = {0}, *all = &l->chain->open;
	int r = 0;

	fog_audit_list_free(all);
	all->row = calloc(l->count + 1, sizeof(*all->row));
	all->memory = calloc(l->count + 1, sizeof(*all->memory));
	if (all->row == NULL || all->memory == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < l->count && r == 0; i++) {
		r = audit_list_read(
		        tx, &one, 1,
		        "SELECT " AUDIT_COLUMNS " FROM audit WHERE chain = $1 AND sequence = $2",
		        FOG_BIND(FOG_TEXT(l->chain->id), FOG_INT(l->open[i].sequence))
		);
		if (r < 0 || one.count == 0)
			break;
		all->row[all->count] = one.row[0];
		all->memory[all->count++] = one.memory[0];
		one.count = 0; // its memory is the other's now
	}
	fog_audit_list_free(&one);
	return r;
}

static int left_work(struct fog_tx *tx, void *ctx)
{
	struct left *l = ctx;
	int64_t after;
	int r = left_from(tx, l->chain, &after);

	l->count = 0;
	do
		r = r < 0 ? r : left_page(tx, l, &after);
	while (r == LEFT_PAGE);
	return r < 0 ? r : left_rows(tx, l);
}

int audit_left_read(struct fog_audit_chain *c)
{
	struct left *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return -ENOMEM;
	l->chain = c;
	r = fog_db_read(c->db, left_work, l);
	free(l);
	return r < 0 ? r : 0;
}

static struct audit_pending *left_note(const struct fog_audit_row *row)
{
	char details[96];
	struct audit_pending *p = calloc(1, sizeof(*p));
	const struct fog_audit_event e = {
	        .actor_kind = row->text[FOG_AUDIT_TEXT_actor_kind],
	        .actor_id = row->text[FOG_AUDIT_TEXT_actor_id],
	        .actor_name = row->text[FOG_AUDIT_TEXT_actor_name],
	        .action = row->text[FOG_AUDIT_TEXT_action],
	        .object = row->text[FOG_AUDIT_TEXT_object],
	        .source = row->text[FOG_AUDIT_TEXT_source],
	        .request_id = row->text[FOG_AUDIT_TEXT_request_id],
	        .correlation_id = row->text[FOG_AUDIT_TEXT_correlation_id],
	        .method = row->text[FOG_AUDIT_TEXT_method],
	        .path = row->text[FOG_AUDIT_TEXT_path],
	        .outcome = FOG_AUDIT_UNKNOWN,
	        .details = details,
	};

	if (p == NULL)
		return NULL;
	snprintf(
	        details, sizeof(details), "{\"why\":\"interrupted\",\"begun\":%" PRId64 "}",
	        row->sequence
	);
	audit_pending_fill(p, &e);
	return p;
}

struct audit_pending *audit_left_notes(const struct fog_audit_chain *c, struct audit_pending *first)
{
	for (unsigned i = c->open.count; i-- > 0;) {
		struct audit_pending *p = left_note(&c->open.row[i]);
		if (p == NULL)
			break;
		p->next = first;
		first = p;
	}
	return first;
}
