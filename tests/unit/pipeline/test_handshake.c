// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Which handshake messages and notices get to the manager, what is answered with a cookie, and what the
// manager's letters look like on the wire. MACs are made by libsodium here, by the worker's own HMAC there.
#include <rte_ip.h>
#include <rte_ring_elem.h>
#include <rte_udp.h>
#include <sodium.h>

#include "../../../dataplane/crypto/link.h"
#include "../../../dataplane/punt.h"
#include "../run.h"
#include "rig.h"

enum { UDP4_AT = 14 + 20, UDP6_AT = 14 + 40, INDEX = 0x11223344, TRIES = 100000, FRAME = 2048 };

struct sent {
	uint8_t bytes[FRAME];
	uint32_t len;
};

static uint8_t link_key[32];

static struct rig *rig_linked(void)
{
	struct rig *r = rig_create(RIG_LINKS, 64);

	randombytes_buf(link_key, sizeof(link_key));
	memcpy(r->blob->run.link_key, link_key, sizeof(link_key));
	rig_configure(r, RIG_NODES, RIG_NODES);
	return r;
}

static uint32_t length(enum fog_frame_type type)
{
	return type == FOG_FRAME_INITIATION  ? FOG_INITIATION_LEN
	        : type == FOG_FRAME_RESPONSE ? FOG_RESPONSE_LEN
	                                     : FOG_COOKIE_LEN;
}

// A message of this type with a right MAC1, and MAC2 if there is a cookie.
static void message(
        struct sent *f, const struct rig *r, enum fog_frame_type type, const uint8_t *cookie
)
{
	uint32_t mac1 = length(type) - 2 * FOG_LINK_MAC;
	uint8_t key[32];

	f->len = fog_worker_payload_len(r->w);
	randombytes_buf(f->bytes, f->len);
	fog_frame_header_put(f->bytes, type, INDEX, 0);
	if (type == FOG_FRAME_COOKIE)
		return;
	fog_link_mac1_key(link_key, key);
	fog_link_mac(key, sizeof(key), f->bytes, mac1, f->bytes + mac1);
	memset(f->bytes + mac1 + FOG_LINK_MAC, 0, FOG_LINK_MAC);
	if (cookie != NULL)
		fog_link_mac(
		        cookie, 16, f->bytes, mac1 + FOG_LINK_MAC, f->bytes + mac1 + FOG_LINK_MAC
		);
}

// Family 4 is node 1's address, 6 is nobody's.
static void put(struct rig *r, const struct sent *f, int family)
{
	struct rig_frame how = rig_frame_good(r);

	how.family = family;
	rig_put(r, &how, f->bytes, f->len);
	fog_worker_round(r->w, rte_rdtsc());
}

static bool punted(struct rig *r, struct fog_link_punt *punt)
{
	return rte_ring_sc_dequeue_elem(r->w->punts, punt, sizeof(*punt)) == 0;
}

static void check_punted(struct rig *r, const struct sent *f, int family)
{
	struct fog_link_punt punt;

	put(r, f, family);
	CU_ASSERT_TRUE_FATAL(punted(r, &punt));
	CU_ASSERT_EQUAL(punt.type, f->bytes[0]);
	CU_ASSERT_EQUAL(punt.len, length(f->bytes[0]));
	CU_ASSERT_EQUAL(memcmp(punt.data, f->bytes, punt.len), 0);
	CU_ASSERT_TRUE(sodium_is_zero(punt.data + punt.len, sizeof(punt.data) - punt.len));
	CU_ASSERT_EQUAL(punt.ip.family, family);
	CU_ASSERT_EQUAL(punt.port, 40000);
	CU_ASSERT_FALSE(punted(r, &punt));
}

