// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The client's folder on a disk that is full, with files that were damaged, and opened more than once.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../controlplane/client/courier_private.h"
#include "../run.h"
#include "net.h"

enum {
	MESSAGES = 10,
	LONG = 20000, // bytes of the first
	STEPS = 40000,
	STEP_US = 2000,
	FULL_ROOM = 6, // pages that may be left: too few for one thing, enough for another
	FULL_STEPS = 80, // the disk is full for so long, then free for so long
	DISK_BYTES = 16 << 20,
	FILES = 3,
	FILE_MAX = 4 << 20,
};

static uint8_t content[FOG_CLIENT_MESSAGE_MAX];
static char disk[40];
static const char *const file_names[FILES] = {"key", "client.db", "client.db-wal"};

static size_t content_of(unsigned k)
{
	uint8_t seed[randombytes_SEEDBYTES] = {(uint8_t)k, 2};
	size_t len = k == 0 ? LONG : 1 + 61 * k;

	randombytes_buf_deterministic(content, len, seed);
	content[0] = (uint8_t)k;
	return len;
}

// What has come, each message once and in its bytes. Returns how many.
static unsigned content_judge(struct client_store *s)
{
	struct fog_client_message m = {0};
	bool come[MESSAGES] = {0};
	unsigned count = 0;

	while (client_store_receive(s, m.id, &m) == 1) {
		unsigned k = m.data[0];
		CU_ASSERT_TRUE_FATAL(k < MESSAGES && !come[k]);
		come[k] = true;
		CU_ASSERT_EQUAL(m.len, content_of(k));
		CU_ASSERT_EQUAL(memcmp(m.data, content, m.len), 0);
		count++;
	}
	return count;
}

static int accept_one(
        struct net *n, struct net_client *from, struct net_client *to, unsigned k, int64_t *id
)
{
	struct client_address address;
	size_t len = content_of(k);

	net_address(to, &address);
	return courier_accept(from->store, &n->geometry, &address, content, len, n->now_us, id);
}

// The disk has room for so many pages more.
static void disk_room(unsigned pages)
{
	static const uint8_t page[4096];
	char path[80];
	off_t len;

	snprintf(path, sizeof(path), "%s/ballast", disk);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	while (write(fd, page, sizeof(page)) > 0)
		;
	len = lseek(fd, 0, SEEK_END) - (off_t)(pages * sizeof(page));
	CU_ASSERT_EQUAL(ftruncate(fd, len > 0 ? len : 0), 0);
	close(fd);
}

static void disk_free(void)
{
	disk_room(DISK_BYTES / 4096);
}

static void disk_dir(unsigned number, char path[80])
{
	snprintf(path, 80, "%s/%u", disk, number);
}

static bool says(const char *sentence, const char *what)
{
	bool yes = strstr(sentence, what) != NULL;

	if (!yes)
		printf("'%s' doesn't say '%s' ", sentence, what);
	return yes;
}

// What accept says no to is not there; what it has said yes to is.
static void test_full_accept(void)
{
	struct net *n = net_make();
	struct net_client c;
	struct fog_client_status s;
	char dir[80];
	int64_t id, last = 0;
	int r = 0;

	disk_dir(0, dir);
	CU_ASSERT_EQUAL_FATAL(mkdir(dir, 0700), 0);
	CU_ASSERT_EQUAL_FATAL(net_client_open(n, 0, dir, &c), 0);
	CU_ASSERT_EQUAL(accept_one(n, &c, &c, 0, &last), 0);
	disk_room(0);
	for (unsigned i = 0; i < 1000 && r == 0; i++) {
		r = accept_one(n, &c, &c, 0, &id);
		if (r == 0)
			last = id;
	}
	CU_ASSERT_EQUAL(r, -ENOSPC);
	CU_ASSERT_TRUE(says(client_store_error(c.store), "free some space"));
	for (unsigned again = 0; again < 2; again++) {
		for (id = 1; id <= last; id++) {
			CU_ASSERT_EQUAL(client_store_status(c.store, id, &s), 0);
			CU_ASSERT_EQUAL(s.state, FOG_CLIENT_QUEUED);
		}
		CU_ASSERT_EQUAL(client_store_status(c.store, last + 1, &s), -ENOENT);
		net_client_close(&c);
		disk_free();
		CU_ASSERT_EQUAL_FATAL(net_client_open(n, 0, dir, &c), 0);
	}
	CU_ASSERT_EQUAL(accept_one(n, &c, &c, 0, &id), 0);
	net_client_close(&c);
	net_folder_remove(dir);
	net_free(n);
}

