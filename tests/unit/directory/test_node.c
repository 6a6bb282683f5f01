// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The node's side of the directory over real connections: what it announces and how it takes refusals, whom it asks
// for consensuses and which it believes, its leave, its public listener.
#include <errno.h>
#include <stdatomic.h>

#include "../../../controlplane/directory/fetch.h"
#include "../../../controlplane/node_directory_private.h"
#include "../../../controlplane/now.h"
#include "node_rig.h"

static struct rig rig;

static bool all_taken(void)
{
	for (unsigned i = 0; i < PARTS_AUTHORITIES; i++)
		if (rig_said(&rig, i) != NODE_DIRECTORY_TAKEN)
			return false;
	return true;
}

static void test_announce(void)
{
	struct fog_epochs_view v;

	rig_begin(&rig);
	rig_start(&rig, rig.epoch, 4);
	CU_ASSERT_TRUE(rig_unready(&rig, "no_consensus", "auth1: has not been asked yet; auth2"));
	CU_ASSERT_TRUE_FATAL(RIG_UNTIL(&rig, all_taken()));
	CU_ASSERT_TRUE(rig_unready(&rig, "no_consensus", "auth4: has taken our descriptor"));
	fog_epochs_look(rig.node->epochs, &v);
	for (unsigned i = 0; i < PARTS_AUTHORITIES; i++) {
		CU_ASSERT_EQUAL(rig_posts(&rig, i), 1);
		CU_ASSERT_EQUAL_FATAL(rig.authority[i].len, v.descriptor_len);
		CU_ASSERT_EQUAL(memcmp(rig.authority[i].data, v.descriptor, v.descriptor_len), 0);
	}
	struct fog_descriptor d = rig_got(&rig, 0);
	CU_ASSERT_STRING_EQUAL(d.name, "me");
	CU_ASSERT_STRING_EQUAL(d.operator, "We and Co");
	CU_ASSERT(d.as_number == 64511 && d.mix_count == 4 && d.mix[0].epoch == rig.epoch);
	CU_ASSERT_EQUAL(d.directory_port, rig.listener);
	// Nobody gets the same twice at once; a new one goes to all.
	rig_tick(&rig);
	CU_ASSERT_EQUAL(node_directory_withdraw(rig.node, true), 0);
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, rig_posts(&rig, 0) > 1 && rig_posts(&rig, 3) > 1));
	CU_ASSERT(rig_got(&rig, 3).sequence > d.sequence);
	CU_ASSERT_EQUAL(rig_posts(&rig, 0), 2);
	// An eighth of an epoch later one that may have been started anew gets the same again.
	CU_ASSERT_TRUE_FATAL(RIG_UNTIL(&rig, all_taken()));
	uint64_t due = 0;
	while (due == 0) { // until the answer is there
		pthread_mutex_lock(&rig.node->directory->lock);
		due = rig.node->directory->peer[2].due_ms;
		rig.node->directory->peer[2].due_ms = due > 0;
		pthread_mutex_unlock(&rig.node->directory->lock);
		usleep(1000);
	}
	CU_ASSERT(due > fog_now_ms() && due < fog_now_ms() + RIG_EPOCH_S * 1000 / 4);
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, rig_posts(&rig, 2) > 2));
	rig_end(&rig);
}

