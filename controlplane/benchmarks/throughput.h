// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What workers carried between two readings of their counters. Nothing is sent for it: a burst through a node that carries
// traffic would delay it, and show on its links. Pure.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { FOG_BENCHMARK_WORKERS_MAX = 64 };

// Counters of a worker, as in dataplane/api/metrics.def.
struct fog_benchmark_count {
	uint64_t rx, tx, delivered, drops;
};

struct fog_benchmark_reading {
	uint64_t time_ns; // of a clock that only goes on
	uint8_t boot_id[16]; // of the data plane
	unsigned workers;
	struct fog_benchmark_count worker[FOG_BENCHMARK_WORKERS_MAX];
	uint64_t capacity[FOG_BENCHMARK_WORKERS_MAX]; // packets per second, 0: not known
	uint32_t cpu[FOG_BENCHMARK_WORKERS_MAX];
	uint64_t port_lost; // frames that never reached a worker
};

struct fog_benchmark_rates { // per second
	double received, sent, delivered, dropped;
};

struct fog_benchmark_throughput {
	double seconds;
	unsigned workers;
	struct fog_benchmark_rates worker[FOG_BENCHMARK_WORKERS_MAX], sum;
	uint64_t port_lost;
};

// Returns 0, -EXDEV (another data plane, or other workers: there is no difference between the two), -ENODATA (no time lies between).
int fog_benchmark_throughput(
        const struct fog_benchmark_reading *begin, const struct fog_benchmark_reading *end,
        struct fog_benchmark_throughput *out
);
