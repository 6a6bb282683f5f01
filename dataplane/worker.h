// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// One worker: a lcore that takes frames, opens packets, parks them and sends them on, alone on its
// state. Every field names its writer. The order of the stages stands in worker.c and nowhere else.
#pragma once

#include <rte_rcu_qsbr.h>
#include <signal.h>
#include <sodium.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "../drivers/port_ops.h"
#include "api/plan.h"
#include "api/stats.h"
#include "api/trace.h"
#include "calendar.h"
#include "conf.h"
#include "link/table.h"
#include "pkt.h"
#include "session.h"
#include "sphinx/sphinx.h"

enum {
	FOG_BURST = 32, // frames taken per round
	FOG_READY_MAX = 2 * FOG_BURST, // packets that wait for a chunk
	FOG_INJECT_BURST = 8, // packets of the control plane per round
	FOG_CHUNK_MAX = 16, // packets that share a pass through the crypto stages; a SIMD width
	// Longest wait for more packets to fill the lanes of a call. A packet takes part in two calls,
	// key agreement and blinding, and may wait so long for each.
	FOG_HOLD_US = 20,
	FOG_CALL_US = 75, // longest call of X25519 that two widths may share
	FOG_TX_HELD_MAX = 64, // frames a busy port may owe us before tx_full
	FOG_ANSWER_RATE = 1000, // answers per second to questions of one kind, and worker ...
	FOG_ANSWER_BURST = 100, // ... of which so many may come at once
	FOG_SOURCE_PORTS = 64, // UDP source ports of a worker, a power of two
	FOG_TOKEN_SHIFT = 40, // tokens of the rate limit are kept in units of 2^-40
};

#define FOG_TOKEN (UINT64_C(1) << FOG_TOKEN_SHIFT)

// A chunk: the packets between parse and park. Struct of arrays, so that crypto reads lanes.
// Its secrets are the reason that it lies in locked memory of its own.
struct fog_chunk {
	struct fog_sphinx_batch sphinx; // n, packets, verdicts
	struct rte_mbuf *mbuf[FOG_CHUNK_MAX]; // NULL: left the chunk
	struct fog_sphinx_hop hop[FOG_CHUNK_MAX];
	struct fog_sphinx_route route[FOG_CHUNK_MAX];
	struct fog_replay_place place[FOG_CHUNK_MAX];
	const struct fog_mix_key
	        *key[FOG_CHUNK_MAX]; // from stage_key_add to stage_delay, else NULL
	unsigned waiting; // opened packets that wait for their blinding
	uint64_t since; // TSC when they began to
};

struct fog_cover;
struct fog_handshake;
struct fog_trace;

// What a round came to.
enum fog_round {
	FOG_ROUND_DRY, // nothing to do
	FOG_ROUND_HOLDING, // nothing done, but packets wait for others to fill the lanes
	FOG_ROUND_WORKED,
};

// Frames for one port that wait for its next tx_burst.
struct fog_tx_queue {
	uint16_t n;
	struct rte_mbuf *frame[FOG_TX_HELD_MAX];
	uint16_t peer[FOG_TX_HELD_MAX]; // statistics slot of the receiver, or FOG_PEER_NONE
};

// A queue that this worker receives from.
struct fog_rx_source {
	uint16_t port, queue;
};

// Packets that wait for their seal, at the most until the round ends.
struct fog_seal_queue {
	unsigned n;
	struct rte_mbuf *frame[FOG_BURST];
	const struct fog_next_hop *to[FOG_BURST]; // of this round's configuration
	struct fog_gcm_job job[FOG_BURST];
};

// New rings on their way to the worker, and how far the old ones are carried over already.
struct fog_ring_handover {
	struct fog_worker_rings *rings;
	uint32_t carried; // old deliver index up to which the manager has copied
};

