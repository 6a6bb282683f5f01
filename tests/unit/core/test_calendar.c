// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The calendar under an injected clock: when packets leave, in which order, and who is evicted.
#include "calendar.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "api/plan.h"
#include "check.h"

enum { TICK = 128, HZ = 2000000, START = 1000003 };

// Packets are small numbers, 1 and up, dressed as pointers.
static void *packet(uintptr_t number)
{
	return (void *)number;
}

static struct fog_calendar *calendar(uint32_t slots, uint32_t capacity, uint8_t seed)
{
	struct fog_calendar_config cfg = {
	        .tsc_hz = HZ, .start = START, .slots = slots, .capacity = capacity};
	struct fog_calendar *c = NULL;

	memset(cfg.seed, seed, sizeof(cfg.seed));
	CU_ASSERT_EQUAL_FATAL(fog_calendar_create(&cfg, &c), 0);
	return c;
}

static void test_shape(void)
{
	struct fog_calendar_config cfg = {.tsc_hz = HZ, .slots = 64, .capacity = 1};
	struct fog_calendar_config bad;
	struct fog_calendar *c = NULL;

	for (unsigned i = 0; i < 5; i++) {
		bad = cfg;
		if (i == 0)
			bad.slots = 96;
		else if (i == 1)
			bad.slots = 32;
		else if (i == 2)
			bad.capacity = 0;
		else if (i == 3)
			bad.tsc_hz = 999999;
		else
			bad.slots = 1 << 25;
		CU_ASSERT_EQUAL(fog_calendar_create(&bad, &c), -EINVAL);
		CU_ASSERT_EQUAL(fog_calendar_footprint(&bad), 0);
	}
	// 50 to 100 us, whatever the clock.
	for (uint64_t hz = 1000000; hz < UINT64_C(6000000000); hz += hz / 7) {
		cfg.tsc_hz = hz;
		CU_ASSERT_EQUAL_FATAL(fog_calendar_create(&cfg, &c), 0);
		double us = (double)fog_calendar_tick(c) * 1e6 / (double)hz;
		CU_ASSERT(us >= 50 && us < 100);
		fog_calendar_destroy(c);
	}
	fog_calendar_destroy(NULL);
	cfg.capacity = 1000000;
	uint64_t million = fog_calendar_footprint(&cfg);
	CU_ASSERT(million >= 32000000 && million < 33000000);
	// What the plan takes it for, with as many slots as a worker has.
	cfg.slots = 1 << 16;
	for (cfg.capacity = 1; cfg.capacity < 100000000; cfg.capacity += cfg.capacity / 5 + 1)
		CU_ASSERT(
		        fog_calendar_footprint(&cfg) <=
		        FOG_CALENDAR_BASE + (uint64_t)cfg.capacity * FOG_CALENDAR_ENTRY
		);
}

static void test_full(void)
{
	struct fog_calendar *c = calendar(64, 3, 1);
	struct fog_calendar_item item[4];

	CU_ASSERT_EQUAL(fog_calendar_next(c), UINT64_MAX);
	CU_ASSERT_PTR_NULL(fog_calendar_evict_random(c));
	for (uintptr_t i = 1; i <= 3; i++)
		CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(i), START + i * TICK, START), 0);
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(4), START, START), -ENOSPC);
	CU_ASSERT_EQUAL(fog_calendar_depth(c), 3);
	CU_ASSERT_PTR_NOT_NULL(fog_calendar_evict_random(c));
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(4), START, START), 0);
	CU_ASSERT_EQUAL(fog_calendar_take(c, START + 10 * TICK, item, 4), 3);
	CU_ASSERT_EQUAL(fog_calendar_depth(c), 0);
	CU_ASSERT_EQUAL(fog_calendar_next(c), UINT64_MAX);
	fog_calendar_destroy(c);
}

