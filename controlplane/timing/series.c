// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BIN_NS (TIMING_BIN_MS * UINT64_C(1000000))

enum { RING = TIMING_BINS + 128 }; // room for bins that not every worker has left behind

struct series_bin {
	float rx, tx, mixed;
	bool unsure; // a reading was missing
};

struct timing_series {
	unsigned workers;
	uint64_t first; // number of the first bin that is measured as a whole; 0: not known yet
	uint64_t newest; // greatest bin that is cleared for use
	struct timing_reading last[TIMING_WORKERS_MAX]; // ns 0: none yet
	struct series_bin bin[RING]; // by number modulo RING
};

struct timing_series *timing_series_new(void)
{
	return calloc(1, sizeof(struct timing_series));
}

void timing_series_free(struct timing_series *s)
{
	free(s);
}

void timing_series_reset(struct timing_series *s, unsigned workers)
{
	memset(s, 0, sizeof(*s));
	s->workers = workers;
}

// Bins up to 'number' may be written to.
static void series_open(struct timing_series *s, uint64_t number)
{
	if (s->newest == 0 || number > s->newest + RING)
		s->newest = number - 1;
	while (s->newest < number)
		memset(&s->bin[++s->newest % RING], 0, sizeof(s->bin[0]));
}

// One bin's share of what came between two readings.
static void series_share(struct series_bin *b, const double delta[3], double share, bool unsure)
{
	b->rx += (float)(delta[0] * share);
	b->tx += (float)(delta[1] * share);
	b->mixed += (float)(delta[2] * share);
	b->unsure |= unsure;
}

void timing_series_add(struct timing_series *s, unsigned worker, const struct timing_reading *fresh)
{
	struct timing_reading *old = &s->last[worker], last = *old;

	if (fresh->ns <= last.ns || fresh->rx < last.rx || fresh->tx < last.tx ||
	    fresh->mixed < last.mixed)
		return;
	*old = *fresh;
	uint64_t end = fresh->ns / BIN_NS;
	series_open(s, end);
	if (last.ns == 0) {
		if (s->first <= end)
			s->first = end + 1;
		return;
	}
	double span = (double)(fresh->ns - last.ns);
	const double delta[3] = {
	        (double)(fresh->rx - last.rx), (double)(fresh->tx - last.tx),
	        (double)(fresh->mixed - last.mixed)};
	bool unsure = span > 2.0 * BIN_NS;
	uint64_t begin = last.ns / BIN_NS;
	for (uint64_t b = end; b + RING > end && b >= begin; b--) {
		uint64_t from = b == begin ? last.ns : b * BIN_NS;
		uint64_t to = b == end ? fresh->ns : (b + 1) * BIN_NS;
		series_share(&s->bin[b % RING], delta, (double)(to - from) / span, unsure);
	}
}

// The bins that are complete: numbers from *begin to before the returned one.
static uint64_t series_range(const struct timing_series *s, uint64_t *begin)
{
	uint64_t end = UINT64_MAX;

	for (unsigned w = 0; w < s->workers; w++) {
		uint64_t bin = s->last[w].ns / BIN_NS;
		if (bin < end)
			end = bin;
	}
	if (s->workers == 0 || s->first == 0 || end <= s->first) {
		*begin = 0;
		return 0;
	}
	*begin = s->first;
	if (end - *begin > TIMING_BINS)
		*begin = end - TIMING_BINS;
	// A worker that fell far behind has its oldest bins taken away by the others.
	if (s->newest >= RING && *begin <= s->newest - RING)
		*begin = s->newest - RING + 1;
	return *begin < end ? end : *begin;
}

double timing_series_seconds(const struct timing_series *s)
{
	uint64_t begin, end = series_range(s, &begin);
	unsigned sure = 0;

	for (uint64_t b = begin; b < end; b++)
		sure += !s->bin[b % RING].unsure;
	return sure * TIMING_BIN_MS / 1e3;
}

