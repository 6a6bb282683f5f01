// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A POST with an Idempotency-Key is done once: whoever sends it again within a day gets the first answer again.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../log/log.h"
#include "../node_platform.h"
#include "exchange.h"

static bool idempotency_good(const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < len; i++) {
		if (key[i] < 0x21 || key[i] > 0x7e)
			return false;
	}
	return len > 0 && len <= HTTP_KEY_MAX;
}

static void idempotency_hash(const struct http_exchange *x, uint8_t digest[32])
{
	const char *query = strchr(x->head->target, '?');
	crypto_generichash_state h;

	// The method is always POST.
	crypto_generichash_init(&h, NULL, 0, 32);
	crypto_generichash_update(&h, (const uint8_t *)x->req.path, strlen(x->req.path));
	if (query != NULL)
		crypto_generichash_update(&h, (const uint8_t *)query, strlen(query));
	crypto_generichash_update(&h, (const uint8_t *)"", 1);
	crypto_generichash_update(&h, (const uint8_t *)x->req.body, x->req.body_len);
	crypto_generichash_final(&h, digest, 32);
}

// A digest of a body with a password in it must be as hard to guess at as what the store has of the password.
static bool idempotency_digest(struct http_exchange *x)
{
	struct fog_accounts *accounts = node_platform_accounts(x->dispatcher->params.node);
	uint8_t plain[32];
	int r = 0;

	idempotency_hash(x, plain);
	if (!http_body_secret(x)) {
		memcpy(x->req.digest, plain, sizeof(plain));
		return true;
	}
	struct fog_denial refusal = {
	        .code = "store_away", .text = "The platform's store does not answer."};
	r = accounts != NULL ? fog_secret_digest(accounts, plain, x->req.digest, &refusal)
	                     : -EAGAIN;
	sodium_memzero(plain, sizeof(plain));
	if (r == 0)
		return true;
	http_reply_problem(&x->res, 503, refusal.code, "try again", "%s", refusal.text);
	x->res.retry_after_s = 2;
	return false;
}

static bool idempotency_same(const struct http_exchange *a, const struct http_exchange *b)
{
	char one[KEPT_CALLER_LEN], two[KEPT_CALLER_LEN];

	if (strcmp(a->req.idempotency_key, b->req.idempotency_key) != 0)
		return false;
	kept_caller(a, one);
	kept_caller(b, two);
	return strcmp(one, two) == 0;
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

static void idempotency_working(struct http_response *res)
{
	http_reply_problem(
	        res, 409, "in_progress", "send it again in a while",
	        "the first request with this Idempotency-Key is still at work"
	);
	res->retry_after_s = 1;
}

static void idempotency_replay(struct http_exchange *x, const struct fog_answer *answer)
{
	free(x->res.body);
	x->res.status = answer->status;
	x->res.body = answer->body;
	x->res.body_len = strlen(answer->body);
	x->res.type = answer->status < 400 ? "application/json" : "application/problem+json";
	x->res.replayed = true;
}

// Returns whether the request is new.
static bool idempotency_look(struct http_exchange *x)
{
	struct fog_answer answer = {0};
	int r = kept_begin(x, &answer);

	switch (r) {
	case 0:
		x->fresh = true;
		return true;
	case 1:
		idempotency_replay(x, &answer);
		return false;
	case -EALREADY:
		idempotency_working(&x->res);
		return false;
	case -EEXIST:
		http_reply_problem(
		        &x->res, 422, "idempotency_key_reused", "use a new key for a new request",
		        "this Idempotency-Key belongs to another request"
		);
		return false;
	case -EAGAIN:
	case -EBUSY:
		http_reply_away(&x->res);
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
	r = idempotency_fly(x);
	// Answers to strangers are not kept.
	if (r == 0)
		return x->req.caller.kind == FOG_CALLER_NONE ||
		        (idempotency_digest(x) && idempotency_look(x));
	if (r == -EALREADY) {
		idempotency_working(&x->res);
		return false;
	}
	http_reply_problem(
	        &x->res, 503, "busy", "send it again in a while", "too many requests are at work"
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
	char *secret = x->res.secret ? idempotency_secret(x) : NULL;
	char empty[] = "";
	const struct fog_answer answer = {
	        .status = secret != NULL ? 409 : x->res.status,
	        .body = secret != NULL        ? secret
	                : x->res.body != NULL ? x->res.body
	                                      : empty,
	};
	int r = kept_keep(x, &answer);

	if (r < 0)
		LOG_ERR("request %s: its answer is not kept for its Idempotency-Key: %s: make room, or see that the store answers",
		        x->req.id, strerror(-r));
	free(secret);
}

void http_idempotency_end(struct http_exchange *x)
{
	if (!x->flies)
		return;
	// What failed inside, or was refused for now, may be asked for once more with the same key.
	bool final = x->res.status < 500 && x->res.status != 401 && x->res.status != 429;
	if (x->fresh && !x->res.kept && final)
		idempotency_keep(x);
	else if (x->fresh)
		kept_drop(x);
	idempotency_land(x);
}
