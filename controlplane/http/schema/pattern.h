// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The patterns of schemas, compiled once.
#pragma once

#include <stdbool.h>

enum {
	API_PATTERNS_MAX = 256,
	API_PATTERN_TEXT_MAX = 4096, // bytes of a text that is compared; longer ones match nothing
};

// Compile a pattern that means the same as a POSIX ERE and in ECMA-262. The text must live as long as the process.
// Before the first request, one thread. Returns 0, -EINVAL (no such pattern), -ENOSPC.
int api_pattern_add(const char *pattern);

// Whether 'text' matches; false of a pattern that was not added. Any thread.
bool api_pattern_matches(const char *pattern, const char *text);
