// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The client alone, step by step on one thread: what it does at moments that threads hardly meet,
// and what it believes of a data plane.
#include <CUnit/CUnit.h>
#include <sodium.h>
#include <string.h>

#include "../../../controlplane/dpclient_internal.h"
#include "../../../dataplane/session_internal.h"
#include "suites.h"

enum { SEEN = 64 };

struct step {
	struct fog_session *session;
	struct fog_stats *stats;
	struct fog_worker_rings *rings;
	struct fog_dpclient *client;
	char path[64];
	uint64_t seen[SEEN]; // seqs handed out by worker 0, in order
	unsigned seen_n;
	bool refuse;
	// What the data plane got, and what came back of it.
	struct fog_link_session link;
	struct fog_link_send send;
	unsigned sends, punts, acks;
	struct fog_link_punt punt; // last
	uint32_t ack_index;
	int ack_status;
};

static int on_attach(void *ctx, struct fog_worker_rings *rings)
{
	struct step *t = ctx;

	for (unsigned w = 0; w < MINI_WORKERS && t->rings != NULL; w++) {
		const struct fog_ring_tx *old = &t->rings[w].deliver;
		uint32_t from = fog_session_carry_start(old);
		fog_session_carry(old, &from, old->head, &rings[w].deliver);
	}
	t->rings = rings;
	return 0;
}

static void on_detach(void *ctx)
{
}

static int on_link_install(void *ctx, const struct fog_link_session *s)
{
	struct step *t = ctx;

	t->link = *s;
	return s->rx_index == MINI_LINK_REFUSED ? -EEXIST : 0;
}

static int on_link_remove(void *ctx, uint32_t rx_index)
{
	struct step *t = ctx;

	return t->link.rx_index == rx_index ? 0 : -ENOENT;
}

static void on_link_send(void *ctx, const struct fog_link_send *s)
{
	struct step *t = ctx;

	t->send = *s;
	t->sends++;
}

static const struct fog_session_ops session_ops = {
        .attach = on_attach,
        .detach = on_detach,
        .link_install = on_link_install,
        .link_remove = on_link_remove,
        .link_send = on_link_send,
};

static int on_delivered(
        void *ctx, uint32_t worker, const uint8_t boot_id[16], uint64_t seq,
        const struct fog_deliver *d, const uint8_t *data
)
{
	struct step *t = ctx;

	if (t->refuse)
		return -EAGAIN;
	if (t->seen_n < SEEN)
		t->seen[t->seen_n++] = seq;
	return 0;
}

static void on_punt(void *ctx, const struct fog_link_punt *p)
{
	struct step *t = ctx;

	t->punt = *p;
	t->punts++;
}

static void on_link_ack(void *ctx, uint32_t rx_index, int status)
{
	struct step *t = ctx;

	t->ack_index = rx_index;
	t->ack_status = status;
	t->acks++;
}

static const struct fog_dpclient_ops client_ops = {
        .delivered = on_delivered,
        .punt = on_punt,
        .link_ack = on_link_ack,
};

static void client_step(struct step *t)
{
	t->client->retry_ms = 0; // no waiting between attempts
	fog_dpclient_process(t->client);
}

// A connection and what came over it are two rounds of the session's event loop.
static void session_step(struct step *t)
{
	fog_session_process(t->session);
	fog_session_process(t->session);
}

// Cut the connection and go on until our rings are offered.
static void offer_again(struct step *t)
{
	fog_session_fault(t->session, 0);
	client_step(t); // notices
	client_step(t); // HELLO
	session_step(t);
	client_step(t); // RINGS
	CU_ASSERT_PTR_NOT_NULL_FATAL(t->client->making);
}

static bool attached(struct step *t)
{
	struct fog_dpclient_status s;

	fog_dpclient_status(t->client, &s);
	return s.state == FOG_DPCLIENT_ATTACHED;
}

static void attach(struct step *t)
{
	for (unsigned i = 0; i < 20 && !attached(t); i++) {
		client_step(t);
		fog_session_process(t->session);
	}
	CU_ASSERT_TRUE_FATAL(attached(t));
}

