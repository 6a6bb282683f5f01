// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A whole network for couriers in one piece of shared memory, with a clock of its own: nodes open packets
// with their real keys, each hop loses some, gateways keep mail. It outlives the processes that use it, so
// they may be killed.
#pragma once

#include <stdbool.h>

#include "../../../controlplane/client/courier.h"

enum {
	NET_NODES = 5,
	NET_CLIENTS = 2,
	NET_FLIGHT_MAX = 4096,
	NET_MAILS_MAX = 8192,
	NET_MAIL_LEN = 1024
};

struct net_mail {
	uint64_t number; // 0: free
	size_t len;
	uint8_t data[NET_MAIL_LEN];
};

struct net_box {
	bool open; // has fetched once
	bool full;
	uint8_t id[FOG_ID_LEN];
	uint64_t next, settled; // next number; all up to 'settled' are gone
	struct net_mail mail[NET_MAILS_MAX];
	uint64_t sent; // last number that was sent since 'have'
	int64_t sent_us;
};

struct net_flight { // a packet on its way to a node
	bool used;
	int64_t due_us;
	unsigned node;
	uint8_t packet[FOG_SPHINX_PACKET_MAX];
};

struct net {
	struct fog_geometry geometry;
	int64_t now_us;
	unsigned loss; // per thousand and hop
	unsigned kill; // one in so many steps of a process ends it; 0: none
	bool no_way; // nobody knows a way
	int no_path; // why no path leads to gateway 1, 0: one does
	uint64_t packets, lost, drops, echoes;
	uint64_t bare; // mail without a SURB

	struct { // 0 and 1 are gateways, the others mixes of one layer each
		uint8_t id[FOG_ID_LEN], public_key[32], private_key[32];
	} node[NET_NODES];
	struct net_box box[NET_CLIENTS];
	struct net_flight flight[NET_FLIGHT_MAX];
};

// One client in it; 'courier' is set by who makes it.
struct net_client {
	struct net *net;
	unsigned number; // its gateway's and mailbox'
	struct client_keys *keys;
	struct client_store *store;
	struct courier *courier;
	int error; // what the last notice came to, when it was an error
};

extern const struct courier_ops net_ops; // context: struct net_client

struct net *net_make(void); // NULL: no memory
void net_free(struct net *);
// Open client 'number' in 'dir'. Returns 0 or -errno.
int net_client_open(struct net *, unsigned number, const char *dir, struct net_client *);
void net_client_close(struct net_client *);
void net_address(const struct net_client *, struct client_address *);
void net_folder_make(char path[40]); // fails the test
void net_folder_remove(const char *path); // and all that is in it
void net_step(struct net *, int64_t us); // time goes on, packets move
void net_maybe_die(struct net *);
