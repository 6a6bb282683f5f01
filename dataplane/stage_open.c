// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Take off this hop's layer: routing information and payload; the group element's blinding is
// prepared and runs with the next call of X25519. A packet without a place to go is dropped before
// the expensive half.
#include "worker.h"

static void open_resolve(struct fog_worker *w, struct fog_chunk *c, unsigned i)
{
	const struct fog_sphinx_route *r = &c->route[i];

	if (r->has_next_hop && fog_conf_find(w->conf, r->next_hop) < 0)
		c->sphinx.drop[i] = FOG_DROP_UNKNOWN_NEXT_HOP;
}

void stage_open(struct fog_worker *w, struct fog_chunk *c)
{
	fog_sphinx_open(&c->sphinx);
	for (unsigned i = 0; i < c->sphinx.n; i++)
		if (c->sphinx.drop[i] == FOG_DROP_NONE)
			open_resolve(w, c, i);
	fog_sphinx_payload(&c->sphinx);
	if (unlikely(w->trace != NULL))
		stage_trace_chunk(w, c, FOG_TRACE_OPEN);
	fog_sphinx_blind_derive(&c->sphinx);
}
