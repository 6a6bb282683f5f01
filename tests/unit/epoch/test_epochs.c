// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A node through its epochs in simulated time, with the kernel's keyring, a store and an exchange of
// its own; restarts and reboots included.
#include <errno.h>
#include <unistd.h>

#include "../../../controlplane/epoch/epochs.h"
#include "../../../controlplane/vrf/delay.h"
#include "../../../controlplane/vrf/vrf.h"
#include "../keyring.h"
#include "../run.h"
#include "net.h"

#define SECOND UINT64_C(1000000000)
#define EPOCH (60 * SECOND)
#define FIRST UINT64_C(30000000) // number of an epoch

static char folder[64], state[96], db[96], instance[64];
static struct fog_identity *identity;
static struct fog_topology *net;
static uint8_t network[32];
static struct fog_store *store;
static struct fog_exchange *dir;
static struct fog_epochs *epochs;

// The data plane.
static struct fog_dpclient_key has[2];
static unsigned has_count, sets;
static bool settled;

static int keys_set(void *ctx, const struct fog_dpclient_key *keys, unsigned n)
{
	CU_ASSERT_TRUE(n <= 2);
	memcpy(has, keys, n * sizeof(has[0]));
	has_count = n;
	sets++;
	return 0;
}

static bool key_gone(void *ctx, const uint8_t public_key[32])
{
	return settled;
}

// Beacons of a network with a directory: known up to one epoch.
static uint64_t beacon_known;

static int beacon_of(void *ctx, uint64_t epoch, uint8_t out[32])
{
	memset(out, (int)(epoch % 251), 32);
	return epoch <= beacon_known ? 0 : -EAGAIN;
}

static int send_nothing(void *ctx, const uint8_t id[32], const uint8_t *data, size_t len)
{
	return -ENOTCONN;
}

static void start(void)
{
	static const struct fog_epochs_ops ops = {
	        .keys_set = keys_set, .key_gone = key_gone, .beacon = beacon_of};
	static const struct fog_exchange_ops exchange_ops = {.send = send_nothing};
	static const uint8_t secret[32] = {1};
	struct fog_epochs_params params = {.instance = instance, .identity = identity};

	CU_ASSERT_EQUAL_FATAL(fog_store_open(&store, db, secret), 0);
	CU_ASSERT_EQUAL_FATAL(fog_exchange_create(store, &exchange_ops, NULL, &dir), 0);
	CU_ASSERT_EQUAL_FATAL(fog_exchange_topology(dir, net, identity->node_id, FIRST), 0);
	params.store = store;
	params.exchange = dir;
	CU_ASSERT_EQUAL_FATAL(fog_epochs_create(&params, &ops, NULL, &epochs), 0);
	fog_epochs_topology(epochs, net);
}

static void stop(void)
{
	fog_epochs_destroy(epochs);
	fog_exchange_destroy(dir);
	fog_store_close(store);
}

// What a reboot does to the keyring.
static void lose_keys(void)
{
	for (uint64_t e = FIRST - 5; e < FIRST + 100; e++)
		fog_epoch_key_destroy(instance, e);
}

static void begin(void)
{
	unlink(db);
	has_count = sets = 0;
	settled = true;
	start();
}

static void end(void)
{
	stop();
	lose_keys();
}

static struct fog_epochs_view tick(uint64_t now)
{
	struct fog_epochs_view v;

	fog_epochs_tick(epochs, now);
	fog_epochs_look(epochs, &v);
	return v;
}

static struct fog_descriptor announced(const struct fog_epochs_view *v)
{
	struct fog_descriptor d = {0};

	CU_ASSERT_EQUAL(
	        fog_descriptor_open(v->descriptor, v->descriptor_len, &net->node[0], network, &d), 0
	);
	return d;
}

// The delay key as the design has it.
static void delay_key(uint64_t epoch, uint8_t out[32], uint8_t proof[80])
{
	uint8_t beacon[32], alpha[FOG_DELAY_ALPHA_LEN], beta[64];

	fog_static_beacon(network, epoch, beacon);
	size_t len = fog_delay_alpha(network, epoch, beacon, alpha);
	CU_ASSERT_EQUAL(fog_vrf_prove(identity->vrf_seed, alpha, len, proof), 0);
	CU_ASSERT_EQUAL(fog_vrf_beta(proof, beta), 0);
	fog_delay_key_of_beta(beta, out);
}

