// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Couriers and their stores in a network that loses packets, and with processes that are killed.
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../controlplane/client/courier_private.h"
#include "../../../controlplane/client/sealed.h"
#include "../../../controlplane/client/store_private.h"
#include "../../../controlplane/mixnet/message.h"
#include "../run.h"
#include "net.h"

enum { MESSAGES = 30, FEW = 8, STEPS = 60000 };

struct book { // shared with processes that are killed
	int64_t id[MESSAGES];
	size_t len[MESSAGES];
	bool accepted[MESSAGES], come[MESSAGES];
	unsigned twice, wrong, come_count;
};

static char dirs[NET_CLIENTS][40];
static uint8_t content[FOG_CLIENT_MESSAGE_MAX];

static unsigned messages(void)
{
	return check_few() ? FEW : MESSAGES;
}

static void rig_clean(void)
{
	for (unsigned i = 0; i < NET_CLIENTS; i++)
		net_folder_remove(dirs[i]);
}

static void rig_make(void)
{
	for (unsigned i = 0; i < NET_CLIENTS; i++)
		net_folder_make(dirs[i]);
}

// The bytes of message k say which one it is.
static void rig_content(unsigned k, size_t len, uint8_t *out)
{
	uint8_t seed[randombytes_SEEDBYTES] = {(uint8_t)k, 1};

	randombytes_buf_deterministic(out, len, seed);
	out[0] = (uint8_t)k;
}

static void rig_receive(struct net_client *c, struct book *book)
{
	struct fog_client_message m;

	while (client_store_receive(c->store, 0, &m) == 1) {
		unsigned k = m.data[0];
		if (k >= messages() || m.len != book->len[k]) {
			book->wrong++;
		} else {
			rig_content(k, m.len, content);
			book->wrong += memcmp(content, m.data, m.len) != 0;
			book->twice += book->come[k];
			book->come_count += !book->come[k];
			book->come[k] = true;
		}
		client_store_forget(c->store, m.id);
		// A kill between the two would have us count it twice, which is the reader's own affair.
	}
}

static bool rig_over(struct net_client *c, const struct book *book)
{
	struct fog_client_status s;

	for (unsigned k = 0; k < messages(); k++)
		if (client_store_status(c->store, book->id[k], &s) < 0 ||
		    s.state < FOG_CLIENT_ACKNOWLEDGED)
			return false;
	return true;
}

// Both clients run until all is acknowledged. Returns whether it is.
static bool rig_run(struct net *n, struct book *book, unsigned steps)
{
	struct net_client c[NET_CLIENTS] = {0};
	bool over = false;

	for (unsigned i = 0; i < NET_CLIENTS; i++)
		if (net_client_open(n, i, dirs[i], &c[i]) < 0)
			return false;
	for (unsigned i = 0; i < steps && !over; i++) {
		net_step(n, 2000);
		for (unsigned k = 0; k < NET_CLIENTS; k++) {
			courier_fetch(c[k].courier);
			courier_send(c[k].courier, n->now_us, k == 1 && i % 16 == 0);
			net_maybe_die(n);
		}
		rig_receive(&c[1], book);
		over = i % 32 == 0 && rig_over(&c[0], book);
	}
	for (unsigned i = 0; i < NET_CLIENTS; i++)
		net_client_close(&c[i]);
	return over;
}

static struct book *rig_book(void)
{
	struct book *b =
	        mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CU_ASSERT_TRUE_FATAL(b != MAP_FAILED);
	return b;
}

static void rig_accept(struct net *n, struct book *book)
{
	struct net_client c[NET_CLIENTS];
	struct client_address to;

	for (unsigned i = 0; i < NET_CLIENTS; i++) {
		CU_ASSERT_EQUAL_FATAL(net_client_open(n, i, dirs[i], &c[i]), 0);
		courier_fetch(c[i].courier); // makes the mailbox
	}
	net_address(&c[1], &to);
	for (unsigned k = 0; k < messages(); k++) {
		// Most are short; the first is the longest, the second one byte.
		book->len[k] = k == 0 ? FOG_CLIENT_MESSAGE_MAX
		        : k == 1      ? 1
		                      : 1 + randombytes_uniform(1U << (1 + k % 13));
		rig_content(k, book->len[k], content);
		CU_ASSERT_EQUAL_FATAL(
		        courier_accept(
		                c[0].store, &n->geometry, &to, content, book->len[k], n->now_us,
		                &book->id[k]
		        ),
		        0
		);
	}
	for (unsigned i = 0; i < NET_CLIENTS; i++)
		net_client_close(&c[i]);
}