static void check_dropped(struct rig *r, const struct sent *f, int family, enum fog_drop reason)
{
	struct fog_link_punt punt;
	uint64_t before = rig_snapshot(r)->drop[reason], drops = rig_snapshot(r)->drops;

	put(r, f, family);
	CU_ASSERT_EQUAL(rig_snapshot(r)->drop[reason], before + 1);
	CU_ASSERT_EQUAL(rig_snapshot(r)->drops, drops + 1);
	CU_ASSERT_FALSE(punted(r, &punt));
}

static void test_mac1(void)
{
	struct rig *r = rig_linked();
	struct sent f;

	message(&f, r, FOG_FRAME_INITIATION, NULL);
	check_punted(r, &f, 4);
	check_punted(r, &f, 6);
	for (unsigned at = 4; at < FOG_INITIATION_LEN - FOG_LINK_MAC; at += 7) {
		message(&f, r, FOG_FRAME_INITIATION, NULL);
		f.bytes[at] ^= 1;
		bool counter = at >= 8 && at < 16;
		check_dropped(r, &f, 4, counter ? FOG_DROP_LINK_FRAME : FOG_DROP_HANDSHAKE_MAC);
	}
	message(&f, r, FOG_FRAME_RESPONSE, NULL);
	check_punted(r, &f, 4);
	f.bytes[FOG_RESPONSE_LEN - FOG_LINK_MAC - 1] ^= 0x80;
	check_dropped(r, &f, 4, FOG_DROP_HANDSHAKE_MAC);
	// Without a key of ours nothing is made for us, also what is made for the key of zeros.
	memset(r->blob->run.link_key, 0, sizeof(link_key));
	memset(link_key, 0, sizeof(link_key));
	rig_configure(r, RIG_NODES, RIG_NODES);
	message(&f, r, FOG_FRAME_INITIATION, NULL);
	check_dropped(r, &f, 4, FOG_DROP_HANDSHAKE_MAC);
	rig_destroy(r);
}

// The next one, of 'tries', that is dropped for 'reason', or none.
static bool until(struct rig *r, enum fog_frame_type type, int family, enum fog_drop reason)
{
	uint64_t before = rig_snapshot(r)->drop[reason];
	struct fog_link_punt punt;
	struct sent f;

	for (unsigned i = 0; i < TRIES; i++) {
		message(&f, r, type, NULL);
		put(r, &f, family);
		rig_run(r, NULL, NULL);
		while (punted(r, &punt))
			;
		if (rig_snapshot(r)->drop[reason] > before)
			return true;
	}
	return false;
}

static void test_sources(void)
{
	struct rig *r = rig_linked();
	struct sent f;

	message(&f, r, FOG_FRAME_RESPONSE, NULL);
	check_punted(r, &f, 4);
	check_dropped(r, &f, 6, FOG_DROP_HANDSHAKE_SOURCE);
	message(&f, r, FOG_FRAME_COOKIE, NULL);
	check_punted(r, &f, 4);
	check_dropped(r, &f, 6, FOG_DROP_HANDSHAKE_SOURCE);
	CU_ASSERT_TRUE(until(r, FOG_FRAME_COOKIE, 4, FOG_DROP_HANDSHAKE_RATE));
	// Forged ones under one node's address keep no other node's from us.
	struct rig_frame other = rig_frame_good(r);
	struct fog_link_punt punt;
	other.family = 6;
	other.from = 2;
	message(&f, r, FOG_FRAME_COOKIE, NULL);
	rig_put(r, &other, f.bytes, f.len);
	fog_worker_round(r->w, rte_rdtsc());
	CU_ASSERT_TRUE(punted(r, &punt));
	CU_ASSERT_TRUE(until(r, FOG_FRAME_RESPONSE, 4, FOG_DROP_HANDSHAKE_RATE));
	rig_destroy(r);
}

static const uint8_t *own6(const struct rig *r)
{
	for (unsigned i = 0; i < r->port->address_count; i++)
		if (r->port->address[i].family == 6)
			return r->port->address[i].addr;
	CU_FAIL_FATAL("the rig has no IPv6 address");
	return NULL;
}

