// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Sessions as their owner and admins see them.
#include <errno.h>
#include <stdio.h>

#include "private.h"

struct ending {
	struct work work;
	int64_t user_id, session_id, except;
};

static int end_work(struct fog_tx *tx, void *ctx)
{
	struct ending *e = ctx;
	int r = fog_db_run(
	        tx,
	        "UPDATE session SET revoked_at = $3 WHERE id = $1 AND account_id = $2 AND revoked_at = 0",
	        FOG_BIND(FOG_INT(e->session_id), FOG_INT(e->user_id), FOG_INT(e->work.now_us))
	);

	if (r == 0)
		return refuse_store(e->work.refusal, -ENOENT);
	return r < 0 ? r : rights_changed(tx, e->work.now_us, RIGHTS_SESSION, e->session_id);
}

int fog_session_end(
        struct fog_accounts *a, int64_t user_id, int64_t session_id, struct fog_denial *refusal
)
{
	struct ending e = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()},
	        .user_id = user_id,
	        .session_id = session_id};

	return accounts_change(&e.work, end_work);
}

static int end_all_work(struct fog_tx *tx, void *ctx)
{
	struct ending *e = ctx;
	struct fog_user owner;
	int r = user_load(tx, e->user_id, &owner);

	return r < 0 ? r : sessions_revoke(tx, &e->work, e->user_id, e->except);
}

int fog_session_end_all(
        struct fog_accounts *a, int64_t user_id, int64_t except, struct fog_denial *refusal
)
{
	struct ending e = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()},
	        .user_id = user_id,
	        .except = except};

	return accounts_change(&e.work, end_all_work);
}

struct listing {
	struct work work;
	int64_t user_id, after;
	unsigned limit;
	struct fog_session *out;
};

static int list_work(struct fog_tx *tx, void *ctx)
{
	const struct listing *l = ctx;
	struct fog_rows row;
	unsigned n = 0;
	int r = fog_db_ask(
	        tx, &row,
	        "SELECT id, account_id, created_at, used_at, ends_at, source FROM session "
	        "WHERE account_id = $1 AND id > $2 AND revoked_at = 0 AND ends_at > $3 ORDER BY id LIMIT $4",
	        FOG_BIND(
	                FOG_INT(l->user_id), FOG_INT(l->after), FOG_INT(l->work.now_us),
	                FOG_INT(l->limit)
	        )
	);

	if (r < 0)
		return r;
	while (n < l->limit && (r = fog_rows_next(&row)) > 0) {
		struct fog_session *s = &l->out[n++];
		*s = (struct fog_session
		){.id = fog_rows_int(&row, 0),
		  .user_id = fog_rows_int(&row, 1),
		  .created_us = fog_rows_int(&row, 2),
		  .used_us = fog_rows_int(&row, 3),
		  .ends_us = fog_rows_int(&row, 4)};
		snprintf(s->source, sizeof(s->source), "%s", fog_rows_text(&row, 5));
	}
	fog_rows_end(&row);
	return r < 0 ? r : (int)n;
}

int fog_session_list(
        struct fog_accounts *a, int64_t user_id, int64_t after, unsigned limit,
        struct fog_session *out, struct fog_denial *refusal
)
{
	struct listing l = {
	        .work = {.a = a, .refusal = refusal, .now_us = a->now_us()},
	        .user_id = user_id,
	        .after = after,
	        .limit = limit < FOG_ACCOUNTS_LIST_MAX ? limit : FOG_ACCOUNTS_LIST_MAX,
	        .out = out};

	return accounts_read(&l.work, list_work);
}
