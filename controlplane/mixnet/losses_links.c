// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Loss of each link, from loops of which only the two ends are seen: expectation-maximization (Dempster,
// Laird, Rubin 1977; for networks: Coates and Nowak 2000). Formulas: README.md.
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "losses_private.h"

enum { WE = UINT16_MAX, ROUNDS_MAX = 200, HASH_FULL = 2 };

#define SETTLED 1e-6 // change of every estimate between two rounds

struct links_link {
	uint16_t from, to;
	bool used;
	uint64_t sent, lost;
	double loss;
	double here, came; // expected in a round: lost here; came as far as this link
};

// All links, by a hash of both ends, open addressing; 'size' is a power of two.
struct links_table {
	uint32_t size, count;
	struct links_link *link;
};

static struct links_link *links_find(struct links_table *t, uint16_t from, uint16_t to)
{
	uint32_t at = ((uint32_t)from << 16 | to) * UINT32_C(2654435761);

	at ^= at >> 15;
	for (at &= t->size - 1; t->link[at].used; at = (at + 1) & (t->size - 1))
		if (t->link[at].from == from && t->link[at].to == to)
			return &t->link[at];
	t->link[at] = (struct links_link){.from = from, .to = to, .used = true};
	t->count++;
	return &t->link[at];
}

// Links of a loop in order: from us over its nodes and back.
static unsigned links_of(
        struct links_table *t, const struct losses_loop *loop,
        struct links_link *out[FOG_SPHINX_SLOTS_MAX + 1]
)
{
	for (unsigned i = 0; i <= loop->hops; i++)
		out[i] = links_find(
		        t, i == 0 ? WE : loop->node[i - 1], i == loop->hops ? WE : loop->node[i]
		);
	return loop->hops + 1u;
}

static int links_create(const struct fog_losses *l, struct links_table *t)
{
	const struct losses_loop *loop;
	struct losses_cursor c = {0};
	uint64_t most = 1;

	while ((loop = losses_next(l, 0, &c)) != NULL)
		most += loop->hops + 1u;
	if (most > (uint64_t)(LOSSES_NODES_MAX + 1) * (LOSSES_NODES_MAX + 1))
		most = (uint64_t)(LOSSES_NODES_MAX + 1) * (LOSSES_NODES_MAX + 1);
	for (t->size = 16; t->size < HASH_FULL * most; t->size *= 2)
		;
	t->count = 0;
	t->link = calloc(t->size, sizeof(t->link[0]));
	return t->link != NULL ? 0 : -ENOMEM;
}

// Every link begins with the same share of what was lost.
static void links_begin(const struct fog_losses *l, struct links_table *t)
{
	struct links_link *way[FOG_SPHINX_SLOTS_MAX + 1];
	const struct losses_loop *loop;
	struct losses_cursor c = {0};
	uint64_t sent = 0, lost = 0, links = 0;

	while ((loop = losses_next(l, 0, &c)) != NULL) {
		unsigned n = links_of(t, loop, way);
		for (unsigned i = 0; i < n; i++) {
			way[i]->sent++;
			way[i]->lost += loop->lost;
		}
		sent++;
		lost += loop->lost;
		links += n;
	}
	for (uint32_t i = 0; i < t->size; i++)
		t->link[i].loss = 1 - pow(1 - (lost + 0.5) / (sent + 1.0), (double)sent / links);
}

// Where a lost loop was lost: at the i-th link with a probability proportional to
// (1 - q1) ... (1 - q(i-1)) qi; it came there when it was lost there or later.
static void links_expect(struct links_link **way, unsigned n, bool lost)
{
	double through = 1, all = 0, part[FOG_SPHINX_SLOTS_MAX + 1], later = 0;

	if (!lost) {
		for (unsigned i = 0; i < n; i++)
			way[i]->came += 1;
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		part[i] = through * way[i]->loss;
		all += part[i];
		through *= 1 - way[i]->loss;
	}
	for (unsigned i = n; i-- > 0 && all > 0;) {
		later += part[i] / all;
		way[i]->here += part[i] / all;
		way[i]->came += later;
	}
}

// Returns the largest change of an estimate.
static double links_round(const struct fog_losses *l, struct links_table *t)
{
	struct links_link *way[FOG_SPHINX_SLOTS_MAX + 1];
	const struct losses_loop *loop;
	struct losses_cursor c = {0};
	double change = 0;

	for (uint32_t i = 0; i < t->size; i++)
		t->link[i].here = t->link[i].came = 0;
	while ((loop = losses_next(l, 0, &c)) != NULL)
		links_expect(way, links_of(t, loop, way), loop->lost);
	for (uint32_t i = 0; i < t->size; i++) {
		struct links_link *k = &t->link[i];
		if (!k->used || k->came <= 0)
			continue;
		double loss = k->here / k->came;
		change = fmax(change, fabs(loss - k->loss));
		k->loss = loss;
	}
	return change;
}

unsigned fog_losses_links(const struct fog_losses *l, struct fog_losses_link *out, unsigned max)
{
	struct links_table t;
	unsigned n = 0;

	if (links_create(l, &t) < 0)
		return 0;
	links_begin(l, &t);
	for (unsigned i = 0; i < ROUNDS_MAX && links_round(l, &t) > SETTLED; i++)
		;
	for (uint32_t i = 0; i < t.size; i++) {
		const struct links_link *k = &t.link[i];
		if (!k->used)
			continue;
		if (n < max) {
			memset(&out[n], 0, sizeof(out[n]));
			if (k->from != WE)
				memcpy(out[n].from, l->node[k->from].id, FOG_ID_LEN);
			if (k->to != WE)
				memcpy(out[n].to, l->node[k->to].id, FOG_ID_LEN);
			out[n].sent = k->sent;
			out[n].lost = k->lost;
			out[n].loss = k->loss;
		}
		n++;
	}
	free(t.link);
	return n;
}
