// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "neighbours.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "question.h"

enum {
	BUCKETS = 256,
	TRIES = 3, // questions of one kind before the next step
};

enum entry_state {
	ENTRY_UNKNOWN, // everybody is asked
	ENTRY_FRESH, // confirmed less than FOG_NEIGHBOUR_FRESH_MS ago
	ENTRY_PROBE, // used on; the neighbour itself is asked, then everybody
};

struct entry {
	struct entry *next;
	struct fog_ip ip;
	uint16_t port;
	uint8_t mac[6]; // valid when not UNKNOWN
	enum entry_state state;
	bool asked; // a question is open
	unsigned tries; // questions since the state began
	uint64_t due_ms; // when something is to be done
	uint64_t used_ms; // last lookup
};

struct fog_neighbours {
	unsigned count;
	struct entry *bucket[BUCKETS];
};

int fog_neighbours_create(struct fog_neighbours **out)
{
	*out = calloc(1, sizeof(**out));
	return *out == NULL ? -ENOMEM : 0;
}

void fog_neighbours_destroy(struct fog_neighbours *t)
{
	if (t == NULL)
		return;
	for (unsigned i = 0; i < BUCKETS; i++) {
		while (t->bucket[i] != NULL) {
			struct entry *e = t->bucket[i];
			t->bucket[i] = e->next;
			free(e);
		}
	}
	free(t);
}

// Addresses come from the node table alone, so nobody chooses them to collide.
static struct entry **bucket_of(struct fog_neighbours *t, uint16_t port, const struct fog_ip *ip)
{
	uint32_t hash = 2166136261u ^ port; // FNV-1a

	for (unsigned i = 0; i < sizeof(ip->addr); i++)
		hash = (hash ^ ip->addr[i]) * 16777619u;
	return &t->bucket[(hash ^ hash >> 16) % BUCKETS];
}

static struct entry *entry_find(struct fog_neighbours *t, uint16_t port, const struct fog_ip *ip)
{
	struct entry *e = *bucket_of(t, port, ip);

	while (e != NULL && (e->port != port || memcmp(&e->ip, ip, sizeof(*ip)) != 0))
		e = e->next;
	return e;
}

static struct entry *entry_add(
        struct fog_neighbours *t, uint16_t port, const struct fog_ip *ip, uint64_t now_ms
)
{
	struct entry **bucket = bucket_of(t, port, ip);
	struct entry *e = t->count < FOG_NEIGHBOURS_MAX_ENTRIES ? calloc(1, sizeof(*e)) : NULL;

	if (e == NULL)
		return NULL;
	e->ip = *ip;
	e->port = port;
	e->due_ms = now_ms;
	e->next = *bucket;
	*bucket = e;
	t->count++;
	return e;
}

bool fog_neighbours_lookup(
        struct fog_neighbours *t, uint16_t port, const struct fog_ip *ip, uint64_t now_ms,
        uint8_t mac[6]
)
{
	struct entry *e = entry_find(t, port, ip);

	if (e == NULL && (e = entry_add(t, port, ip, now_ms)) == NULL)
		return false;
	e->used_ms = now_ms;
	if (e->state == ENTRY_UNKNOWN)
		return false;
	memcpy(mac, e->mac, 6);
	return true;
}

static void entry_enter(struct entry *e, enum entry_state state, uint64_t due_ms)
{
	e->state = state;
	e->tries = 0;
	e->due_ms = due_ms;
	if (state != ENTRY_PROBE)
		e->asked = false;
}

// An answer is one to our question only while a question is open, and while the neighbour that we
// know is being asked only its own answer counts.
static bool entry_may_take(const struct entry *e, const struct fog_heard *h)
{
	if (!e->asked || !h->solicited)
		return false;
	if (e->state == ENTRY_PROBE && e->tries <= TRIES)
		return !h->has_mac || memcmp(e->mac, h->mac, 6) == 0;
	return h->has_mac;
}

bool fog_neighbours_heard(struct fog_neighbours *t, const struct fog_heard *h, uint64_t now_ms)
{
	struct entry *e = entry_find(t, h->port, &h->ip);

	if (e == NULL)
		return false;
	if (entry_may_take(e, h)) {
		bool same = e->state != ENTRY_UNKNOWN &&
		        (!h->has_mac || memcmp(e->mac, h->mac, 6) == 0);
		if (h->has_mac)
			memcpy(e->mac, h->mac, 6);
		entry_enter(e, ENTRY_FRESH, now_ms + FOG_NEIGHBOUR_FRESH_MS);
		return !same;
	}
	// It claims to have moved: the one that we know is asked whether it is still there.
	if (e->state == ENTRY_FRESH && h->has_mac && memcmp(e->mac, h->mac, 6) != 0)
		entry_enter(e, ENTRY_PROBE, now_ms);
	return false;
}

static uint64_t backoff_ms(unsigned tries)
{
	uint64_t wait = FOG_NEIGHBOUR_ASK_MS;

	for (unsigned i = TRIES; i < tries && wait < FOG_NEIGHBOUR_BACKOFF_MS; i++)
		wait *= 2;
	return wait < FOG_NEIGHBOUR_BACKOFF_MS ? wait : FOG_NEIGHBOUR_BACKOFF_MS;
}

// What is due at 'e'. Returns true when a lookup would see the difference.
static bool entry_run(struct entry *e, uint64_t now_ms, fog_neighbours_ask *ask, void *ctx)
{
	bool lost = false;

	if (e->state == ENTRY_FRESH)
		entry_enter(e, ENTRY_PROBE, now_ms);
	if (e->state == ENTRY_PROBE && e->tries == 2 * TRIES) {
		entry_enter(e, ENTRY_UNKNOWN, now_ms);
		lost = true;
	}
	bool itself = e->state == ENTRY_PROBE && e->tries < TRIES;
	if (ask(ctx, e->port, &e->ip, itself ? e->mac : NULL) < 0)
		return lost; // due as before
	e->asked = true;
	e->tries++;
	e->due_ms = now_ms +
	        (e->state == ENTRY_PROBE ? (uint64_t)FOG_NEIGHBOUR_ASK_MS : backoff_ms(e->tries));
	return lost;
}

bool fog_neighbours_run(
        struct fog_neighbours *t, uint64_t now_ms, fog_neighbours_ask *ask, void *ctx
)
{
	bool changed = false;

	for (unsigned i = 0; i < BUCKETS; i++) {
		for (struct entry **at = &t->bucket[i]; *at != NULL;) {
			struct entry *e = *at;
			if (now_ms - e->used_ms >= FOG_NEIGHBOUR_UNUSED_MS) {
				*at = e->next;
				free(e);
				t->count--;
				continue;
			}
			if (now_ms >= e->due_ms)
				changed |= entry_run(e, now_ms, ask, ctx);
			at = &e->next;
		}
	}
	return changed;
}
