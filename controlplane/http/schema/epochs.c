// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Epochs, proofs of delays, the descriptor.
#include "../../epoch/epochs.h"
#include "parts.h"

// clang-format off
#define HEX(most) SCHEMA(API_STRING, .min = 2, .max = 2 * (most), .format = "hex", .pattern = "^([0-9a-f]{2})+$")

static const struct api_field clock_fields[] = {
	FIELD("now", schema_time, "the epochs' clock"),
	FIELD("stepped", schema_flag, "whether the host's clock is off from it by a step"),
	FIELD("host_ahead_s", schema_number, "the host's clock minus it, in seconds"),
	FIELDS_END,
};
static const struct api_field own_fields[] = {
	FIELD("epoch", schema_epoch, "key epoch"),
	FIELD("state", ONE_OF("announced", "live", "lost"), "lost: the host was rebooted after it was announced"),
	FIELD("public_key", schema_id, "X25519"),
	FIELD("starts_at", schema_time, "when its epoch begins"),
	FIELD("ends_at", schema_time, "when its epoch ends"),
	FIELD("destroyed_at", schema_time, "when it is destroyed"),
	FIELDS_END,
};
static const struct api_field key_fields[] = {
	FIELD("epoch", schema_epoch, "key epoch"),
	FIELD("public_key", schema_id_or_null, "X25519; null when it is lost"),
	FIELD("lost", schema_flag, "whether the node has no such key any more"),
	FIELDS_END,
};
static const struct api_field refused_fields[] = {
#define X(symbol, label, text) FIELD(label, schema_count, text),
	FOG_EXCHANGE_REFUSALS(X)
#undef X
	FIELDS_END,
};
static const struct api_field node_fields[] = {
	FIELD("name", schema_name, "name of the node"),
	FIELD("node_id", schema_id, "its ID"),
	FIELD("self", schema_flag, "whether it is this node"),
	FIELD("known", schema_flag, "whether it is known what it announces"),
	FIELD("acked", schema_flag, "whether it has what this node announces"),
	FIELD("sequence", schema_count_or_null, "of its newest descriptor; null when none is known"),
	FIELD("counts_from", schema_epoch_or_null, "epoch from which its VRF key counts; null when it is not known"),
	FIELD("mix_keys", ARRAY_OF(OBJECT_OF(key_fields), FOG_EXCHANGE_KEYS), "keys that it has announced, ascending by epoch"),
	FIELD("refused", OBJECT_OF(refused_fields), "what came from it and was not taken, by reason"),
	FIELDS_END,
};
static const struct api_field epochs_fields[] = {
	FIELD("epoch", schema_epoch, "the one that packets are made for now"),
	FIELD("started_at", schema_time, "when it began"),
	FIELD("ends_at", schema_time, "when it ends"),
	FIELD("epoch_s", schema_count, "length of an epoch, in seconds"),
	FIELD("overlap_s", schema_count, "how long packets of an epoch are taken after its end, in seconds"),
	FIELD("counts_from", schema_epoch, "epoch from which this node's VRF key counts"),
	FIELD("lost_until", schema_time_or_null, "until when this node has no key after a reboot; null when it has one"),
	FIELD("clock", OBJECT_OF(clock_fields), "of this node"),
	FIELD("keys", ARRAY_OF(OBJECT_OF(own_fields), FOG_EPOCHS_OWN_MAX), "keys of this node, ascending by epoch"),
	FIELD("nodes", ARRAY_OF(OBJECT_OF(node_fields), FOG_NODES_MAX), "what is known of all nodes, this one included"),
	FIELDS_END,
};
const struct api_schema api_epochs = {.type = API_OBJECT, .name = "Epochs", .field = epochs_fields};

static const struct api_field vrf_fields[] = {
	FIELD("epoch", schema_epoch, "of the delays that are proved"),
	FIELD("node_id", schema_id, "whose delays"),
	FIELD("vrf_key", schema_id, "Ed25519, that the proof is verified by"),
	FIELD("counts_from", schema_epoch, "epoch from which that key counts"),
	FIELD("network", schema_id, "BLAKE2b-256 of what all nodes of the network agree on"),
	FIELD("beacon", schema_id, "what the delays were drawn with; zeros without a directory"),
	FIELD("alpha", HEX(256), "what is proved: network, epoch and beacon together"),
	FIELD("proof", SCHEMA(API_STRING, .format = "hex", .pattern = "^[0-9a-f]{160}$"), "ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381)"),
	FIELD("beta", SCHEMA(API_STRING, .format = "hex", .pattern = "^[0-9a-f]{128}$"), "output of the VRF"),
	FIELD("delay_key", schema_id, "key of the epoch's delays, which follows from it"),
	FIELDS_END,
};
const struct api_schema api_vrf = {.type = API_OBJECT, .name = "DelayProof", .field = vrf_fields};

static const struct api_field descriptor_fields[] = {
	FIELD("descriptor", HEX(FOG_DESCRIPTOR_MAX), "this node's newest one, signed"),
	FIELDS_END,
};
const struct api_schema api_descriptor = {.type = API_OBJECT, .name = "Descriptor", .field = descriptor_fields};
