// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The calendar (see calendar.h). Ticks are counted from the start; 'cursor' is the first tick not
// taken yet.
//
//   ready    the slot being taken, an array in which any position is as good as another
//   wheel    ticks from 'cursor' up to 'bucket_next' << bucket_bits, a list each
//   buckets  later ones up to the horizon, 2^bucket_bits ticks to a list
//
// A bucket moves to the wheel once all of it lies within the window of this bucket and the next, some
// packets per call, for it has most of that time. So a packet is written where few lists grow, and
// read in passing, twice: caches like that better than one wheel with as many lists as the horizon
// has ticks. Both rings have bitmaps, so time in which nothing is due costs nothing. What lies beyond
// the horizon waits in the last bucket ("overflow") and is filed again when that one comes up.
#include "calendar.h"

#include <errno.h>
#include <string.h>

#include "calendar_lists.h"

enum { DRAW_BITS = 32 }; // of a random number that ready_take uses up

// Apart, so that the rest of an insertion is short. A new chunk is in cache as a rule.
static __attribute__((noinline)) struct fog_calendar_item *list_grow(
        struct fog_calendar *c, struct ring *r, uint32_t at
)
{
	uint32_t k = chunk_alloc(c);
	const struct fog_calendar_item *end = r->list[at];

	c->link[k].list = (uint32_t)(&r->list[at] - c->ring[WHEEL].list);
	c->link[k].next = end == NULL ? NIL : list_chunk(c, end);
	if (end == NULL)
		ring_set(r, at);
	return c->chunk[k].item;
}

static void list_push(
        struct fog_calendar *c, struct ring *r, uint64_t number, struct fog_calendar_item item
)
{
	uint32_t at = (uint32_t)number & r->mask;
	struct fog_calendar_item *end = r->list[at];

	if (list_full(end))
		end = list_grow(c, r, at);
	*end = item;
	r->list[at] = end + 1;
}

static void item_file(struct fog_calendar *c, struct fog_calendar_item item, uint64_t tick)
{
	uint64_t bucket = tick >> c->bucket_bits;

	if (bucket < c->bucket_next) {
		list_push(c, &c->ring[WHEEL], tick, item);
		return;
	}
	if (bucket > c->bucket_last) {
		bucket = c->bucket_last;
		c->overflow_count++;
	}
	list_push(c, &c->ring[BUCKETS], bucket, item);
}

// File an item that is no sooner due than its bucket, or was overdue when it was parked, while the
// bucket began with the next tick.
static void item_file_again(struct fog_calendar *c, struct fog_calendar_item item, uint64_t bucket)
{
	uint64_t tick = tick_ceil(c->clock, item.due), begin = bucket << c->bucket_bits;

	if (tick < begin) {
		list_push(c, &c->ring[WHEEL], begin, item);
	} else {
		c->overflow_count--;
		item_file(c, item, tick);
	}
}

// Move the first chunk of a bucket to the wheel.
static void bucket_shift(struct fog_calendar *c, uint64_t bucket)
{
	struct ring *from = &c->ring[BUCKETS], *to = &c->ring[WHEEL];
	uint32_t at = (uint32_t)bucket & from->mask, n = list_fill(from->list[at]);
	uint32_t k = list_shift(c, from, at);
	const struct fog_calendar_item *item = c->chunk[k].item;
	struct fog_calendar_item **const list = to->list;
	// The wheel's lists for the ticks of a bucket lie side by side.
	const uint32_t first = (uint32_t)(bucket << c->bucket_bits) & to->mask;
	const uint64_t ticks = UINT64_C(1) << c->bucket_bits;
	const uint64_t before = tick_start(c->clock, bucket << c->bucket_bits) - c->tick + 1;
	const uint32_t shift = c->clock.shift;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t offset = (item[i].due - before) >> shift;
		if (offset >= ticks || item[i].due < before) {
			item_file_again(c, item[i], bucket);
			continue;
		}
		struct fog_calendar_item *end = list[first + offset];
		if (list_full(end))
			end = list_grow(c, to, first + (uint32_t)offset);
		*end = item[i];
		list[first + offset] = end + 1;
		__builtin_prefetch(end + 1, 1);
	}
	chunk_release(c, k);
}