// Of an address and port (link.h): by its definition.
static void cookie_of(const struct rig *r, const uint8_t *ip, size_t len, uint8_t cookie[16])
{
	uint8_t from[19] = {len == 4 ? 4 : 6, [17] = 40000 >> 8, [18] = 40000 & 0xff}, whole[32];

	memcpy(from + 1, ip, len);
	crypto_auth_hmacsha256(whole, from, sizeof(from), r->w->handshake->secret[0]);
	memcpy(cookie, whole, 16);
}

// The cookie in the answer to 'f'.
static void cookie_get(struct rig *r, const struct sent *f, int family, uint8_t cookie[16])
{
	struct sent answer;
	uint32_t udp = family == 4 ? UDP4_AT : UDP6_AT;
	const uint8_t *payload = answer.bytes + udp + 8;
	uint8_t key[32];

	put(r, f, family);
	CU_ASSERT_EQUAL_FATAL(rig_run(r, answer.bytes, &answer.len), 1);
	CU_ASSERT_EQUAL(answer.len, udp + 8 + fog_worker_payload_len(r->w));
	CU_ASSERT_EQUAL(payload[0], FOG_FRAME_COOKIE);
	CU_ASSERT_EQUAL(memcmp(payload + 4, f->bytes + 4, 4), 0);
	if (family == 6) { // back to whom it came from, out of the port that it came to
		CU_ASSERT_EQUAL(answer.bytes[0], 2);
		CU_ASSERT_EQUAL(memcmp(answer.bytes + 14 + 8, own6(r), 16), 0);
		CU_ASSERT_EQUAL(answer.bytes[14 + 24 + 15], 2);
		CU_ASSERT_EQUAL(answer.bytes[udp] << 8 | answer.bytes[udp + 1], 9001);
		CU_ASSERT_EQUAL(answer.bytes[udp + 2] << 8 | answer.bytes[udp + 3], 40000);
	}
	// Nothing of what came goes back behind the cookie.
	for (uint32_t at = FOG_COOKIE_LEN; at + 32 <= f->len; at += 32)
		CU_ASSERT_NOT_EQUAL(memcmp(payload + at, f->bytes + at, 32), 0);
	fog_link_cookie_key(link_key, key);
	CU_ASSERT_EQUAL_FATAL(
	        fog_link_cookie_open(
	                key, payload + FOG_FRAME_HEADER,
	                f->bytes + FOG_INITIATION_LEN - 2 * FOG_LINK_MAC, cookie
	        ),
	        0
	);
	uint8_t want[16];
	if (family == 4)
		cookie_of(r, r->conf->node[1].ip.addr, 4, want);
	else
		cookie_of(r, answer.bytes + 14 + 24, 16, want);
	CU_ASSERT_EQUAL(memcmp(cookie, want, sizeof(want)), 0);
}