static void test_refused(void)
{
	static const char denied[] =
	        "{\"code\": \"denied\", \"detail\": \"the operator\\u0007 says no\"}";
	static const char clock[] = "{\"code\": \"clock\", \"detail\": \"set it (timedatectl)\"}";

	rig_begin(&rig);
	rig_answer(&rig, 0, 403, denied);
	rig_answer(&rig, 1, 400, clock);
	rig_answer(&rig, 2, 503, "{\"code\": \"busy\", \"detail\": \"later\"}");
	rig_answer(&rig, 3, 400, "no JSON");
	rig_start(&rig, rig.epoch, 4);
	CU_ASSERT_TRUE(RIG_UNTIL(
	        &rig,
	        rig_said(&rig, 0) == NODE_DIRECTORY_REFUSED &&
	                rig_said(&rig, 1) == NODE_DIRECTORY_REFUSED &&
	                rig_said(&rig, 2) == NODE_DIRECTORY_UNREACHABLE &&
	                rig_said(&rig, 3) == NODE_DIRECTORY_REFUSED
	));
	CU_ASSERT_TRUE(rig_warns(
	        &rig, "descriptor_refused", "authority auth1 (denied): the operator? says no"
	));
	CU_ASSERT_TRUE(rig_warns(&rig, "clock_off", "authority auth2 (clock): set it (timedatectl)")
	);
	CU_ASSERT_FALSE(rig_warns(&rig, "descriptor_refused", "auth3"));
	CU_ASSERT_TRUE(rig_warns(&rig, "descriptor_refused", "(malformed): it answers with HTTP"));
	CU_ASSERT_TRUE(rig_unready(&rig, "no_consensus", "auth1 (denied): the operator"));
	// It is tried again, less and less often, and taken when they think better of it.
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, rig_posts(&rig, 0) > 1));
	for (unsigned i = 0; i < PARTS_AUTHORITIES; i++)
		rig_answer(&rig, i, 200, NULL);
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, all_taken()));
	CU_ASSERT_FALSE(rig_warns(&rig, "clock_off", "authority auth2"));
	CU_ASSERT_FALSE(rig_warns(&rig, "descriptor_refused", ""));
	CU_ASSERT(rig_posts(&rig, 0) < 6);
	rig_end(&rig);
}

// Somebody else at an authority's address gets nothing.
static void test_tls_key(void)
{
	rig_begin(&rig);
	rig.authority[3].tls_key[5] ^= 1;
	rig_network(&rig);
	rig_start(&rig, rig.epoch, 4);
	CU_ASSERT_TRUE(RIG_UNTIL(
	        &rig,
	        rig_said(&rig, 3) == NODE_DIRECTORY_UNREACHABLE &&
	                rig_said(&rig, 0) == NODE_DIRECTORY_TAKEN
	));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig_look(&rig).authority[3].text, "another TLS key"));
	CU_ASSERT(rig_posts(&rig, 3) == 0 && rig_gets(&rig, 3) == 0);
	CU_ASSERT_FALSE(rig_warns(&rig, "descriptor_refused", ""));
	rig_end(&rig);
}

// Half of the authorities drop all packets: the others have our descriptor and we their consensus before
// those have even been given up; and another network file waits for nobody.
static void test_holes(void)
{
	rig_begin(&rig);
	struct fog_consensus *c = rig_consensus(&rig, rig.epoch, NULL, NULL);
	rig_hole(&rig, 0);
	rig_hole(&rig, 1);
	rig_network(&rig);
	rig_give(&rig, 2, c);
	rig_give(&rig, 3, c);
	rig_start(&rig, rig.epoch, 4);
	CU_ASSERT_TRUE(RIG_UNTIL(
	        &rig,
	        rig_said(&rig, 2) == NODE_DIRECTORY_TAKEN &&
	                rig_said(&rig, 3) == NODE_DIRECTORY_TAKEN &&
	                rig_look(&rig).consensus == rig.epoch
	));
	CU_ASSERT_EQUAL(rig_said(&rig, 0), NODE_DIRECTORY_WAITING);
	CU_ASSERT_EQUAL(rig_said(&rig, 1), NODE_DIRECTORY_WAITING);
	CU_ASSERT_TRUE(rig_unready(&rig, "not_in_consensus", "auth2: has not been asked yet"));
	rig_mend(&rig, 0);
	rig_mend(&rig, 1);
	rig_network(&rig);
	uint64_t before = fog_now_ms();
	fog_node_topology_poll(rig.node, true);
	CU_ASSERT(fog_now_ms() - before < FOG_FETCH_PATIENCE_MS / 2);
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, all_taken()));
	CU_ASSERT_EQUAL(rig_look(&rig).consensus, rig.epoch); // of the same network: kept
	rig_stop(&rig);
	rig_hole(&rig, 0);
	rig_network(&rig);
	rig_start(&rig, rig.epoch, 5);
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, rig_said(&rig, 1) == NODE_DIRECTORY_TAKEN));
	before = fog_now_ms();
	rig_stop(&rig); // as quick
	CU_ASSERT(fog_now_ms() - before < FOG_FETCH_PATIENCE_MS / 2);
	rig_end(&rig);
	fog_consensus_free(c);
}

