// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Arrivals and departures in bins of equal length over the last minutes, made of counters that are
// read at any instants. What a worker counted between two readings is spread evenly between them.
// Not for several threads at once. Time is CLOCK_MONOTONIC in nanoseconds.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	TIMING_BIN_MS = 50,
	TIMING_BINS = 6000, // 5 minutes
	TIMING_LAGS_MAX = 200, // bins are joined for longer delays
	TIMING_PAIRS_MIN = 100, // bins that a correlation needs
	TIMING_WORKERS_MAX = 64,
};

// What a worker has counted up to an instant.
struct timing_reading {
	uint64_t ns;
	uint64_t rx, tx; // frames that came from and went to the wire
	uint64_t mixed; // packets that were given a delay
};

struct timing_series;

struct timing_series *timing_series_new(void); // NULL: no memory
void timing_series_free(struct timing_series *); // accepts NULL
// Forget everything: from now on the counters are those of 'workers' (1..TIMING_WORKERS_MAX) workers.
void timing_series_reset(struct timing_series *, unsigned workers);
// Another reading of a worker. Counters that went back, and time that did, change nothing.
void timing_series_add(struct timing_series *, unsigned worker, const struct timing_reading *);

// Seconds that are measured: bins that every worker has left behind, without those that lie between
// readings too far apart to say which bin it was.
double timing_series_seconds(const struct timing_series *);
// Packets per second that were given a delay in the last 'seconds'; NAN when less than 'least' seconds of
// them are measured.
double timing_series_rate(const struct timing_series *, double seconds, double least);

struct timing_correlation {
	double value; // the one of greatest absolute value; NAN: no data
	double lag_s, bin_s; // where it is; bins that it was taken over
	double noise; // unrelated arrivals and departures stay under this 99 times of 100
	unsigned lags; // 0..lags - 1 were looked at
};

// Pearson's correlation between arrivals and later departures over lags from 0 to 'longest_s'. No
// data: under TIMING_PAIRS_MIN pairs of bins, or all bins alike.
struct timing_correlation timing_series_correlate(const struct timing_series *, double longest_s);
