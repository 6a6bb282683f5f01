// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A data plane and a control plane without packets, just enough of both to drive what lies between
// them. What they saw is written to records in shared memory, so that it outlives a killed process.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

#include "../../../controlplane/dpclient.h"
#include "../../../dataplane/api/blob.h"
#include "../../../dataplane/session.h"

enum {
	MINI_WORKERS = 2,
	MINI_SLOTS = 64,
	MINI_DATA = 200, // bytes of a message
	MINI_PACKET = 300, // bytes of an injected packet
	MINI_PACKETS = 4096,
	MINI_BOOTS = 4,
	MINI_LINK_REFUSED = 0x40, // rx_index of a session that is refused with -EEXIST
};

// What the data plane saw.
struct mini_record {
	_Atomic uint32_t packet[MINI_PACKETS]; // times that injected packet i arrived
	_Atomic uint32_t configs, installs, destroys, attaches, detaches, faults;
	uint8_t checksum[32], key_id[32], key_private[32], key_delay[32];
	uint8_t next_hop[FOG_ID_LEN]; // of the last FORWARD
	_Atomic uint64_t made[MINI_WORKERS]; // messages put into the rings of the present life
	_Atomic uint64_t events_dropped, control_faults, age_ms;
	_Atomic uint32_t keeps, kept, withheld; // KEYS_KEEP: how many, and what the last one said
	_Atomic uint32_t refuse_keys; // next installs that are refused as busy
	_Atomic int refuse_status; // what all installs are refused with, 0 = they are not
	_Atomic uint32_t hold_keys; // installs are answered when this is 0 again
	struct fog_link_session link; // the last one
	_Atomic uint32_t link_installs, link_removes, link_sends;
};

struct mini_worker {
	struct mini_dp *dp;
	unsigned index;
	pthread_t thread;
	_Atomic(struct mini_handover *) next; // worker sets it to NULL when it has switched
	struct fog_worker_rings *rings; // worker only
	_Atomic uint64_t goal; // messages to deliver
	uint8_t slot[1024];
};

struct mini_handover {
	struct fog_worker_rings *rings;
	uint32_t carried;
};

struct mini_dp {
	struct fog_session *session;
	struct fog_stats *stats;
	struct mini_record *record;
	pthread_t manager;
	atomic_bool stop;
	atomic_bool inject_off; // workers leave injected packets where they are
	atomic_uint fault; // workers + 1: report a faulty ring of this worker
	atomic_bool rings_faulty[MINI_WORKERS];
	struct fog_worker_rings *rings, *rings_old; // manager only
	bool key_held; // manager only: an install is not answered yet
	struct mini_handover handover[MINI_WORKERS];
	struct mini_worker worker[MINI_WORKERS];
};

// The record is the caller's. 'goal' messages come from every worker.
int mini_dp_start(
        struct mini_dp *, const char *path, uint32_t uid, struct mini_record *, uint64_t goal
);
void mini_dp_stop(struct mini_dp *);
// Parameters as mini_dp uses them, for tests that run the session by hand.
struct fog_session_params mini_params(const char *path, uint32_t uid);

struct mini_boot {
	uint8_t id[16];
	_Atomic uint64_t last[MINI_WORKERS];
};

// What the control plane stored: the last seq for every life of the data plane and worker.
struct mini_store {
	struct mini_boot boot[MINI_BOOTS];
	_Atomic uint32_t boots;
	_Atomic uint32_t gaps, duplicates, corrupt, refused;
	_Atomic uint64_t pong;
	_Atomic uint32_t ring_faults, attaches, detaches;
	_Atomic uint32_t accepted; // packets that inject has taken
};

struct mini_cp {
	struct fog_dpclient *client;
	struct mini_store *store;
	pthread_t thread;
	atomic_bool stop;
	atomic_bool refuse; // the store takes nothing
	atomic_bool hold; // what a dead data plane left unread has to wait
	_Atomic unsigned holds; // how often that was said
};

int mini_cp_start(struct mini_cp *, const char *path, struct mini_store *);
void mini_cp_stop(struct mini_cp *);
int mini_cp_inject(struct mini_cp *, uint32_t number);

// A blob that mini_dp takes; 'node' makes it differ. 'len' is sizeof(struct fog_blob).
void mini_blob(struct fog_blob *, uint64_t generation, uint8_t node);

void *mini_shared(size_t size); // zeroed memory that forked processes share
const char *mini_path(void); // a fresh socket path

static inline void mini_nap(void)
{
	usleep(500);
}

// Waits as long as a hung test may take; the assertion after it decides.
#define MINI_WAIT(condition) \
	for (int wait_ = 0; wait_ < 40000 && !(condition); wait_++) \
	mini_nap()
