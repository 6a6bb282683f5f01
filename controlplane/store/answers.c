// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "answers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_US ((int64_t)1000000)

struct answers_work {
	const struct fog_answers_request *request;
	struct fog_answer *answer;
	const struct fog_answer *kept;
};

static int answers_clock(struct fog_tx *tx, int64_t *now_us)
{
	struct fog_rows row;
	int r = fog_db_one(tx, &row, "SELECT now_us FROM store_clock", FOG_NONE);

	*now_us = r < 0 ? 0 : fog_rows_int(&row, 0);
	fog_rows_end(&row);
	return r;
}

// What a row says of a request: as fog_answers_begin, 0: it may begin.
static int answers_judge(const struct fog_rows *row, struct answers_work *w)
{
	size_t len = 0;
	const uint8_t *digest = fog_rows_bytes(row, 0, &len);
	bool working = fog_rows_null(row, 2);

	// What this control plane held is left from a life before, or from a commit of which nobody knew.
	if (working && strcmp(fog_rows_text(row, 1), w->request->control_plane) == 0)
		return 0;
	if (len != 32 || memcmp(digest, w->request->digest, 32) != 0)
		return -EEXIST;
	if (working)
		return -EALREADY;
	w->answer->status = (int)fog_rows_int(row, 2);
	w->answer->body = strdup(fog_rows_text(row, 3));
	return w->answer->body != NULL ? 1 : -ENOMEM;
}

static int answers_claim(
        struct fog_tx *tx, const struct fog_answers_request *request, int64_t now_us
)
{
	int r = fog_db_run(
	        tx,
	        "INSERT INTO idempotent_answer(caller, idempotency_key, request, control_plane, until_us) "
	        "VALUES($1, $2, $3, $4, $5) ON CONFLICT(caller, idempotency_key) DO UPDATE SET "
	        "request = $3, control_plane = $4, until_us = $5, status = NULL, body = NULL",
	        FOG_BIND(
	                FOG_TEXT(request->caller), FOG_TEXT(request->key),
	                FOG_BYTES(request->digest, 32), FOG_TEXT(request->control_plane),
	                FOG_INT(now_us + FOG_ANSWERS_HELD_S * SECOND_US)
	        )
	);

	return r < 0 ? r : 0;
}

static int begin_work(struct fog_tx *tx, void *ctx)
{
	struct answers_work *w = ctx;
	struct fog_rows row;
	int64_t now;
	int r = answers_clock(tx, &now);

	free(w->answer->body); // of a run that others got in the way of
	w->answer->body = NULL;
	if (r < 0)
		return r;
	r = fog_db_one(
	        tx, &row,
	        "SELECT request, control_plane, status, body FROM idempotent_answer "
	        "WHERE caller = $1 AND idempotency_key = $2 AND until_us > $3",
	        FOG_BIND(FOG_TEXT(w->request->caller), FOG_TEXT(w->request->key), FOG_INT(now))
	);
	r = r == 0 ? answers_judge(&row, w) : r == -ENOENT ? 0 : r;
	fog_rows_end(&row);
	return r == 0 ? answers_claim(tx, w->request, now) : r;
}

int fog_answers_begin(
        struct fog_db *db, const struct fog_answers_request *request, struct fog_answer *answer
)
{
	struct answers_work w = {.request = request, .answer = answer};

	*answer = (struct fog_answer){0};
	int r = fog_db_write(db, begin_work, &w);
	if (r != 1) {
		free(answer->body);
		answer->body = NULL;
	}
	return r;
}

static int hold_work(struct fog_tx *tx, void *ctx)
{
	const struct answers_work *w = ctx;
	int64_t now;
	int r = answers_clock(tx, &now);

	if (r < 0)
		return r;
	r = fog_db_run(
	        tx,
	        "UPDATE idempotent_answer SET until_us = $4 WHERE caller = $1 AND idempotency_key = $2 "
	        "AND control_plane = $3 AND status IS NULL",
	        FOG_BIND(
	                FOG_TEXT(w->request->caller), FOG_TEXT(w->request->key),
	                FOG_TEXT(w->request->control_plane),
	                FOG_INT(now + FOG_ANSWERS_HELD_S * SECOND_US)
	        )
	);
	return r > 0 ? 0 : r == 0 ? -ENOENT : r;
}

int fog_answers_hold(struct fog_db *db, const struct fog_answers_request *request)
{
	struct answers_work w = {.request = request};

	return fog_db_write(db, hold_work, &w);
}

static int keep_work(struct fog_tx *tx, void *ctx)
{
	const struct answers_work *w = ctx;
	int64_t now;
	int r = answers_clock(tx, &now);

	if (r < 0)
		return r;
	r = fog_db_run(
	        tx,
	        "UPDATE idempotent_answer SET status = $4, body = $5, until_us = $6 WHERE caller = $1 "
	        "AND idempotency_key = $2 AND control_plane = $3 AND status IS NULL",
	        FOG_BIND(
	                FOG_TEXT(w->request->caller), FOG_TEXT(w->request->key),
	                FOG_TEXT(w->request->control_plane), FOG_INT(w->kept->status),
	                FOG_TEXT(w->kept->body), FOG_INT(now + FOG_ANSWERS_KEPT_S * SECOND_US)
	        )
	);
	return r > 0 ? 0 : r == 0 ? -ENOENT : r;
}

int fog_answers_keep(
        struct fog_db *db, const struct fog_answers_request *request,
        const struct fog_answer *answer
)
{
	struct answers_work w = {.request = request, .kept = answer};

	return fog_db_write(db, keep_work, &w);
}

static int drop_work(struct fog_tx *tx, void *ctx)
{
	const struct answers_work *w = ctx;
	int r = fog_db_run(
	        tx,
	        "DELETE FROM idempotent_answer WHERE caller = $1 AND idempotency_key = $2 "
	        "AND control_plane = $3 AND status IS NULL",
	        FOG_BIND(
	                FOG_TEXT(w->request->caller), FOG_TEXT(w->request->key),
	                FOG_TEXT(w->request->control_plane)
	        )
	);

	return r > 0 ? 0 : r == 0 ? -ENOENT : r;
}

int fog_answers_drop(struct fog_db *db, const struct fog_answers_request *request)
{
	struct answers_work w = {.request = request};

	return fog_db_write(db, drop_work, &w);
}

static int sweep_work(struct fog_tx *tx, void *ctx)
{
	int64_t now;
	int r = answers_clock(tx, &now);

	(void)ctx;
	return r < 0
	        ? r
	        : fog_db_run(
	                  tx,
	                  "DELETE FROM idempotent_answer WHERE (caller, idempotency_key) IN "
	                  "(SELECT caller, idempotency_key FROM idempotent_answer WHERE until_us < $1 "
	                  "ORDER BY until_us LIMIT $2)",
	                  FOG_BIND(FOG_INT(now), FOG_INT(FOG_ANSWERS_SWEEP))
	          );
}

int fog_answers_sweep(struct fog_db *db)
{
	return fog_db_write(db, sweep_work, NULL);
}
