// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A request on its way through the dispatcher, for the files that do a part of it.
#pragma once

#include <pthread.h>

#include "../limits/rates.h"
#include "dispatch.h"
#include "kept.h"

enum { HTTP_FLIGHTS_MAX = 256 };

// A POST with an Idempotency-Key that is at work.
struct http_flight {
	const struct http_exchange *exchange; // NULL: free
};

struct http_dispatcher {
	struct http_dispatcher_params params;
	pthread_mutex_t lock; // of 'flight'
	struct http_flight flight[HTTP_FLIGHTS_MAX];
	struct kept_keeper *keeper;
};

struct http_exchange {
	struct http_dispatcher *dispatcher;
	const struct http_head *head;
	const struct api_route *route; // NULL: none is meant
	struct http_uri uri;
	struct http_request req;
	struct http_response res;
	uint64_t began_ms; // fog_now_ms
	int unknown; // 0, or why it isn't known who asks; 'denial' says it
	struct fog_denial denial;
	struct fog_rate rate; // limit 0: nobody has counted
	json_t *json; // what req.json points to
	const char *origin; // that may read the answer, or NULL
	bool closes; // no request follows on this connection
	bool flies; // has a place among the dispatcher's flights
	bool fresh; // its Idempotency-Key has no answer yet
	int64_t begun; // number of the row that says so in the audit, 0: there is none
	struct kept_held held; // 'db' under the dispatcher's lock
};

// A step: returns whether the request goes on; if not, the answer is there.
typedef bool http_step(struct http_exchange *);

http_step http_identify; // who asks, for all that follows: caller.c
http_step http_limit; // whether he asks too often: limit.c
// Whether a token that was not seen before may be looked up: not for a source that has shown too many that nobody has. -EDQUOT, with
// x->denial; http_limit refuses it.
int http_limit_unknown(struct http_exchange *);
void http_limit_was_unknown(struct http_exchange *); // nobody has that one
http_step http_authenticate; // whether it is known who asks, where that must be: caller.c
http_step http_authorise; // whether he may
http_step
        http_preflight; // a browser's question before a request from a page of another origin: cors.c
http_step http_record_ready; // whether the audit has noted that a change begins: record.c
http_step http_idempotency_begin; // whether it has been done before: idempotency.c

// Whether the route's body holds secrets.
static inline bool http_body_secret(const struct http_exchange *x)
{
	return x->route->body != NULL && x->route->body->secret;
}

// Keep the answer for the request's Idempotency-Key, when it has one; leave the flight.
void http_idempotency_end(struct http_exchange *);
// Note it in the audit, as far as it belongs there.
void http_record(struct http_exchange *);
// Set 'origin'.
void http_cors(struct http_exchange *);
