// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What travels between the two processes: messages of dp.sock (SOCK_SEQPACKET, one struct a
// datagram, file descriptors by SCM_RIGHTS) and of the rings.
//
// Conversation:
//   control -> HELLO
//   data    -> WELCOME + fds: stats, evt, doorbell (pipe to read from, rung for the control plane),
//              deliver[n], wake[n] (pipes to write to, each wakes a sleeping worker)
//   control -> RINGS + fds: cmd, inject[n]
//   data    -> ATTACHED            from here on the rings are live
//   control -> CONFIG + fd: blob   -> CONFIG_ACK       any number of times
//   control -> KEYS_KEEP           -> KEY_ACK          first, and whenever one has died
//   control -> KEY_INSTALL         -> KEY_ACK          when its replay table is ready, which takes
//                                                      seconds; what comes meanwhile is answered
//   control -> LINK_INSTALL        -> LINK_ACK
//   control -> LINK_REMOVE         -> LINK_ACK
//   control -> LINK_SEND           no answer; after the messages before it
// A second HELLO on another connection replaces the first one. Closing the socket detaches.
// Anything out of order or of a wrong size: the connection is closed and counted.
//
// Bells are pipes and not eventfds: O_NONBLOCK belongs to the open file, which both ends of an
// eventfd share, so a hostile peer could clear it and block a worker in read or write. The two
// ends of a pipe are two open files, and only the peer's one is ever passed.
//
// Memory layouts, each consumer's index in memory that this consumer writes:
//   stats       see stats.h
//   evt         struct fog_ring_consumer of cmd (manager: wo), producer's half of evt
//   deliver[w]  struct fog_ring_consumer of inject[w] (worker: wo), producer's half of deliver[w]
//   cmd         struct fog_control_page, producer's half of cmd
//   inject[w]   producer's half of inject[w]
#pragma once

#include "link.h"
#include "ring.h"
#include "trace.h"

enum fog_msg_type {
	FOG_MSG_HELLO = 1,
	FOG_MSG_WELCOME = 2,
	FOG_MSG_RINGS = 3,
	FOG_MSG_ATTACHED = 4,
	FOG_MSG_CONFIG = 5,
	FOG_MSG_CONFIG_ACK = 6,
	FOG_MSG_KEY_INSTALL = 7,
	FOG_MSG_KEY_ACK = 9,
	FOG_MSG_KEYS_KEEP = 10,
	FOG_MSG_LINK_INSTALL = 11,
	FOG_MSG_LINK_REMOVE = 12,
	FOG_MSG_LINK_ACK = 13,
	FOG_MSG_LINK_SEND = 14,
};

struct fog_msg_header {
	uint32_t type; // enum fog_msg_type
	uint32_t size; // of the whole message
};

struct fog_msg_hello {
	struct fog_msg_header h;
	uint64_t magic;
	uint32_t abi;
	uint32_t reserved;
	char build[FOG_BUILD_LEN];
};

struct fog_msg_welcome {
	struct fog_msg_header h;
	uint64_t magic;
	uint32_t abi;
	uint32_t worker_count;
	char build[FOG_BUILD_LEN];
	uint8_t boot_id[16]; // random per start of the data plane: scope of ring sequence numbers
	uint64_t generation; // configuration in force
	uint8_t checksum[32];
	uint8_t key_id[FOG_MIX_KEYS_MAX][32]; // public keys of the installed mix keys, then zeros
	uint64_t stats_size;
	uint32_t deliver_slots, deliver_slot_size;
	uint32_t inject_slots, inject_slot_size;
	uint32_t cmd_slots, cmd_slot_size;
	uint32_t evt_slots, evt_slot_size;
};

struct fog_msg_rings {
	struct fog_msg_header h;
};

struct fog_msg_attached {
	struct fog_msg_header h;
};

struct fog_msg_config {
	struct fog_msg_header h;
	uint64_t generation;
};

// Answer to CONFIG, KEY_INSTALL and KEYS_KEEP.
struct fog_msg_ack {
	struct fog_msg_header h;
	uint64_t generation; // in force now
	uint8_t checksum[32];
	int32_t status; // 0 or negative errno
	char text[204]; // NUL-terminated sentence that names the mend; empty on success
};

struct fog_msg_key {
	struct fog_msg_header h;
	uint64_t epoch;
	uint8_t private_key[32]; // both sides wipe the message after use
	uint8_t public_key[32];
	uint8_t delay_key[32]; // AES-256 key of the delays, from the epoch's VRF; zero = random
};

// The keys that live. The data plane destroys every other key that it holds, and every replay table
// in its folder that belongs to none of these.
struct fog_msg_keys_keep {
	struct fog_msg_header h;
	uint32_t count;
	uint32_t withhold; // 1: it gives up those that live, too, but their tables stay
	uint64_t epoch[FOG_MIX_KEYS_MAX];
	uint8_t public_key[FOG_MIX_KEYS_MAX][32];
};

