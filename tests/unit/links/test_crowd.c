// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A gateway that all of a crowd wants links with, as often as each can ask: nodes find room all the same,
// and clients that are there keep theirs against such as only ask.
#include "../run.h"
#include "peer.h"

enum { CROWD = 1500, ASKS = 5 };

static uint8_t ours[32], ours_public[32];
static uint64_t now_ns = UINT64_C(1800000000000000000);
static unsigned held, initiations, installs;
static struct fog_link_stats
        seen[FOG_LINK_SLOTS]; // what the data plane has, in order of installation
static unsigned responses, removes;
static bool no_answer; // to removes

static unsigned seen_at(uint32_t rx_index)
{
	unsigned i = 0;

	while (i < held && seen[i].rx_index != rx_index)
		i++;
	CU_ASSERT_FATAL(i < held);
	return i;
}

static int on_install(void *ctx, const struct fog_link_session *s)
{
	installs++;
	seen[held] = (struct fog_link_stats
	){.state = FOG_LINK_WAITING, .class = s->class, .rx_index = s->rx_index};
	memcpy(seen[held++].static_key, s->static_key, 32);
	return 0;
}

static int on_remove(void *ctx, uint32_t rx_index)
{
	removes++;
	if (no_answer)
		return 0;
	for (unsigned i = seen_at(rx_index); i + 1 < held; i++)
		seen[i] = seen[i + 1];
	held--;
	fog_links_link_ack(*(struct fog_links **)ctx, rx_index, 0, 1);
	return 0;
}

static int on_send(void *ctx, const struct fog_link_send *s)
{
	initiations += s->type == FOG_FRAME_INITIATION;
	responses += s->type == FOG_FRAME_RESPONSE;
	return 0;
}

static uint64_t on_now(void *ctx)
{
	return now_ns;
}

static void ask_at(
        struct fog_links *l, const uint8_t private_key[32], uint16_t senders, uint64_t now_ms
)
{
	const struct fog_hello h = {
	        .major = 1,
	        .minor = 2,
	        .senders = senders,
	        .index = PEER_INDEX,
	        .time_ns = now_ns++};
	struct fog_link_punt p;
	uint8_t wire[HELLO];

	fog_hello_put(&h, wire);
	CU_ASSERT_EQUAL_FATAL(peer_initiation(private_key, ours_public, wire, &p), 0);
	fog_links_punt(l, &p, now_ms);
}

static void ask(struct fog_links *l, const uint8_t private_key[32])
{
	unsigned before = installs;

	ask_at(l, private_key, 1, 1);
	if (installs > before)
		fog_links_link_ack(l, seen[held - 1].rx_index, 0, 1);
}

static void limit(struct fog_links *l, unsigned clients, uint64_t now_ms)
{
	const struct fog_links_wanted w = {.topology = &topology, .clients = clients};

	CU_ASSERT_EQUAL_FATAL(fog_links_configure(l, &w, now_ms), 0);
}

static uint8_t of_node[32] = {2};

static void begin(struct fog_links **l, unsigned clients)
{
	static const struct fog_links_ops ops = {
	        .install = on_install, .remove = on_remove, .send = on_send, .now_unix_ns = on_now};
	const uint8_t boot_id[16] = {1};
	struct fog_links_self self = {.link_private = ours, .minor = 2};

	held = initiations = responses = 0;
	ours[0] = 1;
	crypto_scalarmult_base(ours_public, ours);
	memcpy(self.link_public, ours_public, 32);
	node[1].id[0] = 1;
	crypto_scalarmult_base(node[1].link_key, of_node);
	CU_ASSERT_EQUAL_FATAL(fog_links_create(&self, &ops, l, l), 0);
	limit(*l, clients, 0);
	fog_links_attached(*l, boot_id, 1, 0);
	fog_links_seen(*l, NULL, 0, 0);
}

static uint64_t outcome(struct fog_links *l, enum fog_links_outcome which)
{
	struct fog_links_summary s;

	fog_links_tick(l, 0);
	fog_links_status(l, &s, NULL, 0);
	return s.outcome[which];
}

