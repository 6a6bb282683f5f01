// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Which mix is in which layer this epoch: the beacon deals them out, so nobody places himself. Mixes are
// ranked by SHA-256("fogline layer v1" | beacon | node ID); layer sizes differ by one at most, larger
// ones first. In order of rank, whoever wishes for a layer gets it while less than half of its places
// are taken by wish; then the others, in order of rank, take turns among the layers with room.
// Pure, any thread.
#pragma once

#include <stdint.h>

#include "../../dataplane/api/abi.h"

struct fog_layer_mix {
	uint8_t node_id[FOG_ID_LEN];
	uint8_t wish; // 0 = anywhere; one that is no layer counts as 0
	uint8_t layer; // result: 1..layers
};

// 'layers' >= 1. Returns 0 or -ENOMEM.
int fog_layers_assign(
        struct fog_layer_mix *, unsigned count, unsigned layers, const uint8_t beacon[32]
);
