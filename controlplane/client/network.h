// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The network as a client knows it: its file, the consensuses that it has fetched (../directory/view.h), and
// from them the nodes and keys of the epoch that is now. One thread; a thread of its own fetches.
#pragma once

#include <stdbool.h>

#include "../../dataplane/sphinx/sphinx.h"
#include "../mixnet/topology.h"

struct client_network;

enum { CLIENT_NETWORK_TEXT_LEN = 200 };

// 'file' is the network file's topology and must outlive the object; 'dir' keeps consensuses.
// Returns 0 or -errno.
int client_network_create(const struct fog_topology *file, const char *dir, struct client_network **);
void client_network_destroy(struct client_network *); // waits for a fetch under way; accepts NULL
int client_network_fd(const struct client_network *); // readable when a fetch is over
// Look at the clock and at what was fetched, several times a second. Returns whether the topology is
// another one now.
bool client_network_tick(struct client_network *, uint64_t now_ms);
// NULL: no consensus counts. Valid until the next tick.
const struct fog_topology *client_network_topology(const struct client_network *);
// Why the last fetches failed, "" after one that didn't; and how many have failed in a row.
const char *client_network_trouble(const struct client_network *, unsigned *failures);
uint64_t client_network_now_ns(const struct client_network *); // the epoch clock
// As courier.h wants them; 'ctx' is the network.
int client_network_way(
        void *ctx, const uint8_t from[FOG_ID_LEN], const uint8_t to[FOG_ID_LEN],
        struct fog_sphinx_path_hop *hop, uint64_t *epoch
);
int client_network_anybody(void *ctx, uint8_t to[FOG_ID_LEN]);
// By name or ID; NULL: there is none.
const struct fog_topology_node *client_network_node(const struct client_network *, const char *);
// A gateway that stays, by chance. NULL: there is none.
const struct fog_topology_node *client_network_gateway(const struct client_network *);
