// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Log lines of the manager: the program's name, one sentence to stderr, with the mend. Never called
// by a worker.
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#define FOG_LOG(level, format, ...) \
	fprintf(stderr, "%s: " level ": " format "\n", \
	        program_invocation_short_name __VA_OPT__(, ) __VA_ARGS__)
#define LOG_ERR(...) FOG_LOG("error", __VA_ARGS__)
#define LOG_WARN(...) FOG_LOG("warning", __VA_ARGS__)
#define LOG_INFO(...) FOG_LOG("info", __VA_ARGS__)

// One line a second from one place: for what a hostile control plane can cause as often as it likes.
struct fog_log_limit {
	time_t last;
	unsigned unlogged;
};

static inline bool fog_log_due(struct fog_log_limit *l)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (l->last == now.tv_sec) {
		l->unlogged++;
		return false;
	}
	if (l->unlogged > 0)
		LOG_WARN("%u lines like the next one were left out", l->unlogged);
	l->last = now.tv_sec;
	l->unlogged = 0;
	return true;
}

#define LOG_LIMITED(log, ...) \
	do { \
		static struct fog_log_limit fog_log_limit; \
		if (fog_log_due(&fog_log_limit)) \
			log(__VA_ARGS__); \
	} while (0)
