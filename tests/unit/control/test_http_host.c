// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The stages of the host by REST: as many as fogctl has, each with what was found; what only root can see is null, with the command.
#include <stdio.h>
#include <string.h>

#include "../../../controlplane/host/host.h"
#include "http_rig.h"

void test_http_host(void)
{
	char wanted[256];

	CU_ASSERT_EQUAL(ask("GET", "/v1/host", ""), 200);
	for (unsigned i = 0; i < host_stage_count; i++) {
		const struct host_stage *s = &host_stages[i];
		snprintf(
		        wanted, sizeof(wanted), "{\"name\":\"%s\",\"about\":\"%s\"", s->name,
		        s->help
		);
		CU_ASSERT(says(wanted));
		if (!s->rights)
			continue;
		snprintf(
		        wanted, sizeof(wanted),
		        "\"about\":\"%s\",\"state\":null,\"needs_root\":true,\"detail\":\"only root can look at that\","
		        "\"mend\":\"on the host, as root: fogctl host check %s\"}",
		        s->help, s->name
		);
		CU_ASSERT(says(wanted));
	}
	CU_ASSERT(says("\"checked_at\":\"20") && !says("\"unknown\":0"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/host?stage=cpu", ""), 400);
	CU_ASSERT_EQUAL(ask("POST", "/v1/host", ""), 405);
}