static void session_start(struct step *t)
{
	struct fog_session_params params = mini_params(t->path, 0);

	t->rings = NULL;
	int ret = fog_session_create(&params, &session_ops, t, &t->session, &t->stats);
	CU_ASSERT_EQUAL_FATAL(ret, 0);
}

static void step_start(struct step *t)
{
	struct fog_dpclient_params params = {.socket_path = t->path, .build = "step"};

	memset(t, 0, sizeof(*t));
	strcpy(t->path, mini_path());
	session_start(t);
	CU_ASSERT_EQUAL_FATAL(fog_dpclient_create(&params, &client_ops, t, &t->client), 0);
	attach(t);
}

static void step_end(struct step *t)
{
	fog_dpclient_destroy(t->client);
	fog_session_destroy(t->session);
}

static void put(struct step *t, uint64_t seq)
{
	struct fog_deliver d = {.data_len = 8};
	struct fog_ring_tx *tx = &t->rings[0].deliver;
	int err = 0;
	uint8_t *slot = fog_ring_reserve(tx, &err);

	CU_ASSERT_PTR_NOT_NULL_FATAL(slot);
	memcpy(slot, &d, sizeof(d));
	tx->seq = seq;
	fog_ring_commit(tx, FOG_DELIVER_PACKET, sizeof(d) + 8);
}

static void check_seen(struct step *t, const uint64_t *seq, unsigned n)
{
	CU_ASSERT_EQUAL_FATAL(t->seen_n, n);
	CU_ASSERT_EQUAL(memcmp(t->seen, seq, n * sizeof(*seq)), 0);
}

static void test_numbers(void)
{
	static const uint64_t put_seq[] = {7, 8, 8, 7, 1, 9, 12}, want[] = {7, 8, 9, 12};
	struct fog_dpclient_status s;
	struct step t;

	step_start(&t);
	for (unsigned i = 0; i < 7; i++)
		put(&t, put_seq[i]);
	client_step(&t);
	check_seen(&t, want, 4);
	fog_dpclient_status(t.client, &s);
	CU_ASSERT_EQUAL(s.delivered, 4);
	CU_ASSERT_EQUAL(s.deliver_missing, 2); // 10 and 11; what came before 7 another one has
	step_end(&t);
}

// From RINGS to ATTACHED the old index stands still: the data plane may be carrying over.
static void test_standstill(void)
{
	static const uint64_t want[] = {1, 2, 3, 4, 5};
	struct step t;

	step_start(&t);
	t.refuse = true;
	for (uint64_t seq = 1; seq <= 4; seq++)
		put(&t, seq);
	client_step(&t);
	offer_again(&t);
	t.refuse = false;
	for (unsigned i = 0; i < 5; i++)
		client_step(&t);
	CU_ASSERT_EQUAL(t.seen_n, 0);
	CU_ASSERT_FALSE(attached(&t));
	attach(&t);
	client_step(&t);
	check_seen(&t, want, 4);
	put(&t, t.rings[0].deliver.seq);
	client_step(&t);
	check_seen(&t, want, 5);
	step_end(&t);
}

// The data plane took our new rings, carried over, went on, and died before we heard of it.
static void test_died_attaching(void)
{
	static const uint64_t want[] = {1, 2, 3, 4, 5, 6};
	struct step t;

	step_start(&t);
	t.refuse = true;
	for (uint64_t seq = 1; seq <= 4; seq++)
		put(&t, seq);
	client_step(&t);
	offer_again(&t);
	session_step(&t);
	struct fog_msg_attached lost; // as if it had died just before it said so
	CU_ASSERT_EQUAL(recv(t.client->sock, &lost, sizeof(lost), MSG_DONTWAIT), sizeof(lost));
	put(&t, 5);
	put(&t, 6);
	fog_session_destroy(t.session);
	session_start(&t);
	t.refuse = false;
	attach(&t);
	for (unsigned i = 0; i < 3; i++)
		client_step(&t);
	check_seen(&t, want, 6);
	CU_ASSERT_PTR_NULL(t.client->old); // and nothing is kept
	step_end(&t);
}