static void test_load(void)
{
	struct rig *r = rig_linked();
	struct sent f;
	uint8_t cookie[16], other[16];

	for (int family = 4; family <= 6; family += 2) {
		CU_ASSERT_TRUE_FATAL(until(r, FOG_FRAME_INITIATION, 6, FOG_DROP_HANDSHAKE_COOKIE));
		r->w->handshake->loaded_until = UINT64_MAX; // as long as this test takes
		message(&f, r, FOG_FRAME_INITIATION, NULL);
		cookie_get(r, &f, family, cookie);
		message(&f, r, FOG_FRAME_INITIATION, cookie);
		check_punted(r, &f, family);
		check_dropped(r, &f, family ^ 2, FOG_DROP_HANDSHAKE_COOKIE);
		rig_run(r, NULL, NULL);
		// The next secret: this cookie still counts, another one is given out. The one after: it does not.
		r->w->handshake->secret_until = rte_rdtsc();
		check_punted(r, &f, family);
		message(&f, r, FOG_FRAME_INITIATION, NULL);
		cookie_get(r, &f, family, other);
		CU_ASSERT_NOT_EQUAL(memcmp(cookie, other, 16), 0);
		r->w->handshake->secret_until = rte_rdtsc();
		message(&f, r, FOG_FRAME_INITIATION, cookie);
		check_dropped(r, &f, family, FOG_DROP_HANDSHAKE_COOKIE);
		message(&f, r, FOG_FRAME_INITIATION, other);
		check_punted(r, &f, family);
		rig_run(r, NULL, NULL);
		// A secret of long ago counts no more, though it was the last one.
		message(&f, r, FOG_FRAME_INITIATION, NULL);
		cookie_get(r, &f, family, other);
		message(&f, r, FOG_FRAME_INITIATION, other);
		r->w->handshake->secret_until = 0;
		check_dropped(r, &f, family, FOG_DROP_HANDSHAKE_COOKIE);
		rig_run(r, NULL, NULL);
		r->w->handshake->loaded_until = 0;
		r->w->handshake->window_until = 0;
		message(&f, r, FOG_FRAME_INITIATION, NULL);
		check_punted(r, &f, family);
	}
	rig_destroy(r);
}

// A window that never ends, with 'count' initiations in it, and 'fill' messages in the queue: whether one
// more makes load of them, or, where there is load, goes on with it.
static bool loads(struct rig *r, bool loaded, unsigned count, unsigned fill)
{
	struct fog_handshake *h = r->w->handshake;
	struct fog_link_punt punt = {0};
	struct sent f;

	while (rte_ring_count(r->w->punts) < fill)
		rte_ring_sp_enqueue_elem(r->w->punts, &punt, sizeof(punt));
	h->window_until = UINT64_MAX;
	h->window_count = count;
	uint64_t was = loaded ? UINT64_MAX : 0, calm = FOG_LOAD_CALM_MS * r->w->tsc_hz / 1000;
	h->loaded_until = was;
	message(&f, r, FOG_FRAME_INITIATION, NULL);
	uint64_t before = rte_rdtsc();
	put(r, &f, 4);
	uint64_t after = rte_rdtsc();
	rig_run(r, NULL, NULL);
	while (punted(r, &punt))
		;
	CU_ASSERT_EQUAL(h->window_count, count + 1);
	if (h->loaded_until == was)
		return false;
	CU_ASSERT_TRUE(h->loaded_until >= before + calm && h->loaded_until <= after + calm);
	return true;
}

// Load begins at its numbers, and ends only below the lower ones.
static void test_load_begins(void)
{
	struct rig *r = rig_linked();

	CU_ASSERT_FALSE(loads(r, false, FOG_LOAD_ON - 2, 0));
	CU_ASSERT_TRUE(loads(r, false, FOG_LOAD_ON - 1, 0));
	CU_ASSERT_FALSE(loads(r, true, FOG_LOAD_OFF - 2, 0));
	CU_ASSERT_TRUE(loads(r, true, FOG_LOAD_OFF - 1, 0));
	CU_ASSERT_FALSE(loads(r, false, 0, FOG_LOAD_ON_FILL - 1));
	CU_ASSERT_TRUE(loads(r, false, 0, FOG_LOAD_ON_FILL));
	CU_ASSERT_FALSE(loads(r, true, 0, FOG_LOAD_OFF_FILL - 1));
	CU_ASSERT_TRUE(loads(r, true, 0, FOG_LOAD_OFF_FILL));
	rig_destroy(r);
}

// Where a node's neighbour is not known no cookie can be sent.
static void test_unresolved(void)
{
	struct rig *r = rig_linked();
	struct sent f;

	rig_configure(r, RIG_NODES, 0);
	r->w->handshake->loaded_until = UINT64_MAX;
	message(&f, r, FOG_FRAME_INITIATION, NULL);
	check_dropped(r, &f, 4, FOG_DROP_HANDSHAKE_COOKIE);
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 0);
	CU_ASSERT_EQUAL(rig_snapshot(r)->made, 0);
	rig_destroy(r);
}

