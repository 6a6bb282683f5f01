// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The headers of every answer, refusals, too.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../node.h"
#include "exchange.h"

const char *const http_header_names[HTTP_HEADERS] = {
        [HTTP_AUTHORIZATION] = "Authorization",
        [HTTP_CONTENT_TYPE] = "Content-Type",
        [HTTP_IF_MATCH] = "If-Match",
        [HTTP_IDEMPOTENCY_KEY] = "Idempotency-Key",
        [HTTP_CORRELATION_ID] = "X-Correlation-Id",
        [HTTP_REQUEST_ID] = "X-Request-Id",
        [HTTP_ORIGIN] = "Origin",
        [HTTP_HOST] = "Host",
        [HTTP_ACCESS_METHOD] = "Access-Control-Request-Method",
};

static const char nothing[] =
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static void headers_cors(
        const struct http_exchange *x, void (*put)(void *, const char *, const char *), void *ctx
)
{
	if (x->dispatcher->params.node->started->rest.origin_count > 0)
		put(ctx, "Vary", "Origin");
	if (x->origin == NULL)
		return;
	put(ctx, "Access-Control-Allow-Origin", x->origin);
	put(ctx, "Access-Control-Expose-Headers",
	    "Allow, ETag, Idempotent-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, X-Correlation-Id, X-Request-Id"
	);
	if (x->res.status != 204 || strcmp(x->req.method, "OPTIONS") != 0)
		return;
	put(ctx, "Access-Control-Allow-Methods", x->res.allow);
	put(ctx, "Access-Control-Allow-Headers",
	    "Authorization, Content-Type, Idempotency-Key, If-Match, X-Correlation-Id");
	put(ctx, "Access-Control-Max-Age", "600");
}

// The counts of draft-ietf-httpapi-ratelimit-headers, in their short form.
static void headers_rate(
        const struct fog_rate *rate, void (*put)(void *, const char *, const char *), void *ctx
)
{
	char text[80];

	if (rate->limit == 0)
		return;
	snprintf(text, sizeof(text), "\"minute\";q=%" PRIu32 ";w=60", rate->limit);
	put(ctx, "RateLimit-Policy", text);
	snprintf(
	        text, sizeof(text), "\"minute\";r=%" PRIu32 ";t=%" PRIu32, rate->remaining,
	        rate->reset_s
	);
	put(ctx, "RateLimit", text);
}

static void headers_own(
        const struct http_response *res, void (*put)(void *, const char *, const char *), void *ctx
)
{
	char number[16];

	if (res->type != NULL && (res->body_len > 0 || res->stream != NULL))
		put(ctx, "Content-Type", res->type);
	if (res->etag[0] != '\0')
		put(ctx, "ETag", res->etag);
	if (res->allow[0] != '\0')
		put(ctx, "Allow", res->allow);
	if (res->location[0] != '\0')
		put(ctx, "Location", res->location);
	if (res->replayed)
		put(ctx, "Idempotent-Replayed", "true");
	if (res->status == 401)
		put(ctx, "WWW-Authenticate", "Bearer");
	if (res->retry_after_s > 0) {
		snprintf(number, sizeof(number), "%d", res->retry_after_s);
		put(ctx, "Retry-After", number);
	}
}

void http_exchange_headers(
        const struct http_exchange *x, void (*put)(void *ctx, const char *name, const char *value),
        void *ctx
)
{
	headers_own(&x->res, put, ctx);
	if (x->closes)
		put(ctx, "Connection", "close");
	headers_rate(&x->rate, put, ctx);
	headers_cors(x, put, ctx);
	put(ctx, "X-Request-Id", x->req.id);
	put(ctx, "X-Correlation-Id", x->req.correlation);
	put(ctx, "Cache-Control", "no-store");
	put(ctx, "X-Content-Type-Options", "nosniff");
	put(ctx, "X-Frame-Options", "DENY");
	put(ctx, "Content-Security-Policy", x->res.policy != NULL ? x->res.policy : nothing);
	put(ctx, "Referrer-Policy", "no-referrer");
	put(ctx, "Cross-Origin-Resource-Policy", "same-origin");
	if (x->dispatcher->params.tls && !x->head->peer->local)
		put(ctx, "Strict-Transport-Security", "max-age=31536000");
}
