// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The replay table: one winner among threads, claims that outlive kill -9, refusals. Needs a tmpfs
// at /dev/shm; files lie in a folder of its own there.
#include "replay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static char folder[] = "/dev/shm/fogline-test-XXXXXX";
static char path[64], draft[80];
static const uint8_t id[FOG_REPLAY_ID_LEN] = "public key of a mix key";

static struct fog_replay *table(uint64_t capacity, int want_found)
{
	struct fog_replay *r = NULL;
	int found = -1;

	CU_ASSERT_EQUAL_FATAL(fog_replay_open(path, id, capacity, &r, &found), 0);
	CU_ASSERT_EQUAL(found, want_found);
	return r;
}

static int claim_tag(struct fog_replay *r, const uint8_t *tag)
{
	struct fog_replay_place place;

	fog_replay_prefetch(r, 1, &tag, &place);
	return fog_replay_claim(r, &place);
}

static void tag_make(uint64_t tag[4], uint64_t seed)
{
	for (unsigned i = 0; i < 4; i++)
		tag[i] = check_random(&seed);
}

static int claim(struct fog_replay *r, uint64_t seed)
{
	uint64_t tag[4];

	tag_make(tag, seed);
	return claim_tag(r, (const uint8_t *)tag);
}

static int open_error(const char *where, const uint8_t *who, uint64_t capacity)
{
	struct fog_replay *r = NULL;
	int found, ret = fog_replay_open(where, who, capacity, &r, &found);

	if (ret == 0)
		fog_replay_close(r);
	return ret;
}

static void test_claims(void)
{
	enum { N = 1000000 };

	struct fog_replay *r = table(N, 0);
	uint64_t fresh = 0, again = 0;
	struct stat st;

	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	CU_ASSERT_EQUAL((uint64_t)st.st_size, fog_replay_footprint(N));
	CU_ASSERT_EQUAL((uint64_t)st.st_blocks * 512, fog_replay_footprint(N)); // no holes
	for (uint64_t i = 0; i < N; i++)
		fresh += claim(r, i) == 0;
	CU_ASSERT_EQUAL(fresh, N); // no false replay, up to the last one
	CU_ASSERT_EQUAL(fog_replay_count(r), N);
	for (uint64_t i = 0; i < N; i++)
		again += claim(r, i) == -EEXIST;
	CU_ASSERT_EQUAL(again, N); // full or not
	CU_ASSERT_EQUAL(claim(r, N), -ENOSPC);
	CU_ASSERT_EQUAL(fog_replay_count(r), N);
	CU_ASSERT_EQUAL(fog_replay_capacity(r), N);
	CU_ASSERT_EQUAL(fog_replay_destroy(r), 0);
	CU_ASSERT_EQUAL(access(path, F_OK), -1);
}

// Every byte of a tag counts.
static void test_tag_bytes(void)
{
	struct fog_replay *r = table(100, 0);
	uint8_t tag[FOG_REPLAY_TAG_LEN] = {0};

	CU_ASSERT_EQUAL(claim_tag(r, tag), 0);
	for (unsigned i = 0; i < sizeof(tag); i++) {
		tag[i] = 1;
		CU_ASSERT_EQUAL(claim_tag(r, tag), 0);
		CU_ASSERT_EQUAL(claim_tag(r, tag), -EEXIST);
		tag[i] = 0;
	}
	CU_ASSERT_EQUAL(fog_replay_count(r), 1 + sizeof(tag));
	CU_ASSERT_EQUAL(fog_replay_destroy(r), 0);
}

enum { RACERS = 4, RACE_TAGS = 50000, CROWD_TAGS = 64 };

struct racer {
	struct fog_replay *table;
	pthread_barrier_t *start;
	uint8_t (*result)[RACERS]; // by tag
	unsigned number;
	pthread_t thread;
};

