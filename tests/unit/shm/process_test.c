// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The two ends in processes of their own, under different users, killed at any moment.
#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "suites.h"

enum { NOBODY = 65534, STRANGER = 65533 };

struct world {
	char path[64];
	struct mini_record *record;
	struct mini_store *store;
	pid_t dp, cp;
	uint32_t inject; // packets that the control plane is to inject
};

static void world_make(struct world *w)
{
	memset(w, 0, sizeof(*w));
	strcpy(w->path, mini_path());
	w->record = mini_shared(sizeof(*w->record));
	w->store = mini_shared(sizeof(*w->store));
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void world_end(struct world *w)
{
	end(w->cp);
	end(w->dp);
	unlink(w->path);
	CU_ASSERT_EQUAL(w->store->gaps, 0);
	CU_ASSERT_EQUAL(w->store->corrupt, 0);
	munmap(w->record, sizeof(*w->record));
	munmap(w->store, sizeof(*w->store));
}

static pid_t child(uid_t uid, gid_t gid)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	if (uid != 0 && (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0))
		_exit(100);
	prctl(PR_SET_PDEATHSIG, SIGKILL); // after setuid, which clears it
	if (getppid() != parent)
		_exit(101);
	return 0;
}

static void dp_spawn(struct world *w, uint32_t uid, uint64_t goal)
{
	static struct mini_dp dp;

	w->dp = child(0, 0);
	if (w->dp != 0)
		return;
	if (mini_dp_start(&dp, w->path, uid, w->record, goal) < 0)
		_exit(1);
	for (;;)
		pause();
}

static void cp_spawn(struct world *w, uint32_t uid)
{
	static struct mini_cp cp;

	w->cp = child(uid, uid);
	if (w->cp != 0)
		return;
	if (mini_cp_start(&cp, w->path, w->store) < 0)
		_exit(1);
	for (;;) {
		uint32_t number = w->store->accepted;
		if (number < w->inject && mini_cp_inject(&cp, number) == 0)
			w->store->accepted = number + 1;
		else
			mini_nap();
	}
}

// Once or, if a process was killed between taking a packet and saying so, twice; never lost.
static void check_injected(struct world *w)
{
	uint32_t missing = 0, often = 0;

	MINI_WAIT(w->store->accepted == w->inject);
	CU_ASSERT_EQUAL(w->store->accepted, w->inject);
	for (uint32_t i = 0; i < w->inject; i++) {
		MINI_WAIT(w->record->packet[i] > 0 || missing > 0);
		missing += w->record->packet[i] == 0;
		often += w->record->packet[i] > 2;
	}
	CU_ASSERT_EQUAL(missing, 0);
	CU_ASSERT_EQUAL(often, 0);
}

static void check_delivered(struct world *w, unsigned boot, uint64_t goal)
{
	for (unsigned n = 0; n < MINI_WORKERS; n++) {
		MINI_WAIT(w->store->boot[boot].last[n] == goal);
		CU_ASSERT_EQUAL(w->store->boot[boot].last[n], goal);
	}
}

static void test_users(void)
{
	struct world w;

	world_make(&w);
	w.inject = 500;
	dp_spawn(&w, NOBODY, 1000);
	cp_spawn(&w, NOBODY);
	check_delivered(&w, 0, 1000);
	check_injected(&w);
	CU_ASSERT_EQUAL(w.store->boots, 1);
	CU_ASSERT_EQUAL(w.store->duplicates, 0);
	world_end(&w);
}

union address {
	struct sockaddr any;
	struct sockaddr_un un;
};