// A due time in the past waits for the next tick; on a boundary it is that boundary.
static void test_next_tick(void)
{
	struct fog_calendar *c = calendar(64, 8, 1);
	struct fog_calendar_item item[8];
	uint64_t now = START + 5 * TICK + 17;

	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(1), START - 1, now), 0);
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(2), now, now), 0);
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(3), START + 7 * TICK, now), 0);
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(4), START + 7 * TICK + 1, now), 0);
	CU_ASSERT_EQUAL(fog_calendar_take(c, START + 6 * TICK - 1, item, 8), 0);
	CU_ASSERT_EQUAL(fog_calendar_next(c), START + 6 * TICK);
	CU_ASSERT_EQUAL(fog_calendar_take(c, START + 6 * TICK, item, 8), 2);
	CU_ASSERT_EQUAL(fog_calendar_next(c), START + 7 * TICK);
	// A reader of an older clock must not park where the wheel has passed already.
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(5), START, START), 0);
	CU_ASSERT_EQUAL(fog_calendar_take(c, START + 7 * TICK - 1, item, 8), 0);
	CU_ASSERT_EQUAL(fog_calendar_take(c, START + 7 * TICK, item, 8), 2);
	CU_ASSERT_EQUAL(fog_calendar_next(c), START + 8 * TICK);
	CU_ASSERT_EQUAL(fog_calendar_take(c, START + 8 * TICK, item, 8), 1);
	CU_ASSERT_PTR_EQUAL(item[0].packet, packet(4));
	CU_ASSERT_EQUAL(item[0].due, START + 7 * TICK + 1);
	fog_calendar_destroy(c);
}

// The same when it is not due yet by that older clock, and its list is in use.
static void test_older_clock(void)
{
	struct fog_calendar *c = calendar(1 << 16, 8, 1);
	struct fog_calendar_item item[8];

	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(1), START + 8 * TICK, START), 0);
	CU_ASSERT_EQUAL(fog_calendar_take(c, START + 6 * TICK, item, 8), 0);
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(2), START + 6 * TICK + 1, START), 0);
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(3), START + 6 * TICK, START), 0);
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(4), START + 3 * TICK, START), 0);
	CU_ASSERT_EQUAL(fog_calendar_next(c), START + 7 * TICK);
	CU_ASSERT_EQUAL(fog_calendar_take(c, START + 7 * TICK - 1, item, 8), 0);
	CU_ASSERT_EQUAL(fog_calendar_take(c, START + 7 * TICK, item, 8), 3);
	CU_ASSERT_EQUAL(fog_calendar_take(c, START + 8 * TICK, item, 8), 1);
	// And again when the list of that tick serves a later one.
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(5), START + (128 + 3) * TICK, START), 0);
	CU_ASSERT_EQUAL(fog_calendar_take(c, START + 70 * TICK, item, 8), 0);
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(7), START + 200 * TICK, START), 0);
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(6), START + 3 * TICK, START), 0);
	CU_ASSERT_EQUAL(fog_calendar_take(c, START + 71 * TICK, item, 8), 1);
	CU_ASSERT_PTR_EQUAL(item[0].packet, packet(6));
	fog_calendar_destroy(c);
}

// Special cases are seen as such when the list that the packet would go to is in use.
static void test_lists_in_use(void)
{
	enum { SLOTS = 1 << 16, LATE = SLOTS / 2 + SLOTS / 8 };

	struct fog_calendar *c = calendar(SLOTS, 8, 1);
	struct fog_calendar_item item[8];
	uint64_t now = START + 7 * TICK + 5;

	// Overdue.
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(1), START + 7 * TICK, START), 0);
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(2), START + 7 * TICK - 1, now), 0);
	CU_ASSERT_EQUAL(fog_calendar_take(c, now, item, 8), 1);
	CU_ASSERT_PTR_EQUAL(item[0].packet, packet(1));
	CU_ASSERT_EQUAL(fog_calendar_take(c, now + TICK, item, 8), 1);
	// Beyond the horizon.
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(3), START + 200 * TICK, now), 0);
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(4), START + (SLOTS + 200) * TICK, now), 0);
	CU_ASSERT_EQUAL(fog_calendar_overflow(c), 1);
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(5), START + (LATE + 9) * TICK, now), 0);
	// After a standstill.
	now = START + LATE * TICK;
	CU_ASSERT_EQUAL(fog_calendar_next(c), START + 200 * TICK);
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(6), START + (LATE + 9) * TICK, now), 0);
	CU_ASSERT_EQUAL(fog_calendar_next(c), now);
	CU_ASSERT_EQUAL(fog_calendar_take(c, now, item, 8), 1);
	CU_ASSERT_PTR_EQUAL(item[0].packet, packet(3));
	CU_ASSERT_EQUAL(fog_calendar_take(c, now + 9 * TICK, item, 8), 2);
	CU_ASSERT_EQUAL(fog_calendar_take(c, START + (SLOTS + 200) * TICK, item, 8), 1);
	CU_ASSERT_EQUAL(fog_calendar_overflow(c), 0);
	fog_calendar_destroy(c);
}

