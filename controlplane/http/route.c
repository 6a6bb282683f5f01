// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Which route a request means.
#include <stdio.h>
#include <string.h>

#include "http.h"

// Whether 'path' is one of 'route', whose {parts} stand for one part each that is not empty.
static bool route_matches(
        const char *route, const char *path, char part[HTTP_PART_MAX][HTTP_PART_LEN]
)
{
	for (int n = 0;; route++, path++) {
		if (*route == '{') {
			size_t len = strcspn(path, "/");
			if (len == 0 || len >= HTTP_PART_LEN || n == HTTP_PART_MAX)
				return false;
			if (part != NULL)
				snprintf(part[n], HTTP_PART_LEN, "%.*s", (int)len, path);
			n++;
			path += len;
			route += strcspn(route, "}") + 1;
		}
		if (*route != *path)
			return false;
		if (*route == '\0')
			return true;
	}
}

const struct api_route *http_route_find(
        const char *method, const char *path, int *status, char *allow,
        char part[HTTP_PART_MAX][HTTP_PART_LEN]
)
{
	const char *want = strcmp(method, "HEAD") == 0 ? "GET" : method;
	size_t used = 0;

	*status = 404;
	allow[0] = '\0';
	for (unsigned i = 0; i < api_route_count; i++) {
		const struct api_route *r = &api_routes[i];
		if (!route_matches(r->path, path, part))
			continue;
		if (strcmp(r->method, want) == 0) {
			allow[0] = '\0';
			return r;
		}
		*status = 405;
		used += (size_t
		)snprintf(allow + used, 64 - used, "%s%s", used > 0 ? ", " : "", r->method);
	}
	return NULL;
}
