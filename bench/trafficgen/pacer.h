// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// When the next packet is due: at a constant distance, or as a Poisson process of the same rate.
// Times are TSC cycles from the start. One thread an object.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pacer {
	double gap; // mean distance in cycles
	double due; // of the next packet
	uint64_t state; // of the random numbers; not 0
	bool poisson;
};

void pacer_init(struct pacer *, double cycles_per_packet, bool poisson);
// Go on to the packet after the one that was due.
void pacer_step(struct pacer *);
