// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What an authority says about a descriptor that is uploaded: each refusal under its own name.
#include "../run.h"
#include "parts.h"

enum { NODES = 10 };

static struct parts *p;
static struct fog_consensus *first, *second; // of PARTS_EPOCH and the epoch after
static uint64_t next; // epoch of the consensus that is made next
static char text[FOG_JUDGE_TEXT_LEN];

static void begin(void)
{
	p = parts_make(NODES);
	first = parts_consensus(p, PARTS_EPOCH, NULL);
	parts_renew_all(p, PARTS_EPOCH + 1, first);
	second = parts_consensus(p, PARTS_EPOCH + 1, first);
	next = PARTS_EPOCH + 2;
	parts_renew_all(p, next, second);
}

static void end(void)
{
	fog_consensus_free(first);
	fog_consensus_free(second);
	parts_free(p);
}

static enum fog_refusal judge_at(const struct parts_node *n, uint64_t now_ms)
{
	const struct fog_descriptor *known[NODES];
	unsigned count = 0;

	for (unsigned i = 0; i < NODES; i++)
		if (memcmp(p->node[i].d.node_id, n->d.node_id, 32) != 0)
			known[count++] = &p->node[i].d;
	enum fog_refusal r = fog_descriptor_judge(
	        &p->net, second, next, n->data, n->len, known, count, now_ms, text
	);
	// A refusal comes with a sentence, success without.
	CU_ASSERT_EQUAL(text[0] == '\0', r == FOG_REFUSAL_NONE);
	return r;
}

static enum fog_refusal judge_node(struct parts_node *n)
{
	parts_sign(n);
	return judge_at(n, n->d.time_ms);
}

static void test_good(void)
{
	begin();
	for (unsigned i = 0; i < NODES; i++)
		CU_ASSERT_EQUAL(judge_node(&p->node[i]), FOG_REFUSAL_NONE);
	parts_node_make(p, NODES);
	parts_mix_keys(&p->node[NODES].d, next, 5);
	CU_ASSERT_EQUAL(judge_node(&p->node[NODES]), FOG_REFUSAL_NONE);
	end();
}

static void test_form(void)
{
	begin();
	struct parts_node n = p->node[2];
	n.len--;
	CU_ASSERT_EQUAL(judge_at(&n, n.d.time_ms), FOG_REFUSAL_MALFORMED);
	n = p->node[2];
	n.data[n.len - 1] ^= 1;
	CU_ASSERT_EQUAL(judge_at(&n, n.d.time_ms), FOG_REFUSAL_SIGNATURE);
	n = p->node[2];
	n.data[FOG_DESCRIPTOR_HEAD - 12] ^= 1; // of the sequence
	CU_ASSERT_EQUAL(judge_at(&n, n.d.time_ms), FOG_REFUSAL_SIGNATURE);
	n = p->node[2];
	n.d.network[0] ^= 1;
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_NETWORK);
	n = p->node[2];
	memset(n.d.link_key, 0, 32);
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_MALFORMED);
	end();
}

