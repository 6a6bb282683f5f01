// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The whole path on the loop driver: what goes through, what is dropped under which name, and the
// books after every case.
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <sodium.h>

#include "../run.h"
#include "rig.h"

enum { MTU_PACKET = 1408 };

// Exactly this reason moved, by 'n', and nothing was sent, delivered or parked.
static void expect_drop(struct rig *r, enum fog_drop reason, uint64_t n)
{
	struct fog_worker_counters *c;

	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 0);
	c = rig_snapshot(r);
	for (unsigned i = 1; i < FOG_DROP_COUNT; i++) {
		if (c->drop[i] != (i == reason ? n : 0))
			fprintf(stderr, "  %s: %lu\n", fog_drop_label(i), c->drop[i]);
		CU_ASSERT_EQUAL(c->drop[i], i == reason ? n : 0);
	}
	CU_ASSERT_EQUAL(c->rx + c->injected, n);
	CU_ASSERT_EQUAL(c->tx + c->delivered + c->parked, 0);
}

// RFC 8200 section 8.1, word by word: addresses, length, protocol, datagram.
static uint32_t udp6_sum(const uint8_t *ip)
{
	uint32_t len = (uint32_t)ip[44] << 8 | ip[45], sum = len + 17;

	for (uint32_t i = 8; i < 40 + len; i += 2)
		sum += (uint32_t)ip[i] << 8 | (i + 1 < 40 + len ? ip[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

// What leaves is the packet that an independent unwrap of the same packet gives, in a right frame.
static void forward_over(unsigned flags, int next)
{
	struct rig *r = rig_create(flags, 64);
	uint8_t packet[MTU_PACKET], frame[2048];
	uint32_t len = 0, headers = (next == 2 ? 40 : 20) + 8 + 14 + (flags & RIG_VLAN ? 4 : 0);
	struct fog_sphinx_route route;

	rig_packet(r, next, packet);
	rig_put_packet(r, packet);
	CU_ASSERT_EQUAL(rig_run(r, frame, &len), 1);
	CU_ASSERT_EQUAL_FATAL(len, headers + MTU_PACKET);
	CU_ASSERT_EQUAL(
	        fog_sphinx_unwrap(
	                r->w->crypto, &r->w->geo, r->private_key[0], packet, MTU_PACKET, &route,
	                NULL
	        ),
	        FOG_DROP_NONE
	);
	CU_ASSERT_EQUAL(memcmp(frame + headers, packet, MTU_PACKET), 0);
	CU_ASSERT_EQUAL(frame[5], next); // destination MAC of the static neighbour
	if (flags & RIG_VLAN) {
		CU_ASSERT_EQUAL(frame[12], 0x81);
		CU_ASSERT_EQUAL(frame[15], 100);
	}
	const struct rte_udp_hdr *udp = (void *)(frame + headers - 8);
	CU_ASSERT_EQUAL(rte_be_to_cpu_16(udp->dst_port), 9001);
	if (next == 2) {
		CU_ASSERT_EQUAL(udp6_sum(frame + headers - 48), 0xffff);
	} else {
		CU_ASSERT_EQUAL(rte_raw_cksum(frame + headers - 28, 20), 0xffff);
	}
	struct fog_worker_counters *c = rig_snapshot(r);
	CU_ASSERT_EQUAL(c->tx, 1);
	CU_ASSERT_EQUAL(c->peer[1].rx, 1); // frames come from 10.0.0.2 = node 1
	CU_ASSERT_EQUAL(c->peer[next].tx, 1);
	CU_ASSERT_EQUAL(c->owed_us.count, 1);
	CU_ASSERT_EQUAL(c->given_us.count, 1);
	CU_ASSERT(c->given_us.max >= c->owed_us.max);
	rig_destroy(r);
}

static void test_forward(void)
{
	forward_over(0, 1);
	forward_over(0, 2);
	forward_over(RIG_VLAN, 1);
	forward_over(RIG_VLAN, 2);
}

// From outside: between put and take no packet spends less than the law and the key say.
static void test_delay_owed(void)
{
	struct rig *r = rig_create(RIG_SLOW, 64);
	uint8_t packet[MTU_PACKET];
	struct fog_sphinx_route route;
	struct fog_sphinx_hop hop;

	for (int i = 0; i < 6; i++) {
		rig_packet(r, 1, packet);
		uint64_t before = rte_rdtsc();
		rig_put_packet(r, packet);
		CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 1);
		uint64_t spent = rte_rdtsc() - before;
		CU_ASSERT_EQUAL(
		        fog_sphinx_unwrap(
		                r->w->crypto, &r->w->geo, r->private_key[0], packet, MTU_PACKET,
		                &route, &hop
		        ),
		        FOG_DROP_NONE
		);
		uint64_t us = fog_delay_owed(
		        &r->conf->law, &r->key->delay, fog_sphinx_replay_tag(&hop), 0
		);
		CU_ASSERT(spent * 1000000 >= us * r->w->tsc_hz);
	}
	rig_destroy(r);
}

static void test_from_ipv6(void)
{
	struct rig *r = rig_create(0, 64);
	struct rig_frame f = rig_frame_good(r);
	uint8_t packet[MTU_PACKET];

	f.family = 6;
	rig_packet(r, 1, packet);
	rig_put(r, &f, packet, sizeof(packet));
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 1);
	rig_snapshot(r);
	rig_destroy(r);
}

static void frame_case(unsigned flags, struct rig_frame change, int32_t len, enum fog_drop reason)
{
	struct rig *r = rig_create(flags, 64);
	uint8_t packet[MTU_PACKET + 8] = {0};
	struct rig_frame f = rig_frame_good(r);

	f.family = change.family ? change.family : f.family;
	f.vlan = change.vlan ? (change.vlan == 0xffff ? 0 : change.vlan) : f.vlan;
	f.udp_port = change.udp_port ? change.udp_port : f.udp_port;
	f.protocol = change.protocol ? change.protocol : f.protocol;
	f.fragment = change.fragment;
	f.bad_destination = change.bad_destination;
	f.bad_ip_checksum = change.bad_ip_checksum;
	f.bad_udp_checksum = change.bad_udp_checksum;
	f.no_udp_checksum = change.no_udp_checksum;
	f.cut = change.cut;
	f.ether_type = change.ether_type;
	f.ol_flags = change.ol_flags;
	rig_packet(r, 1, packet);
	rig_put(r, &f, packet, (uint32_t)(MTU_PACKET + len));
	expect_drop(r, reason, 1);
	rig_destroy(r);
}

#define FRAME(...) ((struct rig_frame){__VA_ARGS__})

static void test_frames(void)
{
	frame_case(0, FRAME(.cut = 1), 0, FOG_DROP_FRAME_TRUNCATED);
	frame_case(0, FRAME(.cut = MTU_PACKET + 8 + 10), 0, FOG_DROP_FRAME_TRUNCATED);
	frame_case(0, FRAME(.family = 6, .cut = 1), 0, FOG_DROP_FRAME_TRUNCATED);
	frame_case(0, FRAME(.ether_type = 0x0806), 0, FOG_DROP_ETHERTYPE);
	frame_case(0, FRAME(.vlan = 5), 0, FOG_DROP_VLAN);
	frame_case(RIG_VLAN, FRAME(.vlan = 0xffff), 0, FOG_DROP_VLAN);
	frame_case(RIG_VLAN, FRAME(.vlan = 101), 0, FOG_DROP_VLAN);
	frame_case(0, FRAME(.bad_ip_checksum = 1), 0, FOG_DROP_IP_HEADER);
	frame_case(0, FRAME(.fragment = 0x2000), 0, FOG_DROP_FRAGMENT);
	frame_case(0, FRAME(.fragment = 7), 0, FOG_DROP_FRAGMENT);
	frame_case(0, FRAME(.family = 6, .protocol = 44), 0, FOG_DROP_FRAGMENT);
	frame_case(0, FRAME(.bad_destination = 1), 0, FOG_DROP_NOT_OUR_ADDRESS);
	frame_case(0, FRAME(.protocol = 6), 0, FOG_DROP_NOT_UDP);
	frame_case(0, FRAME(.family = 6, .protocol = 6), 0, FOG_DROP_NOT_UDP);
	frame_case(0, FRAME(.udp_port = 9002), 0, FOG_DROP_UDP_PORT);
	frame_case(0, FRAME(.bad_udp_checksum = 1), 0, FOG_DROP_UDP_CHECKSUM);
	frame_case(0, FRAME(.family = 6, .no_udp_checksum = 1), 0, FOG_DROP_UDP_CHECKSUM);
	frame_case(0, FRAME(.family = 4), -1, FOG_DROP_UNDERSIZE);
	frame_case(0, FRAME(.family = 4), 1, FOG_DROP_OVERSIZE);
}

// Where a device has looked, its word counts, but for datagrams without a checksum, which devices
// judge differently.
static void test_device_checksums(void)
{
	const uint64_t ip_good = RTE_MBUF_F_RX_IP_CKSUM_GOOD, ip_bad = RTE_MBUF_F_RX_IP_CKSUM_BAD,
	               good = RTE_MBUF_F_RX_L4_CKSUM_GOOD, bad = RTE_MBUF_F_RX_L4_CKSUM_BAD;
	const uint64_t unknown = RTE_MBUF_F_RX_IP_CKSUM_UNKNOWN | RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN;
	// Never computed, but vouched for: frames of a virtio peer on the same host.
	const uint64_t ip_none = RTE_MBUF_F_RX_IP_CKSUM_NONE, none = RTE_MBUF_F_RX_L4_CKSUM_NONE;
	static uint8_t packet[MTU_PACKET];

	frame_case(0, FRAME(.ol_flags = bad), 0, FOG_DROP_UDP_CHECKSUM);
	frame_case(0, FRAME(.family = 6, .ol_flags = bad), 0, FOG_DROP_UDP_CHECKSUM);
	frame_case(0, FRAME(.ol_flags = ip_bad | good), 0, FOG_DROP_IP_HEADER);
	frame_case(0, FRAME(.bad_udp_checksum = 1, .ol_flags = unknown), 0, FOG_DROP_UDP_CHECKSUM);
	frame_case(0, FRAME(.bad_ip_checksum = 1, .ol_flags = unknown), 0, FOG_DROP_IP_HEADER);
	frame_case(
	        0, FRAME(.family = 6, .no_udp_checksum = 1, .ol_flags = good), 0,
	        FOG_DROP_UDP_CHECKSUM
	);
	const struct rig_frame through[] = {
	        {.bad_udp_checksum = 1, .ol_flags = good},
	        {.bad_ip_checksum = 1, .ol_flags = ip_good},
	        {.no_udp_checksum = 1, .ol_flags = bad},
	        {.bad_udp_checksum = 1, .ol_flags = none},
	        {.bad_ip_checksum = 1, .ol_flags = ip_none},
	        {.ol_flags = unknown},
	};
	for (unsigned i = 0; i < RTE_DIM(through); i++) {
		struct rig *r = rig_create(0, 64);
		struct rig_frame f = rig_frame_good(r);
		f.bad_udp_checksum = through[i].bad_udp_checksum;
		f.bad_ip_checksum = through[i].bad_ip_checksum;
		f.no_udp_checksum = through[i].no_udp_checksum;
		f.ol_flags = through[i].ol_flags;
		rig_packet(r, 1, packet);
		rig_put(r, &f, packet, MTU_PACKET);
		CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 1);
		CU_ASSERT_EQUAL(rig_snapshot(r)->drops, 0);
		rig_destroy(r);
	}
}

