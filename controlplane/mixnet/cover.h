// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Cover of this node: Sphinx packets to itself (loops) and to somebody who throws them away (drops), made
// ahead into the stock of each worker, which sends them by its own Poisson clock. So the times on the wire
// owe nothing to this process. Both are messages like all others: same encoding, size and kinds of paths;
// whether a payload has a SURB is seen by its last hop alone, so none of ours has one.
//
// From a gateway or a service a loop leads over one mix of each layer and back, a drop packet to a random
// gateway or service. From a mix a loop leads over the layers behind its own to a gateway or service, from
// there over the layers before and back; a drop packet ends at that gateway or service.
//
// A packet is made for the epoch in which its turn is expected to come. A node that is off all paths
// (off_path in topology.h) makes none.
//
// What lost loops mean: losses.h. A loop left when its worker's cover_taken passed its place in the stock.
// It is lost when it isn't back after its path's longest delays and the network's slack; nothing is said of
// it (unknown) when our own data plane went away, or dropped packets of the stock, meanwhile.
//
// Any thread, unless said otherwise. Only inject and finished are called under this module's lock, which is
// taken before that of the data-plane client.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../../dataplane/api/msg.h"
#include "topology.h"

struct fog_cover;

enum {
	FOG_COVER_LOOPS_MAX = 8192, // on their way or in stock; with more, drop packets go instead
	FOG_COVER_STOCK_MAX = 128, // high water of a worker
	FOG_COVER_STOCK_MS = 8000, // that a stock lasts
	FOG_COVER_EPOCHS = 4,
	FOG_COVER_TEXT_LEN = 200,
};

// The stocks by now, from one snapshot of each worker.
struct fog_cover_look {
	uint8_t boot_id[16];
	unsigned workers;

	struct {
		uint64_t taken, stock; // cover_taken, cover_stock
		uint64_t dropped; // of what was taken, by drops cover_full and cover_old
	} worker[FOG_WORKERS_MAX];
};

// What cover needs of its node. Called by its own thread (finished: by any), without a lock of the caller.
struct fog_cover_ops {
	// As in loops.h.
	const struct fog_topology *(*hold)(void *ctx, const struct fog_topology_node **self);
	void (*release)(void *ctx);
	int (*mix_key
	)(void *ctx, const struct fog_topology_node *, uint64_t epoch, uint8_t public_key[32]);
	uint32_t (*rate_max)(void *ctx
	); // frames of cover per second at most, 0 = no limit. Between them, too.
	uint64_t (*epoch_after)(void *ctx, uint64_t ms); // that packets are made for in 'ms'
	uint64_t (*now_ms)(void *ctx); // monotonic
	int (*look
	)(void *ctx, struct fog_cover_look *); // 0, -ENOTCONN (no data plane), -EAGAIN (not now)
	// Put a packet into a worker's stock. 0, -ENOTCONN, -ENOBUFS, -EMSGSIZE, -EINVAL (no such worker).
	int (*inject
	)(void *ctx, unsigned worker, const uint8_t first_hop[FOG_ID_LEN], uint64_t epoch,
	  const uint8_t *packet, uint32_t len);
	// A loop of 'epoch' is over; 'hop': the nodes that it passed, without us at both ends. Must not call back.
	void (*finished
	)(void *ctx, uint64_t epoch, const uint8_t (*hop)[FOG_ID_LEN], unsigned hops, bool lost);
};

struct fog_cover_epoch {
	uint64_t epoch;
	uint64_t sent; // loops; of these ...
	uint64_t returned, lost, unknown; // ... the rest is on its way
};

struct fog_cover_status {
	uint32_t loop_us, drop_us; // mean times as the network wants them
	unsigned workers; // 0: no data plane, or it is not known for long enough
	uint32_t low, high; // water marks of a worker's stock
	uint64_t stock; // all workers together
	uint64_t loops_made, drops_made; // since the process began, as all below
	uint64_t sent, returned, lost, unknown; // loops
	uint64_t foreign; // came back without a record: of a process before, late, or twice
	uint64_t flying;
	unsigned epoch_count;
	struct fog_cover_epoch epoch[FOG_COVER_EPOCHS]; // newest first
	char no_loops[FOG_COVER_TEXT_LEN]; // why none can be sent; "" = they can
	char paused[FOG_COVER_TEXT_LEN]; // why nothing is made just now; "" = all is well
};

// 'secret' is this node's own (32 bytes, only read). Returns 0 or -ENOMEM (memory can't be locked).
int fog_cover_create(const struct fog_cover_ops *, void *ctx, const struct fog_crypto_ops *, const uint8_t secret[32], struct fog_cover **);
void fog_cover_destroy(struct fog_cover *); // stops the thread, wipes everything; accepts NULL

// The thread that steps. Start: 0, also when it is there, -EAGAIN (no thread). Stop accepts NULL. One thread at a time.
int fog_cover_start(struct fog_cover *);
void fog_cover_stop(struct fog_cover *);
// Do what is due: see what left and what is lost, fill stocks. Returns after how many ms to come again.
// One thread at a time.
unsigned fog_cover_step(struct fog_cover *);

// A delivered packet, before anything else looks at it. Returns whether it was a loop of ours, with which all
// is done then. 'data' is payload tag and payload.
bool fog_cover_deliver(struct fog_cover *, const struct fog_deliver *, const uint8_t *data);
// Deliveries wait (the store takes nothing): what is not back yet may lie there, so nothing is lost for a while.
void fog_cover_deliveries_wait(struct fog_cover *);

void fog_cover_status(struct fog_cover *, struct fog_cover_status *);
// When it last stepped, by the op now_ms; 0: never.
uint64_t fog_cover_stepped_ms(struct fog_cover *);