// Connect as 'uid' of the right group; exits 0 when the data plane hangs up without a word.
static int stranger_result(const char *path, uid_t uid, gid_t gid)
{
	union address addr = {.un = {.sun_family = AF_UNIX}};
	int status;
	pid_t pid = child(uid, gid);

	if (pid != 0)
		return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
		                                                            : -1;
	uint8_t byte;
	strcpy(addr.un.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	for (int i = 0; i < 10000; i++) {
		if (connect(fd, &addr.any, sizeof(addr.un)) == 0)
			_exit(recv(fd, &byte, 1, 0) <= 0 ? 0 : 2);
		if (errno == EACCES)
			_exit(3);
		mini_nap();
	}
	_exit(4);
}

static void test_stranger(void)
{
	struct world w;

	world_make(&w);
	dp_spawn(&w, NOBODY, 10);
	cp_spawn(&w, NOBODY);
	check_delivered(&w, 0, 10);
	// In the group, so that the file lets him in; SO_PEERCRED does not.
	CU_ASSERT_EQUAL(stranger_result(w.path, STRANGER, NOBODY), 0);
	MINI_WAIT(w.record->control_faults == 1);
	CU_ASSERT_EQUAL(w.record->control_faults, 1);
	// Not in the group: the file's mode keeps him out.
	CU_ASSERT_EQUAL(stranger_result(w.path, STRANGER, STRANGER), 3);
	CU_ASSERT_EQUAL(w.record->detaches, 0); // the rightful one never noticed
	world_end(&w);
}

static void test_control_plane_killed(void)
{
	enum { GOAL = 60000, KILLS = 10 };
	struct world w;

	world_make(&w);
	w.inject = 3000;
	dp_spawn(&w, 0, GOAL);
	cp_spawn(&w, 0);
	for (unsigned i = 1; i <= KILLS; i++) {
		_Atomic uint64_t *last = &w.store->boot[0].last[i % MINI_WORKERS];
		MINI_WAIT(w.store->attaches == i);
		uint64_t until = *last + 1 + randombytes_uniform(GOAL / KILLS / 4);
		MINI_WAIT(*last >= until);
		end(w.cp);
		CU_ASSERT_TRUE(*last < GOAL); // or the kill came too late to prove anything
		cp_spawn(&w, 0);
	}
	check_delivered(&w, 0, GOAL);
	check_injected(&w);
	CU_ASSERT_EQUAL(w.store->boots, 1);
	CU_ASSERT_EQUAL(w.store->attaches, 1 + KILLS);
	world_end(&w);
}

static void test_data_plane_killed(void)
{
	enum { GOAL = 5000, LIVES = MINI_BOOTS };
	struct world w;

	world_make(&w);
	w.inject = 3000;
	dp_spawn(&w, 0, GOAL);
	cp_spawn(&w, 0);
	for (unsigned life = 0; life < LIVES - 1; life++) {
		MINI_WAIT(w.store->boot[life].last[0] > GOAL / 4);
		end(w.dp);
		uint64_t made[MINI_WORKERS];
		for (unsigned n = 0; n < MINI_WORKERS; n++)
			made[n] = w.record->made[n];
		dp_spawn(&w, 0, GOAL);
		// All that it had put into its rings arrives, and not more.
		for (unsigned n = 0; n < MINI_WORKERS; n++) {
			_Atomic uint64_t *last = &w.store->boot[life].last[n];
			MINI_WAIT(*last >= made[n] && w.store->boots > life + 1);
			CU_ASSERT_TRUE(*last == made[n] || *last == made[n] + 1);
		}
	}
	check_delivered(&w, LIVES - 1, GOAL);
	check_injected(&w);
	CU_ASSERT_EQUAL(w.store->boots, LIVES);
	CU_ASSERT_EQUAL(w.store->duplicates, 0);
	CU_ASSERT_EQUAL(w.store->attaches, LIVES); // by itself, without a restart
	world_end(&w);
}

// A living data plane's socket is not taken away, a dead one's is.
static void test_socket_file(void)
{
	struct fog_session_params params;
	struct fog_session_ops ops = {0};
	struct fog_session *s;
	struct fog_stats *stats;
	struct world w;

	world_make(&w);
	params = mini_params(w.path, 0);
	dp_spawn(&w, 0, 0);
	cp_spawn(&w, 0);
	MINI_WAIT(w.store->attaches == 1);
	CU_ASSERT_EQUAL(fog_session_create(&params, &ops, NULL, &s, &stats), -EADDRINUSE);
	end(w.cp);
	end(w.dp);
	CU_ASSERT_EQUAL_FATAL(fog_session_create(&params, &ops, NULL, &s, &stats), 0);
	fog_session_destroy(s);
	CU_ASSERT_EQUAL(access(w.path, F_OK), -1);
	close(creat(w.path, 0600));
	CU_ASSERT_EQUAL(fog_session_create(&params, &ops, NULL, &s, &stats), -EEXIST);
	CU_ASSERT_EQUAL(access(w.path, F_OK), 0);
	unlink(w.path);
	char longer[200];
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	params.socket_path = longer;
	CU_ASSERT_EQUAL(fog_session_create(&params, &ops, NULL, &s, &stats), -ENAMETOOLONG);
	munmap(w.record, sizeof(*w.record));
	munmap(w.store, sizeof(*w.store));
}

CU_TestInfo process_tests[] = {
        {"root and another user", test_users},
        {"a stranger is refused", test_stranger},
        {"control plane killed in full flow", test_control_plane_killed},
        {"data plane killed in full flow", test_data_plane_killed},
        {"the socket file", test_socket_file},
        CU_TEST_INFO_NULL,
};