// A folder that begins on a full disk has no half key afterwards.
static void test_full_new(void)
{
	struct net *n = net_make();
	char dir[80], path[100], text[200];
	struct client_keys *keys;
	struct client_store *store;
	struct net_client c;

	disk_dir(0, dir);
	snprintf(path, sizeof(path), "%s/key", dir);
	CU_ASSERT_EQUAL_FATAL(mkdir(dir, 0700), 0);
	disk_room(0);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_EQUAL(client_keys_open(fd, &keys, text, sizeof(text)), -ENOSPC);
	CU_ASSERT_TRUE(says(text, "free some space"));
	CU_ASSERT_EQUAL(access(path, F_OK), -1);
	CU_ASSERT_EQUAL(client_store_open(dir, content, &store), -ENOSPC);
	CU_ASSERT_TRUE(says(client_store_error(store), "free some space"));
	client_store_close(store);
	close(fd);
	disk_free();
	CU_ASSERT_EQUAL(net_client_open(n, 0, dir, &c), 0);
	net_client_close(&c);
	net_folder_remove(dir);
	net_free(n);
}

struct full { // what happened while the disk was full
	unsigned refused, reopened;
};

// One step of a client as a program that ends when its store says no and is started again.
static void full_step(struct net *n, unsigned number, struct net_client *c, struct full *f)
{
	uint64_t packets;
	char dir[80];
	int r;

	disk_dir(number, dir);
	if (c->courier == NULL) {
		r = net_client_open(n, number, dir, c);
		CU_ASSERT_TRUE(r == 0 || r == -ENOSPC);
		f->reopened += r == 0;
	}
	if (c->courier != NULL) {
		c->error = 0;
		courier_fetch(c->courier);
		r = c->error;
		CU_ASSERT_TRUE(r == 0 || r == -ENOSPC);
		packets = n->packets;
		if (r == 0)
			r = courier_send(c->courier, n->now_us, false);
		CU_ASSERT_TRUE(r >= 0 || (r == -ENOSPC && n->packets == packets));
		f->refused += r < 0;
		if (r >= 0)
			return;
		CU_ASSERT_TRUE(says(client_store_error(c->store), "free some space"));
	}
	net_client_close(c);
	*c = (struct net_client){0};
}

static bool full_over(struct net_client *c, const int64_t *id)
{
	struct fog_client_status s;

	if (c->courier == NULL)
		return false;
	for (unsigned k = 0; k < MESSAGES; k++)
		if (client_store_status(c->store, id[k], &s) < 0 ||
		    s.state != FOG_CLIENT_ACKNOWLEDGED)
			return false;
	return true;
}

// Both clients' disk is full half of the time, and their packets get lost: all that was accepted comes once.
static void test_full_run(void)
{
	struct net *n = net_make();
	struct net_client c[NET_CLIENTS] = {0};
	struct full full = {0};
	int64_t id[MESSAGES];
	char dir[80];
	bool over = false;

	for (unsigned i = 0; i < NET_CLIENTS; i++) {
		disk_dir(i, dir);
		CU_ASSERT_EQUAL_FATAL(mkdir(dir, 0700), 0);
		CU_ASSERT_EQUAL_FATAL(net_client_open(n, i, dir, &c[i]), 0);
		courier_fetch(c[i].courier);
	}
	for (unsigned k = 0; k < MESSAGES; k++)
		CU_ASSERT_EQUAL_FATAL(accept_one(n, &c[0], &c[1], k, &id[k]), 0);
	n->loss = 20;
	for (unsigned i = 0; i < STEPS && !over; i++) {
		if (i % (2 * FULL_STEPS) == FULL_STEPS / 4)
			disk_room(randombytes_uniform(FULL_ROOM));
		if (i % (2 * FULL_STEPS) == FULL_STEPS / 4 + FULL_STEPS)
			disk_free();
		net_step(n, STEP_US);
		for (unsigned k = 0; k < NET_CLIENTS; k++)
			full_step(n, k, &c[k], &full);
		over = i % 32 == 0 && full_over(&c[0], id);
	}
	CU_ASSERT_TRUE(over);
	disk_free();
	n->loss = 0;
	for (unsigned i = 0; i < 2000; i++) {
		net_step(n, STEP_US);
		full_step(n, 1, &c[1], &full);
	}
	CU_ASSERT_TRUE(full.refused > 0 && full.reopened > 0);
	CU_ASSERT_EQUAL(content_judge(c[1].store), MESSAGES);
	printf("(refused %u times, opened again %u times) ", full.refused, full.reopened);
	for (unsigned i = 0; i < NET_CLIENTS; i++) {
		net_client_close(&c[i]);
		disk_dir(i, dir);
		net_folder_remove(dir);
	}
	net_free(n);
}

