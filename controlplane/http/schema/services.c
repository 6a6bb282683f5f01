// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Supervised parts of the control plane, and long work.
#include "../../node_services.h"
#include "../../operations/operations.h"
#include "parts.h"

// clang-format off
static const struct api_schema service_name = {.type = API_STRING, .pattern = "^[a-z0-9_]{1,31}$"};
static const struct api_schema names = {.type = API_ARRAY, .item = &service_name, .max = FOG_SERVICES_MAX};
static const char *const healths[] = {"unknown", "healthy", "degraded", "unhealthy", NULL};
static const struct api_schema health = {.type = API_STRING, .values = healths};

#define SERVICE_FIELDS \
	FIELD("name", service_name, NULL), \
	FIELD("text", schema_text, "what it is"), \
	FIELD("state", ONE_OF("stopped", "starting", "running", "stopping", "waiting"), "waiting: for its next start"), \
	FIELD("health", health, "degraded: it is well itself, but something that it needs or uses is not"), \
	FIELD("critical", schema_flag, "whether the node is not ready without it"), \
	FIELD("restartable", schema_flag, "whether it can be restarted while the rest goes on; if not, it is only checked"), \
	FIELD("hangs", schema_flag, "whether a check, a start or a stop of it has not come back in time"), \
	FIELD("place", schema_count, "place in the order of starts, from 0"), \
	FIELD("layer", schema_count, "0: depends on nothing; else one more than what it depends on"), \
	FIELD("checks", schema_count, "checks since the process began"), \
	FIELD("failures", schema_count, "failed checks in a row"), \
	FIELD("recoveries", schema_count, "checks in a row that found it well, while it is unhealthy"), \
	FIELD("restarts", schema_count, "since the process began"), \
	FIELD("since", schema_time, "when it came into this state"), \
	FIELD("retry_ms", schema_count_or_null, "until its next start; null when none is due"), \
	FIELD("why", schema_text_or_null, "why it is not well; null when it is")

static const struct api_field service_fields[] = {SERVICE_FIELDS, FIELDS_END};
const struct api_schema api_service_state = {.type = API_OBJECT, .name = "ServiceState", .field = service_fields, .text = "a supervised part of the control plane"};

static const struct api_field breaker_fields[] = {
	FIELD("name", schema_text, "who is called"),
	FIELD("state", ONE_OF("closed", "open", "half_open"), "open: it is called only by who knows nobody else; half_open: a few try"),
	FIELD("failures", schema_count, "failed calls in a row"),
	FIELD("calls", schema_count, "since the process began, as the two below"),
	FIELD("failed", schema_count, "calls without an answer"),
	FIELD("refused", schema_count, "calls that were not made"),
	FIELD("retry_ms", schema_count_or_null, "until some try again; null when it is not open"),
	FIELDS_END,
};
static const struct api_schema breaker = {.type = API_OBJECT, .name = "CircuitBreaker", .field = breaker_fields, .text = "what spares somebody who does not answer"};

static const struct api_field services_fields[] = {
	FIELD("health", health, "of all together"),
	FIELD("services", ARRAY_OF(api_service_state, FOG_SERVICES_MAX), "in the order of their starts"),
	FIELD("breakers", ARRAY_OF(breaker, NODE_BREAKERS_MAX), "circuit breakers in front of calls to others"),
	FIELDS_END,
};
const struct api_schema api_services = {.type = API_OBJECT, .name = "Services", .field = services_fields};

static const struct api_field health_fields[] = {
	FIELD("health", health, "unhealthy: a critical one is; degraded: any is; unknown: one has not been checked yet"),
	FIELD("unhealthy", names, "those that are not well"),
	FIELD("degraded", names, "those that lack something that they need or use"),
	FIELDS_END,
};
const struct api_schema api_services_health = {.type = API_OBJECT, .name = "ServicesHealth", .field = health_fields};

