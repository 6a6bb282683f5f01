// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the stages note about traced packets: each end, in its stage and under its name; sampling; and
// that records, never packets, are lost when there is no room for them.
#include <rte_cycles.h>
#include <rte_malloc.h>

#include "../../../dataplane/trace.h"
#include "../run.h"
#include "rig.h"

enum { MTU_PACKET = 1408 };

#define STAGE(s) (1u << FOG_TRACE_##s)

enum {
	UP_TO_MAC = STAGE(PARSE) | STAGE(KEY) | STAGE(MAC),
	UP_TO_OPEN = UP_TO_MAC | STAGE(REPLAY) | STAGE(OPEN),
	UP_TO_RELEASE = UP_TO_OPEN | STAGE(DELAY) | STAGE(PARK) | STAGE(RELEASE),
};

static struct fog_trace *trace_begin(struct rig *r, uint32_t sample, uint32_t count)
{
	struct fog_trace *t = rte_zmalloc("trace", sizeof(*t), FOG_CACHE_LINE);

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	fog_trace_init(t, rte_rdtsc(), sample, count);
	atomic_store(&r->w->trace_next, t);
	return t;
}

static void trace_end(struct rig *r, struct fog_trace *t)
{
	atomic_store(&r->w->trace_next, NULL);
	r->w->trace = NULL;
	rte_free(t);
}

static unsigned stages(const struct fog_trace_record *t)
{
	unsigned passed = 0;
	uint64_t last = 0;

	for (unsigned i = 0; i < FOG_TRACE_STAGES; i++) {
		if (t->stage_ns[i] == 0)
			continue;
		CU_ASSERT_TRUE(t->stage_ns[i] >= last);
		last = t->stage_ns[i];
		passed |= 1u << i;
	}
	CU_ASSERT_TRUE(t->end_ns >= last);
	return passed;
}

// The next record is this one. Returns what the packet owed, which may be less than a microsecond.
static uint64_t expect(
        struct fog_trace *t, enum fog_trace_outcome outcome, enum fog_drop drop, unsigned passed
)
{
	uint32_t tail = atomic_load(&t->tail);

	CU_ASSERT_EQUAL_FATAL(atomic_load(&t->head), tail + 1);
	const struct fog_trace_record *got = &t->ring[tail % FOG_TRACE_RING].packet;
	atomic_store(&t->tail, tail + 1);
	CU_ASSERT_EQUAL(got->outcome, outcome);
	CU_ASSERT_EQUAL(got->drop, drop);
	CU_ASSERT_EQUAL(stages(got), passed);
	CU_ASSERT_EQUAL(got->worker, 0);
	CU_ASSERT_EQUAL(got->queue, got->port == FOG_TRACE_INJECTED ? FOG_TRACE_INJECTED : 0);
	if ((passed & STAGE(DELAY)) == 0)
		CU_ASSERT_EQUAL(got->owed_us, 0);
	CU_ASSERT_EQUAL(atomic_load(&t->open), 0);
	CU_ASSERT_EQUAL(t->free_n, FOG_TRACE_PLACES);
	return got->owed_us;
}

