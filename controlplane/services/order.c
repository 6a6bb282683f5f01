// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "order.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int order_find(const struct fog_service *table, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(table[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

static int order_names(
        const struct fog_service *table, unsigned count, char *error, size_t error_len
)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

	for (unsigned i = 0; i < count; i++) {
		const char *name = table[i].name;
		size_t len = strlen(name);
		if (len == 0 || len >= FOG_SERVICE_NAME_LEN || strspn(name, letters) != len) {
			snprintf(error, error_len, "'%s' is no name of a service", name);
			return -EINVAL;
		}
		if (order_find(table, i, name) >= 0) {
			snprintf(error, error_len, "service '%s' is there twice", name);
			return -EINVAL;
		}
		if (table[i].start == NULL && table[i].stop != NULL) {
			snprintf(error, error_len, "service '%s' can stop but not start", name);
			return -EINVAL;
		}
	}
	return 0;
}

static int order_set(
        const struct fog_service *table, unsigned count, unsigned i, const char *const *names,
        uint32_t *set, char *error, size_t error_len
)
{
	for (; names != NULL && *names != NULL; names++) {
		int k = order_find(table, count, *names);
		if (k < 0) {
			snprintf(
			        error, error_len, "service '%s' depends on '%s', which isn't there",
			        table[i].name, *names
			);
			return -EINVAL;
		}
		*set |= UINT32_C(1) << k;
	}
	return 0;
}

static int order_edges(
        const struct fog_service *table, struct services_graph *g, char *error, size_t error_len
)
{
	for (unsigned i = 0; i < g->count; i++) {
		const struct fog_service *s = &table[i];
		int r = order_set(table, g->count, i, s->needs, &g->needs[i], error, error_len);
		if (r == 0)
			r = order_set(table, g->count, i, s->uses, &g->uses[i], error, error_len);
		if (r < 0)
			return r;
		for (unsigned k = 0; k < g->count; k++) {
			uint32_t bit = UINT32_C(1) << k;
			g->needed_by[k] |= (uint32_t)((g->needs[i] & bit) != 0) << i;
			g->used_by[k] |= (uint32_t)((g->uses[i] & bit) != 0) << i;
			// It would go on without what it can't do without.
			if ((g->needs[i] & bit) != 0 && s->start == NULL &&
			    table[k].start != NULL) {
				snprintf(
				        error, error_len,
				        "service '%s' can't be restarted but needs '%s', which can",
				        s->name, table[k].name
				);
				return -EINVAL;
			}
		}
	}
	return 0;
}

// Whoever is left depends on somebody who is left: going from one to the next comes back to where it was.
static void order_cycle(
        const struct fog_service *table, const struct services_graph *g, uint32_t left, char *error,
        size_t error_len
)
{
	unsigned at = (unsigned)__builtin_ctz(left);

	for (unsigned i = 0; i < g->count; i++)
		at = (unsigned)__builtin_ctz((g->needs[at] | g->uses[at]) & left);
	int len = snprintf(error, error_len, "services depend on each other: %s", table[at].name);
	unsigned first = at;
	do {
		at = (unsigned)__builtin_ctz((g->needs[at] | g->uses[at]) & left);
		if (len > 0 && (size_t)len < error_len)
			len += snprintf(
			        error + len, error_len - (size_t)len, " -> %s", table[at].name
			);
	} while (at != first);
}

// A. B. Kahn, "Topological sorting of large networks", 1962; of those that could come next the first name.
static int order_sort(
        const struct fog_service *table, struct services_graph *g, char *error, size_t error_len
)
{
	uint32_t left = g->count < 32 ? (UINT32_C(1) << g->count) - 1 : UINT32_MAX;

	for (unsigned n = 0; n < g->count; n++) {
		int next = -1;
		for (unsigned i = 0; i < g->count; i++) {
			if ((left >> i & 1) == 0 || ((g->needs[i] | g->uses[i]) & left) != 0)
				continue;
			if (next < 0 || strcmp(table[i].name, table[next].name) < 0)
				next = (int)i;
		}
		if (next < 0) {
			order_cycle(table, g, left, error, error_len);
			return -ELOOP;
		}
		g->order[n] = (unsigned)next;
		left &= ~(UINT32_C(1) << next);
		for (unsigned k = 0; k < g->count; k++)
			if (((g->needs[next] | g->uses[next]) >> k & 1) != 0 &&
			    g->layer[next] <= g->layer[k])
				g->layer[next] = g->layer[k] + 1;
	}
	return 0;
}

int services_graph_make(
        const struct fog_service *table, unsigned count, struct services_graph *g, char *error,
        size_t error_len
)
{
	int r;

	*g = (struct services_graph){.count = count};
	if (count > FOG_SERVICES_MAX) {
		snprintf(error, error_len, "there are more than %d services", FOG_SERVICES_MAX);
		return -EINVAL;
	}
	r = order_names(table, count, error, error_len);
	if (r == 0)
		r = order_edges(table, g, error, error_len);
	return r < 0 ? r : order_sort(table, g, error, error_len);
}