static const struct api_field depends_fields[] = {
	FIELD("name", service_name, NULL),
	FIELD("layer", schema_count, "0: depends on nothing; else one more than what it depends on"),
	FIELD("needs", names, "what it can't do without"),
	FIELD("uses", names, "what it starts after, but can do without"),
	FIELD("needed_by", names, "who can't do without it"),
	FIELD("used_by", names, "who starts after it"),
	FIELDS_END,
};
static const struct api_field dependencies_fields[] = {
	FIELD("start_order", names, "what starts first comes first"),
	FIELD("stop_order", names, "the reverse"),
	FIELD("services", ARRAY_OF(OBJECT_OF(depends_fields), FOG_SERVICES_MAX), "in the order of their starts"),
	FIELDS_END,
};
const struct api_schema api_services_dependencies = {.type = API_OBJECT, .name = "ServicesDependencies", .field = dependencies_fields};

static const struct api_field check_fields[] = {
	FIELD("time", schema_time, "when it began"),
	FIELD("took_ms", schema_count, "how long it took"),
	FIELD("healthy", schema_flag, NULL),
	FIELD("why", schema_text_or_null, "what it found; null: nothing"),
	FIELDS_END,
};
static const struct api_field one_fields[] = {
	SERVICE_FIELDS,
	FIELD("history", ARRAY_OF(OBJECT_OF(check_fields), FOG_SERVICE_HISTORY), "its last checks, newest first"),
	FIELDS_END,
};
const struct api_schema api_service = {.type = API_OBJECT, .name = "Service", .field = one_fields};

static const struct api_field restart_fields[] = {
	FIELD_OPTIONAL("force", schema_flag, "also when others need it: they stop before it and start after it"),
	FIELDS_END,
};
const struct api_schema api_service_restart_post = {.type = API_OBJECT, .name = "ServiceRestart", .field = restart_fields};

static const struct api_schema any = {.type = API_ANY};
static const struct api_field error_fields[] = {
	FIELD("code", schema_code, "for programs: 'interrupted' when its control plane ended"),
	FIELD("text", schema_text_or_null, NULL),
	FIELDS_END,
};
#define OPERATION_FIELDS \
	FIELD("id", schema_count, NULL), \
	FIELD("kind", schema_text, "what is done"), \
	FIELD("owner", schema_text, "who has begun it"), \
	FIELD("parameters", any, "as it was begun; what is in it depends on the kind"), \
	FIELD("control_plane", schema_text, "ID of the node that is at it"), \
	FIELD("state", ONE_OF("queued", "running", "done", "failed", "cancelled"), NULL), \
	FIELD("progress", INTEGER(0, 100), "in percent"), \
	FIELD("cancel", schema_flag, "whether somebody has asked it to end"), \
	FIELD("created_at", schema_time, NULL), \
	FIELD("started_at", schema_time_or_null, "null: not yet"), \
	FIELD("ended_at", schema_time_or_null, "null: not yet"), \
	FIELD("error", OBJECT_OF(error_fields, .nullable = true), "why it has failed; null: it has not"), \
	FIELD("result", any, "what came of it; null until it is done, or when there is nothing to say")

static const struct api_field operation_fields[] = {OPERATION_FIELDS, FIELDS_END};
static const struct api_schema operation = {.type = API_OBJECT, .name = "OperationState", .field = operation_fields, .text = "long work"};
static const struct api_field operations_fields[] = {
	FIELD("operations", ARRAY_OF(operation, FOG_OPERATIONS_LIST_MAX), "newest first"),
	FIELD("next", schema_count_or_null, "'before' of the next page; null: this is the last one"),
	FIELDS_END,
};
const struct api_schema api_operations = {.type = API_OBJECT, .name = "Operations", .field = operations_fields};

static const struct api_field line_fields[] = {
	FIELD("number", schema_count, "from 1"),
	FIELD("time", schema_time, NULL),
	FIELD("text", schema_text, NULL),
	FIELDS_END,
};
static const struct api_field log_fields[] = {
	OPERATION_FIELDS,
	FIELD("log", ARRAY_OF(OBJECT_OF(line_fields), FOG_OPERATION_LINES), "what it has said, ascending; the newest lines are kept"),
	FIELD("next", schema_count, "'after' of the lines to come"),
	FIELDS_END,
};
const struct api_schema api_operation = {.type = API_OBJECT, .name = "Operation", .field = log_fields};
