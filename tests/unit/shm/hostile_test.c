// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A control plane that breaks every rule, against a data plane that has to stay up: messages,
// descriptors, seals, ring contents, bells.
#include <CUnit/CUnit.h>
#include <dirent.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "../../../dataplane/session_internal.h"
#include "suites.h"

enum {
	CMD_BYTES = sizeof(struct fog_control_page) + sizeof(struct fog_ring_producer) + 64 * 32,
	INJECT_SLOT = 16 + sizeof(struct fog_inject) + MINI_PACKET + 12,
	INJECT_BYTES = sizeof(struct fog_ring_producer) + MINI_SLOTS * INJECT_SLOT,
};

_Static_assert(INJECT_SLOT % 16 == 0, "a slot size");

struct peer {
	struct mini_dp dp;
	struct mini_record *record;
	char path[64];
	int sock;
	// After peer_welcome: stats, evt, bell, deliver[], wake[].
	int fds[FOG_SOCK_FDS_MAX];
	unsigned nfds;
	// After peer_rings.
	struct fog_shm cmd, inject[MINI_WORKERS];
};

static void dp_start(struct peer *p, uint64_t goal)
{
	memset(p, 0, sizeof(*p));
	p->sock = -1;
	p->record = mini_shared(sizeof(*p->record));
	strcpy(p->path, mini_path());
	CU_ASSERT_EQUAL_FATAL(mini_dp_start(&p->dp, p->path, 0, p->record, goal), 0);
}

static void peer_drop(struct peer *p)
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

static void dp_stop(struct peer *p)
{
	peer_drop(p);
	mini_dp_stop(&p->dp);
	munmap(p->record, sizeof(*p->record));
}

static void peer_connect(struct peer *p)
{
	union {
		struct sockaddr any;
		struct sockaddr_un un;
	} addr = {.un = {.sun_family = AF_UNIX}};

	peer_drop(p);
	strcpy(addr.un.sun_path, p->path);
	p->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(connect(p->sock, &addr.any, sizeof(addr.un)), 0);
}

// Next message, however long it takes; returns as fog_sock_recv.
static int peer_recv(struct peer *p, void *msg, size_t size, int *fds, unsigned *nfds)
{
	struct pollfd pfd = {.fd = p->sock, .events = POLLIN};

	poll(&pfd, 1, 20000);
	return fog_sock_recv(p->sock, msg, size, fds, nfds);
}

// Whether the data plane hangs up, and counts 'faults' more than before.
static void expect_hangup(struct peer *p, uint64_t before, unsigned faults)
{
	uint8_t rest[512];
	int fds[FOG_SOCK_FDS_MAX], ret;
	unsigned n;

	while ((ret = peer_recv(p, rest, sizeof(rest), fds, &n)) > 0)
		fog_sock_close_fds(fds, n);
	CU_ASSERT_TRUE(ret == 0 || ret == -ECONNRESET);
	MINI_WAIT(p->dp.stats->control_faults >= before + faults);
	CU_ASSERT_EQUAL(p->dp.stats->control_faults, before + faults);
}

static struct fog_msg_hello hello_good(void)
{
	return (struct fog_msg_hello){
	        .h = {.type = FOG_MSG_HELLO, .size = sizeof(struct fog_msg_hello)},
	        .magic = FOG_ABI_MAGIC,
	        .abi = FOG_ABI,
	        .build = "hostile\n\x1b[2J",
	};
}

static void peer_welcome(struct peer *p, struct fog_msg_welcome *m)
{
	struct fog_msg_hello hello = hello_good();

	peer_connect(p);
	CU_ASSERT_EQUAL(fog_sock_send(p->sock, &hello, sizeof(hello), NULL, 0), 0);
	CU_ASSERT_EQUAL_FATAL(peer_recv(p, m, sizeof(*m), p->fds, &p->nfds), (int)sizeof(*m));
	CU_ASSERT_EQUAL_FATAL(p->nfds, 3 + 2 * MINI_WORKERS);
}