// A device that finishes checksums wants the sum of the pseudo header, as it stands.
static void test_checksum_for_device(void)
{
	struct rig *r = rig_create(0, 64);
	uint8_t packet[MTU_PACKET], frame[2048], *ip = frame + 14;
	uint32_t len = 0, sum = MTU_PACKET + 8 + 17;

	r->port->tx_checksum = true;
	rig_packet(r, 2, packet);
	rig_put_packet(r, packet);
	CU_ASSERT_EQUAL_FATAL(rig_run(r, frame, &len), 1);
	CU_ASSERT_EQUAL_FATAL(len, 14 + 40 + 8 + MTU_PACKET);
	for (unsigned i = 8; i < 40; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	CU_ASSERT_EQUAL((uint32_t)ip[46] << 8 | ip[47], sum);
	rig_destroy(r);
}

// Change a good packet at one place; the MAC answers for the header, the tag for the payload.
static void packet_case(int next, unsigned at, enum fog_drop reason)
{
	struct rig *r = rig_create(0, 64);
	uint8_t packet[MTU_PACKET];

	rig_packet(r, next, packet);
	packet[at] ^= 1;
	rig_put_packet(r, packet);
	expect_drop(r, reason, 1);
	rig_destroy(r);
}

static void test_packets(void)
{
	packet_case(1, 0, FOG_DROP_BAD_PREFIX);
	packet_case(1, 1, FOG_DROP_BAD_PREFIX);
	packet_case(1, 3, FOG_DROP_BAD_MAC);
	packet_case(1, 100, FOG_DROP_BAD_MAC);
	packet_case(1, 450, FOG_DROP_BAD_MAC);
	packet_case(0, 1000, FOG_DROP_BAD_PAYLOAD_TAG);
}

static void test_zero_secret(void)
{
	struct rig *r = rig_create(0, 64);
	uint8_t packet[MTU_PACKET];

	rig_packet(r, 1, packet);
	memset(packet + 2, 0, 32);
	rig_put_packet(r, packet);
	expect_drop(r, FOG_DROP_ZERO_SECRET, 1);
	rig_destroy(r);
}

// A sender makes slot 0 say 'slot' and the MAC right for it.
static void slot_case(const uint8_t *slot, size_t len, enum fog_drop reason)
{
	struct rig *r = rig_create(0, 64);
	struct fog_geometry *g = &r->w->geo;
	uint8_t packet[MTU_PACKET], copy[MTU_PACKET];
	struct fog_sphinx_route route;
	struct fog_sphinx_hop hop;

	rig_packet(r, 1, packet);
	memcpy(copy, packet, sizeof(copy));
	fog_sphinx_unwrap(r->w->crypto, g, r->private_key[0], copy, MTU_PACKET, &route, &hop);
	// The key stream of slot 0 is what deciphers the slot that the sender wrote there.
	uint8_t plain[FOG_SPHINX_SLOT_LEN] = {0}, stream[FOG_SPHINX_SLOT_LEN] = {0};
	uint8_t *out = stream;
	const uint8_t *in = plain, *key = hop.okm + 32, *iv = hop.okm + 64, *mac = hop.okm;
	r->w->crypto->ctr(1, &out, &in, &key, &iv, sizeof(stream));
	memcpy(plain, slot, len);
	for (unsigned i = 0; i < sizeof(stream); i++)
		packet[34 + i] = plain[i] ^ stream[i];
	crypto_auth_hmacsha256_state st;
	crypto_auth_hmacsha256_init(&st, mac, 32);
	crypto_auth_hmacsha256_update(&st, packet, 34u + g->routing_len);
	crypto_auth_hmacsha256_final(&st, packet + 34 + g->routing_len);
	rig_put_packet(r, packet);
	expect_drop(r, reason, 1);
	rig_destroy(r);
}

static void test_slots(void)
{
	uint8_t unknown[] = {0x77}, padding[] = {0, 0, 1}, nothing[] = {0};
	uint8_t truncated[] = {
	        [0] = 0x80, [5] = 0x01, [70] = 0x80, [75] = 0x80, [80] = 0x80, [81] = 1};
	uint8_t stranger[66] = {0x01, 0xee};

	slot_case(unknown, sizeof(unknown), FOG_DROP_UNKNOWN_COMMAND);
	slot_case(padding, sizeof(padding), FOG_DROP_BAD_PADDING);
	slot_case(nothing, sizeof(nothing), FOG_DROP_NO_DESTINATION);
	slot_case(stranger, sizeof(stranger), FOG_DROP_UNKNOWN_NEXT_HOP);
	// next hop (65), then a SURB command (17) that has one byte too few
	uint8_t late[FOG_SPHINX_SLOT_LEN] = {[0] = 0x80, [5] = 0x01, [70] = 0x03};
	slot_case(late, sizeof(late), FOG_DROP_TRUNCATED_COMMAND);
	slot_case(truncated, sizeof(truncated), FOG_DROP_UNKNOWN_COMMAND); // node_delay twice
}

static void test_replay(void)
{
	struct rig *r = rig_create(0, 64);
	uint8_t packet[MTU_PACKET], alias[MTU_PACKET], copy[MTU_PACKET];
	struct fog_sphinx_route route;
	struct fog_sphinx_hop hop;

	rig_packet(r, 1, packet);
	memcpy(copy, packet, sizeof(copy));
	fog_sphinx_unwrap(
	        r->w->crypto, &r->w->geo, r->private_key[0], copy, MTU_PACKET, &route, &hop
	);
	rig_put_packet(r, packet);
	rig_put_packet(r, packet);
	// Bit 255 does not count in X25519; the sender can make the MAC right for it.
	memcpy(alias, packet, sizeof(alias));
	alias[33] ^= 0x80;
	crypto_auth_hmacsha256_state st;
	crypto_auth_hmacsha256_init(&st, hop.okm, 32);
	crypto_auth_hmacsha256_update(&st, alias, 34u + r->w->geo.routing_len);
	crypto_auth_hmacsha256_final(&st, alias + 34 + r->w->geo.routing_len);
	rig_put_packet(r, alias);
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 1);
	struct fog_worker_counters *c = rig_snapshot(r);
	CU_ASSERT_EQUAL(c->drop[FOG_DROP_REPLAY], 2);
	CU_ASSERT_EQUAL(c->drops, 2);
	rig_destroy(r);
}

