// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What an account has used of its day, and what tiers allow.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "../../node_platform.h"
#include "account_reply.h"
#include "view.h"

static json_t *usage_amount(int64_t amount)
{
	return amount != FOG_USAGE_UNLIMITED ? json_integer(amount) : json_null();
}

static json_t *usage_view(const struct fog_usage_state state[FOG_USAGE_METRICS])
{
	json_t *metrics = json_object();

	for (unsigned i = 0; i < FOG_USAGE_METRICS; i++)
		json_object_set_new(
		        metrics, fog_usage_metric_name[i],
		        json_pack(
		                "{s:I s:o s:o}", "used", (json_int_t)state[i].used, "limit",
		                usage_amount(state[i].limit), "remaining",
		                usage_amount(state[i].remaining)
		        )
		);
	return metrics;
}

static void usage_reply(
        struct fog_node *n, struct http_response *res, int64_t user, const char *tier
)
{
	struct fog_usage *usage = node_platform_usage(n);
	struct fog_usage_state state[FOG_USAGE_METRICS] = {0};
	char id[24];

	snprintf(id, sizeof(id), "%" PRId64, user);
	int r = usage != NULL ? fog_usage_show(usage, id, tier, state) : -EAGAIN;
	if (r < 0) {
		http_reply_away(res);
		return;
	}
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:I s:s s:o s:o}", "user_id", (json_int_t)user, "tier", tier, "resets_at",
	                view_time_us(state[0].resets_at_us), "metrics", usage_view(state)
	        )
	);
}

static json_t *tier_view(const char *name, const int64_t limit[FOG_USAGE_METRICS])
{
	json_t *limits = json_object();

	for (unsigned i = 0; i < FOG_USAGE_METRICS; i++)
		json_object_set_new(limits, fog_usage_metric_name[i], usage_amount(limit[i]));
	return json_pack("{s:s s:o}", "tier", name, "limits", limits);
}

void http_get_tiers(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_usage *usage = node_platform_usage(n);
	int64_t limit[FOG_USAGE_METRICS];
	json_t *tiers = json_array();
	int r = usage != NULL ? 0 : -EAGAIN;

	for (unsigned tier = 0; tier < FOG_TIERS && r == 0; tier++) {
		r = fog_usage_limits(usage, fog_tier_name(tier), limit);
		if (r == 0)
			json_array_append_new(tiers, tier_view(fog_tier_name(tier), limit));
	}
	if (r < 0) {
		json_decref(tiers);
		http_reply_away(res);
		return;
	}
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:o s:o}", "resets_at", view_time_us(fog_usage_resets_us(usage)), "tiers",
	                tiers
	        )
	);
}

void http_get_usage(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	int64_t user = account_own(req, res);

	if (user != 0)
		usage_reply(n, res, user, fog_tier_name(req->caller.tier));
}

void http_get_user_usage(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_accounts *a = account_open(n, res);
	struct fog_denial denial = {0};
	struct fog_user user;

	if (a == NULL)
		return;
	int r = fog_user_get(a, req->part_number[0], &user, &denial);
	if (r < 0)
		account_denied(res, r, &denial);
	else
		usage_reply(n, res, user.id, fog_tier_name(user.tier));
}
