// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "node_history.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../log/log.h"
#include "node_config.h"
#include "node_platform.h"
#include "now.h"

enum { RETRY_MS = 5000, IDLE_MS = 60 * 1000 };

struct history_text {
	char *data;
	size_t len;
	char digest[FOG_HISTORY_DIGEST_LEN];
	char actor[FOG_HISTORY_ACTOR_LEN], comment[FOG_HISTORY_COMMENT_LEN];
};

struct node_history {
	const struct fog_node *node; // constant, as what follows
	char path[FOG_CONFIG_PATH_LEN + 32]; // of the pending file
	pthread_mutex_t
	        turn; // one change at a time; taken before 'change', and nothing of it is taken under 'lock'
	struct history_text next; // under 'turn': what is being put in force
	int64_t revision; // likewise: its number
	struct fog_pending waits; // likewise: what is to come back if it isn't confirmed

	pthread_mutex_t lock; // everything below
	pthread_cond_t news;
	struct history_text now; // in force; data NULL: not known
	struct fog_pending pending; // text NULL: none
	uint64_t deadline_ms; // of it
	bool rolling; // it is being taken back: too late to confirm it
	int roll_error; // of the last try
	char roll_id[17]; // the thread's: what its rows are called
	bool unsettled; // the store doesn't know all
	int store_error; // of the last try to tell it
	bool started, stop;
	pthread_t thread;
};

static void text_free(struct history_text *t)
{
	free(t->data);
	*t = (struct history_text){0};
}

static int text_set(
        struct history_text *t, const char *data, size_t len, const char *actor, const char *comment
)
{
	uint8_t hash[32];
	char *copy = malloc(len + 1);

	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, data, len);
	copy[len] = '\0';
	text_free(t);
	t->data = copy;
	t->len = len;
	crypto_generichash(hash, sizeof(hash), (const uint8_t *)copy, len, NULL, 0);
	sodium_bin2hex(t->digest, sizeof(t->digest), hash, sizeof(hash));
	snprintf(t->actor, sizeof(t->actor), "%s", actor);
	snprintf(t->comment, sizeof(t->comment), "%s", comment != NULL ? comment : "");
	return 0;
}

// The file as it is now, when that is what was loaded. Under 'change', or before other threads.
static void history_read(struct fog_node *n, struct history_text *out, const char *actor)
{
	FILE *f = fopen(n->config_path, "re");
	char *data = malloc(FOG_CONFIG_TEXT_MAX + 1), digest[FOG_HISTORY_DIGEST_LEN];
	size_t len = f != NULL && data != NULL ? fread(data, 1, FOG_CONFIG_TEXT_MAX + 1, f) : 0;

	sodium_bin2hex(digest, sizeof(digest), n->config->checksum, 32);
	if (len > 0 && text_set(out, data, len, actor, NULL) == 0 &&
	    strcmp(out->digest, digest) != 0)
		text_free(out); // it has been edited since
	free(data);
	if (f != NULL)
		fclose(f);
}

static void history_drop_pending(struct node_history *h)
{
	if (unlink(h->path) < 0 && errno != ENOENT)
		LOG_ERR("%s: %s: remove it, or the change is taken back at the next start", h->path,
		        strerror(errno));
	fog_pending_free(&h->pending);
	h->roll_error = 0;
}

// What an earlier life has left behind.
static void history_read_pending(struct node_history *h)
{
	int r = fog_pending_read(h->path, &h->pending);

	if (r == 0 && h->now.data != NULL && strcmp(h->pending.digest, h->now.digest) == 0) {
		uint64_t left_ms = fog_pending_left_ms(&h->pending, fog_now_unix_us());
		h->deadline_ms = fog_now_ms() + left_ms;
		LOG_WARN(
		        "the configuration is taken back in %llu s unless somebody confirms it: "
		        "fogctl config confirm",
		        (unsigned long long)left_ms / 1000
		);
	} else if (r == 0) {
		history_drop_pending(h); // another one is in force
	} else if (r != -ENOENT) {
		LOG_ERR("%s: %s: the change that it is about is not taken back by itself: look at "
		        "the configuration",
		        h->path, strerror(-r));
	}
}

