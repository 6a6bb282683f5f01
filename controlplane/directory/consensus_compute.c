// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// From votes to a consensus, without a signature. README.md has the rules.
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../vrf/vrf.h"
#include "beacon.h"
#include "consensus_form.h"
#include "cover_rates.h"
#include "layers.h"

enum { COMPUTE_LAYERS_MAX = 3 };

// A descriptor in a vote.
struct compute_entry {
	const uint8_t *data;
	uint32_t len;
};

struct compute {
	struct consensus_draft draft;
	struct judge judge;
	const struct fog_vote *vote[FOG_AUTHORITIES_MAX]; // those that count
	unsigned vote_count;
	unsigned needed; // votes that have to list a node
	struct compute_entry *entry;
	unsigned entry_count;
	struct consensus_member *member;
	unsigned member_count;
	struct fog_consensus_left *left;
	unsigned left_count;
	struct fog_consensus_owed *owed;
	unsigned owed_count;
};

static bool vote_counts(
        const struct fog_vote *v, uint64_t epoch, const uint8_t network[32],
        const struct fog_consensus *previous
)
{
	if (v == NULL || v->epoch != epoch || memcmp(v->network, network, 32) != 0)
		return false;
	if (previous == NULL)
		return sodium_is_zero(v->previous_digest, 32);
	return v->previous_epoch == previous->epoch &&
	        memcmp(v->previous_digest, previous->digest, 32) == 0;
}

static void compute_head(
        struct compute *c, const struct fog_topology *network, const struct fog_consensus *previous,
        uint64_t epoch, uint16_t lied
)
{
	struct fog_consensus *h = &c->draft.head;

	c->draft.network = network;
	c->draft.previous = previous;
	h->authorities = network->authority_count;
	h->threshold = network->threshold;
	h->lied = lied & (uint16_t)((1u << network->authority_count) - 1);
	h->epoch = epoch;
	h->until = epoch + FOG_CONSENSUS_LIFE;
	fog_network_hash(network, h->network);
	if (previous != NULL) {
		h->previous_epoch = previous->epoch;
		memcpy(h->previous_digest, previous->digest, 32);
	}
}

static void compute_votes(struct compute *c, const struct fog_vote *const *votes)
{
	struct fog_consensus *h = &c->draft.head;

	for (unsigned a = 0; a < h->authorities; a++) {
		if (h->lied >> a & 1 ||
		    !vote_counts(votes[a], h->epoch, h->network, c->draft.previous))
			continue;
		c->vote[c->vote_count++] = votes[a];
		h->voted |= (uint16_t)(1u << a);
	}
}

static int number_compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

// The median of each; of an even number the lower one of the two.
static void compute_rates(struct compute *c)
{
	for (unsigned i = 0; i < COVER_RATES; i++) {
		uint32_t said[FOG_AUTHORITIES_MAX] = {0};
		for (unsigned v = 0; v < c->vote_count; v++) {
			struct fog_cover_rates rates = c->vote[v]->rates;
			said[v] = *cover_rate(&rates, i);
		}
		qsort(said, c->vote_count, sizeof(said[0]), number_compare);
		*cover_rate(&c->draft.head.rates, i) = said[(c->vote_count - 1) / 2];
	}
}

static void compute_beacon(struct compute *c)
{
	struct fog_consensus *h = &c->draft.head;
	uint8_t alpha[FOG_BEACON_SHARE_LEN], betas[FOG_AUTHORITIES_MAX][64];
	unsigned count = 0;

	for (unsigned k = 0; k < 2; k++)
		fog_consensus_beacon(
		        c->draft.previous, h->network, h->epoch - 1 - k, h->beacon_before[k]
		);
	fog_beacon_share(h->network, h->epoch, h->beacon_before[0], alpha);
	for (unsigned i = 0; i < c->vote_count; i++) {
		const struct fog_vote *v = c->vote[i];
		if (!v->has_share ||
		    fog_vrf_verify(
		            c->draft.network->authority[v->authority].vrf_key, alpha, sizeof(alpha),
		            v->share, betas[count]
		    ) < 0)
			continue;
		count++;
		h->shared |= (uint16_t)(1u << v->authority);
		memcpy(c->draft.share[v->authority], v->share, CONSENSUS_SHARE);
	}
	fog_beacon_next(h->network, h->epoch, h->beacon_before[0], betas, count, h->beacon);
}

static const uint8_t *entry_id(const struct compute_entry *e)
{
	return e->data + FOG_DESCRIPTOR_ID_AT;
}

