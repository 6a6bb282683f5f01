// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The links of a node: handshakes with all other nodes of the topology and, at a gateway, with clients;
// which sessions the data plane has, and when each is replaced and removed (README.md has the rules).
//
// Pure of I/O: what happens comes in through the functions below, what is to be done goes out through
// the ops, and every function is told the time (milliseconds of a clock that never goes back). All on
// one thread, the control thread, but for fog_links_status and fog_links_rekey_all. The ops are called
// from inside the functions and may not call back into them, but for fog_links_notice from 'up' and
// 'notice', and fog_links_client_notice from 'client_notice'.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../dataplane/api/link.h"
#include "../mixnet/topology.h"

struct fog_links;

struct fog_links_ops {
	// To the data plane, in this order on its way. Return 0, -ENOTCONN or -ENOBUFS (tried again
	// later). 'session' holds keys; it is wiped after the call.
	int (*install)(void *ctx, const struct fog_link_session *session);
	int (*remove)(void *ctx, uint32_t rx_index);
	int (*send)(void *ctx, const struct fog_link_send *);
	// A notice came from this node of the topology. May be NULL.
	void (*notice
	)(void *ctx, const uint8_t node_id[FOG_ID_LEN], const uint8_t *data, size_t len);
	// A notice came from the client with this static key. May be NULL.
	void (*client_notice
	)(void *ctx, const uint8_t static_key[32], const uint8_t *data, size_t len);
	// A link with this node came up, also again after it was down. May be NULL.
	void (*up)(void *ctx, const uint8_t node_id[FOG_ID_LEN]);
	// The clock that handshakes compare, UNIX time.
	uint64_t (*now_unix_ns)(void *ctx);
};

// Who we are. 'link_private' lies in locked memory and must outlive the object.
struct fog_links_self {
	uint8_t node_id[FOG_ID_LEN];
	const uint8_t *link_private;
	uint8_t link_public[32];
	uint16_t minor; // of the protocol; fog_protocol_minor
};

// What the network and the configuration want. The topology is only looked at during the call.
struct fog_links_wanted {
	const struct fog_topology *topology; // NULL, or of a network without links: no links at all
	uint8_t network[32]; // its hash
	uint32_t clients; // at once; 0 = none, as on everything but a gateway
	uint32_t client_rate, client_burst;
};

// Returns 0, -EINVAL (the private key is not usable), -ENOMEM (also: memory can't be locked).
int fog_links_create(const struct fog_links_self *, const struct fog_links_ops *, void *ctx, struct fog_links **);
void fog_links_destroy(struct fog_links *); // wipes; accepts NULL

// Follow topology and configuration: links with new nodes, or with another key or address, are made,
// those with nodes that have gone, or have another key, go after FOG_LINKS_LEAVING_MS. Returns 0 or -ENOMEM (as it was before).
int fog_links_configure(struct fog_links *, const struct fog_links_wanted *, uint64_t now_ms);

// A data plane is there. 'senders' is its number of workers. One of another boot has none of our
// sessions; of the same, it has kept them.
void fog_links_attached(
        struct fog_links *, const uint8_t boot_id[16], uint16_t senders, uint64_t now_ms
);
void fog_links_detached(struct fog_links *);

void fog_links_punt(struct fog_links *, const struct fog_link_punt *, uint64_t now_ms);
// The data plane's answer to install (0, -EEXIST, ...) or remove.
void fog_links_link_ack(struct fog_links *, uint32_t rx_index, int status, uint64_t now_ms);
// FOG_EVT_LINK_REKEY.
void fog_links_rekey(struct fog_links *, uint32_t rx_index);
// The sessions that the data plane has now: all slots of its statistics that are not free, read in one
// piece. About once a second while attached; the first time soon after it.
void fog_links_seen(
        struct fog_links *, const struct fog_link_stats *, unsigned count, uint64_t now_ms
);
// Whatever is due. Four times a second or so.
void fog_links_tick(struct fog_links *, uint64_t now_ms);

// Send a notice to a node, through the session that we send with. Returns 0, -ENOTCONN (no session, or
// no data plane), -ENOBUFS, -EMSGSIZE (longer than FOG_NOTICE_MAX).
int fog_links_notice(
        struct fog_links *, const uint8_t node_id[FOG_ID_LEN], const uint8_t *data, size_t len
);

