// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Anti-replay window of one sub-session: which counters have come. Exactly FOG_LINK_WINDOW counters
// behind the highest are still taken, each once, whichever threads they come to. No lock: a counter is
// claimed by compare-and-swap of the word in which its block of 32 has its bits. A word names its
// block, so that nothing is cleared when the window moves on: a later block takes the word over, and
// an earlier one, which finds a later one there, is too old.
//
// Any thread. Counters stay below FOG_LINK_COUNTERS, the caller sees to it. After RFC 6479, which
// has the ring but one thread.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "../api/link.h"

enum {
	FOG_WINDOW_BITS = 32, // counters of a block
	FOG_WINDOW_WORDS = 2 * FOG_LINK_WINDOW / FOG_WINDOW_BITS, // a power of two above one window
};

// Blocks are numbered with 32 bits.
#define FOG_LINK_COUNTERS (UINT64_C(1) << 37)

// Zeroed: nothing has come.
struct fog_window {
	_Atomic uint64_t highest;
	uint8_t reserved[FOG_CACHE_LINE - 8];
	_Atomic uint64_t word[FOG_WINDOW_WORDS]; // number of its block, then a bit for each counter
};

enum fog_window_answer {
	FOG_WINDOW_NEW, // look: it would be taken; claim: it was, and is behind the highest
	FOG_WINDOW_NEWEST, // claim only: it was taken, and is the highest now
	FOG_WINDOW_OLD, // further behind than the window reaches
	FOG_WINDOW_REPLAY, // has come before
};

// What a claim would say, without making it: cheap, and no promise.
enum fog_window_answer fog_window_look(const struct fog_window *, uint64_t counter);
// Take a counter, once its frame is known to be genuine.
enum fog_window_answer fog_window_claim(struct fog_window *, uint64_t counter);
