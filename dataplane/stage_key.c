// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Key agreement and header MAC: nothing of a packet is believed before this.
#include "worker.h"

void stage_key_add(struct fog_worker *w, struct fog_chunk *c, struct fog_lanes *lanes)
{
	if (w->conf != NULL && w->conf->key != NULL) {
		fog_sphinx_key_add(&c->sphinx, w->conf->key->private_key, lanes);
		return;
	}
	for (unsigned i = 0; i < c->sphinx.n; i++)
		c->sphinx.drop[i] = FOG_DROP_NO_KEY;
}

void stage_key(
        struct fog_worker *w, struct fog_chunk *c, const struct fog_lanes *lanes, unsigned first
)
{
	fog_sphinx_key_derive(&c->sphinx, lanes, first);
	stage_replay_prefetch(w, c);
	if (unlikely(w->trace != NULL))
		stage_trace_chunk(w, c, FOG_TRACE_KEY);
	fog_sphinx_mac(&c->sphinx);
	if (unlikely(w->trace != NULL))
		stage_trace_chunk(w, c, FOG_TRACE_MAC);
}
