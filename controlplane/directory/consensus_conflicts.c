// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Who keeps a key, an address or a name that two nodes want. Each value gets a number by sorting, so that it
// is n log n however many there are and whoever has chosen them.
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "consensus_form.h"

// In the order in which reasons are given.
enum conflict_kind { CONFLICT_KEY, CONFLICT_MIX, CONFLICT_ADDRESS, CONFLICT_NAME };

enum {
	CONFLICT_KEYS = 4,
	CONFLICT_CLAIMS = CONFLICT_KEYS + FOG_DESCRIPTOR_MIX_MAX + 2,
	CONFLICT_NOBODY = -1,
};

// Something that one node alone may have.
struct conflict_claim {
	uint8_t kind; // enum conflict_kind
	uint8_t value[32];
	unsigned member, number; // 'number': equal for equal values
};

static const enum fog_refusal conflict_reason[] = {
        [CONFLICT_KEY] = FOG_REFUSAL_IDENTITY,
        [CONFLICT_MIX] = FOG_REFUSAL_MIX_KEY_TAKEN,
        [CONFLICT_ADDRESS] = FOG_REFUSAL_ADDRESS_TAKEN,
        [CONFLICT_NAME] = FOG_REFUSAL_NAME_TAKEN,
};

// Of what kind it doesn't matter: nobody else's key is any of ours. Returns how many there are; a
// listener's may be missing.
static unsigned claim_keys(const struct fog_descriptor *d, const uint8_t *key[CONFLICT_KEYS])
{
	key[0] = d->identity;
	key[1] = d->link_key;
	key[2] = d->vrf_key;
	key[3] = d->tls_key;
	return sodium_is_zero(d->tls_key, 32) ? 3 : 4;
}

// Whatever epochs they are for.
static bool mix_keys_meet(const struct fog_descriptor *d, const struct fog_descriptor *other)
{
	for (unsigned i = 0; i < d->mix_count; i++)
		for (unsigned k = 0; k < other->mix_count; k++)
			if (memcmp(d->mix[i].public_key, other->mix[k].public_key, 32) == 0)
				return true;
	return false;
}

enum fog_refusal conflict_of(const struct fog_descriptor *d, const struct fog_descriptor *other)
{
	const uint8_t *ours[CONFLICT_KEYS], *theirs[CONFLICT_KEYS];
	unsigned our_count = claim_keys(d, ours), their_count = claim_keys(other, theirs);

	for (unsigned i = 0; i < our_count; i++)
		for (unsigned k = 0; k < their_count; k++)
			if (memcmp(ours[i], theirs[k], 32) == 0)
				return FOG_REFUSAL_IDENTITY;
	if (mix_keys_meet(d, other))
		return FOG_REFUSAL_MIX_KEY_TAKEN;
	if (d->address.family == other->address.family &&
	    memcmp(d->address.addr, other->address.addr, sizeof(d->address.addr)) == 0)
		return FOG_REFUSAL_ADDRESS_TAKEN;
	return strcmp(d->name, other->name) == 0 ? FOG_REFUSAL_NAME_TAKEN : FOG_REFUSAL_NONE;
}

static unsigned claims_of(
        const struct fog_descriptor *d, unsigned member,
        struct conflict_claim claim[CONFLICT_CLAIMS]
)
{
	const uint8_t *key[CONFLICT_KEYS];
	unsigned n = claim_keys(d, key);

	memset(claim, 0, CONFLICT_CLAIMS * sizeof(*claim));
	for (unsigned i = 0; i < n; i++) {
		claim[i].kind = CONFLICT_KEY;
		memcpy(claim[i].value, key[i], 32);
	}
	for (unsigned i = 0; i < d->mix_count; i++) {
		claim[n].kind = CONFLICT_MIX;
		memcpy(claim[n++].value, d->mix[i].public_key, 32);
	}
	claim[n].kind = CONFLICT_ADDRESS;
	claim[n].value[0] = d->address.family;
	memcpy(claim[n++].value + 1, d->address.addr, sizeof(d->address.addr));
	claim[n].kind = CONFLICT_NAME;
	memcpy(claim[n++].value, d->name, sizeof(d->name));
	for (unsigned i = 0; i < n; i++)
		claim[i].member = member;
	return n;
}

