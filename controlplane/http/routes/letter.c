// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "letter.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static int letter_bad(struct http_response *res, const char *text)
{
	http_reply_problem(res, 400, "bad_field", NULL, "%s", text);
	return -EINVAL;
}

static int letter_content(const json_t *json, struct letter_body *b, struct http_response *res)
{
	const json_t *text = json_object_get(json, "text");
	const json_t *data = json_object_get(json, "data");

	if ((text != NULL) == (data != NULL))
		return letter_bad(res, "give either text or data");
	if (text != NULL) {
		b->letter.data = (const uint8_t *)json_string_value(text);
		b->letter.len = json_string_length(text);
		return 0;
	}
	size_t len = json_string_length(data);
	b->data = malloc(len + 1);
	if (b->data == NULL ||
	    sodium_base642bin(
	            b->data, len + 1, json_string_value(data), len, NULL, &b->letter.len, NULL,
	            sodium_base64_VARIANT_ORIGINAL
	    ) != 0)
		return letter_bad(res, "data must be base64 with padding");
	b->letter.data = b->data;
	return 0;
}

static void letter_path(const json_t *path, struct letter_body *b)
{
	if (path == NULL)
		return;
	b->letter.path = b->path;
	b->letter.path_len = (unsigned)json_array_size(path);
	for (unsigned i = 0; i < b->letter.path_len; i++)
		b->path[i] = json_string_value(json_array_get(path, i));
}

static void letter_recipient(const json_t *recipient, struct letter_body *b)
{
	if (recipient == NULL)
		return;
	sodium_hex2bin(
	        b->recipient, FOG_ID_LEN, json_string_value(recipient), 2 * FOG_ID_LEN, NULL, NULL,
	        NULL
	);
	b->letter.recipient = b->recipient;
}

static int letter_address(const json_t *json, struct letter_body *b, struct http_response *res)
{
	const json_t *to = json_object_get(json, "to"), *reply = json_object_get(json, "reply_to");

	if ((to != NULL) == (reply != NULL))
		return letter_bad(res, "give either to or reply_to");
	b->letter.want_surb = json_is_true(json_object_get(json, "surb"));
	b->letter.to = json_string_value(to);
	b->letter.reply_to = json_integer_value(reply);
	// Only the sender of a SURB knows where it leads, so nothing of the way can be asked for.
	if (reply != NULL &&
	    (b->letter.want_surb || json_object_get(json, "path") != NULL ||
	     json_object_get(json, "recipient") != NULL))
		return letter_bad(
		        res, "a reply goes the way of its SURB: no surb, path, recipient"
		);
	return 0;
}

int letter_parse(const json_t *json, struct letter_body *b, struct http_response *res)
{
	memset(b, 0, sizeof(*b));
	letter_path(json_object_get(json, "path"), b);
	letter_recipient(json_object_get(json, "recipient"), b);
	if (letter_address(json, b, res) < 0 || letter_content(json, b, res) < 0)
		return -EINVAL;
	return 0;
}

void letter_free(struct letter_body *b)
{
	free(b->data);
}