static void test_crowd(void)
{
	struct fog_links_summary s;
	struct fog_links *l = NULL;
	uint8_t key[32] = {9};

	begin(&l, 2 * CROWD);
	// One alone gets a few, however often he asks.
	for (unsigned i = 0; i < 20; i++)
		ask(l, key);
	CU_ASSERT_EQUAL(held, 3);
	for (unsigned c = 0; c < CROWD; c++) {
		key[1] = (uint8_t)c;
		key[2] = (uint8_t)(c >> 8);
		for (unsigned i = 0; i < ASKS; i++)
			ask(l, key);
	}
	CU_ASSERT(held > 4000 && held < FOG_LINK_SLOTS);
	// The node asks, and is asked.
	unsigned before = held;
	ask(l, of_node);
	CU_ASSERT_EQUAL(held, before + 1);
	fog_links_tick(l, 2000);
	CU_ASSERT_EQUAL(initiations, 1);
	fog_links_status(l, &s, NULL, 0);
	CU_ASSERT_EQUAL(s.outcome[FOG_LINKS_NO_SLOT], 0);
	CU_ASSERT(s.outcome[FOG_LINKS_REFUSED_FULL] > 0);
	fog_links_destroy(l);
}

// A session that is to go before its installation was answered: that answer is none to the remove.
static void test_answers(void)
{
	const uint8_t key[32] = {16};
	struct fog_links *l = NULL;

	begin(&l, 10);
	ask_at(l, key, 1, 1);
	CU_ASSERT_EQUAL_FATAL(held, 1);
	no_answer = true;
	removes = 0;
	limit(l, 0, 2);
	CU_ASSERT_EQUAL(removes, 1);
	fog_links_link_ack(l, seen[0].rx_index, 0, 3);
	fog_links_seen(l, seen, 1, 4); // the data plane still has it
	CU_ASSERT_EQUAL(removes, 1);
	fog_links_link_ack(l, seen[0].rx_index, 0, 5);
	fog_links_seen(
	        l, seen, 1, 6
	); // ... and says that it hasn't: it is a session that we don't know
	CU_ASSERT_EQUAL(removes, 2);
	no_answer = false;
	fog_links_destroy(l);
}

// Client 'number' asks and, with 'takes', is heard of under its session at that very time.
static void client(struct fog_links *l, uint8_t number, bool takes, uint64_t now_ms)
{
	const uint8_t key[32] = {64, number};
	unsigned before = installs;

	ask_at(l, key, 1, now_ms);
	if (installs > before)
		fog_links_link_ack(l, seen[held - 1].rx_index, 0, now_ms);
	if (installs > before && takes) {
		seen[held - 1].state = FOG_LINK_SENDING;
		seen[held - 1].rx = 1;
	}
	fog_links_seen(l, seen, held, now_ms);
}

static bool has_place(uint8_t number)
{
	const uint8_t key[32] = {64, number};
	uint8_t public_key[32];

	crypto_scalarmult_base(public_key, key);
	for (unsigned i = 0; i < held; i++)
		if (memcmp(seen[i].static_key, public_key, 32) == 0)
			return true;
	return false;
}

// Ten places; five clients are there, five have only asked.
static void ten(struct fog_links **l)
{
	begin(l, 10);
	for (uint8_t i = 0; i < 10; i++)
		client(*l, i, i % 2 == 0, 1000 + i);
	CU_ASSERT_EQUAL(held, 10);
}

