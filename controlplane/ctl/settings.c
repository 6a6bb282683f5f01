// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl config show and config put: the configuration of a running node.
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "rest.h"

enum { TEXT_MAX = 1 << 20 };

static int settings_show(struct ctl_client *c)
{
	struct ctl_request request = {.method = "GET", .path = "/v1/config"};
	struct ctl_answer answer;
	int r = ctl_client_call(c, &request, &answer);

	if (r != CTL_OK)
		return r;
	if (c->json)
		puts(answer.body);
	else if (json_dumpf(answer.json, stdout, JSON_INDENT(2)) == 0)
		puts("");
	ctl_answer_free(&answer);
	return CTL_OK;
}

static char *settings_read(const char *path, size_t *len)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *text = malloc(TEXT_MAX);

	*len = f != NULL && text != NULL ? fread(text, 1, TEXT_MAX, f) : 0;
	if (f == NULL || text == NULL || ferror(f) || *len == TEXT_MAX) {
		fprintf(stderr, "fogctl: %s: %s\n", path,
		        *len == TEXT_MAX ? "longer than 1 MiB" : strerror(errno));
		free(text);
		text = NULL;
	}
	if (f != NULL && f != stdin)
		fclose(f);
	return text;
}

static void settings_print(const json_t *a)
{
	const char *state = json_string_value(json_object_get(a, "state"));
	const char *text = json_string_value(json_object_get(a, "text"));
	const char *wait = json_string_value(json_object_get(a, "restart_needed"));

	printf("written, %s%s%s\n", state != NULL ? state : "?", text != NULL ? ": " : "",
	       text != NULL ? text : "");
	if (wait != NULL)
		puts("restart the data plane to put all of it in force");
}

// What is there is replaced only if it is still what we have seen.
// Returns CTL_OK or CTL_USAGE, which is said.
static int settings_where(
        struct ctl_client *c, char *where, size_t len, const char *within, const char *comment
)
{
	char *safe = curl_easy_escape(c->curl, comment != NULL ? comment : "", 0);
	int n = snprintf(
	        where, len, "/v1/config%s%s%s%s%s", within != NULL || comment != NULL ? "?" : "",
	        within != NULL ? "confirm_within=" : "", within != NULL ? within : "",
	        within != NULL && comment != NULL ? "&comment="
	                : comment != NULL         ? "comment="
	                                          : "",
	        safe != NULL ? safe : ""
	);

	curl_free(safe);
	if (n < (int)len)
		return CTL_OK;
	fputs("fogctl: the comment is too long: give 200 characters at most\n", stderr);
	return CTL_USAGE;
}

static int settings_put(
        struct ctl_client *c, const char *path, const char *within, const char *comment
)
{
	char where[1000];
	struct ctl_request get = {.method = "GET", .path = "/v1/config"};
	struct ctl_request put = {.method = "PUT", .path = where};
	struct ctl_answer answer;
	char header[96];
	size_t len = 0;
	char *text = settings_read(path, &len);
	int r;

	if (text == NULL)
		return CTL_REFUSED;
	r = settings_where(c, where, sizeof(where), within, comment);
	if (r == CTL_OK)
		r = ctl_client_call(c, &get, &answer);
	if (r == CTL_OK) {
		snprintf(header, sizeof(header), "If-Match: %s", answer.etag);
		ctl_answer_free(&answer);
		put.header = header;
		put.body = text;
		put.body_len = len;
		r = ctl_client_call(c, &put, &answer);
	}
	free(text);
	if (r != CTL_OK)
		return r;
	if (c->json)
		puts(answer.body);
	else
		settings_print(answer.json);
	ctl_answer_free(&answer);
	return CTL_OK;
}

int ctl_settings(int argc, char **argv)
{
	static const char usage[] =
	        "usage: fogctl config show [-j]\n"
	        "       fogctl config put FILE [--confirm-within SECONDS] [--comment TEXT] [-j]\n"
	        "\n"
	        "  --confirm-within SECONDS  the node takes it back after so long, unless "
	        "'fogctl config confirm'\n"
	        "  --comment TEXT            why, for the history\n";
	const char *within = NULL, *comment = NULL;
	const struct ctl_option own[] = {
	        {.name = "--confirm-within", .value = &within},
	        {.name = "--comment", .value = &comment},
	        {.name = NULL}};
	bool show = strcmp(argv[0], "show") == 0;
	struct ctl_client client;
	int r = ctl_client_open(&client, &argc, argv, own, usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	bool number = within == NULL ||
	        (*within != '\0' && within[strspn(within, "0123456789")] == '\0');
	if (argc != (show ? 1 : 2) || !number) {
		fputs(usage, stderr);
		r = CTL_USAGE;
	} else {
		r = show ? settings_show(&client) : settings_put(&client, argv[1], within, comment);
	}
	ctl_client_close(&client);
	return r;
}
