// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../now.h"
#include "diff.h"

static const char *const state_names[] = {
        [FOG_REVISION_APPLYING] = "applying", [FOG_REVISION_PENDING] = "pending",
        [FOG_REVISION_APPLIED] = "applied",   [FOG_REVISION_ROLLED_BACK] = "rolled_back",
        [FOG_REVISION_FAILED] = "failed",
};

const char *fog_revision_state_name(enum fog_revision_state state)
{
	return state_names[state];
}

static enum fog_revision_state revision_state(const char *name)
{
	unsigned i = FOG_REVISION_APPLYING;

	while (i < FOG_REVISION_FAILED && strcmp(state_names[i], name) != 0)
		i++;
	return (enum fog_revision_state)i;
}

struct add {
	const struct fog_history *history;
	const struct fog_revision *revision;
	enum fog_revision_state state;
	int64_t number;
};

static int add_insert(struct fog_tx *tx, struct add *a)
{
	const struct fog_revision *v = a->revision;
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows,
	        "INSERT INTO config_revision(node, number, time_us, actor, comment, digest, text, "
	        "reverts, state, confirm_by_us) SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, "
	        "$6, $7, $8, $9 FROM config_revision WHERE node = $1 RETURNING number",
	        FOG_BIND(
	                FOG_TEXT(a->history->node), FOG_INT(fog_now_unix_us()), FOG_TEXT(v->actor),
	                FOG_TEXT(v->comment), FOG_TEXT(v->digest), FOG_BYTES(v->text, v->len),
	                v->reverts > 0 ? FOG_INT(v->reverts) : FOG_NULL,
	                FOG_TEXT(fog_revision_state_name(a->state)),
	                v->confirm_by_us > 0 ? FOG_INT(v->confirm_by_us) : FOG_NULL
	        )
	);

	if (r == 0)
		a->number = fog_rows_int(&rows, 0);
	fog_rows_end(&rows);
	return r;
}

static int add_work(struct fog_tx *tx, void *ctx)
{
	struct add *a = ctx;
	int r = add_insert(tx, a);

	if (r == 0 && a->number > FOG_HISTORY_KEPT)
		r = fog_db_run(
		        tx, "DELETE FROM config_revision WHERE node = $1 AND number <= $2",
		        FOG_BIND(FOG_TEXT(a->history->node), FOG_INT(a->number - FOG_HISTORY_KEPT))
		);
	return r < 0 ? r : 0;
}

int fog_history_add(const struct fog_history *h, const struct fog_revision *v, int64_t *number)
{
	struct add a = {.history = h, .revision = v, .state = FOG_REVISION_APPLYING};
	int r = fog_db_write(h->db, add_work, &a);

	*number = a.number;
	return r;
}

struct settle {
	const struct fog_history *history;
	const struct fog_history_truth *truth;
	int64_t number;
};

// The newest that came into force, after all else has its state. Returns 1 when it is the text in force.
static int settle_newest(struct fog_tx *tx, struct settle *s)
{
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows,
	        "SELECT number, digest FROM config_revision WHERE node = $1 "
	        "AND state IN ('pending', 'applied') ORDER BY number DESC LIMIT 1",
	        FOG_BIND(FOG_TEXT(s->history->node))
	);
	bool is = r == 0 && strcmp(fog_rows_text(&rows, 1), s->truth->digest) == 0;

	if (is)
		s->number = fog_rows_int(&rows, 0);
	fog_rows_end(&rows);
	return r == 0 || r == -ENOENT ? is : r;
}

// Of those whose fate isn't known only the newest can be in force.
static int settle_open(struct fog_tx *tx, const struct settle *s)
{
	const struct fog_history_truth *t = s->truth;

	return fog_db_run(
	        tx,
	        "UPDATE config_revision SET state = CASE "
	        "WHEN digest = $2 AND number = $3 THEN 'pending' "
	        "WHEN digest = $2 AND number = (SELECT MAX(number) FROM config_revision "
	        "WHERE node = $1 AND state <> 'failed' AND state <> 'rolled_back') THEN 'applied' "
	        "WHEN state = 'pending' THEN 'rolled_back' ELSE 'failed' END "
	        "WHERE node = $1 AND state IN ('applying', 'pending')",
	        FOG_BIND(FOG_TEXT(s->history->node), FOG_TEXT(t->digest), FOG_INT(t->pending))
	);
}

static int settle_work(struct fog_tx *tx, void *ctx)
{
	struct settle *s = ctx;
	const struct fog_history_truth *t = s->truth;
	const struct fog_revision fresh = {
	        .actor = t->actor,
	        .comment = t->comment,
	        .digest = t->digest,
	        .text = t->text,
	        .len = t->len};
	struct add a = {.history = s->history, .revision = &fresh, .state = FOG_REVISION_APPLIED};
	int r = settle_open(tx, s);

	if (r >= 0)
		r = settle_newest(tx, s);
	if (r == 0) {
		r = add_work(tx, &a);
		s->number = a.number;
	}
	return r < 0 ? r : 0;
}

int64_t fog_history_settle(const struct fog_history *h, const struct fog_history_truth *truth)
{
	struct settle s = {.history = h, .truth = truth};
	int r = fog_db_write(h->db, settle_work, &s);

	return r < 0 ? r : s.number;
}

// Copies of what is read, since a read may be begun anew.
struct copy {
	struct fog_revision v;
	char actor[FOG_HISTORY_ACTOR_LEN], comment[FOG_HISTORY_COMMENT_LEN];
	char digest[FOG_HISTORY_DIGEST_LEN];
	uint8_t *text;
};

