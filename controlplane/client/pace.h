// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Poisson clocks of what a client sends. Times are microseconds of any clock that never goes back. One thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct client_pace {
	uint64_t mean_us; // between two; 0: never
	uint64_t due_us; // 0: at once
};

// The mean time is this from now on. Another one than before starts the wait anew, which is as it would be if it had
// been so all along: what was drawn by an hour's mean must not hold up one of a tenth of a second.
void client_pace_set(struct client_pace *, uint64_t mean_us, uint64_t now_us);
// Whether it is time; then the next one is drawn from when this one was due, so that being late changes
// no rate. After a suspension it begins anew.
bool client_pace_due(struct client_pace *, uint64_t now_us);