// Places don't depend on how many tags are asked for at a time, and of copies within a batch one
// wins.
static void test_batches(void)
{
	enum {
		MAX = 70,
	};

	struct fog_replay *r = table(MAX * MAX, 0);
	struct fog_replay_place place[MAX + 1], alone;
	uint64_t tag[MAX][4];
	const uint8_t *from[MAX];
	unsigned wrong = 0, won = 0;

	for (unsigned i = 0; i < MAX; i++)
		from[i] = (const uint8_t *)tag[i];
	for (unsigned n = 0; n <= MAX; n++) {
		for (unsigned i = 0; i < n; i++)
			tag_make(tag[i], n * MAX + i / 2); // pairs
		memset(place, 0xee, sizeof(place));
		fog_replay_prefetch(r, n, from, place);
		CU_ASSERT_EQUAL(place[n].line, UINT64_C(0xeeeeeeeeeeeeeeee)); // untouched
		for (unsigned i = 0; i < n; i++) {
			fog_replay_prefetch(r, 1, &from[i], &alone);
			wrong += memcmp(&alone, &place[i], sizeof(alone)) != 0;
			int ret = fog_replay_claim(r, &place[i]);
			wrong += ret != (i % 2 == 0 ? 0 : -EEXIST);
			won += ret == 0;
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(fog_replay_count(r), won);
	CU_ASSERT_EQUAL(fog_replay_destroy(r), 0);
}

// Many threads crowd into few cache lines, all with the same tags in different order, until the
// table is full: no tag wins twice, none wins beyond the capacity, and nothing that won is lost.
static void *crowd(void *arg)
{
	struct racer *me = arg;

	pthread_barrier_wait(me->start);
	for (unsigned i = 0; i < CROWD_TAGS; i++) {
		unsigned seed = (i * 7 + me->number * (CROWD_TAGS / RACERS)) % CROWD_TAGS;
		me->result[seed][me->number] = claim(me->table, seed) == 0;
	}
	return NULL;
}

static void test_crowded_lines(void)
{
	static uint8_t result[RACE_TAGS][RACERS];
	unsigned twice = 0, lost = 0, won, all = 0;
	struct racer racer[RACERS];
	pthread_barrier_t start;

	for (unsigned round = 0; round < 200; round++) {
		struct fog_replay *r = table(CROWD_TAGS / 2, 0);
		pthread_barrier_init(&start, NULL, RACERS);
		for (unsigned i = 0; i < RACERS; i++) {
			racer[i] = (struct racer){r, &start, result, i, 0};
			CU_ASSERT_EQUAL_FATAL(
			        pthread_create(&racer[i].thread, NULL, crowd, &racer[i]), 0
			);
		}
		for (unsigned i = 0; i < RACERS; i++)
			pthread_join(racer[i].thread, NULL);
		all = 0;
		for (unsigned i = 0; i < CROWD_TAGS; i++) {
			won = result[i][0] + result[i][1] + result[i][2] + result[i][3];
			twice += won > 1;
			all += won;
			lost += won == 1 && claim(r, i) != -EEXIST;
		}
		CU_ASSERT_EQUAL(all, fog_replay_count(r));
		// No credit is lost on the way.
		for (unsigned i = 0; i < CROWD_TAGS; i++)
			all += claim(r, 1000 + i) == 0;
		CU_ASSERT_EQUAL(all, CROWD_TAGS / 2);
		pthread_barrier_destroy(&start);
		CU_ASSERT_EQUAL(fog_replay_destroy(r), 0);
	}
	CU_ASSERT_EQUAL(twice, 0);
	CU_ASSERT_EQUAL(lost, 0);
}

static void test_small(void)
{
	for (uint64_t capacity = 1; capacity < 200; capacity++) {
		struct fog_replay *r = table(capacity, 0);
		uint64_t fresh = 0;
		for (uint64_t i = 0; i < 3 * capacity; i++)
			fresh += claim(r, i) == 0;
		CU_ASSERT_EQUAL(fresh, capacity);
		fog_replay_close(r);
		r = table(capacity, 1);
		CU_ASSERT_EQUAL(fog_replay_count(r), capacity); // none lies beyond the end
		CU_ASSERT_EQUAL(fog_replay_destroy(r), 0);
	}
}

static void *race(void *arg)
{
	struct racer *me = arg;

	// In step for a few tags at a time, so that copies meet.
	for (unsigned i = 0; i < RACE_TAGS; i++) {
		if (i % 64 == 0)
			pthread_barrier_wait(me->start);
		int ret = claim(me->table, i);
		me->result[i][me->number] = ret == 0 ? 1 : ret == -EEXIST ? 2 : 3;
	}
	return NULL;
}

static void test_one_winner(void)
{
	static uint8_t result[RACE_TAGS][RACERS];
	struct fog_replay *r = table(RACE_TAGS + RACERS, 0);
	struct racer racer[RACERS];
	pthread_barrier_t start;
	unsigned wrong = 0, won_by[RACERS] = {0};

	pthread_barrier_init(&start, NULL, RACERS);
	for (unsigned i = 0; i < RACERS; i++) {
		racer[i] = (struct racer){r, &start, result, i, 0};
		CU_ASSERT_EQUAL_FATAL(pthread_create(&racer[i].thread, NULL, race, &racer[i]), 0);
	}
	for (unsigned i = 0; i < RACERS; i++)
		pthread_join(racer[i].thread, NULL);
	for (unsigned i = 0; i < RACE_TAGS; i++) {
		unsigned winners = 0, replays = 0;
		for (unsigned k = 0; k < RACERS; k++) {
			winners += result[i][k] == 1;
			replays += result[i][k] == 2;
			won_by[k] += result[i][k] == 1;
		}
		wrong += winners != 1 || replays != RACERS - 1;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(fog_replay_count(r), RACE_TAGS);
	printf("won %u %u %u %u ... ", won_by[0], won_by[1], won_by[2], won_by[3]);
	pthread_barrier_destroy(&start);
	CU_ASSERT_EQUAL(fog_replay_destroy(r), 0);
}

struct duel {
	struct fog_replay *table;
	_Atomic unsigned ready; // rounds begun, summed over both
	_Atomic uint64_t go; // clock reading at which the round's claims are made
	_Atomic unsigned won, lost;
};

static void *duel(void *arg)
{
	struct duel *d = arg;
	uint64_t go = 0;

	for (unsigned i = 0; i < RACE_TAGS; i++) {
		unsigned place = atomic_fetch_add(&d->ready, 1) - 2 * i;
		if (place == 1)
			atomic_store(&d->go, __builtin_ia32_rdtsc() + 1000);
		for (unsigned spin = 1; atomic_load(&d->go) == go; spin++)
			if (spin % 1024 == 0)
				sched_yield();
		go = atomic_load(&d->go);
		// One starts a little before or after the other, by all differences in turn.
		while (__builtin_ia32_rdtsc() < go + (place == 1 ? 500 : i % 1000))
			continue;
		int ret = claim(d->table, i);
		atomic_fetch_add(ret == 0 ? &d->won : &d->lost, 1);
	}
	return NULL;
}

// Two threads in step on every single tag, so that both often see the word free and one loses the
// swap. The loser's credit must come back, or the count would be too high.
static void test_lost_swaps(void)
{
	struct duel d = {.table = table(2 * RACE_TAGS, 0)};
	pthread_t other;

	CU_ASSERT_EQUAL_FATAL(pthread_create(&other, NULL, duel, &d), 0);
	duel(&d);
	pthread_join(other, NULL);
	CU_ASSERT_EQUAL(d.won, RACE_TAGS);
	CU_ASSERT_EQUAL(d.lost, RACE_TAGS);
	CU_ASSERT_EQUAL(fog_replay_count(d.table), RACE_TAGS);
	CU_ASSERT_EQUAL(fog_replay_destroy(d.table), 0);
}

// A child claims until it is killed, telling through shared memory what it has been promised.
static void test_killed(void)
{
	enum {
		CAPACITY = 200000,
		ROUNDS = 5,
	};

	_Atomic uint64_t *claimed =
	        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t lost = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t before = atomic_load(claimed);
		pid_t child = fork();
		if (child == 0) {
			struct fog_replay *r;
			int found;
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (fog_replay_open(path, id, CAPACITY, &r, &found) != 0)
				_exit(1);
			for (uint64_t i = before; i < CAPACITY; i++) {
				if (claim(r, i) != 0)
					_exit(2);
				atomic_store(claimed, i + 1);
			}
			pause();
		}
		CU_ASSERT_FATAL(child > 0);
		int status = 0;
		while (atomic_load(claimed) < before + 1000 && waitpid(child, &status, WNOHANG) == 0
		)
			usleep(100);
		kill(child, SIGKILL);
		if (status == 0)
			waitpid(child, &status, 0);
		CU_ASSERT(WIFSIGNALED(status));
		struct fog_replay *r = table(CAPACITY, 1);
		uint64_t n = atomic_load(claimed), count = fog_replay_count(r);
		// The kill may have fallen between the last claim and the word of it.
		CU_ASSERT(count == n || count == n + 1);
		for (uint64_t i = 0; i < n; i++)
			lost += claim(r, i) != -EEXIST;
		CU_ASSERT_EQUAL(fog_replay_count(r), count);
		atomic_store(claimed, count);
		fog_replay_close(r);
	}
	CU_ASSERT_EQUAL(lost, 0);
	CU_ASSERT(atomic_load(claimed) >= ROUNDS * 1000);
	CU_ASSERT_EQUAL(fog_replay_destroy(table(CAPACITY, 1)), 0);
	munmap((void *)claimed, 4096);
}

static void file_put(const char *name, const void *data, size_t len, off_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, data, len), (ssize_t)len);
	CU_ASSERT_EQUAL(ftruncate(fd, size), 0);
	close(fd);
}

