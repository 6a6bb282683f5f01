// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Limits of the ports' filter by REST.
#include "../run.h"
#include "http_rig.h"

// What operators set wins over the file, is told apart from it, and is checked like it.
void test_http_filter(void)
{
	CU_ASSERT_EQUAL(ask("GET", "/v1/filter", ""), 200);
	CU_ASSERT_TRUE(says("\"source_rate\":{\"value\":0,\"from\":\"file\",\"file\":0}"));
	CU_ASSERT_TRUE(says("\"early_drop\":{\"value\":true,\"from\":\"file\",\"file\":true}"));
	CU_ASSERT_TRUE(says("\"deny\":[],\"deny_max\":4096"));
	CU_ASSERT_EQUAL(ask("PATCH", "/v1/filter", "{\"source_rate\":70}"), 200);
	CU_ASSERT_TRUE(says("\"generation\":2") && says("\"state\":\"not_attached\""));
	CU_ASSERT_EQUAL(ask("PATCH", "/v1/filter", "{\"source_rate\":70}"), 200);
	CU_ASSERT_TRUE(says("\"generation\":2")); // nothing new
	CU_ASSERT_EQUAL(ask("GET", "/v1/filter", ""), 200);
	CU_ASSERT_TRUE(says("\"source_rate\":{\"value\":70,\"from\":\"operator\",\"file\":0}"));
	CU_ASSERT_EQUAL(ask("GET", "/metrics", ""), 200);
	CU_ASSERT_TRUE(says("\nfog_filter_source_rate 70\n"));
	CU_ASSERT_TRUE(says("\nfog_filter_early_drop 1\n"));
	CU_ASSERT_EQUAL(ask("PATCH", "/v1/filter", "{\"source_rate\":null}"), 200);
	CU_ASSERT_TRUE(says("\"generation\":3"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/filter", ""), 200);
	CU_ASSERT_TRUE(says("\"source_rate\":{\"value\":0,\"from\":\"file\",\"file\":0}"));
	CU_ASSERT_EQUAL(ask("PATCH", "/v1/filter", "{\"source_rate\":\"x\"}"), 400);
	CU_ASSERT_EQUAL(ask("PATCH", "/v1/filter", "{\"source_burst\":0}"), 400);
	CU_ASSERT_TRUE(says("source_burst must be a whole number from 1 to 1000000"));
	CU_ASSERT_EQUAL(ask("PUT", "/v1/filter", "{}"), 405);
	CU_ASSERT_TRUE(says("Allow: GET, PATCH"));
}
