// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The store: what is committed outlives kill -9, what is not never happened, nothing comes twice.
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../controlplane/store/store.h"
#include "config_text.h"

static char folder[64], path[96];
static const uint8_t secret[32] = {1, 2, 3};
static const uint8_t boot[16] = {7};

static struct fog_store *fresh(void)
{
	struct fog_store *s = NULL;
	char command[128];

	snprintf(command, sizeof(command), "rm -f %s*", path);
	CU_ASSERT_EQUAL(system(command), 0);
	CU_ASSERT_EQUAL(fog_store_open(&s, path, secret), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	return s;
}

static struct fog_store *again(struct fog_store *s, const uint8_t key[32])
{
	fog_store_close(s);
	s = NULL;
	CU_ASSERT_EQUAL(fog_store_open(&s, path, key), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	return s;
}

static int receive(struct fog_store *s, uint32_t worker, uint64_t seq, const char *text)
{
	struct fog_store_received m = {
	        .time_us = 1700000000000000,
	        .recipient = {9},
	        .data = (const uint8_t *)text,
	        .len = strlen(text),
	};
	int r = fog_store_mark(s, boot, worker, seq);

	if (r == 0)
		CU_ASSERT_EQUAL(fog_store_receive(s, &m), 0);
	return r;
}

struct seen {
	int count;
	int64_t last;
	char text[8][16];
};

static void see(void *ctx, const struct fog_store_received *m)
{
	struct seen *seen = ctx;

	if (seen->count < 8)
		snprintf(
		        seen->text[seen->count], sizeof(seen->text[0]), "%.*s", (int)m->len,
		        (const char *)m->data
		);
	CU_ASSERT_TRUE(m->id > seen->last);
	seen->last = m->id;
	seen->count++;
}

static struct seen list(struct fog_store *s, int64_t after, unsigned limit)
{
	struct seen seen = {.last = after};

	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(fog_store_list(s, after, limit, see, &seen), seen.count);
	CU_ASSERT_EQUAL(fog_store_end(s, 0), 0);
	return seen;
}

static void test_exactly_once(void)
{
	struct fog_store *s = fresh();
	struct stat st;

	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(receive(s, 0, 1, "one"), 0);
	CU_ASSERT_EQUAL(receive(s, 0, 2, "two"), 0);
	CU_ASSERT_EQUAL(receive(s, 1, 1, "other worker"), 0);
	CU_ASSERT_EQUAL(receive(s, 0, 2, "again"), 1);
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	s = again(s, secret);
	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(receive(s, 0, 1, "again"), 1);
	CU_ASSERT_EQUAL(receive(s, 1, 1, "again"), 1);
	CU_ASSERT_EQUAL(receive(s, 1, 2, "new"), 0);
	CU_ASSERT_EQUAL(fog_store_mark(s, secret, 0, 1), 0); // another life of the data plane
	CU_ASSERT_EQUAL(fog_store_mark(s, boot, 0, 2), 1); // which doesn't touch this one's marks
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	struct seen all = list(s, 0, 200), page = list(s, 1, 2);
	CU_ASSERT_EQUAL(all.count, 4);
	CU_ASSERT_STRING_EQUAL(all.text[0], "one");
	CU_ASSERT_STRING_EQUAL(all.text[3], "new");
	CU_ASSERT_EQUAL(page.count, 2);
	CU_ASSERT_STRING_EQUAL(page.text[0], "two");
	fog_store_close(s);
}

static void test_rollback(void)
{
	struct fog_store *s = fresh();

	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(receive(s, 0, 5, "undone"), 0);
	CU_ASSERT_EQUAL(fog_store_end(s, 0), 0);
	CU_ASSERT_EQUAL(list(s, 0, 10).count, 0);
	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(receive(s, 0, 5, "done"), 0);
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	CU_ASSERT_EQUAL(list(s, 0, 10).count, 1);
	fog_store_close(s);
}

// The open transaction of a process that is about to die: more than SQLite's cache holds, so that
// half of it has reached the file.
static void open_transaction(struct fog_store *s)
{
	static char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	fog_store_begin(s);
	for (uint64_t seq = 301; seq <= 6000; seq++)
		receive(s, 0, seq, text);
}

static void check_integrity(void)
{
	sqlite3_stmt *st;
	sqlite3 *db;

	CU_ASSERT_EQUAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &st, NULL), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_step(st), SQLITE_ROW);
	CU_ASSERT_STRING_EQUAL((const char *)sqlite3_column_text(st, 0), "ok");
	sqlite3_finalize(st);
	sqlite3_close(db);
}

