// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Links of several nodes against each other, on simulated time.
#include <errno.h>
#include <sodium.h>

#include "../../../controlplane/link/hello.h"
#include "../run.h"
#include "sim.h"

// Everybody has a link with everybody.
static void assert_mesh(unsigned nodes)
{
	for (unsigned i = 0; i < nodes; i++) {
		CU_ASSERT_EQUAL(sim_up(i), nodes - 1);
		CU_ASSERT(sim[i].ups >= nodes - 1);
	}
}

static void traffic_forget(void)
{
	for (unsigned i = 0; i < SIM_NODES; i++)
		sim[i].no_link = sim[i].no_session = sim[i].received = 0;
}

// No packet was without a session on either side.
static void assert_no_gap(unsigned nodes)
{
	for (unsigned i = 0; i < nodes; i++) {
		CU_ASSERT_EQUAL(sim[i].no_link, 0);
		CU_ASSERT_EQUAL(sim[i].no_session, 0);
		CU_ASSERT(sim[i].received > 0);
	}
}

static void test_pair(void)
{
	sim_begin(2, 0);
	sim_run(3000, false);
	assert_mesh(2);
	const struct fog_link_status *s = sim_status(0, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT(s->has_version);
	CU_ASSERT_EQUAL(s->minor, 2);
	CU_ASSERT_EQUAL(s->features, fog_protocol_features(2));
	CU_ASSERT(s->has_offset);
	CU_ASSERT(s->offset_ms > -50 && s->offset_ms < 50);
	CU_ASSERT(sim[0].notices > 0);
	CU_ASSERT(sim[1].notices > 0);
	sim_end();
}

static void test_mesh(void)
{
	unsigned nodes = check_few() ? 6 : 20;

	sim_begin(nodes, 0);
	sim_run(3000, false);
	assert_mesh(nodes);
	sim_end();
}

static void test_loss(void)
{
	sim_begin(6, 0);
	sim_loss = 20;
	sim_run(20000, false);
	assert_mesh(6);
	// Rekeyed several times under loss: packets are lost by the network, none for want of a session.
	traffic_forget();
	sim_run(200000, true);
	assert_mesh(6);
	assert_no_gap(6);
	for (unsigned i = 0; i < 6; i++)
		CU_ASSERT(sim[i].installs > 15);
	sim_end();
}

static void test_rekey(void)
{
	sim_begin(4, 0);
	sim_run(5000, false);
	traffic_forget();
	sim_run(400000, true);
	assert_no_gap(4);
	assert_mesh(4);
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT(sim[i].removes > 5);
		CU_ASSERT(sim_slots(i) <= 3 * 3); // old ones go
	}
	sim_end();
}

// Without traffic old sessions may not go before the peer has left them: then one packet each.
static void test_idle(void)
{
	sim_begin(4, 0);
	sim_run(3000, false);
	unsigned before = sim[0].installs;
	sim_run(FOG_LINKS_STALE_MS + 2000, false);
	CU_ASSERT_EQUAL(sim[0].installs, before);
	assert_mesh(4);
	for (unsigned round = 0; round < 40; round++) {
		sim_run(9990 + round * 13, false);
		traffic_forget();
		sim_run(20, true);
		sim_run(50, false);
		if (round > 0)
			assert_no_gap(4);
	}
	sim_end();
}

static void test_rekey_asked(void)
{
	sim_begin(3, 0);
	sim_run(5000, false);
	unsigned before = sim[0].installs;
	fog_links_rekey_all(sim[0].links);
	traffic_forget();
	sim_run(2000, true);
	CU_ASSERT_EQUAL(sim[0].installs, before + 2);
	assert_no_gap(3);
	// By count: the index of the session that is sent with.
	before = sim[1].installs;
	for (unsigned i = 0; i < FOG_LINK_SLOTS; i++)
		if (sim[1].slot[i].used && sim[1].slot[i].state == FOG_LINK_SENDING)
			fog_links_rekey(sim[1].links, sim[1].slot[i].session.rx_index);
	sim_run(2000, true);
	CU_ASSERT_EQUAL(sim[1].installs, before + 2);
	assert_no_gap(3);
	sim_end();
}

// An order at whatever moment of the first handshakes ends with sessions that were made after it.
static void test_rekey_early(void)
{
	for (unsigned after_ms = 0; after_ms < 1500; after_ms += 11) {
		sim_begin(2, 0);
		sim_run(after_ms, false);
		unsigned before = sim[0].installs;
		fog_links_rekey_all(sim[0].links);
		sim_run(5000, false);
		CU_ASSERT(sim[0].installs > before);
		assert_mesh(2);
		sim_end();
	}
}

