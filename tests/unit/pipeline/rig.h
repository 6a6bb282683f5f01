// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One worker on a loop port, with real keys, replay table, calendar and rings, driven round by
// round. EAL runs on ordinary pages.
#pragma once

#include "../../../dataplane/worker.h"

enum { RIG_NODES = 3 }; // 0 is ourselves, 1 and 2 are next hops

struct rig_frame {
	int family; // 4 or 6
	uint16_t vlan; // 0 = untagged
	uint16_t udp_port;
	uint16_t fragment; // IPv4 fragment field, host order
	uint8_t protocol;
	uint8_t bad_destination, bad_ip_checksum, bad_udp_checksum, no_udp_checksum;
	uint16_t cut; // bytes missing at the end of the frame
	uint16_t ether_type; // 0 = the right one
	uint64_t ol_flags; // what a device says about checksums
	uint8_t from; // host, 0 = 1
};

struct rig {
	struct fog_worker *w;
	struct fog_port *port;
	struct fog_stats_worker *shared;
	struct fog_mix_key *key;
	struct fog_conf *conf;
	struct fog_blob *blob;
	struct fog_worker_rings rings;
	struct fog_ring_rx deliver; // our end of the deliver ring
	struct fog_ring_tx inject; // our end of the inject ring
	void *memory[4]; // both halves of both rings
	uint8_t private_key[RIG_NODES][32], public_key[RIG_NODES][32], id[RIG_NODES][32];
	uint8_t (*peer_id)[FOG_ID_LEN];
	char replay_dir[64];
	unsigned host[RIG_NODES]; // addresses of the nodes, counted
	struct fog_link_table *links; // RIG_LINKS
	unsigned workers; // of the next rig_configure; 0 = 1
	unsigned key_count;
	const struct fog_mix_key
	        *keys[FOG_MIX_KEYS_MAX]; // of the next rig_configure; the first is 'key'
};

enum {
	RIG_VLAN = 1,
	RIG_NO_KEY = 2,
	RIG_LONG_DELAY = 4,
	RIG_SLOW = 8,
	RIG_TWO_QUEUES = 16,
	RIG_RATE = 32, // a limit of RIG_MAX_RATE
	RIG_MAX_RATE = 100, // packets per second
	RIG_LINKS_EPOCH = 0x3c7, // of the mix key then
	RIG_LINKS = 64, // encrypted links, for a worker a queue; sessions are the test's to install
};

// EAL and crypto, once a program. Returns 0 or negative.
int rig_global_init(const char *name);
struct rig *rig_create(unsigned flags, uint32_t parked_max);
// A rig that is node 1 of 'first', whose node 1 is 'first'.
struct rig *rig_create_peer(const struct rig *first, unsigned flags, uint32_t parked_max);
void rig_destroy(struct rig *);
// Publish a configuration with the first 'nodes' nodes, of which only 'resolved' have neighbours.
void rig_configure(struct rig *, unsigned nodes, unsigned resolved);

// A packet over us to node 'next' (0: it ends here, at ourselves, with a recipient).
void rig_packet(struct rig *, int next, uint8_t *packet);
// Put 'len' bytes of payload into a frame and hand it to the port.
void rig_put(struct rig *, const struct rig_frame *, const uint8_t *payload, uint32_t len);
// The frame that a peer of the rig's own family and VLAN sends.
struct rig_frame rig_frame_good(const struct rig *);
// Put a well-formed frame with this packet.
void rig_put_packet(struct rig *, const uint8_t *packet);
// A frame as it is, whatever it is.
void rig_put_frame(struct rig *, const uint8_t *frame, uint32_t len);
// Run rounds until nothing is parked or queued, 2 s at most. Sent frames are counted, the last one
// is copied to 'last' (may be NULL) and its length to 'last_len'.
unsigned rig_run(struct rig *, uint8_t *last, uint32_t *last_len);
// Rounds until nothing is on its way to the calendar; what is parked there stays.
void rig_settle(struct rig *);
// The published snapshot; asserts that its gap is 0.
struct fog_worker_counters *rig_snapshot(struct rig *);
