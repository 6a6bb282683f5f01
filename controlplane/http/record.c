// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What of a request is noted in the audit: all that changes something, twice: as begun, before it is, and with what came of
// it, durable before the answer leaves; every refusal of somebody who is known, which does not wait for a store that is
// away; refusals of strangers are counted.
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../log/log.h"
#include "../node_platform.h"
#include "../now.h"
#include "exchange.h"

enum {
	REFUSED_WAIT_MS = 250, // of a refusal for its row
	DONE_WAIT_MS = 10 * 1000, // of what was done
};

static bool record_mutates(const struct http_exchange *x)
{
	return strcmp(x->route->method, "GET") != 0;
}

static bool record_stranger(const struct http_exchange *x)
{
	return x->req.caller.kind == FOG_CALLER_NONE && x->res.user_id == 0;
}

static bool record_plain(const char *text)
{
	const char *p = text;

	while (*p > ' ' && *p <= '~')
		p++;
	return p > text && *p == '\0';
}

// The path, and what of the query a handler was given, as far as it is text for one line.
static void record_path(const struct http_exchange *x, char *text, size_t len)
{
	const struct api_parameter *query = x->route->query;
	int used =
	        snprintf(text, len, "%s", record_plain(x->req.path) ? x->req.path : x->route->path);

	for (int i = 0; query != NULL && query[i].name != NULL; i++) {
		const char *value = x->req.query[i].text;
		if (value != NULL && record_plain(value) && used > 0 && (size_t)used < len)
			used += snprintf(
			        text + used, len - (size_t)used, "%c%s=%s",
			        strchr(text, '?') == NULL ? '?' : '&', query[i].name, value
			);
	}
}

static void record_actor(const struct http_exchange *x, struct fog_audit_event *e, char id[24])
{
	static const char *const kind[] = {
	        [FOG_CALLER_NONE] = FOG_AUDIT_ANONYMOUS, [FOG_CALLER_LOCAL] = FOG_AUDIT_LOCAL,
	        [FOG_CALLER_STATIC] = FOG_AUDIT_TOKEN,   [FOG_CALLER_SESSION] = FOG_AUDIT_USER,
	        [FOG_CALLER_KEY] = FOG_AUDIT_KEY,
	};
	const struct fog_caller *caller = &x->req.caller;
	const char *colon = strchr(caller->actor, ':');

	e->actor_kind = kind[caller->kind];
	e->actor_id = colon != NULL ? colon + 1 : NULL;
	e->actor_name = caller->name;
	if (caller->kind != FOG_CALLER_NONE || x->res.user_id == 0)
		return;
	snprintf(id, 24, "%" PRId64, x->res.user_id);
	e->actor_kind = FOG_AUDIT_USER;
	e->actor_id = id;
}

static char *record_details(const struct http_exchange *x)
{
	const char *why = x->denial.why != NULL ? x->denial.why : x->res.why;
	json_t *details = json_object();

	if (x->res.code[0] != '\0')
		json_object_set_new(details, "code", json_string(x->res.code));
	if (why != NULL)
		json_object_set_new(details, "why", json_string(why));
	if (x->res.replayed)
		json_object_set_new(details, "replayed", json_true());
	if (x->begun > 0)
		json_object_set_new(details, "begun", json_integer(x->begun));
	char *text = json_dumps(details, JSON_COMPACT);
	json_decref(details);
	return text;
}

static enum fog_audit_outcome record_outcome(int status)
{
	return status < 400 ? FOG_AUDIT_DONE : status < 500 ? FOG_AUDIT_REFUSED : FOG_AUDIT_FAILED;
}

struct record {
	struct fog_audit_event event;
	char path[512], id[24];
	uint8_t digest[32];
	char *details;
};

