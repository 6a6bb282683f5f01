// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Which way packets go: over the appliance under test and one mix of each further layer to the
// sink.
#pragma once

#include "../../controlplane/mixnet/path.h"

struct route {
	struct fog_topology *topology;
	const struct fog_topology_node *first; // the appliance that our frames go to
	const struct fog_topology_node *last; // the sink
	unsigned hops; // of every path
};

// Load 'file' (NULL: the test network of config/testnet) and find both ends by name. NULL names: the
// one mix of the first layer, the one service. Returns 0, or -errno with the reason on stderr.
int route_open(struct route *, const char *file, const char *first, const char *last);
void route_close(struct route *);
// Choose one path, route->hops long. Returns 0, or what fog_path_choose refuses.
int route_pick(const struct route *, struct fog_sphinx_path_hop path[FOG_SPHINX_SLOTS_MAX]);
