// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The run-time configuration as workers see it: immutable, published by pointer, freed after a
// QSBR grace period. A new one is made whenever the control plane sends a blob, a key comes or
// goes, or a neighbour changes. Built by the manager; workers only read.
#pragma once

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/blob.h"
#include "crypto/delay.h"
#include "mixkey.h"
#include "resolve.h"

struct rte_hash;

enum {
	FOG_COVER_BURST_MIN = 8
}; // frames of cover that a worker may send at once, whatever the cap

enum { FOG_HEADER_MAX = 14 + 4 + 40 + 8 }; // Ethernet, one VLAN tag, IPv6, UDP

// How to reach a node: where and with which bytes in front.
struct fog_next_hop {
	alignas(8) uint8_t id[FOG_ID_LEN]; // hash keys, which are read by words: this and the next
	struct fog_ip ip;
	uint16_t udp_port;
	uint16_t peer; // slot in fog_stats.peer, or FOG_PEER_NONE
	uint16_t port; // index of the port, valid when 'routed'
	uint8_t routed; // a port of ours leads there
	uint8_t resolved; // ... and the link-layer address is known: 'header' is complete
	uint8_t header_len;
	uint8_t udp_at; // offset of the UDP header in 'header'
	uint8_t header[FOG_HEADER_MAX]; // all constant but UDP source port and checksum
	uint16_t source_port; // UDP; 0: the sending worker's
};

// The Poisson clocks of a worker's cover (cover.h).
enum fog_cover_clock {
	FOG_COVER_STOCK_CLOCK, // of packets from the stock
	FOG_COVER_DUMMY_CLOCK, // of dummies to all nodes of the table, ourselves included, who get none
	FOG_COVER_CLOCKS,
};

// In cycles of the TSC, for one worker.
struct fog_conf_cover {
	uint64_t mean[FOG_COVER_CLOCKS]; // between two turns; 0 = none
	uint64_t interval,
	        depth; // cap: of one frame, and how far ahead of it a burst may run; 0 = none
};

struct fog_conf {
	uint64_t generation;
	uint8_t checksum[32];
	uint8_t node_id[FOG_ID_LEN];
	struct fog_delay_law law;
	struct fog_conf_cover cover;
	// Oldest epoch first, no two with the same low byte of the epoch. Owned by the manager, who
	// frees one only after the configurations that name it: a worker's pointer is good for a round.
	unsigned key_count;
	uint8_t key_epoch[FOG_MIX_KEYS_MAX]; // low bytes
	const struct fog_mix_key *key[FOG_MIX_KEYS_MAX];
	uint32_t node_count;
	uint32_t resolved_count; // next hops ready to send to
	uint32_t remote_count; // next hops other than ourselves
	struct rte_hash *by_id; // node ID -> index
	struct rte_hash *by_ip; // struct fog_ip -> index: who sent this frame
	bool has_link_key; // ... of ours, from which these two follow
	uint8_t mac1_key[32], cookie_key[32];
	struct fog_next_hop node[];
};

// What building needs besides the blob.
struct fog_conf_env {
	const struct fog_resolver *resolver;
	uint64_t now_ms; // for the resolver
	uint16_t mix_port;
	uint16_t payload_len; // UDP payload of every frame of the network
	uint8_t (*peer_id)[FOG_ID_LEN]; // FOG_NODES_MAX slots, given out here and never reused
	unsigned key_count;
	const struct fog_mix_key *const *key; // [key_count], as in struct fog_conf
	uint64_t tsc_hz; // for cover; 0 = there is none
	unsigned workers; // who share it
};

// Build from a checked blob. Returns 0, -ENOMEM or -EINVAL (delay law).
int fog_conf_build(const struct fog_blob *, const struct fog_conf_env *, struct fog_conf **);
void fog_conf_free(struct fog_conf *); // accepts NULL

// Statistics slot of a node: kept over generations so that counters go on. FOG_PEER_NONE when all are
// given out: such a node has no counters of its own until the next start, and with encrypted links no
// session. Manager.
uint16_t fog_conf_peer(uint8_t (*peer_id)[FOG_ID_LEN], const uint8_t id[FOG_ID_LEN]);

// Fill the header of a next hop from its port, ip and udp_port: with our address 'from', to 'mac', for
// UDP payloads of 'payload_len' bytes. Any thread.
void fog_conf_header(
        struct fog_next_hop *, const struct fog_port *, const uint8_t mac[6],
        const struct fog_ip *from, uint16_t source_port, uint16_t payload_len
);

// The key that packets of this epoch were made for, or NULL. Worker.
static inline const struct fog_mix_key *fog_conf_key(const struct fog_conf *c, uint8_t epoch)
{
	for (unsigned i = 0; i < c->key_count; i++)
		if (c->key_epoch[i] == epoch)
			return c->key[i];
	return NULL;
}

// Index of a node, or -1.
int fog_conf_find(const struct fog_conf *, const uint8_t id[FOG_ID_LEN]);
int fog_conf_find_ip(const struct fog_conf *, const struct fog_ip *);
