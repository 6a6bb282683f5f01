// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "filter.h"

#include <errno.h>
#include <string.h>

#include "prefix.h"
#include "schema.h"

const struct fog_filter_row fog_filter_rows[FOG_FILTER_LIMITS] = {
#define X(section, name, member, kind, def, lo, hi, class, sentence) \
	{.key = name, .text = sentence, .flag = KIND_##kind == KIND_BOOL, .min = lo, .max = hi},
        CONFIG_FILTER_KEYS(X)
#undef X
};

uint32_t fog_filter_limit(const struct fog_config_filter *f, enum fog_filter_limit limit)
{
	switch (limit) {
#define X(section, key, member, ...) \
	case FOG_FILTER_##member: \
		return f->member;
		CONFIG_FILTER_KEYS(X)
#undef X
	default:
		return 0;
	}
}

// Two sorted lists become one; what stands in both comes once.
static int filter_merge_deny(
        const struct fog_config_filter *a, const struct fog_filter_own *b,
        struct fog_config_filter *out
)
{
	uint32_t i = 0, k = 0, n = 0;

	while (i < a->deny_count || k < b->deny_count) {
		int order = i == a->deny_count ? 1
		        : k == b->deny_count   ? -1
		                               : fog_prefix_compare(&a->deny[i], &b->deny[k]);
		if (n == FOG_DENY_MAX)
			return -E2BIG;
		out->deny[n++] = order <= 0 ? a->deny[i] : b->deny[k];
		i += order <= 0;
		k += order >= 0;
	}
	out->deny_count = n;
	memset(&out->deny[n], 0, (FOG_DENY_MAX - n) * sizeof(out->deny[0]));
	return 0;
}

int fog_filter_merge(
        const struct fog_config_filter *file, const struct fog_filter_own *own,
        struct fog_config_filter *out
)
{
#define X(section, key, member, ...) \
	out->member = own->set[FOG_FILTER_##member] ? own->limit[FOG_FILTER_##member] \
	                                            : file->member;
	CONFIG_FILTER_KEYS(X)
#undef X
	return filter_merge_deny(file, own, out);
}
