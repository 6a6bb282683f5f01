// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One node's links, message by message: each rule of a handshake is broken alone, each time-out is asked for
// just before and just after.
#include <errno.h>
#include <string.h>

#include "../../../controlplane/link/links_internal.h"
#include "../run.h"
#include "peer.h"

enum { SESSIONS = 64, MS = 1000000 };

static uint8_t ours[32], ours_public[32], theirs[32], theirs_public[32], client[32];
static struct fog_links *links;
static uint64_t now_ns;

// What the links did, and the data plane's sessions that came of it.
static struct {
	unsigned installs, removes, notices, client_notices;
	uint32_t data_index; // rx_index of the last DATA message
	unsigned sent[FOG_FRAME_DATA + 1]; // by type
	struct fog_link_session installed;
	struct fog_link_send message; // last handshake message
	struct fog_link_stats session[SESSIONS];
	unsigned sessions;
	int refuse; // what the next installations get, 0: they succeed
} saw;

static int on_install(void *ctx, const struct fog_link_session *s)
{
	CU_ASSERT_FATAL(saw.sessions < SESSIONS);
	if (saw.refuse < 0)
		return saw.refuse;
	saw.installs++;
	saw.installed = *s;
	saw.session[saw.sessions] = (struct fog_link_stats){
	        .state = s->initiator ? FOG_LINK_SENDING : FOG_LINK_WAITING,
	        .class = s->class,
	        .rx_index = s->rx_index,
	        .tx_index = s->tx_index,
	};
	memcpy(saw.session[saw.sessions++].static_key, s->static_key, 32);
	return 0;
}

static int on_remove(void *ctx, uint32_t rx_index)
{
	saw.removes++;
	for (unsigned i = 0; i < saw.sessions; i++)
		if (saw.session[i].rx_index == rx_index)
			saw.session[i] = saw.session[--saw.sessions];
	return 0;
}

static int on_send(void *ctx, const struct fog_link_send *s)
{
	saw.sent[s->type]++;
	if (s->type != FOG_FRAME_DATA)
		saw.message = *s;
	else
		saw.data_index = s->rx_index;
	return 0;
}

static void on_notice(void *ctx, const uint8_t node_id[32], const uint8_t *data, size_t len)
{
	saw.notices++;
}

// Answered as the gateway does it.
static void on_client_notice(void *ctx, const uint8_t key[32], const uint8_t *data, size_t len)
{
	uint8_t public_key[32];

	crypto_scalarmult_base(public_key, client);
	CU_ASSERT_EQUAL(memcmp(key, public_key, 32), 0);
	saw.client_notices++;
	CU_ASSERT_EQUAL(fog_links_client_notice(links, key, data, len), 0);
}

static uint64_t on_now(void *ctx)
{
	return now_ns;
}

static const struct fog_links_ops ops = {
        .install = on_install,
        .remove = on_remove,
        .send = on_send,
        .notice = on_notice,
        .client_notice = on_client_notice,
        .now_unix_ns = on_now};

static void configure(unsigned clients)
{
	const struct fog_links_wanted w = {
	        .topology = &topology, .clients = clients, .client_rate = 7, .client_burst = 9};

	CU_ASSERT_EQUAL_FATAL(fog_links_configure(links, &w, 0), 0);
}

static void begin(unsigned clients)
{
	struct fog_links_self self = {.link_private = ours, .minor = 2};
	const uint8_t boot_id[16] = {1};

	memset(&saw, 0, sizeof(saw));
	now_ns = UINT64_C(1800000000000000000);
	memset(ours, 1, 32);
	memset(theirs, 2, 32);
	memset(client, 3, 32);
	crypto_scalarmult_base(ours_public, ours);
	crypto_scalarmult_base(theirs_public, theirs);
	memcpy(self.link_public, ours_public, 32);
	node[1].id[0] = 1;
	memcpy(node[1].link_key, theirs_public, 32);
	node[1].address = (struct fog_ip){.family = 4, .addr = {192, 0, 2, 1}};
	node[1].port = 9001;
	CU_ASSERT_EQUAL_FATAL(fog_links_create(&self, &ops, NULL, &links), 0);
	configure(clients);
	fog_links_attached(links, boot_id, 2, 0);
	fog_links_seen(links, NULL, 0, 0);
}

static void end(void)
{
	fog_links_destroy(links);
}

