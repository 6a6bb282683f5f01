// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Bodies of POST /v1/messages: any bytes either make a letter that keeps its own rules, or an
// answer of status 400 that is good JSON. Those of PATCH /v1/filter and POST /v1/filter/deny: limits
// within their ranges and prefixes without bits behind their length, or 400 or 422. The number parser of query strings gets the same bytes.
// The body of PUT /v1/config is the text of fuzz_config_text.
#include <stdlib.h>
#include <string.h>

#include "../../controlplane/config/prefix.h"
#include "../../controlplane/http/filter_body.h"
#include "../../controlplane/http/letter.h"

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

static void check_filter(const char *body, size_t size)
{
	const struct http_request req = {.body = body, .body_len = size};
	static struct fog_filter_change c;

	for (int deny = 0; deny < 2; deny++) {
		struct http_response res = {0};
		memset(&c, 0, sizeof(c));
		int r = deny ? filter_parse_deny(&req, &c, &res)
		             : filter_parse_limits(&req, &c, &res);
		if (r == 0)
			check_change(&c);
		else if (res.status != 400 && res.status != 422)
			abort();
		free(res.body);
	}
}

static void check_number(const char *text)
{
	struct http_response res = {0};
	int64_t value = -1;

	if (http_query_number(&res, "n", text, 5, 50, &value) == 0) {
		if (value < 5 || value > 50 || res.status != 0)
			abort();
	} else if (res.status != 400) {
		abort();
	}
	free(res.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// The exact size on the heap, so that a byte too far is found.
	char *body = malloc(size + 1), *text = NULL;
	struct http_response res = {0};
	struct letter_body b;

	memcpy(body, data, size);
	body[size] = '\0';
	check_number(body);
	text = realloc(body, size > 0 ? size : 1);
	check_filter(text, size);
	if (letter_parse(text, size, &b, &res) == 0) {
		check_letter(&b, size);
	} else {
		json_t *problem = json_loadb(res.body, res.body_len, 0, NULL);
		if (res.status != 400 || problem == NULL)
			abort();
		json_decref(problem);
	}
	letter_free(&b);
	free(res.body);
	free(text);
	return 0;
}
