// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The calendar (see calendar.h). Ticks are counted from the start; 'cursor' is the first tick not
// taken yet.
//
//   ready   the slot being taken, an array in which any position is as good as another
//   wheel   ticks from 'cursor' up to 'coarse_next' << coarse_bits; slot = tick mod slots
//   coarse  later ones ("overflow"), in buckets of 1/16 horizon; bucket = number mod COARSE
//
// A bucket moves to the wheel once all of it lies within the horizon, a few packets per call, for
// it has most of a horizon's time. Both rings have bitmaps, so time in which nothing is due costs
// nothing. What lies beyond the last bucket waits in it and is filed again when that one comes up.
#include "calendar.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "random.h"

#define NIL UINT32_MAX
#define NEVER UINT64_MAX

enum {
	SLOTS_MIN = 64,
	SLOTS_MAX = 1 << 24,
	COARSE = 4096, // buckets
	COARSE_PER_HORIZON_BITS = 4,
	COARSE_MOVES = 64, // most packets moved to the wheel by one call, unless they are due
};

// One parked packet: half a cache line, so that chasing a list costs one miss each.
struct entry {
	void *packet;
	uint64_t due;
	uint32_t list; // index into head[], or NIL when it is in ready[]
	uint32_t next; // in its list
	uint32_t prev; // in its list; in ready[]: its place there
	uint32_t place; // in used[]
};

_Static_assert(sizeof(struct entry) == 32, "two entries per cache line");

// Which lists of a ring have members: one bit a list, and one bit for every 64 of them.
struct ring {
	uint64_t *bit;
	uint64_t *sum;
	uint32_t size; // power of two, at least 64
	uint32_t base; // of its lists in head[]
};

struct fog_calendar {
	_Alignas(64) uint64_t start; // keeps the entries behind it within cache lines
	uint64_t cursor; // tick
	uint64_t coarse_next; // number of the first bucket not yet moved to the wheel
	uint32_t shift; // cycles per tick, as a power of two
	uint32_t coarse_bits; // ticks per bucket, as a power of two
	uint32_t slots;
	uint32_t capacity;
	uint32_t depth;
	uint32_t ready_count;
	uint32_t coarse_count;
	struct ring wheel;
	struct ring coarse;
	struct entry *entry;
	uint32_t *used; // used[0 .. depth-1] are the parked entries in no order, the rest are free
	uint32_t *ready;
	uint32_t *head; // first entry of each list: slots, then buckets
	struct fog_random random;
	uint64_t mapped; // bytes
};

static uint64_t ring_words(uint32_t size)
{
	return size / 64 + (size / 64 + 63) / 64;
}

static void ring_set(struct ring *r, uint32_t i)
{
	r->bit[i / 64] |= UINT64_C(1) << (i % 64);
	r->sum[i / 4096] |= UINT64_C(1) << (i / 64 % 64);
}

static void ring_clear(struct ring *r, uint32_t i)
{
	r->bit[i / 64] &= ~(UINT64_C(1) << (i % 64));
	if (r->bit[i / 64] == 0)
		r->sum[i / 4096] &= ~(UINT64_C(1) << (i / 64 % 64));
}

// First set bit at or after 'from', without going round; NIL when there is none.
static uint32_t ring_find_up(const struct ring *r, uint32_t from)
{
	uint32_t words = r->size / 64, w = from / 64;
	uint64_t bits = r->bit[w] >> (from % 64);

	if (bits != 0)
		return from + (uint32_t)__builtin_ctzll(bits);
	if (++w == words)
		return NIL;
	uint32_t s = w / 64, sums = (words + 63) / 64;
	bits = r->sum[s] >> (w % 64) << (w % 64);
	while (bits == 0 && ++s < sums)
		bits = r->sum[s];
	if (bits == 0)
		return NIL;
	w = s * 64 + (uint32_t)__builtin_ctzll(bits);
	return w * 64 + (uint32_t)__builtin_ctzll(r->bit[w]);
}

// The number at or after 'from' whose list has members; NEVER when all are empty. The members of a
// ring always lie within one turn of 'from', so a list stands for one number only.
static uint64_t ring_find(const struct ring *r, uint64_t from)
{
	uint32_t at = (uint32_t)from & (r->size - 1);
	uint32_t found = ring_find_up(r, at);

	if (found == NIL && at > 0)
		found = ring_find_up(r, 0);
	return found == NIL ? NEVER : from + ((found - at) & (r->size - 1));
}

static void list_push(struct fog_calendar *c, struct ring *r, uint64_t number, uint32_t i)
{
	uint32_t slot = (uint32_t)number & (r->size - 1);
	uint32_t *head = &c->head[r->base + slot];
	struct entry *e = &c->entry[i];

	e->list = r->base + slot;
	e->prev = NIL;
	e->next = *head;
	if (*head == NIL)
		ring_set(r, slot);
	else
		c->entry[*head].prev = i;
	*head = i;
}

