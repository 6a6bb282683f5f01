// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Traces, captures, levels of the log.
#include "../../../dataplane/api/abi.h"
#include "../../../dataplane/api/trace.h"
#include "parts.h"

enum { PAGE_MAX = 1000 };

// clang-format off
static const struct api_field post_fields[] = {
	FIELD_OPTIONAL("sample", INTEGER(1, FOG_TRACE_SAMPLE_MAX), "look at one of so many; 100 when left out"),
	FIELD_OPTIONAL("count", INTEGER(1, FOG_TRACE_COUNT_MAX), "end after so many records; 100 when left out"),
	FIELD_OPTIONAL("seconds", INTEGER(1, FOG_TRACE_SECONDS_MAX), "end after this time; 10 when left out"),
	FIELD_OPTIONAL("worker", INTEGER(0, FOG_WORKERS_MAX - 1), "look at this worker only; all when left out"),
	FIELDS_END,
};
const struct api_schema api_trace_post = {.type = API_OBJECT, .name = "TraceOrder", .field = post_fields};

#define STATE_FIELDS \
	FIELD("state", ONE_OF("none", "active", "ended"), "ended: what was recorded can be read for 10 minutes"), \
	FIELD("began_at", schema_time_or_null, "when it began; null without one"), \
	FIELD("sample", schema_count, "one of so many is looked at; 0 without one"), \
	FIELD("count", schema_count, "records after which it ends; 0 without one"), \
	FIELD("seconds", schema_count, "time after which it ends; 0 without one"), \
	FIELD("worker", INTEGER(0, FOG_WORKERS_MAX - 1, .nullable = true), "the only worker that is looked at; null: all"), \
	FIELD("recorded", schema_count, "records so far")

static const struct api_field state_fields[] = {STATE_FIELDS, FIELDS_END};
const struct api_schema api_trace_state = {.type = API_OBJECT, .name = "TraceState", .field = state_fields};

static const struct api_field stage_fields[] = {
#define X(symbol, label, text) FIELD_OPTIONAL(label, schema_count, text),
#include "../../../dataplane/api/trace.def"
	FIELDS_END,
};

static const struct api_field packet_fields[] = {
	FIELD("id", schema_count, "counts the records of a worker since its start"),
	FIELD("worker", INTEGER(0, FOG_WORKERS_MAX - 1), "number of the worker"),
	FIELD("port", INTEGER(0, 65535, .nullable = true), "where it came from, in the configuration's order; null: made here"),
	FIELD("queue", INTEGER(0, 65535, .nullable = true), "queue of that port; null: made here"),
	FIELD("arrival_ns", schema_count, "since the trace began, in nanoseconds"),
	FIELD("stages_ns", OBJECT_OF(stage_fields), "when it had passed each stage since its arrival, in nanoseconds; those that it did not reach are left out"),
	FIELD("owed_us", schema_count_or_null, "delay owed, in microseconds; null when it was not fixed"),
	FIELD("late_ns", schema_count_or_null, "time from when it was due until it left, in nanoseconds; null when it did not wait"),
	FIELD("outcome", ONE_OF("sent", "delivered", "dropped", "punted"), "what became of it; punted: handed on unopened"),
	FIELD("drop", schema_label_or_null, "why it was dropped; null when it was not"),
	FIELD("end_ns", schema_count, "end of its way through this node since its arrival, in nanoseconds"),
	FIELDS_END,
};
static const struct api_schema packet = {.type = API_OBJECT, .name = "TraceRecord", .field = packet_fields, .text = "a packet, stage by stage"};

static const struct api_field trace_fields[] = {
	STATE_FIELDS,
	FIELD("records", ARRAY_OF(packet, PAGE_MAX), "in the order in which they came from the data plane"),
	FIELD("next", schema_count, "'after' of the next page"),
	FIELDS_END,
};
const struct api_schema api_trace = {.type = API_OBJECT, .name = "Trace", .field = trace_fields};

static const struct api_field frame_fields[] = {
	FIELD("time_ns", schema_count, "since the capture began, in nanoseconds"),
	FIELD("direction", ONE_OF("in", "out"), "as this node sees it"),
	FIELD("frame_bytes", schema_count, "size of the frame"),
	FIELD("headers", TEXT(0, 2 * FOG_CAPTURE_DATA, .format = "hex", .pattern = "^([0-9a-f]{2})*$"), "Ethernet to UDP, nothing behind"),
	FIELD("worker", INTEGER(0, FOG_WORKERS_MAX - 1), "number of the worker"),
	FIELD("port", INTEGER(0, 65535), "in the configuration's order"),
	FIELD("queue", INTEGER(0, 65535), "queue of that port"),
	FIELD("drop", schema_label_or_null, "why the parser rejected it; null when it did not"),
	FIELDS_END,
};
static const struct api_schema frame = {.type = API_OBJECT, .name = "CapturedFrame", .field = frame_fields, .text = "size and headers of a frame"};

static const struct api_field capture_fields[] = {
	STATE_FIELDS,
	FIELD("records", ARRAY_OF(frame, PAGE_MAX), "in the order in which they came from the data plane"),
	FIELD("next", schema_count, "'after' of the next page"),
	FIELDS_END,
};
const struct api_schema api_capture = {.type = API_OBJECT, .name = "Capture", .field = capture_fields};

static const struct api_field none_fields[] = {
	FIELD("state", ONE_OF("none"), "there is none any more"),
	FIELDS_END,
};
const struct api_schema api_none = {.type = API_OBJECT, .name = "Ended", .field = none_fields};

static const char *const level_names[] = {"error", "warning", "info", "debug", NULL};
static const struct api_schema level = {.type = API_STRING, .values = level_names};
static const struct api_schema level_or_null = {.type = API_STRING, .nullable = true, .values = level_names};

static const struct api_field level_fields[] = {
	FIELD("control_plane", level, "level of fog-controlplane: lines of this one and of graver ones"),
	FIELD("data_plane", level_or_null, "level of fog-dataplane; null when none is attached"),
	FIELDS_END,
};
const struct api_schema api_log = {.type = API_OBJECT, .name = "LogLevels", .field = level_fields};

static const struct api_field set_level_fields[] = {
	FIELD_OPTIONAL("control_plane", level, "left out: as it is"),
	FIELD_OPTIONAL("data_plane", level, "left out: as it is"),
	FIELDS_END,
};
const struct api_schema api_log_put = {.type = API_OBJECT, .name = "LogLevelsChange", .field = set_level_fields};
