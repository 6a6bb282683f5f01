// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Benchmarks of the appliance.
#include "../benchmarks/crypto.h"
#include "schema_parts.h"

// clang-format off
static const struct api_field post_fields[] = {
	FIELD("type", ONE_OF("crypto"), "crypto: whole unwraps in memory by instruction set, in a thread of the control plane, on the CPUs that it may use"),
	FIELD_OPTIONAL("seconds", INTEGER(1, FOG_BENCHMARK_SECONDS_MAX), "how long it takes; 10 when left out"),
	FIELDS_END,
};
const struct api_schema api_benchmarks_post = {.type = API_OBJECT, .name = "BenchmarkPost", .field = post_fields};

static const struct api_field taken_fields[] = {
	FIELD("operation", schema_count, "number of its operation: progress, result, cancelling"),
	FIELD("type", ONE_OF("crypto"), "what is measured"),
	FIELD("seconds", INTEGER(1, FOG_BENCHMARK_SECONDS_MAX), "how long it takes"),
	FIELDS_END,
};
const struct api_schema api_benchmark_taken = {.type = API_OBJECT, .name = "Benchmark", .field = taken_fields};
