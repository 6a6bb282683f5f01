// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// End of the opening: free what was rejected, deliver what ends here, and fix what delay the rest
// is owed, by the law and the key that opened it. What is delivered here leaves no trace on any
// wire, so it is not delayed.
#include <rte_cycles.h>

#include "worker.h"

static uint64_t cycles_of_us(const struct fog_worker *w, uint64_t us)
{
	// Rounded up: a release is never early.
	return (uint64_t)(((unsigned __int128)us * w->cycles_per_us + UINT32_MAX) >> 32);
}

static void owe(struct fog_worker *w, struct fog_chunk *c, unsigned i, uint64_t owed)
{
	const struct fog_sphinx_route *r = &c->route[i];
	struct fog_pkt *pkt = fog_pkt(c->mbuf[i]);
	uint64_t wait = cycles_of_us(w, owed);

	if (r->delay_ms > w->conf->law.cap_ms)
		w->count.delay_clamped++;
	fog_hist_add(&w->count.owed_us, owed);
	if (wait < fog_calendar_tick(w->calendar))
		wait = fog_calendar_tick(w->calendar);
	pkt->due = pkt->arrival + wait;
	memcpy(pkt->next_hop, r->next_hop, sizeof(pkt->next_hop));
}

// What the packets owe that were opened with one key.
static void owe_all(struct fog_worker *w, struct fog_chunk *c, const struct fog_mix_key *key)
{
	const uint8_t *tag[FOG_CHUNK_MAX];
	uint32_t sender_ms[FOG_CHUNK_MAX];
	uint64_t owed[FOG_CHUNK_MAX];
	unsigned packet[FOG_CHUNK_MAX], n = 0;

	for (unsigned i = 0; i < c->sphinx.n; i++) {
		if (c->mbuf[i] == NULL || c->key[i] != key)
			continue;
		tag[n] = fog_sphinx_replay_tag(&c->hop[i]);
		sender_ms[n] = c->route[i].delay_ms;
		packet[n++] = i;
	}
	if (n == 0)
		return;
	fog_delay_owed_batch(&w->conf->law, &key->delay, n, tag, sender_ms, owed);
	for (unsigned i = 0; i < n; i++)
		owe(w, c, packet[i], owed[i]);
	for (unsigned i = 0; unlikely(w->trace != NULL) && i < n; i++)
		stage_trace_owed(w, c->mbuf[packet[i]], owed[i]);
}

void stage_delay(struct fog_worker *w, struct fog_chunk *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->sphinx.n; i++) {
		if (c->sphinx.drop[i] == FOG_DROP_NONE && c->route[i].has_next_hop) {
			n++;
			continue;
		}
		if (c->sphinx.drop[i] != FOG_DROP_NONE)
			fog_worker_drop(w, c->mbuf[i], c->sphinx.drop[i]);
		else
			stage_deliver(w, c->mbuf[i], &c->route[i]);
		c->mbuf[i] = NULL;
		fog_chunk_wipe(c, i, 1); // the chunk may wait long for its blinding
	}
	for (unsigned k = 0; n > 0 && k < w->conf->key_count; k++)
		owe_all(w, c, w->conf->key[k]);
	// A round is as long as a key that goes is still there.
	memset(c->key, 0, sizeof(c->key));
	if (n == 0) // nor is there a next call that would empty it
		c->sphinx.n = 0;
	c->waiting = n;
	c->since = rte_rdtsc();
}
