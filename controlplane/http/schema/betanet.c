// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Appliances that the platform manages.
#include "../../betanet/betanet.h"
#include "../../config/config.h"
#include "../http.h"
#include "parts.h"

// clang-format off
#define WORD(symbol, word, text) word,
static const char *const types[] = {FOG_BETANET_TYPES(WORD) NULL};
static const char *const states[] = {FOG_BETANET_STATES(WORD) NULL};
static const struct api_schema type_value = {.type = API_STRING, .values = types};
static const struct api_schema state_value = {.type = API_STRING, .values = states};
static const struct api_schema name_value = {.type = API_STRING, .pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$"};
static const struct api_schema region_or_null = {.type = API_STRING, .nullable = true, .pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$"};
static const struct api_schema cpu = {.type = API_INTEGER, .max = FOG_CONFIG_CPUS_MAX - 1};

static const char name_text[] = "of the node, as it will call itself in the network; unique here";
static const char region_text[] = "where it is, such as eu-west; null: not said";
static const char node_id_text[] = "BLAKE2b-256 of its identity key; of a client the static key of its links; null: not known";
static const char maintenance_text[] = "whether an operator works on it; wins over all other states";

static const struct api_field post_fields[] = {
	FIELD_OPTIONAL("name", name_value, "of the node; its type and 8 random digits when left out"),
	FIELD_OPTIONAL("node_type", type_value, "what it does; mixnode when left out; never changes"),
	FIELD_OPTIONAL("region", region_or_null, region_text),
	FIELD_OPTIONAL("node_id", schema_id_or_null, node_id_text),
	FIELD_OPTIONAL("maintenance", schema_flag, maintenance_text),
	FIELDS_END,
};
const struct api_schema api_betanet_post = {.type = API_OBJECT, .name = "BetanetNodePost", .field = post_fields};

static const struct api_field patch_fields[] = {
	FIELD_OPTIONAL("name", name_value, name_text),
	FIELD_OPTIONAL("region", region_or_null, region_text),
	FIELD_OPTIONAL("node_id", schema_id_or_null, node_id_text),
	FIELD_OPTIONAL("maintenance", schema_flag, maintenance_text),
	FIELDS_END,
};
const struct api_schema api_betanet_patch = {.type = API_OBJECT, .name = "BetanetNodePatch", .field = patch_fields, .text = "what is left out stays"};

static const struct api_field figure_fields[] = {
	FIELD("packets_processed", schema_count_or_null, "frames and packets taken, and packets made, since its data plane started"),
	FIELD("packets_forwarded", schema_count_or_null, "packets handed to ports"),
	FIELD("packets_dropped", schema_count_or_null, "packets dropped, all reasons together"),
	FIELD("latency_ms", schema_number_or_null, "median time that packets stay beyond the delay owed to them, in milliseconds"),
	FIELD("uptime_s", schema_count_or_null, "since its data plane started, in seconds"),
	FIELDS_END,
};
static const struct api_field link_fields[] = {
	FIELD("state", ONE_OF("down", "stale", "up"), "stale: there is a session, but nothing comes any more"),
	FIELD("age_ms", schema_count_or_null, "age of the session that we send with, in milliseconds; null without one"),
	FIELD("rx", schema_count, "frames received by its sessions"),
	FIELD("tx", schema_count, "frames sent by its sessions"),
	FIELD("clock_offset_ms", SCHEMA(API_INTEGER, .nullable = true), "its clock minus ours at the last handshake, in milliseconds; null when not known"),
	FIELDS_END,
};
static const struct api_field loop_fields[] = {
	FIELD("sent", schema_count, "loops of this node that passed a link to it, in the last epochs"),
	FIELD("lost", schema_count, "of these, lost somewhere on their way, not only there"),
	FIELDS_END,
};
static const struct api_field node_fields[] = {
	FIELD("id", schema_count, "its number here"),
	FIELD("name", name_value, name_text),
	FIELD("node_type", type_value, "what it does"),
	FIELD("region", region_or_null, region_text),
	FIELD("state", state_value, "registered: neither seen nor deployed; deploying: its enrolment is open, or used, and nobody has seen it; failed: that time is over; active: seen in the last 3 minutes; stopped: seen once"),
	FIELD("maintenance", schema_flag, maintenance_text),
	FIELD("node_id", schema_id_or_null, node_id_text),
	FIELD("self", schema_flag, "whether it is the appliance that answers"),
	FIELD("created_at", schema_time, "when it was added"),
	FIELD("changed_at", schema_time, "when an operator or its enrolment changed it last"),
	FIELD("seen_at", schema_time_or_null, "when a control plane found it in the consensus or by a link, to the minute; null: never"),
	FIELD("deployed_at", schema_time_or_null, "when it was deployed last; null: never"),
	FIELD("enrolment_until", schema_time_or_null, "end of that enrolment"),
	FIELD("enrolled_at", schema_time_or_null, "when it said who it is; null: not yet"),
	FIELD("figures", OBJECT_OF(figure_fields), "its own counters; known of the appliance that answers, null of all others, which tell nobody"),
	FIELD("listed", schema_flag, "whether the consensus that counts, or the network file, has it"),
	FIELD("layer", INTEGER(1, 18, .nullable = true), "of a mix that is listed"),
	FIELD("since_epoch", SCHEMA(API_INTEGER, .nullable = true, .max = INT64_MAX, .format = "uint64"), "first epoch of its present row of consensuses; null when it is in none"),
	FIELD("link", OBJECT_OF(link_fields, .nullable = true), "our link with it; null without one"),
	FIELD("loops", OBJECT_OF(loop_fields, .nullable = true), "what our own loops say of it; null when none passed it"),
	FIELDS_END,
};
const struct api_schema api_betanet_node = {.type = API_OBJECT, .name = "BetanetNode", .field = node_fields, .text = "an appliance of the network that this platform manages"};

static const struct api_field list_fields[] = {
	FIELD("nodes", ARRAY_OF(api_betanet_node, FOG_BETANET_LIST_MAX), "by ascending number"),
	FIELD("next", schema_count_or_null, "'after' of the next page; null: this is the last one"),
	FIELDS_END,
};
const struct api_schema api_betanet_nodes = {.type = API_OBJECT, .name = "BetanetNodes", .field = list_fields};

static const struct api_field deploy_post_fields[] = {
	FIELD_OPTIONAL("address", TEXT(2, 45, .format = "ip"), "of its mix port, as others reach it; needed in a network with a directory"),
	FIELD_OPTIONAL("port", INTEGER(1, 65535), "UDP, likewise; the network's when left out"),
	FIELD_OPTIONAL("layer", INTEGER(1, 18), "that a mix would like to be in; any when left out"),
	FIELD_OPTIONAL("device", TEXT(1, FOG_BETANET_DEVICE_LEN - 1, .pattern = "^[A-Za-z0-9._@:-]+$"), "its network interface; eth1 when left out"),
	FIELD_OPTIONAL("cpus", ARRAY_OF(cpu, FOG_BETANET_CPUS_MAX, .min = 1), "of its workers; [1] when left out"),
	FIELDS_END,
};
const struct api_schema api_betanet_deploy_post = {.type = API_OBJECT, .name = "BetanetDeployPost", .field = deploy_post_fields};

static const struct api_field deploy_fields[] = {
	FIELD("id", schema_count, "number of the node; its state says how the deployment goes"),
	FIELD("state", state_value, "of the node"),
	FIELD("token", TEXT(FOG_BETANET_TOKEN_LEN - 1, FOG_BETANET_TOKEN_LEN - 1), "for 'fogctl betanet enrol' on the new host; shown this once"),
	FIELD("enrolment_until", schema_time, "until when it is good"),
	FIELD("configuration", TEXT(1, FOG_BETANET_CONFIGURATION_LEN), "configuration file of the new appliance, YAML"),
	FIELD("network_file", TEXT(1, FOG_CONFIG_TEXT_MAX), "network file, as this appliance has it"),
	FIELDS_END,
};
const struct api_schema api_betanet_deploy = {.type = API_OBJECT, .name = "BetanetDeploy", .field = deploy_fields};

static const struct api_field enrol_post_fields[] = {
	FIELD("token", TEXT(FOG_BETANET_TOKEN_LEN - 1, FOG_BETANET_TOKEN_LEN - 1, .pattern = "^[A-Za-z0-9_-]+$"), "from the answer to the deployment"),
	FIELD("identity", schema_id, "Ed25519 identity key of the new appliance"),
	FIELD("signature", SCHEMA(API_STRING, .format = "hex", .pattern = "^[0-9a-f]{128}$"), "of that key over 'fogline enrolment v1', a NUL, and the BLAKE2b-256 of the token's 32 bytes"),
	FIELDS_END,
};
const struct api_schema api_betanet_enrol_post = {.type = API_OBJECT, .secret = true, .name = "BetanetEnrolPost", .field = enrol_post_fields};

static const struct api_field enrol_fields[] = {
	FIELD("id", schema_count, "number of the node"),
	FIELD("name", name_value, name_text),
	FIELD("node_type", type_value, "what it does"),
	FIELD("node_id", schema_id, "BLAKE2b-256 of the identity key"),
	FIELD("configuration", TEXT(1, FOG_BETANET_CONFIGURATION_LEN), "configuration file of the new appliance, YAML"),
	FIELD("network_file", TEXT(1, FOG_CONFIG_TEXT_MAX), "network file, as the appliance that answers has it"),
	FIELDS_END,
};
const struct api_schema api_betanet_enrol = {.type = API_OBJECT, .secret = true, .name = "BetanetEnrol", .field = enrol_fields};

#define COUNT(symbol, word, text) FIELD(word, schema_count, text),
static const struct api_field count_fields[] = {
	FIELD("total", schema_count, "all of them"),
	FOG_BETANET_STATES(COUNT)
	FIELDS_END,
};
static const struct api_field net_fields[] = {
	FIELD("name", schema_name_or_null, "of the network; null without one"),
	FIELD("nodes", schema_count_or_null, "nodes that are listed in it; null without one"),
	FIELD("links", schema_count_or_null, "other nodes that links are wanted with; null in a network without links"),
	FIELD("links_up", schema_count_or_null, "of these, with a link that is up"),
	FIELDS_END,
};
static const struct api_field status_fields[] = {
	FIELD("nodes", OBJECT_OF(count_fields), "managed nodes by state"),
	FIELD("network", OBJECT_OF(net_fields), "the network as this appliance sees it"),
	FIELD("figures", OBJECT_OF(figure_fields), "of this appliance; null without its data plane"),
	FIELD("throughput_pps", schema_number_or_null, "packets a second that this appliance gave a delay, as /v1/timing; null: not measured"),
	FIELD("capacity_pps", schema_count_or_null, "packets a second that its workers' crypto opens, measured at its start; null: not known"),
	FIELD("updated_at", schema_time, "when all this was looked at"),
	FIELDS_END,
};
const struct api_schema api_betanet_status = {.type = API_OBJECT, .name = "BetanetStatus", .field = status_fields};

static const struct api_field past_fields[] = {
	FIELD("id", schema_count, "grows with every change of a state"),
	FIELD("state", state_value, "that it was found in"),
	FIELD("before", SCHEMA(API_STRING, .nullable = true, .values = states), "that it was found in before; null: it is the first one"),
	FIELD("found_at", schema_time, "when a control plane found it so, which looks once a minute"),
	FIELDS_END,
};
static const struct api_schema past = {.type = API_OBJECT, .name = "BetanetState", .field = past_fields};
static const struct api_field history_fields[] = {
	FIELD("states", ARRAY_OF(past, FOG_BETANET_LIST_MAX), "newest first; the newest 1,000 are kept"),
	FIELD("next", schema_count_or_null, "'before' of the next page; null: this is the last one"),
	FIELDS_END,
};
const struct api_schema api_betanet_history = {.type = API_OBJECT, .name = "BetanetHistory", .field = history_fields};

static const struct api_field reason_fields[] = {
	FIELD("code", schema_code, "for programs"),
	FIELD("text", schema_text_or_null, "for people"),
	FIELDS_END,
};
static const struct api_field health_fields[] = {
	FIELD("status", ONE_OF("healthy", "degraded", "unavailable"), "unavailable: this appliance takes no part in the network now"),
	FIELD("reasons", ARRAY_OF(OBJECT_OF(reason_fields), 0), "why it is not healthy"),
	FIELDS_END,
};
const struct api_schema api_betanet_health = {.type = API_OBJECT, .name = "BetanetHealth", .field = health_fields};

static const struct api_schema after_value = {.type = API_INTEGER, .max = INT64_MAX};
static const struct api_schema limit_value = {.type = API_INTEGER, .min = 1, .max = FOG_BETANET_LIST_MAX, .preset = 50};
const struct api_parameter api_query_betanet[] = {
	{"node_type", &type_value, "only those of this type", false},
	{"state", &state_value, "only those in this state", false},
	{"region", &name_value, "only those in this region", false},
	{"after", &after_value, "begin behind this one: 'next' of the page before", false},
	{"limit", &limit_value, "how many at most", false},
	{NULL, NULL, NULL, false},
};

const struct api_parameter api_query_betanet_history[] = {
	{"before", &after_value, "changes with a number below this one: 'next' of the page before", false},
	{"limit", &limit_value, "how many at most", false},
	{NULL, NULL, NULL, false},
};
