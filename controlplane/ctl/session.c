// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "table.h"

enum { EARLY_S = 30 }; // before its end a token is renewed

#define BEARER "Authorization: Bearer "

static int session_path(const char *profile, char path[CTL_PATH_LEN])
{
	char file[CTL_NAME_LEN + 16];

	snprintf(file, sizeof(file), "%s.session", profile);
	return ctl_profiles_path(file, path);
}

bool ctl_session_exists(const struct ctl_client *c)
{
	char path[CTL_PATH_LEN];

	return c->profile.name[0] != '\0' && c->url != NULL &&
	        session_path(c->profile.name, path) == 0 && access(path, F_OK) == 0;
}

// NULL: there is none that can be used.
static json_t *session_load(const char *profile)
{
	char path[CTL_PATH_LEN];
	json_t *found = session_path(profile, path) == 0 ? json_load_file(path, 0, NULL) : NULL;

	if (json_is_string(json_object_get(found, "access_token")) &&
	    json_is_string(json_object_get(found, "refresh_token")))
		return found;
	json_decref(found);
	return NULL;
}

static int session_show(struct ctl_client *c, const json_t *session)
{
	const char *token = json_string_value(json_object_get(session, "access_token"));
	int n = snprintf(c->token, sizeof(c->token), BEARER "%s", token);

	if (n >= (int)sizeof(c->token) || token[strcspn(token, " \r\n")] != '\0') {
		fprintf(stderr,
		        "fogctl: the session's token can't be one: log in again with 'fogctl login'\n"
		);
		explicit_bzero(c->token, sizeof(c->token));
		return CTL_REFUSED;
	}
	c->session = true;
	return CTL_OK;
}

int ctl_session_keep(const struct ctl_client *c, const json_t *answer)
{
	const char *access = json_string_value(json_object_get(answer, "access_token"));
	const char *refresh = json_string_value(json_object_get(answer, "refresh_token"));
	json_int_t seconds = json_integer_value(json_object_get(answer, "expires_in"));
	char file[CTL_NAME_LEN + 16];
	int r = -EINVAL;

	if (access == NULL || refresh == NULL || seconds <= 0 || seconds > INT32_MAX) {
		fprintf(stderr,
		        "fogctl: the answer has no tokens: is it a control plane with accounts?\n");
		return CTL_REFUSED;
	}
	json_t *session = json_pack(
	        "{s:s s:s s:I}", "access_token", access, "refresh_token", refresh, "expires_at",
	        (json_int_t)time(NULL) + seconds
	);
	char *text = session != NULL ? json_dumps(session, JSON_INDENT(2)) : NULL;
	snprintf(file, sizeof(file), "%s.session", c->profile.name);
	if (text != NULL) {
		r = ctl_profiles_write(file, text, strlen(text));
		sodium_memzero(text, strlen(text));
	}
	free(text);
	json_decref(session);
	if (r < 0)
		fprintf(stderr,
		        "fogctl: the session can't be kept: %s: give yourself a folder ~/.config/fogline\n",
		        strerror(-r));
	return r < 0 ? CTL_REFUSED : CTL_OK;
}

bool ctl_session_forget(const char *profile)
{
	char path[CTL_PATH_LEN];

	return session_path(profile, path) == 0 && unlink(path) == 0;
}

static int session_refresh(struct ctl_client *c, const json_t *session)
{
	json_t *ask =
	        json_pack("{s:O}", "refresh_token", json_object_get(session, "refresh_token"));
	char *body = ask != NULL ? json_dumps(ask, JSON_COMPACT) : NULL;
	struct ctl_request request = {.method = "POST", .path = "/v1/auth/refresh", .body = body};
	struct ctl_answer answer = {0};
	int r = CTL_REFUSED;

	explicit_bzero(c->token, sizeof(c->token));
	if (body != NULL) {
		request.body_len = strlen(body);
		r = ctl_client_send(c, &request, &answer);
		sodium_memzero(body, request.body_len);
	}
	if (r == CTL_OK && answer.status >= 400) {
		const char *detail = json_string_value(json_object_get(answer.json, "detail"));
		if (detail == NULL)
			detail = "no reason was given";
		fprintf(stderr, "fogctl: the session at %s can't be renewed: ", c->url);
		ctl_print_safe(stderr, detail, strlen(detail));
		fputc('\n', stderr);
		// Only then it is over; the control plane may just be busy.
		if (answer.status == 400 || answer.status == 401 || answer.status == 403) {
			ctl_session_forget(c->profile.name);
			fprintf(stderr, "  log in again: fogctl login --profile %s\n",
			        c->profile.name);
		}
		r = CTL_REFUSED;
	} else if (r == CTL_OK) {
		r = ctl_session_keep(c, answer.json);
		if (r == CTL_OK)
			r = session_show(c, answer.json);
	}
	ctl_answer_free(&answer);
	free(body);
	json_decref(ask);
	return r;
}

// 'refused': the token that is no good whatever its time says; NULL: none.
static int session_take(struct ctl_client *c, const char *refused)
{
	char path[CTL_PATH_LEN] = "";
	int r = ctl_profiles_path("fogctl.lock", path), lock = -1;
	json_t *session = NULL;

	if (r == 0)
		lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0 || flock(lock, LOCK_EX) < 0) {
		fprintf(stderr, "fogctl: %s: %s: give yourself a folder ~/.config/fogline\n", path,
		        strerror(errno));
		r = CTL_REFUSED;
		goto out;
	}
	session = session_load(c->profile.name);
	if (session == NULL) {
		fprintf(stderr, "fogctl: there is no session any more: fogctl login --profile %s\n",
		        c->profile.name);
		r = CTL_REFUSED;
		goto out;
	}
	const char *token = json_string_value(json_object_get(session, "access_token"));
	bool fresh = json_integer_value(json_object_get(session, "expires_at")) >
	        time(NULL) + EARLY_S;
	r = fresh && (refused == NULL || strcmp(token, refused) != 0) ? session_show(c, session)
	                                                              : session_refresh(c, session);
out:
	if (lock >= 0)
		close(lock);
	json_decref(session);
	return r;
}

int ctl_session_use(struct ctl_client *c)
{
	return session_take(c, NULL);
}

bool ctl_session_renew(struct ctl_client *c)
{
	char refused[CTL_TOKEN_LEN];

	snprintf(refused, sizeof(refused), "%s", c->token + strlen(BEARER));
	int r = session_take(c, refused);
	explicit_bzero(refused, sizeof(refused));
	return r == CTL_OK;
}
