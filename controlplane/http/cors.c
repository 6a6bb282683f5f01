// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Pages of other origins may use the API only when rest.cors_origins lists them (https://fetch.spec.whatwg.org/#http-cors-protocol).
#include <string.h>

#include "../node.h"
#include "exchange.h"

void http_cors(struct http_exchange *x)
{
	const struct fog_config_rest *rest = &x->dispatcher->params.node->started->rest;
	const char *origin = x->head->header[HTTP_ORIGIN];

	for (unsigned i = 0; i < rest->origin_count && origin != NULL; i++)
		if (strcmp(rest->origin[i], origin) == 0)
			x->origin = rest->origin[i];
}

bool http_preflight(struct http_exchange *x)
{
	int status;

	if (strcmp(x->req.method, "OPTIONS") != 0 || x->origin == NULL ||
	    x->head->header[HTTP_ACCESS_METHOD] == NULL)
		return true;
	// No route has this method: 'allow' gets those of the path.
	http_route_find("OPTIONS", x->req.path, &status, x->res.allow, NULL);
	if (status == 404)
		return true;
	x->res.status = 204;
	return false;
}
