// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What ties the directory (directory/) to a node: its view of the consensuses, a thread that announces the
// node to the authorities and asks for the next consensus, its public listener. In a network whose file
// lists the nodes nothing of it is at work.
#pragma once

#include "directory/view.h"
#include "node_config.h"
#include "services/breaker.h"
#include "services/services.h"

struct fog_exchange_node;

// 'fd' listens for the public listener, which starts as a service, -1: there is none; taken over. Once, before the first topology.
// Returns 0 or -errno, logged.
int node_directory_create(struct fog_node *, int fd);
void node_directory_destroy(struct fog_node *);
// As the functions of services: the thread that speaks with authorities, where there is a directory, and the public listener, where it is
// configured.
int node_directory_fetch_start(void *node);
void node_directory_fetch_stop(void *node);
int node_directory_fetch_health(void *node, char text[FOG_SERVICE_TEXT_LEN]);
int node_directory_serve_start(void *node);
void node_directory_serve_stop(void *node);
int node_directory_serve_health(void *node, char text[FOG_SERVICE_TEXT_LEN]);
// The circuit breakers in front of the authorities. Returns how many. Any thread.
unsigned node_directory_breakers(struct fog_node *, struct fog_breaker_view *out, unsigned max);

// The network file is another one; taken over. NULL: it has no directory. Under 'change', control thread.
// Returns 0 or -errno, logged: nothing is taken over, unless node_directory_file says so (no thread).
int node_directory_network(struct fog_node *, struct fog_topology *network);
// What the network file says, or NULL without a directory. Under 'change'.
const struct fog_topology *node_directory_file(const struct fog_node *);
// The network by now: that of the consensus, or the file's without nodes while none counts. NULL: no
// memory. Under 'change'. The caller frees it.
struct fog_topology *node_directory_topology(struct fog_node *);
// Whether what it said last is in force; if not, the tick tries again. Returns whether what it said before was.
// Under 'change', control thread.
bool node_directory_installed(struct fog_node *, bool installed);
// Four times a second: what changed becomes the topology. Control thread, not under 'change'.
void node_directory_tick(struct fog_node *);

// Whether the network has a directory. Any thread, as what follows.
bool node_directory_active(struct fog_node *);
// Seconds, at least 1, until nodes that are off all paths may be on them (fog_view_settled). 1 without a
// directory, where our own data plane is all that is waited for.
uint32_t node_directory_settles_s(struct fog_node *);
// As the op of fog_epochs.
int node_directory_beacon(void *node, uint64_t epoch, uint8_t out[32]);
// Returns 0 or -ENOENT.
int node_directory_mix_key(
        struct fog_node *, const uint8_t node_id[FOG_ID_LEN], uint64_t epoch, uint8_t public_key[32]
);
// What the consensus says of node 'i' of it, in the words of the exchange. Returns 0 or -ENOENT.
int node_directory_known(struct fog_node *, unsigned i, struct fog_exchange_node *);
// Ask the authorities to leave this node out, or take that back. Survives restarts. Returns 0 or -errno.
int node_directory_withdraw(struct fog_node *, bool withdrawn);

// How an authority has taken what was announced last.
enum node_directory_answer {
	NODE_DIRECTORY_WAITING, // not asked yet
	NODE_DIRECTORY_TAKEN,
	NODE_DIRECTORY_REFUSED,
	NODE_DIRECTORY_UNREACHABLE,
};

enum { NODE_DIRECTORY_CODE_LEN = 32, NODE_DIRECTORY_TEXT_LEN = 320 };

struct node_directory_authority {
	char name[32];
	enum node_directory_answer answer;
	char code[NODE_DIRECTORY_CODE_LEN], text[NODE_DIRECTORY_TEXT_LEN]; // of a refusal
	uint64_t lied; // newest epoch of which it signed two different things, 0: no proof is here
};

struct node_directory_view {
	uint64_t epoch; // by now
	uint64_t left_ns; // of it
	uint64_t consensus, until; // the one that counts, 0 = none
	bool listed; // this node is in it
	bool late; // a newer one should be here by now
	bool withdrawn;
	uint64_t last_epoch; // of a withdrawn node: its last one, 0 = not known yet
	uint64_t gone_ns; // ... and when nobody sends it anything any more
	bool clock_off; // this node's, by what authorities say
	int64_t clock_ahead_ms; // ... by so much; negative: behind
	unsigned authorities;
	struct node_directory_authority authority[FOG_AUTHORITIES_MAX];
};

// Returns false without a directory.
bool node_directory_look(struct fog_node *, struct node_directory_view *);
// Call 'use' with the consensus of 'epoch' (UINT64_MAX: the one that counts now) and the network file.
// Returns 0, -ENOENT (there is none), -ENODATA (no directory).
int node_directory_use(
        struct fog_node *, uint64_t epoch,
        void (*use)(void *ctx, const struct fog_consensus *, const struct fog_topology *), void *ctx
);

unsigned node_unready_directory(struct fog_node *, node_say *reason, void *ctx);
unsigned node_warn_directory(struct fog_node *, node_say *warn, void *ctx);
