// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A gateway's mailboxes on a real store: what is lost on the link comes again, what was answered outlives
// a kill, limits hold; and which deliveries go there, back, or nowhere.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../controlplane/mixnet/inbox.h"
#include "../../../controlplane/mixnet/recipient.h"
#include "../../../controlplane/now.h"
#include "config_text.h"

enum { ROOM = 1280, PATIENCE_MS = 60000 };

static char folder[64], path[96];
static const uint8_t secret[32] = {1}, boot[16] = {7}, self[32] = {1}, client[32] = {3, 3};
static uint8_t box[32];
static struct fog_store *store;
static struct fog_mailboxes *boxes;
static struct fog_geometry geo;
static const struct fog_crypto_ops *ops;

// What was answered: handed to this data plane.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	int refuse; // what it answers instead of taking
	unsigned count;
	struct fog_store_answer_packet last;
	int fd; // told of each, -1: nobody
} plane = {.fd = -1};

static int plane_take(void *ctx, const struct fog_store_answer_packet *a)
{
	pthread_mutex_lock(&lock);
	int r = plane.refuse;
	if (r == 0) {
		plane.last = *a;
		plane.count++;
		if (plane.fd >= 0 && write(plane.fd, a->packet, 8) != 8)
			r = -EIO;
	}
	pthread_mutex_unlock(&lock);
	return r;
}

static const struct fog_mailboxes_ops mailboxes_ops = {.inject = plane_take};

static unsigned plane_count(void)
{
	pthread_mutex_lock(&lock);
	unsigned n = plane.count;
	pthread_mutex_unlock(&lock);
	return n;
}

static void plane_reset(int refuse)
{
	pthread_mutex_lock(&lock);
	plane.refuse = refuse;
	plane.count = 0;
	pthread_mutex_unlock(&lock);
}

static bool plane_waits_for(unsigned n)
{
	for (int i = 0; i < PATIENCE_MS && plane_count() < n; i++)
		usleep(1000);
	return plane_count() == n;
}

static void start(const struct fog_mailbox_limits *limits)
{
	CU_ASSERT_EQUAL_FATAL(fog_store_open(&store, path, secret), 0);
	CU_ASSERT_EQUAL_FATAL(fog_mailboxes_create(store, limits, &mailboxes_ops, NULL, &boxes), 0);
}

static void stop(void)
{
	fog_mailboxes_destroy(boxes);
	fog_store_close(store);
}

static void fresh(const struct fog_mailbox_limits *limits)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -f %s*", path);
	CU_ASSERT_EQUAL(system(command), 0);
	plane_reset(0);
	start(limits);
}

// One FETCH and its MAIL, neither lost. Returns the mail's length, 0: none; -1: not answered.
static int fetch(uint64_t have, uint64_t now_ms, struct fog_mail *m, uint8_t *text)
{
	static uint32_t seen;
	struct fog_fetch f = {.have = have, .seen = seen + 1};
	uint8_t wire[FOG_FETCH_LEN], out[FOG_NOTICE_MAX];

	seen++;
	fog_fetch_put(&f, wire);
	int r = fog_mailboxes_notice(boxes, client, wire, sizeof(wire), ROOM, now_ms, out);
	CU_ASSERT_EQUAL(fog_mailboxes_answered(boxes), 0);
	if (r <= 0)
		return -1;
	CU_ASSERT_EQUAL_FATAL(fog_mail_parse(out, (size_t)r, m), 0);
	CU_ASSERT_EQUAL(m->seen, seen);
	if (m->len > 0)
		memcpy(text, m->data, m->len);
	return (int)m->len;
}

static int put_only(const uint8_t id[32], const char *text)
{
	return fog_mailboxes_put(
	        boxes, id, FOG_MAIL_MESSAGE, NULL, 0, (const uint8_t *)text, strlen(text)
	);
}

static int put(const char *text)
{
	struct fog_store_answer_packet a = {.len = 8};

	CU_ASSERT_EQUAL_FATAL(fog_store_begin(store), 0);
	int r = put_only(box, text);
	snprintf((char *)a.packet, 8, "%s", text);
	if (r == 0)
		r = fog_mailboxes_answer(boxes, &a);
	CU_ASSERT_EQUAL(fog_store_end(store, r == 0), 0);
	fog_mailboxes_ended(boxes, r == 0);
	return r;
}

