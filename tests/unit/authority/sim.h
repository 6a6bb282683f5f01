// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Authorities on simulated time and a network that loses messages and answers. Authority LIAR is the
// test's own: it has the keys and no agreement of its own while 'lies' is set.
#pragma once

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../controlplane/authority/agreement.h"
#include "../directory/parts.h"
#include "../run.h"

enum { SIM_COUNT = PARTS_AUTHORITIES, SIM_STEPS = 128, SIM_SAID_MAX = 64, SIM_LIAR = 3 };

#define SIM_EPOCH_NS (UINT64_C(600) * 1000000000)

struct sim_said {
	enum fog_statement_kind kind;
	uint64_t epoch;
	size_t len;
	uint8_t *data;
};

struct sim_authority {
	struct fog_agreement *agreement; // NULL: it is down
	struct fog_view *view;
	int64_t ahead_ns; // its clock
	char dir[64];
	unsigned said_count;
	struct sim_said said[SIM_SAID_MAX]; // outlives restarts
	bool disk_full;
};

struct sim {
	struct parts *p;
	uint64_t now_ns;
	unsigned loss; // of 100 messages, and of 100 answers
	bool lies;
	uint64_t random;
	struct sim_authority a[SIM_COUNT];
};

// xorshift64*: the same run for the same seed.
static inline unsigned sim_random(struct sim *s, unsigned below)
{
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return (unsigned)((s->random * 2685821657736338717u) >> 33) % below;
}

static inline struct sim_said *sim_said_find(
        struct sim_authority *a, enum fog_statement_kind kind, uint64_t epoch
)
{
	for (unsigned i = 0; i < a->said_count; i++)
		if (a->said[i].kind == kind && a->said[i].epoch == epoch)
			return &a->said[i];
	return NULL;
}

static inline int sim_save(
        void *ctx, enum fog_statement_kind kind, uint64_t epoch, const void *data, size_t len
)
{
	struct sim_authority *a = ctx;

	if (a->disk_full)
		return -ENOSPC;
	CU_ASSERT_PTR_NULL_FATAL(sim_said_find(a, kind, epoch));
	CU_ASSERT_FATAL(a->said_count < SIM_SAID_MAX);
	struct sim_said *s = &a->said[a->said_count++];
	*s = (struct sim_said){.kind = kind, .epoch = epoch, .len = len, .data = malloc(len)};
	memcpy(s->data, data, len);
	return 0;
}

static inline int sim_load(
        void *ctx, enum fog_statement_kind kind, uint64_t epoch, uint8_t **data, size_t *len
)
{
	const struct sim_said *s = sim_said_find(ctx, kind, epoch);

	if (s == NULL)
		return -ENOENT;
	*data = malloc(s->len);
	memcpy(*data, s->data, s->len);
	*len = s->len;
	return 0;
}

static inline bool sim_denies(void *ctx, const uint8_t id[FOG_ID_LEN])
{
	return false;
}

static inline uint64_t sim_now(const struct sim *s, unsigned i)
{
	return s->now_ns + (uint64_t)s->a[i].ahead_ns;
}

static inline void sim_up(struct sim *s, unsigned i)
{
	static const struct fog_agreement_ops ops = {
	        .save = sim_save, .load = sim_load, .denies = sim_denies};
	struct sim_authority *a = &s->a[i];

	CU_ASSERT_EQUAL_FATAL(fog_view_create(&s->p->net, a->dir, &a->view), 0);
	const struct fog_agreement_params params = {
	        .network = &s->p->net,
	        .self = i,
	        .secret_key = s->p->authority[i].secret,
	        .vrf_seed = s->p->authority[i].vrf_seed,
	        .view = a->view,
	        .ops = &ops,
	        .ctx = a,
	};
	CU_ASSERT_EQUAL_FATAL(fog_agreement_create(&params, &a->agreement), 0);
	fog_agreement_tick(a->agreement, sim_now(s, i));
}

static inline void sim_down(struct sim *s, unsigned i)
{
	fog_agreement_destroy(s->a[i].agreement);
	fog_view_destroy(s->a[i].view);
	s->a[i].agreement = NULL;
	s->a[i].view = NULL;
}

// Starts at the beginning of the epoch before the first that has a consensus.
static inline struct sim *sim_make(unsigned nodes, unsigned loss, uint64_t seed)
{
	struct sim *s = calloc(1, sizeof(*s));

	s->p = parts_make(nodes);
	s->loss = loss;
	s->random = seed * 2654435761u + 88172645463325252u;
	s->now_ns = (PARTS_EPOCH - 1) * SIM_EPOCH_NS;
	for (unsigned i = 0; i < SIM_COUNT; i++) {
		snprintf(s->a[i].dir, sizeof(s->a[i].dir), "/tmp/fogline-authority-XXXXXX");
		CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(s->a[i].dir));
		sim_up(s, i);
	}
	return s;
}

static inline void sim_free(struct sim *s)
{
	char command[128];

	for (unsigned i = 0; i < SIM_COUNT; i++) {
		sim_down(s, i);
		for (unsigned k = 0; k < s->a[i].said_count; k++)
			free(s->a[i].said[k].data);
		snprintf(command, sizeof(command), "rm -r '%s'", s->a[i].dir);
		CU_ASSERT_EQUAL(system(command), 0);
	}
	parts_free(s->p);
	free(s);
}

static inline uint64_t sim_epoch(const struct sim *s)
{
	return s->now_ns / SIM_EPOCH_NS;
}