static void rig_judge(const struct book *book)
{
	CU_ASSERT_EQUAL(book->come_count, messages());
	CU_ASSERT_EQUAL(book->wrong, 0);
}

static void test_loss(void)
{
	struct net *n = net_make();
	struct book *book = rig_book();
	struct net_client c;
	unsigned again = 0;
	struct fog_client_status s;

	rig_make();
	rig_accept(n, book);
	n->loss = 50;
	CU_ASSERT_TRUE(rig_run(n, book, STEPS));
	rig_judge(book);
	CU_ASSERT_EQUAL(book->twice, 0);
	CU_ASSERT_TRUE(n->lost > 0 && n->drops > 0);
	CU_ASSERT_EQUAL_FATAL(net_client_open(n, 0, dirs[0], &c), 0);
	for (unsigned k = 0; k < messages(); k++) {
		CU_ASSERT_EQUAL(client_store_status(c.store, book->id[k], &s), 0);
		CU_ASSERT_EQUAL(s.state, FOG_CLIENT_ACKNOWLEDGED);
		CU_ASSERT_EQUAL(s.sent, s.fragments);
		CU_ASSERT_EQUAL(s.acknowledged, s.fragments);
		again += s.retransmissions;
	}
	CU_ASSERT_TRUE(again > 0);
	printf("(%llu packets, %llu lost, %u sent again) ", (unsigned long long)n->packets,
	       (unsigned long long)n->lost, again);
	net_client_close(&c);
	munmap(book, sizeof(*book));
	net_free(n);
	rig_clean();
}

static void test_killed(void)
{
	struct net *n = net_make();
	struct book *book = rig_book();
	unsigned kills = 0;
	int status = 0;

	rig_make();
	rig_accept(n, book);
	n->loss = 50;
	n->kill = 1200;
	for (unsigned i = 0; i < 1000; i++) {
		if (kills >= 20)
			n->kill = 0;
		pid_t child = fork();
		if (child == 0)
			_exit(rig_run(n, book, STEPS) ? 0 : 1);
		CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
		if (!WIFSIGNALED(status))
			break;
		CU_ASSERT_EQUAL(WTERMSIG(status), SIGKILL);
		kills++;
	}
	CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CU_ASSERT_TRUE(kills > 5);
	rig_judge(book);
	CU_ASSERT_EQUAL(book->twice, 0);
	printf("(killed %u times) ", kills);
	munmap(book, sizeof(*book));
	net_free(n);
	rig_clean();
}

// What accept has said yes to is there, whenever the process was killed.
static void test_accepted(void)
{
	struct net *n = net_make();
	struct net_client c;
	struct fog_client_status s;
	int64_t id, accepted = 0;
	int ends[2], status;

	rig_make();
	for (unsigned round = 0; round < (check_few() ? 8 : 20); round++) {
		CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
		pid_t child = fork();
		if (child == 0) {
			struct client_address to = {.gateway = {1}};
			crypto_scalarmult_base(to.key, n->node[0].private_key);
			if (net_client_open(n, 0, dirs[0], &c) < 0)
				_exit(1);
			for (;;)
				if (courier_accept(
				            c.store, &n->geometry, &to, content, 3000, 1, &id
				    ) < 0 ||
				    write(ends[1], &id, sizeof(id)) != sizeof(id))
					_exit(1);
		}
		close(ends[1]);
		// It is killed at a moment after its first one that nothing here decides.
		CU_ASSERT_EQUAL(read(ends[0], &id, sizeof(id)), sizeof(id));
		usleep(randombytes_uniform(4000));
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		CU_ASSERT_EQUAL_FATAL(net_client_open(n, 0, dirs[0], &c), 0);
		do {
			accepted++;
			CU_ASSERT_EQUAL(client_store_status(c.store, id, &s), 0);
			CU_ASSERT_EQUAL(s.state, FOG_CLIENT_QUEUED);
			CU_ASSERT_EQUAL(
			        s.fragments,
			        client_fragment_count(3000, client_fragment_room(&n->geometry))
			);
		} while (read(ends[0], &id, sizeof(id)) == sizeof(id));
		net_client_close(&c);
		close(ends[0]);
	}
	CU_ASSERT_TRUE(accepted >= (check_few() ? 8 : 20));
	net_free(n);
	rig_clean();
}

