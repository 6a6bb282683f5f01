// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The epoch clock against simulated clocks of a host: its own drift, NTP's slewing, small steps, and
// jumps that it has to refuse.
#include "../../../controlplane/epoch/clock.h"
#include "../run.h"

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define BEGIN (UINT64_C(1764110000) * SECOND)

static struct fog_clock_state clock_state;
static struct fog_clock_reading host;

static int64_t error_ns(void)
{
	return (int64_t)(host.real_ns - host.boot_ns) - clock_state.offset_ns;
}

static void begin(void)
{
	host = (struct fog_clock_reading){.boot_ns = 7 * SECOND, .real_ns = BEGIN};
	fog_clock_begin(&clock_state, &host);
	CU_ASSERT_EQUAL(error_ns(), 0);
}

// Time passes in ticks of 250 ms; CLOCK_REALTIME gains 'ppm' on CLOCK_BOOTTIME.
static void pass(int64_t seconds, int64_t ppm)
{
	for (int64_t i = 0; i < 4 * seconds; i++) {
		host.boot_ns += 250 * MS;
		host.real_ns += (uint64_t)(250 * MS + ppm * 250);
		fog_clock_follow(&clock_state, &host);
	}
}

static void test_drift(void)
{
	static const int64_t ppm[] = {0, 1, -1, 100, -100, 500, -500};

	for (size_t i = 0; i < sizeof(ppm) / sizeof(ppm[0]); i++) {
		begin();
		pass(86400, ppm[i]);
		CU_ASSERT_FALSE(clock_state.stepped);
		CU_ASSERT_EQUAL(error_ns(), 0);
	}
	// Faster than anything that slews: it counts as a step as soon as it makes a difference.
	begin();
	pass(3600, 1000);
	CU_ASSERT_TRUE(clock_state.stepped);
}

static void test_small_step(void)
{
	for (int64_t sign = -1; sign <= 1; sign += 2) {
		begin();
		host.real_ns += (uint64_t)(sign * FOG_CLOCK_STEP_NS);
		pass(1, 0);
		CU_ASSERT_FALSE(clock_state.stepped);
		// 500 us a second, and not at once.
		CU_ASSERT_EQUAL(error_ns(), sign * (FOG_CLOCK_STEP_NS - 500000));
		pass(198, 0);
		CU_ASSERT_EQUAL(error_ns(), sign * 500000);
		pass(2, 0);
		CU_ASSERT_EQUAL(error_ns(), 0);
		CU_ASSERT_EQUAL(clock_state.ahead_ns, 0);
	}
}

static void test_jump(void)
{
	static const int64_t jump[] = {
	        FOG_CLOCK_STEP_NS + MS, -FOG_CLOCK_STEP_NS - MS, 3600 * SECOND, -3600 * SECOND,
	        -(int64_t)(BEGIN - 100 * SECOND)};

	for (size_t i = 0; i < sizeof(jump) / sizeof(jump[0]); i++) {
		begin();
		int64_t offset = clock_state.offset_ns;
		host.real_ns += (uint64_t)jump[i];
		pass(86400, 0);
		CU_ASSERT_TRUE(clock_state.stepped);
		CU_ASSERT_EQUAL(clock_state.ahead_ns, jump[i]);
		CU_ASSERT_EQUAL(clock_state.offset_ns, offset);
		// Set right again: nothing has happened.
		host.real_ns -= (uint64_t)jump[i];
		pass(1, 0);
		CU_ASSERT_FALSE(clock_state.stepped);
		CU_ASSERT_EQUAL(clock_state.offset_ns, offset);
	}
}

// Whoever sets the clock a little again and again moves it no faster than it may be slewed.
static void test_many_small_steps(void)
{
	begin();
	int64_t offset = clock_state.offset_ns;
	for (int i = 0; i < 100; i++) {
		host.real_ns += 90 * MS;
		pass(1, 0);
	}
	CU_ASSERT_TRUE(clock_state.stepped);
	CU_ASSERT_TRUE(clock_state.offset_ns - offset <= 100 * 500000);
}

// A suspended host comes back with both clocks further on; a boot clock that falls is no time.
static void test_odd_boot_times(void)
{
	begin();
	host.boot_ns += (uint64_t)(8 * 3600 * SECOND);
	host.real_ns += (uint64_t)(8 * 3600 * SECOND);
	fog_clock_follow(&clock_state, &host);
	CU_ASSERT_FALSE(clock_state.stepped);
	CU_ASSERT_EQUAL(error_ns(), 0);
	host.boot_ns -= (uint64_t)SECOND;
	host.real_ns -= (uint64_t)SECOND;
	int64_t offset = clock_state.offset_ns;
	fog_clock_follow(&clock_state, &host);
	CU_ASSERT_EQUAL(clock_state.offset_ns, offset);
}

// The real clocks of this host, and a step that test.clock_ahead makes.
static void test_real(void)
{
	struct fog_clock *c = NULL;
	int64_t ahead;

	CU_ASSERT_EQUAL_FATAL(fog_clock_create(0, &c), 0);
	uint64_t before = fog_clock_now_ns(c);
	fog_clock_tick(c, 0);
	CU_ASSERT_FALSE(fog_clock_stepped(c, &ahead));
	fog_clock_tick(c, 60000);
	CU_ASSERT_TRUE(fog_clock_stepped(c, &ahead));
	CU_ASSERT_TRUE(ahead > 59900 * MS && ahead < 60100 * MS);
	CU_ASSERT_TRUE(fog_clock_now_ns(c) - before < (uint64_t)(60 * SECOND));
	fog_clock_tick(c, 0);
	CU_ASSERT_FALSE(fog_clock_stepped(c, &ahead));
	fog_clock_destroy(c);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"drift and slewing", test_drift},
	        {"a small step", test_small_step},
	        {"jumps", test_jump},
	        {"many small steps", test_many_small_steps},
	        {"odd boot times", test_odd_boot_times},
	        {"this host's clocks", test_real},
	        CU_TEST_INFO_NULL,
	};
	return check_run("clock", tests);
}
