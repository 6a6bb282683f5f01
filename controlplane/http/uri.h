// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The target of a request (RFC 9112 §3.2), taken apart here, so that nothing in it is decoded twice or cut at a NUL.
#pragma once

#include <stdbool.h>

enum { HTTP_URI_MAX = 8192, HTTP_URI_PAIRS = 32 };

struct http_pair {
	const char *name, *value; // decoded; "" when there is no '='
};

struct http_uri {
	char *text; // malloc'ed, holds what the others point to
	const char *path; // decoded, begins with '/'
	unsigned count;
	struct http_pair query[HTTP_URI_PAIRS];
};

// Returns 0, -EINVAL (not of this form: other characters than printable ASCII, a bad %xx, control characters or a NUL behind one,
// "//", a "." or ".." part), -E2BIG, -ENOMEM. 'uri' must be freed in any case.
int http_uri_parse(struct http_uri *uri, const char *target);
void http_uri_free(struct http_uri *);
