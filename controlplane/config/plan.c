// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The memory arithmetic for people.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "../mixnet/topology.h"
#include "private.h"

void fog_config_plan(const struct fog_config *c, const struct fog_topology *t, struct fog_plan *p)
{
	struct fog_blob_launch launch;
	struct fog_geometry geometry;

	config_launch(c, t, &launch);
	if (t != NULL)
		geometry = t->geometry;
	else
		fog_geometry_named(&geometry, "mtu");
	fog_plan(&launch, geometry.packet_len, p);
}

static double mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

size_t fog_config_plan_print(
        const struct fog_config *c, const struct fog_plan *p, char *text, size_t len
)
{
	int n = snprintf(
	        text, len,
	        "buffers   parked %u + device queues %u + caches %u + in work %u = %u of %u\n"
	        "memory    %u buffers x %" PRIu64
	        " B = %.1f MiB in whole pages, EAL and devices %.1f MiB: %.1f of memory.mib %u\n"
	        "replay    %" PRIu64 " tags x 16 B = %.1f MiB in %s\n"
	        "beside    rings %.1f MiB, calendars %.1f MiB, statistics %.1f MiB, AF_XDP "
	        "frames %.1f MiB\n"
	        "together  %.1f MiB\n",
	        p->parked, p->queued, p->cached, p->held, p->buffers_need, c->memory.packet_buffers,
	        c->memory.packet_buffers, p->buffer_size, mib(p->pool), mib(FOG_PLAN_EAL),
	        mib(p->eal_need), c->memory.mib, c->replay.capacity, mib(p->replay), c->replay.dir,
	        mib(p->rings), mib(p->calendars), mib(p->stats), mib(p->umem), mib(p->total)
	);
	return n > 0 ? (size_t)n : 0;
}
