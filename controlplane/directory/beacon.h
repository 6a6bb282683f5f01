// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The network's public randomness, one value an epoch, that no single authority chooses:
//
//   beacon(e+1) = SHA-256("fogline beacon v1" | network | e+1, 8 bytes big-endian | beacon(e) |
//                         betas of the authorities' VRFs over beacon(e), 64 bytes each, ascending)
//
// Authority a's output is its ECVRF (../vrf/vrf.h) of
//   "fogline beacon share v1" | network | e+1, 8 bytes big-endian | beacon(e),
// so it can be withheld, and that is recorded, but not chosen. Whoever reveals last and holds k keys can
// choose among 2^k values: that is the bias. An epoch without a consensus goes on with no outputs at
// all, so everybody who knows one beacon knows those of later epochs without a consensus.
// Before the first consensus it is the static beacon (../vrf/delay.h).
//
// Delays of epoch e are drawn from beacon(e-1): known when the epoch's key is handed to the data plane,
// and unknown when a VRF key that counts in e was announced.
// Pure, any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../mixnet/topology.h"

enum { FOG_BEACON_SHARE_LEN = 23 + 32 + 8 + 32 }; // alpha of a share

// alpha of the shares of beacon 'epoch'. Returns FOG_BEACON_SHARE_LEN.
size_t fog_beacon_share(
        const uint8_t network[32], uint64_t epoch, const uint8_t previous[32],
        uint8_t alpha[FOG_BEACON_SHARE_LEN]
);
// 'betas': count * 64 bytes, in any order; sorted here. 'count' <= FOG_AUTHORITIES_MAX.
void fog_beacon_next(
        const uint8_t network[32], uint64_t epoch, const uint8_t previous[32],
        const uint8_t (*betas)[64], unsigned count, uint8_t out[32]
);
// The beacon of 'epoch' from the one of 'from' <= epoch, when no consensus came between them.
void fog_beacon_extend(
        const uint8_t network[32], uint64_t from, const uint8_t beacon[32], uint64_t epoch,
        uint8_t out[32]
);
