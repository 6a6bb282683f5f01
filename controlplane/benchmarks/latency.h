// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the travel times of loops say, beside what the network's delay law makes of such paths. What the nodes owed to these very
// loops nobody knows before the proofs of their epoch are published (fogctl audit delays waits for them), so the two are compared
// as a whole: the mean of the travel times minus the law's mean is the mean time that lines and machines took. Pure.
#pragma once

#include <stdint.h>

#include "../../dataplane/crypto/delay.h"

struct fog_benchmark_spread {
	double p50, p90, p99, max, mean; // microseconds
};

struct fog_benchmark_latency {
	struct fog_benchmark_spread travel; // measured
	struct fog_benchmark_spread owed; // of the law: of 100,000 drawn paths
	double beyond; // mean travel minus mean owed, microseconds; below 0 by chance only
	double error; // 1.96 standard errors of it: 19 times of 20 it is no further off
};

// 'travel_us' has 'count' (at least 2) times and is sorted here; each path has 'delays' nodes that delay. Returns 0, -ENODATA (fewer
// times), -ENOMEM.
int fog_benchmark_latency(
        const struct fog_delay_law *, unsigned delays, uint64_t *travel_us, unsigned count,
        struct fog_benchmark_latency *out
);