// A child commits one message after the other and says so after each commit; it is killed in the
// middle of a transaction. What it said must be there, and the open transaction must not.
static void test_kill(void)
{
	int say[2], status;
	uint64_t said = 0, got;
	struct fog_store *s = fresh();

	fog_store_close(s);
	CU_ASSERT_EQUAL(pipe(say), 0);
	pid_t child = fork();
	if (child == 0) {
		struct fog_store *mine;
		if (fog_store_open(&mine, path, secret) < 0)
			_exit(1);
		for (uint64_t seq = 1; seq <= 300; seq++) {
			fog_store_begin(mine);
			receive(mine, 0, seq, "committed");
			fog_store_end(mine, 1);
			if (write(say[1], &seq, sizeof(seq)) < 0)
				_exit(1);
		}
		open_transaction(mine);
		kill(getpid(), SIGKILL);
	}
	close(say[1]);
	while (read(say[0], &got, sizeof(got)) == sizeof(got))
		said = got;
	close(say[0]);
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_TRUE(WIFSIGNALED(status));
	CU_ASSERT_EQUAL(said, 300);
	check_integrity();
	CU_ASSERT_EQUAL_FATAL(fog_store_open(&s, path, secret), 0);
	CU_ASSERT_EQUAL(list(s, 0, 200).count, 200);
	CU_ASSERT_EQUAL(list(s, 200, 200).count, 100);
	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(receive(s, 0, 300, "again"), 1);
	CU_ASSERT_EQUAL(receive(s, 0, 301, "now"), 0);
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	fog_store_close(s);
}

static void test_surb_once(void)
{
	struct fog_store *s = fresh();
	uint8_t surb[40], out[40];
	uint64_t surb_epoch = 0;
	struct fog_store_received m = {
	        .data = surb,
	        .len = 3,
	        .surb = surb,
	        .surb_len = sizeof(surb),
	        .surb_epoch = 29401234};

	randombytes_buf(surb, sizeof(surb));
	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(fog_store_receive(s, &m), 0);
	m.surb = NULL;
	CU_ASSERT_EQUAL(fog_store_receive(s, &m), 0);
	CU_ASSERT_EQUAL(fog_store_take_surb(s, 1, out, 39, &surb_epoch), -ENODATA);
	CU_ASSERT_EQUAL(fog_store_take_surb(s, 1, out, 40, &surb_epoch), 0);
	CU_ASSERT_EQUAL(memcmp(out, surb, 40), 0);
	CU_ASSERT_EQUAL(surb_epoch, 29401234);
	CU_ASSERT_EQUAL(fog_store_take_surb(s, 1, out, 40, &surb_epoch), -EALREADY);
	CU_ASSERT_EQUAL(fog_store_take_surb(s, 2, out, 40, &surb_epoch), -ENODATA);
	CU_ASSERT_EQUAL(fog_store_take_surb(s, 3, out, 40, &surb_epoch), -ENOENT);
	CU_ASSERT_EQUAL(fog_store_end(s, 0), 0);
	fog_store_close(s);
}

static void put_keys(struct fog_store *s, struct fog_surb_keys *keys)
{
	static const uint8_t id[16] = {5};

	randombytes_buf(keys, sizeof(*keys));
	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(fog_store_surb_put(s, id, 77, keys), 0);
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
}

// Whether a file holds these bytes.
static bool file_holds(const char *name, const void *bytes, size_t len)
{
	char command[160];
	static char text[1 << 20];
	FILE *f;
	size_t n;

	snprintf(command, sizeof(command), "cat %s*", name);
	f = popen(command, "r");
	n = fread(text, 1, sizeof(text), f);
	pclose(f);
	return memmem(text, n, bytes, len) != NULL;
}

