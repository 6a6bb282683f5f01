// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A request and its answer as the handlers see them, free of any HTTP library.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../accounts/accounts.h"
#include "api.h"

struct fog_dpclient_ack;

enum {
	HTTP_BODY_MAX = 1 << 20,
	HTTP_ID_LEN = 17,
	HTTP_CORRELATION_LEN = 65,
	HTTP_PART_MAX = 2, // parts of a path that a route leaves open
	HTTP_PART_LEN = 72,
	HTTP_SOURCE_LEN = 46, // an IP address, or "local"
	HTTP_CODE_LEN = 48,
	HTTP_KEY_MAX = 255, // characters of an Idempotency-Key
	HTTP_WAIT_MAX_S = 30, // longest wait that a client may ask for
	HTTP_ACK_WAIT_MS = 2000, // for the data plane's word on a changed configuration
};

// What was given for a parameter; keeps to its schema.
struct http_value {
	const char *text; // NULL: nothing
	int64_t number; // of whole numbers and flags (0, 1); without text the schema's preset
};

struct http_request {
	const char *method, *path;
	const char *body; // never NULL, not ended by a NUL
	size_t body_len;
	const json_t *
	        json; // the body, which keeps to the route's schema; {} for none; NULL when the route takes no JSON
	const char *if_match; // an ETag or *, when the route wants one
	const char *idempotency_key; // good, or NULL
	uint8_t digest[32]; // of a POST, for its Idempotency-Key
	const struct api_parameter *parameters; // of the route
	struct http_value query[API_PARAMETERS_MAX]; // theirs, in the same order
	char part[HTTP_PART_MAX]
	         [HTTP_PART_LEN]; // what stands in place of the route's {parts}, likewise
	int64_t part_number[HTTP_PART_MAX]; // of those that are numbers
	char id[HTTP_ID_LEN];
	char correlation[HTTP_CORRELATION_LEN]; // what the caller calls it, or our id
	struct fog_caller caller; // kind FOG_CALLER_NONE: nobody that is known
	char source[HTTP_SOURCE_LEN]; // of the socket, never of a header
	struct http_exchange *exchange; // of the dispatcher, for http_begin; NULL: none
};

// A body that is made while it is sent. Whoever takes it out of the response ends it.
struct http_stream {
	ssize_t (*read
	)(struct http_stream *, char *out, size_t max); // bytes, 0: the end, or an error
	void (*end)(struct http_stream *);
};

struct http_response {
	int status;
	struct http_stream *stream; // in place of a body; NULL: there is none
	char *body; // malloc'ed
	size_t body_len;
	const char *type; // of the body
	const char *policy; // Content-Security-Policy; NULL: nothing is allowed
	char etag[72], allow[64];
	char location[128]; // of what was made
	int retry_after_s; // 0 = header left out
	bool secret; // the body is for the caller only: its Idempotency-Key doesn't bring it again
	bool kept; // the handler has stored it for its Idempotency-Key
	bool replayed; // answer of an earlier request with the same Idempotency-Key
	char code[HTTP_CODE_LEN]; // of a problem
	const char *why; // static, for the audit only: what the caller isn't told
	int64_t user_id; // whose account a request by nobody known was about, as far as he has shown it; for the audit
	const char *action; // static, for the audit; NULL: the route's
	char object[64]; // for the audit: what it was done to; "": the location, or the path
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
// A handler of a route for everybody is about to change something, for somebody who has shown a password or a token that are
// good. For all others the dispatcher has said it already. Returns false after having answered 503: nothing may be changed.
bool http_begin(const struct http_request *, struct http_response *, int64_t user_id);
// 503: the platform's store does not answer now.
void http_reply_away(struct http_response *);
// The same as http_reply_problem with a list of errors (objects of schema.h's api_problem), whose reference it takes.
void http_reply_errors(
        struct http_response *, int status, const char *code, const char *detail, json_t *errors
);

// What was given for a parameter of the route; without any its preset, or NULL. Another name ends the process.
const char *http_query_text(const struct http_request *, const char *name);
int64_t http_query_number(const struct http_request *, const char *name);
bool http_query_given(const struct http_request *, const char *name);

// ETags that are the number of a version. The one that If-Match names: 0 stands for *, -1 for one that nothing has.
void http_etag_number(struct http_response *, int64_t version);
int64_t http_match_number(const struct http_request *);

// What became of a generation of the configuration (0 = there is none): "in_force", "pending",
// "refused" or "not_attached", with the data plane's sentence in 'ack'. Waits up to 'wait_ms' for it.
const char *http_config_state(
        struct fog_node *, uint64_t generation, int wait_ms, struct fog_dpclient_ack *ack
);

// Handlers: every one of the table.
#define X(name, ...) http_handler http_##name;
#include "routes.def"
#undef X
