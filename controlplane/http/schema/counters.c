// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Workers, ports, drops: the data plane's counters, which all begin at its start.
#include "parts.h"

#include "../../../dataplane/api/stats.h"

// clang-format off
#define GAP "packets that the rest does not account for; 0 unless the data plane has a defect"

static const struct api_field worker_fields[] = {
	FIELD("worker", INTEGER(0, FOG_WORKERS_MAX - 1), "number of the worker"),
	FIELD("cpu", schema_count, "CPU that it runs on"),
	BOOK_FIELDS(schema_count_or_null),
	FIELD("accounting_gap", SCHEMA(API_INTEGER, .nullable = true), GAP),
	FIELD("drops_by_reason", schema_drops_or_null, "packets dropped, by reason"),
	FIELD("loops", schema_count_or_null, "rounds of its loop"),
	FIELD("idle_loops", schema_count_or_null, "rounds that found no work"),
	FIELD("sleeps", schema_count_or_null, "times that it slept"),
	FIELD("delay_clamped", schema_count_or_null, "packets whose sender wished a longer delay than the network adds"),
	FIELD("ring_faults", schema_count_or_null, "times that a ring of the control plane was found faulty"),
	FIELD("replays_accepted", schema_count_or_null, "packets seen before and let through, for benches only"),
	FIELD("traced", schema_count_or_null, "packets of which a trace record was made"),
	FIELD("trace_lost", schema_count_or_null, "sampled packets without a trace record"),
	FIELD("cover_taken", schema_count_or_null, "cover packets that left the stock"),
	FIELD("cover_sent", schema_count_or_null, "cover packets handed to their first hop"),
	FIELD("cover_starved", schema_count_or_null, "turns of cover at which the stock was empty"),
	FIELD("cover_capped", schema_count_or_null, "turns of cover that the bandwidth cap took"),
	FIELD("dummies", schema_count_or_null, "frames of nothing sent to the next node"),
	FIELD("capacity_pps", schema_count_or_null, "packets per second that its crypto opens, measured at start; null when not measured"),
	FIELD("buffers_free", schema_count_or_null, "free packet buffers in the pool"),
	FIELD("overflow", schema_count_or_null, "parked packets beyond the calendar's horizon"),
	FIELD("owed_us", schema_histogram_or_null, "delays owed, in microseconds"),
	FIELD("given_us", schema_histogram_or_null, "delays given, in microseconds"),
	FIELD("late_ns", schema_histogram_or_null, "time from when packets were due until they left, in nanoseconds"),
	FIELD("loop_ns", schema_histogram_or_null, "rounds of its loop, in nanoseconds"),
	FIELD("peers", schema_peers_or_null, "nodes that it had traffic with"),
	FIELDS_END,
};
static const struct api_schema worker = {
	.type = API_OBJECT, .name = "Worker", .field = worker_fields,
	.text = "counters of one worker, consistent in themselves; all null when they could not be read",
};

static const struct api_field sum_fields[] = {
	BOOK_FIELDS(schema_count),
	FIELD("accounting_gap", SCHEMA(API_INTEGER), GAP),
	FIELD("owed_us", schema_histogram, "delays owed, in microseconds"),
	FIELD("given_us", schema_histogram, "delays given, in microseconds"),
	FIELD("late_ns", schema_histogram, "time from when packets were due until they left, in nanoseconds"),
	FIELD("loop_ns", schema_histogram, "rounds of the workers' loops, in nanoseconds"),
	FIELD("peers", schema_peers, "nodes that there was traffic with"),
	FIELDS_END,
};

static const struct api_field workers_fields[] = {
	FIELD("workers", ARRAY_OF(worker, FOG_WORKERS_MAX, .nullable = true), "by number; null without a data plane"),
	FIELD("sum", OBJECT_OF(sum_fields, .nullable = true), "all workers together; null when one could not be read"),
	FIELDS_END,
};
const struct api_schema api_workers = {.type = API_OBJECT, .name = "Workers", .field = workers_fields};

static const struct api_field steer_fields[] = {
#define X(symbol, label, text) FIELD(label, schema_count, text),
#include "../../../dataplane/api/steer.def"
#undef X
	FIELDS_END,
};

static const struct api_field port_fields[] = {
	FIELD("name", schema_name, "name in the configuration"),
	FIELD("mode", TEXT(0, 96), "how frames come and go: afxdp's mode, DPDK's driver, or loop"),
	FIELD("mode_why", TEXT(1, 160, .nullable = true), "why it is not the fastest mode, each step; null when it is"),
	FIELD("driver_why", TEXT(0, 160), "why 'driver: auto' took its driver; empty without auto"),
	FIELD("queues", INTEGER(0, FOG_QUEUES_MAX), "receive and send queues"),
	FIELD("link_up", schema_flag, "whether the device has a link"),
	FIELD("rx_frames", schema_count, "frames received"),
	FIELD("tx_frames", schema_count, "frames sent"),
	FIELD("rx_bytes", schema_count, "bytes received"),
	FIELD("tx_bytes", schema_count, "bytes sent"),
	FIELD("lost_rx_ring", schema_count, "frames lost before a worker: ring full"),
	FIELD("lost_no_buffer", schema_count, "frames lost before a worker: no buffer"),
	FIELD("lost_invalid", schema_count, "frames lost before a worker: errors"),
	FIELD("lost_steer", schema_count, "frames dropped by the XDP program"),
	FIELD("port_lost", schema_count, "frames lost before a worker, all four together"),
	FIELD("to_kernel", schema_count, "frames that are not ours, passed to the kernel"),
	FIELD("tx_failed", schema_count, "frames that the device refused"),
	FIELD("steer", OBJECT_OF(steer_fields, .nullable = true), "frames by verdict of the XDP program; null without one"),
	FIELD("device", MAP_OF(schema_count, .nullable = true), "counters of the device by its driver's names; null when they could not be read"),
	FIELDS_END,
};
static const struct api_schema port = {.type = API_OBJECT, .name = "Port", .field = port_fields, .text = "one port of the data plane"};

static const struct api_field ports_fields[] = {
	FIELD("ports", ARRAY_OF(port, FOG_PORTS_MAX, .nullable = true), "in the configuration's order; null without a data plane"),
	FIELDS_END,
};
const struct api_schema api_ports = {.type = API_OBJECT, .name = "Ports", .field = ports_fields};

static const struct api_field reason_fields[] = {
	FIELD("reason", schema_label, "why packets are dropped"),
	FIELD("text", schema_text, "a sentence about it"),
	FIELD("packets", schema_count_or_null, "packets dropped; null when the data plane could not be read"),
	FIELDS_END,
};
static const struct api_field drops_fields[] = {
	FIELD("total", schema_count_or_null, "all packets dropped; null when the data plane could not be read"),
	FIELD("reasons", ARRAY_OF(OBJECT_OF(reason_fields), 0), "every reason, in the order of the path"),
	FIELDS_END,
};
const struct api_schema api_drops = {.type = API_OBJECT, .name = "Drops", .field = drops_fields};
