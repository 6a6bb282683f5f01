// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A client's link against a gateway's end that the test holds, on a clock that the test holds, too.
#include <errno.h>
#include <sodium.h>

#include "../../../dataplane/crypto/link.h"
#include "../run.h"
#include "link_gateway.h"

enum { COUNTER_FAR = 1 << 20 };

static struct gateway g;
static struct client_link_params params;
static struct client_link *l;
static uint64_t now;
static uint8_t frame[GATEWAY_FRAME_MAX], text[FOG_SPHINX_PACKET_MAX];

static void rig_open(void)
{
	now = 1000;
	gateway_make(&g, &params);
	CU_ASSERT_EQUAL_FATAL(client_link_create(&params, &gateway_ops, &g, &l), 0);
}

static void rig_close(void)
{
	CU_ASSERT_EQUAL(g.odd, 0);
	client_link_destroy(l);
	l = NULL;
}

static void rig_go(uint64_t ms)
{
	for (uint64_t end = now + ms; now < end; now += 50) {
		g.now_ns += 50000000;
		client_link_tick(l, now);
	}
}

static void rig_read(void)
{
	client_link_read(l, frame, gateway_frame_len(&g), now);
}

static void rig_link(void)
{
	struct fog_hello ours = gateway_hello(&g);

	CU_ASSERT_TRUE_FATAL(gateway_answer(&g, &ours, frame));
	rig_read();
}

static struct client_link_status rig_status(void)
{
	return client_link_status(l);
}

static void rig_data(unsigned sub, uint64_t counter, uint8_t kind, uint8_t second, uint16_t len)
{
	memset(text, 0, sizeof(text));
	text[0] = kind;
	text[1] = second;
	text[2] = (uint8_t)(len >> 8);
	text[3] = (uint8_t)len;
	text[4] = (uint8_t)counter;
	gateway_seal(&g, sub, counter, text, frame);
	rig_read();
}

static void test_up(void)
{
	rig_open();
	CU_ASSERT_EQUAL(client_link_packet(l, text, 7, now), -ENOTCONN);
	CU_ASSERT_EQUAL(client_link_notice(l, text, 5, now), -ENOTCONN);
	client_link_tick(l, now);
	CU_ASSERT_EQUAL(g.initiations, 1);
	rig_link();
	CU_ASSERT_EQUAL(g.theirs.senders, 1);
	CU_ASSERT_EQUAL(g.theirs.time_ns, g.now_ns);
	CU_ASSERT_TRUE(rig_status().up);
	CU_ASSERT_FALSE(rig_status().confirmed);
	CU_ASSERT_EQUAL(rig_status().handshakes, 1);
	CU_ASSERT_EQUAL(gateway_open(&g, text), 0); // it says at once that the session is there
	CU_ASSERT_TRUE(sodium_is_zero(text, g.packet_len));
	rig_data(1, 0, FOG_KIND_NOTHING, 0, 0);
	CU_ASSERT_TRUE(rig_status().confirmed);
	CU_ASSERT_EQUAL(rig_status().sent, 1);
	CU_ASSERT_EQUAL(rig_status().received, 1);

	// A packet and a notice, as link.h has them.
	uint8_t packet[FOG_SPHINX_PACKET_MAX];
	randombytes_buf(packet, sizeof(packet));
	CU_ASSERT_EQUAL(client_link_packet(l, packet, 0x107, now), 0);
	CU_ASSERT_EQUAL(gateway_open(&g, text), 1);
	CU_ASSERT_EQUAL(text[0], FOG_KIND_SPHINX);
	CU_ASSERT_EQUAL(text[1], 7);
	CU_ASSERT_EQUAL(memcmp(text + 2, packet + 2, (size_t)g.packet_len - 2), 0);
	CU_ASSERT_EQUAL(client_link_notice(l, packet, 5, now), 0);
	CU_ASSERT_EQUAL(gateway_open(&g, text), 2);
	CU_ASSERT_EQUAL(memcmp(text, (uint8_t[]){FOG_KIND_NOTICE, 0, 0, 5}, 4), 0);
	CU_ASSERT_EQUAL(memcmp(text + 4, packet, 5), 0);
	CU_ASSERT_TRUE(sodium_is_zero(text + 9, (size_t)g.packet_len - 9));
	CU_ASSERT_EQUAL(
	        client_link_notice(l, packet, fog_notice_room(g.packet_len) + 1, now), -EMSGSIZE
	);

	// Silence: a beat, and nothing more.
	unsigned before = g.data;
	rig_go(CLIENT_LINK_BEAT_MS - 100);
	CU_ASSERT_EQUAL(g.data, before);
	rig_go(200);
	CU_ASSERT_EQUAL(g.data, before + 1);
	rig_close();
}