// The configuration may change while the key lives: what was claimed stays claimed, and the table
// as large as it was.
static void test_other_capacity(void)
{
	static const uint64_t capacity[] = {1, 999, 1000, 1001, 100000};
	struct fog_replay *r = table(1000, 0);
	uint64_t n = 0;

	for (; n < 900; n++)
		CU_ASSERT_EQUAL(claim(r, n), 0);
	fog_replay_close(r);
	for (unsigned i = 0; i < sizeof(capacity) / sizeof(capacity[0]); i++) {
		unsigned lost = 0;
		r = table(capacity[i], 1);
		CU_ASSERT_EQUAL(fog_replay_capacity(r), 1000);
		CU_ASSERT_EQUAL(fog_replay_count(r), n);
		for (uint64_t k = 0; k < n; k++)
			lost += claim(r, k) != -EEXIST;
		CU_ASSERT_EQUAL(lost, 0);
		CU_ASSERT_EQUAL(claim(r, n), 0);
		n++;
		fog_replay_close(r);
	}
	r = table(5, 1);
	for (; n < 1000; n++)
		CU_ASSERT_EQUAL(claim(r, n), 0);
	CU_ASSERT_EQUAL(claim(r, n), -ENOSPC);
	CU_ASSERT_EQUAL(fog_replay_destroy(r), 0);
}

