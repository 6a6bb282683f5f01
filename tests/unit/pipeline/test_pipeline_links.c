// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Two pipelines with an encrypted link between them: what passes, and under which name everything
// else is dropped. The books are checked with every snapshot.
#include <errno.h>
#include <rte_ip.h>
#include <rte_ring_elem.h>
#include <sodium.h>

#include "../../../dataplane/link_stage.h"
#include "../../../dataplane/punt.h"
#include "../run.h"
#include "link_pair.h"

enum { INDEX_AT = 4, COUNTER_AT = 8, TEXT_AT = FOG_FRAME_HEADER, TRIES = 100000 };

static uint64_t dropped(struct rig *r, enum fog_drop reason)
{
	return rig_snapshot(r)->drop[reason];
}

// Both ends may send.
static struct pair *pair_ready(void)
{
	struct pair *p = pair_create();

	pair_nothing(p->a, p->a_index, p->b);
	CU_ASSERT_EQUAL(rig_snapshot(p->b)->answered, 1);
	return p;
}

// The frame that pair_packet made, with its bytes as they are now, is dropped by 'a' for this reason.
static void check_dropped(struct pair *p, const struct pair_frame *f, enum fog_drop reason)
{
	uint64_t drops = rig_snapshot(p->a)->drops, before = dropped(p->a, reason);

	pair_put(p->a, f);
	CU_ASSERT_EQUAL(dropped(p->a, reason), before + 1);
	CU_ASSERT_EQUAL(rig_snapshot(p->a)->drops, drops + 1);
}

static void check_taken(struct pair *p, const struct pair_frame *f)
{
	struct fog_worker_counters before = *rig_snapshot(p->a);

	pair_put(p->a, f);
	rig_run(p->a, NULL, NULL);
	CU_ASSERT_EQUAL(rig_snapshot(p->a)->tx, before.tx + 1);
	CU_ASSERT_EQUAL(rig_snapshot(p->a)->drops, before.drops);
}

// b seals, a opens, delays and seals, b opens and delivers.
static void test_path(void)
{
	struct pair *p = pair_ready();
	struct pair_frame in, out;

	pair_packet(p, &in);
	CU_ASSERT_EQUAL(pair_payload(&in)[0], FOG_FRAME_DATA);
	pair_put(p->a, &in);
	pair_sent(p->a, &out);
	// Counter 1: NOTHING had 0.
	static const uint8_t header[8] = {FOG_FRAME_DATA};
	CU_ASSERT_EQUAL(memcmp(pair_payload(&out), header, 4), 0);
	CU_ASSERT_EQUAL(pair_payload(&out)[COUNTER_AT + 7], 1);
	pair_put(p->b, &out);
	CU_ASSERT_EQUAL(rig_snapshot(p->b)->delivered, 1);
	CU_ASSERT_EQUAL(rig_snapshot(p->b)->drops + rig_snapshot(p->a)->drops, 0);
	// Whose a frame is, the session says: node 1 has statistics slot 1.
	CU_ASSERT_EQUAL(rig_snapshot(p->a)->peer[fog_conf_peer(p->a->peer_id, p->a->id[1])].rx, 1);
	pair_destroy(p);
}

// Frame by frame from another port of this worker's, however long the session lives: all of them in turn.
static void test_source_ports(void)
{
	struct pair *p = pair_ready();
	struct pair_frame f;
	uint64_t seen = 0;

	for (unsigned i = 0; i < FOG_SOURCE_PORTS; i++) {
		pair_packet(p, &f);
		const uint8_t *udp = f.bytes + PAIR_UDP_AT;
		unsigned port = (unsigned)(udp[0] << 8 | udp[1]) - 49152;
		CU_ASSERT_FATAL(port < FOG_SOURCE_PORTS);
		seen |= UINT64_C(1) << port;
	}
	CU_ASSERT_EQUAL(seen, UINT64_MAX);
	pair_destroy(p);
}

