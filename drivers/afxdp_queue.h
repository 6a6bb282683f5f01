// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One AF_XDP socket with its own UMEM: a queue of an afxdp port.
// open/close: manager. rx/tx: the worker that owns the queue. Counters: the worker writes, the
// manager reads. Source: Documentation/networking/af_xdp.rst of Linux.
#pragma once

#include <rte_mbuf.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <xdp/xsk.h>

#include "../dataplane/api/abi.h"

enum {
	AFXDP_FRAME_SIZE = 4096, // a page: the largest chunk that the kernel takes here
	AFXDP_HEADROOM = 256, // what the kernel keeps free in front of a received frame
	AFXDP_RX_FRAMES = 2048,
	AFXDP_TX_FRAMES = 2048,
	AFXDP_AREA = (AFXDP_RX_FRAMES + AFXDP_TX_FRAMES) * AFXDP_FRAME_SIZE, // bytes, 16 MiB
};

// A step of the ladder: how a socket is bound.
struct afxdp_step {
	const char *name;
	uint16_t bind_flags;
	bool device_sends; // the device reads the tx ring by itself; in copy mode a system call does
};

extern const struct afxdp_step afxdp_zero_copy, afxdp_copy;

struct afxdp_queue {
	struct xsk_ring_cons rx;
	struct xsk_ring_prod fill;
	struct xsk_ring_prod tx;
	struct xsk_ring_cons done; // transmitted frames come back here
	uint8_t *area;
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	int fd; // of 'socket'
	struct rte_mempool *pool; // of received frames; set by the port
	bool unsent; // the kernel has not taken all of the tx ring yet
	bool device_sends; // of the step that it is bound by
	bool busy_poll; // rx polls the device, which does not interrupt
	uint32_t tx_free_count;
	uint64_t tx_free[AFXDP_TX_FRAMES]; // UMEM offsets of idle tx frames
	_Atomic uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
	_Atomic uint64_t no_buffer; // pool was empty: frame lost
	_Atomic uint64_t oversize; // frame did not fit a buffer: lost
	_Atomic uint64_t tx_failed; // device refused the frame
} __attribute__((aligned(FOG_CACHE_LINE)));

// Make the UMEM and bind a socket to 'queue' of 'interface'. 'q' is zeroed. A queue that is busy is
// retried for two seconds: after a kill the kernel needs a moment to let it go.
// Returns 0, -EBUSY (somebody holds the queue), -EOPNOTSUPP (the device can't do this step), -errno;
// on failure nothing is left.
int afxdp_queue_open(
        struct afxdp_queue *q, const char *interface, uint32_t queue, const struct afxdp_step *step
);
// From now on receive calls poll the device. Returns 0, or -errno where the kernel has no such thing.
int afxdp_queue_busy_poll(struct afxdp_queue *q);
void afxdp_queue_close(struct afxdp_queue *q); // accepts a zeroed queue

uint16_t afxdp_queue_rx(struct afxdp_queue *q, struct rte_mbuf **frames, uint16_t n);
uint16_t afxdp_queue_tx(struct afxdp_queue *q, struct rte_mbuf **frames, uint16_t n);
