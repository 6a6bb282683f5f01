// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the work says of itself. Nothing here waits for the store.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../now.h"
#include "private.h"

// Length of the UTF-8 sequence at 'p', 0: it is none (RFC 3629 §4).
static unsigned text_sequence(const uint8_t *p)
{
	unsigned len = p[0] < 0x80            ? 1
	        : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
	        : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
	        : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
	                                      : 0;

	for (unsigned i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	// Longer than it need be, a surrogate, or beyond the last character.
	bool bad = len > 2 &&
	        ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	         (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f));
	return bad ? 0 : len;
}

// The store takes UTF-8 only, and a text may have been cut.
static void text_clean(char *text)
{
	uint8_t *p = (uint8_t *)text;

	while (*p != 0) {
		unsigned len = text_sequence(p);
		if (len == 0 || *p < ' ' || *p == 0x7f)
			*p = '?';
		p += len > 0 ? len : 1;
	}
}

bool fog_operation_cancelled(struct fog_operation *op)
{
	pthread_mutex_lock(&op->operations->lock);
	bool stop = op->operations->stop;
	pthread_mutex_unlock(&op->operations->lock);
	pthread_mutex_lock(&op->lock);
	bool cancelled = op->cancel || stop;
	op->heard |= cancelled;
	pthread_mutex_unlock(&op->lock);
	return cancelled;
}

void fog_operation_progress(struct fog_operation *op, unsigned percent)
{
	pthread_mutex_lock(&op->lock);
	if (percent > 99)
		percent = 99;
	if (percent > op->now.progress) {
		op->now.progress = percent;
		op->news = true;
	}
	pthread_mutex_unlock(&op->lock);
}

void fog_operation_log(struct fog_operation *op, const char *format, ...)
{
	struct operation_state *now = &op->now;
	va_list args;

	pthread_mutex_lock(&op->lock);
	if (now->pending == OPERATION_PENDING) {
		now->pending--;
		memmove(now->line, now->line + 1, now->pending * sizeof(now->line[0]));
	}
	struct operation_line *line = &now->line[now->pending++];
	line->number = ++now->line_count;
	line->time_us = fog_now_unix_us();
	va_start(args, format);
	vsnprintf(line->text, sizeof(line->text), format, args);
	va_end(args);
	text_clean(line->text);
	op->news = true;
	pthread_mutex_unlock(&op->lock);
}

void fog_operation_result(struct fog_operation *op, const char *json)
{
	char *copy = strlen(json) <= FOG_OPERATION_JSON_MAX ? strdup(json) : NULL;

	pthread_mutex_lock(&op->lock);
	free(op->result);
	op->result = copy;
	op->too_long = copy == NULL;
	pthread_mutex_unlock(&op->lock);
}

void fog_operation_error(struct fog_operation *op, const char *code, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&op->lock);
	snprintf(op->now.error_code, sizeof(op->now.error_code), "%s", code);
	va_start(args, format);
	vsnprintf(op->now.error_text, sizeof(op->now.error_text), format, args);
	va_end(args);
	text_clean(op->now.error_text);
	pthread_mutex_unlock(&op->lock);
}
