// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The message format: what is written is read, and nothing else is.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../../controlplane/mixnet/message.h"
#include "config_text.h"

static struct fog_geometry geo;
static uint8_t payload[FOG_SPHINX_PACKET_MAX], surb[FOG_SPHINX_PACKET_MAX];
static uint8_t data[FOG_SPHINX_PACKET_MAX];

static void fill(void)
{
	fog_geometry_named(&geo, "mtu");
	memset(payload, 0xee, sizeof(payload));
	for (size_t i = 0; i < sizeof(data); i++) {
		data[i] = (uint8_t)(i * 7 + 1);
		surb[i] = (uint8_t)(i * 5 + 3);
	}
}

static void test_room(void)
{
	fill();
	CU_ASSERT_EQUAL(fog_message_room(&geo, 0), 896);
	CU_ASSERT_EQUAL(fog_message_room(&geo, 1), 324);
	// A payload that no SURB fits into.
	CU_ASSERT_EQUAL(fog_geometry_init(&geo, 5, 500), 0);
	CU_ASSERT_EQUAL(fog_message_room(&geo, 1), 0);
	CU_ASSERT_EQUAL(fog_message_encode(&geo, surb, "", 0, payload), -EMSGSIZE);
}

static void round_trip(int with_surb, size_t len)
{
	struct fog_message m;

	CU_ASSERT_EQUAL(fog_message_encode(&geo, with_surb ? surb : NULL, data, len, payload), 0);
	CU_ASSERT_EQUAL_FATAL(fog_message_decode(&geo, payload, &m), 0);
	CU_ASSERT_EQUAL(m.len, len);
	CU_ASSERT_EQUAL(memcmp(m.data, data, len), 0);
	CU_ASSERT_EQUAL(m.surb != NULL, with_surb);
	if (with_surb)
		CU_ASSERT_EQUAL(memcmp(m.surb, surb, geo.surb_len), 0);
	// Not a byte behind the payload is touched.
	CU_ASSERT_EQUAL(payload[geo.payload_len], 0xee);
}

static void test_round_trip(void)
{
	fill();
	for (int with_surb = 0; with_surb <= 1; with_surb++) {
		size_t room = fog_message_room(&geo, with_surb);
		for (size_t len = 0; len <= room; len++)
			round_trip(with_surb, len);
		CU_ASSERT_EQUAL(
		        fog_message_encode(&geo, with_surb ? surb : NULL, data, room + 1, payload),
		        -EMSGSIZE
		);
	}
}

// Change one byte of a good payload and expect it to be refused.
static void refuse(size_t at, uint8_t value)
{
	struct fog_message m;
	uint8_t old = payload[at];

	payload[at] = value;
	CU_ASSERT_EQUAL(fog_message_decode(&geo, payload, &m), -EBADMSG);
	payload[at] = old;
	CU_ASSERT_EQUAL(fog_message_decode(&geo, payload, &m), 0);
}

static void test_malformed(void)
{
	struct fog_message m;

	fill();
	fog_message_encode(&geo, NULL, data, 100, payload);
	refuse(0, 2); // unknown flag
	refuse(0, 0x80);
	refuse(1, 1); // reserved
	refuse(2, 4); // length beyond the payload
	refuse(3, 99); // shorter: a byte of the text becomes padding
	for (size_t i = 4 + 100; i < geo.payload_len; i++)
		refuse(i, 1);
	// A SURB that runs past the payload.
	CU_ASSERT_EQUAL(fog_geometry_init(&geo, 5, 500), 0);
	memset(payload, 0, sizeof(payload));
	payload[0] = FOG_MESSAGE_HAS_SURB;
	CU_ASSERT_EQUAL(fog_message_decode(&geo, payload, &m), -EBADMSG);
}

// Payloads too short for a head must not be read beyond their end (the sanitizer looks on).
static void test_tiny(void)
{
	struct fog_geometry tiny = {.slots = 1, .surb_len = 200};
	struct fog_message m;

	for (uint16_t len = 0; len < 4; len++) {
		uint8_t *exact = calloc(1, len > 0 ? len : 1);
		tiny.payload_len = len;
		CU_ASSERT_EQUAL(fog_message_room(&tiny, 0), 0);
		CU_ASSERT_EQUAL(fog_message_decode(&tiny, exact, &m), -EBADMSG);
		free(exact);
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"room", test_room},
	        {"round trip of every length", test_round_trip},
	        {"malformed", test_malformed},
	        {"tiny payloads", test_tiny},
	        CU_TEST_INFO_NULL,
	};
	return check_run("message", tests);
}
