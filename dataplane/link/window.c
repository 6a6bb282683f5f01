// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "window.h"

#include <stdbool.h>

_Static_assert(
        (FOG_WINDOW_WORDS & (FOG_WINDOW_WORDS - 1)) == 0, "a ring is indexed without a division"
);
_Static_assert(
        FOG_WINDOW_WORDS > FOG_LINK_WINDOW / FOG_WINDOW_BITS + 1,
        "no two blocks that touch the window share a word"
);

static bool window_behind(const struct fog_window *w, uint64_t counter)
{
	uint64_t highest = atomic_load_explicit(&w->highest, memory_order_acquire);

	return highest > counter && highest - counter > FOG_LINK_WINDOW;
}

// What the word says of a counter in 'block' with this bit.
static enum fog_window_answer word_judge(uint64_t word, uint64_t block, uint64_t bit)
{
	uint64_t there = word >> FOG_WINDOW_BITS;

	if (there > block)
		return FOG_WINDOW_OLD;
	return there == block && (word & bit) != 0 ? FOG_WINDOW_REPLAY : FOG_WINDOW_NEW;
}

enum fog_window_answer fog_window_look(const struct fog_window *w, uint64_t counter)
{
	uint64_t block = counter / FOG_WINDOW_BITS;
	uint64_t bit = UINT64_C(1) << counter % FOG_WINDOW_BITS;

	if (window_behind(w, counter))
		return FOG_WINDOW_OLD;
	return word_judge(
	        atomic_load_explicit(&w->word[block % FOG_WINDOW_WORDS], memory_order_relaxed),
	        block, bit
	);
}

// Whether 'counter' is the highest now.
static bool window_raise(struct fog_window *w, uint64_t counter)
{
	uint64_t highest = atomic_load_explicit(&w->highest, memory_order_relaxed);

	while (highest < counter)
		if (atomic_compare_exchange_weak_explicit(
		            &w->highest, &highest, counter, memory_order_acq_rel,
		            memory_order_relaxed
		    ))
			return true;
	return false;
}

enum fog_window_answer fog_window_claim(struct fog_window *w, uint64_t counter)
{
	uint64_t block = counter / FOG_WINDOW_BITS;
	uint64_t bit = UINT64_C(1) << counter % FOG_WINDOW_BITS;
	_Atomic uint64_t *at = &w->word[block % FOG_WINDOW_WORDS];

	if (window_behind(w, counter))
		return FOG_WINDOW_OLD;
	uint64_t word = atomic_load_explicit(at, memory_order_relaxed), mine;
	do {
		enum fog_window_answer answer = word_judge(word, block, bit);
		if (answer != FOG_WINDOW_NEW)
			return answer;
		mine = word >> FOG_WINDOW_BITS == block ? word | bit
		                                        : block << FOG_WINDOW_BITS | bit;
	} while (!atomic_compare_exchange_weak_explicit(
	        at, &word, mine, memory_order_acq_rel, memory_order_relaxed
	));
	return window_raise(w, counter) ? FOG_WINDOW_NEWEST : FOG_WINDOW_NEW;
}