// Nobody's, for as long as this test takes.
static void use_up(struct fog_budget *b)
{
	atomic_store(&b->full_at, UINT64_MAX);
}

static void refill(struct fog_budget *b)
{
	atomic_store(&b->full_at, 0);
}

// Whoever sends under node 1's address takes none of its cookies away as long as there are any, and strangers
// take none of its own at all.
static void test_cookies(void)
{
	struct rig *r = rig_linked();
	struct fog_handshake *h = r->w->handshake;
	struct fog_budget *own = &h->node[fog_conf_peer(r->peer_id, r->id[1])].cookies;
	uint8_t cookie[16];
	struct sent f;

	h->loaded_until = UINT64_MAX;
	message(&f, r, FOG_FRAME_INITIATION, NULL);
	use_up(own);
	cookie_get(r, &f, 4, cookie);
	cookie_get(r, &f, 6, cookie);
	use_up(&h->cookies);
	check_dropped(r, &f, 4, FOG_DROP_HANDSHAKE_RATE);
	check_dropped(r, &f, 6, FOG_DROP_HANDSHAKE_RATE);
	refill(own);
	check_dropped(r, &f, 6, FOG_DROP_HANDSHAKE_RATE);
	cookie_get(r, &f, 4, cookie);
	rig_destroy(r);
}

static struct fog_link *client_add(struct rig *r, uint32_t slot)
{
	struct fog_link_session s = {
	        .class = FOG_LINK_CLIENT,
	        .rx_index = slot << FOG_LINK_SUB_BITS,
	        .rx_count = 1,
	        .ip = {.family = 4},
	        .port = 1,
	        .rekey_packets = 1,
	        .reject_packets = UINT64_MAX,
	};

	randombytes_buf(s.tx_key, sizeof(s.tx_key));
	CU_ASSERT_EQUAL_FATAL(fog_link_install(r->links, &s, FOG_LINK_NO_PEER), 0);
	return fog_link_find(r->links, s.rx_index);
}

// As many sessions as say that made-up addresses ask: a cookie is asked for from the first initiation on, and no
// longer when one of them has been heard or taken away.
static void test_unproven(void)
{
	struct rig *r = rig_linked();
	struct fog_link *last = NULL;
	struct sent f;

	message(&f, r, FOG_FRAME_INITIATION, NULL);
	for (uint32_t slot = 0; slot < FOG_LOAD_UNPROVEN; slot++) {
		r->w->handshake->window_until = 0; // it isn't the number of these that counts
		check_punted(r, &f, 6);
		last = client_add(r, slot);
	}
	for (unsigned i = 0; i < 2; i++) {
		check_dropped(r, &f, 6, FOG_DROP_HANDSHAKE_COOKIE);
		if (i == 0) {
			fog_link_heard(r->links, last, 0);
			fog_link_heard(r->links, last, 0);
		} else {
			fog_link_free(fog_link_take(r->links, 0));
		}
		r->w->handshake->loaded_until = 0; // a calm second later
		r->w->handshake->window_until = 0;
		check_punted(r, &f, 6);
		client_add(r, FOG_LOAD_UNPROVEN + i);
	}
	// One that was heard is not waited for any more, nor taken off twice.
	fog_link_free(fog_link_take(r->links, last->rx_index));
	check_dropped(r, &f, 6, FOG_DROP_HANDSHAKE_COOKIE);
	CU_ASSERT_EQUAL(r->links->unproven, FOG_LOAD_UNPROVEN);
	rig_destroy(r);
}

