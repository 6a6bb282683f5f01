// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Whether the host is ready.
#include "parts.h"

enum { STAGES_MAX = 32, TEXT_MAX = 2048 };

// clang-format off
static const struct api_field stage_fields[] = {
	FIELD("name", schema_code, "of the stage, as 'fogctl host check' has it"),
	FIELD("about", schema_text, "what it looks at"),
	FIELD("state", ONE_OF_OR_NULL("skip", "ok", "warn", "fail"), "skip: doesn't concern this host; warn: works, with what 'detail' says; fail: the data plane won't start, or not do what it promises; null: the control plane, which has no rights, can't see it"),
	FIELD("needs_root", schema_flag, "whether only root can check it, so that it is never known here"),
	FIELD("detail", TEXT(0, TEXT_MAX), "what was found"),
	FIELD("mend", TEXT(1, TEXT_MAX, .nullable = true), "what to do about it; null: nothing"),
	FIELDS_END,
};
static const struct api_schema stage = {.type = API_OBJECT, .name = "HostStage", .field = stage_fields};
static const struct api_field host_fields[] = {
	FIELD("checked_at", schema_time, "when it was looked at: now"),
	FIELD("state", ONE_OF("skip", "ok", "warn", "fail"), "of the worst stage that is known"),
	FIELD("unknown", INTEGER(0, STAGES_MAX), "stages that are not known: 'fogctl host check' as root tells them"),
	FIELD("stages", ARRAY_OF(stage, STAGES_MAX), "in the order in which 'fogctl host init' works"),
	FIELDS_END,
};
const struct api_schema api_host = {.type = API_OBJECT, .name = "Host", .field = host_fields};