static void states_step(struct net *n, struct net_client *c, unsigned steps)
{
	for (unsigned i = 0; i < steps; i++) {
		net_step(n, 20000);
		courier_fetch(c->courier);
		courier_send(c->courier, n->now_us, false);
	}
}

// Keys that the store still has for answers to a message.
static int64_t surbs(const struct net_client *c, int64_t message)
{
	sqlite3_stmt *st = NULL;
	int64_t n = -1;

	sqlite3_prepare_v2(
	        c->store->db, "SELECT count(*) FROM surb WHERE message=?1", -1, &st, NULL
	);
	sqlite3_bind_int64(st, 1, message);
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static void test_states(void)
{
	struct net *n = net_make();
	struct net_client c;
	struct client_address to = {0}, self;
	struct fog_client_status s;
	int64_t nobody, full, nowhere;

	rig_make();
	CU_ASSERT_EQUAL_FATAL(net_client_open(n, 0, dirs[0], &c), 0);
	CU_ASSERT_FALSE(courier_has_mailbox(c.store));
	courier_fetch(c.courier);
	CU_ASSERT_TRUE(courier_has_mailbox(c.store));
	net_address(&c, &self);
	to = self;
	memset(to.mailbox, 7, sizeof(to.mailbox));
	CU_ASSERT_EQUAL(courier_accept(c.store, &n->geometry, &to, "x", 1, n->now_us, &nobody), 0);
	CU_ASSERT_EQUAL(
	        courier_accept(c.store, &n->geometry, &to, "x", 0, n->now_us, &nobody), -EMSGSIZE
	);
	CU_ASSERT_EQUAL(
	        courier_accept(
	                c.store, &n->geometry, &to, content, FOG_CLIENT_MESSAGE_MAX + 1, n->now_us,
	                &nobody
	        ),
	        -EMSGSIZE
	);
	memset(to.key, 0, sizeof(to.key));
	CU_ASSERT_EQUAL(
	        courier_accept(c.store, &n->geometry, &to, "x", 1, n->now_us, &full), -EINVAL
	);
	CU_ASSERT_EQUAL(client_store_status(c.store, 99, &s), -ENOENT);

	// Nobody knows a way: it stays queued, and is sent when there is one.
	n->no_way = true;
	states_step(n, &c, 3);
	client_store_status(c.store, nobody, &s);
	CU_ASSERT_EQUAL(s.state, FOG_CLIENT_QUEUED);
	n->no_way = false;
	states_step(n, &c, 1);
	client_store_status(c.store, nobody, &s);
	CU_ASSERT_EQUAL(s.state, FOG_CLIENT_SENT);
	CU_ASSERT_EQUAL(s.sent, 1);
	CU_ASSERT_EQUAL(s.acknowledged, 0);
	states_step(n, &c, 50);
	client_store_status(c.store, nobody, &s);
	CU_ASSERT_EQUAL(s.state, FOG_CLIENT_FAILED);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.why, "no such mailbox"));

	// A full mailbox is tried again until it isn't.
	n->box[0].full = true;
	CU_ASSERT_EQUAL(courier_accept(c.store, &n->geometry, &self, "y", 1, n->now_us, &full), 0);
	states_step(n, &c, 50);
	client_store_status(c.store, full, &s);
	CU_ASSERT_EQUAL(s.state, FOG_CLIENT_SENT);
	CU_ASSERT(courier_counts(c.courier)->refused > 1);
	CU_ASSERT_EQUAL(surbs(&c, full), 0); // the one that it went with is used up
	n->box[0].full = false;
	n->now_us += COURIER_FULL_US;
	states_step(n, &c, 50);
	client_store_status(c.store, full, &s);
	CU_ASSERT_EQUAL(s.state, FOG_CLIENT_ACKNOWLEDGED);

	// A gateway that isn't there: given up after a day.
	to = self;
	memset(to.gateway, 9, sizeof(to.gateway));
	CU_ASSERT_EQUAL(courier_accept(c.store, &n->geometry, &to, "z", 1, n->now_us, &nowhere), 0);
	states_step(n, &c, 5);
	CU_ASSERT_EQUAL(client_store_sweep(c.store, n->now_us), 0);
	client_store_status(c.store, nowhere, &s);
	CU_ASSERT_EQUAL(s.state, FOG_CLIENT_QUEUED);
	n->now_us += INT64_C(1000000) * CLIENT_STORE_DAY_S;
	CU_ASSERT_EQUAL(client_store_sweep(c.store, n->now_us), 0);
	client_store_status(c.store, nowhere, &s);
	CU_ASSERT_EQUAL(s.state, FOG_CLIENT_FAILED);
	n->now_us += INT64_C(1000000) * CLIENT_STORE_DAY_S * CLIENT_STORE_KEEP_DAYS + 1;
	CU_ASSERT_EQUAL(client_store_sweep(c.store, n->now_us), 0);
	CU_ASSERT_EQUAL(client_store_status(c.store, nowhere, &s), -ENOENT);
	net_client_close(&c);
	net_free(n);
	rig_clean();
}

