// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// API keys of the caller's own account. Those of others are not found.
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "../../node.h"
#include "../../now.h"
#include "../page.h"
#include "account_reply.h"

#define DAY_US (24 * 3600 * INT64_C(1000000))

static json_t *key_scopes(uint32_t scopes)
{
	json_t *list = json_array();

	for (uint32_t bit = 1; bit < FOG_SCOPE_ALL; bit <<= 1)
		if ((scopes & bit) != 0)
			json_array_append_new(list, json_string(fog_scope_name(bit)));
	return list;
}

static json_t *key_view(const struct fog_key *k)
{
	return json_pack(
	        "{s:I s:I s:s s:o s:o s:o s:o s:o s:o}", "id", (json_int_t)k->id, "user_id",
	        (json_int_t)k->user_id, "name", k->name, "scopes", key_scopes(k->scopes), "limits",
	        account_limits(&k->limits), "created_at", account_time(k->created_us), "expires_at",
	        account_time(k->ends_us), "last_used_at", account_time(k->used_us), "revoked_at",
	        account_time(k->revoked_us)
	);
}

void http_get_keys(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_accounts *a = account_open(n, res);
	int64_t user = a != NULL ? account_own(req, res) : 0;
	bool revoked = http_query_number(req, "revoked") != 0;
	struct fog_key key[FOG_ACCOUNTS_LIST_MAX];
	struct fog_denial denial = {0};
	struct http_page page;

	if (user == 0)
		return;
	http_page_begin(&page, req, "after");
	int count =
	        fog_key_list(a, user, page.from, (unsigned)page.limit + 1, revoked, key, &denial);
	for (int i = 0; i < count; i++)
		http_page_add(&page, key[i].id, key_view(&key[i]));
	if (count >= 0) {
		http_reply_json(res, 200, http_page_json(&page, "keys"));
		return;
	}
	http_page_drop(&page);
	account_denied(res, count, &denial);
}

// Nobody gives a key higher limits than he has himself, but for administrators.
static bool key_limits_good(
        const struct fog_node *n, const struct http_request *req, const struct fog_limits *fresh
)
{
	const struct fog_config_limits *all = &n->started->limits;
	const struct fog_limits *own = &req->caller.limits;

	return (req->caller.roles & FOG_ROLE_ADMIN) != 0 ||
	        (fresh->auth <= (own->auth != 0 ? own->auth : all->auth) &&
	         fresh->write <= (own->write != 0 ? own->write : all->write) &&
	         fresh->read <= (own->read != 0 ? own->read : all->read));
}

void http_post_keys(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_accounts *a = account_open(n, res);
	const json_t *scopes = json_object_get(req->json, "scopes");
	const json_t *days = json_object_get(req->json, "expires_in_days");
	struct fog_key_new fresh = {
	        .user_id = a != NULL ? account_own(req, res) : 0,
	        .name = json_string_value(json_object_get(req->json, "name")),
	        .may = req->caller.scopes,
	};
	char secret[FOG_KEY_LEN + 1];
	struct fog_denial denial = {0};
	struct fog_key key;

	if (fresh.user_id == 0)
		return;
	for (size_t i = 0; i < json_array_size(scopes); i++)
		fresh.scopes |= (uint32_t
		)fog_scope_parse(json_string_value(json_array_get(scopes, i)));
	if (json_is_integer(days))
		fresh.ends_us = fog_now_unix_us() + json_integer_value(days) * DAY_US;
	account_limits_read(req->json, &fresh.limits);
	if (!key_limits_good(n, req, &fresh.limits)) {
		http_reply_problem(
		        res, 403, "limits_too_high",
		        "ask for as much as you have, or an administrator",
		        "a key has no higher limits than its owner"
		);
		return;
	}
	int r = fog_key_add(a, &fresh, &key, secret, &denial);
	if (r < 0) {
		account_denied(res, r, &denial);
		return;
	}
	res->secret = true;
	snprintf(res->location, sizeof(res->location), "/v1/keys/%" PRId64, key.id);
	json_t *view = key_view(&key);
	json_object_set_new(view, "secret_key", json_string(secret));
	http_reply_json(res, 201, view);
	sodium_memzero(secret, sizeof(secret));
}

void http_get_key(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_accounts *a = account_open(n, res);
	int64_t user = a != NULL ? account_own(req, res) : 0;
	struct fog_denial denial = {0};
	struct fog_key key;

	if (user == 0)
		return;
	int r = fog_key_get(a, user, req->part_number[0], &key, &denial);
	if (r < 0)
		account_denied(res, r, &denial);
	else
		http_reply_json(res, 200, key_view(&key));
}

void http_delete_key(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_accounts *a = account_open(n, res);
	int64_t user = a != NULL ? account_own(req, res) : 0;
	struct fog_denial denial = {0};

	if (user == 0)
		return;
	int r = fog_key_revoke(a, user, req->part_number[0], &denial);
	if (r < 0)
		account_denied(res, r, &denial);
	else
		res->status = 204;
}
