// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Draw a mix of each layer by itself and throw the whole path away when it breaks a rule: what is left
// is drawn exactly as path.h says (rejection sampling, von Neumann 1951). Where that takes too long, paths
// are few or rare: all of them are gone through twice, to add up their weights and to take one.
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "path_private.h"

// A set of mixes is known by the sum of its marks, so the order doesn't count; a mark is a hash of a node's
// ID under a key of the memory.
struct fog_path_memory {
	uint8_t key[crypto_shorthash_KEYBYTES];
	uint64_t set[FOG_PATH_SETS]; // the newest first, all different
	unsigned count;
};

struct path_mix {
	const struct fog_topology_node *node;
	uint32_t up_to; // weights of its layer up to it and with it
	uint64_t mark;
};

struct path_search {
	const struct fog_path_wish *wish;
	struct fog_path_memory *memory;
	unsigned layers;
	unsigned start[FOG_SPHINX_SLOTS_MAX + 1]; // of each layer in 'mix', and the end
	struct path_mix mix[FOG_NODES_MAX];
	const struct path_mix *chosen[FOG_SPHINX_SLOTS_MAX];
	uint64_t steps;
	bool all; // those that are off all paths or refused, too
	bool left_out; // there were such

	// While paths are gone through. Weights are powers of two: their sums are exact as long as they have
	// no more than 64 bits, and 64 bits right beyond that.
	uint64_t budget;
	long double total,
	        target; // of paths that are not remembered; what to take; < 0: only add up
	unsigned oldest; // place in the memory of the path that was used longest ago, plus one
	const struct path_mix *oldest_path[FOG_SPHINX_SLOTS_MAX];
};

int fog_path_memory_create(struct fog_path_memory **out)
{
	struct fog_path_memory *m = calloc(1, sizeof(*m));

	*out = m;
	if (m == NULL)
		return -ENOMEM;
	randombytes_buf(m->key, sizeof(m->key));
	return 0;
}

void fog_path_memory_destroy(struct fog_path_memory *m)
{
	if (m == NULL)
		return;
	sodium_memzero(m, sizeof(*m));
	free(m);
}

static bool path_same_text(const char *a, const char *b)
{
	return a[0] != '\0' && strcmp(a, b) == 0;
}

static bool path_related(const struct fog_topology_node *a, const struct fog_topology_node *b)
{
	return path_same_text(a->operator, b->operator) || path_same_text(a->family, b->family) ||
	        (a->as_number != 0 && a->as_number == b->as_number);
}

static bool path_is(const struct fog_topology_node *a, const struct fog_topology_node *b)
{
	return b != NULL && memcmp(a->id, b->id, FOG_ID_LEN) == 0;
}

static uint32_t path_weight(const struct fog_topology_node *n)
{
	unsigned class = n->bandwidth > FOG_BANDWIDTH_MAX ? FOG_BANDWIDTH_MAX : n->bandwidth;

	return class > 1 ? UINT32_C(1) << (class - 1) : 1;
}

static uint64_t path_mark(const struct fog_path_memory *m, const struct fog_topology_node *n)
{
	uint64_t mark = 0;

	if (m != NULL)
		crypto_shorthash((uint8_t *)&mark, n->id, FOG_ID_LEN, m->key);
	return mark;
}

// The mixes of a layer that are no end of the path, may be used, and go with both ends.
// Returns 0, -ENOENT (nobody may be used), -EXDEV (nobody goes with the ends).
static int path_collect(struct path_search *s, const struct fog_topology *t, unsigned layer)
{
	const struct fog_path_wish *w = s->wish;
	unsigned at = s->start[layer - 1], usable = 0;
	uint32_t weight = 0;

	for (unsigned i = 0; i < t->node_count && at < FOG_NODES_MAX; i++) {
		const struct fog_topology_node *n = &t->node[i];
		if (n->layer != layer || path_is(n, w->from) || path_is(n, w->to))
			continue;
		if (!s->all && (n->off_path || (w->usable != NULL && !w->usable(w->ctx, n)))) {
			s->left_out = true;
			continue;
		}
		usable++;
		if (path_related(n, w->to) || (w->from != NULL && path_related(n, w->from)))
			continue;
		weight += path_weight(n);
		s->mix[at++] = (struct path_mix){n, weight, path_mark(s->memory, n)};
	}
	s->start[layer] = at;
	if (usable == 0)
		return -ENOENT;
	return at == s->start[layer - 1] ? -EXDEV : 0;
}

// Whether the mix of a layer goes with those of the layers before.
static bool path_fits(const struct path_search *s, unsigned layer)
{
	for (unsigned i = 0; i < layer; i++)
		if (path_related(s->chosen[i]->node, s->chosen[layer]->node))
			return false;
	return true;
}

// Place of the chosen set in the memory, plus one; 0: it is not remembered.
static unsigned path_remembered(const struct path_search *s)
{
	uint64_t set = 0;

	if (s->memory == NULL)
		return 0;
	for (unsigned i = 0; i < s->layers; i++)
		set += s->chosen[i]->mark;
	for (unsigned i = 0; i < s->memory->count; i++)
		if (s->memory->set[i] == set)
			return i + 1;
	return 0;
}

static void path_remember(const struct path_search *s)
{
	struct fog_path_memory *m = s->memory;
	unsigned at = path_remembered(s);
	uint64_t set = 0;

	if (m == NULL)
		return;
	for (unsigned i = 0; i < s->layers; i++)
		set += s->chosen[i]->mark;
	if (at == 0)
		at = m->count < FOG_PATH_SETS ? ++m->count : FOG_PATH_SETS;
	memmove(m->set + 1, m->set, (at - 1) * sizeof(m->set[0]));
	m->set[0] = set;
}