// Nodes describe themselves for the next epoch, to everybody who is there and knows the last consensus.
static inline void sim_upload(struct sim *s)
{
	const struct fog_consensus *previous = NULL;
	char text[FOG_JUDGE_TEXT_LEN];

	for (unsigned i = 0; i < SIM_COUNT; i++) {
		const struct fog_consensus *c = s->a[i].view != NULL
		        ? fog_view_newest(s->a[i].view, sim_epoch(s))
		        : NULL;
		if (c != NULL && (previous == NULL || c->epoch > previous->epoch))
			previous = c;
	}
	for (unsigned n = 0; n < s->p->count; n++) {
		struct parts_node *node = &s->p->node[n];
		node->d.time_ms = s->now_ns / 1000000;
		parts_renew(s->p, node, sim_epoch(s) + 1, previous);
		for (unsigned i = 0; i < SIM_COUNT; i++)
			if (s->a[i].agreement != NULL)
				CU_ASSERT_EQUAL(
				        fog_agreement_descriptor(
				                s->a[i].agreement, node->data, node->len,
				                sim_now(s, i), text
				        ),
				        FOG_REFUSAL_NONE
				);
	}
}

// What authority 'to' makes of a message; a lying one hears nothing.
static inline int sim_deliver(
        struct sim *s, unsigned to, enum fog_statement_kind kind, const uint8_t *data, size_t len
)
{
	struct fog_agreement *a = s->a[to].agreement;

	if (a == NULL)
		return -EHOSTDOWN;
	return kind == FOG_STATEMENT_VOTE ? fog_agreement_vote(a, data, len, sim_now(s, to))
	                                  : fog_agreement_signature(a, data, len, sim_now(s, to));
}

static inline void sim_exchange(struct sim *s, unsigned from, unsigned to)
{
	struct fog_agreement_message m;

	for (unsigned tries = 0; tries < 3; tries++) {
		if (!fog_agreement_next(s->a[from].agreement, to, sim_now(s, from), &m))
			return;
		bool lost = sim_random(s, 100) < s->loss;
		int r = lost ? -1 : sim_deliver(s, to, m.kind, m.data, m.len);
		free(m.data);
		if (r >= 0 && sim_random(s, 100) >= s->loss)
			fog_agreement_sent(s->a[from].agreement, to, m.token);
	}
}

// As peers' threads ask each other, of a random one.
static inline void sim_fetch(struct sim *s, unsigned i)
{
	unsigned from = sim_random(s, SIM_COUNT);
	bool news;

	if (s->a[from].view == NULL || from == i ||
	    !fog_agreement_lacks(s->a[i].agreement, sim_now(s, i)))
		return;
	const struct fog_consensus *c =
	        fog_view_newest(s->a[from].view, sim_now(s, i) / SIM_EPOCH_NS + 1);
	if (c != NULL)
		fog_view_take(s->a[i].view, c->data, c->len, sim_now(s, i), &news);
}

static inline void sim_step(struct sim *s)
{
	s->now_ns += SIM_EPOCH_NS / SIM_STEPS;
	for (unsigned i = 0; i < SIM_COUNT; i++) {
		if (s->a[i].agreement == NULL || (s->lies && i == SIM_LIAR))
			continue;
		fog_agreement_tick(s->a[i].agreement, sim_now(s, i));
		for (unsigned to = 0; to < SIM_COUNT; to++)
			if (to != i)
				sim_exchange(s, i, to);
		sim_fetch(s, i);
	}
}

// To so many 128ths of the present epoch; 128 is the start of the next.
static inline void sim_until(struct sim *s, unsigned step)
{
	uint64_t end = sim_epoch(s) * SIM_EPOCH_NS + step * (SIM_EPOCH_NS / SIM_STEPS);

	while (s->now_ns < end)
		sim_step(s);
}

// Returns the digest's authority bits: which honest ones have a consensus of 'epoch'; all must be equal.
static inline unsigned sim_agreed(const struct sim *s, uint64_t epoch)
{
	const struct fog_consensus *first = NULL;
	unsigned have = 0;

	for (unsigned i = 0; i < SIM_COUNT; i++) {
		const struct fog_consensus *c = s->a[i].view != NULL
		        ? fog_view_exact(s->a[i].view, epoch)
		        : NULL;
		if (c == NULL || (s->lies && i == SIM_LIAR))
			continue;
		have |= 1u << i;
		if (first != NULL)
			CU_ASSERT_EQUAL(memcmp(first->digest, c->digest, 32), 0);
		first = c;
	}
	return have;
}

// Every proof is good and against the liar. Returns bits of who has one of this kind.
static inline unsigned sim_proofs(const struct sim *s, enum fog_statement_kind kind)
{
	unsigned have = 0, count;

	for (unsigned i = 0; i < SIM_COUNT; i++) {
		const uint8_t *p = s->a[i].view != NULL ? fog_view_proofs(s->a[i].view, &count)
		                                        : NULL;
		for (unsigned k = 0; p != NULL && k < count; k++) {
			struct fog_equivocation e;
			CU_ASSERT_EQUAL(
			        fog_equivocation_open(
			                p + k * FOG_EQUIVOCATION_LEN, FOG_EQUIVOCATION_LEN, &e
			        ),
			        0
			);
			CU_ASSERT_EQUAL(
			        memcmp(e.identity, s->p->authority[SIM_LIAR].identity, 32), 0
			);
			have |= e.kind == kind ? 1u << i : 0;
		}
	}
	return have;
}
