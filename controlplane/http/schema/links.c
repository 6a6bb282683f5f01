// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Encrypted links.
#include "../../link/links.h"
#include "../../../dataplane/api/link.h"
#include "parts.h"

// clang-format off
static const struct api_field outcome_fields[] = {
#define X(symbol, label, text) FIELD(label, schema_count, text),
	FOG_LINKS_OUTCOMES(X)
#undef X
	FIELDS_END,
};

static const struct api_schema feature = {.type = API_STRING, .values = (const char *const[]){"batch_processing", "vrf_delays", NULL}};

static const struct api_field link_fields[] = {
	FIELD("name", schema_name_or_null, "of the node; null for a client"),
	FIELD("node_id", schema_id_or_null, "of the node; null for a client"),
	FIELD("class", ONE_OF("node", "client"), "who is at the other end"),
	FIELD("state", ONE_OF("down", "stale", "up"), "stale: there is a session, but nothing comes any more"),
	FIELD("static_key", schema_id, "X25519, of the other end"),
	FIELD("address", schema_ip_or_null, "of the other end; null when it is not known"),
	FIELD("port", INTEGER(0, 65535), "UDP, of the other end"),
	FIELD("protocol", SCHEMA(API_STRING, .nullable = true, .pattern = "^[0-9]+\\.[0-9]+$"),
	      "version spoken; null when an earlier control plane made the session, as features"),
	FIELD("features", ARRAY_OF(feature, 0, .nullable = true), "what both ends have"),
	FIELD("age_ms", schema_count_or_null, "age of the session that we send with, in milliseconds; null without one"),
	FIELD("handshake_ago_ms", schema_count_or_null, "time since a handshake last succeeded, in milliseconds; null: never"),
	FIELD("tries", schema_count, "initiations since then"),
	FIELD("sessions", schema_count, "at the data plane"),
	FIELD("rx", schema_count, "frames received by these sessions"),
	FIELD("tx", schema_count, "frames sent by these sessions"),
	FIELD("clock_offset_ms", SCHEMA(API_INTEGER, .nullable = true), "the other clock minus ours at the last handshake, in milliseconds; null when not known"),
	FIELD("refused_for", ONE_OF_OR_NULL("clock", "full", "other"), "why the other end refused the last try; null when it did not"),
	FIELDS_END,
};
static const struct api_schema link = {.type = API_OBJECT, .name = "Link", .field = link_fields, .text = "an encrypted link with a node or a client"};

static const struct api_field links_fields[] = {
	FIELD("network", schema_name_or_null, "name of the network; null without a topology"),
	FIELD("active", schema_flag, "whether the network has links"),
	FIELD("nodes", schema_count, "other nodes of the topology"),
	FIELD("up", schema_count, "nodes that there is a link with"),
	FIELD("clients", schema_count, "clients that there is a link with"),
	FIELD("clock_offset_ms", SCHEMA(API_INTEGER, .nullable = true), "median of the other nodes' clocks minus ours, in milliseconds; null when none is known"),
	FIELD("handshakes", OBJECT_OF(outcome_fields), "handshakes since the control plane started, by what came of them"),
	FIELD("links", ARRAY_OF(link, FOG_NODES_MAX + FOG_LINK_SLOTS), "nodes before clients"),
	FIELDS_END,
};
const struct api_schema api_links = {.type = API_OBJECT, .name = "Links", .field = links_fields};

static const struct api_field rekey_fields[] = {
	FIELD("nodes", schema_count, "other nodes of the topology"),
	FIELD("up", schema_count, "nodes that there is a link with, whose sessions will be replaced"),
	FIELDS_END,
};
const struct api_schema api_links_rekey = {.type = API_OBJECT, .name = "Rekey", .field = rekey_fields};
