// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A rig as a filter: a Python program speaks to it in lines of hexadecimal.
#pragma once

#include <stdint.h>

// "WHAT HEX" and the line's end.
void pipe_print_hex(const char *what, const uint8_t *bytes, unsigned len);
// Returns how many bytes stand there, 'max' at most.
unsigned pipe_read_hex(const char *text, uint8_t *out, unsigned max);
// Run 'serve' on an EAL of this name. Returns the exit code of the program: 0 when every assertion of the
// rig held.
int pipe_run(const char *name, void (*serve)(void));