// Announce, and be in the consensus of the first epoch, which authority 'from' has.
static struct fog_consensus *join(unsigned from)
{
	CU_ASSERT_TRUE_FATAL(RIG_UNTIL(&rig, all_taken()));
	struct fog_consensus *c = rig_consensus(&rig, rig.epoch, NULL, &rig.authority[0]);
	CU_ASSERT_EQUAL_FATAL(c->node_count, 6);
	rig_give(&rig, from, c);
	CU_ASSERT_TRUE_FATAL(RIG_UNTIL(&rig, rig_look(&rig).listed));
	return c;
}

// A node may put any epoch into its list of proofs. Those that aren't over cost nobody anything: their beacons
// would have to be drawn one after the other, up to there.
static void test_proofs_ahead(void)
{
	rig_begin(&rig);
	struct parts_node *liar = &rig.parts->node[0];
	liar->d.proof_count = 2;
	liar->d.proof[0].epoch = rig.epoch + (UINT64_C(1) << 40);
	liar->d.proof[1].epoch = UINT64_MAX;
	struct fog_consensus *c = rig_consensus(&rig, rig.epoch, NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL(fog_consensus_find(c, liar->d.node_id));
	rig_give(&rig, 0, c);
	rig_start(&rig, rig.epoch, 4);
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, rig_look(&rig).consensus == rig.epoch));
	rig_tick(&rig);
	rig_end(&rig);
	fog_consensus_free(c);
}

static void use(void *ctx, const struct fog_consensus *c, const struct fog_topology *t)
{
	*(uint64_t *)ctx = c->epoch + t->authority_count;
}

static void test_consensus(void)
{
	struct fog_exchange_node known;
	uint8_t key[32], beacon[32];
	uint64_t seen = 0;
	unsigned own = 0;

	rig_begin(&rig);
	rig_start(&rig, rig.epoch, 4);
	CU_ASSERT_EQUAL(node_directory_known(rig.node, 0, &known), -ENOENT);
	CU_ASSERT_EQUAL(node_directory_beacon(rig.node, rig.epoch, beacon), -EAGAIN);
	struct fog_consensus *c = join(2);
	rig_tick(&rig);
	CU_ASSERT_FALSE(rig_unready(&rig, "no_consensus", ""));
	CU_ASSERT_FALSE(rig_unready(&rig, "not_in_consensus", ""));
	CU_ASSERT_FALSE(rig_warns(&rig, "consensus_old", ""));
	CU_ASSERT_EQUAL(rig.node->topology->node_count, 6);
	CU_ASSERT_PTR_NOT_NULL(fog_node_self(rig.node));
	for (unsigned i = 0; i < 6; i++) {
		CU_ASSERT_EQUAL_FATAL(node_directory_known(rig.node, i, &known), 0);
		own += known.own;
		CU_ASSERT(known.key_count >= 3 && known.key[0].epoch == rig.epoch);
		CU_ASSERT_EQUAL(node_directory_mix_key(rig.node, known.id, rig.epoch, key), 0);
		CU_ASSERT_EQUAL(memcmp(key, known.key[0].public_key, 32), 0);
	}
	CU_ASSERT_EQUAL(own, 1);
	CU_ASSERT_EQUAL(node_directory_known(rig.node, 6, &known), -ENOENT);
	// Clients of this network send a packet every 4, 5 and 6 microseconds: 616,667 a second, and a fifth more.
	CU_ASSERT_TRUE(rig_warns(&rig, "client_rate", "takes 200"));
	CU_ASSERT_TRUE(rig_warns(&rig, "client_rate", "set it to 740000"));
	rig.node->config->links.client_rate = 740000;
	CU_ASSERT_FALSE(rig_warns(&rig, "client_rate", ""));
	CU_ASSERT_EQUAL(node_directory_beacon(rig.node, rig.epoch, beacon), 0);
	CU_ASSERT_EQUAL(memcmp(beacon, c->beacon, 32), 0);
	CU_ASSERT_EQUAL(node_directory_beacon(rig.node, rig.epoch + 1, beacon), -EAGAIN);
	CU_ASSERT_EQUAL(node_directory_use(rig.node, UINT64_MAX, use, &seen), 0);
	CU_ASSERT_EQUAL(seen, rig.epoch + PARTS_AUTHORITIES);
	CU_ASSERT_EQUAL(node_directory_use(rig.node, rig.epoch + 1, use, &seen), -ENOENT);
	// Who has it asks nobody until the next one is made.
	unsigned gets = rig_gets(&rig, 2);
	for (unsigned i = 0; i < 50; i++)
		rig_tick(&rig);
	CU_ASSERT_EQUAL(rig_gets(&rig, 2), gets);
	rig_end(&rig);
	fog_consensus_free(c);
}