static void test_first_start(void)
{
	uint64_t now = FIRST * EPOCH + 30 * SECOND;
	uint8_t expect[32], proof[80], public_key[32];

	begin();
	struct fog_epochs_view v = tick(now);
	struct fog_descriptor d = announced(&v);
	CU_ASSERT_TRUE(v.active && v.epoch == FIRST && v.lost_until_ns == 0 && v.text[0] == '\0');
	CU_ASSERT_EQUAL_FATAL(v.count, 2);
	CU_ASSERT_TRUE(v.own[0].epoch == FIRST && v.own[0].state == FOG_EPOCHS_LIVE);
	CU_ASSERT_TRUE(v.own[1].epoch == FIRST + 1 && v.own[1].state == FOG_EPOCHS_LIVE);
	CU_ASSERT_EQUAL_FATAL(d.mix_count, 2);
	CU_ASSERT_EQUAL(d.vrf_from, FIRST + 2);
	CU_ASSERT_EQUAL(d.proof_count, 0);
	CU_ASSERT_EQUAL_FATAL(has_count, 2);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(has[i].epoch, FIRST + i);
		CU_ASSERT_EQUAL(d.mix[i].epoch, FIRST + i);
		CU_ASSERT_EQUAL(memcmp(has[i].public_key, d.mix[i].public_key, 32), 0);
		crypto_scalarmult_base(public_key, has[i].private_key);
		CU_ASSERT_EQUAL(memcmp(public_key, has[i].public_key, 32), 0);
		delay_key(FIRST + i, expect, proof);
		CU_ASSERT_EQUAL(memcmp(expect, has[i].delay_key, 32), 0);
		CU_ASSERT_EQUAL(
		        fog_exchange_mix_key(dir, identity->node_id, FIRST + i, public_key), 0
		);
		CU_ASSERT_EQUAL(memcmp(public_key, has[i].public_key, 32), 0);
	}
	// Nothing changes, nothing is done.
	tick(now + SECOND);
	CU_ASSERT_EQUAL(sets, 1);
	end();
}

// Ten epochs, a tick a second: what the data plane has is what the schedule says, and a key that was
// announced is the one that comes.
static void test_rollovers(void)
{
	uint8_t first_seen[20][32] = {{0}};
	uint64_t sequence = 0;

	begin();
	for (uint64_t s = 30; s < 600; s++) {
		uint64_t now = FIRST * EPOCH + s * SECOND, n = now / EPOCH;
		struct fog_epochs_view v = tick(now);
		struct fog_descriptor d = announced(&v);
		CU_ASSERT_TRUE(d.sequence >= sequence);
		sequence = d.sequence;
		CU_ASSERT_EQUAL_FATAL(d.mix_count, 2);
		CU_ASSERT_EQUAL(d.mix[0].epoch, n);
		CU_ASSERT_EQUAL_FATAL(has_count, 2);
		CU_ASSERT_EQUAL(has[0].epoch, s % 60 < 20 && n > FIRST ? n - 1 : n);
		CU_ASSERT_EQUAL(has[1].epoch, has[0].epoch + 1);
		for (unsigned i = 0; i < 2; i++) {
			uint8_t *seen = first_seen[d.mix[i].epoch - FIRST];
			if (sodium_is_zero(seen, 32))
				memcpy(seen, d.mix[i].public_key, 32);
			CU_ASSERT_EQUAL(memcmp(seen, d.mix[i].public_key, 32), 0);
			CU_ASSERT_EQUAL(
			        memcmp(first_seen[has[i].epoch - FIRST], has[i].public_key, 32), 0
			);
		}
	}
	end();
}

static int proof_of(uint64_t epoch, uint8_t proof[80])
{
	uint8_t of[32];

	return fog_epochs_proof(epochs, epoch, of, proof);
}