double timing_series_rate(const struct timing_series *s, double seconds, double least)
{
	uint64_t begin, end = series_range(s, &begin), most = (uint64_t)(seconds * 1e9 / BIN_NS);
	double sum = 0;

	if (end - begin > most)
		begin = end - most;
	// A share in the wrong bin is no wrong rate, so the unsure ones count too.
	double measured = (double)(end - begin) * TIMING_BIN_MS / 1e3;
	for (uint64_t b = begin; b < end; b++)
		sum += (double)s->bin[b % RING].mixed;
	return measured > 0 && measured >= least ? sum / measured : NAN;
}

// The bins joined to 'count' longer ones, as plain arrays.
struct series_flat {
	unsigned count;
	double rx[TIMING_BINS], tx[TIMING_BINS];
	bool unsure[TIMING_BINS];
};

static void series_flatten(const struct timing_series *s, unsigned join, struct series_flat *f)
{
	uint64_t begin, end = series_range(s, &begin);

	f->count = (unsigned)((end - begin) / join);
	for (unsigned i = 0; i < f->count; i++) {
		f->rx[i] = f->tx[i] = 0;
		f->unsure[i] = false;
		for (unsigned k = 0; k < join; k++) {
			const struct series_bin *b = &s->bin[(begin + i * join + k) % RING];
			f->rx[i] += (double)b->rx;
			f->tx[i] += (double)b->tx;
			f->unsure[i] |= b->unsure;
		}
	}
}

// NAN when there are too few pairs, or no spread. Counts are taken from their first value on, which
// keeps the sums small.
static double series_pearson(const struct series_flat *f, unsigned lag, unsigned *pairs)
{
	double n = 0, a = 0, b = 0, aa = 0, bb = 0, ab = 0;

	for (unsigned i = 0; i + lag < f->count; i++) {
		if (f->unsure[i] || f->unsure[i + lag])
			continue;
		double x = f->rx[i] - f->rx[0], y = f->tx[i + lag] - f->tx[0];
		n++;
		a += x;
		b += y;
		aa += x * x;
		bb += y * y;
		ab += x * y;
	}
	*pairs = (unsigned)n;
	if (n < TIMING_PAIRS_MIN)
		return NAN;
	double spread_a = aa - a * a / n, spread_b = bb - b * b / n;
	// Shares of bins are rounded, so what never changes may seem to; one packet makes a spread of 1.
	if (spread_a < 0.5 || spread_b < 0.5)
		return NAN;
	return (ab - a * b / n) / sqrt(spread_a * spread_b);
}

// What the absolute value of a standard normal variable exceeds with probability 'chance'.
static double series_exceeded(double chance)
{
	double low = 0, high = 10;

	for (int i = 0; i < 50; i++) {
		double middle = (low + high) / 2;
		if (erfc(middle / M_SQRT2) > chance)
			low = middle;
		else
			high = middle;
	}
	return high;
}

struct timing_correlation timing_series_correlate(const struct timing_series *s, double longest_s)
{
	const double bin_s = TIMING_BIN_MS / 1e3;
	unsigned join = (unsigned)fmax(1, ceil(longest_s / bin_s / TIMING_LAGS_MAX));
	struct timing_correlation c = {.value = NAN, .lag_s = NAN, .noise = NAN};
	struct series_flat *f = malloc(sizeof(*f));
	unsigned least = UINT32_MAX, pairs;

	c.bin_s = join * bin_s;
	c.lags = (unsigned)ceil(longest_s / c.bin_s) + 1;
	if (f == NULL)
		return c;
	series_flatten(s, join < TIMING_BINS ? join : TIMING_BINS, f);
	for (unsigned lag = 0; lag < c.lags; lag++) {
		double r = series_pearson(f, lag, &pairs);
		least = pairs < least ? pairs : least;
		if (!isnan(r) && !(fabs(r) <= fabs(c.value))) {
			c.value = r;
			c.lag_s = lag * c.bin_s;
		}
	}
	free(f);
	if (!isnan(c.value))
		c.noise = series_exceeded(0.01 / c.lags) / sqrt(fmax(least, TIMING_PAIRS_MIN));
	return c;
}
