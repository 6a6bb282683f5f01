// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "agreement.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../log/log.h"
#include "agreement_form.h"

struct agreement_time agreement_time(const struct fog_agreement *a, uint64_t now_ns)
{
	uint64_t epoch_ns = a->p.network->epoch_s * UINT64_C(1000000000), eighth = epoch_ns / 8;
	struct agreement_time t = {
	        .epoch = now_ns / epoch_ns, .now_ns = now_ns, .eighth_ns = eighth};

	// Nothing is late for the first epoch of all.
	t.target = now_ns < AT_BEGIN * eighth ? 1 : (now_ns - AT_BEGIN * eighth) / epoch_ns + 1;
	t.at_ns = now_ns - (t.target - 1) * epoch_ns;
	return t;
}

const struct fog_consensus *agreement_previous(const struct fog_agreement *a, uint64_t target)
{
	return fog_view_newest(a->p.view, target - 1);
}

uint64_t token_of(enum fog_statement_kind kind, uint64_t epoch, unsigned authority, unsigned which)
{
	return epoch << 16 | (uint64_t)kind << 12 | authority << 4 | which;
}

void agreement_prove(
        struct fog_agreement *a, enum fog_statement_kind kind, unsigned authority,
        const uint8_t *digest[2], const uint8_t *signature[2]
)
{
	struct fog_equivocation e = {.kind = kind, .epoch = a->round.epoch};
	uint8_t proof[FOG_EQUIVOCATION_LEN];

	memcpy(e.network, a->network, 32);
	memcpy(e.identity, a->p.network->authority[authority].identity, 32);
	for (unsigned i = 0; i < 2; i++) {
		memcpy(e.said[i].digest, digest[i], 32);
		memcpy(e.said[i].signature, signature[i], 64);
	}
	fog_equivocation_put(&e, proof);
	int r = fog_view_prove(a->p.view, proof);
	if (r < 0 && r != -ENOSPC)
		LOG_ERR("proof against authority '%s': %s: make room in the state folder",
		        a->p.network->authority[authority].name, strerror(-r));
}

static void round_begin(struct fog_agreement *a, uint64_t epoch)
{
	struct agreement_round *r = &a->round;

	if (r->consensus != NULL && !r->published)
		LOG_WARN(
		        "epoch %" PRIu64 " has no consensus: too few have signed what we computed; "
		        "see whether the other authorities run and agree with ours",
		        r->epoch
		);
	votes_clear(r);
	fog_consensus_free(r->consensus);
	*r = (struct agreement_round){.epoch = epoch};
}

void fog_agreement_tick(struct fog_agreement *a, uint64_t now_ns)
{
	struct agreement_time t = agreement_time(a, now_ns);
	struct agreement_round *r = &a->round;

	if (t.target > r->epoch) {
		round_begin(a, t.target);
		descriptors_prune(a, now_ns);
		fog_view_prune(a->p.view, t.epoch);
	}
	// A clock that went back: what was done stays done.
	if (t.target < r->epoch)
		return;
	if (!r->voted && t.at_ns >= AT_VOTE * t.eighth_ns && t.at_ns < AT_FIXED * t.eighth_ns) {
		descriptors_prune(a, now_ns); // the operator may have refused somebody since
		votes_make(a, &t);
	}
	if (t.at_ns < AT_FIXED * t.eighth_ns)
		return;
	r->fixed = true;
	if (!r->tried)
		signatures_make(a);
	signatures_publish(a, &t);
}

bool fog_agreement_next(
        const struct fog_agreement *a, unsigned to, uint64_t now_ns, struct fog_agreement_message *m
)
{
	struct agreement_time t = agreement_time(a, now_ns);

	if (to == a->p.self || t.target != a->round.epoch)
		return false;
	return votes_next(a, to, &t, m) || signatures_next(a, to, m);
}

void fog_agreement_sent(struct fog_agreement *a, unsigned to, uint64_t token)
{
	unsigned kind = token >> 12 & 15, authority = token >> 4 & 255, which = token & 15;
	uint16_t bit = (uint16_t)(1u << to);

	if (token >> 16 != a->round.epoch || authority >= FOG_AUTHORITIES_MAX ||
	    which >= AGREEMENT_SAID_MAX)
		return;
	if (kind == FOG_STATEMENT_VOTE)
		a->round.vote[authority][which].told |= bit;
	else
		a->round.signature[authority][which].told |= bit;
}

bool fog_agreement_lacks(const struct fog_agreement *a, uint64_t now_ns)
{
	struct agreement_time t = agreement_time(a, now_ns);

	if (t.target == t.epoch + 1 && t.at_ns >= AT_FIXED * t.eighth_ns)
		return fog_view_exact(a->p.view, t.target) == NULL;
	return fog_view_exact(a->p.view, t.epoch) == NULL;
}

int fog_agreement_create(const struct fog_agreement_params *params, struct fog_agreement **out)
{
	struct fog_agreement *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return -ENOMEM;
	a->p = *params;
	fog_network_hash(params->network, a->network);
	*out = a;
	return 0;
}

void fog_agreement_destroy(struct fog_agreement *a)
{
	if (a == NULL)
		return;
	votes_clear(&a->round);
	fog_consensus_free(a->round.consensus);
	for (unsigned i = 0; i < a->node_count; i++)
		free(a->node[i]);
	free(a);
}