// Another worker sends under a sub-session of its own: index, key, counter, source ports.
static void test_workers(void)
{
	struct pair *p = pair_ready();
	struct fog_link_session s = pair_session(p, p->a);
	struct rte_mbuf *m;
	struct pair_frame one, two;

	s.rx_count = 2;
	fog_link_free(fog_link_take(p->a->links, p->a_index));
	CU_ASSERT_EQUAL_FATAL(pair_install(p->a, &s), 0);
	pair_packet(p, &one);
	p->b->w->index = 1; // from here on this worker is the second
	CU_ASSERT_EQUAL(stage_link_send_control(p->b->w, p->b_index, FOG_KIND_NOTHING, NULL, 0), 0);
	rig_run(p->b, NULL, NULL);
	CU_ASSERT_EQUAL_FATAL(fog_loop_take(p->b->port, 1, &m, 1), 1);
	memcpy(two.bytes, rte_pktmbuf_mtod(m, void *), m->data_len);
	two.len = m->data_len;
	rte_pktmbuf_free(m);
	CU_ASSERT_NOT_EQUAL(memcmp(one.bytes + PAIR_UDP_AT, two.bytes + PAIR_UDP_AT, 2), 0);
	CU_ASSERT_EQUAL(pair_payload(&two)[INDEX_AT + 3], pair_payload(&one)[INDEX_AT + 3] + 1);
	static const uint8_t first[8];
	CU_ASSERT_EQUAL(memcmp(pair_payload(&one) + COUNTER_AT, first, 8), 0);
	CU_ASSERT_EQUAL(memcmp(pair_payload(&two) + COUNTER_AT, first, 8), 0);
	check_taken(p, &one);
	uint64_t answered = rig_snapshot(p->a)->answered;
	pair_put(p->a, &two);
	CU_ASSERT_EQUAL(rig_snapshot(p->a)->answered, answered + 1);
	check_dropped(p, &two, FOG_DROP_LINK_REPLAY);
	uint8_t *payload = pair_payload(&two);
	payload[INDEX_AT + 3] ^= 1; // under the other's index it is no frame of its
	payload[COUNTER_AT + 7] = 9;
	check_dropped(p, &two, FOG_DROP_LINK_TAMPERED);
	pair_destroy(p);
}

static void test_replayed(void)
{
	struct pair *p = pair_ready();
	struct pair_frame f;

	pair_packet(p, &f);
	check_taken(p, &f);
	check_dropped(p, &f, FOG_DROP_LINK_REPLAY);
	// No key is used for a counter that came before, whatever stands behind it.
	pair_payload(&f)[TEXT_AT] ^= 1;
	check_dropped(p, &f, FOG_DROP_LINK_REPLAY);
	// Both copies in one burst: the window answers after the tags.
	pair_packet(p, &f);
	rig_put_frame(p->a, f.bytes, f.len);
	check_dropped(p, &f, FOG_DROP_LINK_REPLAY);
	pair_destroy(p);
}

// One burst: each frame is judged by its own tag.
static void test_burst(void)
{
	struct pair *p = pair_ready();
	struct pair_frame frame[4];

	for (unsigned i = 0; i < 4; i++)
		pair_packet(p, &frame[i]);
	uint8_t *bad[2] = {pair_payload(&frame[1]), pair_payload(&frame[2])};
	bad[0][TEXT_AT] ^= 1;
	bad[1][TEXT_AT] ^= 1;
	uint64_t before = rig_snapshot(p->a)->tx;
	for (unsigned i = 0; i < 4; i++)
		rig_put_frame(p->a, frame[i].bytes, frame[i].len);
	rig_run(p->a, NULL, NULL);
	CU_ASSERT_EQUAL(rig_snapshot(p->a)->tx, before + 2);
	CU_ASSERT_EQUAL(dropped(p->a, FOG_DROP_LINK_TAMPERED), 2);
	// The good ones among them are used up, and no other ones.
	check_dropped(p, &frame[0], FOG_DROP_LINK_REPLAY);
	check_dropped(p, &frame[3], FOG_DROP_LINK_REPLAY);
	bad[0][TEXT_AT] ^= 1;
	check_taken(p, &frame[1]);
	pair_destroy(p);
}

// More frames to seal in one round than the queue holds.
static void test_seal_full(void)
{
	struct pair *p = pair_ready();
	uint64_t before = rig_snapshot(p->a)->made;
	unsigned sent = 0;

	for (unsigned i = 0; i < FOG_BURST + 1; i++)
		sent += stage_link_send_control(p->a->w, p->a_index, FOG_KIND_NOTHING, NULL, 0) ==
		        0;
	CU_ASSERT_EQUAL(sent, FOG_BURST + 1);
	CU_ASSERT_EQUAL(rig_run(p->a, NULL, NULL), FOG_BURST + 1);
	CU_ASSERT_EQUAL(rig_snapshot(p->a)->made, before + FOG_BURST + 1);
	pair_destroy(p);
}

