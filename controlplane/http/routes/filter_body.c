// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "filter_body.h"

#include <errno.h>
#include <string.h>

#include "../../config/prefix.h"

__attribute__((format(printf, 4, 5))) static int filter_bad(
        struct http_response *res, int status, const char *code, const char *format, ...
)
{
	char text[400];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	http_reply_problem(res, status, code, NULL, "%s", text);
	return -EINVAL;
}

int filter_parse_limits(const json_t *json, struct fog_filter_change *c, struct http_response *res)
{
	for (unsigned i = 0; i < FOG_FILTER_LIMITS; i++) {
		const json_t *value = json_object_get(json, fog_filter_rows[i].key);
		c->given[i] = value != NULL;
		c->reset[i] = json_is_null(value);
		if (value != NULL && !c->reset[i])
			c->limit[i] = fog_filter_rows[i].flag ? json_is_true(value)
			                                      : (uint32_t)json_integer_value(value);
	}
	if (json_object_size(json) == 0)
		return filter_bad(
		        res, 400, "bad_field", "give early_drop, source_rate or source_burst"
		);
	return 0;
}

int filter_parse_prefix(
        const char *field, const char *text, struct fog_filter_change *c, struct http_response *res
)
{
	char why[256];

	if (c->count == FOG_DENY_MAX)
		return filter_bad(
		        res, 422, "out_of_range", "%s: %d prefixes are the most", field,
		        FOG_DENY_MAX
		);
	if (fog_prefix_parse(text, &c->prefix[c->count], why, sizeof(why)) < 0)
		return filter_bad(res, 422, "bad_prefix", "%s: %s", field, why);
	c->count++;
	return 0;
}

static int filter_prefixes(
        const json_t *value, struct fog_filter_change *c, struct http_response *res
)
{
	char field[32];
	int r = 0;

	if (!json_is_array(value))
		return filter_parse_prefix("prefix", json_string_value(value), c, res);
	for (size_t i = 0; i < json_array_size(value) && r == 0; i++) {
		snprintf(field, sizeof(field), "prefix[%zu]", i);
		r = filter_parse_prefix(field, json_string_value(json_array_get(value, i)), c, res);
	}
	return r;
}

int filter_parse_deny(const json_t *json, struct fog_filter_change *c, struct http_response *res)
{
	c->force = json_is_true(json_object_get(json, "force"));
	return filter_prefixes(json_object_get(json, "prefix"), c, res);
}
