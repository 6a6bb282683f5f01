// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a client does in the network, without network and clock: which packet leaves next, what answers
// mean, when a fragment is sent again. It is told the time and hands packets out through 'ops', so a test
// may stand in for the whole network.
//
// A fragment goes  our gateway > mixes > receiver's gateway  with the receiver's mailbox as recipient and
// a SURB that leads  receiver's gateway > mixes > our gateway > our mailbox.  The receiver's gateway answers
// once the fragment is on its disk. What isn't answered in time is sent again, soon at first, then each
// time after twice as long, until a day is over.
// One thread. Times are microseconds since 1970.
#pragma once

#include <stdbool.h>

#include "../../dataplane/sphinx/sphinx.h"
#include "../mixnet/mail.h"
#include "client.h"
#include "keys.h"
#include "store.h"

struct courier;

struct courier_ops {
	// The way from node 'from' to node 'to', both on it, with keys of the epoch that is now. Fills 'hop'
	// (IDs and public keys; room for FOG_SPHINX_SLOTS_MAX) and the epoch. Returns the number of hops,
	// -ENOENT ('to' is no gateway or service of the network), -EXDEV (no path leads there), -EHOSTDOWN (none
	// now), or another -errno: nothing can be sent at all now.
	int (*way
	)(void *ctx, const uint8_t from[FOG_ID_LEN], const uint8_t to[FOG_ID_LEN],
	  struct fog_sphinx_path_hop *hop, uint64_t *epoch);
	// Somebody who throws packets away for us. Returns 0 or -ENOENT.
	int (*anybody)(void *ctx, uint8_t to[FOG_ID_LEN]);
	// A packet for our gateway. Lost if the link isn't up.
	void (*packet)(void *ctx, const uint8_t *packet, uint64_t epoch);
	void (*notice)(void *ctx, const uint8_t *data, size_t len);
};

struct courier_params {
	struct client_store *store;
	const struct client_keys *keys;
	const struct fog_geometry *geometry;
	uint8_t gateway[FOG_ID_LEN];
	int64_t patience_us; // longest that a packet takes there and an answer back, with slack
	int64_t fetch_us; // mean time between two questions for mail
};

enum {
	COURIER_CHANCE =
	        2, // times that a fragment is sent again before the pauses grow: most losses are chance
	COURIER_BACK_OFF_MAX = 3, // doublings
	COURIER_LOOKS = 4, // fragments that are put off for mail before a tick does without
	COURIER_DRAWS = 8, // of somebody to send cover to whom a path leads
	COURIER_RESEND_US = 2000000, // until a gateway sends mail again that got lost
	COURIER_FULL_US = 60000000, // before a full mailbox is tried again
	COURIER_PINGS_MAX = 64, // under way at once
};

struct courier_counts {
	uint64_t fragments, again, drops, loops; // packets sent
	uint64_t loops_back, acknowledged, refused,
	        foreign; // mail; foreign: nothing that we can read
};

// Objects of params must outlive it. Returns 0, -ENOMEM, -EMSGSIZE (packets of this geometry have no
// room for fragments), -EIO.
int courier_create(const struct courier_params *, const struct courier_ops *, void *ctx, struct courier **);
void courier_destroy(struct courier *); // wipes; accepts NULL
// Another consensus says other things of params' times. What is put off already stays so.
void courier_pace(struct courier *, int64_t patience_us, int64_t fetch_us);

// The tick of the send clock: a fragment if one is due, else (when 'cover') a drop packet. Returns 1: a
// fragment has left; 0: none; -errno: nothing could be sent, the store's error or none of a way.
int courier_send(struct courier *, int64_t now_us, bool cover);
// A packet to ourselves. To our gateway it is mail like all other: it has a SURB, which is answered.
int courier_loop(struct courier *); // 0 or -errno
void courier_fetch(struct courier *); // ask for mail
// What came from the gateway: the bytes of a notice. Returns 0, -EBADMSG, or the store's error.
int courier_notice(struct courier *, const uint8_t *data, size_t len, int64_t now_us);
// Whether the gateway has answered us once: from then on there is a mailbox that others may send to.
bool courier_has_mailbox(struct client_store *);
// Mails that wait at the gateway, as it last said.
unsigned courier_waiting(const struct courier *);
const struct courier_counts *courier_counts(const struct courier *);

// Send one echo packet to node 'to'; at most COURIER_PINGS_MAX may be under way. Returns 0 or -errno.
int courier_ping(struct courier *, const uint8_t to[FOG_ID_LEN], int64_t now_us);

// What became of pings since the last call: *back with their times, *lost after patience_us * 2.
struct courier_pong {
	unsigned back, lost;
	int64_t time_us[COURIER_PINGS_MAX];
};

void courier_pongs(struct courier *, int64_t now_us, struct courier_pong *);

// Seal and cut a message, and accept it into the store. Needs no courier: any process that has the
// folder open may. Returns 0, -EINVAL (a key that can't be sealed for), -ENOMEM, or the store's error.
int courier_accept(
        struct client_store *, const struct fog_geometry *, const struct client_address *to,
        const void *data, size_t len, int64_t now_us, int64_t *id
);
