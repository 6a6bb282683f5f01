// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Two network namespaces joined by a veth pair, and AF_XDP ports at its ends.
#pragma once

#include "frame.h"
#include "net.h"

enum {
	PAIR_BUFFERS = 12000,
	PAIR_SPARE = 2000,
	PAIR_PAYLOAD = 300, // UDP payload of the network's packets, for the filter
};

extern struct rte_mempool *pair_pool; // what the ports receive into
extern struct rte_mempool *pair_spare; // what the test builds frames in
extern int pair_a, pair_b; // the namespaces
extern bool pair_busy; // ports are opened for workers that spin

// Start EAL and make the pools.
void pair_start(const char *program);

// A fresh pair: fa (10.9.0.1, fd09::1) in pair_a, fb (.2, ::2) in pair_b. Ends in pair_a.
void pair_make(unsigned queues, unsigned mtu);
void pair_remove(void);

struct fog_blob_port pair_conf(const char *interface, uint16_t queues);
// Open a port in namespace 'ns'; 'error' holds 512 bytes. Returns what fog_port_open says.
int pair_open(int ns, const struct fog_blob_port *conf, struct fog_port **port, char *error);
// The same, but it must succeed, and the port is started.
struct fog_port *pair_run(int ns, const struct fog_blob_port *conf);
struct fog_stats_port pair_stats(struct fog_port *port);

// A frame for port 'to' whose payload starts with 'number'.
struct rte_mbuf *pair_frame(struct fog_port *to, const struct frame *shape, uint32_t number);
void pair_send(struct fog_port *from, uint16_t queue, struct rte_mbuf *m);
// Check a received frame byte by byte against the one that was sent; returns its number.
uint32_t pair_check(struct fog_port *to, const struct frame *shape, struct rte_mbuf *m);
// One ICMP echo from a kernel socket in pair_b to fa. Returns 1 when it was answered.
int pair_ping(void);
// Send 'total' frames on alternating queues, with pings among them, and see each arrive once and
// whole. Never more are on their way than a veth holds.
void pair_pass(
        struct fog_port *from, struct fog_port *to, const struct frame *shape, unsigned total
);
