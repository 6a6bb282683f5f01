// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The network of an epoch, as everything that doesn't know about directories sees it.
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view_form.h"

static void node_of(const struct fog_consensus_node *from, struct fog_topology_node *n)
{
	const struct fog_descriptor *d = &from->descriptor;

	memcpy(n->name, d->name, sizeof(n->name));
	memcpy(n->id, d->node_id, FOG_ID_LEN);
	memcpy(n->identity, d->identity, 32);
	memcpy(n->link_key, d->link_key, 32);
	memcpy(n->vrf_key, d->vrf_key, 32);
	n->address.family = d->address.family;
	memcpy(n->address.addr, d->address.addr, sizeof(n->address.addr));
	n->port = d->mix_port;
	n->role = d->role;
	n->layer = from->layer;
	memcpy(n->operator, d->operator, sizeof(n->operator));
	memcpy(n->family, d->family, sizeof(n->family));
	n->as_number = d->as_number;
	memcpy(n->region, d->region, sizeof(n->region));
	n->bandwidth = d->bandwidth;
}

// People and logs tell nodes apart by name.
static void name_apart(const struct fog_topology *t, struct fog_topology_node *n)
{
	char digits[2 * 4 + 1], name[sizeof(n->name)];

	if (fog_topology_find_name(t, n->name) == NULL)
		return;
	sodium_bin2hex(digits, sizeof(digits), n->id, 4);
	snprintf(
	        name, sizeof(name), "%.*s-%s", (int)(sizeof(name) - sizeof(digits) - 1), n->name,
	        digits
	);
	memset(n->name, 0, sizeof(n->name));
	memcpy(n->name, name, strlen(name));
}

// Nodes of 'c' that aren't there yet: they have links, but no path leads over them. 'layer' of a node that
// is no mix of this epoch says nothing, so it has none.
static void add_other(
        struct fog_topology *t, const struct fog_consensus *now, const struct fog_consensus *before,
        const struct fog_consensus *c
)
{
	for (unsigned i = 0; i < c->node_count && t->node_count < FOG_NODES_MAX; i++) {
		const uint8_t *id = c->node[i].descriptor.node_id;
		struct fog_topology_node n = {0};
		if ((now != NULL && fog_consensus_find(now, id) != NULL) ||
		    (before != NULL && fog_consensus_find(before, id) != NULL))
			continue;
		node_of(&c->node[i], &n);
		n.layer = 0;
		n.off_path = true;
		name_apart(t, &n);
		t->node[t->node_count++] = n;
	}
}

static void topology_checksum(struct fog_topology *t, const struct fog_topology *network)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, 32);
	crypto_generichash_update(&state, network->checksum, 32);
	crypto_generichash_update(&state, (const uint8_t *)&t->layers, sizeof(t->layers));
	crypto_generichash_update(&state, (const uint8_t *)&t->cover, sizeof(t->cover));
	crypto_generichash_update(
	        &state, (const uint8_t *)t->node, t->node_count * sizeof(t->node[0])
	);
	crypto_generichash_final(&state, t->checksum, 32);
}

uint64_t fog_view_settled(const struct fog_view *v, uint64_t epoch)
{
	uint64_t settled = fog_schedule_settled(&v->schedule, epoch);
	uint64_t late = v->late_epoch == epoch ? v->late_ns + fog_schedule_grace(&v->schedule) : 0;

	return late > settled ? late : settled;
}

struct fog_view_moment fog_view_moment(const struct fog_view *v, uint64_t now_ns)
{
	struct fog_schedule_view s = fog_schedule_look(&v->schedule, now_ns);

	return (struct fog_view_moment){
	        .epoch = s.epoch,
	        .before_lives = s.epoch > 0 && fog_schedule_lives(&s, s.epoch - 1),
	        .settled = now_ns >= fog_view_settled(v, s.epoch),
	};
}

bool fog_view_moment_same(const struct fog_view_moment *a, const struct fog_view_moment *b)
{
	return a->epoch == b->epoch && a->before_lives == b->before_lives &&
	        a->settled == b->settled;
}

int fog_view_topology(
        const struct fog_view *v, const struct fog_view_moment *moment, struct fog_topology **out
)
{
	const uint64_t epoch = moment->epoch;
	const struct fog_consensus *now = fog_view_at(v, epoch),
	                           *next = fog_view_exact(v, epoch + 1),
	                           *before = moment->before_lives && epoch > 0
	        ? fog_view_at(v, epoch - 1)
	        : NULL;
	struct fog_topology *t;
	// When nothing counts any more, what was sent before still arrives.
	const struct fog_consensus *base = now != NULL ? now : before;

	*out = NULL;
	if (base == NULL)
		return -ENODATA;
	if ((t = malloc(sizeof(*t))) == NULL)
		return -ENOMEM;
	*t = *v->network;
	t->lines = NULL;
	t->node_count = 0;
	t->epoch = epoch;
	t->layers = base->layers;
	t->cover = base->rates;
	// Zeroed, gaps included, since the checksum goes over all of it.
	if ((t->node = calloc(FOG_NODES_MAX, sizeof(t->node[0]))) == NULL) {
		fog_topology_free(t);
		return -ENOMEM;
	}
	for (unsigned i = 0; now != NULL && i < now->node_count; i++) {
		struct fog_topology_node *n = &t->node[t->node_count++];
		node_of(&now->node[i], n);
		n->off_path = !moment->settled && now->node[i].since == epoch;
	}
	if (before != NULL && before != now)
		add_other(t, now, NULL, before);
	if (next != NULL)
		add_other(t, now, before, next);
	topology_checksum(t, v->network);
	*out = t;
	return 0;
}
