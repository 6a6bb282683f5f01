// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "consensus_form.h"
#include "cover_rates.h"
#include "wire.h"

void consensus_parameters_put(const struct fog_topology *t, uint8_t out[CONSENSUS_PARAMETERS])
{
	uint8_t *at = fog_be_put(out, t->geometry.slots, 2);

	at = fog_be_put(at, t->geometry.payload_len, 2);
	at = fog_be_put(at, t->epoch_s, 4);
	at = fog_be_put(at, t->overlap_s, 4);
	at = fog_be_put(at, t->delay_mean_us, 4);
	at = fog_be_put(at, t->delay_max_us, 4);
	at = fog_be_put(at, t->delay_cap_ms, 4);
	at = fog_be_put(at, t->tolerance_ms, 4);
	at = fog_be_put(at, t->rekey_s, 4);
	fog_be_put(at, t->rekey_packets, 8);
}

uint64_t consensus_since(
        const struct fog_consensus *previous, const struct fog_consensus_node *before,
        uint64_t epoch
)
{
	// A previous one that is good until now leaves no gap.
	return before != NULL && epoch <= previous->until ? before->since : epoch;
}

static uint8_t *put_head(uint8_t *at, const struct consensus_draft *draft)
{
	const struct fog_consensus *c = &draft->head;
	const uint8_t first[4] = {
	        CONSENSUS_VERSION, (uint8_t)c->authorities, (uint8_t)c->threshold,
	        (uint8_t)c->layers};

	at = wire_put(at, first, sizeof(first));
	at = wire_put(at, c->network, 32);
	at = fog_be_put(at, c->epoch, 8);
	at = fog_be_put(at, c->until, 8);
	at = fog_be_put(at, c->previous_epoch, 8);
	at = wire_put(at, c->previous_digest, 32);
	at = wire_put(at, c->beacon, 32);
	at = wire_put(at, c->beacon_before, sizeof(c->beacon_before));
	at = fog_be_put(at, c->voted, 2);
	at = fog_be_put(at, c->shared, 2);
	at = fog_be_put(at, c->lied, 2);
	at = fog_be_put(at, 0, 2);
	consensus_parameters_put(draft->network, at);
	at = cover_rates_put(at + CONSENSUS_PARAMETERS, &c->rates);
	for (unsigned a = 0; a < c->authorities; a++)
		if (c->shared >> a & 1)
			at = wire_put(at, draft->share[a], CONSENSUS_SHARE);
	return at;
}

static uint8_t *put_member(
        uint8_t *at, const struct consensus_draft *draft, const struct consensus_member *m
)
{
	at = fog_be_put(at, consensus_since(draft->previous, m->before, draft->head.epoch), 8);
	at = fog_be_put(at, m->layer, 1);
	at = fog_be_put(at, 0, 1);
	at = fog_be_put(at, m->len, 2);
	return wire_put(at, m->data, m->len);
}

static size_t draft_len(const struct consensus_draft *draft, unsigned *members)
{
	size_t len = CONSENSUS_HEAD + CONSENSUS_COUNTS + 1 +
	        draft->left_count * (size_t)CONSENSUS_LEFT +
	        draft->owed_count * (size_t)CONSENSUS_OWED;

	*members = 0;
	len += (size_t)__builtin_popcount(draft->head.shared) * CONSENSUS_SHARE;
	for (unsigned i = 0; i < draft->member_count; i++) {
		if (draft->member[i].reason != FOG_REFUSAL_NONE)
			continue;
		++*members;
		len += CONSENSUS_NODE + draft->member[i].len;
	}
	return len;
}

int consensus_write(const struct consensus_draft *draft, uint8_t **out, size_t *len)
{
	unsigned members;
	uint8_t *at;

	*len = draft_len(draft, &members);
	if ((*out = malloc(*len)) == NULL)
		return -ENOMEM;
	at = put_head(*out, draft);
	at = fog_be_put(at, members, 2);
	at = fog_be_put(at, draft->left_count, 2);
	at = fog_be_put(at, draft->owed_count, 2);
	for (unsigned i = 0; i < draft->member_count; i++)
		if (draft->member[i].reason == FOG_REFUSAL_NONE)
			at = put_member(at, draft, &draft->member[i]);
	for (unsigned i = 0; i < draft->left_count; i++) {
		at = wire_put(at, draft->left[i].node_id, FOG_ID_LEN);
		at = fog_be_put(at, draft->left[i].reason, 1);
	}
	for (unsigned i = 0; i < draft->owed_count; i++) {
		at = wire_put(at, draft->owed[i].node_id, FOG_ID_LEN);
		at = fog_be_put(at, draft->owed[i].epoch, 8);
		at = wire_put(at, draft->owed[i].vrf_key, 32);
		at = wire_put(at, draft->owed[i].beacon, 32);
	}
	*at = 0; // signatures
	return 0;
}

int fog_consensus_set_signatures(
        struct fog_consensus *c, const struct fog_consensus_signature *signature, unsigned count
)
{
	const uint8_t *of[FOG_AUTHORITIES_MAX] = {NULL};
	uint8_t *data, *at;
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		if (signature[i].authority < c->authorities)
			of[signature[i].authority] = signature[i].signature;
	for (unsigned a = 0; a < c->authorities; a++)
		n += of[a] != NULL;
	data = realloc(c->data, c->body_len + 1 + n * (size_t)CONSENSUS_SIGNATURE);
	if (data == NULL)
		return -ENOMEM;
	c->data = data;
	c->signers = 0;
	at = fog_be_put(data + c->body_len, n, 1);
	for (unsigned a = 0; a < c->authorities; a++) {
		if (of[a] == NULL)
			continue;
		at = wire_put(fog_be_put(at, a, 1), of[a], 64);
		c->signers |= (uint16_t)(1u << a);
	}
	c->len = (size_t)(at - data);
	return 0;
}
