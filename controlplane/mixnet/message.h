// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What one message looks like inside the payload of one packet:
//
//   flags 1 (bit 0: a SURB follows) | epoch 1 | [SURB, geometry.surb_len] |
//   length 2, big endian | bytes | zeros to the end of the payload
//
// 'epoch' is the low byte of the epoch whose keys the SURB is made with; zero without a SURB, and in
// networks with 'links: none'.
//
// Only one encoding of a message exists: whatever is reserved or left over is zero, or the payload
// is malformed. Pure functions, any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../../dataplane/sphinx/sphinx.h"

enum { FOG_MESSAGE_HAS_SURB = 1 }; // bits of the first byte

// A decoded message; the pointers lead into the payload that it was read from.
struct fog_message {
	const uint8_t *surb; // geometry.surb_len bytes, or NULL
	const uint8_t *data;
	size_t len;
	uint8_t surb_epoch;
};

// Most bytes that fit into one message of this geometry, with or without a SURB.
// 0 also when the SURB itself doesn't fit.
size_t fog_message_room(const struct fog_geometry *, int with_surb);

// Write geo->payload_len bytes to 'payload'. 'surb' is geo->surb_len bytes or NULL.
// Returns 0 or -EMSGSIZE (longer than fog_message_room).
int fog_message_encode(
        const struct fog_geometry *, const uint8_t *surb, const void *data, size_t len,
        uint8_t *payload
);
// Set the epoch of the SURB in a payload that has one.
void fog_message_surb_epoch(uint8_t *payload, uint8_t epoch);

// Read a payload of geo->payload_len bytes. Returns 0 or -EBADMSG (malformed).
int fog_message_decode(const struct fog_geometry *, const uint8_t *payload, struct fog_message *);
