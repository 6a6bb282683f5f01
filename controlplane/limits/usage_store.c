// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The store's part of usage. Each function is one transaction.
#include "usage_private.h"

#include <errno.h>
#include <string.h>

static const char limit_text[] = "SELECT daily FROM tier_limit WHERE tier = $1 AND metric = $2";
static const char used_text[] =
        "SELECT used FROM daily_usage WHERE user_id = $1 AND day = $2 AND metric = $3";
static const char add_text[] =
        "INSERT INTO daily_usage(user_id, day, metric, used) VALUES($1, $2, $3, $4)"
        " ON CONFLICT(user_id, day, metric) DO UPDATE SET used = daily_usage.used + $4";
static const char return_text[] =
        "UPDATE daily_usage SET used = CASE WHEN used > $4 THEN used - $4 ELSE 0 END"
        " WHERE user_id = $1 AND day = $2 AND metric = $3";
static const char forget_text[] = "DELETE FROM daily_usage WHERE day < $1";

const char *const fog_usage_metric_name[FOG_USAGE_METRICS] = {
#define X(name, text) #text,
#include "metrics.def"
#undef X
};

static int limit_read(
        struct fog_tx *tx, const char *tier, enum fog_usage_metric metric, int64_t *limit
)
{
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows, limit_text,
	        FOG_BIND(FOG_TEXT(tier), FOG_TEXT(fog_usage_metric_name[metric]))
	);

	*limit = FOG_USAGE_UNLIMITED;
	if (r >= 0 && !fog_rows_null(&rows, 0))
		*limit = fog_rows_int(&rows, 0);
	fog_rows_end(&rows);
	return r == -ENOENT ? -EINVAL : r;
}

static int used_read(
        struct fog_tx *tx, const char *user, int64_t day, enum fog_usage_metric metric,
        int64_t *used
)
{
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows, used_text,
	        FOG_BIND(FOG_TEXT(user), FOG_INT(day), FOG_TEXT(fog_usage_metric_name[metric]))
	);

	*used = r >= 0 ? fog_rows_int(&rows, 0) : 0;
	fog_rows_end(&rows);
	return r == -ENOENT ? 0 : r;
}

static int rests_return(struct fog_tx *tx, const struct usage_rest *rest, unsigned count)
{
	int r = 0;

	for (unsigned i = 0; i < count && r >= 0; i++)
		if (rest[i].amount > 0)
			r = fog_db_run(
			        tx, return_text,
			        FOG_BIND(
			                FOG_TEXT(rest[i].name.user), FOG_INT(rest[i].day),
			                FOG_TEXT(fog_usage_metric_name[rest[i].name.metric]),
			                FOG_INT(rest[i].amount)
			        )
			);
	return r < 0 ? r : 0;
}

// How much to take where 'free' of 'limit' are left: little towards the end, so that no control plane is refused what
// another one holds and does not use.
static int64_t lease_size(int64_t need, int64_t free, int64_t limit)
{
	int64_t size = FOG_USAGE_LEASE_MAX;

	if (limit != FOG_USAGE_UNLIMITED && limit / 50 < size)
		size = limit / 50;
	if (limit != FOG_USAGE_UNLIMITED && free / 8 < size)
		size = free / 8;
	return size > need ? size : need;
}

static int lease_take(struct fog_tx *tx, void *ctx)
{
	struct usage_order *o = ctx;
	int64_t used = 0;
	int r = rests_return(tx, o->rest, o->rests);

	o->granted = 0;
	if (r >= 0)
		r = limit_read(tx, o->tier, o->name->metric, &o->limit);
	if (r >= 0)
		r = used_read(tx, o->name->user, o->day, o->name->metric, &used);
	if (r < 0)
		return r;
	o->free = o->limit == FOG_USAGE_UNLIMITED ? INT64_MAX - used : o->limit - used;
	if (o->free < o->need)
		return 0;
	int64_t size = lease_size(o->need, o->free, o->limit);
	r = fog_db_run(
	        tx, add_text,
	        FOG_BIND(
	                FOG_TEXT(o->name->user), FOG_INT(o->day),
	                FOG_TEXT(fog_usage_metric_name[o->name->metric]), FOG_INT(size)
	        )
	);
	if (r < 0)
		return r;
	o->granted = size;
	o->free -= size;
	return 0;
}

int usage_store_lease(struct fog_db *db, struct usage_order *order)
{
	int r = fog_db_write(db, lease_take, order);

	return r < 0 ? r : 0;
}

struct returns {
	const struct usage_rest *rest;
	unsigned count;
};

static int returns_write(struct fog_tx *tx, void *ctx)
{
	const struct returns *w = ctx;

	return rests_return(tx, w->rest, w->count);
}

int usage_store_return(struct fog_db *db, const struct usage_rest *rest, unsigned count)
{
	struct returns w = {rest, count};
	int r = fog_db_write(db, returns_write, &w);

	return r < 0 ? r : 0;
}

struct show {
	const char *user, *tier;
	int64_t day;
	struct fog_usage_state *state;
};

static int show_read(struct fog_tx *tx, void *ctx)
{
	const struct show *s = ctx;
	int r = 0;

	for (int i = 0; i < FOG_USAGE_METRICS && r >= 0; i++) {
		r = limit_read(tx, s->tier, i, &s->state[i].limit);
		if (r >= 0)
			r = used_read(tx, s->user, s->day, i, &s->state[i].used);
	}
	return r;
}

int usage_store_show(
        struct fog_db *db, const char *user, const char *tier, int64_t day,
        struct fog_usage_state state[FOG_USAGE_METRICS]
)
{
	struct show s = {user, tier, day, state};
	int r = fog_db_read(db, show_read, &s);

	return r < 0 ? r : 0;
}

struct limits {
	const char *tier;
	int64_t *limit;
};

static int limits_read(struct fog_tx *tx, void *ctx)
{
	const struct limits *l = ctx;
	int r = 0;

	for (int i = 0; i < FOG_USAGE_METRICS && r >= 0; i++)
		r = limit_read(tx, l->tier, i, &l->limit[i]);
	return r;
}

int usage_store_limits(struct fog_db *db, const char *tier, int64_t limit[FOG_USAGE_METRICS])
{
	int r = fog_db_read(db, limits_read, &(struct limits){tier, limit});

	return r < 0 ? r : 0;
}

static int forget_write(struct fog_tx *tx, void *ctx)
{
	return fog_db_run(tx, forget_text, FOG_BIND(FOG_INT(*(const int64_t *)ctx)));
}

int usage_store_forget(struct fog_db *db, int64_t before_day)
{
	int r = fog_db_write(db, forget_write, &before_day);

	return r < 0 ? r : 0;
}
