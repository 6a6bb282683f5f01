// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Hostile memory: seals, sizes, ring contents, and the bells that ring for it.
#include <CUnit/CUnit.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "hostile.h"

// What the peer gets it can read, and nothing else.
static void test_seals(void)
{
	struct fog_msg_welcome welcome;
	struct hostile p;

	hostile_dp_start(&p, 0);
	hostile_welcome(&p, &welcome);
	for (unsigned i = 0; i < 3 + MINI_WORKERS; i++) {
		int fd = p.fds[i];
		if (i == 2) // the bell
			continue;
		errno = 0;
		CU_ASSERT_PTR_EQUAL(
		        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED
		);
		CU_ASSERT_EQUAL(errno, EPERM);
		void *m = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
		CU_ASSERT_PTR_NOT_EQUAL_FATAL(m, MAP_FAILED);
		CU_ASSERT_EQUAL(mprotect(m, 4096, PROT_READ | PROT_WRITE), -1);
		CU_ASSERT_EQUAL(errno, EACCES);
		munmap(m, 4096);
		CU_ASSERT_EQUAL(ftruncate(fd, 0), -1);
		CU_ASSERT_EQUAL(errno, EPERM);
		CU_ASSERT_EQUAL(ftruncate(fd, 1 << 28), -1);
		CU_ASSERT_EQUAL(errno, EPERM);
		CU_ASSERT_EQUAL(pwrite(fd, "x", 1, 0), -1);
		CU_ASSERT_EQUAL(errno, EPERM);
		CU_ASSERT_EQUAL(
		        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1
		);
		CU_ASSERT_EQUAL(errno, EPERM);
		CU_ASSERT_EQUAL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
		// Seals belong to the memory: opening it anew does not help.
		char path[32];
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		int again = open(path, O_RDWR | O_CLOEXEC);
		CU_ASSERT_TRUE_FATAL(again >= 0);
		CU_ASSERT_PTR_EQUAL(
		        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0), MAP_FAILED
		);
		CU_ASSERT_EQUAL(errno, EPERM);
		close(again);
	}
	hostile_dp_stop(&p);
}

static void rings_odd(struct hostile *p, unsigned which, int odd)
{
	struct fog_msg_welcome welcome;
	int fds[1 + MINI_WORKERS];
	uint64_t before;

	hostile_welcome(p, &welcome);
	before = p->dp.stats->control_faults;
	hostile_rings_make(p, fds);
	if (odd >= 0) {
		close(fds[which]);
		fds[which] = odd;
	} else {
		struct fog_control_page *page = p->cmd.addr;
		struct fog_ring_producer *r = which == 0 ? (void *)(page + 1)
		                                         : p->inject[which - 1].addr;
		r->slot_count <<= 1;
	}
	hostile_rings_send(p, fds, 1 + MINI_WORKERS);
	fog_sock_close_fds(fds, 1 + MINI_WORKERS);
	hostile_expect_hangup(p, before, 1);
}