static void test_reordered(void)
{
	static const unsigned order[] = {3, 0, 4, 2, 1};
	struct pair *p = pair_ready();
	struct pair_frame f[5], late;

	for (unsigned i = 0; i < 5; i++)
		pair_packet(p, &f[i]);
	for (unsigned i = 0; i < 5; i++)
		check_taken(p, &f[order[i]]);
	pair_packet(p, &late); // counter 5
	pair_packet(p, &f[0]); // counter 6
	struct fog_link *l = fog_link_find(p->b->links, p->b_index);
	atomic_store(&l->lane[0].counter, 6 + FOG_LINK_WINDOW);
	pair_packet(p, &f[1]);
	check_taken(p, &f[1]);
	check_dropped(p, &late, FOG_DROP_LINK_OLD);
	check_taken(p, &f[0]); // exactly as far behind as the window reaches
	pair_destroy(p);
}

static void test_tampered(void)
{
	struct pair *p = pair_ready();
	struct pair_frame f;

	pair_packet(p, &f);
	const unsigned at[] = {
	        COUNTER_AT + 7, TEXT_AT,        TEXT_AT + 1,    TEXT_AT + 700,
	        TEXT_AT + 1407, TEXT_AT + 1408, TEXT_AT + 1423,
	};
	for (unsigned i = 0; i < RTE_DIM(at); i++) {
		pair_payload(&f)[at[i]] ^= 0x10;
		check_dropped(p, &f, FOG_DROP_LINK_TAMPERED);
		pair_payload(&f)[at[i]] ^= 0x10;
	}
	// Forged frames have moved no window and used up no counter.
	check_taken(p, &f);
	pair_destroy(p);
}

// Refused by their headers.
static void test_header(void)
{
	struct pair *p = pair_ready();
	struct pair_frame f;

	pair_packet(p, &f);
	uint8_t *payload = pair_payload(&f);
	for (unsigned i = 1; i < 4; i++) {
		payload[i] = 1;
		check_dropped(p, &f, FOG_DROP_LINK_FRAME);
		payload[i] = 0;
	}
	for (unsigned type = 0; type < 256; type += type == 0 ? 5 : 1) {
		payload[0] = (uint8_t)type;
		check_dropped(p, &f, FOG_DROP_LINK_FRAME);
	}
	payload[0] = FOG_FRAME_DATA;
	for (unsigned i = INDEX_AT; i < COUNTER_AT; i++) {
		payload[i] ^= 0x41; // in the last byte a sub-session that the peer has not
		check_dropped(p, &f, FOG_DROP_LINK_SESSION);
		payload[i] ^= 0x41;
	}
	payload[INDEX_AT + 3] ^= 1;
	check_dropped(p, &f, FOG_DROP_LINK_SESSION);
	payload[INDEX_AT + 3] ^= 1;
	payload[COUNTER_AT] = 1; // beyond what any session may count
	check_dropped(p, &f, FOG_DROP_LINK_SESSION);
	payload[COUNTER_AT] = 0;
	check_taken(p, &f);
	pair_destroy(p);
}

// Frames that are not of the network's one length.
static void test_length(void)
{
	struct pair *p = pair_ready();
	struct rig_frame good = rig_frame_good(p->a);
	struct pair_frame f;
	uint32_t len = p->a->w->geo.packet_len + FOG_LINK_OVERHEAD;

	pair_packet(p, &f);
	rig_put(p->a, &good, pair_payload(&f), len - 1);
	rig_put(p->a, &good, pair_payload(&f), p->a->w->geo.packet_len);
	rig_put(p->a, &good, pair_payload(&f), len + 1);
	rig_settle(p->a);
	f.len -= 1;
	check_dropped(p, &f, FOG_DROP_FRAME_TRUNCATED);
	CU_ASSERT_EQUAL(dropped(p->a, FOG_DROP_UNDERSIZE), 2);
	CU_ASSERT_EQUAL(dropped(p->a, FOG_DROP_OVERSIZE), 1);
	f.len += 1;
	check_taken(p, &f);
	pair_destroy(p);
}

