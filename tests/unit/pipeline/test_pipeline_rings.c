// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Delivery and injection as the worker does them, with honest and hostile peers.

#include <rte_cycles.h>
#include <sodium.h>

#include "../run.h"
#include "rig.h"

enum { MTU_PACKET = 1408 };

static void put_delivery(struct rig *r)
{
	uint8_t packet[MTU_PACKET];

	rig_packet(r, 0, packet);
	rig_put_packet(r, packet);
}

static void test_deliver(void)
{
	struct rig *r = rig_create(0, 64);
	uint8_t slot[2048] = {0};
	struct fog_slot_header h;
	struct fog_deliver d;
	uint64_t before = rte_rdtsc();

	put_delivery(r);
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 0);
	CU_ASSERT_EQUAL(rig_snapshot(r)->delivered, 1);
	CU_ASSERT_EQUAL_FATAL(fog_ring_peek(&r->deliver, slot), 1);
	memcpy(&h, slot, sizeof(h));
	memcpy(&d, slot + sizeof(h), sizeof(d));
	CU_ASSERT_EQUAL(h.type, FOG_DELIVER_PACKET);
	CU_ASSERT_EQUAL(d.flags, FOG_DELIVER_RECIPIENT);
	CU_ASSERT_EQUAL(d.recipient[31], 0x5a);
	CU_ASSERT_EQUAL(d.data_len, 932);
	CU_ASSERT_EQUAL(d.epoch, FOG_EPOCH_FOREVER);
	CU_ASSERT_TRUE(d.arrival >= before && d.arrival <= rte_rdtsc());
	for (int i = 0; i < 32; i++)
		CU_ASSERT_EQUAL(slot[sizeof(h) + sizeof(d) + i], 0); // payload tag
	CU_ASSERT(atomic_load(&r->w->ring_doorbell));
	rig_destroy(r);
}

static void test_deliver_full(void)
{
	struct rig *r = rig_create(0, 64);

	for (int i = 0; i < 11; i++)
		put_delivery(r);
	rig_run(r, NULL, NULL);
	struct fog_worker_counters *c = rig_snapshot(r);
	CU_ASSERT_EQUAL(c->delivered, 8); // the ring's slots
	CU_ASSERT_EQUAL(c->drop[FOG_DROP_DELIVER_FULL], 3);
	CU_ASSERT_EQUAL(c->drops, 3);
	rig_destroy(r);
}

// Receive a packet that ends here, and tell whether its buffer holds no plaintext when the worker has
// done with it.
static bool buffer_wiped(struct rig *r)
{
	uint32_t header_len = r->w->geo.header_len;

	put_delivery(r);
	CU_ASSERT_EQUAL_FATAL(stage_rx(r->w), 1);
	CU_ASSERT_EQUAL_FATAL(r->w->ready_n, 1);
	const uint8_t *data = rte_pktmbuf_mtod_offset(r->w->ready[0], uint8_t *, header_len);
	CU_ASSERT_FALSE(sodium_is_zero(data, MTU_PACKET - header_len));
	rig_run(r, NULL, NULL);
	return sodium_is_zero(data, MTU_PACKET - header_len);
}

// Delivered or refused for want of room, of a sound ring, or of any.
static void test_deliver_wiped(void)
{
	struct rig *r = rig_create(0, 64);
	struct fog_ring_consumer *c = r->memory[1];

	for (int i = 0; i < 10; i++)
		CU_ASSERT_TRUE(buffer_wiped(r));
	CU_ASSERT_EQUAL(rig_snapshot(r)->delivered, 8);
	CU_ASSERT_EQUAL(rig_snapshot(r)->drop[FOG_DROP_DELIVER_FULL], 2);
	atomic_store(&c->tail, 0x80000000u);
	for (int i = 0; i < 2; i++) // found faulty, known to be
		CU_ASSERT_TRUE(buffer_wiped(r));
	CU_ASSERT_EQUAL(rig_snapshot(r)->ring_faults, 1);
	r->w->rings = NULL;
	CU_ASSERT_TRUE(buffer_wiped(r));
	CU_ASSERT_EQUAL(rig_snapshot(r)->drop[FOG_DROP_DELIVER_FULL], 5);
	rig_destroy(r);
}

