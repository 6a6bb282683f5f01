// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Votes and consensuses as they come from anybody: one form, and each refusal under its own name.
#include <errno.h>

#include "../../../controlplane/big_endian.h"
#include "../run.h"
#include "parts.h"

enum { NODES = 5, HEAD_THRESHOLD = 2, HEAD_NETWORK = 4, HEAD_BEACON = 92, HEAD_SHARES = 264 };

static struct parts *p;
static struct fog_consensus *c;
static uint8_t *bytes; // of the consensus, or of a vote; one more than there are
static size_t len;

static void keep(const uint8_t *data, size_t n)
{
	free(bytes);
	bytes = malloc(n + 1);
	memcpy(bytes, data, n);
	bytes[n] = 0;
	len = n;
}

static void begin(void)
{
	p = parts_make(NODES);
	p->node[4].d.mix_count = 1; // left out
	parts_sign(&p->node[4]);
	c = parts_consensus(p, PARTS_EPOCH, NULL);
	keep(c->data, c->len);
}

static void end(void)
{
	fog_consensus_free(c);
	parts_free(p);
	free(bytes);
	bytes = NULL;
}

static int open_it(void)
{
	struct fog_consensus *read = NULL;
	int r = fog_consensus_open(bytes, len, &p->net, &read);

	CU_ASSERT_EQUAL(r == FOG_REFUSAL_NONE, read != NULL);
	fog_consensus_free(read);
	return r;
}

// Change the body, and have everybody sign that.
static void sign_again(void)
{
	struct fog_statement s = fog_consensus_statement(c);
	uint8_t *at = bytes + c->body_len;

	crypto_generichash(s.digest, 32, bytes, c->body_len, NULL, 0);
	s.epoch = fog_be_get(bytes + 36, 8);
	memcpy(s.network, bytes + HEAD_NETWORK, 32);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(at[1 + i * 65], i);
		fog_statement_sign(&s, p->authority[i].secret, at + 2 + i * 65);
	}
}

static int changed(size_t at, uint8_t value)
{
	uint8_t kept = bytes[at];

	bytes[at] = value;
	sign_again();
	int r = open_it();
	bytes[at] = kept;
	sign_again();
	return r;
}

static void test_every_byte(void)
{
	begin();
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_NONE);
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= (uint8_t)(1 << i % 8);
		CU_ASSERT_NOT_EQUAL(open_it(), FOG_REFUSAL_NONE);
		bytes[i] ^= (uint8_t)(1 << i % 8);
	}
	size_t whole = len;
	for (len = 0; len < whole; len++)
		CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_MALFORMED);
	len = whole + 1;
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_MALFORMED);
	end();
}

static void test_names(void)
{
	begin();
	bytes[len - 1] ^= 1;
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_SIGNATURE);
	bytes[len - 1] ^= 1;
	bytes[HEAD_NETWORK] ^= 1;
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_NETWORK);
	bytes[HEAD_NETWORK] ^= 1;
	parts_signatures(p, c, 9);
	keep(c->data, c->len);
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_THRESHOLD);
	parts_signatures(p, c, 0);
	keep(c->data, c->len);
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_THRESHOLD);
	parts_signatures(p, c, 14);
	keep(c->data, c->len);
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_NONE);
	// A signature of another authority under his number is none of his.
	bytes[c->body_len + 1] = 0;
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_SIGNATURE);
	end();
}

// The same signature twice is one.
static void test_twice(void)
{
	begin();
	uint8_t *at = bytes + c->body_len;
	memcpy(at + 1 + 65, at + 1, 65);
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_MALFORMED);
	keep(c->data, c->len);
	at = bytes + c->body_len;
	uint8_t one[65];
	memcpy(one, at + 1, 65);
	memcpy(at + 1, at + 1 + 65, 65);
	memcpy(at + 1 + 65, one, 65);
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_MALFORMED);
	end();
}

static void test_parameters(void)
{
	begin();
	p->net.overlap_s++;
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_PARAMETERS);
	p->net.overlap_s--;
	p->net.rekey_packets++;
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_PARAMETERS);
	p->net.rekey_packets--;
	p->net.tolerance_ms++;
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_PARAMETERS);
	p->net.tolerance_ms--;
	p->net.threshold = 2;
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_PARAMETERS);
	p->net.threshold = 3;
	// What the network's name stands for is another network.
	p->net.epoch_s++;
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_NETWORK);
	p->net.epoch_s--;
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_NONE);
	end();
}

