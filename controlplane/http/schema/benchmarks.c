// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Benchmarks of the appliance.
#include "../../benchmarks/throughput.h"
#include "../routes/benchmark_work.h"
#include "parts.h"

// clang-format off
#define WORD(symbol, word) word,
static const char *const types[] = {BENCHMARK_TYPES(WORD) NULL};
static const struct api_schema type_value = {.type = API_STRING, .values = types};
static const struct api_schema state_value = {.type = API_STRING, .values = (const char *const[]){"queued", "running", "done", "failed", "cancelled", NULL}};

static const char type_text[] = "crypto: whole unwraps in memory by instruction set, in a thread of the control plane; latency: loops of this node through the network; throughput: what the workers carry, without traffic of its own";

static const struct api_field post_fields[] = {
	FIELD("type", type_value, type_text),
	FIELD_OPTIONAL("seconds", INTEGER(1, FOG_BENCHMARK_SECONDS_MAX), "how long it takes; 10 when left out"),
	FIELD_OPTIONAL("rate", INTEGER(1, BENCHMARK_RATE_MAX), "of latency: loops a second on average; 50 when left out"),
	FIELD_OPTIONAL("force", schema_flag, "of latency: also when records of loops that somebody has ordered are wiped by it"),
	FIELDS_END,
};
const struct api_schema api_benchmarks_post = {.type = API_OBJECT, .name = "BenchmarkPost", .field = post_fields};

static const struct api_field taken_fields[] = {
	FIELD("operation", schema_count, "its number, which is that of its operation"),
	FIELD("type", type_value, "what is measured"),
	FIELD("seconds", INTEGER(1, FOG_BENCHMARK_SECONDS_MAX), "how long it takes"),
	FIELDS_END,
};
const struct api_schema api_benchmark_taken = {.type = API_OBJECT, .name = "BenchmarkTaken", .field = taken_fields};

static const struct api_field row_fields[] = {
	FIELD("isa", ONE_OF("ref", "avx2", "avx512"), "instruction set"),
	FIELD("packets", schema_count, "that were unwrapped"),
	FIELD("cpu_s", schema_number, "CPU time that they took, in seconds"),
	FIELD("pps", schema_number, "packets per second of CPU time"),
	FIELD("cycles_per_packet", schema_number, "of the TSC"),
	FIELDS_END,
};
static const struct api_schema row = {.type = API_OBJECT, .name = "BenchmarkIsa", .field = row_fields};

static const struct api_field spread_fields[] = {
	FIELD("p50", schema_number, "half of them are below"),
	FIELD("p90", schema_number, NULL),
	FIELD("p99", schema_number, NULL),
	FIELD("max", schema_number, NULL),
	FIELD("mean", schema_number, NULL),
	FIELDS_END,
};
static const struct api_schema spread = {.type = API_OBJECT, .name = "BenchmarkSpread", .field = spread_fields, .nullable = true, .text = "in milliseconds; null: fewer than two loops came back"};

#define RATE_FIELDS \
	FIELD("received_pps", schema_number, "frames taken from ports, a second"), \
	FIELD("sent_pps", schema_number, "packets handed to ports"), \
	FIELD("delivered_pps", schema_number, "packets handed to the control plane"), \
	FIELD("dropped_pps", schema_number, "packets dropped, all reasons together")

static const struct api_field sum_fields[] = {RATE_FIELDS, FIELDS_END};
static const struct api_field worker_fields[] = {
	FIELD("cpu", schema_count, "its CPU"),
	RATE_FIELDS,
	FIELD("capacity_pps", schema_count_or_null, "what its crypto opened when the data plane started; null: not known"),
	FIELDS_END,
};
static const struct api_schema worker = {.type = API_OBJECT, .name = "BenchmarkWorker", .field = worker_fields};

