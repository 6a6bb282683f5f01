// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "answer.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

enum { NAME_LEN = 128, TITLES_LEN = 512, COLUMNS_MAX = 24, DEPTH_MAX = 4 };

// What becomes a table of its own.
static bool answer_is_table(const json_t *value)
{
	const char *key;
	json_t *one;
	bool nested = json_object_size(value) > 1;

	if (json_is_array(value))
		return json_is_object(json_array_get(value, 0));
	json_object_foreach((json_t *)value, key, one) nested = nested && json_is_object(one);
	return nested;
}

static void answer_name(char name[NAME_LEN], const char *above, const char *key)
{
	snprintf(name, NAME_LEN, "%s%s%s", above, above[0] != '\0' ? "." : "", key);
}

static int answer_width(const char *above, const json_t *o, unsigned depth)
{
	char name[NAME_LEN];
	const char *key;
	json_t *value;
	int width = 0;

	json_object_foreach((json_t *)o, key, value)
	{
		int len = 0;
		answer_name(name, above, key);
		if (json_is_object(value) && !answer_is_table(value) && depth < DEPTH_MAX)
			len = answer_width(name, value, depth + 1);
		else if (!answer_is_table(value))
			len = (int)strlen(name);
		width = len > width ? len : width;
	}
	return width;
}

static void answer_lines(const char *above, const json_t *o, int width, unsigned depth)
{
	char name[NAME_LEN];
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)o, key, value)
	{
		answer_name(name, above, key);
		if (answer_is_table(value))
			continue;
		if (json_is_object(value) && depth < DEPTH_MAX) {
			answer_lines(name, value, width, depth + 1);
			continue;
		}
		char *text = ctl_value_text(value);
		printf("%-*s  %s\n", width, name, text != NULL ? text : "");
		free(text);
	}
}

// The fields of the first one that fit into cells. Returns how many.
static unsigned answer_columns(const json_t *first, const char *columns[COLUMNS_MAX + 1])
{
	unsigned n = 0;
	const char *key;
	json_t *value;

	json_object_foreach(
	        (json_t *)first, key, value
	) if (n < COLUMNS_MAX && !json_is_object(value) && !answer_is_table(value))
	        columns[n++] = key;
	columns[n] = NULL;
	return n;
}

static struct ctl_table *answer_table(const char *first, const char *const *columns)
{
	char titles[TITLES_LEN];
	size_t used = (size_t)snprintf(titles, sizeof(titles), "%s", first);

	for (; *columns != NULL && used < sizeof(titles); columns++)
		used += (size_t)snprintf(
		        titles + used, sizeof(titles) - used, "%s%s", used > 0 ? "|" : "", *columns
		);
	for (char *at = titles; *at != '\0'; at++)
		*at = *at == '_' || *at == '.' ? ' ' : *at;
	return ctl_table_new(titles);
}

static void answer_rows(const char *name, const json_t *value)
{
	const char *columns[COLUMNS_MAX + 1], *key;
	json_t *one;

	if (json_is_array(value)) {
		if (answer_columns(json_array_get(value, 0), columns) == 0)
			return;
		printf("\n%s:\n", name);
		ctl_table_print(ctl_table_rows(answer_table("", columns), value, columns), stdout);
		return;
	}
	void *at = json_object_iter((json_t *)value);
	if (answer_columns(json_object_iter_value(at), columns) == 0)
		return;
	struct ctl_table *t = answer_table(name, columns);
	json_object_foreach((json_t *)value, key, one)
	{
		ctl_table_text(t, key);
		ctl_table_row(t, one, columns);
	}
	puts("");
	ctl_table_print(t, stdout);
}

static void answer_tables(const char *above, const json_t *o, unsigned depth)
{
	char name[NAME_LEN];
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)o, key, value)
	{
		answer_name(name, above, key);
		if (answer_is_table(value))
			answer_rows(name, value);
		else if (json_is_object(value) && depth < DEPTH_MAX)
			answer_tables(name, value, depth + 1);
	}
}

void ctl_answer_object(const json_t *answer)
{
	answer_lines("", answer, answer_width("", answer, 0), 0);
	answer_tables("", answer, 0);
}

// "limits.read" is a field of an object inside.
static const json_t *answer_field(const json_t *o, const char *name)
{
	size_t len = strcspn(name, ".");
	const json_t *value = json_object_getn(o, name, len);

	return name[len] == '.' ? answer_field(value, name + len + 1) : value;
}

void ctl_answer_list(const json_t *answer, const char *list, const char *columns)
{
	const char *column[COLUMNS_MAX + 1];
	char copy[TITLES_LEN], *rest = copy;
	unsigned n = 0;
	size_t row;
	json_t *one;

	snprintf(copy, sizeof(copy), "%s", columns);
	while (rest != NULL && n < COLUMNS_MAX)
		column[n++] = strsep(&rest, " ");
	column[n] = NULL;
	struct ctl_table *t = answer_table("", column);
	json_array_foreach(json_object_get(answer, list), row, one) for (unsigned i = 0; i < n; i++)
	        ctl_table_value(t, answer_field(one, column[i]));
	ctl_table_print(t, stdout);
}
