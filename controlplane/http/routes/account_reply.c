// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "account_reply.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../../node_platform.h"
#include "../refusal.h"
#include "view.h"

struct fog_accounts *account_open(const struct fog_node *n, struct http_response *res)
{
	struct fog_accounts *accounts = node_platform_accounts(n);

	if (accounts != NULL)
		return accounts;
	http_reply_away(res);
	return NULL;
}

void account_denied(struct http_response *res, int error, const struct fog_denial *denial)
{
	if (denial->code == NULL) {
		http_reply_error(res, error, NULL);
		return;
	}
	http_reply_problem(res, http_error_status(error), denial->code, NULL, "%s", denial->text);
	res->retry_after_s = (int)denial->retry_after_s;
	res->why = denial->why;
}

int64_t account_own(const struct http_request *req, struct http_response *res)
{
	if (req->caller.user_id == 0)
		http_reply_problem(
		        res, 403, "no_account", "log in with POST /v1/auth/login",
		        "%s has no account here", req->caller.name
		);
	return req->caller.user_id;
}

json_t *account_time(int64_t us)
{
	return us != 0 ? view_time_us(us) : json_null();
}

json_t *account_roles(uint32_t roles)
{
	json_t *list = json_array();

	for (uint32_t role = 1; role < FOG_ROLES_ALL; role <<= 1)
		if ((roles & role) != 0)
			json_array_append_new(list, json_string(fog_account_role_name(role)));
	return list;
}

uint32_t account_roles_read(const json_t *list)
{
	uint32_t roles = 0;

	for (size_t i = 0; i < json_array_size(list); i++)
		roles |= (uint32_t)fog_account_role_parse(json_string_value(json_array_get(list, i))
		);
	return roles;
}

static json_t *limits_one(uint32_t limit)
{
	return limit != 0 ? json_integer(limit) : json_null();
}

json_t *account_limits(const struct fog_limits *l)
{
	return json_pack(
	        "{s:o s:o s:o}", "auth", limits_one(l->auth), "write", limits_one(l->write), "read",
	        limits_one(l->read)
	);
}

static void limits_read(const json_t *limits, const char *name, uint32_t *limit)
{
	const json_t *value = json_object_get(limits, name);

	if (value != NULL)
		*limit = (uint32_t)json_integer_value(value); // null is 0
}

void account_limits_read(const json_t *body, struct fog_limits *l)
{
	const json_t *limits = json_object_get(body, "limits");

	limits_read(limits, "auth", &l->auth);
	limits_read(limits, "write", &l->write);
	limits_read(limits, "read", &l->read);
}

json_t *account_codes(fog_backup_codes codes)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < FOG_BACKUP_CODES; i++)
		json_array_append_new(list, json_string(codes[i]));
	sodium_memzero(codes, sizeof(fog_backup_codes));
	return list;
}
