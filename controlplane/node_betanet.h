// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What this node knows of the appliances that the platform manages (betanet/): by the consensus or the network file, by
// its links, by its own loops. Any thread, not under 'lock'.
#pragma once

#include "betanet/betanet.h"
#include "link/links.h"
#include "services/services.h"

struct fog_node;

enum { NODE_BETANET_WATCH_S = 60 };

struct node_betanet; // what was the case when it was looked at

struct node_betanet_known {
	bool self; // it is this node
	bool listed; // by the consensus that counts, or the network file
	bool has_since;
	uint64_t since; // first epoch of its present unbroken row in consensuses
	uint8_t layer; // 0: not a mix
	const struct fog_link_status *link; // NULL: none; lives as long as the look
	uint64_t loops, loops_lost; // of this node that passed a link to it
};

// Returns NULL without memory.
struct node_betanet *node_betanet_look(struct fog_node *);
void node_betanet_forget(struct node_betanet *); // accepts NULL
void node_betanet_know(
        const struct node_betanet *, const struct fog_betanet_node *, struct node_betanet_known *out
);
// Tell the store who is in the consensus, has a link that is up, or is this node with a data plane. Returns 0 or -errno.
int node_betanet_see(const struct node_betanet *, struct fog_db *, int64_t now_us);

// Looking for managed nodes once in NODE_BETANET_WATCH_S, as a service (node_betanet_watch.c). Create: once, by start; 0 or -ENOMEM, logged.
int node_betanet_watch_create(struct fog_node *);
void node_betanet_watch_destroy(struct fog_node *); // stopped before
int node_betanet_watch_start(void *node);
void node_betanet_watch_stop(void *node);
int node_betanet_watch_health(void *node, char text[FOG_SERVICE_TEXT_LEN]);
