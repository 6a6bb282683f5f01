// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Logging in and out, tokens and passwords.
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "../../now.h"
#include "account_reply.h"
#include "view.h"

static const char *login_text(const struct http_request *req, const char *field)
{
	return json_string_value(json_object_get(req->json, field));
}

static int64_t login_left_s(int64_t ends_us)
{
	int64_t left = ends_us - fog_now_unix_us();

	return left > 0 ? left / 1000000 : 0;
}

// Takes the tokens, and wipes them.
static void login_reply(struct http_response *res, struct fog_tokens *t)
{
	res->secret = true;
	res->user_id = t->user_id;
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:s s:s s:s s:I s:I s:o}", "access_token", t->access, "refresh_token",
	                t->refresh, "token_type", "Bearer", "expires_in",
	                (json_int_t)login_left_s(t->access_ends_us), "refresh_expires_in",
	                (json_int_t)login_left_s(t->refresh_ends_us), "backup_codes_left",
	                t->codes_left >= 0 ? json_integer(t->codes_left) : json_null()
	        )
	);
	sodium_memzero(t, sizeof(*t));
}

// Of tokens that were not given it says whose they would have been.
static void login_refuse(
        struct http_response *res, int r, const struct fog_denial *denial,
        const struct fog_tokens *t
)
{
	if (t->user_id != 0)
		res->user_id = t->user_id;
	account_denied(res, r, denial);
}

static void login_step(struct http_response *res, struct fog_tokens *t)
{
	res->secret = true;
	res->user_id = t->user_id;
	res->why = "code_needed";
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:b s:s s:I}", "mfa_required", 1, "mfa_token", t->step, "expires_in",
	                (json_int_t)login_left_s(t->step_ends_us)
	        )
	);
	sodium_memzero(t, sizeof(*t));
}

struct login_ask {
	const struct http_request *req;
	struct http_response *res;
	bool away; // that is answered already
};

static int login_verified(void *ctx, int64_t user_id)
{
	struct login_ask *ask = ctx;

	ask->away = !http_begin(ask->req, ask->res, user_id);
	return ask->away ? -EAGAIN : 0;
}

// Whether a request with this token may go on; a token that is nobody's changes nothing.
static bool login_begin(
        struct fog_accounts *a, enum fog_token_kind kind, const char *token,
        const struct http_request *req, struct http_response *res
)
{
	int64_t user_id;

	return fog_token_owner(a, kind, token, &user_id) < 0 || http_begin(req, res, user_id);
}

void http_post_login(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_accounts *a = account_open(n, res);
	struct fog_denial denial = {0};
	struct fog_tokens tokens = {0};
	struct login_ask ask = {req, res, false};
	const struct fog_login login = {
	        .name = login_text(req, "username"),
	        .password = login_text(req, "password"),
	        .code = login_text(req, "code"),
	        .source = req->source,
	        .verified = login_verified,
	        .ctx = &ask,
	};

	if (a == NULL)
		return;
	int r = fog_login(a, &login, &tokens, &denial);
	// Whose password was wrong is not noted: rows of names that exist would take longer than those of others.
	if (ask.away)
		return;
	if (r < 0)
		login_refuse(res, r, &denial, &tokens);
	else if (r == FOG_LOGIN_CODE)
		login_step(res, &tokens);
	else
		login_reply(res, &tokens);
}

void http_post_login_mfa(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_accounts *a = account_open(n, res);
	struct fog_denial denial = {0};
	struct fog_tokens tokens = {0};

	if (a == NULL || !login_begin(a, FOG_TOKEN_STEP, login_text(req, "mfa_token"), req, res))
		return;
	int r = fog_login_code(
	        a, login_text(req, "mfa_token"), login_text(req, "code"), req->source, &tokens,
	        &denial
	);
	if (r < 0)
		login_refuse(res, r, &denial, &tokens);
	else
		login_reply(res, &tokens);
}

// A refresh token that comes a second time was stolen: the audit has a word of its own for it.
static void refresh_reused(struct http_response *res, const struct fog_tokens *t)
{
	res->action = "session.reuse";
	snprintf(res->object, sizeof(res->object), "/v1/auth/sessions/%" PRId64, t->session_id);
}

void http_post_refresh(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_accounts *a = account_open(n, res);
	struct fog_denial denial = {0};
	struct fog_tokens tokens = {0};

	if (a == NULL ||
	    !login_begin(a, FOG_TOKEN_REFRESH, login_text(req, "refresh_token"), req, res))
		return;
	int r = fog_session_refresh(
	        a, login_text(req, "refresh_token"), req->source, &tokens, &denial
	);
	if (r < 0 && strcmp(denial.code, "token_reused") == 0)
		refresh_reused(res, &tokens);
	if (r < 0)
		login_refuse(res, r, &denial, &tokens);
	else
		login_reply(res, &tokens);
}

