// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The counter segment: a memfd that the data plane writes and everybody else maps read-only.
//
//   struct fog_stats | struct fog_stats_worker worker[worker_count]
//
// A worker publishes its whole block at once under a sequence lock, so in every snapshot
//   rx + injected + made =
//           tx + delivered + punted + answered + drops + parked + in_batch + cover_stock.
// Readers copy with a bounded number of retries (fog_stats_worker_read).
#pragma once

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "abi.h"
#include "drops.h"
#include "hist.h"
#include "link.h"
#include "steer.h"

enum { FOG_REPLAY_ALARM = 80 }; // percent of a replay table's capacity

struct fog_stats_peer {
	uint64_t tx, rx; // packets sent to and received from this node
};

// What a worker counts. Private copy: worker only. Shared copy: worker wo, all others ro.
struct fog_worker_counters {
#define COUNTER(field, name, unit, text) uint64_t field;
#define GAUGE(field, name, unit, text) uint64_t field;
#include "metrics.def"
	uint64_t drop[FOG_DROP_COUNT]; // by reason; index 0 unused
	struct fog_hist owed_us; // owed delay at arrival
	struct fog_hist given_us; // release - arrival of forwarded packets
	struct fog_hist late_ns; // release - due
	struct fog_hist loop_ns; // duration of a loop round that found work
	struct fog_stats_peer peer[FOG_NODES_MAX]; // by fog_stats.peer slot
};

struct fog_stats_worker {
	_Atomic uint32_t sequence; // odd while the worker writes
	uint32_t cpu; // manager: wo before the worker starts
	_Atomic uint64_t heartbeat; // worker: wo; TSC of its last loop boundary
	struct fog_worker_counters counters;
	uint8_t reserved[64];
};

struct fog_stats_port {
	char name[32]; // manager: wo, as all of this struct
	char mode[96]; // "native-copy", "dpdk net_tap", "loop"
	uint32_t queues;
	uint32_t link_up;
	uint64_t rx_frames, tx_frames; // as the driver counts them
	uint64_t rx_bytes, tx_bytes;
	uint64_t lost_rx_ring; // frames the device or kernel dropped: ring full
	uint64_t lost_no_buffer; // ... no buffer or UMEM frame for it
	uint64_t lost_invalid; // ... descriptor invalid or errors on the wire
	uint64_t lost_steer; // dropped by the XDP program itself
	uint64_t
	        to_kernel; // frames that the XDP program passed on to the kernel: not ours, not lost
	uint64_t tx_failed; // frames the device refused after we had handed them over
	// Frames by verdict of the XDP program (enum fog_steer_verdict); zero where there is none.
	uint64_t steer[FOG_STEER_VERDICTS];
	char xdp_why
	        [160]; // why 'mode' is not the fastest one, a reason for each step; "" when it is
	char driver_why
	        [160]; // why 'driver: auto' took this driver; empty = it stands in the config
};

enum { FOG_DEVICE_STATS_MAX = 64 };

// A port's device by its own counters ("rx_crc_errors"): names differ from driver to driver.
struct fog_stats_device {
	uint32_t count;
	uint32_t left_out; // counters of the device that found no room here
	char name[FOG_DEVICE_STATS_MAX][48];
	uint64_t value[FOG_DEVICE_STATS_MAX];
};

// A mix key that is installed; manager: wo.
struct fog_stats_key {
	uint64_t epoch;
	uint8_t public_key[32]; // zero: there is none here
	uint64_t replay_count, replay_capacity;
};

struct fog_stats {
	uint64_t magic; // manager: wo, as everything here unless said otherwise
	uint32_t abi;
	uint32_t worker_count;
	uint32_t port_count;
	uint32_t worker_size; // sizeof(struct fog_stats_worker)
	uint64_t tsc_hz;
	uint64_t start_unix_ns;
	uint8_t boot_id[16];
	_Atomic uint64_t heartbeat; // grows at least every 100 ms
	_Atomic uint64_t generation; // configuration in force
	uint8_t checksum[32];
	_Atomic uint64_t control_faults; // connections closed for breaking the protocol
	_Atomic uint64_t control_attached; // 1 while a control plane is attached
	_Atomic uint64_t events_dropped; // events that no control plane was there for, or read
	_Atomic uint64_t mbuf_total, mbuf_free;
	_Atomic uint32_t next_hops; // nodes in the table, ourselves excluded
	_Atomic uint32_t next_hops_ready; // of these, with a port and a resolved neighbour
	_Atomic uint32_t test_seed; // 1 when delays come from a fixed seed: tests only
	_Atomic uint32_t accept_replays; // 1 when replays are let through: benches only
	uint16_t slots, payload_len; // geometry of its packets, the same all its life
	_Atomic uint32_t draining;
	uint32_t reserved;
	_Atomic uint32_t sequence; // seqlock over port[] and peer[]; odd while the manager writes
	char crypto[16]; // implementation in use
	struct fog_stats_port port[FOG_PORTS_MAX];
	uint8_t peer[FOG_NODES_MAX][FOG_ID_LEN]; // node ID of each peer slot, zero when unused
	_Atomic uint32_t log_level; // enum fog_log_level of log/log.h
	_Atomic uint32_t tracing; // 1 while single packets are traced
	_Atomic uint32_t device_sequence; // seqlock over device[]
	uint32_t device_reserved;
	struct fog_stats_device device[FOG_PORTS_MAX]; // by port; once a second
	_Atomic uint32_t link_sequence; // seqlock over link[]
	uint32_t link_reserved;
	struct fog_link_stats
	        link[FOG_LINK_SLOTS]; // by slot; when one comes or goes, and once a second
	_Atomic uint32_t key_sequence; // seqlock over key[]
	uint32_t key_reserved;
	struct fog_stats_key key[FOG_MIX_KEYS_MAX]; // oldest epoch first
};

