// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Claim each packet's tag, after its MAC was found good and before anything else is spent on it.
#include <errno.h>

#include "worker.h"

void stage_replay(struct fog_worker *w, struct fog_chunk *c)
{
	struct fog_sphinx_batch *b = &c->sphinx;

	for (unsigned i = 0; i < b->n; i++)
		if (b->drop[i] == FOG_DROP_NONE)
			fog_replay_prefetch(
			        w->conf->key->replay, fog_sphinx_replay_tag(&c->hop[i])
			);
	for (unsigned i = 0; i < b->n; i++) {
		if (b->drop[i] != FOG_DROP_NONE)
			continue;
		int ret = fog_replay_claim(w->conf->key->replay, fog_sphinx_replay_tag(&c->hop[i]));
		if (ret != 0)
			b->drop[i] = ret == -EEXIST ? FOG_DROP_REPLAY : FOG_DROP_REPLAY_FULL;
	}
}
