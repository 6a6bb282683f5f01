// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Health, readiness, status, draining.
#include "parts.h"

#include "../../../dataplane/api/abi.h"

// clang-format off
static const struct api_field health_fields[] = {
	FIELD("status", ONE_OF("alive"), "always the same: whoever reads it has reached a living process"),
	FIELDS_END,
};
const struct api_schema api_health = {.type = API_OBJECT, .name = "Health", .field = health_fields};

static const struct api_field reason_fields[] = {
	FIELD("code", schema_code, "for programs"),
	FIELD("text", schema_text_or_null, "a sentence with the mend; null when it cannot be written in UTF-8"),
	FIELDS_END,
};
static const struct api_schema reason = {.type = API_OBJECT, .name = "Reason", .field = reason_fields, .text = "what is missing, or to be known"};

static const struct api_field readiness_fields[] = {
	FIELD("ready", schema_flag, "whether the node does its work"),
	FIELD("reasons", ARRAY_OF(reason, 0), "what keeps it from it; empty when it is ready"),
	FIELDS_END,
};
const struct api_schema api_ready = {.type = API_OBJECT, .name = "Readiness", .field = readiness_fields};

static const struct api_field ack_fields[] = {
	FIELD("state", ONE_OF("in_force", "pending", "none", "refused"), "none: never set"),
	FIELD("text", TEXT(1, 203, .nullable = true), "what the data plane says, why it refuses it; null when nothing"),
	FIELDS_END,
};
static const struct api_schema ack = {.type = API_OBJECT, .name = "Acknowledgement", .field = ack_fields, .text = "whether the data plane has taken it"};

static const struct api_field key_fields[] = {
	FIELD("epoch", schema_epoch, "key epoch"),
	FIELD("mix_public_key", schema_id, "X25519, in hexadecimal"),
	FIELD("replay_count", schema_count, "packets remembered of this key"),
	FIELD("replay_capacity", schema_count, "packets that can be remembered"),
	FIELDS_END,
};

static const struct api_field data_plane_fields[] = {
	FIELD("build", TEXT(0, FOG_BUILD_LEN), "version"),
	FIELD("boot_id", schema_boot_id, "random, another one with each start"),
	FIELD("started_at", schema_time, "when it started"),
	FIELD("crypto", TEXT(0, 16), "implementation of its cryptography"),
	FIELD("heartbeat_age_ms", schema_count, "time since its heartbeat moved, in milliseconds"),
	FIELD("generation", schema_count, "generation of the configuration that it runs"),
	FIELD("checksum", schema_id, "BLAKE2b-256 of that configuration"),
	FIELD("mix_public_key", schema_id_or_null, "newest mix key; null without one"),
	FIELD("key_epoch", schema_epoch_or_null, "epoch of that key; null without one"),
	FIELD("mix_keys", ARRAY_OF(OBJECT_OF(key_fields), FOG_MIX_KEYS_MAX), "mix keys in force, oldest epoch first"),
	FIELD("replay_count", schema_count, "packets remembered in the fullest replay table"),
	FIELD("replay_capacity", schema_count, "packets that this table can remember"),
	FIELD("replay_alarm", schema_flag, "whether it is full by 80 % or more"),
	FIELD("buffers_total", schema_count, "packet buffers"),
	FIELD("buffers_free", schema_count, "free ones of them"),
	FIELD("control_faults", schema_count, "control connections closed for breaking the protocol"),
	FIELD("draining", schema_flag, "whether it takes no more packets and is about to end"),
	FIELD("next_hops", schema_count, "other nodes in its table"),
	FIELD("next_hops_ready", schema_count, "of these, reachable now"),
	FIELD("accept_replays", schema_flag, "whether it lets packets through that it has seen before, for benches only"),
	FIELD("capacity_pps", schema_count_or_null, "packets per second that its crypto opens, measured at start; null when not measured"),
	FIELD("tracing", schema_flag, "whether single packets are looked at"),
	FIELDS_END,
};

static const struct api_field book_fields[] = {
	BOOK_FIELDS(schema_count),
	FIELD("accounting_gap", SCHEMA(API_INTEGER), "packets that the rest does not account for; 0 unless the data plane has a defect"),
	FIELD("port_lost", schema_count, "frames lost before a worker, all ports together"),
	FIELDS_END,
};

static const struct api_field message_fields[] = {
	FIELD("received", schema_count, "messages stored, replies included"),
	FIELD("replies", schema_count, "of these, replies by SURB"),
	FIELD("duplicates", schema_count, "deliveries that had been stored before"),
	FIELD("malformed", schema_count, "deliveries that are no message"),
	FIELD("unknown_surb", schema_count, "replies to a SURB whose keys are gone"),
	FIELD("bad_reply", schema_count, "replies changed on their way"),
	FIELD("delivered", schema_count, "deliveries of the data plane"),
	FIELD("injected", schema_count, "packets that the data plane has taken"),
	FIELD("deliver_missing", schema_count, "deliveries that the data plane skipped"),
	FIELD("inject_lost", schema_count, "packets that no data plane will take any more"),
	FIELD("dropped", schema_count, "deliveries for nobody"),
	FIELD("echoed", schema_count, "deliveries sent back"),
	FIELD("echo_refused", schema_count, "echoes asked for without a SURB that still counts"),
	FIELD("answers_limited", schema_count, "echoes and refusals of mail not sent: too many, or no way to send them"),
	FIELDS_END,
};

