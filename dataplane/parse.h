// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From a frame to the packet in it: Ethernet, up to two VLAN tags, IPv4 with options or IPv6 with
// extension headers, UDP. Pure, any thread. xdp/steer_parse.bpf.h judges by the same rules in the same
// order. Sources: IEEE 802.1Q, RFC 791, RFC 8200, RFC 768.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/abi.h"
#include "api/drops.h"

enum {
	FOG_PARSE_TAGS = 2, // VLAN tags that are read
	FOG_PARSE_HEADERS = 6, // IPv6 extension headers that are read
};

// What makes a frame ours.
struct fog_parse_rules {
	const struct fog_ip *address;
	uint16_t address_count;
	uint16_t vlan; // 0 = untagged
	uint16_t mix_port; // UDP, host byte order
	uint16_t payload_len; // of every packet of the network, bytes
};

struct fog_parsed {
	bool ours; // to our address and port: when it is dropped, it is our traffic that is lost
	uint8_t family; // 4 or 6
	struct fog_ip source; // family 0 unless ours
	uint16_t source_port; // UDP, host byte order; 0 unless ours
	const uint8_t *ip; // header; it and all below are for who found nothing wrong
	const uint8_t *udp;
	uint32_t payload_at; // offset of the UDP payload in the frame
};

// Judge everything but the checksums. Reads nothing beyond 'len' bytes. Returns FOG_DROP_NONE or the
// first reason met; 'out' is always filled.
enum fog_drop fog_parse(
        const struct fog_parse_rules *rules, const uint8_t *frame, uint32_t len,
        struct fog_parsed *out
);

// What a device says about a checksum: it did not look, or it did.
enum fog_checksum { FOG_CHECKSUM_UNKNOWN, FOG_CHECKSUM_GOOD, FOG_CHECKSUM_BAD };

// Judge the checksums of a frame in which nothing else was found wrong, where the device has not:
// FOG_DROP_NONE, FOG_DROP_IP_HEADER or FOG_DROP_UDP_CHECKSUM.
enum fog_drop fog_parse_checksums(
        const struct fog_parsed *parsed, enum fog_checksum ip, enum fog_checksum udp
);
