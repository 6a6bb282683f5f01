// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Foreign JSON and text against a schema. Patterns must have been added (pattern.h).
#pragma once

#include <jansson.h>

#include "../api.h"

enum { API_JSON_DEPTH_MAX = 32, API_DETAIL_LEN = 320 };

// What is wrong, the first API_ERRORS_MAX of it.
struct api_findings {
	unsigned count;
	const char *code; // of the first: "unknown_field", "bad_field", "bad_json", "bad_parameter"
	char detail[API_DETAIL_LEN]; // of the first, a sentence
	json_t *errors; // objects of api_problem's list; the caller gives them back or hands them on. NULL: none
};

// Parse JSON: UTF-8, no name twice, at most API_JSON_DEPTH_MAX deep. Returns a new reference, or NULL with why in 'findings'.
json_t *api_json_parse(const char *text, size_t len, struct api_findings *);

// Returns whether 'value' keeps to the schema; adds to 'findings' what does not.
bool api_validate(const struct api_schema *, const json_t *value, struct api_findings *);

// The same for a parameter's text, or a part of a path. *number gets the value of a whole number or a flag, else it stays.
bool api_validate_text(const struct api_parameter *, const char *text, int64_t *number, struct api_findings *);