void http_post_logout(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_accounts *a = account_open(n, res);
	struct fog_denial denial = {0};

	if (a == NULL)
		return;
	if (req->caller.session_id == 0) {
		http_reply_problem(
		        res, 409, "no_session", "leave it out", "%s has no session to end",
		        req->caller.name
		);
		return;
	}
	int r = fog_session_end(a, req->caller.user_id, req->caller.session_id, &denial);
	if (r < 0)
		account_denied(res, r, &denial);
	else
		res->status = 204;
}

void http_get_me(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	const struct fog_caller *c = &req->caller;
	static const char *const kind[] = {"none", "local", "token", "session", "key"};
	json_t *scopes = json_array();

	for (uint32_t bit = 1; bit < FOG_SCOPE_ALL; bit <<= 1)
		if ((c->scopes & bit) != 0)
			json_array_append_new(scopes, json_string(fog_scope_name(bit)));
	http_reply_json(
	        res, 200,
	        json_pack(
	                "{s:s s:s s:o s:o s:o s:o s:s s:o}", "kind", kind[c->kind], "name", c->name,
	                "user_id", c->user_id != 0 ? json_integer(c->user_id) : json_null(),
	                "key_id", c->key_id != 0 ? json_integer(c->key_id) : json_null(), "roles",
	                account_roles(c->roles), "scopes", scopes, "tier", fog_tier_name(c->tier),
	                "limits", account_limits(&c->limits)
	        )
	);
}

void http_post_password(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_accounts *a = account_open(n, res);
	struct fog_denial denial = {0};
	struct fog_tokens tokens = {0};
	int64_t user = a != NULL ? account_own(req, res) : 0;

	if (user == 0)
		return;
	int r = fog_password_change(
	        a, user, login_text(req, "old_password"), login_text(req, "new_password"),
	        req->source, &tokens, &denial
	);
	if (r < 0)
		account_denied(res, r, &denial);
	else
		login_reply(res, &tokens);
}

void http_post_password_reset(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_accounts *a = account_open(n, res);
	struct fog_denial denial = {0};
	int64_t user = 0;

	if (a == NULL || !login_begin(a, FOG_TOKEN_RESET, login_text(req, "reset_token"), req, res))
		return;
	int r = fog_reset_use(
	        a, login_text(req, "reset_token"), login_text(req, "new_password"), &user, &denial
	);
	if (r < 0)
		account_denied(res, r, &denial);
	else
		res->status = 204;
}

void http_get_jwks(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_accounts *a = account_open(n, res);

	if (a != NULL)
		http_reply_json(res, 200, fog_accounts_jwks(a));
}

void http_post_signing_key(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_accounts *a = account_open(n, res);
	struct fog_denial denial = {0};

	if (a == NULL)
		return;
	int r = fog_accounts_rotate(a, &denial);
	if (r < 0)
		account_denied(res, r, &denial);
	else
		http_reply_json(res, 201, fog_accounts_jwks(a));
}

static json_t *session_view(const struct fog_session *s, int64_t own)
{
	return json_pack(
	        "{s:I s:I s:o s:o s:o s:s s:b}", "id", (json_int_t)s->id, "user_id",
	        (json_int_t)s->user_id, "created_at", account_time(s->created_us), "used_at",
	        account_time(s->used_us), "expires_at", account_time(s->ends_us), "source",
	        s->source, "current", s->id == own
	);
}

enum { SESSIONS = 200 };

void http_get_sessions(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_accounts *a = account_open(n, res);
	int64_t user = a != NULL ? account_own(req, res) : 0;
	struct fog_session session[SESSIONS];
	struct fog_denial denial = {0};
	json_t *list = json_array();

	if (user != 0) {
		int count = fog_session_list(a, user, 0, SESSIONS, session, &denial);
		for (int i = 0; i < count; i++)
			json_array_append_new(
			        list, session_view(&session[i], req->caller.session_id)
			);
		if (count < 0)
			account_denied(res, count, &denial);
		else
			http_reply_json(res, 200, json_pack("{s:O}", "sessions", list));
	}
	json_decref(list);
}

void http_delete_session(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_accounts *a = account_open(n, res);
	int64_t user = a != NULL ? account_own(req, res) : 0;
	struct fog_denial denial = {0};

	if (user == 0)
		return;
	int r = fog_session_end(a, user, req->part_number[0], &denial);
	if (r < 0)
		account_denied(res, r, &denial);
	else
		res->status = 204;
}