static void test_ends(void)
{
	struct rig *r = rig_create(0, 64);
	struct fog_trace *t = trace_begin(r, 1, 100);
	struct rig_frame frame = rig_frame_good(r);
	uint8_t packet[MTU_PACKET], copy[MTU_PACKET];

	rig_packet(r, 1, packet);
	memcpy(copy, packet, sizeof(copy));
	rig_put_packet(r, packet);
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 1);
	uint64_t owed = expect(t, FOG_TRACE_SENT, FOG_DROP_NONE, UP_TO_RELEASE | STAGE(SEND));
	CU_ASSERT_EQUAL(owed, rig_snapshot(r)->owed_us.sum);
	rig_put_packet(r, copy);
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 0);
	expect(t, FOG_TRACE_DROPPED, FOG_DROP_REPLAY, UP_TO_MAC);
	rig_packet(r, 0, packet);
	rig_put_packet(r, packet);
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 0);
	expect(t, FOG_TRACE_DELIVERED, FOG_DROP_NONE, UP_TO_OPEN | STAGE(DELIVER));
	rig_packet(r, 1, packet);
	packet[100] ^= 1;
	rig_put_packet(r, packet);
	rig_run(r, NULL, NULL);
	expect(t, FOG_TRACE_DROPPED, FOG_DROP_BAD_MAC, STAGE(PARSE) | STAGE(KEY));
	frame.udp_port = 9002;
	rig_put(r, &frame, packet, MTU_PACKET);
	rig_run(r, NULL, NULL);
	expect(t, FOG_TRACE_DROPPED, FOG_DROP_UDP_PORT, 0);
	rig_packet(r, 2, packet);
	rig_configure(r, 2, 2); // without node 2
	rig_put_packet(r, packet);
	rig_run(r, NULL, NULL);
	expect(t, FOG_TRACE_DROPPED, FOG_DROP_UNKNOWN_NEXT_HOP, UP_TO_MAC | STAGE(REPLAY));
	rig_configure(r, RIG_NODES, 0);
	rig_packet(r, 1, packet);
	rig_put_packet(r, packet);
	rig_run(r, NULL, NULL);
	expect(t, FOG_TRACE_DROPPED, FOG_DROP_NO_NEIGHBOUR, UP_TO_RELEASE);
	CU_ASSERT_EQUAL(rig_snapshot(r)->traced, 7);
	CU_ASSERT_EQUAL(rig_snapshot(r)->trace_lost, 0);
	trace_end(r, t);
	rig_destroy(r);
}

static void test_no_key(void)
{
	struct rig *r = rig_create(RIG_NO_KEY, 64);
	struct fog_trace *t = trace_begin(r, 1, 100);
	uint8_t packet[MTU_PACKET];

	rig_packet(r, 1, packet);
	rig_put_packet(r, packet);
	rig_run(r, NULL, NULL);
	expect(t, FOG_TRACE_DROPPED, FOG_DROP_NO_KEY, STAGE(PARSE));
	trace_end(r, t);
	rig_destroy(r);
}

static void packets_forward(struct rig *r, unsigned n)
{
	uint8_t packet[MTU_PACKET];

	for (unsigned i = 0; i < n; i++) {
		rig_packet(r, 1, packet);
		rig_put_packet(r, packet);
		CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 1);
	}
}

static void test_sampling(void)
{
	struct rig *r = rig_create(0, 64);
	struct fog_trace *t = trace_begin(r, 3, 4);

	packets_forward(r, 8);
	CU_ASSERT_EQUAL(atomic_load(&t->head), 2);
	packets_forward(r, 12);
	CU_ASSERT_EQUAL(atomic_load(&t->head), 4); // and no more than 'count'
	CU_ASSERT_EQUAL(t->ring[3].packet.id, 4);
	trace_end(r, t);
	t = trace_begin(r, 1, 10);
	atomic_store(&t->closing, true);
	packets_forward(r, 3);
	CU_ASSERT_EQUAL(atomic_load(&t->head), 0);
	trace_end(r, t);
	rig_destroy(r);
}

// Full ring, no place: the record is lost, the packet goes its way.
static void test_no_room(void)
{
	struct rig *r = rig_create(0, 64);
	struct fog_trace *t = trace_begin(r, 1, 100);

	atomic_store(&t->tail, atomic_load(&t->head) - FOG_TRACE_RING);
	packets_forward(r, 2);
	CU_ASSERT_EQUAL(atomic_load(&t->head), 0);
	CU_ASSERT_EQUAL(rig_snapshot(r)->trace_lost, 2);
	CU_ASSERT_EQUAL(t->free_n, FOG_TRACE_PLACES);
	atomic_store(&t->tail, 0);
	t->free_n = 0;
	packets_forward(r, 2);
	CU_ASSERT_EQUAL(rig_snapshot(r)->trace_lost, 4);
	CU_ASSERT_EQUAL(rig_snapshot(r)->traced, 0);
	CU_ASSERT_EQUAL(rig_snapshot(r)->tx, 4);
	trace_end(r, t);
	rig_destroy(r);
}

