// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Key agreement and header MAC: nothing of a packet is believed before this. Which key it was made for
// stands beside it (its epoch): no key is tried out.
#include "worker.h"

void stage_key_add(struct fog_worker *w, struct fog_chunk *c, struct fog_lanes *lanes)
{
	const uint8_t *private_key[FOG_CHUNK_MAX];
	bool none = w->conf == NULL || w->conf->key_count == 0;

	for (unsigned i = 0; i < c->sphinx.n; i++) {
		c->key[i] = none ? NULL : fog_conf_key(w->conf, fog_pkt(c->mbuf[i])->epoch);
		if (c->key[i] != NULL)
			private_key[i] = c->key[i]->private_key;
		else
			c->sphinx.drop[i] = none ? FOG_DROP_NO_KEY : FOG_DROP_EPOCH;
	}
	fog_sphinx_key_add(&c->sphinx, private_key, lanes);
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