static void test_try(void)
{
	uint64_t last = 0, longest = 0;

	rig_open();
	for (unsigned i = 0, seen = 0; i < 6000; i++) {
		rig_go(50);
		if (g.initiations == seen)
			continue;
		if (seen > 0) {
			uint64_t gap = now - last, wait = CLIENT_LINK_RETRY_FIRST_MS << (seen - 1);
			if (wait > CLIENT_LINK_RETRY_MAX_MS || seen > 20)
				wait = CLIENT_LINK_RETRY_MAX_MS;
			CU_ASSERT_TRUE(
			        gap >= wait - wait / 4 - 100 && gap <= wait + wait / 4 + 100
			);
			longest = gap > longest ? gap : longest;
		}
		seen = g.initiations;
		last = now;
	}
	CU_ASSERT_TRUE(longest > CLIENT_LINK_RETRY_MAX_MS / 2);
	CU_ASSERT_EQUAL(rig_status().tries, g.initiations);

	// Times of initiations grow, whatever our clock does.
	struct fog_hello ours = gateway_hello(&g);
	CU_ASSERT_TRUE(gateway_answer(&g, &ours, frame));
	uint64_t time_ns = g.theirs.time_ns;
	g.now_ns -= UINT64_C(3600000000000);
	unsigned tries = g.initiations;
	while (g.initiations == tries)
		rig_go(50);
	CU_ASSERT_TRUE(gateway_answer(&g, &ours, frame));
	CU_ASSERT_TRUE(g.theirs.time_ns > time_ns);
	// One that stands still, too.
	time_ns = g.now_ns = g.theirs.time_ns;
	for (tries = g.initiations; g.initiations == tries; now += 50)
		client_link_tick(l, now);
	CU_ASSERT_TRUE(gateway_answer(&g, &ours, frame));
	CU_ASSERT_TRUE(g.theirs.time_ns > time_ns);

	// Once it has answered, pauses are short again.
	ours.time_ns = g.now_ns;
	CU_ASSERT_TRUE(gateway_answer(&g, &ours, frame));
	rig_read();
	CU_ASSERT_TRUE(rig_status().up);
	for (tries = g.initiations; g.initiations == tries;)
		rig_go(50);
	last = now;
	while (g.initiations == tries + 1)
		rig_go(50);
	CU_ASSERT_TRUE(now - last < 2 * CLIENT_LINK_RETRY_FIRST_MS);
	rig_close();
}

static void test_cookie(void)
{
	const size_t mac2 = FOG_INITIATION_LEN - FOG_LINK_MAC;
	uint8_t cookie[16] = {1, 2, 3}, mac[FOG_LINK_MAC];

	rig_open();
	client_link_tick(l, now);
	CU_ASSERT_TRUE(sodium_is_zero(g.initiation + mac2, FOG_LINK_MAC));
	gateway_cookie(&g, cookie, frame);
	frame[40] ^= 1;
	rig_read();
	CU_ASSERT_EQUAL(g.initiations, 1);
	CU_ASSERT_EQUAL(rig_status().malformed, 1);
	gateway_cookie(&g, cookie, frame);
	rig_read();
	CU_ASSERT_EQUAL_FATAL(g.initiations, 2);
	fog_link_mac(cookie, sizeof(cookie), g.initiation, mac2, mac);
	CU_ASSERT_EQUAL(memcmp(mac, g.initiation + mac2, sizeof(mac)), 0);
	// Not twice for one try.
	gateway_cookie(&g, cookie, frame);
	rig_read();
	CU_ASSERT_EQUAL(g.initiations, 2);
	// A cookie is good for one try.
	while (g.initiations == 2)
		rig_go(50);
	CU_ASSERT_TRUE(sodium_is_zero(g.initiation + mac2, FOG_LINK_MAC));
	rig_link();
	CU_ASSERT_TRUE(rig_status().up);
	rig_close();
}

