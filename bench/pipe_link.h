// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Encrypted links of a pipe: the workers' table, with one session to send and receive with, and the
// peer that seals their frames.
#pragma once

#include "../dataplane/link/table.h"

struct pipe_link {
	struct fog_link_table *ours, *peer;
};

// 'node_id' is the peer's, in statistics slot 'slot'; it sends to each of our workers under a
// sub-session of its own. Returns 0 or -errno.
int pipe_link_create(
        struct pipe_link *, const struct fog_crypto_ops *, unsigned workers, uint64_t tsc_hz,
        const uint8_t node_id[FOG_ID_LEN], uint16_t slot
);
void pipe_link_destroy(struct pipe_link *); // accepts what was never made
// Make a frame of a UDP payload in whose middle a packet lies, for this worker: one feeder a worker.
void pipe_link_seal(
        struct pipe_link *, unsigned worker, uint8_t *payload, uint32_t packet_len, uint8_t epoch
);
