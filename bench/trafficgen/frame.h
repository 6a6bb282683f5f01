// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Ethernet, IP and UDP in front of a bare packet (IEEE 802.1Q, RFC 791, RFC 8200, RFC 768).
#pragma once

#include <stdint.h>

#include "../../dataplane/api/abi.h"

struct frame_end {
	uint8_t mac[6];
	struct fog_ip ip;
	uint16_t port; // UDP; of the sender: the first of 'flows'
};

struct frame_spec {
	struct frame_end from, to;
	uint16_t vlan; // 0 = none
	uint16_t flows; // source ports in turn, so that receivers spread frames over their queues
	uint16_t packet_len;
};

enum { FRAME_HEADER_MAX = 14 + 4 + 40 + 8 };

struct frame {
	uint8_t header[FRAME_HEADER_MAX];
	uint16_t header_len, udp_at, packet_len, first_port, flows;
	uint8_t family;
};

// Prepare what all frames share. Both addresses are of one family.
void frame_init(struct frame *, const struct frame_spec *);

static inline unsigned frame_len(const struct frame *f)
{
	return f->header_len + f->packet_len;
}

// Put the headers of frame 'number' before the packet that lies at out + header_len already.
void frame_finish(const struct frame *, uint64_t number, uint8_t *out);
