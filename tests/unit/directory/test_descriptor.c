// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Descriptors: one form only, every byte counts.
#include <errno.h>

#include "../../../controlplane/directory/descriptor.h"
#include "../epoch/net.h"
#include "../run.h"

static struct net_node node;
static struct fog_topology *net;
static uint8_t network[32];

static struct fog_descriptor full(void)
{
	struct fog_descriptor d = {
	        .role = FOG_ROLE_MIX,
	        .layer_wish = 2,
	        .bandwidth = 3,
	        .name = "node-1",
	        .operator= "somebody",
	        .family = "family",
	        .region = "EU",
	        .software = "fogline-0.1",
	        .as_number = 64500,
	        .protocol_minor = 2,
	        .mix_port = 9001,
	        .directory_port = 9003,
	        .address = {.family = 6, .addr = {0xfd, 1, [15] = 9}},
	        .time_ms = 1795670000000,
	        .vrf_from = 1002,
	        .sequence = 77,
	        .mix_count = FOG_DESCRIPTOR_MIX_MAX,
	        .proof_count = FOG_DESCRIPTOR_PROOF_MAX};

	memcpy(d.network, network, 32);
	memcpy(d.node_id, node.id, 32);
	memcpy(d.identity, node.identity, 32);
	memcpy(d.link_key, node.link_key, 32);
	memcpy(d.vrf_key, node.vrf_key, 32);
	memset(d.tls_key, 7, 32);
	for (unsigned i = 0; i < d.mix_count; i++) {
		d.mix[i].epoch = 1000 + i;
		randombytes_buf(d.mix[i].public_key, 32);
	}
	for (unsigned i = 0; i < d.proof_count; i++) {
		d.proof[i].epoch = 990 + i;
		randombytes_buf(d.proof[i].proof, 80);
	}
	return d;
}

static int open_it(const uint8_t *data, size_t len, struct fog_descriptor *out)
{
	return fog_descriptor_open(data, len, &net->node[0], network, out);
}

// Of fields one by one: what lies behind the lists' ends isn't in the bytes.
static void same_content(const struct fog_descriptor *a, const struct fog_descriptor *b)
{
	CU_ASSERT_EQUAL(memcmp(a, b, offsetof(struct fog_descriptor, address)), 0);
	CU_ASSERT_EQUAL(memcmp(&a->address, &b->address, sizeof(a->address)), 0);
	CU_ASSERT_EQUAL(a->time_ms, b->time_ms);
	CU_ASSERT_EQUAL(a->vrf_from, b->vrf_from);
	CU_ASSERT_EQUAL(a->sequence, b->sequence);
	CU_ASSERT_EQUAL(a->mix_count, b->mix_count);
	CU_ASSERT_EQUAL(a->proof_count, b->proof_count);
	CU_ASSERT_EQUAL(memcmp(a->mix, b->mix, a->mix_count * sizeof(a->mix[0])), 0);
	CU_ASSERT_EQUAL(memcmp(a->proof, b->proof, a->proof_count * sizeof(a->proof[0])), 0);
}