static void test_clock(void)
{
	begin();
	const struct parts_node *n = &p->node[2];
	uint64_t tolerance = p->net.tolerance_ms, epoch = p->net.epoch_s * UINT64_C(1000);
	CU_ASSERT_EQUAL(judge_at(n, n->d.time_ms - tolerance), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(judge_at(n, n->d.time_ms - tolerance - 1), FOG_REFUSAL_CLOCK);
	CU_ASSERT_TRUE(strstr(text, "501 ms in the future") != NULL);
	CU_ASSERT_EQUAL(judge_at(n, n->d.time_ms + tolerance + epoch), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(judge_at(n, n->d.time_ms + tolerance + epoch + 1), FOG_REFUSAL_CLOCK);
	CU_ASSERT_EQUAL(judge_at(n, 0), FOG_REFUSAL_NONE);
	end();
}

static void test_addresses(void)
{
	static const struct {
		struct fog_ip ip;
		bool good;
	} cases[] = {
	        {{.family = 4, .addr = {0, 0, 0, 0}}, false},
	        {{.family = 4, .addr = {0, 1, 2, 3}}, false},
	        {{.family = 4, .addr = {127, 0, 0, 1}}, false},
	        {{.family = 4, .addr = {127, 9, 9, 9}}, false},
	        {{.family = 4, .addr = {169, 254, 0, 1}}, false},
	        {{.family = 4, .addr = {224, 0, 0, 1}}, false},
	        {{.family = 4, .addr = {239, 255, 0, 1}}, false},
	        {{.family = 4, .addr = {255, 255, 255, 255}}, false},
	        {{.family = 4, .addr = {10, 200, 0, 1}}, true},
	        {{.family = 4, .addr = {192, 168, 0, 1}}, true},
	        {{.family = 4, .addr = {169, 253, 0, 1}}, true},
	        {{.family = 4, .addr = {223, 255, 255, 1}}, true},
	        {{.family = 6, .addr = {0}}, false},
	        {{.family = 6, .addr = {[15] = 1}}, false},
	        {{.family = 6, .addr = {0xff, 2, [15] = 1}}, false},
	        {{.family = 6, .addr = {0xfe, 0x80, [15] = 1}}, false},
	        {{.family = 6, .addr = {0xfe, 0xbf, [15] = 1}}, false},
	        {{.family = 6, .addr = {[10] = 0xff, 0xff, 10, 0, 0, 1}}, false},
	        {{.family = 6, .addr = {0xfd, 0, [15] = 1}}, true},
	        {{.family = 6, .addr = {0x20, 1, 0xd, 0xb8, [15] = 1}}, true},
	};

	begin();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parts_node n = p->node[2];
		n.d.address = cases[i].ip;
		CU_ASSERT_EQUAL(
		        judge_node(&n), cases[i].good ? FOG_REFUSAL_NONE : FOG_REFUSAL_ADDRESS
		);
	}
	struct parts_node n = p->node[2];
	n.d.mix_port = 0;
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_ADDRESS);
	n = p->node[2];
	n.d.directory_port = 9003;
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_ADDRESS);
	memset(n.d.tls_key, 5, 32);
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_NONE);
	end();
}

// A newcomer takes what an incumbent has, each thing alone.
static void test_stolen(void)
{
	begin();
	const struct fog_descriptor *victim = &p->node[3].d;
	struct parts_node good = p->node[NODES], n;
	parts_node_make(p, NODES);
	good = p->node[NODES];
	parts_mix_keys(&good.d, next, 3);
	CU_ASSERT_EQUAL(judge_node(&good), FOG_REFUSAL_NONE);
	n = good;
	memcpy(n.d.link_key, victim->link_key, 32);
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_IDENTITY);
	n = good;
	memcpy(n.d.vrf_key, victim->vrf_key, 32);
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_IDENTITY);
	n = good;
	memcpy(n.d.vrf_key, victim->identity, 32);
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_IDENTITY);
	n = good;
	n.d.directory_port = 1;
	memcpy(n.d.tls_key, victim->link_key, 32);
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_IDENTITY);
	// A mix key of any epoch.
	n = good;
	memcpy(n.d.mix[1].public_key, victim->mix[2].public_key, 32);
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_MIX_KEY_TAKEN);
	n = good;
	n.d.address = victim->address;
	n.d.mix_port = 9999;
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_ADDRESS_TAKEN);
	n = good;
	memcpy(n.d.name, victim->name, sizeof(n.d.name));
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_NAME_TAKEN);
	CU_ASSERT_TRUE(strstr(text, "node-3") != NULL);
	end();
}

// Who comes first to the authority says nothing: the incumbent isn't kept out by a newcomer, and of two
// newcomers the lower ID wins.
static void test_who_wins(void)
{
	begin();
	struct parts_node thief;
	parts_node_make(p, NODES);
	thief = p->node[NODES];
	memcpy(thief.d.name, p->node[3].d.name, sizeof(thief.d.name));
	const struct fog_descriptor *known[] = {&thief.d};
	CU_ASSERT_EQUAL(
	        fog_descriptor_judge(
	                &p->net, second, next, p->node[3].data, p->node[3].len, known, 1, 0, text
	        ),
	        FOG_REFUSAL_NONE
	);
	struct parts_node *a = &p->node[NODES], *b = &p->node[NODES + 1];
	parts_node_make(p, NODES + 1);
	memcpy(b->d.name, a->d.name, sizeof(b->d.name));
	for (unsigned i = 0; i < 2; i++) {
		struct parts_node *n = i == 0 ? a : b;
		known[0] = i == 0 ? &b->d : &a->d;
		parts_mix_keys(&n->d, next, 3);
		parts_sign(n);
		bool lower = memcmp(n->d.node_id, known[0]->node_id, 32) < 0;
		CU_ASSERT_EQUAL(
		        fog_descriptor_judge(
		                &p->net, second, next, n->data, n->len, known, 1, 0, NULL
		        ),
		        lower ? FOG_REFUSAL_NONE : FOG_REFUSAL_NAME_TAKEN
		);
	}
	end();
}