_Static_assert(sizeof(struct fog_stats) % 8 == 0, "worker blocks stay aligned");

static inline size_t fog_stats_bytes(unsigned workers)
{
	return sizeof(struct fog_stats) + workers * sizeof(struct fog_stats_worker);
}

// Copy 'len' bytes guarded by 'sequence'. A writer that was interrupted inside its write gets time
// to go on. Returns 0, or -1 when it was in the way for some 50 ms (it died there): the reader then
// shows "no data". Never for workers: it may sleep.
static inline int fog_stats_copy(
        const _Atomic uint32_t *sequence, const void *from, void *to, size_t len
)
{
	const struct timespec pause = {.tv_nsec = 100000};

	for (int i = 0; i < 500; i++) {
		uint32_t before = atomic_load_explicit(sequence, memory_order_acquire);
		if ((before & 1) == 0) {
			memcpy(to, from, len);
			atomic_thread_fence(memory_order_acquire);
			if (atomic_load_explicit(sequence, memory_order_relaxed) == before)
				return 0;
		}
		if (i % 4 == 3)
			nanosleep(&pause, NULL);
	}
	return -1;
}

static inline int fog_stats_worker_read(
        const struct fog_stats_worker *w, struct fog_worker_counters *out
)
{
	return fog_stats_copy(&w->sequence, &w->counters, out, sizeof(*out));
}

// Writer's side of the same lock. One writer: what stands between the two is seen as a whole, or not.
static inline void fog_stats_begin(_Atomic uint32_t *sequence)
{
	uint32_t s = atomic_load_explicit(sequence, memory_order_relaxed);
	atomic_store_explicit(sequence, s + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static inline void fog_stats_end(_Atomic uint32_t *sequence)
{
	uint32_t s = atomic_load_explicit(sequence, memory_order_relaxed);
	atomic_store_explicit(sequence, s + 1, memory_order_release);
}

static inline void fog_stats_publish(
        _Atomic uint32_t *sequence, void *to, const void *from, size_t len
)
{
	fog_stats_begin(sequence);
	memcpy(to, from, len);
	fog_stats_end(sequence);
}

// How full a replay table is, in percent; 0 while there is none.
static inline unsigned fog_stats_fill(uint64_t count, uint64_t capacity)
{
	return capacity == 0 ? 0 : (unsigned)((unsigned __int128)count * 100 / capacity);
}

// The fullest of the replay tables; zeros while there is none. Returns 0, or -1 as fog_stats_copy.
static inline int fog_stats_fullest(const struct fog_stats *s, uint64_t *count, uint64_t *capacity)
{
	struct fog_stats_key key[FOG_MIX_KEYS_MAX];
	unsigned most = 0;

	*count = *capacity = 0;
	if (fog_stats_copy(&s->key_sequence, s->key, key, sizeof(key)) < 0)
		return -1;
	for (unsigned i = 0; i < FOG_MIX_KEYS_MAX; i++) {
		unsigned fill = fog_stats_fill(key[i].replay_count, key[i].replay_capacity);
		if (key[i].replay_capacity == 0 || (*capacity > 0 && fill < most))
			continue;
		most = fill;
		*count = key[i].replay_count;
		*capacity = key[i].replay_capacity;
	}
	return 0;
}

// rx + injected + made - everything else; 0 in every snapshot unless a packet went unexplained.
static inline int64_t fog_books_gap(const struct fog_worker_counters *c)
{
	return (int64_t)(c->rx + c->injected + c->made) -
	        (int64_t
	        )(c->tx + c->delivered + c->punted + c->answered + c->drops + c->parked +
	          c->in_batch + c->cover_stock);
}