static uint64_t waiting(void)
{
	struct fog_store_boxes all = {0};

	CU_ASSERT_EQUAL(fog_mailboxes_totals(boxes, &all), 0);
	return all.mails;
}

static void test_life(void)
{
	uint8_t text[FOG_NOTICE_MAX];
	struct fog_mail m;

	fresh(NULL);
	CU_ASSERT_EQUAL(put("nobody"), -ENOENT);
	CU_ASSERT_EQUAL(fetch(0, 1, &m, text), 0);
	CU_ASSERT_EQUAL(m.number, 0);
	CU_ASSERT_EQUAL(put("one"), 0);
	CU_ASSERT_EQUAL(put("two"), 0);
	CU_ASSERT_TRUE(plane_waits_for(2));
	CU_ASSERT_EQUAL(fetch(0, 2, &m, text), 4);
	CU_ASSERT_EQUAL(memcmp(text, "\1one", 4), 0);
	CU_ASSERT_EQUAL(m.waiting, 2);
	uint64_t one = m.number;
	CU_ASSERT_EQUAL(m.settled, one - 1);
	CU_ASSERT_EQUAL(fetch(m.settled, 3, &m, text), 4);
	CU_ASSERT_EQUAL(memcmp(text, "\1two", 4), 0);
	CU_ASSERT_EQUAL(m.number, one + 1);
	// Both are under way: nothing is to be sent, until they must have got lost.
	CU_ASSERT_EQUAL(fetch(0, 4, &m, text), 0);
	CU_ASSERT_EQUAL(m.waiting, 2);
	CU_ASSERT_EQUAL(fetch(0, 1 + FOG_MAILBOX_IDLE_RESEND_MS, &m, text), 0);
	CU_ASSERT_EQUAL(fetch(0, 2 + FOG_MAILBOX_RESEND_MS, &m, text), 4);
	CU_ASSERT_EQUAL(m.number, one);
	CU_ASSERT_EQUAL(fetch(one, 5 + FOG_MAILBOX_RESEND_MS, &m, text), 4);
	CU_ASSERT_EQUAL(m.number, one + 1);
	CU_ASSERT_EQUAL(waiting(), 1);
	CU_ASSERT_EQUAL(fetch(one + 1, 99999, &m, text), 0);
	CU_ASSERT_EQUAL(m.settled, one + 1);
	CU_ASSERT_EQUAL(waiting(), 0);
	// A client that says to have what never was: later mail is still new to it.
	CU_ASSERT_EQUAL(fetch(one + 1000, 99999, &m, text), 0);
	CU_ASSERT_EQUAL(put("three"), 0);
	CU_ASSERT_EQUAL(fetch(one + 1000, 99999, &m, text), 6);
	CU_ASSERT_EQUAL(m.number, one + 1001);
	stop();
}

// What goes first: mail that must have got lost, then new mail, then, rather than nothing, the oldest again.
static void test_order(void)
{
	const uint64_t idle = 3 + FOG_MAILBOX_IDLE_RESEND_MS, lost = 3 + FOG_MAILBOX_RESEND_MS;
	uint8_t text[FOG_NOTICE_MAX];
	struct fog_mail m;

	fresh(NULL);
	plane_reset(0);
	CU_ASSERT_EQUAL(fetch(0, 1, &m, text), 0);
	CU_ASSERT_EQUAL(put("one"), 0);
	CU_ASSERT_EQUAL(put("two"), 0);
	CU_ASSERT_EQUAL(fetch(0, 2, &m, text), 4);
	uint64_t one = m.number;
	CU_ASSERT_EQUAL(fetch(0, 3, &m, text), 4);
	CU_ASSERT_EQUAL(put("three"), 0);
	CU_ASSERT_EQUAL(fetch(0, idle, &m, text), 6);
	CU_ASSERT_EQUAL(m.number, one + 2);
	CU_ASSERT_EQUAL(fetch(0, idle, &m, text), 4);
	CU_ASSERT_EQUAL(m.number, one);
	CU_ASSERT_EQUAL(fetch(0, idle, &m, text), 4);
	CU_ASSERT_EQUAL(m.number, one + 1);
	CU_ASSERT_EQUAL(fetch(0, idle, &m, text), 0);
	CU_ASSERT_EQUAL(put("four"), 0);
	CU_ASSERT_EQUAL(fetch(0, idle - 3 + lost, &m, text), 4);
	CU_ASSERT_EQUAL(m.number, one);
	stop();
}