static void test_surb_keys(void)
{
	static const uint8_t id[16] = {5}, other[16] = {6}, reboot[32] = {99};
	struct fog_store *s = fresh();
	struct fog_surb_keys keys, out;
	int64_t sent = 0;

	put_keys(s, &keys);
	CU_ASSERT_TRUE(file_holds(path, id, sizeof(id)));
	CU_ASSERT_FALSE(file_holds(path, keys.key[0], 64)); // never in clear
	s = again(s, secret);
	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(fog_store_surb_take(s, other, &sent, &out), -ENOENT);
	CU_ASSERT_EQUAL(fog_store_surb_take(s, id, &sent, &out), 0);
	CU_ASSERT_EQUAL(sent, 77);
	CU_ASSERT_EQUAL(memcmp(&keys, &out, sizeof(keys)), 0);
	CU_ASSERT_EQUAL(fog_store_surb_take(s, id, &sent, &out), -ENOENT);
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	// Another secret: what it can't open is deleted.
	put_keys(s, &keys);
	s = again(s, reboot);
	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(fog_store_surb_take(s, id, &sent, &out), -ENOENT);
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	fog_store_close(s);
}

static void test_outbox(void)
{
	struct fog_store *s = fresh();
	uint8_t packet[2000], hop[32] = {0};
	struct fog_store_sent m = {
	        .bytes = 3,
	        .inject_type = 2,
	        .first_hop = {4},
	        .packet = (const uint8_t *)"packet",
	        .packet_len = 6,
	        .epoch = 29401234,
	};
	struct fog_store_sent_state state;
	uint64_t epoch = 0;
	int64_t id[2], next = 0;
	uint32_t type = 0;

	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(fog_store_send(s, &m, &id[0]), 0);
	CU_ASSERT_EQUAL(fog_store_send(s, &m, &id[1]), 0);
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	s = again(s, secret);
	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(
	        fog_store_outbox_next(s, &next, &type, hop, &epoch, packet, sizeof(packet)), 6
	);
	CU_ASSERT_EQUAL(next, id[0]);
	CU_ASSERT_EQUAL(type, 2);
	CU_ASSERT_EQUAL(epoch, 29401234);
	CU_ASSERT_EQUAL(hop[0], 4);
	CU_ASSERT_EQUAL(memcmp(packet, "packet", 6), 0);
	CU_ASSERT_EQUAL(fog_store_outbox_done(s, id[0]), 0);
	CU_ASSERT_EQUAL(fog_store_outbox_next(s, &next, &type, hop, &epoch, packet, 3), 6);
	CU_ASSERT_EQUAL(next, id[1]);
	CU_ASSERT_EQUAL(fog_store_sent_get(s, id[0], &state), 0);
	CU_ASSERT_TRUE(!state.waiting && !state.given_up && state.bytes == 3);
	CU_ASSERT_EQUAL(fog_store_sent_get(s, id[1], &state), 0);
	CU_ASSERT_TRUE(state.waiting && !state.given_up);
	CU_ASSERT_EQUAL(fog_store_outbox_give_up(s, id[1]), 0);
	CU_ASSERT_EQUAL(fog_store_sent_get(s, id[1], &state), 0);
	CU_ASSERT_TRUE(!state.waiting && state.given_up);
	CU_ASSERT_EQUAL(fog_store_sent_get(s, id[1] + 1, &state), -ENOENT);
	CU_ASSERT_EQUAL(
	        fog_store_outbox_next(s, &next, &type, hop, &epoch, packet, sizeof(packet)), -ENOENT
	);
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	fog_store_close(s);
}

static void test_answers(void)
{
	static const uint8_t a[32] = {1}, b[32] = {2};
	struct fog_store_answer answer = {.status = 202, .body = (char *)"{\"id\":1}"}, out = {0};
	struct fog_store *s = fresh();

	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(fog_store_answer_get(s, "uid 0", "k", a, &out), -ENOENT);
	CU_ASSERT_EQUAL(fog_store_answer_put(s, "uid 0", "k", a, &answer), 0);
	CU_ASSERT_EQUAL(fog_store_answer_get(s, "uid 0", "k", a, &out), 0);
	CU_ASSERT_EQUAL(out.status, 202);
	CU_ASSERT_STRING_EQUAL(out.body, answer.body);
	free(out.body);
	CU_ASSERT_EQUAL(fog_store_answer_get(s, "uid 0", "k", b, &out), -EEXIST);
	CU_ASSERT_EQUAL(fog_store_answer_get(s, "uid 1", "k", b, &out), -ENOENT);
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	fog_store_prune(s); // not a day old
	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(fog_store_answer_get(s, "uid 0", "k", b, &out), -EEXIST);
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	fog_store_close(s);
}

static uint64_t generation(struct fog_store *s, uint8_t content, uint64_t floor)
{
	uint8_t hash[32] = {content};
	uint64_t g = 0;

	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(fog_store_generation(s, hash, floor, &g), 0);
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	return g;
}

