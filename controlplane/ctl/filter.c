// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// fogctl filter and fogctl deny: what the ports of a running node keep away from its workers.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "client.h"
#include "rest.h"
#include "table.h"

static const char filter_usage[] =
        "usage: fogctl filter show [-j]\n"
        "       fogctl filter set KEY VALUE [-j]\n"
        "       fogctl filter reset [KEY].. [-j]\n"
        "\n"
        "KEY is early_drop (true or false), source_rate (packets per second and source, 0 = no\n"
        "limit) or source_burst. reset goes back to what the configuration file says.\n";

static const char deny_usage[] =
        "usage: fogctl deny list [-j]\n"
        "       fogctl deny add PREFIX.. [--force] [-j]\n"
        "       fogctl deny remove PREFIX [-j]\n"
        "\n"
        "PREFIX is an address or a range such as 192.0.2.0/24, 2001:db8::/32.\n"
        "  --force  deny it although a node of the network has an address there\n";

static void filter_cell(struct ctl_table *t, const json_t *value)
{
	if (json_is_boolean(value))
		ctl_table_text(t, json_is_true(value) ? "true" : "false");
	else
		ctl_table_value(t, value);
}

static void filter_print(const json_t *a)
{
	static const char *const keys[] = {"early_drop", "source_rate", "source_burst"};
	struct ctl_table *t = ctl_table_new("limit|value|from|file");
	const char *text = json_string_value(json_object_get(a, "text"));

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const json_t *limit = json_object_get(a, keys[i]);
		ctl_table_text(t, keys[i]);
		filter_cell(t, json_object_get(limit, "value"));
		ctl_table_value(t, json_object_get(limit, "from"));
		filter_cell(t, json_object_get(limit, "file"));
	}
	ctl_table_print(t, stdout);
	printf("%zu denied prefixes: fogctl deny list\n",
	       json_array_size(json_object_get(a, "deny")));
	printf("%s%s%s\n", json_string_value(json_object_get(a, "state")), text != NULL ? ": " : "",
	       text != NULL ? text : "");
}

static void deny_print(const json_t *a)
{
	const json_t *deny = json_object_get(a, "deny");
	struct ctl_table *t = ctl_table_new("prefix|from");

	for (size_t i = 0; i < json_array_size(deny); i++) {
		ctl_table_value(t, json_object_get(json_array_get(deny, i), "prefix"));
		ctl_table_value(t, json_object_get(json_array_get(deny, i), "from"));
	}
	if (json_array_size(deny) == 0)
		puts("nothing is denied");
	ctl_table_print(t, json_array_size(deny) > 0 ? stdout : NULL);
}

// A change is done when the data plane says so; it refuses one in words.
static void change_print(const json_t *a)
{
	const char *state = json_string_value(json_object_get(a, "state"));
	const char *text = json_string_value(json_object_get(a, "text"));

	printf("stored, %s%s%s\n", state != NULL ? state : "?", text != NULL ? ": " : "",
	       text != NULL ? text : "");
}

// Send one request, whose body (may be NULL) is taken over, and show the answer.
static int filter_ask(
        struct ctl_client *c, const char *method, const char *path, json_t *body,
        void (*print)(const json_t *)
)
{
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	struct ctl_request request = {
	        .method = method,
	        .path = path,
	        .body = text,
	        .body_len = text != NULL ? strlen(text) : 0,
	};
	struct ctl_answer answer;
	int r = ctl_client_call(c, &request, &answer);

	json_decref(body);
	free(text);
	if (r != CTL_OK)
		return r;
	const char *state = json_string_value(json_object_get(answer.json, "state"));
	if (state != NULL && strcmp(state, "refused") == 0)
		r = CTL_REFUSED;
	if (c->json)
		puts(answer.body);
	else
		print(answer.json);
	ctl_answer_free(&answer);
	return r;
}

// As JSON what is JSON (numbers, true, false), else as text, which the node refuses with a reason.
static json_t *filter_word(const char *word)
{
	json_t *value = json_loads(word, JSON_DECODE_ANY, NULL);

	if (json_is_integer(value) || json_is_boolean(value))
		return value;
	json_decref(value);
	return json_string(word);
}

static int filter_set(struct ctl_client *c, const char *key, const char *word)
{
	return filter_ask(
	        c, "PATCH", "/v1/filter", json_pack("{s:o}", key, filter_word(word)), change_print
	);
}

static int filter_reset(struct ctl_client *c, int count, char **keys)
{
	json_t *body = count > 0
	        ? json_object()
	        : json_pack("{s:n s:n s:n}", "early_drop", "source_rate", "source_burst");

	for (int i = 0; i < count; i++)
		json_object_set_new(body, keys[i], json_null());
	return filter_ask(c, "PATCH", "/v1/filter", body, change_print);
}

static int deny_add(struct ctl_client *c, int count, char **prefixes, bool force)
{
	json_t *list = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(list, json_string(prefixes[i]));
	return filter_ask(
	        c, "POST", "/v1/filter/deny",
	        json_pack("{s:o s:b}", "prefix", list, "force", (int)force), change_print
	);
}

static int deny_remove(struct ctl_client *c, const char *prefix)
{
	char *escaped = curl_easy_escape(c->curl, prefix, 0), path[256];

	snprintf(path, sizeof(path), "/v1/filter/deny?prefix=%.200s", escaped);
	curl_free(escaped);
	return filter_ask(c, "DELETE", path, NULL, change_print);
}

static bool is(const char *word, const char *wanted)
{
	return strcmp(word, wanted) == 0;
}

int ctl_filter(int argc, char **argv)
{
	struct ctl_client client;
	int r = ctl_client_open(&client, &argc, argv, NULL, filter_usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (argc == 1 || (argc == 2 && is(argv[1], "show"))) {
		r = filter_ask(&client, "GET", "/v1/filter", NULL, filter_print);
	} else if (argc == 4 && is(argv[1], "set")) {
		r = filter_set(&client, argv[2], argv[3]);
	} else if (is(argv[1], "reset")) {
		r = filter_reset(&client, argc - 2, argv + 2);
	} else {
		fputs(filter_usage, stderr);
		r = CTL_USAGE;
	}
	ctl_client_close(&client);
	return r;
}

int ctl_deny(int argc, char **argv)
{
	bool force = false;
	const struct ctl_option own[] = {{"--force", NULL, &force}, {NULL, NULL, NULL}};
	struct ctl_client client;
	int r = ctl_client_open(&client, &argc, argv, own, deny_usage);

	if (r != CTL_OK)
		return r < 0 ? CTL_OK : r;
	if (argc == 1 || (argc == 2 && is(argv[1], "list"))) {
		r = filter_ask(&client, "GET", "/v1/filter/deny", NULL, deny_print);
	} else if (argc >= 3 && is(argv[1], "add")) {
		r = deny_add(&client, argc - 2, argv + 2, force);
	} else if (argc == 3 && is(argv[1], "remove")) {
		r = deny_remove(&client, argv[2]);
	} else {
		fputs(deny_usage, stderr);
		r = CTL_USAGE;
	}
	ctl_client_close(&client);
	return r;
}