// A FETCH that says what the client has is answered as if that were forgotten, without a write; it is afterwards, by
// the next FETCH at the latest, or by the client's next one when a process ends in between.
static void test_answer_first(void)
{
	uint8_t text[FOG_NOTICE_MAX], wire[FOG_FETCH_LEN], out[FOG_NOTICE_MAX];
	struct fog_fetch f = {.seen = 1};
	struct fog_mail m;

	fresh(NULL);
	plane_reset(0);
	CU_ASSERT_EQUAL(fetch(0, 1, &m, text), 0);
	for (unsigned round = 0; round < 2; round++) {
		CU_ASSERT_EQUAL(put("one"), 0);
		CU_ASSERT_EQUAL(put("two"), 0);
		CU_ASSERT_EQUAL(fetch(f.have, 2, &m, text), 4);
		CU_ASSERT_EQUAL(fetch(f.have, 2, &m, text), 4);
		f.have = m.number;
		fog_fetch_put(&f, wire);
		int r = fog_mailboxes_notice(boxes, client, wire, sizeof(wire), ROOM, 2, out);
		CU_ASSERT_EQUAL_FATAL(r, FOG_MAIL_HEAD);
		CU_ASSERT_EQUAL(fog_mail_parse(out, (size_t)r, &m), 0);
		CU_ASSERT(m.number == 0 && m.waiting == 0 && m.settled == f.have);
		CU_ASSERT_EQUAL(waiting(), 2);
		if (round == 1) {
			stop();
			start(NULL);
			CU_ASSERT_EQUAL(waiting(), 2);
			CU_ASSERT_EQUAL(fetch(f.have, 3, &m, text), 0);
		} else {
			CU_ASSERT_EQUAL(
			        fog_mailboxes_notice(
			                boxes, client, wire, sizeof(wire), ROOM, 3, out
			        ),
			        FOG_MAIL_HEAD
			);
		}
		CU_ASSERT_EQUAL(waiting(), 0);
	}
	CU_ASSERT_EQUAL(fog_mailboxes_answered(boxes), 0);
	stop();
}

// The store is closed and opened between any two steps.
static void test_restarts(void)
{
	uint8_t text[FOG_NOTICE_MAX];
	struct fog_mail m;

	fresh(NULL);
	plane_reset(-ENOTCONN);
	CU_ASSERT_EQUAL(fetch(0, 1, &m, text), 0);
	stop();
	start(NULL);
	CU_ASSERT_EQUAL(put("one"), 0);
	stop();
	CU_ASSERT_EQUAL(plane_count(), 0);
	plane_reset(0);
	start(NULL);
	CU_ASSERT_TRUE(plane_waits_for(1)); // the answer has waited
	CU_ASSERT_EQUAL(fetch(0, 1, &m, text), 4);
	stop();
	start(NULL);
	CU_ASSERT_EQUAL(fetch(0, 1, &m, text), 4); // whether it had arrived is not known here
	CU_ASSERT_EQUAL(memcmp(text, "\1one", 4), 0);
	CU_ASSERT_EQUAL(fetch(m.number, 1, &m, text), 0);
	stop();
	start(NULL);
	CU_ASSERT_EQUAL(fetch(0, 1, &m, text), 0);
	stop();
	CU_ASSERT_EQUAL(plane_count(), 1);
}

