// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From proofs to what each hop owed: nothing is believed but the keys that the topology publishes.
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../directory/consensus.h"
#include "../vrf/delay.h"
#include "../vrf/vrf.h"
#include "audit.h"

void audit_free(struct audit *a)
{
	if (a->key != NULL)
		sodium_memzero(a->key, (size_t)a->epoch_count * a->node_count * sizeof(*a->key));
	free(a->key);
	free(a->epoch);
	free(a->beacon);
	free(a->loop);
	free(a->node);
	memset(a, 0, sizeof(*a));
}

static int epoch_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static unsigned epoch_place(const struct audit *a, uint64_t epoch)
{
	const uint64_t *at = bsearch(&epoch, a->epoch, a->epoch_count, sizeof(*at), epoch_order);

	return (unsigned)(at - a->epoch); // every epoch of a loop is there
}

int audit_epochs(struct audit *a, uint64_t first, uint64_t last)
{
	size_t kept = 0;

	a->epoch = calloc(a->loop_count + 1, sizeof(*a->epoch));
	if (a->epoch == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < a->loop_count; i++) {
		if (a->loop[i].epoch < first || a->loop[i].epoch > last) {
			a->other_epoch++;
			continue;
		}
		a->loop[kept] = a->loop[i];
		a->epoch[kept++] = a->loop[i].epoch;
	}
	a->loop_count = kept;
	qsort(a->epoch, kept, sizeof(*a->epoch), epoch_order);
	for (size_t i = 0; i < kept; i++) {
		if (a->epoch_count == 0 || a->epoch[i] != a->epoch[a->epoch_count - 1])
			a->epoch[a->epoch_count++] = a->epoch[i];
	}
	a->beacon = calloc(a->epoch_count + 1, sizeof(*a->beacon));
	a->key = calloc((size_t)a->epoch_count * a->node_count + 1, sizeof(*a->key));
	if (a->key == NULL || a->beacon == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < kept; i++) {
		const struct audit_loop *l = &a->loop[i];
		unsigned epoch = epoch_place(a, l->epoch);
		for (unsigned k = 0; k < l->hops; k++)
			audit_key_of(a, epoch, l->node[k])->state = AUDIT_PROOF_MISSING;
	}
	return 0;
}

void audit_beacons_static(struct audit *a)
{
	for (unsigned i = 0; i < a->epoch_count; i++) {
		fog_static_beacon(a->hash, a->epoch[i], a->beacon[i].beacon);
		a->beacon[i].known = true;
	}
}

int audit_beacons_take(struct audit *a, const struct fog_consensus *c)
{
	if (memcmp(a->hash, c->network, 32) != 0)
		return -EXDEV;
	for (unsigned i = 0; i < a->epoch_count; i++) {
		uint64_t epoch = a->epoch[i];
		// Of later epochs it knows none: what would follow from it is right only if no other
		// consensus has come.
		if (epoch == 0 || epoch - 1 > c->epoch || epoch + 1 < c->epoch)
			continue;
		fog_consensus_beacon(c, a->hash, epoch - 1, a->beacon[i].beacon);
		a->beacon[i].known = true;
	}
	return 0;
}

uint64_t audit_beacons_missing(const struct audit *a)
{
	for (unsigned i = 0; i < a->epoch_count; i++)
		if (!a->beacon[i].known)
			return a->epoch[i];
	return UINT64_MAX;
}

// The proof that 'answer' holds, by the key that the topology names.
static enum audit_proof proof_check(
        const struct audit *a, const struct audit_node *node, unsigned epoch, const json_t *answer,
        struct fog_aes_key *key
)
{
	const char *text = json_string_value(json_object_get(answer, "proof"));
	uint8_t proof[FOG_VRF_PROOF_LEN], alpha[FOG_DELAY_ALPHA_LEN], beta[FOG_VRF_BETA_LEN];
	uint8_t bytes[32];
	size_t len = 0;

	if (text == NULL)
		return AUDIT_PROOF_MISSING;
	if (!node->has_vrf_key || strlen(text) != 2 * sizeof(proof) ||
	    sodium_hex2bin(proof, sizeof(proof), text, strlen(text), NULL, &len, NULL) != 0 ||
	    len != sizeof(proof))
		return AUDIT_PROOF_BAD;
	const struct audit_beacon *b = &a->beacon[epoch];
	size_t alpha_len = fog_delay_alpha(a->hash, a->epoch[epoch], b->beacon, alpha);
	if (fog_vrf_verify(node->vrf_key, alpha, alpha_len, proof, beta) < 0)
		return AUDIT_PROOF_BAD;
	fog_delay_key_of_beta(beta, bytes);
	fog_aes_key_init(key, bytes, sizeof(bytes));
	sodium_memzero(beta, sizeof(beta));
	sodium_memzero(bytes, sizeof(bytes));
	return AUDIT_PROOF_GOOD;
}

enum audit_proof audit_take_proof(
        struct audit *a, unsigned node, unsigned epoch, const json_t *answer
)
{
	struct audit_key *k = audit_key_of(a, epoch, node);
	const json_t *from = json_object_get(answer, "counts_from");

	if (json_is_integer(from) && a->epoch[epoch] < (uint64_t)json_integer_value(from))
		k->state = AUDIT_PROOF_EARLY;
	else
		k->state = proof_check(a, &a->node[node], epoch, answer, &k->key);
	return k->state;
}

// Whether all hops have proofs; what is owed goes into 'out'.
static bool judge_loop(struct audit *a, const struct audit_loop *l, struct fog_judge_loop *out)
{
	unsigned epoch = epoch_place(a, l->epoch);
	bool early = false, proved = true;

	*out = (struct fog_judge_loop){
	        .departure_us = l->departure_us,
	        .transit_us = (int64_t)l->travel_us,
	        .lost = l->fate == AUDIT_LOST,
	        .hops = (uint8_t)l->hops,
	};
	for (unsigned i = 0; i < l->hops; i++) {
		const struct audit_key *k = audit_key_of(a, epoch, l->node[i]);
		early |= k->state == AUDIT_PROOF_EARLY;
		proved &= k->state == AUDIT_PROOF_GOOD;
		if (k->state == AUDIT_PROOF_GOOD)
			out->hop[i] = (struct fog_judge_hop
			){l->node[i], fog_delay_owed(&a->law, &k->key, l->tag[i], 0)};
	}
	a->early += early;
	a->unproved += !early && !proved;
	return proved;
}

static void count_proofs(struct audit *a)
{
	for (unsigned i = 0; i < a->node_count; i++) {
		a->node[i].missing = a->node[i].bad = 0;
		for (unsigned e = 0; e < a->epoch_count; e++) {
			enum audit_proof state = audit_key_of(a, e, i)->state;
			a->node[i].missing += state == AUDIT_PROOF_MISSING;
			a->node[i].bad += state == AUDIT_PROOF_BAD;
		}
	}
}

int audit_judge(struct audit *a, struct fog_judge_report **report, size_t *used)
{
	struct fog_judge_loop *loop = calloc(a->loop_count + 1, sizeof(*loop));
	struct fog_judge_rules rules;
	size_t n = 0;

	if (loop == NULL)
		return -ENOMEM;
	a->early = a->unproved = 0;
	count_proofs(a);
	for (size_t i = 0; i < a->loop_count; i++)
		n += judge_loop(a, &a->loop[i], &loop[n]);
	fog_judge_rules_default(&rules);
	rules.tick_us = a->tick_us;
	int r = fog_judge(loop, n, a->node_count, &rules, report);
	free(loop);
	*used = n;
	return r;
}
