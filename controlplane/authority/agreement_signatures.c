// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../log/log.h"
#include "../big_endian.h"
#include "agreement_form.h"

enum { PUBLISH_TRIES = 16 }; // in an eighth, when it can't be written

// What we have said of this epoch, if anything, stands.
static int consensus_may_sign(struct fog_agreement *a, const struct fog_consensus *c)
{
	uint8_t *said = NULL;
	size_t len;
	int r = a->p.ops->load(a->p.ctx, FOG_STATEMENT_CONSENSUS, c->epoch, &said, &len);

	if (r == 0)
		r = len == 32 && memcmp(said, c->digest, 32) == 0 ? 0 : -EALREADY;
	else if (r == -ENOENT)
		r = a->p.ops->save(a->p.ctx, FOG_STATEMENT_CONSENSUS, c->epoch, c->digest, 32);
	free(said);
	return r;
}

static int consensus_sign(struct fog_agreement *a, const struct fog_consensus *c)
{
	struct agreement_signature *own = &a->round.signature[a->p.self][0];
	struct fog_statement s = fog_consensus_statement(c);
	int r = consensus_may_sign(a, c);

	if (r < 0) {
		LOG_ERR("consensus of epoch %" PRIu64
		        " is not signed: %s: see to the state folder; the others go on without us",
		        c->epoch,
		        r == -EALREADY ? "another one was before a restart" : strerror(-r));
		return r;
	}
	memcpy(own->digest, c->digest, 32);
	fog_statement_sign(&s, a->p.secret_key, own->signature);
	own->there = true;
	return 0;
}

// Of one authority: its vote, when it has one that counts and not two.
static const struct fog_vote *vote_of(struct agreement_round *r, unsigned authority)
{
	const struct agreement_vote *said = r->vote[authority];
	bool first = said[0].vote != NULL && said[0].counts;
	bool second = said[1].vote != NULL && said[1].counts;

	if (first && second) {
		r->lied |= (uint16_t)(1u << authority);
		return NULL;
	}
	return first ? said[0].vote : second ? said[1].vote : NULL;
}

static bool names(const struct fog_vote *v, const struct fog_consensus *c)
{
	static const uint8_t none[32];

	return memcmp(v->previous_digest, c != NULL ? c->digest : none, 32) == 0;
}

// Those votes count together that name one previous consensus: the one that most name, of those that we have.
static const struct fog_consensus *votes_previous(
        const struct fog_agreement *a, const struct fog_vote *const *votes, unsigned *count
)
{
	const struct fog_consensus *best = NULL;

	*count = 0;
	for (unsigned i = 0; i < a->p.network->authority_count; i++) {
		if (votes[i] == NULL)
			continue;
		const struct fog_consensus *c = fog_view_exact(a->p.view, votes[i]->previous_epoch);
		unsigned n = 0;
		c = c != NULL && names(votes[i], c) ? c : NULL;
		for (unsigned k = 0; k < a->p.network->authority_count; k++)
			n += votes[k] != NULL && names(votes[k], c);
		if (n <= *count)
			continue;
		*count = n;
		best = c;
	}
	return best;
}

void signatures_make(struct fog_agreement *a)
{
	const struct fog_vote *votes[FOG_AUTHORITIES_MAX] = {0};
	struct agreement_round *r = &a->round;
	unsigned came = 0, count;

	r->tried = true;
	for (unsigned i = 0; i < a->p.network->authority_count; i++) {
		votes[i] = vote_of(r, i);
		came += votes[i] != NULL;
	}
	const struct fog_consensus *previous = votes_previous(a, votes, &count);
	int ret = fog_consensus_compute(
	        a->p.network, r->epoch, votes, r->lied, previous, &r->consensus
	);
	if (ret == -ENODATA)
		LOG_WARN(
		        "epoch %" PRIu64 " gets no consensus from us: %u votes have come, %u of "
		        "them name a previous one that we have, %u are needed; see whether the "
		        "other authorities run, and the clocks",
		        r->epoch, came, count, a->p.network->threshold
		);
	else if (ret < 0)
		LOG_ERR("consensus of epoch %" PRIu64 ": %s: free memory", r->epoch,
		        strerror(-ret));
	else
		consensus_sign(a, r->consensus);
}

