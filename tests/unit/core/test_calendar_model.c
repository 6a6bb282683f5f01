// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The calendar against a naive model (an unsorted array, searched whole) over random operations.
#include "calendar.h"

#include <errno.h>
#include <string.h>

#include "check.h"

enum { TICK = 128, HZ = 2000000, CAPACITY = 200 };

struct parked {
	uint64_t due;
	uint64_t tick; // at which it must leave
};

struct model {
	struct parked parked[CAPACITY]; // by packet; tick 0 = not parked
	uint32_t depth;
	uint64_t start;
	uint64_t now;
	uint64_t cursor; // first tick not taken
	uint64_t merged; // what is due up to this tick is one slot
	uint32_t slots;
	uint32_t spread; // most bits of how far ahead a packet is due
	uint32_t slow; // halvings of the clock's pace
	uint64_t rng;
	uint64_t errors;
	uint64_t taken, evicted, refused,
	        overflowed; // so that the test can tell it went everywhere
};

static uint64_t below(struct model *m, uint64_t bound)
{
	return check_random(&m->rng) % bound;
}

// The slot that 'p' leaves with: its own, or after a standstill the common one.
static uint64_t model_slot(const struct model *m, const struct parked *p)
{
	return p->tick > m->merged ? p->tick : m->merged;
}

static uint64_t model_earliest(const struct model *m)
{
	uint64_t first = UINT64_MAX;

	for (unsigned i = 0; i < CAPACITY; i++)
		if (m->parked[i].tick != 0 && model_slot(m, &m->parked[i]) < first)
			first = model_slot(m, &m->parked[i]);
	return first;
}

// A standstill makes one slot of all that is overdue.
static void model_clock(struct model *m, uint64_t standstill)
{
	uint64_t tick = (m->now - m->start) / TICK;

	if (tick < m->cursor + standstill)
		return;
	m->merged = tick;
	m->cursor = tick + 1;
}

// How much of one is too much when an overdue packet is parked: until the end of the next bucket.
static uint64_t model_window(const struct model *m)
{
	uint64_t bucket = m->slots > 1024 ? m->slots / 1024 : 1;

	return (m->cursor / bucket + 2) * bucket - 1 - m->cursor;
}

static uint64_t model_due_count(const struct model *m, uint64_t tick)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < CAPACITY; i++)
		n += m->parked[i].tick != 0 && m->parked[i].tick <= tick;
	return n;
}

static void step_insert(struct model *m, struct fog_calendar *c)
{
	// Mostly near, sometimes far, sometimes past.
	uint64_t spread = UINT64_C(1) << (7 + below(m, m->spread - 6)), ahead = below(m, spread);
	uint64_t due = below(m, 16) == 0 ? m->now - below(m, m->now) : m->now + ahead;
	uint64_t tick = due > m->start ? (due - m->start + TICK - 1) / TICK : 0;
	uint64_t soonest = (m->now - m->start) / TICK + 1;
	unsigned i = (unsigned)below(m, CAPACITY);

	while (m->depth < CAPACITY && m->parked[i].tick != 0)
		i = (i + 1) % CAPACITY;
	if (m->depth < CAPACITY)
		model_clock(m, tick < soonest ? model_window(m) : m->slots / 2);
	int ret = fog_calendar_insert(c, (void *)(uintptr_t)i, due, m->now);
	if (m->depth == CAPACITY) {
		m->errors += ret != -ENOSPC;
		m->refused++;
		return;
	}
	m->errors += ret != 0;
	m->parked[i] = (struct parked){.due = due, .tick = tick > soonest ? tick : soonest};
	m->depth++;
	m->overflowed += fog_calendar_overflow(c) > 0;
}

static void step_evict(struct model *m, struct fog_calendar *c)
{
	if (m->depth == 0)
		return;
	struct parked *p = &m->parked[(uintptr_t)fog_calendar_evict_random(c)];
	m->errors += p->tick == 0;
	p->tick = 0;
	m->depth--;
	m->evicted++;
}

