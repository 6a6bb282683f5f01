// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How well the traffic of the last minutes hides in itself, as live gauges: what somebody sees who
// watches every frame of this node, and what the delay law does about it. Formulas: law.h, series.h.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../dpclient.h"

struct fog_timing;

enum {
	FOG_TIMING_SAMPLE_MS = 50,
	FOG_TIMING_WINDOW_S = 300, // of the correlation
	FOG_TIMING_RATE_S = 60, // of the packet rate
	FOG_TIMING_LEAST_S = 10, // measured, before there is a rate
};

// The law that the node's packets are delayed by, from the topology.
struct fog_timing_law {
	uint32_t mean_us, max_us, cap_ms;
};

// What is not measured is NAN.
struct fog_timing_figures {
	double measured_s; // of the window; 0: nothing yet
	double correlation, correlation_lag_s; // of greatest absolute value, and where
	double correlation_noise; // unrelated series stay under it 99 times of 100
	double correlation_expected; // of Poisson traffic under this law, at its best lag
	double correlation_bin_s;
	double tick_s; // of the calendar
	double law_mean_s; // of the truncated law
	double law_entropy; // bits, at the tick's resolution
	double rate; // packets per second that were given a delay
	double pool; // packets that wait now
	double pool_expected; // at this rate under this law
	double anonymity; // bits
	double set; // 2 to the 'anonymity'
};

// Returns 0 or -ENOMEM. The client must outlive it.
int fog_timing_create(struct fog_dpclient *, struct fog_timing **);
void fog_timing_destroy(struct fog_timing *); // accepts NULL

// Read the counters once; every FOG_TIMING_SAMPLE_MS. Without a data plane, or after it was started
// anew, everything begins anew. Control thread.
void fog_timing_sample(struct fog_timing *);

// The figures, at most a second old. Any thread.
void fog_timing_figures(struct fog_timing *, const struct fog_timing_law *, struct fog_timing_figures *);

// The rate, in packets per second, at which the effective set would have 'set' packets.
double fog_timing_rate_for(const struct fog_timing_law *, double set);
