// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How much memory a calendar needs, where in it everything lies, and getting it.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "api/plan.h"
#include "calendar_lists.h"

enum {
	SLOTS_MIN = 64,
	SLOTS_MAX = 1 << 24,
	BUCKETS_MAX = 1024,
	RING_MIN = 64,
	HUGE_PAGE = 2 << 20,
};

#define CAPACITY_MAX (UINT32_C(1) << 31)

static bool config_valid(const struct fog_calendar_config *cfg)
{
	return cfg->slots >= SLOTS_MIN && cfg->slots <= SLOTS_MAX &&
	        (cfg->slots & (cfg->slots - 1)) == 0 && cfg->capacity > 0 &&
	        cfg->capacity <= CAPACITY_MAX && cfg->tsc_hz >= 1000000;
}

// The sizes that follow from the number of slots.
struct shape {
	uint32_t bucket_bits, buckets, wheel; // lists of each ring
	uint64_t chunks;
};

static struct shape shape_of(uint32_t slots, uint32_t capacity)
{
	struct shape s = {0};

	while (slots >> s.bucket_bits > BUCKETS_MAX)
		s.bucket_bits++;
	s.buckets = slots >> s.bucket_bits;
	s.wheel = (uint32_t)WINDOW_BUCKETS << s.bucket_bits;
	if (s.wheel < RING_MIN)
		s.wheel = RING_MIN;
	// Of each list all chunks but one are full, and none is empty; one more is on the move.
	uint64_t lists = (uint64_t)s.buckets + s.wheel;
	s.chunks = (capacity + (CHUNK_ITEMS - 1) * lists) / CHUNK_ITEMS;
	s.chunks = (s.chunks < capacity ? s.chunks : capacity) + 1;
	return s;
}

uint64_t fog_calendar_footprint(const struct fog_calendar_config *cfg)
{
	if (!config_valid(cfg))
		return 0;
	struct shape s = shape_of(cfg->slots, cfg->capacity);
	uint64_t size = sizeof(struct fog_calendar) +
	        s.chunks * (sizeof(struct chunk) + sizeof(struct link)) +
	        ((uint64_t)cfg->capacity + LINE_ITEMS) * sizeof(struct fog_calendar_item) +
	        8 * (ring_words(s.wheel) + ring_words(s.buckets)) +
	        sizeof(struct fog_calendar_item *) * ((uint64_t)s.wheel + s.buckets);
	return (size + 4095) / 4096 * 4096;
}

static void calendar_layout(struct fog_calendar *c, const struct shape *s)
{
	struct ring *wheel = &c->ring[WHEEL], *bucket = &c->ring[BUCKETS];

	c->bucket_bits = s->bucket_bits;
	wheel->mask = s->wheel - 1;
	bucket->mask = s->buckets - 1;
	c->chunk = (struct chunk *)(c + 1);
	c->ready = (struct fog_calendar_item *)(c->chunk + s->chunks);
	c->link = (struct link *)(c->ready + c->capacity + LINE_ITEMS);
	wheel->list = (struct fog_calendar_item **)(c->link + s->chunks);
	bucket->list = wheel->list + s->wheel;
	wheel->bit = (uint64_t *)(bucket->list + s->buckets);
	wheel->sum = wheel->bit + s->wheel / 64;
	bucket->bit = wheel->bit + ring_words(s->wheel);
	bucket->sum = bucket->bit + s->buckets / 64;
}

// Map 'size' bytes that begin with a huge page, should there be one to spare; or NULL.
static void *memory_map(uint64_t size)
{
	uint8_t *map = mmap(
	        NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0
	);

	if (map == MAP_FAILED)
		return NULL;
	uint64_t before = -(uintptr_t)map & (HUGE_PAGE - 1);
	if (before > 0)
		munmap(map, before);
	munmap(map + before + size, HUGE_PAGE - before);
	map += before;
	// Best effort: fewer TLB misses, and no parked traffic in a core dump.
	madvise(map, size, MADV_HUGEPAGE);
	madvise(map, size, MADV_DONTDUMP);
	// All of it is touched here, so that a worker never takes a page fault.
	memset(map, 0, size);
	return map;
}

int fog_calendar_create(const struct fog_calendar_config *cfg, struct fog_calendar **out)
{
	uint64_t size = fog_calendar_footprint(cfg);
	if (size == 0)
		return -EINVAL;
	struct fog_calendar *c = memory_map(size);
	if (c == NULL)
		return -ENOMEM;
	c->mapped = size;
	c->clock.start = cfg->start;
	c->slots = cfg->slots;
	c->capacity = cfg->capacity;
	c->clock.shift = fog_plan_tick_shift(cfg->tsc_hz);
	c->chunk_free = NIL;
	c->tick = UINT64_C(1) << c->clock.shift;
	c->ahead = NIL;
	struct shape shape = shape_of(cfg->slots, cfg->capacity);
	calendar_layout(c, &shape);
	cursor_set(c, 0);
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