static uint64_t outcome(enum fog_links_outcome what)
{
	return links->outcome[what];
}

// The data plane shows its sessions.
static void see(uint64_t now_ms)
{
	fog_links_seen(links, saw.session, saw.sessions, now_ms);
}

static struct fog_hello hello_good(void)
{
	return (struct fog_hello
	){.major = 1,
	  .minor = 2,
	  .senders = 1,
	  .index = PEER_INDEX,
	  .time_ns = now_ns,
	  .features = fog_protocol_features(2)};
}

static struct fog_link_punt initiation(const uint8_t from[32], const struct fog_hello *h)
{
	uint8_t wire[HELLO];
	struct fog_link_punt p;

	fog_hello_put(h, wire);
	CU_ASSERT_EQUAL_FATAL(peer_initiation(from, ours_public, wire, &p), 0);
	p.ip = (struct fog_ip){.family = 4, .addr = {198, 51, 100, 7}};
	p.port = 4242;
	return p;
}

static void initiate(const uint8_t from[32], const struct fog_hello *h, uint64_t now_ms)
{
	struct fog_link_punt p = initiation(from, h);

	fog_links_punt(links, &p, now_ms);
}

// The answer to the last initiation of ours, said to be of 'time_ns'.
static struct fog_link_punt response(uint64_t time_ns)
{
	struct fog_hello h, answer = hello_good();
	uint8_t wire[HELLO];
	struct fog_link_punt p;
	struct fog_noise n;

	CU_ASSERT_EQUAL_FATAL(peer_read(&saw.message, theirs, &n, &h), 0);
	answer.time_ns = time_ns;
	fog_hello_put(&answer, wire);
	CU_ASSERT_EQUAL_FATAL(peer_response(&n, ours_public, h.index, wire, &p), 0);
	return p;
}

// Our initiation is answered at once, and the data plane shows the session.
static void link_up(void)
{
	fog_links_tick(links, 1);
	struct fog_link_punt p = response(now_ns);
	fog_links_punt(links, &p, 1);
	see(1);
}

static struct fog_link_status status(void)
{
	struct fog_links_summary s;
	struct fog_link_status one = {0};

	fog_links_status(links, &s, &one, 1);
	return one;
}

static void test_hello(void)
{
	struct fog_hello h = hello_good();

	begin(0);
	h.network[0] = 1; // what the prologue doesn't say
	initiate(theirs, &h, 1);
	h = hello_good();
	h.senders = 0; // a refusal, which is nobody's to begin with
	h.index = FOG_HELLO_REFUSED_CLOCK;
	initiate(theirs, &h, 1);
	h = hello_good();
	h.index = 2 * PEER_INDEX; // the header says another one
	initiate(theirs, &h, 1);
	h = hello_good();
	struct fog_link_punt p = initiation(theirs, &h);
	p.data[FOG_INITIATION_LEN - 2 * FOG_LINK_MAC] ^= 1; // MAC1
	fog_links_punt(links, &p, 1);
	CU_ASSERT_EQUAL(outcome(FOG_LINKS_MALFORMED), 4);
	CU_ASSERT_EQUAL(saw.installs, 0);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_RESPONSE], 0);
	initiate(theirs, &h, 1);
	CU_ASSERT_EQUAL(saw.installs, 1);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_RESPONSE], 1);
	CU_ASSERT_EQUAL(saw.installed.reject_packets, 4 * topology.rekey_packets);
	end();
}

// A node is where the topology says, wherever its messages come from; a client is where it is.
static void test_places(void)
{
	struct fog_hello h = hello_good();

	begin(1);
	initiate(theirs, &h, 1);
	CU_ASSERT_EQUAL(saw.message.ip.addr[0], 192);
	CU_ASSERT_EQUAL(saw.message.port, 9001);
	CU_ASSERT_EQUAL(saw.installed.ip.addr[0], 192);
	CU_ASSERT_EQUAL(saw.installed.port, 9001);
	CU_ASSERT_EQUAL(saw.installed.rate, 0);
	initiate(client, &h, 1);
	CU_ASSERT_EQUAL(saw.message.ip.addr[0], 198);
	CU_ASSERT_EQUAL(saw.message.port, 4242);
	CU_ASSERT_EQUAL(saw.installed.ip.addr[0], 198);
	CU_ASSERT_EQUAL(saw.installed.port, 4242);
	CU_ASSERT_EQUAL(saw.installed.rate, 7);
	CU_ASSERT_EQUAL(saw.installed.burst, 9);
	end();
}

