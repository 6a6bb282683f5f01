// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Sessions of encrypted links, and which of them each node is sent with.
//
// The manager makes, publishes and takes them away; workers find them by a frame's index or by their
// next hop, and keep a pointer for one round of their loop at the most: what is taken away is freed
// after a QSBR grace period. A session lies in locked memory that no core dump shows and is wiped when
// it is freed.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../api/stats.h"
#include "../crypto/ops.h"
#include "budget.h"
#include "window.h"

// Under which one worker of the peer sends. Shared by our workers.
struct fog_link_rx {
	struct fog_gcm_key key; // read-only
	struct fog_window window;
};

// Where a client was last seen by one worker: a seqlock, read by whoever looks for the newest.
struct fog_link_place {
	_Atomic uint32_t sequence;
	_Atomic uint64_t at; // TSC; 0 = never
	_Atomic uint64_t word[3]; // address, family and port
};

// What one of our workers writes, and how it sends.
struct fog_link_lane {
	struct fog_gcm_key key; // read-only
	_Alignas(FOG_CACHE_LINE) _Atomic uint64_t counter; // of the next frame, never used twice
	_Atomic uint64_t rx; // valid frames
	struct fog_link_place place;
};

// Of a client, whichever of its sessions it sends under: a new handshake buys no new burst.
struct fog_link_budget {
	struct fog_budget budget; // any worker
	unsigned sessions; // manager: wo
};

struct fog_link {
	// Manager: wo; constant once published.
	enum fog_link_class class;
	bool initiator;
	uint16_t rx_count;
	uint16_t workers;
	uint16_t peer; // statistics slot of the node, or FOG_LINK_NO_PEER
	uint32_t rx_index, tx_index; // bases
	uint64_t rekey_packets,
	        reject_packets; // at both ends: counters from the latter on are refused
	uint8_t node_id[FOG_ID_LEN], static_key[32];
	uint8_t tx_mark[32]; // hash of the key to send with: it must not come twice
	struct fog_ip ip; // at installation
	uint16_t port;
	// Manager only.
	enum fog_link_state state;
	bool rekey_told;
	uint64_t installed_ns, rx_ns, rx_seen;
	struct fog_link_stats row; // what is published next
	uint64_t serial; // grows with every installation
	// Any worker sets it once, with the first valid frame.
	_Alignas(FOG_CACHE_LINE) _Atomic bool heard;
	struct fog_link_budget *budget; // NULL: there is no limit
	struct fog_link_lane *lane; // [workers]
	struct fog_link_rx rx[]; // [rx_count], then the lanes
};

enum { FOG_LINK_NO_PEER = 0xffff };

struct fog_link_table {
	const struct fog_crypto_ops *crypto;
	unsigned workers;
	uint64_t tsc_hz;
	uint64_t serial; // manager: wo
	// Workers set it when a session was heard for the first time; the manager takes it back.
	_Atomic bool news;
	// Sessions with clients under which nothing valid has come yet. The manager adds and takes away, the
	// worker that hears a session first takes it away.
	_Atomic uint32_t unproven;
	_Alignas(FOG_CACHE_LINE) _Atomic(struct fog_link *) slot[FOG_LINK_SLOTS]; // manager: wo
	_Atomic(struct fog_link *) sending[FOG_NODES_MAX]; // manager: wo; by statistics slot
};

// Returns NULL when there is no memory. 'workers' is how many of ours send.
struct fog_link_table *fog_link_table_create(
        const struct fog_crypto_ops *, unsigned workers, uint64_t tsc_hz
);
// Frees the sessions too: nobody reads any more. Accepts NULL.
void fog_link_table_destroy(struct fog_link_table *);

// Make and publish a session; 'peer' is the node's statistics slot, or FOG_LINK_NO_PEER. Manager.
// Returns 0, -EEXIST (the slot is in use, or a present session sends with the same key), -EINVAL (it
// says what can't be) or -ENOMEM.
int fog_link_install(struct fog_link_table *, const struct fog_link_session *, uint16_t peer);
// Take the session with this base out of the table; the caller frees it when no worker can see it any
// more. NULL: there is none. Manager.
struct fog_link *fog_link_take(struct fog_link_table *, uint32_t rx_index);
void fog_link_free(struct fog_link *); // wipes; accepts NULL. Manager.
// Let those be sent with that have proved themselves since the last call. Returns whether any did.
// Manager.
bool fog_link_table_switch(struct fog_link_table *);

// The session to which an index belongs, or NULL. Any thread.
static inline struct fog_link *fog_link_find(const struct fog_link_table *t, uint32_t index)
{
	struct fog_link *l =
	        atomic_load_explicit(&t->slot[fog_link_slot(index)], memory_order_acquire);

	return l != NULL && l->rx_index == fog_link_base(index) ? l : NULL;
}

// The one that the node in statistics slot 'peer' is sent with, or NULL. Any thread.
static inline struct fog_link *fog_link_sending(const struct fog_link_table *t, uint16_t peer)
{
	return peer < FOG_NODES_MAX ? atomic_load_explicit(&t->sending[peer], memory_order_acquire)
	                            : NULL;
}

// The counter of worker's next frame, taken for good; false when the key is used up. That worker.
static inline bool fog_link_counter(struct fog_link *l, unsigned worker, uint64_t *counter)
{
	_Atomic uint64_t *next = &l->lane[worker].counter;

	*counter = atomic_load_explicit(next, memory_order_relaxed);
	if (*counter >= l->reject_packets)
		return false;
	atomic_store_explicit(next, *counter + 1, memory_order_relaxed);
	return true;
}

// The first valid frame came, or several at once, or nothing is waited for any more. Any thread.
void fog_link_proven(struct fog_link_table *, struct fog_link *);

// A valid frame came to a worker of ours. That worker.
static inline void fog_link_heard(struct fog_link_table *t, struct fog_link *l, unsigned worker)
{
	_Atomic uint64_t *rx = &l->lane[worker].rx;

	atomic_store_explicit(
	        rx, atomic_load_explicit(rx, memory_order_relaxed) + 1, memory_order_relaxed
	);
	if (__builtin_expect(!atomic_load_explicit(&l->heard, memory_order_relaxed), 0))
		fog_link_proven(t, l);
}

// The newest frame of a client came from there, at TSC 'now'. That worker.
void fog_link_moved(
        struct fog_link *, unsigned worker, const struct fog_ip *, uint16_t port, uint64_t now
);
// Where the peer is: of a client the newest place that any worker saw. Any thread.
void fog_link_place(const struct fog_link *, struct fog_ip *, uint16_t *port);

// What the workers have counted, sums over all of them. Any thread.
uint64_t fog_link_rx_sum(const struct fog_link *);
uint64_t fog_link_tx_sum(const struct fog_link *);
// Whether a worker of ours has sent 'rekey_packets'. Any thread.
bool fog_link_worn(const struct fog_link *);
