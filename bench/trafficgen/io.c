// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "io.h"

#include <poll.h>
#include <rte_cycles.h>
#include <string.h>
#include <time.h>

enum {
	IO_SLEEP_MIN_US = 30, // what is due sooner is waited for awake
	IO_SLEEP_MAX_US = 1000,
};

// Whether another packet may be under way.
static bool io_open(const struct io *io)
{
	return io->taken - atomic_load_explicit(&io->back, memory_order_relaxed) < io->window;
}

// Take what is due out of the pool.
static void io_load(struct io *io, uint64_t now)
{
	while (io->wait_n < IO_BURST && io->taken < io->total && io_open(io) &&
	       io->start + (uint64_t)io->pacer.due <= now) {
		uint32_t slot = (uint32_t)(io->taken % io->pool->count);
		struct rte_mbuf *m = rte_pktmbuf_alloc(io->buffers);

		if (m == NULL) {
			io->no_buffer++;
			return;
		}
		memcpy(rte_pktmbuf_append(m, (uint16_t)io->pool->frame_len),
		       pool_frame(io->pool, slot), io->pool->frame_len);
		uint64_t behind = now - (io->start + (uint64_t)io->pacer.due);
		if (behind > io->behind_max)
			io->behind_max = behind;
		atomic_fetch_add_explicit(&io->pool->slot[slot].sent, 1, memory_order_relaxed);
		io->wait[io->wait_n] = m;
		io->wait_slot[io->wait_n++] = slot;
		io->taken++;
		pacer_step(&io->pacer);
	}
}

static unsigned io_send(struct io *io, uint64_t now)
{
	io_load(io, now);
	if (io->wait_n == 0)
		return 0;
	// Before the hand-over, as the packet may be back before tx_burst returns.
	uint64_t stamp = rte_rdtsc();
	for (unsigned i = 0; i < io->wait_n; i++)
		atomic_store_explicit(
		        &io->pool->slot[io->wait_slot[i]].stamp, stamp, memory_order_release
		);
	unsigned n = io->tx->ops->tx_burst(io->tx, 0, io->wait, (uint16_t)io->wait_n);
	if (n > 0) {
		io->last = rte_rdtsc();
		io->first = io->sent == 0 ? stamp : io->first;
	}
	io->sent += n;
	io->wait_n -= n;
	memmove(io->wait, io->wait + n, io->wait_n * sizeof(io->wait[0]));
	memmove(io->wait_slot, io->wait_slot + n, io->wait_n * sizeof(io->wait_slot[0]));
	if (io->sent == io->total)
		atomic_store_explicit(&io->all_sent, true, memory_order_release);
	return n;
}

// The sink does not keep up: count what it will not see.
static void io_give_up(struct io *io, struct rte_mbuf *const *m, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		enum arrival kind = ARRIVAL_OTHER;
		uint32_t at;

		if (m[i]->nb_segs == 1)
			kind = arrival_find(
			        rte_pktmbuf_mtod(m[i], const uint8_t *), m[i]->data_len,
			        io->udp_port, io->packet_len, &at
			);
		io->sink_full[kind]++;
	}
}

static unsigned io_receive(struct io *io)
{
	unsigned total = 0;

	for (uint16_t q = 0; q < io->rx->queues; q++) {
		struct rte_mbuf *burst[IO_BURST];
		unsigned n = io->rx->ops->rx_burst(io->rx, q, burst, IO_BURST);
		uint64_t now = n > 0 ? rte_rdtsc() : 0;

		for (unsigned i = 0; i < n; i++)
			io_arrival(burst[i])->tsc = now;
		unsigned kept = rte_ring_sp_enqueue_burst(io->arrived, (void *)burst, n, NULL);
		io_give_up(io, burst + kept, n - kept);
		rte_pktmbuf_free_bulk(burst + kept, n - kept);
		total += n;
	}
	return total;
}

// Sleep until a frame comes or the next packet is due and may go. Ports without a descriptor are
// polled.
static void io_idle(struct io *io, uint64_t now)
{
	uint64_t us = IO_SLEEP_MAX_US, cycles_us = io->tsc_hz / 1000000;
	struct pollfd fds[FOG_QUEUES_MAX];

	if (io->taken < io->total && io_open(io)) {
		uint64_t due = io->start + (uint64_t)io->pacer.due;
		us = due > now ? RTE_MIN((due - now) / cycles_us, us) : 0;
	}
	if (us < IO_SLEEP_MIN_US || io->wait_n > 0)
		return;
	for (uint16_t q = 0; q < io->rx->queues; q++) {
		int fd = io->rx->ops->idle_fd(io->rx, q);
		if (fd < 0)
			return;
		fds[q] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
	struct timespec wait = {.tv_nsec = (long)(us - IO_SLEEP_MIN_US / 2) * 1000};
	ppoll(fds, io->rx->queues, &wait, NULL);
}

int io_main(void *arg)
{
	struct io *io = arg;

	io->start = rte_rdtsc();
	while (!atomic_load_explicit(&io->stop, memory_order_acquire)) {
		unsigned work = io_receive(io);
		uint64_t now = rte_rdtsc();

		work += io_send(io, now);
		if (work == 0)
			io_idle(io, now);
	}
	rte_pktmbuf_free_bulk(io->wait, io->wait_n);
	for (unsigned i = 0; i < io->wait_n; i++)
		atomic_fetch_sub_explicit(
		        &io->pool->slot[io->wait_slot[i]].sent, 1, memory_order_relaxed
		);
	return 0;
}