static void list_remove(struct fog_calendar *c, uint32_t i)
{
	struct entry *e = &c->entry[i];
	struct ring *r = e->list < c->coarse.base ? &c->wheel : &c->coarse;

	if (e->next != NIL)
		c->entry[e->next].prev = e->prev;
	if (e->prev != NIL)
		c->entry[e->prev].next = e->next;
	else if ((c->head[e->list] = e->next) == NIL)
		ring_clear(r, e->list - r->base);
	if (r == &c->coarse)
		c->coarse_count--;
}

// First tick that doesn't start before 'due'.
static uint64_t tick_ceil(const struct fog_calendar *c, uint64_t due)
{
	return due > c->start ? ((due - c->start - 1) >> c->shift) + 1 : 0;
}

static uint64_t tick_floor(const struct fog_calendar *c, uint64_t now)
{
	return now > c->start ? (now - c->start) >> c->shift : 0;
}

static uint64_t tick_start(const struct fog_calendar *c, uint64_t tick)
{
	return tick > (NEVER - c->start) >> c->shift ? NEVER : c->start + (tick << c->shift);
}

static void entry_file(struct fog_calendar *c, uint32_t i, uint64_t tick)
{
	uint64_t bucket = tick >> c->coarse_bits;

	if (bucket < c->coarse_next) {
		list_push(c, &c->wheel, tick, i);
		return;
	}
	if (bucket - c->coarse_next >= COARSE)
		bucket = c->coarse_next + COARSE - 1;
	list_push(c, &c->coarse, bucket, i);
	c->coarse_count++;
}

// Move the buckets that lie within the horizon to the wheel. Those which may hold packets due at
// tick 'now' are finished, of others only some packets are moved.
static void coarse_move(struct fog_calendar *c, uint64_t now)
{
	uint64_t limit = (c->cursor + c->slots) >> c->coarse_bits;
	unsigned moves = COARSE_MOVES;

	while (c->coarse_next < limit) {
		uint64_t bucket = ring_find(&c->coarse, c->coarse_next);
		c->coarse_next = bucket < limit ? bucket : limit;
		if (bucket >= limit || (moves == 0 && bucket << c->coarse_bits > now))
			return;
		uint32_t i = c->head[c->coarse.base + (bucket & (COARSE - 1))];
		uint64_t tick = tick_ceil(c, c->entry[i].due);
		list_remove(c, i);
		// It was overdue when it was parked, and this bucket began with the next tick.
		if (tick < bucket << c->coarse_bits)
			tick = bucket << c->coarse_bits;
		if (tick >> c->coarse_bits == bucket)
			list_push(c, &c->wheel, tick, i);
		else
			entry_file(c, i, tick);
		moves -= moves > 0;
	}
}

static void cursor_raise(struct fog_calendar *c, uint64_t tick)
{
	if (tick > c->cursor)
		c->cursor = tick;
}

// Add the earliest slot due at tick 'now' to ready[]. False when none is.
static bool slot_gather(struct fog_calendar *c, uint64_t now)
{
	for (;;) {
		coarse_move(c, now);
		uint64_t tick = ring_find(&c->wheel, c->cursor);
		if (tick <= now) {
			uint32_t *head = &c->head[tick & (c->slots - 1)];
			for (uint32_t i = *head; i != NIL; i = c->entry[i].next) {
				c->entry[i].list = NIL;
				c->entry[i].prev = c->ready_count;
				c->ready[c->ready_count++] = i;
			}
			*head = NIL;
			ring_clear(&c->wheel, (uint32_t)tick & (c->slots - 1));
			c->cursor = tick + 1;
			return true;
		}
		// Whatever is in the wheel is earlier than all buckets, so if one of these starts
		// by now (the clock jumped), the wheel is empty and nothing is passed over.
		uint64_t bucket = ring_find(&c->coarse, c->coarse_next);
		if (bucket > now >> c->coarse_bits) {
			cursor_raise(c, now + 1);
			return false;
		}
		cursor_raise(c, bucket << c->coarse_bits);
	}
}

// After a standstill of more than half a horizon all that is overdue becomes one slot: then the
// wheel covers the present again, whichever of insert and take comes first.
static void catch_up(struct fog_calendar *c, uint64_t now)
{
	if (now < c->cursor + c->slots / 2)
		return;
	while (slot_gather(c, now))
		continue;
}

static void ready_remove(struct fog_calendar *c, uint32_t place)
{
	uint32_t last = c->ready[--c->ready_count];

	c->ready[place] = last;
	c->entry[last].prev = place;
}

// Entry 'i' is in no list any more: give it back.
static void *entry_free(struct fog_calendar *c, uint32_t i)
{
	struct entry *e = &c->entry[i];
	uint32_t last = c->used[--c->depth];

	c->used[e->place] = last;
	c->entry[last].place = e->place;
	c->used[c->depth] = i;
	return e->packet;
}

static bool config_valid(const struct fog_calendar_config *cfg)
{
	return cfg->slots >= SLOTS_MIN && cfg->slots <= SLOTS_MAX &&
	        (cfg->slots & (cfg->slots - 1)) == 0 && cfg->capacity > 0 && cfg->capacity < NIL &&
	        cfg->tsc_hz >= 1000000;
}