// Who is refused for his clock is told so, once for each initiation.
static void test_clock(void)
{
	struct fog_hello h = hello_good();
	struct fog_link_punt p;

	begin(0);
	for (int side = -1; side <= 1; side += 2) {
		unsigned before = saw.sent[FOG_FRAME_RESPONSE];
		h.time_ns = now_ns + (uint64_t)(side * (2000 * MS + 1));
		p = initiation(theirs, &h);
		fog_links_punt(links, &p, 1);
		CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_RESPONSE], before + 1);
		fog_links_punt(links, &p, 1);
		CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_RESPONSE], before + 1);
	}
	CU_ASSERT_EQUAL(saw.installs, 0);
	CU_ASSERT_EQUAL(outcome(FOG_LINKS_REFUSED_CLOCK), 4);
	CU_ASSERT_FALSE(links->node[0]->has_offset);
	h.time_ns = now_ns + 2000 * MS; // just what is tolerated
	initiate(theirs, &h, 1);
	CU_ASSERT_EQUAL(saw.installs, 1);
	h.time_ns--; // older than the last one
	initiate(theirs, &h, 1);
	CU_ASSERT_EQUAL(saw.installs, 1);
	CU_ASSERT_EQUAL(outcome(FOG_LINKS_REFUSED_REPLAY), 1);
	end();
}

// Who has just answered doesn't begin as well.
static void test_hold(void)
{
	struct fog_hello h = hello_good();

	begin(0);
	initiate(theirs, &h, 1);
	fog_links_tick(links, LINKS_HOLD_MS);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 0);
	fog_links_tick(links, LINKS_HOLD_MS + 1);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 1);
	end();
}

static void test_response(void)
{
	begin(0);
	fog_links_tick(links, 1);
	CU_ASSERT_EQUAL_FATAL(saw.sent[FOG_FRAME_INITIATION], 1);
	uint64_t sent_ns = now_ns;
	now_ns += 1000 * MS;
	struct fog_link_punt p = response(sent_ns + 500 * MS); // the middle
	fog_links_punt(links, &p, 2);
	CU_ASSERT_EQUAL(saw.installs, 1);
	CU_ASSERT_EQUAL(saw.installed.initiator, 1);
	fog_links_punt(links, &p, 3);
	CU_ASSERT_EQUAL(saw.installs, 1);
	see(4);
	fog_links_tick(links, 5);
	CU_ASSERT_TRUE(status().has_offset);
	CU_ASSERT_EQUAL(status().offset_ms, 0);
	CU_ASSERT_EQUAL(outcome(FOG_LINKS_STRAY), 1);
	end();
}

// A responder whose clock is wrong gets no session, and some peace.
static void test_response_refused(void)
{
	begin(0);
	fog_links_tick(links, 1);
	struct fog_link_punt p = response(now_ns + 2001 * (uint64_t)MS);
	fog_links_punt(links, &p, 2);
	CU_ASSERT_EQUAL(saw.installs, 0);
	fog_links_tick(links, 2 + LINKS_REFUSED_MS * 3 / 4 - 1);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 1);
	fog_links_tick(links, 2 + LINKS_REFUSED_MS * 5 / 4);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 2);
	end();
}

static void cookie_give(const uint8_t cookie[16], uint64_t now_ms)
{
	struct fog_link_punt p = {.type = FOG_FRAME_COOKIE, .len = FOG_COOKIE_LEN};
	uint8_t key[32], nonce[24] = {1};
	struct fog_noise n;
	struct fog_hello h;

	CU_ASSERT_EQUAL_FATAL(peer_read(&saw.message, theirs, &n, &h), 0);
	fog_link_cookie_key(theirs_public, key);
	fog_frame_header_put(p.data, FOG_FRAME_COOKIE, h.index, 0);
	fog_link_cookie_seal(
	        key, nonce, cookie, saw.message.data + FOG_INITIATION_LEN - 2 * FOG_LINK_MAC,
	        p.data + FOG_FRAME_HEADER
	);
	fog_links_punt(links, &p, now_ms);
}

static bool mac2_is_of(const uint8_t cookie[16])
{
	uint8_t mac[FOG_LINK_MAC];

	fog_link_mac(cookie, 16, saw.message.data, FOG_INITIATION_LEN - FOG_LINK_MAC, mac);
	return memcmp(mac, saw.message.data + FOG_INITIATION_LEN - FOG_LINK_MAC, sizeof(mac)) == 0;
}