struct files { // of a client's folder
	size_t len[FILES];
	uint8_t data[FILES][FILE_MAX];
};

static void files_path(const char *dir, unsigned i, char path[80])
{
	snprintf(path, 80, "%s/%s", dir, file_names[i]);
}

static void files_read(const char *dir, struct files *f)
{
	char path[80];

	for (unsigned i = 0; i < FILES; i++) {
		files_path(dir, i, path);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd >= 0 ? read(fd, f->data[i], FILE_MAX) : 0;
		f->len[i] = n > 0 ? (size_t)n : 0;
		if (fd >= 0)
			close(fd);
	}
}

// Into an empty folder. Returns 0 or -1.
static int files_write(const struct files *f, const char *dir)
{
	char path[80];
	int r = 0;

	for (unsigned i = 0; i < FILES && r == 0; i++) {
		files_path(dir, i, path);
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 || write(fd, f->data[i], f->len[i]) != (ssize_t)f->len[i])
			r = -1;
		if (fd >= 0)
			close(fd);
	}
	return r;
}

static void *shared(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CU_ASSERT_TRUE_FATAL(p != MAP_FAILED);
	return p;
}

// The file that is watched, and how much of it has been synced. SQLite calls these two in place of libc's.
static const char *synced_path;
static size_t synced_len;

static void synced(int fd)
{
	struct stat st, watched;

	if (synced_path != NULL && fstat(fd, &st) == 0 && stat(synced_path, &watched) == 0 &&
	    st.st_ino == watched.st_ino)
		synced_len = (size_t)st.st_size;
}

int fdatasync(int fd)
{
	synced(fd);
	return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	synced(fd);
	return (int)syscall(SYS_fsync, fd);
}

// Two clients that are killed in the middle of their messages for each other. 'behind': from here on the first
// one's log may get lost, for it wasn't synced when its last message was accepted.
static void scene_play(struct net *n, char dir[NET_CLIENTS][40], unsigned steps, size_t *behind)
{
	struct net_client c[NET_CLIENTS];
	char log[80];
	int64_t id;
	int status;

	for (unsigned i = 0; i < NET_CLIENTS; i++)
		net_folder_make(dir[i]);
	files_path(dir[0], 2, log);
	pid_t child = fork();
	if (child == 0) {
		synced_path = log;
		for (unsigned i = 0; i < NET_CLIENTS; i++) {
			if (net_client_open(n, i, dir[i], &c[i]) < 0)
				_exit(1);
			courier_fetch(c[i].courier);
		}
		for (unsigned k = 0; k < MESSAGES; k++)
			if (accept_one(n, &c[0], &c[1], k, &id) < 0 ||
			    (steps > MESSAGES && accept_one(n, &c[1], &c[0], k, &id) < 0))
				_exit(1);
		*behind = synced_len;
		for (unsigned i = 0; i < steps; i++) {
			net_step(n, STEP_US);
			for (unsigned k = 0; k < NET_CLIENTS; k++) {
				if (steps > MESSAGES)
					courier_fetch(c[k].courier);
				courier_send(c[k].courier, n->now_us, false);
			}
		}
		_exit(0);
	}
	CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL_FATAL(status, 0);
}

