// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Messages that come in and go out.
#include "../../../dataplane/sphinx/sphinx.h"
#include "../../store/store.h"
#include "parts.h"

// clang-format off
static const struct api_schema node = {.type = API_STRING, .min = 1, .max = 64};
static const struct api_schema number = {.type = API_INTEGER, .min = 1, .max = INT64_MAX, .format = "uint64"};
static const struct api_schema number_or_null = {.type = API_INTEGER, .min = 1, .max = INT64_MAX, .format = "uint64", .nullable = true};

static const struct api_field post_fields[] = {
	FIELD_OPTIONAL("to", node, "name or ID of the node that it is for; either this or reply_to"),
	FIELD_OPTIONAL("reply_to", number, "number of a received message that came with a SURB; goes without surb, path and recipient"),
	FIELD_OPTIONAL("text", SCHEMA(API_STRING, .nul = true), "content; either this or data"),
	FIELD_OPTIONAL("data", SCHEMA(API_STRING, .format = "base64"), "content, in base64 with padding"),
	FIELD_OPTIONAL("surb", schema_flag, "send a single-use reply block along; false when left out"),
	FIELD_OPTIONAL("path", ARRAY_OF(node, FOG_SPHINX_SLOTS_MAX, .min = 1), "names or IDs of the nodes on its way; drawn when left out"),
	FIELD_OPTIONAL("recipient", SCHEMA(API_STRING, .format = "hex", .pattern = "^[0-9A-Fa-f]{64}$"), "who at that node it is for"),
	FIELDS_END,
};
const struct api_schema api_message_post = {.type = API_OBJECT, .name = "MessageOrder", .field = post_fields};

static const struct api_field taken_fields[] = {
	FIELD("id", number, "number of the sent message, for GET /v1/sent/{message}"),
	FIELD("path", ARRAY_OF(schema_name, FOG_SPHINX_SLOTS_MAX, .nullable = true), "nodes on its way; null for a reply, whose way nobody here knows"),
	FIELD("bytes", schema_count, "length of the content"),
	FIELD("surb", schema_flag, "whether it can be answered"),
	FIELDS_END,
};
const struct api_schema api_message_taken = {.type = API_OBJECT, .name = "MessageTaken", .field = taken_fields};

static const struct api_field message_fields[] = {
	FIELD("id", number, "number, ascending in the order of arrival"),
	FIELD("received_at", schema_time, "when it came"),
	FIELD("recipient", schema_id, "who at this node it is for"),
	FIELD("bytes", schema_count, "length of the content"),
	FIELD("data", SCHEMA(API_STRING, .format = "base64"), "content"),
	FIELD("text", SCHEMA(API_STRING, .nul = true, .nullable = true), "content as text; null when it is no UTF-8"),
	FIELD("surb", schema_flag, "whether it can still be answered by reply_to"),
	FIELD("in_reply_to", number_or_null, "number of the sent message that it answers; null when it is no reply"),
	FIELDS_END,
};
static const struct api_schema message = {.type = API_OBJECT, .name = "Message", .field = message_fields, .text = "a message that came in"};

static const struct api_field messages_fields[] = {
	FIELD("messages", ARRAY_OF(message, FOG_STORE_LIST_MAX), "in the order of arrival"),
	FIELD("next", schema_count, "'after' of the next page"),
	FIELDS_END,
};
const struct api_schema api_messages = {.type = API_OBJECT, .name = "Messages", .field = messages_fields};

static const struct api_field sent_fields[] = {
	FIELD("id", number, "number of the sent message"),
	FIELD("sent_at", schema_time, "when it was taken"),
	FIELD("bytes", schema_count, "length of the content"),
	FIELD("reply_to", number_or_null, "number of the received message that it answers; null when it is no reply"),
	FIELD("state", ONE_OF("waiting", "handed_over", "given_up"),
	      "waiting: for the data plane or a key; given_up: its key epoch was over before it could leave"),
	FIELDS_END,
};
const struct api_schema api_sent = {.type = API_OBJECT, .name = "SentMessage", .field = sent_fields};
