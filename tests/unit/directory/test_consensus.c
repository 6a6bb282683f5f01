// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What becomes of votes: who is in and why others aren't, whatever the order, with votes that are missing or lie.
#include <errno.h>

#include "../run.h"
#include "parts.h"

enum { NODES = 30 };

static struct parts *p;
static struct fog_vote *vote[FOG_AUTHORITIES_MAX];

static void begin(void)
{
	p = parts_make(NODES);
}

static void end(void)
{
	parts_votes_free(vote);
	parts_free(p);
}

// Authority 'a' lists nodes as numbers from..to, but for 'without'.
static struct fog_vote *vote_of(
        unsigned a, uint64_t epoch, const struct fog_consensus *previous, unsigned from,
        unsigned to, int without
)
{
	const struct parts_node *node[NODES + 8];
	unsigned n = 0;

	for (unsigned i = from; i < to; i++)
		if ((int)i != without)
			node[n++] = &p->node[i];
	return parts_vote(p, a, epoch, previous, true, node, n);
}

static int reason_of(const struct fog_consensus *c, const struct parts_node *n)
{
	for (unsigned i = 0; i < c->left_count; i++)
		if (memcmp(c->left[i].node_id, n->d.node_id, 32) == 0)
			return c->left[i].reason;
	return fog_consensus_find(c, n->d.node_id) != NULL ? FOG_REFUSAL_NONE : -ENOENT;
}

static void same(const struct fog_consensus *a, const struct fog_consensus *b)
{
	CU_ASSERT_EQUAL_FATAL(a->body_len, b->body_len);
	CU_ASSERT_EQUAL(memcmp(a->data, b->data, a->body_len), 0);
	CU_ASSERT_EQUAL(memcmp(a->digest, b->digest, 32), 0);
}

