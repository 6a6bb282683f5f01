// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Votes from anybody (first byte even), right ones with the input laid over (bit 0), those signed again by their
// author (bit 1: a liar's), which may be good; what is good is computed with.
#include "fuzz_directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *right_vote(const struct parts *p, size_t *len)
{
	const struct parts_node *node[FUZZ_NODES];
	uint8_t *vote;

	for (unsigned i = 0; i < FUZZ_NODES; i++)
		node[i] = &p->node[i];
	if ((vote = parts_vote_bytes(p, 0, PARTS_EPOCH, NULL, true, node, FUZZ_NODES, len)) == NULL)
		abort();
	return vote;
}

static void sign_again(const struct parts *p, uint8_t *vote, size_t len)
{
	struct fog_statement s = {.kind = FOG_STATEMENT_VOTE};

	memcpy(s.network, vote + 4, 32);
	for (unsigned i = 0; i < 8; i++)
		s.epoch = s.epoch << 8 | vote[36 + i];
	crypto_generichash(s.digest, 32, vote, len - 64, NULL, 0);
	fog_statement_sign(&s, p->authority[0].secret, vote + len - 64);
}

// Two honest votes beside it make a consensus, which has to be readable.
static void computed(const struct parts *p, struct fog_vote *foreign)
{
	struct fog_vote *vote[FOG_AUTHORITIES_MAX];
	struct fog_consensus *c, *again = NULL;

	parts_votes(p, PARTS_EPOCH, NULL, vote);
	free(vote[3]);
	vote[3] = NULL;
	free(vote[foreign->authority]);
	vote[foreign->authority] = foreign;
	c = parts_compute(p, PARTS_EPOCH, vote, 0, NULL);
	if (c != NULL) {
		parts_signatures(p, c, 7);
		if (fog_consensus_open(c->data, c->len, &p->net, &again) != FOG_REFUSAL_NONE ||
		    c->node_count != FUZZ_NODES)
			abort();
	}
	fog_consensus_free(c);
	fog_consensus_free(again);
	vote[foreign->authority] = NULL;
	parts_votes_free(vote);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct parts *p = fuzz_parts();
	struct fog_vote *v = NULL;
	bool changed = true;
	uint8_t *bytes;
	size_t len;

	if (size == 0)
		return 0;
	if (data[0] & 1) {
		bytes = right_vote(p, &len);
		changed = fuzz_lay_over(bytes, len, data + 1, size - 1);
		if (data[0] & 2)
			sign_again(p, bytes, len);
	} else {
		len = size - 1;
		bytes = malloc(len > 0 ? len : 1);
		memcpy(bytes, data + 1, len);
	}
	int r = fog_vote_open(bytes, len, &p->net, &v);
	if (r < 0 || r >= FOG_REFUSAL_COUNT || (r == FOG_REFUSAL_NONE) != (v != NULL))
		abort();
	if (data[0] & 1 && (data[0] & 2) == 0 && (r == FOG_REFUSAL_NONE) == changed)
		abort();
	if (v != NULL)
		computed(p, v);
	free(v);
	free(bytes);
	return 0;
}