struct fog_msg_link_install {
	struct fog_msg_header h;
	struct fog_link_session session;
};

struct fog_msg_link_remove {
	struct fog_msg_header h;
	uint32_t rx_index; // base
	uint32_t reserved;
};

struct fog_msg_link_ack {
	struct fog_msg_header h;
	uint32_t rx_index;
	int32_t status; // 0, -EEXIST (the slot is in use), -ENOENT (nothing to remove), -ENOMEM, -EINVAL
};

struct fog_msg_link_send {
	struct fog_msg_header h;
	struct fog_link_send send;
};

// Head of the cmd memfd: what the control plane writes besides ring slots.
// Layout of that memfd: struct fog_control_page, then the cmd ring's producer half.
struct fog_control_page {
	_Atomic uint64_t heartbeat; // control plane: wo, grows at least once a second
	uint8_t reserved[FOG_CACHE_LINE - 8];
	struct fog_ring_consumer evt; // control plane: wo
	struct fog_ring_consumer deliver[FOG_WORKERS_MAX]; // control plane: wo
};

// deliver ring: a packet whose path ends here. 'data' is payload tag (32) and payload.
enum fog_deliver_type { FOG_DELIVER_PACKET = 1 };

enum { FOG_DELIVER_RECIPIENT = 1, FOG_DELIVER_SURB = 2 }; // bits of 'flags'

struct fog_deliver {
	uint8_t recipient[FOG_ID_LEN];
	uint8_t surb_id[16];
	uint32_t flags;
	uint32_t data_len;
	uint64_t arrival; // TSC when the worker took the frame
	uint32_t epoch; // low byte of the key epoch that it was made for
	uint32_t reserved;
	// data follows
};

// inject ring: a packet from our own control plane.
enum fog_inject_type {
	FOG_INJECT_UNWRAP = 1, // first hop is this node: through the whole path, as if received
	FOG_INJECT_FORWARD = 2, // first hop is 'next_hop': sent as it is, without delay
	FOG_INJECT_COVER =
	        3, // as FORWARD, when the worker's own clock says so: it is put into stock
};

struct fog_inject {
	uint8_t next_hop[FOG_ID_LEN]; // FORWARD and COVER, else zero
	uint32_t epoch; // low byte of the key epoch that it was made for
	uint32_t data_len; // one packet of the network's geometry
	// packet follows
};

// cmd ring.
enum fog_cmd_type {
	FOG_CMD_PING = 1, // answered by FOG_EVT_PONG with the same token
	// Stop rx, let the calendars run empty, then exit 0. The token is the time in ms for which all
	// goes on before; above FOG_DRAIN_GRACE_MAX_MS: as long as the configuration says.
	FOG_CMD_DRAIN = 2,
	FOG_CMD_LOG_LEVEL = 3, // arg[0] = enum fog_log_level of log/log.h
	FOG_CMD_TRACE_START = 4, // arg = sample, count, seconds, worker; answered by TRACE_STATE
	FOG_CMD_TRACE_STOP = 5, // at once, not answered
	FOG_CMD_CAPTURE_START = 6, // as TRACE_START; TRACE_STOP ends it, too
	FOG_CMD_LAST = FOG_CMD_CAPTURE_START,
};

struct fog_cmd {
	uint64_t token;
	uint32_t arg[4]; // zero where nothing is said about them
};

// evt ring.
enum fog_evt_type {
	FOG_EVT_PONG = 1,
	FOG_EVT_LINK = 2, // a port changed its link state: index, value 0/1
	FOG_EVT_REPLAY_FILL = 3, // replay table passed FOG_REPLAY_ALARM or is full: value = percent
	FOG_EVT_RING_FAULT =
	        4, // a ring of the control plane was found faulty: index = worker or ~0
	FOG_EVT_TRACE_STATE =
	        5, // index = 1 packets are traced, 0 no more; value = errno of a refusal
	FOG_EVT_TRACE = 6, // a struct fog_trace_record instead of a struct fog_evt
	FOG_EVT_CAPTURE = 7, // a struct fog_capture_record
	FOG_EVT_PUNT = 8, // a struct fog_link_punt
	FOG_EVT_LINK_REKEY = 9, // token = rx_index: a sub-session has sent rekey_packets
	FOG_EVT_LAST = FOG_EVT_LINK_REKEY,
};

struct fog_evt {
	uint64_t token;
	uint32_t index;
	uint32_t value;
};

enum { FOG_EVT_LEN_MAX = sizeof(struct fog_link_punt) }; // what a slot of evt has to hold

_Static_assert(sizeof(struct fog_msg_ack) == 256, "layout is part of the ABI");
_Static_assert(sizeof(struct fog_deliver) == 72, "layout is part of the ABI");
_Static_assert(sizeof(struct fog_inject) == 40, "layout is part of the ABI");
