// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What travels with a packet: the private area of its mbuf. Written by the worker that holds the
// packet, read by nobody else.
#pragma once

#include <rte_mbuf.h>

#include "api/abi.h"

enum { FOG_PEER_NONE = 0xffff };

struct fog_pkt {
	uint8_t next_hop[FOG_ID_LEN]; // node ID, resolved again at release; never an index
	uint64_t arrival; // TSC when the worker took the frame
	uint64_t due; // TSC when it may leave: arrival + owed delay
	uint16_t peer; // statistics slot of the sender, FOG_PEER_NONE when unknown or injected
	uint16_t trace; // place of its trace record + 1; 0 = not traced
	uint32_t trace_serial; // of that record: places are used again
	uint8_t kind; // enum fog_kind
	uint8_t epoch; // low byte of the key epoch that the packet was made for
	uint16_t headers; // bytes in front of the UDP payload, as the frame came
};

enum { FOG_PKT_PRIV_SIZE = 64 };

_Static_assert(sizeof(struct fog_pkt) <= FOG_PKT_PRIV_SIZE, "fits the mbuf's private area");

static inline struct fog_pkt *fog_pkt(struct rte_mbuf *m)
{
	return rte_mbuf_to_priv(m);
}
