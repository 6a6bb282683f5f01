// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Networks of 200 nodes over several epochs, each authority for itself; and of more than there may be.
#include <errno.h>

#include "../run.h"
#include "parts.h"

enum { MANY = 200, EPOCHS = 4, BEYOND = FOG_NODES_MAX + 20 };

// Sizes of layers differ by one at most, and only mixes have one.
static void check_layers(const struct fog_consensus *c)
{
	unsigned size[4] = {0}, mixes = 0;

	CU_ASSERT_EQUAL_FATAL(c->layers, 3);
	for (unsigned i = 0; i < c->node_count; i++) {
		size[c->node[i].layer]++;
		mixes += c->node[i].descriptor.role == FOG_ROLE_MIX;
	}
	CU_ASSERT_EQUAL(size[1] + size[2] + size[3], mixes);
	for (unsigned l = 1; l <= 3; l++)
		CU_ASSERT_EQUAL(size[l], mixes / 3 + (l <= mixes % 3));
}

// An authority's work: from the votes' bytes, as they came, to a signed consensus.
static struct fog_consensus *authority(
        const struct parts *p, uint64_t epoch, struct fog_vote *const *vote,
        const struct fog_consensus *previous
)
{
	struct fog_vote *own[FOG_AUTHORITIES_MAX] = {NULL};
	struct fog_consensus *c;

	for (unsigned a = PARTS_AUTHORITIES; a-- > 0;)
		CU_ASSERT_EQUAL_FATAL(
		        fog_vote_open(vote[a]->data, vote[a]->len, &p->net, &own[a]),
		        FOG_REFUSAL_NONE
		);
	c = parts_compute(p, epoch, own, 0, previous);
	parts_votes_free(own);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	return c;
}

static void test_many(void)
{
	struct fog_consensus *c = NULL, *of[PARTS_AUTHORITIES], *read;
	struct parts *p = parts_make(MANY);
	unsigned moved = 0;

	for (unsigned e = 0; e < EPOCHS; e++) {
		struct fog_vote *vote[FOG_AUTHORITIES_MAX];
		uint64_t epoch = PARTS_EPOCH + e;
		if (c != NULL)
			parts_renew_all(p, epoch, c);
		parts_votes(p, epoch, c, vote);
		for (unsigned a = 0; a < PARTS_AUTHORITIES; a++)
			of[a] = authority(p, epoch, vote, c);
		parts_votes_free(vote);
		for (unsigned a = 1; a < PARTS_AUTHORITIES; a++) {
			CU_ASSERT_EQUAL_FATAL(of[a]->body_len, of[0]->body_len);
			CU_ASSERT_EQUAL(memcmp(of[a]->data, of[0]->data, of[0]->body_len), 0);
			fog_consensus_free(of[a]);
		}
		CU_ASSERT_EQUAL(of[0]->node_count, MANY);
		CU_ASSERT_EQUAL(of[0]->left_count, 0);
		check_layers(of[0]);
		for (unsigned i = 0; c != NULL && i < MANY; i++)
			moved += c->node[i].layer != of[0]->node[i].layer;
		parts_signatures(p, of[0], 11);
		CU_ASSERT_EQUAL(
		        fog_consensus_open(of[0]->data, of[0]->len, &p->net, &read),
		        FOG_REFUSAL_NONE
		);
		fog_consensus_free(read);
		fog_consensus_free(c);
		c = of[0];
	}
	// Every epoch deals anew: of 120 mixes, about two of three move each time.
	CU_ASSERT_TRUE(moved > (EPOCHS - 1) * 40);
	fog_consensus_free(c);
	parts_free(p);
}

static struct fog_consensus *compute_of(
        const struct parts *p, uint64_t epoch, const struct fog_consensus *previous,
        const unsigned from[PARTS_AUTHORITIES]
)
{
	struct fog_vote *vote[FOG_AUTHORITIES_MAX] = {NULL};
	static const struct parts_node *node[FOG_NODES_MAX];
	struct fog_consensus *c;

	for (unsigned a = 0; a < PARTS_AUTHORITIES; a++) {
		for (unsigned i = 0; i < FOG_NODES_MAX; i++)
			node[i] = &p->node[from[a] + i];
		vote[a] = parts_vote(p, a, epoch, previous, true, node, FOG_NODES_MAX);
	}
	c = parts_compute(p, epoch, vote, 0, previous);
	parts_votes_free(vote);
	return c;
}

// As many as can be are in; who was in stays, whatever IDs others have.
static void test_full(void)
{
	static const unsigned first_from[] = {0, 0, 0, 0}, then_from[] = {0, 0, 20, 20};
	struct parts *p = parts_make(BEYOND);
	struct fog_consensus *first, *c;
	unsigned full = 0;

	p->count = BEYOND;
	first = compute_of(p, PARTS_EPOCH, NULL, first_from);
	CU_ASSERT_PTR_NOT_NULL_FATAL(first);
	CU_ASSERT_EQUAL(first->node_count, FOG_NODES_MAX);
	CU_ASSERT_TRUE(first->len < FOG_CONSENSUS_MAX);
	parts_renew_all(p, PARTS_EPOCH + 1, first);
	c = compute_of(p, PARTS_EPOCH + 1, first, then_from);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_EQUAL(c->node_count, FOG_NODES_MAX);
	for (unsigned i = 0; i < FOG_NODES_MAX; i++)
		CU_ASSERT_PTR_NOT_NULL(fog_consensus_find(c, p->node[i].d.node_id));
	for (unsigned i = 0; i < c->left_count; i++)
		full += c->left[i].reason == FOG_REFUSAL_FULL;
	CU_ASSERT_EQUAL(full, BEYOND - FOG_NODES_MAX);
	CU_ASSERT_EQUAL(c->left_count, full);
	check_layers(c);
	fog_consensus_free(c);
	// Without anybody before them, the lower IDs.
	c = compute_of(p, PARTS_EPOCH + 1, NULL, then_from);
	CU_ASSERT_EQUAL(c->node_count, FOG_NODES_MAX);
	CU_ASSERT_EQUAL_FATAL(c->left_count, BEYOND - FOG_NODES_MAX);
	CU_ASSERT_TRUE(
	        memcmp(c->node[c->node_count - 1].descriptor.node_id, c->left[0].node_id, 32) < 0
	);
	fog_consensus_free(c);
	fog_consensus_free(first);
	parts_free(p);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"200 nodes", test_many},
	        {"more than there may be", test_full},
	        CU_TEST_INFO_NULL,
	};

	return sodium_init() < 0 ? 1 : check_run("many", tests);
}