// Polled at every tick, nothing leaves early and nothing more than one tick late.
static void test_lateness(void)
{
	enum { PACKETS = 30000, HORIZONS = 20, SLOTS = 256 };

	struct fog_calendar *c = calendar(SLOTS, PACKETS, 2);
	struct fog_calendar_item item[64];
	uint64_t rng = 1, late_max = 0;
	unsigned parked = 0, taken = 0, early = 0, late = 0, got;

	for (uint64_t tick = 0; tick < (HORIZONS + 4) * SLOTS; tick++) {
		uint64_t now = START + tick * TICK;
		while ((got = fog_calendar_take(c, now, item, 64)) > 0) {
			for (unsigned i = 0; i < got; i++) {
				early += now < item[i].due;
				late += now >= item[i].due + TICK;
				if (now - item[i].due > late_max)
					late_max = now - item[i].due;
			}
			taken += got;
		}
		for (unsigned i = 0; i < 6 && parked < PACKETS; i++, parked++) {
			uint64_t at = now + check_random(&rng) % TICK;
			uint64_t due = at + TICK + check_random(&rng) % (4 * SLOTS * TICK);
			CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(parked + 1), due, at), 0);
		}
	}
	CU_ASSERT_EQUAL(parked, PACKETS);
	CU_ASSERT_EQUAL(taken, PACKETS);
	CU_ASSERT_EQUAL(early, 0);
	CU_ASSERT_EQUAL(late, 0);
	CU_ASSERT(late_max > TICK / 2); // the clock above does produce lateness
	fog_calendar_destroy(c);
}

// Take all of what is due in parts of 'max'; returns how many, the order in 'order'.
static unsigned take_all(struct fog_calendar *c, uint64_t now, unsigned max, unsigned *order)
{
	struct fog_calendar_item item[64];
	unsigned n = 0, got;

	while ((got = fog_calendar_take(c, now, item, max)) > 0)
		for (unsigned i = 0; i < got; i++)
			order[n++] = (unsigned)(uintptr_t)item[i].packet;
	return n;
}

static double correlation(const unsigned *order, unsigned n)
{
	double mean = (n + 1) / 2.0, both = 0, own = 0;

	for (unsigned i = 0; i < n; i++) {
		both += (i + 1 - mean) * (order[i] - mean);
		own += (order[i] - mean) * (order[i] - mean);
	}
	return both / own;
}

static void test_shuffle(void)
{
	enum {
		N = 4000,
	};

	static unsigned order[2][N];

	for (unsigned max = 7; max <= 64; max += 57) {
		struct fog_calendar *c = calendar(64, N, 3);
		for (unsigned run = 0; run < 2; run++) {
			uint64_t now = START + (run + 1) * 10 * TICK;
			for (uintptr_t i = 1; i <= N; i++)
				fog_calendar_insert(c, packet(i), now - i % TICK, now - 9 * TICK);
			CU_ASSERT_EQUAL_FATAL(take_all(c, now, max, order[run]), N);
			// Five standard deviations of a random order's rank correlation.
			CU_ASSERT(fabs(correlation(order[run], N)) < 5 / sqrt(N - 1));
		}
		CU_ASSERT(memcmp(order[0], order[1], sizeof(order[0])) != 0);
		fog_calendar_destroy(c);
	}
}

