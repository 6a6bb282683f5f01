// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The part of a node that ties its links (link/links.h) to data plane, topology and clock. Control
// thread, unless said otherwise.
#pragma once

#include "node.h"
#include "node_config.h"

struct node_links;

// Before the data-plane client is made; its callbacks come here. Returns 0 or -errno, logged.
int node_links_create(struct fog_node *);
void node_links_destroy(struct fog_node *);

void node_links_attached(struct fog_node *, const struct fog_msg_welcome *);
void node_links_detached(struct fog_node *);
void node_links_event(struct fog_node *, uint32_t type, const struct fog_evt *);
// As the client's callbacks; ctx is the node.
void node_links_punt(void *ctx, const struct fog_link_punt *);
void node_links_ack(void *ctx, uint32_t rx_index, int status);
// Follow what topology and configuration say by now, look at the data plane's sessions once a second, do
// what is due.
void node_links_tick(struct fog_node *);

// Whether a data plane has come, or the topology has this node, since so lately that links may just be about to
// come up: what goes to a node without one would only be dropped. Never for long, since some nodes may be away. Any thread; ctx is the node.
bool node_links_settling(void *ctx);
// What of the links keeps the node from being ready. Returns how many reasons there are. Any thread.
unsigned node_unready_links(struct fog_node *, node_say *reason, void *ctx);
// Where what it takes is less than the network asks to be sent. Returns how many warnings. Any thread.
unsigned node_warn_links(struct fog_node *, node_say *warn, void *ctx);
