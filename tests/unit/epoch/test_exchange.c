// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Five directories in one process, tied by links that lose notices, and what each may believe.
#include <errno.h>
#include <unistd.h>

#include "../../../controlplane/epoch/exchange.h"
#include "../../../controlplane/epoch/notice.h"
#include "../../../controlplane/vrf/delay.h"
#include "../../../controlplane/vrf/vrf.h"
#include "../../../dataplane/api/link.h"
#include "../run.h"
#include "net.h"

enum { NOW = 1000, QUEUE = 4096 };

static struct net_node node[NET_NODES];
static struct fog_topology *net;
static uint8_t network[32];
static char folder[64];
static struct fog_store *store[NET_NODES];
static struct fog_exchange *dir[NET_NODES];

// Notices on their way.
static struct {
	unsigned from, to;
	size_t len;
	uint8_t data[FOG_NOTICE_MAX];
} queue[QUEUE];

static unsigned queued, sent;
static unsigned lose; // every n-th is lost; 0 = none
static bool cut; // there are no links at all

static unsigned number_of(const uint8_t id[32])
{
	unsigned i = 0;

	while (i < NET_NODES && memcmp(node[i].id, id, 32) != 0)
		i++;
	return i;
}

static int net_send(void *ctx, const uint8_t id[32], const uint8_t *data, size_t len)
{
	if (cut)
		return -ENOTCONN;
	sent++;
	if (lose > 0 && sent % lose == 0)
		return 0;
	CU_ASSERT_TRUE_FATAL(queued < QUEUE && len <= fog_notice_room(net->geometry.packet_len));
	queue[queued].from = (unsigned)(uintptr_t)ctx;
	queue[queued].to = number_of(id);
	queue[queued].len = len;
	memcpy(queue[queued++].data, data, len);
	return 0;
}

static void carry(void)
{
	for (unsigned i = 0; i < queued; i++)
		fog_exchange_notice(
		        dir[queue[i].to], node[queue[i].from].id, queue[i].data, queue[i].len
		);
	queued = 0;
}

static void open_one(unsigned i)
{
	static const uint8_t secret[32] = {1};
	static const struct fog_exchange_ops ops = {.send = net_send};
	char path[96];

	snprintf(path, sizeof(path), "%s/%u.db", folder, i);
	CU_ASSERT_EQUAL_FATAL(fog_store_open(&store[i], path, secret), 0);
	CU_ASSERT_EQUAL_FATAL(
	        fog_exchange_create(store[i], &ops, (void *)(uintptr_t)i, &dir[i]), 0
	);
	CU_ASSERT_EQUAL_FATAL(fog_exchange_topology(dir[i], net, node[i].id, NOW), 0);
}

static void close_one(unsigned i)
{
	fog_exchange_destroy(dir[i]);
	fog_store_close(store[i]);
}

