// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The ports' filter, which operators change at run time.
#include "kinds.h"

// clang-format off
// A limit of the filter: its value, who has set it, what the file says.
static const struct api_schema from = {.type = API_STRING, .values = (const char *const[]){"file", "operator", NULL}};
#define X(section, key, member, kind, fallback, low, high, reload, text) \
	static const struct api_field member##_fields[] = { \
		FIELD("value", KIND_##kind(low, high), "what is in force"), \
		FIELD("from", from, "who has set it"), \
		FIELD("file", KIND_##kind(low, high), "what the configuration file says"), \
		FIELDS_END, \
	};
CONFIG_FILTER_KEYS(X)
#undef X

static const struct api_field denied_fields[] = {
	FIELD("prefix", TEXT(3, 49), "IPv4 or IPv6 addresses that nothing is taken from"),
	FIELD("from", ONE_OF("file", "operator", "both"), "who denies it"),
	FIELDS_END,
};
static const struct api_schema denied = {.type = API_OBJECT, .name = "DeniedPrefix", .field = denied_fields};
#define DENY_FIELDS \
	FIELD("deny", ARRAY_OF(denied, FOG_DENY_MAX), "denied prefixes, ascending"), \
	FIELD("deny_max", schema_count, "most that there can be")

static const struct api_field filter_fields[] = {
#define X(section, key, member, kind, fallback, low, high, reload, text) FIELD(key, OBJECT_OF(member##_fields), text),
	CONFIG_FILTER_KEYS(X)
#undef X
	DENY_FIELDS,
	FIELD("state", schema_config_state, "what the data plane has made of it so far"),
	FIELD("text", TEXT(1, 203, .nullable = true), "what the data plane says, why it refuses it; null when nothing"),
	FIELDS_END,
};
const struct api_schema api_filter = {.type = API_OBJECT, .name = "Filter", .field = filter_fields};

static const struct api_field deny_fields[] = {DENY_FIELDS, FIELDS_END};
const struct api_schema api_deny = {.type = API_OBJECT, .name = "DenyList", .field = deny_fields};

static const struct api_field changed_fields[] = {CHANGED_FIELDS, FIELDS_END};
const struct api_schema api_filter_changed = {.type = API_OBJECT, .name = "FilterChange", .field = changed_fields};

// null = back to what the file says.
static const struct api_field patch_fields[] = {
#define X(section, key, member, kind, fallback, low, high, reload, text) FIELD_OPTIONAL(key, KIND_##kind(low, high, .nullable = true), text),
	CONFIG_FILTER_KEYS(X)
#undef X
	FIELDS_END,
};
const struct api_schema api_filter_patch = {
	.type = API_OBJECT, .name = "FilterLimits", .field = patch_fields,
	.text = "limits to set, at least one; null = back to what the configuration file says",
};

static const struct api_schema prefix = {.type = API_STRING, .min = 1, .max = 64};
static const struct api_schema prefixes = {.type = API_ARRAY, .item = &prefix, .min = 1, .max = FOG_DENY_MAX};
static const struct api_schema prefix_or_list = {.type = API_STRING, .min = 1, .max = 64, .other = &prefixes};

static const struct api_field post_fields[] = {
	FIELD("prefix", prefix_or_list, "IPv4 or IPv6 addresses such as 192.0.2.0/24, or a list of such"),
	FIELD_OPTIONAL("force", schema_flag, "deny prefixes that hold nodes of the network, too; false when left out"),
	FIELDS_END,
};
const struct api_schema api_deny_post = {.type = API_OBJECT, .name = "DenyOrder", .field = post_fields};
