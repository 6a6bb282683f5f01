// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The thread that owns the ports: sends what is due, stamps what comes and hands it to the sink.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdatomic.h>

#include "../../drivers/port_ops.h"
#include "arrival.h"
#include "pacer.h"
#include "pool.h"

enum { IO_BURST = 32 };

// In the private area of a received frame.
struct io_arrival {
	uint64_t tsc;
};

static inline struct io_arrival *io_arrival(struct rte_mbuf *m)
{
	return rte_mbuf_to_priv(m);
}

struct io {
	struct fog_port *tx, *rx; // may be the same; queue 0 sends, all queues receive
	struct rte_mempool *buffers;
	struct rte_ring *arrived; // to the sink
	struct pool *pool;
	struct pacer pacer;
	uint64_t total; // packets to send
	uint64_t window; // most of them under way; UINT64_MAX: any number
	uint64_t tsc_hz;
	uint16_t udp_port, packet_len; // of the sink's packets
	_Atomic bool stop; // set by the sink's thread: no more is expected
	_Atomic bool all_sent; // set by this thread
	_Atomic uint64_t back; // set by the sink's thread: packets that have come back

	// Written by this thread, valid once it has ended.
	uint64_t sent;
	uint64_t no_buffer; // times that a packet waited for a buffer
	uint64_t sink_full[ARRIVAL_COUNT]; // arrived, but the sink did not keep up
	uint64_t behind_max; // cycles that a packet was sent after it was due
	uint64_t first, last; // TSC of the first and the last sending
	// Private to this thread.
	uint64_t start, taken; // packets out of the pool
	struct rte_mbuf *wait[IO_BURST]; // due, not yet taken by the port
	uint32_t wait_slot[IO_BURST];
	unsigned wait_n;
};

// Body of the thread: an lcore function. Returns 0.
int io_main(void *io);
