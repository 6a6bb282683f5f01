// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What mailbox.c (mail in and out of the store) and mailbox_answer.c (the thread of answers) share.
#pragma once

#include <pthread.h>
#include <sodium.h>

#include "mailbox.h"

enum { MAILBOX_BUCKETS = 1024 };

// What was sent of the window's mails, each at its number modulo the window.
struct mailbox_sent {
	int64_t number; // 0: nothing
	uint64_t ms; // when its last part was
	uint8_t part, parts; // next one
};

struct mailbox_reader {
	struct mailbox_reader *next; // of the same bucket
	uint8_t id[FOG_ID_LEN];
	uint64_t used_ms;
	struct mailbox_sent sent[FOG_MAILBOX_WINDOW];
};

struct fog_mailboxes {
	struct fog_store *store;
	struct fog_mailbox_limits limits;
	const struct fog_mailboxes_ops *ops;
	void *ctx;

	// Control thread.
	struct mailbox_reader *reader[MAILBOX_BUCKETS];
	unsigned readers;
	uint8_t hash_key[crypto_shorthash_KEYBYTES];
	int64_t bytes_all; // in all mailboxes; counted anew at each prune, as is ...
	uint64_t boxes; // ... how many there are
	uint64_t put, full; // of the transaction under way
	bool unsettled; // a FETCH was answered, and what its client has is not forgotten yet:
	uint8_t settle_id[FOG_ID_LEN];
	int64_t settle_have;

	pthread_t thread;
	bool started;
	pthread_mutex_t lock; // everything below
	pthread_cond_t wake;
	bool pending, stopping;
	bool ended; // the thread, by itself
	struct fog_mailboxes_counts counts;
};

// mailbox_answer.c
void mailbox_answer_create(struct fog_mailboxes *);
void mailbox_answer_destroy(struct fog_mailboxes *);