// Not yet made with is no secret that anybody knows, on a host whose clock has just started, too.
static void test_secrets(void)
{
	struct rig *r = rig_linked();
	struct sent f;

	r->w->handshake->secret_until = rte_rdtsc();
	message(&f, r, FOG_FRAME_INITIATION, NULL);
	check_punted(r, &f, 4);
	for (unsigned i = 0; i < 2; i++)
		CU_ASSERT_FALSE(sodium_is_zero(r->w->handshake->secret[i], 32));
	rig_destroy(r);
}

// An initiation of a stranger behind an extension header (RFC 8200 section 4.6) of 'units' of 8 bytes.
static void put_extended(struct rig *r, const struct sent *f, unsigned units)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->w->pool);
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *), *at = frame + UDP6_AT;
	uint16_t len = (uint16_t)(sizeof(struct rte_udp_hdr) + f->len);
	struct rte_udp_hdr *udp = (void *)(at + 8 * units);
	struct rte_ipv6_hdr ip = {
	        .vtc_flow = rte_cpu_to_be_32(6u << 28),
	        .payload_len = rte_cpu_to_be_16(len),
	        .proto = IPPROTO_UDP,
	        .src_addr = {0xfd, [15] = 77},
	};

	memcpy(ip.dst_addr, own6(r), sizeof(ip.dst_addr));
	*udp = (struct rte_udp_hdr){
	        .src_port = rte_cpu_to_be_16(40000),
	        .dst_port = rte_cpu_to_be_16(r->w->mix_port),
	        .dgram_len = rte_cpu_to_be_16(len),
	};
	memcpy(udp + 1, f->bytes, f->len);
	udp->dgram_cksum = rte_ipv6_udptcp_cksum(&ip, udp);
	ip.payload_len = rte_cpu_to_be_16(len + 8 * units);
	if (units > 0) {
		ip.proto = IPPROTO_DSTOPTS;
		memset(at, 0, 8 * units); // Pad1
		at[0] = IPPROTO_UDP;
		at[1] = (uint8_t)(units - 1);
	}
	memset(frame, 2, 12);
	frame[12] = 0x86;
	frame[13] = 0xdd;
	memcpy(frame + 14, &ip, sizeof(ip));
	rte_pktmbuf_append(m, (uint16_t)(UDP6_AT + 8 * units + len));
	CU_ASSERT_EQUAL_FATAL(fog_loop_put(r->port, 0, &m, 1), 1);
	fog_worker_round(r->w, rte_rdtsc());
}

// A cookie goes back only where the frame's own headers say, and not where what stands behind them does.
static void test_extended(void)
{
	struct rig *r = rig_linked();
	uint64_t dropped = 0;
	struct sent f;

	r->w->handshake->loaded_until = UINT64_MAX;
	for (unsigned units = 0; units < 6; units++) {
		message(&f, r, FOG_FRAME_INITIATION, NULL);
		put_extended(r, &f, units);
		CU_ASSERT_EQUAL(rig_snapshot(r)->drop[FOG_DROP_HANDSHAKE_COOKIE], ++dropped);
		CU_ASSERT_EQUAL(rig_snapshot(r)->made, 1);
	}
	rig_destroy(r);
}

static void test_queue(void)
{
	struct rig *r = rig_linked();
	struct fog_link_punt punt = {0};
	uint8_t cookie[16];
	struct sent f;

	// Half full: strangers with a cookie have to wait, nodes don't.
	r->w->handshake->loaded_until = UINT64_MAX;
	for (int family = 4; family <= 6; family += 2) {
		message(&f, r, FOG_FRAME_INITIATION, NULL);
		cookie_get(r, &f, family, cookie);
		message(&f, r, FOG_FRAME_INITIATION, cookie);
		while (rte_ring_count(r->w->punts) < FOG_PUNT_STRANGERS)
			rte_ring_sp_enqueue_elem(r->w->punts, &punt, sizeof(punt));
		uint64_t before = rig_snapshot(r)->drop[FOG_DROP_PUNT_FULL];
		put(r, &f, family);
		CU_ASSERT_EQUAL(rig_snapshot(r)->drop[FOG_DROP_PUNT_FULL], before + (family == 6));
	}
	while (rte_ring_sp_enqueue_elem(r->w->punts, &punt, sizeof(punt)) == 0)
		;
	uint64_t before = rig_snapshot(r)->drop[FOG_DROP_PUNT_FULL];
	message(&f, r, FOG_FRAME_RESPONSE, NULL);
	put(r, &f, 4);
	CU_ASSERT_EQUAL(rig_snapshot(r)->drop[FOG_DROP_PUNT_FULL], before + 1);
	rig_destroy(r);
}