// Change the byte at 'at' of a table's file, and see what that comes to.
static int changed_error(off_t at, uint8_t change)
{
	int fd = open(path, O_RDWR), ret;
	uint8_t byte = 0;

	CU_ASSERT(fd >= 0 && pread(fd, &byte, 1, at) == 1);
	byte ^= change;
	CU_ASSERT_EQUAL(pwrite(fd, &byte, 1, at), 1);
	ret = open_error(path, id, 1000);
	byte ^= change;
	CU_ASSERT_EQUAL(pwrite(fd, &byte, 1, at), 1);
	close(fd);
	return ret;
}

static void test_other_table(void)
{
	enum { AT_MAGIC = 0, AT_VERSION = 8, AT_CAPACITY = 16, AT_ID = 24 };

	uint8_t other[FOG_REPLAY_ID_LEN] = {0};
	off_t size = (off_t)fog_replay_footprint(1000);

	fog_replay_close(table(1000, 0));
	CU_ASSERT_EQUAL(open_error(path, other, 1000), -ESTALE);
	CU_ASSERT_EQUAL(changed_error(AT_ID, 1), -ESTALE);
	CU_ASSERT_EQUAL(changed_error(AT_MAGIC, 1), -EBADMSG);
	CU_ASSERT_EQUAL(changed_error(AT_VERSION, 1), -EBADMSG);
	// A capacity that doesn't belong to the file's size, or to any.
	CU_ASSERT_EQUAL(changed_error(AT_CAPACITY + 1, 0x80), -EBADMSG);
	CU_ASSERT_EQUAL(changed_error(AT_CAPACITY + 7, 0x80), -EBADMSG);
	CU_ASSERT_EQUAL(truncate(path, size - 4096), 0);
	CU_ASSERT_EQUAL(open_error(path, id, 1000), -EBADMSG);
	CU_ASSERT_EQUAL(truncate(path, size), 0);
	fog_replay_close(table(1000, 1)); // refusals didn't harm it
	file_put(path, "", 0, size); // zeroes, as a maker killed half-way would leave
	CU_ASSERT_EQUAL(open_error(path, id, 1000), -EBADMSG);
	file_put(path, "", 0, 0);
	CU_ASSERT_EQUAL(open_error(path, id, 1000), -EBADMSG);
	CU_ASSERT_EQUAL(unlink(path), 0);
	// An unfinished draft is in nobody's way.
	file_put(draft, "junk", 4, size);
	CU_ASSERT_EQUAL(fog_replay_destroy(table(1000, 0)), 0);
	CU_ASSERT_EQUAL(access(draft, F_OK), -1);
}