static void test_generation(void)
{
	struct fog_store *s = fresh();

	CU_ASSERT_EQUAL(generation(s, 1, 0), 1);
	CU_ASSERT_EQUAL(generation(s, 1, 1), 1);
	CU_ASSERT_EQUAL(generation(s, 2, 1), 2);
	s = again(s, secret);
	CU_ASSERT_EQUAL(generation(s, 2, 0), 2); // a restart changes nothing
	CU_ASSERT_EQUAL(generation(s, 1, 0), 3); // an old content is a new generation
	CU_ASSERT_EQUAL(generation(s, 1, 50), 51); // the data plane knows more than we do
	fog_store_close(s);
}

static void test_newer_schema(void)
{
	struct fog_store *s = fresh();
	sqlite3 *db;

	fog_store_close(s);
	CU_ASSERT_EQUAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, "PRAGMA user_version=999", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	CU_ASSERT_EQUAL(fog_store_open(&s, path, secret), -ENOTSUP);
}

static struct fog_prefix deny(uint8_t family, uint8_t first, uint8_t len)
{
	return (struct fog_prefix){.ip = {.family = family, .addr = {first}}, .len = len};
}

// What operators have set of the filter outlives a restart; what was undone never happened.
static void test_filter(void)
{
	struct fog_prefix a = deny(6, 0x20, 8), b = deny(4, 10, 8), c = deny(4, 10, 16), list[3];
	struct fog_store *s = fresh();
	int64_t value = 0;

	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(fog_store_filter_get(s, "source_rate", &value), -ENOENT);
	CU_ASSERT_EQUAL(fog_store_filter_put(s, "source_rate", 5), 0);
	CU_ASSERT_EQUAL(fog_store_filter_put(s, "source_rate", 6), 0);
	CU_ASSERT_EQUAL(fog_store_filter_put(s, "source_burst", 9), 0);
	CU_ASSERT_EQUAL(fog_store_filter_delete(s, "source_burst"), 0);
	CU_ASSERT_EQUAL(fog_store_filter_delete(s, "source_burst"), 0);
	CU_ASSERT_EQUAL(fog_store_deny_put(s, &a), 1);
	CU_ASSERT_EQUAL(fog_store_deny_put(s, &c), 1);
	CU_ASSERT_EQUAL(fog_store_deny_put(s, &b), 1);
	CU_ASSERT_EQUAL(fog_store_deny_put(s, &b), 0); // was there
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(fog_store_deny_delete(s, &a), 0);
	CU_ASSERT_EQUAL(fog_store_end(s, 0), 0);
	s = again(s, secret);
	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(fog_store_filter_get(s, "source_rate", &value), 0);
	CU_ASSERT_EQUAL(value, 6);
	CU_ASSERT_EQUAL(fog_store_filter_get(s, "source_burst", &value), -ENOENT);
	CU_ASSERT_EQUAL(fog_store_deny_list(s, list, 2), -E2BIG);
	CU_ASSERT_EQUAL(fog_store_deny_list(s, list, 3), 3);
	CU_ASSERT_EQUAL(memcmp(&list[0], &b, sizeof(b)), 0); // the order of the blob
	CU_ASSERT_EQUAL(memcmp(&list[1], &c, sizeof(c)), 0);
	CU_ASSERT_EQUAL(memcmp(&list[2], &a, sizeof(a)), 0);
	CU_ASSERT_EQUAL(fog_store_deny_delete(s, &a), 0);
	CU_ASSERT_EQUAL(fog_store_deny_delete(s, &a), -ENOENT);
	CU_ASSERT_EQUAL(fog_store_deny_list(s, list, 3), 2);
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	fog_store_close(s);
}

