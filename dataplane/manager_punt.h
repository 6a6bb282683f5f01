// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The manager's end of the control plane's link messages: what workers pass on goes to it as events,
// what it wants to have sent goes to worker 0. Manager thread.
#pragma once

#include <stdbool.h>

#include "api/link.h"

struct fog_manager;
struct rte_ring;

struct manager_punt {
	struct rte_ring
	        *punts[FOG_WORKERS_MAX]; // struct fog_link_punt from each worker; NULL: no links
	struct rte_ring *letters; // struct fog_letter to worker 0
	unsigned next; // worker whose queue is looked at first
};

// Make the queues where the network has links. After the table of links, before the workers are made.
// Returns 0 or -ENOMEM, logged.
int manager_punt_open(struct fog_manager *, unsigned workers);
void manager_punt_close(struct fog_manager *); // no worker runs any more

// Hand on what the workers have passed, as much as the control plane has room for; the rest waits in
// their queues, which are bounded.
void manager_punt_poll(struct fog_manager *);
// Session callbacks. Have it sent: a handshake message to its address, all else through its session, to a
// client at the address where it was heard last. A handshake message to an address that no port or neighbour
// leads to is lost: whoever sends it asks again. The worker counts what it can't send through a session.
void manager_on_link_send(void *ctx, const struct fog_link_send *);
// Whether worker 0's queue has room for one more; without it nothing is read from the control plane, which
// gets -ENOBUFS in the end.
bool manager_link_room(void *ctx);
