// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Levels, buckets and the one place that writes to stderr.
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "format.h"

_Atomic int fog_log_threshold = FOG_LOG_INFO;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum fog_log_format log_format = FOG_LOG_AUTO; // under the lock
static struct fog_log_site *sites; // under the lock: all that ever left a line out
static char line[LOG_LINE_MAX], sentence[LOG_LINE_MAX]; // under the lock

static const char *const level_names[FOG_LOG_LEVELS] = {"error", "warning", "info", "debug"};
static const char *const format_names[] = {"auto", "text", "journal", "json"};

static int word_find(const char *const *words, int count, const char *word)
{
	for (int i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -EINVAL;
}

const char *fog_log_level_name(enum fog_log_level level)
{
	return level_names[level];
}

int fog_log_level_parse(const char *name)
{
	return word_find(level_names, FOG_LOG_LEVELS, name);
}

int fog_log_format_parse(const char *name)
{
	return word_find(format_names, sizeof(format_names) / sizeof(format_names[0]), name);
}

void fog_log_level_set(enum fog_log_level level)
{
	atomic_store_explicit(&fog_log_threshold, (int)level, memory_order_relaxed);
}

void fog_log_format_set(enum fog_log_format format)
{
	pthread_mutex_lock(&lock);
	log_format = format;
	pthread_mutex_unlock(&lock);
}

// systemd names device and inode of the stream that it made stderr.
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	        fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

// One write a line, so that lines of several processes never mix. Under the lock.
static void line_write(
        const struct fog_log_site *s, enum fog_log_level level, const struct fog_log_field *fields,
        const char *text, uint32_t left_out
)
{
	char module[32];
	struct log_event e = {
	        .program = program_invocation_short_name,
	        .module = module,
	        .level = level,
	        .sentence = text,
	        .fields = fields,
	        .left_out = left_out,
	};

	if (log_format == FOG_LOG_AUTO)
		log_format = stderr_is_journal() ? FOG_LOG_JOURNAL : FOG_LOG_TEXT;
	log_format_module(module, s);
	clock_gettime(CLOCK_REALTIME, &e.time);
	size_t len = log_format_line(line, log_format, &e);
	if (write(STDERR_FILENO, line, len) < 0)
		return; // there is nowhere to say it
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// Take a token, of which a second brings one. Under the lock.
static bool site_take(struct fog_log_site *s)
{
	uint64_t now = now_ms(), seconds;

	if (!s->known) {
		s->known = true;
		s->tokens = FOG_LOG_BURST;
		s->refill_ms = now;
		s->next = sites;
		sites = s;
	}
	seconds = (now - s->refill_ms) / 1000;
	s->refill_ms += seconds * 1000;
	s->tokens = seconds + s->tokens < FOG_LOG_BURST ? s->tokens + (uint32_t)seconds
	                                                : FOG_LOG_BURST;
	if (s->tokens == 0)
		return false;
	s->tokens--;
	return true;
}

void fog_log_write(
        struct fog_log_site *s, enum fog_log_level level, const struct fog_log_field *fields,
        const char *format, ...
)
{
	int saved = errno; // callers go on with it
	va_list ap;

	pthread_mutex_lock(&lock);
	if (site_take(s)) {
		va_start(ap, format);
		vsnprintf(sentence, sizeof(sentence), format, ap);
		va_end(ap);
		line_write(s, level, fields, sentence, s->left_out);
		s->left_out = 0;
	} else {
		s->left_out++;
		s->level = level;
	}
	pthread_mutex_unlock(&lock);
	errno = saved;
}

void fog_log_lines(struct fog_log_site *s, enum fog_log_level level, const char *text)
{
	pthread_mutex_lock(&lock);
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		snprintf(sentence, sizeof(sentence), "%.*s", (int)len, text);
		line_write(s, level, NULL, sentence, 0);
		text += len + (text[len] == '\n');
	}
	pthread_mutex_unlock(&lock);
}

void fog_log_flush(void)
{
	pthread_mutex_lock(&lock);
	for (struct fog_log_site *s = sites; s != NULL; s = s->next) {
		if (s->left_out == 0 || !site_take(s))
			continue;
		snprintf(
		        sentence, sizeof(sentence), "%u lines like the last one were left out",
		        s->left_out
		);
		s->left_out = 0;
		line_write(s, s->level, NULL, sentence, 0);
	}
	pthread_mutex_unlock(&lock);
}