// One cookie for each try, good for two minutes.
static void test_cookie(void)
{
	const uint8_t cookie[16] = {5}, other[16] = {6};

	begin(0);
	fog_links_tick(links, 1);
	CU_ASSERT_FALSE(mac2_is_of(cookie));
	cookie_give(cookie, 2);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 2);
	CU_ASSERT_TRUE(mac2_is_of(cookie));
	cookie_give(other, 3);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 2);
	CU_ASSERT_EQUAL(outcome(FOG_LINKS_STRAY), 1);
	unsigned before = saw.sent[FOG_FRAME_INITIATION];
	fog_links_tick(links, 2 + LINKS_COOKIE_MS - 1);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], before + 1);
	CU_ASSERT_TRUE(mac2_is_of(cookie));
	fog_links_tick(links, 2 + LINKS_COOKIE_MS + LINKS_RETRY_MAX_MS);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], before + 2);
	CU_ASSERT_TRUE(
	        sodium_is_zero(saw.message.data + FOG_INITIATION_LEN - FOG_LINK_MAC, FOG_LINK_MAC)
	);
	end();
}

// A node that begins anew all the time gets so many sessions and no more.
static void test_most(void)
{
	struct fog_hello h = hello_good();

	begin(0);
	for (unsigned i = 0; i < 2 * LINKS_SESSIONS_MAX; i++, h.time_ns++)
		initiate(theirs, &h, 1);
	CU_ASSERT_EQUAL(saw.installs, 2 * LINKS_SESSIONS_MAX);
	CU_ASSERT_EQUAL(saw.sessions, LINKS_SESSIONS_MAX);
	end();
}

// Who answered replaces a session a quarter later than who began it would have.
static void test_age(void)
{
	struct fog_hello h = hello_good();
	const uint64_t made_ms = 1000, age_ms = topology.rekey_s * UINT64_C(1000) * 5 / 4;
	uint64_t now_ms;

	begin(0);
	initiate(theirs, &h, made_ms);
	saw.session[0].state = FOG_LINK_SENDING;
	for (now_ms = made_ms + 1000; now_ms < made_ms + age_ms; now_ms += 1000) {
		saw.session[0].rx++;
		see(now_ms);
		fog_links_tick(links, now_ms);
	}
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 0);
	saw.session[0].rx++;
	see(now_ms);
	fog_links_tick(links, now_ms);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 1);
	end();
}

// A peer that is not heard any more is asked for a new session, long before the old one's age.
static void test_stale(void)
{
	begin(0);
	link_up();
	fog_links_tick(links, FOG_LINKS_STALE_MS);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 1);
	fog_links_tick(links, FOG_LINKS_STALE_MS + 1);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 2);
	end();
}

// The data plane has lost a session when two looks in a row don't find it.
static void test_missing(void)
{
	begin(0);
	link_up();
	CU_ASSERT_EQUAL(fog_links_notice(links, node[1].id, ours, 1), 0);
	fog_links_seen(links, NULL, 0, 1001);
	CU_ASSERT_EQUAL(fog_links_notice(links, node[1].id, ours, 1), 0);
	see(2001);
	fog_links_seen(links, NULL, 0, 3001);
	CU_ASSERT_EQUAL(fog_links_notice(links, node[1].id, ours, 1), 0);
	fog_links_seen(links, NULL, 0, 4001);
	CU_ASSERT_EQUAL(fog_links_notice(links, node[1].id, ours, 1), -ENOTCONN);
	end();
}

// What the data plane never got, and what the peer never took up.
static void test_given_up(void)
{
	struct fog_hello h = hello_good();

	begin(0);
	initiate(theirs, &h, 1);
	fog_links_seen(links, NULL, 0, LINKS_ACK_MS);
	CU_ASSERT_PTR_NOT_NULL(links->node[0]->session);
	fog_links_seen(links, NULL, 0, LINKS_ACK_MS + 1);
	CU_ASSERT_PTR_NULL(links->node[0]->session);
	end();

	begin(0);
	initiate(theirs, &h, 1);
	see(2);
	fog_links_tick(links, LINKS_WAITING_MS);
	CU_ASSERT_EQUAL(saw.removes, 0);
	fog_links_tick(links, LINKS_WAITING_MS + 1);
	CU_ASSERT_EQUAL(saw.removes, 1);
	end();
}

