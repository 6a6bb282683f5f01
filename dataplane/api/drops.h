// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Drop reasons, generated from drops.def. FOG_DROP_NONE (0) means "keep the packet".
#pragma once

enum fog_drop {
	FOG_DROP_NONE = 0,

#define X(symbol, label, text) FOG_DROP_##symbol,
#include "drops.def"
#undef X
	FOG_DROP_COUNT, // number of values, FOG_DROP_NONE included
};

// Label as it stands in metrics and JSON; "none" for FOG_DROP_NONE, "?" when out of range.
static inline const char *fog_drop_label(unsigned reason)
{
	static const char *const label[FOG_DROP_COUNT] = {
	        [FOG_DROP_NONE] = "none",
#define X(symbol, label, text) [FOG_DROP_##symbol] = label,
#include "drops.def"
#undef X
	};
	return reason < FOG_DROP_COUNT ? label[reason] : "?";
}

// One English sentence for people; never NULL.
static inline const char *fog_drop_text(unsigned reason)
{
	static const char *const text[FOG_DROP_COUNT] = {
	        [FOG_DROP_NONE] = "kept",
#define X(symbol, label, text) [FOG_DROP_##symbol] = text,
#include "drops.def"
#undef X
	};
	return reason < FOG_DROP_COUNT ? text[reason] : "?";
}
