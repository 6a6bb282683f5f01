// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One-time codes of the caller's own account.
#include <errno.h>
#include <sodium.h>

#include "account_reply.h"

static const char *mfa_text(const struct http_request *req, const char *field)
{
	return json_string_value(json_object_get(req->json, field));
}

void http_get_mfa(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_accounts *a = account_open(n, res);
	int64_t id = a != NULL ? account_own(req, res) : 0;
	struct fog_denial denial = {0};
	struct fog_user user;

	if (id == 0)
		return;
	int r = fog_user_get(a, id, &user, &denial);
	if (r < 0)
		account_denied(res, r, &denial);
	else
		http_reply_json(
		        res, 200,
		        json_pack(
		                "{s:b s:I}", "totp", user.totp, "backup_codes_left",
		                (json_int_t)user.backup_codes
		        )
		);
}

void http_post_mfa_setup(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_accounts *a = account_open(n, res);
	int64_t id = a != NULL ? account_own(req, res) : 0;
	struct fog_denial denial = {0};
	struct fog_totp totp;

	if (id == 0)
		return;
	int r = fog_totp_begin(a, id, mfa_text(req, "password"), req->source, &totp, &denial);
	if (r < 0) {
		account_denied(res, r, &denial);
		return;
	}
	res->secret = true;
	http_reply_json(
	        res, 201,
	        json_pack("{s:s s:s}", "secret", totp.secret, "provisioning_uri", totp.uri)
	);
	sodium_memzero(&totp, sizeof(totp));
}

typedef int
mfa_codes(struct fog_accounts *, int64_t user_id, const char *code, const char *source, fog_backup_codes, struct fog_denial *);

// Backup codes, shown this once.
static void mfa_codes_reply(
        struct fog_node *n, const struct http_request *req, struct http_response *res,
        mfa_codes *make
)
{
	struct fog_accounts *a = account_open(n, res);
	int64_t id = a != NULL ? account_own(req, res) : 0;
	struct fog_denial denial = {0};
	fog_backup_codes codes;

	if (id == 0)
		return;
	int r = make(a, id, mfa_text(req, "code"), req->source, codes, &denial);
	if (r < 0) {
		account_denied(res, r, &denial);
		return;
	}
	res->secret = true;
	http_reply_json(res, 200, json_pack("{s:o}", "backup_codes", account_codes(codes)));
}

void http_post_mfa_verify(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	mfa_codes_reply(n, req, res, fog_totp_confirm);
}

void http_post_mfa_codes(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	mfa_codes_reply(n, req, res, fog_totp_codes);
}

void http_post_mfa_disable(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_accounts *a = account_open(n, res);
	int64_t id = a != NULL ? account_own(req, res) : 0;
	struct fog_denial denial = {0};

	if (id == 0)
		return;
	int r = fog_totp_off(
	        a, id, mfa_text(req, "password"), mfa_text(req, "code"), req->source, &denial
	);
	if (r < 0)
		account_denied(res, r, &denial);
	else
		res->status = 204;
}
