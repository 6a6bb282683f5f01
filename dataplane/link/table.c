// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "table.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../crypto/link.h"

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct fog_link_table *fog_link_table_create(
        const struct fog_crypto_ops *crypto, unsigned workers, uint64_t tsc_hz
)
{
	size_t size = (sizeof(struct fog_link_table) + FOG_CACHE_LINE - 1) &
	        ~(size_t)(FOG_CACHE_LINE - 1);
	struct fog_link_table *t = aligned_alloc(FOG_CACHE_LINE, size);

	if (t == NULL)
		return NULL;
	memset(t, 0, size);
	t->crypto = crypto;
	t->workers = workers;
	t->tsc_hz = tsc_hz;
	return t;
}

void fog_link_table_destroy(struct fog_link_table *t)
{
	if (t == NULL)
		return;
	for (unsigned i = 0; i < FOG_LINK_SLOTS; i++)
		fog_link_free(atomic_load_explicit(&t->slot[i], memory_order_relaxed));
	free(t);
}

void fog_link_free(struct fog_link *l)
{
	if (l != NULL && l->budget != NULL && --l->budget->sessions == 0)
		free(l->budget);
	sodium_free(l); // wipes
}

static bool session_valid(const struct fog_link_session *s, uint16_t peer)
{
	const uint32_t sub = (UINT32_C(1) << FOG_LINK_SUB_BITS) - 1;

	if (s->class != FOG_LINK_NODE && s->class != FOG_LINK_CLIENT)
		return false;
	if (s->class == FOG_LINK_NODE && peer >= FOG_NODES_MAX)
		return false;
	if (s->class == FOG_LINK_CLIENT && s->rx_count > FOG_LINK_CLIENT_SUBS)
		return false;
	return (s->rx_index & sub) == 0 && (s->tx_index & sub) == 0 && s->rx_count >= 1 &&
	        s->rx_count <= FOG_WORKERS_MAX && s->initiator <= 1 && s->reject_packets > 0 &&
	        (s->ip.family == 4 || s->ip.family == 6) && s->port != 0;
}

static void tx_mark(const uint8_t key[32], uint8_t out[32])
{
	crypto_generichash(out, 32, key, 32, NULL, 0);
}

static bool mark_present(const struct fog_link_table *t, const uint8_t mark[32])
{
	for (unsigned i = 0; i < FOG_LINK_SLOTS; i++) {
		const struct fog_link *l = atomic_load_explicit(&t->slot[i], memory_order_relaxed);
		if (l != NULL && sodium_memcmp(l->tx_mark, mark, sizeof(l->tx_mark)) == 0)
			return true;
	}
	return false;
}

static void keys_make(
        const struct fog_link_table *t, struct fog_link *l, const struct fog_link_session *s
)
{
	uint8_t key[32];

	for (unsigned i = 0; i < l->rx_count; i++) {
		fog_link_sub_key(s->rx_key, i, key);
		t->crypto->gcm_key(&l->rx[i].key, key);
	}
	for (unsigned i = 0; i < l->workers; i++) {
		fog_link_sub_key(s->tx_key, i, key);
		t->crypto->gcm_key(&l->lane[i].key, key);
	}
	sodium_memzero(key, sizeof(key));
}

// What another session of this client draws from; NULL: it has none, or its limits were others.
static struct fog_link_budget *budget_find(
        const struct fog_link_table *t, const uint8_t static_key[32], const struct fog_budget *like
)
{
	for (unsigned i = 0; i < FOG_LINK_SLOTS; i++) {
		const struct fog_link *l = atomic_load_explicit(&t->slot[i], memory_order_relaxed);
		if (l != NULL && l->budget != NULL &&
		    l->budget->budget.interval == like->interval &&
		    l->budget->budget.depth == like->depth &&
		    memcmp(l->static_key, static_key, 32) == 0)
			return l->budget;
	}
	return NULL;
}

// Returns false when there is no memory.
static bool budget_make(
        const struct fog_link_table *t, struct fog_link *l, const struct fog_link_session *s
)
{
	struct fog_budget b;

	if (s->class != FOG_LINK_CLIENT || s->rate == 0)
		return true;
	fog_budget_init(&b, t->tsc_hz, s->rate, s->burst);
	l->budget = budget_find(t, s->static_key, &b);
	if (l->budget == NULL) {
		l->budget = aligned_alloc(FOG_CACHE_LINE, FOG_CACHE_LINE);
		if (l->budget == NULL)
			return false;
		*l->budget = (struct fog_link_budget){.budget = b};
	}
	l->budget->sessions++;
	return true;
}