// A genuine frame with this begin of its text.
static void seal_kind(struct pair *p, struct pair_frame *f, const uint8_t *begin, size_t len)
{
	struct fog_link *l = fog_link_find(p->b->links, p->b_index);

	pair_packet(p, f);
	uint8_t *frame = pair_payload(f), *text = frame + TEXT_AT;
	struct fog_gcm_job job = {
	        .key = &l->lane[0].key,
	        .aad = frame,
	        .text = text,
	        .tag = text + p->a->w->geo.packet_len,
	};
	memcpy(job.nonce + 4, frame + COUNTER_AT, 8);
	memset(text, 0, p->a->w->geo.packet_len);
	memcpy(text, begin, len);
	p->b->links->crypto->gcm_seal(1, &job, p->a->w->geo.packet_len);
}

static void test_kinds(void)
{
	struct pair *p = pair_ready();
	struct pair_frame f;

	for (unsigned kind = FOG_KIND_NOTICE + 1; kind < 256; kind++) {
		seal_kind(p, &f, (const uint8_t[]){(uint8_t)kind}, 1);
		check_dropped(p, &f, FOG_DROP_LINK_FRAME);
	}
	uint64_t answered = rig_snapshot(p->a)->answered;
	seal_kind(p, &f, (const uint8_t[]){FOG_KIND_NOTHING}, 1);
	pair_put(p->a, &f);
	CU_ASSERT_EQUAL(rig_snapshot(p->a)->answered, answered + 1);
	// The link's last two bytes are the packet's constant prefix again before anybody looks at it.
	seal_kind(p, &f, (const uint8_t[]){FOG_KIND_SPHINX, PAIR_EPOCH}, 2);
	check_dropped(p, &f, FOG_DROP_ZERO_SECRET);
	pair_destroy(p);
}

static void test_no_link(void)
{
	struct pair *p = pair_create();
	struct fog_inject in = {.data_len = p->b->w->geo.packet_len};
	int err;
	uint8_t *at = fog_ring_reserve(&p->b->inject, &err);

	// b has heard nothing yet: its session is not sent with.
	memcpy(in.next_hop, p->b->id[1], sizeof(in.next_hop));
	memcpy(at, &in, sizeof(in));
	fog_ring_commit(&p->b->inject, FOG_INJECT_FORWARD, (uint32_t)sizeof(in) + in.data_len);
	rig_run(p->b, NULL, NULL);
	CU_ASSERT_EQUAL(dropped(p->b, FOG_DROP_NO_LINK), 1);
	// Yet it can be confirmed under.
	pair_nothing(p->b, p->b_index, p->a);
	CU_ASSERT_EQUAL(rig_snapshot(p->a)->answered, 1);
	pair_destroy(p);
}

// A key that has sent as much as it may sends no more, and is not listened to either.
static void test_used_up(void)
{
	struct pair *p = pair_ready();
	struct pair_frame f;

	pair_renew(p);
	struct fog_link *a = fog_link_find(p->a->links, p->a_index),
	                *b = fog_link_find(p->b->links, p->b_index);
	pair_nothing(p->a, p->a_index, p->b);
	b->rekey_packets = 1;
	b->reject_packets = 2;
	CU_ASSERT_FALSE(fog_link_worn(b));
	pair_packet(p, &f);
	CU_ASSERT_TRUE(fog_link_worn(b));
	pair_packet(p, &f);
	a->reject_packets = 1;
	check_dropped(p, &f, FOG_DROP_LINK_SESSION);
	CU_ASSERT_EQUAL(
	        stage_link_send_control(p->b->w, p->b_index, FOG_KIND_NOTHING, NULL, 0), -ENOTCONN
	);
	CU_ASSERT_EQUAL(fog_link_tx_sum(b), 2);
	rig_run(p->b, NULL, NULL);
	CU_ASSERT_EQUAL(rig_snapshot(p->b)->made, 0);
	pair_destroy(p);
}

// What was in the buffers before must not leave with what is in them now.
static void buffers_soil(struct rig *r)
{
	static struct rte_mbuf *m[1 << 14];
	unsigned n = 0;

	while (n < RTE_DIM(m) && (m[n] = rte_pktmbuf_alloc(r->w->pool)) != NULL) {
		memset(m[n]->buf_addr, 0xa5, m[n]->buf_len);
		n++;
	}
	CU_ASSERT_TRUE(n > 0);
	rte_pktmbuf_free_bulk(m, n);
}

