// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Nodes whose links are the real code, on a clock that is moved by hand, over a network that loses,
// reorders and repeats. The data plane of a node is a model of what link.h promises: slots, states,
// frames that only the right key opens, MACs and cookies of the real functions.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../../../controlplane/link/links.h"

enum { SIM_NODES = 24 };

struct sim_slot {
	bool used;
	struct fog_link_session session;
	enum fog_link_state state;
	uint64_t rx, tx;
};

struct sim_node {
	uint8_t private_key[32];
	struct fog_topology_node entry; // as the topology has it
	struct fog_links_self self;
	struct fog_links *links; // NULL: the control plane is down
	bool data_plane;
	bool cut; // nothing reaches it or leaves it
	bool load; // the data plane wants MAC2
	int refusal; // what the data plane answers to every new session, 0 = it takes it
	uint8_t boot_id[16], cookie_secret[32];
	int64_t clock_ns; // its clock minus the true one
	struct sim_slot slot[FOG_LINK_SLOTS];
	uint64_t ticks_ms, looks_ms; // next ones
	// What came of it:
	unsigned ups, notices, installs, removes, cookies;
	unsigned no_link; // packets that found no session to leave with
	unsigned no_session; // ... that nobody could open
	unsigned received;
	uint8_t keys[4096][32]; // ever installed, to see that none comes twice
	unsigned key_count;
	bool key_twice;
};

extern struct sim_node sim[SIM_NODES];
extern unsigned sim_loss; // percent
extern uint64_t sim_ms; // now
extern uint32_t sim_datagrams;

// Nodes 0 to 'nodes' - 1 of one topology are up, node 0 is a gateway for 'clients' clients. Further ones
// can be given by sim_outsider.
void sim_begin(unsigned nodes, unsigned clients);
void sim_end(void);
// A node that no topology knows, with this one's network and only node 'to' in it.
void sim_outsider(unsigned i, unsigned to);
void sim_network(unsigned i, uint8_t network); // it is on another one from now on
void sim_control_start(unsigned i);
void sim_control_stop(unsigned i);
void sim_data_plane_start(unsigned i); // with another boot ID
void sim_configure(unsigned i, unsigned nodes, unsigned clients); // of the first 'nodes' nodes
void sim_limits(
        unsigned nodes, uint32_t rekey_s, uint64_t rekey_packets
); // of the topology, at all of them
void sim_remember(bool on); // keep every initiation that is sent, ...
void sim_replay(void); // ... and deliver all of them once more
// Let so much time pass. With 'traffic' every node sends a packet to every other one each 20 ms.
void sim_run(uint64_t ms, bool traffic);
unsigned sim_up(unsigned i); // nodes that node i has links with
unsigned sim_slots(unsigned i); // sessions at its data plane
const struct fog_link_status *sim_status(unsigned i, unsigned peer); // by its node ID; NULL: none
uint64_t sim_outcome(unsigned i, enum fog_links_outcome);
