// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The kernel's clocks as this process uses them, but for the one that epochs go by (epoch/clock.h).
// Any thread.
#pragma once

#include <stdint.h>
#include <time.h>

// Milliseconds of a clock that never goes back (CLOCK_MONOTONIC).
static inline uint64_t fog_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// Microseconds since 1970 as the host says (CLOCK_REALTIME): for people, never to wait by.
static inline int64_t fog_now_unix_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

// 'ms' from now on CLOCK_MONOTONIC, for pthread_cond_timedwait; not negative.
static inline struct timespec fog_deadline(int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000L;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000L;
	}
	return t;
}
