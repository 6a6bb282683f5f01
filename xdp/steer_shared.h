// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// Copyright (c) 2026 the Fogline authors
// What the steering program and its loader agree on. Included on both sides of the kernel, so it
// knows kernel types only. Addresses and ports are in network byte order.
#pragma once

#include <linux/types.h>

#include "../dataplane/api/steer.h"

enum {
	FOG_STEER_ADDRESSES = 8, // as many as a port has (FOG_ADDRESSES_MAX)
	FOG_STEER_DENY_MAX = 4096, // prefixes (FOG_DENY_MAX)
	FOG_STEER_EXEMPT_MAX = 1024, // addresses (FOG_NODES_MAX)
	// Sources whose bucket is remembered. A flood from more pushes the oldest out, which then begin
	// again with a full bucket.
	FOG_STEER_SOURCES = 65536,
	FOG_STEER_TAGS = 2, // VLAN tags that are read
	FOG_STEER_HEADERS =
	        6, // IPv6 extension headers that are read: one more than RFC 8200 orders
};

// What a port is, fixed before the program is loaded: the kernel compiles it in.
struct fog_steer_port {
	__be16 mix_port; // UDP
	__be16 vlan; // 0 = untagged frames are ours
	__u16 udp_len; // of every packet of the network, UDP header included; host byte order
	__u8 count4, count6;
	__be32 address4[FOG_STEER_ADDRESSES];
	__be32 address6[FOG_STEER_ADDRESSES][4];
};

// The filter. Two generations exist: while the program reads one, the loader writes the other and
// then turns fog_active, so a frame meets the old filter or the new one, never a mixture.
struct fog_steer_filter {
	__u32 early_drop; // drop what by length or as a fragment is no packet of the network
	__u32 deny_count; // 0 spares the look-up
	__u64 packet_ns; // time in which a source earns a packet, 0 = no limit
	__u64 burst_ns; // how far a source may be ahead: (burst - 1) packets
};

// Key of the deny list.
struct fog_steer_prefix {
	__u32 len; // bits that count of what follows: FOG_STEER_PREFIX_HEAD + prefix length
	__u8 generation;
	__u8 family; // 4 or 6
	__u8 addr[16]; // IPv4 lies in the first four bytes, the rest is zero
	__u8 reserved[2];
};

enum { FOG_STEER_PREFIX_HEAD = 16 }; // bits of generation and family

// Key of the exempt addresses.
struct fog_steer_exempt {
	__u8 family;
	__u8 generation;
	__u8 reserved[2];
	__u8 addr[16];
};

// Key of a source's bucket: an IPv4 address, or an IPv6 /64, which is what one customer gets.
struct fog_steer_source {
	__u32 family;
	__u8 net[8];
};

struct fog_steer_counts {
	__u64 of[FOG_STEER_VERDICTS];
};

_Static_assert(sizeof(struct fog_steer_prefix) == 24, "key of the deny list");
_Static_assert(sizeof(struct fog_steer_exempt) == 20, "key of the exempt addresses");
_Static_assert(sizeof(struct fog_steer_source) == 12, "key of the buckets");
