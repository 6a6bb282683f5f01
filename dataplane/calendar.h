// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The calendar: a timing wheel that holds parked packets until they are due. One per worker, used
// by that worker only, no locks, no allocation after create, no DPDK.
//
// Time is the TSC. One tick is 2^shift cycles, chosen so that it lasts 50 to 100 us. A packet due
// at T goes into the first slot that does not start before T, so a release is never early and at
// most one tick late by construction. Beyond the horizon (slots * tick) packets wait in an overflow
// list. Advancing follows the clock and never counts calls. Packets of one slot leave in random
// order, so a reader of the output learns nothing about the order of arrival.
// Shape after Carousel (SIGCOMM 2017) with the occupancy bitmap of Eiffel (NSDI 2019).
#pragma once

#include <stdint.h>

struct fog_calendar;

struct fog_calendar_config {
	uint64_t tsc_hz; // cycles per second of the clock that insert and take are called with
	uint64_t start; // clock reading now
	uint32_t slots; // power of two, 64 to 2^24
	uint32_t capacity; // most packets parked at once
	uint8_t seed[32]; // seeds the shuffle and the choice of victims; wiped by the caller
};

struct fog_calendar_item {
	void *packet;
	uint64_t due; // clock reading, as given to insert
};

// Bytes that a calendar of this shape needs, for capacity planning. 0 when the shape is invalid.
uint64_t fog_calendar_footprint(const struct fog_calendar_config *);
// All memory is touched by the calling thread: it lies on that thread's NUMA node.
// Returns 0, -EINVAL (slots not a power of two or out of range, capacity 0 or over 2^31, clock under
// 1 MHz), -ENOMEM.
int fog_calendar_create(const struct fog_calendar_config *, struct fog_calendar **);
void fog_calendar_destroy(struct fog_calendar *); // accepts NULL; packets are the caller's

// Park 'packet' until 'due'. A due time in the past means the next tick.
// Returns 0 or -ENOSPC (capacity reached: the caller evicts a victim first or drops).
int fog_calendar_insert(struct fog_calendar *, void *packet, uint64_t due, uint64_t now);
// Remove one parked packet chosen uniformly at random; NULL when empty. Looks for it by trial: cheap
// in a calendar that is full, about 'capacity' tries for the last one of all.
void *fog_calendar_evict_random(struct fog_calendar *);
// Take up to 'max' packets that are due at 'now', earliest slot first, shuffled inside a slot.
// A slot larger than 'max' continues at the next call, still in random order. After a standstill of
// more than half a horizon everything overdue counts as one slot; so it does when a packet that is
// overdue already is parked after a standstill of 1/1024 horizon or more.
unsigned fog_calendar_take(
        struct fog_calendar *, uint64_t now, struct fog_calendar_item *out, unsigned max
);
// Packets of the slot that comes next, for the caller to prefetch: each call tells other ones, until
// all are told. A hint. Returns how many; '*item' points into the calendar and holds until the next
// call of any function.
unsigned fog_calendar_ahead(struct fog_calendar *, const struct fog_calendar_item **item);
// Clock reading at which take will next return something; UINT64_MAX when empty. Never later than
// the true time (it may be earlier when only overflow packets are parked).
uint64_t fog_calendar_next(const struct fog_calendar *);
uint32_t fog_calendar_depth(const struct fog_calendar *); // packets parked
uint32_t fog_calendar_overflow(const struct fog_calendar *); // of these, beyond the horizon
uint64_t fog_calendar_tick(const struct fog_calendar *); // cycles per tick
// The ticks' own begin: the last one that isn't after 'now', and the first one that isn't before 'due' (or
// UINT64_MAX). Packets leave at these times and at no others, if nobody is late.
uint64_t fog_calendar_floor(const struct fog_calendar *, uint64_t now);
uint64_t fog_calendar_ceil(const struct fog_calendar *, uint64_t due);
