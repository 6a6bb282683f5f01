// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The history of states: what was found, whenever it was another one than before.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

struct note {
	int64_t now_us;
	struct fog_betanet_change *out;
	unsigned max, count;
};

static enum fog_betanet_state state_at(const struct fog_rows *rows, int column)
{
	return fog_rows_null(rows, column) ? FOG_BETANET_STATE_COUNT
	                                   : fog_betanet_state_of(fog_rows_text(rows, column));
}

// Nodes whose state is another one than the last that was noted. Returns 0 or -errno.
static int note_find(struct fog_tx *tx, struct note *note)
{
	struct fog_rows rows;
	int r = fog_db_ask(
	        tx, &rows,
	        "SELECT id, name, state, (SELECT old.state FROM betanet_state AS old WHERE old.node = now.id "
	        "ORDER BY old.id DESC LIMIT 1) FROM (SELECT id, name, " BETANET_STATE
	        " AS state FROM betanet_node) AS now ORDER BY id",
	        FOG_BIND(FOG_INT(note->now_us))
	);

	note->count = 0;
	while (r >= 0 && note->count < note->max && (r = fog_rows_next(&rows)) > 0) {
		struct fog_betanet_change *c = &note->out[note->count];
		c->node = fog_rows_int(&rows, 0);
		snprintf(c->name, sizeof(c->name), "%s", fog_rows_text(&rows, 1));
		c->state = (enum fog_betanet_state)fog_rows_int(&rows, 2);
		c->before = state_at(&rows, 3);
		c->found_us = note->now_us;
		note->count += c->state != c->before;
	}
	fog_rows_end(&rows);
	return r < 0 ? r : 0;
}

static int note_look(struct fog_tx *tx, void *ctx)
{
	return note_find(tx, ctx);
}

static int note_row(struct fog_tx *tx, struct fog_betanet_change *c)
{
	bool first = c->before == FOG_BETANET_STATE_COUNT;
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows,
	        "INSERT INTO betanet_state(node, state, before, found_us) VALUES($1, $2, $3, $4) RETURNING id",
	        FOG_BIND(
	                FOG_INT(c->node), FOG_TEXT(fog_betanet_state_name(c->state)),
	                first ? FOG_NULL : FOG_TEXT(fog_betanet_state_name(c->before)),
	                FOG_INT(c->found_us)
	        )
	);

	c->id = r == 0 ? fog_rows_int(&rows, 0) : 0;
	fog_rows_end(&rows);
	if (r < 0)
		return r;
	return fog_db_run(
	        tx,
	        "DELETE FROM betanet_state WHERE node = $1 AND id <= (SELECT id FROM betanet_state "
	        "WHERE node = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)",
	        FOG_BIND(FOG_INT(c->node), FOG_INT(FOG_BETANET_STATES_KEPT))
	);
}

static int note_work(struct fog_tx *tx, void *ctx)
{
	struct note *note = ctx;
	int r = note_find(tx, note);

	for (unsigned i = 0; i < note->count && r >= 0; i++)
		r = note_row(tx, &note->out[i]);
	return r < 0 ? r : 0;
}

int fog_betanet_note(
        struct fog_db *db, int64_t now_us, struct fog_betanet_change *out, unsigned max
)
{
	struct note note = {.now_us = now_us, .out = out, .max = max};
	int r = fog_db_read(db, note_look, &note);

	if (r >= 0 && note.count > 0)
		r = fog_db_write(db, note_work, &note);
	return r < 0 ? r : (int)note.count;
}

struct past {
	int64_t node, before;
	struct fog_betanet_change *out;
	unsigned max;
};

static int past_work(struct fog_tx *tx, void *ctx)
{
	const struct past *p = ctx;
	struct fog_betanet_node node;
	struct fog_rows rows;
	unsigned count = 0;
	int r = betanet_find(tx, p->node, 0, &node);

	if (r < 0)
		return r;
	r = fog_db_ask(
	        tx, &rows,
	        "SELECT id, state, before, found_us FROM betanet_state WHERE node = $1 AND id < $2 "
	        "ORDER BY id DESC LIMIT $3",
	        FOG_BIND(
	                FOG_INT(p->node), FOG_INT(p->before > 0 ? p->before : INT64_MAX),
	                FOG_INT(p->max)
	        )
	);
	while (r >= 0 && (r = fog_rows_next(&rows)) > 0 && count < p->max) {
		struct fog_betanet_change *c = &p->out[count++];
		*c = (struct fog_betanet_change){.id = fog_rows_int(&rows, 0), .node = p->node};
		snprintf(c->name, sizeof(c->name), "%s", node.name);
		c->state = state_at(&rows, 1);
		c->before = state_at(&rows, 2);
		c->found_us = fog_rows_int(&rows, 3);
	}
	fog_rows_end(&rows);
	return r < 0 ? r : (int)count;
}

int fog_betanet_history(
        struct fog_db *db, int64_t node, int64_t before, struct fog_betanet_change *out,
        unsigned max
)
{
	return fog_db_read(db, past_work, &(struct past){node, before, out, max});
}
