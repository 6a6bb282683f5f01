// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The graph of a table of services. Pure.
#pragma once

#include "services.h"

// Sets of services are bit masks of their places in the table.
struct services_graph {
	unsigned count;
	uint32_t needs[FOG_SERVICES_MAX], uses[FOG_SERVICES_MAX];
	uint32_t needed_by[FOG_SERVICES_MAX], used_by[FOG_SERVICES_MAX];
	unsigned order
	        [FOG_SERVICES_MAX]; // what starts first comes first; of several that could, by name
	unsigned layer[FOG_SERVICES_MAX]; // by place in the table
};

// Returns as fog_services_create.
int services_graph_make(
        const struct fog_service *table, unsigned count, struct services_graph *, char *error,
        size_t error_len
);