// Signed by a threshold, and wrong all the same.
static void test_signed(void)
{
	begin();
	CU_ASSERT_EQUAL(changed(0, 2), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(changed(1, 17), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(changed(1, 255), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(changed(HEAD_THRESHOLD, 0), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(changed(HEAD_THRESHOLD, 1), FOG_REFUSAL_PARAMETERS);
	CU_ASSERT_EQUAL(changed(3, 0), FOG_REFUSAL_MALFORMED); // mixes in layers that aren't
	CU_ASSERT_EQUAL(changed(3, 200), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(changed(51, 0), FOG_REFUSAL_MALFORMED); // until
	CU_ASSERT_EQUAL(changed(59, 1), FOG_REFUSAL_MALFORMED); // previous epoch without digest
	CU_ASSERT_EQUAL(changed(HEAD_BEACON, bytes[HEAD_BEACON] ^ 1), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(
	        changed(HEAD_SHARES + 40, bytes[HEAD_SHARES + 40] ^ 1), FOG_REFUSAL_SIGNATURE
	);
	CU_ASSERT_EQUAL(changed(195, 1), FOG_REFUSAL_MALFORMED); // reserved
	CU_ASSERT_EQUAL(changed(193, 1), FOG_REFUSAL_MALFORMED); // voted and lied
	CU_ASSERT_EQUAL(changed(191, 0x1f), FOG_REFUSAL_MALFORMED); // a share of nobody
	size_t descriptor = c->node[1].at;
	CU_ASSERT_EQUAL(
	        changed(descriptor + c->node[1].len - 1,
	                bytes[descriptor + c->node[1].len - 1] ^ 1),
	        FOG_REFUSAL_SIGNATURE
	);
	CU_ASSERT_EQUAL(changed(descriptor - 3, 1), FOG_REFUSAL_MALFORMED); // reserved
	CU_ASSERT_EQUAL(changed(descriptor - 4, 4), FOG_REFUSAL_MALFORMED); // layer
	CU_ASSERT_EQUAL(changed(descriptor - 12, 255), FOG_REFUSAL_MALFORMED); // since the future
	CU_ASSERT_EQUAL(changed(c->body_len - 1, 0), FOG_REFUSAL_MALFORMED); // reason
	CU_ASSERT_EQUAL(changed(c->body_len - 1, FOG_REFUSAL_COUNT), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(open_it(), FOG_REFUSAL_NONE);
	end();
}

// Numbers that promise more than there is.
static void test_counts(void)
{
	begin();
	size_t counts = HEAD_SHARES + 4 * 80;
	for (size_t i = 0; i < 4; i++)
		for (unsigned value = 0; value < 256; value++)
			if (value != bytes[counts + i])
				CU_ASSERT_EQUAL(
				        changed(counts + i, (uint8_t)value), FOG_REFUSAL_MALFORMED
				);
	CU_ASSERT_EQUAL(changed(c->node[0].at - 1, 255), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(changed(c->node[0].at - 2, 255), FOG_REFUSAL_MALFORMED);
	end();
}

static int open_vote(void)
{
	struct fog_vote *v = NULL;
	int r = fog_vote_open(bytes, len, &p->net, &v);

	CU_ASSERT_EQUAL(r == FOG_REFUSAL_NONE, v != NULL);
	free(v);
	return r;
}

static int changed_vote(size_t at, uint8_t value)
{
	struct fog_statement s = {.kind = FOG_STATEMENT_VOTE, .epoch = PARTS_EPOCH};
	uint8_t kept = bytes[at];

	bytes[at] = value;
	memcpy(s.network, bytes + 4, 32);
	s.epoch = fog_be_get(bytes + 36, 8);
	crypto_generichash(s.digest, 32, bytes, len - 64, NULL, 0);
	fog_statement_sign(&s, p->authority[1].secret, bytes + len - 64);
	int r = open_vote();
	bytes[at] = kept;
	return r;
}

static void begin_vote(void)
{
	const struct parts_node *node[NODES];
	uint8_t *data;
	size_t n;

	begin();
	for (unsigned i = 0; i < NODES; i++)
		node[i] = &p->node[NODES - 1 - i];
	data = parts_vote_bytes(p, 1, PARTS_EPOCH, NULL, true, node, NODES, &n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(data);
	keep(data, n);
	free(data);
}

static void test_vote(void)
{
	struct fog_vote *v = NULL;

	begin_vote();
	CU_ASSERT_EQUAL_FATAL(fog_vote_open(bytes, len, &p->net, &v), FOG_REFUSAL_NONE);
	CU_ASSERT_EQUAL(v->authority, 1);
	CU_ASSERT_EQUAL(v->epoch, PARTS_EPOCH);
	CU_ASSERT_EQUAL(v->count, NODES);
	CU_ASSERT_TRUE(v->has_share);
	CU_ASSERT_EQUAL(memcmp(&v->rates, &p->rates[1], sizeof(v->rates)), 0);
	for (unsigned i = 0; i < NODES; i++)
		for (unsigned k = 0; k < NODES; k++) {
			const uint8_t *id = v->data + v->descriptor[i].at + FOG_DESCRIPTOR_ID_AT;
			if (memcmp(id, p->node[k].d.node_id, 32) != 0)
				continue;
			CU_ASSERT_EQUAL(v->descriptor[i].len, p->node[k].len);
			CU_ASSERT_EQUAL(
			        memcmp(v->data + v->descriptor[i].at, p->node[k].data,
			               p->node[k].len),
			        0
			);
		}
	free(v);
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= (uint8_t)(1 << i % 8);
		CU_ASSERT_NOT_EQUAL(open_vote(), FOG_REFUSAL_NONE);
		bytes[i] ^= (uint8_t)(1 << i % 8);
	}
	size_t whole = len;
	for (len = 0; len < whole; len++)
		CU_ASSERT_NOT_EQUAL(open_vote(), FOG_REFUSAL_NONE);
	len = whole + 1;
	CU_ASSERT_NOT_EQUAL(open_vote(), FOG_REFUSAL_NONE);
	end();
}

static void test_vote_names(void)
{
	begin_vote();
	bytes[len - 1] ^= 1;
	CU_ASSERT_EQUAL(open_vote(), FOG_REFUSAL_SIGNATURE);
	CU_ASSERT_EQUAL(changed_vote(0, 2), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(changed_vote(1, 0), FOG_REFUSAL_SIGNATURE); // another's
	CU_ASSERT_EQUAL(changed_vote(1, 4), FOG_REFUSAL_NETWORK); // nobody's
	CU_ASSERT_EQUAL(changed_vote(1, 255), FOG_REFUSAL_NETWORK);
	CU_ASSERT_EQUAL(changed_vote(2, 0), FOG_REFUSAL_MALFORMED); // withheld, but there
	CU_ASSERT_EQUAL(changed_vote(2, 3), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(changed_vote(3, 1), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(changed_vote(4, bytes[4] ^ 1), FOG_REFUSAL_NETWORK);
	CU_ASSERT_EQUAL(changed_vote(51, 1), FOG_REFUSAL_MALFORMED); // previous epoch
	CU_ASSERT_EQUAL(changed_vote(FOG_VOTE_HEAD - 3, NODES + 1), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(changed_vote(FOG_VOTE_HEAD - 3, NODES - 1), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(changed_vote(FOG_VOTE_HEAD - 4, 255), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(changed_vote(FOG_VOTE_HEAD - 1, 1), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(changed_vote(FOG_VOTE_HEAD, 255), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(changed_vote(FOG_VOTE_HEAD + 2, 1), FOG_REFUSAL_MALFORMED);
	CU_ASSERT_EQUAL(changed_vote(0, 1), FOG_REFUSAL_NONE);
	end();
}

static void test_vote_make(void)
{
	const struct parts_node *node[2];
	struct parts_node other;
	size_t n;

	begin();
	other = p->node[2];
	other.d.sequence++;
	parts_sign(&other);
	node[0] = &p->node[2];
	node[1] = &other;
	CU_ASSERT_PTR_NULL(parts_vote_bytes(p, 1, PARTS_EPOCH, NULL, true, node, 2, &n));
	other = p->node[3];
	other.len--;
	CU_ASSERT_PTR_NULL(parts_vote_bytes(p, 1, PARTS_EPOCH, NULL, true, node, 2, &n));
	struct fog_vote *v = parts_vote(p, 1, PARTS_EPOCH, NULL, false, node, 0);
	CU_ASSERT_EQUAL(v->count, 0);
	CU_ASSERT_FALSE(v->has_share);
	free(v);
	end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"every byte of a consensus", test_every_byte},
	        {"names of refusals", test_names},
	        {"a signature counts once", test_twice},
	        {"parameters", test_parameters},
	        {"signed and wrong", test_signed},
	        {"numbers that promise too much", test_counts},
	        {"a vote", test_vote},
	        {"refusals of votes", test_vote_names},
	        {"what is no vote", test_vote_make},
	        CU_TEST_INFO_NULL,
	};

	return sodium_init() < 0 ? 1 : check_run("open", tests);
}