// A newcomer whose ID is lower than the incumbent's, which anybody can make, wins nothing.
static void test_lower_newcomer(void)
{
	begin();
	const struct fog_descriptor *victim = &p->node[3].d;
	unsigned lower = NODES;
	do
		parts_node_make(p, ++lower);
	while (memcmp(p->node[lower].d.node_id, victim->node_id, 32) > 0);
	struct parts_node *n = &p->node[lower];
	parts_mix_keys(&n->d, next, 3);
	CU_ASSERT_EQUAL(judge_node(n), FOG_REFUSAL_NONE);
	memcpy(n->d.name, victim->name, sizeof(n->d.name));
	CU_ASSERT_EQUAL(judge_node(n), FOG_REFUSAL_NAME_TAKEN);
	snprintf(n->d.name, sizeof(n->d.name), "its-own");
	n->d.address = victim->address;
	CU_ASSERT_EQUAL(judge_node(n), FOG_REFUSAL_ADDRESS_TAKEN);
	end();
}

// Of two who are in the consensus, the one that came later doesn't get what the other one has just said,
// whatever its ID.
static void test_longer_in(void)
{
	begin();
	struct parts_node *late = &p->node[NODES], *old = &p->node[3];
	for (unsigned i = NODES; i == NODES || memcmp(late->d.node_id, old->d.node_id, 32) > 0;
	     i++) {
		parts_node_make(p, i);
		*late = p->node[i];
	}
	// 'second' once more, now with the late one.
	uint64_t sequence = p->node[0].d.sequence;
	p->count = NODES + 1;
	parts_renew_all(p, next - 1, first);
	fog_consensus_free(second);
	second = parts_consensus(p, next - 1, first);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fog_consensus_find(second, late->d.node_id));
	parts_renew_all(p, next, second);
	CU_ASSERT(p->node[0].d.sequence > sequence);
	memcpy(late->d.mix[2].public_key, old->d.mix[2].public_key, 32);
	CU_ASSERT_EQUAL(judge_node(late), FOG_REFUSAL_MIX_KEY_TAKEN);
	const struct fog_descriptor *known[] = {&late->d};
	CU_ASSERT_EQUAL(
	        fog_descriptor_judge(&p->net, second, next, old->data, old->len, known, 1, 0, text),
	        FOG_REFUSAL_NONE
	);
	struct fog_consensus *third = parts_consensus(p, next, second);
	CU_ASSERT_PTR_NULL(fog_consensus_find(third, late->d.node_id));
	CU_ASSERT_PTR_NOT_NULL(fog_consensus_find(third, old->d.node_id));
	CU_ASSERT(third->left_count == 1 && third->left[0].reason == FOG_REFUSAL_MIX_KEY_TAKEN);
	fog_consensus_free(third);
	end();
}

static void test_sequence(void)
{
	begin();
	struct parts_node n = p->node[2];
	const struct fog_descriptor *known[] = {&p->node[2].d};
	n.d.sequence--; // that of the previous consensus
	n.d.bandwidth++;
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_EQUIVOCATION);
	n.d.sequence--;
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_ROLLBACK);
	// Of what the authority has had of it since.
	n = p->node[2];
	CU_ASSERT_EQUAL(
	        fog_descriptor_judge(&p->net, NULL, next, n.data, n.len, known, 1, 0, text),
	        FOG_REFUSAL_NONE
	);
	n.d.bandwidth++;
	parts_sign(&n);
	CU_ASSERT_EQUAL(
	        fog_descriptor_judge(&p->net, NULL, next, n.data, n.len, known, 1, 0, text),
	        FOG_REFUSAL_EQUIVOCATION
	);
	n.d.sequence--;
	parts_sign(&n);
	CU_ASSERT_EQUAL(
	        fog_descriptor_judge(&p->net, NULL, next, n.data, n.len, known, 1, 0, text),
	        FOG_REFUSAL_ROLLBACK
	);
	end();
}

static void test_mix_keys(void)
{
	begin();
	struct parts_node n = p->node[2];
	for (unsigned missing = 0; missing < 3; missing++) {
		n = p->node[2];
		for (unsigned i = missing; i < 2; i++)
			n.d.mix[i] = n.d.mix[i + 1];
		n.d.mix_count = 2;
		CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_MIX_KEYS);
	}
	n = p->node[2];
	memset(n.d.mix[1].public_key, 0, 32);
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_MIX_KEYS);
	n.d.mix[1].public_key[0] = 1; // of low order
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_MIX_KEYS);
	n = p->node[2];
	parts_mix_keys(&n.d, next - 1, 4); // also of the epoch that runs
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_NONE);
	parts_mix_keys(&n.d, next + 1, 5);
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_MIX_KEYS);
	end();
}

