// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The end of the paths: opens what arrives with the sink's own key and judges it. The thread that
// calls sink_take owns the object.
#pragma once

#include <stdbool.h>

#include "../../dataplane/api/hist.h"
#include "io.h"

enum { SINK_BATCH = FOG_SPHINX_BATCH_MAX };

struct sink {
	const struct fog_crypto_ops *ops;
	const struct fog_geometry *geo;
	struct pool *pool;
	uint8_t private_key[32];
	uint8_t id[FOG_SPHINX_ID_LEN];
	uint16_t udp_port;
	uint64_t tsc_hz;
	bool owed_known;

	uint64_t received; // good packets, the first copy of each sending
	uint64_t duplicates; // good packets that came more often than they were sent
	uint64_t reordered; // good packets that a later one had overtaken
	uint64_t corrupt; // ours by their headers, and not what was sent
	uint64_t reason[FOG_DROP_COUNT]; // of these, those that did not open, by the hop's reason
	uint64_t foreign; // whole, but of another run or another sender
	uint64_t other; // frames that are no mix packets
	uint64_t early; // came before the delay that was owed had passed
	uint64_t unclear; // sent again before they came back: no latency
	uint64_t highest; // sequence number so far
	struct fog_hist latency_us, owed_us, over_us; // over = latency beyond what was owed

	struct rte_mbuf *frame[SINK_BATCH];
	struct fog_sphinx_hop hop[SINK_BATCH];
	struct fog_sphinx_route route[SINK_BATCH];
};

// Take up to a batch of frames from 'arrived' and judge them. Returns how many it took.
unsigned sink_take(struct sink *, struct rte_ring *arrived);
