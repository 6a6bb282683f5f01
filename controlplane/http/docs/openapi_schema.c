// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Schemas as JSON Schema 2020-12, the dialect of OpenAPI 3.1.
#include <string.h>

#include "openapi.h"

static const char *const schema_types[] = {
        [API_OBJECT] = "object",   [API_MAP] = "object",      [API_ARRAY] = "array",
        [API_STRING] = "string",   [API_INTEGER] = "integer", [API_NUMBER] = "number",
        [API_BOOLEAN] = "boolean",
};

// The words for the least and the most of a type.
static const char *const schema_limits[][2] = {
        [API_MAP] = {"minProperties", "maxProperties"}, [API_ARRAY] = {"minItems", "maxItems"},
        [API_STRING] = {"minLength", "maxLength"},      [API_INTEGER] = {"minimum", "maximum"},
        [API_NUMBER] = {"minimum", "maximum"},          [API_BOOLEAN] = {NULL, NULL},
};

static void schema_limit(json_t *out, const struct api_schema *s)
{
	const char *const *words = schema_limits[s->type];

	if (words[0] == NULL || (s->min == 0 && s->max == 0))
		return;
	json_object_set_new(out, words[0], json_integer(s->min));
	if ((s->max != 0 || s->min < 0) && s->max != INT64_MAX)
		json_object_set_new(out, words[1], json_integer(s->max));
}

static void schema_type(json_t *out, const struct api_schema *s)
{
	if (s->type == API_ANY)
		return;
	json_object_set_new(
	        out, "type",
	        s->nullable ? json_pack("[s, s]", schema_types[s->type], "null")
	                    : json_string(schema_types[s->type])
	);
}

static void schema_values(json_t *out, const struct api_schema *s)
{
	json_t *values;

	if (s->values == NULL)
		return;
	values = json_array();
	for (const char *const *one = s->values; *one != NULL; one++)
		json_array_append_new(values, json_string(*one));
	if (s->nullable)
		json_array_append_new(values, json_null());
	json_object_set_new(out, "enum", values);
}

static void schema_fields(json_t *out, const struct api_schema *s)
{
	json_t *properties = json_object(), *required = json_array();

	for (const struct api_field *f = s->field; f->name != NULL; f++) {
		json_t *field = api_schema_json(f->schema, false);
		if (f->text != NULL)
			json_object_set_new(field, "description", json_string(f->text));
		json_object_set_new(properties, f->name, field);
		if (!f->optional)
			json_array_append_new(required, json_string(f->name));
	}
	json_object_set_new(out, "properties", properties);
	if (json_array_size(required) > 0)
		json_object_set(out, "required", required);
	json_decref(required);
	json_object_set_new(out, "additionalProperties", json_false());
}

json_t *api_schema_json(const struct api_schema *s, bool whole)
{
	json_t *out;

	if (s->other != NULL) {
		struct api_schema alone = *s;
		alone.other = NULL;
		return json_pack(
		        "{s:[o, o]}", "anyOf", api_schema_json(&alone, whole),
		        api_schema_json(s->other, false)
		);
	}
	if (s->name != NULL && !whole)
		return json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", s->name));
	out = json_object();
	schema_type(out, s);
	if (s->text != NULL)
		json_object_set_new(out, "description", json_string(s->text));
	if (s->format != NULL)
		json_object_set_new(out, "format", json_string(s->format));
	if (s->pattern != NULL)
		json_object_set_new(out, "pattern", json_string(s->pattern));
	schema_values(out, s);
	if (s->preset != 0)
		json_object_set_new(out, "default", json_integer(s->preset));
	if (s->type != API_ANY && s->type != API_OBJECT)
		schema_limit(out, s);
	if (s->type == API_OBJECT)
		schema_fields(out, s);
	if (s->item != NULL)
		json_object_set_new(
		        out, s->type == API_MAP ? "additionalProperties" : "items",
		        api_schema_json(s->item, false)
		);
	return out;
}
