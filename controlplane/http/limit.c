// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How often somebody may ask: by who he has shown himself to be, else by where he comes from. Users of this host are not
// counted: they could stop it altogether.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../limits/usage.h"
#include "../node_platform.h"
#include "exchange.h"

static enum fog_rate_class limit_class(const struct api_route *route)
{
	return route->rate == API_RATE_AUTH     ? FOG_RATE_AUTH
	        : route->rate == API_RATE_WRITE ? FOG_RATE_WRITE
	                                        : FOG_RATE_READ;
}

static uint32_t limit_own(const struct fog_limits *own, enum fog_rate_class class)
{
	return class == FOG_RATE_AUTH     ? own->auth
	        : class == FOG_RATE_WRITE ? own->write
	                                  : own->read;
}

static bool limit_refuse(struct http_exchange *x)
{
	http_reply_problem(
	        &x->res, 429, "too_many_requests", "wait as long as Retry-After says",
	        "%" PRIu32 " requests a minute of this kind are allowed", x->rate.limit
	);
	x->res.retry_after_s = (int)x->rate.retry_after_s;
	return false;
}

int http_limit_unknown(struct http_exchange *x)
{
	struct fog_rates *rates = node_platform_rates(x->dispatcher->params.node);
	struct fog_rate rate;

	if (rates == NULL)
		return 0;
	fog_rates_look(rates, x->head->peer->network, true, FOG_RATE_UNKNOWN, 0, &rate);
	if (rate.allowed)
		return 0;
	x->rate = rate;
	x->denial = (struct fog_denial
	){.code = "too_many_requests",
	  .why = "unknown_tokens",
	  .text = "too many tokens that nobody has"};
	return -EDQUOT;
}

void http_limit_was_unknown(struct http_exchange *x)
{
	struct fog_rates *rates = node_platform_rates(x->dispatcher->params.node);
	struct fog_rate rate;

	if (rates != NULL)
		fog_rates_take(rates, x->head->peer->network, true, FOG_RATE_UNKNOWN, 0, &rate);
}

static void limit_take(struct http_exchange *x, struct fog_rates *rates)
{
	const struct fog_caller *caller = &x->req.caller;
	enum fog_rate_class class = limit_class(x->route);
	uint32_t own = limit_own(&caller->limits, class);
	char owner[32];

	// Whoever tries passwords does so as a stranger, whatever else he has shown.
	if (x->route->who == API_ANYONE && class == FOG_RATE_AUTH) {
		fog_rates_take(rates, x->head->peer->network, true, class, 0, &x->rate);
	} else if (caller->kind == FOG_CALLER_KEY) {
		snprintf(owner, sizeof(owner), "keys of %" PRId64, caller->user_id);
		fog_rates_take_owned(
		        rates, caller->actor, own, owner, limit_own(&caller->owner, class), class,
		        &x->rate
		);
	} else if (caller->kind != FOG_CALLER_NONE) {
		fog_rates_take(rates, caller->actor, false, class, own, &x->rate);
	} else {
		fog_rates_take(rates, x->head->peer->network, true, class, 0, &x->rate);
	}
}

static bool limit_rate(struct http_exchange *x, struct fog_rates *rates)
{
	if (x->unknown == -EDQUOT)
		return limit_refuse(x);
	// Who it is can't be known now, and is no stranger's fault: he is told so.
	if (x->unknown == -EAGAIN && x->route->who != API_ANYONE)
		return true;
	limit_take(x, rates);
	return x->rate.allowed || limit_refuse(x);
}

// What a tier allows in a day. Only accounts have a tier.
static bool limit_day(struct http_exchange *x, struct fog_usage *usage)
{
	const struct fog_caller *caller = &x->req.caller;
	struct fog_usage_state state = {0};
	char user[24];

	// Whoever has used up his day may still end sessions and revoke keys.
	if (caller->user_id == 0 || usage == NULL || x->route->rate == API_RATE_AUTH ||
	    strcmp(x->route->method, "DELETE") == 0)
		return true;
	snprintf(user, sizeof(user), "%" PRId64, caller->user_id);
	int r = fog_usage_take(
	        usage, user, fog_tier_name(caller->tier), FOG_USAGE_API_CALLS, 1, &state
	);
	if (r == 0)
		return true;
	if (r == -EDQUOT) {
		http_reply_problem(
		        &x->res, 429, "daily_limit",
		        "wait for midnight UTC, or ask for another tier",
		        "%" PRId64 " requests a day are allowed", state.limit
		);
		x->res.retry_after_s = (int)(state.resets_at_us / 1000000 - (int64_t)time(NULL)) +
		        1;
	} else {
		http_reply_away(&x->res);
	}
	return false;
}

bool http_limit(struct http_exchange *x)
{
	const struct fog_node *n = x->dispatcher->params.node;
	struct fog_rates *rates = node_platform_rates(n);

	// Without a platform nobody has a rate, and only those of this host and the static token are let in.
	if (x->route->rate == API_RATE_NONE || x->head->peer->local || rates == NULL)
		return true;
	return limit_rate(x, rates) && limit_day(x, node_platform_usage(n));
}
