// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "letter.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const char *const letter_fields[] = {
        "to", "recipient", "text", "data", "surb", "path", "reply_to",
};

static int letter_bad(struct http_response *res, const char *code, const char *text)
{
	http_reply_problem(res, 400, code, NULL, "%s", text);
	return -EINVAL;
}

// A field that we don't know may be a misspelt one that matters.
static int letter_check_fields(const json_t *json, struct http_response *res)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)json, key, value)
	{
		size_t i = 0, n = sizeof(letter_fields) / sizeof(letter_fields[0]);
		while (i < n && strcmp(key, letter_fields[i]) != 0)
			i++;
		if (i == n) {
			http_reply_problem(
			        res, 400, "unknown_field", NULL, "a message has no field '%.64s'",
			        key
			);
			return -EINVAL;
		}
	}
	return 0;
}

// A C string out of JSON, or NULL: a NUL inside would end the name early and make it another one.
static const char *letter_name(const json_t *value)
{
	const char *text = json_string_value(value);

	return text != NULL && strlen(text) == json_string_length(value) ? text : NULL;
}

static int letter_content(struct letter_body *b, struct http_response *res)
{
	const json_t *text = json_object_get(b->json, "text");
	const json_t *data = json_object_get(b->json, "data");

	if ((text != NULL) == (data != NULL))
		return letter_bad(res, "bad_field", "give either text or data");
	if (text != NULL) {
		if (!json_is_string(text))
			return letter_bad(res, "bad_field", "text must be a string");
		b->letter.data = (const uint8_t *)json_string_value(text);
		b->letter.len = json_string_length(text);
		return 0;
	}
	if (!json_is_string(data))
		return letter_bad(res, "bad_field", "data must be a string of base64");
	size_t len = json_string_length(data);
	b->data = malloc(len + 1);
	if (b->data == NULL ||
	    sodium_base642bin(
	            b->data, len + 1, json_string_value(data), len, NULL, &b->letter.len, NULL,
	            sodium_base64_VARIANT_ORIGINAL
	    ) != 0)
		return letter_bad(res, "bad_field", "data must be base64 with padding");
	b->letter.data = b->data;
	return 0;
}

static int letter_path(struct letter_body *b, struct http_response *res)
{
	const json_t *path = json_object_get(b->json, "path");

	if (path == NULL)
		return 0;
	if (!json_is_array(path) || json_array_size(path) == 0 ||
	    json_array_size(path) > FOG_SPHINX_SLOTS_MAX)
		return letter_bad(res, "bad_field", "path must be an array of 1 to 20 node names");
	for (size_t i = 0; i < json_array_size(path); i++) {
		b->path[i] = letter_name(json_array_get(path, i));
		if (b->path[i] == NULL)
			return letter_bad(res, "bad_field", "path must be an array of node names");
	}
	b->letter.path = b->path;
	b->letter.path_len = (unsigned)json_array_size(path);
	return 0;
}

static int letter_recipient(struct letter_body *b, struct http_response *res)
{
	const json_t *recipient = json_object_get(b->json, "recipient");
	const char *hex = letter_name(recipient);
	size_t len = 0;

	if (recipient == NULL)
		return 0;
	if (hex == NULL || strlen(hex) != 2 * FOG_ID_LEN ||
	    sodium_hex2bin(b->recipient, FOG_ID_LEN, hex, 2 * FOG_ID_LEN, NULL, &len, NULL) != 0 ||
	    len != FOG_ID_LEN)
		return letter_bad(res, "bad_field", "recipient must be 64 hexadecimal digits");
	b->letter.recipient = b->recipient;
	return 0;
}

static int letter_address(struct letter_body *b, struct http_response *res)
{
	const json_t *to = json_object_get(b->json, "to"), *reply;
	const json_t *surb = json_object_get(b->json, "surb");

	reply = json_object_get(b->json, "reply_to");
	if ((to != NULL) == (reply != NULL))
		return letter_bad(res, "bad_field", "give either to or reply_to");
	if (surb != NULL && !json_is_boolean(surb))
		return letter_bad(res, "bad_field", "surb must be true or false");
	b->letter.want_surb = json_is_true(surb);
	if (to != NULL) {
		b->letter.to = letter_name(to);
		return b->letter.to != NULL
		        ? 0
		        : letter_bad(res, "bad_field", "to must be the name or ID of a node");
	}
	if (!json_is_integer(reply) || json_integer_value(reply) <= 0)
		return letter_bad(
		        res, "bad_field", "reply_to must be the id of a received message"
		);
	// Only the sender of a SURB knows where it leads, so nothing of the way can be asked for.
	if (b->letter.want_surb || json_object_get(b->json, "path") != NULL ||
	    json_object_get(b->json, "recipient") != NULL)
		return letter_bad(
		        res, "bad_field",
		        "a reply goes the way of its SURB: no surb, path, recipient"
		);
	b->letter.reply_to = json_integer_value(reply);
	return 0;
}

int letter_parse(const char *body, size_t len, struct letter_body *b, struct http_response *res)
{
	json_error_t error;

	memset(b, 0, sizeof(*b));
	b->json = json_loadb(body, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (b->json == NULL) {
		http_reply_problem(
		        res, 400, "bad_json", NULL, "line %d, column %d: %s", error.line,
		        error.column, error.text
		);
		return -EINVAL;
	}
	if (!json_is_object(b->json))
		return letter_bad(res, "bad_json", "a message is a JSON object");
	if (letter_check_fields(b->json, res) < 0 || letter_address(b, res) < 0 ||
	    letter_content(b, res) < 0 || letter_path(b, res) < 0 || letter_recipient(b, res) < 0)
		return -EINVAL;
	return 0;
}

void letter_free(struct letter_body *b)
{
	free(b->data);
	json_decref(b->json);
}
