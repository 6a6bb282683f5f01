// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// When a network is another one.
#include "view_rig.h"

static void test_moment(void)
{
	struct fog_view_moment m, n;

	rig_begin();
	const struct fog_schedule s = fog_schedule_of(&p->net);
	const uint64_t start = fog_schedule_start(&s, 9);
	m = fog_view_moment(view, start);
	CU_ASSERT_EQUAL(m.epoch, 9);
	CU_ASSERT_TRUE(m.before_lives && !m.settled);
	n = fog_view_moment(view, start + s.overlap_ns - 1);
	CU_ASSERT_TRUE(fog_view_moment_same(&m, &n));
	n = fog_view_moment(view, start + s.overlap_ns);
	CU_ASSERT_TRUE(!n.before_lives && !n.settled && !fog_view_moment_same(&m, &n));
	m = n;
	n = fog_view_moment(view, start + s.epoch_ns * 3 / 16 - 1);
	CU_ASSERT_TRUE(fog_view_moment_same(&m, &n));
	n = fog_view_moment(view, start + s.epoch_ns * 3 / 16);
	CU_ASSERT_TRUE(n.settled && !fog_view_moment_same(&m, &n));
	m = n;
	n = fog_view_moment(view, start + s.epoch_ns);
	CU_ASSERT_EQUAL(n.epoch, 10);
	CU_ASSERT_FALSE(fog_view_moment_same(&m, &n));
	rig_end();
}

static bool settled(unsigned epoch, uint64_t into_ns)
{
	struct fog_view_moment m = fog_view_moment(view, parts_start(p, EPOCH + epoch) + into_ns);

	CU_ASSERT_EQUAL(m.epoch, EPOCH + epoch);
	return m.settled;
}

static void take_at(unsigned which, unsigned epoch, uint64_t into_ns)
{
	uint64_t at = parts_start(p, EPOCH + epoch) + into_ns;
	bool news;

	CU_ASSERT_EQUAL(
	        fog_view_take(view, chain[which]->data, chain[which]->len, at, &news),
	        FOG_REFUSAL_NONE
	);
}

// Who gets a consensus late gives others the time to get it, too.
static void test_late(void)
{
	rig_begin();
	const struct fog_schedule s = fog_schedule_of(&p->net);
	const uint64_t part = s.epoch_ns / 16, early = part * 3, late = part * 9, grace = part * 4;
	// Who has none is late himself, and nobody else is.
	take_at(0, 0, late);
	CU_ASSERT_TRUE(settled(0, late));
	// Before its epoch nothing is late.
	take_at(1, 0, s.epoch_ns - part);
	CU_ASSERT_TRUE(settled(0, s.epoch_ns - part));
	CU_ASSERT_TRUE(!settled(1, early - 1) && settled(1, early));
	take_at(2, 2, part);
	CU_ASSERT_TRUE(!settled(2, part + grace - 1) && settled(2, part + grace));
	// Most of an epoch late, when all was settled already.
	CU_ASSERT_TRUE(settled(4, late));
	take_at(4, 4, late);
	CU_ASSERT_TRUE(!settled(4, late) && !settled(4, late + grace - 1));
	CU_ASSERT_TRUE(settled(4, late + grace));
	// What is known already is no news, and the next one changes nothing.
	take_at(4, 4, late + part);
	take_at(5, 4, late + part);
	CU_ASSERT_TRUE(!settled(4, late + grace - 1) && settled(4, late + grace));
	CU_ASSERT_TRUE(!settled(5, early - 1) && settled(5, early));
	rig_end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"when a network is another one", test_moment},
	        {"a consensus that comes late", test_late},
	        CU_TEST_INFO_NULL,
	};

	return sodium_init() < 0 ? 1 : check_run("moments of a network", tests);
}
