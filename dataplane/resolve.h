// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Which port leads to a node and which link-layer address is next on the way: one question, whoever
// knows the answer. In this order:
//   1. a static neighbour of the configuration;
//   2. the link of a port without a kernel, where a prefix of its addresses covers the node;
//   3. a route of the kernel that leaves through a port of ours (drivers/neigh.h);
//   4. a port without a kernel: its gateway, or, where an address has no prefix, the node itself.
// Manager thread only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/blob.h"

struct fog_port;
struct fog_neigh;
struct fog_neighbours;

struct fog_resolver {
	struct fog_port *const *ports;
	unsigned port_count;
	struct fog_neigh *neigh; // the kernel's table; NULL when no port has a kernel
	struct fog_neighbours *neighbours; // our own; NULL when every port has one
};

struct fog_way {
	bool routed; // a port of ours leads there
	bool resolved; // ... and 'mac' is known
	uint16_t port; // index
	struct fog_ip source; // our address to send from
	uint8_t mac[6];
};

struct fog_way fog_resolve(
        const struct fog_resolver *, const struct fog_blob_run *, const struct fog_ip *to,
        uint64_t now_ms
);
