// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What this machine has: online CPUs, free memory, room for the replay tables.
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "config.h"

// First line of a file of sysfs, "" when there is none.
static void host_line(const char *path, char *text, size_t len)
{
	FILE *f = fopen(path, "re");

	text[0] = '\0';
	if (f == NULL)
		return;
	if (fgets(text, (int)len, f) == NULL)
		text[0] = '\0';
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
}

// The next CPU of a list such as "0-3,8", or -1 at its end. 'last' is the end of the range that '*p'
// is in, and starts as -1.
static long host_next_cpu(char **p, long *at, long *last)
{
	if (*at < *last)
		return ++*at;
	if (**p < '0' || **p > '9')
		return -1;
	*at = *last = strtol(*p, p, 10);
	if (**p == '-')
		*last = strtol(*p + 1, p, 10);
	*p += **p == ',';
	return *at;
}

static void host_cpus(struct fog_config_host *h)
{
	long cpu, at = 0, last = -1;
	char *p = h->cpu_text;

	host_line("/sys/devices/system/cpu/online", h->cpu_text, sizeof(h->cpu_text));
	while ((cpu = host_next_cpu(&p, &at, &last)) >= 0)
		if (cpu < FOG_CONFIG_CPUS_MAX)
			h->cpu[cpu / 64] |= UINT64_C(1) << cpu % 64;
}

static void host_nodes(struct fog_config_host *h)
{
	char path[64], text[1024];

	for (unsigned node = 0; node <= UINT8_MAX; node++) {
		long cpu, at = 0, last = -1;
		char *p = text;
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/cpulist", node);
		host_line(path, text, sizeof(text));
		while ((cpu = host_next_cpu(&p, &at, &last)) >= 0)
			if (cpu < FOG_CONFIG_CPUS_MAX)
				h->node[cpu] = (uint8_t)node;
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
	h->hugepage = page_kib << 10;
	h->hugepages_free = pages * h->hugepage;
}

// Bytes of the tables that are there already: they are ours to use. Only root may look.
static uint64_t host_replay_held(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	struct stat st;
	uint64_t held = 0;

	if (d == NULL)
		return 0;
	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, "replay-", 7) == 0 &&
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			held += (uint64_t)st.st_blocks * 512;
	closedir(d);
	return held;
}

static uint64_t host_pages(uint64_t page, const char *file)
{
	char path[96], text[32];

	snprintf(
	        path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB/%s",
	        page >> 10, file
	);
	host_line(path, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

// A hugetlbfs without a size limit says 0 blocks: then what counts is the pool of its page size,
// without the pages that somebody has been promised.
static void host_replay_huge(const char *dir, const struct statfs *fs, struct fog_config_host *h)
{
	uint64_t page = (uint64_t)fs->f_bsize;
	uint64_t pages = host_pages(page, "free_hugepages"),
	         promised = host_pages(page, "resv_hugepages");

	pages = pages > promised ? pages - promised : 0;
	if (fs->f_blocks > 0 && (uint64_t)fs->f_bavail < pages)
		pages = (uint64_t)fs->f_bavail;
	h->replay_page = page;
	h->replay_free = pages * page + host_replay_held(dir);
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
	h->replay_huge = (unsigned long)fs.f_type == HUGETLBFS_MAGIC;
	// A tmpfs without a size limit says 0 blocks: unknown.
	if (h->replay_huge)
		host_replay_huge(dir, &fs, h);
	else if (!h->replay_on_disk && fs.f_blocks > 0)
		h->replay_free = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize +
		        host_replay_held(dir);
	if (!h->replay_huge && !h->replay_on_disk && h->memory_free > 0)
		h->memory_free += host_replay_held(dir);
}

void fog_config_host_read(const struct fog_config *c, struct fog_config_host *h)
{
	memset(h, 0, sizeof(*h));
	host_cpus(h);
	host_nodes(h);
	host_memory(h);
	host_replay(c->replay.dir, h);
	for (unsigned i = 0; i < c->port_count; i++)
		if (c->port[i].driver == FOG_DRIVER_AUTO)
			fog_device_choose("/sys", c->port[i].device, &h->choice[i]);
}
