// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Accounts of others: administrators make, change and delete them.
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "../page.h"
#include "account_reply.h"

static json_t *user_view(const struct fog_user *u)
{
	return json_pack(
	        "{s:I s:s s:o s:s s:o s:b s:b s:b s:I s:o s:o s:o s:o s:I}", "id",
	        (json_int_t)u->id, "name", u->name, "roles", account_roles(u->roles), "tier",
	        fog_tier_name(u->tier), "limits", account_limits(&u->limits), "disabled",
	        u->disabled, "has_password", u->password, "totp", u->totp, "backup_codes_left",
	        (json_int_t)u->backup_codes, "created_at", account_time(u->created_us),
	        "changed_at", account_time(u->changed_us), "password_changed_at",
	        account_time(u->password_us), "last_login_at", account_time(u->login_us), "version",
	        (json_int_t)u->version
	);
}

static void user_reply(struct http_response *res, int status, const struct fog_user *u)
{
	http_etag_number(res, u->version);
	if (status == 201)
		snprintf(res->location, sizeof(res->location), "/v1/users/%" PRId64, u->id);
	http_reply_json(res, status, user_view(u));
}

void http_get_users(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_accounts *a = account_open(n, res);
	const char *role = http_query_text(req, "role");
	struct fog_user user[FOG_ACCOUNTS_LIST_MAX];
	struct fog_denial denial = {0};
	struct http_page page;

	if (a == NULL)
		return;
	http_page_begin(&page, req, "after");
	const struct fog_user_query query = {
	        .after = page.from,
	        .limit = (unsigned)page.limit + 1,
	        .roles = role != NULL ? (uint32_t)fog_account_role_parse(role) : 0,
	        .disabled = http_query_given(req, "disabled")
	                ? (int)http_query_number(req, "disabled")
	                : -1,
	        .prefix = http_query_text(req, "name"),
	};
	int count = fog_user_list(a, &query, user, &denial);
	for (int i = 0; i < count; i++)
		http_page_add(&page, user[i].id, user_view(&user[i]));
	if (count >= 0) {
		http_reply_json(res, 200, http_page_json(&page, "users"));
		return;
	}
	http_page_drop(&page);
	account_denied(res, count, &denial);
}

// A key must not make its holder an administrator: that would outlive the key, and have rights that no key has.
static bool user_beyond_key(
        const struct http_request *req, struct http_response *res, uint32_t roles
)
{
	if (req->caller.kind != FOG_CALLER_KEY || (roles & FOG_ROLE_ADMIN) == 0)
		return false;
	http_reply_problem(
	        res, 403, "not_by_key", "log in, and do it with an access token",
	        "API keys don't make, change or remove administrators"
	);
	return true;
}

void http_post_users(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_accounts *a = account_open(n, res);
	const json_t *tier = json_object_get(req->json, "tier");
	struct fog_user_new fresh = {
	        .name = json_string_value(json_object_get(req->json, "name")),
	        .password = json_string_value(json_object_get(req->json, "password")),
	        .roles = account_roles_read(json_object_get(req->json, "roles")),
	        .tier = tier != NULL ? (enum fog_tier)fog_tier_parse(json_string_value(tier))
	                             : FOG_TIER_FREE,
	};
	struct fog_denial denial = {0};
	struct fog_user user;

	if (a == NULL || user_beyond_key(req, res, fresh.roles))
		return;
	account_limits_read(req->json, &fresh.limits);
	int r = fog_user_add(a, &fresh, &user, &denial);
	if (r < 0)
		account_denied(res, r, &denial);
	else
		user_reply(res, 201, &user);
}

void http_get_user(struct fog_node *n, const struct http_request *req, struct http_response *res)
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
		user_reply(res, 200, &user);
}

void http_patch_user(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_accounts *a = account_open(n, res);
	const json_t *roles = json_object_get(req->json, "roles");
	const json_t *tier = json_object_get(req->json, "tier");
	const json_t *disabled = json_object_get(req->json, "disabled");
	uint32_t new_roles = account_roles_read(roles);
	enum fog_tier new_tier = tier != NULL
	        ? (enum fog_tier)fog_tier_parse(json_string_value(tier))
	        : FOG_TIER_FREE;
	bool new_disabled = json_is_true(disabled);
	struct fog_denial denial = {0};
	struct fog_user user;

	if (a == NULL)
		return;
	struct fog_user_change change = {
	        .version = http_match_number(req),
	        .roles = roles != NULL ? &new_roles : NULL,
	        .tier = tier != NULL ? &new_tier : NULL,
	        .disabled = disabled != NULL ? &new_disabled : NULL,
	};
	struct fog_limits limits;
	int r = fog_user_get(a, req->part_number[0], &user, &denial);
	if (r == 0 && json_object_get(req->json, "limits") != NULL) {
		limits = user.limits;
		account_limits_read(req->json, &limits);
		change.limits = &limits;
	}
	if (r == 0 && user_beyond_key(req, res, user.roles | (roles != NULL ? new_roles : 0)))
		return;
	// What is made from what was read is of that version, also without an ETag.
	if (r == 0 && change.version == 0)
		change.version = user.version;
	if (r == 0)
		r = fog_user_change(a, req->part_number[0], &change, &user, &denial);
	if (r < 0)
		account_denied(res, r, &denial);
	else
		user_reply(res, 200, &user);
}

// What has nothing to say but that it was done.
static void user_done(struct http_response *res, int r, const struct fog_denial *denial)
{
	if (r < 0)
		account_denied(res, r, denial);
	else
		res->status = 204;
}

void http_delete_user(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_accounts *a = account_open(n, res);
	struct fog_denial denial = {0};
	int64_t version = http_match_number(req);
	struct fog_user user;

	if (a == NULL)
		return;
	int r = fog_user_get(a, req->part_number[0], &user, &denial);
	if (r == 0 && user_beyond_key(req, res, user.roles))
		return;
	if (r == 0)
		r = fog_user_delete(
		        a, req->part_number[0], version != 0 ? version : user.version, &denial
		);
	user_done(res, r, &denial);
}

void http_post_user_unlock(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_accounts *a = account_open(n, res);
	struct fog_denial denial = {0};

	if (a != NULL)
		user_done(res, fog_user_unlock(a, req->part_number[0], &denial), &denial);
}

void http_delete_user_totp(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_accounts *a = account_open(n, res);
	struct fog_denial denial = {0};

	if (a != NULL)
		user_done(res, fog_totp_remove(a, req->part_number[0], &denial), &denial);
}

void http_delete_user_sessions(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_accounts *a = account_open(n, res);
	struct fog_denial denial = {0};

	if (a != NULL)
		user_done(res, fog_session_end_all(a, req->part_number[0], 0, &denial), &denial);
}

void http_post_user_reset(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_accounts *a = account_open(n, res);
	struct fog_denial denial = {0};
	char token[FOG_SECRET_LEN + 1];
	int64_t ends_us;

	if (a == NULL)
		return;
	int r = fog_reset_make(a, req->part_number[0], token, &ends_us, &denial);
	if (r < 0) {
		account_denied(res, r, &denial);
		return;
	}
	res->secret = true;
	http_reply_json(
	        res, 201,
	        json_pack("{s:s s:o}", "reset_token", token, "expires_at", account_time(ends_us))
	);
	sodium_memzero(token, sizeof(token));
}