// The same to a client, through the session that its last notice came through, or else the newest one.
int fog_links_client_notice(
        struct fog_links *, const uint8_t static_key[32], const uint8_t *data, size_t len
);

// What handshakes came to, for metrics: X(NAME, "label", "sentence").
#define FOG_LINKS_OUTCOMES(X) \
	X(INITIATED, "initiated", "initiations sent") \
	X(COMPLETED, "completed", "initiations of ours that a session came of") \
	X(ANSWERED, "answered", "initiations of others that a session came of") \
	X(TIMEOUT, "timeout", "initiations that nothing valid answered in time") \
	X(COOKIE, "cookie", "initiations that were answered with a cookie") \
	X(REFUSED_CLOCK, "refused_clock", "handshakes refused because clocks are too far apart") \
	X(REFUSED_FULL, "refused_full", "initiations refused because there are enough clients") \
	X(REFUSED_SENDERS, "refused_senders", \
	  "initiations refused because a client sends with too many workers") \
	X(REFUSED_BY_PEER, "refused_by_peer", "initiations of ours that the peer refused") \
	X(REFUSED_KEY, "refused_key", "initiations of a static key that no node has") \
	X(REFUSED_REPLAY, "refused_replay", "initiations no newer than the last one of their key") \
	X(REFUSED_VERSION, "refused_version", \
	  "handshakes of another major version of the protocol") \
	X(MALFORMED, "malformed", "handshake messages that don't decrypt or parse") \
	X(STRAY, "stray", "responses and cookies that no initiation of ours is waiting for") \
	X(NO_SLOT, "no_slot", "handshakes not made because all session slots are in use") \
	X(NOT_INSTALLED, "not_installed", "sessions that the data plane did not take")

enum fog_links_outcome {

#define X(name, label, text) FOG_LINKS_##name,
	FOG_LINKS_OUTCOMES(X)
#undef X
	        FOG_LINKS_OUTCOME_COUNT
};

enum fog_link_status_state {
	FOG_LINK_STATUS_DOWN, // nothing to send with
	FOG_LINK_STATUS_STALE, // there is a session, but nothing comes any more: the peer may be gone
	FOG_LINK_STATUS_UP,
};

enum {
	FOG_LINKS_STALE_MS = 45000, // a peer beats every 10 s
	FOG_LINKS_LEAVING_MS =
	        30000, // sessions outlive their node: it beats until it has noticed, too
};

struct fog_link_status {
	uint32_t class; // enum fog_link_class
	uint32_t state; // enum fog_link_status_state
	uint8_t node_id[FOG_ID_LEN]; // zero for a client
	char name[32]; // of a node
	uint8_t static_key[32];
	struct fog_ip ip;
	uint16_t port;
	uint16_t minor; // spoken; only with has_version
	bool has_version; // false: we did not make this session, a control plane before us did
	bool has_offset;
	uint32_t features; // that both have
	int64_t offset_ms; // the peer's clock minus ours, at the last handshake
	uint64_t age_ms; // of the session that we send with, UINT64_MAX: there is none
	uint64_t handshake_ago_ms; // since one last succeeded, UINT64_MAX: never
	uint32_t tries; // initiations since then
	uint32_t sessions; // at the data plane
	uint64_t rx, tx; // frames of these
	uint32_t refusal; // of the last try by the peer, enum fog_link_refusal
};

struct fog_links_summary {
	bool active; // the network has links
	unsigned nodes, up; // other nodes of the topology; linked with
	unsigned clients;
	unsigned clocks, clocks_off; // nodes whose clock we know; off by more than the tolerance
	int64_t offset_ms; // median of what we know; positive: the others are ahead
	uint32_t tolerance_ms;
	uint64_t outcome[FOG_LINKS_OUTCOME_COUNT];
};

// As of the last tick, nodes before clients. Any thread. Writes up to 'max' links and returns how many
// there are; 'out' may be NULL with max 0.
unsigned fog_links_status(
        struct fog_links *, struct fog_links_summary *, struct fog_link_status *out, unsigned max
);
// Replace the sessions with all nodes at the next tick. Any thread.
void fog_links_rekey_all(struct fog_links *);
