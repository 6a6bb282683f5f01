// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What is in force, and what waits for a confirmation.
#include "node_history.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../log/log.h"
#include "node_config.h"
#include "node_history_private.h"
#include "node_platform.h"
#include "now.h"

void node_history_text_free(struct history_text *t)
{
	free(t->data);
	*t = (struct history_text){0};
}

int node_history_text_set(
        struct history_text *t, const char *data, size_t len, const char *actor, const char *comment
)
{
	uint8_t hash[32];
	char *copy = malloc(len + 1);

	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, data, len);
	copy[len] = '\0';
	node_history_text_free(t);
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
	if (len > 0 && node_history_text_set(out, data, len, actor, NULL) == 0 &&
	    strcmp(out->digest, digest) != 0)
		node_history_text_free(out); // it has been edited since
	free(data);
	if (f != NULL)
		fclose(f);
}

void node_history_drop_pending(struct node_history *h)
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
		node_history_drop_pending(h); // another one is in force
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
	node_history_text_free(&h->now);
	node_history_text_free(&h->next);
	fog_pending_free(&h->pending);
	fog_pending_free(&h->waits);
	pthread_cond_destroy(&h->news);
	pthread_mutex_destroy(&h->lock);
	pthread_mutex_destroy(&h->turn);
	free(h);
	n->history = NULL;
}

void node_history_settle(struct node_history *h)
{
	struct history_text now = {0};
	struct fog_history_truth truth = {
	        .digest = now.digest, .actor = now.actor, .comment = now.comment};

	struct fog_history rows;

	if (h->now.data == NULL ||
	    node_history_text_set(&now, h->now.data, h->now.len, h->now.actor, h->now.comment) < 0)
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
	node_history_text_free(&now);
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
		node_history_text_free(&h->now);
		h->now = now;
		now = (struct history_text){0};
		// Root has decided by now what is in force.
		if (h->pending.text != NULL)
			node_history_drop_pending(h);
		h->unsettled = true;
		pthread_cond_broadcast(&h->news);
		history_note_file(h);
	}
	pthread_mutex_unlock(&h->lock);
	node_history_text_free(&now);
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
