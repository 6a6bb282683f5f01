// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What a node or client keeps: what it takes and refuses, files, beacons, mix keys, the network of each epoch.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "view_rig.h"

static char path[512];

static const char *file(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void again(void)
{
	fog_view_destroy(view);
	CU_ASSERT_EQUAL_FATAL(fog_view_create(&p->net, dir, &view), 0);
}

static int take(const struct fog_consensus *c, unsigned now, bool expect_news)
{
	bool news;
	int r = fog_view_take(view, c->data, c->len, parts_start(p, EPOCH + now), &news);

	CU_ASSERT_EQUAL(news, expect_news);
	return r;
}

static void test_take(void)
{
	rig_begin();
	CU_ASSERT_PTR_NULL(fog_view_at(view, EPOCH));
	CU_ASSERT_EQUAL(take(chain[1], 1, true), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(take(chain[1], 1, false), FOG_REFUSAL_NONE);
	CU_ASSERT_PTR_NULL(fog_view_at(view, EPOCH));
	// Good for its epoch and two more.
	for (unsigned e = 1; e < 4; e++)
		CU_ASSERT_EQUAL(fog_view_at(view, EPOCH + e)->epoch, EPOCH + 1);
	CU_ASSERT_PTR_NULL(fog_view_at(view, EPOCH + 4));
	CU_ASSERT_EQUAL(take(chain[2], 1, true), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(fog_view_at(view, EPOCH + 1)->epoch, EPOCH + 1);
	CU_ASSERT_EQUAL(fog_view_at(view, EPOCH + 2)->epoch, EPOCH + 2);
	CU_ASSERT_EQUAL(fog_view_exact(view, EPOCH + 2)->epoch, EPOCH + 2);
	CU_ASSERT_PTR_NULL(fog_view_exact(view, EPOCH + 3));
	rig_end();
}

static void test_refusals(void)
{
	bool news;

	rig_begin();
	CU_ASSERT_EQUAL(take(chain[3], 1, false), FOG_REFUSAL_EPOCH);
	CU_ASSERT_EQUAL(take(chain[0], 3, false), FOG_REFUSAL_EXPIRED);
	CU_ASSERT_EQUAL(take(chain[0], 2, true), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(take(chain[3], 3, true), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(take(chain[4], 4, true), FOG_REFUSAL_NONE);
	// Whatever was once good, even if it isn't expired.
	CU_ASSERT_EQUAL(take(chain[2], 4, false), FOG_REFUSAL_ROLLBACK);
	CU_ASSERT_EQUAL(take(chain[0], 4, false), FOG_REFUSAL_ROLLBACK);
	CU_ASSERT_EQUAL(fog_view_at(view, EPOCH + 4)->epoch, EPOCH + 4);
	// And what fog_consensus_open refuses.
	chain[5]->data[chain[5]->len - 1] ^= 1;
	CU_ASSERT_EQUAL(take(chain[5], 4, false), FOG_REFUSAL_SIGNATURE);
	chain[5]->data[chain[5]->len - 1] ^= 1;
	CU_ASSERT_EQUAL(
	        fog_view_take(
	                view, chain[5]->data, chain[5]->len - 1, parts_start(p, EPOCH + 4), &news
	        ),
	        FOG_REFUSAL_MALFORMED
	);
	parts_signatures(p, chain[5], 3);
	CU_ASSERT_EQUAL(take(chain[5], 4, false), FOG_REFUSAL_THRESHOLD);
	p->net.rekey_s++;
	CU_ASSERT_EQUAL(take(chain[6], 5, false), FOG_REFUSAL_PARAMETERS);
	p->net.rekey_s--;
	CU_ASSERT_EQUAL(take(chain[6], 5, true), FOG_REFUSAL_NONE);
	rig_end();
}

// Two consensuses of one epoch take two authorities of four who sign both; it is they who are named.
static void test_equivocation(void)
{
	struct fog_vote *vote[FOG_AUTHORITIES_MAX];
	struct fog_consensus *other;
	struct fog_equivocation e;
	unsigned count = 1;

	rig_begin();
	parts_votes(p, EPOCH, NULL, vote);
	free(vote[0]);
	vote[0] = NULL;
	other = parts_compute(p, EPOCH, vote, 0, NULL);
	parts_votes_free(vote);
	parts_renew_all(p, EPOCH + 1, other);
	CU_ASSERT_NOT_EQUAL_FATAL(memcmp(other->digest, chain[0]->digest, 32), 0);
	parts_signatures(p, chain[0], 7);
	parts_signatures(p, other, 14);
	CU_ASSERT_EQUAL(take(chain[0], 0, true), FOG_REFUSAL_NONE);
	CU_ASSERT_PTR_NULL(fog_view_proofs(view, &count));
	CU_ASSERT_EQUAL(count, 0);
	CU_ASSERT_EQUAL(take(other, 0, false), FOG_REFUSAL_EQUIVOCATION);
	CU_ASSERT_EQUAL(take(other, 0, false), FOG_REFUSAL_EQUIVOCATION);
	// The first one stays in force.
	CU_ASSERT_EQUAL(memcmp(fog_view_at(view, EPOCH)->digest, chain[0]->digest, 32), 0);
	for (unsigned round = 0; round < 2; round++) {
		const uint8_t *proofs = fog_view_proofs(view, &count);
		CU_ASSERT_EQUAL_FATAL(count, 2);
		for (unsigned i = 0; i < 2; i++) {
			CU_ASSERT_EQUAL(
			        fog_equivocation_open(
			                proofs + i * FOG_EQUIVOCATION_LEN, FOG_EQUIVOCATION_LEN, &e
			        ),
			        0
			);
			CU_ASSERT_EQUAL(memcmp(e.identity, p->authority[1 + i].identity, 32), 0);
			CU_ASSERT_EQUAL(e.epoch, EPOCH);
		}
		again();
	}
	fog_consensus_free(other);
	rig_end();
}

// Proofs that others found: verified, kept once, over restarts.
static void test_proofs(void)
{
	struct fog_statement s = {.kind = FOG_STATEMENT_VOTE, .epoch = 5};
	struct fog_equivocation e = {.kind = FOG_STATEMENT_VOTE, .epoch = 5};
	uint8_t proof[FOG_EQUIVOCATION_LEN];
	unsigned count;

	rig_begin();
	memcpy(s.network, p->network, 32);
	memcpy(e.network, p->network, 32);
	memcpy(e.identity, p->authority[2].identity, 32);
	for (unsigned i = 0; i < 2; i++) {
		e.said[i].digest[0] = s.digest[0] = (uint8_t)(i + 1);
		fog_statement_sign(&s, p->authority[2].secret, e.said[i].signature);
	}
	fog_equivocation_put(&e, proof);
	CU_ASSERT_EQUAL(fog_view_prove(view, proof), 0);
	CU_ASSERT_EQUAL(fog_view_prove(view, proof), 0);
	fog_view_proofs(view, &count);
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_EQUAL(rig_files(false), 1);
	proof[FOG_EQUIVOCATION_LEN - 1] ^= 1;
	CU_ASSERT_EQUAL(fog_view_prove(view, proof), -EKEYREJECTED);
	proof[0] = 2;
	CU_ASSERT_EQUAL(fog_view_prove(view, proof), -EBADMSG);
	again();
	fog_view_proofs(view, &count);
	CU_ASSERT_EQUAL(count, 1);
	// Somebody who is no authority of this network.
	for (unsigned i = 0; i < 2; i++) {
		s.digest[0] = (uint8_t)(i + 1);
		fog_statement_sign(&s, p->node[0].keys.secret, e.said[i].signature);
	}
	memcpy(e.identity, p->node[0].keys.identity, 32);
	fog_equivocation_put(&e, proof);
	CU_ASSERT_EQUAL(fog_view_prove(view, proof), -EXDEV);
	rig_end();
}

static int prove(unsigned authority, enum fog_statement_kind kind, uint64_t epoch, uint8_t first)
{
	struct fog_statement s = {.kind = kind, .epoch = epoch};
	struct fog_equivocation e = {.kind = kind, .epoch = epoch};
	uint8_t proof[FOG_EQUIVOCATION_LEN];

	memcpy(s.network, p->network, 32);
	memcpy(e.network, p->network, 32);
	memcpy(e.identity, p->authority[authority].identity, 32);
	for (unsigned i = 0; i < 2; i++) {
		e.said[i].digest[0] = s.digest[0] = (uint8_t)(first + i);
		fog_statement_sign(&s, p->authority[authority].secret, e.said[i].signature);
	}
	fog_equivocation_put(&e, proof);
	return fog_view_prove(view, proof);
}

// Who signs thousands of votes leaves no less room for what others have signed.
static void test_many_proofs(void)
{
	unsigned count;

	rig_begin();
	for (uint8_t i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(prove(0, FOG_STATEMENT_VOTE, 5, i), 0);
	fog_view_proofs(view, &count);
	CU_ASSERT_EQUAL(count, 1);
	for (uint64_t epoch = 6; epoch < 100; epoch++)
		CU_ASSERT_EQUAL(
		        prove(0, FOG_STATEMENT_VOTE, epoch, 1),
		        epoch < 5 + FOG_VIEW_PROOFS_OF_ONE ? 0 : -ENOSPC
		);
	CU_ASSERT_EQUAL(prove(0, FOG_STATEMENT_CONSENSUS, 7, 1), 0);
	CU_ASSERT_EQUAL(prove(1, FOG_STATEMENT_VOTE, 7, 1), 0);
	fog_view_proofs(view, &count);
	CU_ASSERT_EQUAL(count, FOG_VIEW_PROOFS_OF_ONE + 2);
	again();
	fog_view_proofs(view, &count);
	CU_ASSERT_EQUAL(count, FOG_VIEW_PROOFS_OF_ONE + 2);
	rig_end();
}

static void test_restart(void)
{
	struct stat st;

	rig_begin();
	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(take(chain[i], i, true), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(rig_files(false), 4);
	CU_ASSERT_EQUAL(stat(file("consensus-1002"), &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0644);
	CU_ASSERT_EQUAL((size_t)st.st_size, chain[2]->len);
	again();
	for (unsigned i = 0; i < 4; i++) {
		const struct fog_consensus *c = fog_view_exact(view, EPOCH + i);
		CU_ASSERT_PTR_NOT_NULL_FATAL(c);
		CU_ASSERT_EQUAL(c->len, chain[i]->len);
		CU_ASSERT_EQUAL(memcmp(c->data, chain[i]->data, c->len), 0);
		CU_ASSERT_EQUAL(take(chain[i], 3, false), i < 2 ? FOG_REFUSAL_ROLLBACK : 0);
	}
	fog_view_prune(view, EPOCH + 3);
	CU_ASSERT_EQUAL(rig_files(false), 2);
	CU_ASSERT_PTR_NULL(fog_view_exact(view, EPOCH + 1));
	CU_ASSERT_PTR_NOT_NULL(fog_view_exact(view, EPOCH + 2));
	rig_end();
}

static void write_file(const char *name, const uint8_t *data, size_t len)
{
	int fd = open(file(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CU_ASSERT_EQUAL(write(fd, data, len), (ssize_t)len);
	close(fd);
}

static void test_damaged(void)
{
	rig_begin();
	CU_ASSERT_EQUAL(take(chain[1], 1, true), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(take(chain[2], 1, true), FOG_REFUSAL_NONE);
	chain[2]->data[300] ^= 1;
	write_file("consensus-1002", chain[2]->data, chain[2]->len);
	chain[2]->data[300] ^= 1;
	write_file("consensus-1003", chain[3]->data, chain[3]->len / 2);
	write_file("consensus-1005", chain[4]->data, chain[4]->len); // under another's name
	write_file("consensus-01004", chain[4]->data, chain[4]->len);
	write_file("consensus-1004.new", chain[4]->data, 10); // killed while it wrote
	write_file("consensus-", chain[4]->data, 10);
	write_file("consensus-1006", chain[6]->data, 0);
	write_file("equivocation-1", chain[4]->data, FOG_EQUIVOCATION_LEN);
	write_file("somebody's", (const uint8_t *)"x", 1);
	again();
	CU_ASSERT_PTR_NOT_NULL(fog_view_exact(view, EPOCH + 1));
	for (unsigned i = 2; i < 7; i++)
		CU_ASSERT_PTR_NULL(fog_view_exact(view, EPOCH + i));
	// Only what is good, what isn't ours, and what may be evidence.
	CU_ASSERT_EQUAL(rig_files(false), 3);
	CU_ASSERT_EQUAL(access(file("equivocation-1.unreadable-0"), F_OK), 0);
	CU_ASSERT_EQUAL(access(file("somebody's"), F_OK), 0);
	// It can be fetched again.
	CU_ASSERT_EQUAL(take(chain[2], 1, true), FOG_REFUSAL_NONE);
	rig_end();
}

static unsigned proofs(void)
{
	unsigned count;

	fog_view_proofs(view, &count);
	return count;
}

// Evidence that isn't understood keeps its bytes, under another name; what is good in it goes on counting.
static void test_evidence(void)
{
	static const uint8_t strange[FOG_EQUIVOCATION_LEN] = {9, 9, 9};
	uint8_t good[FOG_EQUIVOCATION_LEN], both[2 * FOG_EQUIVOCATION_LEN], read_back[sizeof(both)];
	unsigned count;
	char name[64];

	rig_begin();
	CU_ASSERT_EQUAL(prove(0, FOG_STATEMENT_VOTE, 5, 1), 0);
	memcpy(good, fog_view_proofs(view, &count), sizeof(good));
	memcpy(both, good, sizeof(good));
	memcpy(both + sizeof(good), strange, sizeof(strange));
	// One of another version behind ours, in the file of a running process and before a start.
	for (unsigned i = 0; i < 2; i++) {
		write_file("equivocation-5", both, sizeof(both));
		if (i == 0)
			CU_ASSERT_EQUAL(prove(1, FOG_STATEMENT_VOTE, 5, 1), 0);
		again();
		CU_ASSERT_EQUAL(proofs(), i == 0 ? 2 : 1);
		snprintf(name, sizeof(name), "equivocation-5.unreadable-%u", i);
		int fd = open(file(name), O_RDONLY);
		CU_ASSERT_EQUAL(read(fd, read_back, sizeof(read_back)), (ssize_t)sizeof(both));
		CU_ASSERT_EQUAL(memcmp(read_back, both, sizeof(both)), 0);
		close(fd);
		again();
		CU_ASSERT_EQUAL(proofs(), i == 0 ? 2 : 1);
		CU_ASSERT_EQUAL(rig_files(false), 2 + i);
	}
	// Cut off, no file at all, and under a name that isn't ours.
	write_file("equivocation-6", good, sizeof(good) - 1);
	CU_ASSERT_EQUAL(mkdir(file("equivocation-7"), 0755), 0);
	write_file("equivocation-07", good, sizeof(good));
	again();
	CU_ASSERT_EQUAL(access(file("equivocation-6.unreadable-0"), F_OK), 0);
	CU_ASSERT_EQUAL(access(file("equivocation-07"), F_OK), 0);
	CU_ASSERT_EQUAL(rmdir(file("equivocation-7.unreadable-0")), 0);
	CU_ASSERT_EQUAL(access(file("equivocation-6"), F_OK), -1);
	// When all names are taken, it stays where it is, and nothing takes its place.
	for (unsigned i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "equivocation-5.unreadable-%u", i);
		write_file(name, strange, sizeof(strange));
	}
	write_file("equivocation-5", strange, sizeof(strange));
	again();
	CU_ASSERT_EQUAL(proofs(), 0);
	CU_ASSERT_EQUAL(prove(0, FOG_STATEMENT_VOTE, 5, 1), -EEXIST);
	CU_ASSERT_EQUAL(prove(0, FOG_STATEMENT_VOTE, 6, 1), 0);
	int fd = open(file("equivocation-5"), O_RDONLY);
	CU_ASSERT_EQUAL(read(fd, read_back, sizeof(read_back)), (ssize_t)sizeof(strange));
	CU_ASSERT_EQUAL(memcmp(read_back, strange, sizeof(strange)), 0);
	close(fd);
	rig_end();
}

// Nothing is taken that can't be kept.
static void test_unwritable(void)
{
	rig_begin();
	CU_ASSERT_EQUAL(mkdir(file("consensus-1001.new"), 0755), 0);
	CU_ASSERT_EQUAL(take(chain[1], 1, false), -EISDIR);
	CU_ASSERT_PTR_NULL(fog_view_at(view, EPOCH + 1));
	CU_ASSERT_EQUAL(rmdir(file("consensus-1001.new")), 0);
	CU_ASSERT_EQUAL(take(chain[1], 1, true), FOG_REFUSAL_NONE);
	fog_view_destroy(view);
	CU_ASSERT_EQUAL(fog_view_create(&p->net, "/tmp/fog-view-that-is-not", &view), -ENOENT);
	CU_ASSERT_PTR_NULL(view);
	rig_end();
}

static int prepare(const struct fog_consensus *c, uint64_t now, struct fog_view_fresh **fresh)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&lock);
	int r = fog_view_prepare(view, &lock, c->data, c->len, parts_start(p, EPOCH + now), fresh);
	CU_ASSERT_EQUAL(pthread_mutex_unlock(&lock), 0);
	return r;
}

// In two steps: what was judged meanwhile, and two at once, leave no file behind; a process that ends between them
// leaves one that goes.
static void test_prepared(void)
{
	struct fog_view_fresh *fresh[3], *none;
	bool news;

	rig_begin();
	for (unsigned i = 0; i < 2; i++)
		CU_ASSERT_EQUAL_FATAL(prepare(chain[1], 1, &fresh[i]), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(prepare(chain[0], 1, &fresh[2]), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(rig_files(false), 3);
	CU_ASSERT_PTR_NULL(fog_view_at(view, EPOCH + 1));
	CU_ASSERT_FALSE(fog_view_knows(view, chain[1]->data, chain[1]->len));
	CU_ASSERT_EQUAL(
	        fog_view_take_prepared(view, fresh[0], parts_start(p, EPOCH + 1), &news), 0
	);
	CU_ASSERT_TRUE(news && fog_view_knows(view, chain[1]->data, chain[1]->len));
	CU_ASSERT_EQUAL(
	        fog_view_take_prepared(view, fresh[1], parts_start(p, EPOCH + 1), &news), 0
	);
	CU_ASSERT_FALSE(news);
	CU_ASSERT_EQUAL(rig_files(false), 2);
	CU_ASSERT_EQUAL(
	        fog_view_take_prepared(view, fresh[2], parts_start(p, EPOCH + 3), &news),
	        FOG_REFUSAL_ROLLBACK
	);
	CU_ASSERT_FALSE(news);
	CU_ASSERT_EQUAL(rig_files(false), 1);
	chain[2]->len--;
	CU_ASSERT_EQUAL(prepare(chain[2], 1, &none), FOG_REFUSAL_MALFORMED);
	chain[2]->len++;
	CU_ASSERT_PTR_NULL(none);
	write_file("consensus-1002.7.new", chain[2]->data, 10);
	again();
	CU_ASSERT_EQUAL(rig_files(false), 1);
	CU_ASSERT_EQUAL(fog_view_at(view, EPOCH + 1)->epoch, EPOCH + 1);
	rig_end();
}

// Every beacon that the chain has, with all consensuses, with a few, and with none.
static void test_beacons(void)
{
	uint8_t out[32], expected[32];

	rig_begin();
	fog_static_beacon(p->network, EPOCH + 1, expected);
	fog_view_beacon(view, EPOCH + 1, out);
	CU_ASSERT_EQUAL(memcmp(out, expected, 32), 0);
	take(chain[3], 3, true);
	// Two epochs back are in it.
	for (unsigned i = 1; i <= 3; i++) {
		fog_view_beacon(view, EPOCH + i, out);
		CU_ASSERT_EQUAL(memcmp(out, chain[i]->beacon, 32), 0);
	}
	// Later ones go on without authorities, until there is another consensus.
	fog_view_beacon(view, EPOCH + 5, out);
	fog_beacon_extend(p->network, EPOCH + 3, chain[3]->beacon, EPOCH + 5, expected);
	CU_ASSERT_EQUAL(memcmp(out, expected, 32), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(out, chain[5]->beacon, 32), 0);
	take(chain[6], 6, true);
	for (unsigned i = 1; i <= 6; i++) {
		fog_view_beacon(view, EPOCH + i, out);
		CU_ASSERT_EQUAL(memcmp(out, chain[i]->beacon, 32), 0);
	}
	rig_end();
}

static void test_mix_keys(void)
{
	uint8_t key[32];

	rig_begin();
	take(chain[1], 1, true);
	const struct fog_descriptor *d = &fog_view_at(view, EPOCH + 1)->node[2].descriptor;
	uint8_t id[32];
	memcpy(id, d->node_id, 32);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(fog_view_mix_key(view, id, EPOCH + 1 + i, key), 0);
		CU_ASSERT_EQUAL(memcmp(key, d->mix[i].public_key, 32), 0);
	}
	CU_ASSERT_EQUAL(fog_view_mix_key(view, id, EPOCH, key), -ENOENT);
	CU_ASSERT_EQUAL(fog_view_mix_key(view, id, EPOCH + 4, key), -ENOENT);
	id[0] ^= 1;
	CU_ASSERT_EQUAL(fog_view_mix_key(view, id, EPOCH + 1, key), -ENOENT);
	// What counts is the consensus of the epoch, so that the key of a node which lost its own may
	// change with it.
	struct fog_vote *vote[FOG_AUTHORITIES_MAX];
	struct parts_node *n = &p->node[5];
	for (unsigned i = 0; i < p->count; i++)
		parts_renew(p, &p->node[i], EPOCH + 2, chain[1]);
	uint8_t fresh[32];
	randombytes_buf(fresh, 32);
	memcpy(n->d.mix[0].public_key, fresh, 32);
	parts_sign(n);
	parts_votes(p, EPOCH + 2, chain[1], vote);
	struct fog_consensus *c = parts_compute(p, EPOCH + 2, vote, 0, chain[1]);
	parts_votes_free(vote);
	parts_signatures(p, c, 7);
	CU_ASSERT_EQUAL(take(c, 2, true), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(fog_view_mix_key(view, n->d.node_id, EPOCH + 2, key), 0);
	CU_ASSERT_EQUAL(memcmp(key, fresh, 32), 0);
	fog_consensus_free(c);
	rig_end();
}

static unsigned off_path(const struct fog_topology *t)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->node_count; i++)
		n += t->node[i].off_path;
	return n;
}

static struct fog_topology *topology(unsigned epoch, bool before)
{
	struct fog_topology *t = NULL;

	CU_ASSERT_EQUAL_FATAL(
	        fog_view_topology(view, &(struct fog_view_moment){EPOCH + epoch, before, true}, &t),
	        0
	);
	return t;
}

static int no_topology(unsigned epoch)
{
	const struct fog_view_moment moment = {EPOCH + epoch, false, true};
	struct fog_topology *t;

	return fog_view_topology(view, &moment, &t);
}

static void test_topology(void)
{
	struct fog_topology *t;

	rig_begin();
	CU_ASSERT_EQUAL(no_topology(0), -ENODATA);
	take(chain[2], 2, true);
	t = topology(2, true);
	CU_ASSERT_EQUAL(t->node_count, NODES);
	CU_ASSERT_EQUAL(off_path(t), 0);
	CU_ASSERT_EQUAL(t->layers, 3);
	CU_ASSERT_EQUAL(t->epoch_s, p->net.epoch_s);
	CU_ASSERT_EQUAL(memcmp(&t->cover, &chain[2]->rates, sizeof(t->cover)), 0);
	for (unsigned i = 0; i < NODES; i++) {
		const struct fog_topology_node *n = fog_topology_find(t, p->node[i].d.node_id);
		CU_ASSERT_PTR_NOT_NULL_FATAL(n);
		CU_ASSERT_STRING_EQUAL(n->name, p->node[i].d.name);
		CU_ASSERT_EQUAL(memcmp(n->link_key, p->node[i].d.link_key, 32), 0);
		CU_ASSERT_EQUAL(memcmp(&n->address, &p->node[i].d.address, sizeof(n->address)), 0);
		CU_ASSERT_EQUAL(n->port, 9001);
		CU_ASSERT_EQUAL(n->layer > 0, n->role == FOG_ROLE_MIX);
		CU_ASSERT_STRING_EQUAL(n->operator, p->node[i].d.operator);
		CU_ASSERT_EQUAL(n->as_number, p->node[i].d.as_number);
		CU_ASSERT_TRUE(sodium_is_zero(n->mix_key, 32));
	}
	fog_topology_free(t);
	rig_end();
}

// When nothing counts any more, what was sent in time still arrives, and nothing new is sent.
static void test_over(void)
{
	struct fog_topology *t;

	rig_begin();
	take(chain[2], 2, true);
	t = topology(2 + FOG_CONSENSUS_LIFE, true);
	CU_ASSERT_EQUAL(t->node_count, NODES);
	CU_ASSERT_EQUAL(off_path(t), NODES);
	CU_ASSERT_EQUAL(t->layers, 3);
	fog_topology_free(t);
	CU_ASSERT_EQUAL(no_topology(2 + FOG_CONSENSUS_LIFE), -ENODATA);
	// A clock that is hours ahead costs no consensus: it may be set right, and the authorities away.
	fog_view_prune(view, EPOCH + 2 + FOG_CONSENSUS_LIFE);
	fog_view_prune(view, EPOCH + 1000);
	again();
	CU_ASSERT_PTR_NOT_NULL(fog_view_at(view, EPOCH + 2));
	rig_end();
}

// A node that leaves keeps its links while packets of its last epoch live; one that comes has them before.
static void test_leaving(void)
{
	const struct fog_topology_node *n;
	struct fog_topology *t, *u;

	rig_begin();
	take(chain[2], 2, true);
	t = topology(2, false);
	take(chain[3], 2, true); // without node 3
	u = topology(2, false);
	// The next one takes nobody's link away, and nothing has changed.
	CU_ASSERT_EQUAL(memcmp(t->checksum, u->checksum, 32), 0);
	fog_topology_free(t);
	fog_topology_free(u);
	t = topology(3, true);
	u = topology(3, false);
	CU_ASSERT_EQUAL(t->node_count, NODES);
	CU_ASSERT_EQUAL(off_path(t), 1);
	n = fog_topology_find(t, p->node[3].d.node_id);
	CU_ASSERT_PTR_NOT_NULL_FATAL(n);
	CU_ASSERT_TRUE(n->off_path);
	CU_ASSERT_EQUAL(n->layer, 0);
	CU_ASSERT_STRING_EQUAL(n->name, "node-3");
	CU_ASSERT_EQUAL(u->node_count, NODES - 1);
	CU_ASSERT_PTR_NULL(fog_topology_find(u, p->node[3].d.node_id));
	CU_ASSERT_NOT_EQUAL(memcmp(t->checksum, u->checksum, 32), 0);
	fog_topology_free(u);
	fog_topology_free(t);
	take(chain[4], 3, true); // with a newcomer
	t = topology(3, true);
	n = fog_topology_find(t, p->node[NODES].d.node_id);
	CU_ASSERT_PTR_NOT_NULL_FATAL(n);
	CU_ASSERT_TRUE(n->off_path);
	CU_ASSERT_EQUAL(t->node_count, NODES + 1);
	fog_topology_free(t);
	t = topology(4, true);
	n = fog_topology_find(t, p->node[NODES].d.node_id);
	CU_ASSERT_FALSE(n->off_path);
	CU_ASSERT_EQUAL(t->node_count, NODES);
	fog_topology_free(t);
	rig_end();
}

// Who is new in an epoch is on no path before nobody waits for its consensus any more: somebody who has not
// fetched it yet could not send to him. Who was there before is, also with an older consensus.
static void test_newcomer(void)
{
	struct fog_view_moment early = {EPOCH + 4, false, false}, later = early, fallback = early;
	const struct fog_topology_node *n;
	struct fog_topology *t, *u;

	later.settled = true;
	fallback.epoch++;
	rig_begin();
	take(chain[4], 4, true);
	CU_ASSERT_EQUAL_FATAL(fog_view_topology(view, &early, &t), 0);
	CU_ASSERT_EQUAL_FATAL(fog_view_topology(view, &later, &u), 0);
	CU_ASSERT_EQUAL(off_path(t), 1);
	n = fog_topology_find(t, p->node[NODES].d.node_id);
	CU_ASSERT_PTR_NOT_NULL_FATAL(n);
	CU_ASSERT_TRUE(n->off_path);
	CU_ASSERT_EQUAL(n->layer > 0, n->role == FOG_ROLE_MIX);
	CU_ASSERT_EQUAL(off_path(u), 0);
	CU_ASSERT_EQUAL(t->node_count, u->node_count);
	CU_ASSERT_NOT_EQUAL(memcmp(t->checksum, u->checksum, 32), 0);
	fog_topology_free(t);
	fog_topology_free(u);
	// In an epoch whose consensus has not come yet.
	CU_ASSERT_EQUAL_FATAL(fog_view_topology(view, &fallback, &t), 0);
	CU_ASSERT_EQUAL(off_path(t), 0);
	fog_topology_free(t);
	rig_end();
}

// The name of a node that left may be another's already.
static void test_names(void)
{
	const struct fog_topology_node *n;
	struct fog_topology *t;
	char expected[64], digits[9];

	rig_begin();
	memset(p->node[NODES].d.name, 0, 32);
	snprintf(p->node[NODES].d.name, 32, "%s", "a-name-of-all-the-31-characters");
	memcpy(p->node[3].d.name, p->node[NODES].d.name, 32);
	p->node[3].d.flags = 0;
	const struct parts_node *with[] = {&p->node[3]}, *then[] = {&p->node[NODES]};
	struct fog_consensus *made[2];
	for (unsigned i = 0; i < 2; i++) {
		struct fog_vote *vote[FOG_AUTHORITIES_MAX] = {NULL};
		struct parts_node *of = i == 0 ? &p->node[3] : &p->node[NODES];
		parts_renew(p, of, EPOCH + i, NULL);
		for (unsigned a = 0; a < 3; a++)
			vote[a] = parts_vote(
			        p, a, EPOCH + i, i == 0 ? NULL : made[0], true,
			        i == 0 ? with : then, 1
			);
		made[i] = parts_compute(p, EPOCH + i, vote, 0, i == 0 ? NULL : made[0]);
		parts_votes_free(vote);
		parts_signatures(p, made[i], 7);
		CU_ASSERT_EQUAL(take(made[i], 1, true), FOG_REFUSAL_NONE);
	}
	t = topology(1, true);
	CU_ASSERT_EQUAL(t->node_count, 2);
	sodium_bin2hex(digits, sizeof(digits), p->node[3].d.node_id, 4);
	snprintf(expected, sizeof(expected), "%.22s-%s", p->node[NODES].d.name, digits);
	n = fog_topology_find(t, p->node[3].d.node_id);
	CU_ASSERT_STRING_EQUAL(n->name, expected);
	CU_ASSERT_STRING_EQUAL(t->node[0].name, p->node[NODES].d.name);
	fog_topology_free(t);
	fog_consensus_free(made[0]);
	fog_consensus_free(made[1]);
	rig_end();
}

// More than it keeps: the oldest go, files and all.
static void test_room(void)
{
	struct fog_consensus *c = NULL, *next;

	rig_begin();
	for (unsigned i = 0; i < FOG_VIEW_MAX + 4; i++) {
		if (c != NULL)
			parts_renew_all(p, EPOCH + i, c);
		next = parts_consensus(p, EPOCH + i, c);
		CU_ASSERT_EQUAL(take(next, i, true), FOG_REFUSAL_NONE);
		fog_consensus_free(c);
		c = next;
		CU_ASSERT_TRUE(rig_files(false) <= FOG_VIEW_MAX);
		CU_ASSERT_EQUAL(fog_view_at(view, EPOCH + i)->epoch, EPOCH + i);
		if (i > 0)
			CU_ASSERT_EQUAL(fog_view_at(view, EPOCH + i - 1)->epoch, EPOCH + i - 1);
	}
	fog_consensus_free(c);
	rig_end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"what is taken", test_take},
	        {"refusals", test_refusals},
	        {"equivocation", test_equivocation},
	        {"proofs from elsewhere", test_proofs},
	        {"many proofs", test_many_proofs},
	        {"restart", test_restart},
	        {"damaged files", test_damaged},
	        {"evidence", test_evidence},
	        {"a folder that can't be written", test_unwritable},
	        {"in two steps", test_prepared},
	        {"beacons", test_beacons},
	        {"mix keys", test_mix_keys},
	        {"topology", test_topology},
	        {"nothing counts any more", test_over},
	        {"nodes that leave and come", test_leaving},
	        {"nodes that are new", test_newcomer},
	        {"names", test_names},
	        {"room", test_room},
	        CU_TEST_INFO_NULL,
	};

	return sodium_init() < 0 ? 1 : check_run("view", tests);
}