int node_history_rows(const struct fog_node *n, struct fog_history *out)
{
	out->db = node_platform_store(n);
	sodium_bin2hex(out->node, sizeof(out->node), n->identity->node_id, FOG_ID_LEN);
	return out->db != NULL ? 0 : -EAGAIN;
}

int node_history_create(struct fog_node *n)
{
	struct node_history *h = calloc(1, sizeof(*h));
	pthread_condattr_t attr;

	if (h == NULL) {
		LOG_ERR("history of the configuration: no memory: free some");
		return -ENOMEM;
	}
	pthread_mutex_init(&h->turn, NULL);
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->news, &attr);
	pthread_condattr_destroy(&attr);
	h->node = n;
	n->history = h;
	int r = fog_node_state_path(n, "config.pending", h->path, sizeof(h->path));
	if (r < 0)
		return r;
	history_read(n, &h->now, "file");
	history_read_pending(h);
	h->unsettled = h->now.data != NULL;
	return 0;
}

void node_history_destroy(struct fog_node *n)
{
	struct node_history *h = n->history;

	if (h == NULL)
		return;
	text_free(&h->now);
	text_free(&h->next);
	fog_pending_free(&h->pending);
	fog_pending_free(&h->waits);
	pthread_cond_destroy(&h->news);
	pthread_mutex_destroy(&h->lock);
	pthread_mutex_destroy(&h->turn);
	free(h);
	n->history = NULL;
}

// Tell the store what is in force. Under 'turn'; called and left with the lock.
static void history_settle(struct node_history *h)
{
	struct history_text now = {0};
	struct fog_history_truth truth = {
	        .digest = now.digest, .actor = now.actor, .comment = now.comment};

	struct fog_history rows;

	if (h->now.data == NULL ||
	    text_set(&now, h->now.data, h->now.len, h->now.actor, h->now.comment) < 0)
		return;
	truth.text = (const uint8_t *)now.data;
	truth.len = now.len;
	truth.pending = h->pending.text != NULL ? h->pending.revision : 0;
	h->unsettled = false;
	pthread_mutex_unlock(&h->lock);
	int64_t r = node_history_rows(h->node, &rows);
	if (r == 0)
		r = fog_history_settle(&rows, &truth);
	pthread_mutex_lock(&h->lock);
	h->store_error = r < 0 ? (int)r : 0;
	h->unsettled |= r < 0;
	text_free(&now);
}

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
	int r = text_set(&h->next, text, len, origin->actor, origin->comment);
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
		text_free(&h->now);
		h->now = h->next;
		h->next = (struct history_text){0};
		if (h->pending.text != NULL)
			history_drop_pending(h); // it is what has come back
		h->pending = h->waits;
		h->waits = (struct fog_pending){0};
		h->deadline_ms = fog_now_ms() + h->pending.confirm_s * UINT64_C(1000);
	} else if (h->waits.text != NULL) {
		unlink(h->path);
	}
	text_free(&h->next);
	fog_pending_free(&h->waits);
	if (in_force || h->revision != 0)
		history_settle(h);
	pthread_cond_broadcast(&h->news);
	pthread_mutex_unlock(&h->lock);
	pthread_mutex_unlock(&h->turn);
}

const char *node_history_text(const struct fog_node *n, size_t *len)
{
	// Only changes by REST, one of which the caller is, and the control thread under 'change' set it.
	*len = n->history->now.len;
	return n->history->now.data;
}

// Somebody has changed the file on the host.
static void history_note_file(const struct node_history *h)
{
	char details[FOG_HISTORY_DIGEST_LEN + 16];

	snprintf(details, sizeof(details), "{\"digest\":\"%s\"}", h->now.digest);
	node_platform_note(
	        h->node,
	        &(struct fog_audit_event
	        ){.action = "config.reload", .object = "/v1/config", .details = details},
	        0
	);
}

