// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What concerns the own account: fogctl key, mfa, sessions, whoami, password, usage, tiers; signing-key.
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "session.h"
#include "verb.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { DAY_S = 86400 };

// A key like 'old', for its remaining days. NULL after having said why.
static json_t *rotate_order(const json_t *old)
{
	const json_t *ends = json_object_get(old, "expires_at");
	int64_t left_s = json_is_string(ends) ? ctl_time_ns(ends) / 1000000000 - time(NULL) : 1;

	if (json_is_string(json_object_get(old, "revoked_at")) || left_s <= 0) {
		fputs("fogctl: this key is over: make a new one with 'fogctl key add'\n", stderr);
		return NULL;
	}
	json_t *order = json_pack(
	        "{s:O, s:O, s:O}", "name", json_object_get(old, "name"), "scopes",
	        json_object_get(old, "scopes"), "limits", json_object_get(old, "limits")
	);
	if (json_is_string(ends))
		json_object_set_new(
		        order, "expires_in_days", json_integer((left_s + DAY_S - 1) / DAY_S)
		);
	return order;
}

// The new one first: whoever uses the old one can't be without any.
static int key_rotate(struct ctl_client *c, struct ctl_call *call)
{
	struct ctl_answer old, gone;
	int r = ctl_call_other(c, CTL_ROUTE_get_key, call->target, NULL, &old);
	json_t *order = r == CTL_OK ? rotate_order(old.json) : NULL;

	if (r != CTL_OK)
		return r;
	ctl_answer_free(&old);
	if (order == NULL)
		return CTL_REFUSED;
	r = ctl_call_other(
	        c, CTL_ROUTE_post_keys, ctl_routes[CTL_ROUTE_post_keys].path, order, &old
	);
	if (r != CTL_OK)
		return r;
	r = ctl_call_show(c, call, &old);
	if (ctl_call_other(c, CTL_ROUTE_delete_key, call->target, NULL, &gone) != CTL_OK) {
		fprintf(stderr, "  the old key is still good: fogctl key revoke %s\n",
		        call->part[0]);
		return CTL_REFUSED;
	}
	ctl_answer_free(&gone);
	return r;
}

// A session goes on with the tokens that come; nobody else can do anything with them.
static int password_change(struct ctl_client *c, struct ctl_call *call)
{
	struct ctl_answer answer;
	int r = ctl_call_ask(c, call, &answer);

	if (r != CTL_OK)
		return r;
	if (c->json)
		return ctl_call_show(c, call, &answer);
	if (c->session)
		r = ctl_session_keep(c, answer.json);
	ctl_answer_free(&answer);
	if (r == CTL_OK)
		puts("the password is changed; all other sessions have ended");
	return r;
}

// clang-format off
#define PAGE \
	{.option = "--after", .value = "NUMBER", .field = "after", .kind = CTL_NUMBER, .text = "go on behind this one"}, \
	{.option = "--limit", .value = "N", .field = "limit", .kind = CTL_NUMBER, .text = "how many at most"}

static const struct ctl_field key_list_fields[] = {
	{.option = "--revoked", .field = "revoked", .kind = CTL_FLAG, .text = "those that are over, too"},
	PAGE,
	{0},
};
static const struct ctl_field key_add_fields[] = {
	{.value = "NAME", .field = "name", .needed = true},
	{.option = "--scopes", .value = "LIST", .field = "scopes", .kind = CTL_WORDS, .needed = true,
	 .text = "what it may do, such as node:read,metrics:read; 'fogctl whoami' lists what you may"},
	{.option = "--days", .value = "N", .field = "expires_in_days", .kind = CTL_NUMBER, .text = "how long it is good; without: for good"},
	{.option = "--limit-auth", .value = "N", .field = "limits.auth", .kind = CTL_NUMBER, .text = "requests a minute of class auth; none: as everybody"},
	{.option = "--limit-write", .value = "N", .field = "limits.write", .kind = CTL_NUMBER, .text = "... of class write"},
	{.option = "--limit-read", .value = "N", .field = "limits.read", .kind = CTL_NUMBER, .text = "... of class read"},
	{0},
};
static const struct ctl_verb key_verbs[] = {
	{.word = "list", .route = CTL_ROUTE_get_keys, .fields = key_list_fields, .list = "keys", .columns = "id name scopes created_at expires_at last_used_at revoked_at"},
	{.word = "show", .route = CTL_ROUTE_get_key},
	{.word = "add", .route = CTL_ROUTE_post_keys, .fields = key_add_fields},
	{.word = "revoke", .route = CTL_ROUTE_delete_key},
	{.word = "rotate", .route = CTL_ROUTE_get_key, .run = key_rotate},
};
const struct ctl_group ctl_group_key = {
	.name = "key", .verb = key_verbs, .count = COUNT(key_verbs),
	.text =
		"API keys of the account that you are logged in with, for programs: in a file for --token-file. add and rotate show the\n"
		"key itself, once. rotate makes one with the same name, scopes, limits and end, and revokes the old one.\n",
};