// New limits hold at once, also for links that have been up for a while; the same ones change nothing.
static void test_rekey_limits(void)
{
	sim_begin(3, 0);
	sim_run(5000, false);
	traffic_forget();
	unsigned before = sim[0].installs;
	sim_limits(3, 3600, 1000000);
	sim_run(2000, true);
	CU_ASSERT(sim[0].installs >= before + 2);
	sim_limits(3, 3600, 5000);
	sim_run(2000, true);
	for (unsigned i = 0; i < FOG_LINK_SLOTS; i++)
		if (sim[0].slot[i].used && sim[0].slot[i].state == FOG_LINK_SENDING)
			CU_ASSERT_EQUAL(sim[0].slot[i].session.rekey_packets, 5000);
	before = sim[0].installs;
	sim_limits(3, 3600, 5000);
	sim_run(100000, true);
	CU_ASSERT_EQUAL(sim[0].installs, before);
	assert_no_gap(3);
	sim_end();
}

static void test_restarts(void)
{
	sim_begin(3, 0);
	sim_run(5000, false);
	// The control plane: packets flow on, sessions it doesn't know end some time after.
	unsigned before = sim[0].installs;
	traffic_forget();
	sim_control_stop(0);
	sim_run(20000, true);
	sim_control_start(0);
	sim_configure(0, 3, 0);
	sim_run(3000, true);
	assert_mesh(3);
	CU_ASSERT(sim[0].installs >= before + 2);
	sim_run(100000, true);
	assert_no_gap(3);
	CU_ASSERT(sim_slots(0) <= 6);
	// The data plane: all is new within seconds.
	sim_data_plane_start(1);
	CU_ASSERT_EQUAL(sim_slots(1), 0);
	sim_run(3000, false);
	assert_mesh(3);
	traffic_forget();
	sim_run(1000, true);
	assert_no_gap(3);
	// dp.sock was away: the sessions are still there.
	before = sim[2].installs;
	fog_links_detached(sim[2].links);
	sim_run(2000, true);
	CU_ASSERT_EQUAL(sim_up(2), 0);
	fog_links_attached(sim[2].links, sim[2].boot_id, 2, sim_ms);
	sim_run(2000, true);
	CU_ASSERT(sim[2].installs < before + 2); // one may be rekeyed just now
	assert_mesh(3);
	assert_no_gap(3);
	sim_end();
}

// Up for a node is what is heard of; it comes back by itself.
static void test_dead_peer(void)
{
	sim_begin(3, 0);
	sim_run(5000, false);
	sim[2].cut = true;
	sim_run(FOG_LINKS_STALE_MS + 20000, false);
	CU_ASSERT_EQUAL(sim_up(0), 1);
	CU_ASSERT_EQUAL(sim_up(2), 0);
	CU_ASSERT_EQUAL(sim_status(0, 2)->state, FOG_LINK_STATUS_STALE);
	CU_ASSERT(sim_status(0, 2)->tries > 3);
	CU_ASSERT(sim_outcome(0, FOG_LINKS_TIMEOUT) > 3);
	// Not more often than every 30 s or so once it is known to be gone.
	sim_run(300000, false);
	uint64_t before = sim_outcome(0, FOG_LINKS_INITIATED);
	sim_run(300000, false);
	uint64_t tries = sim_outcome(0, FOG_LINKS_INITIATED) - before;
	CU_ASSERT(tries < 30);
	sim[2].cut = false;
	sim_run(45000, false);
	assert_mesh(3);
	sim_end();
}

static void test_clock(void)
{
	sim_begin(4, 0);
	sim[3].clock_ns = -2500000000;
	sim_run(15000, false);
	CU_ASSERT_EQUAL(sim_up(3), 0);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(sim_up(i), 2);
		CU_ASSERT(sim_outcome(i, FOG_LINKS_REFUSED_CLOCK) > 0);
	}
	struct fog_links_summary s;
	fog_links_status(sim[3].links, &s, NULL, 0);
	CU_ASSERT_EQUAL(s.clocks, 3);
	CU_ASSERT_EQUAL(s.clocks_off, 3);
	CU_ASSERT(s.offset_ms > 2400 && s.offset_ms < 2600);
	CU_ASSERT_EQUAL(sim[3].installs, 0);
	fog_links_status(sim[0].links, &s, NULL, 0);
	CU_ASSERT_EQUAL(s.clocks_off, 1);
	CU_ASSERT(s.offset_ms > -100 && s.offset_ms < 100);
	// Mended: the next try succeeds, also one that was refused for a clock in the future.
	sim[3].clock_ns = 3000000000;
	sim_run(15000, false);
	CU_ASSERT_EQUAL(sim_up(3), 0);
	sim[3].clock_ns = 0;
	sim_run(45000, false);
	assert_mesh(4);
	sim_end();
}

