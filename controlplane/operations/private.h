// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files of this folder share.
#pragma once

#include <pthread.h>

#include "operations.h"

enum { OPERATION_PENDING = 64 }; // lines that wait to be written; beyond it the oldest are lost

struct operation_line {
	int64_t number, time_us;
	char text[FOG_OPERATION_LINE_LEN];
};

// What the store is told of an operation.
struct operation_state {
	enum fog_operation_state state;
	unsigned progress;
	int64_t started_us, ended_us; // 0: not yet
	char error_code[FOG_OPERATION_NAME_LEN];
	char error_text[FOG_OPERATION_LINE_LEN];
	int64_t line_count; // all that ever were
	unsigned pending;
	struct operation_line line[OPERATION_PENDING]; // oldest first
};

struct fog_operation {
	struct fog_operations *operations; // constant, as what follows
	int64_t id;
	fog_operation_work *work;
	void (*done)(void *ctx);
	void *ctx;

	struct fog_operation *next; // under the lock of 'operations'

	pthread_mutex_t lock; // everything below
	bool cancel, heard; // asked to end; and it knows
	bool news; // to be written
	bool too_long; // the result
	char *result; // written at the end
	struct operation_state now;
};

struct fog_operations {
	struct fog_db *db; // constant
	char control_plane[FOG_OPERATION_NAME_LEN];

	pthread_mutex_t lock; // everything below; taken before an operation's
	pthread_cond_t news;
	bool started; // who starts and stops
	bool stop, quit; // the workers, the keeper
	unsigned waiting; // those in the queue, and those that are about to be
	struct fog_operation *first, *last; // the queue
	struct fog_operation
	        *live; // under way, or ended but not written yet; only the keeper takes out
	unsigned threads;
	pthread_t thread[FOG_OPERATIONS_THREADS];
	pthread_t keeper;
	int64_t pruned_us;
	int write_error; // of the last write
};

// What the SQL is: one transaction each. Return as store/db.h.
int operation_insert(struct fog_operations *, const struct fog_operation_begin *, int64_t *id);
int operation_write(
        struct fog_operations *, int64_t id, const struct operation_state *, const char *result
);
int operation_interrupt(struct fog_operations *); // all that this control plane has not ended
int operation_prune(struct fog_operations *, int64_t before_us);
// Numbers of those of this control plane that are to end. Returns how many.
int operation_cancels(struct fog_operations *, int64_t *id, unsigned max);
int operation_forget(
        struct fog_operations *, int64_t id, const char *owner
); // -EINPROGRESS: it has not ended
int operation_ask_cancel(struct fog_operations *, int64_t id, const char *owner);

void operation_free(struct fog_operation *);

// worker.c. All but the thread under the lock of 'operations'.
void *operations_work(void *operations); // a thread
void operation_interrupted(struct fog_operation *); // under its lock, too
// Out of the queue, as if it had run; 'end' says how, under its lock.
void operation_drop(
        struct fog_operations *, struct fog_operation *, void (*end)(struct fog_operation *)
);
// What is queued here is cancelled, what runs here is asked to end. Gives the lock back meanwhile.
void operation_cancel_here(struct fog_operations *, int64_t id);

// keeper.c
void *operations_keep(void *operations); // a thread
void operations_take_out(struct fog_operations *, struct fog_operation *); // under the lock