// An impossible tail detaches the ring; forwarding goes on.
static void test_deliver_hostile(void)
{
	struct rig *r = rig_create(0, 64);
	struct fog_ring_consumer *c = r->memory[1];
	uint8_t packet[MTU_PACKET];

	atomic_store(&c->tail, 0x80000000u);
	put_delivery(r);
	rig_packet(r, 1, packet);
	rig_put_packet(r, packet);
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 1);
	CU_ASSERT_EQUAL(rig_snapshot(r)->drop[FOG_DROP_DELIVER_FULL], 1);
	CU_ASSERT_EQUAL(rig_snapshot(r)->ring_faults, 1);
	CU_ASSERT_EQUAL(atomic_load(&r->w->faults), 1);
	rig_destroy(r);
}

static void inject(struct rig *r, uint32_t type, uint32_t len, int next_hop, int path)
{
	struct fog_inject in = {.data_len = r->w->geo.packet_len, .epoch = FOG_EPOCH_FOREVER};
	int err;
	uint8_t *at = fog_ring_reserve(&r->inject, &err);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	if (next_hop >= 0)
		memcpy(in.next_hop, r->id[next_hop], 32);
	else
		memset(in.next_hop, 0xee, 32);
	memcpy(at, &in, sizeof(in));
	rig_packet(r, path, at + sizeof(in));
	fog_ring_commit(&r->inject, type, len);
}

static void test_inject(void)
{
	struct rig *r = rig_create(0, 64);
	uint32_t len = (uint32_t)sizeof(struct fog_inject) + MTU_PACKET;

	inject(r, FOG_INJECT_UNWRAP, len, 0, 1); // through the path, to node 1
	inject(r, FOG_INJECT_UNWRAP, len, 0, 0); // ends here
	inject(r, FOG_INJECT_FORWARD, len, 2, 1); // straight to node 2
	inject(r, FOG_INJECT_FORWARD, len, -1, 1); // nobody we know
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 2);
	struct fog_worker_counters *c = rig_snapshot(r);
	CU_ASSERT_EQUAL(c->injected, 4);
	CU_ASSERT_EQUAL(c->rx, 0);
	CU_ASSERT_EQUAL(c->delivered, 1);
	CU_ASSERT_EQUAL(c->peer[1].tx, 1);
	CU_ASSERT_EQUAL(c->peer[2].tx, 1);
	CU_ASSERT_EQUAL(c->drop[FOG_DROP_UNKNOWN_NEXT_HOP], 1);
	rig_destroy(r);
}

// After the fault nothing is read any more, and forwarding goes on.
static void hostile_case(uint32_t type, uint32_t len, uint32_t head)
{
	struct rig *r = rig_create(0, 64);
	struct fog_ring_producer *p = r->memory[2];
	uint8_t packet[MTU_PACKET];

	inject(r, type, len, 0, 1);
	if (head != 0)
		atomic_store(&p->head, head);
	rig_packet(r, 1, packet);
	rig_put_packet(r, packet);
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 1);
	struct fog_worker_counters *c = rig_snapshot(r);
	CU_ASSERT_EQUAL(c->injected, 0);
	CU_ASSERT_EQUAL(c->ring_faults, 1);
	CU_ASSERT_EQUAL(atomic_load(&r->w->faults), 2);
	rig_destroy(r);
}

static void test_inject_hostile(void)
{
	uint32_t len = (uint32_t)sizeof(struct fog_inject) + MTU_PACKET;

	hostile_case(99, len, 0);
	hostile_case(FOG_INJECT_UNWRAP, len - 1, 0);
	hostile_case(FOG_INJECT_UNWRAP, len + 1, 0);
	hostile_case(FOG_INJECT_UNWRAP, UINT32_MAX, 0);
	hostile_case(FOG_INJECT_UNWRAP, len, 0xfffffff0u);
	hostile_case(FOG_INJECT_UNWRAP, len, 9);
}

int main(void)
{
	if (rig_global_init("fogt-prings") < 0 || CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	CU_pSuite s = CU_add_suite("pipeline rings", NULL, NULL);
	CU_add_test(s, "deliver", test_deliver);
	CU_add_test(s, "deliver ring full", test_deliver_full);
	CU_add_test(s, "no plaintext stays in a buffer", test_deliver_wiped);
	CU_add_test(s, "deliver ring with an impossible tail", test_deliver_hostile);
	CU_add_test(s, "inject", test_inject);
	CU_add_test(s, "inject ring with a hostile peer", test_inject_hostile);
	return check_run_registered();
}
