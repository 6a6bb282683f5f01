// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A network in memory: gateways and services first, then the mixes, layer by layer; and the way of a packet
// through it, unwrapped hop by hop with the nodes' private keys. For the tests of what a node sends by itself.
#pragma once

#include <sodium.h>
#include <stdio.h>

#include "../../../controlplane/mixnet/recipient.h"
#include "../../../controlplane/mixnet/topology.h"
#include "../../../dataplane/api/msg.h"
#include "../../../dataplane/sphinx/sphinx.h"
#include "../run.h"

enum { LAYERS = 3, WIDTH = 2, ENDS_MAX = 3, NODES_MAX = ENDS_MAX + LAYERS * WIDTH };

static struct fog_topology *net;
static const struct fog_crypto_ops *crypto;
static uint8_t private_key[NODES_MAX][32];
static char name[NODES_MAX][32];

// Keys are new ones each time. NULL: said.
static struct fog_topology *make_net(int ends, int layers)
{
	static const char *const end_name[ENDS_MAX] = {"gateway", "gateway2", "service"};
	static struct fog_report report;
	static char yaml[8192];
	struct fog_topology *t = NULL;
	size_t at = (size_t)snprintf(
	        yaml, sizeof(yaml),
	        "network: {name: t, links: none, delay: {mean: 1ms, max: 2ms}}\nnodes:\n"
	);

	for (int i = 0; i < ends + layers * WIDTH; i++) {
		uint8_t id[32] = {(uint8_t)(i + 1)}, public_key[32];
		int layer = (i - ends) / WIDTH + 1;
		char a[65], b[65], role[32];
		if (i < ends) {
			snprintf(name[i], sizeof(name[i]), "%s", end_name[i]);
			snprintf(role, sizeof(role), "%s", i == 2 ? "service" : "gateway");
		} else {
			snprintf(
			        name[i], sizeof(name[i]), "mix%d%c", layer, 'a' + (i - ends) % WIDTH
			);
			snprintf(role, sizeof(role), "mix, layer: %d", layer);
		}
		randombytes_buf(private_key[i], 32);
		crypto_scalarmult_base(public_key, private_key[i]);
		at += (size_t)snprintf(
		        yaml + at, sizeof(yaml) - at,
		        "  - {name: %s, id: %s, mix_key: %s, address: 10.0.0.%d, role: %s}\n",
		        name[i], sodium_bin2hex(a, 65, id, 32),
		        sodium_bin2hex(b, 65, public_key, 32), i + 1, role
		);
	}
	if (fog_topology_load_text("t.yaml", yaml, at, &t, &report) < 0)
		fputs(report.text, stderr);
	return t;
}

static int node_of(const uint8_t id[32])
{
	return id[0] <= NODES_MAX ? id[0] - 1 : -1;
}

// The way of a packet as the nodes see it.
struct way {
	int node[FOG_SPHINX_SLOTS_MAX];
	uint8_t tag[FOG_SPHINX_SLOTS_MAX][32];
	unsigned hops;
	bool drop; // for nobody
	uint64_t epoch; // of its keys, from who knows it
	struct fog_deliver d;
	uint8_t data[FOG_SPHINX_PACKET_MAX];
};

static void carry(const uint8_t first_hop[32], const uint8_t *sent, uint32_t len, struct way *w)
{
	uint8_t packet[FOG_SPHINX_PACKET_MAX], nobody[32];
	int at = node_of(first_hop);

	memset(w, 0, sizeof(*w));
	memcpy(packet, sent, len);
	CU_ASSERT_EQUAL_FATAL(len, net->geometry.packet_len);
	for (;;) {
		struct fog_sphinx_route route;
		struct fog_sphinx_hop hop;
		CU_ASSERT_FATAL(at >= 0 && w->hops < FOG_SPHINX_SLOTS_MAX);
		CU_ASSERT_EQUAL_FATAL(
		        fog_sphinx_unwrap(
		                crypto, &net->geometry, private_key[at], packet, len, &route, &hop
		        ),
		        FOG_DROP_NONE
		);
		CU_ASSERT_FALSE(route.has_delay);
		memcpy(w->tag[w->hops], fog_sphinx_replay_tag(&hop), 32);
		w->node[w->hops++] = at;
		if (!route.has_next_hop) {
			w->d.flags = (route.has_recipient ? FOG_DELIVER_RECIPIENT : 0u) |
			        (route.has_surb ? FOG_DELIVER_SURB : 0u);
			memcpy(w->d.recipient, route.recipient, 32);
			break;
		}
		at = node_of(route.next_hop);
	}
	fog_recipient_drop(nobody);
	w->drop = memcmp(nobody, w->d.recipient, 32) == 0;
	w->d.data_len = (uint32_t)(FOG_SPHINX_TAG_LEN + net->geometry.payload_len);
	memcpy(w->data, packet + net->geometry.header_len, w->d.data_len);
}