uint64_t fog_calendar_footprint(const struct fog_calendar_config *cfg)
{
	if (!config_valid(cfg))
		return 0;
	uint64_t words = ring_words(cfg->slots) + ring_words(COARSE);
	uint64_t size = sizeof(struct fog_calendar) + 8 * words +
	        cfg->capacity * (sizeof(struct entry) + 2 * sizeof(uint32_t)) +
	        sizeof(uint32_t) * (cfg->slots + COARSE);
	return (size + 4095) / 4096 * 4096;
}

static void calendar_layout(struct fog_calendar *c)
{
	uint8_t *at = (uint8_t *)(c + 1);

	c->entry = (struct entry *)at;
	at += c->capacity * sizeof(struct entry);
	c->wheel.bit = (uint64_t *)at;
	c->wheel.sum = c->wheel.bit + c->slots / 64;
	c->coarse.bit = c->wheel.bit + ring_words(c->slots);
	c->coarse.sum = c->coarse.bit + COARSE / 64;
	c->used = (uint32_t *)(c->coarse.bit + ring_words(COARSE));
	c->ready = c->used + c->capacity;
	c->head = c->ready + c->capacity;
}

int fog_calendar_create(const struct fog_calendar_config *cfg, struct fog_calendar **out)
{
	uint64_t size = fog_calendar_footprint(cfg);
	if (size == 0)
		return -EINVAL;
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	// Best effort: fewer TLB misses, and no parked traffic in a core dump.
	madvise(map, size, MADV_HUGEPAGE);
	madvise(map, size, MADV_DONTDUMP);
	// All of it is touched here, so that a worker never takes a page fault.
	memset(map, 0, size);

	struct fog_calendar *c = map;
	c->mapped = size;
	c->start = cfg->start;
	c->slots = cfg->slots;
	c->capacity = cfg->capacity;
	while ((UINT64_C(20000) << c->shift) < cfg->tsc_hz)
		c->shift++;
	c->coarse_bits = (uint32_t)__builtin_ctz(cfg->slots) - COARSE_PER_HORIZON_BITS;
	c->wheel.size = cfg->slots;
	c->coarse.size = COARSE;
	c->coarse.base = cfg->slots;
	calendar_layout(c);
	for (uint32_t i = 0; i < c->capacity; i++)
		c->used[i] = i;
	memset(c->head, 0xff, sizeof(*c->head) * (c->slots + COARSE)); // all NIL
	fog_random_init(&c->random, cfg->seed);
	*out = c;
	return 0;
}

void fog_calendar_destroy(struct fog_calendar *c)
{
	if (c == NULL)
		return;
	fog_random_wipe(&c->random);
	munmap(c, c->mapped);
}

int fog_calendar_insert(struct fog_calendar *c, void *packet, uint64_t due, uint64_t now)
{
	uint64_t tick = tick_ceil(c, due), current = tick_floor(c, now);

	if (c->depth == c->capacity)
		return -ENOSPC;
	catch_up(c, current);
	coarse_move(c, current);
	if (tick <= current)
		tick = current + 1;
	// 'now' may be older than the clock of the last take.
	if (tick < c->cursor)
		tick = c->cursor;

	uint32_t i = c->used[c->depth];
	c->entry[i].packet = packet;
	c->entry[i].due = due;
	c->entry[i].place = c->depth++;
	entry_file(c, i, tick);
	return 0;
}

void *fog_calendar_evict_random(struct fog_calendar *c)
{
	if (c->depth == 0)
		return NULL;
	uint32_t i = c->used[fog_random_below(&c->random, c->depth)];
	if (c->entry[i].list == NIL)
		ready_remove(c, c->entry[i].prev);
	else
		list_remove(c, i);
	return entry_free(c, i);
}

unsigned fog_calendar_take(
        struct fog_calendar *c, uint64_t now, struct fog_calendar_item *out, unsigned max
)
{
	uint64_t current = tick_floor(c, now);
	unsigned n = 0;

	catch_up(c, current);
	while (n < max && (c->ready_count > 0 || slot_gather(c, current))) {
		uint32_t place = fog_random_below(&c->random, c->ready_count);
		uint32_t i = c->ready[place];
		ready_remove(c, place);
		out[n].due = c->entry[i].due;
		out[n++].packet = entry_free(c, i);
	}
	return n;
}

uint64_t fog_calendar_next(const struct fog_calendar *c)
{
	if (c->depth == 0)
		return NEVER;
	if (c->ready_count > 0)
		return tick_start(c, c->cursor - 1);
	uint64_t tick = ring_find(&c->wheel, c->cursor);
	if (tick == NEVER)
		tick = ring_find(&c->coarse, c->coarse_next) << c->coarse_bits;
	return tick_start(c, tick);
}

uint32_t fog_calendar_depth(const struct fog_calendar *c)
{
	return c->depth;
}

uint32_t fog_calendar_overflow(const struct fog_calendar *c)
{
	return c->coarse_count;
}

uint64_t fog_calendar_tick(const struct fog_calendar *c)
{
	return UINT64_C(1) << c->shift;
}
