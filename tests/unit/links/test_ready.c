// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What of the links keeps a node from being ready: simulated links of four nodes, as node 0 sees them.
#include <sodium.h>

#include "../../../controlplane/node_links.h"
#include "../run.h"
#include "sim.h"

static char said[256], why[1024];

static void say(void *ctx, const char *reason, const char *text)
{
	strncat(said, reason, sizeof(said) - strlen(said) - 1);
	strncat(said, ";", sizeof(said) - strlen(said) - 1);
	strncat(why, text, sizeof(why) - strlen(why) - 1);
}

static const char *reasons(void)
{
	struct fog_node n = {.links = sim[0].links};
	unsigned commas = 0;

	said[0] = why[0] = '\0';
	unsigned count = node_unready_links(&n, say, NULL);
	for (const char *c = said; *c != '\0'; c++)
		commas += *c == ';';
	CU_ASSERT_EQUAL(count, commas);
	return said;
}

static void test_links(void)
{
	sim_begin(4, 0);
	CU_ASSERT_STRING_EQUAL(reasons(), "no_link;");
	sim_run(3000, false);
	CU_ASSERT_STRING_EQUAL(reasons(), "");
	// One dead node of three makes nobody unready, two do, three say another thing.
	sim[1].cut = true;
	sim_run(60000, false);
	CU_ASSERT_STRING_EQUAL(reasons(), "");
	sim[2].cut = true;
	sim_run(60000, false);
	CU_ASSERT_STRING_EQUAL(reasons(), "few_links;");
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "1 of 3 other nodes"));
	sim[3].cut = true;
	sim_run(60000, false);
	CU_ASSERT_STRING_EQUAL(reasons(), "no_link;");
	for (unsigned i = 1; i < 4; i++)
		sim[i].cut = false;
	sim_run(60000, false);
	CU_ASSERT_STRING_EQUAL(reasons(), "");
	// Without a data plane there is nothing to send with.
	fog_links_detached(sim[0].links);
	fog_links_tick(sim[0].links, sim_ms);
	CU_ASSERT_STRING_EQUAL(reasons(), "no_link;");
	sim_end();
}

static void test_clock(void)
{
	sim_begin(4, 0);
	sim[0].clock_ns = INT64_C(2600000000);
	sim_run(10000, false);
	CU_ASSERT_STRING_EQUAL(reasons(), "no_link;clock_off;");
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "ahead of"));
	sim_end();
	// One other clock that is wrong is not ours.
	sim_begin(4, 0);
	sim[3].clock_ns = INT64_C(-2600000000);
	sim_run(10000, false);
	CU_ASSERT_STRING_EQUAL(reasons(), "");
	sim_end();
	sim_begin(4, 0);
	sim[0].clock_ns = INT64_C(-2600000000);
	sim_run(10000, false);
	CU_ASSERT_STRING_EQUAL(reasons(), "no_link;clock_off;");
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "ms behind"));
	sim_end();
}

// A network without links, and one of a single node, lack nothing.
static void test_none(void)
{
	const struct fog_links_wanted none = {0};

	sim_begin(1, 0);
	sim_run(1000, false);
	CU_ASSERT_STRING_EQUAL(reasons(), "");
	sim_end();
	sim_begin(2, 0);
	CU_ASSERT_EQUAL(fog_links_configure(sim[0].links, &none, sim_ms), 0);
	fog_links_tick(sim[0].links, sim_ms);
	CU_ASSERT_STRING_EQUAL(reasons(), "");
	sim_end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"links with half of the others", test_links},
	        {"our clock", test_clock},
	        {"nothing to lack", test_none},
	        CU_TEST_INFO_NULL,
	};

	if (sodium_init() < 0 || !crypto_aead_aes256gcm_is_available())
		return 1;
	return check_run("ready", tests);
}
