// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Descriptors: one form only, every byte counts; and notices that carry them in parts.
#include <errno.h>

#include "../../../controlplane/epoch/notice.h"
#include "../run.h"
#include "net.h"

static struct net_node node;
static struct fog_topology *net;
static uint8_t network[32];

static struct fog_descriptor full(void)
{
	struct fog_descriptor d = {
	        .vrf_from = 1002, .sequence = 77, .mix_count = 4, .proof_count = 4};

	memcpy(d.network, network, 32);
	memcpy(d.node_id, node.id, 32);
	memcpy(d.identity, node.identity, 32);
	memcpy(d.link_key, node.link_key, 32);
	memcpy(d.vrf_key, node.vrf_key, 32);
	for (unsigned i = 0; i < 4; i++) {
		d.mix[i].epoch = 1000 + i;
		d.proof[i].epoch = 990 + i;
		randombytes_buf(d.mix[i].public_key, 32);
		randombytes_buf(d.proof[i].proof, 80);
	}
	return d;
}

static int open_it(const uint8_t *data, size_t len, struct fog_descriptor *out)
{
	return fog_descriptor_open(data, len, &net->node[0], network, out);
}

static void test_round_trip(void)
{
	for (unsigned mix = 0; mix <= 4; mix++) {
		for (unsigned proofs = 0; proofs <= 4; proofs++) {
			struct fog_descriptor d = full(), out;
			uint8_t data[FOG_DESCRIPTOR_MAX], again[FOG_DESCRIPTOR_MAX];
			d.mix_count = mix;
			d.proof_count = proofs;
			int len = fog_descriptor_sign(&d, node.secret, data);
			CU_ASSERT_EQUAL(len, (int)(FOG_DESCRIPTOR_MIN + 40 * mix + 88 * proofs));
			CU_ASSERT_EQUAL_FATAL(open_it(data, (size_t)len, &out), 0);
			CU_ASSERT_EQUAL(out.mix_count, mix);
			CU_ASSERT_EQUAL(out.proof_count, proofs);
			CU_ASSERT_EQUAL(out.sequence, 77);
			CU_ASSERT_EQUAL(out.vrf_from, 1002);
			// Ed25519 is deterministic, so the same content is the same bytes.
			CU_ASSERT_EQUAL(fog_descriptor_sign(&out, node.secret, again), len);
			CU_ASSERT_EQUAL(memcmp(data, again, (size_t)len), 0);
		}
	}
}

static void test_every_byte(void)
{
	struct fog_descriptor d = full(), out;
	uint8_t data[FOG_DESCRIPTOR_MAX + 1] = {0};
	int len = fog_descriptor_sign(&d, node.secret, data);

	CU_ASSERT_EQUAL(len, FOG_DESCRIPTOR_MAX);
	for (int i = 0; i < len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			data[i] ^= (uint8_t)(1 << bit);
			CU_ASSERT_TRUE(open_it(data, (size_t)len, &out) < 0);
			data[i] ^= (uint8_t)(1 << bit);
		}
	}
	for (int cut = 0; cut < len; cut++)
		CU_ASSERT_EQUAL(fog_descriptor_parse(data, (size_t)cut, &out), -EBADMSG);
	CU_ASSERT_EQUAL(fog_descriptor_parse(data, (size_t)len + 1, &out), -EBADMSG);
	CU_ASSERT_EQUAL(open_it(data, (size_t)len, &out), 0);
}

