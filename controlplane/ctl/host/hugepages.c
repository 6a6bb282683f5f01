// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Reserving hugepages.
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "init.h"

static int hugepages_reserve(struct host *h, const struct host_hugepages *p, unsigned node)
{
	char path[128], value[32];
	uint64_t lack = (p->node[node].need - p->node[node].free + p->page - 1) / p->page;
	uint64_t total = p->node[node].total + lack;

	snprintf(
	        path, sizeof(path), HOST_NODE_PAGES "/hugepages-%" PRIu64 "kB/nr_hugepages", node,
	        p->page >> 10
	);
	snprintf(value, sizeof(value), "%" PRIu64, total);
	int ret = host_set(h, value, "%s", path);
	if (ret < 0)
		return host_stop(h, ret, "%s: %s: reserve the pages at boot", path, strerror(-ret));
	if (h->dry)
		return 0;
	// The kernel gives what it finds in one piece, and says nothing when that is less.
	uint64_t now = (uint64_t)host_number(h, 0, "%s", path);
	if (now >= total)
		return 0;
	return host_stop(
	        h, -ENOMEM,
	        "node %u has %" PRIu64 " pages, %" PRIu64
	        " were asked for: its memory is in pieces; run 'echo 1 "
	        ">/proc/sys/vm/compact_memory' and this again, or add 'hugepages=%" PRIu64
	        "' to the kernel's command line and start the host again",
	        node, now, total, total
	);
}

int host_init_hugepages(struct host *h)
{
	struct host_hugepages p;

	host_hugepages_look(h, &p);
	for (unsigned node = 0; node < HOST_NODES_MAX; node++) {
		if (p.node[node].need <= p.node[node].free)
			continue;
		int ret = hugepages_reserve(h, &p, node);
		if (ret < 0)
			return ret;
	}
	return 0;
}
