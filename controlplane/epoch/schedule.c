// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "schedule.h"

#include "../mixnet/topology.h"

#define SCHEDULE_SECOND UINT64_C(1000000000)

struct fog_schedule fog_schedule_of(const struct fog_topology *t)
{
	return (struct fog_schedule){
	        .epoch_ns = t->epoch_s * SCHEDULE_SECOND,
	        .overlap_ns = t->overlap_s * SCHEDULE_SECOND,
	};
}

uint64_t fog_schedule_epoch(const struct fog_schedule *s, uint64_t now_ns)
{
	return now_ns / s->epoch_ns;
}

uint64_t fog_schedule_start(const struct fog_schedule *s, uint64_t epoch)
{
	return epoch * s->epoch_ns;
}

uint64_t fog_schedule_settled(const struct fog_schedule *s, uint64_t epoch)
{
	return fog_schedule_start(s, epoch) + s->epoch_ns / 16 * 3;
}

uint64_t fog_schedule_grace(const struct fog_schedule *s)
{
	return s->epoch_ns / 4;
}

uint64_t fog_schedule_dead(const struct fog_schedule *s, uint64_t epoch)
{
	return fog_schedule_start(s, epoch + 1) + s->overlap_ns;
}

struct fog_schedule_view fog_schedule_look(const struct fog_schedule *s, uint64_t now_ns)
{
	uint64_t n = fog_schedule_epoch(s, now_ns);
	struct fog_schedule_view v = {.epoch = n, .live_count = 2};

	if (n > 0 && now_ns < fog_schedule_dead(s, n - 1)) {
		v.live[0] = n - 1;
		v.live[1] = n;
		v.next_ns = fog_schedule_dead(s, n - 1);
	} else {
		v.live[0] = n;
		v.live[1] = n + 1;
		v.next_ns = fog_schedule_start(s, n + 1);
	}
	return v;
}

bool fog_schedule_lives(const struct fog_schedule_view *v, uint64_t epoch)
{
	for (unsigned i = 0; i < v->live_count; i++)
		if (v->live[i] == epoch)
			return true;
	return false;
}

uint64_t fog_schedule_of_byte(uint64_t now, uint8_t low)
{
	return now + (uint64_t)(int64_t)(int8_t)(uint8_t)(low - (uint8_t)now);
}