// Signed, but not what it may be.
static void test_refusals(void)
{
	struct fog_descriptor d = full(), out;
	struct net_node other;
	uint8_t data[FOG_DESCRIPTOR_MAX];
	int len;

	d.mix[1].epoch = d.mix[0].epoch;
	CU_ASSERT_EQUAL(fog_descriptor_sign(&d, node.secret, data), -EINVAL);
	d = full();
	d.proof[3].epoch = 1;
	CU_ASSERT_EQUAL(fog_descriptor_sign(&d, node.secret, data), -EINVAL);
	d = full();
	d.mix_count = 5;
	CU_ASSERT_EQUAL(fog_descriptor_sign(&d, node.secret, data), -EINVAL);
	d = full();
	d.network[0] ^= 1;
	len = fog_descriptor_sign(&d, node.secret, data);
	CU_ASSERT_EQUAL(open_it(data, (size_t)len, &out), -EXDEV);
	d = full();
	d.link_key[0] ^= 1;
	len = fog_descriptor_sign(&d, node.secret, data);
	CU_ASSERT_EQUAL(open_it(data, (size_t)len, &out), -EPERM);
	d = full();
	d.vrf_key[31] ^= 1;
	len = fog_descriptor_sign(&d, node.secret, data);
	CU_ASSERT_EQUAL(open_it(data, (size_t)len, &out), -EPERM);
	d = full();
	d.node_id[0] ^= 1; // not the hash of the identity
	len = fog_descriptor_sign(&d, node.secret, data);
	CU_ASSERT_EQUAL(open_it(data, (size_t)len, &out), -EBADMSG);
	// Another node's, rightly signed by it.
	net_node_make(&other, 9);
	d = full();
	memcpy(d.node_id, other.id, 32);
	memcpy(d.identity, other.identity, 32);
	len = fog_descriptor_sign(&d, other.secret, data);
	CU_ASSERT_EQUAL(open_it(data, (size_t)len, &out), -EPERM);
	// Our name, signed by somebody else.
	d = full();
	len = fog_descriptor_sign(&d, other.secret, data);
	CU_ASSERT_EQUAL(open_it(data, (size_t)len, &out), -EBADMSG);
}

// The same epoch twice, and epochs that fall: the form has one order.
static void test_order(void)
{
	struct fog_descriptor d = full(), out;
	uint8_t data[FOG_DESCRIPTOR_MAX];
	size_t len = (size_t)fog_descriptor_sign(&d, node.secret, data);
	static const size_t at[] = {FOG_DESCRIPTOR_HEAD + 40, FOG_DESCRIPTOR_HEAD + 4 * 40 + 88};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		uint8_t low = data[at[i] + 7];
		data[at[i] + 7] = (uint8_t)(low - 1);
		CU_ASSERT_EQUAL(fog_descriptor_parse(data, len, &out), -EBADMSG);
		data[at[i] + 7] = (uint8_t)(low - 2);
		CU_ASSERT_EQUAL(fog_descriptor_parse(data, len, &out), -EBADMSG);
		data[at[i] + 7] = low;
		CU_ASSERT_EQUAL(fog_descriptor_parse(data, len, &out), 0);
	}
}

// A signature over the same bytes for another purpose is none.
static void test_domain(void)
{
	struct fog_descriptor d = full(), out;
	uint8_t data[FOG_DESCRIPTOR_MAX];
	size_t len = (size_t)fog_descriptor_sign(&d, node.secret, data), body = len - 64;

	crypto_sign_detached(data + body, NULL, data, body, node.secret);
	CU_ASSERT_EQUAL(open_it(data, len, &out), -EBADMSG);
}

// Reserved bytes are zero, whoever has signed them.
static void test_reserved(void)
{
	struct fog_descriptor d = full(), out;
	uint8_t data[FOG_DESCRIPTOR_MAX];
	size_t len = (size_t)fog_descriptor_sign(&d, node.secret, data);
	static const size_t reserved[] = {1, 2, 3, 4 + 5 * 32 + 2 * 8 + 2, 4 + 5 * 32 + 2 * 8 + 3};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		CU_ASSERT_EQUAL(fog_descriptor_parse(data, len, &out), 0);
		CU_ASSERT_EQUAL(data[reserved[i]], 0);
		data[reserved[i]] = 1;
		CU_ASSERT_EQUAL(fog_descriptor_parse(data, len, &out), -EBADMSG);
		data[reserved[i]] = 0;
	}
}

