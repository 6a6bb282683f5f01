// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Links as they look on the wire, and what the two processes tell each other about them.
//
// Every UDP payload on the mix port has one length: packet + FOG_LINK_OVERHEAD. It begins with the
// header (integers big-endian):
//
//   0   1   type (enum fog_frame_type)
//   1   3   reserved, zero
//   4   4   index: of the session at who receives the frame; in an INITIATION of who sends it
//   8   8   counter; zero but in DATA
//
// DATA: AES-256-GCM (nonce = 4 zero bytes, counter; the header is the associated data) over exactly
// one packet, then the tag. Of the packet, the two constant prefix bytes give way to
//   0   1   kind (enum fog_kind)
//   1   1   key epoch: low byte of the epoch whose keys the sender used; hops copy it
// and a NOTICE is  kind | 0 | length 2 | bytes | zeros.
//
// INITIATION: Noise_IK message 1 (e 32, static 48, payload sizeof(struct fog_link_hello) + 16), then
// MAC1 16, MAC2 16, random bytes to the end.
// RESPONSE: Noise_IK message 2 (e 32, payload sizeof(struct fog_link_hello) + 16), MAC1, MAC2, random.
// COOKIE: nonce 24, XChaCha20-Poly1305 of the cookie 16 + 16 (associated data: MAC1 of the initiation
// that it answers), random.
// MACs, cookies and the keys of sub-sessions: ../crypto/link.h.
//
// A session has one sub-session for each sending worker of either side. Whoever receives gives out
// indices: base + number of the sending worker; the low FOG_LINK_SUB_BITS of a base are zero, the
// FOG_LINK_SLOT_BITS above them say where the receiver keeps the session, the rest is random. Each
// sub-session has its own key and its own counter, which starts at 0 and never comes again.
//
// Sources: Noise Protocol Framework, revision 34 (pattern IK); the WireGuard paper (NDSS 2017) for
// cookies, confirmation and timers; RFC 6479 for windows.
#pragma once

#include <stdbool.h>

#include "abi.h"

enum fog_frame_type {
	FOG_FRAME_INITIATION = 1,
	FOG_FRAME_RESPONSE = 2,
	FOG_FRAME_COOKIE = 3,
	FOG_FRAME_DATA = 4,
};

enum fog_kind {
	FOG_KIND_NOTHING = 0, // consumed by the worker that receives it: confirms a session
	FOG_KIND_SPHINX = 1,
	FOG_KIND_NOTICE = 2, // for the peer's control plane
};

enum {
	FOG_FRAME_HEADER = 16,
	FOG_FRAME_TAG = 16,
	FOG_LINK_OVERHEAD = FOG_FRAME_HEADER + FOG_FRAME_TAG,
	FOG_LINK_MAC = 16,
	FOG_LINK_SUB_BITS = 6, // FOG_WORKERS_MAX sub-sessions
	FOG_LINK_SLOT_BITS = 12,
	FOG_LINK_SLOTS = 1 << FOG_LINK_SLOT_BITS, // sessions that a data plane holds at once
	FOG_LINK_WINDOW = 8192, // counters behind the highest that are still taken
	FOG_LINK_CLIENT_SUBS =
	        4, // sub-sessions that a client may send with: each takes locked memory
	FOG_NOTICE_MAX = 1280, // bytes of a notice; also limited by the packet (fog_notice_room)
	FOG_NOTICE_HEADER = 4,
	FOG_INITIATION_LEN = FOG_FRAME_HEADER + 32 + 48 + 96 + 2 * FOG_LINK_MAC, // without padding
	FOG_RESPONSE_LEN = FOG_FRAME_HEADER + 32 + 96 + 2 * FOG_LINK_MAC,
	FOG_COOKIE_LEN = FOG_FRAME_HEADER + 24 + 16 + 16,
};

// Payload of both handshake messages; integers big-endian on the wire.
struct fog_link_hello {
	char protocol[24]; // "/betanet/mix/1.2.0", zeros behind
	uint8_t network[16]; // first bytes of the network's hash
	uint64_t time_ns; // UNIX time of the sender; grows with every initiation of a static key
	uint32_t features; // bits
	uint32_t index; // base of the indices under which the sender receives
	uint16_t senders; // workers that the sender sends with: 1..FOG_WORKERS_MAX
	uint8_t reserved[22]; // zero
};

_Static_assert(sizeof(struct fog_link_hello) == 80, "as on the wire");

static inline uint32_t fog_link_slot(uint32_t index)
{
	return index >> FOG_LINK_SUB_BITS & (FOG_LINK_SLOTS - 1);
}

