// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Parameters and versions, as the handlers read them.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"

static const struct http_value *request_value(const struct http_request *req, const char *name)
{
	const struct api_parameter *p = req->parameters;

	for (unsigned i = 0; p != NULL && p[i].name != NULL; i++)
		if (strcmp(p[i].name, name) == 0)
			return &req->query[i];
	abort();
}

const char *http_query_text(const struct http_request *req, const char *name)
{
	return request_value(req, name)->text;
}

int64_t http_query_number(const struct http_request *req, const char *name)
{
	return request_value(req, name)->number;
}

bool http_query_given(const struct http_request *req, const char *name)
{
	return request_value(req, name)->text != NULL;
}

void http_etag_number(struct http_response *res, int64_t version)
{
	snprintf(res->etag, sizeof(res->etag), "\"%" PRId64 "\"", version);
}

int64_t http_match_number(const struct http_request *req)
{
	int64_t version;
	char *end;

	if (strcmp(req->if_match, "*") == 0)
		return 0;
	errno = 0;
	version = strtoll(req->if_match + 1, &end, 10);
	return errno == 0 && version > 0 && strcmp(end, "\"") == 0 ? version : -1;
}
