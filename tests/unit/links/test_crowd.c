// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A gateway that all of a crowd wants links with, as often as each can ask: nodes find room all the same.
#include <sodium.h>

#include "../../../controlplane/link/hello.h"
#include "../../../controlplane/link/links.h"
#include "../../../controlplane/link/noise.h"
#include "../../../dataplane/crypto/link.h"
#include "../run.h"

enum { HELLO = sizeof(struct fog_link_hello), CROWD = 1500, ASKS = 5 };

static uint8_t ours[32], ours_public[32];
static struct fog_topology_node node[2];
static struct fog_topology topology = {
        .links = FOG_LINKS_NOISE,
        .tolerance_ms = 2000,
        .rekey_s = 60,
        .rekey_packets = 1000,
        .node_count = 2,
        .node = node};
static uint64_t now_ns = UINT64_C(1800000000000000000);
static unsigned held, initiations;

static int on_install(void *ctx, const struct fog_link_session *s)
{
	held++;
	return 0;
}

static int on_remove(void *ctx, uint32_t rx_index)
{
	held--;
	fog_links_link_ack(*(struct fog_links **)ctx, rx_index, 0, 1);
	return 0;
}

static int on_send(void *ctx, const struct fog_link_send *s)
{
	initiations += s->type == FOG_FRAME_INITIATION;
	return 0;
}

static uint64_t on_now(void *ctx)
{
	return now_ns;
}

static void ask(struct fog_links *l, const uint8_t private_key[32])
{
	const struct fog_hello h = {
	        .major = 1, .minor = 2, .senders = 1, .index = 64, .time_ns = now_ns++};
	struct fog_link_punt p = {.type = FOG_FRAME_INITIATION, .len = FOG_INITIATION_LEN};
	uint8_t prologue[FOG_PROLOGUE_LEN], network[32] = {0}, wire[HELLO], public_key[32], key[32];
	uint8_t *mac1 = p.data + FOG_INITIATION_LEN - 2 * FOG_LINK_MAC;
	struct fog_noise n;
	size_t len;

	crypto_scalarmult_base(public_key, private_key);
	fog_hello_put(&h, wire);
	fog_link_prologue(network, prologue);
	fog_noise_start(
	        &n, FOG_NOISE_IK, true, prologue, sizeof(prologue), private_key, public_key,
	        ours_public
	);
	fog_frame_header_put(p.data, FOG_FRAME_INITIATION, 64, 0);
	CU_ASSERT_EQUAL_FATAL(
	        fog_noise_write(&n, wire, HELLO, p.data + FOG_FRAME_HEADER, 512, &len), 0
	);
	fog_link_mac1_key(ours_public, key);
	fog_link_mac(key, 32, p.data, FOG_INITIATION_LEN - 2 * FOG_LINK_MAC, mac1);
	fog_links_punt(l, &p, 1);
}

static void test_crowd(void)
{
	static const struct fog_links_ops ops = {
	        .install = on_install, .remove = on_remove, .send = on_send, .now_unix_ns = on_now};
	const struct fog_links_wanted w = {.topology = &topology, .clients = 2 * CROWD};
	const uint8_t boot_id[16] = {1};
	struct fog_links_self self = {.link_private = ours, .minor = 2};
	struct fog_links_summary s;
	struct fog_links *l = NULL;
	uint8_t key[32] = {9}, of_node[32] = {2};

	ours[0] = 1;
	crypto_scalarmult_base(ours_public, ours);
	memcpy(self.link_public, ours_public, 32);
	node[1].id[0] = 1;
	crypto_scalarmult_base(node[1].link_key, of_node);
	CU_ASSERT_EQUAL_FATAL(fog_links_create(&self, &ops, &l, &l), 0);
	CU_ASSERT_EQUAL_FATAL(fog_links_configure(l, &w, 0), 0);
	fog_links_attached(l, boot_id, 1, 0);
	fog_links_seen(l, NULL, 0, 0);
	// One alone gets a few, however often he asks.
	for (unsigned i = 0; i < 20; i++)
		ask(l, key);
	CU_ASSERT_EQUAL(held, 3);
	for (unsigned c = 0; c < CROWD; c++) {
		key[1] = (uint8_t)c;
		key[2] = (uint8_t)(c >> 8);
		for (unsigned i = 0; i < ASKS; i++)
			ask(l, key);
	}
	CU_ASSERT(held > 4000 && held < FOG_LINK_SLOTS);
	// The node asks, and is asked.
	unsigned before = held;
	ask(l, of_node);
	CU_ASSERT_EQUAL(held, before + 1);
	fog_links_tick(l, 2000);
	CU_ASSERT_EQUAL(initiations, 1);
	fog_links_status(l, &s, NULL, 0);
	CU_ASSERT_EQUAL(s.outcome[FOG_LINKS_NO_SLOT], 0);
	CU_ASSERT(s.outcome[FOG_LINKS_REFUSED_FULL] > 0);
	fog_links_destroy(l);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"a crowd of clients", test_crowd},
	        CU_TEST_INFO_NULL,
	};

	if (sodium_init() < 0 || !crypto_aead_aes256gcm_is_available())
		return 1;
	return check_run("crowd", tests);
}