static void test_accept_replays(void)
{
	struct rig *r = rig_create(0, 64);
	uint8_t packet[MTU_PACKET];

	r->w->accept_replays = true;
	rig_packet(r, 1, packet);
	for (int i = 0; i < 3; i++) {
		rig_put_packet(r, packet);
		CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 1);
	}
	struct fog_worker_counters *c = rig_snapshot(r);
	CU_ASSERT_EQUAL(c->replays_accepted, 2);
	CU_ASSERT_EQUAL(c->tx, 3);
	CU_ASSERT_EQUAL(c->drops, 0);
	CU_ASSERT_EQUAL(fog_replay_count(r->key->replay), 1);
	rig_destroy(r);
}

// One token and no clock: a forged packet leaves it alone, the first good one takes it, and the
// second one may come again later, because it was not claimed.
static void test_rate(void)
{
	struct rig *r = rig_create(RIG_RATE, 64);
	uint8_t packet[2][MTU_PACKET], forged[MTU_PACKET];

	r->w->tokens_per_cycle = 0;
	r->w->tokens = FOG_TOKEN + 1;
	rig_packet(r, 1, packet[0]);
	rig_packet(r, 1, packet[1]);
	memcpy(forged, packet[0], sizeof(forged));
	forged[100] ^= 1;
	rig_put_packet(r, forged);
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 0);
	rig_put_packet(r, packet[0]);
	rig_put_packet(r, packet[1]);
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 1);
	struct fog_worker_counters *c = rig_snapshot(r);
	CU_ASSERT_EQUAL(c->drop[FOG_DROP_BAD_MAC], 1);
	CU_ASSERT_EQUAL(c->drop[FOG_DROP_RATE], 1);
	CU_ASSERT_EQUAL(fog_replay_count(r->key->replay), 1);
	r->w->tokens = FOG_TOKEN;
	rig_put_packet(r, packet[1]);
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 1);
	c = rig_snapshot(r);
	CU_ASSERT_EQUAL(c->drops, 2);
	rig_destroy(r);
}