// One mix of a layer by weight: the first whose sum is above the number drawn.
static const struct path_mix *path_draw_mix(const struct path_search *s, unsigned layer)
{
	unsigned low = s->start[layer], high = s->start[layer + 1] - 1;
	uint32_t number = randombytes_uniform(s->mix[high].up_to);

	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (s->mix[middle].up_to > number)
			high = middle;
		else
			low = middle + 1;
	}
	return &s->mix[low];
}

// Layers are independent of each other, so a draw may end with the first rule that it breaks.
static bool path_draw(struct path_search *s, unsigned draws)
{
	for (unsigned i = 0; i < draws; i++) {
		unsigned layer = 0;
		for (; layer < s->layers; layer++) {
			s->steps++;
			s->chosen[layer] = path_draw_mix(s, layer);
			if (!path_fits(s, layer))
				break;
		}
		if (layer == s->layers && path_remembered(s) == 0)
			return true;
	}
	return false;
}

// A whole path. Returns whether it is the one to take.
static bool path_leaf(struct path_search *s, long double weight)
{
	unsigned at = path_remembered(s);

	if (at > 0) {
		if (at > s->oldest) {
			s->oldest = at;
			memcpy(s->oldest_path, s->chosen, sizeof(s->chosen));
		}
		return false;
	}
	s->total += weight;
	return s->target >= 0 && s->total > s->target;
}

// Go through all paths, layer by layer with a step back where it goes no further.
// Returns 1 (this is the one to take), 0 (that was all), -E2BIG (the budget is used up).
static int path_walk(struct path_search *s, unsigned layer, long double weight)
{
	if (layer == s->layers)
		return path_leaf(s, weight);
	for (unsigned i = s->start[layer]; i < s->start[layer + 1]; i++) {
		if (s->budget == 0)
			return -E2BIG;
		s->budget--;
		s->steps++;
		s->chosen[layer] = &s->mix[i];
		if (!path_fits(s, layer))
			continue;
		int r = path_walk(s, layer + 1, weight * path_weight(s->mix[i].node));
		if (r != 0)
			return r;
	}
	return 0;
}

// Uniform in [0, total). One bit less than the mantissa has: the product never rounds up to the total.
static long double path_number(long double total)
{
	uint64_t bits;

	randombytes_buf(&bits, sizeof(bits));
	return (long double)(bits >> 1) * 0x1p-63L * total;
}

// Returns 0, -EXDEV (there is no path), -E2BIG (too many to go through).
static int path_enumerate(struct path_search *s)
{
	s->budget = PATH_STEPS;
	s->total = 0;
	s->target = -1;
	s->oldest = 0;
	int r = path_walk(s, 0, 1);
	if (r < 0)
		return r;
	if (s->total > 0) {
		s->budget = PATH_STEPS;
		s->target = path_number(s->total);
		s->total = 0;
		return path_walk(s, 0, 1) > 0 ? 0 : -EXDEV;
	}
	if (s->oldest == 0)
		return -EXDEV;
	// All that there are were used: the one whose turn it is.
	memcpy(s->chosen, s->oldest_path, sizeof(s->chosen));
	return 0;
}

static int path_search(struct path_search *s)
{
	uint64_t combinations = 1;

	for (unsigned i = 0; i < s->layers && combinations <= PATH_FEW; i++)
		combinations *= s->start[i + 1] - s->start[i];
	if (combinations > PATH_FEW && path_draw(s, PATH_DRAWS))
		return 0;
	int r = path_enumerate(s);
	if (r == -E2BIG)
		r = path_draw(s, PATH_DRAWS_MORE) ? 0 : -EXDEV;
	return r;
}

// Returns 0, or as fog_path_choose.
static int path_find(struct path_search *s, const struct fog_topology *t)
{
	int lacking = 0;

	for (unsigned layer = 1; layer <= t->layers; layer++) {
		int r = path_collect(s, t, layer);
		lacking = r == -ENOENT || lacking == 0 ? r : lacking;
	}
	return lacking < 0 ? lacking : path_search(s);
}

int path_choose_counted(
        const struct fog_topology *t, const struct fog_path_wish *wish,
        struct fog_path_memory *memory, const struct fog_topology_node **path, uint64_t *steps
)
{
	bool with_from = wish->with_from && wish->from != NULL;
	unsigned hops = with_from + t->layers + 1, n = 0;
	struct path_search s = {.wish = wish, .memory = memory, .layers = t->layers};

	*steps = 0;
	if (hops > wish->max || hops > t->geometry.slots)
		return -E2BIG;
	if (wish->to->off_path || (wish->from != NULL && wish->from->off_path))
		return -EHOSTDOWN;
	int r = path_find(&s, t);
	if (r < 0 && s.left_out) {
		s.all = true;
		r = path_find(&s, t) == 0 ? -EHOSTDOWN : r;
	}
	*steps = s.steps;
	if (r < 0)
		return r;
	path_remember(&s);
	if (with_from)
		path[n++] = wish->from;
	for (unsigned layer = 0; layer < s.layers; layer++)
		path[n++] = s.chosen[layer]->node;
	path[n++] = wish->to;
	return (int)n;
}

int fog_path_choose(
        const struct fog_topology *t, const struct fog_path_wish *wish,
        struct fog_path_memory *memory, const struct fog_topology_node **path
)
{
	uint64_t steps;

	return path_choose_counted(t, wish, memory, path, &steps);
}
