// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What REST says of epochs, in a network that has none and in one that has.
#include <sodium.h>
#include <stdio.h>

#include "../../../controlplane/node_epochs.h"
#include "../run.h"
#include "http_rig.h"

// This node and one that nobody is.
static void write_noise(void)
{
	static char text[2048];
	const struct fog_identity *self = node->identity;
	uint8_t other[32] = {7}, id[32];
	char hex[6][65];

	crypto_generichash(id, 32, other, 32, NULL, 0);
	snprintf(
	        text, sizeof(text),
	        "network: {name: t, links: noise, mix_key: {epoch: 60s, overlap: 20s}}\nnodes:\n"
	        "  - {name: me, id: %s, identity: %s, link_key: %s, vrf_key: %s, address: "
	        "192.0.2.1, role: gateway}\n"
	        "  - {name: mix, id: %s, identity: %s, link_key: %064x, vrf_key: %064x, address: "
	        "192.0.2.2, role: mix, layer: 1}\n",
	        sodium_bin2hex(hex[0], 65, self->node_id, 32),
	        sodium_bin2hex(hex[1], 65, self->public_key, 32),
	        sodium_bin2hex(hex[2], 65, self->link_public, 32),
	        sodium_bin2hex(hex[3], 65, self->vrf_public, 32),
	        sodium_bin2hex(hex[4], 65, id, 32), sodium_bin2hex(hex[5], 65, other, 32), 11, 12
	);
	CU_ASSERT_EQUAL(write_file(topology_path, text), 0);
}

static void newcomer(bool off_path)
{
	pthread_rwlock_wrlock(&node->lock);
	for (unsigned i = 0; i < node->topology->node_count; i++)
		if (node->topology->node[i].role == FOG_ROLE_MIX)
			node->topology->node[i].off_path = off_path;
	pthread_rwlock_unlock(&node->lock);
}

void test_http_epochs(void)
{
	struct fog_epochs_view v;
	char path[128], want[64];

	CU_ASSERT_EQUAL(ask("GET", "/v1/epochs", ""), 404);
	CU_ASSERT_TRUE(says("no_epochs"));
	CU_ASSERT_TRUE(says("see /readyz"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/descriptor", ""), 404);
	CU_ASSERT_EQUAL(ask("GET", "/v1/epochs/1/vrf", ""), 404);
	CU_ASSERT_EQUAL(ask("GET", "/v1/sent/1", ""), 404);
	CU_ASSERT_EQUAL(ask("GET", "/v1/sent/x", ""), 400);
	CU_ASSERT_EQUAL(ask("GET", "/v1/sent/", ""), 404);
	CU_ASSERT_EQUAL(ask("GET", "/v1/sent/1/2", ""), 404);
	CU_ASSERT_EQUAL(ask("POST", "/v1/sent/1", ""), 405);
	write_noise();
	fog_node_topology_poll(node, true);
	node_epochs_tick(node);
	fog_epochs_look(node->epochs, &v);
	CU_ASSERT_TRUE(v.active);
	CU_ASSERT_EQUAL(ask("GET", "/v1/epochs", ""), 200);
	snprintf(want, sizeof(want), "\"epoch\":%llu", (unsigned long long)v.epoch);
	CU_ASSERT_TRUE(says(want) && says("\"stepped\":false") && says("\"lost_until\":null"));
	CU_ASSERT_TRUE(says("\"name\":\"mix\"") && says("\"equivocation\":0"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/descriptor", ""), 200);
	CU_ASSERT_TRUE(says("{\"descriptor\":\"02"));
	snprintf(path, sizeof(path), "/v1/epochs/%llu/vrf", (unsigned long long)v.epoch);
	CU_ASSERT_EQUAL(ask("GET", path, ""), 404);
	CU_ASSERT_TRUE(says("not_published") && says("Retry-After"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/epochs/1/vrf", ""), 404);
	CU_ASSERT_TRUE(says("no_proof"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/nodes/me/epochs/1/vrf", ""), 404);
	CU_ASSERT_TRUE(says("no_proof"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/nodes/nobody/epochs/1/vrf", ""), 404);
	CU_ASSERT_TRUE(says("no_such_node"));
	CU_ASSERT_EQUAL(ask("GET", "/v1/nodes/mix/epochs/x/vrf", ""), 400);
	CU_ASSERT_EQUAL(ask("GET", "/metrics", ""), 200);
	CU_ASSERT_TRUE(says("fog_epoch_nodes_known 1\n") && says("fog_clock_stepped 0\n"));
	// A newcomer that our data plane would not know yet.
	newcomer(true);
	CU_ASSERT_EQUAL(ask("GET", "/v1/nodes", ""), 200);
	CU_ASSERT_TRUE(says("\"self\":true,\"off_path\":false"));
	CU_ASSERT_TRUE(says("\"self\":false,\"off_path\":true"));
	CU_ASSERT_EQUAL(ask("POST", "/v1/messages", "{\"to\":\"mix\",\"text\":\"x\"}"), 503);
	CU_ASSERT_TRUE(says("\"off_path\"") && says("mix is off all paths"));
	CU_ASSERT_TRUE(says("Retry-After: 1\r"));
	newcomer(false);
	CU_ASSERT_EQUAL(ask("GET", "/v1/nodes", ""), 200);
	CU_ASSERT_FALSE(says("\"off_path\":true"));
	// A message to a node that has not announced a key yet.
	CU_ASSERT_EQUAL(ask("POST", "/v1/messages", "{\"to\":\"mix\",\"text\":\"x\"}"), 422);
	CU_ASSERT_TRUE(says("no_path"));
	CU_ASSERT_EQUAL(
	        ask("POST", "/v1/messages",
	            "{\"to\":\"mix\",\"path\":[\"me\",\"mix\"],\"text\":\"x\"}"),
	        503
	);
	CU_ASSERT_TRUE(says("no_mix_key") && says("no mix key of mix is known"));
	fog_clock_tick(node->clock, 5000);
	CU_ASSERT_EQUAL(ask("GET", "/v1/status", ""), 200);
	CU_ASSERT_TRUE(says("\"clock_step\"") && says("was set forward by 5.0"));
	fog_clock_tick(node->clock, 0);
	fog_epoch_key_destroy("httptest", v.epoch);
	fog_epoch_key_destroy("httptest", v.epoch + 1);
}
