// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Who may connect to the public listener, and how often ask there. Sources are IPv4 addresses and IPv6 networks
// of 64 bits, since anybody has all addresses of his own. Each has
//
//   - at most CROWD_OF_SOURCE connections at once, all strangers together CROWD_STRANGERS. When those are
//     taken, a newcomer gets the place of the oldest connection of the source that has most, if that
//     has more than he would have, or if it has been there for CROWD_PATIENCE_MS: many
//     connections buy nothing, and nobody holds a place by reading slowly while others wait;
//   - CROWD_BURST units and CROWD_PER_S more a second. A connection and a request cost one each, an
//     answer one for each CROWD_UNIT bytes. Whoever has none left is told so, and from CROWD_FLOOR below
//     zero on isn't let in;
//   - CROWD_ANSWER_MS and a millisecond for each CROWD_PER_MS bytes to read an answer. Whoever needs longer
//     holds memory that others may want, and gives way to the next one who connects or asks.
//
// Peers, by their exact addresses (the other authorities), have CROWD_OF_PEERS connections to themselves and
// are asked for no units: a crowd can't keep them from agreeing. Nor can one of them keep the others from it: an
// address has as large a part of these connections as of the list.
//
// Pure but for memory: times are the caller's, milliseconds that don't go back. One thread at a time.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../dataplane/api/abi.h"

struct sockaddr;

enum {
	CROWD_STRANGERS = 224,
	CROWD_OF_SOURCE = 16,
	CROWD_OF_PEERS = 32,
	CROWD_PATIENCE_MS = 15000,
	CROWD_BURST = 240,
	CROWD_PER_S = 8,
	CROWD_FLOOR = -60,
	CROWD_UNIT = 64 << 10,
	CROWD_ANSWER_MS = 10000,
	CROWD_PER_MS = 32, // bytes
};

struct crowd;
struct crowd_guest; // a connection

// 'peer' is copied. Returns 0 or -ENOMEM.
int crowd_create(const struct fog_ip *peer, unsigned count, struct crowd **);
void crowd_destroy(struct crowd *); // accepts NULL

// Whether somebody may connect. *put_out is the descriptor of a connection that has to end for it, or -1.
bool crowd_admits(struct crowd *, const struct sockaddr *, uint64_t now_ms, int *put_out);
// He has connected. NULL: there is no room, which crowd_admits has seen to that it doesn't happen; then
// he is nobody's guest and is refused whatever he asks for.
struct crowd_guest *crowd_enter(struct crowd *, const struct sockaddr *, int fd, uint64_t now_ms);
void crowd_leave(struct crowd *, struct crowd_guest *); // accepts NULL
bool crowd_peer(const struct crowd_guest *); // whether it is one; false for NULL

// A request comes. Returns 0, or after how many seconds it would be answered.
unsigned crowd_asks(struct crowd_guest *, uint64_t now_ms);
// It gets so many bytes from now on; it has got them, or will not. Both accept NULL.
void crowd_gets(struct crowd_guest *, size_t len, uint64_t now_ms);
void crowd_got(struct crowd_guest *);
// Somebody who has taken too long over an answer, and is nobody's guest any more: the descriptor of a connection
// that has to end. -1: nobody, or nobody else.
int crowd_slow(struct crowd *, uint64_t now_ms);