static void test_control(void)
{
	struct pair *p = pair_ready();
	uint8_t notice[FOG_NOTICE_MAX + 1] = {1, 2, 3};
	struct pair_frame f;

	CU_ASSERT_EQUAL(
	        stage_link_send_control(p->b->w, p->b_index ^ 1u << 31, FOG_KIND_NOTICE, notice, 1),
	        -ENOENT
	);
	CU_ASSERT_EQUAL(
	        stage_link_send_control(
	                p->b->w, p->b_index, FOG_KIND_NOTICE, notice,
	                fog_notice_room(p->b->w->geo.packet_len) + 1
	        ),
	        -EMSGSIZE
	);
	CU_ASSERT_EQUAL(
	        stage_link_send_control(
	                p->b->w, p->b_index, FOG_KIND_NOTICE, notice,
	                fog_notice_room(p->b->w->geo.packet_len)
	        ),
	        0
	);
	pair_sent(p->b, &f);
	buffers_soil(p->b);
	CU_ASSERT_EQUAL(
	        stage_link_send_control(p->b->w, p->b_index, FOG_KIND_NOTICE, notice, 3), 0
	);
	CU_ASSERT_EQUAL(rig_snapshot(p->b)->in_batch, 1);
	const uint8_t *text = p->b->w->seal.job[0].text;
	CU_ASSERT_TRUE(sodium_is_zero(
	        text + FOG_NOTICE_HEADER + 3, p->b->w->geo.packet_len - FOG_NOTICE_HEADER - 3
	));
	pair_sent(p->b, &f);
	struct fog_worker_counters before = *rig_snapshot(p->a);
	pair_put(p->a, &f);
	const struct fog_worker_counters *c = rig_snapshot(p->a);
	CU_ASSERT_EQUAL(
	        c->punted + c->drop[FOG_DROP_PUNT_FULL],
	        before.punted + before.drop[FOG_DROP_PUNT_FULL] + 1
	);
	rig_configure(p->b, RIG_NODES, 0); // no neighbour any more
	CU_ASSERT_EQUAL(
	        stage_link_send_control(p->b->w, p->b_index, FOG_KIND_NOTHING, NULL, 0),
	        -ENETUNREACH
	);
	pair_destroy(p);
}

// A notice from 'b', or from whomever its session was made the session of. Returns whether it was handed on.
static bool notice_passes(struct pair *p)
{
	uint64_t before = rig_snapshot(p->a)->punted;
	struct fog_link_punt punt;
	struct pair_frame f;

	CU_ASSERT_EQUAL(stage_link_send_control(p->b->w, p->b_index, FOG_KIND_NOTICE, NULL, 0), 0);
	pair_sent(p->b, &f);
	pair_put(p->a, &f);
	rte_ring_sc_dequeue_elem(p->a->w->punts, &punt, sizeof(punt));
	return rig_snapshot(p->a)->punted == before + 1;
}

// One node tells as much as it can: another's notices come through all the same.
static void test_notices(void)
{
	struct pair *p = pair_ready();
	unsigned passed = 0;

	while (passed < TRIES && notice_passes(p))
		passed++;
	CU_ASSERT_TRUE(passed >= FOG_NOTICES_BURST && passed < TRIES);
	CU_ASSERT_EQUAL(dropped(p->a, FOG_DROP_PUNT_FULL), 1);
	fog_link_find(p->a->links, p->a_index)->peer = fog_conf_peer(p->a->peer_id, p->a->id[2]);
	CU_ASSERT_TRUE(notice_passes(p));
	pair_destroy(p);
}

