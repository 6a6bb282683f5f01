// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The control plane's part of `fogctl trace` and `fogctl capture`: asks the data plane to look at single
// packets or frames, one or the other at a time, and keeps the records in memory, never anywhere else, until
// they are thrown away, replaced by the next trace's, or FOG_TRACER_KEEP_S old. Any thread, but for the callbacks of the data-plane client.
#pragma once

#include "dpclient.h"

enum { FOG_TRACER_KEEP_S = 600 };

struct fog_tracer;

struct fog_tracer_request {
	bool capture; // frames, else packets
	uint32_t sample; // one packet of so many
	uint32_t count; // records, then it ends
	uint32_t seconds; // then it ends, too
	uint32_t worker; // or FOG_TRACE_ALL
};

enum fog_tracer_state { FOG_TRACER_NONE, FOG_TRACER_ACTIVE, FOG_TRACER_ENDED };

struct fog_tracer_status {
	enum fog_tracer_state state;
	struct fog_tracer_request request;
	int64_t began_us; // since 1970
	uint32_t records; // there are so many by now
};

int fog_tracer_create(struct fog_tracer **); // 0 or -ENOMEM
void fog_tracer_destroy(struct fog_tracer *); // accepts NULL

// Begin. Waits up to 2 s for the data plane's answer; never on the control thread. Returns 0, -EBUSY (a
// trace is active), -ENOTCONN, -ETIMEDOUT, -ENOMEM, or what the data plane refused it with (-EPERM:
// production, -EINVAL: no such worker).
int fog_tracer_start(struct fog_tracer *, struct fog_dpclient *, const struct fog_tracer_request *);
// End it and throw the records away. Returns 0 or -ENOENT (there is none).
int fog_tracer_stop(struct fog_tracer *, struct fog_dpclient *);
void fog_tracer_status(struct fog_tracer *, struct fog_tracer_status *);
// Copy up to 'max' records of this kind from number 'after' on; waits up to 'wait_ms' for the first one or
// the end. Returns how many.
unsigned fog_tracer_read(
        struct fog_tracer *, bool capture, uint32_t after, union fog_trace_entry *out, unsigned max,
        int wait_ms
);
// Let everybody who waits go on: the process ends.
void fog_tracer_wake(struct fog_tracer *);

// Control thread.
void fog_tracer_record(struct fog_tracer *, uint32_t type, const union fog_trace_entry *);
void fog_tracer_answer(struct fog_tracer *, const struct fog_evt *); // FOG_EVT_TRACE_STATE
void fog_tracer_detached(struct fog_tracer *);
void fog_tracer_tick(struct fog_tracer *); // throws old records away
