// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What `trace` and `capture` have in common: begin, read records until the end or Ctrl-C, throw them away.
#pragma once

#include "client.h"

// As given on the command line; NULL = the API's default.
struct ctl_lookout_options {
	const char *sample, *count, *seconds, *worker;
};

struct ctl_lookout {
	const char *path; // of the API
	// It has begun. Returns CTL_OK, or the exit code after having said why.
	int (*begin)(void *ctx, struct ctl_client *, const json_t *answer);
	void (*each)(void *ctx, struct ctl_client *, const json_t *record);
};

// Returns enum ctl_exit.
int ctl_lookout_run(
        struct ctl_client *, const struct ctl_lookout *, const struct ctl_lookout_options *,
        void *ctx, const char *usage
);