// A frame that the manager wants to have sent.
struct fog_errand {
	uint16_t port, len;
	uint8_t frame[96]; // FOG_FRAME_MAX bytes at the most
};

_Static_assert(sizeof(struct fog_errand) == 100, "a ring element: a multiple of 4 bytes");

struct fog_worker {
	// Set by launch before the worker runs, read-only afterwards.
	unsigned index, workers; // this worker, how many there are
	unsigned lcore;
	const struct fog_crypto_ops *crypto;
	struct fog_geometry geo;
	struct fog_port **ports;
	unsigned port_count;
	struct rte_mempool *pool;
	struct rte_rcu_qsbr *qsbr;
	struct fog_stats_worker *shared; // worker: wo
	uint64_t tsc_hz;
	uint16_t mix_port;
	uint32_t idle; // enum fog_idle
	uint64_t max_rate; // packets per second, 0 = no limit
	bool accept_replays; // let replays through: benches only
	int wake_fd, doorbell_fd;
	// Set by fog_worker_init, read-only afterwards.
	unsigned chunk_size; // packets in a chunk at the most: the width of the SIMD lanes
	unsigned call_lanes; // multiplications in a call at the most: one width or two
	uint64_t cycles_per_us, ns_per_cycle; // in units of 2^-32, rounded up
	uint64_t hold; // FOG_HOLD_US in TSC cycles
	uint64_t tokens_per_cycle, tokens_max; // rate limit; tokens_max 0 = none
	uint64_t tokens_cycles; // in which an empty bucket fills
	unsigned source_count;
	struct fog_rx_source source[FOG_PORTS_MAX * FOG_QUEUES_MAX];

	// Manager: wo, worker: ro.
	alignas(FOG_CACHE_LINE) _Atomic(const struct fog_conf *) conf_next;
	_Atomic(struct fog_ring_handover *) handover; // worker sets it to NULL when it has switched
	_Atomic(struct fog_trace *) trace_next; // NULL: no packet is traced
	atomic_bool stop; // leave the loop
	atomic_bool drain; // ports are stopped: no more injection, let the calendar run empty
	// Worker: wo, manager: ro.
	atomic_bool drained; // nothing parked, nothing held, drain was asked for
	// Worker sets them; who acts on them (manager or worker) takes them by exchange.
	atomic_bool ring_doorbell; // deliveries wait that the control plane was not told of
	atomic_uint faults; // bit 0 deliver, bit 1 inject ring found faulty

	// Worker only.
	alignas(FOG_CACHE_LINE) const struct fog_conf *conf; // of this round
	struct fog_trace *trace; // of this round
	uint32_t trace_serial; // of the last record that was begun
	struct fog_worker_rings *rings; // NULL before the first control plane
	struct fog_calendar *calendar;
	struct fog_chunk *chunks; // two of them in locked memory, which change places every call:
	struct fog_chunk *fresh; // ... whose keys are agreed by this call of X25519
	struct fog_chunk *opened; // ... whose group elements are blinded by it
	void *inject_slot; // private copy of one ring slot
	uint64_t
	        switch_at; // count.injected at which the old inject ring is given up; 0: no limit set
	uint64_t tokens,
	        tokens_at; // bucket of the rate limit, and the TSC up to which it was filled
	unsigned dry_rounds; // consecutive rounds without work and packets on hold
	bool draining; // 'drain' was seen
	uint64_t publish_at; // TSC of the next statistics publication
	uint16_t source_port; // rotates, so that a peer's RSS spreads one flow over its queues
	unsigned source_next; // where the next round begins to receive
	unsigned ready_n; // packets that wait for a chunk, oldest first
	struct rte_mbuf *ready[FOG_READY_MAX];
	struct fog_tx_queue tx[FOG_PORTS_MAX];
	struct fog_worker_counters count;

