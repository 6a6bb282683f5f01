// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../../log/log.h"
#include "../big_endian.h"
#include "../directory/beacon.h"
#include "../vrf/vrf.h"
#include "agreement_form.h"

enum { RELAY_LABEL = 17, RELAY_TEXT = RELAY_LABEL + 32 + 8 + 32 };

static const char relay_label[RELAY_LABEL] = "fogline relay v1";

static void relay_text(
        const struct fog_agreement *a, const struct fog_vote *v, uint8_t out[RELAY_TEXT]
)
{
	uint8_t *at = mempcpy(out, relay_label, sizeof(relay_label));

	at = mempcpy(at, a->network, 32);
	at = fog_be_put(at, v->epoch, 8);
	memcpy(at, v->digest, 32);
}

static int vote_open_saved(struct fog_agreement *a, uint64_t epoch, struct fog_vote **out)
{
	uint8_t *data = NULL;
	size_t len;
	int r = a->p.ops->load(a->p.ctx, FOG_STATEMENT_VOTE, epoch, &data, &len);

	if (r == 0 && fog_vote_open(data, len, a->p.network, out) != FOG_REFUSAL_NONE)
		r = -EBADMSG;
	if (r == 0 && ((*out)->epoch != epoch || (*out)->authority != a->p.self)) {
		free(*out);
		r = -EBADMSG;
	}
	free(data);
	return r;
}

static int vote_write(struct fog_agreement *a, uint64_t epoch, uint8_t **data, size_t *len)
{
	const struct fog_consensus *previous = agreement_previous(a, epoch);
	const uint8_t *descriptor[FOG_NODES_MAX];
	size_t descriptor_len[FOG_NODES_MAX];
	uint8_t alpha[FOG_BEACON_SHARE_LEN], beacon[32], share[80];
	struct fog_vote_content c = {
	        .authority = a->p.self,
	        .epoch = epoch,
	        .rates = a->p.network->cover,
	        .share = share,
	        .count = a->node_count,
	        .descriptor = descriptor,
	        .descriptor_len = descriptor_len,
	};

	memcpy(c.network, a->network, 32);
	if (previous != NULL) {
		c.previous_epoch = previous->epoch;
		memcpy(c.previous_digest, previous->digest, 32);
	}
	for (unsigned i = 0; i < a->node_count; i++) {
		descriptor[i] = a->node[i]->data;
		descriptor_len[i] = a->node[i]->len;
	}
	fog_consensus_beacon(previous, a->network, epoch - 1, beacon);
	fog_beacon_share(a->network, epoch, beacon, alpha);
	int r = fog_vrf_prove(a->p.vrf_seed, alpha, sizeof(alpha), share);
	return r < 0 ? r : fog_vote_make(&c, a->p.secret_key, data, len);
}

// Another vote of the same author, late or not, proves that it lies.
static void votes_compare(struct fog_agreement *a, const struct fog_vote *v)
{
	const struct agreement_vote *known = a->round.vote[v->authority];

	for (unsigned i = 0; i < AGREEMENT_SAID_MAX; i++) {
		if (known[i].vote == NULL)
			continue;
		agreement_prove(
		        a, FOG_STATEMENT_VOTE, v->authority,
		        (const uint8_t *[2]){known[i].vote->digest, v->digest},
		        (const uint8_t *[2]){known[i].vote->signature, v->signature}
		);
		return;
	}
}

// Takes 'v' over.
static enum fog_refusal vote_keep(
        struct fog_agreement *a, struct fog_vote *v, bool direct, bool in_time
)
{
	struct agreement_vote *slot = a->round.vote[v->authority], *place = NULL;

	for (unsigned i = 0; i < AGREEMENT_SAID_MAX; i++) {
		if (slot[i].vote != NULL && memcmp(slot[i].vote->digest, v->digest, 32) == 0) {
			// Known: all that can be new is that it has come in time after all.
			slot[i].counts |= in_time;
			bool counts = slot[i].counts;
			free(v);
			return counts ? FOG_REFUSAL_NONE : FOG_REFUSAL_EPOCH;
		}
		if (place == NULL && slot[i].vote == NULL)
			place = &slot[i];
	}
	votes_compare(a, v);
	// Late ones keep no place from those that count: what counts must be the same for everybody.
	for (unsigned i = 0; place == NULL && in_time && i < AGREEMENT_SAID_MAX; i++)
		if (!slot[i].counts)
			place = &slot[i];
	if (place == NULL) {
		free(v);
		return in_time ? FOG_REFUSAL_NONE : FOG_REFUSAL_EPOCH;
	}
	free(place->vote);
	*place = (struct agreement_vote
	){.vote = v, .counts = in_time, .relay = direct && in_time && v->authority != a->p.self};
	return in_time ? FOG_REFUSAL_NONE : FOG_REFUSAL_EPOCH;
}

// A vote that was signed before a restart is the vote, whatever we would say now.
void votes_make(struct fog_agreement *a, const struct agreement_time *t)
{
	struct fog_vote *own = NULL;
	uint8_t *data = NULL;
	size_t len = 0;
	int r = vote_open_saved(a, t->target, &own);

	a->round.voted = true;
	if (r == -ENOENT && t->at_ns >= AT_RELAY * t->eighth_ns)
		return; // nobody would take it any more
	if (r == -ENOENT) {
		r = vote_write(a, t->target, &data, &len);
		if (r == 0)
			r = a->p.ops->save(a->p.ctx, FOG_STATEMENT_VOTE, t->target, data, len);
		if (r == 0 && fog_vote_open(data, len, a->p.network, &own) != FOG_REFUSAL_NONE)
			r = -EBADMSG;
		free(data);
	}
	if (r < 0) {
		LOG_ERR("no vote for epoch %" PRIu64
		        ": %s: see to the state folder; the others go on without it",
		        t->target, strerror(-r));
		return;
	}
	LOG_INFO("vote for epoch %" PRIu64 ": %u nodes", t->target, own->count);
	vote_keep(a, own, false, true);
}

