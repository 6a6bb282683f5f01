// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stage replay: room for the replay tables, in memory and not on a disk.
#include <inttypes.h>

#include "host.h"

void host_check_replay(struct host *h)
{
	const struct fog_config *c = h->config;

	if (c == NULL) {
		host_say(
		        h, HOST_SKIP,
		        "where the replay tables are, and how large, a config would say"
		);
		return;
	}
	if (h->root[0] != '\0') {
		host_say(h, HOST_UNKNOWN, "a copy of files doesn't tell what is free");
		host_mend(h, "run this on that host");
		return;
	}
	if (h->machine.replay_on_disk) {
		host_say(h, HOST_FAIL, "%s is or would be on a disk", c->replay.dir);
		host_mend(
		        h, "set replay.dir to a folder on tmpfs, such as /dev/shm/fogline-%s",
		        c->instance
		);
		return;
	}
	uint64_t have = fog_config_replay_have(c, &h->machine, &h->plan);
	uint64_t need = h->plan.replay_keys * h->plan.replay;
	if (have == 0) {
		host_say(
		        h, HOST_UNKNOWN,
		        "%" PRIu64 " MiB are needed in %s, what is free there can't be seen",
		        need >> 20, c->replay.dir
		);
		host_mend(h, "run this as root");
		return;
	}
	host_say(
	        h, have < need ? HOST_FAIL : HOST_OK,
	        "%u tables of %.1f MiB in %s, %.1f MiB are free for them", h->plan.replay_keys,
	        (double)h->plan.replay / (1 << 20), c->replay.dir, (double)have / (1 << 20)
	);
	if (have >= need)
		return;
	host_mend(
	        h,
	        "lower workers.max_rate or replay.capacity ('fogctl config check' shows how much)"
	);
	if (h->machine.replay_huge)
		host_mend(h, "or reserve more pages: fogctl host init hugepages");
	else
		host_mend(h, "or give the host more memory");
}
