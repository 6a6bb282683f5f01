// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What both ends of dp.sock need to make and to take over shared memory: sealed memfds, ring halves
// inside of them, and datagrams with file descriptors. Not for the packet path. Thread-safe.
//
// Seals after memfd_create(2) and F_ADD_SEALS in fcntl(2). The writer maps before it seals, so that
// F_SEAL_FUTURE_WRITE leaves it the only one that can ever write.
#pragma once

#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "msg.h"

enum {
	FOG_SEALS_CONTROL = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, // cmd, inject
	FOG_SEALS_DATA = FOG_SEALS_CONTROL | F_SEAL_FUTURE_WRITE, // stats, evt, deliver
	FOG_SEALS_BLOB = FOG_SEALS_CONTROL | F_SEAL_WRITE,
	FOG_SOCK_FDS_MAX = 3 + 2 * FOG_WORKERS_MAX, // WELCOME has the most
};

struct fog_shm {
	void *addr; // NULL: nothing mapped
	size_t size;
};

// Accepts what was never mapped, or is unmapped already.
static inline void fog_shm_unmap(struct fog_shm *m)
{
	if (m->addr != NULL)
		munmap(m->addr, m->size);
	m->addr = NULL;
}

// Memory that we write, zeroed and present, and its sealed descriptor for the peer (the caller
// closes it; the mapping stays). Returns 0 or -errno.
static inline int fog_shm_create(
        const char *name, size_t size, int seals, struct fog_shm *out, int *fd
)
{
	int ret, f = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (f < 0)
		return -errno;
	if (ftruncate(f, (off_t)size) < 0)
		goto err;
	out->addr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, f, 0);
	if (out->addr == MAP_FAILED)
		goto err;
	out->size = size;
	if (fcntl(f, F_ADD_SEALS, seals) == 0) {
		*fd = f;
		return 0;
	}
	ret = -errno;
	fog_shm_unmap(out);
	close(f);
	return ret;
err:
	ret = -errno;
	out->addr = NULL;
	close(f);
	return ret;
}

// Whether 'fd' is a memfd of ordinary pages (a hole in a huge one could raise SIGBUS) with all of
// 'seals'. Its size goes to *size. Returns 0 or -EPROTO.
static inline int fog_shm_check(int fd, int seals, uint64_t *size)
{
	struct stat st;
	struct statfs fs;
	int have = fcntl(fd, F_GET_SEALS);

	if (have < 0 || (have & seals) != seals)
		return -EPROTO;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 0)
		return -EPROTO;
	if (fstatfs(fd, &fs) < 0 || fs.f_type != TMPFS_MAGIC)
		return -EPROTO;
	*size = (uint64_t)st.st_size;
	return 0;
}

// Map the peer's memory read-only. Returns 0, -EPROTO (seals or size are not the agreed ones) or
// -ENOMEM. The caller closes 'fd'.
static inline int fog_shm_map(int fd, int seals, size_t size, struct fog_shm *out)
{
	uint64_t have;

	if (fog_shm_check(fd, seals, &have) < 0 || have != size)
		return -EPROTO;
	out->addr = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (out->addr == MAP_FAILED) {
		out->addr = NULL;
		return -ENOMEM;
	}
	out->size = size;
	return 0;
}

// Make the producer's half at 'producer' (zeroed, ours) and our handle of it.
static inline void fog_ring_tx_make(
        struct fog_ring_tx *r, void *producer, const struct fog_ring_consumer *peer,
        enum fog_ring_type kind, uint32_t slot_count, uint32_t slot_size
)
{
	struct fog_ring_producer *p = producer;

	p->magic = FOG_ABI_MAGIC;
	p->abi = FOG_ABI;
	p->kind = kind;
	p->slot_count = slot_count;
	p->slot_size = slot_size;
	atomic_store_explicit(&p->seq, 1, memory_order_relaxed);
	*r = (struct fog_ring_tx){
	        .shared = p,
	        .peer = peer,
	        .slots = (uint8_t *)producer + sizeof(*p),
	        .mask = slot_count - 1,
	        .slot_size = slot_size,
	        .seq = 1,
	};
}

// Take over the peer's producer half, which has to say what was agreed on, and start 'own', our
// index, at 0. Returns 0 or -EPROTO.
static inline int fog_ring_rx_open(
        struct fog_ring_rx *r, const void *producer, struct fog_ring_consumer *own,
        enum fog_ring_type kind, uint32_t slot_count, uint32_t slot_size
)
{
	const struct fog_ring_producer *p = producer;
	struct fog_ring_producer said;

	memcpy(&said, p, offsetof(struct fog_ring_producer, head)); // copied, then checked
	if (said.magic != FOG_ABI_MAGIC || said.abi != FOG_ABI || said.kind != kind ||
	    said.slot_count != slot_count || said.slot_size != slot_size)
		return -EPROTO;
	*r = (struct fog_ring_rx){
	        .peer = p,
	        .shared = own,
	        .slots = (const uint8_t *)producer + sizeof(*p),
	        .mask = slot_count - 1,
	        .slot_size = slot_size,
	};
	atomic_store_explicit(&own->tail, 0, memory_order_relaxed);
	return 0;
}

static inline void fog_sock_close_fds(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
}

// Send one datagram with 'nfds' descriptors (at most FOG_SOCK_FDS_MAX). Never blocks. Returns 0,
// -EAGAIN (the peer does not read) or another -errno.
static inline int fog_sock_send(
        int sock, const void *msg, size_t len, const int *fds, unsigned nfds
)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int) * FOG_SOCK_FDS_MAX)] = {0};
	struct iovec iov = {.iov_base = (void *)msg, .iov_len = len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (nfds > FOG_SOCK_FDS_MAX)
		return -E2BIG;
	if (nfds > 0) {
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}
	ssize_t sent = sendmsg(sock, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent < 0 ? -errno : (size_t)sent == len ? 0 : -EPROTO;
}

// Receive one datagram and its descriptors: fds[FOG_SOCK_FDS_MAX] is filled, *nfds counts them, and
// the caller closes them. Never blocks. Returns its length, 0 at the end of the connection, -EAGAIN
// when none waits, -EPROTO when something was cut off (its descriptors are closed), other -errno.
static inline int fog_sock_recv(int sock, void *msg, size_t size, int *fds, unsigned *nfds)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int) * FOG_SOCK_FDS_MAX)];
	struct iovec iov = {.iov_base = msg, .iov_len = size};
	struct msghdr m = {
	        .msg_iov = &iov,
	        .msg_iovlen = 1,
	        .msg_control = control,
	        .msg_controllen = sizeof(control),
	};
	unsigned n = 0;

	*nfds = 0;
	ssize_t len = recvmsg(sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (len < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t bytes = c->cmsg_len - CMSG_LEN(0);
		memcpy(fds + n, CMSG_DATA(c), bytes); // bounded by the size of 'control'
		n += (unsigned)(bytes / sizeof(int));
	}
	if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		fog_sock_close_fds(fds, n);
		return -EPROTO;
	}
	*nfds = n;
	return (int)len;
}
