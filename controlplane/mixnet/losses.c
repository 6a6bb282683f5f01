// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Loops of the last epochs, and what follows from them for nodes: the alert. What follows for links is
// in losses_links.c. Formulas with their reasons: README.md.
#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "losses_private.h"

static const unsigned losses_windows[] = {1, 2, FOG_LOSSES_KEEP}; // epochs that are judged together

#define WINDOWS (sizeof(losses_windows) / sizeof(losses_windows[0]))

// Loops of a window that pass a node.
struct losses_count {
	uint32_t sent, lost;
	uint32_t shared; // of them, those that pass the node found last, too
};

struct losses_verdict {
	uint16_t node;
	uint32_t sent, lost;
	double log_p, loss;
};

int fog_losses_create(struct fog_losses **out)
{
	*out = calloc(1, sizeof(**out));
	return *out != NULL ? 0 : -ENOMEM;
}

void fog_losses_destroy(struct fog_losses *l)
{
	if (l == NULL)
		return;
	for (unsigned i = 0; i < FOG_LOSSES_KEEP; i++)
		free(l->epoch[i].loop);
	sodium_memzero(l, sizeof(*l));
	free(l);
}

// A node's entry is free again with the last loop that names it.
static void losses_forget(struct fog_losses *l, struct losses_epoch *e)
{
	for (uint32_t i = 0; i < e->count; i++)
		for (unsigned h = 0; h < e->loop[i].hops; h++)
			l->node[e->loop[i].node[h]].uses--;
	free(e->loop);
	memset(e, 0, sizeof(*e));
}

static void losses_advance(struct fog_losses *l, uint64_t epoch)
{
	if (epoch <= l->newest)
		return;
	l->newest = epoch;
	for (unsigned i = 0; i < FOG_LOSSES_KEEP; i++)
		if (l->epoch[i].epoch + FOG_LOSSES_KEEP <= epoch)
			losses_forget(l, &l->epoch[i]);
	l->looks = 0;
	l->look_at = 0;
}

static int losses_node(struct fog_losses *l, const uint8_t id[FOG_ID_LEN])
{
	int spare = -ENOSPC;

	for (unsigned i = 0; i < LOSSES_NODES_MAX; i++) {
		if (l->node[i].uses > 0 && memcmp(l->node[i].id, id, FOG_ID_LEN) == 0)
			return (int)i;
		if (l->node[i].uses == 0 && spare < 0)
			spare = (int)i;
	}
	if (spare >= 0) {
		memset(&l->node[spare], 0, sizeof(l->node[spare]));
		memcpy(l->node[spare].id, id, FOG_ID_LEN);
	}
	return spare;
}

static int losses_room(struct losses_epoch *e)
{
	uint32_t room = e->room == 0 ? 256 : 2 * e->room;

	if (e->count < e->room)
		return 0;
	if (room > LOSSES_LOOPS_MAX)
		return -ENOSPC;
	struct losses_loop *loop = realloc(e->loop, room * sizeof(*loop));
	if (loop == NULL)
		return -ENOMEM;
	e->loop = loop;
	e->room = room;
	return 0;
}

void fog_losses_add(
        struct fog_losses *l, uint64_t epoch, const uint8_t (*hop)[FOG_ID_LEN], unsigned hops,
        bool lost
)
{
	struct losses_epoch *e = &l->epoch[epoch % FOG_LOSSES_KEEP];
	struct losses_loop loop = {.hops = (uint8_t)hops, .lost = lost};

	losses_advance(l, epoch);
	if (epoch + FOG_LOSSES_KEEP <= l->newest || hops == 0 || hops > FOG_SPHINX_SLOTS_MAX ||
	    losses_room(e) < 0)
		return;
	for (unsigned i = 0; i < hops; i++) {
		int node = losses_node(l, hop[i]);
		if (node < 0) { // more nodes than a network has: this loop isn't counted
			while (i > 0)
				l->node[loop.node[--i]].uses--;
			return;
		}
		loop.node[i] = (uint16_t)node;
		l->node[node].uses++;
	}
	e->epoch = epoch;
	e->loop[e->count++] = loop;
}