// All 24 orders of four packets are equally likely, taken whole or two by two.
static void test_permutations(void)
{
	enum {
		ROUNDS = 24000,
	};

	for (unsigned max = 2; max <= 4; max += 2) {
		struct fog_calendar *c = calendar(64, 4, 4);
		uint32_t seen[24] = {0};
		for (uint64_t round = 0; round < ROUNDS; round++) {
			uint64_t now = START + round * TICK;
			unsigned order[4] = {0};
			for (uintptr_t i = 1; i <= 4; i++)
				fog_calendar_insert(c, packet(i), now, now);
			CU_ASSERT_EQUAL_FATAL(take_all(c, now + TICK, max, order), 4);
			// Lehmer code: for each, how many after it are smaller.
			unsigned code = 0;
			for (unsigned i = 0; i < 4; i++) {
				unsigned smaller = 0;
				for (unsigned k = i + 1; k < 4; k++)
					smaller += order[k] < order[i];
				code = code * (4 - i) + smaller;
			}
			seen[code]++;
		}
		// 23 degrees of freedom, alpha 0.001
		CU_ASSERT(check_chi_squared(seen, 24, ROUNDS / 24.0) < 49.73);
		fog_calendar_destroy(c);
	}
}

// A victim is any parked packet: of the slot being taken, the wheel, and beyond the horizon.
static void test_victims(void)
{
	enum {
		ROUNDS = 9600,
		PACKETS = 48,
	};

	uint32_t seen[PACKETS] = {0};
	struct fog_calendar_item item;

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct fog_calendar_config cfg = {
		        .tsc_hz = HZ, .start = START, .slots = 64, .capacity = PACKETS + 1};
		struct fog_calendar *c;
		memcpy(cfg.seed, &round, sizeof(round));
		CU_ASSERT_EQUAL_FATAL(fog_calendar_create(&cfg, &c), 0);
		for (uintptr_t i = 0; i <= PACKETS; i++)
			fog_calendar_insert(c, packet(i), START + (1 + i / 16 * 50) * TICK, START);
		CU_ASSERT_EQUAL(fog_calendar_take(c, START + TICK, &item, 1), 1);
		CU_ASSERT(fog_calendar_overflow(c) > 0);
		// Packets 0 to 15 share a slot; the place of the one taken goes to the odd one out.
		uintptr_t victim = (uintptr_t)fog_calendar_evict_random(c);
		seen[victim == PACKETS ? (uintptr_t)item.packet : victim]++;
		CU_ASSERT_EQUAL(fog_calendar_depth(c), PACKETS - 1);
		fog_calendar_destroy(c);
	}
	// 47 degrees of freedom, alpha 0.001
	CU_ASSERT(check_chi_squared(seen, PACKETS, (double)ROUNDS / PACKETS) < 82.72);
}

// The same when a slot is so crowded that its list has several chunks, and after thousands of
// victims have left gaps.
static void test_crowded_victims(void)
{
	enum {
		ROUNDS = 60000,
		PACKETS = 150,
		CROWD = 130,
	};

	uint32_t seen[PACKETS] = {0};
	struct fog_calendar *c = calendar(64, PACKETS, 8);
	uint64_t due[PACKETS];

	for (uintptr_t i = 0; i < PACKETS; i++) {
		due[i] = START + (i < CROWD ? 1 : i - CROWD + 2) * TICK;
		fog_calendar_insert(c, packet(i), due[i], START);
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		uintptr_t victim = (uintptr_t)fog_calendar_evict_random(c);
		seen[victim]++;
		CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(victim), due[victim], START), 0);
	}
	// 149 degrees of freedom, alpha 0.001
	CU_ASSERT(check_chi_squared(seen, PACKETS, (double)ROUNDS / PACKETS) < 207.0);
	unsigned order[PACKETS];
	CU_ASSERT_EQUAL(take_all(c, START + TICK, 64, order), CROWD);
	while (fog_calendar_evict_random(c) != NULL)
		continue;
	CU_ASSERT_EQUAL(fog_calendar_depth(c), 0);
	fog_calendar_destroy(c);
}