// Copies of an accepted packet use nothing up, in one chunk with it or later; nor does a packet that
// a full table refuses. Three tokens and no clock; 'lanes' packets share a chunk at the most.
static void rate_replays(unsigned lanes)
{
	struct rig *r = rig_create(RIG_RATE, 64);
	uint8_t a[MTU_PACKET], b[MTU_PACKET];

	r->w->chunk_size = lanes;
	r->w->tokens_per_cycle = 0;
	r->w->tokens = 3 * FOG_TOKEN;
	rig_packet(r, 1, a);
	rig_packet(r, 1, b);
	for (int i = 0; i < 3; i++)
		rig_put_packet(r, a);
	rig_put_packet(r, b);
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 2);
	struct fog_worker_counters *c = rig_snapshot(r);
	CU_ASSERT_EQUAL(c->drop[FOG_DROP_REPLAY], 2);
	CU_ASSERT_EQUAL(c->drops, 2);
	CU_ASSERT_EQUAL(r->w->tokens, FOG_TOKEN);
	while (fog_replay_count(r->key->replay) < fog_replay_capacity(r->key->replay)) {
		uint8_t tag[FOG_REPLAY_TAG_LEN];
		const uint8_t *one = tag;
		struct fog_replay_place place;
		randombytes_buf(tag, sizeof(tag));
		fog_replay_prefetch(r->key->replay, 1, &one, &place);
		CU_ASSERT_EQUAL_FATAL(fog_replay_claim(r->key->replay, &place), 0);
	}
	for (int i = 0; i < 4; i++) {
		rig_packet(r, 1, b);
		rig_put_packet(r, b);
	}
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 0);
	c = rig_snapshot(r);
	CU_ASSERT_EQUAL(c->drop[FOG_DROP_REPLAY_FULL], 4);
	CU_ASSERT_EQUAL(c->drop[FOG_DROP_RATE], 0);
	CU_ASSERT_EQUAL(r->w->tokens, FOG_TOKEN);
	// What is let through is accepted.
	r->w->accept_replays = true;
	rig_put_packet(r, a);
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 1);
	CU_ASSERT_EQUAL(r->w->tokens, 0);
	r->w->tokens = r->w->tokens_max - 1;
	stage_rate_return(r->w);
	CU_ASSERT_EQUAL(r->w->tokens, r->w->tokens_max); // not past the brim
	rig_destroy(r);
}

