// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Between loops.c (orders and records) and loops_send.c (the thread that sends).
#pragma once

#include <pthread.h>
#include <time.h>

#include "../../dataplane/sphinx/sphinx.h"
#include "loop_number.h"
#include "loops.h"
#include "path.h"

struct loop_record {
	uint8_t number[LOOP_NUMBER_LEN];
	uint64_t epoch;
	uint64_t departure, arrival; // TSC
	enum fog_loop_fate fate;
	uint16_t node[FOG_SPHINX_SLOTS_MAX]; // places in loop_order.node
};

struct loop_node {
	uint8_t id[FOG_ID_LEN];
	char name[32];
};

// Memory of one order, in one piece.
struct loop_order {
	size_t size; // of all
	unsigned hops; // of every path
	uint64_t tsc_hz, began; // TSC
	uint64_t patience; // TSC cycles after which a loop is lost
	uint32_t settled; // records before this one fly no more
	uint32_t node_count;
	struct loop_node node[FOG_NODES_MAX];
	uint8_t (*tag)[32]; // [count * hops]
	struct loop_record record[]; // [count]
};

// A loop that is ready to leave. Secret until it has.
struct loop_ready {
	uint8_t number[LOOP_NUMBER_LEN];
	uint64_t epoch;
	struct loop_node hop[FOG_SPHINX_SLOTS_MAX];
	uint8_t tag[FOG_SPHINX_SLOTS_MAX][32];
	uint32_t len;
	uint8_t packet[FOG_SPHINX_PACKET_MAX];
};

struct loop_secrets {
	uint8_t key[32];
	struct loop_ready ready;
	struct fog_sphinx_wrap_state wrap;
};

struct fog_loops {
	const struct fog_loops_ops *ops;
	void *ctx;
	const struct fog_crypto_ops *crypto;
	struct loop_secrets *secrets; // locked; but for the key, of the thread that sends
	struct fog_path_memory *paths; // of the thread that sends
	pthread_mutex_t change; // start and forget, one at a time; taken before 'lock'
	pthread_t thread; // under 'change'
	bool running; // under 'change': 'thread' is to be joined

	pthread_mutex_t lock; // everything below
	pthread_cond_t news; // 'stop' was set
	bool stop;
	struct loop_order *order; // NULL: none
	struct fog_loops_status status;
};

static inline uint64_t loop_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

// Mixes of a path of ours and then we, as fog_path_choose draws them. Returns the number of hops, or with a
// sentence as fog_loops_start, or -ENOKEY (only mixes that 'usable' refuses would make one).
int loop_path(
        const struct fog_topology *, const struct fog_topology_node *self,
        fog_topology_usable *usable, void *ctx, struct fog_path_memory *memory,
        const struct fog_topology_node *path[FOG_SPHINX_SLOTS_MAX], char *text
);
// The thread. 'loops' is a struct fog_loops.
void *loop_send_run(void *loops);
