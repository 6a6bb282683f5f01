// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The table of routes as an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.0). Any thread.
#pragma once

#include <jansson.h>

#include "../api.h"

// Headings, in the order of tags.def, ended by a NULL name.
struct api_tag {
	const char *name;

	enum api_effects { API_EFFECTS_NODE, API_EFFECTS_PLATFORM } effects;

	const char *text;
};

extern const struct api_tag api_tags[];
// Where what a route changes lies.
enum api_effects api_route_effects(const struct api_route *);

const char *api_rate_word(enum api_rate);

// A new reference; NULL: no memory, or two schemas have one name.
json_t *api_openapi(const struct api_route *rows, unsigned count);

// A schema as it stands in the document: a reference when it has a name and 'whole' is false. A new reference.
json_t *api_schema_json(const struct api_schema *, bool whole);
