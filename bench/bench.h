// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a bench is, and its report: rows of figures that become one JSON object or a table.
#pragma once

#include <jansson.h>

#include "../dataplane/crypto/ops.h"
#include "harness.h"

// An option of one bench: '--name VALUE'.
struct bench_option {
	const char *name, *values; // "--geometry", "mtu|mtu3|jumbo|all"
	const char *value; // the default, then what was given
};

struct bench_report {
	struct bench_plan plan;
	json_t *rows; // array of objects
	json_t *notes; // array of sentences: what was left out, and conditions of the run
};

struct bench {
	const char *name, *what;
	const char *const *key; // NULL-terminated: fields that tell rows apart
	struct bench_option *options; // up to one without name; may be NULL
	// Measures and adds rows. Returns 0 or a negative errno, after a sentence on standard error.
	int (*run)(struct bench_report *);
};

extern const struct bench bench_calendar, bench_delay, bench_directory, bench_dudect, bench_flood,
        bench_link, bench_replay, bench_scale, bench_sphinx, bench_symmetric, bench_worker,
        bench_wrap, bench_x25519;

// The implementations that this CPU can run, "ref" first. Returns how many.
enum { BENCH_ISAS_MAX = 3 };

unsigned bench_isas(const struct fog_crypto_ops *isa[BENCH_ISAS_MAX]);

// Say that an option's value is none of its values. Returns -EINVAL.
int bench_option_wrong(const struct bench_option *);
// The value as numbers separated by commas, each from 'low' to 'high', at most 'max' of them.
// Returns how many, or -EINVAL after saying what is wrong.
int bench_option_list(
        const struct bench_option *, double low, double high, double out[], unsigned max
);

// A new row; its owner is the report.
json_t *bench_row(struct bench_report *);
// Set 'name' to the median, and 'name'_min, _q1, _q3 to the spread.
void bench_row_figure(json_t *row, const char *name, const struct bench_figure *);
// Note a condition that the reader should know, as printf.
__attribute__((format(printf, 2, 3))) void bench_note(struct bench_report *, const char *, ...);
// Print the report to standard output: one JSON object, or a table.
int bench_report_print(const struct bench_report *, const struct bench *, bool json);
