// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The log of both processes: one line an event to stderr, with a level, the module that speaks, one
// sentence with the mend, and facts as key=value behind it. Never called by a worker, and never
// with a secret, a payload, a tag or anything about a single packet.
//
//   LOG_WARN("port %s: link down", name);
//   LOG_WITH(FOG_LOG_INFO, LOG_FIELDS(LOG_TEXT("port", name), LOG_NUMBER("up", 1)), "link is up");
//
// Every place in the source has a bucket of its own: FOG_LOG_BURST lines at once, then one a second,
// and the next line that it may write is preceded by how many were left out. So whoever can cause a
// line can't fill a disk with it.
//
// Formats: "text" is PROGRAM/MODULE: LEVEL: SENTENCE key=value (the supervisor adds the time), for
// terminals and files; "journal" puts systemd's <N> in front instead of program and level
// (sd-daemon(3)); "json" is one object a line with the time. "auto" is journal when stderr is the
// journal's socket (JOURNAL_STREAM, systemd.exec(5)), else text.
//
// A module is called as its file, unless the file defines LOG_MODULE before it includes this.
// Any thread; blocks on a lock and on stderr.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum fog_log_level { FOG_LOG_ERROR, FOG_LOG_WARNING, FOG_LOG_INFO, FOG_LOG_DEBUG };

enum fog_log_format { FOG_LOG_AUTO, FOG_LOG_TEXT, FOG_LOG_JOURNAL, FOG_LOG_JSON };

enum {
	FOG_LOG_LEVELS = FOG_LOG_DEBUG + 1,
	FOG_LOG_BURST = 5, // lines that one place may write at once
};

// A place in the source that logs. Lives for ever, guarded by the lock of log.c.
struct fog_log_site {
	const char *file, *module; // module NULL: called as the file
	uint64_t refill_ms; // up to when 'tokens' were filled
	uint32_t tokens;
	uint32_t left_out; // since its last line
	bool known; // on the list of all sites
	enum fog_log_level level; // of the lines left out
	struct fog_log_site *next;
};

// A fact. 'text' NULL: it is the number.
struct fog_log_field {
	const char *key;
	const char *text;
	int64_t number;
};

extern _Atomic int fog_log_threshold; // use fog_log_level() and fog_log_level_set()

static inline enum fog_log_level fog_log_level(void)
{
	return (enum fog_log_level)atomic_load_explicit(&fog_log_threshold, memory_order_relaxed);
}

static inline bool fog_log_wanted(enum fog_log_level level)
{
	return level <= fog_log_level();
}

// Lines up to 'level' are written from now on; info before the first call.
void fog_log_level_set(enum fog_log_level level);
void fog_log_format_set(enum fog_log_format format);

// "error", "warning", "info", "debug", and back. Return the level or format, or -EINVAL.
const char *fog_log_level_name(enum fog_log_level level);
int fog_log_level_parse(const char *name);
int fog_log_format_parse(const char *name);

// Write one event, if its site's bucket allows. 'fields' ends with a NULL key and may be NULL.
__attribute__((format(printf, 4, 5))) void fog_log_write(
        struct fog_log_site *, enum fog_log_level, const struct fog_log_field *fields,
        const char *format, ...
);
// Write every line of 'text' as an event of its own, without a limit: for findings that somebody
// has asked for, and who sees half of them mends half of it.
void fog_log_lines(struct fog_log_site *, enum fog_log_level, const char *text);
// Say what was left out by places that have been silent since. Call it about once a second.
void fog_log_flush(void);

#ifndef LOG_MODULE
#define LOG_MODULE NULL
#endif

// clang-format off
#define LOG_SITE_DO(level, ...) \
	do { \
		static struct fog_log_site fog_log_site = {.file = __FILE__, .module = LOG_MODULE}; \
		if (fog_log_wanted(level)) \
			__VA_ARGS__; \
	} while (0)
// clang-format on

#define LOG_AT(level, ...) \
	LOG_SITE_DO(level, fog_log_write(&fog_log_site, level, NULL, __VA_ARGS__))
#define LOG_ERR(...) LOG_AT(FOG_LOG_ERROR, __VA_ARGS__)
#define LOG_WARN(...) LOG_AT(FOG_LOG_WARNING, __VA_ARGS__)
#define LOG_INFO(...) LOG_AT(FOG_LOG_INFO, __VA_ARGS__)
#define LOG_DEBUG(...) LOG_AT(FOG_LOG_DEBUG, __VA_ARGS__)

#define LOG_TEXT(name, value) ((struct fog_log_field){.key = (name), .text = (value)})
#define LOG_NUMBER(name, value) ((struct fog_log_field){.key = (name), .number = (int64_t)(value)})
#define LOG_FIELDS(...) ((const struct fog_log_field[]){__VA_ARGS__, {0}})
#define LOG_WITH(level, fields, ...) \
	LOG_SITE_DO(level, fog_log_write(&fog_log_site, level, fields, __VA_ARGS__))
#define LOG_LINES(level, text) LOG_SITE_DO(level, fog_log_lines(&fog_log_site, level, text))

// Every place is limited, so this is the line itself.
#define LOG_LIMITED(log, ...) log(__VA_ARGS__)