// Run both until all that the first has sent is acknowledged and there.
static bool scene_run(struct net *n, char dir[NET_CLIENTS][40])
{
	struct net_client c[NET_CLIENTS];
	struct fog_client_status s;
	unsigned over = 0;

	for (unsigned i = 0; i < NET_CLIENTS; i++)
		CU_ASSERT_EQUAL_FATAL(net_client_open(n, i, dir[i], &c[i]), 0);
	for (unsigned i = 0; i < STEPS && over < MESSAGES; i++) {
		net_step(n, STEP_US);
		for (unsigned k = 0; k < NET_CLIENTS; k++) {
			courier_fetch(c[k].courier);
			courier_send(c[k].courier, n->now_us, false);
		}
		for (over = 0; i % 32 == 0 && over < MESSAGES; over++)
			if (client_store_status(c[0].store, over + 1, &s) < 0 ||
			    s.state != FOG_CLIENT_ACKNOWLEDGED)
				break;
	}
	for (unsigned i = 0; i < 500; i++) {
		net_step(n, STEP_US);
		courier_fetch(c[1].courier);
	}
	CU_ASSERT_EQUAL(content_judge(c[1].store), MESSAGES);
	for (unsigned i = 0; i < NET_CLIENTS; i++)
		net_client_close(&c[i]);
	return over == MESSAGES;
}

// A power cut takes or garbles the log behind what was synced: what was accepted is there, and comes once.
static void test_power_cut(void)
{
	char dir[NET_CLIENTS][40];
	struct net *n = net_make(), *copy = net_make();
	struct files *f[NET_CLIENTS], *cut = shared(sizeof(*cut));
	size_t *behind = shared(sizeof(*behind)), at;

	scene_play(n, dir, MESSAGES, behind);
	for (unsigned i = 0; i < NET_CLIENTS; i++) {
		f[i] = shared(sizeof(*f[i]));
		files_read(dir[i], f[i]);
		net_folder_remove(dir[i]);
	}
	CU_ASSERT_TRUE_FATAL(*behind > 0 && f[0]->len[2] > *behind);
	memcpy(copy, n, sizeof(*n));
	for (unsigned round = 0; round < (check_few() ? 2 : 6); round++) {
		memcpy(n, copy, sizeof(*n));
		memcpy(cut, f[0], sizeof(*cut));
		at = *behind + randombytes_uniform((uint32_t)(f[0]->len[2] - *behind));
		if (round % 2 == 0)
			cut->len[2] = at;
		else
			randombytes_buf(cut->data[2] + at, cut->len[2] - at);
		for (unsigned i = 0; i < NET_CLIENTS; i++) {
			net_folder_make(dir[i]);
			CU_ASSERT_EQUAL_FATAL(files_write(i == 0 ? cut : f[i], dir[i]), 0);
		}
		CU_ASSERT_TRUE(scene_run(n, dir));
		for (unsigned i = 0; i < NET_CLIENTS; i++)
			net_folder_remove(dir[i]);
	}
	for (unsigned i = 0; i < NET_CLIENTS; i++)
		munmap(f[i], sizeof(*f[i]));
	munmap(cut, sizeof(*cut));
	munmap(behind, sizeof(*behind));
	net_free(n);
	net_free(copy);
}

// Bytes turned, cut off, or zero for a stretch: anywhere in one of the files.
static void damage(struct files *f, unsigned seed)
{
	uint8_t key[randombytes_SEEDBYTES] = {(uint8_t)seed, (uint8_t)(seed >> 8), 3};
	uint32_t dice[40];
	unsigned which, count;
	size_t at;

	randombytes_buf_deterministic(dice, sizeof(dice), key);
	which = dice[0] % 16 == 0 ? 0 : 1 + dice[0] % 2;
	at = dice[1] % f->len[which];
	switch (dice[2] % 4) {
	case 0:
		f->len[which] = at;
		break;
	case 1:
		count = 1 + dice[3] % 4096;
		memset(f->data[which] + at, 0,
		       count < f->len[which] - at ? count : f->len[which] - at);
		break;
	default:
		for (unsigned i = 0; i <= dice[3] % 16; i++)
			f->data[which][dice[4 + 2 * i] % f->len[which]] = (uint8_t)dice[5 + 2 * i];
	}
}

// Whether SQLite finds nothing wrong with it.
static bool sound(const char *dir)
{
	sqlite3_stmt *st = NULL;
	char path[80];
	sqlite3 *db;
	bool yes;

	files_path(dir, 1, path);
	yes = sqlite3_open(path, &db) == SQLITE_OK &&
	        sqlite3_prepare_v2(db, "PRAGMA quick_check", -1, &st, NULL) == SQLITE_OK &&
	        sqlite3_step(st) == SQLITE_ROW &&
	        strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0;
	sqlite3_finalize(st);
	sqlite3_close(db);
	return yes;
}