// Whether a loop passes a node before its hop 'end'. One that passes it twice counts once.
static bool loop_passes(const struct losses_loop *loop, unsigned node, unsigned end)
{
	for (unsigned i = 0; i < end; i++)
		if (loop->node[i] == node)
			return true;
	return false;
}

// The first loop of the list, or the one behind 'loop', in epochs from 'first' on; NULL: that was all.
const struct losses_loop *losses_next(
        const struct fog_losses *l, uint64_t first, struct losses_cursor *c
)
{
	for (; c->slot < FOG_LOSSES_KEEP; c->slot++, c->at = 0) {
		const struct losses_epoch *e = &l->epoch[c->slot];
		if (e->count > 0 && e->epoch >= first && c->at < e->count)
			return &e->loop[c->at++];
	}
	return NULL;
}

// Kullback-Leibler divergence of two coins, in nats.
static double losses_divergence(double a, double p)
{
	double d = 0;

	if (a > 0)
		d += a * log(a / p);
	if (a < 1)
		d += (1 - a) * log((1 - a) / (1 - p));
	return d;
}

// Highest probability with which so few losses are no rarer than exp(-evidence) (Chernoff's bound).
static double losses_at_most(uint32_t sent, uint32_t lost, double evidence)
{
	double low = sent > 0 ? (double)lost / sent : 1, high = 1, a = low;

	if (sent == 0 || lost == sent)
		return 1;
	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;
		if (sent * losses_divergence(a, middle) < evidence)
			low = middle;
		else
			high = middle;
	}
	return high;
}

// Judge one node against the loops that avoid it. Returns whether it is suspect.
static bool losses_suspect(
        const struct losses_count *at, const struct losses_count *all, double ordinary,
        double evidence, struct losses_verdict *v
)
{
	uint32_t sent = all->sent - at->sent, lost = all->lost - at->lost;

	if (at->sent == 0)
		return false;
	double base = fmin(losses_at_most(sent, lost, evidence), ordinary);
	double rate = (double)at->lost / at->sent;
	double null = 1 - (1 - base) * (1 - LOSSES_EFFECT);
	if (rate <= null)
		return false;
	v->sent = at->sent;
	v->lost = at->lost;
	v->log_p = -(at->sent * losses_divergence(rate, null));
	double others = fmin(sent > 0 ? (double)lost / sent : 0, ordinary);
	v->loss = fmax(0, 1 - (1 - rate) / (1 - others));
	return v->log_p < -evidence;
}

// Whether none of the nodes found so far is passed: what they lose says nothing of others.
static bool loop_counts(const struct fog_losses *l, const struct losses_loop *loop)
{
	for (unsigned i = 0; i < loop->hops; i++)
		if (l->node[loop->node[i]].found)
			return false;
	return true;
}

// Count what is left of a window; returns the mean number of links of a loop.
static double losses_tally(
        struct fog_losses *l, uint64_t first, struct losses_count *count, struct losses_count *all
)
{
	const struct losses_loop *loop;
	struct losses_cursor c = {0};
	uint64_t links = 0;

	memset(count, 0, LOSSES_NODES_MAX * sizeof(*count));
	memset(all, 0, sizeof(*all));
	while ((loop = losses_next(l, first, &c)) != NULL) {
		if (!loop_counts(l, loop))
			continue;
		all->sent++;
		all->lost += loop->lost;
		links += loop->hops + 1u;
		for (unsigned i = 0; i < loop->hops; i++) {
			if (loop_passes(loop, loop->node[i], i))
				continue;
			count[loop->node[i]].sent++;
			count[loop->node[i]].lost += loop->lost;
		}
	}
	return all->sent > 0 ? (double)links / all->sent : 0;
}

