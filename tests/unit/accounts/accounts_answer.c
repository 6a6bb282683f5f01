// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A control plane's accounts for checks in Python: accounts_answer STORE KEY_FILE [follow]. Each line is a JSON object that
// says what to do; each answer is one, with what the call returned in 'r' and how it refused. With 'follow' the store is
// followed by the library's thread.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/accounts/accounts.h"
#include "../../../controlplane/now.h"

static struct fog_accounts *accounts;
static struct fog_denial refusal;
static _Atomic int64_t ahead_us;

static int64_t answer_now(void)
{
	return fog_now_unix_us() + ahead_us;
}

static const char *word(const json_t *ask, const char *name)
{
	return json_string_value(json_object_get(ask, name));
}

static int64_t number(const json_t *ask, const char *name)
{
	return json_integer_value(json_object_get(ask, name));
}

static json_t *result(int r)
{
	json_t *answer = json_object();

	json_object_set_new(answer, "r", json_integer(r));
	if (r < 0) {
		json_object_set_new(answer, "code", json_string(refusal.code));
		json_object_set_new(
		        answer, "why", json_string(refusal.why != NULL ? refusal.why : refusal.code)
		);
		json_object_set_new(answer, "retry_after", json_integer(refusal.retry_after_s));
	}
	return answer;
}

static json_t *with_tokens(int r, const struct fog_tokens *t)
{
	json_t *answer = result(r);

	if (r >= 0)
		json_object_update_new(
		        answer,
		        json_pack(
		                "{s:s s:s s:s s:I s:I s:i}", "access", t->access, "refresh",
		                t->refresh, "step", t->step, "user", (json_int_t)t->user_id,
		                "session", (json_int_t)t->session_id, "codes_left", t->codes_left
		        )
		);
	else
		json_object_set_new(answer, "user", json_integer(t->user_id));
	return answer;
}

static json_t *do_add(const json_t *ask)
{
	struct fog_user_new n = {
	        .name = word(ask, "name"),
	        .password = word(ask, "password"),
	        .roles = (uint32_t)number(ask, "roles")};
	struct fog_user u;
	int r = fog_user_add(accounts, &n, &u, &refusal);
	json_t *answer = result(r);

	if (r >= 0)
		json_object_set_new(answer, "id", json_integer(u.id));
	return answer;
}

static json_t *do_login(const json_t *ask)
{
	struct fog_login l = {
	        .name = word(ask, "name"),
	        .password = word(ask, "password"),
	        .code = word(ask, "code"),
	        .source = "192.0.2.1"};
	struct fog_tokens t;

	return with_tokens(fog_login(accounts, &l, &t, &refusal), &t);
}

static json_t *do_step(const json_t *ask)
{
	struct fog_tokens t;

	return with_tokens(
	        fog_login_code(
	                accounts, word(ask, "step"), word(ask, "code"), "192.0.2.1", &t, &refusal
	        ),
	        &t
	);
}

static json_t *do_refresh(const json_t *ask)
{
	struct fog_tokens t;

	return with_tokens(
	        fog_session_refresh(accounts, word(ask, "refresh"), "192.0.2.1", &t, &refusal), &t
	);
}

static json_t *do_find(const json_t *ask)
{
	const json_t *bearer = json_object_get(ask, "bearer");
	struct fog_caller c;
	int r = fog_caller_find(
	        accounts, json_string_value(bearer), json_string_length(bearer), &c, &refusal
	);
	json_t *answer = result(r);

	if (r >= 0)
		json_object_update_new(
		        answer,
		        json_pack(
		                "{s:s s:s s:I}", "name", c.name, "actor", c.actor, "roles",
		                (json_int_t)c.roles
		        )
		);
	return answer;
}

static json_t *do_end(const json_t *ask)
{
	return result(
	        fog_session_end(accounts, number(ask, "user"), number(ask, "session"), &refusal)
	);
}

static json_t *do_key(const json_t *ask)
{
	struct fog_key_new n = {
	        .user_id = number(ask, "user"), .name = "check", .scopes = 1, .may = FOG_SCOPE_ALL};
	char secret[FOG_KEY_LEN + 1];
	struct fog_key k;
	json_t *answer = result(fog_key_add(accounts, &n, &k, secret, &refusal));

	json_object_set_new(answer, "secret", json_string(secret));
	return answer;
}

static json_t *do_reset(const json_t *ask)
{
	char token[FOG_SECRET_LEN + 1];
	int64_t ends;
	json_t *answer =
	        result(fog_reset_make(accounts, number(ask, "user"), token, &ends, &refusal));

	json_object_set_new(answer, "token", json_string(token));
	return answer;
}

static json_t *do_totp_begin(const json_t *ask)
{
	struct fog_totp t = {0};
	json_t *answer = result(fog_totp_begin(
	        accounts, number(ask, "user"), word(ask, "password"), "192.0.2.1", &t, &refusal
	));

	json_object_update_new(answer, json_pack("{s:s s:s}", "secret", t.secret, "uri", t.uri));
	return answer;
}

