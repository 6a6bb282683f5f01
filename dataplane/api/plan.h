// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Does it fit? The memory arithmetic of one data plane from its launch part, so that the offline
// check and the data plane that sizes its pools agree to the byte. Pure, header-only.
#pragma once

#include "blob.h"
#include "link.h"
#include "msg.h"
#include "stats.h"

enum {
	FOG_BUFFER_HEADROOM = 128,
	FOG_BUFFER_DATA_DPDK = 2048, // least, and ...
	FOG_BUFFER_UNIT_DPDK = 1024, // ... unit: some devices receive into whole KiB only
	FOG_BUFFER_META = 64 + 128 + 64, // mempool header, rte_mbuf, private area (struct fog_pkt)
	FOG_BUFFER_CACHE = 64, // of each lcore; holds up to 1.5 times as many buffers
	FOG_FRAME_OVERHEAD = 14 + 4 + 4, // Ethernet, one VLAN tag, and FCS or a second tag
	FOG_UDP6_OVERHEAD = 40 + 8, // the larger IP header and UDP
	FOG_DPDK_RING = 1024, // descriptors of an rx or tx queue of a DPDK port
	FOG_UMEM_FRAMES = 4096, // of an AF_XDP queue ...
	FOG_UMEM_FRAME = 4096, // ... and their size
	FOG_WORKER_HELD = 64 + 64, // received and in the crypto stages
	FOG_WORKER_TX_HELD = 64, // waiting for one port
	FOG_CALENDAR_ENTRY = 33, // per parked packet
	FOG_CALENDAR_BASE = 5 << 18, // the rest of a calendar
	FOG_REPLAY_SLOT = 16, // bytes per tag: words of 8 bytes, half of them free
	FOG_REPLAY_KEYS =
	        2, // mix keys held at once: the epoch's and, in the overlap, its neighbour's
	FOG_RATE_BURST_MIN = 64, // packets that an idle worker may always accept at once
	FOG_RATE_MAX = 10000000, // largest max_rate
	FOG_PUNT_SLOTS = 256, // of each worker's queue of link messages to the manager
	FOG_LETTER_SLOTS = 256, // of the manager's queue of link messages to worker 0 ...
	FOG_LETTER_MAX = 2048, // ... and the largest one with its headers
	FOG_QUEUE_BASE = 1024, // of either, beside its slots
	FOG_COVER_STOCK = 128, // packets of cover that a worker keeps, a power of two
};

#define FOG_PLAN_EAL \
	(UINT64_C(8) << 20) // EAL, hashes, device state; measured 2 MiB without devices
#define FOG_PLAN_PAGE UINT64_C(4096)
#define FOG_PLAN_HUGEPAGE (UINT64_C(2) << 20)

struct fog_plan {
	uint32_t mtu_need; // least port MTU that carries a packet over IPv6
	uint32_t buffer_room; // data room of a buffer, headroom included (rte_pktmbuf_pool_create)
	uint64_t buffer_size; // one packet buffer with everything around it
	uint64_t pool; // all of them as they lie in memory
	uint64_t queues; // of link messages, in EAL's memory; 0 without links
	uint64_t eal_need; // pool, queues and FOG_PLAN_EAL: what memory_mib has to cover
	uint32_t parked, queued, cached, held; // buffers by where they may be at the same time
	uint32_t buffers_need; // sum of these
	uint64_t replay; // table of one mix key, in replay_dir
	uint32_t replay_keys; // so many of these tables are planned for
	uint32_t nodes; // packet pools: NUMA nodes with workers
	uint64_t rings, stats, calendars, cover, umem; // beside EAL's memory
	uint64_t total; // memory_mib and all the rest
};

// Packets that a worker under a max_rate may accept at once after a pause: a tenth of a second's.
static inline uint64_t fog_plan_burst(uint64_t max_rate)
{
	return max_rate / 10 > FOG_RATE_BURST_MIN ? max_rate / 10 : FOG_RATE_BURST_MIN;
}

// The calendar's tick is 2 to this many cycles: 50 to 100 us.
static inline uint32_t fog_plan_tick_shift(uint64_t tsc_hz)
{
	uint32_t shift = 0;

	while ((UINT64_C(20000) << shift) < tsc_hz)
		shift++;
	return shift;
}

// Most packets that the workers accept under one mix key, which is in use for an epoch and the
// overlap with its neighbour: capacity that no replay table can run out of.
static inline uint64_t fog_plan_tags(uint32_t workers, uint64_t max_rate, uint64_t seconds)
{
	return workers * (max_rate * seconds + fog_plan_burst(max_rate));
}

// Bytes of a pool of 'count' objects of 'size' bytes. In ordinary pages no object crosses a page,
// because neighbouring pages need not lie together for a device.
static inline uint64_t fog_plan_pool(uint64_t count, uint64_t size, int hugepages)
{
	uint64_t page = hugepages ? FOG_PLAN_HUGEPAGE : FOG_PLAN_PAGE;
	uint64_t per_page = page / size;

	if (per_page > 0)
		return (count + per_page - 1) / per_page * page;
	return count * ((size + page - 1) / page * page);
}

