// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage hugepages: pages for packet memory, on the NUMA nodes of the workers. No mount is needed, the
// data plane takes them without a file system.
// Source: the kernel's Documentation/admin-guide/mm/hugetlbpage.rst.
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

static uint64_t hugepages_default(const struct host *h)
{
	FILE *f = host_file(h, "/proc/meminfo");
	char line[128];
	uint64_t kib = 0;

	while (f != NULL && kib == 0 && fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "Hugepagesize: %" SCNu64, &kib);
	if (f != NULL)
		fclose(f);
	return kib << 10;
}

static uint64_t hugepages_of_process(const struct host *h, const char *pid)
{
	FILE *f = host_file(h, "/proc/%s/status", pid);
	char line[256];
	uint64_t kib = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "HugetlbPages: %" SCNu64, &kib);
	if (f != NULL)
		fclose(f);
	return kib << 10;
}

// Whether process 'pid' is the data plane of our config: its --run-dir says so.
static bool hugepages_is_ours(const struct host *h, const char *pid)
{
	char name[32], *word = NULL;
	size_t room = 0;
	bool ours = false;

	if (host_read(h, name, sizeof(name), "/proc/%s/comm", pid) <= 0 ||
	    strcmp(name, "fog-dataplane") != 0)
		return false;
	FILE *f = host_file(h, "/proc/%s/cmdline", pid);
	while (f != NULL && !ours && getdelim(&word, &room, '\0', f) > 0)
		ours = strcmp(word, h->config->run_dir) == 0;
	free(word);
	if (f != NULL)
		fclose(f);
	return ours;
}

static uint64_t hugepages_held(const struct host *h)
{
	DIR *d = h->config != NULL ? host_folder(h, "/proc") : NULL;
	const char *pid;
	uint64_t held = 0;

	while (d != NULL && (pid = host_entry(d)) != NULL)
		if (isdigit((unsigned char)*pid) && hugepages_is_ours(h, pid))
			held += hugepages_of_process(h, pid);
	if (d != NULL)
		closedir(d);
	return held;
}

static void hugepages_read_node(const struct host *h, struct host_hugepages *p, unsigned node)
{
	DIR *d = host_folder(h, HOST_NODE_PAGES, node);
	const char *entry;
	uint64_t kib;

	while (d != NULL && (entry = host_entry(d)) != NULL) {
		if (sscanf(entry, "hugepages-%" SCNu64 "kB", &kib) != 1)
			continue;
		uint64_t unused = (uint64_t
		)host_number(h, 0, HOST_NODE_PAGES "/%s/free_hugepages", node, entry);
		p->node[node].free += unused * (kib << 10);
		if (kib << 10 != p->page)
			continue;
		p->node[node].here = true;
		p->node[node].unused = unused;
		p->node[node].total = (uint64_t
		)host_number(h, 0, HOST_NODE_PAGES "/%s/nr_hugepages", node, entry);
	}
	if (d != NULL)
		closedir(d);
}

// EAL divides its memory by the lcores of each node: a worker each, and the manager.
static void hugepages_share(const struct host *h, struct host_hugepages *p, uint64_t need)
{
	unsigned lcores[HOST_NODES_MAX] = {0}, all = 0;

	for (unsigned cpu = 0; cpu < FOG_CONFIG_CPUS_MAX; cpu++)
		if (host_cpu_in(&h->cpus, cpu)) {
			lcores[host_cpu_node(h, cpu)]++;
			all++;
		}
	if (h->config != NULL || all == 0) {
		lcores[host_cpu_node(h, h->config != NULL ? h->config->workers.manager_cpu : 0)]++;
		all++;
	}
	for (unsigned node = 0; node < HOST_NODES_MAX; node++) {
		uint64_t share = need * lcores[node] / all;
		p->node[node].need = (share + p->page - 1) / p->page * p->page;
	}
}

// Tables in a hugetlbfs come out of the same pages when these have the default size.
static uint64_t hugepages_need(const struct host *h, const struct host_hugepages *p)
{
	const struct fog_config *c = h->config;

	if (h->pages != 0)
		return h->pages * p->page;
	if (c == NULL)
		return 0;
	uint64_t need = c->memory.hugepages ? (uint64_t)c->memory.mib << 20 : 0;
	need = need > p->held ? need - p->held : 0;
	if (h->machine.replay_huge && h->machine.replay_page == p->page && p->held == 0)
		need += h->plan.replay_keys * ((h->plan.replay + p->page - 1) / p->page * p->page);
	return need;
}

uint64_t host_hugepages_look(const struct host *h, struct host_hugepages *p)
{
	memset(p, 0, sizeof(*p));
	p->page = hugepages_default(h);
	if (p->page == 0)
		return 0;
	p->held = hugepages_held(h);
	for (unsigned node = 0; node < HOST_NODES_MAX; node++)
		hugepages_read_node(h, p, node);
	uint64_t need = hugepages_need(h, p);
	if (need > 0)
		hugepages_share(h, p, need);
	return need;
}

static void hugepages_check_node(struct host *h, const struct host_hugepages *p, unsigned node)
{
	uint64_t need = p->node[node].need, have = p->node[node].free;
	bool lacks = have < need;

	host_say(
	        h, lacks ? HOST_FAIL : HOST_OK,
	        "node %u: %" PRIu64 " of %" PRIu64 " pages of %" PRIu64 " KiB are free, %" PRIu64
	        " needed",
	        node, p->node[node].unused, p->node[node].total, p->page >> 10, need / p->page
	);
	if (lacks && h->pages != 0)
		host_mend(h, "run: fogctl host init hugepages --pages %" PRIu64, h->pages);
	else if (lacks)
		host_mend(
		        h,
		        "run: fogctl host init hugepages; to have them from boot on, add "
		        "'hugepages=%" PRIu64 "' to the kernel's command line",
		        (need / p->page) + p->node[node].total - p->node[node].unused
		);
}

void host_check_hugepages(struct host *h)
{
	struct host_hugepages p;
	uint64_t need = host_hugepages_look(h, &p);

	if (p.page == 0) {
		host_say(h, HOST_FAIL, "this kernel has no hugepages");
		host_mend(h, "use a kernel with CONFIG_HUGETLBFS, or 'memory: hugepages: false'");
		return;
	}
	if (p.held > 0)
		host_say(h, HOST_OK, "the running data plane has %" PRIu64 " MiB", p.held >> 20);
	for (unsigned node = 0; node < HOST_NODES_MAX; node++)
		if (p.node[node].here && need > 0)
			hugepages_check_node(h, &p, node);
		else if (p.node[node].here)
			host_say(
			        h, HOST_SKIP,
			        "node %u: %" PRIu64 " of %" PRIu64 " pages of %" PRIu64
			        " KiB are free",
			        node, p.node[node].unused, p.node[node].total, p.page >> 10
			);
	if (need == 0 && p.held == 0)
		host_say(
		        h, HOST_SKIP, "%s",
		        h->config != NULL ? "the config needs none"
		                          : "how many are needed a config would say (or --pages)"
		);
}
