// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The configuration as the data plane reads it: one flat, pointer-free block of little-endian
// integers, compiled from YAML by the control plane (or offline by `fogctl config compile`),
// checked again in full by the data plane, applied all-or-nothing.
//
//   struct fog_blob | struct fog_blob_node nodes[run.node_count] | struct fog_prefix deny[run.deny_count]
//
// The launch part is fixed for the life of a data plane: a blob whose launch part differs from the
// running one is refused with -EXDEV ("restart the data plane"). The run part may change at any
// time. Every reserved byte and every byte after a string's NUL is zero, so equal configurations
// are equal bytes.
#pragma once

#include "abi.h"

// AUTO becomes DPDK or AFXDP when the data plane starts (drivers/device.h).
enum fog_driver {
	FOG_DRIVER_LOOP = 1,
	FOG_DRIVER_AFXDP = 2,
	FOG_DRIVER_DPDK = 3,
	FOG_DRIVER_AUTO = 4,
};

enum fog_idle { FOG_IDLE_BUSY = 1, FOG_IDLE_ADAPTIVE = 2 };

enum fog_link_mode { FOG_LINKS_NONE = 1, FOG_LINKS_NOISE = 2 };

enum fog_xdp_mode { FOG_XDP_AUTO = 0, FOG_XDP_NATIVE = 1, FOG_XDP_GENERIC = 2 };

struct fog_blob_port {
	char name[32]; // as the operator calls it; unique
	char device[192]; // interface name, PCI address, or DPDK device name or devargs
	uint32_t driver; // enum fog_driver
	uint32_t xdp_mode; // enum fog_xdp_mode, AF_XDP only
	uint16_t queues; // rx and tx queues, at least one a worker; queue q belongs to worker q % n
	uint16_t vlan; // 0 = untagged, else 1..4094: only this tag is ours
	uint16_t mtu; // largest IP packet
	uint16_t address_count;
	struct fog_ip address[FOG_ADDRESSES_MAX]; // ours; none on AF_XDP = all of the interface
	// For ports without a kernel; where there is one, its routes count.
	struct fog_ip gateway4, gateway6; // next hop of what is not on link; family 0 = none
	uint8_t prefix
	        [FOG_ADDRESSES_MAX]; // bits of the address that its link shares; 0 = all is on link
};

enum { FOG_DENY_MAX = 4096 };

// A range of addresses.
struct fog_prefix {
	struct fog_ip ip; // bits beyond 'len' are zero
	uint8_t len; // bits: 0 to 32, IPv6 to 128
	uint8_t reserved[3];
};

struct fog_blob_worker {
	uint16_t cpu; // CPU that the worker is pinned to
	uint16_t reserved[3];
};

struct fog_blob_launch {
	char instance[32];
	char replay_dir[128]; // on tmpfs or hugetlbfs; the data plane's user only
	uint16_t slots; // geometry
	uint16_t payload_len;
	uint16_t mix_port; // UDP port
	uint16_t manager_cpu;
	uint32_t worker_count;
	uint32_t port_count;
	uint32_t idle; // enum fog_idle
	uint32_t links; // enum fog_link_mode
	uint32_t control_uid; // only this uid (and root) may speak on dp.sock
	uint32_t control_gid; // group of dp.sock
	uint32_t hugepages; // 0: EAL runs on ordinary pages
	uint32_t memory_mib; // memory given to EAL
	uint32_t packet_buffers; // mbufs, all pools together
	uint32_t parked_max; // most parked packets, all workers together
	uint32_t deliver_slots; // per worker, power of two
	uint32_t inject_slots; // per worker, power of two
	uint64_t replay_capacity; // tags per mix key
	uint64_t max_rate; // packets per second that a worker accepts, 0 = no limit
	uint64_t
	        delay_seed; // 0: random; else the delay key is derived from it (tests only, loud in status)
	struct fog_blob_worker worker[FOG_WORKERS_MAX];
	struct fog_blob_port port[FOG_PORTS_MAX];
	uint32_t data_uid; // whom the data plane becomes once its ports are open; 0 = stay
	uint32_t data_gid;
};

struct fog_blob_neighbour {
	struct fog_ip ip;
	uint8_t mac[6];
	uint16_t port; // index into launch.port
};

struct fog_blob_run {
	uint8_t node_id[FOG_ID_LEN]; // our own
	uint32_t delay_mean_us;
	uint32_t delay_max_us;
	uint32_t delay_cap_ms; // of the sender's node_delay
	uint32_t node_count;
	uint32_t neighbour_count;
	uint32_t production; // 1: carries real traffic, nothing meant for tests may run
	struct fog_blob_neighbour neighbour[FOG_NEIGHBOURS_MAX];
	uint32_t log_level; // enum fog_log_level of log/log.h
	uint32_t trace_allow; // 1: single packets may be traced although this is production
	uint32_t early_drop; // 1: the XDP program drops what no packet of the network can be
	uint32_t source_rate; // packets per second and source address (IPv6: /64), 0 = no limit
	uint32_t source_burst; // packets a source may send at once
	uint32_t deny_count;
	uint64_t drain_grace_ms; // from the order to drain to the last packet taken
	uint8_t link_key
	        [32]; // our static X25519 public key: whose MAC1 is ours; zero without links
	// Cover (links only): mean times between two, each exponential; 0 = none.
	uint64_t cover_us; // of one packet from the stock, all workers together
	uint64_t dummy_us; // of one frame of kind NOTHING, for each link with a node
	uint32_t cover_rate_max; // frames of cover per second, all workers together; 0 = no limit
	uint32_t reserved;
};

struct fog_blob_node {
	uint8_t id[FOG_ID_LEN];
	struct fog_ip ip;
	uint16_t port; // UDP
	uint16_t reserved;
};

struct fog_blob {
	uint64_t magic; // FOG_ABI_MAGIC
	uint32_t abi; // FOG_ABI
	uint32_t size; // of the whole block, nodes included
	uint8_t checksum[32]; // BLAKE2b-256 of every byte after this field
	uint64_t generation; // grows with every change; 0 in a blob compiled offline
	struct fog_blob_launch launch;
	struct fog_blob_run run;
	// struct fog_blob_node follows run.node_count times, then struct fog_prefix run.deny_count times,
	// strictly ascending in memory order (family, address, length)
};

_Static_assert(sizeof(struct fog_prefix) == 24, "layout is part of the ABI");
_Static_assert(sizeof(struct fog_blob_port) == 448, "layout is part of the ABI");
_Static_assert(sizeof(struct fog_blob_neighbour) == 28, "layout is part of the ABI");
_Static_assert(sizeof(struct fog_blob_node) == 56, "layout is part of the ABI");
_Static_assert(sizeof(struct fog_blob) % 8 == 0, "nodes stay aligned");

enum {
	FOG_BLOB_SIZE_MAX = sizeof(struct fog_blob) + FOG_NODES_MAX * sizeof(struct fog_blob_node) +
	        FOG_DENY_MAX * sizeof(struct fog_prefix),
};