// A store of the first version keeps what it holds and takes what that version didn't know.
static void test_migration(void)
{
	static const char back[] =
	        "DROP TABLE filter; DROP TABLE deny; DROP TABLE announced; DROP TABLE seen_key;"
	        "DROP TABLE seen_vrf; DROP TABLE proof; DROP TABLE mailbox; DROP TABLE mail;"
	        "DROP TABLE mail_answer;"
	        "ALTER TABLE outbox DROP COLUMN epoch;"
	        "ALTER TABLE received DROP COLUMN surb_epoch;"
	        "ALTER TABLE sent DROP COLUMN given_up; PRAGMA user_version=1;";
	struct fog_store_sent m = {
	        .packet = (const uint8_t *)"packet", .packet_len = 6, .epoch = 9};
	uint8_t key[32] = {1}, hop[32], packet[6];
	uint64_t epoch = 0;
	int64_t id = 0;
	uint32_t type;
	struct fog_prefix a = deny(4, 10, 8);
	struct fog_store *s = fresh();
	sqlite3 *db = NULL;

	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(receive(s, 0, 1, "kept"), 0);
	CU_ASSERT_EQUAL(fog_store_send(s, &m, &id), 0);
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	fog_store_close(s);
	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, back, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	CU_ASSERT_EQUAL_FATAL(fog_store_open(&s, path, secret), 0);
	CU_ASSERT_STRING_EQUAL(list(s, 0, 10).text[0], "kept");
	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(fog_store_deny_put(s, &a), 1);
	// A packet of before is of the one epoch that there was.
	CU_ASSERT_EQUAL(fog_store_outbox_next(s, &id, &type, hop, &epoch, packet, 6), 6);
	CU_ASSERT_EQUAL(epoch, 1);
	CU_ASSERT_EQUAL(fog_store_announce(s, 5, key, key), 0);
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	fog_store_close(s);
}