// Make rings as they should be; fds[1 + workers] are the caller's.
static void rings_make(struct peer *p, int *fds)
{
	struct fog_ring_tx tx;
	const int seals = FOG_SEALS_CONTROL;

	CU_ASSERT_EQUAL_FATAL(fog_shm_create("cmd", CMD_BYTES, seals, &p->cmd, &fds[0]), 0);
	struct fog_control_page *page = p->cmd.addr;
	fog_ring_tx_make(&tx, page + 1, NULL, FOG_RING_CMD, 64, 32);
	for (unsigned w = 0; w < MINI_WORKERS; w++) {
		int ret = fog_shm_create("inject", INJECT_BYTES, seals, &p->inject[w], &fds[1 + w]);
		CU_ASSERT_EQUAL_FATAL(ret, 0);
		fog_ring_tx_make(
		        &tx, p->inject[w].addr, NULL, FOG_RING_INJECT, MINI_SLOTS, INJECT_SLOT
		);
	}
}

static void rings_send(struct peer *p, const int *fds, unsigned n)
{
	struct fog_msg_rings m = {.h = {.type = FOG_MSG_RINGS, .size = sizeof(m)}};

	CU_ASSERT_EQUAL(fog_sock_send(p->sock, &m, sizeof(m), fds, n), 0);
}

static void peer_attach(struct peer *p)
{
	struct fog_msg_attached m;
	struct fog_msg_welcome welcome;
	int fds[FOG_SOCK_FDS_MAX];
	unsigned n;

	peer_welcome(p, &welcome);
	rings_make(p, fds);
	rings_send(p, fds, 1 + MINI_WORKERS);
	fog_sock_close_fds(fds, 1 + MINI_WORKERS);
	CU_ASSERT_EQUAL_FATAL(peer_recv(p, &m, sizeof(m), fds, &n), (int)sizeof(m));
	CU_ASSERT_EQUAL(m.h.type, FOG_MSG_ATTACHED);
}

