// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How a node knows the packets that it has sent to itself: their recipient is a number with random bytes under
// a MAC whose key only this node can derive, and their message is a mark that only it can compute. So nobody
// else can make one, and one that comes after a restart, when its record is gone, is still no message.
// Each kind of loop (loops.h, cover.h) has a key of its own. Pure, any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../../dataplane/api/msg.h"

enum {
	LOOP_NUMBER_LEN = FOG_ID_LEN, // place 4, random 12, MAC 16
	LOOP_MARK_LEN = 32, // content of its message
};

// Key of one kind of loop, of the node's own secret (32 bytes).
void loop_number_key(const char *label, const uint8_t secret[32], uint8_t key[32]);
void loop_number_make(const uint8_t key[32], uint32_t place, uint8_t number[LOOP_NUMBER_LEN]);
void loop_number_mark(
        const uint8_t key[32], const uint8_t number[LOOP_NUMBER_LEN], uint8_t mark[LOOP_MARK_LEN]
);
// Whether a delivered packet is a loop of this key, and its place.
bool loop_number_of(const uint8_t key[32], const struct fog_deliver *, uint32_t *place);
// Whether its payload says what this loop was sent with. 'data' is payload tag and payload.
bool loop_number_intact(const uint8_t key[32], const struct fog_deliver *, const uint8_t *data);