// Move the buckets that lie within the window to the wheel: one chunk, and all of those which may
// hold packets due at tick 'now'.
static void bucket_move(struct fog_calendar *c, uint64_t now)
{
	bool moved = false;

	while (c->bucket_next < c->window_end) {
		uint64_t bucket = ring_find(&c->ring[BUCKETS], c->bucket_next);
		c->bucket_next = bucket < c->window_end ? bucket : c->window_end;
		if (bucket >= c->window_end || (moved && bucket << c->bucket_bits > now))
			return;
		bucket_shift(c, bucket);
		moved = true;
	}
}

static void cursor_raise(struct fog_calendar *c, uint64_t tick)
{
	if (tick > c->cursor)
		cursor_set(c, tick);
}

// Add slot 'tick' of the wheel to ready[].
static void slot_ready(struct fog_calendar *c, uint64_t tick)
{
	struct ring *r = &c->ring[WHEEL];
	uint32_t at = (uint32_t)tick & r->mask;

	while (r->list[at] != NULL) {
		uint32_t n = list_fill(r->list[at]), k = list_shift(c, r, at);
		// Whole cache lines: what is beyond ready_count doesn't count.
		for (uint32_t i = 0; i < n; i += LINE_ITEMS)
			memcpy(&c->ready[c->ready_count + i], &c->chunk[k].item[i],
			       LINE_ITEMS * sizeof(struct fog_calendar_item));
		c->ready_count += n;
		chunk_release(c, k);
	}
	cursor_set(c, tick + 1);
	uint64_t next = ring_find(r, c->cursor);
	c->ahead = NIL;
	if (next != NEVER) {
		const struct fog_calendar_item *end = r->list[next & r->mask];
		c->ahead = list_chunk(c, end);
		chunk_prefetch(c, c->ahead, list_fill(end));
	}
}

// Add the earliest slot due at tick 'now' to ready[]. False when none is.
static bool slot_gather(struct fog_calendar *c, uint64_t now)
{
	for (;;) {
		bucket_move(c, now);
		uint64_t tick = ring_find(&c->ring[WHEEL], c->cursor);
		if (tick <= now) {
			slot_ready(c, tick);
			return true;
		}
		// Whatever is in the wheel is earlier than all buckets, so if one of these starts
		// by now (the clock jumped), the wheel is empty and nothing is passed over.
		uint64_t bucket = ring_find(&c->ring[BUCKETS], c->bucket_next);
		if (bucket > now >> c->bucket_bits) {
			cursor_raise(c, now + 1);
			return false;
		}
		cursor_raise(c, bucket << c->bucket_bits);
	}
}

// Empty a bucket: what is due at tick 'now' to ready[], the rest to the other end of that array.
// Returns how many items lie there now.
static uint32_t bucket_split(struct fog_calendar *c, uint64_t bucket, uint64_t now, uint32_t rest)
{
	struct ring *r = &c->ring[BUCKETS];
	uint32_t at = (uint32_t)bucket & r->mask;

	while (r->list[at] != NULL) {
		uint32_t n = list_fill(r->list[at]), k = list_shift(c, r, at);
		for (uint32_t i = 0; i < n; i++) {
			struct fog_calendar_item item = c->chunk[k].item[i];
			uint64_t tick = tick_ceil(c->clock, item.due);
			c->overflow_count -= tick >> c->bucket_bits > bucket;
			if (tick <= now)
				c->ready[c->ready_count++] = item;
			else
				c->ready[c->capacity - ++rest] = item;
		}
		chunk_release(c, k);
	}
	return rest;
}

// After a standstill of more than half a horizon all that is overdue becomes one slot: then the
// wheel covers the present again, whichever of insert and take comes first.
static __attribute__((noinline)) void catch_up(struct fog_calendar *c, uint64_t now)
{
	uint32_t rest = 0;
	uint64_t number;

	while ((number = ring_find(&c->ring[WHEEL], c->cursor)) != NEVER)
		slot_ready(c, number);
	cursor_set(c, now + 1);
	while ((number = ring_find(&c->ring[BUCKETS], c->bucket_next)) < c->window_end) {
		c->bucket_next = number;
		rest = bucket_split(c, number, now, rest);
	}
	c->bucket_next = c->window_end;
	for (; rest > 0; rest--) {
		struct fog_calendar_item item = c->ready[c->capacity - rest];
		item_file(c, item, tick_ceil(c->clock, item.due));
	}
}

