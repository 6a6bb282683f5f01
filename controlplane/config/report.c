// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Whole findings only: half a sentence helps nobody.
static void report_add(
        struct fog_report *r, const char *file, unsigned line, const char *mark, const char *format,
        va_list args
)
{
	char what[1024];
	size_t room = sizeof(r->text) - r->len;
	int n;

	vsnprintf(what, sizeof(what), format, args);
	if (line > 0)
		n = snprintf(r->text + r->len, room, "%s:%u: %s%s\n", file, line, mark, what);
	else
		n = snprintf(r->text + r->len, room, "%s: %s%s\n", file, mark, what);
	if (n < 0 || (size_t)n >= room)
		r->text[r->len] = '\0';
	else
		r->len += (size_t)n;
}

void fog_report_error(
        struct fog_report *r, const char *file, unsigned line, const char *format, ...
)
{
	va_list args;

	va_start(args, format);
	report_add(r, file, line, "", format, args);
	va_end(args);
	r->errors++;
}

void fog_report_warning(
        struct fog_report *r, const char *file, unsigned line, const char *format, ...
)
{
	va_list args;

	va_start(args, format);
	report_add(r, file, line, "warning: ", format, args);
	va_end(args);
	r->warnings++;
}
