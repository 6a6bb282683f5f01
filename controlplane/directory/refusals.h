// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Names of the reasons in refusals.def. Pure, any thread.
#pragma once

enum fog_refusal {
	FOG_REFUSAL_NONE = 0,

#define X(symbol, label, text) FOG_REFUSAL_##symbol,
#include "refusals.def"
#undef X
	FOG_REFUSAL_COUNT
};

const char *fog_refusal_label(enum fog_refusal); // "ok" for NONE, "?" when out of range
const char *fog_refusal_text(enum fog_refusal); // the sentence, without a full stop