// A store that takes nothing while data planes come and go: bounded, and said.
static void test_old_rings_bounded(void)
{
	struct step t;
	unsigned n = 0;

	step_start(&t);
	t.refuse = true;
	for (unsigned life = 0; life < DPCLIENT_OLD_MAX + 4; life++) {
		put(&t, 1);
		client_step(&t);
		fog_session_destroy(t.session);
		session_start(&t);
		client_step(&t);
		attach(&t);
	}
	for (struct dpclient_set *s = t.client->old; s != NULL; s = s->next)
		n++;
	CU_ASSERT_EQUAL(n, DPCLIENT_OLD_MAX);
	t.refuse = false;
	client_step(&t);
	CU_ASSERT_EQUAL(t.seen_n, DPCLIENT_OLD_MAX);
	CU_ASSERT_PTR_NULL(t.client->old);
	step_end(&t);
}

// Packets that a living data plane has not taken yet are its own to take, for a while.
static void test_left_packets(void)
{
	uint8_t packet[8] = {0};
	struct fog_dpclient_status s;
	struct fog_worker_rings *old;
	struct step t;

	step_start(&t);
	for (unsigned round = 0; round < 2; round++) {
		old = t.rings;
		for (unsigned i = 0; i < 3; i++)
			CU_ASSERT_EQUAL(
			        fog_dpclient_inject(
			                t.client, FOG_INJECT_UNWRAP, NULL, 1, packet, 8
			        ),
			        0
			);
		offer_again(&t);
		attach(&t);
		client_step(&t);
		fog_dpclient_status(t.client, &s);
		CU_ASSERT_EQUAL(s.inject_lost, 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(t.client->old);
		CU_ASSERT_EQUAL(fog_ring_pending(&t.rings[0].inject), 0);
		for (unsigned w = 0; round == 0 && w < MINI_WORKERS; w++)
			while (fog_ring_pending(&old[w].inject))
				fog_ring_advance(&old[w].inject);
		if (round == 1)
			t.client->old->leave_ms = 1; // long ago
		client_step(&t);
		fog_dpclient_status(t.client, &s);
		CU_ASSERT_EQUAL(s.inject_lost, round * 3);
		CU_ASSERT_PTR_NULL(t.client->old);
	}
	step_end(&t);
}

// A packet given to a data plane that died a moment ago goes to the next one; that nobody reads the
// bell any more must not kill us.
static void test_inject_into_the_dead(void)
{
	uint8_t packet[8] = {0};
	struct step t;

	step_start(&t);
	fog_session_destroy(t.session);
	int ret = fog_dpclient_inject(t.client, FOG_INJECT_UNWRAP, NULL, 1, packet, sizeof(packet));
	CU_ASSERT_EQUAL(ret, 0);
	session_start(&t);
	client_step(&t); // notices
	attach(&t);
	client_step(&t);
	CU_ASSERT_EQUAL(fog_ring_pending(&t.rings[0].inject), 1);
	CU_ASSERT_PTR_NULL(t.client->old);
	step_end(&t);
}

// Cover is for one worker, in order, and for no other data plane than the one that it was given to.
static void test_inject_cover(void)
{
	uint8_t packet[8] = {0}, hop[FOG_ID_LEN] = {9}, slot[1024];
	struct fog_dpclient_status s;
	struct fog_inject in;
	struct step t;

	step_start(&t);
	CU_ASSERT_EQUAL(
	        fog_dpclient_inject_cover(t.client, MINI_WORKERS, hop, 1, packet, 8), -EINVAL
	);
	for (unsigned i = 0; i < MINI_SLOTS; i++) {
		packet[0] = (uint8_t)i;
		CU_ASSERT_EQUAL(fog_dpclient_inject_cover(t.client, 1, hop, 3, packet, 8), 0);
	}
	CU_ASSERT_EQUAL(fog_dpclient_inject_cover(t.client, 1, hop, 3, packet, 8), -ENOBUFS);
	CU_ASSERT_EQUAL(
	        fog_dpclient_inject_cover(t.client, 1, hop, 3, packet, UINT32_MAX / 2), -EMSGSIZE
	);
	CU_ASSERT_FALSE(fog_ring_pending(&t.rings[0].inject));
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(fog_ring_peek(&t.rings[1].inject, slot), 1);
		memcpy(&in, slot + sizeof(struct fog_slot_header), sizeof(in));
		CU_ASSERT_EQUAL(((struct fog_slot_header *)slot)->type, FOG_INJECT_COVER);
		CU_ASSERT_EQUAL(in.epoch, 3);
		CU_ASSERT_EQUAL(memcmp(in.next_hop, hop, sizeof(hop)), 0);
		CU_ASSERT_EQUAL(slot[sizeof(struct fog_slot_header) + sizeof(in)], i);
		fog_ring_advance(&t.rings[1].inject);
	}
	CU_ASSERT_EQUAL(fog_dpclient_inject(t.client, FOG_INJECT_UNWRAP, NULL, 1, packet, 8), 0);
	fog_session_destroy(t.session);
	session_start(&t);
	client_step(&t); // notices
	attach(&t);
	client_step(&t);
	CU_ASSERT_EQUAL(fog_ring_pending(&t.rings[0].inject), 1);
	CU_ASSERT_FALSE(fog_ring_pending(&t.rings[1].inject));
	CU_ASSERT_PTR_NULL(t.client->old);
	fog_dpclient_status(t.client, &s);
	CU_ASSERT_EQUAL(s.inject_lost, 0);
	step_end(&t);
}

