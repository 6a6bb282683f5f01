// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The generator's ports, and the way from there to the appliance.
#pragma once

#include <rte_mempool.h>

#include "../../dataplane/pools.h"
#include "../../drivers/port_ops.h"
#include "options.h"

struct ports {
	struct fog_port *tx, *rx; // the same object when there is one port
	struct fog_pools pools; // one of them: there is one worker
};

// Start EAL and open what the options name: lcore 0 is the caller, lcore 1 the thread that will own
// the ports. Returns 0 or -errno with the reason on stderr.
int ports_open(struct ports *, const struct options *, const struct route *);
void ports_close(struct ports *); // ends EAL; accepts ports that did not open
// Complete the MACs of 'spec' from the port and from the kernel's neighbours, waiting for an answer.
// Returns 0 or -errno with the reason on stderr.
int ports_addresses(const struct ports *, const struct options *, struct frame_spec *spec);