static void begin(void)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -f %s/*", folder);
	CU_ASSERT_EQUAL(system(command), 0);
	queued = sent = lose = 0;
	cut = false;
	for (unsigned i = 0; i < NET_NODES; i++)
		open_one(i);
}

static void end(void)
{
	for (unsigned i = 0; i < NET_NODES; i++)
		close_one(i);
}

static void key_of(unsigned i, uint64_t epoch, uint8_t key[32])
{
	memset(key, (int)(16 * (i + 1)), 32);
	key[0] = (uint8_t)epoch;
}

static struct fog_descriptor describe(unsigned i, uint64_t sequence)
{
	struct fog_descriptor d = {
	        .role = FOG_ROLE_MIX,
	        .name = "n",
	        .address = {.family = 4},
	        .vrf_from = NOW + 2,
	        .sequence = sequence,
	        .mix_count = 2};

	memcpy(d.network, network, 32);
	memcpy(d.node_id, node[i].id, 32);
	memcpy(d.identity, node[i].identity, 32);
	memcpy(d.link_key, node[i].link_key, 32);
	memcpy(d.vrf_key, node[i].vrf_key, 32);
	for (unsigned k = 0; k < 2; k++) {
		d.mix[k].epoch = NOW + k;
		key_of(i, NOW + k, d.mix[k].public_key);
	}
	return d;
}

static void publish(unsigned i, const struct fog_descriptor *d)
{
	uint8_t data[FOG_DESCRIPTOR_MAX];
	int len = fog_descriptor_sign(d, node[i].secret, data);

	CU_ASSERT_TRUE_FATAL(len > 0);
	fog_exchange_publish(dir[i], d, data, (size_t)len);
}

static struct fog_exchange_node view(unsigned of, unsigned at)
{
	struct fog_exchange_node n;

	CU_ASSERT_EQUAL(fog_exchange_node(dir[at], of, &n), 0);
	return n;
}

static bool all_acked(void)
{
	bool all = true;

	for (unsigned a = 0; a < NET_NODES; a++)
		for (unsigned b = 0; b < NET_NODES; b++)
			all = all && view(b, a).acked;
	return all;
}

static unsigned run(uint64_t from_ms, uint64_t until_ms)
{
	uint64_t t = from_ms;

	for (; t < until_ms && !all_acked(); t += 250) {
		for (unsigned i = 0; i < NET_NODES; i++)
			fog_exchange_tick(dir[i], NOW, t);
		for (int round = 0; round < 4; round++)
			carry();
	}
	return (unsigned)(t - from_ms);
}

static void test_exchange(void)
{
	uint8_t key[32], want[32];

	begin();
	for (unsigned i = 0; i < NET_NODES; i++) {
		struct fog_descriptor d = describe(i, 10);
		publish(i, &d);
	}
	run(0, 10000);
	CU_ASSERT_TRUE(all_acked());
	for (unsigned a = 0; a < NET_NODES; a++) {
		for (unsigned b = 0; b < NET_NODES; b++) {
			for (uint64_t e = NOW; e < NOW + 2; e++) {
				key_of(b, e, want);
				CU_ASSERT_EQUAL(
				        fog_exchange_mix_key(dir[a], node[b].id, e, key), 0
				);
				CU_ASSERT_EQUAL(memcmp(key, want, 32), 0);
			}
			CU_ASSERT_EQUAL(
			        fog_exchange_mix_key(dir[a], node[b].id, NOW + 2, key), -ENOENT
			);
		}
	}
	// Whoever has everything is left alone: a descriptor and an ack for each of 20 pairs.
	CU_ASSERT_EQUAL(sent, 2 * NET_NODES * (NET_NODES - 1));
	for (unsigned i = 0; i < NET_NODES; i++)
		fog_exchange_tick(dir[i], NOW, 1000000);
	CU_ASSERT_EQUAL(queued, 0);
	end();
}

static void test_loss(void)
{
	begin();
	lose = 3;
	for (unsigned i = 0; i < NET_NODES; i++) {
		struct fog_descriptor d = describe(i, 10);
		publish(i, &d);
	}
	run(0, 600000);
	CU_ASSERT_TRUE(all_acked());
	end();
}

// Without links nothing is sent; when one comes up, it is.
static void test_up(void)
{
	struct fog_descriptor d = describe(0, 10);
	uint8_t key[32];

	begin();
	cut = true;
	publish(0, &d);
	fog_exchange_tick(dir[0], NOW, 0);
	cut = false;
	fog_exchange_up(dir[0], node[1].id, 1);
	CU_ASSERT_EQUAL(queued, 1);
	carry();
	CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[1], node[0].id, NOW, key), 0);
	CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[2], node[0].id, NOW, key), -ENOENT);
	carry();
	CU_ASSERT_TRUE(view(1, 0).acked);
	// It comes up again: the peer may have lost everything.
	fog_exchange_up(dir[0], node[1].id, 2);
	CU_ASSERT_FALSE(view(1, 0).acked);
	CU_ASSERT_EQUAL(queued, 1);
	end();
}

// Who never answers is sent to ever more seldom, but not more seldom than that.
static void test_resent(void)
{
	struct fog_descriptor d = describe(0, 10);
	uint64_t last = 0, gap = 0;
	unsigned before;

	begin();
	publish(0, &d);
	for (uint64_t t = 0; t < 20 * FOG_EXCHANGE_RESEND_MAX_MS; t += 250) {
		before = sent;
		fog_exchange_tick(dir[0], NOW, t);
		queued = 0;
		if (sent == before)
			continue;
		CU_ASSERT_EQUAL(sent, before + NET_NODES - 1);
		CU_ASSERT_TRUE(t - last >= gap && t - last <= FOG_EXCHANGE_RESEND_MAX_MS);
		gap = t - last;
		last = t;
	}
	CU_ASSERT_EQUAL(gap, FOG_EXCHANGE_RESEND_MAX_MS);
	end();
}

// An acknowledgement that comes late, of the descriptor before, undoes nothing.
static void test_late_ack(void)
{
	struct fog_descriptor d = describe(0, 10);
	uint8_t ack[FOG_NOTICE_HEAD];

	begin();
	publish(0, &d);
	d.sequence = 11;
	publish(0, &d);
	fog_exchange_notice(dir[0], node[1].id, ack, fog_notice_ack(10, ack));
	CU_ASSERT_FALSE(view(1, 0).acked);
	fog_exchange_notice(dir[0], node[1].id, ack, fog_notice_ack(11, ack));
	CU_ASSERT_TRUE(view(1, 0).acked);
	fog_exchange_notice(dir[0], node[1].id, ack, fog_notice_ack(10, ack));
	CU_ASSERT_TRUE(view(1, 0).acked);
	end();
}

// Node 0 shows node 1 what 'd' says.
static void show(const struct fog_descriptor *d)
{
	publish(0, d);
	fog_exchange_up(dir[0], node[1].id, 0);
	carry();
	carry();
}

static void test_equivocation(void)
{
	struct fog_descriptor d = describe(0, 10);
	uint8_t key[32];

	begin();
	show(&d);
	d.sequence = 11;
	d.mix[1].public_key[5] ^= 1;
	show(&d);
	CU_ASSERT_EQUAL(view(0, 1).refused[FOG_EXCHANGE_EQUIVOCATION], 1);
	CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[1], node[0].id, NOW + 1, key), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(key, d.mix[1].public_key, 32), 0);
	// After a restart of who saw it, too.
	close_one(1);
	open_one(1);
	CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[1], node[0].id, NOW + 1, key), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(key, d.mix[1].public_key, 32), 0);
	show(&d);
	CU_ASSERT_EQUAL(view(0, 1).refused[FOG_EXCHANGE_EQUIVOCATION], 1);
	CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[1], node[0].id, NOW + 1, key), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(key, d.mix[1].public_key, 32), 0);
	end();
}

// The same number twice, the second time for other words.
static void test_two_descriptors(void)
{
	struct fog_descriptor d = describe(0, 10);

	begin();
	show(&d);
	show(&d); // sent again
	CU_ASSERT_EQUAL(view(0, 1).refused[FOG_EXCHANGE_EQUIVOCATION], 0);
	memset(d.mix[0].public_key, 0, 32);
	show(&d);
	CU_ASSERT_EQUAL(view(0, 1).refused[FOG_EXCHANGE_EQUIVOCATION], 1);
	CU_ASSERT_FALSE(view(0, 1).key[0].lost);
	end();
}

static void test_old(void)
{
	struct fog_descriptor d = describe(0, 10);

	begin();
	show(&d);
	CU_ASSERT_EQUAL(view(0, 1).sequence, 10);
	// An older one: the box of its peer ignores its parts.
	d.sequence = 9;
	d.mix_count = 0;
	show(&d);
	CU_ASSERT_EQUAL(view(0, 1).sequence, 10);
	CU_ASSERT_FALSE(view(1, 0).acked);
	end();
}

// A notice that says it carries a newer descriptor than it does.
static void test_wrong_sequence(void)
{
	struct fog_descriptor d = describe(0, 10);
	uint8_t data[FOG_DESCRIPTOR_MAX], notice[FOG_NOTICE_MAX];

	begin();
	show(&d);
	size_t len = (size_t)fog_descriptor_sign(&d, node[0].secret, data);
	size_t n = fog_notice_put(50, data, len, 0, 1, notice);
	fog_exchange_notice(dir[1], node[0].id, notice, n);
	CU_ASSERT_EQUAL(view(0, 1).refused[FOG_EXCHANGE_OLD], 1);
	end();
}

static void test_lost(void)
{
	struct fog_descriptor d = describe(0, 10);
	uint8_t key[32];

	begin();
	show(&d);
	d.sequence = 11;
	memset(d.mix[0].public_key, 0, 32);
	show(&d);
	CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[1], node[0].id, NOW, key), -ENOENT);
	CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[1], node[0].id, NOW + 1, key), 0);
	CU_ASSERT_TRUE(view(0, 1).key[0].lost);
	CU_ASSERT_FALSE(view(0, 1).key[1].lost);
	// Found again is not believed, also after a restart of who was told.
	CU_ASSERT_EQUAL(view(0, 1).refused[FOG_EXCHANGE_EQUIVOCATION], 0);
	for (unsigned again = 0; again < 2; again++) {
		d = describe(0, 12 + again);
		show(&d);
		CU_ASSERT_EQUAL(view(0, 1).refused[FOG_EXCHANGE_EQUIVOCATION], 1);
		CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[1], node[0].id, NOW, key), -ENOENT);
		close_one(1);
		open_one(1);
		CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[1], node[0].id, NOW, key), -ENOENT);
		CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[1], node[0].id, NOW + 1, key), 0);
	}
	// Of an epoch far away nothing is kept.
	d.sequence = 14;
	d.mix[0].epoch = NOW + 3;
	d.mix[1].epoch = NOW + 100;
	show(&d);
	CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[1], node[0].id, NOW + 3, key), -ENOENT);
	CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[1], node[0].id, NOW + 100, key), -ENOENT);
	CU_ASSERT_EQUAL(view(0, 1).sequence, 14);
	end();
}

static void prove(unsigned i, uint64_t epoch, uint8_t proof[80])
{
	uint8_t beacon[32], alpha[FOG_DELAY_ALPHA_LEN];

	fog_static_beacon(network, epoch, beacon);
	size_t len = fog_delay_alpha(network, epoch, beacon, alpha);
	CU_ASSERT_EQUAL(fog_vrf_prove(node[i].vrf_seed, alpha, len, proof), 0);
}

static int stored(unsigned at, unsigned of, uint64_t epoch, uint8_t proof[80])
{
	CU_ASSERT_EQUAL(fog_store_begin(store[at]), 0);
	int r = fog_store_proof_get(store[at], node[of].id, epoch, proof);
	CU_ASSERT_EQUAL(fog_store_end(store[at], 0), 0);
	return r;
}

static void test_proofs(void)
{
	struct fog_descriptor d = describe(0, 10);
	uint8_t proof[80];

	begin();
	d.proof_count = 4;
	for (unsigned i = 0; i < 4; i++)
		d.proof[i].epoch = NOW - 3 + i; // the last one of an epoch that has not ended
	for (unsigned i = 0; i < 4; i++)
		prove(0, d.proof[i].epoch, d.proof[i].proof);
	prove(0, NOW - 9, d.proof[1].proof); // right, but not for this epoch
	show(&d);
	CU_ASSERT_EQUAL(stored(1, 0, NOW - 3, proof), 0);
	CU_ASSERT_EQUAL(memcmp(proof, d.proof[0].proof, 80), 0);
	CU_ASSERT_EQUAL(stored(1, 0, NOW - 2, proof), -ENOENT);
	CU_ASSERT_EQUAL(stored(1, 0, NOW - 1, proof), 0);
	CU_ASSERT_EQUAL(stored(1, 0, NOW, proof), -ENOENT);
	CU_ASSERT_EQUAL(view(0, 1).refused[FOG_EXCHANGE_PROOF], 2);
	CU_ASSERT_EQUAL(view(0, 1).vrf_from, NOW + 2);
	CU_ASSERT_EQUAL(view(0, 1).vrf_first_seen, NOW);
	end();
}

// A node can't put off the epoch from which it is audited, nor prove that it was long ago.
static void test_counts_from(void)
{
	static const uint64_t said[] = {0, NOW + 2, NOW + 3, NOW + 4, UINT64_MAX},
	                      counts[] = {NOW + 2, NOW + 2, NOW + 3, NOW + 3, NOW + 3};

	for (unsigned i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		struct fog_descriptor d = describe(0, 10);
		begin();
		d.vrf_from = said[i];
		show(&d);
		struct fog_exchange_node n = view(0, 1);
		CU_ASSERT_TRUE(n.known);
		CU_ASSERT_EQUAL(fog_exchange_counts_from(&n), counts[i]);
		end();
	}
}

static void test_old_proofs(void)
{
	static const uint64_t later = 3 * FOG_EXCHANGE_PROOFS_BACK;
	struct fog_descriptor d = describe(0, 10);
	uint8_t proof[80];

	begin();
	d.mix_count = 0;
	d.proof_count = 2;
	for (unsigned i = 0; i < 2; i++) {
		d.proof[i].epoch = later - FOG_EXCHANGE_PROOFS_BACK - 1 + i;
		prove(0, d.proof[i].epoch, d.proof[i].proof);
	}
	fog_exchange_tick(dir[1], later, 0);
	show(&d);
	CU_ASSERT_EQUAL(stored(1, 0, d.proof[0].epoch, proof), -ENOENT);
	CU_ASSERT_EQUAL(stored(1, 0, d.proof[1].epoch, proof), 0);
	CU_ASSERT_EQUAL(view(0, 1).refused[FOG_EXCHANGE_PROOF], 0);
	end();
}

static void test_strangers(void)
{
	struct fog_descriptor d = describe(0, 10);
	uint8_t data[FOG_DESCRIPTOR_MAX], notice[FOG_NOTICE_MAX], key[32];

	begin();
	// Node 2 passes on what node 0 says as its own.
	size_t len = (size_t)fog_descriptor_sign(&d, node[0].secret, data);
	size_t n = fog_notice_put(10, data, len, 0, 1, notice);
	fog_exchange_notice(dir[1], node[2].id, notice, n);
	CU_ASSERT_EQUAL(view(2, 1).refused[FOG_EXCHANGE_NODE], 1);
	// Signed by node 2 in the name of node 0.
	len = (size_t)fog_descriptor_sign(&d, node[2].secret, data);
	n = fog_notice_put(10, data, len, 0, 1, notice);
	fog_exchange_notice(dir[1], node[0].id, notice, n);
	CU_ASSERT_EQUAL(view(0, 1).refused[FOG_EXCHANGE_SIGNATURE], 1);
	d.network[0] ^= 1;
	len = (size_t)fog_descriptor_sign(&d, node[0].secret, data);
	n = fog_notice_put(10, data, len, 0, 1, notice);
	fog_exchange_notice(dir[1], node[0].id, notice, n);
	CU_ASSERT_EQUAL(view(0, 1).refused[FOG_EXCHANGE_NETWORK], 1);
	fog_exchange_notice(dir[1], node[0].id, notice, 5);
	CU_ASSERT_EQUAL(view(0, 1).refused[FOG_EXCHANGE_MALFORMED], 1);
	CU_ASSERT_EQUAL(queued, 0); // nothing of it was acknowledged
	CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[1], node[0].id, NOW, key), -ENOENT);
	// Nobody of the topology.
	memset(key, 5, 32);
	fog_exchange_notice(dir[1], key, notice, n);
	CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[1], key, NOW, key), -ENOENT);
	end();
}

// What is known of a node stays when the topology changes around it, and goes with the node.
static void test_topology(void)
{
	struct fog_topology *less = net_topology(node + 1, NET_NODES - 1, "");
	struct fog_descriptor d = describe(0, 10), e = describe(2, 20);
	struct fog_exchange_node n;
	uint8_t key[32];

	begin();
	show(&d);
	publish(2, &e);
	fog_exchange_up(dir[2], node[1].id, 0);
	carry();
	CU_ASSERT_EQUAL(fog_exchange_topology(dir[1], less, node[1].id, NOW), 0);
	CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[1], node[0].id, NOW, key), -ENOENT);
	CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[1], node[2].id, NOW, key), 0);
	CU_ASSERT_EQUAL(fog_exchange_topology(dir[1], net, node[1].id, NOW), 0);
	// Back again: the store has not forgotten.
	CU_ASSERT_EQUAL(fog_exchange_mix_key(dir[1], node[0].id, NOW, key), 0);
	CU_ASSERT_EQUAL(fog_exchange_topology(dir[1], NULL, node[1].id, NOW), 0);
	CU_ASSERT_EQUAL(fog_exchange_node(dir[1], 0, &n), -ENOENT);
	fog_topology_free(less);
	end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"everybody knows everybody's keys", test_exchange},
	        {"links that lose", test_loss},
	        {"a link that comes up", test_up},
	        {"sent again", test_resent},
	        {"a late acknowledgement", test_late_ack},
	        {"two keys for an epoch", test_equivocation},
	        {"two descriptors with one number", test_two_descriptors},
	        {"an older descriptor", test_old},
	        {"a sequence that is not the descriptor's", test_wrong_sequence},
	        {"lost keys", test_lost},
	        {"proofs", test_proofs},
	        {"the epoch that an audit begins with", test_counts_from},
	        {"proofs of long ago", test_old_proofs},
	        {"descriptors of strangers", test_strangers},
	        {"nodes that come and go", test_topology},
	        CU_TEST_INFO_NULL,
	};
	char command[96];

	snprintf(folder, sizeof(folder), "/tmp/fog-exchange-XXXXXX");
	if (sodium_init() < 0 || mkdtemp(folder) == NULL)
		return 1;
	for (unsigned i = 0; i < NET_NODES; i++)
		net_node_make(&node[i], (uint8_t)(i + 1));
	net = net_topology(node, NET_NODES, "");
	if (net == NULL)
		return 1;
	fog_network_hash(net, network);
	int r = check_run("exchange", tests);
	fog_topology_free(net);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) == 0 ? r : 1;
}