// Equal descriptors come to lie side by side.
static int entry_compare(const void *a, const void *b)
{
	const struct compute_entry *x = a, *y = b;
	int order = memcmp(entry_id(x), entry_id(y), FOG_ID_LEN);

	if (order != 0)
		return order;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->data, y->data, x->len);
}

static int compute_entries(struct compute *c)
{
	unsigned count = 0;

	for (unsigned i = 0; i < c->vote_count; i++)
		count += c->vote[i]->count;
	c->entry = calloc(count + 1, sizeof(c->entry[0]));
	c->member = calloc(count / c->needed + 1, sizeof(c->member[0]));
	if (c->entry == NULL || c->member == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < c->vote_count; i++) {
		const struct fog_vote *v = c->vote[i];
		for (unsigned k = 0; k < v->count; k++)
			c->entry[c->entry_count++] = (struct compute_entry
			){v->data + v->descriptor[k].at, v->descriptor[k].len};
	}
	qsort(c->entry, c->entry_count, sizeof(c->entry[0]), entry_compare);
	return 0;
}

// Judged for something else, it may have shown what it owes, or not.
static bool member_owes(const struct compute *c, const struct consensus_member *m)
{
	struct fog_consensus_owed owed;

	if (m->reason == FOG_REFUSAL_NONE || m->reason == FOG_REFUSAL_VRF_PROOF)
		return m->reason != FOG_REFUSAL_NONE;
	return judge_owes(&c->judge, m->descriptor.node_id, &owed) &&
	        !judge_shows(&c->judge, &owed, &m->descriptor);
}

// All of one node. Whoever puts a forged descriptor into his vote hasn't listed it.
static void compute_node(
        struct compute *c, const struct compute_entry *entry, const struct compute_entry *end
)
{
	struct consensus_member m = {.reason = FOG_REFUSAL_NONE};
	bool good = false, equivocates = false;
	unsigned listed = 0;
	struct fog_descriptor d;

	if (end - entry < c->needed)
		return;
	for (const struct compute_entry *e = entry; e < end; e++) {
		bool again = e > entry && entry_compare(e - 1, e) == 0;
		if (!again)
			good = fog_descriptor_verify(e->data, e->len, &d) == 0;
		listed += good;
		if (!good || again)
			continue;
		equivocates = (m.data != NULL && d.sequence == m.descriptor.sequence) ||
		        (equivocates && d.sequence < m.descriptor.sequence);
		if (m.data != NULL && d.sequence <= m.descriptor.sequence)
			continue;
		m.descriptor = d;
		m.data = e->data;
		m.len = e->len;
	}
	if (listed < c->needed)
		return;
	if (c->draft.previous != NULL)
		m.before = fog_consensus_find(c->draft.previous, m.descriptor.node_id);
	m.reason = equivocates ? FOG_REFUSAL_EQUIVOCATION
	                       : judge_itself(&c->judge, &m.descriptor, m.data, m.len, NULL);
	m.owes = member_owes(c, &m);
	c->member[c->member_count++] = m;
}

static void compute_members(struct compute *c)
{
	for (unsigned i = 0, next; i < c->entry_count; i = next) {
		for (next = i + 1; next < c->entry_count &&
		     memcmp(entry_id(&c->entry[i]), entry_id(&c->entry[next]), FOG_ID_LEN) == 0;)
			next++;
		compute_node(c, &c->entry[i], &c->entry[next]);
	}
}

static bool is_mix(const struct consensus_member *m)
{
	return m->reason == FOG_REFUSAL_NONE && m->descriptor.role == FOG_ROLE_MIX;
}

// A path is a gateway, a mix of each layer and a service or gateway.
static unsigned layers_of(const struct fog_topology *t, unsigned mixes)
{
	unsigned layers = t->geometry.slots > 2 ? t->geometry.slots - 2 : 0;

	layers = layers < COMPUTE_LAYERS_MAX ? layers : COMPUTE_LAYERS_MAX;
	return layers < mixes ? layers : mixes;
}

static int compute_layers(struct compute *c)
{
	struct fog_layer_mix *mix = calloc(c->member_count + 1, sizeof(*mix));
	struct fog_consensus *h = &c->draft.head;
	unsigned n = 0;
	int ret = 0;

	if (mix == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < c->member_count; i++) {
		if (!is_mix(&c->member[i]))
			continue;
		memcpy(mix[n].node_id, c->member[i].descriptor.node_id, FOG_ID_LEN);
		mix[n++].wish = c->member[i].descriptor.layer_wish;
	}
	h->layers = layers_of(c->draft.network, n);
	if (h->layers > 0)
		ret = fog_layers_assign(mix, n, h->layers, h->beacon);
	n = 0;
	for (unsigned i = 0; i < c->member_count; i++)
		if (is_mix(&c->member[i]))
			c->member[i].layer = mix[n++].layer;
	free(mix);
	return ret;
}

