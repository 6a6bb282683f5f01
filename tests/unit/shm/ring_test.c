// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The rings alone: order and content under two threads, wrap-around of the free-running indices,
// lying peers, and carrying over to a new ring.
#include <CUnit/CUnit.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "../../../dataplane/api/shm.h"
#include "suites.h"

enum { SLOTS = 16, LEN = 40, SLOT = 64 }; // 16 header + 40, rounded up

struct ring {
	struct fog_ring_producer *producer;
	struct fog_ring_consumer consumer;
	struct fog_ring_tx tx;
	struct fog_ring_rx rx;
};

// A ring whose two indices start at 'start'.
static void ring_make(struct ring *r, uint32_t start)
{
	memset(r, 0, sizeof(*r));
	r->producer = aligned_alloc(FOG_CACHE_LINE, fog_ring_bytes(SLOTS, SLOT));
	memset(r->producer, 0, fog_ring_bytes(SLOTS, SLOT));
	CU_ASSERT_EQUAL(fog_ring_slot_size(LEN), SLOT);
	fog_ring_tx_make(&r->tx, r->producer, &r->consumer, FOG_RING_DELIVER, SLOTS, SLOT);
	int ret =
	        fog_ring_rx_open(&r->rx, r->producer, &r->consumer, FOG_RING_DELIVER, SLOTS, SLOT);
	CU_ASSERT_EQUAL(ret, 0);
	r->tx.head = r->rx.tail = start;
	atomic_store(&r->producer->head, start);
	atomic_store(&r->consumer.tail, start);
}

static int ring_put(struct fog_ring_tx *tx)
{
	int err = 0;
	uint8_t *to = fog_ring_reserve(tx, &err);

	if (to == NULL)
		return err;
	memset(to, (uint8_t)tx->seq, LEN);
	fog_ring_commit(tx, 1 + tx->seq % 3, LEN - tx->seq % 5);
	return 0;
}

// Take one slot and check that it is message 'seq' in every byte.
static bool ring_take(struct ring *r, uint64_t seq)
{
	struct fog_slot_header h;
	uint8_t slot[SLOT];

	if (fog_ring_peek(&r->rx, slot) != 1)
		return false;
	memcpy(&h, slot, sizeof(h));
	bool good = h.seq == seq && h.type == 1 + seq % 3 && h.len == LEN - seq % 5;
	for (unsigned i = 0; good && i < h.len; i++)
		good &= slot[sizeof(h) + i] == (uint8_t)seq;
	fog_ring_advance(&r->rx);
	return good;
}

enum { STRESS = 400000 };

static void *stress_produce(void *arg)
{
	struct ring *r = arg;

	for (int i = 0; i < STRESS;) {
		int ret = ring_put(&r->tx);
		if (ret == 0)
			i++;
		else if (ret == -ENOBUFS)
			sched_yield();
		else
			return r; // the consumer's index looked impossible
	}
	return NULL;
}

static void test_stress(void)
{
	struct ring r;
	pthread_t producer;
	void *fault;
	uint64_t seq = 1, bad = 0;

	ring_make(&r, UINT32_MAX - STRESS / 2); // both indices wrap half-way
	pthread_create(&producer, NULL, stress_produce, &r);
	while (seq <= STRESS && bad == 0) {
		if (!fog_ring_pending(&r.rx))
			sched_yield();
		else
			bad += !ring_take(&r, seq++);
	}
	pthread_join(producer, &fault);
	CU_ASSERT_PTR_NULL(fault);
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT_EQUAL(seq, STRESS + 1);
	CU_ASSERT_EQUAL(fog_ring_pending(&r.rx), 0);
	free(r.producer);
}