	// Ports without a kernel.
	struct rte_ring *heard; // launch; struct fog_heard from this worker to the manager, or NULL
	struct rte_ring *errands; // launch; struct fog_errand from the manager, or NULL
	uint64_t answer_cycles; // fog_worker_init; of the TSC, for one answer
	uint64_t neighbours_full_at, echo_full_at; // worker; TSC when the buckets are full again

	// Encrypted links.
	struct fog_link_table *links; // launch; NULL: the network has none
	struct fog_seal_queue seal; // worker; empty between two rounds
	struct rte_ring *punts; // launch; struct fog_link_punt from this worker to the manager
	struct rte_ring *letters; // launch; struct fog_letter from the manager, or NULL
	struct fog_cover *cover; // fog_worker_init, with links: cover traffic (cover.h)
	struct fog_handshake
	        *handshake; // fog_worker_init, with links: what handshakes need (punt.h)
};

// Entry for rte_eal_remote_launch; 'worker' is a struct fog_worker. Returns when stop is set.
int fog_worker_run(void *worker);
// One round of the loop: every stage once, at most one call of X25519. 'now' is the TSC at its
// begin. Tests drive the pipeline by this, round by round.
enum fog_round fog_worker_round(struct fog_worker *, uint64_t now);
// Copy the private counters to the shared block.
void fog_worker_publish(struct fog_worker *, uint64_t now);

// Allocate what a worker owns: calendar, chunks, slot copy. Returns 0, -EINVAL (an implementation
// whose lanes a chunk can't fill, or whose call can't hold two chunks) or -ENOMEM.
int fog_worker_init(struct fog_worker *, uint32_t parked_max, uint32_t inject_slot_size);
// Free it, and every packet that is still held. The worker must not run any more.
void fog_worker_fini(struct fog_worker *);

// Where a captured frame came from or goes to.
struct fog_trace_origin {
	unsigned port, queue;
	enum fog_capture_direction direction;
};

// stage_trace.c; only while w->trace is set.
void stage_trace_frame(
        struct fog_worker *, const uint8_t *frame, uint32_t len, const struct fog_trace_origin *,
        enum fog_drop
);
void stage_trace_begin(struct fog_worker *, struct rte_mbuf *, unsigned port, unsigned queue);
void stage_trace_pass(struct fog_worker *, const struct rte_mbuf *, enum fog_trace_stage);
// All of a chunk that were not rejected yet.
void stage_trace_chunk(struct fog_worker *, const struct fog_chunk *, enum fog_trace_stage);
void stage_trace_owed(struct fog_worker *, const struct rte_mbuf *, uint64_t owed_us);
void stage_trace_release(struct fog_worker *, const struct rte_mbuf *, uint64_t late_ns);
void stage_trace_end(struct fog_worker *, struct rte_mbuf *, enum fog_trace_outcome, enum fog_drop);
// Frames belong to a port once it has taken them: note the places of their records before (0: none),
// then end those of the first 'sent'.
void stage_trace_note(const struct fog_worker *, struct rte_mbuf **, unsigned n, uint16_t *place);
void stage_trace_sent(struct fog_worker *, const uint16_t *place, unsigned sent);

// How long 'cycles' of the TSC last. No division.
static inline uint64_t fog_worker_ns(const struct fog_worker *w, uint64_t cycles)
{
	return (uint64_t)(((unsigned __int128)cycles * w->ns_per_cycle) >> 32);
}

// UDP payload of every frame of the network.
static inline uint32_t fog_worker_payload_len(const struct fog_worker *w)
{
	return w->geo.packet_len + (w->links != NULL ? FOG_LINK_OVERHEAD : 0);
}

// Count and free one packet.
static inline void fog_worker_drop(struct fog_worker *w, struct rte_mbuf *m, enum fog_drop reason)
{
	if (unlikely(w->trace != NULL))
		stage_trace_end(w, m, FOG_TRACE_DROPPED, reason);
	w->count.drop[reason]++;
	w->count.drops++;
	rte_pktmbuf_free(m);
}

