// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A request and its answer as the handlers see them, free of any HTTP library.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api.h"

struct fog_dpclient_ack;

enum {
	HTTP_BODY_MAX = 1 << 20,
	HTTP_ID_LEN = 17,
	HTTP_PART_MAX = 2, // parts of a path that a route leaves open
	HTTP_PART_LEN = 72,
	HTTP_CALLER_LEN = 32,
	HTTP_WAIT_MAX_S = 30, // longest wait that a client may ask for
	HTTP_ACK_WAIT_MS = 2000, // for the data plane's word on a changed configuration
};

struct http_request {
	const char *method, *path;
	const char *body;
	size_t body_len;
	const char *if_match, *idempotency_key; // headers, or NULL
	// Values of the route's parameters, in its order, or NULL.
	const char *query[API_PARAMETERS_MAX];
	char id[HTTP_ID_LEN];
	char caller[HTTP_CALLER_LEN]; // "uid 0", "token 12ab..", "none"
	char part[HTTP_PART_MAX]
	         [HTTP_PART_LEN]; // what stands in place of the route's {}, in its order
};

struct http_response {
	int status;
	char *body; // malloc'ed
	size_t body_len;
	const char *type; // of the body
	char etag[72], allow[64];
	int retry_after_s; // 0 = header left out
	bool replayed; // answer of an earlier request with the same Idempotency-Key
	const char *request_id; // for problems
};

// Find the route of a request, and fill 'part' (may be NULL); HEAD finds that of GET. Returns NULL and 404 or 405 in *status, with
// the methods that the path has in 'allow' (64 bytes).
const struct api_route *http_route_find(
        const char *method, const char *path, int *status, char *allow,
        char part[HTTP_PART_MAX][HTTP_PART_LEN]
);

// Answer with JSON. Takes the reference of 'json'; NULL (no memory) becomes a problem, status 500.
void http_reply_json(struct http_response *, int status, json_t *json);

// Answer with application/problem+json (RFC 9457). 'code' is stable and for programs, 'hint' is the
// mend (may be NULL), the rest is a sentence.
__attribute__((format(printf, 5, 6))) void http_reply_problem(
        struct http_response *, int status, const char *code, const char *hint, const char *format,
        ...
);

// A decimal number within [min, max]. Returns 0, or -EINVAL after having answered 400.
int http_query_number(
        struct http_response *, const char *name, const char *text, int64_t min, int64_t max,
        int64_t *value
);

// What became of a generation of the configuration (0 = there is none): "in_force", "pending",
// "refused" or "not_attached", with the data plane's sentence in 'ack'. Waits up to 'wait_ms' for it.
const char *http_config_state(
        struct fog_node *, uint64_t generation, int wait_ms, struct fog_dpclient_ack *ack
);

// Handlers: every one of the table.
#define X(name, ...) http_handler http_##name;
#include "routes.def"
#undef X