// Which session is sent with, as sessions come and prove themselves.
static void test_states(void)
{
	struct pair *p = pair_create();
	uint16_t to_a = fog_conf_peer(p->b->peer_id, p->b->id[1]);
	struct fog_link *first = fog_link_find(p->b->links, p->b_index);
	struct pair_frame f;

	CU_ASSERT_EQUAL(first->state, FOG_LINK_WAITING);
	CU_ASSERT_PTR_NULL(fog_link_sending(p->b->links, to_a));
	CU_ASSERT_EQUAL(fog_link_find(p->a->links, p->a_index)->state, FOG_LINK_SENDING);
	pair_nothing(p->a, p->a_index, p->b);
	CU_ASSERT_EQUAL(first->state, FOG_LINK_SENDING);
	CU_ASSERT_PTR_EQUAL(fog_link_sending(p->b->links, to_a), first);
	CU_ASSERT_FALSE(fog_link_table_switch(p->b->links)); // no news
	pair_packet(p, &f);

	uint32_t a_first = p->a_index, b_first = p->b_index;
	pair_renew(p);
	struct fog_link *second = fog_link_find(p->b->links, p->b_index);
	CU_ASSERT_EQUAL(fog_link_find(p->a->links, a_first)->state, FOG_LINK_OLD);
	CU_ASSERT_EQUAL(first->state, FOG_LINK_SENDING);
	CU_ASSERT_EQUAL(second->state, FOG_LINK_WAITING);
	pair_nothing(p->a, p->a_index, p->b);
	CU_ASSERT_EQUAL(first->state, FOG_LINK_OLD);
	CU_ASSERT_EQUAL(second->state, FOG_LINK_SENDING);
	check_taken(p, &f); // what is under way under the old one arrives

	fog_link_free(fog_link_take(p->a->links, a_first));
	CU_ASSERT_PTR_NULL(fog_link_take(p->a->links, a_first));
	check_dropped(p, &f, FOG_DROP_LINK_SESSION);
	fog_link_free(fog_link_take(p->b->links, b_first));
	CU_ASSERT_PTR_EQUAL(fog_link_sending(p->b->links, to_a), second);
	fog_link_free(fog_link_take(p->b->links, p->b_index));
	CU_ASSERT_PTR_NULL(fog_link_sending(p->b->links, to_a));
	pair_destroy(p);
}

// No key to send with comes twice, and nothing that can't be is believed.
static void test_install(void)
{
	struct pair *p = pair_create();
	const struct fog_link_session good = pair_session(p, p->a);
	struct fog_link_session s = good;

	CU_ASSERT_EQUAL(pair_install(p->a, &s), -EEXIST);
	s.rx_index ^= 1u << 31; // the same slot
	randombytes_buf(s.tx_key, 32);
	CU_ASSERT_EQUAL(pair_install(p->a, &s), -EEXIST);
	s = good;
	s.rx_index += 1u << FOG_LINK_SUB_BITS; // another slot, the same key
	CU_ASSERT_EQUAL(pair_install(p->a, &s), -EEXIST);
	s.tx_key[31] ^= 1;
	CU_ASSERT_EQUAL(pair_install(p->a, &s), 0);
	struct fog_link_session bad[] = {s, s, s, s, s, s, s, s, s};
	bad[0].rx_index += 1;
	bad[1].tx_index += 1;
	bad[2].rx_count = 0;
	bad[3].rx_count = FOG_WORKERS_MAX + 1;
	bad[4].class = 0;
	bad[5].class = FOG_LINK_CLIENT + 1;
	bad[6].ip.family = 5;
	bad[7].port = 0;
	bad[8].reject_packets = 0;
	for (unsigned i = 0; i < RTE_DIM(bad); i++) {
		bad[i].rx_index += 2u << FOG_LINK_SUB_BITS;
		bad[i].tx_key[0] ^= 1;
		CU_ASSERT_EQUAL(pair_install(p->a, &bad[i]), -EINVAL);
	}
	pair_destroy(p);
}

// A frame of 'f' with another source.
static void source_change(struct pair_frame *f, uint8_t host, uint16_t udp_port)
{
	uint8_t *ip = f->bytes + 14, *udp = ip + 20;

	ip[15] = host;
	ip[10] = ip[11] = 0;
	uint16_t sum = (uint16_t)~rte_raw_cksum(ip, 20);
	memcpy(ip + 10, &sum, sizeof(sum));
	udp[0] = (uint8_t)(udp_port >> 8);
	udp[1] = (uint8_t)udp_port;
	udp[6] = udp[7] = 0;
}

static void check_place(struct pair *p, uint8_t host, uint16_t udp_port)
{
	struct fog_ip ip;
	uint16_t port;

	fog_link_place(fog_link_find(p->a->links, p->a_index), &ip, &port);
	CU_ASSERT_EQUAL(ip.family, 4);
	CU_ASSERT_EQUAL(ip.addr[3], host);
	CU_ASSERT_EQUAL(port, udp_port);
}

