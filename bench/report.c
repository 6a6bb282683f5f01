// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Rows of figures as one JSON object, or as a table of the same.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

enum { SCHEMA = 1 };

json_t *bench_row(struct bench_report *r)
{
	json_t *row = json_object();

	json_array_append_new(r->rows, row);
	return row;
}

static void figure_set(json_t *row, const char *name, const char *suffix, double value)
{
	char key[64];

	snprintf(key, sizeof(key), "%s%s", name, suffix);
	json_object_set_new(row, key, json_real(value));
}

void bench_row_figure(json_t *row, const char *name, const struct bench_figure *f)
{
	figure_set(row, name, "", f->median);
	figure_set(row, name, "_min", f->minimum);
	figure_set(row, name, "_q1", f->q1);
	figure_set(row, name, "_q3", f->q3);
}

void bench_note(struct bench_report *r, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(r->notes, json_string(text));
}

// The kernel's name for the processor with the numbers that tell generations apart; virtual
// machines often call them all alike.
static void cpu_name(char *out, size_t len)
{
	static const char *const field[] = {"model name", "cpu family", "model", "stepping"};
	char line[256], value[4][80] = {"unknown", "?", "?", "?"};
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL && line[0] != '\n') {
		char *colon = strstr(line, ": ");
		size_t name = strcspn(line, "\t:");
		for (unsigned i = 0; colon != NULL && i < 4; i++) {
			if (strlen(field[i]) == name && strncmp(line, field[i], name) == 0)
				snprintf(
				        value[i], sizeof(value[i]), "%.*s",
				        (int)strcspn(colon + 2, "\n"), colon + 2
				);
		}
	}
	if (f != NULL)
		fclose(f);
	snprintf(
	        out, len, "%s, family %s model %s stepping %s", value[0], value[1], value[2],
	        value[3]
	);
}

static const char *revision(void)
{
	const char *git = getenv("FOGLINE_REVISION"); // ./fogline asks git

	return git != NULL && git[0] != '\0' ? git : "unknown";
}

static json_t *report_object(const struct bench_report *r, const struct bench *b)
{
	char cpu[400], when[32];
	time_t now = time(NULL);
	json_t *key = json_array();

	cpu_name(cpu, sizeof(cpu));
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	for (const char *const *k = b->key; *k != NULL; k++)
		json_array_append_new(key, json_string(*k));
	return json_pack(
	        "{s:i, s:s, s:s, s:s, s:s, s:i, s:f, s:f, s:i, s:b, s:I, s:o, s:O, s:O}", //
	        "schema", SCHEMA, "bench", b->name, "git", revision(), "time", when, "cpu", cpu,
	        "core", r->plan.cpu, "clock_mhz", r->plan.clock_mhz, "tsc_mhz", r->plan.tsc_mhz,
	        "windows", (int)r->plan.windows, "quick", r->plan.quick, "repeated",
	        (json_int_t)r->plan.repeated, "key", key, "notes", r->notes, "result", r->rows
	);
}

// Columns of the table: what compares, without the spread; objects are unfolded.
static int ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static int is_spread(const char *name)
{
	return ends_with(name, "_q1") || ends_with(name, "_q3") || ends_with(name, "_min");
}

static void print_cell(const char *name, const json_t *value, int heading)
{
	int width = (int)strlen(name) > 9 ? (int)strlen(name) : 9;

	if (heading)
		printf("%*s ", width, name);
	else if (json_is_string(value))
		printf("%*s ", width, json_string_value(value));
	else if (json_is_integer(value))
		printf("%*lld ", width, (long long)json_integer_value(value));
	else if (json_is_real(value))
		printf("%*.*f ", width, json_real_value(value) < 100 ? 2 : 0,
		       json_real_value(value));
	else
		printf("%*s ", width, "-");
}

// Cells follow the first row's fields; a row without one gets a dash.
static void print_row(json_t *first, json_t *row, int heading)
{
	const char *name, *part;
	json_t *value, *inner;

	json_object_foreach(first, name, value)
	{
		json_t *own = json_object_get(row, name);

		if (is_spread(name))
			continue;
		if (!json_is_object(value)) {
			print_cell(name, own, heading);
			continue;
		}
		json_object_foreach(value, part, inner) print_cell(
		        part, json_object_get(json_object_get(own, part), "cycles"), heading
		);
	}
	printf("\n");
}

static void print_table(const json_t *object)
{
	json_t *rows = json_object_get(object, "result"), *first = json_array_get(rows, 0), *item;
	size_t i;

	printf("%s: %s, core %lld at %.0f MHz, medians of %lld windows, git %s\n",
	       json_string_value(json_object_get(object, "bench")),
	       json_string_value(json_object_get(object, "cpu")),
	       (long long)json_integer_value(json_object_get(object, "core")),
	       json_real_value(json_object_get(object, "clock_mhz")),
	       (long long)json_integer_value(json_object_get(object, "windows")),
	       json_string_value(json_object_get(object, "git")));
	print_row(first, first, 1);
	json_array_foreach(rows, i, item) print_row(first, item, 0);
	json_array_foreach(json_object_get(object, "notes"), i, item)
	        printf("note: %s\n", json_string_value(item));
}

int bench_report_print(const struct bench_report *r, const struct bench *b, bool json)
{
	json_t *object = report_object(r, b);

	if (object == NULL)
		return -1;
	if (json) {
		json_dumpf(object, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(7));
		printf("\n");
	} else {
		print_table(object);
	}
	json_decref(object);
	return ferror(stdout) || fflush(stdout) != 0 ? -1 : 0;
}