// What is known of the request. The caller frees the details.
static void record_fill(const struct http_exchange *x, struct record *r)
{
	r->details = record_details(x);
	r->event = (struct fog_audit_event){
	        .action = x->res.action != NULL ? x->res.action : x->route->action,
	        .object = x->res.object[0] != '\0'   ? x->res.object
	                : x->res.location[0] != '\0' ? x->res.location
	                                             : r->path,
	        .source = x->req.source,
	        .request_id = x->req.id,
	        .correlation_id = x->req.correlation,
	        .method = x->route->method,
	        .path = r->path,
	        .status = (unsigned)x->res.status,
	        .outcome = record_outcome(x->res.status),
	        .duration_us = (fog_now_ms() - x->began_ms) * 1000,
	        .details = r->details,
	};
	record_path(x, r->path, sizeof(r->path));
	record_actor(x, &r->event, r->id);
	if (x->req.body_len == 0 || http_body_secret(x))
		return;
	crypto_generichash(
	        r->digest, sizeof(r->digest), (const uint8_t *)x->req.body, x->req.body_len, NULL, 0
	);
	r->event.body_digest = r->digest;
}

static bool record_away(struct http_exchange *x)
{
	http_reply_problem(
	        &x->res, 503, "audit_away", "make room, or bring the platform's store back",
	        "nothing is changed while the audit takes no rows"
	);
	x->res.retry_after_s = 2;
	return false;
}

// Returns whether it may be done.
static bool record_begin(struct http_exchange *x, struct fog_audit_chain *chain)
{
	struct record r;

	record_fill(x, &r);
	r.event.outcome = FOG_AUDIT_BEGUN;
	int error = fog_audit_chain_append(chain, &r.event, &x->begun);
	free(r.details);
	return error == 0 || record_away(x);
}

bool http_record_ready(struct http_exchange *x)
{
	struct fog_audit_chain *chain = node_platform_audit(x->dispatcher->params.node);

	if (!record_mutates(x))
		return true;
	if (chain == NULL || fog_audit_chain_away(chain))
		return record_away(x);
	// A stranger has to show something first, or he could fill the store: http_begin.
	return x->req.caller.kind == FOG_CALLER_NONE || record_begin(x, chain);
}

bool http_begin(const struct http_request *req, struct http_response *res, int64_t user_id)
{
	struct http_exchange *x = req->exchange;

	res->user_id = user_id;
	if (x == NULL || x->begun > 0)
		return true;
	struct fog_audit_chain *chain = node_platform_audit(x->dispatcher->params.node);
	return chain != NULL ? record_begin(x, chain) : record_away(x);
}

// What was refused stays refused; what was done must not pass for noted.
static void record_failed(struct http_exchange *x, int error)
{
	LOG_ERR("audit: a row with status %d is not stored%s: make room, or bring the store back",
	        x->res.status, error > 0 ? " yet" : "");
	if (record_mutates(x) && x->res.status < 400)
		http_reply_problem(
		        &x->res, 500, "audit_failed",
		        "see whether it was done before you try again",
		        "the request had status %d, but the audit takes no rows", x->res.status
		);
}

void http_record(struct http_exchange *x)
{
	struct fog_audit_chain *chain = node_platform_audit(x->dispatcher->params.node);
	bool refused = x->res.status >= 400 && x->res.status < 500;
	struct record r;

	if (x->route == NULL || chain == NULL)
		return;
	if (record_stranger(x) && x->begun == 0 && x->res.status >= 400) {
		fog_audit_chain_anonymous(
		        chain, x->head->peer->network, x->route->action, (unsigned)x->res.status
		);
		return;
	}
	if (!record_mutates(x) && !refused)
		return;
	record_fill(x, &r);
	int error = fog_audit_chain_post(
	        chain, &r.event, x->res.status < 400 ? DONE_WAIT_MS : REFUSED_WAIT_MS
	);
	free(r.details);
	// A refusal whose row waits is no matter for the log: the chain tells when rows wait, and when they are lost.
	if (error < 0 || (error > 0 && x->res.status < 400))
		record_failed(x, error);
}
