// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What calendar.c and calendar_make.c share: the state, and its lists of parked packets. Private to
// them.
//
// A list is of chunks, arrays of packets; there are no links to or from a single packet. A list is
// known by where its next item goes, in or just behind its first chunk. All chunks but that one are
// full.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "calendar.h"
#include "calendar_ring.h"
#include "random.h"

enum {
	WINDOW_BUCKETS = 2, // what of the future is in the wheel
	CHUNK_ITEMS = 64,
	LINE_ITEMS = 4, // items per cache line
};

#define LIST_NONE UINT32_MAX // of a free chunk

struct chunk {
	_Alignas(1024) struct fog_calendar_item item[CHUNK_ITEMS];
};

_Static_assert(sizeof(struct chunk) == 1024, "the end of a chunk is the begin of another");

// Where a chunk belongs; apart from it, so that chunks are cache lines full of items.
struct link {
	uint32_t list; // of the wheel, then of the buckets
	uint32_t next; // in the list or among the free; NIL at the end
};

struct clock {
	uint64_t start;
	uint32_t shift; // cycles per tick, as a power of two
};

enum near { BUCKETS, WHEEL };

struct fog_calendar {
	_Alignas(1024) struct clock clock; // keeps the chunks behind it within cache lines
	uint64_t tick; // cycles
	uint64_t cursor; // tick; changed by cursor_set only, with what follows from it:
	uint64_t open; // clock reading after which the next slot to take begins to fill
	uint64_t turn; // ... at which its turn comes
	uint64_t stale; // ... at which the calendar has stood still for half a horizon
	uint64_t window_end; // first bucket that doesn't belong to the wheel yet
	uint64_t bucket_last; // last one within the horizon
	uint64_t bucket_next; // first one that isn't moved to the wheel yet
	uint32_t bucket_bits; // ticks per bucket, as a power of two
	uint32_t slots;
	uint32_t capacity;
	uint32_t depth;
	uint32_t ready_count;
	uint32_t overflow_count;
	uint32_t chunk_free; // the one freed last, or NIL
	uint32_t chunk_used; // how many were ever used; those beyond are free, too
	uint32_t ahead; // chunk of the slot that comes next, on its way into cache; or NIL
	struct ring ring[2]; // by 'enum near'
	struct chunk *chunk;
	struct link *link; // of each chunk
	struct fog_calendar_item *ready;
	struct fog_random random;
	uint64_t mapped; // bytes
};

// The chunk freed last is in cache, so it is used first.
static inline uint32_t chunk_alloc(struct fog_calendar *c)
{
	uint32_t k = c->chunk_free;

	if (k == NIL)
		return c->chunk_used++;
	c->chunk_free = c->link[k].next;
	return k;
}

static inline void chunk_release(struct fog_calendar *c, uint32_t k)
{
	c->link[k] = (struct link){.list = LIST_NONE, .next = c->chunk_free};
	c->chunk_free = k;
}

// Number of a list's first chunk.
static inline uint32_t list_chunk(const struct fog_calendar *c, const struct fog_calendar_item *end)
{
	return (uint32_t)(((uintptr_t)(end - 1) - (uintptr_t)c->chunk) / sizeof(struct chunk));
}

// Begin to bring the first 'n' items of a chunk into cache.
static inline void chunk_prefetch(const struct fog_calendar *c, uint32_t k, uint32_t n)
{
	__builtin_prefetch(&c->link[k]);
	for (uint32_t i = 0; i < n; i += LINE_ITEMS)
		__builtin_prefetch(&c->chunk[k].item[i]);
}

// Items in that first chunk.
static inline uint32_t list_fill(const struct fog_calendar_item *end)
{
	return (uint32_t)((uintptr_t)(end - 1) % sizeof(struct chunk) / sizeof(*end)) + 1;
}

// How many items chunk 'k' holds, free or not.
static inline uint32_t chunk_fill(const struct fog_calendar *c, uint32_t k)
{
	uint32_t list = c->link[k].list;

	if (list == LIST_NONE)
		return 0;
	const struct fog_calendar_item *end = c->ring[WHEEL].list[list];
	return list_chunk(c, end) == k ? list_fill(end) : CHUNK_ITEMS;
}

static inline bool list_full(const struct fog_calendar_item *end)
{
	return __builtin_expect((uintptr_t)end % sizeof(struct chunk) == 0, 0);
}

// Unlink the first chunk of list 'at' of a ring and return its number; the caller releases it.
static inline uint32_t list_shift(struct fog_calendar *c, struct ring *r, uint32_t at)
{
	uint32_t first = list_chunk(c, r->list[at]), next = c->link[first].next;

	if (next == NIL) {
		r->list[at] = NULL;
		ring_clear(r, at);
	} else {
		r->list[at] = c->chunk[next].item + CHUNK_ITEMS;
		chunk_prefetch(c, next, CHUNK_ITEMS);
	}
	return first;
}

// First tick that doesn't start before 'due'.
static inline uint64_t tick_ceil(struct clock k, uint64_t due)
{
	return due > k.start ? ((due - k.start - 1) >> k.shift) + 1 : 0;
}

static inline uint64_t tick_floor(struct clock k, uint64_t now)
{
	return now > k.start ? (now - k.start) >> k.shift : 0;
}

static inline uint64_t tick_start(struct clock k, uint64_t tick)
{
	return tick > (NEVER - k.start) >> k.shift ? NEVER : k.start + (tick << k.shift);
}

static inline void cursor_set(struct fog_calendar *c, uint64_t tick)
{
	c->cursor = tick;
	c->open = tick_start(c->clock, tick > 0 ? tick - 1 : 0);
	c->turn = tick_start(c->clock, tick);
	c->stale = tick_start(c->clock, tick + c->slots / 2);
	c->window_end = (tick >> c->bucket_bits) + WINDOW_BUCKETS;
	c->bucket_last = (tick >> c->bucket_bits) + c->ring[BUCKETS].mask;
}
