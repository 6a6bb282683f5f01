// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A simulated network of stratified mixes, and an auditor's loops through it. Delays are drawn from
// the real law; what machines and lines add comes from one of several models. Deterministic: a seed
// says everything.
#pragma once

#include "../../../controlplane/ctl/audit/judge.h"

enum noise {
	NOISE_UNIFORM, // up to 2 ms a hop
	NOISE_EXPONENTIAL, // mean 4 ms a hop
	NOISE_PAUSES, // each machine stands still for 100 ms, every 5 s on average
	NOISE_SHARED, // all are one machine: it stands still for up to 200 ms, every 4 s on average
	NOISE_PATHS, // each link has its own distance (0 to 60 ms) and each node its own jitter
	NOISE_CONGESTED, // calendars overflow: 4 % of the packets lost, the longer kept the likelier
	NOISES
};

enum cheat {
	CHEAT_NONE,
	CHEAT_HALVES, // gives half of what it owes
	CHEAT_OWN_LAW, // draws from the right law, by its own randomness
	CHEAT_LATE, // adds 50 to 100 ms to 20 % of the packets
	CHEAT_BOUNCE, // halves, but for packets that go back to where they came from
	CHEAT_DROPS, // drops what it would owe more than the law's 80th percentile
	CHEATS,
	CHEAT_FLAT =
	        CHEATS, // gives 10 ms less than it owes: seen where the rest takes less than that
};

enum { SIM_LAYERS = 3, SIM_WIDTH_MAX = 3, SIM_NODES_MAX = SIM_LAYERS * SIM_WIDTH_MAX };

struct sim {
	uint64_t seed;
	unsigned width; // mixes a layer
	size_t loops;
	enum noise noise;
	enum cheat cheat[SIM_NODES_MAX]; // of node layer * width + place
	double bounces; // share of loops through one node only
};

// Fill loop[sim->loops].
void sim_run(const struct sim *, struct fog_judge_loop *loop);
// Uniform below 2^64 and in [0, 1), for whoever chooses networks by a seed.
uint64_t sim_random(uint64_t *state);
double sim_uniform(uint64_t *state);