static void test_withdrawn(void)
{
	begin();
	struct parts_node n = p->node[2];
	n.d.flags = FOG_DESCRIPTOR_WITHDRAWN;
	n.d.mix_count = n.d.proof_count = 0;
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_WITHDRAWN);
	// Not even this takes a forged one.
	n.data[n.len - 1] ^= 1;
	CU_ASSERT_EQUAL(judge_at(&n, 0), FOG_REFUSAL_SIGNATURE);
	end();
}

// Whoever has asked to be left out keeps nothing from his successor, who may have his address and name.
static void test_successor(void)
{
	begin();
	struct parts_node *old = &p->node[3], *n = &p->node[NODES];
	parts_node_make(p, NODES);
	parts_mix_keys(&n->d, next, 3);
	n->d.address = old->d.address;
	memcpy(n->d.name, old->d.name, sizeof(n->d.name));
	CU_ASSERT_EQUAL(judge_node(n), FOG_REFUSAL_ADDRESS_TAKEN);
	old->d.flags = FOG_DESCRIPTOR_WITHDRAWN;
	CU_ASSERT_EQUAL(judge_node(n), FOG_REFUSAL_NONE);
	end();
}

static void test_proof(void)
{
	begin();
	struct parts_node n = p->node[2];
	n.d.proof_count = 0;
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_VRF_PROOF);
	n = p->node[2];
	n.d.proof[0].epoch++;
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_VRF_PROOF);
	n = p->node[2];
	n.d.proof[0].proof[50] ^= 1;
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_VRF_PROOF);
	// Another's proof, and one's own of another epoch.
	n = p->node[2];
	memcpy(n.d.proof[0].proof, p->node[3].d.proof[0].proof, 80);
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_VRF_PROOF);
	parts_renew(p, &n, next - 1, first);
	n.d.sequence += 5;
	n.d.proof[0].epoch++;
	parts_mix_keys(&n.d, next, 3);
	CU_ASSERT_EQUAL(judge_node(&n), FOG_REFUSAL_VRF_PROOF);
	end();
}

// A node that a consensus has had for the first time owes from two epochs later on, and from its key's first
// epoch; it can't put that off by saying a later one.
static void test_proof_begins(void)
{
	struct fog_consensus *c = NULL, *later;

	p = parts_make(NODES);
	for (unsigned i = 0; i < NODES; i++) {
		p->node[i].d.vrf_from = i < 5 ? 1 : UINT64_MAX;
		parts_sign(&p->node[i]);
	}
	for (uint64_t epoch = PARTS_EPOCH; epoch <= PARTS_EPOCH + 4; epoch++) {
		for (unsigned i = 0; i < NODES; i++) {
			p->node[i].d.sequence++;
			parts_mix_keys(&p->node[i].d, epoch, 3);
			parts_sign(&p->node[i]);
		}
		later = parts_consensus(p, epoch, c);
		fog_consensus_free(c);
		c = later;
		// All are at work since PARTS_EPOCH. The delays of then are over for the consensus of
		// two epochs later, those of PARTS_EPOCH + 2 for that of PARTS_EPOCH + 4. Who was
		// left out stays out (test_owed.c).
		for (unsigned i = 0; i < NODES; i++) {
			bool out = epoch >= PARTS_EPOCH + (i < 5 ? 2 : 4);
			CU_ASSERT_EQUAL(fog_consensus_find(c, p->node[i].d.node_id) == NULL, out);
		}
		CU_ASSERT_EQUAL(c->left_count, NODES - c->node_count);
		for (unsigned i = 0; i < c->left_count; i++)
			CU_ASSERT_EQUAL(c->left[i].reason, FOG_REFUSAL_VRF_PROOF);
	}
	fog_consensus_free(c);
	parts_free(p);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"good ones", test_good},
	        {"form, signature, network", test_form},
	        {"clock", test_clock},
	        {"addresses", test_addresses},
	        {"stolen keys, addresses and names", test_stolen},
	        {"who wins a conflict", test_who_wins},
	        {"a newcomer of lower ID", test_lower_newcomer},
	        {"who is longer in", test_longer_in},
	        {"sequence", test_sequence},
	        {"mix keys", test_mix_keys},
	        {"withdrawn", test_withdrawn},
	        {"successor of who leaves", test_successor},
	        {"proofs", test_proof},
	        {"from when proofs are owed", test_proof_begins},
	        CU_TEST_INFO_NULL,
	};

	return sodium_init() < 0 ? 1 : check_run("judge", tests);
}
