// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files of node_history.h share.
#pragma once

#include <pthread.h>

#include "node_history.h"

struct history_text {
	char *data;
	size_t len;
	char digest[FOG_HISTORY_DIGEST_LEN];
	char actor[FOG_HISTORY_ACTOR_LEN], comment[FOG_HISTORY_COMMENT_LEN];
};

struct node_history {
	const struct fog_node *node; // constant, as what follows
	char path[FOG_CONFIG_PATH_LEN + 32]; // of the pending file
	pthread_mutex_t
	        turn; // one change at a time; taken before 'change', and nothing of it is taken under 'lock'
	struct history_text next; // under 'turn': what is being put in force
	int64_t revision; // likewise: its number
	struct fog_pending waits; // likewise: what is to come back if it isn't confirmed

	pthread_mutex_t lock; // everything below
	pthread_cond_t news;
	struct history_text now; // in force; data NULL: not known
	struct fog_pending pending; // text NULL: none
	uint64_t deadline_ms; // of it
	bool rolling; // it is being taken back: too late to confirm it
	int roll_error; // of the last try
	char roll_id[17]; // the thread's: what its rows are called
	bool unsettled; // the store doesn't know all
	int store_error; // of the last try to tell it
	bool started, stop;
	pthread_t thread;
};

void node_history_text_free(struct history_text *);
// Returns 0 or -ENOMEM, and nothing is changed then. 'comment' may be NULL.
int node_history_text_set(
        struct history_text *, const char *data, size_t len, const char *actor, const char *comment
);
// Nothing waits any more. Under the lock.
void node_history_drop_pending(struct node_history *);
// Tell the store what is in force. Under 'turn'; called and left with the lock.
void node_history_settle(struct node_history *);
