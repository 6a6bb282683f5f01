// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Rates of several control planes on one store. The store keeps of a bucket when it will be full, by its own clock;
// each control plane adds what its callers took, and takes over what all of them did.
#include "../../log/log.h"
#include "../now.h"
#include "../store/db.h"
#include "rates_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SHARE_GROUP = 500, // buckets of a transaction
	SHARE_READ_MAX = 20000, // buckets that are read at once
	SHARE_AGAIN_US = 2 * 1000 * 1000, // changes that may have become visible late
	SHARE_FORGET_US = 60 * 1000 * 1000,
};

static const char clock_text[] = "SELECT now_us FROM store_clock";
static const char add_text[] =
        "INSERT INTO rate_window(bucket, full_us, changed_us) VALUES($1, $2 + $3, $2)"
        " ON CONFLICT(bucket) DO UPDATE SET full_us = CASE WHEN rate_window.full_us > $2"
        " THEN rate_window.full_us + $3 ELSE $2 + $3 END, changed_us = $2";
static const char read_text[] =
        "SELECT bucket, full_us FROM rate_window"
        " WHERE changed_us > $1 AND full_us > $2 ORDER BY changed_us LIMIT $3";
static const char forget_text[] = "DELETE FROM rate_window WHERE full_us < $1";

struct share_item {
	struct rate_key key;
	uint64_t us; // to be added, or from the store's now until it is full
};

struct share_list {
	struct share_item *item;
	size_t count, room;
};

static int share_put(struct share_list *l, const struct rate_key *key, uint64_t us)
{
	if (l->count == l->room) {
		size_t room = 2 * l->room + 64;
		struct share_item *grown = reallocarray(l->item, room, sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		l->item = grown;
		l->room = room;
	}
	l->item[l->count++] = (struct share_item){*key, us};
	return 0;
}

static int clock_read(struct fog_tx *tx, int64_t *now_us)
{
	struct fog_rows rows;
	int r = fog_db_one(tx, &rows, clock_text, FOG_NONE);

	*now_us = r < 0 ? 0 : fog_rows_int(&rows, 0);
	fog_rows_end(&rows);
	return r;
}

static int share_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct rate_key));
}

// Under the lock. What was taken since the last round; buckets used in this round are at the end of the list of ages.
static int share_collect_table(struct fog_rates *r, struct rate_table *t, struct share_list *l)
{
	struct rate_bucket *b = TAILQ_LAST(&t->ages, rate_ages);

	for (; b != NULL && b->round == r->round; b = TAILQ_PREV(b, rate_ages, age)) {
		if (b->unshared_us == 0)
			continue;
		if (share_put(l, &b->key, b->unshared_us) < 0)
			return -ENOMEM;
		b->unshared_us = 0;
	}
	return 0;
}

static void share_give_back(struct fog_rates *r, const struct share_item *item, size_t count)
{
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < count; i++) {
		struct rate_table *t = &r->table[item[i].key.byte[0] >> 7];
		struct rate_bucket *b = rate_table_find(t, &item[i].key);
		if (b == NULL)
			continue;
		b->unshared_us += item[i].us;
		b->round = r->round;
		rate_table_touch(t, b);
	}
	pthread_mutex_unlock(&r->lock);
}

struct share_group {
	const struct share_item *item;
	size_t count;
};

static int share_add(struct fog_tx *tx, void *ctx)
{
	const struct share_group *g = ctx;
	int64_t now;
	int r = clock_read(tx, &now);

	for (size_t i = 0; i < g->count && r >= 0; i++)
		r = fog_db_run(
		        tx, add_text,
		        FOG_BIND(
		                FOG_BYTES(g->item[i].key.byte, RATE_KEY_LEN), FOG_INT(now),
		                FOG_INT((int64_t)g->item[i].us)
		        )
		);
	return r < 0 ? r : 0;
}

// In one order on all control planes, so that none waits for another that waits for it.
static int share_write(struct fog_rates *r)
{
	struct share_list list = {0};
	size_t done = 0;
	int e;

	pthread_mutex_lock(&r->lock);
	e = share_collect_table(r, &r->table[0], &list);
	if (e == 0)
		e = share_collect_table(r, &r->table[1], &list);
	r->round++;
	pthread_mutex_unlock(&r->lock);
	if (list.count > 0)
		qsort(list.item, list.count, sizeof(list.item[0]), share_compare);
	while (e >= 0 && done < list.count) {
		size_t n = list.count - done < SHARE_GROUP ? list.count - done : SHARE_GROUP;
		struct share_group g = {list.item + done, n};
		e = fog_db_write(r->params.shared, share_add, &g);
		if (e >= 0)
			done += n;
	}
	share_give_back(r, list.item + done, list.count - done);
	free(list.item);
	return e < 0 ? e : 0;
}