static void test_refused(void)
{
	struct fog_replay *r = table(1000, 0);

	CU_ASSERT_EQUAL(open_error(path, id, 1000), -EBUSY); // somebody has it open
	fog_replay_close(r);
	for (unsigned bit = 0; bit < 9; bit++) {
		if (bit == 7 || bit == 8)
			continue; // 0600 is these
		CU_ASSERT_EQUAL(chmod(path, 0600 | 1u << bit), 0);
		CU_ASSERT_EQUAL(open_error(path, id, 1000), -EPERM);
	}
	CU_ASSERT_EQUAL(chmod(path, 0600), 0);
	if (geteuid() == 0) {
		CU_ASSERT_EQUAL(chown(path, 65534, 65534), 0);
		CU_ASSERT_EQUAL(open_error(path, id, 1000), -EPERM);
		CU_ASSERT_EQUAL(chown(path, 0, 0), 0);
	}
	fog_replay_close(table(1000, 1));
	CU_ASSERT_EQUAL(rename(path, draft), 0);
	CU_ASSERT_EQUAL(symlink(draft, path), 0);
	CU_ASSERT_EQUAL(open_error(path, id, 1000), -ELOOP);
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(unlink(draft), 0);
	CU_ASSERT_EQUAL(open_error(path, id, 0), -EINVAL);
	CU_ASSERT_EQUAL(open_error(path, id, UINT64_MAX), -EINVAL);
	CU_ASSERT_EQUAL(fog_replay_footprint(0), 0);
	CU_ASSERT_EQUAL(open_error("/dev/shm/no-such-folder/table", id, 1000), -ENOENT);
	fog_replay_close(NULL);
	CU_ASSERT_EQUAL(fog_replay_destroy(NULL), 0);
}

// Kill the maker at any moment: what stands at the path is a whole table or nothing.
static void test_killed_maker(void)
{
	enum {
		CAPACITY = 300000,
		ROUNDS = 60,
	};

	unsigned whole = 0, none = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		pid_t child = fork();
		if (child == 0) {
			_exit(open_error(path, id, CAPACITY) != 0);
		}
		CU_ASSERT_FATAL(child > 0);
		usleep(round * 100);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		struct fog_replay *r = NULL;
		int found = -1;
		CU_ASSERT_EQUAL_FATAL(fog_replay_open(path, id, CAPACITY, &r, &found), 0);
		CU_ASSERT_EQUAL(fog_replay_count(r), 0);
		CU_ASSERT_EQUAL(claim(r, 1), 0);
		CU_ASSERT_EQUAL(fog_replay_destroy(r), 0);
		whole += found;
		none += !found;
	}
	printf("whole %u, none %u ... ", whole, none);
}

