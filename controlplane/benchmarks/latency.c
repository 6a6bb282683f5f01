// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "latency.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>

enum { DRAWS = 100000 };

static int earlier(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double rank(const uint64_t *sorted, unsigned count, unsigned percent)
{
	return (double)sorted[(uint64_t)(count - 1) * percent / 100];
}

static struct fog_benchmark_spread spread(uint64_t *us, unsigned count)
{
	double sum = 0;

	qsort(us, count, sizeof(us[0]), earlier);
	for (unsigned i = 0; i < count; i++)
		sum += (double)us[i];
	return (struct fog_benchmark_spread
	){rank(us, count, 50), rank(us, count, 90), rank(us, count, 99), (double)us[count - 1],
	  sum / count};
}

static double standard_error(const uint64_t *us, unsigned count, double mean)
{
	double squares = 0;

	for (unsigned i = 0; i < count; i++)
		squares += ((double)us[i] - mean) * ((double)us[i] - mean);
	return sqrt(squares / (count - 1) / count);
}

// The same draws each time, so that two runs differ by what was measured only.
static int draw(const struct fog_delay_law *law, unsigned delays, uint64_t *owed)
{
	static const unsigned char seed[randombytes_SEEDBYTES] = "fogline benchmark latency";
	uint64_t *u = malloc(DRAWS * sizeof(*u) * (delays > 0 ? delays : 1)), *at = u;

	if (u == NULL)
		return -ENOMEM;
	randombytes_buf_deterministic(u, DRAWS * sizeof(*u) * delays, seed);
	for (unsigned i = 0; i < DRAWS; i++) {
		owed[i] = 0;
		for (unsigned k = 0; k < delays; k++)
			owed[i] += fog_delay_quantile(law, *at++);
	}
	free(u);
	return 0;
}

int fog_benchmark_latency(
        const struct fog_delay_law *law, unsigned delays, uint64_t *travel_us, unsigned count,
        struct fog_benchmark_latency *out
)
{
	uint64_t *owed;
	int r;

	if (count < 2)
		return -ENODATA;
	owed = malloc(DRAWS * sizeof(*owed));
	r = owed != NULL ? draw(law, delays, owed) : -ENOMEM;
	if (r == 0)
		out->owed = spread(owed, DRAWS);
	free(owed);
	if (r < 0)
		return r;
	out->travel = spread(travel_us, count);
	out->beyond = out->travel.mean - out->owed.mean;
	out->error = 1.96 * standard_error(travel_us, count, out->travel.mean);
	return 0;
}