static unsigned fds_open(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void test_hello(void)
{
	struct fog_msg_hello m = hello_good();
	struct fog_msg_welcome w;
	struct peer p;
	int fds[FOG_SOCK_FDS_MAX];
	unsigned n;

	dp_start(&p, 0);
	// Another ABI is told ours before the connection ends.
	m.abi = FOG_ABI + 1;
	peer_connect(&p);
	CU_ASSERT_EQUAL(fog_sock_send(p.sock, &m, sizeof(m), NULL, 0), 0);
	CU_ASSERT_EQUAL(peer_recv(&p, &w, sizeof(w), fds, &n), (int)sizeof(w));
	CU_ASSERT_EQUAL(w.abi, FOG_ABI);
	CU_ASSERT_EQUAL(n, 0);
	expect_hangup(&p, 0, 1);

	m = hello_good();
	m.magic++;
	peer_connect(&p);
	fog_sock_send(p.sock, &m, sizeof(m), NULL, 0);
	expect_hangup(&p, 1, 1);

	for (size_t len = 0; len < sizeof(m); len += 7) {
		m = hello_good();
		m.h.size = (uint32_t)len;
		uint64_t before = p.dp.stats->control_faults;
		peer_connect(&p);
		fog_sock_send(p.sock, &m, len, NULL, 0);
		expect_hangup(&p, before, len > 0); // an empty message looks like an end
	}
	dp_stop(&p);
}

static void test_messages(void)
{
	struct fog_msg_hello again = hello_good();
	struct fog_msg_welcome welcome;
	struct peer p;
	uint8_t junk[4096];
	uint64_t before;

	dp_start(&p, 0);
	for (unsigned i = 0; i < 300; i++) {
		size_t len = 1 + randombytes_uniform(i % 3 == 0 ? sizeof(junk) : 96);
		randombytes_buf(junk, sizeof(junk));
		struct fog_msg_header h = {.type = i % 12, .size = (uint32_t)len};
		if (i % 2 == 0)
			memcpy(junk, &h, sizeof(h));
		before = p.dp.stats->control_faults;
		if (i % 5 == 0)
			peer_attach(&p);
		else if (i % 5 == 1)
			peer_welcome(&p, &welcome);
		else
			peer_connect(&p);
		// A key of the right size at the right time is good whatever is in it; nothing else is.
		if (len == sizeof(struct fog_msg_key))
			len++;
		CU_ASSERT_EQUAL(fog_sock_send(p.sock, junk, len, NULL, 0), 0);
		expect_hangup(&p, before, 1);
	}
	peer_attach(&p);
	before = p.dp.stats->control_faults;
	fog_sock_send(p.sock, &again, sizeof(again), NULL, 0); // HELLO twice
	expect_hangup(&p, before, 1);
	dp_stop(&p);
}

// Descriptors that nobody asked for must not stay open, whatever they come with.
static void test_surplus_fds(void)
{
	struct fog_msg_hello hello = hello_good();
	struct fog_msg_welcome welcome;
	struct peer p;
	int many[FOG_SOCK_FDS_MAX];

	for (unsigned i = 0; i < FOG_SOCK_FDS_MAX; i++)
		many[i] = STDIN_FILENO;
	dp_start(&p, 0);
	unsigned before = 0;
	for (unsigned round = 0; round < 20; round++) {
		uint64_t faults = p.dp.stats->control_faults;
		peer_connect(&p);
		fog_sock_send(p.sock, &hello, sizeof(hello), many, 1 + round * 6);
		expect_hangup(&p, faults, 1);
		peer_welcome(&p, &welcome);
		rings_send(&p, many, round);
		expect_hangup(&p, faults, 2);
		peer_connect(&p);
		fog_sock_send(p.sock, many, sizeof(many), many, FOG_SOCK_FDS_MAX); // too long
		expect_hangup(&p, faults, 3);
		peer_drop(&p);
		if (round == 0)
			before = fds_open();
	}
	CU_ASSERT_EQUAL(fds_open(), before);
	dp_stop(&p);
}

// What the peer gets it can read, and nothing else.
static void test_seals(void)
{
	struct fog_msg_welcome welcome;
	struct peer p;

	dp_start(&p, 0);
	peer_welcome(&p, &welcome);
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
	dp_stop(&p);
}

static int memfd_of(size_t size, int seals)
{
	int fd = memfd_create("odd", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CU_ASSERT_EQUAL_FATAL(ftruncate(fd, (off_t)size), 0);
	CU_ASSERT_EQUAL_FATAL(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void rings_odd(struct peer *p, unsigned which, int odd)
{
	struct fog_msg_welcome welcome;
	int fds[1 + MINI_WORKERS];
	uint64_t before;

	peer_welcome(p, &welcome);
	before = p->dp.stats->control_faults;
	rings_make(p, fds);
	if (odd >= 0) {
		close(fds[which]);
		fds[which] = odd;
	} else {
		struct fog_control_page *page = p->cmd.addr;
		struct fog_ring_producer *r = which == 0 ? (void *)(page + 1)
		                                         : p->inject[which - 1].addr;
		r->slot_count <<= 1;
	}
	rings_send(p, fds, 1 + MINI_WORKERS);
	fog_sock_close_fds(fds, 1 + MINI_WORKERS);
	expect_hangup(p, before, 1);
}

static void test_odd_rings(void)
{
	struct peer p;

	dp_start(&p, 0);
	for (unsigned i = 0; i < 1 + MINI_WORKERS; i++) {
		size_t size = i == 0 ? CMD_BYTES : INJECT_BYTES;
		rings_odd(&p, i, memfd_of(size, F_SEAL_SHRINK | F_SEAL_GROW));
		rings_odd(&p, i, memfd_of(size, F_SEAL_GROW | F_SEAL_SEAL));
		rings_odd(&p, i, memfd_of(size, F_SEAL_SHRINK | F_SEAL_SEAL));
		rings_odd(&p, i, memfd_of(size - 1, FOG_SEALS_CONTROL));
		rings_odd(&p, i, memfd_of(size + 1, FOG_SEALS_CONTROL));
		rings_odd(&p, i, memfd_of(0, FOG_SEALS_CONTROL));
		rings_odd(&p, i, memfd_of(size, FOG_SEALS_CONTROL)); // no header in it
		rings_odd(&p, i, open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
		rings_odd(&p, i, open("/dev/zero", O_RDWR | O_CLOEXEC));
		rings_odd(&p, i, open("/", O_PATH | O_CLOEXEC));
		rings_odd(&p, i, -1);
	}
	CU_ASSERT_EQUAL(p.record->attaches, 0);
	peer_attach(&p);
	CU_ASSERT_EQUAL(p.record->attaches, 1);
	dp_stop(&p);
}

static void blob_send(struct peer *p, int fd, uint64_t generation)
{
	struct fog_msg_config m = {
	        .h = {.type = FOG_MSG_CONFIG, .size = sizeof(m)},
	        .generation = generation,
	};

	CU_ASSERT_EQUAL(fog_sock_send(p->sock, &m, sizeof(m), &fd, fd >= 0), 0);
	if (fd >= 0)
		close(fd);
}

static int blob_fd(const struct fog_blob *b, size_t len, int seals)
{
	int fd = memfd_create("blob", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CU_ASSERT_EQUAL(write(fd, b, len), (ssize_t)len);
	CU_ASSERT_EQUAL(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void test_odd_blobs(void)
{
	struct fog_blob *b = mini_shared(2 * FOG_BLOB_SIZE_MAX);
	const int seals = FOG_SEALS_BLOB;
	struct peer p;
	uint64_t faults = 0;

	dp_start(&p, 0);
	for (unsigned i = 0; i < 8; i++) {
		int fd = -1;
		mini_blob(b, 5, 'a');
		switch (i) {
		case 0:
			fd = blob_fd(b, sizeof(*b), seals & ~F_SEAL_WRITE);
			break;
		case 1:
			fd = blob_fd(b, sizeof(*b), seals & ~F_SEAL_SHRINK);
			break;
		case 2:
			fd = blob_fd(b, sizeof(*b) - 1, seals);
			break;
		case 3:
			fd = blob_fd(b, FOG_BLOB_SIZE_MAX + 1, seals);
			break;
		case 4:
			b->generation = 6;
			fd = blob_fd(b, sizeof(*b), seals);
			break;
		case 5:
			fd = open(p.path, O_PATH | O_CLOEXEC);
			break;
		case 6:
			fd = memfd_of(sizeof(*b), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
			break;
		default:
			break; // none at all
		}
		peer_attach(&p);
		blob_send(&p, fd, 5);
		expect_hangup(&p, faults++, 1);
	}
	CU_ASSERT_EQUAL(p.record->configs, 0);
	peer_attach(&p);
	mini_blob(b, 5, 'a');
	blob_send(&p, blob_fd(b, FOG_BLOB_SIZE_MAX, seals), 5);
	MINI_WAIT(p.record->configs == 1);
	CU_ASSERT_EQUAL(p.record->configs, 1);
	dp_stop(&p);
	munmap(b, 2 * FOG_BLOB_SIZE_MAX);
}

// A second control plane takes over, and the first one is told by the end of its connection.
static void test_takeover(void)
{
	struct peer p;
	int first;

	dp_start(&p, 0);
	peer_attach(&p);
	first = p.sock;
	p.sock = -1;
	peer_attach(&p);
	struct pollfd pfd = {.fd = first, .events = POLLIN};
	poll(&pfd, 1, 20000);
	uint8_t byte;
	CU_ASSERT_EQUAL(recv(first, &byte, 1, MSG_DONTWAIT), 0);
	CU_ASSERT_EQUAL(p.dp.stats->control_attached, 1);
	CU_ASSERT_EQUAL(p.dp.stats->control_faults, 0);
	close(first);
	// Silent connections give way to later ones.
	int silent[12];
	for (unsigned i = 0; i < 12; i++) {
		silent[i] = p.sock;
		p.sock = -1;
		peer_connect(&p);
	}
	peer_attach(&p);
	for (unsigned i = 0; i < 12; i++)
		close(silent[i]);
	dp_stop(&p);
}

// The peer has a bell in its hands and sets its flags as it likes; ours never block.
static void test_bells(void)
{
	uint64_t one = 1;
	uint8_t sink[4096];
	struct fog_msg_welcome welcome;
	struct peer p;
	long written = 0;

	dp_start(&p, 0);
	peer_welcome(&p, &welcome);
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
	peer_drop(&p);
	CU_ASSERT_TRUE(write(bell, &one, sizeof(one)) > 0 || errno == EAGAIN);
	CU_ASSERT_EQUAL(read(wake, sink, sizeof(sink)), -1);
	CU_ASSERT_EQUAL(errno, EAGAIN);
	dp_stop(&p);
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
static void scribble(struct peer *p)
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
	struct peer p;
	struct mini_cp cp;
	struct mini_store *store = mini_shared(sizeof(*store));

	dp_start(&p, UINT64_MAX);
	for (unsigned i = 0; i < 60; i++) {
		uint64_t before = p.dp.stats->control_faults;
		uint64_t made = p.record->made[0];
		peer_attach(&p);
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
	peer_drop(&p);
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
	dp_stop(&p);
}

static void test_key_wiped(void)
{
	struct fog_msg_key key = {
	        .h = {.type = FOG_MSG_KEY_INSTALL, .size = sizeof(key)},
	        .epoch = 1,
	};
	struct fog_msg_ack ack;
	struct peer p;
	int fds[FOG_SOCK_FDS_MAX];
	unsigned n;

	memset(key.private_key, 0xa5, 32);
	dp_start(&p, 0);
	peer_attach(&p);
	CU_ASSERT_EQUAL(fog_sock_send(p.sock, &key, sizeof(key), NULL, 0), 0);
	CU_ASSERT_EQUAL(peer_recv(&p, &ack, sizeof(ack), fds, &n), (int)sizeof(ack));
	CU_ASSERT_EQUAL(ack.status, 0);
	CU_ASSERT_EQUAL(memcmp(p.record->key_private, key.private_key, 32), 0);
	// Once the manager is idle again nothing of it is left.
	p.dp.stop = true;
	pthread_join(p.dp.manager, NULL);
	CU_ASSERT_TRUE(sodium_is_zero((const uint8_t *)p.dp.session->msg, sizeof(union session_msg))
	);
	for (unsigned w = 0; w < MINI_WORKERS; w++)
		pthread_join(p.dp.worker[w].thread, NULL);
	peer_drop(&p);
	fog_session_destroy(p.dp.session);
}

CU_TestInfo hostile_tests[] = {
        {"HELLO of another ABI, magic, size", test_hello},
        {"garbage at every state", test_messages},
        {"surplus descriptors are closed", test_surplus_fds},
        {"shared memory can't be written or resized", test_seals},
        {"rings without seals, of odd sizes, of odd kinds", test_odd_rings},
        {"blobs without seals, of odd sizes", test_odd_blobs},
        {"a second control plane takes over", test_takeover},
        {"bells don't block", test_bells},
        {"keys are wiped", test_key_wiped},
        {"random indices, lengths and types", test_hostile_rings},
        CU_TEST_INFO_NULL,
};
