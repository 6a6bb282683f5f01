// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The cheating data planes of tests/cheat, one a program (its name is the argument), and the honest
// one: every packet's stay in the calendar against what the law and its tag say.
#include <rte_cycles.h>
#include <stdio.h>

#include "../run.h"
#include "rig.h"

enum { COUNT = 300, PARKED = 1024, LATE_MS = 50, LATEST_MS = 100 };

// The packet that is on its way.
static struct {
	uint64_t owed_us, stay; // cycles
	unsigned parked;
} one;

static const char *kind;

// Of the calls out of the stages, both are the linker's work.
int __real_fog_calendar_insert(struct fog_calendar *, void *packet, uint64_t due, uint64_t now);
int __wrap_fog_calendar_insert(struct fog_calendar *, void *packet, uint64_t due, uint64_t now);
void __real_fog_delay_owed_batch(
        const struct fog_delay_law *, const struct fog_aes_key *, unsigned n,
        const uint8_t *const tag[], const uint32_t node_delay_ms[], uint64_t owed[]
);
void __wrap_fog_delay_owed_batch(
        const struct fog_delay_law *, const struct fog_aes_key *, unsigned n,
        const uint8_t *const tag[], const uint32_t node_delay_ms[], uint64_t owed[]
);

int __wrap_fog_calendar_insert(struct fog_calendar *c, void *packet, uint64_t due, uint64_t now)
{
	one.stay = due - now;
	one.parked++;
	return __real_fog_calendar_insert(c, packet, due, now);
}

void __wrap_fog_delay_owed_batch(
        const struct fog_delay_law *law, const struct fog_aes_key *key, unsigned n,
        const uint8_t *const tag[], const uint32_t node_delay_ms[], uint64_t owed[]
)
{
	CU_ASSERT_EQUAL(n, 1);
	__real_fog_delay_owed_batch(law, key, n, tag, node_delay_ms, owed);
	one.owed_us = owed[0];
}

// Carry one packet to the calendar; it came from node 1.
static void park(struct rig *r, int next)
{
	uint8_t packet[FOG_SPHINX_PACKET_MAX];

	one.parked = 0;
	one.stay = 0;
	rig_packet(r, next, packet);
	rig_put_packet(r, packet);
	rig_settle(r);
}

static double ms(uint64_t cycles)
{
	return (double)cycles * 1e3 / (double)rte_get_tsc_hz();
}

// Whether the packet stays for 'us', but for rounding and the least of one tick.
static bool stays(const struct rig *r, uint64_t us)
{
	uint64_t tick = fog_calendar_tick(r->w->calendar);
	uint64_t want = us * (rte_get_tsc_hz() / 1000000), spare = tick + want / 1000;

	return one.stay + spare >= want && one.stay <= want + spare;
}

static bool is(const char *name)
{
	return strcmp(kind, name) == 0;
}

// What became of all packets to one next hop.
struct tally {
	unsigned owed, half, late, lost, other, long_lost;
	double sum_ms;
};

static struct tally tally(struct rig *r, int next)
{
	uint64_t p80 = fog_delay_quantile(&r->conf->law, UINT64_MAX / 5 * 4);
	struct tally t = {0};

	for (int i = 0; i < COUNT; i++) {
		park(r, next);
		double over = ms(one.stay) - (double)one.owed_us / 1e3;
		t.sum_ms += ms(one.stay);
		if (one.parked == 0) {
			t.lost++;
			t.long_lost += one.owed_us >= p80 - p80 / 1000;
		} else if (stays(r, one.owed_us))
			t.owed++;
		else if (stays(r, one.owed_us / 2))
			t.half++;
		else if (over >= LATE_MS - 1 && over <= LATEST_MS + 1)
			t.late++;
		else
			t.other++;
	}
	printf("next hop %d: as owed %u, half %u, late %u, lost %u, else %u\n", next, t.owed,
	       t.half, t.late, t.lost, t.other);
	return t;
}

static void check_kind(const struct tally *t, const struct rig *r, int next)
{
	double mean = t->sum_ms / COUNT, law = 47.7; // of the truncated law, ms

	if (is("honest") || (is("selective") && next == 1))
		CU_ASSERT_EQUAL(t->owed, COUNT);
	if (is("halves") || (is("selective") && next != 1)) {
		// Half of what is hardly anything passes for all of it.
		CU_ASSERT(t->half > COUNT * 9 / 10);
		CU_ASSERT_EQUAL(t->half + t->owed, COUNT);
	}
	if (is("late")) { // 60, 7 more or less
		CU_ASSERT(t->late > 20 && t->late < 100);
		CU_ASSERT_EQUAL(t->late + t->owed, COUNT);
	}
	if (is("own")) { // law's mean of 300: 2.6 ms more or less
		CU_ASSERT(t->owed < COUNT / 10);
		CU_ASSERT(mean > law - 13 && mean < law + 13);
	}
	if (is("drops")) {
		CU_ASSERT(t->lost > 20 && t->lost < 100);
		CU_ASSERT_EQUAL(t->long_lost, t->lost);
		CU_ASSERT_EQUAL(t->lost + t->owed, COUNT);
	}
}

static void test_kind(void)
{
	for (int next = 1; next <= 2; next++) {
		struct rig *r = rig_create(RIG_SLOW, PARKED);
		uint64_t drops = 0;

		struct tally t = tally(r, next);
		check_kind(&t, r, next);
		const struct fog_worker_counters *c = rig_snapshot(r);
		for (unsigned i = 0; i < FOG_DROP_COUNT; i++)
			drops += c->drop[i];
		CU_ASSERT_EQUAL(drops, 0); // it doesn't say so
		rig_destroy(r);
	}
}

int main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {{"what is owed", test_kind}, CU_TEST_INFO_NULL};

	kind = argc > 1 ? argv[1] : "honest";
	if (rig_global_init(argv[0]) < 0)
		return 1;
	return check_run(kind, tests);
}