static unsigned signatures_collect(
        const struct fog_agreement *a, struct fog_consensus_signature out[FOG_AUTHORITIES_MAX]
)
{
	unsigned count = 0;

	for (unsigned i = 0; i < a->p.network->authority_count; i++) {
		for (unsigned k = 0; k < AGREEMENT_SAID_MAX; k++) {
			const struct agreement_signature *s = &a->round.signature[i][k];
			if (!s->there || memcmp(s->digest, a->round.consensus->digest, 32) != 0)
				continue;
			out[count].authority = (uint8_t)i;
			memcpy(out[count++].signature, s->signature, 64);
		}
	}
	return count;
}

void signatures_publish(struct fog_agreement *a, const struct agreement_time *t)
{
	struct fog_consensus_signature all[FOG_AUTHORITIES_MAX];
	struct agreement_round *r = &a->round;
	bool news = false;

	if (r->consensus == NULL || r->published || t->at_ns < r->publish_ns)
		return;
	unsigned count = signatures_collect(a, all);
	if (count < a->p.network->threshold)
		return;
	int ret = fog_consensus_set_signatures(r->consensus, all, count);
	if (ret == 0)
		ret = fog_view_take(
		        a->p.view, r->consensus->data, r->consensus->len, t->now_ns, &news
		);
	if (ret < 0) {
		// Logged by the view. Each try verifies all of it and takes another line.
		r->publish_ns = t->at_ns + t->eighth_ns / PUBLISH_TRIES;
		return;
	}
	r->published = true;
	if (ret == FOG_REFUSAL_NONE)
		LOG_INFO(
		        "consensus of epoch %" PRIu64 ": %u nodes, %u left out, %u signatures",
		        r->epoch, r->consensus->node_count, r->consensus->left_count, count
		);
	else
		LOG_ERR("consensus of epoch %" PRIu64
		        " can't be taken: %s: compare the network files and versions of all "
		        "authorities",
		        r->epoch, fog_refusal_text((enum fog_refusal)ret));
}

int fog_agreement_signature(
        struct fog_agreement *a, const uint8_t *data, size_t len, uint64_t now_ns
)
{
	struct fog_statement s = {.kind = FOG_STATEMENT_CONSENSUS};
	struct agreement_time t = agreement_time(a, now_ns);
	unsigned by, i = 0;

	if (len != FOG_AGREEMENT_SIGNATURE || data[1] != 0 || data[2] != 0 || data[3] != 0 ||
	    (by = data[0]) >= a->p.network->authority_count)
		return FOG_REFUSAL_MALFORMED;
	memcpy(s.network, a->network, 32);
	s.epoch = fog_be_get(data + 4, 8);
	memcpy(s.digest, data + 12, 32);
	if (s.epoch != t.target || t.target != a->round.epoch)
		return FOG_REFUSAL_EPOCH;
	struct agreement_signature *slot = a->round.signature[by];
	while (i < AGREEMENT_SAID_MAX && slot[i].there && memcmp(slot[i].digest, s.digest, 32) != 0)
		i++;
	if (i == AGREEMENT_SAID_MAX || slot[i].there)
		return FOG_REFUSAL_NONE;
	if (fog_statement_verify(&s, a->p.network->authority[by].identity, data + 44) < 0)
		return FOG_REFUSAL_SIGNATURE;
	slot[i].there = true;
	memcpy(slot[i].digest, s.digest, 32);
	memcpy(slot[i].signature, data + 44, 64);
	if (i > 0)
		agreement_prove(
		        a, FOG_STATEMENT_CONSENSUS, by,
		        (const uint8_t *[2]){slot[0].digest, slot[1].digest},
		        (const uint8_t *[2]){slot[0].signature, slot[1].signature}
		);
	return FOG_REFUSAL_NONE;
}

// Others' too: whoever signed two things and showed each to somebody else is found out so.
bool signatures_next(const struct fog_agreement *a, unsigned to, struct fog_agreement_message *m)
{
	for (unsigned i = 0; i < a->p.network->authority_count; i++) {
		for (unsigned k = 0; i != to && k < AGREEMENT_SAID_MAX; k++) {
			const struct agreement_signature *s = &a->round.signature[i][k];
			if (!s->there || s->told >> to & 1)
				continue;
			m->kind = FOG_STATEMENT_CONSENSUS;
			m->token = token_of(FOG_STATEMENT_CONSENSUS, a->round.epoch, i, k);
			m->len = FOG_AGREEMENT_SIGNATURE;
			if ((m->data = calloc(1, m->len)) == NULL)
				return false;
			m->data[0] = (uint8_t)i;
			uint8_t *at = fog_be_put(m->data + 4, a->round.epoch, 8);
			at = mempcpy(at, s->digest, 32);
			memcpy(at, s->signature, 64);
			return true;
		}
	}
	return false;
}
