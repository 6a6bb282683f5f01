// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Link frames that the packet path does not handle itself: they go to the control plane through a
// bounded queue, or end here; and what the control plane wants to have sent. Worker thread.
#pragma once

#include "api/plan.h"
#include "link/budget.h"
#include "random.h"
#include "worker.h"

enum {
	// From here on a worker's queue (api/plan.h) takes no more initiations from who is no node, and no
	// more notices of clients.
	FOG_PUNT_STRANGERS = 128,

	// A worker is under load while initiations with a right MAC1 come faster than the control plane
	// ought to answer them, or its queue grows: from LOAD_ON of them in a window of LOAD_WINDOW_MS or
	// LOAD_ON_FILL in the queue, until for LOAD_CALM_MS there have been fewer than the lower numbers. And
	// while LOAD_UNPROVEN sessions with clients wait for their first frame: an honest client sends it at
	// once, one with a made-up address never, and takes a client's place meanwhile.
	FOG_LOAD_WINDOW_MS = 100,
	FOG_LOAD_ON = 20,
	FOG_LOAD_OFF = 10,
	FOG_LOAD_ON_FILL = 64,
	FOG_LOAD_OFF_FILL = 32,
	FOG_LOAD_CALM_MS = 1000,
	FOG_LOAD_UNPROVEN = 2,

	FOG_COOKIE_SECRET_S =
	        120, // a secret's age when the next one comes; it counts as long again
	// Budgets of one worker, per second and at once.
	FOG_COOKIES_IN_RATE =
	        20, // COOKIE frames from the address of one node: no MAC protects them
	FOG_COOKIES_IN_BURST = 10,
	// Made for one node, whoever is flooded or floods; what it asks for on top of that, as whoever sends
	// under its address does, and everybody else's come out of what all share.
	FOG_COOKIES_NODE_RATE = 20,
	FOG_COOKIES_NODE_BURST = 10,
	FOG_COOKIES_RATE = 10000,
	FOG_COOKIES_BURST = 1000,
	FOG_RESPONSES_RATE = 20, // from the address of one node
	FOG_RESPONSES_BURST = 10,
	// From one node, whatever the others send: two descriptors in the most parts, and what they answer.
	FOG_NOTICES_RATE = 50,
	FOG_NOTICES_BURST = 40,
};

struct fog_handshake_node {
	struct fog_budget cookies, cookies_in, responses, notices;
};

// Worker only. In locked memory: it holds the secrets of cookies.
struct fog_handshake {
	struct fog_random random;
	uint8_t secret[2][32]; // that cookies are made with, and the one before
	uint64_t secret_until; // TSC
	uint64_t window_until, loaded_until; // TSC
	unsigned window_count; // initiations with a right MAC1 in this window
	struct fog_budget cookies;
	struct fog_handshake_node node[FOG_NODES_MAX]; // by statistics slot
};

// What the manager wants worker 0 to send.
struct fog_letter {
	struct fog_next_hop
	        to; // of handshake messages, resolved; of a client's session, if it can be
	struct fog_link_send send;
	uint32_t client; // 1: DATA through the session of a client
};

_Static_assert(sizeof(struct fog_letter) % 4 == 0, "a ring element");
_Static_assert(sizeof(struct fog_letter) <= FOG_LETTER_MAX, "as planned");
_Static_assert(sizeof(struct fog_link_punt) % 4 == 0, "a ring element");

// Returns 0 or -ENOMEM (memory can't be locked).
int fog_handshake_create(uint64_t tsc_hz, struct fog_handshake **);
void fog_handshake_destroy(struct fog_handshake *); // wipes; accepts NULL

// A handshake message (api/link.h): 'm' holds the whole UDP payload and is the callee's from now on.
// It is checked (MAC1, under load MAC2), then punted, answered with a cookie, or dropped.
void stage_handshake(
        struct fog_worker *, unsigned port, struct rte_mbuf *m, const struct fog_ip *from,
        uint16_t udp_port, uint64_t now
);
// An opened NOTICE: 'm' holds the packet and is the callee's from now on. 'rx_base' names its session.
void stage_notice(struct fog_worker *, struct rte_mbuf *m, uint32_t rx_base);
// Send what the manager wants to have sent. Returns how much that was.
unsigned stage_letters(struct fog_worker *);

// stage_punt.c: hand on what is in 'm', which is the callee's from now on.
void stage_punt(struct fog_worker *, struct rte_mbuf *m, struct fog_link_punt *);