static const struct api_field result_fields[] = {
	FIELD("type", type_value, "which of the fields are there"),
	FIELD("where", schema_text, "what was measured, and what was not"),
	FIELD_OPTIONAL("packet_bytes", schema_count, "crypto: of a packet"),
	FIELD_OPTIONAL("rows", ARRAY_OF(row, FOG_BENCHMARK_ISAS_MAX), "crypto: by instruction set"),
	FIELD_OPTIONAL("sent", schema_count, "latency: loops that were sent"),
	FIELD_OPTIONAL("arrived", schema_count, "latency: of these, came back"),
	FIELD_OPTIONAL("lost", schema_count, "latency: of these, did not"),
	FIELD_OPTIONAL("unknown", schema_count, "latency: of these, were on their way when our own data plane went away"),
	FIELD_OPTIONAL("nodes", schema_count, "latency: nodes of a path that delay"),
	FIELD_OPTIONAL("travel_ms", spread, "latency: from our ring to the worker that received it"),
	FIELD_OPTIONAL("owed_ms", spread, "latency: what the network's law makes of such paths"),
	FIELD_OPTIONAL("beyond_ms", schema_number_or_null, "latency: mean travel minus mean of the law: lines and machines"),
	FIELD_OPTIONAL("beyond_error_ms", schema_number_or_null, "latency: 19 times of 20 that is no further off"),
	FIELD_OPTIONAL("measured_s", schema_number, "throughput: between the first and the last reading"),
	FIELD_OPTIONAL("sum", OBJECT_OF(sum_fields), "throughput: of all workers"),
	FIELD_OPTIONAL("workers", ARRAY_OF(worker, FOG_BENCHMARK_WORKERS_MAX), "throughput: each of them"),
	FIELD_OPTIONAL("busiest_pps", schema_number, "throughput: sent and delivered in the busiest second"),
	FIELD_OPTIONAL("port_lost", schema_count, "throughput: frames that never reached a worker"),
	FIELD_OPTIONAL("capacity_pps", schema_count_or_null, "throughput: of all workers, as of each"),
	FIELD_OPTIONAL("load", schema_number_or_null, "throughput: received, as a part of the capacity"),
	FIELDS_END,
};
static const struct api_schema result = {.type = API_OBJECT, .nullable = true, .name = "BenchmarkResult", .field = result_fields};

static const struct api_field error_fields[] = {
	FIELD("code", schema_code, "for programs: 'interrupted' when its control plane ended"),
	FIELD("text", schema_text_or_null, NULL),
	FIELDS_END,
};
static const struct api_field one_fields[] = {
	FIELD("id", schema_count, "its number, which is that of its operation"),
	FIELD("type", type_value, "what is measured"),
	FIELD("seconds", INTEGER(1, FOG_BENCHMARK_SECONDS_MAX), "how long it takes"),
	FIELD("rate", INTEGER(1, BENCHMARK_RATE_MAX, .nullable = true), "of latency: loops a second"),
	FIELD("owner", schema_text, "who has begun it"),
	FIELD("control_plane", schema_text, "ID of the node that is measured"),
	FIELD("state", state_value, NULL),
	FIELD("progress", INTEGER(0, 100), "in percent"),
	FIELD("cancel", schema_flag, "whether somebody has asked it to end"),
	FIELD("created_at", schema_time, NULL),
	FIELD("started_at", schema_time_or_null, "null: not yet"),
	FIELD("ended_at", schema_time_or_null, "null: not yet"),
	FIELD("error", OBJECT_OF(error_fields, .nullable = true), "why it has failed; null: it has not"),
	FIELD("result", result, "what was measured; null until it is done"),
	FIELDS_END,
};
const struct api_schema api_benchmark = {.type = API_OBJECT, .name = "Benchmark", .field = one_fields};

static const struct api_field list_fields[] = {
	FIELD("benchmarks", ARRAY_OF(api_benchmark, FOG_OPERATIONS_LIST_MAX), "newest first"),
	FIELD("next", schema_count_or_null, "'before' of the next page; null: this is the last one"),
	FIELDS_END,
};
const struct api_schema api_benchmarks = {.type = API_OBJECT, .name = "Benchmarks", .field = list_fields};

static const struct api_schema before_value = {.type = API_INTEGER, .max = INT64_MAX};
static const struct api_schema limit_value = {.type = API_INTEGER, .min = 1, .max = FOG_OPERATIONS_LIST_MAX, .preset = 50};
const struct api_parameter api_query_benchmarks[] = {
	{"before", &before_value, "numbers below this one: 'next' of the page before", false},
	{"limit", &limit_value, "how many at most", false},
	{"state", &state_value, "only those in this state", false},
	{"type", &type_value, "only those of this type", false},
	{NULL, NULL, NULL, false},
};