// Sources that lie or are of another time are asked and not believed, and the next one is asked.
static void test_lies(void)
{
	rig_begin(&rig);
	struct fog_consensus *good = rig_consensus(&rig, rig.epoch, NULL, NULL);
	struct fog_consensus *old = rig_consensus(&rig, rig.epoch - FOG_CONSENSUS_LIFE, NULL, NULL);
	struct fog_consensus *forged = rig_consensus(&rig, rig.epoch, NULL, NULL);
	struct fog_consensus *few = rig_consensus(&rig, rig.epoch, NULL, NULL);

	forged->data[forged->len - 1] ^= 1;
	parts_signatures(rig.parts, few, 3);
	rig_give(&rig, 0, old);
	rig_give(&rig, 1, forged);
	rig_give(&rig, 2, few);
	rig_start(&rig, rig.epoch, 4);
	CU_ASSERT_TRUE(RIG_UNTIL(
	        &rig, rig_gets(&rig, 0) > 1 && rig_gets(&rig, 1) > 0 && rig_gets(&rig, 2) > 0
	));
	CU_ASSERT_EQUAL(rig_look(&rig).consensus, 0);
	rig_give(&rig, 3, good);
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, rig_look(&rig).consensus == rig.epoch));
	rig_end(&rig);
	fog_consensus_free(good);
	fog_consensus_free(old);
	fog_consensus_free(forged);
	fog_consensus_free(few);
}

// Without authorities the node goes on with what it has, over restarts, says for how long, and then ends; what is
// older is never taken.
static void test_life(void)
{
	rig_begin(&rig);
	struct fog_consensus *before = rig_consensus(&rig, rig.epoch - 1, NULL, NULL);
	rig_start(&rig, rig.epoch, 4);
	struct fog_consensus *c = join(0);
	rig_give(&rig, 0, NULL);
	rig_start(&rig, rig.epoch + 1, 2);
	CU_ASSERT(rig_look(&rig).listed && !rig_look(&rig).late);
	CU_ASSERT_FALSE(rig_warns(&rig, "consensus_old", ""));
	unsigned gets = 0;
	for (unsigned i = 0; i < PARTS_AUTHORITIES; i++) {
		rig_give(&rig, i, before);
		gets += rig_gets(&rig, i);
	}
	rig_start(&rig, rig.epoch + 1, 6);
	CU_ASSERT_TRUE(rig_warns(&rig, "consensus_old", "counts for 2 more epoch(s)"));
	CU_ASSERT_TRUE(RIG_UNTIL(
	        &rig,
	        rig_gets(&rig, 0) + rig_gets(&rig, 1) + rig_gets(&rig, 2) + rig_gets(&rig, 3) > gets
	));
	for (unsigned i = 0; i < 10; i++)
		rig_tick(&rig);
	CU_ASSERT(rig_look(&rig).consensus == rig.epoch && rig_look(&rig).listed);
	uint64_t seen = 0;
	CU_ASSERT_EQUAL(node_directory_use(rig.node, rig.epoch - 1, use, &seen), -ENOENT);
	CU_ASSERT_FALSE(rig_unready(&rig, "no_consensus", ""));
	rig_start(&rig, rig.epoch + 2, 31);
	CU_ASSERT_TRUE(rig_warns(&rig, "consensus_old", "counts for 1 more epoch(s)"));
	rig_start(&rig, rig.epoch + 3, 0);
	CU_ASSERT_TRUE(rig_unready(&rig, "no_consensus", "good for epoch"));
	CU_ASSERT_FALSE(rig_warns(&rig, "consensus_old", ""));
	rig_end(&rig);
	fog_consensus_free(c);
	fog_consensus_free(before);
}

