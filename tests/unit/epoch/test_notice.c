// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Notices that carry a descriptor in parts: it is bytes to them.
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "../../../controlplane/epoch/notice.h"
#include "../run.h"

static uint8_t whole[FOG_DESCRIPTOR_MAX], other[FOG_DESCRIPTOR_MAX];

static void test_notices(void)
{
	static const size_t rooms[] = {1280, 1016, 1015, 300, 120, 79};
	static const unsigned parts_of[] = {1, 1, 2, 4, 10, 16};
	uint8_t notice[2000];
	size_t len = sizeof(whole);
	uint64_t sequence;

	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		unsigned parts = fog_notice_parts(len, rooms[i]);
		struct fog_notice_box box = {0};
		CU_ASSERT_EQUAL_FATAL(parts, parts_of[i]);
		// Backwards and each twice.
		for (unsigned k = 2 * parts; k-- > 0;) {
			size_t n = fog_notice_put(77, whole, len, k / 2, parts, notice);
			CU_ASSERT_TRUE(n <= rooms[i]);
			int r = fog_notice_take(&box, notice, n, &sequence);
			CU_ASSERT_EQUAL(sequence, 77);
			if (k == 1 || parts == 1) {
				CU_ASSERT_EQUAL(r, FOG_NOTICE_DESCRIPTOR);
				CU_ASSERT_EQUAL(box.len, len);
				CU_ASSERT_EQUAL(memcmp(box.data, whole, len), 0);
			} else {
				CU_ASSERT_EQUAL(r, 0);
			}
		}
	}
	CU_ASSERT_EQUAL(fog_notice_parts(len, 16), 0);
	CU_ASSERT_EQUAL(fog_notice_parts(len, 78), 0);
}

static void test_notices_mixed(void)
{
	uint8_t notice[2000];
	size_t len = sizeof(whole);
	struct fog_notice_box box = {0};
	uint64_t sequence;

	size_t n = fog_notice_put(77, other, len, 0, 2, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), 0);
	// A newer one begins in between; the rest of the older one changes nothing.
	n = fog_notice_put(78, whole, len, 1, 2, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), 0);
	n = fog_notice_put(77, other, len, 1, 2, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), 0);
	n = fog_notice_put(78, whole, len, 0, 2, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), FOG_NOTICE_DESCRIPTOR);
	CU_ASSERT_EQUAL(memcmp(box.data, whole, len), 0);
	n = fog_notice_ack(5, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), FOG_NOTICE_ACK);
	CU_ASSERT_EQUAL(sequence, 5);
}

// Parts of one descriptor cut in two ways are no whole.
static void test_notices_recut(void)
{
	uint8_t notice[2000];
	size_t len = sizeof(whole);
	struct fog_notice_box box = {0};
	uint64_t sequence;

	size_t n = fog_notice_put(77, whole, len, 0, 3, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), 0);
	n = fog_notice_put(77, whole, len, 1, 2, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), 0);
	n = fog_notice_put(77, whole, len, 0, 2, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), FOG_NOTICE_DESCRIPTOR);
	CU_ASSERT_EQUAL(memcmp(box.data, whole, len), 0);
}

static void test_notices_malformed(void)
{
	uint8_t notice[2000], good[2000];
	size_t len = sizeof(whole);
	size_t n = fog_notice_put(79, whole, len, 1, 3, good);

	// Type, part, parts, reserved, length, reserved.
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = {{0, 0}, {0, 3}, {1, 3}, {1, 255}, {2, 0}, {2, 17},
	           {2, 1}, {3, 1}, {4, 0}, {4, 4},   {6, 1}, {7, 1}};
	struct fog_notice_box box;
	uint64_t sequence;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&box, 0, sizeof(box));
		memcpy(notice, good, n);
		notice[bad[i].at] = bad[i].value;
		CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), -EBADMSG);
	}
	for (size_t cut = 0; cut < n; cut++) {
		memset(&box, 0, sizeof(box));
		CU_ASSERT_EQUAL(fog_notice_take(&box, good, cut, &sequence), -EBADMSG);
	}
	memset(&box, 0, sizeof(box));
	CU_ASSERT_EQUAL(fog_notice_take(&box, good, n + 1, &sequence), -EBADMSG);
	n = fog_notice_ack(5, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n + 1, &sequence), -EBADMSG);
	notice[1] = 1;
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), -EBADMSG);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"notices in parts", test_notices},
	        {"notices of two descriptors", test_notices_mixed},
	        {"notices cut in two ways", test_notices_recut},
	        {"malformed notices", test_notices_malformed},
	        CU_TEST_INFO_NULL,
	};

	if (sodium_init() < 0)
		return 1;
	randombytes_buf(whole, sizeof(whole));
	randombytes_buf(other, sizeof(other));
	return check_run("notices", tests);
}
