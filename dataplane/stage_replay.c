// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Claim each packet's tag, after its MAC was found good and before anything else is spent on it.
#include <errno.h>

#include "worker.h"

void stage_replay(struct fog_worker *w, struct fog_chunk *c)
{
	struct fog_sphinx_batch *b = &c->sphinx;
	struct fog_replay_place place[FOG_CHUNK_MAX];
	const uint8_t *tag[FOG_CHUNK_MAX];
	unsigned packet[FOG_CHUNK_MAX], n = 0;

	for (unsigned i = 0; i < b->n; i++) {
		if (b->drop[i] != FOG_DROP_NONE)
			continue;
		tag[n] = fog_sphinx_replay_tag(&c->hop[i]);
		packet[n++] = i;
	}
	if (n == 0) // perhaps for lack of a key
		return;
	fog_replay_prefetch(w->conf->key->replay, n, tag, place);
	for (unsigned i = 0; i < n; i++) {
		int ret = fog_replay_claim(w->conf->key->replay, &place[i]);
		if (ret != 0)
			b->drop[packet[i]] = ret == -EEXIST ? FOG_DROP_REPLAY
			                                    : FOG_DROP_REPLAY_FULL;
	}
}