// Everything that a client does with its store. Returns 0, or the line of what was wrong. An error is one of
// those of the headers, and has a sentence.
static int damaged_use(struct net *n, const char *dir)
{
	struct fog_client_message m = {0};
	struct fog_client_status s;
	struct net_client c;
	int64_t id, last = 0;
	int r = net_client_open(n, 0, dir, &c);

	if (r < 0) { // keys say why in a text of their own
		r = c.store != NULL && client_store_error(c.store)[0] == '\0' ? __LINE__ : 0;
		net_client_close(&c);
		return r;
	}
	for (id = 0; id < 2 * MESSAGES; id++) {
		r = client_store_status(c.store, id, &s);
		if (r == 0 ? s.state < FOG_CLIENT_QUEUED || s.state > FOG_CLIENT_FAILED
		           : r != -ENOENT && (r != -EIO || client_store_error(c.store)[0] == '\0'))
			return __LINE__;
	}
	for (unsigned i = 0; i < 60; i++) {
		net_step(n, 10 * STEP_US);
		c.error = 0;
		courier_fetch(c.courier);
		r = courier_send(c.courier, n->now_us, false);
		if ((r < 0 || c.error < 0) && client_store_error(c.store)[0] == '\0')
			return __LINE__;
	}
	while ((r = client_store_receive(c.store, last, &m)) == 1) {
		if (m.id <= last || m.len == 0 || (last = m.id) > 1000)
			break;
		for (size_t i = 0; i < m.len; i++) // all of it may be read
			content[i % sizeof(content)] ^= m.data[i];
	}
	if (r < 0 && client_store_error(c.store)[0] == '\0')
		return __LINE__;
	r = client_store_sweep(c.store, n->now_us);
	if (r < 0 && client_store_error(c.store)[0] == '\0')
		return __LINE__;
	r = accept_one(n, &c, &c, 1, &id);
	if (r < 0 && client_store_error(c.store)[0] == '\0')
		return __LINE__;
	net_client_close(&c);
	if (r < 0 || !sound(dir))
		return 0;
	// What it has accepted now is there.
	if (net_client_open(n, 0, dir, &c) < 0 || client_store_status(c.store, id, &s) < 0 ||
	    s.state != FOG_CLIENT_QUEUED)
		return __LINE__;
	net_client_close(&c);
	return 0;
}

// Damage anywhere ends in an error that says so, or is harmless; never in a crash.
static void test_damage(void)
{
	char dir[NET_CLIENTS][40], one[40];
	struct net *n = net_make(), *now = malloc(sizeof(*now));
	struct files *f = malloc(sizeof(*f));
	size_t *behind = shared(sizeof(*behind));
	int status;

	scene_play(n, dir, 150, behind);
	files_read(dir[0], f);
	CU_ASSERT_TRUE_FATAL(f->len[0] > 0 && f->len[1] > 0 && f->len[2] > 0);
	memcpy(now, n, sizeof(*now)); // each child has it for itself
	for (unsigned seed = 0; seed < (check_few() ? 20 : 150); seed++) {
		net_folder_make(one);
		pid_t child = fork();
		if (child == 0) {
			damage(f, seed);
			int line = files_write(f, one) < 0 ? __LINE__ : damaged_use(now, one);
			if (line != 0)
				fprintf(stderr, "line %d: ", line);
			_exit(line != 0);
		}
		CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
		if (status != 0)
			fprintf(stderr, "damage %u: status %d\n", seed, status);
		CU_ASSERT_EQUAL(status, 0);
		net_folder_remove(one);
	}
	for (unsigned i = 0; i < NET_CLIENTS; i++)
		net_folder_remove(dir[i]);
	free(f);
	free(now);
	munmap(behind, sizeof(*behind));
	net_free(n);
}

enum { ROWS = 30 };

// Whether all rows of two objects are there, and that of the other process.
static bool rows_are(struct client_store *s)
{
	bool all = true;
	char name[16], other[5];
	int value;

	for (int i = 0; i < ROWS; i++) {
		snprintf(name, sizeof(name), "row-%d", i);
		all = all && client_store_get(s, name, &value, sizeof(value)) == 0 && value == i;
	}
	return all && client_store_get(s, "other", other, sizeof(other)) == 0;
}