// After a reboot the keys that a consensus names may be gone: no packet of that epoch can be opened.
static void test_reboot(void)
{
	uint64_t seen;

	rig_begin(&rig);
	rig_start(&rig, rig.epoch, 4);
	struct fog_consensus *c = join(0);
	struct fog_consensus *next = rig_consensus(&rig, rig.epoch + 1, c, &rig.authority[0]);
	CU_ASSERT_FALSE(rig_unready(&rig, "key_not_in_consensus", ""));
	rig_stop(&rig);
	for (uint64_t epoch = rig.epoch; epoch < rig.epoch + 4; epoch++)
		rig_forget_key(epoch);
	for (unsigned i = 0; i < PARTS_AUTHORITIES; i++)
		rig_give(&rig, i, next);
	rig_start(&rig, rig.epoch, 29);
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, node_directory_use(rig.node, rig.epoch + 1, use, &seen) == 0)
	);
	// This epoch's is lost, which is said elsewhere (node_epochs.c).
	CU_ASSERT_FALSE(rig_unready(&rig, "key_not_in_consensus", ""));
	rig_start(&rig, rig.epoch + 1, 8);
	rig_tick(&rig);
	CU_ASSERT_TRUE(rig_unready(&rig, "key_not_in_consensus", "takes packets again in 1"));
	rig_end(&rig);
	fog_consensus_free(c);
	fog_consensus_free(next);
}

static bool leaves(unsigned i)
{
	return (rig_got(&rig, i).flags & FOG_DESCRIPTOR_WITHDRAWN) != 0;
}

static void test_withdraw(void)
{
	rig_begin(&rig);
	rig_start(&rig, rig.epoch, 4);
	struct fog_consensus *c = join(1);
	CU_ASSERT_EQUAL(node_directory_withdraw(rig.node, true), 0);
	CU_ASSERT_EQUAL(node_directory_withdraw(rig.node, true), 0);
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, leaves(0) && leaves(3)));
	CU_ASSERT_TRUE(rig_warns(&rig, "withdrawn", "fogctl withdraw --undo"));
	CU_ASSERT_EQUAL(rig_look(&rig).last_epoch, 0); // not known yet
	rig_start(&rig, rig.epoch, 29);
	CU_ASSERT_TRUE(rig_look(&rig).withdrawn);
	unsigned posts = rig_posts(&rig, 0);
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, rig_posts(&rig, 0) > posts));
	CU_ASSERT_TRUE(leaves(0));
	// The next consensus leaves it out: now its last epoch is known, and when its packets are dead.
	struct fog_consensus *next = rig_consensus(&rig, rig.epoch + 1, c, NULL);
	for (unsigned i = 0; i < PARTS_AUTHORITIES; i++)
		rig_give(&rig, i, next);
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, rig_look(&rig).last_epoch == rig.epoch));
	struct fog_schedule s = fog_schedule_of(rig.file);
	// Others' clocks may be behind, and they look four times a second.
	CU_ASSERT_EQUAL(
	        rig_look(&rig).gone_ns,
	        fog_schedule_dead(&s, rig.epoch) +
	                UINT64_C(1000000) * (rig.file->tolerance_ms + 250)
	);
	CU_ASSERT_TRUE(rig_look(&rig).listed);
	rig_start(&rig, rig.epoch + 1, 3);
	CU_ASSERT_TRUE(rig_unready(&rig, "not_in_consensus", "because it was withdrawn"));
	CU_ASSERT_EQUAL(node_directory_withdraw(rig.node, false), 0);
	CU_ASSERT_EQUAL(node_directory_withdraw(rig.node, false), 0);
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, !leaves(0) && !leaves(3)));
	rig_start(&rig, rig.epoch + 1, 4);
	CU_ASSERT_FALSE(rig_look(&rig).withdrawn);
	rig_end(&rig);
	fog_consensus_free(c);
	fog_consensus_free(next);
}