static void test_full_and_empty(void)
{
	for (uint32_t start = UINT32_MAX - SLOTS - 2; start != 3; start++) {
		uint8_t slot[SLOT];
		struct ring r;
		ring_make(&r, start);
		CU_ASSERT_EQUAL(fog_ring_peek(&r.rx, slot), 0);
		CU_ASSERT_EQUAL(fog_ring_pending(&r.rx), 0);
		for (unsigned i = 0; i < SLOTS; i++) {
			CU_ASSERT_EQUAL(fog_ring_free(&r.tx), SLOTS - i);
			CU_ASSERT_EQUAL(ring_put(&r.tx), 0);
		}
		CU_ASSERT_EQUAL(ring_put(&r.tx), -ENOBUFS);
		for (unsigned i = 0; i < SLOTS; i++)
			CU_ASSERT_TRUE(ring_take(&r, 1 + i));
		CU_ASSERT_EQUAL(fog_ring_peek(&r.rx, slot), 0);
		CU_ASSERT_EQUAL(ring_put(&r.tx), 0);
		CU_ASSERT_TRUE(ring_take(&r, 1 + SLOTS));
		free(r.producer);
	}
}

static void test_impossible(void)
{
	static const uint32_t starts[] = {0, 5, UINT32_MAX - 3, 1u << 31};

	for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		uint32_t s = starts[i], len = SLOT - sizeof(struct fog_slot_header);
		uint8_t slot[SLOT];
		struct ring r;
		ring_make(&r, s);
		atomic_store(&r.producer->head, s + SLOTS); // full: possible
		CU_ASSERT_EQUAL(fog_ring_peek(&r.rx, slot), 1);
		atomic_store(&r.producer->head, s + SLOTS + 1);
		CU_ASSERT_EQUAL(fog_ring_peek(&r.rx, slot), -EPROTO);
		atomic_store(&r.producer->head, s - 1);
		CU_ASSERT_EQUAL(fog_ring_peek(&r.rx, slot), -EPROTO);
		atomic_store(&r.consumer.tail, s + 1); // ahead of the producer
		CU_ASSERT_EQUAL(fog_ring_free(&r.tx), -EPROTO);
		CU_ASSERT_EQUAL(ring_put(&r.tx), -EPROTO);
		atomic_store(&r.consumer.tail, s - SLOTS - 1);
		CU_ASSERT_EQUAL(ring_put(&r.tx), -EPROTO);
		atomic_store(&r.consumer.tail, s);
		CU_ASSERT_EQUAL(ring_put(&r.tx), 0);
		// The length is checked in the copy: all of the slot is the most that it may say.
		uint32_t *said = (uint32_t *)(r.tx.slots + (size_t)(s & r.tx.mask) * SLOT + 12);
		*said = len;
		CU_ASSERT_EQUAL(fog_ring_peek(&r.rx, slot), 1);
		*said = len + 1;
		CU_ASSERT_EQUAL(fog_ring_peek(&r.rx, slot), -EPROTO);
		*said = UINT32_MAX;
		CU_ASSERT_EQUAL(fog_ring_peek(&r.rx, slot), -EPROTO);
		free(r.producer);
	}
}

static void test_header(void)
{
	struct fog_ring_consumer own;
	struct fog_ring_producer good, p;
	struct fog_ring_rx rx;
	struct ring r;

	ring_make(&r, 0);
	memcpy(&good, r.producer, sizeof(good));
	for (unsigned i = 0; i < offsetof(struct fog_ring_producer, reserved0); i++) {
		memcpy(&p, &good, sizeof(p));
		((uint8_t *)&p)[i] ^= 1;
		int ret = fog_ring_rx_open(&rx, &p, &own, FOG_RING_DELIVER, SLOTS, SLOT);
		CU_ASSERT_EQUAL(ret, -EPROTO);
	}
	CU_ASSERT_EQUAL(fog_ring_rx_open(&rx, &good, &own, FOG_RING_DELIVER, SLOTS, SLOT), 0);
	free(r.producer);
}

static void check_carried(struct ring *fresh, uint64_t first, uint64_t last)
{
	for (uint64_t seq = first; seq <= last; seq++)
		CU_ASSERT_TRUE(ring_take(fresh, seq));
	CU_ASSERT_EQUAL(fog_ring_pending(&fresh->rx), 0);
	CU_ASSERT_EQUAL(fresh->tx.seq, last + 1);
}