// Guard pages end the object, so its size keeps its alignment.
static struct fog_link *link_alloc(unsigned rx_count, unsigned workers)
{
	size_t rx = sizeof(struct fog_link) + rx_count * sizeof(struct fog_link_rx);
	size_t lanes = (rx + FOG_CACHE_LINE - 1) & ~(size_t)(FOG_CACHE_LINE - 1);
	size_t size = lanes + workers * sizeof(struct fog_link_lane);
	struct fog_link *l;

	_Static_assert(sizeof(struct fog_link_lane) % FOG_CACHE_LINE == 0, "own lines");
	l = sodium_malloc(size);
	if (l == NULL)
		return NULL;
	memset(l, 0, size);
	l->lane = (struct fog_link_lane *)((uint8_t *)l + lanes);
	return l;
}

static uint64_t limited(uint64_t packets)
{
	return packets < FOG_LINK_COUNTERS ? packets : FOG_LINK_COUNTERS;
}

static struct fog_link *link_create(
        const struct fog_link_table *t, const struct fog_link_session *s, uint16_t peer
)
{
	struct fog_link *l = link_alloc(s->rx_count, t->workers);

	if (l == NULL)
		return NULL;
	l->class = s->class;
	l->initiator = s->initiator;
	l->rx_count = s->rx_count;
	l->workers = (uint16_t)t->workers;
	l->peer = s->class == FOG_LINK_NODE ? peer : FOG_LINK_NO_PEER;
	l->rx_index = s->rx_index;
	l->tx_index = s->tx_index;
	l->reject_packets = limited(s->reject_packets);
	l->rekey_packets = s->rekey_packets;
	memcpy(l->node_id, s->node_id, sizeof(l->node_id));
	memcpy(l->static_key, s->static_key, sizeof(l->static_key));
	tx_mark(s->tx_key, l->tx_mark);
	l->ip = s->ip;
	l->port = s->port;
	l->state = FOG_LINK_WAITING;
	l->installed_ns = now_ns();
	if (!budget_make(t, l, s)) {
		fog_link_free(l);
		return NULL;
	}
	keys_make(t, l, s);
	return l;
}

// What 'l' replaces goes on receiving.
static void link_send_with(struct fog_link_table *t, struct fog_link *l)
{
	for (unsigned i = 0; i < FOG_LINK_SLOTS; i++) {
		struct fog_link *o = atomic_load_explicit(&t->slot[i], memory_order_relaxed);
		if (o != NULL && o != l && o->state == FOG_LINK_SENDING && o->class == l->class &&
		    (l->class == FOG_LINK_NODE
		             ? o->peer == l->peer
		             : memcmp(o->static_key, l->static_key, sizeof(l->static_key)) == 0))
			o->state = FOG_LINK_OLD;
	}
	l->state = FOG_LINK_SENDING;
	if (l->class == FOG_LINK_NODE)
		atomic_store_explicit(&t->sending[l->peer], l, memory_order_release);
}

int fog_link_install(struct fog_link_table *t, const struct fog_link_session *s, uint16_t peer)
{
	_Atomic(struct fog_link *) *slot = &t->slot[fog_link_slot(s->rx_index)];
	uint8_t mark[32];

	if (!session_valid(s, peer))
		return -EINVAL;
	if (atomic_load_explicit(slot, memory_order_relaxed) != NULL)
		return -EEXIST;
	tx_mark(s->tx_key, mark);
	bool present = mark_present(t, mark);
	sodium_memzero(mark, sizeof(mark));
	if (present)
		return -EEXIST;
	struct fog_link *l = link_create(t, s, peer);
	if (l == NULL)
		return -ENOMEM;
	l->serial = ++t->serial;
	if (l->class == FOG_LINK_CLIENT)
		atomic_fetch_add_explicit(&t->unproven, 1, memory_order_relaxed);
	atomic_store_explicit(slot, l, memory_order_release);
	if (l->initiator)
		link_send_with(t, l);
	return 0;
}

struct fog_link *fog_link_take(struct fog_link_table *t, uint32_t rx_index)
{
	struct fog_link *l = fog_link_find(t, rx_index);

