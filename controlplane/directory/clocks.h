// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What time it is by the authorities' clocks, from the dates of their answers (RFC 9110 §6.6.1), which come over
// connections whose keys are known. A host whose clock is off can't tell by itself, and all that it sees is
// consensuses and descriptors that are refused. One authority that lies about the time moves nobody: as many
// have to say so as it takes to list a node, of whom one at least is honest.
// Pure, any thread, but one at a time for an object.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../mixnet/topology.h"

struct fog_clocks {
	bool known[FOG_AUTHORITIES_MAX];
	int64_t ahead_ms[FOG_AUTHORITIES_MAX]; // our clock before theirs, at the last answer
};

enum { FOG_CLOCKS_COARSE_MS = 1500 }; // dates are whole seconds, and answers take their time

// Authority number 'authority' has answered at 'now_ns' by our clock, at 'date_s' by its own (0: it didn't say).
void fog_clocks_hear(struct fog_clocks *, unsigned authority, int64_t date_s, uint64_t now_ns);
// Whether our clock is off by more than the network's tolerance, as far as this way of looking can tell.
// *ahead_ms is by how much at least one honest authority says so; negative: ours is behind.
bool fog_clocks_off(
        const struct fog_clocks *, const struct fog_topology *network, int64_t *ahead_ms
);

// The sentence with its mend, for a clock that is off.
enum { FOG_CLOCKS_TEXT_LEN = 160 };

void fog_clocks_text(int64_t ahead_ms, char text[FOG_CLOCKS_TEXT_LEN]);
