// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Bodies of POST /v1/messages: any bytes either make a letter that keeps its own rules, or an
// answer of status 400 that is good JSON. The number parser of query strings gets the same bytes.
// The body of PUT /v1/config is the text of fuzz_config_text.
#include <stdlib.h>
#include <string.h>

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
