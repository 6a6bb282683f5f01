// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// How fast the TSC runs, measured against CLOCK_MONOTONIC at start. DPDK's own figure is rounded to
// 10 MHz where the CPU does not name it, up to 0.2 %: delays would be that much too short or long.
#pragma once

#include <stdint.h>

struct fog_tsc_mark {
	uint64_t tsc, ns;
};

// Read both clocks now.
struct fog_tsc_mark fog_tsc_mark(void);
// Cycles per second since 'mark'; sleeps until that is at least 200 ms ago (error some ppm).
uint64_t fog_tsc_hz(const struct fog_tsc_mark *mark);
