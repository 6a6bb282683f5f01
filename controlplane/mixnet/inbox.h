// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Packets that the data plane delivers become messages in the store, each once; replies by SURB are
// opened with the keys that the sender kept. Any thread, but deliver: control thread only.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "../../dataplane/api/msg.h"
#include "../store/store.h"
#include "message.h"

struct fog_inbox;

struct fog_inbox_counts {
	uint64_t received; // stored, replies included
	uint64_t replies;
	uint64_t duplicates; // came again after a restart of the control plane, not stored again
	uint64_t malformed; // payload is not a message
	uint64_t unknown_surb; // reply to a SURB whose keys we do not have (any more)
	uint64_t bad_reply; // reply that its keys do not open: changed on its way
};

int fog_inbox_create(struct fog_store *, const struct fog_crypto_ops *, struct fog_inbox **);
// The whole number of the epoch with this low byte that a SURB is made for. Control thread.
typedef uint64_t fog_inbox_epoch(void *ctx, uint8_t low);
// Set before the first delivery.
void fog_inbox_epoch_set(struct fog_inbox *, fog_inbox_epoch *, void *ctx);
void fog_inbox_destroy(struct fog_inbox *); // accepts NULL

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
