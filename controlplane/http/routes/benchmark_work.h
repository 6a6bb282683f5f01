// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The work of benchmarks, by the threads of operations/: measure, and make the result's JSON of it.
#pragma once

#include "../../benchmarks/crypto.h"
#include "../../node.h"
#include "../../operations/operations.h"

// Types: X(SYMBOL, "word").
#define BENCHMARK_TYPES(X) \
	X(CRYPTO, "crypto") \
	X(LATENCY, "latency") \
	X(THROUGHPUT, "throughput")

enum benchmark_type {

#define X(symbol, word) BENCHMARK_##symbol,
	BENCHMARK_TYPES(X)
#undef X
	        BENCHMARK_TYPE_COUNT
};

enum { BENCHMARK_RATE_MAX = 100 };

extern const char *const benchmark_names[BENCHMARK_TYPE_COUNT];

struct benchmark_order {
	struct fog_node *node; // outlives the work
	enum benchmark_type type;
	unsigned seconds; // 1..FOG_BENCHMARK_SECONDS_MAX
	unsigned rate; // of latency: loops a second, 1..BENCHMARK_RATE_MAX
	struct fog_geometry geometry; // of crypto
};

// Each of them is a fog_operation_work; 'ctx' is a struct benchmark_order.
int benchmark_work(struct fog_operation *, void *ctx);