static void step_take(struct model *m, struct fog_calendar *c)
{
	struct fog_calendar_item item[16];
	uint64_t tick = (m->now - m->start) / TICK, due = model_due_count(m, tick);
	unsigned max = 1 + (unsigned)below(m, 16);
	unsigned got = fog_calendar_take(c, m->now, item, max);

	model_clock(m, m->slots / 2);
	m->errors += got != (due < max ? due : max);
	for (unsigned i = 0; i < got; i++) {
		struct parked *p = &m->parked[(uintptr_t)item[i].packet];
		// Parked, unchanged, due, and none that is left should have gone before it.
		m->errors += p->tick == 0 || p->due != item[i].due || p->tick > tick;
		m->errors += model_slot(m, p) != model_earliest(m);
		m->cursor = m->cursor > p->tick ? m->cursor : p->tick + 1;
		p->tick = 0;
		m->depth--;
		m->taken++;
	}
	if (got < max && tick >= m->cursor)
		m->cursor = tick + 1;
}

static void step_clock(struct model *m)
{
	static const uint64_t pace[] = {TICK / 4, TICK, 8 * TICK, 100 * TICK};

	m->now += below(m, pace[below(m, 4)]) >> m->slow;
	if (below(m, 2000) == 0)
		m->now += below(m, UINT64_C(1) << (20 + below(m, 16)));
}

static void check_state(struct model *m, const struct fog_calendar *c)
{
	uint64_t first = model_earliest(m), next = fog_calendar_next(c);

	m->errors += fog_calendar_depth(c) != m->depth;
	m->errors += fog_calendar_overflow(c) > m->depth;
	m->errors += (next == UINT64_MAX) != (m->depth == 0);
	if (m->depth > 0) {
		m->errors += next > m->start + first * TICK;
		// With something in the wheel it is exact.
		m->errors += fog_calendar_overflow(c) == 0 && next != m->start + first * TICK;
	}
}

static void run(uint32_t slots, uint32_t spread, uint64_t seed, unsigned operations)
{
	static struct model m;
	m = (struct model
	){.start = 12345,
	  .now = 12345,
	  .cursor = 0,
	  .slots = slots,
	  .spread = spread,
	  .slow = (28 - spread) / 2,
	  .rng = seed};
	struct fog_calendar_config cfg = {
	        .tsc_hz = HZ, .start = m.start, .slots = slots, .capacity = CAPACITY};
	struct fog_calendar *c;

	memcpy(cfg.seed, &seed, sizeof(seed));
	CU_ASSERT_EQUAL_FATAL(fog_calendar_create(&cfg, &c), 0);
	for (unsigned i = 0; i < operations; i++) {
		uint64_t dice = below(&m, 100);
		if (dice < 45)
			step_insert(&m, c);
		else if (dice < 47)
			step_evict(&m, c);
		else if (dice < 80)
			step_take(&m, c);
		else
			step_clock(&m);
		check_state(&m, c);
		if (m.errors > 0)
			break;
	}
	CU_ASSERT_EQUAL(m.errors, 0);
	CU_ASSERT(m.taken > operations / 20);
	CU_ASSERT(m.evicted > operations / 200);
	CU_ASSERT(m.refused > 0);
	CU_ASSERT((m.overflowed > 0) == (UINT64_C(1) << spread > (uint64_t)slots * TICK));
	fog_calendar_destroy(c);
}

static void test_small_wheel(void)
{
	run(64, 28, 1, 500000);
}

static void test_large_wheel(void)
{
	run(8192, 28, 2, 500000);
}

static void test_worker_wheel(void)
{
	run(1 << 16, 28, 3, 500000);
}

// So near that most lists have packets already.
static void test_near(void)
{
	run(1 << 16, 14, 4, 500000);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"500,000 operations on 64 slots", test_small_wheel},
	        {"500,000 operations on 8,192 slots", test_large_wheel},
	        {"500,000 operations on 65,536 slots", test_worker_wheel},
	        {"500,000 operations near the present", test_near},
	        CU_TEST_INFO_NULL,
	};
	return check_run("calendar model", tests);
}
