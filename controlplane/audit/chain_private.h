// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files of a chain share.
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "../store/db.h"
#include "chain.h"
#include "head.h"
#include "search.h"

enum {

#define X(name, max) +(max) + 1
	AUDIT_TEXT_ROOM = 0 // and their NULs
#include "texts.def"
#undef X
	,
	AUDIT_GROUP_MAX = 256, // rows of a transaction
	AUDIT_RETRY_MS = 1000, // while the store is away
	AUDIT_OPEN_MAX = 4096, // of an earlier life, that are closed
	AUDIT_MINUTE_MS = 60 * 1000,
};

// A row that waits. Who appends has his on his stack; one that was posted is freed by who posted it, unless he has left.
struct audit_pending {
	struct audit_pending *next;
	struct fog_audit_row row;
	uint8_t body_digest[FOG_AUDIT_HASH_LEN];
	char text[AUDIT_TEXT_ROOM];
	int result;
	bool done;
	bool posted, tried, left; // tried: the store has refused it, it waits on
	pthread_cond_t written; // of who appends
};

struct audit_queue {
	struct audit_pending *first, **last;
};

struct audit_action {
	const char *name; // NULL: the others
	uint32_t count;
};

enum { AUDIT_STATUSES_MAX = 8 };

struct audit_source {
	char address[FOG_AUDIT_MAX_source + 1];
	int64_t first_us, last_us;
	uint64_t count;
	struct audit_action action[FOG_AUDIT_ACTIONS_MAX + 1];

	struct {
		unsigned status; // 0 in the last one: the others
		uint32_t count;
	} status[AUDIT_STATUSES_MAX + 1];
};

// One more than FOG_AUDIT_SOURCES_MAX: the last is for the others.
struct audit_refusals {
	unsigned count; // sources
	bool others;
	struct audit_source source[FOG_AUDIT_SOURCES_MAX + 1];
};

// refusals.c. Under the lock of who owns the table.
void audit_refusals_add(
        struct audit_refusals *, const char *source, const char *action, unsigned status,
        int64_t now_us
);
bool audit_refusals_any(const struct audit_refusals *);
void audit_refusals_merge(struct audit_refusals *into, const struct audit_refusals *from);
// The event of one source; 'details' is text that the caller frees. Returns 0 or -ENOMEM.
int audit_refusals_event(const struct audit_source *, struct fog_audit_event *, char **details);

struct fog_audit_chain {
	struct fog_db *db;
	char id[FOG_AUDIT_CHAIN_LEN];
	pthread_t thread;
	atomic_bool away;

	bool brief;
	char begun[FOG_AUDIT_MAX_request_id + 1]; // that the caller is about to end

	pthread_mutex_t lock; // over what follows
	pthread_cond_t work, flushed, told; // told: who posted
	struct audit_queue appended, posted;
	unsigned waiting; // that were posted
	uint64_t lost_ever;
	bool full; // that is said
	struct audit_refusals *refusals;
	uint64_t flush_wanted, flush_done;
	int flush_result;
	uint64_t lost; // rows that there was no place for, which no row tells of yet
	bool opened, stop; // opened: the first attempt has been made
	bool running; // there is a thread

	// The thread's own.
	struct audit_head_file heads;
	struct fog_audit_head tail; // the last row that is known to be durable
	bool known; // 'tail' is what the store has
	bool started; // the row audit.start is there
	bool head_unread; // the file's first line could not be read
	struct fog_audit_head
	        doubt; // the last row of a group whose transaction ended with an error
	int64_t foreign; // rows of others that have not been told of yet
	int64_t away_us; // since when
	uint64_t minute_ms, head_ms, retry_ms; // when the next is due
	struct audit_refusals *writing;
	int64_t ahead, missing; // what audit.start says
	uint64_t lost_told; // by the group that is being written
	struct fog_audit_list open; // what an earlier life has begun
};

// event.c. Make 'p' a row of 'e', without its place in the chain.
void audit_pending_fill(struct audit_pending *p, const struct fog_audit_event *e);

// notes.c. Rows of the chain's own, as lists.
struct audit_pending *audit_note(const char *action, const char *details);
// What has to be said of the chain itself goes in front of 'first'.
struct audit_pending *audit_notes(struct fog_audit_chain *c, struct audit_pending *first);
void audit_notes_free(struct audit_pending *list, const struct audit_pending *until);

// left.c. Read into c->open what of this chain was begun since its last start and has no end. Returns 0 or an error of the store.
int audit_left_read(struct fog_audit_chain *c);
// Rows that close it, in front of 'first'.
struct audit_pending *audit_left_notes(
        const struct fog_audit_chain *c, struct audit_pending *first
);

// write.c.
void *audit_write_thread(void *chain);
