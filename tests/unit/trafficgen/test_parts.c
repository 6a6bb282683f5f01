// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Parts of the traffic generator by themselves: what payloads and frames are taken for, and when
// packets are due.
#include <math.h>
#include <sodium.h>
#include <string.h>

#include "../../../bench/trafficgen/arrival.h"
#include "../../../bench/trafficgen/frame.h"
#include "../../../bench/trafficgen/pacer.h"
#include "../../../bench/trafficgen/payload.h"
#include "../run.h"

static void test_payload(void)
{
	uint8_t payload[900], other[900];
	uint64_t sequence = 0;

	for (size_t len = PAYLOAD_MIN; len <= sizeof(payload); len += 19) {
		payload_write(payload, len, 7, 0x0102030405060708);
		CU_ASSERT_EQUAL(payload_read(payload, len, 7, &sequence), PAYLOAD_GOOD);
		CU_ASSERT_EQUAL(sequence, 0x0102030405060708);
		CU_ASSERT_EQUAL(payload_read(payload, len, 8, &sequence), PAYLOAD_FOREIGN);
		// Any changed byte; a changed magic is nobody's packet.
		for (size_t at = 0; at < len; at++) {
			payload[at] ^= 0x10;
			CU_ASSERT_EQUAL(
			        payload_read(payload, len, 7, &sequence),
			        at < 8 ? PAYLOAD_FOREIGN : PAYLOAD_CORRUPT
			);
			payload[at] ^= 0x10;
		}
	}
	payload_write(payload, sizeof(payload), 7, 1);
	payload_write(other, sizeof(other), 7, 2);
	CU_ASSERT_NOT_EQUAL(memcmp(payload + 32, other + 32, 868), 0);
}

enum { PACKET = 1408 };

static void frame_make(struct frame *f, uint8_t *out, int family, uint16_t vlan)
{
	const struct frame_spec spec = {
	        .from =
	                {.mac = {2, 0, 0, 0, 0, 2},
	                 .ip = {.family = family, .addr = {9, 8}},
	                 .port = 5},
	        .to = {.mac = {2, 0, 0, 0, 0, 1},
	               .ip = {.family = family, .addr = {1, 2}},
	               .port = 9001},
	        .vlan = vlan,
	        .flows = 3,
	        .packet_len = PACKET,
	};

	frame_init(f, &spec);
	randombytes_buf(out + f->header_len, PACKET);
	frame_finish(f, 1, out);
}

// A frame of ours is found again, whole; with any changed byte behind the addresses of Ethernet it
// is broken, or no datagram to this port (IPv4's own header has a checksum that the sink leaves to
// the stack, so some of its bytes may change).
static void test_frames(void)
{
	uint8_t out[FRAME_HEADER_MAX + PACKET];
	uint32_t at = 0;
	struct frame f;

	for (int kind = 0; kind < 4; kind++) {
		int family = kind % 2 ? 6 : 4;

		frame_make(&f, out, family, kind < 2 ? 0 : 7);
		uint32_t len = frame_len(&f), ip = f.udp_at - (family == 4 ? 20 : 40);
		CU_ASSERT_EQUAL(arrival_find(out, len, 9001, PACKET, &at), ARRIVAL_PACKET);
		CU_ASSERT_EQUAL(at, f.header_len);
		CU_ASSERT_EQUAL(arrival_find(out, len, 9002, PACKET, &at), ARRIVAL_OTHER);
		CU_ASSERT_EQUAL(arrival_find(out, len, 9001, PACKET - 1, &at), ARRIVAL_BROKEN);
		for (uint32_t i = 0; i < len; i++)
			CU_ASSERT_NOT_EQUAL(
			        arrival_find(out, i, 9001, PACKET, &at), ARRIVAL_PACKET
			);
		for (uint32_t i = ip + (family == 4 ? 12 : 8); i < len; i++) {
			out[i] ^= 0x20;
			CU_ASSERT_NOT_EQUAL(
			        arrival_find(out, len, 9001, PACKET, &at), ARRIVAL_PACKET
			);
			out[i] ^= 0x20;
		}
		out[ip - 1] ^= 1; // another EtherType
		CU_ASSERT_EQUAL(arrival_find(out, len, 9001, PACKET, &at), ARRIVAL_OTHER);
	}
	// Appliances send no checksum over IPv4 (RFC 768); over IPv6 there must be one.
	for (int family = 4; family <= 6; family += 2) {
		frame_make(&f, out, family, 0);
		memset(out + f.udp_at + 6, 0, 2);
		CU_ASSERT_EQUAL(
		        arrival_find(out, frame_len(&f), 9001, PACKET, &at),
		        family == 4 ? ARRIVAL_PACKET : ARRIVAL_BROKEN
		);
	}
}

static void test_constant(void)
{
	struct pacer p;

	pacer_init(&p, 1000.5, false);
	for (unsigned i = 0; i < 100000; i++, pacer_step(&p))
		CU_ASSERT_TRUE(fabs(p.due - 1000.5 * i) < 1);
}

// Distances of a Poisson process: mean 1, variance 1, a fraction of exp(-1) longer than the mean,
// neighbours independent. With 400,000 of them each estimate is off by 0.005 or so.
static void test_poisson(void)
{
	enum { N = 400000 };

	double sum = 0, squares = 0, longer = 0, product = 0, before = 1;
	struct pacer p;

	pacer_init(&p, 1000, true);
	for (unsigned i = 0; i < N; i++) {
		double from = p.due;
		pacer_step(&p);
		double gap = (p.due - from) / 1000;
		CU_ASSERT_TRUE(gap >= 0);
		sum += gap;
		squares += gap * gap;
		longer += gap > 1;
		product += gap * before;
		before = gap;
	}
	double mean = sum / N;
	CU_ASSERT_TRUE(fabs(mean - 1) < 0.02);
	CU_ASSERT_TRUE(fabs(squares / N - mean * mean - 1) < 0.05);
	CU_ASSERT_TRUE(fabs(longer / N - exp(-1)) < 0.01);
	CU_ASSERT_TRUE(fabs(product / N - 1) < 0.05);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"payloads", test_payload},
	        {"frames", test_frames},
	        {"constant distance", test_constant},
	        {"Poisson process", test_poisson},
	        CU_TEST_INFO_NULL,
	};
	if (sodium_init() < 0)
		return 2;
	return check_run("trafficgen", tests);
}
