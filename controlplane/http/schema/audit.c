// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The audit, and what accounts use.
#include "../../audit/search.h"
#include "parts.h"

// clang-format off
static const struct api_schema text = {.type = API_STRING, .max = 4096};
static const struct api_schema number = {.type = API_INTEGER, .min = 1, .max = INT64_MAX, .format = "uint64"};
static const struct api_schema number_or_null = {.type = API_INTEGER, .min = 1, .max = INT64_MAX, .format = "uint64", .nullable = true};
static const struct api_schema any_text = {.type = API_STRING, .max = 4096};
static const struct api_schema details = {.type = API_MAP, .item = &(const struct api_schema){.type = API_ANY}, .other = &any_text};

static const struct api_field row_fields[] = {
	FIELD("id", number, "number of the row in the store; 'after' and 'next' mean it"),
	FIELD("chain", TEXT(1, 64), "the control plane that wrote it"),
	FIELD("sequence", number, "its place in the chain"),
	FIELD("time", schema_time, "when the request came"),
	FIELD("status", SCHEMA(API_INTEGER, .min = 0, .max = 599), "of the answer; 0: there was no request"),
	FIELD("duration_us", schema_count, "until the answer was there, in microseconds"),
	FIELD("body_digest", schema_id_or_null, "BLAKE2b-256 of the body, in hexadecimal; null: there was none"),
	FIELD("actor_kind", ONE_OF("anonymous", "user", "key", "token", "local", "system"), "what asked"),
	FIELD("actor_id", text, "number of the account or key, user of the host, name of the token"),
	FIELD("actor_name", text, "of the account at that time"),
	FIELD("action", text, "what was to be done"),
	FIELD("object", text, "to what"),
	FIELD("source", text, "address that it came from; 'local': the UNIX socket"),
	FIELD("request_id", text, "X-Request-Id of the answer"),
	FIELD("correlation_id", text, "what the caller called it"),
	FIELD("method", text, "of the request"),
	FIELD("path", text, "of the request"),
	FIELD("outcome", ONE_OF("begun", "done", "refused", "failed", "unknown"),
		"what came of it; begun: another row says that; unknown: it was begun by a process that died"),
	FIELD("details", details, "code of the problem, why, and whatever else the action has; text, if it is no object"),
	FIELD("previous", schema_id, "hash of the row before it in the chain"),
	FIELD("hash", schema_id, "of this row"),
	FIELDS_END,
};
static const struct api_schema row = {.type = API_OBJECT, .name = "AuditRow", .field = row_fields};

static const struct api_field audit_fields[] = {
	FIELD("rows", ARRAY_OF(row, FOG_AUDIT_PAGE_MAX), "in the order of the store, or from the newest"),
	FIELD("next", number_or_null, "'after' of the next page; null: there is none"),
	FIELDS_END,
};
const struct api_schema api_audit = {.type = API_OBJECT, .name = "Audit", .field = audit_fields};

static const struct api_schema word = {.type = API_STRING, .min = 1, .max = 256};
static const struct api_schema outcome = {.type = API_STRING, .values = (const char *const[]){"begun", "done", "refused", "failed", "unknown", NULL}};
static const struct api_schema order = {.type = API_STRING, .values = (const char *const[]){"oldest", "newest", NULL}};
static const struct api_schema form = {.type = API_STRING, .values = (const char *const[]){"jsonl", "csv", NULL}};
static const struct api_schema after_value = {.type = API_INTEGER, .max = INT64_MAX};
static const struct api_schema page_value = {.type = API_INTEGER, .min = 1, .max = FOG_AUDIT_PAGE_MAX, .preset = 100};
static const struct api_schema time = {.type = API_STRING, .min = 20, .max = 32,
	.pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?Z$"};

#define FILTERS \
	{"chain", &word, "rows of this control plane", false}, \
	{"actor", &word, "by whom: number or name", false}, \
	{"action", &word, "actions that begin so", false}, \
	{"object", &word, "about what", false}, \
	{"source", &word, "from which address", false}, \
	{"outcome", &outcome, "what came of it", false}, \
	{"correlation_id", &word, "what the caller called it", false}, \
	{"from", &time, "from this time on, RFC 3339 in UTC", false}, \
	{"until", &time, "before this time", false}, \
	{"after", &after_value, "begin behind this row", false}

const struct api_parameter api_query_audit[] = {
	FILTERS,
	{"limit", &page_value, "how many at most", false},
	{"order", &order, "oldest or newest first; oldest when left out", false},
	{NULL, NULL, NULL, false},
};

const struct api_parameter api_query_audit_export[] = {
	FILTERS,
	{"format", &form, "jsonl: JSON, a row a line; csv", false},
	{NULL, NULL, NULL, false},
};

static const struct api_field metric_fields[] = {
	FIELD("used", schema_count, "since midnight"),
	FIELD("limit", schema_count_or_null, "of a day; null: none"),
	FIELD("remaining", schema_count_or_null, "what is left of it; null: no limit"),
	FIELDS_END,
};
static const struct api_schema metric = {.type = API_OBJECT, .name = "UsageMetric", .field = metric_fields};
static const struct api_field metrics_fields[] = {
	FIELD("deployments", metric, "deployments"),
	FIELD("api_calls", metric, "requests"),
	FIELD("compute_seconds", metric, "seconds of computing"),
	FIELD("storage_bytes", metric, "bytes stored"),
	FIELDS_END,
};
static const struct api_schema metrics = {.type = API_OBJECT, .name = "UsageMetrics", .field = metrics_fields};
static const struct api_field usage_fields[] = {
	FIELD("user_id", number, "whose it is"),
	FIELD("tier", ONE_OF("free", "pro", "enterprise"), "which limits it has"),
	FIELD("resets_at", schema_time, "next midnight, UTC"),
	FIELD("metrics", metrics, "what is counted"),
	FIELDS_END,
};
const struct api_schema api_usage = {.type = API_OBJECT, .name = "Usage", .field = usage_fields};

static const struct api_field tier_limit_fields[] = {
	FIELD("deployments", schema_count_or_null, "deployments of a day; null: no limit"),
	FIELD("api_calls", schema_count_or_null, "requests of a day"),
	FIELD("compute_seconds", schema_count_or_null, "seconds of computing of a day"),
	FIELD("storage_bytes", schema_count_or_null, "bytes stored in a day"),
	FIELDS_END,
};
static const struct api_schema tier_limits = {.type = API_OBJECT, .name = "TierLimits", .field = tier_limit_fields};
static const struct api_field tier_fields[] = {
	FIELD("tier", ONE_OF("free", "pro", "enterprise"), "its name; PATCH /v1/users/{user} gives it to an account"),
	FIELD("limits", tier_limits, "what each of its accounts may use of a day"),
	FIELDS_END,
};
static const struct api_schema tier = {.type = API_OBJECT, .name = "Tier", .field = tier_fields};
static const struct api_field tiers_fields[] = {
	FIELD("resets_at", schema_time, "when the next day begins: midnight, UTC"),
	FIELD("tiers", ARRAY_OF(tier, 3), "all there are"),
	FIELDS_END,
};
const struct api_schema api_tiers = {.type = API_OBJECT, .name = "Tiers", .field = tiers_fields};