static void test_proofs(void)
{
	uint8_t expect[32], want[80], proof[80], beta[64], beacon[32], alpha[FOG_DELAY_ALPHA_LEN];
	struct fog_epoch_key *key = NULL;
	char text[256];

	begin();
	tick(FIRST * EPOCH);
	CU_ASSERT_EQUAL(proof_of(FIRST, proof), -EAGAIN);
	CU_ASSERT_EQUAL(proof_of(FIRST + 9, proof), -ENOENT);
	tick((FIRST + 1) * EPOCH + 20 * SECOND - 1);
	CU_ASSERT_EQUAL(proof_of(FIRST, proof), -EAGAIN);
	CU_ASSERT_EQUAL(fog_epoch_key_fetch(instance, FIRST, &key, text, sizeof(text)), 0);
	fog_epoch_key_close(key);
	// The key goes from the keyring, but the data plane has not said that it has none.
	settled = false;
	tick((FIRST + 1) * EPOCH + 20 * SECOND);
	CU_ASSERT_EQUAL(fog_epoch_key_fetch(instance, FIRST, &key, text, sizeof(text)), -ENOENT);
	CU_ASSERT_EQUAL(proof_of(FIRST, proof), -EAGAIN);
	settled = true;
	struct fog_epochs_view v = tick((FIRST + 1) * EPOCH + 21 * SECOND);
	CU_ASSERT_EQUAL(proof_of(FIRST, proof), 0);
	delay_key(FIRST, expect, want);
	CU_ASSERT_EQUAL(memcmp(proof, want, 80), 0);
	fog_static_beacon(network, FIRST, beacon);
	size_t len = fog_delay_alpha(network, FIRST, beacon, alpha);
	CU_ASSERT_EQUAL(fog_vrf_verify(identity->vrf_public, alpha, len, proof, beta), 0);
	struct fog_descriptor d = announced(&v);
	CU_ASSERT_EQUAL_FATAL(d.proof_count, 1);
	CU_ASSERT_EQUAL(d.proof[0].epoch, FIRST);
	// Down when the next one ends; it is made up for at the next start. A data plane has to be there.
	stop();
	settled = false;
	start();
	tick((FIRST + 4) * EPOCH + 30 * SECOND);
	CU_ASSERT_EQUAL(proof_of(FIRST + 1, proof), -EAGAIN);
	settled = true;
	tick((FIRST + 4) * EPOCH + 31 * SECOND);
	CU_ASSERT_EQUAL(proof_of(FIRST + 1, proof), 0);
	CU_ASSERT_EQUAL(proof_of(FIRST + 2, proof), 0); // announced, never live
	CU_ASSERT_EQUAL(proof_of(FIRST + 3, proof), -ENOENT);
	CU_ASSERT_EQUAL(proof_of(FIRST + 4, proof), -EAGAIN);
	end();
}

// A restart at any moment: the same keys as before, and no other ones for what was announced.
static void test_restarts(void)
{
	uint8_t known[8][32] = {{0}};

	begin();
	for (uint64_t s = 30; s < 270; s += 7) {
		struct fog_epochs_view v = tick(FIRST * EPOCH + s * SECOND);
		struct fog_descriptor d = announced(&v);
		CU_ASSERT_EQUAL(v.lost_until_ns, 0);
		CU_ASSERT_EQUAL_FATAL(has_count, 2);
		for (unsigned i = 0; i < d.mix_count; i++) {
			uint8_t *k = known[d.mix[i].epoch - FIRST];
			if (sodium_is_zero(k, 32))
				memcpy(k, d.mix[i].public_key, 32);
			CU_ASSERT_EQUAL(memcmp(k, d.mix[i].public_key, 32), 0);
		}
		stop();
		has_count = 0;
		start();
	}
	end();
}

static void test_reboot(void)
{
	uint64_t now = FIRST * EPOCH + 30 * SECOND;
	uint8_t key[32];

	begin();
	tick(now);
	stop();
	lose_keys();
	has_count = 0;
	start();
	struct fog_epochs_view v = tick(now + SECOND);
	struct fog_descriptor d = announced(&v);
	CU_ASSERT_EQUAL(has_count, 0);
	CU_ASSERT_EQUAL_FATAL(v.count, 2);
	CU_ASSERT_TRUE(v.own[0].state == FOG_EPOCHS_LOST && v.own[1].state == FOG_EPOCHS_LOST);
	CU_ASSERT_EQUAL(v.lost_until_ns, (FIRST + 2) * EPOCH);
	CU_ASSERT_EQUAL_FATAL(d.mix_count, 2);
	CU_ASSERT_TRUE(sodium_is_zero(d.mix[0].public_key, 32));
	CU_ASSERT_TRUE(sodium_is_zero(d.mix[1].public_key, 32));
	CU_ASSERT_EQUAL(fog_exchange_mix_key(dir, identity->node_id, FIRST, key), -ENOENT);
	CU_ASSERT_FALSE(fog_epochs_live(epochs, FIRST, key));
	CU_ASSERT_TRUE(fog_epochs_lost(epochs, FIRST));
	CU_ASSERT_FALSE(fog_epochs_lost(epochs, FIRST + 2));
	// The next epoch: still lost, but the one after it is announced.
	v = tick((FIRST + 1) * EPOCH + 30 * SECOND);
	d = announced(&v);
	CU_ASSERT_EQUAL(v.lost_until_ns, (FIRST + 2) * EPOCH);
	CU_ASSERT_FALSE(sodium_is_zero(d.mix[1].public_key, 32));
	CU_ASSERT_EQUAL_FATAL(has_count, 1);
	CU_ASSERT_EQUAL(has[0].epoch, FIRST + 2);
	v = tick((FIRST + 2) * EPOCH);
	CU_ASSERT_EQUAL(v.lost_until_ns, 0);
	CU_ASSERT_TRUE(fog_epochs_live(epochs, FIRST + 2, key));
	end();
}

