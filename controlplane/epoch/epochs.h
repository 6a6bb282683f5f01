// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Our own part in the epochs: mix keys are made, announced, handed to the data plane and destroyed when
// the schedule says so, and what a key's delays were drawn from is proved afterwards.
//
// A key that was announced is never announced anew. Private keys live in the kernel's keyring only, so
// they survive a restart of this process and no reboot; the store, which survives both, remembers what
// was announced. After a reboot the node has no key for these epochs, says so in its descriptor, and
// waits for the first that it can still announce.
//
// In a network with a directory keys are announced for as many epochs as a consensus is good for, and
// what counts for an epoch is what its consensus says: after a reboot, keys of epochs to come are made
// anew and announced in place of those that are gone. What a node says of itself comes from its
// configuration there, and delays of epoch n from the beacon of n - 1.
//
// The proof of an epoch is published when its key is gone at the data plane too, and never before.
// Control thread, unless said otherwise.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../dpclient.h"
#include "../mixnet/identity.h"
#include "../mixnet/keys.h"
#include "exchange.h"
#include "schedule.h"

struct fog_epochs;

enum { FOG_EPOCHS_TEXT_LEN = 256, FOG_EPOCHS_OWN_MAX = 8 };

struct fog_epochs_ops {
	// The whole set of keys that the data plane shall have, 0 to 2 of them; wiped after the call.
	// Returns 0 or -errno: it is tried again.
	int (*keys_set)(void *ctx, const struct fog_dpclient_key *, unsigned n);
	// Whether a data plane is there and has said that it does not hold this key.
	bool (*key_gone)(void *ctx, const uint8_t public_key[32]);
	// The beacon of 'epoch' in a network with a directory. Returns 0 or -EAGAIN: it is not certain yet, and
	// nothing is drawn from it. Not asked in other networks.
	int (*beacon)(void *ctx, uint64_t epoch, uint8_t out[32]);
};

struct fog_epochs_params {
	const char *instance; // names the keys in the keyring; must outlive the object, as the rest
	const struct fog_identity *identity;
	struct fog_store *store;
	struct fog_exchange *exchange;
};

// What the store and the keyring have of another identity is destroyed first. Returns 0, -ENOMEM (also: memory
// can't be locked), or what the store or the keyring said.
int fog_epochs_create(const struct fog_epochs_params *, const struct fog_epochs_ops *, void *ctx, struct fog_epochs **);
void fog_epochs_destroy(struct fog_epochs *); // wipes memory, leaves the keyring; accepts NULL

// The network by now; NULL or without links: there are no epochs.
void fog_epochs_topology(struct fog_epochs *, const struct fog_topology *);
// What a network with a directory is told about us: everything but keys, epochs and times. Counts from the
// next tick on.
void fog_epochs_about(struct fog_epochs *, const struct fog_descriptor *);
// The consensus asks for the proof of an epoch's delays, drawn with this beacon, before it takes us again; NULL:
// it asks for none. The proof is in the descriptor from the next tick on, if that epoch's key is gone.
void fog_epochs_owe(struct fog_epochs *, uint64_t epoch, const uint8_t beacon[32]);
// The data plane may have something else than it was handed: hand it the keys again at the next tick.
// Any thread.
void fog_epochs_hand_again(struct fog_epochs *);
// Do what is due. 'now_ns' is fog_clock_now_ns.
void fog_epochs_tick(struct fog_epochs *, uint64_t now_ns);

enum fog_epochs_key_state {
	FOG_EPOCHS_ANNOUNCED, // made, not yet at the data plane
	FOG_EPOCHS_LIVE,
	FOG_EPOCHS_LOST, // announced, and then this host was rebooted
};

struct fog_epochs_view {
	bool active; // the network has epochs
	struct fog_schedule schedule;
	uint64_t epoch; // by now
	uint64_t now_ns; // of the last tick
	uint64_t vrf_from;
	unsigned count;

	struct {
		uint64_t epoch;
		enum fog_epochs_key_state state;
		uint8_t public_key[32];
	} own[FOG_EPOCHS_OWN_MAX];

	uint64_t
	        lost_until_ns; // start of the first epoch that we have a key for; 0 = nothing is lost
	char text[FOG_EPOCHS_TEXT_LEN]; // why keys can't be had, empty = all is well
	size_t descriptor_len; // 0 = none yet
	uint8_t descriptor[FOG_DESCRIPTOR_MAX];
};

// As of the last tick. Any thread.
void fog_epochs_look(struct fog_epochs *, struct fog_epochs_view *);
// Whether our own data plane should have the key of 'epoch' now, and which that is. Any thread.
bool fog_epochs_live(struct fog_epochs *, uint64_t epoch, uint8_t public_key[32]);
// Whether we had a key of 'epoch' and will never have it again. Any thread.
bool fog_epochs_lost(struct fog_epochs *, uint64_t epoch);
// Whether nobody takes a packet of 'epoch' any more, or any yet: whoever waits for the key of an epoch that a
// stranger names may wait for days. Never without epochs. Any thread.
bool fog_epochs_over(struct fog_epochs *, uint64_t epoch, uint64_t now_ns);
// alpha's parts and the proof of one of our epochs. Any thread. Returns 0, -ENOENT (nothing was
// announced for it, or it is forgotten), -EAGAIN (its key is not destroyed yet), -EIO.
int fog_epochs_proof(struct fog_epochs *, uint64_t epoch, uint8_t network[32], uint8_t proof[80]);
