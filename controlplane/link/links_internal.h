// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files of links.c share. All on the control thread, but for the snapshot.
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "hello.h"
#include "links.h"
#include "noise.h"

enum {
	LINKS_RETRY_FIRST_MS = 250, // after the first initiation; doubles
	LINKS_RETRY_MAX_MS = 30000,
	LINKS_REFUSED_MS = 5000, // after a refusal at least
	LINKS_HOLD_MS = 1000, // after an answer: the session that comes of it is as good as ours
	LINKS_BEAT_MS = 10000, // NOTHING through the session that we send with
	LINKS_BEAT_FIRST_MS = 1000, // until something has come
	LINKS_BEAT_FIRST_FOR_MS = 15000,
	LINKS_OLD_MS = 30000, // a session goes when another one was heard for so long and it wasn't
	LINKS_WAITING_MS = 40000, // for the first frame of a session that we answered
	LINKS_WAITING_CLIENT_MS = 5000,
	LINKS_CONFIRM_MS =
	        500, // a look so long after the answer shows whether the client took it up
	LINKS_IDLE_CLIENT_MS = 300000,
	LINKS_ACK_MS = 5000, // a message to the data plane that has no effect by then is lost
	LINKS_COOKIE_MS = 120000,
	LINKS_SESSIONS_MAX = 8, // of one peer
	LINKS_SESSIONS_CLIENT_MAX = 3, // of one client
	LINKS_SLOTS_NODE = 3, // kept from clients for each node: two sessions and a handshake
};

// Packets under one key: AES-256-GCM stays far from its limits (RFC 8446, section 5.5: 2^24.5 records of
// full size for TLS's margin; here the margin is 2^-40 at 2^32 packets of 1,440 bytes).
enum { LINKS_REJECT_FACTOR = 4 };

enum links_slot {
	SLOT_FREE,
	SLOT_PENDING, // named in an initiation of ours
	SLOT_SENT, // install was sent
	SLOT_LIVE, // the data plane has it
	SLOT_LEAVING, // so it has, but its node has gone: what is on its way may still come
	SLOT_REMOVING, // remove was sent, or is to be sent
};

struct links_peer;

struct links_session {
	enum links_slot slot;
	uint32_t rx_index;
	enum fog_link_state state; // at the data plane, as last seen
	struct links_peer *peer; // NULL: nobody's, to be removed
	struct links_session *next; // of the same peer
	bool initiator, has_version;
	uint16_t minor;
	uint32_t features;
	uint64_t made_ms, // install
	        old_ms, // since when another one is sent with
	        heard_ms, // last look that found rx grown; 0 = nothing has come
	        beat_ms, // next one
	        sent_ms; // last message about it to the data plane; SLOT_LEAVING: since when
	uint64_t rekey_ms; // age at which it is replaced
	uint64_t rx, tx;
	unsigned missing; // looks in a row that did not find it
	bool install_open; // its answer is still to come
};

struct links_peer {
	enum fog_link_class class;
	uint8_t node_id[FOG_ID_LEN], static_key[32];
	char name[32];
	struct fog_ip ip;
	uint16_t port;
	struct links_session *session; // list, newest first, without SLOT_PENDING
	uint32_t notice_index; // rx_index of the session that its last notice came through

	// Our initiations; not of clients.
	struct fog_noise *noise; // under way, locked memory; NULL: none
	struct links_session *pending; // its slot
	uint8_t mac1[FOG_LINK_MAC]; // of it, for a cookie; ...
	bool cookie_open; // ... and whether one is still taken
	uint64_t sent_ns; // its time, UNIX
	uint64_t due_ms; // give it up; or, with none under way, begin the next one not before this
	uint32_t wait_ms; // how long it gets
	uint32_t tries; // since the last success
	uint64_t replace_ms; // sessions made until then are to be replaced, 0: none
	bool has_cookie;
	uint8_t cookie[16];
	uint64_t cookie_ms; // when it ends

	uint64_t time_ns; // of its last initiation: none that is not newer counts
	uint64_t time_ms; // when that came
	uint64_t refused_ns; // time of its last initiation that was refused for its clock
	uint64_t success_ms; // last handshake, 0 = never
	bool has_offset;
	int64_t offset_ns; // its clock minus ours
	uint32_t refusal; // by it
};

struct fog_links {
	struct fog_links_self self;
	uint8_t mac1_key[32]; // of what comes to us; the data plane has checked, so do we
	struct fog_links_ops ops;
	void *ctx;

	bool active; // the network has links
	uint8_t prologue[FOG_PROLOGUE_LEN], network[32];
	uint64_t tolerance_ns, rekey_ms, rekey_packets;
	uint32_t clients_max, client_rate, client_burst;
	uint32_t tolerance_ms;

