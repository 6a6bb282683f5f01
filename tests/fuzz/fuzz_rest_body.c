// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Any bytes as JSON either fail with a reason that is good JSON, or make a value that is UTF-8 and not too deep. As a body of
// POST /v1/messages it makes a letter that keeps its own rules, or an answer of status 400; of PATCH /v1/filter and
// POST /v1/filter/deny limits within their ranges and prefixes without bits behind their length, or 400 or 422. The
// number parser of query strings and the parser of targets get the same bytes.
// The body of PUT /v1/config is the text of fuzz_config_text.
#include <stdlib.h>
#include <string.h>

#include "../../controlplane/config/prefix.h"
#include "../../controlplane/http/routes/filter_body.h"
#include "../../controlplane/http/routes/letter.h"
#include "../../controlplane/http/schema/pattern.h"
#include "../../controlplane/http/schema/schema.h"
#include "../../controlplane/http/schema/validate.h"
#include "../../controlplane/http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_letter(const struct letter_body *b, size_t size)
{
	const struct fog_letter *l = &b->letter;

	if ((l->to != NULL) == (l->reply_to > 0) || l->data == NULL)
		abort();
	if (l->reply_to > 0 && (l->want_surb || l->path != NULL || l->recipient != NULL))
		abort();
	if (l->path_len > FOG_SPHINX_SLOTS_MAX || (l->path != NULL) != (l->path_len > 0))
		abort();
	// Every byte that is promised can be read.
	uint8_t *copy = malloc(l->len + 1);
	memcpy(copy, l->data, l->len);
	free(copy);
	for (unsigned i = 0; i < l->path_len; i++) {
		if (strlen(l->path[i]) > size)
			abort();
	}
}

static void check_change(const struct fog_filter_change *c)
{
	char text[FOG_PREFIX_TEXT_LEN], why[128];
	struct fog_prefix again;

	for (unsigned i = 0; i < FOG_FILTER_LIMITS; i++)
		if (c->given[i] && !c->reset[i] &&
		    (c->limit[i] < fog_filter_rows[i].min || c->limit[i] > fog_filter_rows[i].max))
			abort();
	if (c->count > FOG_DENY_MAX)
		abort();
	for (uint32_t i = 0; i < c->count; i++) {
		fog_prefix_print(&c->prefix[i], text);
		if (fog_prefix_parse(text, &again, why, sizeof(why)) < 0 ||
		    fog_prefix_compare(&again, &c->prefix[i]) != 0)
			abort();
	}
}

static void check_problem(struct http_response *res)
{
	json_t *problem = json_loadb(res->body, res->body_len, 0, NULL);

	if (problem == NULL)
		abort();
	json_decref(problem);
	free(res->body);
}

// As the dispatcher does it.
static bool check_schema(const struct api_schema *schema, const json_t *json)
{
	struct http_response res = {0};
	struct api_findings f = {0};

	if (api_validate(schema, json, &f)) {
		if (f.count != 0)
			abort();
		return true;
	}
	if (f.count == 0 || f.count > API_ERRORS_MAX || json_array_size(f.errors) != f.count)
		abort();
	http_reply_errors(&res, 400, f.code, f.detail, f.errors);
	check_problem(&res);
	return false;
}

static void check_filter(const json_t *json)
{
	static struct fog_filter_change c;

	for (int deny = 0; deny < 2; deny++) {
		struct http_response res = {0};
		memset(&c, 0, sizeof(c));
		if (!check_schema(deny ? &api_deny_post : &api_filter_patch, json))
			continue;
		int r = deny ? filter_parse_deny(json, &c, &res)
		             : filter_parse_limits(json, &c, &res);
		if (r == 0)
			check_change(&c);
		else if (res.status != 400 && res.status != 422)
			abort();
		else
			check_problem(&res);
	}
}

static void check_message(const json_t *json, size_t size)
{
	struct http_response res = {0};
	struct letter_body b;

	if (!check_schema(&api_message_post, json))
		return;
	if (letter_parse(json, &b, &res) == 0)
		check_letter(&b, size);
	else if (res.status != 400)
		abort();
	else
		check_problem(&res);
	letter_free(&b);
}

static void check_target(const char *text)
{
	struct http_uri uri;

	if (http_uri_parse(&uri, text) == 0) {
		if (uri.path[0] != '/' || strstr(uri.path, "/../") != NULL ||
		    uri.count > HTTP_URI_PAIRS)
			abort();
		for (unsigned i = 0; i < uri.count; i++)
			for (const char *p = uri.query[i].value; *p != '\0'; p++)
				if ((unsigned char)*p < ' ' || *p == 0x7f)
					abort();
	}
	http_uri_free(&uri);
}

static void check_number(const char *text)
{
	static const struct api_schema from_5_to_50 = {.type = API_INTEGER, .min = 5, .max = 50};
	static const struct api_parameter number = {.name = "n", .schema = &from_5_to_50};
	struct api_findings f = {0};
	int64_t value = -1;

	if (api_validate_text(&number, text, &value, &f)) {
		if (value < 5 || value > 50 || f.count != 0)
			abort();
	} else if (f.count == 0) {
		abort();
	}
	json_decref(f.errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// The exact size on the heap, so that a byte too far is found.
	char *body = malloc(size + 1), *text = NULL;
	struct api_findings f = {0};
	json_t *json;

	if (api_pattern_add("^[0-9A-Fa-f]{64}$") < 0)
		abort();
	memcpy(body, data, size);
	body[size] = '\0';
	check_number(body);
	check_target(body);
	text = realloc(body, size > 0 ? size : 1);
	json = api_json_parse(text, size, &f);
	if (json != NULL) {
		check_filter(json);
		check_message(json, size);
	} else if (f.detail[0] == '\0') {
		abort();
	}
	json_decref(json);
	free(text);
	return 0;
}