// Another process of the folder: when told to it opens, writes and closes; told again, it looks what is there. Forked
// before there is a database, as SQLite's objects may not cross a fork. Ends itself.
static _Noreturn void other_process(const char *dir, int line)
{
	struct client_store *s = NULL;
	char told;

	if (read(line, &told, 1) != 1 || client_store_open(dir, content, &s) != 0 ||
	    client_store_put(s, "other", "other", 5) != 0)
		_exit(1);
	client_store_close(s);
	if (write(line, "", 1) != 1 || read(line, &told, 1) != 1 ||
	    client_store_open(dir, content, &s) != 0)
		_exit(2);
	bool all = rows_are(s);
	client_store_close(s);
	_exit(all ? 0 : 3);
}

// Two objects of one folder in one process, and another process that takes itself for the last one if it finds no
// locks: it would end the log that the two go on writing.
static void test_two_objects(void)
{
	char dir[] = "/tmp/fogline-client-XXXXXX", name[16], path[100], told;
	struct client_store *s[2];
	int line[2], status;
	struct stat st;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line), 0);
	pid_t child = fork();
	if (child == 0) {
		close(line[0]);
		other_process(dir, line[1]);
	}
	close(line[1]);
	CU_ASSERT_EQUAL_FATAL(client_store_open(dir, content, &s[0]), 0);
	CU_ASSERT_EQUAL(client_store_put(s[0], "first", "first", 5), 0);
	CU_ASSERT_EQUAL_FATAL(client_store_open(dir, content, &s[1]), 0);
	CU_ASSERT_EQUAL(send(line[0], "", 1, MSG_NOSIGNAL), 1);
	CU_ASSERT_EQUAL(read(line[0], &told, 1), 1);
	for (int i = 0; i < ROWS; i++) {
		snprintf(name, sizeof(name), "row-%d", i);
		CU_ASSERT_EQUAL(client_store_put(s[i % 2], name, &i, sizeof(i)), 0);
	}
	// What is committed is there for others, and after a kill: not only once these are closed.
	CU_ASSERT_EQUAL(send(line[0], "", 1, MSG_NOSIGNAL), 1);
	CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
	for (unsigned i = 0; i < 2; i++)
		client_store_close(s[i]);
	CU_ASSERT_EQUAL_FATAL(client_store_open(dir, content, &s[0]), 0);
	CU_ASSERT_TRUE(rows_are(s[0]));
	client_store_close(s[0]);
	snprintf(path, sizeof(path), "%s/client.db", dir);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	close(line[0]);
	net_folder_remove(dir);
}

// A mount namespace of our own with a small disk in it. Others' tests need none.
static bool disk_make(void)
{
	char options[40];

	strcpy(disk, "/tmp/fogline-client-XXXXXX");
	snprintf(options, sizeof(options), "mode=0700,size=%d", (int)DISK_BYTES);
	return mkdtemp(disk) != NULL && unshare(CLONE_NEWNS) == 0 &&
	        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	        mount("tmpfs", disk, "tmpfs", 0, options) == 0;
}

int main(void)
{
	static const CU_TestInfo full[] = {
	        {"a message that has no room is refused whole", test_full_accept},
	        {"a folder that begins without room", test_full_new},
	        {"all messages come once where disks are full at times", test_full_run},
	        CU_TEST_INFO_NULL,
	};
	static const CU_TestInfo damaged[] = {
	        {"a power cut takes nothing that was synced", test_power_cut},
	        {"damage anywhere is an error or harmless", test_damage},
	        {"two objects of one process, and another process", test_two_objects},
	        CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[3] = {{.pName = "client store", .pTests = (CU_TestInfo *)damaged}};
	int r;

	if (sodium_init() < 0 || fog_crypto_init() < 0)
		return 1;
	if (geteuid() != 0) {
		puts("a full disk needs root, skipped");
		return check_run_suites(suites);
	}
	if (!disk_make()) {
		perror("no small disk");
		return 1;
	}
	suites[1] = (CU_SuiteInfo){.pName = "client store, full", .pTests = (CU_TestInfo *)full};
	r = check_run_suites(suites);
	umount(disk);
	rmdir(disk);
	return r;
}
