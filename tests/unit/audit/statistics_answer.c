// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The judge's statistics for the Python that checks them: one question a line, one answer a line.
//   normal Z | binomial N K P | hypergeometric ALL MARKED DRAWN K
//   permutation N A.. B..     standard deviations
//   slope N X.. Y..           pairs, low, middle, high
//   ranks N V..               the ranks
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/ctl/audit/statistics.h"

enum { VALUES_MAX = 1000 };

static size_t numbers(char **save, double *out)
{
	const char *word;
	size_t n = 0;

	while (n < 2 * VALUES_MAX && (word = strtok_r(NULL, " \n", save)) != NULL)
		out[n++] = strtod(word, NULL);
	return n;
}

static void answer(const char *verb, double *v, size_t count)
{
	static double rank[VALUES_MAX];
	static size_t order[VALUES_MAX];
	size_t n = v[0] > 0 ? (size_t)v[0] : 0; // "normal" takes any number

	if (strcmp(verb, "normal") == 0)
		printf("%.17g\n", stat_log_normal(v[0]));
	else if (strcmp(verb, "binomial") == 0)
		printf("%.17g\n", stat_log_binomial(n, (size_t)v[1], v[2]));
	else if (strcmp(verb, "hypergeometric") == 0)
		printf("%.17g\n",
		       stat_log_hypergeometric(n, (size_t)v[1], (size_t)v[2], (size_t)v[3]));
	else if (strcmp(verb, "permutation") == 0 && count == 2 * n + 1)
		printf("%.17g\n", stat_permutation_z(v + 1, v + 1 + n, n));
	else if (strcmp(verb, "slope") == 0 && count == 2 * n + 1) {
		struct stat_slope s = stat_slope(v + 1, v + 1 + n, n, order, rank);
		printf("%zu %.17g %.17g %.17g\n", s.pairs, s.low, s.middle, s.high);
	} else if (strcmp(verb, "ranks") == 0 && count == n + 1) {
		stat_ranks(v + 1, n, rank, order);
		for (size_t i = 0; i < n; i++)
			printf("%.17g%s", rank[i], i + 1 < n ? " " : "\n");
	} else {
		exit(2);
	}
	fflush(stdout);
}

int main(void)
{
	static double v[2 * VALUES_MAX];
	static char line[64 * VALUES_MAX];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		char *save, *verb = strtok_r(line, " \n", &save);
		size_t n = verb == NULL ? 0 : numbers(&save, v);
		if (n == 0)
			return 2;
		answer(verb, v, n);
	}
	return 0;
}