	if (l == NULL || l->rx_index != rx_index)
		return NULL;
	atomic_store_explicit(&t->slot[fog_link_slot(rx_index)], NULL, memory_order_release);
	if (l->class == FOG_LINK_NODE && fog_link_sending(t, l->peer) == l)
		atomic_store_explicit(&t->sending[l->peer], NULL, memory_order_release);
	fog_link_proven(t, l);
	return l;
}

void fog_link_proven(struct fog_link_table *t, struct fog_link *l)
{
	// Exactly one of several threads sees it as it was.
	if (atomic_exchange_explicit(&l->heard, true, memory_order_relaxed))
		return;
	if (l->class == FOG_LINK_CLIENT)
		atomic_fetch_sub_explicit(&t->unproven, 1, memory_order_relaxed);
	atomic_store_explicit(&t->news, true, memory_order_release);
}

// The eldest of those that have proved themselves and wait, or NULL: the youngest is sent with in the end.
static struct fog_link *waiting_heard(const struct fog_link_table *t)
{
	struct fog_link *eldest = NULL;

	for (unsigned i = 0; i < FOG_LINK_SLOTS; i++) {
		struct fog_link *l = atomic_load_explicit(&t->slot[i], memory_order_relaxed);
		if (l != NULL && l->state == FOG_LINK_WAITING &&
		    atomic_load_explicit(&l->heard, memory_order_relaxed) &&
		    (eldest == NULL || l->serial < eldest->serial))
			eldest = l;
	}
	return eldest;
}

bool fog_link_table_switch(struct fog_link_table *t)
{
	struct fog_link *l;
	bool any = false;

	if (!atomic_load_explicit(&t->news, memory_order_relaxed) ||
	    !atomic_exchange_explicit(&t->news, false, memory_order_acquire))
		return false;
	while ((l = waiting_heard(t)) != NULL) {
		link_send_with(t, l);
		any = true;
	}
	return any;
}

void fog_link_moved(
        struct fog_link *l, unsigned worker, const struct fog_ip *ip, uint16_t port, uint64_t now
)
{
	struct fog_link_place *p = &l->lane[worker].place;
	uint32_t s = atomic_load_explicit(&p->sequence, memory_order_relaxed);
	uint64_t word[3] = {[2] = (uint64_t)ip->family << 16 | port};

	memcpy(word, ip->addr, sizeof(ip->addr));
	atomic_store_explicit(&p->sequence, s + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	for (unsigned i = 0; i < 3; i++)
		atomic_store_explicit(&p->word[i], word[i], memory_order_relaxed);
	atomic_store_explicit(&p->at, now, memory_order_relaxed);
	atomic_store_explicit(&p->sequence, s + 2, memory_order_release);
}

// A whole copy of what one worker saw; false: it is writing at this moment, or has seen nothing.
static bool place_read(const struct fog_link_place *p, uint64_t *at, uint64_t word[3])
{
	uint32_t before = atomic_load_explicit(&p->sequence, memory_order_acquire);

	for (unsigned i = 0; i < 3; i++)
		word[i] = atomic_load_explicit(&p->word[i], memory_order_relaxed);
	*at = atomic_load_explicit(&p->at, memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	return (before & 1) == 0 && *at != 0 &&
	        atomic_load_explicit(&p->sequence, memory_order_relaxed) == before;
}

void fog_link_place(const struct fog_link *l, struct fog_ip *ip, uint16_t *port)
{
	uint64_t newest = 0, at, word[3];

	*ip = l->ip;
	*port = l->port;
	if (l->class != FOG_LINK_CLIENT)
		return;
	for (unsigned i = 0; i < l->workers; i++) {
		if (!place_read(&l->lane[i].place, &at, word) || at <= newest)
			continue;
		newest = at;
		*ip = (struct fog_ip){.family = (uint8_t)(word[2] >> 16)};
		memcpy(ip->addr, word, sizeof(ip->addr));
		*port = (uint16_t)word[2];
	}
}

uint64_t fog_link_rx_sum(const struct fog_link *l)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < l->workers; i++)
		sum += atomic_load_explicit(&l->lane[i].rx, memory_order_relaxed);
	return sum;
}

uint64_t fog_link_tx_sum(const struct fog_link *l)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < l->workers; i++)
		sum += atomic_load_explicit(&l->lane[i].counter, memory_order_relaxed);
	return sum;
}

bool fog_link_worn(const struct fog_link *l)
{
	for (unsigned i = 0; i < l->workers; i++)
		if (atomic_load_explicit(&l->lane[i].counter, memory_order_relaxed) >=
		    l->rekey_packets)
			return true;
	return false;
}