// One request to our node's own public listener. Returns the status; the answer is in *a, which the caller frees.
static long listener(const char *path, const void *body, struct fog_fetch_answer *a)
{
	struct fog_fetch_peer peer = {
	        .address = {.family = 4, .addr = {127, 0, 0, 1}}, .port = rig.listener};
	char text[FOG_FETCH_TEXT_LEN];

	memcpy(peer.tls_key, rig.node->identity->tls_public, 32);
	CU_ASSERT_EQUAL_FATAL(fog_fetch(&peer, path, body, body ? 1 : 0, 1 << 20, a, text), 0);
	return a->status;
}

static bool answers(const char *path, const void *body, long status, const char *part)
{
	struct fog_fetch_answer a;
	bool is = listener(path, body, &a) == status && strstr((char *)a.data, part) != NULL;

	free(a.data);
	return is;
}

static void test_listener(void)
{
	struct fog_fetch_answer a;
	char path[64];

	rig_begin(&rig);
	rig_start(&rig, rig.epoch, 4);
	CU_ASSERT_TRUE(answers("/directory/consensus", NULL, 404, "no_consensus"));
	struct fog_consensus *c = join(1);
	CU_ASSERT_EQUAL(listener("/directory/consensus", NULL, &a), 200);
	CU_ASSERT(a.len == c->len && memcmp(a.data, c->data, c->len) == 0);
	free(a.data);
	snprintf(path, sizeof(path), "/directory/consensus/%llu", (unsigned long long)rig.epoch);
	CU_ASSERT_EQUAL(listener(path, NULL, &a), 200);
	CU_ASSERT(a.len == c->len && memcmp(a.data, c->data, c->len) == 0);
	free(a.data);
	strcat(path, "0");
	CU_ASSERT_TRUE(answers(path, NULL, 404, "no_consensus"));
	CU_ASSERT_TRUE(answers("/directory/consensus/", NULL, 400, "bad_epoch"));
	CU_ASSERT_TRUE(answers("/directory/consensus/-1", NULL, 400, "bad_epoch"));
	CU_ASSERT_TRUE(answers("/directory/consensus/1x", NULL, 400, "bad_epoch"));
	CU_ASSERT_TRUE(answers("/directory/consensus/99999999999999999999", NULL, 400, "bad_epoch")
	);
	CU_ASSERT_TRUE(answers("/directory/consensusx", NULL, 404, "not_found"));
	CU_ASSERT_TRUE(answers("/v1/status", NULL, 404, "not_found"));
	CU_ASSERT_TRUE(answers("/directory/consensus", "x", 405, "method"));
	CU_ASSERT_TRUE(answers("/directory/descriptors", "x", 405, "method"));
	CU_ASSERT_EQUAL(listener("/directory/equivocations", NULL, &a), 200);
	CU_ASSERT_EQUAL(a.len, 0);
	free(a.data);
	CU_ASSERT_TRUE(answers("/directory/figures", NULL, 404, "no_figures"));
	pthread_mutex_lock(&rig.node->directory->lock);
	rig.node->directory->figures_epoch = rig.epoch - 1;
	rig.node->directory->figures_packets = 1200;
	pthread_mutex_unlock(&rig.node->directory->lock);
	CU_ASSERT_TRUE(answers("/directory/figures", NULL, 200, "\"packets\": 1200}"));
	rig_end(&rig);
	fog_consensus_free(c);
}

