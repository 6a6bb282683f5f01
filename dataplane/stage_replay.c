// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Claim each packet's tag, after its MAC was found good and before anything else is spent on it. The
// memory is asked for as soon as the tags are known, so that it comes while the MACs are computed.
#include <errno.h>

#include "worker.h"

void stage_replay_prefetch(struct fog_worker *w, struct fog_chunk *c)
{
	struct fog_replay_place place[FOG_CHUNK_MAX];
	const uint8_t *tag[FOG_CHUNK_MAX];
	unsigned packet[FOG_CHUNK_MAX], n = 0;

	for (unsigned i = 0; i < c->sphinx.n; i++) {
		if (c->sphinx.drop[i] != FOG_DROP_NONE)
			continue;
		tag[n] = fog_sphinx_replay_tag(&c->hop[i]);
		packet[n++] = i;
	}
	if (n == 0) // perhaps for lack of a key
		return;
	fog_replay_prefetch(w->conf->key->replay, n, tag, place);
	for (unsigned i = 0; i < n; i++)
		c->place[packet[i]] = place[i];
}

void stage_replay(struct fog_worker *w, struct fog_chunk *c)
{
	struct fog_sphinx_batch *b = &c->sphinx;

	for (unsigned i = 0; i < b->n; i++) {
		if (b->drop[i] != FOG_DROP_NONE)
			continue;
		int ret = fog_replay_claim(w->conf->key->replay, &c->place[i]);
		if (ret == -EEXIST && w->accept_replays)
			w->count.replays_accepted++;
		else if (ret != 0)
			b->drop[i] = ret == -EEXIST ? FOG_DROP_REPLAY : FOG_DROP_REPLAY_FULL;
	}
}
