// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Notices about mail as they stand on the wire, and recipients that have a name.
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "../../../controlplane/mixnet/mail.h"
#include "../../../controlplane/mixnet/recipient.h"
#include "../run.h"

// As hashlib's blake2b makes them.
#define DROP_HEX "00b5898e4bac3139f7a6154b7fbb3f33b559b8c137eadf7a013865a25509213d"
#define ECHO_HEX "9d7fbc15ed0d08f8bcf5eeeb0e13e1a1bb98e22d86fcb7281e5dfa840ffc1a1c"
#define MAILBOX_HEX "65c2424080f397a9a8d2386968ad3256e2ba8238999e14861bb2cde2a7e24d44"

static void test_fetch(void)
{
	static const uint8_t wire[FOG_FETCH_LEN] = {3, 0, 0, 0, 0,    0, 0, 0, 0, 0,
	                                            1, 2, 0, 0, 0xab, 9, 0, 0, 0, 0};
	struct fog_fetch f = {.have = 0x102, .seen = 0xab09}, back;
	uint8_t out[FOG_FETCH_LEN + 1] = {0};

	fog_fetch_put(&f, out);
	CU_ASSERT_EQUAL(memcmp(out, wire, sizeof(wire)), 0);
	CU_ASSERT_EQUAL(fog_fetch_parse(out, FOG_FETCH_LEN, &back), 0);
	CU_ASSERT_EQUAL(back.have, f.have);
	CU_ASSERT_EQUAL(back.seen, f.seen);
	CU_ASSERT_EQUAL(fog_fetch_parse(out, FOG_FETCH_LEN - 1, &back), -EBADMSG);
	CU_ASSERT_EQUAL(fog_fetch_parse(out, FOG_FETCH_LEN + 1, &back), -EBADMSG);
	for (unsigned i = 0; i < FOG_FETCH_LEN; i++) {
		bool fixed = i < 4 || i == 4 || i >= 16; // 4: a number that no store can have
		out[i] ^= 0x80;
		CU_ASSERT_EQUAL(fog_fetch_parse(out, FOG_FETCH_LEN, &back), fixed ? -EBADMSG : 0);
		out[i] ^= 0x80;
	}
}

// Cut into as few parts as fit and put together again, for every length around the limits.
static void test_parts(void)
{
	static uint8_t whole[FOG_MAIL_MAX], got[FOG_MAIL_MAX], wire[FOG_MAIL_HEAD + FOG_MAIL_MAX];
	const size_t rooms[] = {FOG_MAIL_HEAD + 600, FOG_MAIL_HEAD + 1000, 1280};

	randombytes_buf(whole, sizeof(whole));
	for (unsigned k = 0; k < 3; k++) {
		for (size_t len = 1; len <= sizeof(whole); len += len < 3000 ? 1 : 97) {
			struct fog_mail m = {.number = 77, .settled = 3, .whole = len}, back;
			size_t most = rooms[k] - FOG_MAIL_HEAD;
			m.parts = fog_mail_parts(len, rooms[k]);
			if (m.parts != (len + most - 1) / most)
				CU_FAIL_FATAL("as few as fit");
			memset(got, 0, len);
			for (m.part = 0; m.part < m.parts; m.part++) {
				fog_mail_cut(&m);
				m.data = whole + m.at;
				size_t n = fog_mail_put(&m, wire);
				if (n > rooms[k] || fog_mail_parse(wire, n, &back) < 0)
					CU_FAIL_FATAL("a part that was cut is taken");
				memcpy(got + back.at, back.data, back.len);
			}
			if (memcmp(got, whole, len) != 0)
				CU_FAIL_FATAL("the bytes");
		}
	}
	CU_ASSERT_EQUAL(fog_mail_parts(16 * 10 + 1, FOG_MAIL_HEAD + 10), 0);
	CU_ASSERT_EQUAL(fog_mail_parts(1, FOG_MAIL_HEAD), 0);
}

static void test_mail(void)
{
	struct fog_mail m = {
	        .number = 0x0102030405060708,
	        .settled = 5,
	        .seen = 0xaabbccdd,
	        .waiting = 0x0203,
	        .parts = 1,
	        .whole = 3,
	        .len = 3,
	        .data = (const uint8_t *)"abc"};
	struct fog_mail none = {.seen = 7, .settled = 9}, back;
	uint8_t wire[64];

	CU_ASSERT_EQUAL(fog_mail_put(&m, wire), FOG_MAIL_HEAD + 3);
	CU_ASSERT_EQUAL(
	        memcmp(wire, "\4\0\1\0\1\2\3\4\5\6\7\x8\0\0\0\0\0\0\0\5\xaa\xbb\xcc\xdd\2\3\0\3abc",
	               31),
	        0
	);
	CU_ASSERT_EQUAL(fog_mail_parse(wire, 31, &back), 0);
	CU_ASSERT_EQUAL(back.number, m.number);
	CU_ASSERT_EQUAL(back.settled, 5);
	CU_ASSERT_EQUAL(back.seen, m.seen);
	CU_ASSERT_EQUAL(back.waiting, m.waiting);
	CU_ASSERT_EQUAL(back.len, 3);
	for (size_t len = 0; len < 31; len++)
		CU_ASSERT_EQUAL(fog_mail_parse(wire, len, &back), -EBADMSG);
	for (unsigned i = 0; i < 4; i++) { // type, part, parts, reserved
		wire[i] ^= 0x40;
		CU_ASSERT_EQUAL(fog_mail_parse(wire, 31, &back), -EBADMSG);
		wire[i] ^= 0x40;
	}
	for (unsigned at = 4; at <= 12; at += 8) { // numbers that leave no room for others
		wire[at] ^= 0x40;
		CU_ASSERT_EQUAL(fog_mail_parse(wire, 31, &back), -EBADMSG);
		wire[at] ^= 0x40;
	}
	memset(wire + 4, 0, 8); // nothing, but with bytes
	CU_ASSERT_EQUAL(fog_mail_parse(wire, 31, &back), -EBADMSG);
	CU_ASSERT_EQUAL(fog_mail_put(&none, wire), FOG_MAIL_HEAD);
	CU_ASSERT_EQUAL(fog_mail_parse(wire, FOG_MAIL_HEAD, &back), 0);
	CU_ASSERT_EQUAL(back.number, 0);
	CU_ASSERT_EQUAL(back.settled, 9);
}

static void test_recipients(void)
{
	static const uint8_t key[32] = {1, 2, 3};
	uint8_t id[32];
	char hex[65];

	fog_recipient_drop(id);
	CU_ASSERT_STRING_EQUAL(sodium_bin2hex(hex, 65, id, 32), DROP_HEX);
	fog_recipient_echo(id);
	CU_ASSERT_STRING_EQUAL(sodium_bin2hex(hex, 65, id, 32), ECHO_HEX);
	fog_recipient_mailbox(key, id);
	CU_ASSERT_STRING_EQUAL(sodium_bin2hex(hex, 65, id, 32), MAILBOX_HEX);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"FETCH", test_fetch},           {"parts", test_parts}, {"MAIL", test_mail},
	        {"recipients", test_recipients}, CU_TEST_INFO_NULL,
	};

	return sodium_init() < 0 ? 1 : check_run("mail", tests);
}
