// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the delay law is worth: closed forms about the exponential with a given mean, truncated
// (conditioned) at max. Pure functions, any thread. The sender's own node_delay is left out: it can
// only add to what these figures say, and nobody but the sender knows it.
#pragma once

#include <stdint.h>

struct timing_law {
	double mean_s,
	        max_s; // of the exponential before truncation; truncation point. 0 < mean <= max
};

// Mean of the truncated law, in seconds.
double timing_law_mean(const struct timing_law *);

// Differential entropy of the law in bits, in units of 'tick_s' seconds: how many bits a release at
// the calendar's resolution tells nobody beforehand. May be negative for laws shorter than a tick.
double timing_law_entropy(const struct timing_law *, double tick_s);

// Entropy in bits of which of all arrivals it was that leaves now, over the posterior that an
// observer of all arrivals and departures has who knows the law, when packets arrive as a Poisson
// process of 'rate' per second; averaged over departures. 2 to this is the effective anonymity set of
// Serjantov and Danezis (PET 2002); the continuous mix and the limit log2(e rate mean) for much traffic
// are Danezis's (PET 2004). Exact at every rate, see README.md. 0 at rate 0: a packet alone.
double timing_law_anonymity(const struct timing_law *, double rate);

// The rate per second at which timing_law_anonymity reaches 'bits' (not negative).
double timing_law_rate(const struct timing_law *, double bits);

// Pearson's correlation between the arrivals of one bin of 'bin_s' seconds and the departures of the
// bin 'lag' bins later, when arrivals are a Poisson process and each leaves after a delay of the law:
// the chance that a packet of the one bin leaves in the other.
double timing_law_correlation(const struct timing_law *, double bin_s, unsigned lag);