static inline uint32_t fog_link_base(uint32_t index)
{
	return index & ~((UINT32_C(1) << FOG_LINK_SUB_BITS) - 1);
}

static inline uint32_t fog_notice_room(uint32_t packet_len)
{
	uint32_t room = packet_len - FOG_NOTICE_HEADER;
	return room < FOG_NOTICE_MAX ? room : FOG_NOTICE_MAX;
}

enum fog_link_class {
	FOG_LINK_NODE = 1, // a node of the topology
	FOG_LINK_CLIENT = 2, // unknown static key: a packet budget, and its address may change
};

// What the control plane tells of a new session (dp.sock, FOG_MSG_LINK_INSTALL). Replaces nothing: a
// slot in use is refused with -EEXIST. The first session of a node becomes the one to send with at
// once if we initiated it, else with the first valid frame that comes under it; so does every later
// one, and the one before goes on receiving until it is removed.
struct fog_link_session {
	uint32_t class; // enum fog_link_class
	uint32_t rx_index, tx_index; // bases: ours, the peer's
	uint16_t rx_count; // sub-sessions that the peer sends with
	uint16_t initiator; // 1: we are
	uint8_t node_id[FOG_ID_LEN]; // zero for a client
	uint8_t static_key[32]; // the peer's
	uint8_t rx_key[32], tx_key[32]; // of the directions; wiped by both sides after use
	struct fog_ip ip; // the peer's; of a client, where it was last
	uint16_t port; // UDP
	uint16_t reserved;
	uint32_t rate, burst; // client: packets per second and at once; rate 0 = no limit
	uint32_t reserved2;
	uint64_t rekey_packets; // sent by one sub-session: FOG_EVT_LINK_REKEY, once
	uint64_t reject_packets; // ... and from here on refused (no_link), as the peer does
};

// What the control plane wants to have sent to a peer (FOG_MSG_LINK_SEND). A handshake message goes to
// the address given, padded to the frame's length with random bytes; its MACs are complete. NOTICE and
// NOTHING go through the session 'rx_index' (of any state, also one that is not yet sent with), to a client
// at the address from which its newest frame came.
struct fog_link_send {
	uint32_t type; // enum fog_frame_type
	uint32_t kind; // enum fog_kind; DATA only
	uint32_t rx_index; // DATA only
	uint32_t len;
	struct fog_ip ip;
	uint16_t port;
	uint16_t reserved;
	uint8_t data[FOG_NOTICE_MAX];
};

// Whether type, kind and length go together.
static inline bool fog_link_send_good(const struct fog_link_send *m)
{
	switch (m->type) {
	case FOG_FRAME_INITIATION:
		return m->len == FOG_INITIATION_LEN && m->data[0] == m->type;
	case FOG_FRAME_RESPONSE:
		return m->len == FOG_RESPONSE_LEN && m->data[0] == m->type;
	case FOG_FRAME_DATA:
		return (m->kind == FOG_KIND_NOTICE && m->len <= FOG_NOTICE_MAX) ||
		        (m->kind == FOG_KIND_NOTHING && m->len == 0);
	default:
		return false; // cookies are the workers' to make
	}
}

// What the data plane passes on unopened (FOG_EVT_PUNT), at most so many at once, the rest is dropped:
// handshake messages whose MACs are right, up to the end of MAC2; notices of nodes and clients.
struct fog_link_punt {
	uint32_t type; // enum fog_frame_type
	uint32_t rx_index; // DATA: base of the session that it came through
	uint32_t len;
	uint32_t reserved;
	struct fog_ip ip; // where it came from
	uint16_t port;
	uint16_t reserved2;
	uint8_t data[FOG_NOTICE_MAX]; // a handshake message, header first; or the bytes of a notice
};

enum fog_link_state {
	FOG_LINK_FREE = 0,
	FOG_LINK_WAITING = 1, // not yet sent with: nothing valid has come under it
	FOG_LINK_SENDING = 2, // the one that we send with
	FOG_LINK_OLD = 3, // receives only, another one has taken its place
};

// A session as the statistics show it; manager: wo.
struct fog_link_stats {
	uint32_t state; // enum fog_link_state
	uint32_t class;
	uint32_t rx_index, tx_index;
	uint8_t node_id[FOG_ID_LEN];
	uint8_t static_key[32];
	struct fog_ip ip;
	uint16_t port;
	uint16_t rx_count;
	uint64_t installed_ns; // CLOCK_MONOTONIC
	uint64_t rx, tx; // valid frames, all workers
	uint64_t
	        rx_ns; // CLOCK_MONOTONIC of the last look that found rx grown; 0 = nothing has come yet
};
