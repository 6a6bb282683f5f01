// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "refusals.h"

static const struct {
	const char *label, *text;
} refusals[] = {
        {"ok", "it is taken"},

#define X(symbol, label, text) {label, text},
#include "refusals.def"
#undef X
};

const char *fog_refusal_label(enum fog_refusal r)
{
	return (unsigned)r < FOG_REFUSAL_COUNT ? refusals[r].label : "?";
}

const char *fog_refusal_text(enum fog_refusal r)
{
	return (unsigned)r < FOG_REFUSAL_COUNT ? refusals[r].text : "for an unknown reason";
}