// A gateway that no path leads to keeps neither others' messages nor cover from leaving.
static void no_path(int why)
{
	struct net *n = net_make();
	struct net_client c;
	struct client_address self, to;
	struct fog_client_status s;
	int64_t stuck, other;

	rig_make();
	CU_ASSERT_EQUAL_FATAL(net_client_open(n, 0, dirs[0], &c), 0);
	courier_fetch(c.courier);
	net_address(&c, &self);
	to = self;
	memcpy(to.gateway, n->node[1].id, sizeof(to.gateway));
	n->no_path = why;
	CU_ASSERT_EQUAL(courier_accept(c.store, &n->geometry, &to, "x", 1, n->now_us, &stuck), 0);
	CU_ASSERT_EQUAL(courier_accept(c.store, &n->geometry, &self, "y", 1, n->now_us, &other), 0);
	states_step(n, &c, 50);
	client_store_status(c.store, stuck, &s);
	CU_ASSERT_EQUAL(s.state, FOG_CLIENT_QUEUED);
	client_store_status(c.store, other, &s);
	CU_ASSERT_EQUAL(s.state, FOG_CLIENT_ACKNOWLEDGED);
	// Of 200 ticks one goes without: half of those who are drawn can't be reached, eight times in a row.
	for (unsigned i = 0; i < 200; i++)
		courier_send(c.courier, n->now_us, true);
	CU_ASSERT_TRUE(courier_counts(c.courier)->drops > 180);
	// There is a way again.
	n->no_path = 0;
	for (unsigned i = 0; i < 1000 && s.id != 0; i++) {
		n->now_us += 1000000;
		if (courier_send(c.courier, n->now_us, false) == 1)
			s.id = 0;
	}
	client_store_status(c.store, stuck, &s);
	CU_ASSERT_EQUAL(s.state, FOG_CLIENT_SENT);
	net_client_close(&c);
	net_free(n);
	rig_clean();
}

// For ever, because it is new, or because it has gone.
static void test_no_path(void)
{
	no_path(-EXDEV);
	no_path(-EHOSTDOWN);
	no_path(-ENOENT);
}

// When a consensus says other things of the network's times, the next wait is by them.
static void test_pace(void)
{
	struct net *n = net_make();
	struct client_address to;
	struct net_client c;
	int64_t id, patience_us;

	rig_make();
	CU_ASSERT_EQUAL_FATAL(net_client_open(n, 0, dirs[0], &c), 0);
	patience_us = c.courier->p.patience_us;
	net_address(&c, &to);
	CU_ASSERT_EQUAL(courier_accept(c.store, &n->geometry, &to, "x", 1, n->now_us, &id), 0);
	n->loss = 1000;
	CU_ASSERT_EQUAL(courier_send(c.courier, n->now_us, false), 1);
	courier_pace(c.courier, 50 * patience_us, 50 * c.courier->p.fetch_us);
	n->now_us += 2 * patience_us;
	CU_ASSERT_EQUAL(courier_send(c.courier, n->now_us, false), 1);
	n->now_us += 49 * patience_us;
	CU_ASSERT_EQUAL(courier_send(c.courier, n->now_us, false), 0);
	n->now_us += 20 * patience_us;
	CU_ASSERT_EQUAL(courier_send(c.courier, n->now_us, false), 1);
	net_client_close(&c);
	net_free(n);
	rig_clean();
}