static void test_odd_rings(void)
{
	struct hostile p;

	hostile_dp_start(&p, 0);
	for (unsigned i = 0; i < 1 + MINI_WORKERS; i++) {
		size_t size = i == 0 ? CMD_BYTES : INJECT_BYTES;
		rings_odd(&p, i, hostile_memfd(size, F_SEAL_SHRINK | F_SEAL_GROW));
		rings_odd(&p, i, hostile_memfd(size, F_SEAL_GROW | F_SEAL_SEAL));
		rings_odd(&p, i, hostile_memfd(size, F_SEAL_SHRINK | F_SEAL_SEAL));
		rings_odd(&p, i, hostile_memfd(size - 1, FOG_SEALS_CONTROL));
		rings_odd(&p, i, hostile_memfd(size + 1, FOG_SEALS_CONTROL));
		rings_odd(&p, i, hostile_memfd(0, FOG_SEALS_CONTROL));
		rings_odd(&p, i, hostile_memfd(size, FOG_SEALS_CONTROL)); // no header in it
		rings_odd(&p, i, open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
		rings_odd(&p, i, open("/dev/zero", O_RDWR | O_CLOEXEC));
		rings_odd(&p, i, open("/", O_PATH | O_CLOEXEC));
		rings_odd(&p, i, -1);
	}
	CU_ASSERT_EQUAL(p.record->attaches, 0);
	hostile_attach(&p);
	CU_ASSERT_EQUAL(p.record->attaches, 1);
	hostile_dp_stop(&p);
}

// The peer has a bell in its hands and sets its flags as it likes; ours never block.
static void test_bells(void)
{
	uint64_t one = 1;
	uint8_t sink[4096];
	struct fog_msg_welcome welcome;
	struct hostile p;
	long written = 0;

	hostile_dp_start(&p, 0);
	hostile_welcome(&p, &welcome);
	for (unsigned i = 2; i < p.nfds; i++) {
		if (i >= 3 && i < 3 + MINI_WORKERS)
			continue;
		CU_ASSERT_EQUAL(fcntl(p.fds[i], F_SETFL, 0), 0);
	}
	int bell = fog_session_doorbell_fd(p.dp.session);
	while (write(bell, &one, sizeof(one)) == (ssize_t)sizeof(one))
		written++;
	CU_ASSERT_EQUAL(errno, EAGAIN);
	CU_ASSERT_TRUE(written > 100);
	fcntl(p.fds[2], F_SETFL, O_NONBLOCK);
	while (read(p.fds[2], sink, sizeof(sink)) == (ssize_t)sizeof(sink))
		;
	for (unsigned i = 0; i < 100000; i++)
		fog_session_wake(p.dp.session, 0);
	int wake = fog_session_wake_fd(p.dp.session, 0);
	while (read(wake, sink, sizeof(sink)) > 0)
		;
	CU_ASSERT_EQUAL(errno, EAGAIN);
	// Rung by the peer: readable.
	CU_ASSERT_EQUAL(write(p.fds[3 + MINI_WORKERS], &one, sizeof(one)), (ssize_t)sizeof(one));
	CU_ASSERT_EQUAL(read(wake, sink, sizeof(sink)), (ssize_t)sizeof(one));
	// The peer's ends are gone: no SIGPIPE, no end of file.
	hostile_drop(&p);
	CU_ASSERT_TRUE(write(bell, &one, sizeof(one)) > 0 || errno == EAGAIN);
	CU_ASSERT_EQUAL(read(wake, sink, sizeof(sink)), -1);
	CU_ASSERT_EQUAL(errno, EAGAIN);
	hostile_dp_stop(&p);
}

static uint32_t odd_number(uint32_t near)
{
	switch (randombytes_uniform(4)) {
	case 0:
		return near + randombytes_uniform(4);
	case 1:
		return near - randombytes_uniform(4);
	case 2:
		return randombytes_random();
	default:
		return UINT32_MAX - randombytes_uniform(3);
	}
}

// Scribble over everything that a control plane may write, while the data plane works with it.
static void scribble(struct hostile *p)
{
	struct fog_control_page *page = p->cmd.addr;
	struct fog_ring_producer *cmd = (void *)(page + 1);

	for (unsigned n = 0; n < 200; n++) {
		unsigned w = randombytes_uniform(MINI_WORKERS);
		struct fog_ring_producer *inject = p->inject[w].addr;
		struct fog_slot_header h = {
		        .seq = randombytes_random(),
		        .type = odd_number(1),
		        .len = odd_number(sizeof(struct fog_inject) + MINI_PACKET),
		};
		size_t slot = randombytes_uniform(MINI_SLOTS);
		memcpy((uint8_t *)(inject + 1) + slot * INJECT_SLOT, &h, sizeof(h));
		memcpy((uint8_t *)(cmd + 1) + slot * 32, &h, sizeof(h));
		switch (randombytes_uniform(6)) {
		case 0:
			page->deliver[w].tail = odd_number(0);
			break;
		case 1:
			page->evt.tail = odd_number(0);
			break;
		case 2:
			inject->head = odd_number(0);
			break;
		case 3:
			cmd->head = odd_number(0);
			break;
		case 4:
			inject->slot_count = inject->slot_size = randombytes_random();
			break;
		default:
			page->heartbeat = randombytes_random();
			break;
		}
	}
}

static void test_hostile_rings(void)
{
	struct hostile p;
	struct mini_cp cp;
	struct mini_store *store = mini_shared(sizeof(*store));

	hostile_dp_start(&p, UINT64_MAX);
	for (unsigned i = 0; i < 60; i++) {
		uint64_t before = p.dp.stats->control_faults;
		uint64_t made = p.record->made[0];
		hostile_attach(&p);
		for (unsigned n = 0; n < 50 && p.dp.stats->control_faults == before; n++)
			scribble(&p);
		if (i % 2 == 0) { // a lie that can't be missed
			struct fog_control_page *page = p.cmd.addr;
			page->deliver[0].tail = atomic_load(&page->deliver[0].tail) + (1u << 30);
			struct fog_ring_producer *inject = p.inject[1].addr;
			inject->head = 1u << 30;
			MINI_WAIT(p.dp.stats->control_faults > before);
			CU_ASSERT_TRUE(p.dp.stats->control_faults > before);
		}
		CU_ASSERT_TRUE(p.record->made[0] >= made);
	}
	hostile_drop(&p);
	CU_ASSERT_TRUE(p.record->faults > 0);
	// An honest one gets a working session again.
	CU_ASSERT_EQUAL_FATAL(mini_cp_start(&cp, p.path, store), 0);
	MINI_WAIT(store->attaches == 1);
	MINI_WAIT(fog_dpclient_command(cp.client, FOG_CMD_PING, 77) == 0);
	MINI_WAIT(store->pong == 77);
	CU_ASSERT_EQUAL(store->pong, 77);
	MINI_WAIT(store->boot[0].last[0] > 0 && store->boot[0].last[1] > 0);
	CU_ASSERT_TRUE(store->boot[0].last[0] > 0 && store->boot[0].last[1] > 0);
	CU_ASSERT_EQUAL(store->corrupt, 0);
	mini_cp_stop(&cp);
	hostile_dp_stop(&p);
}

CU_TestInfo memory_tests[] = {
        {"shared memory can't be written or resized", test_seals},
        {"rings without seals, of odd sizes, of odd kinds", test_odd_rings},
        {"bells don't block", test_bells},
        {"random indices, lengths and types", test_hostile_rings},
        CU_TEST_INFO_NULL,
};