void node_history_reloaded(struct fog_node *n)
{
	struct node_history *h = n->history;
	struct history_text now = {0};

	if (h == NULL)
		return;
	history_read(n, &now, "file");
	pthread_mutex_lock(&h->lock);
	if (now.data != NULL && (h->now.data == NULL || strcmp(now.digest, h->now.digest) != 0)) {
		text_free(&h->now);
		h->now = now;
		now = (struct history_text){0};
		// Root has decided by now what is in force.
		if (h->pending.text != NULL)
			history_drop_pending(h);
		h->unsettled = true;
		pthread_cond_broadcast(&h->news);
		history_note_file(h);
	}
	pthread_mutex_unlock(&h->lock);
	text_free(&now);
}

enum {
	NOTE_MS = 250
}; // that a rollback waits for its row; it does not wait for a store that is away

// What comes of a change that nobody has confirmed: that its rollback begins, then whatever else comes of that.
static void history_note(
        const struct fog_node *n, const struct fog_pending *p, enum fog_audit_outcome outcome,
        int error
)
{
	char object[64], details[96] = "{}";

	snprintf(object, sizeof(object), "/v1/config/history/%" PRId64, p->revision);
	if (error < 0)
		snprintf(details, sizeof(details), "{\"error\":\"%s\"}", strerror(-error));
	node_platform_note(
	        n,
	        &(struct fog_audit_event
	        ){.action = "config.rollback",
	          .object = object,
	          .request_id = n->history->roll_id,
	          .correlation_id = p->correlation,
	          .outcome = outcome,
	          .details = details},
	        NOTE_MS
	);
}

// Called and left with the lock.
static void history_roll_back(struct fog_node *n)
{
	struct node_history *h = n->history;
	struct fog_config_origin origin = {.actor = "commit-confirm", .rollback = true};
	struct fog_report *report = calloc(1, sizeof(*report));
	char *text = strdup(h->pending.text);
	size_t len = h->pending.len;
	struct fog_pending told =
	        h->pending; // without its text: what it says is gone when it is over
	enum fog_reload change;
	uint64_t generation;

	int before = h->roll_error;
	uint8_t id[8];

	h->rolling = true;
	pthread_mutex_unlock(&h->lock);
	if (before == 0) {
		randombytes_buf(id, sizeof(id));
		sodium_bin2hex(h->roll_id, sizeof(h->roll_id), id, sizeof(id));
		history_note(n, &told, FOG_AUDIT_BEGUN, 0);
	}
	int r = report == NULL || text == NULL
	        ? -ENOMEM
	        : fog_node_config_put(n, text, len, NULL, &origin, &generation, &change, report);
	if (r == 0) {
		LOG_WARN("nobody has confirmed the configuration in time: the one before is in "
		         "force again");
	} else {
		LOG_ERR("the configuration that nobody has confirmed can't be taken back (%s): it is "
		        "tried again; mend its file as root and send SIGHUP",
		        strerror(-r));
		if (report != NULL && report->len > 0)
			LOG_LINES(FOG_LOG_ERROR, report->text);
	}
	free(text);
	free(report);
	if (r == 0 || r != before)
		history_note(n, &told, r == 0 ? FOG_AUDIT_DONE : FOG_AUDIT_FAILED, r);
	pthread_mutex_lock(&h->lock);
	h->roll_error = r;
	h->rolling = false;
	if (r < 0)
		h->deadline_ms = fog_now_ms() + RETRY_MS;
}

// How long there is nothing to do. Under the lock.
static uint64_t history_due_ms(const struct node_history *h)
{
	uint64_t now_ms = fog_now_ms(), due = h->unsettled ? RETRY_MS : IDLE_MS;

	if (h->pending.text == NULL)
		return due;
	uint64_t left = h->deadline_ms > now_ms ? h->deadline_ms - now_ms : 0;
	return left < due ? left : due;
}

