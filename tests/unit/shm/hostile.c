// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// See hostile.h.
#include "hostile.h"

#include <CUnit/CUnit.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>

void hostile_dp_start(struct hostile *p, uint64_t goal)
{
	memset(p, 0, sizeof(*p));
	p->sock = -1;
	p->record = mini_shared(sizeof(*p->record));
	strcpy(p->path, mini_path());
	CU_ASSERT_EQUAL_FATAL(mini_dp_start(&p->dp, p->path, 0, p->record, goal), 0);
}

void hostile_drop(struct hostile *p)
{
	fog_sock_close_fds(p->fds, p->nfds);
	p->nfds = 0;
	fog_shm_unmap(&p->cmd);
	for (unsigned w = 0; w < MINI_WORKERS; w++)
		fog_shm_unmap(&p->inject[w]);
	if (p->sock >= 0)
		close(p->sock);
	p->sock = -1;
}

void hostile_dp_stop(struct hostile *p)
{
	hostile_drop(p);
	mini_dp_stop(&p->dp);
	munmap(p->record, sizeof(*p->record));
}

union address {
	struct sockaddr any;
	struct sockaddr_un un;
};

void hostile_connect(struct hostile *p)
{
	union address addr = {.un = {.sun_family = AF_UNIX}};

	hostile_drop(p);
	strcpy(addr.un.sun_path, p->path);
	p->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(connect(p->sock, &addr.any, sizeof(addr.un)), 0);
}

int hostile_recv(struct hostile *p, void *msg, size_t size, int *fds, unsigned *nfds)
{
	struct pollfd pfd = {.fd = p->sock, .events = POLLIN};

	poll(&pfd, 1, 20000);
	return fog_sock_recv(p->sock, msg, size, fds, nfds);
}

void hostile_expect_hangup(struct hostile *p, uint64_t before, unsigned faults)
{
	uint8_t rest[512];
	int fds[FOG_SOCK_FDS_MAX], ret;
	unsigned n;

	while ((ret = hostile_recv(p, rest, sizeof(rest), fds, &n)) > 0)
		fog_sock_close_fds(fds, n);
	CU_ASSERT_TRUE(ret == 0 || ret == -ECONNRESET);
	MINI_WAIT(p->dp.stats->control_faults >= before + faults);
	CU_ASSERT_EQUAL(p->dp.stats->control_faults, before + faults);
}

struct fog_msg_hello hostile_hello(void)
{
	return (struct fog_msg_hello){
	        .h = {.type = FOG_MSG_HELLO, .size = sizeof(struct fog_msg_hello)},
	        .magic = FOG_ABI_MAGIC,
	        .abi = FOG_ABI,
	        .build = "hostile\n\x1b[2J",
	};
}

void hostile_welcome(struct hostile *p, struct fog_msg_welcome *m)
{
	struct fog_msg_hello hello = hostile_hello();

	hostile_connect(p);
	CU_ASSERT_EQUAL(fog_sock_send(p->sock, &hello, sizeof(hello), NULL, 0), 0);
	CU_ASSERT_EQUAL_FATAL(hostile_recv(p, m, sizeof(*m), p->fds, &p->nfds), (int)sizeof(*m));
	CU_ASSERT_EQUAL_FATAL(p->nfds, 3 + 2 * MINI_WORKERS);
}

void hostile_rings_make(struct hostile *p, int *fds)
{
	struct fog_ring_tx tx;
	const int seals = FOG_SEALS_CONTROL;

	CU_ASSERT_EQUAL_FATAL(fog_shm_create("cmd", CMD_BYTES, seals, &p->cmd, &fds[0]), 0);
	struct fog_control_page *page = p->cmd.addr;
	fog_ring_tx_make(&tx, page + 1, NULL, FOG_RING_CMD, 64, CMD_SLOT);
	for (unsigned w = 0; w < MINI_WORKERS; w++) {
		int ret = fog_shm_create("inject", INJECT_BYTES, seals, &p->inject[w], &fds[1 + w]);
		CU_ASSERT_EQUAL_FATAL(ret, 0);
		fog_ring_tx_make(
		        &tx, p->inject[w].addr, NULL, FOG_RING_INJECT, MINI_SLOTS, INJECT_SLOT
		);
	}
}

void hostile_rings_send(struct hostile *p, const int *fds, unsigned n)
{
	struct fog_msg_rings m = {.h = {.type = FOG_MSG_RINGS, .size = sizeof(m)}};

	CU_ASSERT_EQUAL(fog_sock_send(p->sock, &m, sizeof(m), fds, n), 0);
}

void hostile_attach(struct hostile *p)
{
	struct fog_msg_attached m;
	struct fog_msg_welcome welcome;
	int fds[FOG_SOCK_FDS_MAX];
	unsigned n;

	hostile_welcome(p, &welcome);
	hostile_rings_make(p, fds);
	hostile_rings_send(p, fds, 1 + MINI_WORKERS);
	fog_sock_close_fds(fds, 1 + MINI_WORKERS);
	CU_ASSERT_EQUAL_FATAL(hostile_recv(p, &m, sizeof(m), fds, &n), (int)sizeof(m));
	CU_ASSERT_EQUAL(m.h.type, FOG_MSG_ATTACHED);
}

void hostile_blob_send(struct hostile *p, int fd, uint64_t generation)
{
	struct fog_msg_config m = {
	        .h = {.type = FOG_MSG_CONFIG, .size = sizeof(m)},
	        .generation = generation,
	};

	CU_ASSERT_EQUAL(fog_sock_send(p->sock, &m, sizeof(m), &fd, fd >= 0), 0);
	if (fd >= 0)
		close(fd);
}

int hostile_blob_fd(const struct fog_blob *b, size_t len, int seals)
{
	int fd = memfd_create("blob", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CU_ASSERT_EQUAL(write(fd, b, len), (ssize_t)len);
	CU_ASSERT_EQUAL(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

int hostile_memfd(size_t size, int seals)
{
	int fd = memfd_create("odd", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CU_ASSERT_EQUAL_FATAL(ftruncate(fd, (off_t)size), 0);
	CU_ASSERT_EQUAL_FATAL(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}
