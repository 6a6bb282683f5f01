// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "parts.h"

#include "../../../dataplane/api/abi.h"

// clang-format off
#define BOTH(name, ...) \
	const struct api_schema schema_##name = {__VA_ARGS__}; \
	const struct api_schema schema_##name##_or_null = {__VA_ARGS__, .nullable = true}

static const char *const labels[] = {
#define X(symbol, label, text) label,
#include "../../../dataplane/api/drops.def"
#undef X
	NULL};
static const char *const roles[] = {"gateway", "mix", "service", NULL};

BOTH(flag, .type = API_BOOLEAN);
BOTH(count, .type = API_INTEGER, .max = INT64_MAX, .format = "uint64");
BOTH(epoch, .type = API_INTEGER, .max = INT64_MAX, .format = "uint64");
BOTH(number, .type = API_NUMBER);
BOTH(ratio, .type = API_NUMBER, .max = 1);
BOTH(time, .type = API_STRING, .format = "date-time",
     .pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z$");
BOTH(text, .type = API_STRING);
BOTH(code, .type = API_STRING, .pattern = "^[a-z0-9_]{1,63}$");
BOTH(name, .type = API_STRING, .pattern = "^[!-~]{1,31}$");
BOTH(id, .type = API_STRING, .format = "hex", .pattern = "^[0-9a-f]{64}$");
BOTH(boot_id, .type = API_STRING, .format = "hex", .pattern = "^[0-9a-f]{32}$");
BOTH(ip, .type = API_STRING, .format = "ip", .min = 2, .max = 45);
BOTH(label, .type = API_STRING, .values = labels);
BOTH(role, .type = API_STRING, .values = roles);

static const struct api_field histogram_fields[] = {
	FIELD("count", schema_count, "values that were counted"),
	FIELD("p50", schema_count_or_null, "half of them are not above; null without any"),
	FIELD("p99", schema_count_or_null, "99 of 100 are not above; null without any"),
	FIELD("max", schema_count_or_null, "the greatest one; null without any"),
	FIELDS_END,
};
const struct api_schema schema_histogram = {
	.type = API_OBJECT, .name = "Histogram", .field = histogram_fields,
	.text = "distribution of a time since the data plane started, in the unit that its field's name ends in",
};
const struct api_schema schema_histogram_or_null = {
	.type = API_OBJECT, .nullable = true, .field = histogram_fields,
};

static const struct api_field peer_fields[] = {
	FIELD("name", schema_name_or_null, "name of the node; null when the network lists it no more"),
	FIELD("node_id", schema_id_or_null, "its ID; null when it has gone meanwhile"),
	FIELD("tx", schema_count, "packets handed to it"),
	FIELD("rx", schema_count, "packets that came from it"),
	FIELDS_END,
};
static const struct api_schema peer = {
	.type = API_OBJECT, .name = "Peer", .field = peer_fields, .text = "packets to and from another node",
};
BOTH(peers, .type = API_ARRAY, .item = &peer, .max = FOG_NODES_MAX);

static const struct api_field drop_fields[] = {
#define X(symbol, label, text) FIELD(label, schema_count, text),
#include "../../../dataplane/api/drops.def"
#undef X
	FIELDS_END,
};
BOTH(drops, .type = API_OBJECT, .field = drop_fields);

static const char *const config_states[] = {"in_force", "pending", "refused", "not_attached", NULL};
const struct api_schema schema_config_state = {.type = API_STRING, .values = config_states};
