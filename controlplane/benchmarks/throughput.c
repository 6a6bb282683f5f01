// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "throughput.h"

#include <errno.h>
#include <string.h>

static struct fog_benchmark_rates rates(
        const struct fog_benchmark_count *a, const struct fog_benchmark_count *b, double seconds
)
{
	return (struct fog_benchmark_rates
	){(double)(b->rx - a->rx) / seconds, (double)(b->tx - a->tx) / seconds,
	  (double)(b->delivered - a->delivered) / seconds, (double)(b->drops - a->drops) / seconds};
}

int fog_benchmark_throughput(
        const struct fog_benchmark_reading *begin, const struct fog_benchmark_reading *end,
        struct fog_benchmark_throughput *out
)
{
	if (begin->workers != end->workers || begin->workers > FOG_BENCHMARK_WORKERS_MAX ||
	    memcmp(begin->boot_id, end->boot_id, sizeof(begin->boot_id)) != 0)
		return -EXDEV;
	if (end->time_ns <= begin->time_ns)
		return -ENODATA;
	*out = (struct fog_benchmark_throughput
	){.seconds = (double)(end->time_ns - begin->time_ns) / 1e9, .workers = end->workers};
	for (unsigned i = 0; i < end->workers; i++) {
		struct fog_benchmark_rates *w = &out->worker[i];
		*w = rates(&begin->worker[i], &end->worker[i], out->seconds);
		out->sum.received += w->received;
		out->sum.sent += w->sent;
		out->sum.delivered += w->delivered;
		out->sum.dropped += w->dropped;
	}
	out->port_lost = end->port_lost - begin->port_lost;
	return 0;
}