static void test_epochs(void)
{
	struct fog_store *s = fresh();
	uint8_t a[32] = {1}, b[32] = {2}, out[32], network[32], proof[80] = {7};
	struct fog_store_proof list[4];
	uint64_t n = 0, first;

	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	// What was announced stays.
	CU_ASSERT_EQUAL(fog_store_announced(s, 10, out, network), -ENOENT);
	CU_ASSERT_EQUAL(fog_store_announce(s, 10, a, b), 0);
	CU_ASSERT_EQUAL(fog_store_announce(s, 10, b, a), 0);
	CU_ASSERT_EQUAL(fog_store_announce(s, 11, b, a), 0);
	CU_ASSERT_EQUAL(fog_store_announced(s, 10, out, network), 0);
	CU_ASSERT_EQUAL(memcmp(out, a, 32) + memcmp(network, b, 32), 0);
	CU_ASSERT_EQUAL(fog_store_announced_open(s, 10, 11, &n), -ENOENT);
	CU_ASSERT_EQUAL(fog_store_announced_open(s, 12, 20, &n), 0);
	CU_ASSERT_EQUAL(n, 10);
	CU_ASSERT_EQUAL(fog_store_announced_open(s, 10, 10, &n), 0);
	CU_ASSERT_EQUAL(n, 11);
	CU_ASSERT_EQUAL(fog_store_announced_end(s, 10), 0);
	CU_ASSERT_EQUAL(fog_store_announced_open(s, 12, 20, &n), 0);
	CU_ASSERT_EQUAL(n, 11);
	CU_ASSERT_EQUAL(fog_store_sequence(s, 100, &first), 0);
	CU_ASSERT_EQUAL(first, 101);
	CU_ASSERT_EQUAL(fog_store_sequence(s, 50, &n), 0);
	CU_ASSERT_EQUAL(n, 102);
	CU_ASSERT_EQUAL(fog_store_vrf_from(s, a, 12, &n), 0);
	CU_ASSERT_EQUAL(fog_store_vrf_from(s, a, 20, &n), 0);
	CU_ASSERT_EQUAL(n, 12);
	CU_ASSERT_EQUAL(fog_store_vrf_from(s, b, 20, &n), 0);
	CU_ASSERT_EQUAL(n, 20);
	// Longer epochs, smaller numbers.
	CU_ASSERT_EQUAL(fog_store_vrf_from(s, b, 7, &n), 0);
	CU_ASSERT_EQUAL(n, 7);
	CU_ASSERT_EQUAL(fog_store_vrf_from(s, b, 8, &n), 0);
	CU_ASSERT_EQUAL(n, 7);
	// What was seen of others stays.
	memcpy(out, a, 32);
	CU_ASSERT_EQUAL(fog_store_seen_key(s, b, 10, out), 0);
	CU_ASSERT_EQUAL(fog_store_seen_key(s, b, 10, out), 0);
	memcpy(out, b, 32);
	CU_ASSERT_EQUAL(fog_store_seen_key(s, b, 10, out), -EEXIST);
	CU_ASSERT_EQUAL(memcmp(out, a, 32), 0);
	n = 10;
	CU_ASSERT_EQUAL(fog_store_seen_vrf(s, a, b, &n), 0);
	n = 15;
	CU_ASSERT_EQUAL(fog_store_seen_vrf(s, a, b, &n), 0);
	CU_ASSERT_EQUAL(n, 10);
	n = 3;
	CU_ASSERT_EQUAL(fog_store_seen_vrf(s, a, b, &n), 0);
	CU_ASSERT_EQUAL(n, 3);
	n = 4;
	CU_ASSERT_EQUAL(fog_store_seen_vrf(s, a, b, &n), 0);
	CU_ASSERT_EQUAL(n, 3);
	// A key that is lost is found no more.
	memcpy(out, a, 32);
	CU_ASSERT_EQUAL(fog_store_seen_key(s, b, 11, out), 0);
	CU_ASSERT_EQUAL(fog_store_seen_lost(s, b, 11), 0);
	CU_ASSERT_EQUAL(fog_store_seen_key(s, b, 11, out), -EEXIST);
	CU_ASSERT_TRUE(sodium_is_zero(out, 32));
	memcpy(out, a, 32);
	CU_ASSERT_EQUAL(fog_store_seen_key(s, b, 20000, out), 0);
	CU_ASSERT_EQUAL(fog_store_seen_key(s, b, 10002, out), 0);
	// Whose store it is.
	CU_ASSERT_EQUAL(fog_store_identity(s, a), 0);
	CU_ASSERT_EQUAL(fog_store_identity(s, a), 0);
	CU_ASSERT_EQUAL(fog_store_identity(s, b), 1);
	CU_ASSERT_EQUAL(fog_store_identity(s, b), 0);
	for (uint64_t e = 1; e <= 7; e++) {
		CU_ASSERT_EQUAL(fog_store_proof_put(s, a, e, proof), 0);
		CU_ASSERT_EQUAL(fog_store_announce(s, e, a, e < 7 ? b : a), 0);
	}
	// Of this network.
	CU_ASSERT_EQUAL(fog_store_proofs(s, a, a, list, 4), 1);
	CU_ASSERT_EQUAL(list[0].epoch, 7);
	CU_ASSERT_EQUAL(fog_store_proofs(s, a, b, list, 4), 4);
	CU_ASSERT_TRUE(list[0].epoch == 6 && list[3].epoch == 3 && list[0].proof[0] == 7);
	CU_ASSERT_EQUAL(fog_store_proof_get(s, b, 6, proof), -ENOENT);
	CU_ASSERT_EQUAL(fog_store_end(s, 1), 0);
	CU_ASSERT_EQUAL(fog_store_durable(s), 0);
	fog_store_prune_epochs(s, 10003);
	CU_ASSERT_EQUAL(fog_store_begin(s), 0);
	CU_ASSERT_EQUAL(fog_store_proofs(s, a, b, list, 4), 4);
	CU_ASSERT_EQUAL(fog_store_proof_get(s, a, 2, proof), -ENOENT);
	CU_ASSERT_EQUAL(fog_store_seen_key_get(s, b, 10, out), -ENOENT);
	CU_ASSERT_EQUAL(fog_store_seen_key_get(s, b, 10002, out), 0);
	CU_ASSERT_EQUAL(fog_store_seen_key_get(s, b, 20000, out), -ENOENT); // of shorter epochs
	CU_ASSERT_EQUAL(fog_store_announced(s, 10, out, network), 0);
	CU_ASSERT_EQUAL(fog_store_announced_clear(s), 0);
	CU_ASSERT_EQUAL(fog_store_announced(s, 10, out, network), -ENOENT);
	CU_ASSERT_EQUAL(fog_store_end(s, 0), 0);
	fog_store_close(s);
}

enum { ROWS = 30 };

static int write_row(struct fog_store *s, uint32_t worker, uint64_t seq)
{
	int r = fog_store_begin(s);

	if (r < 0)
		return r;
	r = receive(s, worker, seq, "row");
	int e = fog_store_end(s, r == 0);
	return r != 0 ? r : e;
}

// Another process: when told to it opens, writes and closes; told again, it looks what is there. Forked before there
// is a database, as SQLite's objects may not cross a fork. Ends itself.
static _Noreturn void other_process(int line)
{
	struct fog_store *s = NULL;
	char told;

	if (read(line, &told, 1) != 1 || fog_store_open(&s, path, secret) != 0 ||
	    write_row(s, 7, 1) != 0)
		_exit(1);
	fog_store_close(s);
	if (write(line, "", 1) != 1 || read(line, &told, 1) != 1 ||
	    fog_store_open(&s, path, secret) != 0)
		_exit(2);
	int count = list(s, 0, 200).count;
	fog_store_close(s);
	_exit(count == ROWS + 2 ? 0 : 3);
}

