// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A port: where frames come from and go to, whatever the hardware. Workers know only this.
//
// Frames are mbufs of the data plane's own pools. A driver whose device has memory of its own (UMEM)
// copies on receive and on send, so that a parked packet never starves the device.
// Threads: open/start/stop/close/stats: manager. rx_burst/tx_burst/idle_fd of a queue: the
// one worker that owns the queue.
#pragma once

#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#include "../dataplane/api/blob.h"
#include "../dataplane/api/stats.h"

struct fog_port;

// What a port may drop before a worker sees it.
struct fog_port_filter {
	uint32_t early_drop; // 1: ours, but by length or as a fragment no packet of the network
	uint32_t source_rate; // packets per second and source address (IPv6: /64), 0 = no limit
	uint32_t source_burst; // packets that a source may send at once
	uint32_t deny_count, exempt_count; // at most FOG_DENY_MAX, FOG_NODES_MAX
	const struct fog_prefix *deny; // sources to drop
	const struct fog_ip *exempt; // sources that 'source_rate' does not limit
};

struct fog_port_ops {
	const char *name;
	// Take up to 'n' received frames. Returns how many; they belong to the caller. Never blocks.
	uint16_t (*rx_burst
	)(struct fog_port *, uint16_t queue, struct rte_mbuf **frames, uint16_t n);
	// Hand over up to 'n' complete Ethernet frames. Returns how many the port took (these are the
	// port's, the rest stays the caller's). Never blocks; pushes everything towards the wire.
	uint16_t (*tx_burst
	)(struct fog_port *, uint16_t queue, struct rte_mbuf **frames, uint16_t n);
	// A descriptor that polls readable when rx_burst would find something; -ENOTSUP when the device
	// has none, -EAGAIN while it has still to send (adaptive idling then calls rx_burst every tick).
	int (*idle_fd)(struct fog_port *, uint16_t queue);
	int (*start)(struct fog_port *); // frames may arrive from here on
	void (*stop)(struct fog_port *); // no more rx; tx still works (drain)
	void (*stats)(struct fog_port *, struct fog_stats_port *); // fills all but the name
	void (*close)(struct fog_port *); // frees the port; accepts a port that never started
	// Put a filter in force, all or nothing; the caller keeps the lists. Needs no privilege. Before
	// the first call nothing is filtered. Returns 0 or -errno (-ENOMEM: the one before stays).
	// NULL: the driver has no filter. Manager.
	int (*set_filter)(struct fog_port *, const struct fog_port_filter *);
	// What the device counts by names of its own. Manager. NULL: the driver has no such counters.
	void (*device_stats)(struct fog_port *, struct fog_stats_device *);
};

// Head of every driver's own port struct.
struct fog_port {
	const struct fog_port_ops *ops;
	char name[32];
	uint16_t queues;
	uint16_t vlan; // frames carry this tag, 0 = none
	uint16_t mtu;
	uint8_t mac[6]; // source address of what we send
	int ifindex; // kernel interface that owns addresses and neighbours (the VLAN interface when
	        // there is one); 0 when the port has no kernel
	uint16_t address_count;
	struct fog_ip
	        address[FOG_ADDRESSES_MAX]; // ours, after asking the kernel where it owns them
	bool tx_checksum; // the device finishes UDP checksums over IPv6 (RTE_MBUF_F_TX_UDP_CKSUM)
	bool bare; // no kernel sees what we don't take: we answer and resolve ourselves
	uint8_t prefix[FOG_ADDRESSES_MAX]; // of 'address', 0 = all is on link; bare ports
	struct fog_ip gateway4, gateway6; // family 0 = none; bare ports
	struct fog_ip
	        link_local; // what neighbour discovery speaks from; family 0 = no IPv6; bare ports
};

struct fog_port_params {
	const struct fog_blob_port *conf;
	uint16_t mix_port; // UDP port to steer to us
	// For received frames, one of each worker, all of one shape; data room >= frame, headroom 128.
	struct rte_mempool *const *pool;
	uint16_t workers; // queue q belongs to worker q % workers
	uint16_t payload_len; // UDP payload of every packet of the network; the filter's early drop
	bool busy; // workers spin: a device may be polled instead of interrupting
	const char *instance; // names what outlives a crash (pins); NULL: nothing may
	uint32_t data_uid, data_gid; // who runs the port once rights are dropped, and removes pins
	char *error; // out: one sentence with the mend, when open fails
	size_t error_len;
};

static inline struct rte_mempool *fog_port_pool(const struct fog_port_params *p, uint16_t queue)
{
	return p->pool[queue % p->workers];
}

// Open 'params->conf' with its driver. Returns 0 and a port that the caller closes, or -errno
// (-ENODEV no such device, -EBUSY foreign XDP program or queue in use, -ENOTSUP, -EPERM, -ENOMEM).
int fog_port_open(const struct fog_port_params *params, struct fog_port **port);

// Remove what a killed data plane of 'instance' left on interfaces that none of these 'n' ports is
// for. What a living process runs stays.
void fog_port_sweep(const char *instance, const struct fog_blob_port *port, unsigned n);

int fog_afxdp_open(const struct fog_port_params *params, struct fog_port **port);
int fog_dpdk_open(const struct fog_port_params *params, struct fog_port **port);
int fog_loop_open(const struct fog_port_params *params, struct fog_port **port);

// Test's end of a loop port: frames put here come out of rx_burst of 'queue'; frames sent by
// tx_burst are taken here. Ownership as in rx/tx_burst. Any one thread besides the worker's.
uint16_t fog_loop_put(struct fog_port *, uint16_t queue, struct rte_mbuf **frames, uint16_t n);
uint16_t fog_loop_take(struct fog_port *, uint16_t queue, struct rte_mbuf **frames, uint16_t n);