// The kernel has a key of this name that others were never told.
static void test_foreign_key(void)
{
	uint64_t now = FIRST * EPOCH + 30 * SECOND;
	struct fog_epoch_key *key = NULL;
	char text[256];

	begin();
	tick(now);
	stop();
	lose_keys();
	CU_ASSERT_EQUAL(fog_epoch_key_open(instance, FIRST, &key, NULL, text, sizeof(text)), 0);
	fog_epoch_key_close(key);
	start();
	struct fog_epochs_view v = tick(now);
	CU_ASSERT_EQUAL(v.own[0].state, FOG_EPOCHS_LOST);
	end();
}

// Another identity, the same store and keyring: the keys of the one before are gone, and new ones are there at
// once.
static void test_rotated(void)
{
	uint64_t now = FIRST * EPOCH + 30 * SECOND;
	char kept[FOG_IDENTITY_KEPT_LEN], text[256];
	struct fog_dpclient_key had[2], mine[2] = {0};
	struct net_node self = {0};

	begin();
	tick(now);
	stop();
	CU_ASSERT_EQUAL_FATAL(has_count, 2);
	memcpy(had, has, sizeof(had));
	fog_identity_close(identity);
	fog_topology_free(net);
	CU_ASSERT_EQUAL_FATAL(fog_identity_rotate(state, kept, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL_FATAL(fog_identity_open(state, &identity, text, sizeof(text)), 0);
	memcpy(self.id, identity->node_id, 32);
	memcpy(self.identity, identity->public_key, 32);
	memcpy(self.link_key, identity->link_public, 32);
	memcpy(self.vrf_key, identity->vrf_public, 32);
	net = net_topology(&self, 1, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(net);
	for (unsigned life = 0; life < 2; life++) {
		start();
		struct fog_epochs_view v = tick(now + SECOND);
		struct fog_descriptor d = announced(&v);
		CU_ASSERT_EQUAL(v.lost_until_ns, 0);
		CU_ASSERT_EQUAL_FATAL(has_count, 2);
		for (unsigned i = 0; i < 2; i++) {
			CU_ASSERT_FALSE(sodium_is_zero(d.mix[i].public_key, 32));
			CU_ASSERT_EQUAL(memcmp(d.mix[i].public_key, has[i].public_key, 32), 0);
			for (unsigned k = 0; k < 2; k++)
				CU_ASSERT_NOT_EQUAL(
				        memcmp(d.mix[i].public_key, had[k].public_key, 32), 0
				);
		}
		// The second life finds its own ones.
		CU_ASSERT_TRUE(life == 0 || memcmp(has, mine, sizeof(has)) == 0);
		memcpy(mine, has, sizeof(mine));
		stop();
	}
	lose_keys();
}

static void test_over(void)
{
	begin();
	tick(FIRST * EPOCH);
	CU_ASSERT_FALSE(fog_epochs_over(epochs, FIRST, (FIRST + 1) * EPOCH + 20 * SECOND - 1));
	CU_ASSERT_TRUE(fog_epochs_over(epochs, FIRST, (FIRST + 1) * EPOCH + 20 * SECOND));
	// The next one's key is there from the overlap on; that of the one behind it is far away.
	CU_ASSERT_TRUE(fog_epochs_over(epochs, FIRST + 1, FIRST * EPOCH + 20 * SECOND - 1));
	CU_ASSERT_FALSE(fog_epochs_over(epochs, FIRST + 1, FIRST * EPOCH + 20 * SECOND));
	CU_ASSERT_TRUE(fog_epochs_over(epochs, FIRST + 2, FIRST * EPOCH + 20 * SECOND));
	CU_ASSERT_TRUE(fog_epochs_over(epochs, FIRST + 127, FIRST * EPOCH + 20 * SECOND));
	fog_epochs_topology(epochs, NULL);
	struct fog_epochs_view v = tick(FIRST * EPOCH);
	CU_ASSERT_FALSE(v.active);
	CU_ASSERT_FALSE(fog_epochs_over(epochs, FIRST, UINT64_MAX));
	end();
}

// The same nodes get epochs of an hour: other numbers, further down.
static void test_longer_epochs(void)
{
	static const uint64_t hour = 3600 * SECOND;
	uint64_t now = (FIRST + 1) * EPOCH + 30 * SECOND;
	struct fog_epoch_key *key = NULL;
	struct fog_topology *longer;
	struct net_node self = {0};
	uint8_t proof[80];
	char text[256];

	begin();
	tick(FIRST * EPOCH);
	struct fog_epochs_view v = tick(now);
	struct fog_descriptor d = announced(&v);
	CU_ASSERT_EQUAL(d.proof_count, 1);
	memcpy(self.id, identity->node_id, 32);
	memcpy(self.identity, identity->public_key, 32);
	memcpy(self.link_key, identity->link_public, 32);
	memcpy(self.vrf_key, identity->vrf_public, 32);
	longer = net_topology(&self, 1, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(longer);
	longer->epoch_s = 3600;
	fog_epochs_topology(epochs, longer);
	settled = false;
	v = tick(now);
	// Keys of the old numbers don't wait for a time that never comes.
	for (uint64_t e = FIRST; e <= FIRST + 2; e++)
		CU_ASSERT_EQUAL(
		        fog_epoch_key_fetch(instance, e, &key, text, sizeof(text)), -ENOENT
		);
	settled = true;
	tick(now + SECOND);
	CU_ASSERT_EQUAL(proof_of(FIRST + 1, proof), 0);
	CU_ASSERT_EQUAL(proof_of(FIRST + 2, proof), 0);
	// Nobody is shown proofs of the old network; those of the new one are not hidden behind them.
	v = tick(now + 2 * hour);
	CU_ASSERT_EQUAL(fog_descriptor_parse(v.descriptor, v.descriptor_len, &d), 0);
	CU_ASSERT_EQUAL_FATAL(d.proof_count, 2);
	CU_ASSERT_EQUAL(d.proof[0].epoch, now / hour);
	CU_ASSERT_EQUAL(d.vrf_from, now / hour + 2);
	lose_keys();
	for (uint64_t e = now / hour - 1; e < now / hour + 6; e++)
		fog_epoch_key_destroy(instance, e);
	stop();
	fog_topology_free(longer);
}

static void directory_start(struct fog_topology *t)
{
	struct fog_descriptor about = {
	        .role = FOG_ROLE_MIX, .name = "d", .address = {.family = 4, .addr = {10, 0, 0, 1}}};

	start();
	fog_epochs_topology(epochs, t);
	fog_epochs_about(epochs, &about);
}

static void expect_drawn(const struct fog_dpclient_key *key, const uint8_t net_hash[32])
{
	uint8_t beacon[32], alpha[FOG_DELAY_ALPHA_LEN], proof[80], beta[64], expect[32];

	beacon_of(NULL, key->epoch - 1, beacon);
	fog_delay_alpha(net_hash, key->epoch, beacon, alpha);
	CU_ASSERT_EQUAL(fog_vrf_prove(identity->vrf_seed, alpha, sizeof(alpha), proof), 0);
	CU_ASSERT_EQUAL(fog_vrf_beta(proof, beta), 0);
	fog_delay_key_of_beta(beta, expect);
	CU_ASSERT_EQUAL(memcmp(expect, key->delay_key, 32), 0);
}

// A network with a directory: keys for as long as a consensus is good, delays of the beacon of the epoch
// before, what we are from the configuration; after a reboot new keys for what is to come.
static void test_directory(void)
{
	uint64_t now = FIRST * EPOCH + 30 * SECOND, sequence;
	struct fog_topology of = *net;
	uint8_t before[4][32], hash[32];
	struct fog_descriptor d;

	of.authority_count = 4;
	of.node_count = 0;
	fog_network_hash(&of, hash);
	unlink(db);
	settled = true;
	has_count = 0;
	beacon_known = FIRST - 1;
	directory_start(&of);
	struct fog_epochs_view v = tick(now);
	// The beacon that delays of the next epoch are drawn from is not known yet.
	CU_ASSERT_EQUAL(has_count, 0);
	CU_ASSERT_EQUAL_FATAL(v.count, 4);
	beacon_known = FIRST;
	v = tick(now);
	CU_ASSERT_EQUAL_FATAL(has_count, 2);
	expect_drawn(&has[0], hash);
	expect_drawn(&has[1], hash);
	CU_ASSERT_EQUAL(fog_descriptor_verify(v.descriptor, v.descriptor_len, &d), 0);
	CU_ASSERT_STRING_EQUAL(d.name, "d");
	CU_ASSERT_EQUAL_FATAL(d.mix_count, 4);
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(d.mix[i].epoch, FIRST + i);
		memcpy(before[i], d.mix[i].public_key, 32);
	}
	sequence = d.sequence;
	// The next consensus is no reason for another descriptor.
	of.node_count = 1;
	fog_epochs_topology(epochs, &of);
	v = tick(now + SECOND);
	CU_ASSERT_EQUAL(fog_descriptor_verify(v.descriptor, v.descriptor_len, &d), 0);
	CU_ASSERT_EQUAL(d.sequence, sequence);
	d = (struct fog_descriptor
	){.role = FOG_ROLE_MIX,
	  .name = "d",
	  .address = {.family = 4, .addr = {10, 0, 0, 1}},
	  .flags = FOG_DESCRIPTOR_WITHDRAWN};
	fog_epochs_about(epochs, &d);
	v = tick(now + SECOND);
	CU_ASSERT_EQUAL(fog_descriptor_verify(v.descriptor, v.descriptor_len, &d), 0);
	CU_ASSERT_TRUE(d.sequence > sequence);
	CU_ASSERT_EQUAL(d.flags, FOG_DESCRIPTOR_WITHDRAWN);
	stop();
	lose_keys();
	has_count = 0;
	directory_start(&of);
	v = tick(now + 2 * SECOND);
	CU_ASSERT_EQUAL(v.own[0].state, FOG_EPOCHS_LOST);
	CU_ASSERT_EQUAL(v.lost_until_ns, (FIRST + 1) * EPOCH);
	CU_ASSERT_EQUAL(fog_descriptor_verify(v.descriptor, v.descriptor_len, &d), 0);
	CU_ASSERT_EQUAL_FATAL(d.mix_count, 3);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(d.mix[i].epoch, FIRST + 1 + i);
		CU_ASSERT_FALSE(sodium_is_zero(d.mix[i].public_key, 32));
		CU_ASSERT_NOT_EQUAL(memcmp(d.mix[i].public_key, before[i + 1], 32), 0);
		memcpy(before[i + 1], d.mix[i].public_key, 32);
	}
	// And a restart finds the new ones.
	stop();
	directory_start(&of);
	v = tick(now + 3 * SECOND);
	CU_ASSERT_EQUAL(fog_descriptor_verify(v.descriptor, v.descriptor_len, &d), 0);
	CU_ASSERT_EQUAL_FATAL(d.mix_count, 3);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(memcmp(d.mix[i].public_key, before[i + 1], 32), 0);
	CU_ASSERT_EQUAL_FATAL(has_count, 1);
	CU_ASSERT_EQUAL(has[0].epoch, FIRST + 1);
	end();
}

static void test_hand_again(void)
{
	begin();
	tick(FIRST * EPOCH);
	CU_ASSERT_EQUAL(sets, 1);
	fog_epochs_hand_again(epochs);
	tick(FIRST * EPOCH + SECOND);
	CU_ASSERT_EQUAL(sets, 2);
	CU_ASSERT_EQUAL(has_count, 1); // nobody was told a key for the epoch before
	end();
}

// What a consensus asks for is in the descriptor: in its place, whatever the store knows of it, once no
// data plane can have that epoch's key any more; and never a proof of an epoch that lives.
static void test_owed(void)
{
	uint64_t now = FIRST * EPOCH + 30 * SECOND;
	const uint8_t beacon[32] = {9};
	uint8_t alpha[FOG_DELAY_ALPHA_LEN], beta[FOG_VRF_BETA_LEN], hash[32];
	struct fog_topology of = *net;
	struct fog_descriptor d;

	of.authority_count = 4;
	of.node_count = 0;
	fog_network_hash(&of, hash);
	unlink(db);
	settled = true;
	beacon_known = FIRST + 100;
	directory_start(&of);
	for (unsigned i = 0; i < 8; i++)
		tick(now + i * EPOCH);
	now += 7 * EPOCH;
	for (unsigned back = 3; back <= 12; back += 3) {
		uint64_t owed = FIRST + 7 - back;
		fog_epochs_owe(epochs, owed, beacon);
		struct fog_epochs_view v = tick(now);
		CU_ASSERT_EQUAL(fog_descriptor_verify(v.descriptor, v.descriptor_len, &d), 0);
		CU_ASSERT_EQUAL(d.proof_count, FOG_DESCRIPTOR_PROOF_MAX);
		unsigned i = 0;
		while (i + 1 < d.proof_count && d.proof[i].epoch != owed)
			i++;
		fog_delay_alpha(hash, owed, beacon, alpha);
		CU_ASSERT_EQUAL(d.proof[i].epoch, owed);
		CU_ASSERT_EQUAL(
		        fog_vrf_verify(
		                identity->vrf_public, alpha, sizeof(alpha), d.proof[i].proof, beta
		        ),
		        0
		);
	}
	fog_epochs_owe(epochs, FIRST + 7, beacon);
	struct fog_epochs_view v = tick(now);
	CU_ASSERT_EQUAL(fog_descriptor_verify(v.descriptor, v.descriptor_len, &d), 0);
	for (unsigned i = 0; i < d.proof_count; i++)
		CU_ASSERT(d.proof[i].epoch < FIRST + 7);
	// Nor one that was never announced and is to come.
	fog_epochs_owe(epochs, FIRST + 50, beacon);
	v = tick(now);
	CU_ASSERT_EQUAL(fog_descriptor_verify(v.descriptor, v.descriptor_len, &d), 0);
	for (unsigned i = 0; i < d.proof_count; i++)
		CU_ASSERT(d.proof[i].epoch < FIRST + 7);
	// The data plane doesn't say that it has let go of the key.
	settled = false;
	fog_epochs_owe(epochs, FIRST + 7, beacon);
	v = tick(now + 3 * EPOCH);
	CU_ASSERT_EQUAL(fog_descriptor_verify(v.descriptor, v.descriptor_len, &d), 0);
	for (unsigned i = 0; i < d.proof_count; i++)
		CU_ASSERT(d.proof[i].epoch < FIRST + 7);
	settled = true;
	stop();
	lose_keys();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"first start", test_first_start},
	        {"rollovers", test_rollovers},
	        {"proofs", test_proofs},
	        {"restarts", test_restarts},
	        {"a reboot", test_reboot},
	        {"a key that nobody was told", test_foreign_key},
	        {"another identity", test_rotated},
	        {"the end of an epoch", test_over},
	        {"the data plane lost them", test_hand_again},
	        {"longer epochs", test_longer_epochs},
	        {"a network with a directory", test_directory},
	        {"a proof that is owed", test_owed},
	        CU_TEST_INFO_NULL,
	};
	struct net_node self = {0};
	char command[96], text[256];

	snprintf(folder, sizeof(folder), "/tmp/fog-epochs-XXXXXX");
	snprintf(instance, sizeof(instance), "test-epochs-%d", getpid());
	if (sodium_init() < 0 || mkdtemp(folder) == NULL)
		return 1;
	snprintf(state, sizeof(state), "%s/state", folder);
	snprintf(db, sizeof(db), "%s/store.db", folder);
	if (fog_identity_open(state, &identity, text, sizeof(text)) < 0) {
		fputs(text, stderr);
		return 1;
	}
	memcpy(self.id, identity->node_id, 32);
	memcpy(self.identity, identity->public_key, 32);
	memcpy(self.link_key, identity->link_public, 32);
	memcpy(self.vrf_key, identity->vrf_public, 32);
	net = net_topology(&self, 1, "");
	if (net == NULL)
		return 1;
	fog_network_hash(net, network);
	int r = check_run("epochs", tests);
	check_forget_keys(instance); // of tests that ended early
	fog_topology_free(net);
	fog_identity_close(identity);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) == 0 ? r : 1;
}
