// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage memlock: how much memory the data plane may lock (AF_XDP frames, DMA buffers, secrets).
#include <inttypes.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

// The value of a "Name: value" line of a /proc file, "" when it has none.
static void memlock_field(
        const struct host *h, const char *path, const char *name, char *text, size_t size
)
{
	FILE *f = host_file(h, "%s", path);
	char line[512];

	text[0] = '\0';
	while (f != NULL && text[0] == '\0' && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			snprintf(text, size, "%s", line + strlen(name));
	if (f != NULL)
		fclose(f);
}

static bool memlock_capability(const char *mask)
{
	return (strtoull(mask, NULL, 16) >> CAP_IPC_LOCK & 1) != 0;
}

void host_check_memlock(struct host *h)
{
	char held[64], bounding[64], limits[256], soft[64] = "";
	uint64_t need = h->config != NULL ? h->plan.total : 0;

	memlock_field(h, "/proc/self/status", "CapEff:", held, sizeof(held));
	memlock_field(h, "/proc/self/status", "CapBnd:", bounding, sizeof(bounding));
	memlock_field(h, "/proc/self/limits", "Max locked memory", limits, sizeof(limits));
	sscanf(limits, "%63s", soft);
	bool unlimited = strcmp(soft, "unlimited") == 0;
	uint64_t limit = strtoull(soft, NULL, 10);
	if (soft[0] == '\0') {
		host_say(h, HOST_UNKNOWN, "/proc/self/limits can't be read");
		host_mend(h, "mount /proc");
		return;
	}
	if (unlimited)
		host_say(h, HOST_OK, "no limit");
	else
		host_say(h, HOST_OK, "limit %" PRIu64 " KiB", limit >> 10);
	if (memlock_capability(held)) {
		host_say(h, HOST_OK, "CAP_IPC_LOCK is held, with which no limit matters");
		return;
	}
	if (unlimited || (need > 0 && limit >= need))
		return;
	// Not our own rights are what counts, but those of a data plane that root starts.
	if (memlock_capability(bounding)) {
		host_say(
		        h, HOST_OK,
		        "a data plane that root starts has CAP_IPC_LOCK, with which no limit "
		        "matters"
		);
		return;
	}
	host_say(h, HOST_FAIL, "CAP_IPC_LOCK can't be had here");
	host_mend(
	        h,
	        "give the container or service CAP_IPC_LOCK, or 'LimitMEMLOCK=infinity' in its "
	        "unit (docker: --cap-add IPC_LOCK, --ulimit memlock=-1)"
	);
}
