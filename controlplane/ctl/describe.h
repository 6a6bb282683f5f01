// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The commands of fogctl as text for programs: what manuals and completion are made of.
#pragma once

#include <stddef.h>

struct ctl_command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

// Print each command: "command NAME<tab>sentence", then what it says to --help, each line with a tab
// in front. Returns enum ctl_exit.
int ctl_describe(const struct ctl_command *, size_t count);