static void test_all_agree(void)
{
	struct fog_consensus *c, *read = NULL;

	begin();
	parts_votes(p, PARTS_EPOCH, NULL, vote);
	c = parts_compute(p, PARTS_EPOCH, vote, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_EQUAL(c->node_count, NODES);
	CU_ASSERT_EQUAL(c->left_count, 0);
	CU_ASSERT_EQUAL(c->voted, 15);
	CU_ASSERT_EQUAL(c->shared, 15);
	CU_ASSERT_EQUAL(c->lied, 0);
	CU_ASSERT_EQUAL(c->until, PARTS_EPOCH + FOG_CONSENSUS_LIFE);
	CU_ASSERT_EQUAL(c->layers, 3);
	for (unsigned i = 0; i < NODES; i++) {
		const struct fog_consensus_node *n = fog_consensus_find(c, p->node[i].d.node_id);
		CU_ASSERT_PTR_NOT_NULL_FATAL(n);
		CU_ASSERT_EQUAL(n->since, PARTS_EPOCH);
		CU_ASSERT_EQUAL(n->len, p->node[i].len);
		CU_ASSERT_EQUAL(memcmp(c->data + n->at, p->node[i].data, n->len), 0);
		CU_ASSERT_EQUAL(n->layer > 0, n->descriptor.role == FOG_ROLE_MIX);
	}
	parts_signatures(p, c, 7);
	CU_ASSERT_EQUAL(fog_consensus_open(c->data, c->len, &p->net, &read), FOG_REFUSAL_NONE);
	same(c, read);
	CU_ASSERT_EQUAL(read->signers, 7);
	CU_ASSERT_EQUAL(memcmp(&read->rates, &c->rates, sizeof(c->rates)), 0);
	fog_consensus_free(read);
	fog_consensus_free(c);
	end();
}

// The lower one of the two in the middle, each rate by itself; one liar can't leave what honest ones say.
static void test_medians(void)
{
	struct fog_consensus *c;

	begin();
	p->rates[3] = (struct fog_cover_rates){UINT32_MAX, 0, UINT32_MAX, 0, UINT32_MAX, 0, 0};
	c = parts_consensus(p, PARTS_EPOCH, NULL);
	CU_ASSERT_EQUAL(c->rates.loop_us, 1001); // 1000, 1001, 1002, max
	CU_ASSERT_EQUAL(c->rates.drop_us, 2000);
	CU_ASSERT_EQUAL(c->rates.dummy_us, 2999); // 2998, 2999, 3000, max
	CU_ASSERT_EQUAL(c->rates.client_send_us, 4);
	CU_ASSERT_EQUAL(c->rates.client_loop_us, 5);
	CU_ASSERT_EQUAL(c->rates.client_fetch_us, 6);
	CU_ASSERT_EQUAL(c->rates.slack_ms, 0); // 0, 0, 7, 14
	fog_consensus_free(c);
	end();
}

// With one vote missing the others make one thing, too; with two there is nothing.
static void test_missing(void)
{
	struct fog_consensus *c = NULL;

	begin();
	for (unsigned missing = 0; missing < 4; missing++) {
		parts_votes(p, PARTS_EPOCH, NULL, vote);
		free(vote[missing]);
		vote[missing] = NULL;
		c = parts_compute(p, PARTS_EPOCH, vote, 0, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(c);
		CU_ASSERT_EQUAL(c->node_count, NODES);
		CU_ASSERT_EQUAL(c->voted, 15 & ~(1 << missing));
		fog_consensus_free(c);
		unsigned another = (missing + 1) % 4;
		free(vote[another]);
		vote[another] = NULL;
		CU_ASSERT_EQUAL(
		        fog_consensus_compute(
		                &p->net, PARTS_EPOCH, (const struct fog_vote *const *)vote, 0, NULL,
		                &c
		        ),
		        -ENODATA
		);
		CU_ASSERT_PTR_NULL(c);
		parts_votes_free(vote);
	}
	end();
}

// Votes that name another consensus, or another epoch, or are a liar's don't count, and don't stop the others.
static void test_not_counted(void)
{
	struct fog_consensus *first, *c, *other;

	begin();
	first = parts_consensus(p, PARTS_EPOCH, NULL);
	parts_renew_all(p, PARTS_EPOCH + 1, first);
	parts_votes(p, PARTS_EPOCH + 1, first, vote);
	free(vote[1]);
	vote[1] = vote_of(1, PARTS_EPOCH + 1, NULL, 0, NODES, -1);
	c = parts_compute(p, PARTS_EPOCH + 1, vote, 0, first);
	CU_ASSERT_EQUAL(c->voted, 13);
	free(vote[1]);
	vote[1] = NULL;
	other = parts_compute(p, PARTS_EPOCH + 1, vote, 0, first);
	same(c, other);
	fog_consensus_free(other);
	vote[1] = vote_of(1, PARTS_EPOCH + 2, first, 0, NODES, -1);
	other = parts_compute(p, PARTS_EPOCH + 1, vote, 0, first);
	same(c, other);
	fog_consensus_free(other);
	// That he lied is said.
	other = parts_compute(p, PARTS_EPOCH + 1, vote, 2, first);
	CU_ASSERT_EQUAL(other->lied, 2);
	CU_ASSERT_EQUAL(other->voted, 13);
	CU_ASSERT_EQUAL(other->node_count, c->node_count);
	fog_consensus_free(other);
	CU_ASSERT_EQUAL(
	        fog_consensus_compute(
	                &p->net, PARTS_EPOCH, (const struct fog_vote *const *)vote, 0, first, &other
	        ),
	        -EINVAL
	);
	fog_consensus_free(c);
	fog_consensus_free(first);
	end();
}

static void test_withheld(void)
{
	struct fog_consensus *all, *c;
	const struct parts_node *node[NODES];

	begin();
	for (unsigned i = 0; i < NODES; i++)
		node[i] = &p->node[i];
	parts_votes(p, PARTS_EPOCH, NULL, vote);
	all = parts_compute(p, PARTS_EPOCH, vote, 0, NULL);
	free(vote[2]);
	vote[2] = parts_vote(p, 2, PARTS_EPOCH, NULL, false, node, NODES);
	c = parts_compute(p, PARTS_EPOCH, vote, 0, NULL);
	CU_ASSERT_EQUAL(c->voted, 15);
	CU_ASSERT_EQUAL(c->shared, 11);
	CU_ASSERT_NOT_EQUAL(memcmp(c->beacon, all->beacon, 32), 0);
	fog_consensus_free(c);
	// A wrong share is none: here authority 2 gives that of 1.
	parts_share(p, 1, PARTS_EPOCH, NULL, vote[2]->share);
	vote[2]->has_share = true;
	c = parts_compute(p, PARTS_EPOCH, vote, 0, NULL);
	CU_ASSERT_EQUAL(c->voted, 15);
	CU_ASSERT_EQUAL(c->shared, 11);
	fog_consensus_free(c);
	fog_consensus_free(all);
	end();
}

// Two of four must list a node. One liar can neither bring one in nor keep one out.
static void test_one_liar(void)
{
	struct fog_consensus *c;

	begin();
	vote[0] = vote_of(0, PARTS_EPOCH, NULL, 0, NODES - 1, -1);
	vote[1] = vote_of(1, PARTS_EPOCH, NULL, 0, NODES - 1, -1);
	vote[2] = vote_of(2, PARTS_EPOCH, NULL, 0, NODES - 1, -1);
	vote[3] =
	        vote_of(3, PARTS_EPOCH, NULL, 0, NODES, 4); // with the last one, without the fifth
	c = parts_compute(p, PARTS_EPOCH, vote, 0, NULL);
	CU_ASSERT_EQUAL(reason_of(c, &p->node[4]), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(reason_of(c, &p->node[NODES - 1]), -ENOENT);
	CU_ASSERT_EQUAL(c->node_count, NODES - 1);
	CU_ASSERT_EQUAL(c->left_count, 0);
	fog_consensus_free(c);
	free(vote[2]);
	vote[2] = vote_of(2, PARTS_EPOCH, NULL, 0, NODES, -1);
	c = parts_compute(p, PARTS_EPOCH, vote, 0, NULL);
	CU_ASSERT_EQUAL(reason_of(c, &p->node[NODES - 1]), FOG_REFUSAL_NONE);
	fog_consensus_free(c);
	end();
}

// A forged descriptor of a higher number neither replaces the right one nor lists its node.
static void test_forged(void)
{
	struct parts_node kept;
	struct fog_consensus *c;

	begin();
	parts_votes(p, PARTS_EPOCH, NULL, vote);
	kept = p->node[4];
	p->node[4].d.sequence += 100;
	parts_sign(&p->node[4]);
	p->node[4].data[p->node[4].len - 1] ^= 1;
	free(vote[3]);
	vote[3] = vote_of(3, PARTS_EPOCH, NULL, 0, NODES, -1);
	c = parts_compute(p, PARTS_EPOCH, vote, 0, NULL);
	const struct fog_consensus_node *n = fog_consensus_find(c, kept.d.node_id);
	CU_ASSERT_PTR_NOT_NULL_FATAL(n);
	CU_ASSERT_EQUAL(n->descriptor.sequence, kept.d.sequence);
	fog_consensus_free(c);
	// The same by two authorities, while one of the others has it.
	free(vote[2]);
	vote[2] = vote_of(2, PARTS_EPOCH, NULL, 0, NODES, -1);
	free(vote[1]);
	vote[1] = vote_of(1, PARTS_EPOCH, NULL, 0, NODES, 4);
	c = parts_compute(p, PARTS_EPOCH, vote, 0, NULL);
	CU_ASSERT_EQUAL(reason_of(c, &kept), -ENOENT);
	fog_consensus_free(c);
	end();
}

static void test_highest(void)
{
	struct fog_consensus *c;

	begin();
	parts_votes(p, PARTS_EPOCH, NULL, vote);
	p->node[4].d.sequence += 3;
	parts_sign(&p->node[4]);
	free(vote[1]);
	vote[1] = vote_of(1, PARTS_EPOCH, NULL, 0, NODES, -1);
	c = parts_compute(p, PARTS_EPOCH, vote, 0, NULL);
	const struct fog_consensus_node *n = fog_consensus_find(c, p->node[4].d.node_id);
	CU_ASSERT_PTR_NOT_NULL_FATAL(n);
	CU_ASSERT_EQUAL(n->descriptor.sequence, p->node[4].d.sequence);
	fog_consensus_free(c);
	end();
}

// Two of one number, rightly signed both: out. What came before the newest one doesn't matter.
static void test_equivocation(void)
{
	struct fog_consensus *c;

	begin();
	parts_votes(p, PARTS_EPOCH, NULL, vote);
	p->node[4].d.bandwidth ^= 1;
	parts_sign(&p->node[4]);
	free(vote[3]);
	vote[3] = vote_of(3, PARTS_EPOCH, NULL, 0, NODES, -1);
	c = parts_compute(p, PARTS_EPOCH, vote, 0, NULL);
	CU_ASSERT_EQUAL(reason_of(c, &p->node[4]), FOG_REFUSAL_EQUIVOCATION);
	CU_ASSERT_EQUAL(c->node_count, NODES - 1);
	fog_consensus_free(c);
	p->node[4].d.sequence++;
	parts_sign(&p->node[4]);
	free(vote[2]);
	vote[2] = vote_of(2, PARTS_EPOCH, NULL, 0, NODES, -1);
	c = parts_compute(p, PARTS_EPOCH, vote, 0, NULL);
	CU_ASSERT_EQUAL(reason_of(c, &p->node[4]), FOG_REFUSAL_NONE);
	fog_consensus_free(c);
	end();
}

// Each reason that a consensus can name, beside the others in one.
static void test_reasons(void)
{
	struct fog_consensus *first, *c;
	struct parts_node *n;

	begin();
	first = parts_consensus(p, PARTS_EPOCH, NULL);
	parts_renew_all(p, PARTS_EPOCH + 1, first);
	p->node[0].d.network[0] ^= 1;
	memset(p->node[1].d.link_key, 0, 32);
	p->node[2].d.address.addr[0] = 127;
	p->node[3].d.flags = FOG_DESCRIPTOR_WITHDRAWN;
	p->node[4].d.mix_count = 2;
	p->node[5].d.sequence = 9;
	p->node[6].d.sequence = 10; // as before, and other bytes
	for (unsigned i = 0; i < 7; i++)
		parts_sign(&p->node[i]);
	for (unsigned i = NODES; i < NODES + 3; i++)
		parts_node_make(p, i);
	n = &p->node[NODES];
	memcpy(n[0].d.vrf_key, p->node[7].d.link_key, 32);
	n[1].d.address = p->node[7].d.address;
	memcpy(n[2].d.name, p->node[7].d.name, 32);
	for (unsigned i = 0; i < 3; i++) {
		parts_mix_keys(&n[i].d, PARTS_EPOCH + 1, 3);
		parts_sign(&n[i]);
	}
	for (unsigned a = 0; a < 4; a++)
		vote[a] = vote_of(a, PARTS_EPOCH + 1, first, 0, NODES + 3, 8);
	c = parts_compute(p, PARTS_EPOCH + 1, vote, 0, first);

	static const enum fog_refusal expected[] = {
	        FOG_REFUSAL_NETWORK,      FOG_REFUSAL_MALFORMED, FOG_REFUSAL_ADDRESS,
	        FOG_REFUSAL_WITHDRAWN,    FOG_REFUSAL_MIX_KEYS,  FOG_REFUSAL_ROLLBACK,
	        FOG_REFUSAL_EQUIVOCATION, FOG_REFUSAL_NONE,      FOG_REFUSAL_ABSENT,
	};

	for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		CU_ASSERT_EQUAL(reason_of(c, &p->node[i]), (int)expected[i]);
	CU_ASSERT_EQUAL(reason_of(c, &n[0]), FOG_REFUSAL_IDENTITY);
	CU_ASSERT_EQUAL(reason_of(c, &n[1]), FOG_REFUSAL_ADDRESS_TAKEN);
	CU_ASSERT_EQUAL(reason_of(c, &n[2]), FOG_REFUSAL_NAME_TAKEN);
	CU_ASSERT_EQUAL(c->left_count, 8 + 3);
	CU_ASSERT_EQUAL(c->node_count, NODES - 8);
	fog_consensus_free(c);
	fog_consensus_free(first);
	end();
}

// Of two newcomers the lower ID; a conflict with one who is out for something else is none.
static void test_conflicts(void)
{
	struct fog_consensus *c;

	begin();
	struct parts_node *a = &p->node[4], *b = &p->node[9], *d = &p->node[14];
	const struct parts_node *low, *high;
	memcpy(b->d.name, a->d.name, 32);
	parts_sign(b);
	memcpy(d->d.name, "alone\0", 7);
	d->d.mix_count = 1;
	d->d.address = p->node[3].d.address;
	parts_sign(d);
	low = memcmp(a->d.node_id, b->d.node_id, 32) < 0 ? a : b;
	high = low == a ? b : a;
	c = parts_consensus(p, PARTS_EPOCH, NULL);
	CU_ASSERT_EQUAL(reason_of(c, low), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(reason_of(c, high), FOG_REFUSAL_NAME_TAKEN);
	CU_ASSERT_EQUAL(reason_of(c, d), FOG_REFUSAL_MIX_KEYS);
	CU_ASSERT_EQUAL(reason_of(c, &p->node[3]), FOG_REFUSAL_NONE);
	fog_consensus_free(c);
	end();
}

// Who was in stays, whatever ID somebody makes who wants its name.
static void test_incumbents(void)
{
	struct fog_consensus *first, *c;

	begin();
	first = parts_consensus(p, PARTS_EPOCH, NULL);
	parts_renew_all(p, PARTS_EPOCH + 1, first);
	// Newcomers until one has a lower ID.
	struct parts_node *thief = &p->node[NODES], *victim = &p->node[4];
	for (unsigned i = NODES;; i++) {
		parts_node_make(p, i);
		*thief = p->node[i];
		if (memcmp(thief->d.node_id, victim->d.node_id, 32) < 0)
			break;
	}
	parts_mix_keys(&thief->d, PARTS_EPOCH + 1, 3);
	memcpy(thief->d.name, victim->d.name, 32);
	parts_sign(thief);
	for (unsigned a = 0; a < 4; a++)
		vote[a] = vote_of(a, PARTS_EPOCH + 1, first, 0, NODES + 1, -1);
	c = parts_compute(p, PARTS_EPOCH + 1, vote, 0, first);
	CU_ASSERT_EQUAL(reason_of(c, victim), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(reason_of(c, thief), FOG_REFUSAL_NAME_TAKEN);
	CU_ASSERT_EQUAL(c->node_count, NODES);
	fog_consensus_free(c);
	fog_consensus_free(first);
	end();
}

static void test_since(void)
{
	struct fog_consensus *c[4] = {NULL}, *late;

	begin();
	c[0] = parts_consensus(p, PARTS_EPOCH, NULL);
	parts_renew_all(p, PARTS_EPOCH + 1, c[0]);
	// Node 4 is away for one epoch.
	for (unsigned a = 0; a < 4; a++)
		vote[a] = vote_of(a, PARTS_EPOCH + 1, c[0], 0, NODES, 4);
	c[1] = parts_compute(p, PARTS_EPOCH + 1, vote, 0, c[0]);
	CU_ASSERT_EQUAL(reason_of(c[1], &p->node[4]), FOG_REFUSAL_ABSENT);
	parts_renew_all(p, PARTS_EPOCH + 2, c[1]);
	c[2] = parts_consensus(p, PARTS_EPOCH + 2, c[1]);
	CU_ASSERT_EQUAL(fog_consensus_find(c[2], p->node[4].d.node_id)->since, PARTS_EPOCH + 2);
	CU_ASSERT_EQUAL(fog_consensus_find(c[2], p->node[5].d.node_id)->since, PARTS_EPOCH);
	// Two epochs without a consensus: the row goes on while the old one was good.
	parts_renew_all(p, PARTS_EPOCH + 5, c[2]);
	late = parts_consensus(p, PARTS_EPOCH + 5, c[2]);
	CU_ASSERT_EQUAL(late->node_count, NODES);
	CU_ASSERT_EQUAL(fog_consensus_find(late, p->node[5].d.node_id)->since, PARTS_EPOCH);
	fog_consensus_free(late);
	parts_renew_all(p, PARTS_EPOCH + 6, c[2]);
	late = parts_consensus(p, PARTS_EPOCH + 6, c[2]);
	CU_ASSERT_EQUAL(fog_consensus_find(late, p->node[5].d.node_id)->since, PARTS_EPOCH + 6);
	fog_consensus_free(late);
	for (unsigned i = 0; i < 3; i++)
		fog_consensus_free(c[i]);
	end();
}

// What the chain says about beacons is what follows from each other.
static void test_beacons(void)
{
	struct fog_consensus *c, *next;
	uint8_t was[3][32], out[32];

	begin();
	c = parts_consensus(p, PARTS_EPOCH, NULL);
	for (unsigned k = 0; k < 2; k++) {
		fog_static_beacon(p->network, PARTS_EPOCH - 1 - k, out);
		CU_ASSERT_EQUAL(memcmp(out, c->beacon_before[k], 32), 0);
	}
	for (uint64_t epoch = PARTS_EPOCH + 1; epoch < PARTS_EPOCH + 8; epoch += 1 + (epoch % 3)) {
		uint64_t gap = epoch - c->epoch;
		memcpy(was[2], c->beacon_before[0], 32);
		memcpy(was[1], c->beacon, 32);
		for (uint64_t i = 1; i < gap; i++) {
			memcpy(was[2], was[1], 32);
			fog_beacon_extend(p->network, c->epoch, c->beacon, c->epoch + i, was[1]);
		}
		parts_renew_all(p, epoch, c);
		next = parts_consensus(p, epoch, c);
		CU_ASSERT_EQUAL(memcmp(next->beacon_before[0], was[1], 32), 0);
		CU_ASSERT_EQUAL(memcmp(next->beacon_before[1], was[2], 32), 0);
		fog_consensus_beacon(next, p->network, epoch - 1, out);
		CU_ASSERT_EQUAL(memcmp(out, was[1], 32), 0);
		fog_consensus_beacon(next, p->network, epoch - 2, out);
		CU_ASSERT_EQUAL(memcmp(out, was[2], 32), 0);
		fog_consensus_free(c);
		c = next;
	}
	fog_consensus_free(c);
	end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"all agree", test_all_agree},
	        {"medians of rates", test_medians},
	        {"missing votes", test_missing},
	        {"votes that don't count", test_not_counted},
	        {"withheld and wrong shares", test_withheld},
	        {"one liar", test_one_liar},
	        {"forged descriptors", test_forged},
	        {"the newest descriptor", test_highest},
	        {"a node that equivocates", test_equivocation},
	        {"reasons", test_reasons},
	        {"conflicts", test_conflicts},
	        {"incumbents", test_incumbents},
	        {"since when", test_since},
	        {"the chain of beacons", test_beacons},
	        CU_TEST_INFO_NULL,
	};

	return sodium_init() < 0 ? 1 : check_run("consensus", tests);
}
