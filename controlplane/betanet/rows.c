// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Reading rows, and the words that stand in them.
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

static const char *const type_names[] = {
#define X(symbol, word, text) word,
        FOG_BETANET_TYPES(X)
#undef X
};
static const char *const state_names[] = {
#define X(symbol, word, text) word,
        FOG_BETANET_STATES(X)
#undef X
};

// What the statements of private.h say.
static_assert(
        FOG_BETANET_REGISTERED == 0 && FOG_BETANET_DEPLOYING == 1 && FOG_BETANET_ACTIVE == 2 &&
                FOG_BETANET_STOPPED == 3 && FOG_BETANET_FAILED == 4 &&
                FOG_BETANET_MAINTENANCE == 5 && FOG_BETANET_ALIVE_S == 180,
        "BETANET_STATE has these numbers"
);

const char *fog_betanet_type_name(enum fog_betanet_type type)
{
	return type < FOG_BETANET_TYPE_COUNT ? type_names[type] : "?";
}

const char *fog_betanet_state_name(enum fog_betanet_state state)
{
	return state < FOG_BETANET_STATE_COUNT ? state_names[state] : "?";
}

enum fog_betanet_type fog_betanet_type_of(const char *word)
{
	unsigned type = 0;

	while (type < FOG_BETANET_TYPE_COUNT && strcmp(type_names[type], word) != 0)
		type++;
	return type;
}

enum fog_betanet_state fog_betanet_state_of(const char *word)
{
	unsigned state = 0;

	while (state < FOG_BETANET_STATE_COUNT && strcmp(state_names[state], word) != 0)
		state++;
	return state;
}

void betanet_row(const struct fog_rows *rows, struct fog_betanet_node *out)
{
	size_t len;
	const uint8_t *node_id = fog_rows_bytes(rows, 6, &len);

	*out = (struct fog_betanet_node){
	        .id = fog_rows_int(rows, 0),
	        .version = fog_rows_int(rows, 1),
	        .type = fog_betanet_type_of(fog_rows_text(rows, 3)),
	        .maintenance = fog_rows_int(rows, 5) != 0,
	        .has_node_id = node_id != NULL && len == FOG_ID_LEN,
	        .created_us = fog_rows_int(rows, 7),
	        .changed_us = fog_rows_int(rows, 8),
	        .seen_us = fog_rows_int(rows, 9),
	        .deployed_us = fog_rows_int(rows, 10),
	        .enrolment_until_us = fog_rows_int(rows, 11),
	        .enrolled_us = fog_rows_int(rows, 12),
	        .state = (enum fog_betanet_state)fog_rows_int(rows, 13),
	};
	snprintf(out->name, sizeof(out->name), "%s", fog_rows_text(rows, 2));
	snprintf(out->region, sizeof(out->region), "%s", fog_rows_text(rows, 4));
	if (out->has_node_id)
		memcpy(out->node_id, node_id, FOG_ID_LEN);
}

int betanet_find(struct fog_tx *tx, int64_t id, int64_t now_us, struct fog_betanet_node *out)
{
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows, "SELECT " BETANET_COLUMNS " FROM betanet_node WHERE id = $2",
	        FOG_BIND(FOG_INT(now_us), FOG_INT(id))
	);

	if (r == 0)
		betanet_row(&rows, out);
	fog_rows_end(&rows);
	return r;
}

struct get {
	int64_t id, now_us;
	struct fog_betanet_node *out;
};

static int get_work(struct fog_tx *tx, void *ctx)
{
	struct get *get = ctx;

	return betanet_find(tx, get->id, get->now_us, get->out);
}

int fog_betanet_get(struct fog_db *db, int64_t id, int64_t now_us, struct fog_betanet_node *out)
{
	return fog_db_read(db, get_work, &(struct get){id, now_us, out});
}

struct list {
	const struct fog_betanet_filter *filter;
	int64_t now_us;
	struct fog_betanet_node *out;
	unsigned max;
};

static int list_work(struct fog_tx *tx, void *ctx)
{
	const struct list *list = ctx;
	const struct fog_betanet_filter *f = list->filter;
	bool all = f->type >= FOG_BETANET_TYPE_COUNT, any = f->state >= FOG_BETANET_STATE_COUNT;
	struct fog_rows rows;
	unsigned count = 0;
	int r = fog_db_ask(
	        tx, &rows,
	        "SELECT " BETANET_COLUMNS
	        " FROM betanet_node WHERE id > $2 AND ($3 = '' OR node_type = $3) "
	        "AND ($4 < 0 OR " BETANET_STATE
	        " = $4) AND ($5 = '' OR region = $5) ORDER BY id LIMIT $6",
	        FOG_BIND(
	                FOG_INT(list->now_us), FOG_INT(f->after),
	                FOG_TEXT(all ? "" : type_names[f->type]),
	                FOG_INT(any ? -1 : (int64_t)f->state), FOG_TEXT(f->region),
	                FOG_INT(list->max)
	        )
	);

	while (r >= 0 && (r = fog_rows_next(&rows)) > 0 && count < list->max)
		betanet_row(&rows, &list->out[count++]);
	fog_rows_end(&rows);
	return r < 0 ? r : (int)count;
}

int fog_betanet_list(
        struct fog_db *db, const struct fog_betanet_filter *filter, int64_t now_us,
        struct fog_betanet_node *out, unsigned max
)
{
	return fog_db_read(db, list_work, &(struct list){filter, now_us, out, max});
}

struct counts {
	int64_t now_us;
	int64_t *count;
};

static int counts_work(struct fog_tx *tx, void *ctx)
{
	const struct counts *counts = ctx;
	struct fog_rows rows;
	int r = fog_db_ask(
	        tx, &rows,
	        "SELECT state, count(*) FROM (SELECT " BETANET_STATE
	        " AS state FROM betanet_node) AS node GROUP BY state",
	        FOG_BIND(FOG_INT(counts->now_us))
	);

	memset(counts->count, 0, FOG_BETANET_STATE_COUNT * sizeof(counts->count[0]));
	while (r >= 0 && (r = fog_rows_next(&rows)) > 0)
		if (fog_rows_int(&rows, 0) < FOG_BETANET_STATE_COUNT)
			counts->count[fog_rows_int(&rows, 0)] = fog_rows_int(&rows, 1);
	fog_rows_end(&rows);
	return r;
}

int fog_betanet_counts(struct fog_db *db, int64_t now_us, int64_t count[FOG_BETANET_STATE_COUNT])
{
	return fog_db_read(db, counts_work, &(struct counts){now_us, count});
}
