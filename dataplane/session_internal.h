// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files of the session share. Tests and the fuzz target include it too, to hand in
// connections and messages without a socket file. Manager thread only.
#pragma once

#include "api/blob.h"
#include "api/shm.h"
#include "session.h"

enum {
	SESSION_CONNS = 4, // one attached, the rest on their way
	SESSION_BURST = 16, // messages taken from one connection per call
	SESSION_CMD_BURST = 16, // commands taken per call
	SESSION_CMD_SLOTS = 64,
	SESSION_EVT_SLOTS = 256,
	SESSION_EVT_RESERVE = 32, // slots that trace records leave to other events
};

// All rings that one control plane shares with us.
struct session_set {
	struct session_set *next;
	struct fog_shm evt_mem, deliver_mem[FOG_WORKERS_MAX]; // ours
	struct fog_shm cmd_mem, inject_mem[FOG_WORKERS_MAX]; // the peer's, read-only
	struct fog_ring_tx evt;
	struct fog_ring_rx cmd;
	struct fog_worker_rings rings[FOG_WORKERS_MAX];
};

enum session_conn_state {
	CONN_FREE,
	CONN_NEW, // HELLO comes next
	CONN_WELCOMED, // RINGS comes next
	CONN_ATTACHED,
};

struct session_conn {
	enum session_conn_state state;
	int fd;
	uint32_t uid;
	int pid;
	uint64_t arrival; // order of the connections
	struct session_set *set; // until handed to the manager, then only on the session's list
	char build[FOG_BUILD_LEN]; // printable
	bool key_owed; // a KEY_INSTALL is not answered yet
};

union session_msg {
	struct fog_msg_header h;
	struct fog_msg_hello hello;
	struct fog_msg_rings rings;
	struct fog_msg_config config;
	struct fog_msg_key key;
	struct fog_msg_keys_keep keep;
	struct fog_msg_link_install link_install;
	struct fog_msg_link_remove link_remove;
	struct fog_msg_link_send link_send;
};

struct fog_session {
	struct fog_session_params params;
	struct fog_session_ops ops;
	void *ctx;
	char path[108];
	char build[FOG_BUILD_LEN];
	int epoll_fd, listen_fd, stats_fd;
	int doorbell[2]; // our write end, the peer's read end
	int wake_rd[FOG_WORKERS_MAX]; // ours
	int wake_wr[FOG_WORKERS_MAX]; // the peer's
	int wake_own[FOG_WORKERS_MAX]; // a write end of our own: flags are per open file
	struct fog_shm stats_mem;
	struct fog_stats *stats;
	struct session_conn conn[SESSION_CONNS];
	struct session_conn *live; // the attached one or NULL
	struct session_set *live_set;
	struct session_set *sets; // handed to the manager
	uint64_t arrivals;
	uint64_t heartbeat, heartbeat_ms; // last value and when it moved
	union session_msg *msg; // locked memory: keys pass through it
};

// session_socket.c: a listening socket on 'path', or -errno, logged.
int session_listen(const struct fog_session_params *);

// session_rings.c
// Our half of a new set; deliver[worker_count] and *evt_fd are what the peer gets. 0 or -errno.
int session_set_create(
        struct fog_session *, struct session_set **, int *evt_fd, int deliver_fd[FOG_WORKERS_MAX]
);
// The peer's half, from fds {cmd, inject[worker_count]} that stay the caller's. 0, -EPROTO, -ENOMEM.
int session_set_open(struct fog_session *, struct session_set *, const int *fds);
void session_set_free(struct fog_session *, struct session_set *); // accepts NULL

// session_msg.c: handle the message in s->msg, 'len' bytes long. The descriptors stay the caller's.
// Returns 0, or -errno with *why: the connection has to be closed, and -EPROTO is a fault.
int session_message(
        struct fog_session *, struct session_conn *, size_t len, const int *fds, unsigned nfds,
        const char **why
);

// session_link.c: the same for the messages of links.
int session_link_message(
        struct fog_session *, struct session_conn *, size_t len, unsigned nfds, const char **why
);

// session.c
// Take over a connected socket. Returns the connection, or NULL (the socket is closed then).
struct session_conn *session_adopt(struct fog_session *, int fd, uint32_t uid, int pid);
void session_close(struct fog_session *, struct session_conn *, const char *why, bool fault);
