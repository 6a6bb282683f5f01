// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "dispatch.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../../log/log.h"
#include "../accounts/wiped.h"
#include "../node.h"
#include "../now.h"
#include "exchange.h"
#include "schema/validate.h"

int http_dispatcher_create(
        const struct http_dispatcher_params *params, struct http_dispatcher **out
)
{
	struct http_dispatcher *d;

	if (api_table_check() < 0)
		return -EINVAL;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return -ENOMEM;
	d->params = *params;
	pthread_mutex_init(&d->lock, NULL);
	int r = kept_keeper_start(d, &d->keeper);
	if (r < 0) {
		http_dispatcher_destroy(d);
		return r;
	}
	*out = d;
	return 0;
}

void http_dispatcher_destroy(struct http_dispatcher *d)
{
	if (d == NULL)
		return;
	kept_keeper_stop(d->keeper);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static bool dispatch_head(struct http_exchange *x)
{
	int r = http_uri_parse(&x->uri, x->head->target);

	x->req.path = x->uri.path;
	if (r == -E2BIG || x->head->too_large)
		http_reply_problem(
		        &x->res, 431, "head_too_large", NULL,
		        "the target and the headers of a request are too large"
		);
	else if (r < 0)
		http_reply_problem(
		        &x->res, 400, "bad_target", NULL, "the target of the request is malformed"
		);
	else if (x->head->framing)
		http_reply_problem(
		        &x->res, 400, "bad_framing",
		        "send one Content-Length, or Transfer-Encoding: chunked without it",
		        "where the body ends is not said in one way"
		);
	else if (x->head->twice)
		http_reply_problem(
		        &x->res, 400, "header_twice", NULL,
		        "a header that counts once was sent twice"
		);
	else
		return true;
	x->closes = true; // others may divide what follows in another way
	return false;
}

static bool dispatch_route(struct http_exchange *x)
{
	int status;

	x->route = http_route_find(x->req.method, x->req.path, &status, x->res.allow, x->req.part);
	if (x->route != NULL)
		return true;
	http_reply_problem(
	        &x->res, status, status == 404 ? "no_such_path" : "method_not_allowed", NULL, "%s",
	        status == 404 ? "there is nothing here" : "not with this method"
	);
	return false;
}

static bool dispatch_size(struct http_exchange *x)
{
	if (!x->head->has_length || x->head->length <= HTTP_BODY_MAX)
		return true;
	http_reply_problem(
	        &x->res, 413, "body_too_large", NULL, "a body has at most %d bytes", HTTP_BODY_MAX
	);
	return false;
}

// Whether a Content-Type is 'type', whatever its letters and parameters; a charset must be UTF-8.
static bool dispatch_is_type(const char *header, const char *type)
{
	size_t len = strlen(type);
	const char *charset;

	if (header == NULL || strncasecmp(header, type, len) != 0 ||
	    strchr("; \t", header[len]) == NULL)
		return false;
	charset = strcasestr(header + len, "charset=");
	if (charset == NULL)
		return true;
	charset += strlen("charset=");
	charset += *charset == '"';
	return strncasecmp(charset, "utf-8", 5) == 0 && !isalnum((unsigned char)charset[5]);
}

static bool dispatch_body_there(struct http_exchange *x)
{
	const char *type = x->route->body_type != NULL ? x->route->body_type : "application/json";

	if (x->route->body == NULL && x->route->body_type == NULL) {
		http_reply_problem(
		        &x->res, 400, "no_body_here", "leave the body out", "%s %s takes no body",
		        x->route->method, x->route->path
		);
		return false;
	}
	if (dispatch_is_type(x->head->header[HTTP_CONTENT_TYPE], type) ||
	    (strcmp(type, "application/yaml") == 0 && // JSON is YAML
	     dispatch_is_type(x->head->header[HTTP_CONTENT_TYPE], "application/json")))
		return true;
	http_reply_problem(
	        &x->res, 415, "bad_content_type", NULL, "send it with 'Content-Type: %s'", type
	);
	return false;
}

// What the length says already.
static bool dispatch_content(struct http_exchange *x)
{
	return !x->head->has_length || x->head->length == 0 || dispatch_body_there(x);
}

static void dispatch_findings(struct http_exchange *x, struct api_findings *f)
{
	http_reply_errors(&x->res, 400, f->code, f->detail, f->errors);
}

static bool dispatch_json(struct http_exchange *x)
{
	struct api_findings findings = {.code = "bad_json"};

	if (x->req.body_len > 0 && !dispatch_body_there(x))
		return false;
	if (x->route->body == NULL)
		return true;
	x->json = x->req.body_len > 0 ? api_json_parse(x->req.body, x->req.body_len, &findings)
	                              : json_object();
	if (x->json != NULL && api_validate(x->route->body, x->json, &findings)) {
		x->req.json = x->json;
		return true;
	}
	dispatch_findings(x, &findings);
	return false;
}

static int dispatch_parameter(const struct api_route *route, const char *name)
{
	for (int i = 0; route->query != NULL && route->query[i].name != NULL; i++)
		if (strcmp(route->query[i].name, name) == 0)
			return i;
	return -1;
}

// The parts of the path, too: they are parameters with another place.
static bool dispatch_parts(struct http_exchange *x, struct api_findings *findings)
{
	const char *at = x->route->path;
	bool good = true;

	for (unsigned i = 0; (at = strchr(at, '{')) != NULL; i++) {
		size_t len = strcspn(++at, "}");
		for (const struct api_parameter *p = api_parts; p->name != NULL; p++)
			if (strlen(p->name) == len && strncmp(p->name, at, len) == 0)
				good = api_validate_text(
				               p, x->req.part[i], &x->req.part_number[i], findings
				       ) &&
				        good;
	}
	return good;
}

static bool dispatch_query(struct http_exchange *x)
{
	struct api_findings findings = {0};
	const struct api_parameter *p = x->route->query;
	bool good = dispatch_parts(x, &findings);

	x->req.parameters = p;
	for (unsigned i = 0; p != NULL && p[i].name != NULL; i++)
		x->req.query[i].number = p[i].schema->preset;
	for (unsigned i = 0; i < x->uri.count; i++) {
		const struct http_pair *pair = &x->uri.query[i];
		int at = dispatch_parameter(x->route, pair->name);
		if (at < 0 || x->req.query[at].text != NULL) {
			json_decref(findings.errors);
			http_reply_problem(
			        &x->res, 400, at < 0 ? "unknown_parameter" : "bad_parameter", NULL,
			        at < 0 ? "%s %s has no such parameter as the one given"
			               : "%s %s takes each parameter once",
			        x->route->method, x->route->path
			);
			return false;
		}
		struct http_value *value = &x->req.query[at];
		value->text = pair->value;
		good = api_validate_text(&p[at], value->text, &value->number, &findings) && good;
	}
	for (unsigned i = 0; good && p != NULL && p[i].name != NULL; i++) {
		if (!p[i].needed || x->req.query[i].text != NULL)
			continue;
		http_reply_problem(
		        &x->res, 400, "bad_parameter", NULL, "the parameter %s is missing",
		        p[i].name
		);
		return false;
	}
	if (!good)
		dispatch_findings(x, &findings);
	return good;
}

static bool dispatch_etag_good(const char *etag)
{
	size_t len = strlen(etag);

	if (strcmp(etag, "*") == 0)
		return true;
	return len > 2 && etag[0] == '"' && etag[len - 1] == '"' &&
	        strchr(etag + 1, '"') == etag + len - 1;
}

static bool dispatch_match(struct http_exchange *x)
{
	const char *etag = x->head->header[HTTP_IF_MATCH];
	bool needed = x->route->match == API_MATCH_NEEDED;

	x->req.if_match = etag;
	if (etag == NULL && needed)
		http_reply_problem(
		        &x->res, 428, "if_match_required", "send the ETag of GET in If-Match",
		        "a change without If-Match could undo somebody else's"
		);
	else if (etag != NULL && (!needed || !dispatch_etag_good(etag)))
		http_reply_problem(
		        &x->res, 400, "bad_if_match",
		        needed ? "send the ETag of GET in If-Match" : "leave it out", "%s",
		        needed ? "If-Match holds no ETag"
		               : "there is nothing here that If-Match could compare"
		);
	else
		return true;
	return false;
}

// In this order; what refuses first decides. Those of the head need no body.
static http_step *const head_steps[] = {
        dispatch_head,     http_preflight, dispatch_route, http_identify,    http_limit,
        http_authenticate, http_authorise, dispatch_size,  dispatch_content,
};
static http_step *const body_steps[] = {
        dispatch_json, dispatch_query, http_idempotency_begin, dispatch_match, http_record_ready,
};

// A name that somebody else gave the request.
static bool dispatch_name_good(const char *name)
{
	size_t len = name != NULL ? strlen(name) : 0;

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && strchr("._-", name[i]) == NULL)
			return false;
	return len > 0 && len < HTTP_CORRELATION_LEN;
}