static json_t *with_codes(int r, fog_backup_codes codes)
{
	json_t *answer = result(r), *list = json_array();

	for (unsigned i = 0; r >= 0 && i < FOG_BACKUP_CODES; i++)
		json_array_append_new(list, json_string(codes[i]));
	json_object_set_new(answer, "codes", list);
	return answer;
}

static json_t *do_totp_confirm(const json_t *ask)
{
	fog_backup_codes codes;

	return with_codes(
	        fog_totp_confirm(
	                accounts, number(ask, "user"), word(ask, "code"), "192.0.2.1", codes,
	                &refusal
	        ),
	        codes
	);
}

static json_t *do_totp_codes(const json_t *ask)
{
	fog_backup_codes codes;

	return with_codes(
	        fog_totp_codes(
	                accounts, number(ask, "user"), word(ask, "code"), "192.0.2.1", codes,
	                &refusal
	        ),
	        codes
	);
}

static json_t *do_totp_off(const json_t *ask)
{
	return result(fog_totp_off(
	        accounts, number(ask, "user"), word(ask, "password"), word(ask, "code"),
	        "192.0.2.1", &refusal
	));
}

static json_t *do_totp_remove(const json_t *ask)
{
	return result(fog_totp_remove(accounts, number(ask, "user"), &refusal));
}

static json_t *do_change(const json_t *ask)
{
	const json_t *off = json_object_get(ask, "disabled");
	uint32_t roles = (uint32_t)number(ask, "roles");
	bool disabled = json_is_true(off);
	const struct fog_user_change c = {
	        .roles = roles != 0 ? &roles : NULL, .disabled = off != NULL ? &disabled : NULL};
	struct fog_user u;

	return result(fog_user_change(accounts, number(ask, "user"), &c, &u, &refusal));
}

static json_t *do_delete(const json_t *ask)
{
	return result(fog_user_delete(accounts, number(ask, "user"), 0, &refusal));
}

static json_t *do_unlock(const json_t *ask)
{
	return result(fog_user_unlock(accounts, number(ask, "user"), &refusal));
}

static json_t *do_rotate(const json_t *ask)
{
	return result(fog_accounts_rotate(accounts, &refusal));
}

static json_t *do_platform(const json_t *ask)
{
	json_t *answer = result(0);

	json_object_set_new(answer, "platform", json_string(fog_accounts_platform(accounts)));
	json_object_set_new(answer, "jwks", fog_accounts_jwks(accounts));
	return answer;
}

// How far this process is ahead of the host, in seconds; answers with its time.
static json_t *do_time(const json_t *ask)
{
	json_t *answer = result(0);

	ahead_us = number(ask, "ahead") * 1000000;
	json_object_set_new(answer, "now", json_integer(answer_now() / 1000000));
	return answer;
}

static const struct {
	const char *name;
	json_t *(*run)(const json_t *ask);
} what[] = {
        {"add", do_add},
        {"login", do_login},
        {"step", do_step},
        {"refresh", do_refresh},
        {"find", do_find},
        {"end", do_end},
        {"key", do_key},
        {"reset", do_reset},
        {"totp_begin", do_totp_begin},
        {"totp_confirm", do_totp_confirm},
        {"totp_codes", do_totp_codes},
        {"totp_off", do_totp_off},
        {"totp_remove", do_totp_remove},
        {"change", do_change},
        {"delete", do_delete},
        {"unlock", do_unlock},
        {"rotate", do_rotate},
        {"platform", do_platform},
        {"time", do_time},
};

static void answer_line(const char *line)
{
	json_t *ask = json_loads(line, JSON_ALLOW_NUL, NULL), *answer = NULL;

	for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++)
		if (strcmp(word(ask, "do"), what[i].name) == 0)
			answer = what[i].run(ask);
	json_dumpf(answer, stdout, JSON_COMPACT);
	puts("");
	fflush(stdout);
	json_decref(answer);
	json_decref(ask);
}

int main(int argc, char **argv)
{
	char error[512] = "", *line = NULL;
	size_t size = 0;
	struct fog_db *db = NULL;
	const struct fog_db_params store = {
	        .url = argc > 2 ? argv[1] : "", .error = error, .error_len = sizeof(error)};

	if (argc < 3 || fog_db_open(&db, &store) < 0 ||
	    fog_db_migrate(db, &fog_schema_platform, 0, error, sizeof(error)) < 0) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	const struct fog_accounts_params params = {
	        .db = db,
	        .key_file = argv[2],
	        .admins_need_totp = getenv("FOGLINE_TOTP") != NULL,
	        .now_us = answer_now,
	        .error = error,
	        .error_len = sizeof(error)};
	if (fog_accounts_open(&accounts, &params) < 0 ||
	    (argc > 3 && fog_accounts_start(accounts) < 0)) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	puts("{\"r\":0}");
	fflush(stdout);
	while (getline(&line, &size, stdin) > 0)
		answer_line(line);
	free(line);
	fog_accounts_close(accounts);
	fog_db_close(db);
	return 0;
}
