// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Who asks, and whether he may: users of this host by the kernel's word, others by what they carry.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../node_platform.h"
#include "exchange.h"

static const char scheme[] = "Bearer ";

static void caller_local(struct http_exchange *x)
{
	const struct http_peer *peer = x->head->peer;
	uint32_t roles = (peer->member ? FOG_ROLE_OPERATOR : 0) |
	        (peer->chief ? FOG_ROLE_ADMIN : 0);

	fog_caller_local(&x->req.caller, peer->uid, roles);
}

static int caller_look_up(
        struct http_exchange *x, struct fog_accounts *accounts, const char *bearer
)
{
	size_t len = strlen(bearer);
	int r = fog_caller_known(accounts, bearer, len, &x->req.caller, &x->denial);

	if (r != -ENOENT)
		return r;
	r = http_limit_unknown(x);
	if (r < 0)
		return r;
	r = fog_caller_find(accounts, bearer, len, &x->req.caller, &x->denial);
	if (r == -EACCES)
		http_limit_was_unknown(x);
	return r;
}

// Returns 0, or what keeps him out, with x->denial.
static int caller_bearer(struct http_exchange *x, const char *authorization)
{
	const struct fog_token *token = x->dispatcher->params.token;
	struct fog_accounts *accounts = node_platform_accounts(x->dispatcher->params.node);

	if (authorization == NULL || strncasecmp(authorization, scheme, strlen(scheme)) != 0) {
		x->denial = (struct fog_denial
		){.code = "not_authenticated", .text = "the bearer token is missing"};
		return -EACCES;
	}
	if (token != NULL && fog_token_matches(token, authorization)) {
		fog_caller_static(&x->req.caller, token->id);
		return 0;
	}
	if (accounts == NULL) {
		x->denial = (struct fog_denial
		){.code = "store_away",
		  .text = "the platform's store does not answer",
		  .retry_after_s = 2};
		return -EAGAIN;
	}
	return caller_look_up(x, accounts, authorization + strlen(scheme));
}

bool http_identify(struct http_exchange *x)
{
	const struct http_peer *peer = x->head->peer;

	snprintf(x->req.source, sizeof(x->req.source), "%s", peer->local ? "local" : peer->address);
	if (peer->local)
		caller_local(x);
	else
		x->unknown = caller_bearer(x, x->head->header[HTTP_AUTHORIZATION]);
	return true;
}

bool http_authenticate(struct http_exchange *x)
{
	int status = x->unknown == -EACCES ? 401 : 503;

	if (x->route->who == API_ANYONE || x->unknown == 0)
		return true;
	http_reply_problem(
	        &x->res, status, x->denial.code,
	        status == 401 ? "send 'Authorization: Bearer TOKEN'" : NULL, "%s", x->denial.text
	);
	x->res.retry_after_s = (int)x->denial.retry_after_s;
	return false;
}

bool http_authorise(struct http_exchange *x)
{
	const struct fog_caller *caller = &x->req.caller;

	if (x->route->who == API_ANYONE)
		return true;
	if (caller->kind == FOG_CALLER_LOCAL && caller->roles == 0) {
		http_reply_problem(
		        &x->res, 403, "not_operator", "join the group of the control plane's user",
		        "user %" PRIu32 " does not operate this node", x->head->peer->uid
		);
		return false;
	}
	if ((caller->roles & x->route->who) == 0) {
		http_reply_problem(
		        &x->res, 403, "not_your_role",
		        "ask an admin for a role that may, see GET /v1/docs",
		        "your role does not let you do this"
		);
		return false;
	}
	if (caller->kind == FOG_CALLER_KEY &&
	    (x->route->scope == 0 || (caller->scopes & x->route->scope) != x->route->scope)) {
		http_reply_problem(
		        &x->res, 403, "not_in_scope",
		        "use a key with the scope that GET /v1/docs names",
		        "this API key is not for that"
		);
		return false;
	}
	return true;
}