static void dispatch_names(struct http_exchange *x)
{
	const char *correlation = x->head->header[HTTP_CORRELATION_ID];
	uint8_t id[8];

	randombytes_buf(id, sizeof(id));
	sodium_bin2hex(x->req.id, sizeof(x->req.id), id, sizeof(id));
	x->res.request_id = x->req.id;
	if (!dispatch_name_good(correlation))
		correlation = x->head->header[HTTP_REQUEST_ID];
	if (!dispatch_name_good(correlation))
		correlation = x->req.id;
	snprintf(x->req.correlation, sizeof(x->req.correlation), "%s", correlation);
}

bool http_exchange_answered(const struct http_exchange *x)
{
	return x->res.status != 0;
}

struct http_exchange *http_exchange_begin(struct http_dispatcher *d, const struct http_head *head)
{
	struct http_exchange *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->dispatcher = d;
	x->head = head;
	x->began_ms = fog_now_ms();
	x->req.method = head->method;
	x->req.exchange = x;
	x->req.body = "";
	dispatch_names(x);
	http_cors(x);
	for (unsigned i = 0; i < sizeof(head_steps) / sizeof(head_steps[0]); i++)
		if (!head_steps[i](x))
			break;
	return x;
}

static void dispatch_handle(struct http_exchange *x, bool too_large)
{
	if (too_large) {
		http_reply_problem(
		        &x->res, 413, "body_too_large", NULL, "a body has at most %d bytes",
		        HTTP_BODY_MAX
		);
		return;
	}
	for (unsigned i = 0; i < sizeof(body_steps) / sizeof(body_steps[0]); i++)
		if (!body_steps[i](x))
			return;
	x->route->handle(x->dispatcher->params.node, &x->req, &x->res);
	if (x->res.status == 0)
		http_reply_problem(&x->res, 500, "no_answer", NULL, "there is no answer to this");
}

void http_exchange_finish(struct http_exchange *x, const char *body, size_t len, bool too_large)
{
	x->req.body = body;
	x->req.body_len = len;
	if (!http_exchange_answered(x))
		dispatch_handle(x, too_large);
	// In this order: what was done stays done for its Idempotency-Key, also when the audit can't say so.
	http_idempotency_end(x);
	http_record(x);
}

struct http_response *http_exchange_response(struct http_exchange *x)
{
	return &x->res;
}

void http_exchange_end(struct http_exchange *x)
{
	if (x == NULL)
		return;
	json_decref(x->json);
	http_uri_free(&x->uri);
	if (x->res.stream != NULL)
		x->res.stream->end(x->res.stream);
	fog_wiped_free(x->res.body);
	free(x);
}
