// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Loop packets: messages of this node to itself over one mix of each layer, for the audit of delays
// (`fogctl audit delays`). To a mix they are packets like all others: same bytes and size, paths
// drawn as those of messages, the node before and the node behind it are those that messages come
// from and go to. The first mix gets them from here without a delay of our own, so that the way
// begins and ends with a stamp of this host's TSC.
//
// One order at a time; its records live in memory only, kept out of core dumps, and are wiped with
// it: by fog_loops_forget, by the next order, at the end of the process. They hold replay tags, from
// which everybody can compute delays once their epoch's proofs are public: operators only.
//
// The recipient of a loop is its number: place in the order and random bytes under a MAC whose key
// only this node can derive. So nobody else can make one, and one that comes after a restart, when
// its record is gone, is still no message.
//
// Any thread, unless said otherwise. The lock of this module is taken before that of the
// data-plane client, which inject is; no other op is called under it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../../dataplane/api/msg.h"
#include "topology.h"

struct fog_loops;

enum {
	FOG_LOOPS_MAX = 100000, // loops of an order
	FOG_LOOPS_RATE_MAX = 1000, // per second
	FOG_LOOPS_SECONDS_MAX = 86400,
	FOG_LOOPS_PATIENCE_S = 5, // beyond the longest delay of the path: then a loop is lost
	FOG_LOOPS_TEXT_LEN = 200,
};

// What a loop needs of its node. Called by any thread, without a lock of the caller.
struct fog_loops_ops {
	// The topology and our own entry in it, which stay as they are until release; NULL when there
	// is none. Release is called in any case.
	const struct fog_topology *(*hold)(void *ctx, const struct fog_topology_node **self);
	void (*release)(void *ctx);
	uint64_t (*epoch)(void *ctx); // of which the keys are used now
	// Mix key of a node. 0 or -ENOENT. Between hold and release.
	int (*mix_key
	)(void *ctx, const struct fog_topology_node *, uint64_t epoch, uint8_t public_key[32]);
	// Send the packet to its first hop as it is. 0, -ENOTCONN, -ENOBUFS, -EMSGSIZE.
	int (*inject
	)(void *ctx, const uint8_t first_hop[FOG_ID_LEN], uint64_t epoch, const uint8_t *packet,
	  uint32_t len);
	uint64_t (*tsc_hz)(void *ctx); // of the data plane; 0 = none is attached
};

struct fog_loops_request {
	uint32_t count; // 1..FOG_LOOPS_MAX
	uint32_t rate; // loops per second on average, exponential gaps: 1..FOG_LOOPS_RATE_MAX
	uint32_t seconds; // it ends then, too: 1..FOG_LOOPS_SECONDS_MAX
};

enum fog_loops_state {
	FOG_LOOPS_NONE,
	FOG_LOOPS_SENDING,
	FOG_LOOPS_WAITING, // all are sent, some may still come back
	FOG_LOOPS_ENDED,
};

struct fog_loops_status {
	enum fog_loops_state state;
	struct fog_loops_request request;
	int64_t began_us; // since 1970
	uint32_t sent; // of these ...
	uint32_t arrived, lost, unknown; // ... the rest is on its way
	uint64_t foreign; // loops that came without a record: of an earlier order, late, or twice
	char why[FOG_LOOPS_TEXT_LEN]; // it ended early; empty when it did not
};

enum fog_loop_fate {
	FOG_LOOP_FLYING,
	FOG_LOOP_ARRIVED,
	FOG_LOOP_LOST,
	FOG_LOOP_UNKNOWN, // our own data plane went away while it was on its way: says nothing
};

struct fog_loop {
	uint64_t epoch;
	enum fog_loop_fate fate;
	uint64_t departure_us; // since the order began
	uint64_t travel_us; // from the ring to the worker that received it; arrived only
	unsigned hops;

	struct {
		uint8_t id[FOG_ID_LEN];
		char name[32];
		uint8_t tag[32]; // replay tag there
	} hop[FOG_SPHINX_SLOTS_MAX]; // mixes, then we
};

// 'secret' is this node's own (32 bytes, only read). Returns 0 or -ENOMEM (memory can't be locked).
int fog_loops_create(const struct fog_loops_ops *, void *ctx, const struct fog_crypto_ops *, const uint8_t secret[32], struct fog_loops **);
void fog_loops_destroy(struct fog_loops *); // ends the order and wipes everything; accepts NULL

// Begin an order; the records of the one before are wiped. Returns 0, or with a sentence in 'text'
// (FOG_LOOPS_TEXT_LEN bytes): -EBUSY (one is at work), -ENOTCONN (no data plane), -EOPNOTSUPP (no
// loop from here looks like a message: we are a mix, or the network has one layer), -ENOENT (no
// topology, or we are not in it, or a layer has no mix), -EXDEV, -EHOSTDOWN (as fog_path_choose), -E2BIG (the path has more hops than packets
// have slots), -ENOMEM, -EAGAIN (no thread).
int fog_loops_start(struct fog_loops *, const struct fog_loops_request *, char *text);
// End it and wipe the records. Returns 0 or -ENOENT (there is none). Accepts NULL.
int fog_loops_forget(struct fog_loops *);
void fog_loops_status(struct fog_loops *, struct fog_loops_status *);
// Copy up to 'max' records from number 'after' on. Returns how many.
unsigned fog_loops_read(struct fog_loops *, uint32_t after, struct fog_loop *out, unsigned max);

// A delivered packet, before anything else looks at it. Returns whether it was a loop of ours, with
// which all is done then. 'data' is payload tag and payload.
bool fog_loops_deliver(struct fog_loops *, const struct fog_deliver *, const uint8_t *data);
// The data plane is gone: what is on its way can't be measured any more.
void fog_loops_detached(struct fog_loops *);
