// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "format.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct out {
	char *at, *end;
};

__attribute__((format(printf, 2, 3))) static void out_print(struct out *o, const char *format, ...)
{
	size_t room = (size_t)(o->end - o->at);
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(o->at, room, format, ap);
	va_end(ap);
	if (n > 0)
		o->at += (size_t)n < room ? (size_t)n : room - 1;
}

// Length of the UTF-8 sequence at 's' (RFC 3629), 0 when it is none.
static size_t utf8_len(const unsigned char *s)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80 ? 1
	        : s[0] < 0xc2  ? 0
	        : s[0] < 0xe0  ? 2
	        : s[0] < 0xf0  ? 3
	        : s[0] < 0xf5  ? 4
	                       : 0;
	uint32_t code = n > 1 ? s[0] & (0x7fu >> n) : s[0];

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	bool good = n > 0 && code >= least[n] && code <= 0x10ffff &&
	        (code < 0xd800 || code > 0xdfff);
	return good ? n : 0;
}

// C1 controls are two bytes in UTF-8 and drive terminals as well.
static bool is_control(const unsigned char *s)
{
	return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

// A character is written as a whole or not at all.
static void out_text(struct out *o, const char *text, bool escape)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s != '\0' && o->end - o->at > 8) {
		size_t n = utf8_len(s);
		if (n == 0 || is_control(s)) {
			*o->at++ = '?';
			s += n > 0 ? n : 1;
			continue;
		}
		if (escape && (*s == '"' || *s == '\\'))
			*o->at++ = '\\';
		memcpy(o->at, s, n);
		o->at += n;
		s += n;
	}
}

static void out_fields(struct out *o, const struct log_event *e)
{
	for (const struct fog_log_field *f = e->fields; f != NULL && f->key != NULL; f++) {
		out_print(o, " %s=", f->key);
		if (f->text == NULL) {
			out_print(o, "%" PRId64, f->number);
			continue;
		}
		bool quote = f->text[0] == '\0' || strpbrk(f->text, " =\"") != NULL;
		out_print(o, "%s", quote ? "\"" : "");
		out_text(o, f->text, quote);
		out_print(o, "%s", quote ? "\"" : "");
	}
	if (e->left_out > 0)
		out_print(o, " left_out=%u", e->left_out);
}

static void line_text(struct out *o, const struct log_event *e)
{
	out_print(o, "%s/%s: %s: ", e->program, e->module, fog_log_level_name(e->level));
	out_text(o, e->sentence, false);
	out_fields(o, e);
}

// Priorities of syslog(3); the journal knows the program and the time.
static void line_journal(struct out *o, const struct log_event *e)
{
	static const int priority[FOG_LOG_LEVELS] = {3, 4, 6, 7};

	out_print(o, "<%d>%s: ", priority[e->level], e->module);
	out_text(o, e->sentence, false);
	out_fields(o, e);
}

static void json_text(struct out *o, const char *key, const char *text)
{
	out_print(o, ",\"%s\":\"", key);
	out_text(o, text, true);
	out_print(o, "\"");
}

static void line_json(struct out *o, const struct log_event *e)
{
	char stamp[32];
	struct tm tm;
	struct out sentence = *o;

	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", gmtime_r(&e->time.tv_sec, &tm));
	out_print(
	        o, "{\"time\":\"%s.%06ldZ\",\"level\":\"%s\",\"program\":\"%s\",\"module\":\"%s\"",
	        stamp, e->time.tv_nsec / 1000, fog_log_level_name(e->level), e->program, e->module
	);
	// Room for the fields stays free: an object must not be cut.
	sentence = (struct out){o->at, o->end - LOG_LINE_MAX / 4};
	json_text(&sentence, "text", e->sentence);
	o->at = sentence.at;
	for (const struct fog_log_field *f = e->fields; f != NULL && f->key != NULL; f++) {
		struct out one = {o->at, o->end - 64};
		if (one.end - one.at < 64)
			break;
		if (f->text == NULL)
			out_print(&one, ",\"%s\":%" PRId64, f->key, f->number);
		else
			json_text(&one, f->key, f->text);
		if (one.end - one.at > 16) // the whole field fitted
			o->at = one.at;
	}
	if (e->left_out > 0)
		out_print(o, ",\"left_out\":%u", e->left_out);
	out_print(o, "}");
}

size_t log_format_line(char *line, enum fog_log_format format, const struct log_event *e)
{
	struct out o = {line, line + LOG_LINE_MAX - 1};

	if (format == FOG_LOG_JSON)
		line_json(&o, e);
	else if (format == FOG_LOG_JOURNAL)
		line_journal(&o, e);
	else
		line_text(&o, e);
	*o.at++ = '\n';
	return (size_t)(o.at - line);
}

void log_format_module(char out[32], const struct fog_log_site *s)
{
	const char *slash = strrchr(s->file, '/');
	const char *name = s->module != NULL ? s->module : slash != NULL ? slash + 1 : s->file;

	snprintf(out, 32, "%.*s", (int)strcspn(name, "."), name);
}
