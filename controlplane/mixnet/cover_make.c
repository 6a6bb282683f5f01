// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One packet of cover: its path and its bytes.
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "cover_private.h"
#include "message.h"
#include "path.h"
#include "recipient.h"

enum { DRAWS = 8 }; // of an end that goes with some mix of each layer

typedef const struct fog_topology_node *cover_hops[FOG_SPHINX_SLOTS_MAX];

// Who may be on a path.
struct cover_draw {
	struct fog_cover *c;
	const struct fog_topology_node *self;
	uint64_t epoch;
};

static bool draw_key(const struct cover_draw *d, const struct fog_topology_node *node)
{
	uint8_t key[32];

	return d->c->ops->mix_key(d->c->ctx, node, d->epoch, key) == 0;
}

// A mix is the one of its layer on its own paths: so they obey the rules of paths as it stands among the others.
static bool draw_usable(void *ctx, const struct fog_topology_node *node)
{
	const struct cover_draw *d = ctx;

	if (node == d->self)
		return d->self->role == FOG_ROLE_MIX;
	if (d->self->role == FOG_ROLE_MIX && node->layer == d->self->layer)
		return false;
	return draw_key(d, node);
}

// A random gateway or service that packets can be made for, ourselves only when there is no other.
static const struct fog_topology_node *draw_end(
        const struct cover_draw *d, const struct fog_topology *t
)
{
	const struct fog_topology_node *end = NULL;
	uint32_t seen = 0;

	for (unsigned i = 0; i < t->node_count; i++) {
		const struct fog_topology_node *node = &t->node[i];
		if (node->role == FOG_ROLE_MIX || node->off_path || node == d->self ||
		    !draw_key(d, node))
			continue;
		// Of k candidates each is kept with 1/k.
		if (randombytes_uniform(++seen) == 0)
			end = node;
	}
	return end != NULL || d->self->role == FOG_ROLE_MIX ? end : d->self;
}

// One mix of each layer, then 'to'.
static int draw_path(
        struct cover_draw *d, const struct fog_topology *t, const struct fog_topology_node *to,
        cover_hops path
)
{
	const bool mix = d->self->role == FOG_ROLE_MIX;
	const struct fog_path_wish wish = {
	        .from = mix ? NULL : d->self,
	        .to = to,
	        .usable = draw_usable,
	        .ctx = d,
	        .max = FOG_SPHINX_SLOTS_MAX,
	};

	return fog_path_choose(t, &wish, d->c->memory, path);
}

// Turn a path over all layers that has us in it into one that begins behind us.
static unsigned path_from_mix(
        const cover_hops all, unsigned layers, unsigned own, bool loop, cover_hops path
)
{
	unsigned n = 0;

	for (unsigned i = own; i < layers; i++)
		path[n++] = all[i];
	path[n++] = all[layers];
	for (unsigned i = 0; loop && i < own; i++)
		path[n++] = all[i];
	return n;
}

static int draw_hops_once(
        struct cover_draw *d, const struct fog_topology *t, bool loop, cover_hops path
)
{
	const bool mix = d->self->role == FOG_ROLE_MIX;
	const struct fog_topology_node *to = loop && !mix ? d->self : draw_end(d, t);
	cover_hops all;
	int n;

	if (to == NULL || (loop && !draw_key(d, d->self)))
		return -ENOKEY;
	n = draw_path(d, t, to, mix ? all : path);
	if (n > 0 && mix)
		n = (int)path_from_mix(all, t->layers, d->self->layer, loop, path);
	return n;
}

// An end may be the kin of all mixes, or of ourselves; another one need not be. Returns the number of hops or
// -errno.
static int draw_hops(struct cover_draw *d, const struct fog_topology *t, bool loop, cover_hops path)
{
	int n = -EXDEV;

	for (int i = 0; i < DRAWS && (n == -EXDEV || n == -EHOSTDOWN); i++)
		n = draw_hops_once(d, t, loop, path);
	return n;
}

static int make_wrap(
        struct fog_cover *c, const struct fog_topology *t, struct fog_sphinx_path_hop *hop
)
{
	struct cover_ready *ready = &c->secrets->ready;
	uint8_t mark[LOOP_MARK_LEN], payload[FOG_SPHINX_PACKET_MAX];
	const struct fog_sphinx_wrap_job job = {
	        .path = hop, .payload = payload, .pkt = ready->packet};

	if (ready->loop)
		loop_number_mark(c->secrets->key, ready->number, mark);
	else
		randombytes_buf(mark, sizeof(mark));
	int r = fog_message_encode(&t->geometry, NULL, mark, sizeof(mark), payload);
	if (r == 0)
		r = fog_sphinx_wrap_batch(
		        c->crypto, &t->geometry, ready->hops, &job, 1, &c->secrets->wrap, NULL, NULL
		);
	sodium_memzero(payload, sizeof(payload));
	ready->len = t->geometry.packet_len;
	return r;
}

// Every hop but the last delays it.
static uint32_t make_patience(const struct fog_topology *t, unsigned hops)
{
	uint64_t ms = (uint64_t)(hops - 1) * (t->delay_max_us / 1000 + 1 + t->delay_cap_ms);

	ms += t->cover.slack_ms;
	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

int cover_make(
        struct fog_cover *c, const struct fog_topology *t, const struct fog_topology_node *self,
        bool loop, uint64_t epoch, uint32_t number
)
{
	struct cover_draw draw = {.c = c, .self = self, .epoch = epoch};
	struct fog_sphinx_path_hop hop[FOG_SPHINX_SLOTS_MAX] = {0};
	struct cover_ready *ready = &c->secrets->ready;
	cover_hops path;
	int n = draw_hops(&draw, t, loop, path);

	if (n < 0)
		return n;
	ready->loop = loop;
	ready->epoch = epoch;
	ready->hops = (unsigned)n;
	ready->patience_ms = make_patience(t, ready->hops);
	for (unsigned i = 0; i < ready->hops; i++) {
		memcpy(ready->hop[i], path[i]->id, FOG_ID_LEN);
		memcpy(hop[i].id, path[i]->id, FOG_ID_LEN);
		if (c->ops->mix_key(c->ctx, path[i], epoch, hop[i].public_key) < 0)
			return -ENOKEY;
	}
	if (loop)
		loop_number_make(c->secrets->key, number, ready->number);
	else
		fog_recipient_drop(ready->number);
	hop[n - 1].has_recipient = 1;
	memcpy(hop[n - 1].recipient, ready->number, FOG_ID_LEN);
	return make_wrap(c, t, hop);
}

const char *cover_no_loops(const struct fog_topology *t, const struct fog_topology_node *self)
{
	if (t->layers + 1 > t->geometry.slots)
		return "a loop has more hops than packets have slots: take a geometry with more slots, or "
		       "fewer layers";
	if (self->role != FOG_ROLE_MIX && t->layers < 2)
		return "with one layer of mixes a loop goes back to where it came from, which no message "
		       "does: it would show";
	return NULL;
}