static void test_rate_replays(void)
{
	rate_replays(1);
	rate_replays(4);
}

// How many of FOG_CHUNK_MAX packets pass.
static unsigned admitted(struct rig *r)
{
	unsigned n = 0;

	stage_rate(r->w);
	for (unsigned i = 0; i < FOG_CHUNK_MAX; i++)
		n += stage_rate_take(r->w);
	return n;
}

// The bucket fills by the clock, at the rate and to the brim. What passes meanwhile is known too.
static void test_rate_clock(void)
{
	struct rig *r = rig_create(RIG_RATE, 64);
	struct fog_worker *w = r->w;

	CU_ASSERT_EQUAL(w->tokens_max, fog_plan_burst(RIG_MAX_RATE) << FOG_TOKEN_SHIFT);
	for (unsigned ms = 0; ms < 700; ms += 43) {
		w->tokens = 0;
		uint64_t before = rte_rdtsc();
		w->tokens_at = before - ms * (w->tsc_hz / 1000);
		unsigned n = admitted(r);
		uint64_t most = ms + (rte_rdtsc() - before) * 1000 / w->tsc_hz + 1;
		CU_ASSERT_TRUE(n <= most * RIG_MAX_RATE / 1000);
		// Rounded down, so a token may lack its last bit.
		CU_ASSERT_TRUE(n + 1 >= RTE_MIN(ms * RIG_MAX_RATE / 1000, (unsigned)FOG_CHUNK_MAX));
	}
	// So long that cycles times rate would run over and start from nothing.
	w->tokens = 0;
	w->tokens_at = rte_rdtsc() - (UINT64_MAX / w->tokens_per_cycle + 1);
	CU_ASSERT_EQUAL(admitted(r), FOG_CHUNK_MAX);
	CU_ASSERT_EQUAL(
	        w->tokens,
	        w->tokens_max - FOG_CHUNK_MAX * FOG_TOKEN
	); // no more than the brim, however long it was
	rig_destroy(r);
}

