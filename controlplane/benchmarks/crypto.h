// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How many packets a second this process could unwrap: whole unwraps in memory, by instruction set, on the CPU that the calling
// thread gets. No port, no replay table, no delay, and no worker's CPU: what the workers do is in /v1/workers. Any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../../dataplane/sphinx/sphinx.h"

enum {
	FOG_BENCHMARK_ISAS_MAX = 3,
	FOG_BENCHMARK_SECONDS_MAX = 600,
};

struct fog_benchmark_crypto {
	unsigned isas;

	struct {
		const char *name; // constant: "ref", "avx2", "avx512"
		uint64_t packets; // that were unwrapped
		uint64_t
		        cpu_ns; // CPU time of the thread that they took; times without the CPU don't count
		double pps; // packets per second of CPU time
		double cycles; // of the TSC, of one packet; 0: its rate is not known
	} isa[FOG_BENCHMARK_ISAS_MAX];
};

// Asked some times a second; false ends it.
typedef bool fog_benchmark_going(void *ctx, unsigned percent);

// Takes 'seconds' (1..FOG_BENCHMARK_SECONDS_MAX) altogether; the sets take turns, so that what else the host does meets all of
// them. Returns 0, -ECANCELED ('out' has what was measured), -EINVAL, -ENOMEM, -EBADMSG (a set does not open its packets).
int fog_benchmark_crypto(
        const struct fog_geometry *, unsigned seconds, fog_benchmark_going *going, void *ctx,
        struct fog_benchmark_crypto *out
);