// A third of all FETCHes and MAILs is lost, some come twice; the process starts anew now and then.
static void test_loss(void)
{
	enum { MAILS = 600 };

	static bool have[MAILS];
	struct fog_mailboxes_counts counts;
	uint8_t text[FOG_NOTICE_MAX];
	unsigned arrived = 0, rounds = 0, sent = 0;
	uint64_t now_ms = 1, upto = 0, base = 0;
	struct fog_mail m;

	memset(have, 0, sizeof(have));
	fresh(NULL);
	fetch(0, now_ms, &m, text);
	upto = base = m.settled;
	for (; arrived < MAILS && rounds < 100 * MAILS; rounds++, now_ms += 100) {
		char words[16];
		if (sent < MAILS) {
			snprintf(words, sizeof(words), "%u", sent++);
			CU_ASSERT_EQUAL_FATAL(put(words), 0);
		}
		if (rounds % 500 == 499) {
			stop();
			start(NULL);
		}
		for (unsigned copies = randombytes_uniform(3); copies > 0; copies--) {
			int len = fetch(upto, now_ms, &m, text);
			if (len <= 0 || randombytes_uniform(3) == 0)
				continue;
			uint64_t at = m.number - base - 1;
			CU_ASSERT_TRUE_FATAL(at < MAILS);
			text[len] = 0;
			CU_ASSERT_EQUAL(strtoull((char *)text + 1, NULL, 10), at);
			arrived += !have[at];
			have[at] = true;
		}
		while (upto - base < MAILS && have[upto - base])
			upto++;
	}
	CU_ASSERT_EQUAL(arrived, MAILS);
	fetch(upto, now_ms, &m, text);
	CU_ASSERT_EQUAL(waiting(), 0);
	fog_mailboxes_counts(boxes, &counts);
	printf("%u mails in %u rounds ", arrived, rounds);
	stop();
}

static void child(int fd)
{
	char words[16];
	struct fog_mail m;
	uint8_t text[FOG_NOTICE_MAX];

	plane.fd = fd;
	start(NULL);
	fetch(0, 1, &m, text);
	for (unsigned i = 0;; i++) {
		snprintf(words, sizeof(words), "%07u", i);
		if (put(words) < 0)
			_exit(1);
	}
}

// Killed with SIGKILL anywhere: every mail that was answered is there.
static void test_kill(void)
{
	unsigned answered = 0, last = 0, found = 0;
	uint8_t text[FOG_NOTICE_MAX];
	char words[9] = "";
	struct fog_mail m;
	int fd[2];

	fresh(NULL);
	stop();
	CU_ASSERT_EQUAL_FATAL(pipe(fd), 0);
	pid_t pid = fork();
	if (pid == 0)
		child(fd[1]);
	close(fd[1]);
	while (read(fd[0], words, 8) == 8) {
		last = (unsigned)strtoul(words, NULL, 10);
		if (++answered == 300)
			kill(pid, SIGKILL);
	}
	close(fd[0]);
	waitpid(pid, NULL, 0);
	CU_ASSERT_TRUE(answered >= 300);
	start(NULL);
	uint64_t upto = 0;
	for (;; found++) {
		int len = fetch(upto, 1, &m, text);
		if (len <= 0)
			break;
		upto = m.number;
		text[len] = 0;
		CU_ASSERT_EQUAL(strtoul((char *)text + 1, NULL, 10), found);
	}
	CU_ASSERT_TRUE(found > last);
	stop();
}

static void test_limits(void)
{
	const struct fog_mailbox_limits each = {3 * (4 + FOG_STORE_MAIL_OVERHEAD), 1 << 20, 1};
	const struct fog_mailbox_limits all = {1 << 20, 2 * (4 + FOG_STORE_MAIL_OVERHEAD), 9};
	static const uint8_t other[32] = {4};
	struct fog_fetch f = {.seen = 1};
	uint8_t wire[FOG_FETCH_LEN], out[FOG_NOTICE_MAX], text[FOG_NOTICE_MAX];
	struct fog_mailboxes_counts counts;
	struct fog_mail m;

	fresh(&each);
	fetch(0, 1, &m, text);
	fog_fetch_put(&f, wire);
	CU_ASSERT_EQUAL(fog_mailboxes_notice(boxes, other, wire, sizeof(wire), ROOM, 1, out), 0);
	CU_ASSERT_EQUAL(fog_mailboxes_notice(boxes, other, wire, 5, ROOM, 1, out), 0);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(put("123"), 0);
	CU_ASSERT_EQUAL(put("123"), -EDQUOT);
	fetch(0, 1, &m, text);
	fetch(m.number, 1, &m, text);
	CU_ASSERT_EQUAL(put("123"), 0);
	CU_ASSERT_EQUAL(put(""), -EDQUOT);
	fog_mailboxes_counts(boxes, &counts);
	CU_ASSERT_EQUAL(counts.refused, 1);
	CU_ASSERT_EQUAL(counts.malformed, 1);
	CU_ASSERT_EQUAL(counts.stored, 4);
	CU_ASSERT_EQUAL(counts.full, 0); // nothing was committed of it
	stop();
	start(&all);
	CU_ASSERT_EQUAL(put("123"), -EDQUOT);
	fetch(INT64_MAX / 2, 1, &m, text);
	CU_ASSERT_EQUAL(put("123"), -EDQUOT); // counted anew once a minute
	fog_mailboxes_prune(boxes, 1);
	CU_ASSERT_EQUAL(put("123"), 0);
	stop();
}

