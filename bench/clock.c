// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CASES_MAX = 32 };

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void bench_run(const struct bench_case *cases, unsigned n)
{
	static double ns[CASES_MAX][BENCH_WINDOWS];

	if (n > CASES_MAX)
		n = CASES_MAX;
	for (int w = -1; w < BENCH_WINDOWS; w++) { // window -1 warms up
		for (unsigned i = 0; i < n; i++) {
			if (cases[i].prepare != NULL)
				cases[i].prepare(cases[i].ctx);
			uint64_t start = now_ns();
			cases[i].run(cases[i].ctx);
			if (w >= 0)
				ns[i][w] = (double)(now_ns() - start) / cases[i].ops;
		}
	}
	printf("%-34s %12s %12s\n", "operation", "median ns", "minimum ns");
	for (unsigned i = 0; i < n; i++) {
		qsort(ns[i], BENCH_WINDOWS, sizeof(double), by_value);
		printf("%-34s %12.1f %12.1f\n", cases[i].name, ns[i][BENCH_WINDOWS / 2], ns[i][0]);
	}
}
