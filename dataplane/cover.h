// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Cover traffic of one worker. When it leaves is decided here and nowhere else: two Poisson clocks, whose
// gaps come from a random stream of their own, so that neither traffic nor the control plane move them.
// What leaves is a packet of the stock, which the control plane fills, or a dummy: a frame of nothing, which
// ends at the next node. When the stock is empty a dummy goes in its place, to where its
// packets went. Due times are rounded up to the calendar's ticks, at which everything else leaves, too. Worker thread.
//
// Gaps are -ln(u) in integers (crypto/delay.h). Of the dummies' clock, which runs for all nodes of the table,
// each turn falls on one of them by lot, and to none if there is no session with it: what is left is a
// Poisson stream of its own for each link (Kingman, Poisson Processes, 1993, section 2: thinning).
#pragma once

#include <stdalign.h>

#include "api/plan.h"
#include "random.h"
#include "worker.h"

enum {
	FOG_COVER_TURNS = 16, // at a time; what is due on top of them waits for the next look
	FOG_COVER_TRIES = 8, // to find a node with a session by lot
};

// One turn of a clock.
struct fog_cover_turn {
	uint64_t due; // TSC
	unsigned clock; // enum fog_cover_clock
};

struct fog_cover {
	struct fog_random clock; // gaps, and nothing else
	struct fog_random choice; // which node, which place among what leaves
	struct fog_conf_cover law; // of the configuration that the clocks run by
	uint64_t due[FOG_COVER_CLOCKS]; // TSC; UINT64_MAX: never
	uint64_t next; // first tick of the calendar at which any of them is due
	uint64_t full_at; // TSC when the cap's bucket is full again
	uint32_t packet_len;
	unsigned first, n; // stock: a ring, oldest first
	alignas(8) struct fog_inject head[FOG_COVER_STOCK]; // IDs are hashed by words
	uint8_t *packet; // [FOG_COVER_STOCK][packet_len]
};

// Returns 0 or -ENOMEM (also: memory can't be locked, which keeps the random streams).
int fog_cover_create(uint32_t packet_len, struct fog_cover **);
void fog_cover_destroy(struct fog_cover *); // wipes; accepts NULL

// Let the clocks follow the configuration of this round.
void stage_cover_follow(struct fog_worker *, uint64_t now);
// Take the turns that have come by 'now', in order; returns how many. The clocks go on behind them.
unsigned stage_cover_turns(
        struct fog_worker *, uint64_t now, struct fog_cover_turn[FOG_COVER_TURNS]
);
// Send what a turn is for. It is in the seal queue then, or dropped under its name.
void stage_cover_turn(struct fog_worker *, const struct fog_cover_turn *);
// Put a packet of the control plane into the stock. When that is full the oldest one gives way: the order in
// which they were put in is the one in which they leave.
void stage_cover_put(struct fog_worker *, const struct fog_inject *, const uint8_t *packet);
// Give the stock up: the worker ends.
void stage_cover_empty(struct fog_worker *);

// Whether cover is due. The worker has a struct fog_cover.
static inline bool stage_cover_due(struct fog_worker *w, uint64_t now)
{
	struct fog_cover *c = w->cover;

	if (unlikely(w->conf == NULL))
		return false;
	if (unlikely(memcmp(&c->law, &w->conf->cover, sizeof(c->law)) != 0))
		stage_cover_follow(w, now);
	return unlikely(now >= c->next) && !atomic_load_explicit(&w->drain, memory_order_relaxed);
}