// A disk that holds up whoever waits for it: not the main thread, whose files are not the matter here.
static pthread_t main_thread;
static atomic_bool disk_slow, disk_waits;

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
	if (disk_slow && !pthread_equal(pthread_self(), main_thread)) {
		disk_waits = true;
		for (unsigned i = 0; i < 3000 && disk_slow; i++)
			usleep(10000);
		disk_waits = false;
	}
	return __real_fsync(fd);
}

// While the new consensus is on its way to the disk, the control thread and readers go on, without it; then it counts.
static void test_slow_disk(void)
{
	struct fog_fetch_answer a;

	rig_begin(&rig);
	rig_start(&rig, rig.epoch, 4);
	CU_ASSERT_TRUE_FATAL(RIG_UNTIL(&rig, all_taken()));
	struct fog_consensus *c = rig_consensus(&rig, rig.epoch, NULL, &rig.authority[1]);
	disk_slow = true;
	for (unsigned i = 0; i < PARTS_AUTHORITIES; i++)
		rig_give(&rig, i, c);
	for (unsigned i = 0; i < 6000 && !disk_waits; i++)
		usleep(5000);
	CU_ASSERT_TRUE_FATAL(disk_waits);
	for (unsigned i = 0; i < 3; i++) {
		rig_tick(&rig);
		CU_ASSERT_EQUAL(rig_look(&rig).consensus, 0);
		CU_ASSERT_EQUAL(listener("/directory/equivocations", NULL, &a), 200);
		free(a.data);
	}
	CU_ASSERT_TRUE(disk_waits);
	disk_slow = false;
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, rig_look(&rig).consensus == rig.epoch));
	CU_ASSERT_EQUAL(listener("/directory/consensus", NULL, &a), 200);
	CU_ASSERT(a.len == c->len && memcmp(a.data, c->data, c->len) == 0);
	free(a.data);
	rig_end(&rig);
	fog_consensus_free(c);
}

// A store that takes nothing, as far as the data plane's configuration goes.
static atomic_bool store_full;
static atomic_uint store_tries;

int __real_fog_store_generation(
        struct fog_store *, const uint8_t hash[32], uint64_t floor, uint64_t *generation
);
int __wrap_fog_store_generation(
        struct fog_store *, const uint8_t hash[32], uint64_t floor, uint64_t *generation
);

int __wrap_fog_store_generation(
        struct fog_store *s, const uint8_t hash[32], uint64_t floor, uint64_t *generation
)
{
	store_tries++;
	return store_full ? -ENOSPC : __real_fog_store_generation(s, hash, floor, generation);
}

// What a consensus says is in force once it could be written, with no other news; until then it is tried again, but
// not at every tick.
static void test_full_store(void)
{
	rig_begin(&rig);
	rig_start(&rig, rig.epoch, 9); // nothing changes by itself for the rest of the epoch
	CU_ASSERT_EQUAL(rig.node->topology->node_count, 0);
	store_full = true;
	store_tries = 0;
	struct fog_consensus *c = join(1);
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, store_tries > 0));
	uint64_t first_ms = fog_now_ms();
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, store_tries > 2));
	CU_ASSERT(fog_now_ms() - first_ms >= 2000);
	CU_ASSERT_EQUAL(rig.node->topology->node_count, 0);
	CU_ASSERT_TRUE(rig_unready(&rig, "topology_pending", ""));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.node->topology_text, "cannot be put in force"));
	store_full = false;
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, rig.node->topology->node_count == 6));
	CU_ASSERT_FALSE(rig_unready(&rig, "topology_pending", ""));
	CU_ASSERT_STRING_EQUAL(rig.node->topology_text, "");
	unsigned tries = store_tries;
	for (unsigned i = 0; i < 80; i++)
		rig_tick(&rig);
	CU_ASSERT_EQUAL(store_tries, tries);
	rig_end(&rig);
	fog_consensus_free(c);
}

