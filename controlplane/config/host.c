// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What this machine has: online CPUs, free memory, room for the replay tables.
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>

#include "config.h"

// "0-3,8" into bits.
static void host_cpus(struct fog_config_host *h)
{
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");
	unsigned long first, last;
	char *p;

	if (f == NULL)
		return;
	if (fgets(h->cpu_text, sizeof(h->cpu_text), f) == NULL)
		h->cpu_text[0] = '\0';
	fclose(f);
	h->cpu_text[strcspn(h->cpu_text, "\n")] = '\0';
	for (p = h->cpu_text; *p >= '0' && *p <= '9'; p += *p == ',') {
		first = last = strtoul(p, &p, 10);
		if (*p == '-')
			last = strtoul(p + 1, &p, 10);
		for (; first <= last && first < FOG_CONFIG_CPUS_MAX; first++)
			h->cpu[first / 64] |= UINT64_C(1) << first % 64;
	}
}

static void host_memory(struct fog_config_host *h)
{
	FILE *f = fopen("/proc/meminfo", "re");
	uint64_t kib, pages = 0, page_kib = 0;
	char line[128];

	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
			h->memory_free = kib << 10;
		if (sscanf(line, "HugePages_Free: %" SCNu64, &kib) == 1)
			pages = kib;
		if (sscanf(line, "Hugepagesize: %" SCNu64, &kib) == 1)
			page_kib = kib;
	}
	fclose(f);
	h->hugepages_free = pages * (page_kib << 10);
}

// The folder may not exist yet: then its nearest parent tells.
static void host_replay(const char *dir, struct fog_config_host *h)
{
	char path[128];
	struct statfs fs;

	snprintf(path, sizeof(path), "%s", dir);
	while (statfs(path, &fs) < 0) {
		char *slash = strrchr(path, '/');
		if (slash == NULL || slash == path)
			return;
		*slash = '\0';
	}
	h->replay_on_disk = (unsigned long)fs.f_type != TMPFS_MAGIC &&
	        (unsigned long)fs.f_type != HUGETLBFS_MAGIC;
	// A tmpfs without a size limit says 0 blocks: unknown.
	if (!h->replay_on_disk && fs.f_blocks > 0)
		h->replay_free = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
}

void fog_config_host_read(const struct fog_config *c, struct fog_config_host *h)
{
	memset(h, 0, sizeof(*h));
	host_cpus(h);
	host_memory(h);
	host_replay(c->replay.dir, h);
}