static void test_refused(void)
{
	struct fog_hello ours;

	rig_open();
	client_link_tick(l, now);
	ours = gateway_hello(&g);
	ours.senders = 0;
	ours.index = FOG_HELLO_REFUSED_FULL;
	CU_ASSERT_TRUE(gateway_answer(&g, &ours, frame));
	rig_read();
	CU_ASSERT_EQUAL(rig_status().refusal, FOG_HELLO_REFUSED_FULL);
	CU_ASSERT_FALSE(rig_status().up);
	rig_go(CLIENT_LINK_REFUSED_MS / 2);
	CU_ASSERT_EQUAL(g.initiations, 1);
	for (unsigned i = 0; i < 100 && g.initiations == 1; i++)
		rig_go(50);
	CU_ASSERT_EQUAL(g.initiations, 2);
	rig_link();
	CU_ASSERT_EQUAL(rig_status().refusal, FOG_HELLO_ACCEPTED);
	CU_ASSERT_TRUE(rig_status().up);

	// Its clock, late and early: too far, and just not.
	for (int64_t sign = -1; sign < 2; sign += 2) {
		for (unsigned ms = 400; ms <= 600; ms += 200) {
			rig_close();
			rig_open();
			client_link_tick(l, now);
			ours = gateway_hello(&g);
			ours.time_ns += (uint64_t)(sign * ms * 1000000);
			CU_ASSERT_TRUE(gateway_answer(&g, &ours, frame));
			rig_read();
			CU_ASSERT_EQUAL(rig_status().up, ms < params.tolerance_ms);
			CU_ASSERT_EQUAL(rig_status().offset_ms, sign * ms);
			CU_ASSERT_EQUAL(
			        rig_status().refusal,
			        ms < params.tolerance_ms ? FOG_HELLO_ACCEPTED
			                                 : FOG_HELLO_REFUSED_CLOCK
			);
		}
	}

	// Of another major version.
	rig_close();
	rig_open();
	client_link_tick(l, now);
	ours = gateway_hello(&g);
	ours.major++;
	CU_ASSERT_TRUE(gateway_answer(&g, &ours, frame));
	rig_read();
	CU_ASSERT_FALSE(rig_status().up);
	rig_close();
}