void votes_clear(struct agreement_round *r)
{
	for (unsigned i = 0; i < FOG_AUTHORITIES_MAX; i++)
		for (unsigned k = 0; k < AGREEMENT_SAID_MAX; k++)
			free(r->vote[i][k].vote);
}

// From its author, or from an authority that says that it had it from him.
static enum fog_refusal vote_way(
        const struct fog_agreement *a, const uint8_t *data, const struct fog_vote *v, bool *direct
)
{
	uint8_t text[RELAY_TEXT];
	unsigned by = data[0];

	*direct = by == FOG_AGREEMENT_AUTHOR;
	if (*direct)
		return sodium_is_zero(data + 4, 64) ? FOG_REFUSAL_NONE : FOG_REFUSAL_MALFORMED;
	if (by >= a->p.network->authority_count || by == v->authority || by == a->p.self)
		return FOG_REFUSAL_MALFORMED;
	relay_text(a, v, text);
	return crypto_sign_verify_detached(
	               data + 4, text, sizeof(text), a->p.network->authority[by].identity
	       ) == 0
	        ? FOG_REFUSAL_NONE
	        : FOG_REFUSAL_SIGNATURE;
}

int fog_agreement_vote(struct fog_agreement *a, const uint8_t *data, size_t len, uint64_t now_ns)
{
	struct agreement_time t = agreement_time(a, now_ns);
	struct fog_vote *v = NULL;
	bool direct = false;
	int r;

	if (len < FOG_AGREEMENT_RELAY || data[1] != 0 || data[2] != 0 || data[3] != 0)
		return FOG_REFUSAL_MALFORMED;
	r = fog_vote_open(data + FOG_AGREEMENT_RELAY, len - FOG_AGREEMENT_RELAY, a->p.network, &v);
	if (r != FOG_REFUSAL_NONE)
		return r;
	r = (int)vote_way(a, data, v, &direct);
	// Before the first tick of a round its votes have no place yet.
	if (r == FOG_REFUSAL_NONE && (v->epoch != t.target || t.target != a->round.epoch))
		r = FOG_REFUSAL_EPOCH;
	if (r != FOG_REFUSAL_NONE) {
		free(v);
		return r;
	}
	bool in_time = !a->round.fixed &&
	        t.at_ns < (uint64_t)(direct ? AT_RELAY : AT_FIXED) * t.eighth_ns;
	return (int)vote_keep(a, v, direct, in_time);
}

static bool vote_message(
        const struct fog_agreement *a, unsigned author, unsigned which,
        struct fog_agreement_message *m
)
{
	const struct fog_vote *v = a->round.vote[author][which].vote;
	uint8_t text[RELAY_TEXT];

	m->kind = FOG_STATEMENT_VOTE;
	m->token = token_of(FOG_STATEMENT_VOTE, a->round.epoch, author, which);
	m->len = FOG_AGREEMENT_RELAY + v->len;
	if ((m->data = calloc(1, m->len)) == NULL)
		return false;
	m->data[0] = FOG_AGREEMENT_AUTHOR;
	if (author != a->p.self) {
		m->data[0] = (uint8_t)a->p.self;
		relay_text(a, v, text);
		crypto_sign_detached(m->data + 4, NULL, text, sizeof(text), a->p.secret_key);
	}
	memcpy(m->data + FOG_AGREEMENT_RELAY, v->data, v->len);
	return true;
}

bool votes_next(
        const struct fog_agreement *a, unsigned to, const struct agreement_time *t,
        struct fog_agreement_message *m
)
{
	for (unsigned i = 0; i < a->p.network->authority_count; i++) {
		bool own = i == a->p.self;
		if (i == to || t->at_ns >= (uint64_t)(own ? AT_RELAY : AT_FIXED) * t->eighth_ns)
			continue;
		for (unsigned k = 0; k < AGREEMENT_SAID_MAX; k++) {
			const struct agreement_vote *v = &a->round.vote[i][k];
			if (v->vote != NULL && (own || v->relay) && !(v->told >> to & 1))
				return vote_message(a, i, k, m);
		}
	}
	return false;
}

int fog_agreement_votes(const struct fog_agreement *a, uint64_t epoch, uint8_t **data, size_t *len)
{
	size_t all = 0;

	if (epoch != a->round.epoch || !a->round.fixed)
		return -ENOENT;
	for (unsigned i = 0; i < FOG_AUTHORITIES_MAX; i++)
		for (unsigned k = 0; k < AGREEMENT_SAID_MAX; k++)
			if (a->round.vote[i][k].vote != NULL)
				all += 4 + a->round.vote[i][k].vote->len;
	uint8_t *at = *data = malloc(all + 1);
	if (at == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < FOG_AUTHORITIES_MAX; i++)
		for (unsigned k = 0; k < AGREEMENT_SAID_MAX; k++) {
			const struct fog_vote *v = a->round.vote[i][k].vote;
			if (v == NULL)
				continue;
			at = fog_be_put(at, v->len, 4);
			at = mempcpy(at, v->data, v->len);
		}
	*len = all;
	return 0;
}
