// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The network as this node goes by it.
#include "parts.h"

#include "../../../dataplane/api/abi.h"
#include "../../../dataplane/sphinx/sphinx.h"

// clang-format off
static const struct api_field network_fields[] = {
	FIELD("name", schema_name, "name of the network"),
	FIELD("hash", schema_id, "BLAKE2b-256 of what all its nodes agree on"),
	FIELD("delay_tick_max_us", schema_count, "coarsest tick of a calendar of delays, in microseconds"),
	FIELD("slots", INTEGER(1, FOG_SPHINX_SLOTS_MAX), "longest path in hops"),
	FIELD("payload_bytes", schema_count, "forward payload of a packet"),
	FIELD("packet_bytes", schema_count, "size of a packet"),
	FIELD("mix_port", INTEGER(1, 65535), "UDP port of mix traffic"),
	FIELD("delay_mean_us", schema_count, "mean of the exponential delay at each mix, in microseconds"),
	FIELD("delay_max_us", schema_count, "longest delay, in microseconds"),
	FIELD("delay_cap_ms", schema_count, "most of the delay wished by the sender that is added, in milliseconds"),
	FIELD("links", ONE_OF("none", "noise"), "link encryption"),
	FIELD("layers", INTEGER(0, 18), "layers of mixes"),
	FIELD("mix_key_epoch_s", schema_count, "how long a mix key is the newest one, in seconds"),
	FIELD("mix_key_overlap_s", schema_count, "how long packets of an epoch are taken after its end, in seconds"),
	FIELDS_END,
};

static const struct api_field node_fields[] = {
	FIELD("name", schema_name, "its name"),
	FIELD("node_id", schema_id, "BLAKE2b-256 of its identity key"),
	FIELD("mix_public_key", schema_id_or_null, "X25519, for good; null in a network whose mix keys change with the epoch"),
	FIELD("vrf_public_key", schema_id_or_null, "Ed25519, that its delays are verified by; null without one"),
	FIELD("address", schema_ip_or_null, "of its mix port"),
	FIELD("port", INTEGER(0, 65535), "UDP"),
	FIELD("role", schema_role, "what it does"),
	FIELD("layer", INTEGER(1, 18, .nullable = true), "layer of a mix; null for other roles"),
	FIELD("self", schema_flag, "whether it is this node"),
	FIELD("off_path", schema_flag, "whether no new path leads over, from or to it now"),
	FIELDS_END,
};
static const struct api_schema node = {.type = API_OBJECT, .name = "NetworkNode", .field = node_fields};

static const struct api_field nodes_fields[] = {
	FIELD("network", OBJECT_OF(network_fields, .nullable = true), "what its nodes agree on; null without a topology"),
	FIELD("nodes", ARRAY_OF(node, FOG_NODES_MAX, .nullable = true), "all nodes, this one included; null without a topology"),
	FIELDS_END,
};
const struct api_schema api_nodes = {.type = API_OBJECT, .name = "Network", .field = nodes_fields};
