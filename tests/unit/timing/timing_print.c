// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// For timing_check.py: what the closed forms say. Reads lines "mean max tick rate bin" in seconds,
// packets per second and seconds; prints mean, entropy, anonymity and the correlations at lags 0 to 4.
#include <stdio.h>

#include "../../../controlplane/timing/law.h"

int main(void)
{
	double mean, max, tick, rate, bin;

	while (scanf("%lf %lf %lf %lf %lf", &mean, &max, &tick, &rate, &bin) == 5) {
		struct timing_law law = {.mean_s = mean, .max_s = max};
		printf("%.12g %.12g %.12g", timing_law_mean(&law), timing_law_entropy(&law, tick),
		       timing_law_anonymity(&law, rate));
		for (unsigned lag = 0; lag < 5; lag++)
			printf(" %.12g", timing_law_correlation(&law, bin, lag));
		puts("");
	}
	return 0;
}