static void test_no_key(void)
{
	struct rig *r = rig_create(RIG_NO_KEY, 64);
	uint8_t packet[MTU_PACKET];

	rig_packet(r, 1, packet);
	rig_put_packet(r, packet);
	expect_drop(r, FOG_DROP_NO_KEY, 1);
	rig_destroy(r);
}

static void test_delay_full(void)
{
	struct rig *r = rig_create(RIG_LONG_DELAY, 4);
	uint8_t packet[MTU_PACKET];

	for (int i = 0; i < 10; i++) {
		rig_packet(r, 1, packet);
		rig_put_packet(r, packet);
	}
	rig_settle(r);
	struct fog_worker_counters *c = rig_snapshot(r);
	CU_ASSERT_EQUAL(c->rx, 10);
	CU_ASSERT_EQUAL(c->parked + c->tx, 4);
	CU_ASSERT_EQUAL(c->drop[FOG_DROP_DELAY_FULL], 6);
	rig_destroy(r);
}

static void test_next_hop_changes(void)
{
	struct rig *r = rig_create(RIG_SLOW, 64);
	uint8_t packet[MTU_PACKET];

	rig_packet(r, 2, packet);
	rig_put_packet(r, packet);
	rig_settle(r);
	CU_ASSERT_EQUAL(fog_calendar_depth(r->w->calendar), 1);
	rig_configure(r, 2, 1); // node 2 leaves
	expect_drop(r, FOG_DROP_NEXT_HOP_GONE, 1);
	rig_destroy(r);

	r = rig_create(0, 64);
	rig_configure(r, 3, 1); // node 2 is on the link, but where?
	rig_packet(r, 2, packet);
	rig_put_packet(r, packet);
	expect_drop(r, FOG_DROP_NO_NEIGHBOUR, 1);
	rig_destroy(r);

	r = rig_create(0, 64);
	memset(r->port->prefix, 32, sizeof(r->port->prefix)); // fd00::/32 has node 2 on it, ...
	r->port->address[1].addr[1] = 1; // ... but fd01::/32 has not, and there is no gateway
	rig_configure(r, 3, 1);
	rig_packet(r, 2, packet);
	rig_put_packet(r, packet);
	expect_drop(r, FOG_DROP_NO_ROUTE, 1);
	rig_destroy(r);
}