static void test_carry(void)
{
	static const uint32_t starts[] = {0, UINT32_MAX - 6};

	for (unsigned i = 0; i < 2; i++) {
		struct ring old, fresh, third;
		ring_make(&old, starts[i]);
		ring_make(&fresh, 0);
		for (unsigned n = 0; n < 12; n++)
			CU_ASSERT_EQUAL(ring_put(&old.tx), 0);
		for (unsigned n = 1; n <= 4; n++)
			CU_ASSERT_TRUE(ring_take(&old, n));
		uint32_t from = fog_session_carry_start(&old.tx);
		CU_ASSERT_EQUAL(from, starts[i] + 4);
		// Phase 1, then the worker writes on, then phase 2.
		CU_ASSERT_EQUAL(fog_session_carry(&old.tx, &from, old.tx.head, &fresh.tx), 0);
		CU_ASSERT_EQUAL(ring_put(&old.tx), 0);
		CU_ASSERT_EQUAL(ring_put(&old.tx), 0);
		CU_ASSERT_EQUAL(fog_session_carry(&old.tx, &from, old.tx.head, &fresh.tx), 0);
		CU_ASSERT_EQUAL(from, old.tx.head);
		check_carried(&fresh, 5, 14);
		// Nothing left: the numbers go on all the same, also over a ring that nobody used.
		ring_make(&third, 0);
		from = fog_session_carry_start(&fresh.tx);
		CU_ASSERT_EQUAL(fog_session_carry(&fresh.tx, &from, fresh.tx.head, &third.tx), 0);
		free(fresh.producer);
		ring_make(&fresh, 0);
		from = fog_session_carry_start(&third.tx);
		CU_ASSERT_EQUAL(fog_session_carry(&third.tx, &from, third.tx.head, &fresh.tx), 0);
		CU_ASSERT_EQUAL(ring_put(&fresh.tx), 0);
		check_carried(&fresh, 15, 15);
		free(old.producer);
		free(fresh.producer);
		free(third.producer);
	}
}

static void test_carry_odd(void)
{
	struct ring old, fresh;
	uint32_t from;

	// A lying index costs nothing but duplicates: whatever was written is carried.
	ring_make(&old, 0);
	ring_make(&fresh, 0);
	for (unsigned n = 0; n < 3; n++)
		ring_put(&old.tx);
	atomic_store(&old.consumer.tail, 1000);
	from = fog_session_carry_start(&old.tx);
	CU_ASSERT_EQUAL(fog_session_carry(&old.tx, &from, old.tx.head, &fresh.tx), 0);
	check_carried(&fresh, 1, 3);
	free(fresh.producer);

	// Slots given back while we carry are left out.
	ring_make(&fresh, 0);
	atomic_store(&old.consumer.tail, 0);
	from = fog_session_carry_start(&old.tx);
	atomic_store(&old.consumer.tail, 2);
	CU_ASSERT_EQUAL(fog_session_carry(&old.tx, &from, old.tx.head, &fresh.tx), 0);
	check_carried(&fresh, 3, 3);
	free(fresh.producer);

	// No room: said so, and the rest is left for another try.
	ring_make(&fresh, 0);
	for (unsigned n = 0; n < SLOTS - 1; n++)
		ring_put(&fresh.tx);
	atomic_store(&old.consumer.tail, 0);
	from = 0;
	CU_ASSERT_EQUAL(fog_session_carry(&old.tx, &from, old.tx.head, &fresh.tx), -ENOBUFS);
	CU_ASSERT_EQUAL(from, 1);
	free(fresh.producer);
	free(old.producer);
}

CU_TestInfo ring_tests[] = {
        {"two threads, indices wrap", test_stress},
        {"full and empty at every wrap", test_full_and_empty},
        {"impossible head, tail, length", test_impossible},
        {"foreign header", test_header},
        {"carried over in two phases", test_carry},
        {"carried over from an odd peer", test_carry_odd},
        CU_TEST_INFO_NULL,
};