static void test_notices(void)
{
	static const size_t rooms[] = {1280, 800, 776, 775, 300, 120, 64};
	static const unsigned parts_of[] = {1, 1, 1, 2, 3, 8, 16};
	struct fog_descriptor d = full();
	uint8_t data[FOG_DESCRIPTOR_MAX], notice[2000];
	size_t len = (size_t)fog_descriptor_sign(&d, node.secret, data);
	uint64_t sequence;

	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		unsigned parts = fog_notice_parts(len, rooms[i]);
		struct fog_notice_box box = {0};
		CU_ASSERT_EQUAL_FATAL(parts, parts_of[i]);
		// Backwards and each twice.
		for (unsigned k = 2 * parts; k-- > 0;) {
			size_t n = fog_notice_put(77, data, len, k / 2, parts, notice);
			CU_ASSERT_TRUE(n <= rooms[i]);
			int r = fog_notice_take(&box, notice, n, &sequence);
			CU_ASSERT_EQUAL(sequence, 77);
			if (k == 1 || parts == 1) {
				CU_ASSERT_EQUAL(r, FOG_NOTICE_DESCRIPTOR);
				CU_ASSERT_EQUAL(box.len, len);
				CU_ASSERT_EQUAL(memcmp(box.data, data, len), 0);
			} else {
				CU_ASSERT_EQUAL(r, 0);
			}
		}
	}
	CU_ASSERT_EQUAL(fog_notice_parts(len, 16), 0);
	CU_ASSERT_EQUAL(fog_notice_parts(len, 63), 0);
}

static void test_notices_mixed(void)
{
	struct fog_descriptor d = full();
	uint8_t old[FOG_DESCRIPTOR_MAX], data[FOG_DESCRIPTOR_MAX], notice[2000];
	size_t len = (size_t)fog_descriptor_sign(&d, node.secret, old);
	struct fog_notice_box box = {0};
	uint64_t sequence;

	d.sequence++;
	CU_ASSERT_EQUAL(fog_descriptor_sign(&d, node.secret, data), (int)len);
	size_t n = fog_notice_put(77, old, len, 0, 2, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), 0);
	// A newer one begins in between; the rest of the older one changes nothing.
	n = fog_notice_put(78, data, len, 1, 2, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), 0);
	n = fog_notice_put(77, old, len, 1, 2, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), 0);
	n = fog_notice_put(78, data, len, 0, 2, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), FOG_NOTICE_DESCRIPTOR);
	CU_ASSERT_EQUAL(memcmp(box.data, data, len), 0);
	n = fog_notice_ack(5, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), FOG_NOTICE_ACK);
	CU_ASSERT_EQUAL(sequence, 5);
}

// Parts of one descriptor cut in two ways are no whole.
static void test_notices_recut(void)
{
	struct fog_descriptor d = full();
	uint8_t data[FOG_DESCRIPTOR_MAX], notice[2000];
	size_t len = (size_t)fog_descriptor_sign(&d, node.secret, data);
	struct fog_notice_box box = {0};
	uint64_t sequence;

	size_t n = fog_notice_put(77, data, len, 0, 3, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), 0);
	n = fog_notice_put(77, data, len, 1, 2, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), 0);
	n = fog_notice_put(77, data, len, 0, 2, notice);
	CU_ASSERT_EQUAL(fog_notice_take(&box, notice, n, &sequence), FOG_NOTICE_DESCRIPTOR);
	CU_ASSERT_EQUAL(memcmp(box.data, data, len), 0);
}

static void test_notices_malformed(void)
{
	struct fog_descriptor d = full();
	uint8_t data[FOG_DESCRIPTOR_MAX], notice[2000], good[2000];
	size_t len = (size_t)fog_descriptor_sign(&d, node.secret, data);
	size_t n = fog_notice_put(79, data, len, 1, 3, good);

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
	        {"round trip", test_round_trip},
	        {"every bit counts", test_every_byte},
	        {"refusals", test_refusals},
	        {"order", test_order},
	        {"a signature for something else", test_domain},
	        {"reserved bytes", test_reserved},
	        {"notices in parts", test_notices},
	        {"notices of two descriptors", test_notices_mixed},
	        {"notices cut in two ways", test_notices_recut},
	        {"malformed notices", test_notices_malformed},
	        CU_TEST_INFO_NULL,
	};

	if (sodium_init() < 0)
		return 1;
	net_node_make(&node, 1);
	net = net_topology(&node, 1, "");
	if (net == NULL)
		return 1;
	fog_network_hash(net, network);
	int r = check_run("descriptor", tests);
	fog_topology_free(net);
	return r;
}
