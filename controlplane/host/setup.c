// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage config: the file by itself and together with the topology. What it asks of the host is the
// other stages' part.
#include <string.h>
#include <unistd.h>

#include "host.h"

void host_check_config(struct host *h)
{
	const struct fog_config *c = h->config;
	struct fog_report r = {0};

	if (c == NULL) {
		host_say(
		        h, HOST_SKIP,
		        "none in /etc/fogline and none given (--config FILE): stages that depend "
		        "on one say less"
		);
		return;
	}
	int ret = fog_config_check(c, h->topology, NULL, &r);
	r.text[strcspn(r.text, "\n")] = '\0';
	host_say(
	        h,
	        ret < 0                  ? HOST_FAIL
	                : r.warnings > 0 ? HOST_WARN
	                                 : HOST_OK,
	        "%s: %u errors, %u warnings%s%s", c->file, r.errors, r.warnings,
	        r.text[0] != '\0' ? ": " : "", r.text
	);
	if (ret < 0 || r.warnings > 0)
		host_mend(h, "see: fogctl config check %s", c->file);
	if (h->topology != NULL)
		return;
	host_say(h, HOST_WARN, "there is no topology at %s", c->topology);
	host_mend(h, "copy the network's topology there");
}
