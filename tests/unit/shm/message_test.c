// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Hostile messages and descriptors on dp.sock.
#include <CUnit/CUnit.h>
#include <dirent.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>

#include "hostile.h"

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
	struct fog_msg_hello m = hostile_hello();
	struct fog_msg_welcome w;
	struct hostile p;
	int fds[FOG_SOCK_FDS_MAX];
	unsigned n;

	hostile_dp_start(&p, 0);
	// Another ABI is told ours before the connection ends.
	m.abi = FOG_ABI + 1;
	hostile_connect(&p);
	CU_ASSERT_EQUAL(fog_sock_send(p.sock, &m, sizeof(m), NULL, 0), 0);
	CU_ASSERT_EQUAL(hostile_recv(&p, &w, sizeof(w), fds, &n), (int)sizeof(w));
	CU_ASSERT_EQUAL(w.abi, FOG_ABI);
	CU_ASSERT_EQUAL(n, 0);
	hostile_expect_hangup(&p, 0, 1);

	m = hostile_hello();
	m.magic++;
	hostile_connect(&p);
	fog_sock_send(p.sock, &m, sizeof(m), NULL, 0);
	hostile_expect_hangup(&p, 1, 1);

	for (size_t len = 0; len < sizeof(m); len += 7) {
		m = hostile_hello();
		m.h.size = (uint32_t)len;
		uint64_t before = p.dp.stats->control_faults;
		hostile_connect(&p);
		fog_sock_send(p.sock, &m, len, NULL, 0);
		hostile_expect_hangup(&p, before, len > 0); // an empty message looks like an end
	}
	hostile_dp_stop(&p);
}

static void test_messages(void)
{
	struct fog_msg_hello again = hostile_hello();
	struct fog_msg_welcome welcome;
	struct hostile p;
	uint8_t junk[4096];
	uint64_t before;

	hostile_dp_start(&p, 0);
	for (unsigned i = 0; i < 300; i++) {
		size_t len = 1 + randombytes_uniform(i % 3 == 0 ? sizeof(junk) : 96);
		randombytes_buf(junk, sizeof(junk));
		struct fog_msg_header h = {.type = i % 12, .size = (uint32_t)len};
		if (i % 2 == 0)
			memcpy(junk, &h, sizeof(h));
		before = p.dp.stats->control_faults;
		if (i % 5 == 0)
			hostile_attach(&p);
		else if (i % 5 == 1)
			hostile_welcome(&p, &welcome);
		else
			hostile_connect(&p);
		// A key of the right size at the right time is good whatever is in it; nothing else is.
		if (len == sizeof(struct fog_msg_key))
			len++;
		CU_ASSERT_EQUAL(fog_sock_send(p.sock, junk, len, NULL, 0), 0);
		hostile_expect_hangup(&p, before, 1);
	}
	hostile_attach(&p);
	before = p.dp.stats->control_faults;
	fog_sock_send(p.sock, &again, sizeof(again), NULL, 0); // HELLO twice
	hostile_expect_hangup(&p, before, 1);
	hostile_dp_stop(&p);
}

// Messages that are good in themselves, at a time that is not theirs.
static void test_order(void)
{
	struct fog_msg_key key = {.h = {.type = FOG_MSG_KEY_INSTALL, .size = sizeof(key)}};
	struct fog_msg_welcome welcome;
	struct fog_blob *blob = mini_shared(sizeof(*blob));
	struct hostile p;
	int fds[1 + MINI_WORKERS];

	mini_blob(blob, 5, 'a');
	hostile_dp_start(&p, 0);
	for (unsigned i = 0; i < 9; i++) {
		// State i / 3: connected, welcomed, attached.
		if (i / 3 == 0)
			hostile_connect(&p);
		else if (i / 3 == 1)
			hostile_welcome(&p, &welcome);
		else
			hostile_attach(&p);
		if (i == 7 || i == 8) // the right time
			continue;
		uint64_t before = p.dp.stats->control_faults;
		if (i % 3 == 0) {
			fog_shm_unmap(&p.cmd);
			for (unsigned w = 0; w < MINI_WORKERS; w++)
				fog_shm_unmap(&p.inject[w]);
			hostile_rings_make(&p, fds);
			hostile_rings_send(&p, fds, i == 3 ? MINI_WORKERS : 1 + MINI_WORKERS);
			fog_sock_close_fds(fds, 1 + MINI_WORKERS);
		} else if (i % 3 == 1) {
			hostile_blob_send(
			        &p, hostile_blob_fd(blob, sizeof(*blob), FOG_SEALS_BLOB), 5
			);
		} else {
			CU_ASSERT_EQUAL(fog_sock_send(p.sock, &key, sizeof(key), NULL, 0), 0);
		}
		hostile_expect_hangup(&p, before, 1);
	}
	CU_ASSERT_EQUAL(p.record->configs, 0);
	CU_ASSERT_EQUAL(p.record->installs, 0);
	hostile_dp_stop(&p);
	munmap(blob, sizeof(*blob));
}

