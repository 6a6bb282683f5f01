// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Plays epochs of a network with accidents in each, for consensus_check.py, which computes the same from the
// votes. Prints lines "WORD VALUE...": the network file's numbers and the authorities' keys first; then for
// each epoch its number, the bits of liars, the votes, and the signed consensus, all in hexadecimal.
#include <inttypes.h>

#include "parts.h"

enum { NODES = 24, NODES_END = 48, EPOCHS = 7 };

static void print_hex(const char *word, const uint8_t *data, size_t len)
{
	printf("%s ", word);
	for (size_t i = 0; i < len; i++)
		printf("%02x", data[i]);
	putchar('\n');
}

static void print_network(const struct parts *p)
{
	const struct fog_topology *t = &p->net;

	printf("network %s %u %u %u %u %u %u %u %u %u %" PRIu64 " %u\n", t->name, t->geometry.slots,
	       t->geometry.payload_len, t->epoch_s, t->overlap_s, t->delay_mean_us, t->delay_max_us,
	       t->delay_cap_ms, t->tolerance_ms, t->rekey_s, t->rekey_packets, t->threshold);
	for (unsigned a = 0; a < PARTS_AUTHORITIES; a++) {
		print_hex("seed", p->authority[a].secret, 32);
		print_hex("vrf", p->authority[a].vrf_seed, 32);
	}
}

// Something of everything that a consensus decides; node 'i' of each epoch another one.
static void accidents(struct parts *p, unsigned round)
{
	struct parts_node *n = &p->node[3 * round];

	n[0].d.proof_count = 0;
	n[1].d.mix_count = 2;
	n[2].d.address.addr[0] = 127;
	memcpy(n[3].d.name, n[4].d.name, 32);
	n[5].d.layer_wish = n[6].d.layer_wish = (uint8_t)(1 + round % 3);
	n[7].d.flags = round % 2 ? FOG_DESCRIPTOR_WITHDRAWN : 0;
	n[8].d.address = n[9].d.address;
	memcpy(n[10].d.vrf_key, n[11].d.identity, 32);
	memcpy(n[6].d.mix[0].public_key, n[5].d.mix[1].public_key, 32);
	// More want to be in one layer than half of it holds.
	for (unsigned i = 0; i < p->count; i++) {
		if (p->node[i].d.layer_wish == 0 && i % 3 != 0)
			p->node[i].d.layer_wish = 2;
		parts_sign(&p->node[i]);
	}
}

// Back to what they were, as a node's operator mends it.
static void mend(struct parts *p, unsigned round)
{
	for (unsigned i = 3 * round; i < 3 * round + 12; i++) {
		uint64_t sequence = p->node[i].d.sequence;
		parts_node_make(p, i);
		p->node[i].d.sequence = sequence;
	}
}

// Votes differ: some nodes are in one vote only, some in an older or another form, one share is withheld.
static struct fog_vote *vote_of(
        struct parts *p, unsigned a, unsigned round, uint64_t epoch,
        const struct fog_consensus *previous
)
{
	const struct parts_node *node[NODES_END];
	struct parts_node other = p->node[20 % p->count];
	unsigned n = 0;

	for (unsigned i = 0; i < p->count; i++) {
		if ((i + a) % 7 == 0 || (i % 11 == 5 && a != 2) || (i == 13 && round % 3 == 1))
			continue;
		node[n++] = i == 20 && a == 0 ? &other : &p->node[i];
	}
	if (round % 2)
		other.d.sequence++;
	other.d.bandwidth ^= 3;
	parts_sign(&other);
	if (round % 3 == 2) // forged
		other.data[other.len - 1] ^= 1;
	return parts_vote(
	        p, a, round == 4 && a == 2 ? epoch + 1 : epoch, previous, (a + round) % 5 != 0,
	        node, n
	);
}

static struct fog_consensus *epoch_play(
        struct parts *p, unsigned round, uint64_t epoch, const struct fog_consensus *previous
)
{
	struct fog_vote *vote[FOG_AUTHORITIES_MAX] = {NULL};
	unsigned lied = round == 3 ? 2 : 0;
	struct fog_consensus *c;

	printf("epoch %" PRIu64 "\nlied %u\n", epoch, lied);
	for (unsigned a = 0; a < PARTS_AUTHORITIES; a++) {
		if (round == 2 && a == 0)
			continue; // he is away
		vote[a] = vote_of(p, a, round, epoch, previous);
		print_hex("vote", vote[a]->data, vote[a]->len);
	}
	c = parts_compute(p, epoch, vote, lied, previous);
	if (c == NULL)
		exit(1);
	parts_signatures(p, c, round % 2 ? 7 : 14);
	print_hex("consensus", c->data, c->len);
	parts_votes_free(vote);
	return c;
}

int main(void)
{
	struct fog_consensus *c = NULL, *next;
	struct parts *p;
	uint64_t epoch = PARTS_EPOCH;

	if (sodium_init() < 0)
		return 1;
	p = parts_make(NODES);
	print_network(p);
	for (unsigned round = 0; round < EPOCHS; round++) {
		if (c != NULL)
			parts_renew_all(p, epoch, c);
		for (unsigned i = 0; c != NULL && i < p->count; i++) {
			const struct fog_consensus_owed *owed =
			        fog_consensus_owed(c, p->node[i].d.node_id);
			if (owed != NULL && i % 2 == 0)
				parts_pay(p, &p->node[i], owed);
		}
		accidents(p, round % 4);
		next = epoch_play(p, round, epoch, c);
		fog_consensus_free(c);
		c = next;
		mend(p, round % 4);
		for (unsigned i = 0; i < 3; i++)
			parts_node_make(p, p->count++);
		epoch += round == 4 ? 2 : 1; // one epoch has none
	}
	fog_consensus_free(c);
	parts_free(p);
	return 0;
}
