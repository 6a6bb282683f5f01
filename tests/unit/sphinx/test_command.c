// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Sizes of a packet and the commands of a slot: what needs no cryptography.
#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "../../../dataplane/sphinx/sphinx.h"
#include "../run.h"

static void test_geometry(void)
{
	struct fog_geometry g;

	CU_ASSERT_EQUAL(fog_geometry_named(&g, "mtu"), 0);
	CU_ASSERT_EQUAL(g.slots, 5);
	CU_ASSERT_EQUAL(g.payload_len, 900);
	CU_ASSERT_EQUAL(g.header_len, 476);
	CU_ASSERT_EQUAL(g.routing_len, 410);
	CU_ASSERT_EQUAL(g.packet_len, 1408);
	CU_ASSERT_EQUAL(g.surb_len, 572);
	CU_ASSERT_EQUAL(fog_geometry_named(&g, "mtu3"), 0);
	CU_ASSERT_EQUAL(g.slots, 3);
	CU_ASSERT_EQUAL(g.header_len, 312);
	CU_ASSERT_EQUAL(g.packet_len, 1408);
	CU_ASSERT_EQUAL(fog_geometry_named(&g, "jumbo"), 0);
	CU_ASSERT_EQUAL(g.slots, 5);
	CU_ASSERT_EQUAL(g.packet_len, 3082);
	CU_ASSERT_EQUAL(g.payload_len, 2574);
	CU_ASSERT_EQUAL(fog_geometry_named(&g, "mt"), -ENOENT);
	CU_ASSERT_EQUAL(fog_geometry_init(&g, 0, 100), -EINVAL);
	CU_ASSERT_EQUAL(fog_geometry_init(&g, FOG_SPHINX_SLOTS_MAX + 1, 100), -EINVAL);
	CU_ASSERT_EQUAL(fog_geometry_init(&g, 5, 9000 - 476 - 32), 0);
	CU_ASSERT_EQUAL(g.packet_len, 9000);
	CU_ASSERT_EQUAL(fog_geometry_init(&g, 5, 9000 - 476 - 32 + 1), -EMSGSIZE);
	CU_ASSERT_EQUAL(fog_geometry_init(&g, 5, SIZE_MAX), -EMSGSIZE);
}

static enum fog_drop parse(const char *hex, struct fog_sphinx_route *r)
{
	uint8_t slot[FOG_SPHINX_SLOT_LEN] = {0};

	sodium_hex2bin(slot, sizeof(slot), hex, strlen(hex), " ", NULL, NULL);
	return fog_sphinx_parse(slot, sizeof(slot), r);
}

#define ID16 "11111111111111111111111111111111"
#define ID32 ID16 ID16
#define NEXT "01" ID32 ID32

static void test_parse_accepts(void)
{
	struct fog_sphinx_route r;

	CU_ASSERT_EQUAL(parse("80 00000102" NEXT, &r), FOG_DROP_NONE);
	CU_ASSERT_TRUE(r.has_next_hop && r.has_delay && !r.has_recipient && !r.has_surb);
	CU_ASSERT_EQUAL(r.delay_ms, 0x102);
	CU_ASSERT_EQUAL(parse(NEXT "80 fffffffe", &r), FOG_DROP_NONE);
	CU_ASSERT_EQUAL(r.delay_ms, 0xfffffffe);
	CU_ASSERT_EQUAL(parse(NEXT "03" ID16, &r), FOG_DROP_NONE);
	CU_ASSERT_TRUE(r.has_next_hop && r.has_surb);
	CU_ASSERT_EQUAL(parse("03" ID16 "02" ID32 "80 00000000", &r), FOG_DROP_NONE);
	CU_ASSERT_TRUE(r.has_surb && r.has_recipient && r.has_delay && !r.has_next_hop);
	CU_ASSERT_EQUAL(r.recipient[31], 0x11);
	CU_ASSERT_EQUAL(r.surb_id[15], 0x11);
	CU_ASSERT_EQUAL(parse("02" ID32, &r), FOG_DROP_NONE);
	CU_ASSERT_EQUAL(parse("03" ID16, &r), FOG_DROP_NONE);
}

static void test_parse_rejects(void)
{
	struct fog_sphinx_route r;
	uint8_t zero[1] = {0};

	CU_ASSERT_EQUAL(parse("04" ID32, &r), FOG_DROP_UNKNOWN_COMMAND);
	CU_ASSERT_EQUAL(parse("ff", &r), FOG_DROP_UNKNOWN_COMMAND);
	CU_ASSERT_EQUAL(parse("02" ID32 "02" ID32, &r), FOG_DROP_UNKNOWN_COMMAND);
	CU_ASSERT_EQUAL(parse("80 00000001 80 00000001" NEXT, &r), FOG_DROP_UNKNOWN_COMMAND);
	CU_ASSERT_EQUAL(parse("03" ID16 "03" ID16, &r), FOG_DROP_UNKNOWN_COMMAND);
	CU_ASSERT_EQUAL(parse("02" ID32 NEXT, &r), FOG_DROP_TRUNCATED_COMMAND);
	CU_ASSERT_EQUAL(parse("02" ID32 "0001", &r), FOG_DROP_BAD_PADDING);
	CU_ASSERT_EQUAL(parse("", &r), FOG_DROP_NO_DESTINATION);
	CU_ASSERT_EQUAL(parse("80 00000007", &r), FOG_DROP_NO_DESTINATION);
	// The route is filled all the same: who has a use for such a packet can go on.
	CU_ASSERT_EQUAL(r.delay_ms, 7);
	CU_ASSERT_EQUAL(fog_sphinx_parse(zero, 0, &r), FOG_DROP_NO_DESTINATION);
	CU_ASSERT_EQUAL(fog_sphinx_parse(zero, 1, &r), FOG_DROP_NO_DESTINATION);
}

// Every command cut at every length, and every position of the padding.
static void test_parse_edges(void)
{
	static const struct {
		uint8_t op;
		uint8_t size;
	} commands[] = {{1, 65}, {2, 33}, {3, 17}, {0x80, 5}};
	struct fog_sphinx_route r;
	uint8_t slot[FOG_SPHINX_SLOT_LEN];

	for (unsigned c = 0; c < 4; c++) {
		memset(slot, 0, sizeof(slot));
		slot[0] = commands[c].op;
		for (size_t len = 1; len < commands[c].size; len++)
			CU_ASSERT_EQUAL(
			        fog_sphinx_parse(slot, len, &r), FOG_DROP_TRUNCATED_COMMAND
			);
		CU_ASSERT_EQUAL(
		        fog_sphinx_parse(slot, commands[c].size, &r),
		        c == 3 ? FOG_DROP_NO_DESTINATION : FOG_DROP_NONE
		);
		for (size_t at = commands[c].size + 1u; at < sizeof(slot); at++) {
			slot[at] = 0x80;
			CU_ASSERT_EQUAL(
			        fog_sphinx_parse(slot, sizeof(slot), &r), FOG_DROP_BAD_PADDING
			);
			slot[at] = 0;
		}
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"geometry", test_geometry},
	        {"commands accepted", test_parse_accepts},
	        {"commands rejected", test_parse_rejects},
	        {"commands cut at every length", test_parse_edges},
	        CU_TEST_INFO_NULL,
	};
	return check_run("command", tests);
}
