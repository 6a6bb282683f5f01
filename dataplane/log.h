// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Log lines of the manager: one sentence to stderr, with the mend. Never called by a worker.
#pragma once

#include <stdio.h>

#define FOG_LOG(level, format, ...) \
	fprintf(stderr, "fog-dataplane: " level ": " format "\n" __VA_OPT__(, ) __VA_ARGS__)
#define LOG_ERR(...) FOG_LOG("error", __VA_ARGS__)
#define LOG_WARN(...) FOG_LOG("warning", __VA_ARGS__)
#define LOG_INFO(...) FOG_LOG("info", __VA_ARGS__)
