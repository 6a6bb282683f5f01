// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A topology of nodes with links whose keys the tests have.
#pragma once

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "../../../controlplane/mixnet/topology.h"

enum { NET_NODES = 5 };

struct net_node {
	uint8_t seed[32], secret[64], identity[32], id[32];
	uint8_t vrf_seed[32], vrf_key[32], link_key[32];
};

static inline void net_node_make(struct net_node *n, uint8_t number)
{
	uint8_t whole[64];

	memset(n->seed, number, sizeof(n->seed));
	memset(n->vrf_seed, 0x80 + number, sizeof(n->vrf_seed));
	memset(n->link_key, 0x40 + number, sizeof(n->link_key));
	crypto_sign_seed_keypair(n->identity, n->secret, n->seed);
	crypto_sign_seed_keypair(n->vrf_key, whole, n->vrf_seed);
	crypto_generichash(n->id, sizeof(n->id), n->identity, 32, NULL, 0);
}

// Returns NULL when the text is refused, which is printed then. 'more' goes into the network.
static inline struct fog_topology *net_topology(
        const struct net_node *n, unsigned count, const char *more
)
{
	static char text[16384];
	static struct fog_report report;
	struct fog_topology *t = NULL;
	size_t at = (size_t)snprintf(
	        text, sizeof(text),
	        "network: {name: t, links: noise, mix_key: {epoch: 60s, overlap: 20s}%s}\nnodes:\n",
	        more
	);

	for (unsigned i = 0; i < count; i++) {
		char hex[4][65];
		at += (size_t)snprintf(
		        text + at, sizeof(text) - at,
		        "  - {name: n%u, id: %s, identity: %s, link_key: %s, vrf_key: %s, address: "
		        "10.0.0.%u, role: mix, layer: 1}\n",
		        i, sodium_bin2hex(hex[0], 65, n[i].id, 32),
		        sodium_bin2hex(hex[1], 65, n[i].identity, 32),
		        sodium_bin2hex(hex[2], 65, n[i].link_key, 32),
		        sodium_bin2hex(hex[3], 65, n[i].vrf_key, 32), i + 1
		);
	}
	memset(&report, 0, sizeof(report));
	if (fog_topology_load_text("t.yaml", text, at, &t, &report) < 0)
		fputs(report.text, stderr);
	return t;
}
