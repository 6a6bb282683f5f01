// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files of dpclient share.
#pragma once

#include <pthread.h>

#include "../dataplane/api/blob.h"
#include "../dataplane/api/shm.h"
#include "dpclient.h"
#include "now.h"

enum {
	DPCLIENT_TICK_MS = 100,
	DPCLIENT_BACKOFF_MIN_MS = 100,
	DPCLIENT_BACKOFF_MAX_MS = 1000,
	DPCLIENT_HANDSHAKE_MS = 10000, // workers have to leave the rings of the last attach
	DPCLIENT_KEY_RETRY_MS = 500, // between two requests for a key whose table is locked
	DPCLIENT_KEY_WAIT_MIN_MS =
	        500, // before a key that there was no room for is asked for again ...
	DPCLIENT_KEY_WAIT_MAX_MS = 30000, // ... twice as long each time, up to this
	DPCLIENT_LEAVE_MS = 5000, // how long living workers may take for our last packets
	DPCLIENT_BURST = 256, // messages taken from one ring per call
	DPCLIENT_OLD_MAX = 8, // sets of rings kept while the store refuses what is in them
	DPCLIENT_SLOTS_MAX = 1 << 20, // more than that no honest data plane offers
	DPCLIENT_SLOT_SIZE_MAX = (1 << 16) + 64,
};

// Sequence numbers of one life of the data plane; shared by its sets of rings.
struct dpclient_boot {
	unsigned refs; // control thread
	uint8_t id[16];
	uint64_t last[FOG_WORKERS_MAX]; // last seq handed out, 0 = none yet
};

// A mapped counter segment; readers in other threads keep it alive.
struct dpclient_mapping {
	unsigned refs; // under the lock
	struct fog_shm mem;
};

// All rings that we share with one data plane, or shared with one that is gone.
struct dpclient_set {
	struct dpclient_set *next; // in c->old: oldest first
	struct dpclient_boot *boot;
	struct dpclient_mapping *stats;
	struct fog_dpclient_geometry geometry;
	unsigned workers;
	struct fog_shm evt_mem, deliver_mem[FOG_WORKERS_MAX]; // the peer's, read-only
	struct fog_shm cmd_mem, inject_mem[FOG_WORKERS_MAX]; // ours
	struct fog_ring_rx evt, deliver[FOG_WORKERS_MAX]; // control thread
	struct fog_ring_tx cmd, inject[FOG_WORKERS_MAX]; // under the lock while live
	bool deliver_done[FOG_WORKERS_MAX]; // faulty, or carried over by the data plane
	uint32_t inject_from[FOG_WORKERS_MAX]; // once moving: next slot to hand on
	bool moving;
	uint64_t leave_ms; // set when its data plane has got newer rings from us, else 0
	int doorbell_fd, wake_fd[FOG_WORKERS_MAX];
};

// Wanted keys. Locked memory.
struct dpclient_keys {
	unsigned n;
	struct fog_msg_key msg[FOG_MIX_KEYS_MAX];
	struct fog_dpclient_ack ack[FOG_MIX_KEYS_MAX];
	uint64_t wait_ms[FOG_MIX_KEYS_MAX], due_ms[FOG_MIX_KEYS_MAX]; // of those without room
};

enum dpclient_request { REQUEST_NONE, REQUEST_INSTALL, REQUEST_KEEP };

struct fog_dpclient {
	struct fog_dpclient_ops ops;
	void *ctx;
	char path[108];
	char build[FOG_BUILD_LEN];

	// Control thread only.
	int epoll_fd, timer_fd;
	int sock; // -1 when not connected
	struct dpclient_set *making; // our rings are offered, not taken yet
	struct dpclient_set *old; // of earlier connections, oldest first
	const struct dpclient_set *giving; // the one whose message 'delivered' looks at right now
	uint64_t retry_ms, backoff_ms; // next attempt to connect
	uint64_t since_ms; // of the present state
	const char *complained; // last reason for a failed handshake in the log
	struct fog_msg_welcome welcome; // last one
	uint8_t *slot; // private copy of one ring slot, DPCLIENT_SLOT_SIZE_MAX
	struct fog_msg_link_install *link_message; // locked memory: keys pass through it