static int put_into(const uint8_t id[32], const char *text)
{
	CU_ASSERT_EQUAL_FATAL(fog_store_begin(store), 0);
	int r = put_only(id, text);
	CU_ASSERT_EQUAL(fog_store_end(store, r == 0), 0);
	fog_mailboxes_ended(boxes, r == 0);
	return r;
}

// A FETCH of the client with this key. Returns what waits for it, -1: it gets no answer.
static int fetch_as(const uint8_t key[32], uint64_t now_ms, struct fog_mail *m)
{
	const struct fog_fetch f = {.seen = 1};
	uint8_t wire[FOG_FETCH_LEN], out[FOG_NOTICE_MAX];

	fog_fetch_put(&f, wire);
	int r = fog_mailboxes_notice(boxes, key, wire, sizeof(wire), ROOM, now_ms, out);
	if (r <= 0)
		return -1;
	CU_ASSERT_EQUAL_FATAL(fog_mail_parse(out, (size_t)r, m), 0);
	return m->waiting;
}

// Somebody whose mailbox takes all that it can leaves others their share.
static void test_share(void)
{
	enum { MAIL = 4 + FOG_STORE_MAIL_OVERHEAD };

	const struct fog_mailbox_limits limits = {1 << 20, 16 * MAIL, 4};
	static const uint8_t other[32] = {4};
	uint8_t text[FOG_NOTICE_MAX], other_box[32];
	struct fog_mail m;

	fresh(&limits);
	fog_recipient_mailbox(other, other_box);
	fetch(0, 1, &m, text);
	CU_ASSERT_EQUAL(fetch_as(other, 1, &m), 0);
	for (unsigned i = 0; i < 9; i++)
		CU_ASSERT_EQUAL(put("123"), 0);
	CU_ASSERT_EQUAL(put("123"), -EDQUOT);
	CU_ASSERT_EQUAL(put_into(other_box, "123"), 0);
	CU_ASSERT_EQUAL(put_into(other_box, "123"), 0);
	CU_ASSERT_EQUAL(put_into(other_box, "123"), -EDQUOT); // it has its share
	CU_ASSERT_EQUAL(put("123"), -EDQUOT);
	stop();
}

// However many clients have asked before, one that comes gets its mail.
static void test_many_readers(void)
{
	uint8_t key[32] = {9}, last[32] = {8}, last_box[32];
	struct fog_mail m;

	fresh(NULL);
	for (uint32_t i = 0; i < FOG_MAILBOX_READERS_MAX; i++) {
		memcpy(key + 1, &i, sizeof(i));
		CU_ASSERT_EQUAL(fetch_as(key, 1 + i / 100, &m), 0);
	}
	CU_ASSERT_EQUAL(fetch_as(last, 1000, &m), 0);
	fog_recipient_mailbox(last, last_box);
	CU_ASSERT_EQUAL(put_into(last_box, "mine"), 0);
	CU_ASSERT_EQUAL(fetch_as(last, 1000, &m), 1);
	CU_ASSERT_EQUAL(m.whole, 5);
	stop();
}

// Clients that are away don't take two turns of the minute, one for their mail and one for their mailbox.
static void test_many_old(void)
{
	enum { AWAY = 90 };

	uint8_t key[32] = {9}, id[32];
	struct fog_store_boxes all;
	struct fog_mail m;

	fresh(NULL);
	for (unsigned i = 0; i < 3 * AWAY; i++) {
		key[1] = (uint8_t)(i % AWAY);
		if (i < AWAY)
			CU_ASSERT_EQUAL(fetch_as(key, 1, &m), 0);
		fog_recipient_mailbox(key, id);
		CU_ASSERT_EQUAL(put_into(id, "123"), 0);
	}
	fog_store_boxes_prune(store, fog_now_unix_us() + 1000000);
	CU_ASSERT_EQUAL(fog_mailboxes_totals(boxes, &all), 0);
	CU_ASSERT_EQUAL(all.boxes, 0);
	CU_ASSERT_EQUAL(all.mails, 0);
	stop();
}

