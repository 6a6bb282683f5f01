// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A change by REST: written down before it is made, confirmed, or an earlier one made again.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node_config.h"
#include "node_history_private.h"
#include "now.h"

void node_history_turn(struct fog_node *n)
{
	pthread_mutex_lock(&n->history->turn);
	n->history->revision = 0;
}

static int history_write_down(struct node_history *h, const struct fog_config_origin *origin)
{
	struct fog_history rows;
	int r = node_history_rows(h->node, &rows);
	int64_t now_us = fog_now_unix_us();
	const struct fog_revision v = {
	        .actor = h->next.actor,
	        .comment = h->next.comment,
	        .digest = h->next.digest,
	        .text = (const uint8_t *)h->next.data,
	        .len = h->next.len,
	        .reverts = origin->reverts,
	        .confirm_by_us = origin->confirm_s > 0
	                ? now_us + origin->confirm_s * INT64_C(1000000)
	                : 0};

	return r == 0 ? fog_history_add(&rows, &v, &h->revision) : r;
}

// The old text, on the disk before the new one is. Under 'turn'.
static int history_hold(struct node_history *h, const struct fog_config_origin *origin)
{
	struct fog_pending *p = &h->waits;
	uint32_t confirm_s = origin->confirm_s;

	pthread_mutex_lock(&h->lock);
	bool known = h->now.data != NULL;
	p->text = known ? strdup(h->now.data) : NULL;
	p->len = h->now.len;
	pthread_mutex_unlock(&h->lock);
	if (p->text == NULL)
		return known ? -ENOMEM : -ESTALE;
	p->revision = h->revision;
	p->confirm_s = confirm_s;
	p->deadline_us = fog_now_unix_us() + confirm_s * INT64_C(1000000);
	memcpy(p->digest, h->next.digest, sizeof(p->digest));
	snprintf(p->correlation, sizeof(p->correlation), "%s", origin->correlation ?: "");
	return fog_pending_write(h->path, p);
}

static bool origin_fits(const struct fog_config_origin *o)
{
	return strlen(o->actor) < FOG_HISTORY_ACTOR_LEN &&
	        (o->comment == NULL || strlen(o->comment) < FOG_HISTORY_COMMENT_LEN) &&
	        (o->confirm_s == 0 ||
	         (o->confirm_s >= FOG_CONFIRM_MIN_S && o->confirm_s <= FOG_CONFIRM_MAX_S));
}

int node_history_begin(
        struct fog_node *n, const struct fog_config_origin *origin, const char *text, size_t len
)
{
	struct node_history *h = n->history;

	if (!origin_fits(origin))
		return -EINVAL;
	int r = node_history_text_set(&h->next, text, len, origin->actor, origin->comment);
	if (r < 0)
		return r;
	pthread_mutex_lock(&h->lock);
	bool busy = h->pending.text != NULL && !origin->rollback;
	bool same = h->now.data != NULL && strcmp(h->now.digest, h->next.digest) == 0;
	pthread_mutex_unlock(&h->lock);
	if (busy)
		return -EBUSY;
	// What comes back has its revision already, and needs no store.
	if (!same && !origin->rollback)
		r = history_write_down(h, origin);
	if (r == 0 && !same && origin->confirm_s > 0)
		r = history_hold(h, origin);
	return r;
}

void node_history_done(struct fog_node *n, bool in_force)
{
	struct node_history *h = n->history;

	pthread_mutex_lock(&h->lock);
	if (in_force) {
		node_history_text_free(&h->now);
		h->now = h->next;
		h->next = (struct history_text){0};
		if (h->pending.text != NULL)
			node_history_drop_pending(h); // it is what has come back
		h->pending = h->waits;
		h->waits = (struct fog_pending){0};
		h->deadline_ms = fog_now_ms() + h->pending.confirm_s * UINT64_C(1000);
	} else if (h->waits.text != NULL) {
		unlink(h->path);
	}
	node_history_text_free(&h->next);
	fog_pending_free(&h->waits);
	if (in_force || h->revision != 0)
		node_history_settle(h);
	pthread_cond_broadcast(&h->news);
	pthread_mutex_unlock(&h->lock);
	pthread_mutex_unlock(&h->turn);
}

int fog_node_config_confirm(struct fog_node *n, int64_t revision)
{
	struct node_history *h = n->history;
	int r = 0;

	pthread_mutex_lock(&h->turn);
	pthread_mutex_lock(&h->lock);
	if (h->pending.text == NULL || h->rolling)
		r = -ENOENT;
	else if (revision != 0 && revision != h->pending.revision)
		r = -ESTALE;
	if (r == 0) {
		node_history_drop_pending(h);
		node_history_settle(h);
	}
	pthread_mutex_unlock(&h->lock);
	pthread_mutex_unlock(&h->turn);
	return r;
}

struct wanted {
	char *text;
	size_t len;
};

static void history_want(void *ctx, const struct fog_revision *v)
{
	struct wanted *w = ctx;

	w->text = malloc(v->len + 1);
	if (w->text != NULL && v->len > 0)
		memcpy(w->text, v->text, v->len);
	w->len = v->len;
}

int fog_node_config_revert(
        struct fog_node *n, int64_t revision, const struct fog_config_origin *origin,
        uint64_t *generation, enum fog_reload *change, struct fog_report *report
)
{
	struct node_history *h = n->history;
	struct fog_config_origin back = *origin;
	struct fog_history rows;
	struct wanted w = {0};
	int r = node_history_rows(n, &rows);

	if (r == 0)
		r = fog_history_get(&rows, revision, history_want, &w);
	if (r == 0 && w.text == NULL)
		r = -ENOMEM;
	back.reverts = revision;
	// An end of a pending change before its time is no change of its own.
	pthread_mutex_lock(&h->lock);
	back.rollback = r == 0 && h->pending.text != NULL && h->pending.len == w.len &&
	        memcmp(h->pending.text, w.text, w.len) == 0;
	pthread_mutex_unlock(&h->lock);
	if (back.rollback)
		back.confirm_s = 0; // what was in force before needs no confirmation
	if (r == 0)
		r = fog_node_config_put(n, w.text, w.len, NULL, &back, generation, change, report);
	free(w.text);
	return r;
}
