// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Claim each packet's tag in the table of its key, after its MAC was found good and before anything else is spent on it. The
// memory is asked for as soon as the tags are known, so that it comes while the MACs are computed.
#include <errno.h>

#include "worker.h"

static void prefetch(struct fog_chunk *c, const struct fog_mix_key *key)
{
	struct fog_replay_place place[FOG_CHUNK_MAX];
	const uint8_t *tag[FOG_CHUNK_MAX];
	unsigned packet[FOG_CHUNK_MAX], n = 0;

	for (unsigned i = 0; i < c->sphinx.n; i++) {
		if (c->sphinx.drop[i] != FOG_DROP_NONE || c->key[i] != key)
			continue;
		tag[n] = fog_sphinx_replay_tag(&c->hop[i]);
		packet[n++] = i;
	}
	if (n == 0)
		return;
	fog_replay_prefetch(key->replay, n, tag, place);
	for (unsigned i = 0; i < n; i++)
		c->place[packet[i]] = place[i];
}

void stage_replay_prefetch(struct fog_worker *w, struct fog_chunk *c)
{
	for (unsigned k = 0; w->conf != NULL && k < w->conf->key_count; k++)
		prefetch(c, w->conf->key[k]);
}

// A replay that is let through is accepted and keeps its token.
static enum fog_drop replay_claim(
        struct fog_worker *w, struct fog_replay *table, const struct fog_replay_place *place
)
{
	if (!stage_rate_take(w))
		return FOG_DROP_RATE;
	int ret = fog_replay_claim(table, place);
	if (ret == -EEXIST && w->accept_replays) {
		w->count.replays_accepted++;
		return FOG_DROP_NONE;
	}
	if (ret == 0)
		return FOG_DROP_NONE;
	stage_rate_return(w);
	return ret == -EEXIST ? FOG_DROP_REPLAY : FOG_DROP_REPLAY_FULL;
}

// Packet by packet, so that the token of a replay serves the next packet of the chunk.
void stage_replay(struct fog_worker *w, struct fog_chunk *c)
{
	struct fog_sphinx_batch *b = &c->sphinx;

	for (unsigned i = 0; i < b->n; i++)
		if (b->drop[i] == FOG_DROP_NONE)
			b->drop[i] = replay_claim(w, c->key[i]->replay, &c->place[i]);
	if (unlikely(w->trace != NULL))
		stage_trace_chunk(w, c, FOG_TRACE_REPLAY);
}
