// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Packets that are ready to be sent, and what became of each. Making one costs more than an
// appliance needs to open it, so all are made before the first is sent.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "../../dataplane/crypto/delay.h"
#include "maker.h"

struct pool_slot {
	_Atomic uint64_t stamp; // TSC of the latest sending; the sending thread writes
	_Atomic uint32_t sent; // times; the sending thread writes
	uint32_t received; // times; the sink alone
	uint64_t owed_us; // by all appliances of the path; constant
};

struct pool {
	uint8_t *frames; // frame_len bytes each
	struct pool_slot *slot;
	uint32_t count;
	uint32_t frame_len;
	uint64_t run; // number in the payloads
	double seconds; // that making took
};

// The delay law of the network under a known seed; NULL: what is owed is not known.
struct pool_delays {
	struct fog_delay_law law;
	struct fog_aes_key key;
};

// Make 'count' packets. Returns 0 or -errno with the reason on stderr.
int pool_open(struct pool *, struct maker *, uint32_t count, const struct pool_delays *);
void pool_close(struct pool *); // accepts a zeroed pool

static inline const uint8_t *pool_frame(const struct pool *p, uint32_t i)
{
	return p->frames + (size_t)i * p->frame_len;
}