static bool in_memory(const char *where)
{
	struct statfs fs;

	return statfs(where, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

// A disk is no place for a key.
static void test_disk(void)
{
	const char *base = !in_memory(".") ? "." : !in_memory("/var/tmp") ? "/var/tmp" : NULL;
	char disk[64], name[80];

	if (base == NULL) {
		printf("no disk to try, skipped ... ");
		return;
	}
	snprintf(disk, sizeof(disk), "%s/fogline-test-XXXXXX", base);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(disk));
	snprintf(name, sizeof(name), "%s/table", disk);
	CU_ASSERT_EQUAL(open_error(name, id, 1000), -ENOTSUP);
	file_put(name, "", 0, (off_t)fog_replay_footprint(1000));
	CU_ASSERT_EQUAL(open_error(name, id, 1000), -ENOTSUP);
	CU_ASSERT_EQUAL(unlink(name), 0);
	CU_ASSERT_EQUAL(rmdir(disk), 0); // nothing else was left behind
}

// In a mount namespace of its own: exit code 0 when a table that fits is made and one that doesn't,
// because of what else is there, is refused and leaves nothing.
static int small_file_system(void)
{
	struct fog_replay *r;
	int found;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", folder, "tmpfs", 0, "size=1m") < 0)
		return 2;
	if (fog_replay_open(path, id, 40000, &r, &found) != 0)
		return 3;
	char other[80];
	snprintf(other, sizeof(other), "%s/second", folder);
	if (open_error(other, id, 40000) != -ENOSPC || access(other, F_OK) == 0)
		return 4;
	return fog_replay_destroy(r) == 0 && open_error(other, id, 40000) == 0 ? 0 : 5;
}

// More than the file system can give is an error here and not a SIGBUS in a worker.
static void test_no_space(void)
{
	int status = 0;

	if (geteuid() != 0) {
		printf("needs root, skipped ... ");
		return;
	}
	pid_t child = fork();
	if (child == 0)
		_exit(small_file_system());
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
}

static bool there(const char *name)
{
	return access(name, F_OK) == 0;
}

// A draft until the last slice is in memory; who gives it up leaves nothing. A found table stays.
static void test_slices(void)
{
	const uint64_t capacity = 1 << 20; // 16 MiB and a header
	struct fog_replay *r;
	unsigned slices = 1;
	int found;

	unlink(path);
	CU_ASSERT_EQUAL_FATAL(fog_replay_begin(path, id, capacity, &r, &found), 0);
	CU_ASSERT_FALSE(found);
	CU_ASSERT_EQUAL(fog_replay_step(r), 1);
	CU_ASSERT_TRUE(there(draft) && !there(path));
	fog_replay_close(r);
	CU_ASSERT_TRUE(!there(draft) && !there(path));

	CU_ASSERT_EQUAL_FATAL(fog_replay_begin(path, id, capacity, &r, &found), 0);
	while (fog_replay_step(r) == 1)
		slices++;
	CU_ASSERT_EQUAL(slices, 3);
	CU_ASSERT_TRUE(!there(draft) && there(path));
	for (uint64_t i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL(claim(r, i), 0);
	fog_replay_close(r);

	CU_ASSERT_EQUAL_FATAL(fog_replay_begin(path, id, capacity, &r, &found), 0);
	CU_ASSERT_TRUE(found);
	CU_ASSERT_EQUAL(fog_replay_step(r), 1);
	fog_replay_close(r);
	CU_ASSERT_TRUE(there(path));
	CU_ASSERT_EQUAL_FATAL(fog_replay_open(path, id, capacity, &r, &found), 0);
	CU_ASSERT_EQUAL(fog_replay_count(r), 1000);
	CU_ASSERT_EQUAL(claim(r, 999), -EEXIST);
	CU_ASSERT_EQUAL(fog_replay_destroy(r), 0);
	CU_ASSERT_FALSE(there(path));
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"a million claims, no false replay, full", test_claims},
	        {"all of the tag counts", test_tag_bytes},
	        {"batches", test_batches},
	        {"crowded lines", test_crowded_lines},
	        {"small tables fill exactly", test_small},
	        {"one winner among four threads", test_one_winner},
	        {"lost swaps cost nothing", test_lost_swaps},
	        {"claims outlive kill -9", test_killed},
	        {"capacity of another configuration", test_other_capacity},
	        {"other and unfinished tables", test_other_table},
	        {"maker killed", test_killed_maker},
	        {"made and found in slices", test_slices},
	        {"refused files", test_refused},
	        {"disk refused", test_disk},
	        {"no space", test_no_space},
	        CU_TEST_INFO_NULL,
	};
	if (mkdtemp(folder) == NULL) {
		perror(folder);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/table", folder);
	snprintf(draft, sizeof(draft), "%s.new", path);
	int ret = check_run("replay", tests);
	unlink(path);
	unlink(draft);
	rmdir(folder);
	return ret;
}
