// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The schemas that a table uses.
#pragma once

#include "../api.h"

enum { API_COMPONENTS_MAX = 256, API_SCHEMA_DEPTH_MAX = 24 };

// Called for each schema, those inside of others behind them. Returns 0 to go on.
typedef int api_schema_visit(void *ctx, const struct api_schema *);

// Visit every schema of a route, or one schema with all inside. Returns 0, what the visitor returned, or -ELOOP: one goes deeper
// than API_SCHEMA_DEPTH_MAX.
int api_schema_walk(const struct api_schema *, api_schema_visit *visit, void *ctx);
int api_route_walk(const struct api_route *, api_schema_visit *visit, void *ctx);

// Those that have a name, by name.
struct api_components {
	unsigned count;
	const struct api_schema *schema[API_COMPONENTS_MAX];
};

// Returns 0, -EEXIST (two schemas have one name), -ENOSPC, -ELOOP.
int api_components_collect(struct api_components *, const struct api_route *rows, unsigned count);