// A change that is being made tells the store by itself.
static void history_tell(struct node_history *h)
{
	pthread_mutex_unlock(&h->lock);
	bool mine = pthread_mutex_trylock(&h->turn) == 0;
	pthread_mutex_lock(&h->lock);
	if (!mine)
		return;
	if (h->unsettled)
		history_settle(h);
	pthread_mutex_unlock(&h->turn);
}

static void *history_run(void *arg)
{
	struct fog_node *n = arg;
	struct node_history *h = n->history;

	pthread_mutex_lock(&h->lock);
	while (!h->stop) {
		if (h->unsettled)
			history_tell(h);
		if (!h->stop && h->pending.text != NULL && fog_now_ms() >= h->deadline_ms)
			history_roll_back(n);
		struct timespec until = fog_deadline((int)history_due_ms(h));
		if (!h->stop)
			pthread_cond_timedwait(&h->news, &h->lock, &until);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

int node_history_start(void *node)
{
	struct fog_node *n = node;
	struct node_history *h = n->history;
	int r = 0;

	pthread_mutex_lock(&h->lock);
	if (!h->started) {
		h->stop = false;
		r = -pthread_create(&h->thread, NULL, history_run, n);
		h->started = r == 0;
	}
	pthread_mutex_unlock(&h->lock);
	if (r < 0)
		LOG_ERR("no thread for the history of the configuration: %s: raise TasksMax",
		        strerror(-r));
	return r;
}

void node_history_stop(void *node)
{
	struct node_history *h = ((struct fog_node *)node)->history;

	pthread_mutex_lock(&h->lock);
	bool started = h->started;
	h->started = false;
	h->stop = true;
	pthread_cond_broadcast(&h->news);
	pthread_mutex_unlock(&h->lock);
	if (started)
		pthread_join(h->thread, NULL);
}

int node_history_health(void *node, char text[FOG_SERVICE_TEXT_LEN])
{
	struct node_history *h = ((struct fog_node *)node)->history;

	pthread_mutex_lock(&h->lock);
	bool rolls = h->pending.text != NULL && h->roll_error < 0;
	int r = rolls ? h->roll_error : h->store_error;
	pthread_mutex_unlock(&h->lock);
	if (r < 0)
		snprintf(
		        text, FOG_SERVICE_TEXT_LEN, "%s: %s",
		        rolls ? "a change that nobody has confirmed can't be taken back"
		              : "the store does not take the newest revision",
		        strerror(-r)
		);
	return r;
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
		history_drop_pending(h);
		history_settle(h);
	}
	pthread_mutex_unlock(&h->lock);
	pthread_mutex_unlock(&h->turn);
	return r;
}

bool fog_node_config_pending(struct fog_node *n, struct fog_node_pending *out)
{
	struct node_history *h = n->history;

	*out = (struct fog_node_pending){0};
	pthread_mutex_lock(&h->lock);
	bool pending = h->pending.text != NULL;
	uint64_t now_ms = fog_now_ms();
	out->revision = pending ? h->pending.revision : 0;
	out->left_ms = pending && h->deadline_ms > now_ms ? h->deadline_ms - now_ms : 0;
	pthread_mutex_unlock(&h->lock);
	return pending;
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
	if (r == 0)
		r = fog_node_config_put(n, w.text, w.len, NULL, &back, generation, change, report);
	free(w.text);
	return r;
}

unsigned node_warn_history(
        struct fog_node *n, void (*warn)(void *ctx, const char *code, const char *text), void *ctx
)
{
	struct fog_node_pending pending;
	char text[200];

	if (n->history == NULL || !fog_node_config_pending(n, &pending))
		return 0;
	snprintf(
	        text, sizeof(text),
	        "the configuration is taken back in %llu s unless it is confirmed: fogctl config confirm",
	        (unsigned long long)pending.left_ms / 1000
	);
	warn(ctx, "config_unconfirmed", text);
	return 1;
}
