// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Who asks, and whether he may: users of this host by the kernel's word, others by what they carry.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "exchange.h"

static void caller_local(struct http_exchange *x)
{
	const struct http_peer *peer = x->head->peer;
	struct http_caller *caller = &x->req.caller;

	snprintf(caller->name, sizeof(caller->name), "uid %" PRIu32, peer->uid);
	caller->scopes = UINT32_MAX;
	if (peer->member)
		caller->roles |= FOG_ROLE_OPERATOR;
	if (peer->chief)
		caller->roles |= FOG_ROLE_ADMIN;
}

static void caller_token(struct http_exchange *x, const char *authorization)
{
	const struct fog_token *token = x->dispatcher->params.token;
	struct http_caller *caller = &x->req.caller;

	if (token == NULL || !fog_token_matches(token, authorization))
		return;
	snprintf(caller->name, sizeof(caller->name), "token %s", token->id);
	caller->roles = FOG_ROLE_OPERATOR;
	caller->scopes = UINT32_MAX;
}

bool http_authenticate(struct http_exchange *x)
{
	struct http_caller *caller = &x->req.caller;

	snprintf(
	        caller->source, sizeof(caller->source), "%s",
	        x->head->peer->local ? "local" : x->head->peer->address
	);
	strcpy(caller->name, "none");
	if (x->head->peer->local)
		caller_local(x);
	else
		caller_token(x, x->head->header[HTTP_AUTHORIZATION]);
	if (x->route->who == API_ANYONE || x->head->peer->local || caller->roles != 0)
		return true;
	http_reply_problem(
	        &x->res, 401, "not_authenticated", "send 'Authorization: Bearer TOKEN'",
	        "the bearer token is missing or wrong"
	);
	return false;
}

bool http_authorise(struct http_exchange *x)
{
	const struct http_caller *caller = &x->req.caller;

	if (x->route->who == API_ANYONE)
		return true;
	if (x->head->peer->local && caller->roles == 0) {
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
	if (caller->scopes != UINT32_MAX &&
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
