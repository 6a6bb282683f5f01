// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From an event to one line of text.
#pragma once

#include <stddef.h>
#include <time.h>

#include "log.h"

enum { LOG_LINE_MAX = 4096 };

struct log_event {
	const char *program, *module;
	enum fog_log_level level;
	const char *sentence;
	const struct fog_log_field *fields; // ends with a NULL key; may be NULL
	uint32_t left_out; // lines like this one before it
	struct timespec time; // CLOCK_REALTIME
};

// Write the line with its end into 'line' (LOG_LINE_MAX bytes, not NUL-terminated); what does not
// fit is cut off, the line's end never. 'format' is not FOG_LOG_AUTO. Returns its length. What is no
// UTF-8, and control characters, come out as '?': foreign words can neither begin a line of their
// own nor drive a terminal.
size_t log_format_line(char *line, enum fog_log_format format, const struct log_event *);

// Name of a module: its own, or the file's without folder and ending. 'out' takes 32 bytes.
void log_format_module(char out[32], const struct fog_log_site *);
