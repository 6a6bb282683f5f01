// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Tracing of single packets inside one worker: records that are being written, and a ring of those
// that are done. Made and read by the manager, written by the worker, freed after a QSBR grace
// period. A packet carries place and serial of its record (pkt.h).
#pragma once

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/trace.h"

enum {
	FOG_TRACE_PLACES = 1024, // packets that are traced at the same time
	FOG_TRACE_RING = 1024, // records that wait for the manager, power of two
};

struct fog_trace_open {
	uint32_t serial; // of the record in this place, 0 = free
	uint64_t arrival; // TSC
	struct fog_trace_record record;
};

struct fog_trace {
	// Manager: before it is published.
	uint64_t began; // TSC
	uint32_t sample; // one packet of so many
	bool capture; // frames are captured, packets are not traced
	// Worker only, but for their first values.
	// Until the next sample: [0] packets, and frames that come, [1] frames that leave. What comes and what
	// leaves often takes turns, and one count for both would meet the same kind again and again.
	uint32_t countdown[2];
	uint32_t left; // records that may still begin
	uint16_t free_n;
	uint16_t free[FOG_TRACE_PLACES];
	struct fog_trace_open place[FOG_TRACE_PLACES];

	// Manager: wo, worker: ro.
	alignas(FOG_CACHE_LINE) atomic_bool closing; // nothing begins any more
	_Atomic uint32_t tail;
	// Worker: wo, manager: ro.
	alignas(FOG_CACHE_LINE) _Atomic uint32_t head;
	_Atomic uint32_t open; // records begun and not ended
	union fog_trace_entry ring[FOG_TRACE_RING];
};

// Ready to be published: one packet of 'sample', at most 'count' records, from the TSC 'now' on. The rest
// of it is zero already.
void fog_trace_init(struct fog_trace *, uint64_t now, uint32_t sample, uint32_t count);
