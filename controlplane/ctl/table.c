// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct ctl_table {
	size_t columns, cells, room;
	char **cell;
};

static char *table_next(struct ctl_table *t, char *text)
{
	if (t->cells == t->room) {
		size_t room = t->room * 2 + 64;
		char **grown = realloc(t->cell, room * sizeof(*grown));
		if (grown == NULL) {
			free(text);
			return NULL;
		}
		t->cell = grown;
		t->room = room;
	}
	return t->cell[t->cells++] = text;
}

struct ctl_table *ctl_table_new(const char *titles)
{
	struct ctl_table *t = calloc(1, sizeof(*t));

	while (t != NULL) {
		size_t len = strcspn(titles, "|");
		table_next(t, strndup(titles, len));
		t->columns++;
		if (titles[len] == '\0')
			break;
		titles += len + 1;
	}
	return t;
}

void ctl_table_text(struct ctl_table *t, const char *text)
{
	if (t != NULL)
		table_next(t, strdup(text != NULL ? text : "-"));
}

void ctl_table_value(struct ctl_table *t, const json_t *value)
{
	char text[64];

	if (json_is_integer(value)) {
		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
		ctl_table_text(t, text);
	} else if (json_is_boolean(value)) {
		ctl_table_text(t, json_is_true(value) ? "yes" : "no");
	} else {
		ctl_table_text(t, json_string_value(value));
	}
}

void ctl_table_row(struct ctl_table *t, const json_t *object, const char *const *keys)
{
	for (; *keys != NULL; keys++)
		ctl_table_value(t, json_object_get(object, *keys));
}

struct ctl_table *ctl_table_list(const char *titles, const json_t *list, const char *const *keys)
{
	struct ctl_table *t = ctl_table_new(titles);

	for (size_t i = 0; i < json_array_size(list); i++)
		ctl_table_row(t, json_array_get(list, i), keys);
	return t;
}

static bool table_is_number(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "-0123456789.,/")] == '\0';
}

void ctl_table_print(struct ctl_table *t, FILE *f)
{
	if (t == NULL)
		return;
	for (size_t i = 0; f != NULL && i < t->cells; i++) {
		size_t column = i % t->columns, width = 0, len;
		const char *text = t->cell[i] != NULL ? t->cell[i] : "";
		for (size_t k = column; k < t->cells; k += t->columns) {
			len = t->cell[k] != NULL ? strlen(t->cell[k]) : 0;
			width = len > width ? len : width;
		}
		// A title stands over its numbers.
		const char *below = i < t->columns && i + t->columns < t->cells
		        ? t->cell[i + t->columns]
		        : text;
		bool right = below != NULL && table_is_number(below);
		bool last = column == t->columns - 1;
		if (last && !right)
			fputs(text, f);
		else
			fprintf(f, "%*s", right ? (int)width : -(int)width, text);
		fputs(last ? "\n" : "  ", f);
	}
	for (size_t i = 0; i < t->cells; i++)
		free(t->cell[i]);
	free(t->cell);
	free(t);
}

void ctl_print_safe(FILE *f, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		// U+0080 to U+009F are control characters to a terminal, too.
		bool c1 = c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0;
		if (c1)
			fprintf(f, "\\xc2\\x%02x", (unsigned char)text[++i]);
		else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			fprintf(f, "\\x%02x", c);
		else
			fputc(c, f);
	}
}
