// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Earlier configurations, and changes that wait for their confirmation.
#include "../../config_history/history.h"
#include "../../config_history/pending.h"
#include "parts.h"

// clang-format off
#define REVISION_FIELDS \
	FIELD("revision", schema_count, "its number, from 1"), \
	FIELD("time", schema_time, "when it was made"), \
	FIELD("actor", schema_text, "who has made it; 'file': root, by the file itself"), \
	FIELD("comment", schema_text, "why; may be empty"), \
	FIELD("digest", schema_id, "BLAKE2b-256 of the text: its ETag"), \
	FIELD("state", ONE_OF("applying", "pending", "applied", "rolled_back", "failed"), "pending: it is taken back unless somebody confirms it; rolled_back: nobody has; failed: it could not be put in force"), \
	FIELD("in_force", schema_flag, NULL), \
	FIELD("reverts", schema_count_or_null, "the revision whose text it has; null: none was asked for"), \
	FIELD("confirm_by", schema_time_or_null, "until when it had to be confirmed; null: it had not")

static const struct api_field revision_fields[] = {REVISION_FIELDS, FIELDS_END};
static const struct api_schema revision = {.type = API_OBJECT, .name = "ConfigurationState", .field = revision_fields, .text = "a configuration that came into force"};

static const struct api_field pending_fields[] = {
	FIELD("revision", schema_count, NULL),
	FIELD("left_ms", schema_count, "until it is taken back"),
	FIELDS_END,
};
const struct api_schema schema_config_pending = {.type = API_OBJECT, .nullable = true, .field = pending_fields};

static const struct api_field history_fields[] = {
	FIELD("revisions", ARRAY_OF(revision, FOG_HISTORY_LIST_MAX), "newest first"),
	FIELD("next", schema_count_or_null, "'before' of the next page; null: this is the last one"),
	FIELD("pending", schema_config_pending, "what waits for its confirmation; null: nothing"),
	FIELDS_END,
};
const struct api_schema api_config_history = {.type = API_OBJECT, .name = "ConfigurationHistory", .field = history_fields};

static const struct api_field text_fields[] = {
	REVISION_FIELDS,
	FIELD("text", schema_text_or_null, "as it was written; null when it is no UTF-8"),
	FIELDS_END,
};
const struct api_schema api_config_revision = {.type = API_OBJECT, .name = "ConfigurationRevision", .field = text_fields};

static const struct api_field diff_fields[] = {
	FIELD("from", schema_count, NULL),
	FIELD("to", schema_count, NULL),
	FIELD("diff", schema_text_or_null, "in the unified format of diff and patch, empty when both are the same; null when one is no UTF-8"),
	FIELDS_END,
};
const struct api_schema api_config_diff = {.type = API_OBJECT, .name = "ConfigurationDifference", .field = diff_fields};

static const struct api_field revert_fields[] = {
	FIELD("revision", INTEGER(1, INT64_MAX), "whose text is to be in force"),
	FIELD_OPTIONAL("comment", TEXT(0, 200), "why"),
	FIELD_OPTIONAL("confirm_within", INTEGER(FOG_CONFIRM_MIN_S, FOG_CONFIRM_MAX_S), "seconds after which it is taken back unless it is confirmed"),
	FIELDS_END,
};
const struct api_schema api_config_revert_post = {.type = API_OBJECT, .name = "ConfigurationRevert", .field = revert_fields};

static const struct api_field confirm_fields[] = {
	FIELD_OPTIONAL("revision", INTEGER(1, INT64_MAX), "which one; whichever waits when left out"),
	FIELDS_END,
};
const struct api_schema api_config_confirm_post = {.type = API_OBJECT, .name = "ConfigurationConfirmation", .field = confirm_fields};

static const struct api_field confirmed_fields[] = {
	FIELD("revision", schema_count, "that stays in force"),
	FIELDS_END,
};
const struct api_schema api_config_confirmed = {.type = API_OBJECT, .name = "ConfigurationConfirmed", .field = confirmed_fields};