static void test_expiry(void)
{
	uint8_t text[FOG_NOTICE_MAX];
	struct fog_mail m;

	fresh(NULL);
	fetch(0, 1, &m, text);
	uint64_t base = m.settled;
	for (int i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(put("old"), 0);
	fog_store_boxes_prune(store, fog_now_unix_us() - 1000000000);
	CU_ASSERT_EQUAL(waiting(), 5);
	usleep(2000);
	int64_t then = fog_now_unix_us();
	usleep(2000);
	CU_ASSERT_EQUAL(put("new"), 0);
	// As if the client had been heard since.
	struct fog_store_box b;
	CU_ASSERT_EQUAL(fog_store_begin(store), 0);
	CU_ASSERT_EQUAL(fog_store_box_get(store, box, &b), 0);
	CU_ASSERT_EQUAL(fog_store_box_heard(store, &b, fog_now_unix_us()), 0);
	CU_ASSERT_EQUAL(fog_store_end(store, 1), 0);
	fog_store_boxes_prune(store, then);
	CU_ASSERT_EQUAL(waiting(), 1);
	// The client is told that the gap never fills.
	CU_ASSERT_EQUAL(fetch(0, 1, &m, text), 4);
	CU_ASSERT_EQUAL(memcmp(text, "\1new", 4), 0);
	CU_ASSERT_EQUAL(m.settled, base + 5);
	CU_ASSERT_EQUAL(m.number, base + 6);
	uint64_t last = m.number;
	fog_store_boxes_prune(store, fog_now_unix_us() + 1000000);
	CU_ASSERT_EQUAL(put("gone"), -ENOENT);
	struct fog_store_boxes all;
	CU_ASSERT_EQUAL(fog_mailboxes_totals(boxes, &all), 0);
	CU_ASSERT_EQUAL(all.boxes + all.mails + all.bytes, 0);
	// Made anew, it goes on above its old numbers.
	fetch(last, 1, &m, text);
	CU_ASSERT_EQUAL(put("again"), 0);
	CU_ASSERT_EQUAL(fetch(last, 1, &m, text), 6);
	CU_ASSERT_TRUE(m.number > last);
	stop();
}

// Deliveries.

static uint8_t hop_private[32];
static struct fog_surb_keys surb_keys;
static struct fog_inbox *inbox;
static bool serves, over;

static struct {
	unsigned count;
	struct fog_parcel last;
} direct;

static bool ways_serves(void *ctx)
{
	return serves;
}

static bool ways_over(void *ctx, uint64_t epoch)
{
	return over;
}

static int ways_inject(void *ctx, const struct fog_parcel *p)
{
	direct.count++;
	direct.last = *p;
	return 0;
}

static void inbox_start(void)
{
	struct fog_inbox_ways ways = {
	        .serves = ways_serves, .over = ways_over, .inject = ways_inject, .mail = boxes};

	memcpy(ways.self, self, sizeof(self));
	CU_ASSERT_EQUAL_FATAL(fog_inbox_create(store, ops, &inbox), 0);
	fog_inbox_ways_set(inbox, &ways);
	memset(&direct, 0, sizeof(direct));
	serves = true;
	over = false;
}

static void surb_make(uint8_t *surb)
{
	struct fog_sphinx_path_hop hop = {
	        .id = {2}, .has_recipient = 1, .has_surb = 1, .recipient = {5}, .surb_id = {6}};

	randombytes_buf(hop_private, 32);
	crypto_scalarmult_base(hop.public_key, hop_private);
	CU_ASSERT_EQUAL_FATAL(fog_surb_create(ops, &geo, &hop, 1, surb, &surb_keys, NULL, NULL), 0);
}

// A message is delivered for 'recipient'. Returns fog_inbox_deliver's answer.
static int deliver(const uint8_t recipient[32], const char *text, bool with_surb)
{
	static uint64_t seq;
	uint8_t data[32 + FOG_SPHINX_PACKET_MAX] = {0}, surb[FOG_SPHINX_PACKET_MAX];
	struct fog_deliver d = {.flags = FOG_DELIVER_RECIPIENT, .data_len = 32u + geo.payload_len};

	memcpy(d.recipient, recipient, 32);
	if (with_surb)
		surb_make(surb);
	CU_ASSERT_EQUAL(
	        fog_message_encode(&geo, with_surb ? surb : NULL, text, strlen(text), data + 32), 0
	);
	return fog_inbox_deliver(inbox, &geo, 0, boot, ++seq, &d, data);
}

// What the sender reads in the answer.
static void answered(const uint8_t *packet, size_t len, const char *text, size_t text_len)
{
	uint8_t copy[FOG_SPHINX_PACKET_MAX];
	struct fog_sphinx_route route;
	struct fog_message m;

	CU_ASSERT_EQUAL_FATAL(len, geo.packet_len);
	memcpy(copy, packet, len);
	CU_ASSERT_EQUAL_FATAL(
	        fog_sphinx_unwrap(ops, &geo, hop_private, copy, geo.packet_len, &route, NULL),
	        FOG_DROP_NONE
	);
	CU_ASSERT_EQUAL(route.surb_id[0], 6);
	CU_ASSERT_EQUAL_FATAL(fog_surb_open(ops, &geo, &surb_keys, copy + geo.header_len), 0);
	CU_ASSERT_EQUAL_FATAL(fog_message_decode(&geo, copy + geo.header_len + 32, &m), 0);
	CU_ASSERT_EQUAL(m.len, text_len);
	CU_ASSERT_EQUAL(memcmp(m.data, text, text_len), 0);
}

static void inbox_stop(void)
{
	fog_inbox_destroy(inbox);
	stop();
}

static void test_deliver_mail(void)
{
	uint8_t text[FOG_NOTICE_MAX], data[32 + FOG_SPHINX_PACKET_MAX];
	struct fog_deliver d = {
	        .flags = FOG_DELIVER_RECIPIENT | FOG_DELIVER_SURB, .surb_id = {0xaa, 0xbb}};
	struct fog_inbox_counts c;
	struct fog_mail m;

	fresh(NULL);
	inbox_start();
	CU_ASSERT_EQUAL(deliver(box, "too early", true), 0);
	answered(direct.last.packet, direct.last.packet_len, "\2", 1);
	CU_ASSERT_EQUAL(direct.last.first_hop[0], 2);
	CU_ASSERT_EQUAL(deliver(box, "too early, and alone", false), 0);
	CU_ASSERT_EQUAL(direct.count, 1);
	fetch(0, 1, &m, text);
	CU_ASSERT_EQUAL(deliver(box, "hello", true), 0);
	CU_ASSERT_TRUE(plane_waits_for(1));
	answered(plane.last.packet, plane.last.len, "\1", 1);
	CU_ASSERT_EQUAL(plane.last.first_hop[0], 2);
	CU_ASSERT_EQUAL(fetch(0, 1, &m, text), 6);
	CU_ASSERT_EQUAL(memcmp(text, "\1hello", 6), 0);
	// Its epoch is over: it is stored, but nobody can be told.
	over = true;
	CU_ASSERT_EQUAL(deliver(box, "late", true), 0);
	CU_ASSERT_EQUAL(fetch(m.number, 1, &m, text), 5);
	// A reply is for its owner to open.
	randombytes_buf(data, 32u + geo.payload_len);
	d.data_len = 32u + geo.payload_len;
	memcpy(d.recipient, box, 32);
	CU_ASSERT_EQUAL(fog_inbox_deliver(inbox, &geo, 1, boot, 1, &d, data), 0);
	CU_ASSERT_EQUAL(fog_inbox_deliver(inbox, &geo, 1, boot, 1, &d, data), 0); // again
	CU_ASSERT_EQUAL(fetch(m.number, 1, &m, text), 1 + 16 + 32 + geo.payload_len);
	CU_ASSERT_EQUAL(memcmp(text, "\2\xaa\xbb\0", 4), 0);
	CU_ASSERT_EQUAL(memcmp(text + 17, data, d.data_len), 0);
	CU_ASSERT_EQUAL(fetch(m.number, 1, &m, text), 0);
	// For the node itself, and for nobody that a node without clients knows.
	CU_ASSERT_EQUAL(deliver(self, "mine", false), 0);
	serves = false;
	CU_ASSERT_EQUAL(deliver(box, "kept here", false), 0);
	fog_inbox_counts(inbox, &c);
	CU_ASSERT_EQUAL(c.received, 2);
	CU_ASSERT_EQUAL(c.no_mailbox, 2);
	CU_ASSERT_EQUAL(c.duplicates, 1);
	CU_ASSERT_EQUAL(plane_count(), 1);
	inbox_stop();
}

static void test_full(void)
{
	const struct fog_mailbox_limits none = {1, 1 << 20, 9};
	uint8_t text[FOG_NOTICE_MAX];
	struct fog_mailboxes_counts counts;
	struct fog_mail m;

	fresh(&none);
	inbox_start();
	fetch(0, 1, &m, text);
	CU_ASSERT_EQUAL(deliver(box, "hello", true), 0);
	answered(direct.last.packet, direct.last.packet_len, "\3", 1);
	fog_mailboxes_counts(boxes, &counts);
	CU_ASSERT_EQUAL(counts.full, 1);
	CU_ASSERT_EQUAL(counts.stored, 0);
	inbox_stop();
}

static void test_echo_and_drop(void)
{
	uint8_t echo[32], drop[32];
	struct fog_inbox_counts c;

	fog_recipient_echo(echo);
	fog_recipient_drop(drop);
	fresh(NULL);
	inbox_start();
	serves = false; // every node does
	CU_ASSERT_EQUAL(deliver(echo, "back to me", true), 0);
	answered(direct.last.packet, direct.last.packet_len, "back to me", 10);
	CU_ASSERT_EQUAL(deliver(echo, "no way back", false), 0);
	CU_ASSERT_EQUAL(deliver(drop, "away", true), 0);
	over = true;
	CU_ASSERT_EQUAL(deliver(echo, "too late", true), 0);
	over = false;
	fog_inbox_counts(inbox, &c);
	CU_ASSERT_EQUAL(c.echoed, 1);
	CU_ASSERT_EQUAL(c.echo_refused, 2);
	CU_ASSERT_EQUAL(c.dropped, 1);
	CU_ASSERT_EQUAL(c.received, 0);
	CU_ASSERT_EQUAL(direct.count, 1);
	uint64_t begin = fog_now_ms();
	for (int i = 0; i < 3 * FOG_INBOX_ANSWERS_RATE; i++)
		CU_ASSERT_EQUAL(deliver(echo, "flood", true), 0);
	uint64_t seconds = (fog_now_ms() - begin) / 1000 + 2;
	CU_ASSERT_TRUE(direct.count <= seconds * FOG_INBOX_ANSWERS_RATE);
	fog_inbox_counts(inbox, &c);
	CU_ASSERT_EQUAL(c.answers_limited + direct.count, 3 * FOG_INBOX_ANSWERS_RATE + 1);
	inbox_stop();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"life of a mail", test_life},
	        {"what goes first", test_order},
	        {"the answer first", test_answer_first},
	        {"a restart between any two steps", test_restarts},
	        {"losses and repetitions", test_loss},
	        {"SIGKILL", test_kill},
	        {"limits", test_limits},
	        {"shares", test_share},
	        {"many clients", test_many_readers},
	        {"many clients that are away", test_many_old},
	        {"expiry", test_expiry},
	        {"deliveries for mailboxes", test_deliver_mail},
	        {"a full mailbox", test_full},
	        {"echo and drop", test_echo_and_drop},
	        CU_TEST_INFO_NULL,
	};
	char command[96];

	snprintf(folder, sizeof(folder), "/tmp/fog-mailbox-XXXXXX");
	if (fog_crypto_init() < 0 || mkdtemp(folder) == NULL || fog_geometry_init(&geo, 5, 900) < 0)
		return 1;
	ops = fog_crypto_ops_get(NULL);
	fog_recipient_mailbox(client, box);
	snprintf(path, sizeof(path), "%s/store.db", folder);
	int r = check_run("mailbox", tests);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) == 0 ? r : 1;
}
