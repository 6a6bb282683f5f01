// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The manager's part of what a kernel does for other ports: it keeps the table of neighbours, has
// questions and announcements sent by worker 0, and listens to what the workers heard. Manager thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/abi.h"

struct fog_manager;
struct fog_neighbours;
struct rte_ring;

struct manager_announcement {
	unsigned left; // still to be made
	uint64_t due_ms;
	uint64_t defended_ms; // when somebody else's claim was answered last
};

struct manager_host {
	struct fog_neighbours *neighbours; // NULL: every port has a kernel
	struct rte_ring *errands; // to worker 0
	struct rte_ring *heard[FOG_WORKERS_MAX]; // from each worker
	struct manager_announcement announcement[FOG_PORTS_MAX];
	uint64_t listen_due_ms; // when switches are told again which groups we listen to
};

// Make table and rings when a port has no kernel. After the ports, before the workers are made.
// Returns 0 or -errno, logged.
int manager_host_open(struct fog_manager *, unsigned workers);
// No worker runs any more.
void manager_host_close(struct fog_manager *);

// Tell a port's link where our addresses are: at the start, and whenever the link came up.
void manager_host_announce(struct fog_manager *, unsigned port);
// Everything that is due. Returns true when a resolver would see a difference.
bool manager_host_run(struct fog_manager *);
// Copy the devices' own counters into the statistics.
void manager_host_device_stats(struct fog_manager *);

uint64_t manager_host_now_ms(void);