static void test_forged(void)
{
	struct fog_hello ours;

	rig_open();
	client_link_tick(l, now);
	ours = gateway_hello(&g);
	CU_ASSERT_TRUE(gateway_answer(&g, &ours, frame));
	// One bit anywhere, but in the padding and in mac2, which only an initiation has.
	for (unsigned bit = 0; bit < 8 * (FOG_RESPONSE_LEN - FOG_LINK_MAC); bit++) {
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		rig_read();
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	CU_ASSERT_EQUAL(rig_status().malformed, 8 * (FOG_RESPONSE_LEN - FOG_LINK_MAC));
	CU_ASSERT_FALSE(rig_status().up);
	client_link_read(l, frame, gateway_frame_len(&g) - 1, now);
	CU_ASSERT_FALSE(rig_status().up);
	rig_read();
	CU_ASSERT_TRUE(rig_status().up);
	rig_read(); // once only
	CU_ASSERT_EQUAL(rig_status().handshakes, 1);

	// Another network's gateway with the same key.
	rig_close();
	rig_open();
	client_link_tick(l, now);
	ours = gateway_hello(&g);
	ours.network[3] ^= 1;
	CU_ASSERT_TRUE(gateway_answer(&g, &ours, frame));
	rig_read();
	CU_ASSERT_FALSE(rig_status().up);
	rig_close();
}

static void test_frames(void)
{
	rig_open();
	client_link_tick(l, now);
	rig_link();
	rig_data(0, 5, FOG_KIND_NOTICE, 0, 1);
	CU_ASSERT_EQUAL(g.notices, 1);
	CU_ASSERT_EQUAL(g.notice_len, 1);
	CU_ASSERT_EQUAL(g.notice[0], 5);
	rig_read();
	CU_ASSERT_EQUAL(rig_status().replayed, 1);
	rig_data(1, 5, FOG_KIND_NOTICE, 0, 1); // another worker's counters are its own
	rig_data(0, 3, FOG_KIND_NOTICE, 0, 1); // late, but new
	CU_ASSERT_EQUAL(g.notices, 3);

	// The window: all counters behind the highest that are in it, each once; older ones are not.
	rig_data(0, COUNTER_FAR, FOG_KIND_NOTICE, 0, 1);
	rig_data(0, COUNTER_FAR - FOG_LINK_WINDOW + 64, FOG_KIND_NOTICE, 0, 1);
	CU_ASSERT_EQUAL(g.notices, 5);
	rig_read();
	rig_data(0, COUNTER_FAR - FOG_LINK_WINDOW, FOG_KIND_NOTICE, 0, 1);
	rig_data(0, 4, FOG_KIND_NOTICE, 0, 1);
	CU_ASSERT_EQUAL(g.notices, 5);
	CU_ASSERT_EQUAL(rig_status().replayed, 4);
	// One after the other, further than the window; then over some that come late; then over all of it.
	uint64_t high = COUNTER_FAR + 2 * FOG_LINK_WINDOW + 63;
	for (uint64_t c = COUNTER_FAR + 1; c <= high; c++)
		rig_data(0, c, FOG_KIND_NOTHING, 0, 0);
	CU_ASSERT_EQUAL(rig_status().replayed, 4);
	rig_data(0, high + 200, FOG_KIND_NOTHING, 0, 0);
	for (uint64_t c = high + 1; c < high + 200; c++)
		rig_data(0, c, FOG_KIND_NOTHING, 0, 0);
	CU_ASSERT_EQUAL(rig_status().replayed, 4);
	high += 2 * FOG_LINK_WINDOW;
	rig_data(0, high, FOG_KIND_NOTHING, 0, 0);
	rig_data(0, high - FOG_LINK_WINDOW / 2, FOG_KIND_NOTHING, 0, 0);
	rig_data(
	        0, high + 1 - FOG_LINK_WINDOW, FOG_KIND_NOTICE, 0, 1
	); // the oldest one that is taken
	CU_ASSERT_EQUAL(rig_status().replayed, 4);
	rig_data(0, high - FOG_LINK_WINDOW, FOG_KIND_NOTICE, 0, 1);
	CU_ASSERT_EQUAL(rig_status().replayed, 5);
	CU_ASSERT_EQUAL(g.notices, 6);
	rig_data(0, high + 1, FOG_KIND_NOTICE, 0, (uint16_t)fog_notice_room(g.packet_len));
	CU_ASSERT_EQUAL(g.notice_len, fog_notice_room(g.packet_len));
	g.notices--;

	// What a gateway doesn't send, though it could.
	uint64_t bad = rig_status().malformed;
	rig_data(0, 2 * COUNTER_FAR, FOG_KIND_SPHINX, 0, 0);
	rig_data(0, 2 * COUNTER_FAR + 1, FOG_KIND_NOTICE, 1, 1);
	rig_data(
	        0, 2 * COUNTER_FAR + 2, FOG_KIND_NOTICE, 0,
	        (uint16_t)(fog_notice_room(g.packet_len) + 1)
	);
	rig_data(0, 2 * COUNTER_FAR + 3, 9, 0, 0);
	CU_ASSERT_EQUAL(rig_status().malformed, bad + 4);
	// Forged, of a worker that there isn't, and too short.
	gateway_seal(&g, 0, 2 * COUNTER_FAR + 4, text, frame);
	frame[100] ^= 1;
	rig_read();
	frame[100] ^= 1;
	client_link_read(l, frame, gateway_frame_len(&g) - 1, now);
	gateway_seal(&g, GATEWAY_SUBS, 0, text, frame);
	rig_read();
	CU_ASSERT_EQUAL(rig_status().malformed, bad + 7);
	CU_ASSERT_EQUAL(g.notices, 6);
	rig_close();
}

// A session that was replaced receives for a while, and sends no more.
static void test_replaced(void)
{
	struct gateway old;

	rig_open();
	client_link_tick(l, now);
	rig_link();
	while (g.initiations == 1 && now < 200000) {
		rig_data(0, now, FOG_KIND_NOTHING, 0, 0);
		rig_go(1000);
	}
	CU_ASSERT_TRUE(now >= 1000 + 87500 && now <= 1000 + 102000); // 7/8 of the age to all of it
	old = g;
	rig_link();
	CU_ASSERT_EQUAL(rig_status().handshakes, 2);
	CU_ASSERT_EQUAL(gateway_open(&g, text), 0);
	memset(text, 0, sizeof(text));
	text[0] = FOG_KIND_NOTICE;
	rig_go(CLIENT_LINK_OLD_MS / 2);
	gateway_seal(&old, 0, now, text, frame);
	rig_read();
	CU_ASSERT_EQUAL(g.notices, 1);
	rig_go(CLIENT_LINK_OLD_MS + 1000);
	gateway_seal(&old, 0, now, text, frame);
	rig_read();
	CU_ASSERT_EQUAL(g.notices, 1);

	// So many packets that it is time, and so many that the gateway takes no more.
	rig_close();
	rig_open();
	client_link_tick(l, now);
	rig_link();
	for (unsigned i = 1; i < 4 * params.rekey_packets; i++) {
		if (i == params.rekey_packets - 1) {
			rig_go(1000);
			CU_ASSERT_EQUAL(g.initiations, 1);
		}
		CU_ASSERT_EQUAL(client_link_packet(l, text, 0, now), 0);
	}
	CU_ASSERT_EQUAL(client_link_packet(l, text, 0, now), -ENOTCONN);
	rig_go(500);
	CU_ASSERT_TRUE(g.initiations >= 2);

	// Nothing is heard: another session.
	rig_close();
	rig_open();
	client_link_tick(l, now);
	rig_link();
	rig_go(CLIENT_LINK_STALE_MS - 500);
	CU_ASSERT_EQUAL(g.initiations, 1);
	rig_go(1000);
	CU_ASSERT_TRUE(g.initiations >= 2);
	rig_close();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"a handshake, packets, notices, beats", test_up},
	        {"a gateway that doesn't answer", test_try},
	        {"cookies", test_cookie},
	        {"a gateway that refuses", test_refused},
	        {"a response with one bit changed, of another network", test_forged},
	        {"frames: once each, and only what may come", test_frames},
	        {"sessions take turns", test_replaced},
	        CU_TEST_INFO_NULL,
	};

	return sodium_init() < 0 || fog_crypto_init() < 0 || check_run("client link", tests);
}
