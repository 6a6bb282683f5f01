// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Life of an AF_XDP queue: memory, rings, socket.
#include <errno.h>
#include <linux/if_xdp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "afxdp_queue.h"

enum {
	BUSY_WAIT_MS = 2000,
	BUSY_STEP_MS = 50,
	BUSY_POLL_US = 20, // unused as long as calls don't block, but 0 would turn polling off
	BUSY_POLL_BUDGET = 64, // frames that the device may hand over per call
	SEND_BUFFER = 32 << 20, // above what all tx frames can pin, so that only frames limit us
};

static void socket_release(struct afxdp_queue *q)
{
	// The UMEM refuses to go while a socket uses it, hence this order.
	if (q->socket)
		xsk_socket__delete(q->socket);
	if (q->umem)
		xsk_umem__delete(q->umem);
	q->socket = NULL;
	q->umem = NULL;
}

const struct afxdp_step afxdp_zero_copy = {
        .name = "zero-copy",
        .bind_flags = XDP_ZEROCOPY | XDP_USE_NEED_WAKEUP,
        .device_sends = true,
};
const struct afxdp_step afxdp_copy = {
        .name = "copy",
        .bind_flags = XDP_COPY | XDP_USE_NEED_WAKEUP,
};

static int socket_try(
        struct afxdp_queue *q, const char *interface, uint32_t queue, const struct afxdp_step *step
)
{
	const struct xsk_umem_config umem = {
	        // Twice the frames: the kernel shows a received frame a moment before it shows that the
	        // fill entry is free again, and a returned frame must find room even then.
	        .fill_size = 2 * AFXDP_RX_FRAMES,
	        .comp_size = AFXDP_TX_FRAMES,
	        .frame_size = AFXDP_FRAME_SIZE,
	};
	const struct xsk_socket_config conf = {
	        .rx_size = AFXDP_RX_FRAMES,
	        .tx_size = AFXDP_TX_FRAMES,
	        .libbpf_flags = XSK_LIBBPF_FLAGS__INHIBIT_PROG_LOAD,
	        .bind_flags = step->bind_flags,
	};
	int ret = xsk_umem__create(&q->umem, q->area, AFXDP_AREA, &q->fill, &q->done, &umem);

	if (ret < 0)
		return ret;
	ret = xsk_socket__create(&q->socket, interface, queue, q->umem, &q->rx, &q->tx, &conf);
	if (ret < 0)
		socket_release(q);
	return ret;
}

// Hand all rx frames to the kernel; from here on each comes back through the rx ring and returns
// at once, so the fill ring always has room for it.
static void socket_fill(struct afxdp_queue *q)
{
	uint32_t at = 0;

	xsk_ring_prod__reserve(&q->fill, AFXDP_RX_FRAMES, &at);
	for (uint32_t i = 0; i < AFXDP_RX_FRAMES; i++)
		*xsk_ring_prod__fill_addr(&q->fill, at + i) = (uint64_t)i * AFXDP_FRAME_SIZE;
	xsk_ring_prod__submit(&q->fill, AFXDP_RX_FRAMES);
	for (uint32_t i = 0; i < AFXDP_TX_FRAMES; i++)
		q->tx_free[i] = (uint64_t)(AFXDP_RX_FRAMES + i) * AFXDP_FRAME_SIZE;
	q->tx_free_count = AFXDP_TX_FRAMES;
}

int afxdp_queue_open(
        struct afxdp_queue *q, const char *interface, uint32_t queue, const struct afxdp_step *step
)
{
	const int send_buffer = SEND_BUFFER;
	int ret;

	q->area =
	        mmap(NULL, AFXDP_AREA, PROT_READ | PROT_WRITE,
	             MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (q->area == MAP_FAILED) {
		q->area = NULL;
		return -ENOMEM;
	}
	// A fork would copy all of it: the kernel doesn't share pinned pages.
	madvise(q->area, AFXDP_AREA, MADV_DONTFORK);
	// The UMEM is made anew for each try: libxdp keeps no usable one after a failed bind.
	for (int waited = 0;; waited += BUSY_STEP_MS) {
		ret = socket_try(q, interface, queue, step);
		if (ret != -EBUSY || waited >= BUSY_WAIT_MS)
			break;
		nanosleep(&(struct timespec){.tv_nsec = BUSY_STEP_MS * 1000000L}, NULL);
	}
	if (ret < 0)
		goto err;
	q->fd = xsk_socket__fd(q->socket);
	q->device_sends = step->device_sends;
	// In copy mode every frame on its way pins socket buffer; the default holds some 50 frames.
	if (setsockopt(q->fd, SOL_SOCKET, SO_SNDBUFFORCE, &send_buffer, sizeof(send_buffer)) < 0) {
		ret = -errno;
		goto err;
	}
	socket_fill(q);
	return 0;
err:
	afxdp_queue_close(q);
	return ret;
}

int afxdp_queue_busy_poll(struct afxdp_queue *q)
{
	const int prefer = 1, us = BUSY_POLL_US, budget = BUSY_POLL_BUDGET;

	if (setsockopt(q->fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &prefer, sizeof(prefer)) < 0 ||
	    setsockopt(q->fd, SOL_SOCKET, SO_BUSY_POLL, &us, sizeof(us)) < 0 ||
	    setsockopt(q->fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget, sizeof(budget)) < 0)
		return -errno;
	q->busy_poll = true;
	return 0;
}

void afxdp_queue_close(struct afxdp_queue *q)
{
	socket_release(q);
	if (q->area)
		munmap(q->area, AFXDP_AREA);
	memset(q, 0, sizeof(*q)); // libxdp reads some fields of a ring before it writes them
}