// What comes next is told once, all of it, before its time; packets that left meanwhile spoil
// nothing.
static void test_ahead(void)
{
	enum {
		N = 300,
	};

	static uint8_t told[N + 1];
	static unsigned order[N];
	struct fog_calendar *c = calendar(1 << 16, N, 9);
	const struct fog_calendar_item *item;
	unsigned n, left = N;

	CU_ASSERT_EQUAL(fog_calendar_ahead(c, &item), 0);
	for (uintptr_t i = 1; i <= N; i++)
		fog_calendar_insert(c, packet(i), START + (i == 1 ? 1 : i % 3 + 2) * TICK, START);
	CU_ASSERT_EQUAL(take_all(c, START + TICK, 64, order), 1);
	while ((n = fog_calendar_ahead(c, &item)) > 0)
		for (unsigned i = 0; i < n; i++)
			told[(uintptr_t)item[i].packet]++;
	for (uintptr_t i = 1; i <= N; i++)
		CU_ASSERT_EQUAL(told[i], i != 1 && i % 3 == 0);
	CU_ASSERT_EQUAL(take_all(c, START + 2 * TICK, 64, order), N / 3);
	CU_ASSERT(fog_calendar_ahead(c, &item) > 0);
	for (left = N - 1 - N / 3; fog_calendar_evict_random(c) != NULL; left--)
		continue;
	CU_ASSERT_EQUAL(left, 0);
	while ((n = fog_calendar_ahead(c, &item)) > 0)
		CU_FAIL("tells packets that have left");
	fog_calendar_destroy(c);
}

// From one tick to thousands of horizons ahead, waking only when told to.
static void test_horizon(void)
{
	enum {
		SLOTS = 64,
		N = 9,
	};

	static const uint64_t ahead[N] = {1, 63, 64, 65, 6400, 16383, 16384, 20000 * 64, 3000000};
	struct fog_calendar *c = calendar(SLOTS, N + 1, 5);
	struct fog_calendar_item item[2];
	unsigned wakes = 0;

	for (uintptr_t i = 0; i < N; i++)
		fog_calendar_insert(c, packet(i), START + ahead[i] * TICK, START);
	fog_calendar_insert(c, packet(N), UINT64_MAX, START);
	CU_ASSERT_EQUAL(fog_calendar_overflow(c), N - 1);
	for (uintptr_t i = 0; i < N;) {
		uint64_t next = fog_calendar_next(c);
		CU_ASSERT_FATAL(next <= START + ahead[i] * TICK && ++wakes < 100000);
		unsigned got = fog_calendar_take(c, next, item, 2);
		CU_ASSERT_FATAL(got <= 1);
		if (got == 1) {
			CU_ASSERT_PTR_EQUAL(item[0].packet, packet(i));
			CU_ASSERT_EQUAL(next, START + ahead[i] * TICK);
			i++;
		}
	}
	CU_ASSERT_EQUAL(fog_calendar_depth(c), 1);
	CU_ASSERT_EQUAL(fog_calendar_overflow(c), 1);
	CU_ASSERT_PTR_EQUAL(fog_calendar_evict_random(c), packet(N));
	CU_ASSERT_EQUAL(fog_calendar_overflow(c), 0);
	fog_calendar_destroy(c);
}

// The clock jumps by hours (a stopped virtual machine): all that is overdue is one slot.
static void test_jump(void)
{
	enum {
		N = 5000,
	};

	static unsigned order[N + 1];
	static uint8_t seen[N + 1];
	struct fog_calendar *c = calendar(64, N + 1, 6);
	uint64_t hours = START + UINT64_C(3 * 3600) * HZ;

	for (uintptr_t i = 1; i <= N; i++)
		fog_calendar_insert(c, packet(i), START + (hours - START) / N * i, START);
	// Parked before anybody took notice of the jump.
	fog_calendar_insert(c, packet(N + 1), hours - 5 * TICK, hours + TICK / 2);
	CU_ASSERT_EQUAL(fog_calendar_overflow(c), 0);
	CU_ASSERT(fog_calendar_next(c) <= hours);
	CU_ASSERT_EQUAL_FATAL(take_all(c, hours + TICK / 2, 10, order), N);
	for (unsigned i = 0; i < N; i++)
		seen[order[i]]++;
	for (unsigned i = 1; i <= N; i++)
		CU_ASSERT_EQUAL(seen[i], 1);
	CU_ASSERT(fabs(correlation(order, N)) < 5 / sqrt(N - 1));
	CU_ASSERT_EQUAL(take_all(c, hours + 2 * TICK, 10, order), 1);
	CU_ASSERT_EQUAL(order[0], N + 1);
	CU_ASSERT_EQUAL(fog_calendar_depth(c), 0);
	fog_calendar_destroy(c);
}

