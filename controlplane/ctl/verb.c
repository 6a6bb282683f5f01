// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "verb.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../accounts/wiped.h"
#include "answer.h"
#include "secret.h"

// {part}s of paths, and by the name of its schema what each is.
static const struct {
	const char *name, *schema;
} part_rows[] = {

#define X(name, schema, text) {name, #schema},
#include "../http/parts.def"
#undef X
};

bool ctl_is_number(const char *text)
{
	return text[0] != '\0' && strlen(text) < 19 && text[strspn(text, "0123456789")] == '\0';
}

const struct ctl_verb *ctl_verbs_find(const struct ctl_group *g, const char *word)
{
	for (unsigned i = 0; i < g->count; i++)
		if (g->verb[i].word == NULL || strcmp(g->verb[i].word, word) == 0)
			return &g->verb[i];
	return NULL;
}

static unsigned call_parts(const struct ctl_verb *v)
{
	unsigned n = 0;

	for (const char *at = ctl_routes[v->route].path; *at != '\0'; at++)
		n += *at == '{';
	return n;
}

// Words that have to be there.
static unsigned call_needs(const struct ctl_verb *v)
{
	unsigned n = call_parts(v);

	for (const struct ctl_field *f = v->fields; ctl_field_is(f); f++)
		n += f->option == NULL && f->needed;
	return n;
}

static bool call_in_query(const struct ctl_verb *v)
{
	const char *method = ctl_routes[v->route].method;

	return strcmp(method, "GET") == 0 || strcmp(method, "DELETE") == 0;
}

// --- what words and options say

// Returns CTL_OK or CTL_USAGE.
static int call_words(struct ctl_call *call, int argc, char **argv)
{
	unsigned parts = call_parts(call->verb), next = 0;
	int at = 1;

	if ((unsigned)(argc - 1) < call_needs(call->verb))
		return CTL_USAGE;
	while (next < parts)
		call->part[next++] = argv[at++];
	next = 0;
	for (const struct ctl_field *f = call->verb->fields; ctl_field_is(f); f++, next++)
		if (f->option == NULL && at < argc)
			call->value[next] = argv[at++];
	return at == argc ? CTL_OK : CTL_USAGE;
}

static int call_wrong(const char *name, const char *text, const char *should)
{
	fprintf(stderr, "fogctl: %s '%s': give %s\n", name, text, should);
	return CTL_USAGE;
}

// NULL: it is none, or there is no memory.
static json_t *call_json(const struct ctl_field *f, const char *text)
{
	char copy[1024], *rest = copy, *one;
	json_t *list;

	switch (f->kind) {
	case CTL_FLAG:
		return json_true();
	case CTL_NUMBER:
		if (strcmp(text, "none") == 0)
			return json_null();
		return ctl_is_number(text) ? json_integer(strtoll(text, NULL, 10)) : NULL;
	case CTL_WORDS:
		if (strlen(text) >= sizeof(copy))
			return NULL;
		strcpy(copy, text);
		list = json_array();
		while ((one = strsep(&rest, ",")) != NULL)
			json_array_append_new(list, json_string(one));
		return list;
	default:
		return json_string(text);
	}
}

static int call_body_field(json_t *body, const struct ctl_field *f, const char *text)
{
	static const char *const should[] = {
	        [CTL_TEXT] = "text in UTF-8",
	        [CTL_NUMBER] = "a number, or none",
	        [CTL_WORDS] = "words with ',' between",
	        [CTL_FLAG] = "nothing",
	};
	const char *dot = strchr(f->field, '.');
	json_t *value = call_json(f, text);
	char outer[32];

	if (value == NULL)
		return call_wrong(f->option != NULL ? f->option : f->value, text, should[f->kind]);
	if (dot == NULL)
		return json_object_set_new(body, f->field, value) < 0 ? CTL_REFUSED : CTL_OK;
	snprintf(outer, sizeof(outer), "%.*s", (int)(dot - f->field), f->field);
	json_t *inner = json_object_get(body, outer);
	if (inner == NULL) {
		inner = json_object();
		json_object_set_new(body, outer, inner);
	}
	return json_object_set_new(inner, dot + 1, value) < 0 ? CTL_REFUSED : CTL_OK;
}

