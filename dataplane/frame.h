// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Frames that a host without a kernel says by itself: ARP, neighbour discovery, echo replies.
// Pure functions, for workers and manager. Sources: RFC 826, RFC 5227, RFC 4861 section 4, RFC 792,
// RFC 3810 section 5.2, RFC 4443 section 4, IEEE 802.1Q.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../drivers/port_ops.h"

enum {
	// The longest but echo replies: Ethernet, VLAN tag, IPv6, router alert, report of one group.
	FOG_FRAME_MAX = 14 + 4 + 40 + 8 + 8 + 20,
	FOG_ARP_REQUEST = 1,
	FOG_ARP_REPLY = 2,
};

struct fog_question;

// Ethernet header of 'port', with its VLAN tag. Returns its length.
uint16_t fog_frame_ethernet(
        uint8_t *out, const struct fog_port *, const uint8_t to[6], uint16_t ether_type
);

// The following write a whole frame to 'out' (FOG_FRAME_MAX bytes) and return its length.

// ARP message from 'sender', an address of ours, to 'target' with the hardware address
// 'target_mac', in a frame to 'to'.
unsigned fog_frame_arp(
        uint8_t *out, const struct fog_port *, uint16_t operation, const uint8_t to[6],
        const struct fog_ip *sender, const uint8_t target_mac[6], const struct fog_ip *target
);
// Neighbour solicitation for 'target': to its group, or to the one that has 'mac' (NULL: unknown).
unsigned fog_frame_solicit(
        uint8_t *out, const struct fog_port *, const struct fog_ip *target, const uint8_t *mac
);
// Neighbour advertisement of 'target', an address of ours: to 'to' at 'mac', or (NULL) to all nodes.
unsigned fog_frame_advertise(
        uint8_t *out, const struct fog_port *, const struct fog_ip *target, const struct fog_ip *to,
        const uint8_t *mac
);
// Multicast listener report: the group by which neighbours ask for 'address' has a listener here.
// Switches that snoop send a group only where they heard of one.
unsigned fog_frame_listen(uint8_t *out, const struct fog_port *, const struct fog_ip *address);
// Turn an echo request that was read into 'q' into its reply, in place. Returns the frame's length,
// which is never more than the request's.
unsigned fog_frame_echo(uint8_t *frame, const struct fog_port *, const struct fog_question *q);

// One's complement sum of the upper-layer pseudo header of RFC 8200 section 8.1 and 'len' bytes of
// ICMPv6 behind 'ip' (addresses at 8 and 24): 0xffff over a message with the right checksum.
uint16_t fog_frame_icmp6_sum(const uint8_t *ip, const uint8_t *icmp, uint32_t len);
