// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "sphinx_json.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sphinx_json_error(const char *fmt, ...)
{
	va_list ap;

	fputs("fogctl sphinx: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

json_t *sphinx_json_load(const char *file)
{
	json_error_t err;
	json_t *doc;

	if (file == NULL || strcmp(file, "-") == 0)
		doc = json_loadf(stdin, JSON_REJECT_DUPLICATES, &err);
	else
		doc = json_load_file(file, JSON_REJECT_DUPLICATES, &err);
	if (doc == NULL)
		sphinx_json_error(
		        "%s: line %d column %d: %s", err.source, err.line, err.column, err.text
		);
	return doc;
}

const char *sphinx_json_printable(const char *text, char out[65])
{
	size_t i = 0;

	for (; i < 64 && text[i] != '\0'; i++)
		out[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	out[i] = '\0';
	return out;
}

int sphinx_json_known(const json_t *obj, const char *where, const char *const names[])
{
	const char *key;
	json_t *value;

	if (!json_is_object(obj)) {
		sphinx_json_error("%s must be a JSON object", where);
		return -EINVAL;
	}
	json_object_foreach((json_t *)obj, key, value)
	{
		unsigned i = 0;
		char text[65];

		while (names[i] != NULL && strcmp(names[i], key) != 0)
			i++;
		if (names[i] == NULL) {
			sphinx_json_error(
			        "%s has no field '%s'; `fogctl sphinx help` lists them", where,
			        sphinx_json_printable(key, text)
			);
			return -EINVAL;
		}
	}
	return 0;
}

int sphinx_hex_decode(const char *hex, uint8_t *out, size_t len)
{
	const char *end;
	size_t done;

	if (strlen(hex) != 2 * len)
		return -EINVAL;
	if (sodium_hex2bin(out, len, hex, 2 * len, NULL, &done, &end) != 0 || done != len)
		return -EINVAL;
	return *end == '\0' ? 0 : -EINVAL;
}

int sphinx_json_bytes(const json_t *obj, const char *field, uint8_t *out, size_t len)
{
	const char *hex = json_string_value(json_object_get(obj, field));

	if (hex == NULL) {
		sphinx_json_error(
		        "field '%s' is missing: need a string of %zu hex digits", field, 2 * len
		);
		return -EINVAL;
	}
	if (sphinx_hex_decode(hex, out, len) < 0) {
		sphinx_json_error(
		        "field '%s': need %zu hex digits (%zu bytes), have %zu characters%s", field,
		        2 * len, len, strlen(hex), strlen(hex) == 2 * len ? ", not all hex" : ""
		);
		return -EINVAL;
	}
	return 0;
}

static int json_geometry_custom(const json_t *v, struct fog_geometry *g)
{
	static const char *const names[] = {"slots", "payload_len", NULL};
	const json_t *slots = json_object_get(v, "slots");
	const json_t *payload = json_object_get(v, "payload_len");
	json_int_t s, p;

	if (sphinx_json_known(v, "field 'geometry'", names) < 0)
		return -EINVAL;
	s = json_is_integer(slots) ? json_integer_value(slots) : -1;
	p = json_is_integer(payload) ? json_integer_value(payload) : -1;
	if (s < 1 || s > FOG_SPHINX_SLOTS_MAX || p < 0 || p > FOG_SPHINX_PACKET_MAX ||
	    fog_geometry_init(g, s, p) < 0) {
		sphinx_json_error(
		        "field 'geometry': need slots 1 to %d, payload_len 0 or more, and a packet of "
		        "at most %d bytes",
		        FOG_SPHINX_SLOTS_MAX, FOG_SPHINX_PACKET_MAX
		);
		return -EINVAL;
	}
	return 0;
}

int sphinx_json_geometry(const json_t *obj, struct fog_geometry *g)
{
	const json_t *v = json_object_get(obj, "geometry");

	if (v == NULL)
		return fog_geometry_named(g, "mtu");
	if (json_is_object(v))
		return json_geometry_custom(v, g);
	if (!json_is_string(v) || fog_geometry_named(g, json_string_value(v)) < 0) {
		sphinx_json_error("field 'geometry': need \"mtu\", \"mtu3\", \"jumbo\" or "
		                  "{\"slots\": n, \"payload_len\": n}");
		return -EINVAL;
	}
	return 0;
}

static int json_path_delay(const json_t *v, struct fog_sphinx_path_hop *hop)
{
	const json_t *delay = json_object_get(v, "delay_ms");

	if (delay == NULL)
		return 0;
	if (!json_is_integer(delay) || json_integer_value(delay) < 0 ||
	    json_integer_value(delay) > UINT32_MAX) {
		sphinx_json_error("field 'delay_ms': need 0 to %u milliseconds", UINT32_MAX);
		return -EINVAL;
	}
	hop->delay_ms = json_integer_value(delay);
	hop->has_delay = 1;
	return 0;
}

static int json_path_hop(const json_t *v, struct fog_sphinx_path_hop *hop)
{
	static const char *const names[] = {"id",        "public_key", "delay_ms",
	                                    "recipient", "surb_id",    NULL};

	memset(hop, 0, sizeof(*hop));
	if (sphinx_json_known(v, "a hop of 'path'", names) < 0 ||
	    sphinx_json_bytes(v, "id", hop->id, sizeof(hop->id)) < 0 ||
	    sphinx_json_bytes(v, "public_key", hop->public_key, sizeof(hop->public_key)) < 0 ||
	    json_path_delay(v, hop) < 0)
		return -EINVAL;
	if (json_object_get(v, "recipient") != NULL) {
		hop->has_recipient = 1;
		if (sphinx_json_bytes(v, "recipient", hop->recipient, sizeof(hop->recipient)) < 0)
			return -EINVAL;
	}
	if (json_object_get(v, "surb_id") != NULL) {
		hop->has_surb = 1;
		if (sphinx_json_bytes(v, "surb_id", hop->surb_id, sizeof(hop->surb_id)) < 0)
			return -EINVAL;
	}
	return 0;
}

int sphinx_json_path(
        const json_t *obj, const struct fog_geometry *g, struct fog_sphinx_path_hop *path,
        unsigned *n
)
{
	const json_t *list = json_object_get(obj, "path");
	size_t hops = json_array_size(list);

	if (hops < 1 || hops > g->slots) {
		sphinx_json_error(
		        "field 'path': need a list of 1 to %u hops, have %zu", g->slots, hops
		);
		return -EINVAL;
	}
	for (size_t i = 0; i < hops; i++) {
		if (json_path_hop(json_array_get(list, i), &path[i]) < 0) {
			sphinx_json_error("the error is in hop %zu of 'path'", i);
			return -EINVAL;
		}
		if (i + 1 < hops && (path[i].has_recipient || path[i].has_surb)) {
			sphinx_json_error(
			        "hop %zu of 'path': only the last hop takes 'recipient' and 'surb_id'",
			        i
			);
			return -EINVAL;
		}
	}
	*n = hops;
	return 0;
}

json_t *sphinx_json_hex(const uint8_t *bytes, size_t len)
{
	char *hex = malloc(2 * len + 1);
	json_t *v = NULL;

	if (hex != NULL) {
		sodium_bin2hex(hex, 2 * len + 1, bytes, len);
		v = json_string(hex);
		sodium_memzero(hex, 2 * len + 1);
	}
	free(hex);
	return v;
}