// A packet that was parked in an earlier trace: its place belongs to another packet by now.
static void test_outlived(void)
{
	struct rig *r = rig_create(RIG_SLOW, 64);
	struct fog_trace *t = trace_begin(r, 1, 1000);
	uint8_t packet[MTU_PACKET];
	unsigned tries = 0;

	do { // until one is still parked
		rig_packet(r, 1, packet);
		rig_put_packet(r, packet);
		rig_settle(r);
	} while (atomic_load(&t->open) == 0 && ++tries < 1000);
	CU_ASSERT_EQUAL_FATAL(atomic_load(&t->open), 1);
	trace_end(r, t);
	t = trace_begin(r, 1, 1);
	rig_packet(r, 2, packet);
	rig_put_packet(r, packet);
	rig_settle(r);
	rig_run(r, NULL, NULL);
	CU_ASSERT_EQUAL(rig_snapshot(r)->tx, 2 + tries);
	expect(t, FOG_TRACE_SENT, FOG_DROP_NONE, UP_TO_RELEASE | STAGE(SEND));
	CU_ASSERT_EQUAL(rig_snapshot(r)->traced, 1 + tries);
	trace_end(r, t);
	rig_destroy(r);
}

// The victim of a full calendar ends, whichever it is; what is parked goes on.
static void test_victim(void)
{
	struct rig *r = rig_create(RIG_LONG_DELAY, 2);
	struct fog_trace *t = trace_begin(r, 1, 100);
	uint8_t packet[MTU_PACKET];

	for (unsigned i = 0; i < 6; i++) {
		rig_packet(r, 1, packet);
		rig_put_packet(r, packet);
		rig_settle(r);
	}
	CU_ASSERT_EQUAL_FATAL(atomic_load(&t->head), 4);
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(t->ring[i].packet.outcome, FOG_TRACE_DROPPED);
		CU_ASSERT_EQUAL(t->ring[i].packet.drop, FOG_DROP_DELAY_FULL);
		CU_ASSERT_EQUAL(
		        stages(&t->ring[i].packet), UP_TO_OPEN | STAGE(DELAY) | STAGE(PARK)
		);
	}
	CU_ASSERT_EQUAL(atomic_load(&t->open), 2);
	CU_ASSERT_EQUAL(rig_snapshot(r)->drop[FOG_DROP_DELAY_FULL], 4);
	trace_end(r, t);
	rig_destroy(r);
}

