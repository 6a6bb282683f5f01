// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A network of two, and the handshake messages of the other one or of a stranger, for programs that hold
// one node's links themselves.
#pragma once

#include <sodium.h>

#include "../../../controlplane/link/hello.h"
#include "../../../controlplane/link/links.h"
#include "../../../controlplane/link/noise.h"
#include "../../../dataplane/crypto/link.h"

enum { HELLO = sizeof(struct fog_link_hello), PEER_INDEX = 1 << FOG_LINK_SUB_BITS };

static struct fog_topology_node node[2];
static struct fog_topology topology = {
        .links = FOG_LINKS_NOISE,
        .tolerance_ms = 2000,
        .rekey_s = 60,
        .rekey_packets = 1000,
        .node_count = 2,
        .node = node};

// The MAC1 of a message for whom the key belongs to.
static inline void peer_mac1_put(uint8_t *msg, uint32_t len, const uint8_t to[32])
{
	uint8_t key[32];

	fog_link_mac1_key(to, key);
	fog_link_mac(key, 32, msg, len - 2 * FOG_LINK_MAC, msg + len - 2 * FOG_LINK_MAC);
}

// An initiation with this hello from a private key to a public one. Returns 0 or negative.
static inline int peer_initiation(
        const uint8_t from[32], const uint8_t to[32], const uint8_t hello[HELLO],
        struct fog_link_punt *out
)
{
	uint8_t prologue[FOG_PROLOGUE_LEN], network[32] = {0}, public_key[32];
	struct fog_noise n;
	size_t len;

	*out = (struct fog_link_punt){.type = FOG_FRAME_INITIATION, .len = FOG_INITIATION_LEN};
	crypto_scalarmult_base(public_key, from);
	fog_link_prologue(network, prologue);
	fog_frame_header_put(out->data, FOG_FRAME_INITIATION, PEER_INDEX, 0);
	int r = fog_noise_start(
	        &n, FOG_NOISE_IK, true, prologue, sizeof(prologue), from, public_key, to
	);
	if (r == 0)
		r = fog_noise_write(&n, hello, HELLO, out->data + FOG_FRAME_HEADER, 512, &len);
	peer_mac1_put(out->data, FOG_INITIATION_LEN, to);
	return r;
}

// What an initiation to 'self' says; 'n' is then ready to answer. Returns 0 or negative.
static inline int peer_read(
        const struct fog_link_send *initiation, const uint8_t self[32], struct fog_noise *n,
        struct fog_hello *h
)
{
	uint8_t prologue[FOG_PROLOGUE_LEN], network[32] = {0}, public_key[32], wire[HELLO];
	size_t len;

	crypto_scalarmult_base(public_key, self);
	fog_link_prologue(network, prologue);
	int r = fog_noise_start(
	        n, FOG_NOISE_IK, false, prologue, sizeof(prologue), self, public_key, NULL
	);
	if (r == 0)
		r = fog_noise_read(
		        n, initiation->data + FOG_FRAME_HEADER,
		        FOG_INITIATION_LEN - FOG_FRAME_HEADER - 2 * FOG_LINK_MAC, wire, HELLO, &len
		);
	return r == 0 ? fog_hello_parse(wire, h) : r;
}

// The response to what peer_read has read. Returns 0 or negative.
static inline int peer_response(
        struct fog_noise *n, const uint8_t to[32], uint32_t index, const uint8_t hello[HELLO],
        struct fog_link_punt *out
)
{
	size_t len;

	*out = (struct fog_link_punt){.type = FOG_FRAME_RESPONSE, .len = FOG_RESPONSE_LEN};
	fog_frame_header_put(out->data, FOG_FRAME_RESPONSE, index, 0);
	int r = fog_noise_write(n, hello, HELLO, out->data + FOG_FRAME_HEADER, 512, &len);
	peer_mac1_put(out->data, FOG_RESPONSE_LEN, to);
	return r;
}
