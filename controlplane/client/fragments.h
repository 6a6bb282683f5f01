// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Messages in pieces of one size. What one packet carries to a mailbox is sealed (sealed.h); inside,
// integers big-endian:
//
//   kind 1 | reserved 1, zero | count 2 | index 2 | length of the whole message 4 | message ID 16 |
//   bytes from index * room on, zeros behind the last one
//
// 'room' follows from the network's geometry, so a message of given length has one number of fragments,
// and all of them are as long as a loop. Pure, any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../../dataplane/sphinx/sphinx.h"

enum client_fragment_kind {
	CLIENT_FRAGMENT_MESSAGE = 1,
	CLIENT_FRAGMENT_LOOP = 2, // from the client to itself: nothing but its ID
};

enum {
	CLIENT_FRAGMENT_HEAD = 26,
	CLIENT_FRAGMENT_ID = 16,
	CLIENT_FRAGMENTS_MAX = 4096, // of one message
};

struct client_fragment {
	enum client_fragment_kind kind;
	unsigned count, index;
	uint32_t length; // of the whole message
	uint8_t id[CLIENT_FRAGMENT_ID];
	const uint8_t *data; // leads into what was parsed
	size_t len;
};

// Bytes of a message in one fragment. 0: packets of this geometry have no room for fragments, or a
// message of FOG_CLIENT_MESSAGE_MAX would take too many.
size_t client_fragment_room(const struct fog_geometry *);
unsigned client_fragment_count(size_t length, size_t room);
// Write fragment 'index' of a message of 'length' > 0 bytes: CLIENT_FRAGMENT_HEAD + room bytes.
void client_fragment_put(
        const uint8_t id[CLIENT_FRAGMENT_ID], const uint8_t *message, size_t length, size_t room,
        unsigned index, uint8_t *out
);
void client_fragment_put_loop(const uint8_t id[CLIENT_FRAGMENT_ID], size_t room, uint8_t *out);
// Read what was sealed. Returns 0 or -EBADMSG.
int client_fragment_parse(
        const uint8_t *data, size_t len, size_t room, struct client_fragment *out
);
