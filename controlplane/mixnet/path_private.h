// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What tests see of a choice beyond path.h: what it cost.
#pragma once

#include "path.h"

enum {
	PATH_FEW =
	        256, // combinations of mixes that are looked at one by one at once, without drawing
	PATH_DRAWS = 256, // of whole paths before looking at them one by one
	PATH_STEPS =
	        1 << 20, // of one pass over them; a network that has more left is drawn from again
	PATH_DRAWS_MORE = 1 << 16,
};

// As fog_path_choose. 'steps' counts mixes that were taken into a path, for good or for a try.
int path_choose_counted(
        const struct fog_topology *, const struct fog_path_wish *, struct fog_path_memory *memory,
        const struct fog_topology_node **path, uint64_t *steps
);