// Nodes that all of these loops pass: no loop tells them apart from 'node'.
static void losses_share(
        struct fog_losses *l, uint64_t first, unsigned node, struct losses_count *count
)
{
	const struct losses_loop *loop;
	struct losses_cursor c = {0};

	while ((loop = losses_next(l, first, &c)) != NULL) {
		if (!loop_counts(l, loop) || !loop_passes(loop, node, loop->hops))
			continue;
		for (unsigned i = 0; i < loop->hops; i++)
			count[loop->node[i]].shared += !loop_passes(loop, loop->node[i], i);
	}
}

static void losses_found(
        struct fog_losses *l, uint64_t first, unsigned node, const struct losses_verdict *v
)
{
	struct losses_node *n = &l->node[node];

	n->found = true;
	if (n->alert.epoch != 0)
		first = n->alert.epoch < first ? n->alert.epoch : first;
	memcpy(n->alert.node, n->id, FOG_ID_LEN);
	n->alert.epoch = first;
	n->alert.sent = v->sent;
	n->alert.lost = v->lost;
	n->alert.loss = v->loss;
	n->alert.p = exp(v->log_p);
}

// One window: the worst node first, then what is left without its loops, until nobody is suspect.
static void losses_look(
        struct fog_losses *l, uint64_t first, double evidence, struct losses_count *count
)
{
	for (;;) {
		struct losses_verdict worst = {.log_p = 0}, v;
		struct losses_count all;
		double links = losses_tally(l, first, count, &all);
		double ordinary = 1 - pow(1 - LOSSES_ORDINARY, links);

		for (unsigned i = 0; i < LOSSES_NODES_MAX; i++)
			if (losses_suspect(&count[i], &all, ordinary, evidence, &v) &&
			    v.log_p < worst.log_p) {
				worst = v;
				worst.node = (uint16_t)i;
			}
		if (worst.log_p == 0)
			return;
		losses_share(l, first, worst.node, count);
		for (unsigned i = 0; i < LOSSES_NODES_MAX; i++)
			if (count[i].sent == worst.sent && count[i].shared == worst.sent)
				losses_found(l, first, i, &worst);
	}
}

static void losses_looks(struct fog_losses *l, uint64_t now_epoch)
{
	struct losses_count *count = calloc(LOSSES_NODES_MAX, sizeof(*count));
	unsigned nodes = 0;

	if (count == NULL)
		return; // the next look is as good
	l->looks++;
	for (unsigned i = 0; i < LOSSES_NODES_MAX; i++) {
		nodes += l->node[i].uses > 0;
		l->node[i].found = false;
	}
	// Two bounds for each node and window; looks 1, 2, 3 ... of an epoch get 1/2, 1/6, 1/12 ... of the
	// false alarms that an epoch may have: together no more than all.
	double tests = 2.0 * nodes * WINDOWS * l->looks * (l->looks + 1.0);
	double evidence = -log(LOSSES_FALSE_ALARMS / fmax(tests, 1));
	for (unsigned w = 0; w < WINDOWS; w++) {
		uint64_t first = now_epoch + 1 > losses_windows[w]
		        ? now_epoch + 1 - losses_windows[w]
		        : 0;
		losses_look(l, first, evidence, count);
	}
	for (unsigned i = 0; i < LOSSES_NODES_MAX; i++)
		if (!l->node[i].found)
			memset(&l->node[i].alert, 0, sizeof(l->node[i].alert));
	free(count);
}

unsigned fog_losses_judge(
        struct fog_losses *l, uint64_t now_epoch, struct fog_losses_alert *out, unsigned max
)
{
	const struct losses_epoch *e = &l->epoch[now_epoch % FOG_LOSSES_KEEP];
	unsigned found = 0;

	losses_advance(l, now_epoch);
	uint32_t loops = e->epoch == now_epoch ? e->count : 0;
	if (now_epoch == l->newest && loops >= l->look_at) {
		losses_looks(l, now_epoch);
		l->look_at = loops < LOSSES_LOOK ? LOSSES_LOOK : 2 * loops;
	}
	for (unsigned i = 0; i < LOSSES_NODES_MAX; i++)
		if (l->node[i].found) {
			if (found < max)
				out[found] = l->node[i].alert;
			found++;
		}
	return found;
}