	int kick_fd; // any thread: there is something to do

	// Under the lock.
	pthread_mutex_t lock;
	pthread_cond_t answered;
	struct dpclient_set *live; // the control thread alone changes the pointer, under the lock
	struct fog_dpclient_status status;
	uint64_t peer_beat, peer_beat_ms; // the data plane's heartbeat and when it moved
	bool peer_faulty; // found by inject; the control thread detaches
	unsigned next_worker;
	bool config_asked; // the data plane owes us an answer
	uint8_t config_asked_id[32]; // checksum that it is about
	struct fog_blob *blob; // wanted configuration or NULL
	struct fog_dpclient_ack config;
	enum dpclient_request key_asked; // the same for keys: a table takes long to make
	uint8_t key_asked_id[32]; // INSTALL: public key that it is about
	struct dpclient_keys *keys;
	bool keys_known; // the caller has said which
	bool keys_withheld;
	bool keep_due; // KEYS_KEEP goes first
	unsigned keys_kept; // bit per status.key_id: named in the KEYS_KEEP on its way
	uint64_t key_retry_ms; // no key is asked for before
	bool key_room_told; // that there is none, since it was last enough
};

void dpclient_kick(const struct fog_dpclient *);
void dpclient_wake(const struct dpclient_set *, unsigned w);

// dpclient_rings.c; control thread.
// Check WELCOME and its descriptors and build the set. 'fds' stay the caller's but for the bells,
// which are replaced by -1. ours[1 + workers] is what the data plane gets; the caller closes it.
// Returns 0 or -errno with *why.
int dpclient_set_create(
        struct fog_dpclient *, const struct fog_msg_welcome *, int *fds, unsigned nfds,
        struct dpclient_set **, int *ours, const char **why
);
void dpclient_set_free(struct fog_dpclient *, struct dpclient_set *); // accepts NULL
// No longer live: keep it for what is still in it.
void dpclient_set_retire(struct fog_dpclient *, struct dpclient_set *);
// The data plane has taken c->live: nobody fills or empties sets of the same boot any more.
void dpclient_sets_superseded(struct fog_dpclient *);
// Log and count packets that nobody took out of the set's inject rings.
void dpclient_inject_give_up(struct fog_dpclient *, struct dpclient_set *);
// Take what waits in all rings, hand on left packets, free what is empty.
void dpclient_rings_process(struct fog_dpclient *);
void dpclient_events_take(struct fog_dpclient *, struct dpclient_set *);
void dpclient_mapping_put(struct dpclient_mapping *); // under the lock; accepts NULL

// dpclient_link.c; control thread. Hand on an answer about links, or a punt that was copied out of the
// ring. Return 0 or -EPROTO.
int dpclient_link_ack(struct fog_dpclient *, const struct fog_msg_link_ack *);
int dpclient_punt(struct fog_dpclient *, const struct fog_link_punt *);

// dpclient_conn.c; control thread.
void dpclient_connect(struct fog_dpclient *);
void dpclient_read(struct fog_dpclient *);
void dpclient_disconnect(struct fog_dpclient *, const char *why, bool fault);
// dpclient_keys.c; control thread, under the lock.
// The connection is gone: nothing that was answered counts for the next one.
void dpclient_keys_forget(struct fog_dpclient *);
// Returns 0 or -EPROTO: nobody asked.
int dpclient_key_answered(struct fog_dpclient *, const struct fog_msg_ack *);
// Send the next request about keys, unless one is not answered yet. Returns 0 or -errno.
int dpclient_keys_sync(struct fog_dpclient *);

// dpclient_conn.c again.
// Send the next thing that the data plane does not have yet.
void dpclient_sync(struct fog_dpclient *);
