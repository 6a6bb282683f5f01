// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Link-layer addresses of neighbours on ports without a kernel: asked for, confirmed, forgotten.
// Manager thread only; no clock of its own, no I/O, no DPDK. Sources: RFC 4861 section 7.3 (states
// and times, used for ARP too), RFC 1122 section 2.3.2.1.
//
// Only lookups make entries, and only an answer to a question that is open fills one in: whoever
// tells unasked that an address has moved makes us ask, no more.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/abi.h"

struct fog_heard;
struct fog_neighbours;

// Sends one question for 'ip' through port 'port': to everybody, or to 'mac' when that is not NULL.
// Returns 0 or -EAGAIN (no room now: it is called again at the next run).
typedef int fog_neighbours_ask(
        void *ctx, uint16_t port, const struct fog_ip *ip, const uint8_t *mac
);

enum {
	FOG_NEIGHBOURS_MAX_ENTRIES = FOG_NODES_MAX + 2 * FOG_PORTS_MAX,
	FOG_NEIGHBOUR_ASK_MS = 1000, // between questions, the first three
	FOG_NEIGHBOUR_BACKOFF_MS = 30000, // at most, after that: doubled each time
	FOG_NEIGHBOUR_FRESH_MS = 30000, // confirmed so long ago: asked again, and used meanwhile
	FOG_NEIGHBOUR_UNUSED_MS = 300000, // not looked up for so long: forgotten
};

int fog_neighbours_create(struct fog_neighbours **); // 0 or -ENOMEM
void fog_neighbours_destroy(struct fog_neighbours *); // accepts NULL

// Address of 'ip' on the link of 'port', copied to 'mac'. Returns true when it is known; else it is
// asked for from the next run on (unless the table is full of others).
bool fog_neighbours_lookup(
        struct fog_neighbours *, uint16_t port, const struct fog_ip *ip, uint64_t now_ms,
        uint8_t mac[6]
);
// A neighbour told something. Returns true when a lookup would see the difference.
bool fog_neighbours_heard(struct fog_neighbours *, const struct fog_heard *, uint64_t now_ms);
// Ask, give up, forget: everything that is due. Returns true when a lookup would see the difference.
bool fog_neighbours_run(struct fog_neighbours *, uint64_t now_ms, fog_neighbours_ask *, void *ctx);
