// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a received frame is to the sink. Reads foreign bytes.
#pragma once

#include <stdint.h>

enum arrival {
	ARRIVAL_PACKET,
	ARRIVAL_BROKEN, // to the sink's UDP port, with a wrong length or checksum
	ARRIVAL_OTHER, // no datagram to that port
	ARRIVAL_COUNT
};

// Judge a frame of 'len' bytes. 'at' is set to where the packet begins when it is one.
enum arrival arrival_find(
        const uint8_t *frame, uint32_t len, uint16_t udp_port, uint16_t packet_len, uint32_t *at
);