static void test_letters(void)
{
	struct rig *r = rig_linked();
	struct fog_letter letter = {
	        .to = r->conf->node[1],
	        .send = {.type = FOG_FRAME_INITIATION, .len = FOG_INITIATION_LEN},
	};
	struct sent f[2];

	letter.to.source_port = 9001;
	randombytes_buf(letter.send.data, FOG_INITIATION_LEN);
	for (unsigned i = 0; i < 2; i++) {
		rte_ring_sp_enqueue_elem(r->w->letters, &letter, sizeof(letter));
		CU_ASSERT_EQUAL_FATAL(rig_run(r, f[i].bytes, &f[i].len), 1);
		const uint8_t *udp = f[i].bytes + UDP4_AT;
		CU_ASSERT_EQUAL(f[i].len, UDP4_AT + 8 + fog_worker_payload_len(r->w));
		CU_ASSERT_EQUAL(udp[0] << 8 | udp[1], 9001);
		CU_ASSERT_EQUAL(memcmp(udp + 8, letter.send.data, FOG_INITIATION_LEN), 0);
	}
	uint32_t at = UDP4_AT + 8 + FOG_INITIATION_LEN;
	for (; at + 32 <= f[0].len; at += 32) // equal by chance: never
		CU_ASSERT_NOT_EQUAL(memcmp(f[0].bytes + at, f[1].bytes + at, 32), 0);
	CU_ASSERT_EQUAL(rig_snapshot(r)->made, 2);
	// No such session.
	letter.send = (struct fog_link_send){.type = FOG_FRAME_DATA, .kind = FOG_KIND_NOTHING};
	rte_ring_sp_enqueue_elem(r->w->letters, &letter, sizeof(letter));
	CU_ASSERT_EQUAL(rig_run(r, NULL, NULL), 0);
	CU_ASSERT_EQUAL(rig_snapshot(r)->drop[FOG_DROP_NO_LINK], 1);
	rig_destroy(r);
}

// The memory plan knows how much the rings take.
static void test_planned(void)
{
	for (unsigned workers = 1; workers <= FOG_WORKERS_MAX; workers++) {
		uint64_t taken = workers *
		                (uint64_t)rte_ring_get_memsize_elem(
		                         sizeof(struct fog_link_punt), FOG_PUNT_SLOTS
		                ) +
		        (uint64_t
		        )rte_ring_get_memsize_elem(sizeof(struct fog_letter), FOG_LETTER_SLOTS);
		CU_ASSERT_TRUE(fog_plan_queues(workers) >= taken);
		CU_ASSERT_TRUE(fog_plan_queues(workers) < 2 * taken);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
	        {"MAC1", test_mac1},
	        {"who may answer, and how often", test_sources},
	        {"cookies under load", test_load},
	        {"where load begins and ends", test_load_begins},
	        {"no way for a cookie", test_unresolved},
	        {"whose cookies those are", test_cookies},
	        {"sessions that nobody speaks under", test_unproven},
	        {"secrets of a young host", test_secrets},
	        {"cookies and extension headers", test_extended},
	        {"a queue that fills up", test_queue},
	        {"letters", test_letters},
	        {"rings as planned", test_planned},
	        CU_TEST_INFO_NULL,
	};

	if (rig_global_init("fogt-handshake") < 0)
		return 2;
	return check_run("handshake", tests);
}
