// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Receive and send on an AF_XDP queue. Frames are copied between UMEM and mbufs in both directions,
// so however long a packet stays parked, the kernel never waits for its frame.
#include "afxdp_queue.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "driver.h"

enum { KICK_BATCH = 32 }; // frames that the kernel sends per call in copy mode

static uint32_t queue_unsent(const struct afxdp_queue *q)
{
	return *q->tx.producer - __atomic_load_n(q->tx.consumer, __ATOMIC_ACQUIRE);
}

// Let the kernel send what lies in the tx ring. In copy mode it does so inside the system call only,
// one batch per call. EAGAIN without progress means the device is full; the rest is tried again at
// the next burst.
static void queue_kick(struct afxdp_queue *q)
{
	uint32_t left = queue_unsent(q);

	if (q->device_sends) {
		// It only has to be woken; what it can't take now it takes by itself.
		sendto(q->fd, NULL, 0, MSG_DONTWAIT, NULL, 0);
		return;
	}
	for (unsigned i = 2 + left / KICK_BATCH; i > 0 && left; i--) {
		uint32_t before = left;
		ssize_t ret = sendto(q->fd, NULL, 0, MSG_DONTWAIT, NULL, 0);
		int error = ret < 0 ? errno : 0;

		left = queue_unsent(q);
		if (error == EBUSY) {
			// The device dropped the frame at hand and the call ended early.
			driver_count(&q->tx_failed, 1);
			i++;
		}
		if (left == before)
			break;
	}
	q->unsent = left > 0;
}

static void queue_reap(struct afxdp_queue *q)
{
	uint32_t at, n = xsk_ring_cons__peek(&q->done, AFXDP_TX_FRAMES, &at);

	for (uint32_t i = 0; i < n; i++)
		q->tx_free[q->tx_free_count++] = *xsk_ring_cons__comp_addr(&q->done, at + i);
	if (n)
		xsk_ring_cons__release(&q->done, n);
}

// Give 'n' frames, just taken from the rx ring at 'at', back to the kernel.
static void queue_refill(struct afxdp_queue *q, uint32_t at, uint32_t n)
{
	uint32_t fill = 0;

	xsk_ring_prod__reserve(&q->fill, n, &fill);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t addr = xsk_ring_cons__rx_desc(&q->rx, at + i)->addr;
		*xsk_ring_prod__fill_addr(&q->fill, fill + i) = addr &
		        ~(uint64_t)(AFXDP_FRAME_SIZE - 1);
	}
	xsk_ring_prod__submit(&q->fill, n);
	xsk_ring_cons__release(&q->rx, n);
}

// Buffers for up to 'n' frames; fewer when the pool runs dry.
static uint32_t queue_alloc(struct rte_mempool *pool, struct rte_mbuf **frames, uint32_t n)
{
	uint32_t got = 0;

	if (rte_pktmbuf_alloc_bulk(pool, frames, n) == 0)
		return n;
	while (got < n && (frames[got] = rte_pktmbuf_alloc(pool)))
		got++;
	return got;
}

uint16_t afxdp_queue_rx(struct afxdp_queue *q, struct rte_mbuf **frames, uint16_t n)
{
	uint32_t at, got, buffers, kept = 0;
	uint64_t bytes = 0;

	if (q->unsent)
		queue_kick(q);
	got = xsk_ring_cons__peek(&q->rx, n, &at);
	if (!got) {
		if (q->busy_poll || xsk_ring_prod__needs_wakeup(&q->fill))
			recvfrom(q->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
		return 0;
	}
	buffers = queue_alloc(q->pool, frames, got);
	for (uint32_t i = 0; i < buffers; i++) {
		const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&q->rx, at + i);
		struct rte_mbuf *m = frames[i];

		if (desc->len > rte_pktmbuf_tailroom(m)) {
			driver_count(&q->oversize, 1);
			rte_pktmbuf_free(m);
			continue;
		}
		memcpy(rte_pktmbuf_mtod(m, void *), xsk_umem__get_data(q->area, desc->addr),
		       desc->len);
		m->data_len = desc->len;
		m->pkt_len = desc->len;
		bytes += desc->len;
		frames[kept++] = m;
	}
	queue_refill(q, at, got);
	driver_count(&q->no_buffer, got - buffers);
	driver_count(&q->rx_frames, kept);
	driver_count(&q->rx_bytes, bytes);
	return kept;
}

// Copy all segments of 'm' into the tx frame at UMEM offset 'addr'.
static void queue_copy_out(struct afxdp_queue *q, uint64_t addr, const struct rte_mbuf *m)
{
	uint8_t *to = q->area + addr;

	for (; m; m = m->next) {
		memcpy(to, rte_pktmbuf_mtod(m, const void *), m->data_len);
		to += m->data_len;
	}
}

uint16_t afxdp_queue_tx(struct afxdp_queue *q, struct rte_mbuf **frames, uint16_t n)
{
	uint32_t at = 0, sent = 0, refused = 0;
	uint64_t bytes = 0;

	queue_reap(q);
	if (n > q->tx_free_count)
		n = q->tx_free_count;
	n = RTE_MIN((uint32_t)n, xsk_prod_nb_free(&q->tx, n));
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = frames[i];
		struct xdp_desc *desc;

		if (m->pkt_len > AFXDP_FRAME_SIZE) {
			refused++;
			continue;
		}
		xsk_ring_prod__reserve(&q->tx, 1, &at);
		desc = xsk_ring_prod__tx_desc(&q->tx, at);
		desc->addr = q->tx_free[--q->tx_free_count];
		desc->len = m->pkt_len;
		desc->options = 0;
		queue_copy_out(q, desc->addr, m);
		bytes += m->pkt_len;
		sent++;
	}
	xsk_ring_prod__submit(&q->tx, sent);
	rte_pktmbuf_free_bulk(frames, n);
	driver_count(&q->tx_failed, refused);
	driver_count(&q->tx_frames, sent);
	driver_count(&q->tx_bytes, bytes);
	if (xsk_ring_prod__needs_wakeup(&q->tx))
		queue_kick(q);
	return n;
}
