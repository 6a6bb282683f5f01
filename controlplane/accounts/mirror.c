// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How control planes on one store hear of each other's changes of rights: each change is a row with the next version, and
// who sees a version that he does not know takes out of the cache whom the rows up to it concern.
#include "../../log/log.h"

#include <errno.h>
#include <string.h>

#include "private.h"

enum { CHANGES_MAX = 64 }; // more at once, and everybody is looked up again

struct change {
	enum rights_kind kind;
	int64_t object;
};

struct follow {
	struct work work;
	int64_t version;
	struct change change[CHANGES_MAX];
	unsigned count;
	bool all, signing;
};

int rights_version(struct fog_tx *tx, int64_t *version)
{
	struct fog_rows row;
	int r = fog_db_one(tx, &row, "SELECT version FROM rights_version WHERE id = 1", FOG_NONE);

	if (r == 0)
		*version = fog_rows_int(&row, 0);
	fog_rows_end(&row);
	return r;
}

int rights_changed(struct fog_tx *tx, int64_t now_us, enum rights_kind kind, int64_t object)
{
	int64_t version = 0;
	int r = fog_db_run(
	        tx, "UPDATE rights_version SET version = version + 1 WHERE id = 1", FOG_NONE
	);

	if (r >= 0)
		r = rights_version(tx, &version);
	if (r >= 0)
		r = fog_db_run(
		        tx,
		        "INSERT INTO rights_change (version, kind, object, changed_at) VALUES ($1, $2, $3, $4)",
		        FOG_BIND(FOG_INT(version), FOG_INT(kind), FOG_INT(object), FOG_INT(now_us))
		);
	return r < 0 ? r : 0;
}

static int follow_changes(struct fog_tx *tx, struct follow *f, int64_t known)
{
	struct fog_rows row;
	int r = fog_db_ask(
	        tx, &row,
	        "SELECT kind, object FROM rights_change WHERE version > $1 AND version <= $2 LIMIT 65",
	        FOG_BIND(FOG_INT(known), FOG_INT(f->version))
	);

	if (r < 0)
		return r;
	while ((r = fog_rows_next(&row)) > 0) {
		struct change c = {(enum rights_kind)fog_rows_int(&row, 0), fog_rows_int(&row, 1)};
		f->signing = f->signing || c.kind == RIGHTS_SIGNING;
		if (f->count < CHANGES_MAX)
			f->change[f->count++] = c;
	}
	fog_rows_end(&row);
	// Some may have been deleted, too, when we were away for long.
	f->all = f->version < known || f->version - known != f->count;
	return r;
}

static int follow_work(struct fog_tx *tx, void *ctx)
{
	struct follow *f = ctx;
	struct fog_accounts *a = f->work.a;
	int r = rights_version(tx, &f->version);

	f->count = 0;
	f->all = f->signing = false;
	if (r < 0 || f->version == a->version)
		return r;
	r = follow_changes(tx, f, a->version);
	if (r == 0 && (f->all || f->signing))
		r = signing_load(a, tx);
	return r;
}

static bool concerns(const struct fog_caller *caller, const void *ctx)
{
	const struct follow *f = ctx;

	for (unsigned i = 0; i < f->count; i++) {
		const struct change *c = &f->change[i];
		if ((c->kind == RIGHTS_ACCOUNT && c->object == caller->user_id) ||
		    (c->kind == RIGHTS_SESSION && c->object == caller->session_id) ||
		    (c->kind == RIGHTS_KEY && c->object == caller->key_id))
			return true;
	}
	return false;
}

static void follow_apply(struct follow *f)
{
	struct fog_accounts *a = f->work.a;

	if (f->version == a->version)
		return;
	cache_begin(a->cache, f->version);
	if (f->all)
		cache_clear(a->cache);
	else
		cache_drop(a->cache, concerns, f);
	a->version = f->version;
}

int mirror_follow(struct fog_accounts *a)
{
	struct follow f = {.work = {.a = a}};

	pthread_mutex_lock(&a->follow_lock);
	uint64_t started = a->steady_ms();
	int r = fog_db_read(a->db, follow_work, &f);
	if (r >= 0) {
		follow_apply(&f);
		atomic_store(&a->synced_ms, started);
	}
	pthread_mutex_unlock(&a->follow_lock);
	return r < 0 ? r : 0;
}

bool mirror_stale(struct fog_accounts *a)
{
	return a->steady_ms() - atomic_load(&a->synced_ms) > FOG_MIRROR_STALE_MS;
}

static int accounts_ran(struct work *w, int r)
{
	return r < 0 && w->refusal->code == NULL ? refuse_store(w->refusal, r) : r;
}

int accounts_read(struct work *w, fog_db_work *work)
{
	*w->refusal = (struct fog_denial){0};
	return accounts_ran(w, fog_db_read(w->a->db, work, w));
}

int accounts_write(struct work *w, fog_db_work *work)
{
	*w->refusal = (struct fog_denial){0};
	return accounts_ran(w, fog_db_write(w->a->db, work, w));
}

int accounts_change(struct work *w, fog_db_work *work)
{
	int r = accounts_write(w, work);

	// An error may hide a change that was made.
	if (mirror_follow(w->a) < 0)
		cache_clear(w->a->cache);
	return r;
}
