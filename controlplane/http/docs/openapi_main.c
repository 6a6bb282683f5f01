// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Writes the description of the API to its output, for the build.
#include <stdio.h>

#include "../../../log/log.h"
#include "openapi.h"

int main(void)
{
	json_t *json = api_table_check() == 0 ? api_openapi(api_routes, api_route_count) : NULL;

	if (json == NULL || json_dumpf(json, stdout, JSON_INDENT(2)) < 0 || puts("") < 0) {
		LOG_ERR("the description of the API is not written: correct what the lines above say, or make room"
		);
		return 1;
	}
	json_decref(json);
	return fflush(stdout) == 0 ? 0 : 1;
}
