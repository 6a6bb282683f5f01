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

// How many bytes at 'text' a terminal could take for more than text: control characters, U+0080 to U+009F, and characters
// that turn around the direction of what follows or begin a line.
static size_t table_unsafe(const char *text, size_t len, bool lines)
{
	const unsigned char *c = (const unsigned char *)text;

	if (c[0] == 0x7f || (c[0] < 0x20 && !(lines && (c[0] == '\n' || c[0] == '\t'))))
		return 1;
	if (len >= 2 && c[0] == 0xc2 && c[1] < 0xa0)
		return 2;
	if (len >= 3 && c[0] == 0xe2 &&
	    ((c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae) ||
	     (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9)))
		return 3;
	return 0;
}

static void table_print_text(FILE *f, const char *text, size_t len, bool lines)
{
	for (size_t i = 0; i < len; i++) {
		size_t unsafe = table_unsafe(text + i, len - i, lines);

		if (unsafe == 0)
			fputc(text[i], f);
		for (size_t k = 0; k < unsafe; k++)
			fprintf(f, "\\x%02x", (unsigned char)text[i + k]);
		i += unsafe > 0 ? unsafe - 1 : 0;
	}
}

void ctl_print_safe(FILE *f, const char *text, size_t len)
{
	table_print_text(f, text, len, true);
}

// A cell has one line. NULL: no memory.
static char *table_cell(const char *text)
{
	char *cell = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&cell, &len);

	if (f == NULL)
		return NULL;
	table_print_text(f, text, strlen(text), false);
	if (fclose(f) == 0)
		return cell;
	free(cell);
	return NULL;
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
		table_next(t, table_cell(text != NULL ? text : "-"));
}

char *ctl_value_text(const json_t *value)
{
	const char *text = json_string_value(value);
	char *out = NULL;
	size_t size;

	if (json_is_integer(value))
		return asprintf(&out, "%lld", (long long)json_integer_value(value)) < 0 ? NULL
		                                                                        : out;
	if (json_is_real(value))
		return asprintf(&out, "%.3f", json_real_value(value)) < 0 ? NULL : out;
	if (json_is_boolean(value))
		return strdup(json_is_true(value) ? "yes" : "no");
	if (json_array_size(value) == 0)
		return table_cell(text != NULL ? text : "-");
	FILE *f = open_memstream(&out, &size);
	for (size_t i = 0; f != NULL && i < json_array_size(value); i++) {
		char *one = ctl_value_text(json_array_get(value, i));
		fprintf(f, "%s%s", i > 0 ? "," : "", one != NULL ? one : "");
		free(one);
	}
	if (f != NULL)
		fclose(f);
	return out;
}

void ctl_table_value(struct ctl_table *t, const json_t *value)
{
	char *text = ctl_value_text(value);

	if (t != NULL)
		table_next(t, text);
	else
		free(text);
}

void ctl_table_row(struct ctl_table *t, const json_t *object, const char *const *keys)
{
	for (; *keys != NULL; keys++)
		ctl_table_value(t, json_object_get(object, *keys));
}

struct ctl_table *ctl_table_rows(struct ctl_table *t, const json_t *list, const char *const *keys)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		ctl_table_row(t, json_array_get(list, i), keys);
	return t;
}

struct ctl_table *ctl_table_list(const char *titles, const json_t *list, const char *const *keys)
{
	return ctl_table_rows(ctl_table_new(titles), list, keys);
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