// A client that is gone is known for as long as what it sent could come again.
static void test_remembered(void)
{
	struct fog_hello h = hello_good();

	begin(1);
	struct fog_link_punt p = initiation(client, &h);
	fog_links_punt(links, &p, 1);
	fog_links_link_ack(links, saw.installed.rx_index, -EEXIST, 2);
	fog_links_tick(links, 3);
	fog_links_punt(links, &p, 3);
	CU_ASSERT_EQUAL(saw.installs, 1);
	CU_ASSERT_EQUAL(outcome(FOG_LINKS_REFUSED_REPLAY), 1);
	fog_links_tick(links, 1 + 2 * topology.tolerance_ms);
	CU_ASSERT_EQUAL(links->clients, 1);
	fog_links_tick(links, 2 + 2 * topology.tolerance_ms);
	CU_ASSERT_EQUAL(links->clients, 0);
	end();
}

// A session that can't be told to the data plane now is asked for again, a little later.
static void test_not_told(void)
{
	begin(0);
	fog_links_tick(links, 1);
	struct fog_link_punt p = response(now_ns);
	saw.refuse = -ENOBUFS;
	fog_links_punt(links, &p, 1);
	CU_ASSERT_PTR_NULL(links->node[0]->session);
	fog_links_tick(links, LINKS_RETRY_FIRST_MS);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 1);
	fog_links_tick(links, 1 + LINKS_RETRY_FIRST_MS);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 2);
	end();
}

// The peer may send with a session already that our data plane did not take: whatever older one there is,
// another one is asked for.
static void test_refused_later(void)
{
	struct fog_hello h = hello_good();

	begin(0);
	link_up();
	initiate(theirs, &h, 1000);
	CU_ASSERT_EQUAL(saw.installs, 2);
	fog_links_link_ack(links, saw.installed.rx_index, -ENOMEM, 1001);
	saw.sessions = 1;
	fog_links_tick(links, 1002);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 1);
	fog_links_tick(links, 1001 + 4 * LINKS_RETRY_FIRST_MS);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 2);
	end();
}

// An answer that was lost with the data plane's connection is not taken for a later one.
static void test_answer_lost(void)
{
	const uint8_t boot_id[16] = {1};
	struct fog_hello h = hello_good();

	begin(0);
	initiate(theirs, &h, 1);
	fog_links_detached(links);
	fog_links_attached(links, boot_id, 2, 2);
	see(2);
	uint32_t slot = fog_link_slot(saw.installed.rx_index);
	saw.sessions = 0;
	fog_links_tick(links, LINKS_WAITING_MS + 3);
	CU_ASSERT_EQUAL(saw.removes, 1);
	CU_ASSERT_EQUAL(links->session[slot].slot, SLOT_REMOVING);
	fog_links_link_ack(links, saw.installed.rx_index, 0, LINKS_WAITING_MS + 4);
	CU_ASSERT_EQUAL(links->session[slot].slot, SLOT_FREE);
	end();
}

// The old session goes when the peer has sent with the new one for so long, and not with it.
static void test_old(void)
{
	struct fog_hello h = hello_good();

	begin(0);
	link_up();
	initiate(theirs, &h, 2);
	saw.session[0].state = FOG_LINK_OLD;
	saw.session[1].state = FOG_LINK_SENDING;
	see(1000);
	saw.session[1].rx++;
	see(1000 + LINKS_OLD_MS - 1);
	fog_links_tick(links, 1000 + LINKS_OLD_MS - 1);
	CU_ASSERT_EQUAL(saw.removes, 0);
	saw.session[1].rx++;
	see(1000 + LINKS_OLD_MS);
	fog_links_tick(links, 1000 + LINKS_OLD_MS);
	CU_ASSERT_EQUAL(saw.removes, 1);
	end();
}

