// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "kept.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../log/log.h"
#include "../node.h"
#include "../node_platform.h"
#include "../now.h"
#include "../store/mailbox.h"
#include "docs/openapi.h"
#include "exchange.h"

enum { KEPT_SWEEP_MS = 60 * 1000 };

struct kept_keeper {
	struct http_dispatcher *dispatcher;
	pthread_t thread;
	pthread_mutex_t lock; // of 'stop'
	pthread_cond_t wake;
	bool stop;
	uint64_t swept_ms; // of the thread
};

void kept_caller(const struct http_exchange *x, char caller[KEPT_CALLER_LEN])
{
	const struct fog_caller *who = &x->req.caller;
	char id[2 * FOG_ID_LEN + 1] = "";

	if (who->kind == FOG_CALLER_LOCAL)
		sodium_bin2hex(
		        id, sizeof(id), x->dispatcher->params.node->identity->node_id, FOG_ID_LEN
		);
	snprintf(
	        caller, KEPT_CALLER_LEN, "%s%s%s",
	        who->kind != FOG_CALLER_NONE ? who->actor : x->req.source, id[0] != '\0' ? "@" : "",
	        id
	);
}

static struct fog_answers_request kept_request(const struct kept_held *h)
{
	return (struct fog_answers_request){h->caller, h->key, h->digest, h->control_plane};
}

static int kept_begin_node(struct http_exchange *x, struct fog_answer *answer)
{
	struct fog_store *store = x->dispatcher->params.node->store;
	struct fog_store_answer found;
	int r = fog_store_begin(store);

	if (r < 0)
		return -EIO;
	r = fog_store_answer_get(
	        store, x->req.caller.actor, x->req.idempotency_key, x->req.digest, &found
	);
	fog_store_end(store, 0);
	if (r == 0)
		*answer = (struct fog_answer){found.status, found.body};
	return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

static int kept_begin_platform(struct http_exchange *x, struct fog_answer *answer)
{
	struct fog_node *n = x->dispatcher->params.node;
	struct fog_db *db = node_platform_store(n);
	struct kept_held *h = &x->held;

	if (db == NULL)
		return -EAGAIN;
	kept_caller(x, h->caller);
	snprintf(h->key, sizeof(h->key), "%s", x->req.idempotency_key);
	memcpy(h->digest, x->req.digest, sizeof(h->digest));
	sodium_bin2hex(
	        h->control_plane, sizeof(h->control_plane), n->identity->node_id, FOG_ID_LEN
	);
	struct fog_answers_request request = kept_request(h);
	int r = fog_answers_begin(db, &request, answer);
	if (r == 0) {
		pthread_mutex_lock(&x->dispatcher->lock);
		h->since_ms = fog_now_ms();
		h->db = db;
		pthread_mutex_unlock(&x->dispatcher->lock);
	}
	return r;
}

int kept_begin(struct http_exchange *x, struct fog_answer *answer)
{
	return api_route_effects(x->route) == API_EFFECTS_PLATFORM ? kept_begin_platform(x, answer)
	                                                           : kept_begin_node(x, answer);
}

static int kept_keep_node(struct http_exchange *x, const struct fog_answer *answer)
{
	struct fog_store *store = x->dispatcher->params.node->store;
	const struct fog_store_answer kept = {answer->status, answer->body};
	int r = fog_store_begin(store);

	if (r < 0)
		return r;
	r = fog_store_answer_put(
	        store, x->req.caller.actor, x->req.idempotency_key, x->req.digest, &kept
	);
	int e = fog_store_end(store, r == 0);
	r = r < 0 ? r : e;
	return r == 0 ? fog_store_sync(store) : r; // what it answers is on the disk
}

// The keeper looks no more at it.
static struct fog_db *kept_let_go(struct http_exchange *x)
{
	pthread_mutex_lock(&x->dispatcher->lock);
	struct fog_db *db = x->held.db;
	x->held.db = NULL;
	pthread_mutex_unlock(&x->dispatcher->lock);
	return db;
}

int kept_keep(struct http_exchange *x, const struct fog_answer *answer)
{
	struct fog_answers_request request = kept_request(&x->held);
	struct fog_db *db = kept_let_go(x);

	return db != NULL ? fog_answers_keep(db, &request, answer) : kept_keep_node(x, answer);
}

void kept_drop(struct http_exchange *x)
{
	struct fog_answers_request request = kept_request(&x->held);
	struct fog_db *db = kept_let_go(x);
	int r = db != NULL ? fog_answers_drop(db, &request) : 0;

	if (r < 0)
		LOG_WARN(
		        "request %s: its Idempotency-Key is not free yet: %s: it is in %d s",
		        x->req.id, strerror(-r), FOG_ANSWERS_HELD_S
		);
}

// A copy of a request that is due: the exchange may end meanwhile.
static bool keeper_due(struct http_dispatcher *d, unsigned flight, struct kept_held *h)
{
	uint64_t before = fog_now_ms() - FOG_ANSWERS_HOLD_S * 1000ull;

	pthread_mutex_lock(&d->lock);
	const struct http_exchange *x = d->flight[flight].exchange;
	bool due = x != NULL && x->held.db != NULL && x->held.since_ms <= before;
	if (due)
		*h = x->held;
	pthread_mutex_unlock(&d->lock);
	return due;
}

static void keeper_hold(struct http_dispatcher *d)
{
	struct kept_held h;

	for (unsigned i = 0; i < HTTP_FLIGHTS_MAX; i++) {
		if (!keeper_due(d, i, &h))
			continue;
		struct fog_answers_request request = kept_request(&h);
		fog_answers_hold(h.db, &request); // one that has ended meanwhile needs it no more
	}
}

static void keeper_sweep(struct kept_keeper *k)
{
	struct fog_db *db = node_platform_store(k->dispatcher->params.node);
	uint64_t now = fog_now_ms();

	if (db == NULL || now - k->swept_ms < KEPT_SWEEP_MS)
		return;
	if (fog_answers_sweep(db) < FOG_ANSWERS_SWEEP)
		k->swept_ms = now;
}

static void *keeper_run(void *arg)
{
	struct kept_keeper *k = arg;

	pthread_mutex_lock(&k->lock);
	while (!k->stop) {
		const struct timespec until = fog_deadline(FOG_ANSWERS_HOLD_S * 1000);
		pthread_cond_timedwait(&k->wake, &k->lock, &until);
		if (k->stop)
			break;
		pthread_mutex_unlock(&k->lock);
		keeper_hold(k->dispatcher);
		keeper_sweep(k);
		pthread_mutex_lock(&k->lock);
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

int kept_keeper_start(struct http_dispatcher *d, struct kept_keeper **out)
{
	struct kept_keeper *k = calloc(1, sizeof(*k));
	pthread_condattr_t clock;

	if (k == NULL)
		return -ENOMEM;
	k->dispatcher = d;
	pthread_mutex_init(&k->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&k->wake, &clock);
	pthread_condattr_destroy(&clock);
	int r = -pthread_create(&k->thread, NULL, keeper_run, k);
	if (r < 0) {
		pthread_cond_destroy(&k->wake);
		pthread_mutex_destroy(&k->lock);
		free(k);
		return r;
	}
	*out = k;
	return 0;
}

void kept_keeper_stop(struct kept_keeper *k)
{
	if (k == NULL)
		return;
	pthread_mutex_lock(&k->lock);
	k->stop = true;
	pthread_cond_signal(&k->wake);
	pthread_mutex_unlock(&k->lock);
	pthread_join(k->thread, NULL);
	pthread_cond_destroy(&k->wake);
	pthread_mutex_destroy(&k->lock);
	free(k);
}
