// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../accounts/wiped.h"
#include "http.h"

static const char *reply_title(int status)
{
	switch (status) {
	case 400:
		return "Bad request";
	case 401:
		return "Not authenticated";
	case 403:
		return "Not allowed";
	case 404:
		return "Not found";
	case 405:
		return "Method not allowed";
	case 409:
		return "Conflict";
	case 410:
		return "Gone";
	case 412:
		return "Precondition failed";
	case 413:
		return "Too large";
	case 415:
		return "Content type not taken";
	case 422:
		return "Cannot be done as asked";
	case 428:
		return "Precondition required";
	case 429:
		return "Too many requests";
	case 431:
		return "Head too large";
	case 503:
		return "Not available now";
	default:
		return "Internal error";
	}
}

void http_reply_json(struct http_response *res, int status, json_t *json)
{
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (text == NULL) {
		http_reply_problem(res, 500, "no_memory", NULL, "the answer could not be built");
		return;
	}
	fog_wiped_free(res->body);
	res->status = status;
	res->body = text;
	res->body_len = strlen(text);
	res->type = "application/json";
}

// Text that is no UTF-8 (a foreign file name, a sentence that was cut inside a character) must neither make
// the answer fail nor leave it without a reason.
static json_t *reply_text(char *text)
{
	json_t *json = json_string(text);

	for (char *at = text; json == NULL && *at != '\0'; at++) {
		if ((unsigned char)*at > 0x7f)
			*at = '?';
	}
	return json != NULL ? json : json_string(text);
}

static void reply_problem(
        struct http_response *res, int status, const char *code, const char *hint, char *detail,
        json_t *errors
)
{
	const char *id = res->request_id != NULL ? res->request_id : "";
	json_t *text = reply_text(detail);
	json_t *json = json_pack(
	        "{s:s s:s s:i s:o s:o s:s s:s* s:s s:s s:o*}", "type", "about:blank", "title",
	        reply_title(status), "status", status, "detail",
	        text != NULL ? text : json_string(""), "instance",
	        json_sprintf("urn:fogline:request:%s", id), "code", code, "hint", hint, "error_id",
	        id, "request_id", id, "errors", errors
	);

	fog_wiped_free(res->body);
	res->body = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	res->body_len = res->body != NULL ? strlen(res->body) : 0;
	res->status = status;
	res->type = "application/problem+json";
	snprintf(res->code, sizeof(res->code), "%s", code);
	json_decref(json);
}

void http_reply_problem(
        struct http_response *res, int status, const char *code, const char *hint,
        const char *format, ...
)
{
	char detail[9216];
	va_list ap;

	va_start(ap, format);
	vsnprintf(detail, sizeof(detail), format, ap);
	va_end(ap);
	reply_problem(res, status, code, hint, detail, NULL);
}

void http_reply_away(struct http_response *res)
{
	http_reply_problem(
	        res, 503, "store_away", "try again; see /readyz",
	        "the platform's store does not answer"
	);
	res->retry_after_s = 2;
}

void http_reply_errors(
        struct http_response *res, int status, const char *code, const char *detail, json_t *errors
)
{
	char text[512];

	snprintf(text, sizeof(text), "%s", detail);
	reply_problem(res, status, code, NULL, text, errors);
}