static const struct consensus_member *member_find(const struct compute *c, const uint8_t *id)
{
	unsigned low = 0, high = c->member_count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		int order = memcmp(c->member[middle].descriptor.node_id, id, FOG_ID_LEN);
		if (order == 0)
			return &c->member[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void leave_out(struct compute *c, const uint8_t *id, enum fog_refusal reason)
{
	memcpy(c->left[c->left_count].node_id, id, FOG_ID_LEN);
	c->left[c->left_count++].reason = (uint8_t)reason;
}

static int owed_compare(const void *a, const void *b)
{
	const struct fog_consensus_owed *x = a, *y = b;

	return memcmp(x->node_id, y->node_id, FOG_ID_LEN);
}

static int left_compare(const void *a, const void *b)
{
	return memcmp(a, b, FOG_ID_LEN);
}

static int compute_left(struct compute *c)
{
	const struct fog_consensus *p = c->draft.previous;
	unsigned before = p != NULL ? p->node_count : 0;

	if ((c->left = calloc(c->member_count + before + 1, sizeof(c->left[0]))) == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < c->member_count; i++)
		if (c->member[i].reason != FOG_REFUSAL_NONE)
			leave_out(c, c->member[i].descriptor.node_id, c->member[i].reason);
	for (unsigned i = 0; i < before; i++)
		if (member_find(c, p->node[i].descriptor.node_id) == NULL)
			leave_out(c, p->node[i].descriptor.node_id, FOG_REFUSAL_ABSENT);
	qsort(c->left, c->left_count, sizeof(c->left[0]), left_compare);
	return 0;
}

static void owe(struct compute *c, const uint8_t *id)
{
	const struct consensus_member *m = member_find(c, id);
	struct fog_consensus_owed owed;

	if ((m == NULL || m->owes) && judge_owes(&c->judge, id, &owed))
		c->owed[c->owed_count++] = owed;
}

// Whoever owed a proof and whoever was at work, unless it has shown it: whyever it is left out, or if nobody
// has heard of it.
static int compute_owed(struct compute *c)
{
	const struct fog_consensus *p = c->draft.previous;

	if (p == NULL)
		return 0;
	if ((c->owed = calloc(p->node_count + p->owed_count + 1, sizeof(c->owed[0]))) == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < p->node_count; i++)
		owe(c, p->node[i].descriptor.node_id);
	for (unsigned i = 0; i < p->owed_count; i++)
		owe(c, p->owed[i].node_id);
	qsort(c->owed, c->owed_count, sizeof(c->owed[0]), owed_compare);
	return 0;
}

static int compute_document(struct compute *c, struct fog_consensus **out)
{
	uint8_t *data;
	size_t len;
	int ret;

	c->draft.member = c->member;
	c->draft.member_count = c->member_count;
	c->draft.left = c->left;
	c->draft.left_count = c->left_count;
	c->draft.owed = c->owed;
	c->draft.owed_count = c->owed_count;
	if ((ret = consensus_write(&c->draft, &data, &len)) < 0)
		return ret;
	ret = fog_consensus_parse(data, len, out);
	free(data);
	return ret == -EBADMSG ? -EINVAL : ret;
}

static int compute_nodes(struct compute *c)
{
	int ret;

	if ((ret = compute_entries(c)) < 0)
		return ret;
	compute_members(c);
	if ((ret = conflicts_decide(c->member, c->member_count)) < 0 ||
	    (ret = compute_layers(c)) < 0)
		return ret;
	return (ret = compute_left(c)) < 0 ? ret : compute_owed(c);
}

int fog_consensus_compute(
        const struct fog_topology *network, uint64_t epoch,
        const struct fog_vote *const votes[FOG_AUTHORITIES_MAX], uint16_t lied,
        const struct fog_consensus *previous, struct fog_consensus **out
)
{
	struct compute *c;
	int ret = -ENODATA;

	*out = NULL;
	if (previous != NULL && previous->epoch >= epoch)
		return -EINVAL;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return -ENOMEM;
	compute_head(c, network, previous, epoch, lied);
	compute_votes(c, votes);
	if (c->vote_count < network->threshold)
		goto out;
	judge_init(&c->judge, network, previous, epoch);
	c->needed = network->authority_count - network->threshold + 1;
	compute_rates(c);
	compute_beacon(c);
	if ((ret = compute_nodes(c)) == 0)
		ret = compute_document(c, out);
out:
	free(c->entry);
	free(c->member);
	free(c->left);
	free(c->owed);
	free(c);
	return ret;
}
