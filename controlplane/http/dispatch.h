// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The one way of every request: route, who asks, his role, size and content type, body against its schema, parameters against
// theirs, Idempotency-Key, If-Match, handler, audit. Knows no HTTP library. A dispatcher is for any number of threads, an exchange for one.
#pragma once

#include "../auth/token.h"
#include "../limits/rates.h"
#include "http.h"
#include "uri.h"

struct http_dispatcher;
struct http_exchange;

struct http_dispatcher_params {
	struct fog_node *node;
	const struct fog_token *token; // NULL: nobody gets in by TCP
	bool tls; // whether TCP is encrypted
};

// What 'params' points to outlives the dispatcher. Returns 0, -EINVAL (the table of routes contradicts itself, logged), -ENOMEM, -errno (no thread).
int http_dispatcher_create(const struct http_dispatcher_params *params, struct http_dispatcher **);
void http_dispatcher_destroy(struct http_dispatcher *); // accepts NULL

// The other end of a connection.
struct http_peer {
	bool local; // UNIX socket
	bool member; // of the group that operates the node, or more
	bool chief; // root, or the control plane's own user
	uint32_t uid;
	char address[HTTP_SOURCE_LEN]; // of others
	char network[FOG_RATES_ADDRESS_LEN]; // that the address is one of, as limits see it
};

// Headers that mean something here; the rest of them, and those that came twice.
enum http_header {
	HTTP_AUTHORIZATION,
	HTTP_CONTENT_TYPE,
	HTTP_IF_MATCH,
	HTTP_IDEMPOTENCY_KEY,
	HTTP_CORRELATION_ID,
	HTTP_REQUEST_ID,
	HTTP_ORIGIN,
	HTTP_HOST,
	HTTP_ACCESS_METHOD, // Access-Control-Request-Method
	HTTP_HEADERS,
};

extern const char *const http_header_names[HTTP_HEADERS];

// A request's head, as the server has it. Outlives the exchange.
struct http_head {
	const char *method;
	const char *target; // as it was sent
	const struct http_peer *peer;
	const char *header[HTTP_HEADERS]; // NULL: not sent
	bool twice; // one of them came twice
	bool framing; // where the body ends could be read in two ways
	bool too_large; // the head as a whole
	bool has_length; // Content-Length
	uint64_t length;
};

// Begin with the head: what can be refused by it is refused before the body is read. NULL: no memory.
struct http_exchange *http_exchange_begin(struct http_dispatcher *, const struct http_head *);
// Whether the answer is there, so that the body doesn't matter.
bool http_exchange_answered(const struct http_exchange *);
// Go on with the body, which outlives the exchange; 'too_large': it has more than HTTP_BODY_MAX bytes. Called once; 'body' is what is there of it.
void http_exchange_finish(struct http_exchange *, const char *body, size_t len, bool too_large);
// The answer. Its body may be taken (and set to NULL).
struct http_response *http_exchange_response(struct http_exchange *);
// The headers of the answer, but for those that follow from its length.
void http_exchange_headers(
        const struct http_exchange *, void (*put)(void *ctx, const char *name, const char *value),
        void *ctx
);
void http_exchange_end(struct http_exchange *); // accepts NULL
