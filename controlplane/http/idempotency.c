// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A POST with an Idempotency-Key is done once: whoever sends it again within a day gets the first answer again.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../log/log.h"
#include "../node.h"
#include "../store/mailbox.h"
#include "exchange.h"

// Strangers are told apart by where they come from.
static const char *idempotency_caller(const struct http_exchange *x)
{
	const struct fog_caller *caller = &x->req.caller;

	return caller->kind != FOG_CALLER_NONE ? caller->actor : x->req.source;
}

static bool idempotency_good(const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < len; i++) {
		if (key[i] < 0x21 || key[i] > 0x7e)
			return false;
	}
	return len > 0 && len <= HTTP_KEY_MAX;
}

static void idempotency_digest(struct http_exchange *x)
{
	const char *query = strchr(x->head->target, '?');
	crypto_generichash_state h;

	bool secret = http_body_secret(x);

	// The method is always POST. A digest of a password lets others guess it, unless nobody knows the key.
	crypto_generichash_init(
	        &h, secret ? x->dispatcher->key : NULL, secret ? sizeof(x->dispatcher->key) : 0,
	        sizeof(x->req.digest)
	);
	crypto_generichash_update(&h, (const uint8_t *)x->req.path, strlen(x->req.path));
	if (query != NULL)
		crypto_generichash_update(&h, (const uint8_t *)query, strlen(query));
	crypto_generichash_update(&h, (const uint8_t *)"", 1);
	crypto_generichash_update(&h, (const uint8_t *)x->req.body, x->req.body_len);
	crypto_generichash_final(&h, x->req.digest, sizeof(x->req.digest));
}

static bool idempotency_same(const struct http_exchange *a, const struct http_exchange *b)
{
	return strcmp(a->req.idempotency_key, b->req.idempotency_key) == 0 &&
	        strcmp(idempotency_caller(a), idempotency_caller(b)) == 0;
}

// Take a place among those at work. Returns 0, -EALREADY (the same key is there), -EBUSY.
static int idempotency_fly(struct http_exchange *x)
{
	struct http_dispatcher *d = x->dispatcher;
	struct http_flight *place = NULL;
	int r = 0;

	pthread_mutex_lock(&d->lock);
	for (unsigned i = 0; i < HTTP_FLIGHTS_MAX && r == 0; i++) {
		if (d->flight[i].exchange == NULL)
			place = &d->flight[i];
		else if (idempotency_same(d->flight[i].exchange, x))
			r = -EALREADY;
	}
	if (r == 0 && place == NULL)
		r = -EBUSY;
	if (r == 0) {
		place->exchange = x;
		x->flies = true;
	}
	pthread_mutex_unlock(&d->lock);
	return r;
}

static void idempotency_land(struct http_exchange *x)
{
	struct http_dispatcher *d = x->dispatcher;

	pthread_mutex_lock(&d->lock);
	for (unsigned i = 0; i < HTTP_FLIGHTS_MAX; i++)
		if (d->flight[i].exchange == x)
			d->flight[i].exchange = NULL;
	pthread_mutex_unlock(&d->lock);
	x->flies = false;
}

// Returns whether the request is new.
static bool idempotency_look(struct http_exchange *x)
{
	struct fog_store *store = x->dispatcher->params.node->store;
	struct fog_store_answer answer;
	int r = fog_store_begin(store);

	if (r == 0) {
		r = fog_store_answer_get(
		        store, idempotency_caller(x), x->req.idempotency_key, x->req.digest, &answer
		);
		fog_store_end(store, 0);
	}
	switch (r) {
	case -ENOENT:
		x->fresh = true;
		return true;
	case 0:
		free(x->res.body);
		x->res.status = answer.status;
		x->res.body = answer.body;
		x->res.body_len = strlen(answer.body);
		x->res.type = answer.status < 400 ? "application/json" : "application/problem+json";
		x->res.replayed = true;
		return false;
	case -EEXIST:
		http_reply_problem(
		        &x->res, 422, "idempotency_key_reused", "use a new key for a new request",
		        "this Idempotency-Key belongs to another request"
		);
		return false;
	default: // not knowing is no reason to do it perhaps a second time
		http_reply_problem(
		        &x->res, 500, "store_failed", "see the control plane's log",
		        "the store of answers cannot be read now; nothing was done"
		);
		return false;
	}
}

bool http_idempotency_begin(struct http_exchange *x)
{
	const char *key = x->head->header[HTTP_IDEMPOTENCY_KEY];
	int r;

	if (key == NULL || strcmp(x->req.method, "POST") != 0)
		return true;
	if (!idempotency_good(key)) {
		http_reply_problem(
		        &x->res, 400, "bad_idempotency_key", NULL,
		        "an Idempotency-Key has 1 to %d printable characters", HTTP_KEY_MAX
		);
		return false;
	}
	x->req.idempotency_key = key;
	idempotency_digest(x);
	r = idempotency_fly(x);
	if (r == 0)
		return idempotency_look(x);
	http_reply_problem(
	        &x->res, r == -EALREADY ? 409 : 503, r == -EALREADY ? "in_progress" : "busy",
	        "send it again in a while", "%s",
	        r == -EALREADY ? "the first request with this Idempotency-Key is still at work"
	                       : "too many requests are at work"
	);
	x->res.retry_after_s = 1;
	return false;
}

// In place of an answer that is for its caller's eyes only.
static char *idempotency_secret(const struct http_exchange *x)
{
	struct http_response res = {.request_id = x->req.id};

	http_reply_problem(
	        &res, 409, "shown_once", "make a new one",
	        "this has been done; its answer held a secret, which is shown once"
	);
	return res.body;
}

static void idempotency_keep(struct http_exchange *x)
{
	struct fog_store *store = x->dispatcher->params.node->store;
	char *secret = x->res.secret ? idempotency_secret(x) : NULL;
	char empty[] = "";
	struct fog_store_answer answer = {
	        .status = secret != NULL ? 409 : x->res.status,
	        .body = secret != NULL        ? secret
	                : x->res.body != NULL ? x->res.body
	                                      : empty,
	};
	int r = fog_store_begin(store);

	if (r == 0) {
		r = fog_store_answer_put(
		        store, idempotency_caller(x), x->req.idempotency_key, x->req.digest, &answer
		);
		int e = fog_store_end(store, r == 0);
		r = r < 0 ? r : e;
	}
	if (r == 0) // what it answers is on the disk
		r = fog_store_sync(store);
	if (r < 0)
		LOG_ERR("request %s: its answer is not kept for its Idempotency-Key: %s: make room in the state folder",
		        x->req.id, strerror(-r));
	free(secret);
}

void http_idempotency_end(struct http_exchange *x)
{
	if (!x->flies)
		return;
	// What failed inside, or was refused for now, may be asked for once more with the same key.
	bool final = x->res.status < 500 && x->res.status != 401 && x->res.status != 429;
	if (x->fresh && !x->res.kept && final && x->req.caller.kind != FOG_CALLER_NONE)
		idempotency_keep(x);
	idempotency_land(x);
}
