// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The thread that tells the store what it doesn't know yet, and takes back what nobody has confirmed.
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../log/log.h"
#include "node_config.h"
#include "node_history_private.h"
#include "node_platform.h"
#include "now.h"

enum { RETRY_MS = 5000, IDLE_MS = 60 * 1000 };

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
		node_history_settle(h);
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
