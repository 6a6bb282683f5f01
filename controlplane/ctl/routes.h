// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The API's own table of routes, as far as commands need it, so that the two can't differ.
#pragma once

#include <stdbool.h>

enum ctl_route {

#define X(name, ...) CTL_ROUTE_##name,
#include "../http/routes.def"
#undef X
	CTL_ROUTES
};

struct ctl_route_row {
	const char *name, *method, *path; // "/v1/users/{user}"
	bool match; // needs If-Match
	bool body; // takes JSON
	const char *ctl, *no_ctl; // as in http/api.h
};

extern const struct ctl_route_row ctl_routes[CTL_ROUTES];
