// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The whole API in one table. A route cannot exist without saying who may use it.
#include "http.h"
#include "schema/schema.h"

// What has worked: statuses with JSON of a schema, with another content type.
#define JSON(status, schema) \
	{ \
		status, NULL, &schema \
	}
#define OTHER(status, type) \
	{ \
		status, type, NULL \
	}
// ... and nothing to say.
#define NONE(status) \
	{ \
		status, NULL, NULL \
	}
#define ANSWERS(...) \
	(const struct api_answer[]) \
	{ \
		__VA_ARGS__, \
		{ \
			0, NULL, NULL \
		} \
	}
#define X( \
        name, method, path, who, scope, rate, match, action, body, body_type, query, answers, \
        words, heading, text \
) \
	{#name, method,    path,  who,     scope,           rate,           match, action, \
	 body,  body_type, query, answers, .ctl = "" words, .tag = heading, text,  http_##name},

const struct api_route api_routes[] = {
#include "routes.def"
};

const unsigned api_route_count = sizeof(api_routes) / sizeof(api_routes[0]);
