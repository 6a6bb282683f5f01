// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "../../log/log.h"

struct fog_clock {
	struct fog_clock_state state; // control thread
	_Atomic int64_t offset_ns, ahead_ns;
	_Atomic bool stepped;
};

void fog_clock_begin(struct fog_clock_state *s, const struct fog_clock_reading *r)
{
	*s = (struct fog_clock_state){
	        .offset_ns = (int64_t)(r->real_ns - r->boot_ns),
	        .boot_ns = r->boot_ns,
	};
}

void fog_clock_follow(struct fog_clock_state *s, const struct fog_clock_reading *r)
{
	uint64_t elapsed = r->boot_ns > s->boot_ns ? r->boot_ns - s->boot_ns : 0;
	int64_t ahead = (int64_t)(r->real_ns - r->boot_ns) - s->offset_ns;
	int64_t most = (int64_t)(elapsed / (1000000 / FOG_CLOCK_SLEW_PPM)), slew = ahead;

	s->boot_ns += elapsed;
	s->stepped = ahead > FOG_CLOCK_STEP_NS || ahead < -FOG_CLOCK_STEP_NS;
	if (s->stepped)
		slew = 0;
	else if (slew > most)
		slew = most;
	else if (slew < -most)
		slew = -most;
	s->offset_ns += slew;
	s->ahead_ns = ahead - slew;
}

static uint64_t clock_read(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

// The two can't be read at once. A process that was put aside between the reads would see a step that
// nobody made, so the pair that was read fastest counts.
static struct fog_clock_reading clock_look(uint32_t ahead_ms)
{
	struct fog_clock_reading best = {0};
	uint64_t took = UINT64_MAX;

	for (int i = 0; i < 3; i++) {
		uint64_t before = clock_read(CLOCK_BOOTTIME), real = clock_read(CLOCK_REALTIME);
		uint64_t after = clock_read(CLOCK_BOOTTIME);
		if (after - before < took) {
			took = after - before;
			best.boot_ns = before + took / 2;
			best.real_ns = real;
		}
	}
	best.real_ns += (uint64_t)ahead_ms * 1000000;
	return best;
}

static void clock_publish(struct fog_clock *c)
{
	atomic_store(&c->offset_ns, c->state.offset_ns);
	atomic_store(&c->ahead_ns, c->state.ahead_ns);
	atomic_store(&c->stepped, c->state.stepped);
}

int fog_clock_create(uint32_t ahead_ms, struct fog_clock **out)
{
	struct fog_clock *c = calloc(1, sizeof(*c));
	struct fog_clock_reading now = clock_look(ahead_ms);

	if (c == NULL)
		return -ENOMEM;
	fog_clock_begin(&c->state, &now);
	clock_publish(c);
	*out = c;
	return 0;
}

void fog_clock_destroy(struct fog_clock *c)
{
	free(c);
}

void fog_clock_tick(struct fog_clock *c, uint32_t ahead_ms)
{
	struct fog_clock_reading now = clock_look(ahead_ms);
	bool before = c->state.stepped;

	fog_clock_follow(&c->state, &now);
	clock_publish(c);
	if (c->state.stepped && !before)
		LOG_WARN(
		        "the host's clock was set %s by %.3f s: epochs go on by the time that this "
		        "process started with; set the clock right, then restart fog-controlplane "
		        "if it was wrong at the start",
		        c->state.ahead_ns > 0 ? "forward" : "back",
		        (double)llabs(c->state.ahead_ns) / 1e9
		);
	else if (!c->state.stepped && before)
		LOG_INFO("the host's clock agrees with the epochs again");
}

uint64_t fog_clock_now_ns(struct fog_clock *c)
{
	return clock_read(CLOCK_BOOTTIME) + (uint64_t)atomic_load(&c->offset_ns);
}

bool fog_clock_stepped(struct fog_clock *c, int64_t *ahead_ns)
{
	*ahead_ns = atomic_load(&c->ahead_ns);
	return atomic_load(&c->stepped);
}
