// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "simulate.h"

#include <math.h>
#include <string.h>

#include "../../../dataplane/crypto/delay.h"

enum { MEAN_US = 50000, MAX_US = 500000, TICK_US = 60, PAUSES_MAX = 4096 };

#define RATE 20.0 // loops a second

struct pauses {
	unsigned n;
	double begin[PAUSES_MAX], end[PAUSES_MAX];
};

struct world {
	const struct sim *sim;
	uint64_t random;
	struct fog_delay_law law;
	unsigned nodes;
	double distance[SIM_NODES_MAX + 1][SIM_NODES_MAX + 1]; // the last one is the auditor
	double jitter[SIM_NODES_MAX];
	struct pauses pauses[SIM_NODES_MAX];
};

uint64_t sim_random(uint64_t *state) // splitmix64
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

double sim_uniform(uint64_t *state)
{
	return (double)(sim_random(state) >> 11) * 0x1p-53;
}

static double exponential(struct world *w, double mean)
{
	return -mean * log1p(-sim_uniform(&w->random));
}

static void pauses_make(struct world *w, struct pauses *p, double gap, double least, double most)
{
	double end = ((double)w->sim->loops / RATE + 10) * 1e6;

	p->n = 0;
	for (double t = exponential(w, gap); t < end && p->n < PAUSES_MAX;
	     t += exponential(w, gap)) {
		p->begin[p->n] = t;
		t += least + (most - least) * sim_uniform(&w->random);
		p->end[p->n++] = t;
	}
}

// When a machine that is to do something at 't' does it.
static double pauses_after(const struct pauses *p, double t)
{
	unsigned low = 0, high = p->n; // the last pause that begins before t

	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (p->begin[middle] <= t)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && t < p->end[low - 1] ? p->end[low - 1] : t;
}

static void world_make(struct world *w, const struct sim *sim)
{
	memset(w, 0, sizeof(*w));
	w->sim = sim;
	w->random = sim->seed;
	w->nodes = SIM_LAYERS * sim->width;
	fog_delay_law_init(&w->law, MEAN_US, MAX_US, 0);
	for (unsigned i = 0; i < w->nodes; i++) {
		w->jitter[i] = sim->noise == NOISE_EXPONENTIAL ? 4000 : 300;
		if (sim->noise == NOISE_PATHS)
			w->jitter[i] = 500 + 7500 * sim_uniform(&w->random);
		if (sim->noise == NOISE_PAUSES)
			pauses_make(w, &w->pauses[i], 5e6, 1e5, 1e5);
	}
	if (sim->noise == NOISE_SHARED) {
		pauses_make(w, &w->pauses[0], 4e6, 0, 2e5);
		for (unsigned i = 1; i < w->nodes; i++)
			w->pauses[i] = w->pauses[0];
	}
	for (unsigned i = 0; i <= w->nodes; i++)
		for (unsigned k = 0; k <= w->nodes; k++)
			w->distance[i][k] = sim->noise == NOISE_PATHS
			        ? 60000 * sim_uniform(&w->random)
			        : 200;
}

static double noise_of(struct world *w, unsigned node)
{
	if (w->sim->noise == NOISE_UNIFORM)
		return 2000 * sim_uniform(&w->random);
	return exponential(w, w->jitter[node]);
}

static bool lost(struct world *w, enum cheat cheat, uint64_t owed)
{
	if (cheat == CHEAT_DROPS &&
	    owed > fog_delay_quantile(&w->law, UINT64_C(0xcccccccccccccccc)))
		return true;
	double loss = 0.01 / SIM_LAYERS;
	if (w->sim->noise == NOISE_CONGESTED)
		loss += 0.04 * (double)owed / MEAN_US;
	return sim_uniform(&w->random) < loss;
}

// What the node gives.
static uint64_t given(struct world *w, enum cheat cheat, uint64_t owed, bool bounces)
{
	switch (cheat) {
	case CHEAT_FLAT:
		return owed > 10000 ? owed - 10000 : 0;
	case CHEAT_HALVES:
		return owed / 2;
	case CHEAT_BOUNCE:
		return bounces ? owed : owed / 2;
	case CHEAT_OWN_LAW:
		return fog_delay_quantile(&w->law, sim_random(&w->random));
	case CHEAT_LATE:
		if (sim_uniform(&w->random) < 0.2)
			owed += 50000 + sim_random(&w->random) % 50000;
		return owed;
	default:
		return owed;
	}
}

static void path_draw(struct world *w, struct fog_judge_loop *loop)
{
	unsigned width = w->sim->width;

	if (w->sim->bounces > 0 && sim_uniform(&w->random) < w->sim->bounces) {
		loop->hops = 1;
		loop->hop[0].node = (uint32_t)(sim_random(&w->random) % w->nodes);
		return;
	}
	loop->hops = SIM_LAYERS;
	for (unsigned i = 0; i < SIM_LAYERS; i++)
		loop->hop[i].node = (uint32_t)(i * width + sim_random(&w->random) % width);
}

static void loop_run(struct world *w, double departure, struct fog_judge_loop *loop)
{
	double t = departure;
	unsigned at = w->nodes;

	for (unsigned i = 0; i < loop->hops; i++) {
		struct fog_judge_hop *hop = &loop->hop[i];
		enum cheat cheat = w->sim->cheat[hop->node];

		hop->owed_us = fog_delay_quantile(&w->law, sim_random(&w->random));
		t = pauses_after(&w->pauses[hop->node], t + w->distance[at][hop->node]);
		t += fmax((double)given(w, cheat, hop->owed_us, loop->hops == 1), TICK_US);
		t = ceil(t / TICK_US) * TICK_US; // the next slot of the calendar
		t = pauses_after(&w->pauses[hop->node], t + noise_of(w, hop->node));
		loop->lost = loop->lost || lost(w, cheat, hop->owed_us);
		at = hop->node;
	}
	t += w->distance[at][w->nodes];
	loop->departure_us = (uint64_t)departure;
	loop->transit_us = loop->lost ? 0 : (int64_t)floor(t - floor(departure));
}

void sim_run(const struct sim *sim, struct fog_judge_loop *loop)
{
	static _Thread_local struct world world; // some 600 kB
	double departure = 0;

	world_make(&world, sim);
	for (size_t i = 0; i < sim->loops; i++) {
		memset(&loop[i], 0, sizeof(loop[i]));
		departure += exponential(&world, 1e6 / RATE);
		path_draw(&world, &loop[i]);
		loop_run(&world, departure, &loop[i]);
	}
}
