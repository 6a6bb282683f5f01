// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl login and fogctl logout: a session at the appliance of a profile.
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../accounts/wiped.h"
#include "client.h"
#include "rest.h"
#include "secret.h"
#include "session.h"
#include "trust.h"

static const char login_usage[] =
        "usage: fogctl login [--user NAME] [--password-file FILE] [--profile NAME]\n"
        "\n"
        "Password and one-time code are asked for, or are the next lines of the standard input. The session is kept\n"
        "beside the profiles and renewed by itself, until 'fogctl logout' or until it was not used for days.\n"
        "\n"
        "  --user NAME           account, if it is not called as you are here\n"
        "  --password-file FILE  the password is the first line of FILE\n";

static const char logout_usage[] =
        "usage: fogctl logout [--local] [--profile NAME]\n"
        "\n"
        "  --local  forget the session here, without telling the appliance, where it goes on until it ends by itself\n";

static char *login_password(const char *file)
{
	FILE *f = file != NULL ? fopen(file, "re") : stdin;

	if (f == NULL) {
		fprintf(stderr, "fogctl: %s: %s: name a file that can be read\n", file,
		        strerror(errno));
		return NULL;
	}
	char *line = ctl_secret_line(f, "password");
	if (f != stdin)
		fclose(f);
	return line;
}

// Takes the reference of 'body'.
static int login_post(
        struct ctl_client *c, const char *path, json_t *body, struct ctl_answer *answer
)
{
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	struct ctl_request request = {.method = "POST", .path = path, .body = text};
	int r = CTL_REFUSED;

	json_decref(body);
	if (text != NULL) {
		request.body_len = strlen(text);
		r = ctl_client_call(c, &request, answer);
	} else {
		fprintf(stderr, "fogctl: name and password have to be UTF-8: type them again\n");
	}
	fog_wiped_free(text);
	return r;
}

static int login_code(struct ctl_client *c, struct ctl_answer *answer)
{
	json_t *token = json_incref(json_object_get(answer->json, "mfa_token"));
	char *code = ctl_secret_line(stdin, "one-time code");
	int r = CTL_REFUSED;

	ctl_answer_free(answer);
	if (code != NULL)
		r = login_post(
		        c, "/v1/auth/login/mfa",
		        json_pack("{s:O s:s}", "mfa_token", token, "code", code), answer
		);
	json_decref(token);
	sodium_free(code);
	return r;
}

static int login_run(struct ctl_client *c, const char *user, const char *password_file)
{
	char *password = login_password(password_file);
	struct ctl_answer answer = {0};
	int r;

	if (password == NULL)
		return CTL_USAGE;
	r = login_post(
	        c, "/v1/auth/login", json_pack("{s:s s:s}", "username", user, "password", password),
	        &answer
	);
	sodium_free(password);
	if (r == CTL_OK && json_is_true(json_object_get(answer.json, "mfa_required")))
		r = login_code(c, &answer);
	if (r == CTL_OK)
		r = ctl_session_keep(c, answer.json);
	if (r == CTL_OK)
		printf("logged in as %s at %s\n", user, c->url);
	ctl_answer_free(&answer);
	return r;
}

// Whether there can be a session with what the options mean.
static int login_place(const struct ctl_client *c)
{
	if (c->profile.name[0] == '\0')
		fprintf(stderr,
		        "fogctl: a session is one of a profile: make one with 'fogctl profile add NAME --url URL'\n"
		);
	else if (c->url == NULL)
		fprintf(stderr,
		        "fogctl: by its socket you are who you are on that host: there is nothing to log in to\n"
		);
	else if (!ctl_trust_private(c->url))
		fprintf(stderr,
		        "fogctl: %s: everybody on the way would read the password: take https://\n",
		        c->url);
	else
		return CTL_OK;
	return CTL_USAGE;
}

int ctl_login(int argc, char **argv)
{
	const char *user = NULL, *password_file = NULL;
	const struct ctl_option own[] = {
	        {"--user", &user, NULL},
	        {"--password-file", &password_file, NULL},
	        {NULL, NULL, NULL}};
	struct ctl_client c;
	int r = ctl_client_options(&c, &argc, argv, own, login_usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (user == NULL)
		user = getenv("USER");
	if (argc > 1 || user == NULL || c.token_file != NULL) {
		fputs(login_usage, stderr);
		return CTL_USAGE;
	}
	if (ctl_secret_begin() != CTL_OK)
		return CTL_REFUSED;
	c.anonymous = true;
	r = ctl_client_connect(&c);
	if (r == CTL_OK) {
		r = login_place(&c);
		if (r == CTL_OK)
			r = login_run(&c, user, password_file);
		ctl_client_close(&c);
	}
	return r;
}

static int logout_run(struct ctl_client *c)
{
	struct ctl_request request = {.method = "POST", .path = "/v1/auth/logout"};
	struct ctl_answer answer;
	int r = ctl_client_call(c, &request, &answer);

	if (r != CTL_OK)
		return r;
	ctl_answer_free(&answer);
	ctl_session_forget(c->profile.name);
	return CTL_OK;
}

int ctl_logout(int argc, char **argv)
{
	bool local = false;
	const struct ctl_option own[] = {{"--local", NULL, &local}, {NULL, NULL, NULL}};
	struct ctl_client c;
	int r = ctl_client_options(&c, &argc, argv, own, logout_usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (argc > 1 || c.token_file != NULL) {
		fputs(logout_usage, stderr);
		return CTL_USAGE;
	}
	if (ctl_secret_begin() != CTL_OK)
		return CTL_REFUSED;
	c.anonymous = local;
	r = ctl_client_connect(&c);
	if (r != CTL_OK)
		return r;
	if (!ctl_session_exists(&c)) {
		fprintf(stderr, "fogctl: there is no session to end: 'fogctl login' begins one\n");
		r = CTL_REFUSED;
	} else if (local) {
		ctl_session_forget(c.profile.name);
	} else {
		r = logout_run(&c);
	}
	ctl_client_close(&c);
	return r;
}
