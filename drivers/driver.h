// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the drivers share among themselves; nobody outside this folder includes it.
#pragma once

#include <stdatomic.h>

#include "port_ops.h"

// Write the sentence of params->error and return 'ret', so that a driver can say
// "return driver_fail(...)".
int driver_fail(const struct fog_port_params *params, int ret, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

// Copy what the config says into the head that all ports have.
void driver_init_head(
        struct fog_port *port, const struct fog_port_ops *ops, const struct fog_blob_port *conf
);

// No kernel stands behind this port: what a host needs, we do. After 'mac' is known: the link-local
// address is made from it unless one is configured (RFC 4291 appendix A).
void driver_init_bare(struct fog_port *port, const struct fog_blob_port *conf);

// Zero everything but the name and fill in what all drivers know.
void driver_clear_stats(const struct fog_port *port, struct fog_stats_port *out);

// -EINVAL (with the sentence) when a frame of 'mtu' plus Ethernet and VLAN header does not fit a
// buffer of the pool, else 0.
int driver_check_pool(const struct fog_port_params *params);

// A counter has one writer, so a plain add between relaxed accesses is enough for readers.
static inline void driver_count(_Atomic uint64_t *counter, uint64_t n)
{
	uint64_t old = atomic_load_explicit(counter, memory_order_relaxed);
	atomic_store_explicit(counter, old + n, memory_order_relaxed);
}

static inline uint64_t driver_counted(_Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

enum {
	DRIVER_L2_LEN = 18, // Ethernet header and one VLAN tag
};