// A mailbox that is never empty puts a fragment off, but not for good.
static void test_busy(void)
{
	const struct fog_mail none = {.seen = 1, .waiting = 5};
	struct client_address to;
	uint8_t notice[FOG_MAIL_HEAD];
	struct net *n = net_make();
	struct net_client c;
	int64_t id, first_us, again_us;

	rig_make();
	CU_ASSERT_EQUAL_FATAL(net_client_open(n, 0, dirs[0], &c), 0);
	fog_mail_put(&none, notice);
	net_address(&c, &to);
	CU_ASSERT_EQUAL(courier_accept(c.store, &n->geometry, &to, "x", 1, n->now_us, &id), 0);
	n->loss = 1000;
	CU_ASSERT_EQUAL(courier_send(c.courier, n->now_us, false), 1);
	first_us = n->now_us;
	for (unsigned i = 0; i < 10000 && courier_counts(c.courier)->again == 0; i++) {
		net_step(n, 20000);
		CU_ASSERT_EQUAL(courier_notice(c.courier, notice, sizeof(notice), n->now_us), 0);
		courier_send(c.courier, n->now_us, false);
	}
	CU_ASSERT_EQUAL(courier_counts(c.courier)->again, 1);
	again_us = n->now_us - first_us;
	CU_ASSERT_TRUE(again_us >= c.courier->p.patience_us + COURIER_RESEND_US);

	// Without mail it isn't put off.
	n->now_us += INT64_C(10) * c.courier->p.patience_us;
	fog_mail_put(&(struct fog_mail){.seen = 2}, notice);
	CU_ASSERT_EQUAL(courier_notice(c.courier, notice, sizeof(notice), n->now_us), 0);
	CU_ASSERT_EQUAL(courier_send(c.courier, n->now_us, false), 1);

	// Put off once more, for it has left since.
	n->now_us += INT64_C(10) * c.courier->p.patience_us;
	fog_mail_put(&none, notice);
	CU_ASSERT_EQUAL(courier_notice(c.courier, notice, sizeof(notice), n->now_us), 0);
	CU_ASSERT_EQUAL(courier_send(c.courier, n->now_us, false), 0);
	net_client_close(&c);
	net_free(n);
	rig_clean();
}

// A mail that doesn't fit into one notice, its parts in any order, one of them twice.
static void test_parts(void)
{
	static const unsigned order[] = {2, 0, 0, 1};
	uint8_t id[CLIENT_FRAGMENT_ID] = {1}, plain[FOG_SPHINX_PACKET_MAX], mail[FOG_MAIL_MAX];
	uint8_t notice[FOG_MAIL_HEAD + FOG_MAIL_MAX];
	struct net *n = net_make();
	size_t room = client_fragment_room(&n->geometry), len = CLIENT_FRAGMENT_HEAD + room;
	struct fog_client_message got;
	struct net_client c;

	rig_make();
	CU_ASSERT_EQUAL_FATAL(net_client_open(n, 0, dirs[0], &c), 0);
	client_fragment_put(id, (const uint8_t *)"in parts", 8, room, 0, plain);
	mail[0] = FOG_MAIL_MESSAGE;
	CU_ASSERT_EQUAL(client_seal(c.keys->mail_public, plain, len, mail + 1), 0);
	len += 1 + CLIENT_SEAL_OVERHEAD;
	for (unsigned i = 0; i < 4; i++) {
		struct fog_mail m = {
		        .number = 1, .part = order[i], .parts = 3, .whole = len, .waiting = 1};
		CU_ASSERT_EQUAL(client_store_receive(c.store, 0, &got), 0);
		fog_mail_cut(&m);
		m.data = mail + m.at;
		size_t size = fog_mail_put(&m, notice);
		CU_ASSERT_EQUAL(courier_notice(c.courier, notice, size, n->now_us), 0);
	}
	CU_ASSERT_EQUAL_FATAL(client_store_receive(c.store, 0, &got), 1);
	CU_ASSERT_EQUAL(got.len, 8);
	CU_ASSERT_EQUAL(memcmp(got.data, "in parts", 8), 0);
	CU_ASSERT_EQUAL(c.courier->have, 1);
	net_client_close(&c);
	net_free(n);
	rig_clean();
}