static void test_heartbeats(void)
{
	struct step t;

	step_start(&t);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t before = t.session->heartbeat;
		atomic_fetch_add(&t.stats->heartbeat, 1);
		client_step(&t);
		session_step(&t);
		CU_ASSERT_TRUE(t.session->heartbeat > before);
		CU_ASSERT_EQUAL(t.client->peer_beat, t.stats->heartbeat);
	}
	t.session->heartbeat_ms -= 5000;
	t.client->peer_beat_ms -= 5000;
	session_step(&t); // nothing moved since
	struct fog_dpclient_status s;
	fog_dpclient_status(t.client, &s);
	CU_ASSERT_TRUE(fog_session_control_age_ms(t.session) >= 5000);
	CU_ASSERT_TRUE(s.heartbeat_age_ms >= 5000);
	step_end(&t);
}

static void expect_fault(struct step *t, uint64_t faults)
{
	struct fog_dpclient_status s;

	for (unsigned i = 0; i < 3; i++)
		client_step(t);
	fog_dpclient_status(t->client, &s);
	CU_ASSERT_EQUAL(s.faults, faults);
	t->rings = NULL; // the lie is not to be carried over
	attach(t); // and works again
}

// Whatever a data plane writes into its memory, the client ends the connection and comes again.
static void test_lies(void)
{
	uint8_t packet[8] = {0};
	struct fog_ring_consumer *index;
	struct fog_evt evt = {0};
	struct fog_ring_tx *tx;
	struct step t;

	step_start(&t);
	tx = &t.rings[0].deliver;
	atomic_store(&tx->shared->head, MINI_SLOTS + 1);
	expect_fault(&t, 1);

	put(&t, 1);
	tx = &t.rings[0].deliver;
	((struct fog_slot_header *)tx->slots)->len = tx->slot_size - 15;
	expect_fault(&t, 2);

	put(&t, 1);
	((struct fog_deliver *)(t.rings[0].deliver.slots + 16))->data_len = 9;
	expect_fault(&t, 3);

	put(&t, 1);
	((struct fog_slot_header *)t.rings[0].deliver.slots)->type = 2;
	expect_fault(&t, 4);

	fog_session_event(t.session, FOG_EVT_LAST + 1, &evt);
	expect_fault(&t, 5);

	index = t.rings[0].inject.shared;
	atomic_store(&index->tail, 99);
	int ret = fog_dpclient_inject(t.client, FOG_INJECT_UNWRAP, NULL, 1, packet, sizeof(packet));
	CU_ASSERT_EQUAL(ret, -ENOTCONN);
	expect_fault(&t, 6);
	step_end(&t);
}

static void check_ack(struct step *t, uint32_t rx_index, int status)
{
	unsigned acks = t->acks;

	session_step(t);
	client_step(t);
	CU_ASSERT_EQUAL(t->acks, acks + 1);
	CU_ASSERT_EQUAL(t->ack_index, rx_index);
	CU_ASSERT_EQUAL(t->ack_status, status);
}