static void put_zeros(struct rig *r, uint16_t queue, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->w->pool);

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	memset(rte_pktmbuf_append(m, len), 0, len);
	CU_ASSERT_EQUAL(fog_loop_put(r->port, queue, &m, 1), 1);
}

static void test_flooded_queue(void)
{
	struct rig *r = rig_create(RIG_TWO_QUEUES, 64);

	for (int i = 0; i < 4 * FOG_BURST; i++)
		put_zeros(r, 0, 60);
	put_zeros(r, 1, 10);
	for (int i = 0; i < 2; i++)
		fog_worker_round(r->w, rte_rdtsc());
	struct fog_worker_counters *c = rig_snapshot(r);
	CU_ASSERT_EQUAL(c->rx, 2 * FOG_BURST);
	CU_ASSERT_EQUAL(c->drop[FOG_DROP_FRAME_TRUNCATED], 1); // the one of the other queue
	rig_destroy(r);
}

static void test_peer_slots_used_up(void)
{
	struct rig *r = rig_create(0, 64);
	uint8_t packet[MTU_PACKET];

	memset(r->peer_id, 0xff, FOG_NODES_MAX * FOG_ID_LEN);
	rig_configure(r, RIG_NODES, RIG_NODES);
	rig_packet(r, 1, packet);
	rig_put_packet(r, packet);
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 1);
	struct fog_worker_counters *c = rig_snapshot(r);
	CU_ASSERT_EQUAL(c->tx, 1);
	CU_ASSERT_EQUAL(c->peer[1].tx + c->peer[1].rx, 0);
	rig_destroy(r);
}

int main(void)
{
	if (rig_global_init("fogt-pipeline") < 0 || CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	CU_pSuite s = CU_add_suite("pipeline", NULL, NULL);
	CU_add_test(s, "forward over IPv4, IPv6 and VLAN", test_forward);
	CU_add_test(s, "no delay shorter than owed", test_delay_owed);
	CU_add_test(s, "received over IPv6", test_from_ipv6);
	CU_add_test(s, "malformed frames, each under its reason", test_frames);
	CU_add_test(s, "checksums by the device", test_device_checksums);
	CU_add_test(s, "checksum left to the device", test_checksum_for_device);
	CU_add_test(s, "changed packets, each under its reason", test_packets);
	CU_add_test(s, "low-order group element", test_zero_secret);
	CU_add_test(s, "malformed slots, each under its reason", test_slots);
	CU_add_test(s, "replay and its alias", test_replay);
	CU_add_test(s, "replays let through", test_accept_replays);
	CU_add_test(s, "rate limit", test_rate);
	CU_add_test(s, "replays use no tokens up", test_rate_replays);
	CU_add_test(s, "rate limit by the clock", test_rate_clock);
	CU_add_test(s, "no key yet", test_no_key);
	CU_add_test(s, "calendar full: random victim", test_delay_full);
	CU_add_test(s, "next hop leaves or is unreachable", test_next_hop_changes);
	CU_add_test(s, "a flooded queue starves no other", test_flooded_queue);
	CU_add_test(s, "more nodes than statistics slots", test_peer_slots_used_up);
	return check_run_registered();
}
