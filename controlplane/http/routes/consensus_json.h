// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A consensus as JSON, the same wherever it is shown: by GET /v1/consensus, and by fogctl, of a file.
#pragma once

#include <jansson.h>

#include "../../directory/consensus.h"

// 'network' may be NULL: its authorities have numbers for names then, and the network has none. Returns NULL
// without memory. Pure, any thread.
json_t *fog_consensus_json(const struct fog_consensus *, const struct fog_topology *network);