static int call_add(struct ctl_call *call, const char *text)
{
	size_t used = strlen(call->target), len = strlen(text);

	if (used + len >= sizeof(call->target)) {
		fputs("fogctl: these words are too long: shorten them\n", stderr);
		return CTL_USAGE;
	}
	memcpy(call->target + used, text, len + 1);
	return CTL_OK;
}

static int call_add_escaped(struct ctl_call *call, const char *text)
{
	char *safe = curl_easy_escape(NULL, text, 0);
	int r = safe != NULL ? call_add(call, safe) : CTL_REFUSED;

	curl_free(safe);
	return r;
}

static int call_query_field(struct ctl_call *call, const struct ctl_field *f, const char *text)
{
	int r = CTL_OK;

	if (f->kind == CTL_NUMBER && !ctl_is_number(text))
		return call_wrong(f->option, text, "a number");
	r = call_add(call, strchr(call->target, '?') == NULL ? "?" : "&");
	if (r == CTL_OK)
		r = call_add(call, f->field);
	if (r == CTL_OK)
		r = call_add(call, "=");
	return r == CTL_OK ? call_add_escaped(call, text) : r;
}

static int call_fields(struct ctl_call *call)
{
	const struct ctl_verb *v = call->verb;
	int r = CTL_OK;

	if (ctl_routes[v->route].body)
		call->body = v->fixed != NULL ? json_loads(v->fixed, 0, NULL) : json_object();
	for (unsigned i = 0; r == CTL_OK && v->fields != NULL && ctl_field_is(&v->fields[i]); i++) {
		const struct ctl_field *f = &v->fields[i];
		const char *text = call->flag[i] ? "true" : call->value[i];
		if (text == NULL && f->needed) {
			fprintf(stderr, "fogctl: %s is missing: give %s\n", f->option, f->text);
			return CTL_USAGE;
		}
		if (text == NULL || f->field == NULL)
			continue;
		r = call_in_query(v) ? call_query_field(call, f, text)
		                     : call_body_field(call->body, f, text);
	}
	return r;
}

static int call_asks(struct ctl_call *call)
{
	for (const struct ctl_ask *a = call->verb->asks; a != NULL && a->field != NULL; a++) {
		char *line = a->fresh ? ctl_secret_new(a->question)
		                      : ctl_secret_line(stdin, a->question);
		if (line == NULL)
			return CTL_USAGE;
		json_t *value = json_string(line);
		sodium_free(line);
		if (json_object_set_new(call->body, a->field, value) == 0)
			continue;
		fprintf(stderr, "fogctl: the %s has to be UTF-8: type it again\n", a->question);
		return CTL_USAGE;
	}
	return CTL_OK;
}

// --- the path

// Accounts have numbers in paths, and names that people know.
static int call_user(struct ctl_client *c, const char *name, char number[24])
{
	struct ctl_call ask = {.target = "/v1/users?limit=200&name="};
	struct ctl_answer answer;
	size_t i;
	json_t *one;
	char small[CTL_TARGET_LEN];
	size_t len = 0;

	for (; name[len] != '\0' && len + 1 < sizeof(small); len++)
		small[len] = (char)tolower((unsigned char)name[len]);
	small[len] = '\0';
	int r = call_add_escaped(&ask, small);
	if (r == CTL_OK)
		r = ctl_call_other(c, CTL_ROUTE_get_users, ask.target, NULL, &answer);
	if (r != CTL_OK)
		return r;
	number[0] = '\0';
	json_array_foreach(json_object_get(answer.json, "users"), i, one)
	{
		const char *found = json_string_value(json_object_get(one, "name"));
		if (found != NULL && strcasecmp(found, name) == 0)
			snprintf(
			        number, 24, "%lld",
			        (long long)json_integer_value(json_object_get(one, "id"))
			);
	}
	ctl_answer_free(&answer);
	if (number[0] != '\0')
		return CTL_OK;
	fprintf(stderr, "fogctl: %s: there is no such account: see 'fogctl user list'\n", name);
	return CTL_REFUSED;
}

