// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The part of a node that follows configuration, topology and data plane.
#pragma once

#include "node.h"

// Callbacks of the data-plane client; ctx is the node.
extern const struct fog_dpclient_ops node_dpclient_ops;

// Load the configuration file with the command line's overrides, findings to stderr.
int node_config_read(const struct fog_node *, struct fog_config **);

// Compile what the node now holds, its operators' filter included, and hand it to the client; without
// a topology there is nothing to hand over. Under 'change'. Returns 0 or -errno (findings in 'report').
int node_publish(struct fog_node *, struct fog_report *report);

// Wait until the name of this file, or that it is gone, is on the disk. Any thread. Returns 0 or -errno.
int node_folder_sync(const char *path);

// The network's directory has news: they become the topology, as if a file had changed. Control thread, not
// under 'change'.
void node_topology_follow(struct fog_node *);

typedef void node_say(void *ctx, const char *code, const char *text);

// How the running data plane was launched and how it fares, whatever our file says by now.
struct node_running {
	bool seeded, accept_replays, tracing, draining;
	uint64_t replay_count, replay_capacity; // of the fullest table; 0 = none
};

struct node_running node_running(struct fog_node *);

// What an operator should know about thin traffic. Returns how many warnings there are. Any thread,
// not under 'lock'.
unsigned node_timing_warnings(struct fog_node *, node_say *warn, void *ctx);

// Whether the running processes may become those of a production node. Returns 0 or -EINVAL with
// what must be restarted. Under 'change'.
int node_production_check(
        struct fog_node *, const struct fog_config *fresh, struct fog_report *report
);
// What keeps a production node from being ready. Returns how many reasons there are.
unsigned node_unready_production(struct fog_node *, node_say *reason, void *ctx);
// Give the mix key to the data plane, or keep it from one with test settings while the node is in
// production (it gives the key up if it has it, and the key's replay table stays). Under 'change'. Returns 0 or -errno.
int node_key_hand(struct fog_node *);