// A crowd moves from its bucket to the wheel a few at a time; when its time comes all of it is
// there, and a packet that was overdue when it was parked meanwhile doesn't get lost among it.
static void test_crowd(void)
{
	enum {
		N = 4000,
		BUCKET = 640,
	}; // 65,536 slots make buckets of 64 ticks; one begins with tick 640

	static unsigned order[N + 1];
	struct fog_calendar *c = calendar(1 << 16, N + 1, 7);
	uint64_t before = START + (BUCKET - 1) * TICK;

	for (uintptr_t i = 1; i <= N; i++)
		fog_calendar_insert(c, packet(i), START + (BUCKET + i % 4) * TICK, START);
	CU_ASSERT_EQUAL(take_all(c, START + 600 * TICK, 64, order), 0);
	CU_ASSERT_EQUAL(fog_calendar_insert(c, packet(N + 1), START + 10 * TICK, before), 0);
	CU_ASSERT_EQUAL(take_all(c, before, 64, order), 0);
	CU_ASSERT_EQUAL(fog_calendar_next(c), START + BUCKET * TICK);
	CU_ASSERT_EQUAL_FATAL(take_all(c, START + (BUCKET + 3) * TICK, 64, order), N + 1);
	unsigned disorder = 0, overdue = 0;
	while (order[overdue] != N + 1)
		overdue++;
	for (unsigned i = 0; i < N; i++)
		disorder += order[i + (i >= overdue)] % 4 != i / (N / 4);
	CU_ASSERT_EQUAL(disorder, 0);
	CU_ASSERT(overdue <= N / 4); // with tick 640
	fog_calendar_destroy(c);
}

// A bucket moves by the chunk, the newest first. While it is half moved its first packet may be among
// those that wait for their move.
static void test_half_moved(void)
{
	enum { N = 64, FIRST = 6402, LAST = 6460 }; // in a bucket that begins with tick 6400

	static unsigned order[N + 1];
	struct fog_calendar *c = calendar(1 << 16, N + 1, 7);

	for (uintptr_t i = 1; i <= N; i++)
		fog_calendar_insert(c, packet(i), START + FIRST * TICK, START);
	fog_calendar_insert(c, packet(N + 1), START + LAST * TICK, START);
	CU_ASSERT_EQUAL(fog_calendar_next(c), START + FIRST * TICK);
	for (uint64_t tick = 6350; tick <= 6352; tick += 2) {
		CU_ASSERT_EQUAL(take_all(c, START + tick * TICK, 64, order), 0);
		CU_ASSERT_EQUAL(fog_calendar_next(c), START + FIRST * TICK);
	}
	CU_ASSERT_EQUAL(take_all(c, START + FIRST * TICK, 64, order), N);
	CU_ASSERT_EQUAL(fog_calendar_next(c), START + LAST * TICK);
	CU_ASSERT_EQUAL(take_all(c, START + LAST * TICK, 64, order), 1);
	fog_calendar_destroy(c);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"shape, tick and footprint", test_shape},
	        {"full calendar refuses", test_full},
	        {"past due waits for the next tick", test_next_tick},
	        {"an older clock", test_older_clock},
	        {"lists in use", test_lists_in_use},
	        {"never early, at most a tick late", test_lateness},
	        {"no order of arrival inside a slot", test_shuffle},
	        {"all orders equally likely", test_permutations},
	        {"victims uniform", test_victims},
	        {"victims uniform in a crowd", test_crowded_victims},
	        {"the next slot is told ahead", test_ahead},
	        {"horizon, overflow and wrap", test_horizon},
	        {"clock jumps by hours", test_jump},
	        {"a crowd leaves its bucket in time", test_crowd},
	        {"the next tick of a half moved bucket", test_half_moved},
	        CU_TEST_INFO_NULL,
	};
	return check_run("calendar", tests);
}
