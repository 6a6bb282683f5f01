// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files share that run the network.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "client_private.h"
#include "link.h"
#include "network.h"
#include "pace.h"

enum { RUN_GATEWAY_LEN = 160 };

// What the network can't go on without, in the order in which it is needed.
enum run_waits {
	RUN_WAITS_NOT,
	RUN_WAITS_CONSENSUS,
	RUN_WAITS_GATEWAY, // to be in the consensus
	RUN_WAITS_ROUTE, // our host sends nothing there
	RUN_WAITS_CONSENT, // the gateway refuses the link
	RUN_WAITS_ANSWER,
	RUN_WAITS_PATH, // to the node that is pinged
};

union run_place {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct runner {
	struct fog_client *client;
	int lock_fd, socket;
	struct client_network *network;
	struct courier *courier;
	struct client_link *link;
	union run_place gateway;
	socklen_t gateway_len;
	uint8_t link_key[32]; // the gateway's that 'link' is with
	bool cover;
	struct client_pace send, loop, fetch;
	uint64_t tick_ms, sweep_ms, end_ms; // end_ms UINT64_MAX: none
	int store_error;
	int send_error; // errno of the last frame that was to leave, 0: it has left
	enum run_waits waits;
	uint64_t waits_ms; // since when it waits for that
	uint64_t heard,
	        heard_ms; // handshakes and frames through the link, and when the last one was
	// A ping that runs.
	const char *ping_node;
	uint8_t ping_id[FOG_ID_LEN];
	unsigned ping_left;
	struct client_pace ping;
	int ping_error; // of the last one that was to leave
	struct fog_client_ping *pings;
};

int run_network(
        struct runner *, struct fog_client *, int timeout_ms, fog_client_until *until, void *ctx
);
int64_t run_unix_us(const struct runner *);

// Keeps what the network waits for now, and since when, with the client.
void run_waiting(struct runner *, uint64_t now_ms);

// run_ping.c
// Who is to be pinged may be another node since the consensus is. Returns 0 or -ENOENT.
int run_ping_whom(struct runner *);
void run_ping(struct runner *); // one more
void run_pongs(struct runner *); // what came back, what is lost
