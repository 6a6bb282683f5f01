// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Bodies that are a small JSON object, which keeps to its schema.
#pragma once

#include <jansson.h>
#include <stdint.h>

// A whole number, or 'otherwise' when the field is missing.
static inline int64_t http_body_number(const json_t *body, const char *field, int64_t otherwise)
{
	const json_t *number = json_object_get(body, field);

	return number != NULL ? json_integer_value(number) : otherwise;
}