// Frames as they are on the wire, headers only, and no packet is traced meanwhile.
static void capture_over(unsigned flags, int next, uint32_t in_headers, uint32_t out_headers)
{
	struct rig *r = rig_create(flags, 64);
	struct fog_trace *t = trace_begin(r, 1, 100);
	struct rig_frame frame = rig_frame_good(r);
	uint8_t packet[MTU_PACKET], sent[2048];
	uint32_t len = 0;

	t->capture = true;
	rig_packet(r, next, packet);
	rig_put_packet(r, packet);
	CU_ASSERT_EQUAL(rig_run(r, sent, &len), 1);
	CU_ASSERT_EQUAL_FATAL(atomic_load(&t->head), 2);
	const struct fog_capture_record *in = &t->ring[0].frame, *out = &t->ring[1].frame;
	CU_ASSERT_EQUAL(in->direction, FOG_CAPTURE_IN);
	CU_ASSERT_EQUAL(in->frame_len, in_headers + MTU_PACKET);
	CU_ASSERT_EQUAL(in->data_len, in_headers);
	CU_ASSERT_EQUAL(in->drop, FOG_DROP_NONE);
	CU_ASSERT_EQUAL(out->direction, FOG_CAPTURE_OUT);
	CU_ASSERT_EQUAL(out->frame_len, len);
	CU_ASSERT_EQUAL(out->data_len, out_headers);
	CU_ASSERT_EQUAL(memcmp(out->data, sent, out_headers), 0);
	CU_ASSERT_TRUE(out->time_ns > in->time_ns);
	for (unsigned i = 0; i < 2; i++)
		for (uint32_t at = t->ring[i].frame.data_len; at < FOG_CAPTURE_DATA; at++)
			CU_ASSERT_EQUAL(t->ring[i].frame.data[at], 0);
	frame.udp_port = 9002;
	rig_put(r, &frame, packet, 30);
	rig_run(r, NULL, NULL);
	CU_ASSERT_EQUAL(t->ring[2].frame.drop, FOG_DROP_UDP_PORT);
	CU_ASSERT_EQUAL(t->ring[2].frame.frame_len, in_headers + 30);
	CU_ASSERT_EQUAL(t->ring[2].frame.data_len, in_headers);
	// A later fragment has no UDP header: where one would stand is payload.
	frame.fragment = 1;
	rig_put(r, &frame, packet, 30);
	rig_run(r, NULL, NULL);
	CU_ASSERT_EQUAL(t->ring[3].frame.drop, FOG_DROP_FRAGMENT);
	CU_ASSERT_EQUAL(t->ring[3].frame.data_len, frame.family == 4 ? in_headers - 8 : in_headers);
	frame.fragment = 0;
	frame.ether_type = 0x1234;
	rig_put(r, &frame, packet, 30);
	rig_run(r, NULL, NULL);
	CU_ASSERT_EQUAL(t->ring[4].frame.drop, FOG_DROP_ETHERTYPE);
	CU_ASSERT_EQUAL(t->ring[4].frame.data_len, flags & RIG_VLAN ? 18 : 14);
	CU_ASSERT_EQUAL(rig_snapshot(r)->traced, 5);
	trace_end(r, t);
	rig_destroy(r);
}

static void test_capture(void)
{
	capture_over(0, 1, 42, 42);
	capture_over(0, 2, 42, 62);
	capture_over(RIG_VLAN, 1, 46, 46);
	capture_over(RIG_VLAN, 2, 46, 66);
}

// Frames that come and frames that leave take turns here: both are sampled.
static void test_capture_sampling(void)
{
	struct rig *r = rig_create(0, 64);
	struct fog_trace *t = trace_begin(r, 2, 100);
	uint8_t packet[MTU_PACKET];
	unsigned in = 0;

	t->capture = true;
	for (unsigned i = 0; i < 8; i++) {
		rig_packet(r, 1, packet);
		rig_put_packet(r, packet);
		CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 1);
	}
	CU_ASSERT_EQUAL_FATAL(atomic_load(&t->head), 8);
	for (unsigned i = 0; i < 8; i++)
		in += t->ring[i].frame.direction == FOG_CAPTURE_IN;
	CU_ASSERT_EQUAL(in, 4);
	trace_end(r, t);
	rig_destroy(r);
}

// No length of a frame makes it read too far (under ASan, too).
static void test_capture_short(void)
{
	struct rig *r = rig_create(0, 64);
	struct fog_trace *t = trace_begin(r, 1, 100);
	struct rig_frame frame = rig_frame_good(r);
	uint8_t packet[64] = {0};

	t->capture = true;
	for (uint32_t cut = 0; cut < 56; cut++) {
		frame.cut = (uint16_t)cut;
		rig_put(r, &frame, packet, 16);
		rig_run(r, NULL, NULL);
		const struct fog_capture_record *got = &t->ring[cut].frame;
		CU_ASSERT_EQUAL(got->frame_len, 58 - cut);
		CU_ASSERT_TRUE(got->data_len <= got->frame_len && got->data_len <= 42);
	}
	trace_end(r, t);
	rig_destroy(r);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"every end", test_ends},
	        {"no key", test_no_key},
	        {"sampling and count", test_sampling},
	        {"no room for records", test_no_room},
	        {"a packet outlives its trace", test_outlived},
	        {"the victim of a full calendar", test_victim},
	        {"capture", test_capture},
	        {"capture samples both directions", test_capture_sampling},
	        {"capture of short frames", test_capture_short},
	        CU_TEST_INFO_NULL,
	};

	return rig_global_init("fogt-trace") < 0 ? 1 : check_run("trace", tests);
}
