// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Frames for the comparison of the two parsers: good ones of every kind, changed a little, and noise.
#pragma once

#include <stdint.h>

enum { MUTATE_MAX = 512 }; // bytes of a frame, at most

// Write the next frame of the sequence that '*state' stands for; the same state gives the same
// frame. Returns its length, 14 to MUTATE_MAX.
unsigned steer_mutate(uint64_t *state, uint8_t *frame);
