// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Makes distinct valid packets in whole frames, a SIMD batch at a time. One thread an object.
#pragma once

#include "frame.h"
#include "route.h"

enum { MAKER_BATCH = FOG_SPHINX_BATCH_MAX };

struct maker {
	const struct fog_crypto_ops *ops;
	const struct route *route;
	const struct fog_geometry *geo;
	struct frame frame;
	uint64_t run; // number of the run, in every payload
	uint64_t next; // sequence number of the next packet
	// Of the batch made last: replay tags at each hop, from which the owed delays follow.
	uint8_t tag[MAKER_BATCH][FOG_SPHINX_SLOTS_MAX][32];
	struct fog_sphinx_path_hop path[MAKER_BATCH][FOG_SPHINX_SLOTS_MAX];
	uint8_t payload[MAKER_BATCH][FOG_SPHINX_PACKET_MAX];
	struct fog_sphinx_wrap_job job[MAKER_BATCH];
	struct fog_sphinx_wrap_state state[MAKER_BATCH];
};

// 'route' outlives the maker. 'spec' may leave packet_len 0: it is the geometry's.
// Returns 0 or -errno with the reason on stderr.
int maker_open(struct maker **, const struct route *route, const struct frame_spec *spec);
void maker_close(struct maker *); // accepts NULL
// Write the next 'count' (1..MAKER_BATCH) frames of frame_len(&m->frame) bytes each.
// Returns 0, or -errno with the reason on stderr.
int maker_make(struct maker *, uint8_t *const out[], unsigned count);
