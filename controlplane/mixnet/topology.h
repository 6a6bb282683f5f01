// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The network as it is by now: geometry, mix port, delay law, and every node with its ID, keys,
// address, role and layer. It comes from a file, equal on all nodes; in a network with a directory the
// file says who the authorities are, and the nodes come from their consensus (../directory/view.h).
// An object is immutable once made; any thread may read it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../../dataplane/api/blob.h"
#include "../../dataplane/sphinx/sphinx.h"
#include "../config/report.h"

enum fog_role { FOG_ROLE_GATEWAY = 1, FOG_ROLE_MIX = 2, FOG_ROLE_SERVICE = 3 };

struct fog_topology_node {
	char name[32];
	uint8_t id[FOG_ID_LEN]; // BLAKE2b-256 of the identity key
	uint8_t mix_key[32]; // X25519; with 'links: none' only, else zero
	uint8_t identity[32]; // Ed25519, may be zero with 'links: none', as the two below
	uint8_t link_key[32]; // X25519, static key of its links
	uint8_t vrf_key[32]; // Ed25519
	struct fog_ip address;
	uint16_t port; // UDP
	uint8_t role; // enum fog_role
	uint8_t layer; // 1..layers for a mix, else 0
	// Who runs it and where it is, as far as it says; empty or 0 is "not said", and equal to nobody's.
	char operator[32], family[32];
	uint32_t as_number; // of its autonomous system
	char region[8];
	uint8_t bandwidth; // class 1..FOG_BANDWIDTH_MAX, 0 = not said; a path takes it in proportion
	// No new path leads over it, from it or to it, only what is under way. In a network with a directory it comes
	// or goes with another epoch, or is so new in this one that others may not know of it yet. In one whose file
	// lists the nodes it is new in the file, and our own data plane does not know of it yet; others may be later.
	bool off_path;
};

enum { FOG_BANDWIDTH_MAX = 10 }; // class k carries 2^(k-1) shares; 0 counts as 1

// Mean times between two packets of cover, each exponential; 0 = none (../directory/README.md).
struct fog_cover_rates {
	uint32_t loop_us; // of a node: packets to itself
	uint32_t drop_us; // of a node: packets to somebody who throws them away
	uint32_t dummy_us; // of a node, for each of its links: frames that end at the next node
	uint32_t
	        client_send_us; // of a client: a message's fragment, or a drop packet when none waits
	uint32_t client_loop_us;
	uint32_t client_fetch_us; // of a client: questions to its gateway for mail
	uint32_t
	        slack_ms; // beyond its longest delay: then whoever waits for a packet takes it for lost
};

enum { FOG_AUTHORITIES_MAX = 16 };

struct fog_authority {
	char name[32];
	uint8_t identity[32]; // Ed25519: signs votes and consensus
	uint8_t vrf_key[32]; // Ed25519: its share of the beacon
	uint8_t tls_key[32]; // Ed25519: of its listener's certificate
	struct fog_ip address;
	uint16_t port; // TCP
};

struct fog_topology {
	char name[32]; // of the network
	struct fog_geometry geometry;
	uint16_t mix_port;
	uint32_t delay_mean_us, delay_max_us, delay_cap_ms;
	uint32_t epoch_s, overlap_s; // how long mix keys are in use
	uint32_t tolerance_ms; // between the clocks of nodes
	uint32_t rekey_s; // age at which a session of two nodes is replaced
	uint64_t rekey_packets; // ... or packets sent by one worker
	uint32_t links; // enum fog_link_mode
	unsigned layers; // every layer from 1 to this one has a mix
	struct fog_cover_rates cover;
	unsigned authority_count; // 0: no directory, the file lists the nodes
	unsigned threshold; // signatures that make a consensus
	struct fog_authority authority[FOG_AUTHORITIES_MAX];
	uint64_t epoch; // that the nodes are of; 0: of all, as the file lists them
	unsigned node_count;
	struct fog_topology_node *node;
	uint8_t checksum[32]; // BLAKE2b-256 of the text, or of what else it was made of
	char file[256]; // as given, for findings
	struct config_lines *lines;
};

// Read a file or a text. Errors as fog_config_load.
int fog_topology_load(const char *path, struct fog_topology **out, struct fog_report *report);
int fog_topology_load_text(
        const char *name, const char *text, size_t len, struct fog_topology **out,
        struct fog_report *report
);
void fog_topology_free(struct fog_topology *); // accepts NULL

// Whether the file at 'path' differs from the text that 'topology' was made of; NULL stands for
// "none yet". Returns 1, 0, or -errno when it can't be read (-ENOENT: there is none).
int fog_topology_changed(const char *path, const struct fog_topology *);

// Both return NULL when there is no such node.
const struct fog_topology_node *fog_topology_find(
        const struct fog_topology *, const uint8_t id[FOG_ID_LEN]
);
const struct fog_topology_node *fog_topology_find_name(const struct fog_topology *, const char *);
// Whether a mix is off all paths. When none is, keys are what paths lack that fog_path_choose denies for now.
bool fog_topology_mixes_off_path(const struct fog_topology *);
const char *fog_role_name(unsigned role); // "gateway", "mix", "service"; "?" when out of range

// Whether a mix may be on a path that is chosen.
typedef bool fog_topology_usable(void *ctx, const struct fog_topology_node *);

// Layers of a network with a directory: a path leads over a gateway, one mix each, and a service. With
// fewer mixes than that there are fewer (../directory/README.md).
unsigned fog_topology_layers_most(const struct fog_topology *);

// What names the network wherever something is signed, proved or agreed on for it: BLAKE2b-256 of
// name (32 bytes, zero-padded) | slots u16 | payload_len u16 | epoch s u32 | delay mean us u32 |
// delay max us u32 | delay cap ms u32, all big-endian. Nodes come and go without changing it.
void fog_network_hash(const struct fog_topology *, uint8_t out[32]);