// A client of a control plane before this one keeps its place if it has taken up its session, also while
// nothing more has come; one that has not loses it when a look late enough has shown so.
static void test_evicted(void)
{
	const uint8_t other[32] = {4};
	struct fog_hello h = hello_good();

	for (unsigned taken = 0; taken < 2; taken++) {
		begin(1);
		saw.sessions = 1;
		saw.session[0].state = taken ? FOG_LINK_SENDING : FOG_LINK_WAITING;
		saw.session[0].class = FOG_LINK_CLIENT;
		saw.session[0].rx_index = 1 << FOG_LINK_SUB_BITS;
		crypto_scalarmult_base(saw.session[0].static_key, client);
		see(1);
		see(1 + LINKS_CONFIRM_MS - 1);
		initiate(other, &h, 1 + LINKS_CONFIRM_MS);
		CU_ASSERT_EQUAL(outcome(FOG_LINKS_REFUSED_FULL), 1);
		CU_ASSERT_EQUAL(saw.removes, 0);
		see(1 + LINKS_CONFIRM_MS);
		initiate(other, &h, 1 + LINKS_CONFIRM_MS);
		CU_ASSERT_EQUAL(outcome(FOG_LINKS_REFUSED_FULL), 1 + taken);
		CU_ASSERT_EQUAL(saw.removes, 1 - taken);
		CU_ASSERT_EQUAL(saw.installs, 1 - taken);
		end();
	}
}

// A client that becomes a node of the topology is no client any more.
static void test_promoted(void)
{
	struct fog_hello h = hello_good();
	uint8_t was[32];

	begin(1);
	initiate(client, &h, 1);
	CU_ASSERT_EQUAL(links->clients, 1);
	memcpy(was, node[1].link_key, 32);
	crypto_scalarmult_base(node[1].link_key, client);
	configure(1);
	memcpy(node[1].link_key, was, 32);
	CU_ASSERT_EQUAL(links->clients, 0);
	CU_ASSERT_EQUAL(saw.removes, 1);
	end();
}

// A data plane of another boot has none of the sessions.
static void test_other_boot(void)
{
	const uint8_t same[16] = {1}, other[16] = {2};

	begin(0);
	link_up();
	fog_links_detached(links);
	fog_links_attached(links, same, 2, 2);
	CU_ASSERT_PTR_NOT_NULL(links->node[0]->session);
	fog_links_detached(links);
	fog_links_attached(links, other, 2, 3);
	CU_ASSERT_PTR_NULL(links->node[0]->session);
	end();
}

// Sessions of a control plane before this one: a node's is replaced at once, one that is nobody's goes.
static void test_adopted(void)
{
	begin(0);
	saw.sessions = 2;
	for (unsigned i = 0; i < 2; i++) {
		saw.session[i].state = FOG_LINK_SENDING;
		saw.session[i].class = i == 0 ? FOG_LINK_NODE : FOG_LINK_CLIENT;
		saw.session[i].rx_index = (i + 1) << FOG_LINK_SUB_BITS;
		memcpy(saw.session[i].static_key, theirs_public, 32);
	}
	see(1);
	CU_ASSERT_EQUAL(saw.removes, 1);
	CU_ASSERT_EQUAL(saw.sessions, 1);
	CU_ASSERT_EQUAL(saw.session[0].class, FOG_LINK_NODE);
	CU_ASSERT_EQUAL(fog_links_notice(links, node[1].id, ours, 1), 0);
	fog_links_tick(links, 2);
	CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 1);
	end();
}

// A client is answered through the session that it was heard on, or the newest when that has gone.
static void test_client_answered(void)
{
	struct fog_link_punt p = {.type = FOG_FRAME_DATA, .len = 1};
	struct fog_hello h = hello_good();
	uint8_t public_key[32], data[FOG_NOTICE_MAX + 1] = {0};
	uint32_t index[2];

	begin(1);
	crypto_scalarmult_base(public_key, client);
	for (unsigned i = 0; i < 2; i++) {
		h.time_ns = now_ns + i;
		initiate(client, &h, 1 + i);
		index[i] = saw.session[i].rx_index;
		saw.session[i].state = i == 0 ? FOG_LINK_SENDING : FOG_LINK_WAITING;
		see(1 + i);
	}
	for (unsigned i = 2; i-- > 0;) {
		p.rx_index = index[i];
		fog_links_punt(links, &p, 3);
		CU_ASSERT_EQUAL(saw.client_notices, 2 - i);
		CU_ASSERT_EQUAL(saw.data_index, index[i]);
	}
	CU_ASSERT_EQUAL(saw.notices, 0);
	CU_ASSERT_EQUAL(fog_links_client_notice(links, public_key, data, sizeof(data)), -EMSGSIZE);
	CU_ASSERT_EQUAL(fog_links_client_notice(links, theirs_public, data, 1), -ENOTCONN);
	saw.session[0] = saw.session[--saw.sessions]; // the data plane has lost it
	see(1003);
	see(2003);
	CU_ASSERT_EQUAL(fog_links_client_notice(links, public_key, data, 1), 0);
	CU_ASSERT_EQUAL(saw.data_index, index[1]);
	fog_links_detached(links);
	CU_ASSERT_EQUAL(fog_links_client_notice(links, public_key, data, 1), -ENOTCONN);
	end();
}