// To 'a' the other end is a client now.
static void client_install(struct pair *p, uint32_t rate, uint32_t burst)
{
	struct fog_link_session s = pair_session(p, p->a);

	s.class = FOG_LINK_CLIENT;
	s.initiator = 0;
	memset(s.node_id, 0, sizeof(s.node_id));
	s.rate = rate;
	s.burst = burst;
	fog_link_free(fog_link_take(p->a->links, p->a_index));
	CU_ASSERT_EQUAL_FATAL(pair_install(p->a, &s), 0);
}

static void test_roaming(void)
{
	struct pair *p = pair_ready();
	struct pair_frame f[3], forged;

	for (unsigned i = 0; i < 3; i++)
		pair_packet(p, &f[i]);
	source_change(&f[0], 77, 1234);
	pair_put(p->a, &f[0]);
	check_place(p, 2, 9001); // a node never moves

	pair_packet(p, &f[0]); // the newest
	client_install(p, 0, 0);
	check_place(p, 2, 9001);
	source_change(&f[2], 77, 1234);
	forged = f[2];
	pair_payload(&forged)[TEXT_AT] ^= 1;
	pair_put(p->a, &forged);
	check_place(p, 2, 9001);
	pair_put(p->a, &f[2]);
	check_place(p, 77, 1234);
	source_change(&f[1], 78, 1234); // older than what has come
	pair_put(p->a, &f[1]);
	check_place(p, 77, 1234);
	source_change(&f[0], 79, 4321);
	pair_put(p->a, &f[0]);
	check_place(p, 79, 4321);
	pair_put(p->a, &f[2]); // a replay
	check_place(p, 79, 4321);
	CU_ASSERT_EQUAL(dropped(p->a, FOG_DROP_LINK_REPLAY), 1);
	CU_ASSERT_EQUAL(
	        stage_link_send_control(p->a->w, p->a_index, FOG_KIND_NOTHING, NULL, 0),
	        -ENETUNREACH
	);
	rig_run(p->a, NULL, NULL);
	pair_destroy(p);
}

// To a client: where the manager says that it is, through its session and nobody else's.
static void test_client_frames(void)
{
	struct pair *p = pair_ready();
	uint8_t notice[3] = {1, 2, 3};
	struct fog_letter letter = {
	        .client = 1,
	        .to = p->a->conf->node[fog_conf_find(p->a->conf, p->a->id[1])],
	        .send = {.type = FOG_FRAME_DATA, .kind = FOG_KIND_NOTICE, .len = 3},
	};
	struct pair_frame f[20];
	struct fog_link_punt punt;

	letter.send.rx_index = p->a_index;
	memcpy(letter.send.data, notice, 3);
	letter.to.peer = FOG_PEER_NONE;
	letter.to.source_port = 9001;
	// Not through the session of a node.
	rte_ring_sp_enqueue_elem(p->a->w->letters, &letter, sizeof(letter));
	CU_ASSERT_EQUAL(rig_run(p->a, NULL, NULL), 0);
	CU_ASSERT_EQUAL(dropped(p->a, FOG_DROP_NO_LINK), 1);
	client_install(p, 0, 0);
	while (rte_ring_sc_dequeue_elem(p->b->w->punts, &punt, sizeof(punt)) == 0)
		;
	for (unsigned i = 0; i < 20; i++) {
		letter.send.data[0] = (uint8_t)i;
		rte_ring_sp_enqueue_elem(p->a->w->letters, &letter, sizeof(letter));
	}
	// Where they go stands in the letters, which are gone when this returns: nothing may wait to be sealed.
	unsigned taken = stage_letters(p->a->w);
	CU_ASSERT_TRUE(taken > 0);
	CU_ASSERT_EQUAL(p->a->w->seal.n, 0);
	memset(&letter, 0xff, sizeof(letter));
	CU_ASSERT_EQUAL(rig_run(p->a, f[0].bytes, &f[0].len), 20);
	CU_ASSERT_EQUAL(f[0].bytes[PAIR_UDP_AT] << 8 | f[0].bytes[PAIR_UDP_AT + 1], 9001);
	pair_put(p->b, &f[0]);
	CU_ASSERT_EQUAL_FATAL(rte_ring_sc_dequeue_elem(p->b->w->punts, &punt, sizeof(punt)), 0);
	CU_ASSERT_EQUAL(punt.len, 3);
	CU_ASSERT_EQUAL(memcmp(punt.data, (uint8_t[]){19, 2, 3}, 3), 0);
	// Nobody knows where it is: counted.
	letter = (struct fog_letter
	){.client = 1, .send = {.type = FOG_FRAME_DATA, .rx_index = p->a_index}};
	rte_ring_sp_enqueue_elem(p->a->w->letters, &letter, sizeof(letter));
	CU_ASSERT_EQUAL(rig_run(p->a, NULL, NULL), 0);
	CU_ASSERT_EQUAL(dropped(p->a, FOG_DROP_NO_NEIGHBOUR), 1);
	pair_destroy(p);
}