static const struct ctl_ask mfa_password[] = {{"password", "password", false}, {0}};
static const struct ctl_ask mfa_code[] = {{"code", "one-time code", false}, {0}};
static const struct ctl_ask mfa_both[] = {{"password", "password", false}, {"code", "one-time code", false}, {0}};
static const struct ctl_verb mfa_verbs[] = {
	{.word = "show", .route = CTL_ROUTE_get_mfa},
	{.word = "setup", .route = CTL_ROUTE_post_mfa_setup, .asks = mfa_password},
	{.word = "confirm", .route = CTL_ROUTE_post_mfa_verify, .asks = mfa_code},
	{.word = "codes", .route = CTL_ROUTE_post_mfa_codes, .asks = mfa_code},
	{.word = "off", .route = CTL_ROUTE_post_mfa_disable, .asks = mfa_both},
};
const struct ctl_group ctl_group_mfa = {
	.name = "mfa", .verb = mfa_verbs, .count = COUNT(mfa_verbs),
	.text =
		"One-time codes of the account that you are logged in with. setup shows a secret for an app that makes them; they count\n"
		"from confirm on, which takes the first one and shows backup codes, once. codes shows new ones in place of these.\n"
		"Passwords and codes are asked for, or are the next lines of the standard input.\n",
};

static const struct ctl_verb sessions_verbs[] = {
	{.word = "list", .route = CTL_ROUTE_get_sessions, .list = "sessions", .columns = "id created_at used_at expires_at source current"},
	{.word = "end", .route = CTL_ROUTE_delete_session},
};
const struct ctl_group ctl_group_sessions = {
	.name = "sessions", .verb = sessions_verbs, .count = COUNT(sessions_verbs),
	.text = "Sessions of the account that you are logged in with.\n",
};

static const struct ctl_verb whoami_verbs[] = {{.route = CTL_ROUTE_get_me}};
const struct ctl_group ctl_group_whoami = {.name = "whoami", .verb = whoami_verbs, .count = COUNT(whoami_verbs)};

static const struct ctl_ask change_asks[] = {{"old_password", "password until now", false}, {"new_password", "new password", true}, {0}};
static const struct ctl_ask reset_asks[] = {{"reset_token", "token", false}, {"new_password", "new password", true}, {0}};
static const struct ctl_verb password_verbs[] = {
	{.word = "change", .route = CTL_ROUTE_post_password, .asks = change_asks, .run = password_change},
	{.word = "reset", .route = CTL_ROUTE_post_password_reset, .asks = reset_asks, .anonymous = true},
};
const struct ctl_group ctl_group_password = {
	.name = "password", .verb = password_verbs, .count = COUNT(password_verbs),
	.text =
		"change sets a new password of the account that you are logged in with, and ends all other sessions. reset does it\n"
		"for who has forgotten his: with a token that an administrator gets by 'fogctl user reset', once.\n"
		"Passwords and token are asked for, or are the next lines of the standard input.\n",
};

static const struct ctl_verb usage_verbs[] = {{.route = CTL_ROUTE_get_usage}};
const struct ctl_group ctl_group_usage = {
	.name = "usage", .verb = usage_verbs, .count = COUNT(usage_verbs),
	.text = "Of the account that you are logged in with, since midnight UTC. Of others: 'fogctl user usage'.\n",
};

static const struct ctl_verb tiers_verbs[] = {
	{.route = CTL_ROUTE_get_tiers, .list = "tiers", .columns = "tier limits.deployments limits.api_calls limits.compute_seconds limits.storage_bytes"},
};
const struct ctl_group ctl_group_tiers = {.name = "tiers", .verb = tiers_verbs, .count = COUNT(tiers_verbs)};

static const struct ctl_verb signing_verbs[] = {
	{.word = "list", .route = CTL_ROUTE_get_jwks, .list = "keys", .columns = "kid kty crv alg x"},
	{.word = "rotate", .route = CTL_ROUTE_post_signing_key, .list = "keys", .columns = "kid kty crv alg x"},
};
const struct ctl_group ctl_group_signing_key = {
	.name = "signing-key", .verb = signing_verbs, .count = COUNT(signing_verbs),
	.text = "Keys that access tokens are signed with. rotate makes a new one; tokens of the older ones stay good until they end.\n",
};
// clang-format on
