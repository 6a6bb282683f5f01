// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The data plane's end of dp.sock: who may speak, what passes, and the shared memory that comes of
// it. Everything that the peer sends is copied, checked and only then used; a peer that breaks the
// protocol loses its connection and packets keep flowing. Manager thread only. No DPDK.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/msg.h"
#include "api/stats.h"

struct fog_session;

// The rings of one worker as one control plane gave and got them. Made by the session, used by the
// worker after the manager has handed them over, freed by the session (fog_session_rings_free).
struct fog_worker_rings {
	struct fog_ring_tx deliver; // worker; its seq is right only after fog_session_carry
	struct fog_ring_rx inject; // worker
	int doorbell_fd; // fog_session_doorbell_fd
	int wake_fd; // fog_session_wake_fd of this worker
	uint8_t deliver_faulty, inject_faulty; // worker: wo after hand-over
};

struct fog_session_params {
	const char *socket_path; // dp.sock; an old socket file is replaced
	uint32_t allowed_uid, group_gid; // besides root
	uint32_t worker_count;
	uint32_t deliver_slots, deliver_len; // len = largest message body
	uint32_t inject_slots, inject_len;
	const char *build;
};

struct fog_session_ops {
	// A blob from the peer, copied out of a sealed memfd, header and bounds not yet checked.
	// Returns 0 or -errno with a sentence in 'text'.
	int (*config)(void *ctx, const void *blob, size_t len, char *text, size_t text_len);
	// The message is wiped by the session after the call. -EINPROGRESS: fog_session_key_done answers
	// later, also when another control plane has attached meanwhile and asked for the same key.
	int (*key_install)(void *ctx, const struct fog_msg_key *, char *text, size_t text_len);
	int (*keys_keep)(void *ctx, const struct fog_msg_keys_keep *, char *text, size_t text_len);
	// Every command, FOG_CMD_PING included (answer it with fog_session_event).
	void (*command)(void *ctx, uint32_t type, const struct fog_cmd *);
	// New rings for all workers: 'rings[worker_count]'. The callee hands them to the workers, who
	// first empty their old inject ring, then carry over what is left of their old deliver ring
	// (fog_session_carry), then stop using the old set, which is then freed with
	// fog_session_rings_free. All that may happen after the return. The first set of a boot needs
	// no carrying over; every later one does, also when nothing is left: seq goes on that way.
	// Returns 0 or -errno (the peer is then disconnected and 'rings' is gone).
	int (*attach)(void *ctx, struct fog_worker_rings *rings);
	void (*detach)(void *ctx
	); // the peer is gone; the workers keep their rings until the next attach
	// Sessions of encrypted links, as manager_link.h has them; the session wipes the keys after the call.
	int (*link_install)(void *ctx, const struct fog_link_session *);
	int (*link_remove)(void *ctx, uint32_t rx_index);
	// Checked: type, kind and length go together.
	void (*link_send)(void *ctx, const struct fog_link_send *);
	// Whether link_send would have room for a message; without it nothing is read. May be NULL: it has.
	bool (*link_room)(void *ctx);
};

// Creates the statistics memory, the listening socket and the bells. 'stats' is filled with magic,
// abi, sizes and boot ID and belongs to the session; the caller writes the rest of it, but for
// control_faults, control_attached and events_dropped.
// Returns 0 or -errno, logged with its mend: -EADDRINUSE (another data plane answers on the path),
// -EEXIST (the path is no socket), -ENAMETOOLONG, -EINVAL (slot counts are no powers of two, or
// worker_count is 0 or too great), or what the system said.
int fog_session_create(
        const struct fog_session_params *, const struct fog_session_ops *, void *ctx,
        struct fog_session **, struct fog_stats **stats
);
// Removes the socket file, unmaps everything, also rings that were not freed: no worker may run any
// more. Accepts NULL.
void fog_session_destroy(struct fog_session *);

// One poll descriptor for everything the session waits for (an epoll instance).
int fog_session_fd(const struct fog_session *);
// Handle whatever waits: connections, messages, the cmd ring. Never blocks. Call it when the
// descriptor is readable, and every 100 ms at least: the cmd ring and the heartbeat are polled.
void fog_session_process(struct fog_session *);
// Answer the key_install that returned -EINPROGRESS; no-op when who asked is gone. 'status' 0 or -errno
// with 'text'.
void fog_session_key_done(struct fog_session *, int status, const char *text);
// Queue an event for the control plane and ring its bell; dropped and counted in
// stats->events_dropped when nobody is attached or it does not read.
void fog_session_event(struct fog_session *, uint32_t type, const struct fog_evt *);
// Whether an event would reach the control plane now. True when there is none.
bool fog_session_event_room(const struct fog_session *);
// Queue a record of a trace or a capture (FOG_EVT_TRACE, FOG_EVT_CAPTURE). Returns 0, -ENOBUFS (no room now: keep it) or -ENOTCONN (nobody is there).
int fog_session_trace(struct fog_session *, enum fog_evt_type, const union fog_trace_entry *);
// Whether fog_session_punt would not answer -ENOBUFS.
bool fog_session_punt_room(const struct fog_session *);
// Queue what a worker passes on (FOG_EVT_PUNT). Returns as fog_session_trace; with -ENOTCONN it is
// counted in stats->events_dropped.
int fog_session_punt(struct fog_session *, const struct fog_link_punt *);
// A worker found a ring of the attached control plane faulty: tell it (FOG_EVT_RING_FAULT, 'worker'
// may be ~0), close the connection, count. It comes back with new rings. No-op when detached.
void fog_session_fault(struct fog_session *, uint32_t worker);
// Milliseconds since the control plane's heartbeat moved, as of the last fog_session_process;
// UINT64_MAX when none is attached.
uint64_t fog_session_control_age_ms(const struct fog_session *);

// Descriptor to ppoll and read that wakes worker 'w' (adaptive mode); constant for the life of the
// session. Never blocks in read, whatever the peer does. fog_session_wake rings it; any thread.
int fog_session_wake_fd(const struct fog_session *, unsigned w);
void fog_session_wake(const struct fog_session *, unsigned w);
// Descriptor to write 8 bytes to, which wakes the control plane; constant for the life of the
// session. Never blocks in write, and raises no SIGPIPE; -EAGAIN means that it rings already. Any
// thread.
int fog_session_doorbell_fd(const struct fog_session *);

// Carrying over, in two phases: the manager copies the bulk, [fog_session_carry_start(old), head at
// that time), while the worker still writes 'old'; the worker copies the rest, up to old->head,
// and then uses 'fresh'. One after the other, each on its own thread.
//
// First index to carry: the old consumer's tail, or, if that is impossible, as much as the ring can
// hold (the store drops duplicates).
uint32_t fog_session_carry_start(const struct fog_ring_tx *old);
// Copy slots [*from, upto) of 'old' into 'fresh', sequence numbers kept, advance *from, and let
// fresh->seq go on behind upto. Slots that the old consumer has given back meanwhile are left out.
// Returns 0 or -ENOBUFS (fresh is full, the rest was not copied).
int fog_session_carry(
        const struct fog_ring_tx *old, uint32_t *from, uint32_t upto, struct fog_ring_tx *fresh
);
void fog_session_rings_free(struct fog_session *, struct fog_worker_rings *rings); // accepts NULL
