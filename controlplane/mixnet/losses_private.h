// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Between losses.c (loops, alerts) and losses_links.c (estimates).
#pragma once

#include "losses.h"

enum {
	LOSSES_NODES_MAX = 2 * FOG_NODES_MAX, // those of several epochs
	LOSSES_LOOPS_MAX = 1 << 16, // of an epoch; more are not counted
	LOSSES_LOOK =
	        16, // loops of an epoch at its second look; each further one has twice as many
};

#define LOSSES_FALSE_ALARMS 1e-6 // probability of one in an epoch, all nodes together
#define LOSSES_EFFECT 0.15 // what a node may lose beyond the others
#define LOSSES_ORDINARY \
	0.10 // what each link of a path may lose when there is nothing to compare with

struct losses_loop {
	uint16_t node[FOG_SPHINX_SLOTS_MAX]; // places in fog_losses.node
	uint8_t hops;
	bool lost;
};

struct losses_epoch {
	uint64_t epoch;
	uint32_t count, room;
	struct losses_loop *loop;
};

struct losses_node {
	uint8_t id[FOG_ID_LEN];
	uint32_t uses; // by loops; 0: the entry is free
	bool found; // suspect at the last look
	struct fog_losses_alert alert; // epoch 0: none
};

struct fog_losses {
	uint64_t newest; // epoch
	unsigned looks; // in it
	uint32_t look_at; // loops of it
	struct losses_epoch epoch[FOG_LOSSES_KEEP]; // by epoch modulo this
	struct losses_node node[LOSSES_NODES_MAX];
};

struct losses_cursor {
	unsigned slot;
	uint32_t at;
};

// The next loop of epochs from 'first' on; NULL: that was all. A cursor begins as zeros.
const struct losses_loop *
losses_next(const struct fog_losses *, uint64_t first, struct losses_cursor *);
