// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the authorities have agreed on, and how this node fares with them.
#include "../../directory/descriptor.h"
#include "../../directory/refusals.h"
#include "../../mixnet/topology.h"
#include "parts.h"

// clang-format off
static const char *const refusals[] = {
#define X(symbol, label, text) label,
#include "../../directory/refusals.def"
#undef X
	NULL};

static const struct api_field parameter_fields[] = {
	FIELD("slots", INTEGER(1, FOG_SPHINX_SLOTS_MAX), "longest path in hops"),
	FIELD("payload_len", schema_count, "forward payload of a packet, in bytes"),
	FIELD("epoch_s", schema_count, "length of an epoch, in seconds"),
	FIELD("overlap_s", schema_count, "how long packets of an epoch are taken after its end, in seconds"),
	FIELD("delay_mean_us", schema_count, "mean of the exponential delay at each mix, in microseconds"),
	FIELD("delay_max_us", schema_count, "longest delay, in microseconds"),
	FIELD("delay_cap_ms", schema_count, "most of the delay wished by the sender that is added, in milliseconds"),
	FIELD("tolerance_ms", schema_count, "how far clocks of nodes may be apart, in milliseconds"),
	FIELD("rekey_s", schema_count, "age at which a session of two nodes is replaced, in seconds"),
	FIELD("rekey_packets", schema_count, "packets of one worker after which it is replaced before its time"),
	FIELDS_END,
};
static const struct api_field rate_fields[] = {
	FIELD("loop_us", schema_count, "mean time between two packets of a node to itself, in microseconds; 0: none, as below"),
	FIELD("drop_us", schema_count, "... to somebody who throws them away, in microseconds"),
	FIELD("dummy_us", schema_count, "... between two frames of a link that end at its other end, in microseconds"),
	FIELD("client_send_us", schema_count, "... between two packets of a client, in microseconds"),
	FIELD("client_loop_us", schema_count, "... between two packets of a client to itself, in microseconds"),
	FIELD("client_fetch_us", schema_count, "... between two questions of a client for mail, in microseconds"),
	FIELD("slack_ms", schema_count, "how late a packet may be before it counts as lost, in milliseconds"),
	FIELDS_END,
};
static const struct api_field authority_fields[] = {
	FIELD("name", schema_name, "its name, or its number when the network file lists it no more"),
	FIELD("voted", schema_flag, "whether its vote counted"),
	FIELD("shared", schema_flag, "whether it gave its share of the beacon"),
	FIELD("lied", schema_flag, "whether it signed two votes, of which none counts"),
	FIELD("signed", schema_flag, "whether its signature is here"),
	FIELDS_END,
};
static const struct api_field mix_fields[] = {
	FIELD("epoch", schema_epoch, "key epoch"),
	FIELD("public_key", schema_id, "X25519"),
	FIELDS_END,
};
static const struct api_field node_fields[] = {
	FIELD("name", schema_name, "its name"),
	FIELD("node_id", schema_id, "BLAKE2b-256 of its identity key"),
	FIELD("role", schema_role, "what it does"),
	FIELD("layer", INTEGER(0, 18), "layer of a mix; 0 for other roles"),
	FIELD("since", schema_epoch, "first epoch of its present unbroken row"),
	FIELD("address", schema_ip_or_null, "where it is reached"),
	FIELD("mix_port", INTEGER(0, 65535), "UDP"),
	FIELD("directory_port", INTEGER(0, 65535), "TCP, of its public listener; 0: it has none"),
	FIELD("operator", TEXT(0, 31), "who runs it; empty: not said"),
	FIELD("family", TEXT(0, 31), "what it belongs to beyond its operator; empty: not said"),
	FIELD("as", INTEGER(0, UINT32_MAX), "number of its autonomous system; 0: not said"),
	FIELD("region", TEXT(0, 7), "where it is, for people; empty: not said"),
	FIELD("bandwidth", INTEGER(0, FOG_BANDWIDTH_MAX), "class of its bandwidth; 0 counts as 1"),
	FIELD("software", TEXT(0, 23), "what it runs"),
	FIELD("sequence", schema_count, "of its descriptor"),
	FIELD("identity_key", schema_id, "Ed25519"),
	FIELD("link_key", schema_id, "X25519, static key of its links"),
	FIELD("vrf_key", schema_id, "Ed25519, that its delays are verified by"),
	FIELD("vrf_from", schema_epoch, "epoch from which that key counts"),
	FIELD("tls_key", schema_id_or_null, "Ed25519, of its public listener; null: it has none"),
	FIELD("mix_keys", ARRAY_OF(OBJECT_OF(mix_fields), FOG_DESCRIPTOR_MIX_MAX), "ascending by epoch"),
	FIELDS_END,
};
static const struct api_schema node = {.type = API_OBJECT, .name = "ConsensusNode", .field = node_fields, .text = "a node as its descriptor says"};