static void test_link_sessions(void)
{
	struct fog_link_session s = {.rx_index = 0x1000, .rx_key = {1, 2, 3}, .tx_key = {4, 5}};
	struct step t;

	step_start(&t);
	CU_ASSERT_EQUAL(fog_dpclient_link_install(t.client, &s), 0);
	CU_ASSERT_TRUE(
	        sodium_is_zero((void *)t.client->link_message, sizeof(*t.client->link_message))
	);
	check_ack(&t, 0x1000, 0);
	CU_ASSERT_EQUAL(memcmp(&t.link, &s, sizeof(s)), 0);
	CU_ASSERT_TRUE(sodium_is_zero((void *)t.session->msg, sizeof(*t.session->msg)));
	CU_ASSERT_EQUAL(fog_dpclient_link_remove(t.client, 0x2000), 0);
	check_ack(&t, 0x2000, -ENOENT);
	CU_ASSERT_EQUAL(fog_dpclient_link_remove(t.client, 0x1000), 0);
	check_ack(&t, 0x1000, 0);
	s.rx_index = MINI_LINK_REFUSED;
	CU_ASSERT_EQUAL(fog_dpclient_link_install(t.client, &s), 0);
	check_ack(&t, MINI_LINK_REFUSED, -EEXIST);
	// It reads nothing: a time comes when it takes nothing more.
	int ret = 0;
	for (unsigned i = 0; i < 100000 && ret == 0; i++)
		ret = fog_dpclient_link_remove(t.client, i);
	CU_ASSERT_EQUAL(ret, -ENOBUFS);
	fog_session_fault(t.session, 0);
	client_step(&t);
	CU_ASSERT_EQUAL(fog_dpclient_link_install(t.client, &s), -ENOTCONN);
	CU_ASSERT_EQUAL(fog_dpclient_link_remove(t.client, 1), -ENOTCONN);
	step_end(&t);
}

static void test_link_send(void)
{
	static const struct {
		uint32_t type, kind, len;
		uint8_t first;
		bool good;
	} row[] = {
	        {FOG_FRAME_INITIATION, 0, FOG_INITIATION_LEN, FOG_FRAME_INITIATION, true},
	        {FOG_FRAME_INITIATION, 0, FOG_INITIATION_LEN, FOG_FRAME_DATA, false},
	        {FOG_FRAME_INITIATION, 0, FOG_INITIATION_LEN - 1, FOG_FRAME_INITIATION, false},
	        {FOG_FRAME_RESPONSE, 0, FOG_RESPONSE_LEN, FOG_FRAME_RESPONSE, true},
	        {FOG_FRAME_RESPONSE, 0, FOG_INITIATION_LEN, FOG_FRAME_RESPONSE, false},
	        {FOG_FRAME_COOKIE, 0, FOG_COOKIE_LEN, FOG_FRAME_COOKIE, false},
	        {FOG_FRAME_DATA, FOG_KIND_NOTICE, 0, 9, true},
	        {FOG_FRAME_DATA, FOG_KIND_NOTICE, FOG_NOTICE_MAX, 9, true},
	        {FOG_FRAME_DATA, FOG_KIND_NOTICE, FOG_NOTICE_MAX + 1, 9, false},
	        {FOG_FRAME_DATA, FOG_KIND_NOTHING, 0, 0, true},
	        {FOG_FRAME_DATA, FOG_KIND_NOTHING, 1, 0, false},
	        {FOG_FRAME_DATA, FOG_KIND_SPHINX, 0, 0, false},
	        {0, 0, 0, 0, false},
	        {FOG_FRAME_DATA + 1, 0, 0, 0, false},
	};
	struct fog_msg_link_send m = {.h = {.type = FOG_MSG_LINK_SEND, .size = sizeof(m)}};
	struct step t;

	step_start(&t);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		unsigned sends = t.sends;
		m.send = (struct fog_link_send
		){.type = row[i].type, .kind = row[i].kind, .len = row[i].len, .port = 9};
		m.send.data[0] = row[i].first;
		m.send.data[FOG_NOTICE_MAX - 1] = 0x77; // not to be sent unless it is within 'len'
		int ret = fog_dpclient_link_send(t.client, &m.send);
		CU_ASSERT_EQUAL(ret, row[i].good ? 0 : -EINVAL);
		session_step(&t);
		CU_ASSERT_EQUAL(t.sends, sends + row[i].good);
		if (row[i].good) {
			CU_ASSERT_EQUAL(t.send.len, row[i].len);
			CU_ASSERT_EQUAL(t.send.data[0], row[i].len > 0 ? row[i].first : 0);
			CU_ASSERT_EQUAL(
			        t.send.data[FOG_NOTICE_MAX - 1],
			        row[i].len == FOG_NOTICE_MAX ? 0x77 : 0
			);
			continue;
		}
		// Who sends it all the same breaks the protocol.
		uint64_t faults = t.stats->control_faults;
		fog_sock_send(t.client->sock, &m, sizeof(m), NULL, 0);
		session_step(&t);
		CU_ASSERT_EQUAL(t.stats->control_faults, faults + 1);
		client_step(&t);
		attach(&t);
	}
	step_end(&t);
}

