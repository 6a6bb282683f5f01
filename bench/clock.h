// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Timing of one operation: many short windows, of which median and minimum are reported, because
// the machines that this runs on are shared.
#pragma once

#include <stdint.h>

enum { BENCH_WINDOWS = 51 };

struct bench_case {
	const char *name;
	unsigned ops; // operations in one call of run
	void (*run)(void *ctx);
	void (*prepare)(void *ctx); // not timed, before each window; may be NULL
	void *ctx;
};

// Time 'n' cases interleaved, window by window (A B C A B C ...), so that a slow spell of the
// machine hits all of them alike. Prints one row a case: median and minimum ns per operation.
void bench_run(const struct bench_case *cases, unsigned n);
