// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The whole API in one table. A route cannot exist without saying who may use it.
#include <stdio.h>
#include <string.h>

#include "http.h"

const struct http_route http_routes[] = {
        {"GET", "/healthz", HTTP_OPEN, false, http_get_healthz, {NULL}},
        {"GET", "/readyz", HTTP_OPERATOR, false, http_get_readyz, {NULL}},
        {"GET", "/metrics", HTTP_OPERATOR, false, http_get_metrics, {NULL}},
        {"GET", "/v1/status", HTTP_OPERATOR, false, http_get_status, {NULL}},
        {"GET", "/v1/timing", HTTP_OPERATOR, false, http_get_timing, {NULL}},
        {"GET", "/v1/ports", HTTP_OPERATOR, false, http_get_ports, {NULL}},
        {"GET", "/v1/workers", HTTP_OPERATOR, false, http_get_workers, {NULL}},
        {"GET", "/v1/drops", HTTP_OPERATOR, false, http_get_drops, {NULL}},
        {"GET", "/v1/nodes", HTTP_OPERATOR, false, http_get_nodes, {NULL}},
        {"GET", "/v1/config", HTTP_OPERATOR, false, http_get_config, {NULL}},
        {"PUT", "/v1/config", HTTP_OPERATOR, true, http_put_config, {NULL}},
        {"GET", "/v1/filter", HTTP_OPERATOR, false, http_get_filter, {NULL}},
        {"PATCH", "/v1/filter", HTTP_OPERATOR, true, http_patch_filter, {NULL}},
        {"GET", "/v1/filter/deny", HTTP_OPERATOR, false, http_get_deny, {NULL}},
        {"POST", "/v1/filter/deny", HTTP_OPERATOR, true, http_post_deny, {NULL}},
        // A prefix has a '/' inside, which a path can't have.
        {"DELETE", "/v1/filter/deny", HTTP_OPERATOR, true, http_delete_deny, {"prefix"}},
        {"GET",
         "/v1/messages",
         HTTP_OPERATOR,
         false,
         http_get_messages,
         {"after", "limit", "wait"}},
        {"POST", "/v1/messages", HTTP_OPERATOR, true, http_post_messages, {NULL}},
        {"GET", "/v1/log", HTTP_OPERATOR, false, http_get_log, {NULL}},
        {"PUT", "/v1/log", HTTP_OPERATOR, true, http_put_log, {NULL}},
        {"GET", "/v1/trace", HTTP_OPERATOR, false, http_get_trace, {"after", "limit", "wait"}},
        {"POST", "/v1/trace", HTTP_OPERATOR, true, http_post_trace, {NULL}},
        {"DELETE", "/v1/trace", HTTP_OPERATOR, true, http_delete_trace, {NULL}},
        {"GET", "/v1/capture", HTTP_OPERATOR, false, http_get_capture, {"after", "limit", "wait"}},
        {"POST", "/v1/capture", HTTP_OPERATOR, true, http_post_capture, {NULL}},
        {"DELETE", "/v1/capture", HTTP_OPERATOR, true, http_delete_capture, {NULL}},
        {"GET", "/v1/links", HTTP_OPERATOR, false, http_get_links, {NULL}},
        {"POST", "/v1/links/rekey", HTTP_OPERATOR, true, http_post_links_rekey, {NULL}},
        {"GET", "/v1/loops", HTTP_OPERATOR, false, http_get_loops, {"after", "limit"}},
        {"POST", "/v1/loops", HTTP_OPERATOR, true, http_post_loops, {NULL}},
        {"DELETE", "/v1/loops", HTTP_OPERATOR, true, http_delete_loops, {NULL}},
        {"GET", "/v1/cover", HTTP_OPERATOR, false, http_get_cover, {NULL}},
        {"GET", "/v1/epochs", HTTP_OPERATOR, false, http_get_epochs, {NULL}},
        {"GET", "/v1/epochs/{}/vrf", HTTP_OPERATOR, false, http_get_vrf, {NULL}},
        {"GET", "/v1/nodes/{}/epochs/{}/vrf", HTTP_OPERATOR, false, http_get_node_vrf, {NULL}},
        {"GET", "/v1/descriptor", HTTP_OPERATOR, false, http_get_descriptor, {NULL}},
        {"GET", "/v1/consensus", HTTP_OPERATOR, false, http_get_consensus, {"raw", "epoch"}},
        {"POST", "/v1/node/withdraw", HTTP_OPERATOR, true, http_post_withdraw, {NULL}},
        {"DELETE", "/v1/node/withdraw", HTTP_OPERATOR, true, http_delete_withdraw, {NULL}},
        {"GET", "/v1/sent/{}", HTTP_OPERATOR, false, http_get_sent, {NULL}},
        {"POST", "/v1/drain", HTTP_OPERATOR, true, http_post_drain, {NULL}},
};

const size_t http_route_count = sizeof(http_routes) / sizeof(http_routes[0]);

// Whether 'path' is one of 'route', whose {} stand for one part each that is not empty.
static bool route_matches(
        const char *route, const char *path, char part[HTTP_PART_MAX][HTTP_PART_LEN]
)
{
	for (int n = 0;; route++, path++) {
		if (strncmp(route, "{}", 2) == 0) {
			size_t len = strcspn(path, "/");
			if (len == 0 || len >= HTTP_PART_LEN || n == HTTP_PART_MAX)
				return false;
			if (part != NULL)
				snprintf(part[n++], HTTP_PART_LEN, "%.*s", (int)len, path);
			path += len;
			route += 2;
		}
		if (*route != *path)
			return false;
		if (*route == '\0')
			return true;
	}
}

const struct http_route *http_route_find(
        const char *method, const char *path, int *status, char *allow,
        char part[HTTP_PART_MAX][HTTP_PART_LEN]
)
{
	const char *want = strcmp(method, "HEAD") == 0 ? "GET" : method;
	size_t used = 0;

	*status = 404;
	allow[0] = '\0';
	for (size_t i = 0; i < http_route_count; i++) {
		const struct http_route *r = &http_routes[i];
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
