// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "body.h"

#include <errno.h>
#include <string.h>

static bool body_known(const char *field, const char *const *known)
{
	for (; *known != NULL; known++)
		if (strcmp(field, *known) == 0)
			return true;
	return false;
}

json_t *http_body_object(
        const struct http_request *req, struct http_response *res, const char *const *known
)
{
	json_t *body = req->body_len > 0
	        ? json_loadb(req->body, req->body_len, JSON_REJECT_DUPLICATES, NULL)
	        : json_object();
	const char *field;
	json_t *value;

	if (!json_is_object(body)) {
		json_decref(body);
		http_reply_problem(res, 400, "bad_json", NULL, "the body must be a JSON object");
		return NULL;
	}
	json_object_foreach(body, field, value)
	{
		if (body_known(field, known))
			continue;
		// A field that we don't know may be a misspelt one that matters.
		http_reply_problem(
		        res, 400, "unknown_field", NULL, "there is no field '%.64s' here", field
		);
		json_decref(body);
		return NULL;
	}
	return body;
}

int http_body_number(
        const json_t *body, struct http_response *res, const char *field, int64_t min, int64_t max,
        int64_t *value
)
{
	const json_t *number = json_object_get(body, field);

	if (number == NULL)
		return 0;
	if (json_is_integer(number) && json_integer_value(number) >= min &&
	    json_integer_value(number) <= max) {
		*value = json_integer_value(number);
		return 0;
	}
	http_reply_problem(
	        res, 400, "bad_field", NULL, "%s must be a whole number from %lld to %lld", field,
	        (long long)min, (long long)max
	);
	return -EINVAL;
}