struct share_changes {
	struct share_list list;
	int64_t since_us, now_us;
};

static int share_changes(struct fog_tx *tx, void *ctx)
{
	struct share_changes *c = ctx;
	struct fog_rows rows;
	struct rate_key key;
	size_t len = 0;

	c->list.count = 0;
	int r = clock_read(tx, &c->now_us);
	if (r < 0)
		return r;
	r = fog_db_ask(
	        tx, &rows, read_text,
	        FOG_BIND(FOG_INT(c->since_us), FOG_INT(c->now_us), FOG_INT(SHARE_READ_MAX))
	);
	if (r < 0)
		return r;
	while ((r = fog_rows_next(&rows)) > 0) {
		const uint8_t *bytes = fog_rows_bytes(&rows, 0, &len);
		if (len != sizeof(key))
			continue;
		memcpy(&key, bytes, sizeof(key));
		r = share_put(&c->list, &key, (uint64_t)(fog_rows_int(&rows, 1) - c->now_us));
		if (r < 0)
			break;
	}
	fog_rows_end(&rows);
	return r;
}

// What all took, and what was taken here meanwhile.
static void share_take_over(struct fog_rates *r, const struct share_list *l)
{
	pthread_mutex_lock(&r->lock);
	uint64_t now = rates_now(r);
	for (size_t i = 0; i < l->count; i++) {
		const struct rate_key *key = &l->item[i].key;
		uint64_t used = l->item[i].us < 2 * RATE_PERIOD_US ? l->item[i].us
		                                                   : 2 * RATE_PERIOD_US;
		struct rate_table *t = &r->table[key->byte[0] >> 7];
		struct rate_bucket *b = rate_table_find(t, key);
		if (b == NULL) {
			b = rate_table_get(t, key, now);
			if (b == NULL)
				continue;
			b->round = r->round;
		}
		b->full_us = now + used + b->unshared_us;
	}
	pthread_mutex_unlock(&r->lock);
}

static int share_read(struct fog_rates *r)
{
	struct share_changes c = {.since_us = r->sharing.seen_us - SHARE_AGAIN_US};
	int e = fog_db_read(r->params.shared, share_changes, &c);

	if (e >= 0) {
		share_take_over(r, &c.list);
		r->sharing.seen_us = c.now_us;
	}
	free(c.list.item);
	return e < 0 ? e : 0;
}

static int share_forget(struct fog_tx *tx, void *ctx)
{
	int64_t now;
	int r = clock_read(tx, &now);

	return r < 0 ? r : fog_db_run(tx, forget_text, FOG_BIND(FOG_INT(now - SHARE_FORGET_US)));
}

int fog_rates_share(struct fog_rates *r)
{
	uint64_t now = fog_now_ms() * 1000;
	int e, read;

	if (r->params.shared == NULL)
		return 0;
	pthread_mutex_lock(&r->sharing.one);
	e = share_write(r);
	read = share_read(r);
	if (e == 0)
		e = read;
	if (e == 0 && now >= r->sharing.forget_us) {
		r->sharing.forget_us = now + SHARE_FORGET_US;
		e = fog_db_write(r->params.shared, share_forget, NULL);
	}
	pthread_mutex_unlock(&r->sharing.one);
	return e < 0 ? e : 0;
}

static void *sharing_thread(void *arg)
{
	struct fog_rates *r = arg;

	pthread_mutex_lock(&r->lock);
	while (!r->sharing.stop) {
		struct timespec until = fog_deadline(FOG_RATES_SHARE_MS);
		pthread_cond_timedwait(&r->sharing.wake, &r->lock, &until);
		pthread_mutex_unlock(&r->lock);
		int e = fog_rates_share(r);
		if (e < 0)
			LOG_LIMITED(
			        LOG_WARN,
			        "the store does not take what was asked of this control plane: %s: until it does "
			        "each one counts for itself: see that the store answers",
			        strerror(-e)
			);
		pthread_mutex_lock(&r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

int rates_sharing_start(struct fog_rates *r)
{
	int e = -pthread_create(&r->sharing.thread, NULL, sharing_thread, r);

	r->sharing.runs = e == 0;
	return e;
}

void rates_sharing_stop(struct fog_rates *r)
{
	if (!r->sharing.runs)
		return;
	pthread_mutex_lock(&r->lock);
	r->sharing.stop = true;
	pthread_cond_signal(&r->sharing.wake);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->sharing.thread, NULL);
}