static bool part_is(const char *part, size_t len, const char *name)
{
	return strlen(name) == len && strncmp(part, name, len) == 0;
}

static int call_part(
        struct ctl_client *c, struct ctl_call *call, const char *name, size_t len, const char *text
)
{
	char number[24], title[32];
	int r;

	for (size_t i = 0; i < sizeof(part_rows) / sizeof(part_rows[0]); i++)
		if (part_is(name, len, part_rows[i].name) &&
		    strcmp(part_rows[i].schema, "api_part_number") != 0)
			return call_add_escaped(call, text);
	if (ctl_is_number(text))
		return call_add(call, text);
	if (part_is(name, len, "user")) {
		r = call_user(c, text, number);
		return r == CTL_OK ? call_add(call, number) : r;
	}
	snprintf(title, sizeof(title), "%.*s", (int)len, name);
	return call_wrong(title, text, "its number, as the list of them shows it");
}

// Before the parameters, which stand in 'target' already.
static int call_path(struct ctl_client *c, struct ctl_call *call)
{
	const char *at = ctl_routes[call->verb->route].path;
	char query[CTL_TARGET_LEN], piece[CTL_TARGET_LEN];
	unsigned part = 0;
	int r = CTL_OK;

	memcpy(query, call->target, sizeof(query));
	call->target[0] = '\0';
	while (r == CTL_OK && *at != '\0') {
		size_t len = strcspn(at, "{");
		snprintf(piece, sizeof(piece), "%.*s", (int)len, at);
		r = call_add(call, piece);
		at += len;
		if (r != CTL_OK || *at == '\0')
			break;
		len = strcspn(++at, "}");
		r = call_part(c, call, at, len, call->part[part++]);
		at += len + 1;
	}
	return r == CTL_OK ? call_add(call, query) : r;
}

// --- asking and showing

static int call_send(
        struct ctl_client *c, enum ctl_route route, const char *target, const json_t *body,
        struct ctl_answer *answer
)
{
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	struct ctl_request request = {
	        .method = ctl_routes[route].method,
	        .path = target,
	        .body = text,
	        .body_len = text != NULL ? strlen(text) : 0,
	        .header = ctl_routes[route].match ? "If-Match: *" : NULL,
	};
	int r = ctl_client_request(c, &request, answer);

	fog_wiped_free(text);
	return r;
}

int ctl_call_other(
        struct ctl_client *c, enum ctl_route route, const char *target, json_t *body,
        struct ctl_answer *answer
)
{
	int r = call_send(c, route, target, body, answer);

	json_decref(body);
	return r == CTL_OK && answer->status >= 400 ? ctl_client_refused(c, answer) : r;
}

static const char *call_state(const struct ctl_call *call, const struct ctl_answer *answer)
{
	const char *field = call->verb->state;

	return field != NULL ? json_string_value(json_object_get(answer->json, field)) : NULL;
}

int ctl_call_ask(struct ctl_client *c, const struct ctl_call *call, struct ctl_answer *answer)
{
	int r = call_send(c, call->verb->route, call->target, call->body, answer);

	if (r == CTL_OK && answer->status >= 400 && call_state(call, answer) == NULL)
		return ctl_client_refused(c, answer);
	return r;
}

static void call_more(const struct ctl_call *call, const json_t *answer)
{
	const json_t *next = json_object_get(answer, "next");

	// Lists that grow have a next page always.
	if (!json_is_integer(next) ||
	    json_array_size(json_object_get(answer, call->verb->list)) == 0)
		return;
	for (const struct ctl_field *f = call->verb->fields; ctl_field_is(f); f++)
		if (f->option != NULL &&
		    (strcmp(f->option, "--after") == 0 || strcmp(f->option, "--before") == 0))
			printf("more: fogctl %s %s %s %lld\n", call->group->name, call->verb->word,
			       f->option, (long long)json_integer_value(next));
}

