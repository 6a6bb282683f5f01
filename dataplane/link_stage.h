// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stages of encrypted links: frames are opened between parser and path, and sealed between path and
// port, both in bursts. Worker thread.
#pragma once

#include "worker.h"

// A frame that the parser took: its mbuf holds the whole UDP payload, and this is where it came from.
struct fog_link_arrival {
	struct rte_mbuf *m;
	struct fog_ip ip;
	uint16_t udp_port;
};

// Judge up to FOG_BURST frames of one port. What holds a packet of the network goes to ready[], which
// has room for all of them; handshake messages and notices go to punt.h's stages, the rest is answered or dropped.
void stage_link_open(
        struct fog_worker *, unsigned port, const struct fog_link_arrival *, unsigned n,
        uint64_t now
);
// Queue a packet for the session with a next hop that is resolved, with its kind and epoch (pkt.h), or
// drop it (no_link). It is sealed and queued for its port by the stage_tx of this round at the latest:
// sessions outlast a round and no more.
void stage_link_seal_put(struct fog_worker *, struct rte_mbuf *, const struct fog_next_hop *);
// Seal what is queued and queue it for its ports.
void stage_link_seal(struct fog_worker *);

// Make a frame of kind NOTICE or NOTHING and queue it for the session 'rx_index' with a node, whatever its
// state; 'data' are the bytes of a notice, 'len' of them. It is counted as made. Returns 0, -ENOENT (no such
// session), -EMSGSIZE (a notice longer than fog_notice_room), -ENOTCONN (the session's key is used up),
// -ENETUNREACH (a client, or no port or neighbour leads there) or -ENOBUFS.
int stage_link_send_control(
        struct fog_worker *, uint32_t rx_index, enum fog_kind, const uint8_t *data, uint32_t len
);
// The same for a session with a client, which is at 'to': the hop has to last until the next
// stage_link_seal. -ENETUNREACH: it isn't resolved.
int stage_link_send_client(
        struct fog_worker *, uint32_t rx_index, const struct fog_next_hop *to, enum fog_kind,
        const uint8_t *data, uint32_t len
);