static void test_places(void)
{
	struct fog_links *l = NULL;

	ten(&l);
	// Those that have just asked may be about to come.
	client(l, 20, true, 1100);
	CU_ASSERT_EQUAL(held, 10);
	CU_ASSERT_FALSE(has_place(20));
	fog_links_seen(l, seen, held, 1510);
	for (uint8_t i = 20; i < 25; i++)
		client(l, i, true, 1510);
	CU_ASSERT_EQUAL(held, 10);
	for (uint8_t i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(has_place(i), i % 2 == 0);
	// All are there now, and nobody gives way any more, however long they have said nothing.
	fog_links_seen(l, seen, held, 100000);
	client(l, 25, true, 100000);
	CU_ASSERT_FALSE(has_place(25));
	for (uint8_t i = 20; i < 25; i++)
		CU_ASSERT_TRUE(has_place(i));
	fog_links_destroy(l);

	// Without a newcomer they go after 5 s, when a look has shown that they did not come meanwhile.
	ten(&l);
	fog_links_seen(l, seen, held, 5900);
	fog_links_tick(l, 6010);
	CU_ASSERT_EQUAL(held, 10);
	fog_links_seen(l, seen, held, 6010);
	fog_links_tick(l, 6010);
	CU_ASSERT_EQUAL(held, 5);
	fog_links_destroy(l);
}

static void test_fewer_places(void)
{
	struct fog_links *l = NULL;

	ten(&l);
	// 4 is heard of last, then 0, the others long ago.
	seen[4].rx++;
	seen[0].rx++;
	fog_links_seen(l, seen, held, 2000);
	seen[4].rx++;
	fog_links_seen(l, seen, held, 2100);
	limit(l, 6, 2200);
	CU_ASSERT_EQUAL(held, 6);
	for (uint8_t i = 0; i < 10; i += 2)
		CU_ASSERT_TRUE(has_place(i));
	limit(l, 2, 2200);
	CU_ASSERT_EQUAL(held, 2);
	CU_ASSERT_TRUE(has_place(0) && has_place(4));
	fog_links_destroy(l);
}

// More keys than can be remembered: the eldest that holds nothing is forgotten.
static void test_remembered(void)
{
	struct fog_links *l = NULL;
	uint8_t key[32] = {8};

	topology.tolerance_ms = 600000;
	begin(&l, 3000);
	for (unsigned c = 0; c < FOG_LINK_SLOTS + 100; c++) {
		key[1] = (uint8_t)c;
		key[2] = (uint8_t)(c >> 8);
		ask_at(l, key, 1, 1000 + c);
		fog_links_link_ack(l, seen[held - 1].rx_index, 0, 1000 + c);
		if (c % 1000 != 999)
			continue;
		fog_links_seen(l, seen, held, 1000 + c);
		fog_links_tick(l, 1000 + c);
		fog_links_seen(l, seen, held, 7000 + c);
		fog_links_tick(l, 7000 + c);
		CU_ASSERT_EQUAL(held, 0);
	}
	CU_ASSERT_EQUAL(held, 196);
	CU_ASSERT_EQUAL(outcome(l, FOG_LINKS_NO_SLOT), 0);
	topology.tolerance_ms = 2000;
	fog_links_destroy(l);
}

static void test_senders(void)
{
	const uint8_t key[32] = {16}, other[32] = {24};
	struct fog_links *l = NULL;

	begin(&l, 10);
	ask_at(l, key, FOG_LINK_CLIENT_SUBS + 1, 1);
	CU_ASSERT_EQUAL(held, 0);
	CU_ASSERT_EQUAL(responses, 1); // that says why
	CU_ASSERT_EQUAL(outcome(l, FOG_LINKS_REFUSED_SENDERS), 1);
	ask_at(l, other, FOG_LINK_CLIENT_SUBS, 1);
	CU_ASSERT_EQUAL(held, 1);
	ask_at(l, of_node, FOG_WORKERS_MAX, 1); // nodes may
	CU_ASSERT_EQUAL(held, 2);
	fog_links_destroy(l);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"a crowd of clients", test_crowd},
	        {"places of clients that are there", test_places},
	        {"fewer places", test_fewer_places},
	        {"answers", test_answers},
	        {"keys without end", test_remembered},
	        {"senders of a client", test_senders},
	        CU_TEST_INFO_NULL,
	};

	if (sodium_init() < 0 || !crypto_aead_aes256gcm_is_available())
		return 1;
	return check_run("crowd", tests);
}
