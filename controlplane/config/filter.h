// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The filter of the file and what operators have set over it at run time. Pure functions, any thread.
#pragma once

#include "config.h"
#include "keys.h"

// The keys of section 'filter' that are one number each, in the order of keys.h.
enum fog_filter_limit {

#define X(section, key, member, ...) FOG_FILTER_##member,
	CONFIG_FILTER_KEYS(X)
#undef X
	        FOG_FILTER_LIMITS,
};

struct fog_filter_row {
	const char *key, *text;
	bool flag; // true or false, no number
	uint32_t min, max;
};

extern const struct fog_filter_row fog_filter_rows[FOG_FILTER_LIMITS];

uint32_t fog_filter_limit(const struct fog_config_filter *, enum fog_filter_limit);

// What operators have set. Their limits win over the file's, their prefixes come on top of its.
struct fog_filter_own {
	bool set[FOG_FILTER_LIMITS];
	uint32_t limit[FOG_FILTER_LIMITS]; // where 'set'
	uint32_t deny_count;
	struct fog_prefix deny[FOG_DENY_MAX]; // sorted
};

// Returns 0 with both together in 'out', or -E2BIG: more than FOG_DENY_MAX prefixes.
int fog_filter_merge(
        const struct fog_config_filter *file, const struct fog_filter_own *,
        struct fog_config_filter *out
);

// What an operator asks for.
struct fog_filter_change {
	bool given[FOG_FILTER_LIMITS]; // this limit is to change, ...
	bool reset[FOG_FILTER_LIMITS]; // ... to that of the file, else ...
	uint32_t limit[FOG_FILTER_LIMITS]; // ... to this
	bool remove; // the prefixes, else add them
	bool force; // add prefixes that hold nodes of the network too
	uint32_t count;
	struct fog_prefix prefix[FOG_DENY_MAX];
};