static void test_strangers(void)
{
	// Node 0 is a gateway for two clients, node 1 a mix.
	sim_begin(2, 2);
	sim_outsider(4, 1);
	sim_run(10000, false);
	CU_ASSERT_EQUAL(sim_up(4), 0);
	CU_ASSERT_EQUAL(sim_slots(1), sim_slots(0));
	CU_ASSERT(sim_outcome(1, FOG_LINKS_REFUSED_KEY) > 0);
	for (unsigned i = 5; i < 8; i++) {
		sim_outsider(i, 0);
		sim_run(3000, false);
	}
	CU_ASSERT_EQUAL(sim_up(5), 1);
	CU_ASSERT_EQUAL(sim_up(6), 1);
	CU_ASSERT_EQUAL(sim_up(7), 0);
	CU_ASSERT_EQUAL(sim_status(7, 0)->refusal, FOG_HELLO_REFUSED_FULL);
	CU_ASSERT(sim_outcome(0, FOG_LINKS_REFUSED_FULL) > 0);
	const struct fog_link_status *s = sim_status(0, 5);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_EQUAL(s->class, FOG_LINK_CLIENT);
	for (unsigned i = 0; i < FOG_LINK_SLOTS; i++)
		if (sim[0].slot[i].used && sim[0].slot[i].session.class == FOG_LINK_CLIENT) {
			CU_ASSERT_EQUAL(sim[0].slot[i].session.rate, 200);
			CU_ASSERT_EQUAL(sim[0].slot[i].session.burst, 400);
			CU_ASSERT(sodium_is_zero(sim[0].slot[i].session.node_id, 32));
		}
	// One leaves; after a while there is room.
	sim[5].cut = true;
	sim_run(400000, false);
	CU_ASSERT_EQUAL(sim_up(7), 1);
	CU_ASSERT_PTR_NULL(sim_status(0, 5));
	sim_end();
}

static void test_other_network(void)
{
	sim_begin(3, 0);
	sim_network(2, 9);
	sim_run(5000, false);
	CU_ASSERT_EQUAL(sim_up(0), 1);
	CU_ASSERT_EQUAL(sim_up(2), 0);
	CU_ASSERT(sim_outcome(0, FOG_LINKS_MALFORMED) > 0);
	CU_ASSERT_EQUAL(sim_slots(2), 0);
	sim_end();
}

static void test_older(void)
{
	sim_begin(2, 0);
	sim_control_stop(1);
	sim[1].self.minor = 1;
	sim_control_start(1);
	sim_configure(1, 2, 0);
	sim_run(3000, false);
	assert_mesh(2);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(sim_status(i, 1 - i)->minor, 1);
		CU_ASSERT_EQUAL(sim_status(i, 1 - i)->features, FOG_FEATURE_BATCH_PROCESSING);
	}
	sim_end();
}

static void test_cookies(void)
{
	sim_begin(3, 0);
	sim[0].load = true;
	sim_run(2000, false);
	assert_mesh(3);
	// Whoever was first, this one begins now.
	fog_links_rekey_all(sim[1].links);
	sim_run(2000, false);
	unsigned before = sim[0].cookies;
	CU_ASSERT(before > 0);
	CU_ASSERT(sim_outcome(1, FOG_LINKS_COOKIE) > 0);
	// A cookie is good for two minutes: no second one is asked for.
	uint64_t tries = sim_outcome(1, FOG_LINKS_INITIATED);
	fog_links_rekey_all(sim[1].links);
	sim_run(2000, false);
	CU_ASSERT(sim_outcome(1, FOG_LINKS_INITIATED) > tries);
	CU_ASSERT_EQUAL(sim[0].cookies, before);
	sim_end();
}

// Initiations that come again make nothing, with a control plane that has seen them; a new one makes
// sessions of them that nobody can use, and lets them go.
static void test_replays(void)
{
	sim_begin(2, 0);
	sim_remember(true);
	sim_run(500, false);
	for (unsigned i = 0; i < 2; i++) {
		fog_links_rekey_all(sim[i].links);
		sim_run(1500, false);
	}
	sim_remember(false);
	unsigned before = sim[0].installs + sim[1].installs;
	sim_replay();
	sim_run(300, false);
	CU_ASSERT_EQUAL(sim[0].installs + sim[1].installs, before);
	CU_ASSERT(
	        sim_outcome(0, FOG_LINKS_REFUSED_REPLAY) +
	                sim_outcome(1, FOG_LINKS_REFUSED_REPLAY) >
	        0
	);
	sim_control_stop(0);
	sim_control_start(0);
	sim_configure(0, 2, 0);
	sim_run(1, false);
	sim_replay();
	traffic_forget();
	sim_run(60000, true);
	assert_mesh(2);
	assert_no_gap(2);
	CU_ASSERT(sim_slots(0) <= 4);
	// Older than the tolerance they are refused by anybody.
	sim_control_stop(0);
	sim_control_start(0);
	sim_configure(0, 2, 0);
	sim_run(1, false);
	before = sim[0].installs;
	sim_replay();
	sim_run(1, false);
	CU_ASSERT_EQUAL(sim[0].installs, before);
	// They say nothing about their node's clock.
	sim_run(500, false);
	sim_control_stop(1);
	sim_replay();
	sim_run(500, false);
	CU_ASSERT(sim_outcome(0, FOG_LINKS_REFUSED_CLOCK) > 0);
	struct fog_links_summary s;
	fog_links_status(sim[0].links, &s, NULL, 0);
	CU_ASSERT_EQUAL(s.clocks, 1);
	CU_ASSERT_EQUAL(s.clocks_off, 0);
	sim_end();
}