// Clients may tell something, too, as long as nodes find room.
static void test_client_notices(void)
{
	struct pair *p = pair_ready();
	struct fog_link_punt punt;

	client_install(p, 0, 0);
	CU_ASSERT_TRUE(notice_passes(p));
	for (unsigned i = 0; i < TRIES; i++)
		CU_ASSERT_TRUE(notice_passes(p)); // taken from the queue each time
	memset(&punt, 0, sizeof(punt));
	while (rte_ring_count(p->a->w->punts) < FOG_PUNT_STRANGERS)
		rte_ring_sp_enqueue_elem(p->a->w->punts, &punt, sizeof(punt));
	CU_ASSERT_FALSE(notice_passes(p));
	CU_ASSERT_EQUAL(dropped(p->a, FOG_DROP_PUNT_FULL), 1);
	CU_ASSERT_TRUE(notice_passes(p)); // one was taken out
	pair_destroy(p);
}

static void test_budget(void)
{
	struct pair *p = pair_ready();
	struct pair_frame f;

	client_install(p, 1, 3); // three at once, then one a second
	for (unsigned i = 0; i < 5; i++) {
		pair_packet(p, &f);
		rig_put_frame(p->a, f.bytes, f.len);
	}
	fog_worker_round(p->a->w, rte_rdtsc());
	CU_ASSERT_EQUAL(dropped(p->a, FOG_DROP_CLIENT_RATE), 2);
	rig_run(p->a, NULL, NULL);
	CU_ASSERT_EQUAL(rig_snapshot(p->a)->drop[FOG_DROP_CLIENT_RATE], 2);
	pair_destroy(p);
}

// More packets than one burst of seals, all due at once.
static void test_bursts(void)
{
	enum { MANY = 60 };

	struct pair *p = pair_ready();
	struct pair_frame f;
	unsigned sent = 0;

	for (unsigned i = 0; i < MANY; i++) {
		pair_packet(p, &f);
		rig_put_frame(p->a, f.bytes, f.len);
		rig_settle(p->a);
	}
	sent = rig_run(p->a, f.bytes, &f.len);
	CU_ASSERT_TRUE(sent > 0);
	CU_ASSERT_EQUAL(rig_snapshot(p->a)->drops, 0);
	CU_ASSERT_EQUAL(rig_snapshot(p->a)->tx, MANY + 1); // and NOTHING
	pair_put(p->b, &f);
	CU_ASSERT_EQUAL(rig_snapshot(p->b)->delivered, 1);
	pair_destroy(p);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"a packet there and back", test_path},
	        {"source ports", test_source_ports},
	        {"two workers", test_workers},
	        {"replayed", test_replayed},
	        {"good and bad in one burst", test_burst},
	        {"more than a queue to seal", test_seal_full},
	        {"reordered, and too old", test_reordered},
	        {"tampered", test_tampered},
	        {"bad headers", test_header},
	        {"bad lengths", test_length},
	        {"kinds", test_kinds},
	        {"no session to send with", test_no_link},
	        {"a key that is used up", test_used_up},
	        {"notices and nothing", test_control},
	        {"notices of one and another", test_notices},
	        {"which session is sent with", test_states},
	        {"what is not installed", test_install},
	        {"roaming", test_roaming},
	        {"frames to clients", test_client_frames},
	        {"notices of clients", test_client_notices},
	        {"a client's budget", test_budget},
	        {"bursts", test_bursts},
	        CU_TEST_INFO_NULL,
	};

	if (rig_global_init("fogt-links") < 0)
		return 2;
	return check_run("links", tests);
}
