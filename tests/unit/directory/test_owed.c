// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Proofs that are owed: whoever doesn't show one stays out, however it goes about it, until it does.
#include "../run.h"
#include "parts.h"

enum { NODES = 10, DEBTOR = 2 };

// How the debtor behaves in an epoch.
enum manner {
	HONEST,
	SILENT, // no proof
	AWAY, // no descriptor
	WITHDRAWN, // without a proof
	WITHDRAWN_SHOWN, // with it
	PAYS, // shows what the previous consensus says that it owes
	OTHER_KEY, // as PAYS, with a VRF key that it has only now
};

struct life {
	struct parts *p;
	struct fog_consensus *c;
	uint64_t epoch; // of 'c'
};

static void life_begin(struct life *l)
{
	l->p = parts_make(NODES);
	for (unsigned i = 0; i < NODES; i++) {
		l->p->node[i].d.vrf_from = 1;
		parts_sign(&l->p->node[i]);
	}
	l->epoch = PARTS_EPOCH;
	l->c = parts_consensus(l->p, PARTS_EPOCH, NULL);
}

static void life_end(struct life *l)
{
	fog_consensus_free(l->c);
	parts_free(l->p);
}

static void pay(const struct life *l, struct parts_node *n)
{
	const struct fog_consensus_owed *owed = fog_consensus_owed(l->c, n->d.node_id);

	CU_ASSERT_PTR_NOT_NULL_FATAL(owed);
	parts_pay(l->p, n, owed);
}

static void behave(struct life *l, enum manner manner)
{
	struct parts_node *n = &l->p->node[DEBTOR];

	n->d.flags = 0;
	if (manner == OTHER_KEY)
		parts_keys_make(&n->keys, 7, 7);
	if (manner == PAYS || manner == OTHER_KEY)
		pay(l, n);
	if (manner == SILENT || manner == WITHDRAWN)
		n->d.proof_count = 0;
	if (manner == WITHDRAWN || manner == WITHDRAWN_SHOWN)
		n->d.flags = FOG_DESCRIPTOR_WITHDRAWN;
	if (manner == OTHER_KEY) {
		memcpy(n->d.vrf_key, n->keys.vrf_key, 32);
		parts_keys_make(&n->keys, 2, DEBTOR);
	}
	parts_sign(n);
}

// The next epoch. Returns why the debtor is left out, FOG_REFUSAL_NONE: it is in, or not asked for.
static enum fog_refusal live(struct life *l, enum manner manner)
{
	struct fog_vote *vote[FOG_AUTHORITIES_MAX] = {NULL};
	const struct parts_node *node[NODES];
	const uint8_t *id = l->p->node[DEBTOR].d.node_id;
	unsigned n = 0;

	l->epoch++;
	parts_renew_all(l->p, l->epoch, l->c);
	behave(l, manner);
	for (unsigned i = 0; i < NODES; i++)
		if (i != DEBTOR || manner != AWAY)
			node[n++] = &l->p->node[i];
	for (unsigned a = 0; a < PARTS_AUTHORITIES; a++)
		vote[a] = parts_vote(l->p, a, l->epoch, l->c, true, node, n);
	struct fog_consensus *next = parts_compute(l->p, l->epoch, vote, 0, l->c);
	parts_votes_free(vote);
	CU_ASSERT_PTR_NOT_NULL_FATAL(next);
	parts_signatures(l->p, next, 7);
	fog_consensus_free(l->c);
	l->c = next;
	// Nobody else is touched by it.
	CU_ASSERT_EQUAL(next->node_count, NODES - (fog_consensus_find(next, id) == NULL));
	for (unsigned i = 0; i < next->left_count; i++)
		if (memcmp(next->left[i].node_id, id, 32) == 0)
			return (enum fog_refusal)next->left[i].reason;
	return FOG_REFUSAL_NONE;
}

static bool inside(const struct life *l)
{
	return fog_consensus_find(l->c, l->p->node[DEBTOR].d.node_id) != NULL;
}

static bool owing(const struct life *l)
{
	return fog_consensus_owed(l->c, l->p->node[DEBTOR].d.node_id) != NULL;
}

// What is written is what is read: with the debts, and any other order of them is none.
static void form(const struct life *l)
{
	struct fog_consensus *again = NULL;

	CU_ASSERT_EQUAL(
	        fog_consensus_open(l->c->data, l->c->len, &l->p->net, &again), FOG_REFUSAL_NONE
	);
	CU_ASSERT_PTR_NOT_NULL_FATAL(again);
	CU_ASSERT_EQUAL(again->owed_count, l->c->owed_count);
	CU_ASSERT_EQUAL(
	        memcmp(again->owed, l->c->owed, again->owed_count * sizeof(again->owed[0])), 0
	);
	fog_consensus_free(again);
}