	bool attached;
	bool looked; // since then, so that we know which slots are free
	uint64_t looked_ms; // last time
	bool refusal_told; // of a session by this data plane
	uint8_t boot_id[16];
	uint16_t senders;
	uint64_t time_ns; // of our last initiation or response

	struct links_peer **node; // [nodes]
	unsigned nodes;
	struct links_peer **client; // [FOG_LINK_SLOTS], the first 'clients' are used
	unsigned clients;
	struct links_session session[FOG_LINK_SLOTS];
	struct fog_noise *scratch; // locked memory
	uint8_t *keys; // 64 bytes of it
	uint64_t outcome[FOG_LINKS_OUTCOME_COUNT];
	atomic_bool rekey_all;

	pthread_mutex_t lock; // guards all below
	struct fog_links_summary summary;
	struct fog_link_status *status; // [status_count] of room for all nodes and FOG_LINK_SLOTS
	unsigned status_count, status_room;
};

// links.c
struct links_peer *links_peer_by_key(struct fog_links *, const uint8_t static_key[32]);
struct links_peer *links_peer_make(enum fog_link_class, const uint8_t static_key[32]);
void links_peer_free(struct links_peer *); // it has no session any more
// A new client, or NULL: there is no memory, or no room.
struct links_peer *links_client_add(struct fog_links *, const uint8_t static_key[32]);
bool links_client_full(const struct fog_links *); // with sessions
// Of the clients that never took up what they were answered, the eldest loses its place. Whoever can
// still be about to keeps it.
void links_client_evict(struct fog_links *, uint64_t now_ms);
// The clock of handshakes: never the same twice.
uint64_t links_time(struct fog_links *);
void links_say_offset(struct fog_links *, struct links_peer *);

// links_initiate.c
void links_initiate_later(struct links_peer *, uint64_t now_ms); // twice as late as last time
void links_initiate(struct fog_links *, struct links_peer *, uint64_t now_ms);
void links_initiate_stop(struct links_peer *); // wipes what is under way
void links_initiate_tick(struct fog_links *, struct links_peer *, uint64_t now_ms);
void links_read_response(struct fog_links *, const struct fog_link_punt *, uint64_t now_ms);
void links_read_cookie(struct fog_links *, const struct fog_link_punt *, uint64_t now_ms);

// links_answer.c
void links_read_initiation(struct fog_links *, const struct fog_link_punt *, uint64_t now_ms);

// links_message.c: headers, MACs.
uint32_t links_header_index(const uint8_t *msg);
bool links_header_valid(const struct fog_link_punt *, enum fog_frame_type, uint32_t len);
void links_hello_make(struct fog_links *, struct fog_hello *, uint32_t index, uint16_t senders);
// Complete 'send' (type, data up to MAC1) with MACs; 'cookie' may be NULL.
void links_macs_put(
        struct fog_link_send *, uint32_t len, const uint8_t receiver[32], const uint8_t *cookie
);
bool links_mac1_right(const struct fog_links *, const struct fog_link_punt *);
uint64_t links_abs(int64_t);

// links_session.c
struct links_session *links_slot_take(struct fog_links *); // SLOT_PENDING, or NULL: all are in use
// Whether clients may get no more slots: the rest is for nodes.
bool links_slots_scarce(const struct fog_links *);
void links_slot_free(struct links_session *); // not in its peer's list (any more)
struct links_session *links_session_find(struct fog_links *, uint32_t rx_index); // NULL; any state
// Hand the session of a finished handshake to the data plane. Takes 'slot' in any case.
// Returns 0 or what install said.
int links_session_install(
        struct fog_links *, struct links_session *slot, struct links_peer *,
        const struct fog_hello *, const struct fog_noise *, bool initiator,
        const struct fog_link_punt *, uint64_t now_ms
);
void links_session_remove(struct fog_links *, struct links_session *, uint64_t now_ms);
// Of a node that has gone: removed after a while (links_leaving_tick).
void links_session_leave(struct links_session *, uint64_t now_ms);
void links_leaving_tick(struct fog_links *, uint64_t now_ms);
void links_session_drop(struct links_session *); // the data plane has it no more
struct links_session *links_sending(const struct links_peer *); // NULL: none
void links_session_sending(struct fog_links *, struct links_session *, uint64_t now_ms);
void links_sessions_tick(struct fog_links *, struct links_peer *, uint64_t now_ms);
uint64_t links_heard(const struct links_peer *);
void links_replace(struct links_peer *); // all its present sessions
// Whether anything valid has come under one of its sessions: only then is it where it says.
bool links_confirmed(const struct links_peer *);
bool links_stale(const struct links_peer *, uint64_t now_ms);

// links_status.c
void links_publish(struct fog_links *, uint64_t now_ms);
int links_status_room(struct fog_links *, unsigned nodes); // 0 or -ENOMEM
