// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What both processes agree on before anything else. Header-only, includes nothing of ours.
#pragma once

#include <stdint.h>

#define FOG_ABI_MAGIC UINT64_C(0x31454e494c474f46) // "FOGLINE1", little endian
#define FOG_ABI 5u // any change of a layout in this folder raises it

enum {
	FOG_WORKERS_MAX = 64,
	FOG_PORTS_MAX = 16,
	FOG_QUEUES_MAX = 64,
	FOG_ADDRESSES_MAX = 8, // per port
	FOG_NODES_MAX = 1024, // nodes in the next-hop table
	FOG_MIX_KEYS_MAX = 4, // mix keys that a data plane holds at once
	FOG_EPOCH_FOREVER = 1, // the one key epoch of a network without links
	FOG_NEIGHBOURS_MAX = 64, // static neighbours for ports without a kernel
	FOG_ID_LEN = 32,
	FOG_BUILD_LEN = 64,
	FOG_DRAIN_GRACE_MAX_MS = 3600000,
	FOG_CACHE_LINE = 128, // two lines: the adjacent-line prefetcher pairs them
};

// An IP address in network byte order. IPv4 lies in the first four bytes, the rest is zero.
struct fog_ip {
	uint8_t family; // 0 none, 4, 6
	uint8_t reserved[3];
	uint8_t addr[16];
};

_Static_assert(sizeof(struct fog_ip) == 20, "layout is part of the ABI");