static const struct api_field left_fields[] = {
	FIELD("node_id", schema_id, "of the node that is left out"),
	FIELD("reason", SCHEMA(API_STRING, .values = refusals), "why"),
	FIELD("text", schema_text, "a sentence about it"),
	FIELDS_END,
};
static const struct api_field owed_fields[] = {
	FIELD("node_id", schema_id, "of the node that owes the proof"),
	FIELD("epoch", schema_epoch, "of the delays that it has not proved yet"),
	FIELDS_END,
};

static const struct api_field answer_fields[] = {
	FIELD("name", schema_name, "name of the authority"),
	FIELD("answer", ONE_OF("waiting", "taken", "refused", "unreachable"), "how it has taken what was announced last; waiting: not asked yet"),
	FIELD("code", TEXT(0, 31), "of a refusal; empty without one"),
	FIELD("text", TEXT(0, 319), "a sentence about it; empty without a refusal"),
	FIELDS_END,
};
static const struct api_field self_fields[] = {
	FIELD("listed", schema_flag, "whether this node is in the consensus that counts"),
	FIELD("late", schema_flag, "whether a newer consensus should be here by now"),
	FIELD("withdrawn", schema_flag, "whether this node has asked to be left out"),
	FIELD("last_epoch", schema_epoch_or_null, "of a withdrawn node: its last one; null when it is not known yet"),
	FIELD("gone_at", schema_time_or_null, "from when on nobody sends it anything; null when it is not known yet"),
	FIELD("authorities", ARRAY_OF(OBJECT_OF(answer_fields), FOG_AUTHORITIES_MAX), "what each of them says of it"),
	FIELDS_END,
};
const struct api_schema api_withdrawal = {.type = API_OBJECT, .name = "Standing", .field = self_fields, .text = "how this node fares with the authorities"};

static const struct api_field consensus_fields[] = {
	FIELD("network", schema_name_or_null, "name of the network"),
	FIELD("network_hash", schema_id, "BLAKE2b-256 of what all its nodes agree on"),
	FIELD("epoch", schema_epoch, "the one that it is for"),
	FIELD("until", schema_epoch, "first epoch that it is not good for any more"),
	FIELD("previous_epoch", schema_epoch, "epoch of the consensus before it; 0 when it is the first"),
	FIELD("previous_digest", schema_id_or_null, "digest of that one; null when it is the first"),
	FIELD("digest", schema_id, "BLAKE2b-256 of what is signed"),
	FIELD("beacon", schema_id, "public random number of the epoch"),
	FIELD("layers", INTEGER(0, 18), "layers of mixes"),
	FIELD("threshold", INTEGER(1, FOG_AUTHORITIES_MAX), "signatures that make a consensus"),
	FIELD("parameters", OBJECT_OF(parameter_fields), "what the authorities want of packets and epochs"),
	FIELD("rates", OBJECT_OF(rate_fields), "what they want of cover traffic"),
	FIELD("authorities", ARRAY_OF(OBJECT_OF(authority_fields), FOG_AUTHORITIES_MAX), "their part in it"),
	FIELD("nodes", ARRAY_OF(node, FOG_NODES_MAX), "ascending by ID"),
	FIELD("left_out", ARRAY_OF(OBJECT_OF(left_fields), 0), "nodes that asked to be in it and are not, ascending by ID"),
	FIELD("owed", ARRAY_OF(OBJECT_OF(owed_fields), 0), "proofs of delays that nodes have not shown yet, ascending by ID"),
	FIELD("self", api_withdrawal, NULL),
	FIELDS_END,
};
const struct api_schema api_consensus = {.type = API_OBJECT, .name = "Consensus", .field = consensus_fields};
