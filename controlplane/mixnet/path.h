// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Choosing the mixes of a path, for messages, replies, loops and cover, of nodes and of clients alike.
//
// One mix of each layer, drawn with the weight of its bandwidth class, never two nodes of one operator, of
// one family or in one autonomous system (what a node doesn't say is equal to nobody's). Mixes are held
// against both ends, too; the ends are given and not held against each other, and may be one node. And no set of mixes again before FOG_PATH_SETS others were used, or, in a network
// that has not so many, all others.
//
// A draw is of whole paths: each set that obeys the rules comes with a probability proportional to the
// product of its weights, so an attacker gains nothing by where in the order of layers he stands.
//
// An object belongs to one sender; one thread at a time.
#pragma once

#include "topology.h"

enum { FOG_PATH_SETS = 8 };

struct fog_path_memory; // the sets used last

int fog_path_memory_create(struct fog_path_memory **); // 0 or -ENOMEM
void fog_path_memory_destroy(struct fog_path_memory *); // wipes; accepts NULL

struct fog_path_wish {
	const struct fog_topology_node *from; // where the path begins, no mix of it; or NULL
	const struct fog_topology_node *to; // last hop, no mix of the path
	bool with_from; // 'from' is the first hop, else the path begins with the mix after it
	fog_topology_usable *usable; // NULL: every mix; one that is off_path is never chosen
	void *ctx;
	unsigned max; // hops that 'path' holds
};

// Returns the number of hops, -E2BIG (more than packets have slots, or than 'max'), -ENOENT (a layer has no
// mix but the ends), -EXDEV (mixes there are, but each path has two nodes of one operator, family or
// autonomous system: this is certain, but for networks with more than 2^20 ways to begin a path, where it means
// that 65,536 draws found none), -EHOSTDOWN (not now: an end is off all paths, or only mixes that are, or that
// 'usable' refuses, would make one). 'memory' may be NULL: nothing is remembered. Takes at most some 4 million
// steps, a few hundred in networks where one draw of a hundred obeys the rules.
int fog_path_choose(
        const struct fog_topology *, const struct fog_path_wish *, struct fog_path_memory *memory,
        const struct fog_topology_node **path
);
