// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A ring between the manager and one worker: one end puts, the other takes.
#pragma once

#include <rte_ring_elem.h>
#include <stdio.h>

// 'size' bytes of an element, 'slots' a power of two. Named after what it carries and the worker. NULL:
// no memory. rte_ring_free frees it, when no worker runs any more.
static inline struct rte_ring *manager_ring_make(
        const char *what, unsigned worker, unsigned size, unsigned slots
)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s-%u", what, worker);
	return rte_ring_create_elem(
	        name, size, slots, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ
	);
}
