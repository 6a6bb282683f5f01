// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Whether our clock is off, by what authorities say, of whom one may lie.
#include "../../../controlplane/directory/clocks.h"
#include "../run.h"

enum { NOW_S = 1795670000, TOLERANCE = 500 };

static const struct fog_topology network = {
        .authority_count = 4, .threshold = 3, .tolerance_ms = TOLERANCE};

static void hear(struct fog_clocks *c, unsigned authority, int64_t our_ahead_s)
{
	fog_clocks_hear(
	        c, authority, NOW_S - our_ahead_s, (uint64_t)NOW_S * 1000000000 + 500000000
	);
}

static bool off(const struct fog_clocks *c, int64_t want_s)
{
	int64_t ahead = 0;

	return fog_clocks_off(c, &network, &ahead) && ahead == want_s * 1000;
}

static void test_off(void)
{
	for (int sign = -1; sign <= 1; sign += 2) {
		struct fog_clocks c = {0};
		int64_t ahead;
		CU_ASSERT_FALSE(fog_clocks_off(&c, &network, &ahead));
		hear(&c, 2, sign * 60);
		CU_ASSERT_FALSE(fog_clocks_off(&c, &network, &ahead)); // one may lie
		hear(&c, 0, sign * 61);
		CU_ASSERT_TRUE(off(&c, sign * 60));
		hear(&c, 1, 0); // a third one that has our time
		CU_ASSERT_TRUE(off(&c, sign * 60));
		hear(&c, 0, 0); // set right since
		CU_ASSERT_FALSE(fog_clocks_off(&c, &network, &ahead));
	}
}

static void test_liar(void)
{
	struct fog_clocks c = {0};
	int64_t ahead;

	for (unsigned i = 0; i < 3; i++)
		hear(&c, i, 0);
	hear(&c, 3, 100000);
	CU_ASSERT_FALSE(fog_clocks_off(&c, &network, &ahead));
	hear(&c, 3, -100000);
	CU_ASSERT_FALSE(fog_clocks_off(&c, &network, &ahead));
	// He can't make it look better or worse either.
	hear(&c, 0, 10);
	hear(&c, 1, 11);
	hear(&c, 2, 12);
	CU_ASSERT_TRUE(off(&c, 11));
	hear(&c, 3, 100000);
	CU_ASSERT_TRUE(off(&c, 12));
}

// Dates are whole seconds: what is within that and the tolerance is right.
static void test_coarse(void)
{
	struct fog_clocks c = {0};
	int64_t ahead;
	uint64_t now = (uint64_t)NOW_S * 1000000000;
	uint64_t most = (uint64_t)(TOLERANCE + FOG_CLOCKS_COARSE_MS + 500) * 1000000;

	for (unsigned i = 0; i < 4; i++)
		fog_clocks_hear(&c, i, NOW_S, now + most);
	CU_ASSERT_FALSE(fog_clocks_off(&c, &network, &ahead));
	for (unsigned i = 0; i < 4; i++)
		fog_clocks_hear(&c, i, NOW_S, now + most + 1000000);
	CU_ASSERT_TRUE(fog_clocks_off(&c, &network, &ahead));
	CU_ASSERT_EQUAL(ahead, TOLERANCE + FOG_CLOCKS_COARSE_MS + 1);
	// No date, or none of our time, says nothing.
	struct fog_clocks none = {0};
	for (unsigned i = 0; i < 20; i++) {
		fog_clocks_hear(&none, i, 0, now);
		fog_clocks_hear(&none, i, -5, now);
		fog_clocks_hear(&none, i, INT64_MAX, now);
	}
	CU_ASSERT_FALSE(fog_clocks_off(&none, &network, &ahead));
}

static void test_text(void)
{
	char text[FOG_CLOCKS_TEXT_LEN];

	fog_clocks_text(-90500, text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "90.5 s behind"));
	fog_clocks_text(3000, text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "3.0 s ahead of"));
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"off", test_off},   {"a liar", test_liar}, {"whole seconds", test_coarse},
	        {"text", test_text}, CU_TEST_INFO_NULL,
	};

	return check_run("clocks", tests);
}
