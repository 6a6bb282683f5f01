// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What is wrong with a file, collected for the operator: one line a finding, all findings of one
// pass. The caller owns the struct, starts with all zero, and prints 'text' or sends it as it is.
#pragma once

#include <stddef.h>

enum { FOG_REPORT_LEN = 8192 };

struct fog_report {
	unsigned errors; // findings that refuse the file, those that no longer fitted included
	unsigned warnings; // findings that don't
	size_t len; // of 'text'
	char text[FOG_REPORT_LEN]; // lines "file:line: key: what: mend"; NUL-terminated
};

// Add one finding. 'line' 0 leaves the number out (nothing of the file is to blame).
__attribute__((format(printf, 4, 5))) void fog_report_error(
        struct fog_report *r, const char *file, unsigned line, const char *format, ...
);
__attribute__((format(printf, 4, 5))) void fog_report_warning(
        struct fog_report *r, const char *file, unsigned line, const char *format, ...
);