// Rekeying is between nodes, and a client's notices are not for who gets those of nodes.
static void test_client(void)
{
	struct fog_link_punt p = {.type = FOG_FRAME_DATA, .len = 1};
	struct fog_hello h = hello_good();

	begin(1);
	initiate(client, &h, 1);
	saw.session[0].state = FOG_LINK_SENDING;
	see(1);
	p.rx_index = saw.session[0].rx_index;
	fog_links_punt(links, &p, 2);
	CU_ASSERT_EQUAL(saw.notices, 0);
	initiate(theirs, &h, 2);
	saw.session[1].state = FOG_LINK_SENDING;
	see(2);
	p.rx_index = saw.session[1].rx_index;
	fog_links_punt(links, &p, 2);
	CU_ASSERT_EQUAL(saw.notices, 1);
	end();
}

// A control plane that doesn't know yet which slots are free answers nobody.
static void test_looks_first(void)
{
	const uint8_t boot_id[16] = {2};
	struct fog_hello h = hello_good();

	begin(0);
	fog_links_attached(links, boot_id, 2, 1);
	initiate(theirs, &h, 1);
	CU_ASSERT_EQUAL(saw.installs, 0);
	see(2);
	initiate(theirs, &h, 2);
	CU_ASSERT_EQUAL(saw.installs, 1);
	end();
}

// Initiations are newer than those before them, also when the clock stands.
static void test_time_grows(void)
{
	struct fog_hello first, second;
	struct fog_noise n;

	begin(0);
	fog_links_tick(links, 1);
	CU_ASSERT_EQUAL_FATAL(peer_read(&saw.message, theirs, &n, &first), 0);
	fog_links_tick(links, LINKS_RETRY_MAX_MS);
	fog_links_tick(links, 2 * LINKS_RETRY_MAX_MS);
	CU_ASSERT(saw.sent[FOG_FRAME_INITIATION] > 1);
	CU_ASSERT_EQUAL_FATAL(peer_read(&saw.message, theirs, &n, &second), 0);
	CU_ASSERT(second.time_ns > first.time_ns);
	end();
}

// A node that has moved gets a new session, for the old one sends to where it was.
static void test_moved(void)
{
	for (unsigned what = 0; what < 2; what++) {
		begin(0);
		link_up();
		configure(0);
		fog_links_tick(links, 2);
		CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 1);
		if (what == 0)
			node[1].port++;
		else
			node[1].address.addr[3]++;
		configure(0);
		fog_links_tick(links, 3);
		CU_ASSERT_EQUAL(saw.sent[FOG_FRAME_INITIATION], 2);
		CU_ASSERT_EQUAL(saw.message.port, node[1].port);
		end();
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"hello", test_hello},
	        {"places", test_places},
	        {"clock of an initiator", test_clock},
	        {"answered just now", test_hold},
	        {"response", test_response},
	        {"clock of a responder", test_response_refused},
	        {"cookie", test_cookie},
	        {"most sessions", test_most},
	        {"age", test_age},
	        {"stale", test_stale},
	        {"missing", test_missing},
	        {"given up", test_given_up},
	        {"remembered", test_remembered},
	        {"not told", test_not_told},
	        {"old", test_old},
	        {"refused beside an older one", test_refused_later},
	        {"an answer that was lost", test_answer_lost},
	        {"evicted", test_evicted},
	        {"promoted", test_promoted},
	        {"another boot", test_other_boot},
	        {"adopted", test_adopted},
	        {"a client's notices", test_client_answered},
	        {"client", test_client},
	        {"looks first", test_looks_first},
	        {"time grows", test_time_grows},
	        {"moved", test_moved},
	        CU_TEST_INFO_NULL,
	};

	if (sodium_init() < 0 || !crypto_aead_aes256gcm_is_available())
		return 1;
	return check_run("one node's links", tests);
}
