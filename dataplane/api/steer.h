// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Verdicts of the XDP program, generated from steer.def. Included on both sides of the kernel, so it
// includes nothing.
#pragma once

enum fog_steer_verdict {

#define X(symbol, label, text) FOG_STEER_##symbol,
#include "steer.def"
#undef X
	FOG_STEER_VERDICTS, // number of values
	FOG_STEER_DROP_FIRST = FOG_STEER_NO_SOCKET, // first and last that drop
	FOG_STEER_DROP_LAST = FOG_STEER_DROP_RATE,
};

// Label as it stands in metrics and JSON; "?" when out of range.
static inline const char *fog_steer_label(unsigned verdict)
{
	static const char *const label[FOG_STEER_VERDICTS] = {
#define X(symbol, label, text) [FOG_STEER_##symbol] = label,
#include "steer.def"
#undef X
	};
	return verdict < FOG_STEER_VERDICTS ? label[verdict] : "?";
}

// One English sentence for people; never NULL.
static inline const char *fog_steer_text(unsigned verdict)
{
	static const char *const text[FOG_STEER_VERDICTS] = {
#define X(symbol, label, text) [FOG_STEER_##symbol] = text,
#include "steer.def"
#undef X
	};
	return verdict < FOG_STEER_VERDICTS ? text[verdict] : "?";
}
