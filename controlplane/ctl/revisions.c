// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl config history, diff, revert and confirm: the configurations that were in force.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "rest.h"
#include "table.h"

static const char revisions_usage[] =
        "usage: fogctl config history [REVISION] [-j]\n"
        "       fogctl config diff FROM TO [-j]\n"
        "       fogctl config revert REVISION [--confirm-within SECONDS] [--comment TEXT] [-j]\n"
        "       fogctl config confirm [REVISION] [-j]\n"
        "\n"
        "Revisions are numbers of 'config history', which shows the text of one that is named. A change that waits is taken back by the node itself unless it\n"
        "is confirmed in time; the one that waits is meant when no REVISION is given.\n"
        "\n"
        "  --confirm-within SECONDS  take it back after so long unless it is confirmed\n"
        "  --comment TEXT            why, for the history\n";

static void revisions_print(const json_t *answer)
{
	static const char *const keys[] = {"revision", "time", "actor", "state", "comment", NULL};
	const json_t *pending = json_object_get(answer, "pending");

	ctl_table_print(
	        ctl_table_list(
	                "revision|time|by|state|comment", json_object_get(answer, "revisions"), keys
	        ),
	        stdout
	);
	if (json_is_object(pending))
		printf("revision %lld is taken back in %lld s unless it is confirmed\n",
		       (long long)json_integer_value(json_object_get(pending, "revision")),
		       (long long)json_integer_value(json_object_get(pending, "left_ms")) / 1000);
}

static void revisions_print_diff(const json_t *answer)
{
	const char *diff = json_string_value(json_object_get(answer, "diff"));

	if (diff != NULL)
		ctl_print_safe(stdout, diff, strlen(diff));
	else
		puts("one of them is no text");
}

static void revisions_print_text(const json_t *answer)
{
	const char *text = json_string_value(json_object_get(answer, "text"));

	if (text != NULL)
		ctl_print_safe(stdout, text, strlen(text));
	else
		puts("its text is not known");
}

static void revisions_print_done(const json_t *answer)
{
	const char *state = json_string_value(json_object_get(answer, "state"));

	puts(state != NULL ? state : "done");
}

static int revisions_number(const char *text, json_int_t *number)
{
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && *number > 0)
		return CTL_OK;
	fprintf(stderr, "fogctl: '%s' is no revision: see 'fogctl config history'\n", text);
	return CTL_USAGE;
}

static int revisions_history(struct ctl_client *c, const char *revision)
{
	char path[64] = "/v1/config/history";
	struct ctl_request request = {.method = "GET", .path = path};
	json_int_t number = 0;
	int r = revision != NULL ? revisions_number(revision, &number) : CTL_OK;

	if (r != CTL_OK)
		return r;
	if (revision != NULL)
		snprintf(path, sizeof(path), "/v1/config/history/%lld", (long long)number);
	return ctl_client_show(
	        c, &request, revision != NULL ? revisions_print_text : revisions_print
	);
}

static int revisions_post(struct ctl_client *c, const char *path, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);
	struct ctl_request request = {
	        .method = "POST",
	        .path = path,
	        .body = text,
	        .body_len = text != NULL ? strlen(text) : 0};
	int r = text != NULL ? ctl_client_show(c, &request, revisions_print_done) : CTL_REFUSED;

	free(text);
	json_decref(body);
	return r;
}

static int revisions_diff(struct ctl_client *c, const char *from, const char *to)
{
	char path[96];
	struct ctl_request request = {.method = "GET", .path = path};
	json_int_t a, b;
	int r = revisions_number(from, &a);

	if (r == CTL_OK)
		r = revisions_number(to, &b);
	if (r != CTL_OK)
		return r;
	snprintf(
	        path, sizeof(path), "/v1/config/diff?from=%lld&to=%lld", (long long)a, (long long)b
	);
	return ctl_client_show(c, &request, revisions_print_diff);
}

static int revisions_revert(
        struct ctl_client *c, const char *revision, const char *within, const char *comment
)
{
	json_int_t number, seconds = 0;
	int r = revisions_number(revision, &number);

	if (r == CTL_OK && within != NULL)
		r = revisions_number(within, &seconds);
	if (r != CTL_OK)
		return r;
	json_t *body = json_pack("{s:I}", "revision", number);
	if (within != NULL)
		json_object_set_new(body, "confirm_within", json_integer(seconds));
	if (comment != NULL)
		json_object_set_new(body, "comment", json_string(comment));
	return revisions_post(c, "/v1/config/revert", body);
}

static int revisions_confirm(struct ctl_client *c, const char *revision)
{
	json_int_t number = 0;
	int r = revision != NULL ? revisions_number(revision, &number) : CTL_OK;

	if (r != CTL_OK)
		return r;
	return revisions_post(
	        c, "/v1/config/confirm",
	        revision != NULL ? json_pack("{s:I}", "revision", number) : json_object()
	);
}

int ctl_revisions(int argc, char **argv)
{
	const char *within = NULL, *comment = NULL, *word = argv[0];
	const struct ctl_option own[] = {
	        {.name = "--confirm-within", .value = &within},
	        {.name = "--comment", .value = &comment},
	        {.name = NULL},
	};
	struct ctl_client client;
	int r = ctl_client_open(&client, &argc, argv, own, revisions_usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (strcmp(word, "history") == 0 && argc <= 2)
		r = revisions_history(&client, argc == 2 ? argv[1] : NULL);
	else if (strcmp(word, "diff") == 0 && argc == 3)
		r = revisions_diff(&client, argv[1], argv[2]);
	else if (strcmp(word, "revert") == 0 && argc == 2)
		r = revisions_revert(&client, argv[1], within, comment);
	else if (strcmp(word, "confirm") == 0 && argc <= 2)
		r = revisions_confirm(&client, argc == 2 ? argv[1] : NULL);
	else {
		fputs(revisions_usage, stderr);
		r = CTL_USAGE;
	}
	ctl_client_close(&client);
	return r;
}
