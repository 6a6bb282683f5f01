// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The control plane's end of dp.sock and of the shared memory (dataplane/api/msg.h).
//
// The client looks after the connection by itself: it connects, reconnects (0.1 to 1 s apart),
// beats the heartbeat, and whenever the data plane runs another configuration or other mix keys than
// the wanted ones, it sends the wanted ones again. Whoever starts first, and whoever dies, no caller has
// to do anything.
//
// Threads: create, process and destroy belong to one thread, the control thread; all callbacks run
// on it, inside process, with no lock held, so they may call everything but process and destroy.
// Every other function is safe from any thread. No function blocks, but fog_dpclient_config_wait.
//
// Delivered messages carry (boot_id, worker, seq): seq starts at 1 with every boot of the data
// plane and grows by one per message of that worker. A message stays in the ring until 'delivered'
// has returned 0. When the control plane dies between storing a message and giving its slot back,
// the next control plane gets that message again: the STORE drops duplicates, by keeping the last
// seq per (boot_id, worker) in the same transaction as the message and answering 0 for a seq that
// is not greater. Within the life of one client no seq is handed out twice.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../dataplane/api/msg.h"
#include "../dataplane/api/stats.h"

struct fog_dpclient;

struct fog_dpclient_params {
	const char *socket_path; // dp.sock of the data plane; copied
	const char *build; // our version, shown by the data plane's log; copied
};

struct fog_dpclient_ops {
	// Any of them may be NULL.
	void (*attached)(void *ctx, const struct fog_msg_welcome *);
	void (*detached)(void *ctx, const char *why);
	// A message for this node. Return 0 only after it is stored (or known as a duplicate): its slot
	// is then given back. Negative = try again later (about 100 ms, same message first); later
	// messages of that worker wait. 'data' is payload tag and payload (data_len bytes), valid
	// during the call. Also called for what a dead data plane left behind, with its boot_id.
	int (*delivered
	)(void *ctx, uint32_t worker, const uint8_t boot_id[16], uint64_t seq,
	  const struct fog_deliver *, const uint8_t *data);
	void (*event)(void *ctx, uint32_t type, const struct fog_evt *); // enum fog_evt_type
	// FOG_EVT_TRACE or FOG_EVT_CAPTURE; checked: no field is out of range.
	void (*trace)(void *ctx, uint32_t type, const union fog_trace_entry *);
	// FOG_EVT_PUNT; checked: a frame type that is punted, and a length that it can have. What a
	// stranger sent is in it: believe nothing else. FOG_EVT_LINK_REKEY comes through 'event'.
	void (*punt)(void *ctx, const struct fog_link_punt *);
	// The answer to fog_dpclient_link_install or _remove, in their order: 0 or negative errno
	// (dataplane/api/msg.h).
	void (*link_ack)(void *ctx, uint32_t rx_index, int status);
	// Whether packets that a dead data plane left unread have to wait, though another one is there; may
	// be NULL: they don't. Asked again and again.
	bool (*hold)(void *ctx);
};

// Returns 0 or -ENOMEM, -EMFILE, -ENAMETOOLONG (socket path). A data plane that isn't there yet is
// no error. Ignores SIGPIPE for the process, unless it is handled: the pipes that wake workers lose
// their readers when the data plane dies.
int fog_dpclient_create(const struct fog_dpclient_params *, const struct fog_dpclient_ops *, void *ctx, struct fog_dpclient **);
// Detaches (packets keep flowing), wipes the keys. All stats views must have been put. Accepts NULL.
void fog_dpclient_destroy(struct fog_dpclient *);

// Poll descriptor (an epoll instance, timers included) and what to call when it is readable.
int fog_dpclient_fd(const struct fog_dpclient *);
void fog_dpclient_process(struct fog_dpclient *);

enum fog_dpclient_state {
	FOG_DPCLIENT_DETACHED, // waiting to connect
	FOG_DPCLIENT_HANDSHAKE,
	FOG_DPCLIENT_ATTACHED,
};

struct fog_dpclient_status {
	enum fog_dpclient_state state;
	char why[128]; // when not attached: why, and the mend
	char peer_build[FOG_BUILD_LEN]; // NUL-terminated; empty before the first attach
	uint8_t boot_id[16]; // of the last data plane seen
	uint64_t generation; // configuration in force at the data plane, as last heard
	uint8_t checksum[32];
	uint8_t key_id[FOG_MIX_KEYS_MAX][32]; // mix keys in force, as last heard; then zeros
	uint64_t
	        heartbeat_age_ms; // since the data plane's heartbeat moved; UINT64_MAX when detached
	uint64_t attaches,
	        faults; // connections made; closed because the data plane broke the protocol
	uint64_t delivered, injected; // messages, packets since create
	uint64_t deliver_missing; // seqs that were skipped: a defect or a data plane that lied
	uint64_t inject_lost; // packets accepted by inject that no data plane will take any more
};

void fog_dpclient_status(struct fog_dpclient *, struct fog_dpclient_status *);

// What the data plane said about the configuration or a key.
struct fog_dpclient_ack {
	int status; // 0 in force, -EINPROGRESS sent or waiting for a connection, -ENODATA never set,
	        // else what the data plane refused it with
	uint64_t generation; // of the wanted blob; 0 for a key
	char text[204]; // the data plane's sentence, e.g. why it refused; empty on success
};

