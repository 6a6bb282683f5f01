// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The manager: the main lcore's job. It alone talks to the control plane, publishes what workers
// read, and frees it when no worker can see it any more.
#pragma once

#include <stdbool.h>

#include "manager_host.h"
#include "manager_key.h"
#include "manager_link.h"
#include "manager_punt.h"
#include "notify.h"
#include "pools.h"
#include "tsc.h"
#include "worker.h"

struct fog_retired {
	struct fog_retired *next;
	uint64_t token; // QSBR
	bool (*free)(void *); // as in manager_conf.h
	void *object;
};

// How far the end has come (manager_drain.h).
enum manager_drain { MANAGER_RUNS, MANAGER_GRACE, MANAGER_SETTLES, MANAGER_DRAINS };

struct fog_trace;

// Tracing of single packets, see manager_trace.h.
struct fog_manager_trace {
	struct fog_trace *of[FOG_WORKERS_MAX]; // NULL: this worker is not traced
	bool tracing, closing;
	bool untold; // the control plane has not been told yet that it is over
	uint64_t token; // of the command that began it
	uint64_t until; // TSC: nothing begins after it; once closing: nothing is waited for
	uint32_t left; // records that may still be handed on
};

struct fog_manager {
	// Set by launch.
	struct fog_geometry geo;
	struct fog_port *ports[FOG_PORTS_MAX];
	unsigned port_count;
	struct fog_worker *workers[FOG_WORKERS_MAX];
	unsigned worker_count;
	struct fog_pools pools;
	const struct fog_crypto_ops *crypto;
	bool accept_replays;
	struct rte_rcu_qsbr *qsbr;
	struct fog_neigh *neigh; // NULL when no port has a kernel
	struct fog_session *session;
	struct fog_stats *stats;
	int signal_fd;
	char driver_why[FOG_PORTS_MAX][160]; // as in struct fog_stats_port
	struct fog_tsc_mark started; // what the TSC's frequency is measured from

	// The manager's own.
	struct fog_blob *blob; // in force
	struct fog_conf *conf; // published
	struct manager_key keys;
	uint8_t peer[FOG_NODES_MAX]
	            [FOG_ID_LEN]; // statistics slots given out; published as stats->peer
	struct fog_worker_rings *rings, *rings_old; // old: until every worker has switched
	struct fog_ring_handover handover[FOG_WORKERS_MAX];
	struct fog_retired *retired;
	uint64_t refresh_at, stats_at; // TSC
	unsigned moved_ports; // bit per port: its interface's addresses are no longer those it took
	bool control_silent; // the last check found its heartbeat standing still
	struct fog_manager_trace trace;
	uint64_t device_at; // TSC; next look at the devices' own counters
	struct manager_host host; // what a kernel does for other ports
	enum manager_drain drain;
	uint64_t drain_at; // TSC at which its next step is due
	struct notify notify;
	uint64_t check_at, tell_at; // TSC of the next look at the workers, of the next STATUS=
	uint64_t heartbeat_seen[FOG_WORKERS_MAX]; // at the last look
	uint64_t stalled; // bit per worker: it stood still between the last two looks
	bool signalled; // SIGTERM or SIGINT came
	struct manager_link links;
	uint16_t payload_len; // launch; UDP payload of every frame of the network
	struct manager_punt punt;
};

// Callbacks for the session, with the manager as context.
extern const struct fog_session_ops fog_manager_session_ops;

// Put the blob that the data plane was started with in force. Returns 0 or -errno, logged.
int fog_manager_start(struct fog_manager *, const struct fog_blob *);
// Serve until a signal or a drain ends it. Returns 0, or -ECHILD when a worker did not start (logged).
int fog_manager_run(struct fog_manager *);
// Free what the manager published. No worker runs any more.
void fog_manager_stop(struct fog_manager *);

// Build a configuration from the blob in force and publish it when it differs.
// Returns 0 or -errno.
int fog_manager_refresh(struct fog_manager *);
// A port's statistics as they are published, without the lock.
void fog_manager_port_stats(const struct fog_manager *, unsigned port, struct fog_stats_port *out);
// Statistics, alarms, doorbells, retired objects: everything that is due.
void fog_manager_housekeeping(struct fog_manager *, uint64_t now);
