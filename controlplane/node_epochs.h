// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What ties the epochs (epoch/) to a node: its topology, its data plane, its senders.
#pragma once

#include "node_config.h"

int node_epochs_create(struct fog_node *);
// The topology in force is another one; 'old' may be NULL. Control thread, under 'change'.
void node_epochs_topology(struct fog_node *, const struct fog_topology *old);
// Four times a second. Control thread, not under 'change'.
void node_epochs_tick(struct fog_node *);
// Forget what is old. Control thread.
void node_prune(struct fog_node *);

// Any thread: whether the network has epochs; the one that packets are made for now (FOG_NODE_EPOCH
// without); a node's mix key in it (0 or -ENOENT), while its topology stays.
bool node_epochs_active(struct fog_node *);
uint64_t node_epoch_now(struct fog_node *);
// Under node->lock: the epoch that a packet over the topology in force is made for. Right after an epoch's
// beginning that is still the one before, whose keys live: the nodes of the new one come with the next tick.
uint64_t node_epoch_of_topology(struct fog_node *);
// The one that packets will be made for in 'ms'. Any thread.
uint64_t node_epoch_after(struct fog_node *, uint64_t ms);
int node_mix_key(
        void *node, const struct fog_topology_node *, uint64_t epoch, uint8_t public_key[32]
);
// What is known of node 'i' of the network, by its own words or the consensus's. Returns 0 or -ENOENT.
int node_epochs_known(struct fog_node *, unsigned i, struct fog_exchange_node *);
// The beacon that delays of 'epoch' are drawn from in the network of this hash.
void node_epochs_beacon(
        struct fog_node *, const uint8_t network[32], uint64_t epoch, uint8_t out[32]
);
bool node_epoch_over(void *node, uint64_t epoch);

// Our own mix key that packets are made with now; false: there is none. Any thread.
bool node_epochs_key(struct fog_node *, uint8_t public_key[32]);
// How the mix key of now fares at the data plane, as fog_dpclient_key_ack. Any thread.
void node_epochs_key_ack(struct fog_node *, struct fog_dpclient_ack *);
unsigned node_unready_epochs(struct fog_node *, node_say *, void *ctx);
unsigned node_warn_epochs(struct fog_node *, node_say *, void *ctx);
