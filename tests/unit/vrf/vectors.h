// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Bytes out of a file of vectors.
#pragma once

#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "../run.h"

// Reads the hexadecimal string 'key' of 'object', of at most 'max' bytes. Returns how many it has.
static inline size_t vectors_bytes(const json_t *object, const char *key, uint8_t *out, size_t max)
{
	const char *hex = json_string_value(json_object_get(object, key));

	CU_ASSERT_PTR_NOT_NULL_FATAL(hex);
	CU_ASSERT_FATAL(strlen(hex) % 2 == 0 && strlen(hex) / 2 <= max);
	for (size_t i = 0; i < strlen(hex) / 2; i++)
		CU_ASSERT_EQUAL_FATAL(sscanf(hex + 2 * i, "%2hhx", &out[i]), 1);
	return strlen(hex) / 2;
}

// Whether the string 'key' of 'object' is the hexadecimal form of 'bytes'.
static inline void vectors_same(
        const json_t *object, const char *key, const uint8_t *bytes, size_t len
)
{
	uint8_t want[256];

	CU_ASSERT_EQUAL_FATAL(vectors_bytes(object, key, want, sizeof(want)), len);
	CU_ASSERT_EQUAL(memcmp(want, bytes, len), 0);
}

static inline uint32_t vectors_number(const json_t *object, const char *key)
{
	CU_ASSERT_TRUE_FATAL(json_is_integer(json_object_get(object, key)));
	return (uint32_t)json_integer_value(json_object_get(object, key));
}