static int claim_by_value(const void *a, const void *b)
{
	const struct conflict_claim *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return memcmp(x->value, y->value, sizeof(x->value));
}

// By member, then by kind.
static int claim_by_member(const void *a, const void *b)
{
	const struct conflict_claim *x = a, *y = b;

	if (x->member != y->member)
		return x->member < y->member ? -1 : 1;
	return claim_by_value(a, b);
}

static void claims_number(struct conflict_claim *claim, unsigned count)
{
	qsort(claim, count, sizeof(*claim), claim_by_value);
	for (unsigned i = 1; i < count; i++)
		claim[i].number = claim[i - 1].number +
		        (claim_by_value(&claim[i - 1], &claim[i]) != 0);
	qsort(claim, count, sizeof(*claim), claim_by_member);
}

// 'claim' up to 'end' are one member's. 'owner' has the member of each number, or nobody.
static enum fog_refusal claim_all(
        const struct conflict_claim *claim, const struct conflict_claim *end, int *owner
)
{
	for (const struct conflict_claim *c = claim; c < end; c++)
		if (owner[c->number] != CONFLICT_NOBODY && owner[c->number] != (int)c->member)
			return conflict_reason[c->kind];
	for (const struct conflict_claim *c = claim; c < end; c++)
		owner[c->number] = (int)c->member;
	return FOG_REFUSAL_NONE;
}

int conflict_order(
        const struct fog_consensus_node *before, const uint8_t *id,
        const struct fog_consensus_node *other_before, const uint8_t *other_id
)
{
	if ((before != NULL) != (other_before != NULL))
		return before != NULL ? -1 : 1;
	if (before != NULL && before->since != other_before->since)
		return before->since < other_before->since ? -1 : 1;
	return memcmp(id, other_id, FOG_ID_LEN);
}

// A member and its claims.
struct conflict_turn {
	struct consensus_member *member;
	const struct conflict_claim *claim, *end;
};

static int turn_compare(const void *a, const void *b)
{
	const struct consensus_member *x = ((const struct conflict_turn *)a)->member;
	const struct consensus_member *y = ((const struct conflict_turn *)b)->member;

	return conflict_order(x->before, x->descriptor.node_id, y->before, y->descriptor.node_id);
}

static int decide(
        struct consensus_member *member, unsigned members, const struct conflict_claim *claim,
        unsigned count, int *owner
)
{
	struct conflict_turn *turn = calloc(members + 1, sizeof(*turn));
	unsigned turns = 0, taken = 0;

	if (turn == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++) {
		if (i == 0 || claim[i].member != claim[i - 1].member)
			turn[turns++] = (struct conflict_turn
			){.member = &member[claim[i].member], .claim = &claim[i]};
		turn[turns - 1].end = &claim[i + 1];
	}
	qsort(turn, turns, sizeof(*turn), turn_compare);
	for (unsigned i = 0; i < turns; i++) {
		turn[i].member->reason = claim_all(turn[i].claim, turn[i].end, owner);
		if (turn[i].member->reason == FOG_REFUSAL_NONE && ++taken > FOG_NODES_MAX)
			turn[i].member->reason = FOG_REFUSAL_FULL;
	}
	free(turn);
	return 0;
}

int conflicts_decide(struct consensus_member *member, unsigned count)
{
	struct conflict_claim *claim = calloc(count + 1, CONFLICT_CLAIMS * sizeof(*claim));
	int *owner = calloc(count + 1, CONFLICT_CLAIMS * sizeof(*owner));
	unsigned claims = 0;
	int ret = -ENOMEM;

	if (claim == NULL || owner == NULL)
		goto out;
	for (unsigned i = 0; i < count; i++)
		if (member[i].reason == FOG_REFUSAL_NONE)
			claims += claims_of(&member[i].descriptor, i, &claim[claims]);
	for (unsigned i = 0; i < claims; i++)
		owner[i] = CONFLICT_NOBODY;
	claims_number(claim, claims);
	ret = decide(member, count, claim, claims, owner);
out:
	free(claim);
	free(owner);
	return ret;
}
