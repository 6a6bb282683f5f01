// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	case 413:
		return "Too large";
	case 422:
		return "Cannot be done as asked";
	case 428:
		return "Precondition required";
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
	free(res->body);
	res->status = status;
	res->body = text;
	res->body_len = strlen(text);
	res->type = "application/json";
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
	// Text that is no UTF-8 (a foreign file name, a sentence that was cut inside a character) must
	// neither make the answer fail nor leave it without a reason.
	json_t *text = json_string(detail);
	for (char *at = detail; text == NULL && *at != '\0'; at++) {
		if ((unsigned char)*at > 0x7f)
			*at = '?';
	}
	if (text == NULL)
		text = json_string(detail);
	json_t *json = json_pack(
	        "{s:s s:s s:i s:s s:o s:s* s:s}", "type", "about:blank", "title",
	        reply_title(status), "status", status, "code", code, "detail",
	        text != NULL ? text : json_string(""), "hint", hint, "request_id",
	        res->request_id != NULL ? res->request_id : ""
	);
	free(res->body);
	res->body = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	res->body_len = res->body != NULL ? strlen(res->body) : 0;
	res->status = status;
	res->type = "application/problem+json";
	json_decref(json);
}

int http_query_number(
        struct http_response *res, const char *name, const char *text, int64_t min, int64_t max,
        int64_t *value
)
{
	char *end = NULL;

	if (text == NULL)
		return 0;
	errno = 0;
	long long v = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '+' || text[0] == ' ' ||
	    v < min || v > max) {
		http_reply_problem(
		        res, 400, "bad_parameter", NULL, "%s must be a number from %lld to %lld",
		        name, (long long)min, (long long)max
		);
		return -EINVAL;
	}
	*value = v;
	return 0;
}
