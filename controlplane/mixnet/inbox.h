// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Packets that the data plane delivers become messages in the store, each once; replies by SURB are
// opened with the keys that the sender kept. What is for others than the node (recipient.h) goes to
// mailboxes, back, or nowhere. Any thread, but deliver: control thread only.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "../../dataplane/api/msg.h"
#include "../store/store.h"
#include "mailbox.h"
#include "message.h"
#include "sender.h"

struct fog_inbox;

struct fog_inbox_counts {
	uint64_t received; // stored, replies included
	uint64_t replies;
	uint64_t duplicates; // came again after a restart of the control plane, not stored again
	uint64_t malformed; // payload is not a message
	uint64_t unknown_surb; // reply to a SURB whose keys we do not have (any more)
	uint64_t bad_reply; // reply that its keys do not open: changed on its way
	uint64_t dropped; // for nobody
	uint64_t echoed;
	uint64_t echo_refused; // came without a SURB, or with one whose epoch is over
	uint64_t
	        answers_limited; // echoes and refusals of mail beyond FOG_INBOX_ANSWERS_RATE, or in the way
	uint64_t no_mailbox; // mail for nobody that is known here
};

enum {
	FOG_INBOX_ANSWERS_RATE = 1000, // echoes and refusals of mail a second, and at once
};

int fog_inbox_create(struct fog_store *, const struct fog_crypto_ops *, struct fog_inbox **);
// The whole number of the epoch with this low byte that a SURB is made for. Control thread.
typedef uint64_t fog_inbox_epoch(void *ctx, uint8_t low);
// Set before the first delivery.
void fog_inbox_epoch_set(struct fog_inbox *, fog_inbox_epoch *, void *ctx);
void fog_inbox_destroy(struct fog_inbox *); // accepts NULL

// What else is done with deliveries than keeping them here; without it all are kept.
struct fog_inbox_ways {
	uint8_t self[FOG_ID_LEN]; // node ID
	struct fog_mailboxes *mail;
	// Whether this is a gateway with clients, so that what is not for the node itself is mail.
	bool (*serves)(void *ctx);
	bool (*over)(void *ctx, uint64_t epoch); // no node takes packets of it any more
	// Hand a packet to the data plane now. Returns 0 or -errno: it is lost.
	int (*inject)(void *ctx, const struct fog_parcel *);
	void *ctx;
};

// Set before the first delivery; copied. Mailboxes must outlive the inbox.
void fog_inbox_ways_set(struct fog_inbox *, const struct fog_inbox_ways *);

// Take one delivered packet; 'data' is payload tag and payload, changed by nobody.
// Returns 0 when it has been dealt with for good (stored, known, or counted as unusable), or
// -EAGAIN, -EIO, -ENOSPC: the store does not take it now, come again.
int fog_inbox_deliver(
        struct fog_inbox *, const struct fog_geometry *, uint32_t worker, const uint8_t boot_id[16],
        uint64_t seq, const struct fog_deliver *, const uint8_t *data
);

void fog_inbox_counts(struct fog_inbox *, struct fog_inbox_counts *);

// Wait up to 'timeout_ms' until more than 'seen' messages have been stored by this process, or
// fog_inbox_wake. Returns the number stored; read it first, then look into the store, then wait.
uint64_t fog_inbox_wait(struct fog_inbox *, uint64_t seen, int timeout_ms);
// End all waits now and in future: the process wants to stop.
void fog_inbox_wake(struct fog_inbox *);