// Wipe what 'n' packets from number 'first' on left in their chunk.
static inline void fog_chunk_wipe(struct fog_chunk *c, unsigned first, unsigned n)
{
	fog_sphinx_hop_wipe(&c->hop[first], n);
	sodium_memzero(&c->route[first], n * sizeof(c->route[0]));
	sodium_memzero(&c->place[first], n * sizeof(c->place[0]));
}

// Stages, in the order of the path, one file each.

// Take frames from this worker's queues into ready[], parsed down to the bare packet.
unsigned stage_rx(struct fog_worker *);
// Check Ethernet, VLAN, IP, UDP and length; on success the mbuf holds exactly the UDP payload, which
// is one packet, or with links one frame of link_stage.h. 'source' and 'source_port' are filled as far
// as they were read.
enum fog_drop stage_parse(
        const struct fog_worker *, const struct fog_port *, struct rte_mbuf *,
        struct fog_ip *source, uint16_t *source_port
);
// Take packets that our own control plane injected.
unsigned stage_inject(struct fog_worker *);
// Give each packet the key of its epoch and add the multiplications of the key agreement to a call.
void stage_key_add(struct fog_worker *, struct fog_chunk *, struct fog_lanes *);
// From their results, lanes 'first' and on, to the header MAC.
void stage_key(struct fog_worker *, struct fog_chunk *, const struct fog_lanes *, unsigned first);
// Ask for the memory that the claims will touch; part of stage_key, between the KDF and the MAC.
void stage_replay_prefetch(struct fog_worker *, struct fog_chunk *);
// Fill the bucket of max_rate by the clock.
void stage_rate(struct fog_worker *);
// Take a token for one packet, if there is one, or give it back, never past the brim. Without a
// limit both do nothing, and every packet is admitted.
bool stage_rate_take(struct fog_worker *);
void stage_rate_return(struct fog_worker *);
// Admit what max_rate allows and claim the replay tags.
void stage_replay(struct fog_worker *, struct fog_chunk *);
// Routing information, payload layer, scalars of the blinding.
void stage_open(struct fog_worker *, struct fog_chunk *);
// Free what was rejected, deliver what ends here, fix what delay the rest is owed. Only the secrets
// of the rest stay in the chunk.
void stage_delay(struct fog_worker *, struct fog_chunk *);
void stage_deliver(struct fog_worker *, struct rte_mbuf *, const struct fog_sphinx_route *);
// Park what is blinded until it is due. The chunk is empty and wiped afterwards.
void stage_park(struct fog_worker *, struct fog_chunk *);
// Take packets that are due and give them their next hop, and send cover that is due. Returns how much
// there was.
unsigned stage_release(struct fog_worker *, uint64_t now);
// A frame that stage_parse refused for 'reason', on a port without a kernel: answer it, or pass what
// a neighbour tells on to the manager. Returns FOG_DROP_NONE when the frame is gone, else the reason
// for which it is to be dropped.
enum fog_drop stage_answer(
        struct fog_worker *, unsigned port, struct rte_mbuf *, enum fog_drop reason, uint64_t now
);
// Queue what the manager wants to have sent.
unsigned stage_errands(struct fog_worker *);
// Queue a whole frame for a port, or drop it as tx_full. 'peer' is the receiver's statistics slot.
void stage_tx_put(struct fog_worker *, unsigned port, struct rte_mbuf *, uint16_t peer);
// Send a packet to its next hop: sealed where there are links, then framed.
void stage_send(struct fog_worker *, struct rte_mbuf *, const struct fog_next_hop *);
// Put the frame header in front of a whole UDP payload and queue it for its port. The next hop is
// resolved.
void stage_frame(struct fog_worker *, struct rte_mbuf *, const struct fog_next_hop *);
// Seal what waits for it and push what is queued to the ports. Returns how many frames they took.
unsigned stage_tx(struct fog_worker *);