// Take packets out of ready[], any of them each time. One random number serves several times as
// long as there are few: what the product leaves below 2^64 is as good as a new number, but for the
// bits that are used up.
static unsigned ready_take(struct fog_calendar *c, struct fog_calendar_item *out, unsigned max)
{
	struct fog_calendar_item *const ready = c->ready;
	uint32_t left = c->ready_count;
	uint32_t bits = 32 - (uint32_t)__builtin_clz(left | 1), used = DRAW_BITS;
	uint64_t number = 0;
	unsigned n = 0;

	for (; n < max && left > 0; n++) {
		if ((used += bits) > DRAW_BITS) {
			number = fog_random_next(&c->random);
			used = bits;
		}
		unsigned __int128 product = (unsigned __int128)number * left;
		number = (uint64_t)product;
		uint64_t place = (uint64_t)(product >> 64);
		out[n] = ready[place];
		ready[place] = ready[--left];
	}
	c->ready_count = left;
	return n;
}

// Any packet, any clock.
static __attribute__((noinline)) int insert_any(
        struct fog_calendar *c, void *packet, uint64_t due, uint64_t now
)
{
	uint64_t tick = tick_ceil(c->clock, due), current = tick_floor(c->clock, now);

	if (c->depth == c->capacity)
		return -ENOSPC;
	// A bucket doesn't keep the tick of a packet that is overdue now already.
	bool overdue = tick <= current;
	if (now >= c->stale || (overdue && (current + 1) >> c->bucket_bits >= c->window_end))
		catch_up(c, current);
	bucket_move(c, current);
	if (overdue)
		tick = current + 1;
	// 'now' may be older than the clock of the last take.
	if (tick < c->cursor)
		tick = c->cursor;
	c->depth++;
	item_file(c, (struct fog_calendar_item){packet, due}, tick);
	return 0;
}

// The usual case without a call or a branch that goes this way and that: due after a tick, in a list
// that has room, nothing to move.
int fog_calendar_insert(struct fog_calendar *c, void *packet, uint64_t due, uint64_t now)
{
	uint64_t tick = ((due - c->clock.start - 1) >> c->clock.shift) + 1;
	uint64_t bucket = tick >> c->bucket_bits;
	uint64_t near = bucket < c->bucket_next;
	const struct ring *r = &c->ring[near];
	uint32_t at = (uint32_t)(tick >> (c->bucket_bits & (near - 1))) & r->mask;
	struct fog_calendar_item *end = r->list[at];

	if (due <= c->open || (int64_t)(due - now) < (int64_t)c->tick || now >= c->stale ||
	    bucket > c->bucket_last || c->bucket_next < c->window_end || list_full(end) ||
	    c->depth == c->capacity)
		return insert_any(c, packet, due, now);
	*end = (struct fog_calendar_item){packet, due};
	r->list[at] = end + 1;
	__builtin_prefetch(end + 1, 1); // may be the next cache line
	c->depth++;
	return 0;
}

// Fill the gap at an item that leaves with the newest of its list.
static void item_remove(struct fog_calendar *c, uint32_t k, uint32_t place)
{
	uint32_t list = c->link[k].list, lists = c->ring[WHEEL].mask + 1;
	struct ring *r = &c->ring[list < lists ? WHEEL : BUCKETS];
	uint32_t at = list < lists ? list : list - lists;
	struct fog_calendar_item *last = r->list[at] - 1;

	c->chunk[k].item[place] = *last;
	if ((uintptr_t)last % sizeof(struct chunk) == 0)
		chunk_release(c, list_shift(c, r, at));
	else
		r->list[at] = last;
}

// Whether an item of list 'list' lies beyond that bucket.
static bool item_overflows(const struct fog_calendar *c, uint32_t list, uint64_t due)
{
	uint32_t lists = c->ring[WHEEL].mask + 1;
	uint64_t ahead = (list - lists - c->bucket_next) & c->ring[BUCKETS].mask;

	return list >= lists && tick_ceil(c->clock, due) >> c->bucket_bits > c->bucket_next + ahead;
}