static void test_round_trip(void)
{
	for (unsigned mix = 0; mix <= FOG_DESCRIPTOR_MIX_MAX; mix++) {
		for (unsigned proofs = 0; proofs <= FOG_DESCRIPTOR_PROOF_MAX; proofs++) {
			struct fog_descriptor d = full(), out;
			uint8_t data[FOG_DESCRIPTOR_MAX], again[FOG_DESCRIPTOR_MAX];
			d.mix_count = mix;
			d.proof_count = proofs;
			int len = fog_descriptor_sign(&d, node.secret, data);
			CU_ASSERT_EQUAL(len, (int)(FOG_DESCRIPTOR_MIN + 40 * mix + 88 * proofs));
			CU_ASSERT_EQUAL_FATAL(open_it(data, (size_t)len, &out), 0);
			same_content(&d, &out);
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
			CU_ASSERT_TRUE(fog_descriptor_verify(data, (size_t)len, &out) < 0);
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
	d.mix_count = FOG_DESCRIPTOR_MIX_MAX + 1;
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
	static const size_t at[] = {
	        FOG_DESCRIPTOR_HEAD + 40, FOG_DESCRIPTOR_HEAD + FOG_DESCRIPTOR_MIX_MAX * 40 + 88};

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

// Reserved bytes are zero, whoever has signed them, and what comes from a list is in it.
static void test_reserved(void)
{
	enum { PORTS = 8 + 6 * 32 + 3 * 32 + 8 + 24 + 4 + 2, FAMILY = PORTS + 4 };

	struct fog_descriptor d = full(), out;
	uint8_t data[FOG_DESCRIPTOR_MAX];
	size_t len = (size_t)fog_descriptor_sign(&d, node.secret, data);
	static const size_t reserved[] = {
	        5, 6, 7, FAMILY + 1, FOG_DESCRIPTOR_HEAD - 2, FOG_DESCRIPTOR_HEAD - 1};

	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = {{0, 1}, {0, 3}, {1, 0}, {1, 4}, {3, FOG_BANDWIDTH_MAX + 1}, {4, 2}, {FAMILY, 5}};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		CU_ASSERT_EQUAL(fog_descriptor_parse(data, len, &out), 0);
		CU_ASSERT_EQUAL(data[reserved[i]], 0);
		data[reserved[i]] = 1;
		CU_ASSERT_EQUAL(fog_descriptor_parse(data, len, &out), -EBADMSG);
		data[reserved[i]] = 0;
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t good = data[bad[i].at];
		data[bad[i].at] = bad[i].value;
		CU_ASSERT_EQUAL(fog_descriptor_parse(data, len, &out), -EBADMSG);
		data[bad[i].at] = good;
	}
	CU_ASSERT_EQUAL(fog_descriptor_parse(data, len, &out), 0);
	// The rest of an IPv4 address is zero.
	data[FAMILY] = 4;
	CU_ASSERT_EQUAL(fog_descriptor_parse(data, len, &out), -EBADMSG);
}

// Each text is printable, ends in its field, and nothing hides behind its end.
static void test_texts(void)
{
	static const struct {
		size_t at, size;
	} text[] = {{200, 32}, {232, 32}, {264, 32}, {296, 8}, {304, 24}};
	struct fog_descriptor d = full(), out;
	uint8_t data[FOG_DESCRIPTOR_MAX];
	size_t len = (size_t)fog_descriptor_sign(&d, node.secret, data);

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		static const uint8_t bad[] = {' ', '\n', 0x7f, 0x80, 0x1b};
		uint8_t kept[32], *at = data + text[i].at;
		memcpy(kept, at, text[i].size);
		for (size_t k = 0; k < sizeof(bad); k++) {
			at[0] = bad[k];
			CU_ASSERT_EQUAL(fog_descriptor_parse(data, len, &out), -EBADMSG);
		}
		// Blanks inside, of operator, family and region.
		memcpy(at, "a b", 4);
		memset(at + 4, 0, text[i].size - 4);
		CU_ASSERT_EQUAL(
		        fog_descriptor_parse(data, len, &out), i == 0 || i == 4 ? -EBADMSG : 0
		);
		memcpy(at, "ab ", 4);
		CU_ASSERT_EQUAL(fog_descriptor_parse(data, len, &out), -EBADMSG);
		memcpy(at, kept, text[i].size);
		at[text[i].size - 1] = 'x';
		CU_ASSERT_EQUAL(fog_descriptor_parse(data, len, &out), -EBADMSG);
		memset(at, 'x', text[i].size);
		CU_ASSERT_EQUAL(fog_descriptor_parse(data, len, &out), -EBADMSG);
		at[text[i].size - 1] = 0;
		CU_ASSERT_EQUAL(fog_descriptor_parse(data, len, &out), 0);
		// Only the name has to be there.
		memset(at, 0, text[i].size);
		CU_ASSERT_EQUAL(fog_descriptor_parse(data, len, &out), i == 0 ? -EBADMSG : 0);
		memcpy(at, kept, text[i].size);
	}
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
	        {"texts", test_texts},
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
