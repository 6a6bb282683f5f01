// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Lines that whoever runs a command types, or has put into a file.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

// A line of 'f' with its end, if it has one. 'question' (on stderr): nobody shall see the answer on the terminal; NULL
// where nobody types. Returns whether there is a line.
bool ctl_prompt_secret(FILE *f, const char *question, char *line, size_t len);