// Two objects in one process, and another process that takes itself for the last one if it finds no locks: it would
// end the log that the two go on writing.
static void test_two_objects(void)
{
	struct fog_store *s[2];
	int line[2], status;
	char told;

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line), 0);
	fog_store_close(fresh());
	pid_t child = fork();
	if (child == 0) {
		close(line[0]);
		other_process(line[1]);
	}
	close(line[1]);
	CU_ASSERT_EQUAL_FATAL(fog_store_open(&s[0], path, secret), 0);
	CU_ASSERT_EQUAL(write_row(s[0], 0, 1), 0);
	CU_ASSERT_EQUAL_FATAL(fog_store_open(&s[1], path, secret), 0);
	CU_ASSERT_EQUAL(send(line[0], "", 1, MSG_NOSIGNAL), 1);
	CU_ASSERT_EQUAL(read(line[0], &told, 1), 1);
	for (uint64_t i = 0; i < ROWS; i++)
		CU_ASSERT_EQUAL(write_row(s[i % 2], 1, i + 1), 0);
	CU_ASSERT_EQUAL(send(line[0], "", 1, MSG_NOSIGNAL), 1);
	CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
	fog_store_close(s[1]);
	s[0] = again(s[0], secret);
	CU_ASSERT_EQUAL(list(s[0], 0, 200).count, ROWS + 2);
	fog_store_close(s[0]);
	close(line[0]);
}

// What is somebody's who may only read it is refused at once, and not when there is mail to keep. Root may write all.
static void test_read_only(void)
{
	struct fog_store *s = NULL;
	int status;

	fog_store_close(fresh());
	CU_ASSERT_EQUAL(chmod(path, 0444), 0);
	if (geteuid() == 0)
		CU_ASSERT_TRUE(chown(folder, 65534, 65534) == 0 && chown(path, 65534, 65534) == 0);
	pid_t child = fork();
	if (child == 0) {
		if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
			_exit(1);
		_exit(fog_store_open(&s, path, secret) == -EACCES && s == NULL ? 0 : 2);
	}
	CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(chmod(path, 0600), 0);
	if (geteuid() == 0)
		CU_ASSERT_TRUE(chown(folder, 0, 0) == 0 && chown(path, 0, 0) == 0);
}

// A symbolic link is somebody else's file; what can't be written is said.
static void test_strange_file(void)
{
	struct fog_store *s = NULL;
	char to[128];

	fog_store_close(fresh());
	snprintf(to, sizeof(to), "%s.else", path);
	CU_ASSERT_EQUAL(rename(path, to), 0);
	CU_ASSERT_EQUAL(symlink(to, path), 0);
	CU_ASSERT_EQUAL(fog_store_open(&s, path, secret), -ELOOP);
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(rename(to, path), 0);
	CU_ASSERT_EQUAL(fog_store_open(&s, path, secret), 0);
	fog_store_close(s);
	s = NULL;
	snprintf(to, sizeof(to), "%s/not-there/store.db", folder);
	CU_ASSERT_EQUAL(fog_store_open(&s, to, secret), -ENOENT);
	CU_ASSERT_PTR_NULL(s);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"exactly once", test_exactly_once},
	        {"rollback", test_rollback},
	        {"kill -9 inside a transaction", test_kill},
	        {"a SURB works once", test_surb_once},
	        {"SURB keys", test_surb_keys},
	        {"outbox", test_outbox},
	        {"idempotent answers", test_answers},
	        {"generations", test_generation},
	        {"newer schema", test_newer_schema},
	        {"the filter", test_filter},
	        {"a store of the version before", test_migration},
	        {"epochs", test_epochs},
	        {"two objects of one process, and another process", test_two_objects},
	        {"a file that isn't ours", test_strange_file},
	        {"a file that can't be written", test_read_only},
	        CU_TEST_INFO_NULL,
	};
	snprintf(folder, sizeof(folder), "/tmp/fog-store-XXXXXX");
	if (sodium_init() < 0 || mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/store.db", folder);
	int r = check_run("store", tests);
	char command[96];
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) == 0 ? r : 1;
}