struct read {
	const struct fog_history *history;
	int64_t number; // of one; or of those before it
	unsigned limit, count;
	bool texts;
	struct copy copy[FOG_HISTORY_LIST_MAX + 1];
};

static void read_clear(struct read *q)
{
	for (unsigned i = 0; i < q->count; i++)
		free(q->copy[i].text);
	q->count = 0;
}

static void read_copy(char *to, size_t len, const struct fog_rows *rows, int column)
{
	const char *text = fog_rows_text(rows, column);
	size_t n = strlen(text);

	n = n < len ? n : len - 1;
	memcpy(to, text, n);
	to[n] = '\0';
}

static int read_row(struct read *q, const struct fog_rows *rows)
{
	struct copy *c = &q->copy[q->count++];
	size_t len = 0;

	c->text = NULL;
	read_copy(c->actor, sizeof(c->actor), rows, 2);
	read_copy(c->comment, sizeof(c->comment), rows, 3);
	read_copy(c->digest, sizeof(c->digest), rows, 4);
	c->v = (struct fog_revision
	){.number = fog_rows_int(rows, 0),
	  .time_us = fog_rows_int(rows, 1),
	  .actor = c->actor,
	  .comment = c->comment,
	  .digest = c->digest,
	  .reverts = fog_rows_int(rows, 5),
	  .state = revision_state(fog_rows_text(rows, 6)),
	  .confirm_by_us = fog_rows_int(rows, 7),
	  .in_force = fog_rows_int(rows, 8) != 0};
	if (!q->texts)
		return 0;
	const uint8_t *text = fog_rows_bytes(rows, 9, &len);
	c->text = malloc(len + 1);
	if (c->text == NULL)
		return -ENOMEM;
	if (len > 0)
		memcpy(c->text, text, len);
	c->v.text = c->text;
	c->v.len = len;
	return 0;
}

#define COLUMNS \
	"number, time_us, actor, comment, digest, reverts, state, confirm_by_us, " \
	"CASE WHEN number = (SELECT MAX(number) FROM config_revision AS f WHERE f.node = $1 " \
	"AND f.state IN ('pending', 'applied')) THEN 1 ELSE 0 END"

static int list_work(struct fog_tx *tx, void *ctx)
{
	struct read *q = ctx;
	struct fog_rows rows;

	read_clear(q);
	int r = fog_db_ask(
	        tx, &rows,
	        "SELECT " COLUMNS " FROM config_revision WHERE node = $1 AND number < $2 "
	        "ORDER BY number DESC LIMIT $3",
	        FOG_BIND(FOG_TEXT(q->history->node), FOG_INT(q->number), FOG_INT(q->limit + 1))
	);
	while (r >= 0 && (r = fog_rows_next(&rows)) > 0)
		r = read_row(q, &rows);
	fog_rows_end(&rows);
	return r;
}

int fog_history_list(
        const struct fog_history *h, int64_t before, unsigned limit, fog_history_see *see, void *ctx
)
{
	struct read *q = limit < 1 || limit > FOG_HISTORY_LIST_MAX ? NULL : calloc(1, sizeof(*q));

	if (q == NULL)
		return limit < 1 || limit > FOG_HISTORY_LIST_MAX ? -EINVAL : -ENOMEM;
	q->history = h;
	q->number = before > 0 ? before : INT64_MAX;
	q->limit = limit;
	int r = fog_db_read(h->db, list_work, q);
	for (unsigned i = 0; r >= 0 && i < q->count && i < limit; i++)
		see(ctx, &q->copy[i].v);
	if (r >= 0)
		r = q->count > limit;
	read_clear(q);
	free(q);
	return r;
}

static int get_work(struct fog_tx *tx, void *ctx)
{
	struct read *q = ctx;
	struct fog_rows rows;

	read_clear(q);
	int r = fog_db_one(
	        tx, &rows,
	        "SELECT " COLUMNS ", text FROM config_revision WHERE node = $1 AND number = $2",
	        FOG_BIND(FOG_TEXT(q->history->node), FOG_INT(q->number))
	);
	if (r == 0)
		r = read_row(q, &rows);
	fog_rows_end(&rows);
	return r;
}

// Returns 0 and what read_free gives back, or -errno.
static int read_one(const struct fog_history *h, int64_t number, struct read **out)
{
	struct read *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return -ENOMEM;
	q->history = h;
	q->number = number;
	q->texts = true;
	int r = fog_db_read(h->db, get_work, q);
	*out = q;
	return r;
}

static void read_free(struct read *q)
{
	if (q != NULL)
		read_clear(q);
	free(q);
}

int fog_history_get(const struct fog_history *h, int64_t number, fog_history_see *see, void *ctx)
{
	struct read *q = NULL;
	int r = read_one(h, number, &q);

	if (r == 0)
		see(ctx, &q->copy[0].v);
	read_free(q);
	return r;
}

int fog_history_diff(const struct fog_history *h, int64_t from, int64_t to, char **out, size_t *len)
{
	struct read *a = NULL, *b = NULL;
	char name_a[48], name_b[48];
	int r = read_one(h, from, &a);

	if (r == 0)
		r = read_one(h, to, &b);
	if (r == 0) {
		snprintf(name_a, sizeof(name_a), "revision %lld", (long long)from);
		snprintf(name_b, sizeof(name_b), "revision %lld", (long long)to);
		const struct fog_revision *x = &a->copy[0].v, *y = &b->copy[0].v;
		r = fog_diff_unified(
		        (const char *)x->text, x->len, name_a, (const char *)y->text, y->len,
		        name_b, out, len
		);
	}
	read_free(a);
	read_free(b);
	return r;
}
