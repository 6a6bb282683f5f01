// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the nodes of the network say about themselves in descriptors: mix keys by epoch, proofs of
// delays; and our own descriptor on its way to all of them. There is no server: every node sends its
// descriptor to every other over their link, when the link comes up and whenever it changes, until
// the other acknowledges it (a notice may be lost).
//
// A mix key that was seen for a node and an epoch stays the one, also over a restart: the second one
// is refused, counted and logged, for a node that shows different keys to different nodes can tell
// whose packets it holds. A node that has lost a key (a reboot) says so with a key of zeros; nobody
// chooses it for that epoch any more, and a key that it shows afterwards is a second one. Each node counts
// what it was told itself: that a node says one thing here and another one there, it can't see.
//
// Any thread, unless said otherwise; the store is taken after the exchange's own lock.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../directory/descriptor.h"
#include "../mixnet/topology.h"
#include "../store/store.h"

struct fog_exchange;

enum {
	FOG_EXCHANGE_KEYS = 8, // epochs of a node that are remembered
	FOG_EXCHANGE_PROOFS_BACK = 10000, // epochs; proofs of older ones are not taken
	FOG_EXCHANGE_RESEND_MS =
	        2000, // to a node that has not acknowledged, then twice as long ...
	FOG_EXCHANGE_RESEND_MAX_MS = 30000, // ... up to this
};

struct fog_exchange_ops {
	// Send a notice to a node. Returns 0 or -errno (there is no link now, or no room): it is tried
	// again. Control thread.
	int (*send)(void *ctx, const uint8_t node_id[FOG_ID_LEN], const uint8_t *data, size_t len);
};

int fog_exchange_create(struct fog_store *, const struct fog_exchange_ops *, void *ctx, struct fog_exchange **);
void fog_exchange_destroy(struct fog_exchange *); // accepts NULL

// Control thread: everything down to tick.

// The network by now, copied; NULL or without links: there are no nodes. What is known of nodes that
// stay is kept; of others it is read from the store. 'self' is our ID. Returns 0 or -ENOMEM.
int fog_exchange_topology(
        struct fog_exchange *, const struct fog_topology *, const uint8_t self[FOG_ID_LEN],
        uint64_t now_epoch
);
// Our descriptor by now.
void fog_exchange_publish(
        struct fog_exchange *, const struct fog_descriptor *, const uint8_t *data, size_t len
);
void fog_exchange_up(struct fog_exchange *, const uint8_t node_id[FOG_ID_LEN], uint64_t now_ms);
void fog_exchange_notice(
        struct fog_exchange *, const uint8_t node_id[FOG_ID_LEN], const uint8_t *data, size_t len
);
// Send again what is due. 'now_ms' is monotonic.
void fog_exchange_tick(struct fog_exchange *, uint64_t now_epoch, uint64_t now_ms);

// Returns 0, or -ENOENT: none is known, or the node has lost it.
int fog_exchange_mix_key(
        struct fog_exchange *, const uint8_t node_id[FOG_ID_LEN], uint64_t epoch,
        uint8_t public_key[32]
);

// Why a descriptor was not taken: X(NAME, "label", "sentence").
#define FOG_EXCHANGE_REFUSALS(X) \
	X(MALFORMED, "malformed", "notices and descriptors that have no known form") \
	X(SIGNATURE, "signature", "descriptors that their node has not signed") \
	X(NODE, "node", "descriptors of another node, or with other keys than the topology has") \
	X(NETWORK, "network", "descriptors of another network: the topologies differ") \
	X(OLD, "old", "descriptors older than the newest one of their node") \
	X(EQUIVOCATION, "equivocation", \
	  "contradictions: second mix keys for an epoch, or one that was said to be lost; two " \
	  "descriptors with one sequence number") \
	X(PROOF, "proof", "proofs that do not verify, or of epochs that have not ended")

enum fog_exchange_refusal {

#define X(name, label, text) FOG_EXCHANGE_##name,
	FOG_EXCHANGE_REFUSALS(X)
#undef X
	        FOG_EXCHANGE_REFUSAL_COUNT
};

struct fog_exchange_node {
	char name[32];
	uint8_t id[FOG_ID_LEN];
	bool own; // it is us
	bool known; // a descriptor has come since this process started
	bool acked; // it has our newest one; always true of ourselves
	uint64_t sequence; // of its newest descriptor
	uint64_t vrf_from, vrf_first_seen; // epochs
	uint64_t refused[FOG_EXCHANGE_REFUSAL_COUNT];
	unsigned key_count;

	struct {
		uint64_t epoch;
		uint8_t public_key[32];
		bool lost;
	} key[FOG_EXCHANGE_KEYS]; // ascending
};

// From which epoch on the delays of a known node are bound by its VRF key: as it says itself, but no sooner
// than two epochs after that key was first seen here, and one later at most (its clock may be in the
// next epoch when it is first seen): whoever could put it off would never be audited. Pure.
uint64_t fog_exchange_counts_from(const struct fog_exchange_node *);

// The node number 'i' of the topology. Returns 0 or -ENOENT: there are no more.
int fog_exchange_node(struct fog_exchange *, unsigned i, struct fog_exchange_node *);