// Descriptors that nobody asked for must not stay open, whatever they come with.
static void test_surplus_fds(void)
{
	struct fog_msg_hello hello = hostile_hello();
	struct fog_msg_welcome welcome;
	struct hostile p;
	int many[FOG_SOCK_FDS_MAX];

	for (unsigned i = 0; i < FOG_SOCK_FDS_MAX; i++)
		many[i] = STDIN_FILENO;
	hostile_dp_start(&p, 0);
	unsigned before = 0;
	for (unsigned round = 0; round < 20; round++) {
		uint64_t faults = p.dp.stats->control_faults;
		hostile_connect(&p);
		fog_sock_send(p.sock, &hello, sizeof(hello), many, 1 + round * 6);
		hostile_expect_hangup(&p, faults, 1);
		hostile_welcome(&p, &welcome);
		hostile_rings_send(&p, many, round);
		hostile_expect_hangup(&p, faults, 2);
		hostile_connect(&p);
		fog_sock_send(p.sock, many, sizeof(many), many, FOG_SOCK_FDS_MAX); // too long
		hostile_expect_hangup(&p, faults, 3);
		hostile_drop(&p);
		if (round == 0)
			before = fds_open();
	}
	CU_ASSERT_EQUAL(fds_open(), before);
	hostile_dp_stop(&p);
}

static void test_odd_blobs(void)
{
	struct fog_blob *b = mini_shared(2 * FOG_BLOB_SIZE_MAX);
	const int seals = FOG_SEALS_BLOB;
	struct hostile p;
	uint64_t faults = 0;

	hostile_dp_start(&p, 0);
	for (unsigned i = 0; i < 8; i++) {
		int fd = -1;
		mini_blob(b, 5, 'a');
		switch (i) {
		case 0:
			fd = hostile_blob_fd(b, sizeof(*b), seals & ~F_SEAL_WRITE);
			break;
		case 1:
			fd = hostile_blob_fd(b, sizeof(*b), seals & ~F_SEAL_SHRINK);
			break;
		case 2:
			fd = hostile_blob_fd(b, sizeof(*b) - 1, seals);
			break;
		case 3:
			fd = hostile_blob_fd(b, FOG_BLOB_SIZE_MAX + 1, seals);
			break;
		case 4:
			b->generation = 6;
			fd = hostile_blob_fd(b, sizeof(*b), seals);
			break;
		case 5:
			fd = open(p.path, O_PATH | O_CLOEXEC);
			break;
		case 6:
			fd = hostile_memfd(sizeof(*b), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
			break;
		default:
			break; // none at all
		}
		hostile_attach(&p);
		hostile_blob_send(&p, fd, 5);
		hostile_expect_hangup(&p, faults++, 1);
	}
	CU_ASSERT_EQUAL(p.record->configs, 0);
	hostile_attach(&p);
	mini_blob(b, 5, 'a');
	hostile_blob_send(&p, hostile_blob_fd(b, FOG_BLOB_SIZE_MAX, seals), 5);
	MINI_WAIT(p.record->configs == 1);
	CU_ASSERT_EQUAL(p.record->configs, 1);
	hostile_dp_stop(&p);
	munmap(b, 2 * FOG_BLOB_SIZE_MAX);
}

// A second control plane takes over, and the first one is told by the end of its connection.
static void test_takeover(void)
{
	struct hostile p;
	int first;

	hostile_dp_start(&p, 0);
	hostile_attach(&p);
	first = p.sock;
	p.sock = -1;
	hostile_attach(&p);
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
		hostile_connect(&p);
	}
	hostile_attach(&p);
	for (unsigned i = 0; i < 12; i++)
		close(silent[i]);
	hostile_dp_stop(&p);
}

static void test_key_wiped(void)
{
	struct fog_msg_key key = {
	        .h = {.type = FOG_MSG_KEY_INSTALL, .size = sizeof(key)},
	        .epoch = 1,
	};
	struct fog_msg_ack ack;
	struct hostile p;
	int fds[FOG_SOCK_FDS_MAX];
	unsigned n;

	memset(key.private_key, 0xa5, 32);
	hostile_dp_start(&p, 0);
	hostile_attach(&p);
	CU_ASSERT_EQUAL(fog_sock_send(p.sock, &key, sizeof(key), NULL, 0), 0);
	CU_ASSERT_EQUAL(hostile_recv(&p, &ack, sizeof(ack), fds, &n), (int)sizeof(ack));
	CU_ASSERT_EQUAL(ack.status, 0);
	CU_ASSERT_EQUAL(memcmp(p.record->key_private, key.private_key, 32), 0);
	// Once the manager is idle again nothing of it is left.
	p.dp.stop = true;
	pthread_join(p.dp.manager, NULL);
	CU_ASSERT_TRUE(sodium_is_zero((const uint8_t *)p.dp.session->msg, sizeof(union session_msg))
	);
	for (unsigned w = 0; w < MINI_WORKERS; w++)
		pthread_join(p.dp.worker[w].thread, NULL);
	hostile_drop(&p);
	fog_session_destroy(p.dp.session);
}

CU_TestInfo message_tests[] = {
        {"HELLO of another ABI, magic, size", test_hello},
        {"garbage at every state", test_messages},
        {"good messages at a wrong time", test_order},
        {"surplus descriptors are closed", test_surplus_fds},
        {"blobs without seals, of odd sizes", test_odd_blobs},
        {"a second control plane takes over", test_takeover},
        {"keys are wiped", test_key_wiped},
        CU_TEST_INFO_NULL,
};