// Some of the ring's slots stay for others; what nobody is there to hear is counted.
static void test_punts(void)
{
	struct fog_link_punt p = {.type = FOG_FRAME_DATA, .len = 3, .data = {1, 2, 3}};
	struct step t;
	unsigned n = 0;

	step_start(&t);
	while (fog_session_punt_room(t.session) && n < 10000) {
		p.rx_index = n++;
		CU_ASSERT_EQUAL(fog_session_punt(t.session, &p), 0);
	}
	CU_ASSERT_EQUAL(n, SESSION_EVT_SLOTS - SESSION_EVT_RESERVE);
	CU_ASSERT_EQUAL(fog_session_punt(t.session, &p), -ENOBUFS);
	CU_ASSERT_TRUE(fog_session_event_room(t.session));
	client_step(&t);
	CU_ASSERT_EQUAL(t.punts, n);
	CU_ASSERT_EQUAL(memcmp(&t.punt, &p, sizeof(p)), 0);
	fog_session_fault(t.session, 0);
	uint64_t dropped = t.stats->events_dropped;
	CU_ASSERT_TRUE(fog_session_punt_room(t.session));
	CU_ASSERT_EQUAL(fog_session_punt(t.session, &p), -ENOTCONN);
	CU_ASSERT_EQUAL(t.stats->events_dropped, dropped + 1);
	step_end(&t);
}

static void test_bad_punts(void)
{
	static const struct {
		uint32_t type, len;
		bool good;
	} row[] = {
	        {FOG_FRAME_INITIATION, FOG_INITIATION_LEN, true},
	        {FOG_FRAME_RESPONSE, FOG_RESPONSE_LEN, true},
	        {FOG_FRAME_COOKIE, FOG_COOKIE_LEN, true},
	        {FOG_FRAME_DATA, FOG_NOTICE_MAX, true},
	        {FOG_FRAME_INITIATION, FOG_INITIATION_LEN + 1, false},
	        {FOG_FRAME_RESPONSE, 0, false},
	        {FOG_FRAME_COOKIE, UINT32_MAX, false},
	        {FOG_FRAME_DATA, FOG_NOTICE_MAX + 1, false},
	        {0, 0, false},
	};
	struct step t;
	uint64_t faults = 0;

	step_start(&t);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct fog_link_punt p = {.type = row[i].type, .len = row[i].len};
		unsigned punts = t.punts;
		CU_ASSERT_EQUAL(fog_session_punt(t.session, &p), 0);
		if (row[i].good)
			client_step(&t);
		else
			expect_fault(&t, ++faults);
		CU_ASSERT_EQUAL(t.punts, punts + row[i].good);
	}
	step_end(&t);
}

CU_TestInfo client_tests[] = {
        {"numbers: repeated, old, missing", test_numbers},
        {"standstill while rings are offered", test_standstill},
        {"data plane dies while attaching", test_died_attaching},
        {"old rings are bounded", test_old_rings_bounded},
        {"packets left to a living data plane", test_left_packets},
        {"inject into the dead", test_inject_into_the_dead},
        {"cover for one worker", test_inject_cover},
        {"heartbeats", test_heartbeats},
        {"lies in the data plane's memory", test_lies},
        {"sessions of links", test_link_sessions},
        {"LINK_SEND", test_link_send},
        {"what is punted", test_punts},
        {"punts that can't be", test_bad_punts},
        CU_TEST_INFO_NULL,
};