// The wanted configuration: a compiled blob (dataplane/api/blob.h), copied, sent now or as soon as
// there is a data plane that runs another one (its checksum differs). A refused blob is not sent
// again before the next attach. Returns 0, -EINVAL (not a blob of this ABI, or its size field
// disagrees with 'len'), -ENOMEM.
int fog_dpclient_config_set(struct fog_dpclient *, const void *blob, size_t len);
void fog_dpclient_config_ack(struct fog_dpclient *, struct fog_dpclient_ack *);
// Wait until the wanted configuration is in force or refused. Never on the control thread.
// Returns 0 with the answer in *ack (look at ack->status), or -ETIMEDOUT.
int fog_dpclient_config_wait(struct fog_dpclient *, int timeout_ms, struct fog_dpclient_ack *);

struct fog_dpclient_key {
	uint64_t epoch;
	uint8_t private_key[32], public_key[32];
	uint8_t delay_key[32]; // from the epoch's VRF; zero = the data plane draws one
};

// The wanted mix keys: all that live. The client keeps its own copy in locked memory that core dumps
// leave out, so the caller may wipe his right away. The data plane destroys every key and every replay
// table that is not among them, whenever this is called and after each attach, and then gets those
// that it lacks, in this order. With n = 0 it destroys all of them; before the first call it hears
// nothing of keys. Returns 0 or -EINVAL (more than FOG_MIX_KEYS_MAX, or two epochs with the same low
// byte).
int fog_dpclient_keys_set(struct fog_dpclient *, const struct fog_dpclient_key *keys, unsigned n);
// Keep the keys from the data plane: it gets none, and gives up those that it has, while their replay
// tables stay. They remain wanted, and are handed over when this is taken back.
void fog_dpclient_keys_withhold(struct fog_dpclient *, bool withhold);
// How the key with this public key fares: -ENODATA when it is not wanted, or withheld. A data plane
// whose table is still locked by a dying one is asked again (-EINPROGRESS with a text), and so is one that
// has no room for it (-ENOSPC, -ENOMEM with a text), after 0.5, 1 .. 30 s.
void fog_dpclient_key_ack(struct fog_dpclient *, const uint8_t public_key[32], struct fog_dpclient_ack *);
// Whether a data plane is attached and can't have this key: it is not wanted, what is not wanted has been
// destroyed, and it is not on its way.
bool fog_dpclient_key_gone(struct fog_dpclient *, const uint8_t public_key[32]);

// Hand a packet to the data plane, to its workers in turn. 'next_hop' is for FOG_INJECT_FORWARD,
// NULL otherwise; 'epoch' is the low byte of the key epoch that the packet was made for. Returns
//   0           accepted: a worker takes it, or, if the data plane dies first, the next one
//   -ENOTCONN   not attached: keep it and try later
//   -ENOBUFS    all rings full: keep it and try later
//   -EMSGSIZE   longer than the data plane's packets
// What could not be handed on after a restart (the new rings are smaller) is counted in
// status.inject_lost and logged.
int fog_dpclient_inject(
        struct fog_dpclient *, enum fog_inject_type, const uint8_t next_hop[FOG_ID_LEN],
        uint8_t epoch, const void *packet, uint32_t len
);
// The same with a packet for the stock of cover of worker 'worker' (FOG_INJECT_COVER), which takes them
// in the order in which they were accepted: the k-th that a worker accepted since its data plane's start
// has left the stock once its counter cover_taken has reached k. How many it has accepted is cover_taken
// and cover_stock together, whenever its ring is empty: a control plane that comes later counts from
// there. Returns as fog_dpclient_inject, where -ENOBUFS is that worker's ring alone, and -EINVAL (no such
// worker). Not handed on to the next data plane when this one dies.
int fog_dpclient_inject_cover(
        struct fog_dpclient *, unsigned worker, const uint8_t next_hop[FOG_ID_LEN], uint8_t epoch,
        const void *packet, uint32_t len
);

// The packets that a data plane takes and delivers: what it was launched with, which a newer topology
// need not agree with until it is restarted.
struct fog_dpclient_geometry {
	uint16_t slots, payload_len;
};

// Of the attached data plane. Returns 0 or -ENOTCONN.
int fog_dpclient_geometry(struct fog_dpclient *, struct fog_dpclient_geometry *);
// Of the data plane, perhaps dead by now, whose message is being delivered. Inside 'delivered' only.
void fog_dpclient_delivered_geometry(const struct fog_dpclient *, struct fog_dpclient_geometry *);

// Messages about encrypted links, control thread only. They are sent at once and in order, and nothing
// of them is kept: who wants them sent to the next data plane sends them again when it is attached.
// Return 0, -ENOTCONN, -ENOBUFS (the data plane reads too slowly: later) or -EINVAL (nothing that a
// data plane takes).
//
// The caller wipes the session.
int fog_dpclient_link_install(struct fog_dpclient *, const struct fog_link_session *);
int fog_dpclient_link_remove(struct fog_dpclient *, uint32_t rx_index);
int fog_dpclient_link_send(struct fog_dpclient *, const struct fog_link_send *);

// Send a command (FOG_CMD_*). Returns 0, -ENOTCONN, -ENOBUFS.
int fog_dpclient_command(struct fog_dpclient *, enum fog_cmd_type, uint64_t token);
// The same with arguments.
int fog_dpclient_command_args(struct fog_dpclient *, enum fog_cmd_type, const struct fog_cmd *);

// The counters of the attached data plane, mapped read-only. A view stays mapped and readable until
// it is put, even when the data plane dies meanwhile. Trust worker_count here, not the one inside.
struct fog_dpclient_stats {
	const struct fog_stats *stats;
	const struct fog_stats_worker *worker; // [worker_count]
	uint32_t worker_count;
	void *mapping; // the client's own
};

// Returns 0 or -ENOTCONN (show "no data").
int fog_dpclient_stats_get(struct fog_dpclient *, struct fog_dpclient_stats *);
void fog_dpclient_stats_put(struct fog_dpclient *, struct fog_dpclient_stats *);
