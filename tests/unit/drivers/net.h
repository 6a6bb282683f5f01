// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Network namespaces and EAL for the driver tests. The namespaces have no name: they live as long as
// the test's descriptors, so nothing is left behind however the test ends.
#pragma once

#include <rte_mbuf.h>

#include "../../../drivers/port_ops.h"

// Make a namespace (loopback up) and enter it. Returns its descriptor; the test ends on failure.
int net_new(void);
void net_enter(int ns); // the test ends on failure
// Run a shell command made by printf. Returns its exit code.
int net_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
// A veth pair with 'queues' queues: 'a' in namespace 'in_a', 'b' in 'in_b', both up. Ends in 'in_a'.
void net_veth(int in_a, const char *a, int in_b, const char *b, unsigned queues, unsigned mtu);

// Exit with meson's code for a skipped test unless run as root.
void net_need_root(void);

// Start EAL without hugepages under a prefix of this process. The test ends on failure.
void net_eal(const char *program);
struct rte_mempool *net_pool(const char *name, unsigned buffers);

// A copy of 'len' bytes in a new buffer; NULL when the pool is empty.
struct rte_mbuf *net_mbuf(struct rte_mempool *pool, const uint8_t *data, unsigned len);
// Up to 'n' frames from any queue of the port, waiting for the first one 10 s at most (a guard
// against hanging, not a verdict).
unsigned net_receive(struct fog_port *port, struct rte_mbuf **frames, unsigned n);
