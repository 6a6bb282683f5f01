// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Builds Ethernet frames for the driver and steering tests.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../../../dataplane/api/abi.h"

enum { FRAME_MIX_PORT = 9001, FRAME_MAX = 4096 };

struct frame {
	const char *to; // IP address; says the family
	const char *from; // default: 192.0.2.1 or 2001:db8::1
	uint16_t port; // UDP destination; 0 = FRAME_MIX_PORT
	uint16_t payload; // bytes after the UDP header
	uint16_t vlan; // 0 = untagged
	uint16_t tpid; // of the tag; 0 = 802.1Q
	uint16_t ethertype; // 0 = the family's
	uint8_t protocol; // 0 = UDP
	uint8_t options; // 32-bit words of IPv4 options
	bool fragmented; // IPv6: puts a fragment header
	uint16_t fragment_offset; // in 8-byte units
	bool more_fragments;
	uint8_t version; // 0 = the family's
	uint8_t ihl; // IPv4 header length field, 0 = the true one
	uint16_t inner_vlan; // a second tag behind the first, 0 = none
	uint16_t inner_tpid; // of that; 0 = 802.1Q
	// IPv6 extension headers in order, 8 bytes each: h hop-by-hop, d destination options, D the same
	// with 16 bytes, r routing at its last stop, R with a stop left, f fragment, a authentication.
	const char *extensions;
	int16_t udp_len_off; // added to what the UDP length says
	int16_t ip_len_off; // added to what the IP length says
	uint16_t padding; // bytes after the IP packet
	uint8_t mac_to[6];
	uint8_t mac_from[6];
};

struct fog_ip frame_ip(const char *text);

// Write the frame to 'out' (FRAME_MAX bytes). Payload byte i is (i + seed) & 0xff, IPv4 header and
// UDP checksums are right. Returns its length.
unsigned frame_build(const struct frame *f, uint8_t seed, uint8_t *out);