static const struct api_field mail_fields[] = {
	FIELD("stored", schema_count, "mails stored for clients"),
	FIELD("fetches", schema_count, "times that a client asked for mail"),
	FIELD("sent", schema_count, "mails sent to clients"),
	FIELD("resent", schema_count, "of these, those sent before"),
	FIELD("full", schema_count, "mails that found no room"),
	FIELD("no_mailbox", schema_count, "mails for mailboxes that are not here"),
	FIELD("malformed", schema_count, "notices of clients of no known form"),
	FIELD("refused", schema_count, "times that a client got no mailbox: there are too many"),
	FIELD("answered", schema_count, "answers of stored mail that have left"),
	FIELD("answers_lost", schema_count, "answers that were given up: their epoch is over"),
	FIELD("mailboxes", schema_count_or_null, "mailboxes; null when the store cannot be read, as those below"),
	FIELD("waiting", schema_count_or_null, "mails that wait for clients"),
	FIELD("waiting_bytes", schema_count_or_null, "their size in bytes"),
	FIELD("answers_waiting", schema_count_or_null, "answers of stored mail that have not left"),
	FIELDS_END,
};

static const struct api_field tls_fields[] = {
	FIELD("fingerprint", schema_id, "SHA-256 of its SubjectPublicKeyInfo"),
	FIELD("certificate_sha256", schema_id, "SHA-256 of all of it"),
	FIELD("valid_from", schema_time, "from when on it is good"),
	FIELD("valid_until", schema_time, "when it ends"),
	FIELDS_END,
};

static const struct api_field status_fields[] = {
	FIELD("instance", schema_name, "name of this appliance"),
	FIELD("version", schema_text, "version of the control plane"),
	FIELD("node_id", schema_id, "BLAKE2b-256 of the identity key"),
	FIELD("identity_public_key", schema_id, "Ed25519"),
	FIELD("link_key", schema_id, "X25519, static key of its links"),
	FIELD("vrf_key", schema_id, "Ed25519, that its delays are verified by"),
	FIELD("mix_public_key", schema_id_or_null, "X25519, of the epoch that packets are made for; null without one"),
	FIELD("key_epoch", schema_epoch_or_null, "that epoch; null without a key"),
	FIELD("network", schema_name_or_null, "name of the network; null without a topology"),
	FIELD("name", schema_name_or_null, "name of this node in it; null when it is not listed, as role and layer"),
	FIELD("role", schema_role_or_null, "what it does"),
	FIELD("layer", INTEGER(1, 18, .nullable = true), "layer of a mix"),
	FIELD("generation", schema_count_or_null, "generation of the configuration that the control plane wants; null while there is none"),
	FIELD("checksum", schema_id_or_null, "BLAKE2b-256 of it; null while there is none"),
	FIELD("attached", schema_flag, "whether a data plane is there"),
	FIELD("ready", schema_flag, "as /readyz says"),
	FIELD("reasons", ARRAY_OF(reason, 0), "what keeps the node from being ready"),
	FIELD("warnings", ARRAY_OF(reason, 0), "what an operator should know although the node works"),
	FIELD("config_ack", ack, "of the configuration"),
	FIELD("key_ack", ack, "of the mix keys"),
	FIELD("data_plane", OBJECT_OF(data_plane_fields, .nullable = true), "what the data plane says of itself; null while none is attached"),
	FIELD("books", OBJECT_OF(book_fields, .nullable = true), "where the packets are, all workers together; null when they could not be read"),
	FIELD("messages", OBJECT_OF(message_fields), "counted since the control plane started"),
	FIELD("mail", OBJECT_OF(mail_fields), "of clients; counted since the control plane started, what waits as it is now"),
	FIELD("tls", OBJECT_OF(tls_fields, .nullable = true), "certificate of the TCP listener; null without TLS"),
	FIELDS_END,
};
const struct api_schema api_status = {.type = API_OBJECT, .name = "Status", .field = status_fields, .text = "what the node is and how it fares"};

static const struct api_field drain_fields[] = {
	FIELD_OPTIONAL("grace_ms", INTEGER(0, FOG_DRAIN_GRACE_MAX_MS),
	               "how long packets are still taken, in milliseconds; drain.grace of the configuration when left out"),
	FIELDS_END,
};
const struct api_schema api_drain_post = {.type = API_OBJECT, .name = "DrainOrder", .field = drain_fields};

static const struct api_field draining_fields[] = {
	FIELD("state", ONE_OF("draining"), "the data plane has the order"),
	FIELD("grace_ms", schema_count, "how long packets are still taken, in milliseconds"),
	FIELD("longest_delay_ms", schema_count, "longest delay that a packet may be owed, in milliseconds; 0 without a topology"),
	FIELD("parked", schema_count_or_null, "packets that wait for their delay; null when they could not be read"),
	FIELD("boot_id", schema_boot_id_or_null,
	      "of the data plane that has the order: it has ended when another one is attached or none; null when it was gone at once"),
	FIELDS_END,
};
const struct api_schema api_drain = {.type = API_OBJECT, .name = "Draining", .field = draining_fields};