// A mail of these bytes, as our gateway would hand it out.
static void answer_come(struct net *n, struct net_client *c, const uint8_t *data, size_t len)
{
	struct fog_mail m = {.number = n->box[0].next++, .parts = 1, .whole = len, .data = data};
	uint8_t notice[FOG_MAIL_HEAD + NET_MAIL_LEN];

	fog_mail_cut(&m);
	size_t size = fog_mail_put(&m, notice);
	CU_ASSERT_EQUAL(courier_notice(c->courier, notice, size, n->now_us), 0);
}

// Answers that don't open under their SURB's keys, though the gateway knows its ID, acknowledge nothing, and
// the true one still does.
static void test_answer(void)
{
	struct net *n = net_make();
	size_t len = 1 + FOG_SPHINX_SURB_ID_LEN + FOG_SPHINX_TAG_LEN + n->geometry.payload_len;
	uint8_t true_one[2][NET_MAIL_LEN], false_one[NET_MAIL_LEN], stored = FOG_MAIL_STORED;
	uint8_t *payload = false_one + len - n->geometry.payload_len;
	struct client_address to;
	struct fog_client_status s;
	struct net_client c;
	int64_t id[2];

	rig_make();
	CU_ASSERT_EQUAL_FATAL(net_client_open(n, 0, dirs[0], &c), 0);
	courier_fetch(c.courier);
	net_address(&c, &to);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(
		        courier_accept(c.store, &n->geometry, &to, "x", 1, n->now_us, &id[i]), 0
		);
		CU_ASSERT_EQUAL(courier_send(c.courier, n->now_us, false), 1);
	}
	for (unsigned i = 0; i < 50; i++)
		net_step(n, 20000);
	// Which is whose doesn't matter: each is right for one of two fragments.
	for (unsigned i = 0, found = 0; i < NET_MAILS_MAX && found < 2; i++)
		if (n->box[0].mail[i].number != 0 && n->box[0].mail[i].data[0] == FOG_MAIL_REPLY) {
			CU_ASSERT_EQUAL_FATAL(n->box[0].mail[i].len, len);
			memcpy(true_one[found++], n->box[0].mail[i].data, len);
		}

	for (size_t at = 1 + FOG_SPHINX_SURB_ID_LEN; at < len; at += 37) {
		memcpy(false_one, true_one[0], len);
		false_one[at] ^= 0x10;
		answer_come(n, &c, false_one, len);
	}
	// The other one's answer.
	memcpy(false_one, true_one[1], len);
	memcpy(false_one + 1, true_one[0] + 1, FOG_SPHINX_SURB_ID_LEN);
	answer_come(n, &c, false_one, len);
	// What it would be once it is opened.
	memset(false_one + 1 + FOG_SPHINX_SURB_ID_LEN, 0, FOG_SPHINX_TAG_LEN);
	CU_ASSERT_EQUAL(fog_message_encode(&n->geometry, NULL, &stored, 1, payload), 0);
	answer_come(n, &c, false_one, len);
	CU_ASSERT_EQUAL(courier_counts(c.courier)->acknowledged, 0);
	CU_ASSERT_TRUE(courier_counts(c.courier)->foreign > 10);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(client_store_status(c.store, id[i], &s), 0);
		CU_ASSERT_EQUAL(s.state, FOG_CLIENT_SENT);
		CU_ASSERT_EQUAL(s.acknowledged, 0);
	}
	for (unsigned i = 0; i < 2; i++)
		answer_come(n, &c, true_one[i], len);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(client_store_status(c.store, id[i], &s), 0);
		CU_ASSERT_EQUAL(s.state, FOG_CLIENT_ACKNOWLEDGED);
	}
	net_client_close(&c);
	net_free(n);
	rig_clean();
}

