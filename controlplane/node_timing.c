// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The timing figures of this node, and what an operator should do about thin traffic.
#include <math.h>
#include <stdio.h>

#include "node_config.h"

bool fog_node_timing(
        struct fog_node *n, struct fog_timing_law *law, struct fog_timing_figures *figures
)
{
	*law = (struct fog_timing_law){0};
	pthread_rwlock_rdlock(&n->lock);
	if (n->topology != NULL)
		*law = (struct fog_timing_law
		){n->topology->delay_mean_us, n->topology->delay_max_us, n->topology->delay_cap_ms};
	uint32_t least = n->config->timing.min_set;
	pthread_rwlock_unlock(&n->lock);
	fog_timing_figures(n->timing, law, figures);
	return !isnan(figures->set) && figures->set < least;
}

unsigned node_timing_warnings(struct fog_node *n, node_say *warn, void *ctx)
{
	struct fog_timing_figures f;
	struct fog_timing_law law;
	char text[384];

	if (!fog_node_timing(n, &law, &f))
		return 0;
	pthread_rwlock_rdlock(&n->lock);
	uint32_t least = n->config->timing.min_set;
	pthread_rwlock_unlock(&n->lock);
	snprintf(
	        text, sizeof(text),
	        "a packet that leaves could be one of %.1f on average, less than timing.min_set %u: "
	        "%.3g packets/s come, %.3g would do: bring more traffic (more senders, cover traffic) "
	        "to this node, or raise the network's delay.mean",
	        f.set, least, f.rate, fog_timing_rate_for(&law, least)
	);
	warn(ctx, "low_traffic", text);
	return 1;
}