// Remove one of the packets that are not in ready[]: any place of any chunk is drawn until one is
// taken, so each of them is as likely as any other.
static void *evict_listed(struct fog_calendar *c)
{
	uint32_t place, k;

	do {
		place = fog_random_below(&c->random, c->chunk_used * CHUNK_ITEMS);
		k = place / CHUNK_ITEMS;
		place %= CHUNK_ITEMS;
	} while (place >= chunk_fill(c, k));
	struct fog_calendar_item victim = c->chunk[k].item[place];
	c->overflow_count -= item_overflows(c, c->link[k].list, victim.due);
	item_remove(c, k, place);
	return victim.packet;
}

void *fog_calendar_evict_random(struct fog_calendar *c)
{
	if (c->depth == 0)
		return NULL;
	uint32_t place = fog_random_below(&c->random, c->depth--);
	if (place >= c->ready_count)
		return evict_listed(c);
	void *packet = c->ready[place].packet;
	c->ready[place] = c->ready[--c->ready_count];
	return packet;
}

static __attribute__((noinline)) unsigned take_due(
        struct fog_calendar *c, uint64_t current, struct fog_calendar_item *out, unsigned max
)
{
	unsigned n = 0;

	if (current >= c->cursor + c->slots / 2)
		catch_up(c, current);
	do {
		n += ready_take(c, out + n, max - n);
	} while (n < max && current >= c->cursor && slot_gather(c, current));
	c->depth -= n;
	return n;
}

unsigned fog_calendar_take(
        struct fog_calendar *c, uint64_t now, struct fog_calendar_item *out, unsigned max
)
{
	if (c->ready_count == 0 && now < c->turn)
		return 0;
	return take_due(c, tick_floor(c->clock, now), out, max);
}

unsigned fog_calendar_ahead(struct fog_calendar *c, const struct fog_calendar_item **item)
{
	uint32_t k = c->ahead;

	if (k == NIL)
		return 0;
	// It may have been freed or used anew meanwhile, which spoils a hint, no more.
	c->ahead = c->link[k].next;
	if (c->ahead != NIL)
		chunk_prefetch(c, c->ahead, CHUNK_ITEMS);
	*item = c->chunk[k].item;
	return chunk_fill(c, k);
}

// First tick of a bucket that has packets; that of the next bucket when all are overflow.
static uint64_t bucket_first(const struct fog_calendar *c, uint64_t bucket)
{
	uint64_t begin = bucket << c->bucket_bits, first = (bucket + 1) << c->bucket_bits;
	const struct fog_calendar_item *end = c->ring[BUCKETS].list[bucket & c->ring[BUCKETS].mask];
	uint32_t n = list_fill(end);

	for (uint32_t k = list_chunk(c, end); k != NIL; k = c->link[k].next, n = CHUNK_ITEMS)
		for (uint32_t i = 0; i < n; i++) {
			uint64_t tick = tick_ceil(c->clock, c->chunk[k].item[i].due);
			if (tick < first)
				first = tick;
		}
	return first > begin ? first : begin;
}

uint64_t fog_calendar_next(const struct fog_calendar *c)
{
	if (c->depth == 0)
		return NEVER;
	if (c->ready_count > 0)
		return tick_start(c->clock, c->cursor - 1);
	uint64_t tick = ring_find(&c->ring[WHEEL], c->cursor);
	uint64_t bucket = ring_find(&c->ring[BUCKETS], c->bucket_next);
	// A bucket that is half moved has packets here and there.
	if (bucket != NEVER && (tick == NEVER || tick >> c->bucket_bits >= bucket)) {
		uint64_t first = bucket_first(c, bucket);
		if (first < tick)
			tick = first;
	}
	return tick_start(c->clock, tick);
}

uint32_t fog_calendar_depth(const struct fog_calendar *c)
{
	return c->depth;
}

uint32_t fog_calendar_overflow(const struct fog_calendar *c)
{
	return c->overflow_count;
}

uint64_t fog_calendar_tick(const struct fog_calendar *c)
{
	return c->tick;
}

uint64_t fog_calendar_floor(const struct fog_calendar *c, uint64_t now)
{
	return tick_start(c->clock, tick_floor(c->clock, now));
}

uint64_t fog_calendar_ceil(const struct fog_calendar *c, uint64_t due)
{
	return tick_start(c->clock, tick_ceil(c->clock, due));
}
