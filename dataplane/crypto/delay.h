// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What delay the node owes a packet, in integers only, so that anyone can recompute it.
//
// owed = Q(u) + min(node_delay, cap), with u = first 8 bytes (big endian) of AES-256 of tag[0:16]
// under the delay key, and Q the quantile function of the exponential law with the given mean,
// truncated (conditioned) at max. Q is a table of the standard exponential with linear
// interpolation; all arithmetic is in unsigned integers, no libm, so every implementation agrees to
// the microsecond. Against the real law it is less than 1 us off at a mean of 10 s (checked by
// tests/unit/core/delay_check.py), but for the last 2^-36 of the law. No DPDK.
#pragma once

#include <stdint.h>

#include "aes.h"

// The longest tick of any node's calendar: the least delay is a tick, and the calendar itself is late
// by one at the most.
enum { FOG_DELAY_TICK_MAX_US = 100 };

struct fog_delay_law {
	uint32_t mean_us; // of the exponential before truncation
	uint32_t max_us; // truncation point
	uint32_t cap_ms; // most of the sender's node_delay that is honoured
	uint64_t scale; // F(max) as a fraction of 2^64, from mean and max
};

// Returns 0, -EINVAL (mean 0, max < mean, or max over 3600 s).
int fog_delay_law_init(struct fog_delay_law *, uint32_t mean_us, uint32_t max_us, uint32_t cap_ms);
// The delay key that 'seed' (not 0) stands for: tests only, everybody can compute it.
void fog_delay_key_seeded(struct fog_aes_key *, uint64_t seed);
// Quantile of the standard exponential (mean 1) at u / 2^64, in units of 2^-32. Monotone in u, under 45.
uint64_t fog_delay_exponential(uint64_t u);
// Quantile of the truncated law at u / 2^64, in microseconds. Monotone in u, at most max_us.
uint32_t fog_delay_quantile(const struct fog_delay_law *, uint64_t u);
// The uniform of one packet from its replay tag.
uint64_t fog_delay_uniform(const struct fog_aes_key *delay_key, const uint8_t tag[32]);
// Owed delay in microseconds, without the "at least one tick" which the calendar adds.
uint64_t fog_delay_owed(
        const struct fog_delay_law *, const struct fog_aes_key *delay_key, const uint8_t tag[32],
        uint32_t node_delay_ms
);
// The same for 'n' packets, which is cheaper.
void fog_delay_owed_batch(
        const struct fog_delay_law *, const struct fog_aes_key *delay_key, unsigned n,
        const uint8_t *const tag[], const uint32_t node_delay_ms[], uint64_t owed[]
);
