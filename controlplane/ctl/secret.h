// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Passwords, codes and tokens that whoever runs a command types, or has put into a file: never an argument, which others see.
#pragma once

#include <stdio.h>

// Before the others. Returns CTL_OK, or the exit code after having said why.
int ctl_secret_begin(void);
// The next line of 'f' without its end, in locked memory that sodium_free takes. 'question' is asked where somebody types.
// NULL after having said why.
char *ctl_secret_line(FILE *f, const char *question);
// A new one from the standard input: whoever types it types it twice, so that nobody ends up with one that he doesn't know.
char *ctl_secret_new(const char *question);