int ctl_call_show(
        const struct ctl_client *c, const struct ctl_call *call, struct ctl_answer *answer
)
{
	const struct ctl_verb *v = call->verb;
	const char *state = call_state(call, answer);
	int r = state != NULL && strcmp(state, v->bad) == 0 ? CTL_REFUSED : CTL_OK;

	if (v->raw) {
		fwrite(answer->body, 1, answer->len, stdout);
	} else if (c->json) {
		if (answer->len > 0)
			puts(answer->body);
	} else if (v->list != NULL) {
		ctl_answer_list(answer->json, v->list, v->columns);
		call_more(call, answer->json);
	} else if (answer->json != NULL) {
		ctl_answer_object(answer->json);
	}
	if (fflush(stdout) != 0) {
		fprintf(stderr,
		        "fogctl: the answer can't be written: %s: make room, or name another place\n",
		        strerror(errno));
		r = CTL_REFUSED;
	}
	ctl_answer_free(answer);
	return r;
}

int ctl_call_plain(struct ctl_client *c, struct ctl_call *call)
{
	struct ctl_answer answer;
	int r = ctl_call_ask(c, call, &answer);

	return r == CTL_OK ? ctl_call_show(c, call, &answer) : r;
}

static unsigned call_index(const struct ctl_call *call, const char *option)
{
	unsigned i = 0;

	while (call->verb->fields[i].option == NULL ||
	       strcmp(call->verb->fields[i].option, option) != 0)
		i++;
	return i;
}

const char *ctl_call_value(const struct ctl_call *call, const char *option)
{
	return call->value[call_index(call, option)];
}

bool ctl_call_flag(const struct ctl_call *call, const char *option)
{
	return call->flag[call_index(call, option)];
}

// --- the whole

static int call_run(struct ctl_client *c, struct ctl_call *call)
{
	int r = call_fields(call);

	if (r != CTL_OK)
		return r;
	c->anonymous = call->verb->anonymous;
	r = ctl_client_connect(c);
	if (r != CTL_OK)
		return r;
	r = call_path(c, call);
	if (r == CTL_OK)
		r = call_asks(call);
	if (r == CTL_OK)
		r = (call->verb->run != NULL ? call->verb->run : ctl_call_plain)(c, call);
	ctl_client_close(c);
	return r;
}

static int call_parse(
        struct ctl_client *c, struct ctl_call *call, int argc, char **argv, const char *usage
)
{
	struct ctl_option own[CTL_FIELDS_MAX + 1] = {0};
	unsigned n = 0, i = 0;

	for (const struct ctl_field *f = call->verb->fields; ctl_field_is(f); f++, i++) {
		if (f->option == NULL)
			continue;
		own[n++] = (struct ctl_option
		){f->option, f->kind != CTL_FLAG ? &call->value[i] : NULL,
		  f->kind == CTL_FLAG ? &call->flag[i] : NULL};
	}
	int r = ctl_client_options(c, &argc, argv, own, usage);
	if (r == CTL_OK && call_words(call, argc, argv) != CTL_OK) {
		fputs(usage, stderr);
		r = CTL_USAGE;
	}
	return r;
}

int ctl_verbs_run(const struct ctl_group *g, int argc, char **argv)
{
	char *made = g->usage == NULL ? ctl_verbs_usage(g) : NULL;
	const char *usage = g->usage != NULL ? g->usage : made != NULL ? made : "";
	bool worded = argc > 1 && argv[1][0] != '-' && g->verb[0].word != NULL;
	struct ctl_call call = {.group = g, .verb = g->verb};
	struct ctl_client client;
	int r = CTL_USAGE;

	if (worded)
		call.verb = ctl_verbs_find(g, argv[1]);
	if (call.verb == NULL) {
		fprintf(stderr, "fogctl: there is no '%s %s'\n%s", g->name, argv[1], usage);
		goto out;
	}
	r = ctl_secret_begin();
	if (r == CTL_OK)
		r = call_parse(&client, &call, argc - worded, argv + worded, usage);
	if (r == CTL_OK)
		r = call_run(&client, &call);
	else if (r < 0)
		r = CTL_OK;
out:
	json_decref(call.body);
	free(made);
	return r;
}
