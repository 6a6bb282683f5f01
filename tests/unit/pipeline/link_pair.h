// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Two rigs with an encrypted link between them, and what a test does with frames on it.
#pragma once

#include "rig.h"

enum {
	PAIR_FRAME = 2048,
	PAIR_UDP_AT = 14 + 20, // frames on the pair's wire are IPv4, untagged
	PAIR_EPOCH = (uint8_t)RIG_LINKS_EPOCH,
};

struct pair {
	struct rig *a, *b; // each is the other's node 1
	uint32_t a_index, b_index; // bases under which they receive
	uint8_t a_key[32], b_key[32]; // of what they receive
};

struct pair_frame {
	uint8_t bytes[PAIR_FRAME];
	uint32_t len;
};

// With a session of class NODE that 'a' initiated; nothing has come under it yet.
struct pair *pair_create(void);
void pair_destroy(struct pair *);

// What pair_create installs, with other indices and keys: a test changes it before it installs.
struct fog_link_session pair_session(struct pair *, const struct rig *of);
int pair_install(struct rig *, const struct fog_link_session *);
// Another session beside those that are there: new indices, new keys.
void pair_renew(struct pair *);

// Run 'r' until it has sent exactly one frame.
void pair_sent(struct rig *r, struct pair_frame *);
// Let 'b' confirm, or speak first under, the newest session, and let 'a' hear it, or the other way.
void pair_nothing(struct rig *from, uint32_t rx_index, struct rig *to);
// A frame from 'b' to 'a' with a packet that 'a' sends on to 'b', where it is delivered.
void pair_packet(struct pair *, struct pair_frame *);
// Begin of the UDP payload.
uint8_t *pair_payload(struct pair_frame *);
// Hand a frame to 'r', whatever became of it, and run until it is done.
void pair_put(struct rig *r, const struct pair_frame *);