static void test_never(void)
{
	struct life l;
	unsigned in = 0;

	life_begin(&l);
	for (unsigned i = 0; i < 3 * FOG_CONSENSUS_OWED; i++) {
		enum fog_refusal r = live(&l, SILENT);
		CU_ASSERT_EQUAL(r == FOG_REFUSAL_NONE, inside(&l));
		CU_ASSERT(r == FOG_REFUSAL_NONE || r == FOG_REFUSAL_VRF_PROOF);
		CU_ASSERT_EQUAL(owing(&l), !inside(&l));
		in += inside(&l);
	}
	// In for its first two epochs; out until the debt is too old to be asked for.
	CU_ASSERT_EQUAL(in, 1 + 2 * 2);
	form(&l);
	life_end(&l);
}

static void test_pays(void)
{
	struct life l;

	life_begin(&l);
	live(&l, HONEST);
	CU_ASSERT_EQUAL(live(&l, SILENT), FOG_REFUSAL_VRF_PROOF);
	form(&l);
	CU_ASSERT_EQUAL(fog_consensus_owed(l.c, l.p->node[DEBTOR].d.node_id)->epoch, l.epoch - 2);
	// Any other proof is none, even a good one of a later epoch.
	live(&l, AWAY);
	live(&l, AWAY);
	CU_ASSERT_EQUAL(live(&l, HONEST), FOG_REFUSAL_VRF_PROOF);
	CU_ASSERT_EQUAL(live(&l, PAYS), FOG_REFUSAL_NONE);
	CU_ASSERT(inside(&l) && !owing(&l));
	CU_ASSERT_EQUAL(live(&l, HONEST), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(live(&l, HONEST), FOG_REFUSAL_NONE);
	life_end(&l);
}

// Neither silence, nor another reason, nor another key is a way around it.
static void test_ways_around(void)
{
	static const enum manner way[] = {AWAY, WITHDRAWN};

	for (unsigned i = 0; i < 2; i++) {
		struct life l;
		life_begin(&l);
		live(&l, HONEST);
		CU_ASSERT_EQUAL(
		        live(&l, way[i]), i == 0 ? FOG_REFUSAL_ABSENT : FOG_REFUSAL_WITHDRAWN
		);
		CU_ASSERT(owing(&l));
		for (unsigned k = 0; k < 3; k++)
			live(&l, way[i]);
		CU_ASSERT(owing(&l));
		CU_ASSERT_EQUAL(live(&l, SILENT), FOG_REFUSAL_VRF_PROOF);
		CU_ASSERT_EQUAL(live(&l, OTHER_KEY), FOG_REFUSAL_VRF_PROOF);
		CU_ASSERT_EQUAL(live(&l, PAYS), FOG_REFUSAL_NONE);
		CU_ASSERT(inside(&l));
		life_end(&l);
	}
}

// Who leaves in good order owes nothing.
static void test_leaves(void)
{
	struct life l;

	life_begin(&l);
	live(&l, HONEST);
	CU_ASSERT_EQUAL(live(&l, WITHDRAWN_SHOWN), FOG_REFUSAL_WITHDRAWN);
	CU_ASSERT(!owing(&l));
	live(&l, AWAY);
	CU_ASSERT_EQUAL(live(&l, SILENT), FOG_REFUSAL_NONE);
	CU_ASSERT(inside(&l));
	life_end(&l);
}

// What an authority says to the debtor's upload, and to that of who pays.
static void test_upload(void)
{
	char text[FOG_JUDGE_TEXT_LEN];
	struct life l;

	life_begin(&l);
	live(&l, HONEST);
	live(&l, SILENT);
	l.epoch++;
	parts_renew_all(l.p, l.epoch, l.c);
	for (unsigned i = 0; i < 2; i++) {
		struct parts_node *n = &l.p->node[DEBTOR];
		behave(&l, i == 0 ? SILENT : PAYS);
		n->d.proof_count = i;
		parts_sign(n);
		CU_ASSERT_EQUAL(
		        fog_descriptor_judge(
		                &l.p->net, l.c, l.epoch, n->data, n->len, NULL, 0, n->d.time_ms,
		                text
		        ),
		        i == 0 ? FOG_REFUSAL_VRF_PROOF : FOG_REFUSAL_NONE
		);
		CU_ASSERT_EQUAL(strstr(text, "epoch 1000") != NULL, i == 0);
	}
	life_end(&l);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"never proves", test_never},      {"pays", test_pays},
	        {"ways around", test_ways_around}, {"leaves in good order", test_leaves},
	        {"upload", test_upload},           CU_TEST_INFO_NULL,
	};

	return sodium_init() < 0 ? 1 : check_run("owed", tests);
}