static void test_exists(void)
{
	sim_begin(2, 0);
	sim[0].refusal = -EEXIST;
	sim_run(3000, false);
	CU_ASSERT_EQUAL(sim_up(0), 0);
	CU_ASSERT(sim_outcome(0, FOG_LINKS_NOT_INSTALLED) > 0);
	sim[0].refusal = 0;
	sim_run(45000, false);
	assert_mesh(2);
	sim_end();
}

// A data plane without memory is not asked without end, and has what it lacks as soon as there is some.
static void test_no_memory(void)
{
	sim_begin(2, 0);
	sim[0].refusal = -ENOMEM;
	sim_run(60000, false);
	CU_ASSERT_EQUAL(sim_up(0), 0);
	CU_ASSERT(sim_outcome(0, FOG_LINKS_NOT_INSTALLED) >= 5);
	// Each side begins one after 1/4, 1/2, 1 .. 30 s.
	CU_ASSERT(sim_outcome(0, FOG_LINKS_NOT_INSTALLED) <= 20);
	sim[0].refusal = 0;
	sim_run(45000, false);
	assert_mesh(2);
	sim_end();
}

// Sessions of node 'i' with node 3 at the data plane.
static unsigned with_fourth(unsigned i)
{
	unsigned count = 0;

	for (unsigned k = 0; k < FOG_LINK_SLOTS; k++)
		count += sim[i].slot[k].used && sim[i].slot[k].session.node_id[0] == 4;
	return count;
}

// The first three nodes hear of a topology with the first 'nodes'.
static void three_follow(unsigned nodes)
{
	for (unsigned i = 0; i < 3; i++)
		sim_configure(i, nodes, 0);
}

// Who has gone may not have noticed it yet: what it sends meanwhile isn't strange.
static void test_topology(void)
{
	sim_begin(4, 0);
	for (unsigned i = 0; i < 4; i++)
		sim_configure(i, 3, 0);
	sim_run(3000, false);
	CU_ASSERT_EQUAL(sim_up(0), 2);
	CU_ASSERT_PTR_NULL(sim_status(0, 3));
	for (unsigned i = 0; i < 4; i++)
		sim_configure(i, 4, 0);
	sim_run(3000, false);
	assert_mesh(4);
	three_follow(3);
	CU_ASSERT_PTR_NULL(sim_status(0, 3));
	sim_run(FOG_LINKS_LEAVING_MS / 2, false);
	CU_ASSERT(with_fourth(0) > 0 && with_fourth(1) > 0);
	sim_run(FOG_LINKS_LEAVING_MS, false);
	CU_ASSERT_EQUAL(with_fourth(0) + with_fourth(1) + with_fourth(2), 0);
	// It comes back before its sessions have gone.
	three_follow(4);
	sim_run(3000, false);
	assert_mesh(4);
	three_follow(3);
	sim_run(FOG_LINKS_LEAVING_MS / 2, false);
	three_follow(4);
	sim_run(3000, false);
	assert_mesh(4);
	sim_end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"two nodes", test_pair},
	        {"all pairs", test_mesh},
	        {"20 % loss", test_loss},
	        {"rekey under traffic", test_rekey},
	        {"idle links", test_idle},
	        {"rekey by order and count", test_rekey_asked},
	        {"other limits for rekeys", test_rekey_limits},
	        {"rekey by order while links come up", test_rekey_early},
	        {"restarts", test_restarts},
	        {"dead peer", test_dead_peer},
	        {"wrong clock", test_clock},
	        {"strangers", test_strangers},
	        {"other network", test_other_network},
	        {"older version", test_older},
	        {"cookies", test_cookies},
	        {"replayed initiations", test_replays},
	        {"index in use", test_exists},
	        {"no memory", test_no_memory},
	        {"topology changes", test_topology},
	        CU_TEST_INFO_NULL,
	};

	if (sodium_init() < 0 || !crypto_aead_aes256gcm_is_available())
		return 1;
	return check_run("links", tests);
}