// When nodes that are off all paths may be on them: 3/16 of this epoch, or of the next one.
static void test_settles(void)
{
	rig_begin(&rig);
	rig_start(&rig, rig.epoch, 0);
	uint32_t left = node_directory_settles_s(rig.node);
	CU_ASSERT(left > 0 && left <= RIG_EPOCH_S * 3 / 16);
	rig_start(&rig, rig.epoch, 16);
	left = node_directory_settles_s(rig.node);
	CU_ASSERT(left > RIG_EPOCH_S * 3 / 16 && left <= RIG_EPOCH_S / 2 + RIG_EPOCH_S * 3 / 16);
	rig_end(&rig);
}

// Without 'directory' in the file there is nothing of all this.
static void test_static(void)
{
	struct node_directory_view v;
	uint64_t seen;
	char path[128];

	rig_begin(&rig);
	rig_start(&rig, rig.epoch, 4);
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, all_taken()));
	snprintf(path, sizeof(path), "%s/topology.yaml", rig.folder);
	FILE *f = fopen(path, "we");
	fputs("network: {name: t, links: none}\nnodes:\n  - {name: me, id: "
	      "1111111111111111111111111111111111111111111111111111111111111111, mix_key: "
	      "2222222222222222222222222222222222222222222222222222222222222222, address: "
	      "192.0.2.1, role: gateway}\n"
	      "  - {name: mix, id: "
	      "3333333333333333333333333333333333333333333333333333333333333333, mix_key: "
	      "4444444444444444444444444444444444444444444444444444444444444444, address: "
	      "192.0.2.2, role: mix, layer: 1}\n",
	      f);
	fclose(f);
	fog_node_topology_poll(rig.node, true);
	CU_ASSERT_FALSE(node_directory_look(rig.node, &v));
	CU_ASSERT_FALSE(node_directory_active(rig.node));
	CU_ASSERT_EQUAL(node_directory_settles_s(rig.node), 1);
	CU_ASSERT_EQUAL(node_directory_use(rig.node, UINT64_MAX, use, &seen), -ENODATA);
	CU_ASSERT_FALSE(rig_unready(&rig, "no_consensus", ""));
	CU_ASSERT_TRUE(answers("/directory/consensus", NULL, 404, "no_directory"));
	unsigned posts = rig_posts(&rig, 0), gets = rig_gets(&rig, 0);
	for (unsigned i = 0; i < 30; i++)
		rig_tick(&rig);
	CU_ASSERT(rig_posts(&rig, 0) == posts && rig_gets(&rig, 0) == gets);
	rig_network(&rig); // and back
	fog_node_topology_poll(rig.node, true);
	CU_ASSERT_TRUE(RIG_UNTIL(&rig, all_taken()));
	rig_end(&rig);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"announcing", test_announce},
	        {"refusals", test_refused},
	        {"wrong TLS key", test_tls_key},
	        {"authorities that drop packets", test_holes},
	        {"proofs of epochs to come", test_proofs_ahead},
	        {"being in the consensus", test_consensus},
	        {"sources that lie", test_lies},
	        {"living on a cached one", test_life},
	        {"keys that are lost", test_reboot},
	        {"leaving", test_withdraw},
	        {"public listener", test_listener},
	        {"slow disk", test_slow_disk},
	        {"full store", test_full_store},
	        {"when an epoch is settled", test_settles},
	        {"no directory", test_static},
	        CU_TEST_INFO_NULL,
	};

	if (sodium_init() < 0 || fog_crypto_init() < 0)
		return 1;
	umask(077);
	main_thread = pthread_self();
	int r = check_run("node directory", tests);
	rig_forget_keys(); // of tests that ended early
	return r;
}
