// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "pattern.h"

#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <string.h>

static struct pattern {
	const char *text;
	regex_t compiled;
} patterns[API_PATTERNS_MAX];

static unsigned pattern_count;

static struct pattern *pattern_find(const char *pattern)
{
	for (unsigned i = 0; i < pattern_count; i++)
		if (patterns[i].text == pattern || strcmp(patterns[i].text, pattern) == 0)
			return &patterns[i];
	return NULL;
}

// What the two languages read differently: \d and the like, (?:..), an end that is left open.
static bool pattern_portable(const char *text)
{
	size_t len = strlen(text);

	if (len < 2 || text[0] != '^' || text[len - 1] != '$' || strstr(text, "(?") != NULL ||
	    strstr(text, "[:") != NULL)
		return false;
	for (const char *at = text; (at = strchr(at, '\\')) != NULL; at += 2)
		if (at[1] == '\0' || isalnum((unsigned char)at[1]))
			return false;
	return true;
}

int api_pattern_add(const char *pattern)
{
	struct pattern *p = &patterns[pattern_count];

	if (pattern_find(pattern) != NULL)
		return 0;
	if (!pattern_portable(pattern))
		return -EINVAL;
	if (pattern_count == API_PATTERNS_MAX)
		return -ENOSPC;
	if (regcomp(&p->compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return -EINVAL;
	p->text = pattern;
	pattern_count++;
	return 0;
}

bool api_pattern_matches(const char *pattern, const char *text)
{
	const struct pattern *p = pattern_find(pattern);

	return p != NULL && strnlen(text, API_PATTERN_TEXT_MAX + 1) <= API_PATTERN_TEXT_MAX &&
	        regexec(&p->compiled, text, 0, NULL, 0) == 0;
}
