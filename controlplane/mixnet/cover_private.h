// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Between cover.c (stocks and records) and cover_make.c (paths and packets).
#pragma once

#include <pthread.h>

#include "../../dataplane/sphinx/sphinx.h"
#include "cover.h"
#include "loop_number.h"

enum cover_state { COVER_DONE, COVER_STOCKED, COVER_FLYING };

struct cover_loop {
	uint8_t number[LOOP_NUMBER_LEN];
	uint64_t epoch;
	uint64_t place; // in the stock of 'worker': it left when so many were taken
	uint64_t left_ms; // when that was seen
	uint32_t patience_ms;
	uint8_t state; // enum cover_state
	uint8_t worker;
	uint8_t hops; // without us at the end
	uint8_t hop[FOG_SPHINX_SLOTS_MAX - 1][FOG_ID_LEN];
};

// A packet that is ready for the stock.
struct cover_ready {
	bool loop;
	uint64_t epoch;
	uint8_t number[LOOP_NUMBER_LEN];
	unsigned hops;
	uint8_t hop[FOG_SPHINX_SLOTS_MAX][FOG_ID_LEN];
	uint32_t patience_ms;
	uint32_t len;
	uint8_t packet[FOG_SPHINX_PACKET_MAX];
};

struct cover_secrets {
	uint8_t key[32];
	struct cover_ready ready;
	struct fog_sphinx_wrap_state wrap;
};

struct cover_worker {
	uint64_t placed; // packets that it accepted since its data plane's start
	uint64_t taken, dropped; // as last seen
	bool filling; // from its low to its high water
	uint64_t behind_ms; // since when fewer have come into its stock than were placed; 0 = none
};

struct fog_cover {
	const struct fog_cover_ops *ops;
	void *ctx;
	const struct fog_crypto_ops *crypto;
	struct cover_secrets *secrets; // locked; but for the key, of the thread that steps
	struct fog_path_memory *memory; // of the thread that steps
	pthread_t thread;
	bool running; // of who starts and stops

	// The thread that steps.
	uint8_t boot_id[16];
	unsigned attached; // workers of the data plane seen last, 0 = none
	uint64_t counts_from_ms; // when its stocks tell what it has accepted
	uint64_t stepped_ms;
	struct cover_worker worker[FOG_WORKERS_MAX];

	pthread_mutex_t lock; // everything below
	pthread_cond_t news; // 'stop' was set
	bool stop;
	bool waiting; // deliveries do, since the last step
	uint64_t grace_ms; // before that nothing is taken for lost
	uint32_t first,
	        next; // loops of these numbers have records, at number % FOG_COVER_LOOPS_MAX
	struct cover_loop *loop; // [FOG_COVER_LOOPS_MAX], kept out of core dumps
	struct fog_cover_status status;
};

// Make a packet into secrets->ready whose turn comes in about 'ms'. Between hold and release. Returns 0, or
// what fog_path_choose says, or -ENOKEY (a node's mix key is not known yet), -EDOM (or no usable one).
int cover_make(
        struct fog_cover *, const struct fog_topology *, const struct fog_topology_node *self,
        bool loop, uint64_t epoch, uint32_t number
);
// Why no loop can be sent from here in this network; NULL: it can.
const char *cover_no_loops(const struct fog_topology *, const struct fog_topology_node *self);
