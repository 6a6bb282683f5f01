// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The schedule of keys over simulated time, against the rule as the design states it.
#include "../../../controlplane/epoch/schedule.h"
#include "../../../controlplane/mixnet/topology.h"
#include "../run.h"

#define SECOND UINT64_C(1000000000)

static const struct fog_schedule kinds[] = {
        {.epoch_ns = 60 * SECOND, .overlap_ns = 20 * SECOND},
        {.epoch_ns = 60 * SECOND, .overlap_ns = 30 * SECOND},
        {.epoch_ns = 60 * SECOND, .overlap_ns = 0},
        {.epoch_ns = 10 * SECOND, .overlap_ns = 1},
        {.epoch_ns = 604800 * SECOND, .overlap_ns = 302400 * SECOND},
};

// Whether the design wants the key of 'epoch' at the data plane at 'now'.
static bool wanted(const struct fog_schedule *s, uint64_t epoch, uint64_t now)
{
	uint64_t n = now / s->epoch_ns;

	if (epoch + 1 == n)
		return now < n * s->epoch_ns + s->overlap_ns;
	if (epoch == n)
		return true;
	return epoch == n + 1 && (n == 0 || now >= n * s->epoch_ns + s->overlap_ns);
}

static void check(const struct fog_schedule *s, uint64_t now)
{
	struct fog_schedule_view v = fog_schedule_look(s, now);
	uint64_t n = now / s->epoch_ns;

	CU_ASSERT_EQUAL_FATAL(v.epoch, n);
	CU_ASSERT_EQUAL_FATAL(v.live_count, 2);
	CU_ASSERT_TRUE_FATAL(v.live[0] < v.live[1]);
	for (uint64_t e = n > 3 ? n - 3 : 0; e < n + 4; e++)
		CU_ASSERT_EQUAL_FATAL(fog_schedule_lives(&v, e), wanted(s, e, now));
	CU_ASSERT_TRUE_FATAL(v.next_ns > now);
	// Until then nothing changes, then something does.
	struct fog_schedule_view before = fog_schedule_look(s, v.next_ns - 1);
	struct fog_schedule_view after = fog_schedule_look(s, v.next_ns);
	CU_ASSERT_TRUE(before.epoch == v.epoch && before.live[0] == v.live[0]);
	CU_ASSERT_TRUE(after.epoch != v.epoch || after.live[0] != v.live[0]);
}

static void test_boundaries(void)
{
	static const uint64_t epochs[] = {0, 1, 2, 255, 256, 29401234, UINT32_MAX};

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		const struct fog_schedule *s = &kinds[k];
		for (size_t i = 0; i < sizeof(epochs) / sizeof(epochs[0]); i++) {
			uint64_t e = epochs[i] % (UINT64_MAX / s->epoch_ns / 4);
			uint64_t at[] = {
			        fog_schedule_start(s, e), fog_schedule_start(s, e + 1),
			        fog_schedule_start(s, e) + s->overlap_ns, fog_schedule_dead(s, e)};
			for (size_t j = 0; j < sizeof(at) / sizeof(at[0]); j++) {
				check(s, at[j]);
				check(s, at[j] + 1);
				if (at[j] > 0)
					check(s, at[j] - 1);
			}
		}
	}
}

// From event to event, as the control plane goes: each key comes once, stays, goes once.
static void test_walk(void)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		const struct fog_schedule *s = &kinds[k];
		uint64_t now = 100 * s->epoch_ns + s->epoch_ns / 3, installed = 0;
		for (int i = 0; i < 1000; i++) {
			struct fog_schedule_view v = fog_schedule_look(s, now);
			CU_ASSERT_TRUE_FATAL(v.live[1] >= installed);
			CU_ASSERT_TRUE_FATAL(installed == 0 || v.live[1] <= installed + 1);
			installed = v.live[1];
			CU_ASSERT_EQUAL_FATAL(
			        now >= fog_schedule_dead(s, v.live[0] - 1),
			        v.live[0] == 0 || now >= v.live[0] * s->epoch_ns + s->overlap_ns
			);
			now = v.next_ns;
		}
	}
}

// A restart at any moment finds what it would have had without one.
static void test_any_moment(void)
{
	const struct fog_schedule *s = &kinds[0];

	for (uint64_t now = 1000 * s->epoch_ns; now < 1003 * s->epoch_ns; now += SECOND / 7)
		check(s, now);
}

static void test_bytes(void)
{
	for (uint64_t n = 1000; n < 1600; n++)
		for (uint64_t e = n - 128; e <= n + 127; e++)
			CU_ASSERT_EQUAL_FATAL(fog_schedule_of_byte(n, (uint8_t)e), e);
}

static void test_topology(void)
{
	struct fog_topology t = {.epoch_s = 1200, .overlap_s = 120};
	struct fog_schedule s = fog_schedule_of(&t);

	CU_ASSERT_EQUAL(s.epoch_ns, 1200 * SECOND);
	CU_ASSERT_EQUAL(s.overlap_ns, 120 * SECOND);
	CU_ASSERT_EQUAL(fog_schedule_epoch(&s, 2400 * SECOND - 1), 1);
	CU_ASSERT_EQUAL(fog_schedule_dead(&s, 1), 2520 * SECOND);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"boundaries", test_boundaries},
	        {"from event to event", test_walk},
	        {"a restart at any moment", test_any_moment},
	        {"epochs by their low byte", test_bytes},
	        {"of a topology", test_topology},
	        CU_TEST_INFO_NULL,
	};
	return check_run("schedule", tests);
}
