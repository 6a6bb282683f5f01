// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "routes.h"

#include "../http/api.h"

#define X( \
        route, verb, where, who, scope, rate, match_, action, schema, body_type, query, answers, \
        words, tag, text \
) \
	[CTL_ROUTE_##route] = { \
	        .name = #route, \
	        .method = verb, \
	        .path = where, \
	        .match = (match_) == API_MATCH_NEEDED, \
	        .body = #schema[0] == '&', \
	        .ctl = "" words, \
	},

const struct ctl_route_row ctl_routes[CTL_ROUTES] = {
#include "../http/routes.def"
};
