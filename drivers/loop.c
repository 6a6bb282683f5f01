// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A port in memory: two rings per queue. The worker holds one end, a test or bench the other.
#include <errno.h>
#include <rte_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

enum { LOOP_RING_SIZE = 4096 }; // frames per queue and direction

struct loop_queue {
	struct rte_ring *rx; // test puts, worker takes
	struct rte_ring *tx; // worker puts, test takes
	_Atomic uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes; // worker: wo
} __attribute__((aligned(FOG_CACHE_LINE)));

struct loop_port {
	struct fog_port port;
	_Atomic int started; // manager: wo
	struct loop_queue queue[];
};

static struct loop_port *loop_of(struct fog_port *port)
{
	return (struct loop_port *)port;
}

static uint64_t loop_bytes(struct rte_mbuf **frames, unsigned n)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < n; i++)
		bytes += frames[i]->pkt_len;
	return bytes;
}

static uint16_t loop_rx_burst(
        struct fog_port *port, uint16_t queue, struct rte_mbuf **frames, uint16_t n
)
{
	struct loop_queue *q = &loop_of(port)->queue[queue];
	unsigned got = rte_ring_sc_dequeue_burst(q->rx, (void **)frames, n, NULL);

	driver_count(&q->rx_frames, got);
	driver_count(&q->rx_bytes, loop_bytes(frames, got));
	return got;
}

static uint16_t loop_tx_burst(
        struct fog_port *port, uint16_t queue, struct rte_mbuf **frames, uint16_t n
)
{
	struct loop_queue *q = &loop_of(port)->queue[queue];
	unsigned room = rte_ring_free_count(q->tx);

	// Counted before the hand-over: afterwards the frames are the other end's to free.
	if (n > room)
		n = room;
	driver_count(&q->tx_frames, n);
	driver_count(&q->tx_bytes, loop_bytes(frames, n));
	return rte_ring_sp_enqueue_burst(q->tx, (void **)frames, n, NULL);
}

static int loop_idle_fd(struct fog_port *port, uint16_t queue)
{
	return -ENOTSUP;
}

static int loop_start(struct fog_port *port)
{
	atomic_store_explicit(&loop_of(port)->started, 1, memory_order_release);
	return 0;
}

static void loop_stop(struct fog_port *port)
{
	atomic_store_explicit(&loop_of(port)->started, 0, memory_order_release);
}

static void loop_stats(struct fog_port *port, struct fog_stats_port *out)
{
	driver_clear_stats(port, out);
	snprintf(out->mode, sizeof(out->mode), "loop");
	out->link_up = atomic_load_explicit(&loop_of(port)->started, memory_order_relaxed);
	for (unsigned i = 0; i < port->queues; i++) {
		struct loop_queue *q = &loop_of(port)->queue[i];
		out->rx_frames += driver_counted(&q->rx_frames);
		out->rx_bytes += driver_counted(&q->rx_bytes);
		out->tx_frames += driver_counted(&q->tx_frames);
		out->tx_bytes += driver_counted(&q->tx_bytes);
	}
}

static void loop_ring_free(struct rte_ring *ring)
{
	void *frame;

	if (!ring)
		return;
	while (rte_ring_sc_dequeue(ring, &frame) == 0)
		rte_pktmbuf_free(frame);
	free(ring);
}

static void loop_close(struct fog_port *port)
{
	if (!port)
		return;
	for (unsigned i = 0; i < port->queues; i++) {
		loop_ring_free(loop_of(port)->queue[i].rx);
		loop_ring_free(loop_of(port)->queue[i].tx);
	}
	free(port);
}

static const struct fog_port_ops loop_ops = {
        .name = "loop",
        .rx_burst = loop_rx_burst,
        .tx_burst = loop_tx_burst,
        .idle_fd = loop_idle_fd,
        .start = loop_start,
        .stop = loop_stop,
        .stats = loop_stats,
        .close = loop_close,
};

// A ring in plain memory: it needs no name that could collide with another port's.
static struct rte_ring *loop_ring_new(void)
{
	ssize_t size = rte_ring_get_memsize(LOOP_RING_SIZE);
	struct rte_ring *ring = aligned_alloc(FOG_CACHE_LINE, RTE_ALIGN(size, FOG_CACHE_LINE));

	if (ring &&
	    rte_ring_init(ring, "loop", LOOP_RING_SIZE, RING_F_SP_ENQ | RING_F_SC_DEQ) < 0) {
		free(ring);
		return NULL;
	}
	return ring;
}

int fog_loop_open(const struct fog_port_params *params, struct fog_port **port)
{
	size_t size = sizeof(struct loop_port) + params->conf->queues * sizeof(struct loop_queue);
	struct loop_port *p = aligned_alloc(FOG_CACHE_LINE, RTE_ALIGN(size, FOG_CACHE_LINE));

	if (!p)
		return driver_fail(
		        params, -ENOMEM, "no memory for %u queues; set fewer, or free memory",
		        params->conf->queues
		);
	memset(p, 0, size);
	driver_init_head(&p->port, &loop_ops, params->conf);
	memcpy(p->port.mac, "\x02\x66\x6f\x67\x00\x01",
	       sizeof(p->port.mac)); // locally administered
	driver_init_bare(&p->port, params->conf);
	for (unsigned i = 0; i < p->port.queues; i++) {
		p->queue[i].rx = loop_ring_new();
		p->queue[i].tx = loop_ring_new();
		if (!p->queue[i].rx || !p->queue[i].tx)
			goto err;
	}
	*port = &p->port;
	return 0;
err:
	loop_close(&p->port);
	return driver_fail(
	        params, -ENOMEM,
	        "no memory for the rings of %u queues; set fewer, or raise memory.mib",
	        params->conf->queues
	);
}

uint16_t fog_loop_put(struct fog_port *port, uint16_t queue, struct rte_mbuf **frames, uint16_t n)
{
	struct loop_port *p = loop_of(port);

	if (!atomic_load_explicit(&p->started, memory_order_acquire))
		return 0;
	return rte_ring_sp_enqueue_burst(p->queue[queue].rx, (void **)frames, n, NULL);
}

uint16_t fog_loop_take(struct fog_port *port, uint16_t queue, struct rte_mbuf **frames, uint16_t n)
{
	return rte_ring_sc_dequeue_burst(loop_of(port)->queue[queue].tx, (void **)frames, n, NULL);
}
