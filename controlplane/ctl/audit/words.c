// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Evidence in sentences, for people.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

__attribute__((format(printf, 2, 3))) static void say(
        struct fog_judge_verdict *v, const char *format, ...
)
{
	size_t len = strlen(v->words);
	va_list args;

	va_start(args, format);
	vsnprintf(v->words + len, sizeof(v->words) - len, format, args);
	va_end(args);
}

static void say_early(const struct judge_findings *f, struct fog_judge_verdict *v)
{
	say(v,
	    "gave %.2f us for each microsecond owed (99 %% sure: %.2f to %.2f) over %u loops, which it "
	    "owed %.1f ms on average",
	    v->slope, 1 + f->slope.low, 1 + f->slope.high, v->loops, v->owed_us / 1e3);
	if (v->early > 0)
		say(v,
		    "; %u of them arrived before they could have, which proves that a node of their "
		    "paths gave less than it owed",
		    v->early);
}

static void say_undecided(
        const struct judge *j, const struct judge_findings *f, struct fog_judge_verdict *v
)
{
	say(v, "not enough data: ");
	if (f->n == 0) {
		say(v, "no loop passed it");
		return;
	}
	say(v, "from %u loops it can't be excluded that it ", v->loops);
	if (v->early > 0)
		say(v,
		    "(%u of them arrived before they could have, but this may be others' doing) ",
		    v->early);
	const char *and = "";
	if (!judge_clears_slope(f)) {
		say(v, "gives less than it owes");
		and = ", or ";
	}
	if (!judge_clears_late(f)) {
		say(v, "%sis late by more than %u ms (%.0f %% were, of %zu others %.0f %%)", and,
		    j->rules->late_us / 1000, 100 * f->late, f->timed_others, 100 * f->late_others);
		and = ", or ";
	}
	if (!judge_clears_drops(f))
		say(v, "%sdrops packets for their delay (%u were lost)", and, v->lost);
	say(v, "; send more loops, or when less goes on");
}

void judge_put_words(
        const struct judge *j, const struct judge_findings *f, struct fog_judge_verdict *v
)
{
	v->words[0] = '\0';
	switch (v->kind) {
	case FOG_JUDGE_EARLY_PROOF:
	case FOG_JUDGE_EARLY_STATISTICS:
		say_early(f, v);
		break;
	case FOG_JUDGE_WRONG_LAW:
		say(v, "delays don't follow what is owed: ");
		say_early(f, v);
		break;
	case FOG_JUDGE_LATE:
		say(v,
		    "%.1f %% of %zu loops through it came more than %u ms later than is usual on their "
		    "paths, of %zu others %.1f %%",
		    100 * f->late, f->timed, j->rules->late_us / 1000, f->timed_others,
		    100 * f->late_others);
		break;
	case FOG_JUDGE_DROPS_LONG:
		say(v,
		    "of %zu packets in the fifth that it owed the longest delays %zu were lost, of %zu "
		    "others %zu",
		    f->most, f->most_lost, f->n - f->most, f->lost - f->most_lost);
		break;
	case FOG_JUDGE_HONEST:
		say(v,
		    "%u loops: gives %.2f us for each microsecond owed, late %.1f %%, lost %.1f %%",
		    v->loops, v->slope, 100 * f->late, 100 * f->lost_share);
		break;
	default:
		say_undecided(j, f, v);
	}
}
