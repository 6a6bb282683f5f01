// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "link_pair.h"

#include <CUnit/CUnit.h>
#include <sodium.h>
#include <stdlib.h>

#include "../../../dataplane/link_stage.h"

static void pair_keys(struct pair *p)
{
	// Slots differ from one session to the next, the rest is any bits.
	uint32_t slot = fog_link_slot(p->a_index) + 1;
	uint32_t base = slot << FOG_LINK_SUB_BITS;

	p->a_index = randombytes_random() << (FOG_LINK_SUB_BITS + FOG_LINK_SLOT_BITS) | base;
	p->b_index = randombytes_random() << (FOG_LINK_SUB_BITS + FOG_LINK_SLOT_BITS) | base;
	randombytes_buf(p->a_key, sizeof(p->a_key));
	randombytes_buf(p->b_key, sizeof(p->b_key));
}

struct fog_link_session pair_session(struct pair *p, const struct rig *of)
{
	bool first = of == p->a;
	struct fog_link_session s = {
	        .class = FOG_LINK_NODE,
	        .rx_index = first ? p->a_index : p->b_index,
	        .tx_index = first ? p->b_index : p->a_index,
	        .rx_count = 1,
	        .initiator = first,
	        .ip = {.family = 4, .addr = {10, 0, 0, first ? 2 : 1}},
	        .port = 9001,
	        .rekey_packets = 1000000,
	        .reject_packets = 2000000,
	};

	memcpy(s.node_id, of->id[1], sizeof(s.node_id));
	memcpy(s.static_key, of->public_key[1], sizeof(s.static_key));
	memcpy(s.rx_key, first ? p->a_key : p->b_key, 32);
	memcpy(s.tx_key, first ? p->b_key : p->a_key, 32);
	return s;
}

int pair_install(struct rig *r, const struct fog_link_session *s)
{
	return fog_link_install(r->links, s, fog_conf_peer(r->peer_id, r->id[1]));
}

void pair_renew(struct pair *p)
{
	pair_keys(p);
	struct fog_link_session a = pair_session(p, p->a), b = pair_session(p, p->b);

	CU_ASSERT_EQUAL_FATAL(pair_install(p->a, &a), 0);
	CU_ASSERT_EQUAL_FATAL(pair_install(p->b, &b), 0);
}

struct pair *pair_create(void)
{
	struct pair *p = calloc(1, sizeof(*p));

	p->a = rig_create(RIG_LINKS | RIG_TWO_QUEUES, 64);
	p->b = rig_create_peer(p->a, RIG_LINKS | RIG_TWO_QUEUES, 64);
	pair_renew(p);
	return p;
}

void pair_destroy(struct pair *p)
{
	rig_destroy(p->a);
	rig_destroy(p->b);
	free(p);
}

void pair_sent(struct rig *r, struct pair_frame *f)
{
	CU_ASSERT_EQUAL_FATAL(rig_run(r, f->bytes, &f->len), 1);
	CU_ASSERT_EQUAL_FATAL(f->len, PAIR_UDP_AT + 8 + r->w->geo.packet_len + FOG_LINK_OVERHEAD);
}

uint8_t *pair_payload(struct pair_frame *f)
{
	return f->bytes + PAIR_UDP_AT + 8;
}

void pair_put(struct rig *r, const struct pair_frame *f)
{
	rig_put_frame(r, f->bytes, f->len);
	rig_settle(r);
}

void pair_nothing(struct rig *from, uint32_t rx_index, struct rig *to)
{
	struct pair_frame f;

	CU_ASSERT_EQUAL_FATAL(
	        stage_link_send_control(from->w, rx_index, FOG_KIND_NOTHING, NULL, 0), 0
	);
	pair_sent(from, &f);
	pair_put(to, &f);
	fog_link_table_switch(to->links);
}

void pair_packet(struct pair *p, struct pair_frame *f)
{
	struct fog_inject in = {.data_len = p->a->w->geo.packet_len, .epoch = PAIR_EPOCH};
	int err;
	uint8_t *at = fog_ring_reserve(&p->b->inject, &err);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	memcpy(in.next_hop, p->b->id[1], sizeof(in.next_hop));
	memcpy(at, &in, sizeof(in));
	rig_packet(p->a, 1, at + sizeof(in));
	fog_ring_commit(&p->b->inject, FOG_INJECT_FORWARD, (uint32_t)sizeof(in) + in.data_len);
	pair_sent(p->b, f);
}