static void test_own(void)
{
	struct courier_pong pong;
	struct net *n = net_make();
	struct net_client c;

	rig_make();
	CU_ASSERT_EQUAL_FATAL(net_client_open(n, 0, dirs[0], &c), 0);
	courier_fetch(c.courier);
	for (unsigned i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(courier_ping(c.courier, n->node[1].id, n->now_us), 0);
		CU_ASSERT_EQUAL(courier_loop(c.courier), 0);
	}
	states_step(n, &c, 50);
	courier_pongs(c.courier, n->now_us, &pong);
	CU_ASSERT_EQUAL(pong.back, 5);
	CU_ASSERT_EQUAL(pong.lost, 0);
	for (unsigned i = 0; i < pong.back; i++)
		CU_ASSERT_TRUE(pong.time_us[i] > 10000 && pong.time_us[i] < 1000000);
	CU_ASSERT_EQUAL(courier_counts(c.courier)->loops_back, 5);
	CU_ASSERT_EQUAL(courier_counts(c.courier)->foreign, 0);
	CU_ASSERT_EQUAL(n->bare, 0); // a gateway can't tell loops from what others send us
	n->loss = 1000;
	CU_ASSERT_EQUAL(courier_ping(c.courier, n->node[1].id, n->now_us), 0);
	states_step(n, &c, 100);
	courier_pongs(c.courier, n->now_us, &pong);
	CU_ASSERT_EQUAL(pong.back, 0);
	CU_ASSERT_EQUAL(pong.lost, 1);
	CU_ASSERT_EQUAL(courier_ping(c.courier, content, n->now_us), -ENOENT);
	net_client_close(&c);
	net_free(n);
	rig_clean();
}

// Fragments of others that never become whole don't push out what grows.
static void test_partial(void)
{
	struct net *n = net_make();
	size_t room = client_fragment_room(&n->geometry);
	struct client_fragment f = {
	        .kind = CLIENT_FRAGMENT_MESSAGE,
	        .count = 3,
	        .length = (uint32_t)(2 * room + 1),
	        .data = content,
	        .len = room};
	struct client_fragment other = f;
	struct fog_client_message m;
	struct net_client c;

	rig_make();
	CU_ASSERT_EQUAL_FATAL(net_client_open(n, 0, dirs[0], &c), 0);
	f.id[0] = 1;
	CU_ASSERT_EQUAL(client_store_fragment(c.store, &f, room, 1), 0);
	CU_ASSERT_EQUAL(client_store_fragment(c.store, &f, room, 2), 0); // a second copy
	other = f;
	other.count = 4;
	CU_ASSERT_EQUAL(client_store_fragment(c.store, &other, room, 2), -EBADMSG);
	f.index = 2;
	f.len = 1;
	CU_ASSERT_EQUAL(client_store_fragment(c.store, &f, room, 3), 0);
	CU_ASSERT_EQUAL(client_store_receive(c.store, 0, &m), 0);
	f.index = 1;
	f.len = room;
	CU_ASSERT_EQUAL(client_store_fragment(c.store, &f, room, 4), 1);
	CU_ASSERT_EQUAL(client_store_fragment(c.store, &f, room, 5), 0); // it was whole already
	CU_ASSERT_EQUAL_FATAL(client_store_receive(c.store, 0, &m), 1);
	CU_ASSERT_EQUAL(m.len, 2 * room + 1);
	CU_ASSERT_EQUAL(client_store_receive(c.store, m.id, &m), 0);
	CU_ASSERT_EQUAL(client_store_forget(c.store, m.id), 0);
	CU_ASSERT_EQUAL(client_store_forget(c.store, m.id), -ENOENT);
	CU_ASSERT_EQUAL(
	        client_store_sweep(
	                c.store,
	                INT64_C(1000000) * CLIENT_STORE_DAY_S * (CLIENT_STORE_KEEP_DAYS + 1)
	        ),
	        0
	);
	net_client_close(&c);
	net_free(n);
	rig_clean();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"states are what happened", test_states},
	        {"no path to a gateway", test_no_path},
	        {"mail that never ends", test_busy},
	        {"another pace", test_pace},
	        {"a mail in parts", test_parts},
	        {"answers that don't open acknowledge nothing", test_answer},
	        {"pings and loops come back", test_own},
	        {"fragments in any order, twice, of others", test_partial},
	        {"what was accepted outlives a kill", test_accepted},
	        {"all messages come once where packets get lost", test_loss},
	        {"all messages come once where clients are killed", test_killed},
	        CU_TEST_INFO_NULL,
	};

	return sodium_init() < 0 || fog_crypto_init() < 0 || check_run("client courier", tests);
}