// Bytes of the queues that link messages take between workers and manager.
static inline uint64_t fog_plan_queues(uint64_t workers)
{
	return workers * (FOG_QUEUE_BASE + FOG_PUNT_SLOTS * sizeof(struct fog_link_punt)) +
	        FOG_QUEUE_BASE + FOG_LETTER_SLOTS * (uint64_t)FOG_LETTER_MAX;
}

// Fill 'p' for a launch part whose counts are within the limits of abi.h and blob.h, for packets of
// 'packet_len' bytes and workers on 'nodes' NUMA nodes (1 when unknown). No intermediate value
// overflows then.
static inline void fog_plan(
        const struct fog_blob_launch *l, uint32_t packet_len, uint32_t nodes, struct fog_plan *p
)
{
	uint32_t mtu = 1500, data_min = 0;

	memset(p, 0, sizeof(*p));
	// Ordinary pages lie where the kernel puts them: more than one pool would gain nothing.
	p->nodes = l->hugepages != 0 ? nodes : 1;
	for (uint32_t i = 0; i < l->port_count; i++) {
		if (l->port[i].mtu > mtu)
			mtu = l->port[i].mtu;
		// AUTO may become either.
		if (l->port[i].driver == FOG_DRIVER_DPDK || l->port[i].driver == FOG_DRIVER_AUTO) {
			p->queued += l->port[i].queues * 2u * FOG_DPDK_RING;
			data_min = FOG_BUFFER_DATA_DPDK;
		}
		if (l->port[i].driver == FOG_DRIVER_AFXDP || l->port[i].driver == FOG_DRIVER_AUTO)
			p->umem += (uint64_t)l->port[i].queues * FOG_UMEM_FRAMES * FOG_UMEM_FRAME;
	}
	p->mtu_need = packet_len + (l->links == FOG_LINKS_NONE ? 0 : FOG_LINK_OVERHEAD) +
	        FOG_UDP6_OVERHEAD;
	uint32_t data = mtu + FOG_FRAME_OVERHEAD > data_min ? mtu + FOG_FRAME_OVERHEAD : data_min;
	if (data_min > 0)
		data = (data + FOG_BUFFER_UNIT_DPDK - 1) / FOG_BUFFER_UNIT_DPDK *
		        FOG_BUFFER_UNIT_DPDK;
	p->buffer_room = (FOG_BUFFER_HEADROOM + data + 127u) & ~127u;
	// An odd number of cache lines spreads buffers over the memory channels.
	p->buffer_size = (((uint64_t)FOG_BUFFER_META + p->buffer_room + 63) / 64 | 1) * 64;
	// However the buffers are divided, every pool but one may leave up to a page unused.
	p->pool = fog_plan_pool(l->packet_buffers, p->buffer_size, l->hugepages != 0) +
	        (p->nodes - 1) * FOG_PLAN_HUGEPAGE;
	if (l->links != FOG_LINKS_NONE) {
		p->queues = fog_plan_queues(l->worker_count);
		p->cover = (uint64_t)l->worker_count * FOG_COVER_STOCK *
		        (sizeof(struct fog_inject) + packet_len);
	}
	p->eal_need = p->pool + p->queues + FOG_PLAN_EAL;
	p->parked = l->parked_max;
	// The manager may have a cache in every pool.
	p->cached = (l->worker_count + p->nodes) * FOG_BUFFER_CACHE * 3 / 2;
	p->held = l->worker_count * (FOG_WORKER_HELD + l->port_count * FOG_WORKER_TX_HELD);
	p->buffers_need = p->parked + p->queued + p->cached + p->held;
	p->replay = (FOG_PLAN_PAGE + FOG_REPLAY_SLOT * l->replay_capacity + FOG_PLAN_PAGE - 1) /
	        FOG_PLAN_PAGE * FOG_PLAN_PAGE;
	p->replay_keys = FOG_REPLAY_KEYS;
	uint32_t deliver =
	        fog_ring_slot_size((uint32_t)sizeof(struct fog_deliver) + 32 + l->payload_len);
	uint32_t inject = fog_ring_slot_size((uint32_t)sizeof(struct fog_inject) + packet_len);
	p->rings = l->worker_count *
	        (fog_ring_bytes(l->deliver_slots, deliver) + fog_ring_bytes(l->inject_slots, inject)
	        );
	p->stats = fog_stats_bytes(l->worker_count);
	p->calendars = (uint64_t)l->worker_count * FOG_CALENDAR_BASE +
	        (uint64_t)l->parked_max * FOG_CALENDAR_ENTRY;
	p->total = ((uint64_t)l->memory_mib << 20) + p->replay_keys * p->replay + p->rings +
	        p->stats + p->calendars + p->cover + p->umem;
}

// Least value of memory_mib that covers the plan.
static inline uint64_t fog_plan_mib(const struct fog_plan *p)
{
	return (p->eal_need + (1u << 20) - 1) >> 20;
}
