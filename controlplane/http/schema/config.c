// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The configuration, from the same rows as its loader.
#include "kinds.h"

// clang-format off
#define X(section, key, member, kind, fallback, low, high, reload, text) FIELD(key, KIND_##kind(low, high), text),
static const struct api_schema cpu = {.type = API_INTEGER, .max = 1023};
static const struct api_schema prefix = {.type = API_STRING, .min = 3, .max = 49};
static const struct api_schema workers_cpus = {.type = API_ARRAY, .item = &cpu, .max = FOG_WORKERS_MAX, .text = "CPU of each worker"};
static const struct api_schema filter_deny = {.type = API_ARRAY, .item = &prefix, .max = FOG_DENY_MAX, .text = "prefixes that nothing is taken from"};

static const struct api_schema origin = {.type = API_STRING, .max = FOG_ORIGIN_LEN};
static const struct api_schema rest_cors_origins = {.type = API_ARRAY, .item = &origin, .max = FOG_ORIGINS_MAX, .text = "web pages that browsers may ask from"};

// The scalars of one mapping of the file, then its lists.
#define LIST(section, key, most) {#key, &section##_##key, false, NULL},
#define SECTION(name, keys, lists) static const struct api_field section_##name##_fields[] = {keys(X) lists(LIST) FIELDS_END};
CONFIG_SECTIONS(SECTION)

static const struct api_field neighbour_fields[] = {
	FIELD("address", schema_ip, "IP address of a neighbour on this port"),
	FIELD("mac", SCHEMA(API_STRING, .pattern = "^[0-9a-f]{2}(:[0-9a-f]{2}){5}$"), "its MAC address"),
	FIELDS_END,
};
static const struct api_field port_fields[] = {
	CONFIG_PORT_KEYS(X)
	FIELD("addresses", ARRAY_OF(TEXT(2, 49), FOG_ADDRESSES_MAX), "its own, with the prefix's length where there is one"),
	FIELD("neighbours", ARRAY_OF(OBJECT_OF(neighbour_fields), FOG_NEIGHBOURS_MAX), "neighbours that need not be asked for"),
	FIELDS_END,
};

#define IN_ROOT(name, keys, lists) FIELD(#name, OBJECT_OF(section_##name##_fields), NULL),
static const struct api_field config_fields[] = {
	CONFIG_ROOT_KEYS(X)
	CONFIG_SECTIONS(IN_ROOT)
	FIELD("ports", ARRAY_OF(OBJECT_OF(port_fields), FOG_PORTS_MAX), "ports of the data plane"),
	FIELDS_END,
};
#undef X
const struct api_schema api_config = {
	.type = API_OBJECT, .name = "Configuration", .field = config_fields,
	.text = "the configuration in effect, with the defaults of what its file leaves out",
};

static const struct api_field put_fields[] = {
	CHANGED_FIELDS,
	FIELD("pending", schema_config_pending, "until when it has to be confirmed; null: it need not be"),
	FIELD("restart_needed", ONE_OF_OR_NULL("data_plane"), "what has to be restarted before the change is in force; null: nothing"),
	FIELDS_END,
};
const struct api_schema api_config_put = {.type = API_OBJECT, .name = "ConfigurationChange", .field = put_fields};
