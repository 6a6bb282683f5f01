// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Long work as a resource: it has a number, an owner, progress, a log, a result. Its row lies in the platform's store, so
// that it outlives this process and is seen by other control planes; the work itself is done here, by a few threads.
//
// queued -> running -> done | failed | cancelled. What was queued or running when its control plane ended is failed with
// the code "interrupted" when that one comes back. Rows are kept for FOG_OPERATIONS_DAYS after their end.
//
// Any thread, unless said otherwise. Errors besides those that are said: as of store/db.h.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../store/db.h"

enum {
	FOG_OPERATIONS_THREADS = 4,
	FOG_OPERATIONS_QUEUE = 64, // that wait for a thread
	FOG_OPERATIONS_DAYS = 30,
	FOG_OPERATIONS_LIST_MAX = 200,
	FOG_OPERATION_LINES = 200, // the newest are kept
	FOG_OPERATION_LINE_LEN = 256, // longer ones are cut
	FOG_OPERATION_NAME_LEN = 64, // of kinds, owners, control planes, error codes
	FOG_OPERATION_JSON_MAX = 64 << 10, // of parameters and results, bytes
	FOG_OPERATION_FLUSH_MS = 1000, // progress and lines are in the store after so long
};

enum fog_operation_state {
	FOG_OPERATION_QUEUED,
	FOG_OPERATION_RUNNING,
	FOG_OPERATION_DONE,
	FOG_OPERATION_FAILED,
	FOG_OPERATION_CANCELLED,
	FOG_OPERATION_STATES,
};

const char *fog_operation_state_name(enum fog_operation_state);
// Returns FOG_OPERATION_STATES when there is no such state.
enum fog_operation_state fog_operation_state_of(const char *name);

struct fog_operations;
struct fog_operation; // one that runs

// 'control_plane' names this one among those of the store: the same after a restart. The store outlives the object. Returns 0 or -ENOMEM.
int fog_operations_create(struct fog_db *, const char *control_plane, struct fog_operations **);
void fog_operations_destroy(struct fog_operations *); // stops; accepts NULL
// What this control plane has left behind is failed now; then the threads. Does nothing when they are there. Returns 0, -EAGAIN (no
// thread, or the store is away), logged.
int fog_operations_start(struct fog_operations *);
// Ask what runs to end and wait for it; what is left becomes "interrupted". Does nothing when it is stopped. One thread at a time, as
// start.
void fog_operations_stop(struct fog_operations *);

// The work. Returns 0 when it is done, or -errno; after fog_operation_cancelled has said true, any return is a cancel. It
// should look at that at least once a second.
typedef int fog_operation_work(struct fog_operation *, void *ctx);

struct fog_operation_begin {
	const char *kind; // "benchmark"
	const char *owner; // who may see it beside operators: "user 7"
	const char *parameters; // JSON, shown to him
	fog_operation_work *work;
	void (*done)(void *ctx); // after the work, or when it is never begun; may be NULL
	void *ctx;
};

// Returns 0 with its number, and its row is durable; or, and 'done' is not called, -EBUSY (FOG_OPERATIONS_QUEUE wait already), -EAGAIN (stopped, or
// the store is away), -EINVAL (a text is too long).
int fog_operations_begin(struct fog_operations *, const struct fog_operation_begin *, int64_t *id);

// For the work, by its thread.
bool fog_operation_cancelled(struct fog_operation *);
void fog_operation_progress(
        struct fog_operation *, unsigned percent
); // never falls; 100 only at the end
__attribute__((format(printf, 2, 3))) void fog_operation_log(
        struct fog_operation *, const char *format, ...
);
// What comes of it, JSON. Too long: the operation fails with the code "result_too_long".
void fog_operation_result(struct fog_operation *, const char *json);
// Why it fails, for programs and people; without it the errno's text stands there with the code "failed".
__attribute__((format(printf, 3, 4))) void fog_operation_error(
        struct fog_operation *, const char *code, const char *format, ...
);

struct fog_operation_line {
	int64_t number; // from 1
	int64_t time_us;
	const char *text;
};

// Lives during the call that it is given to.
struct fog_operation_view {
	int64_t id;
	const char *kind, *owner, *parameters, *control_plane;
	enum fog_operation_state state;
	unsigned progress; // percent
	bool cancel; // somebody has asked for it
	int64_t created_us, started_us, ended_us; // since 1970; 0: not yet
	const char *error_code, *error_text, *result; // NULL: none
};

typedef void fog_operation_see(void *ctx, const struct fog_operation_view *);
typedef void fog_operation_see_line(void *ctx, const struct fog_operation_line *);

struct fog_operation_filter {
	const char *owner; // NULL: all
	const char *kind; // NULL: all
	const char *parameters; // what they contain, NULL: anything; no '%' or '_' in it
	enum fog_operation_state state; // FOG_OPERATION_STATES: all
	int64_t before; // numbers below this one; 0: all
	unsigned limit; // 1..FOG_OPERATIONS_LIST_MAX
};

// Newest first. Returns 1 when there are more, 0, or -errno; 'see' is called when all is read.
int fog_operations_list(
        struct fog_operations *, const struct fog_operation_filter *, fog_operation_see *see,
        void *ctx
);
// One of them, and its lines after number 'after' in order (NULL: none). 'owner' not NULL: -ENOENT when it is somebody else's.
int fog_operations_get(
        struct fog_operations *, int64_t id, const char *owner, int64_t after,
        fog_operation_see *see, fog_operation_see_line *line, void *ctx
);
// Ask it to end: what is queued here is cancelled at once, what runs soon. Returns 0, -ENOENT (as get), -EALREADY (it has ended).
int fog_operations_cancel(struct fog_operations *, int64_t id, const char *owner);

// Remove one that has ended, with what came of it. Returns 0, -ENOENT (as get), -EINPROGRESS (it has not ended).
int fog_operations_forget(struct fog_operations *, int64_t id, const char *owner);

// Whether the threads are there and the store has taken what they had to say: 0 or -errno with a sentence.
int fog_operations_health(struct fog_operations *, char *text, size_t len);
