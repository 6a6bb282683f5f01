// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the files of this folder share.
#pragma once

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "../now.h"
#include "store.h"

enum store_sql {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_META_GET,
	SQL_META_PUT,
	SQL_MARK_GET,
	SQL_MARK_PUT,
	SQL_RECEIVE,
	SQL_LIST,
	SQL_SURB_GET,
	SQL_SURB_USED,
	SQL_SEND,
	SQL_OUTBOX_PUT,
	SQL_OUTBOX_DONE,
	SQL_OUTBOX_NEXT,
	SQL_KEYS_PUT,
	SQL_KEYS_GET,
	SQL_KEYS_DELETE,
	SQL_KEYS_CLEAR,
	SQL_ANSWER_GET,
	SQL_ANSWER_PUT,
	SQL_PRUNE_ANSWERS,
	SQL_PRUNE_KEYS,
	SQL_PRUNE_MARKS,
	SQL_PRUNE_RECEIVED,
	SQL_PRUNE_SENT,
	SQL_FILTER_GET,
	SQL_FILTER_PUT,
	SQL_FILTER_DELETE,
	SQL_DENY_PUT,
	SQL_DENY_DELETE,
	SQL_DENY_LIST,
	SQL_SENT_GET,
	SQL_GIVEN_UP,
	SQL_ANNOUNCED_GET,
	SQL_ANNOUNCED_PUT,
	SQL_ANNOUNCED_AGAIN,
	SQL_ANNOUNCED_OPEN,
	SQL_ANNOUNCED_END,
	SQL_ANNOUNCED_CLEAR,
	SQL_SEEN_GET,
	SQL_SEEN_PUT,
	SQL_SEEN_LOST,
	SQL_VRF_GET,
	SQL_VRF_PUT,
	SQL_PROOF_GET,
	SQL_PROOF_PUT,
	SQL_PROOF_LIST,
	SQL_PRUNE_ANNOUNCED,
	SQL_PRUNE_SEEN,
	SQL_PRUNE_PROOFS,
	SQL_PRUNE_PROOFS_AGE,
	SQL_BOX_GET,
	SQL_BOX_OF,
	SQL_BOX_OLD,
	SQL_BOX_MAKE,
	SQL_BOX_PUT,
	SQL_BOX_DELETE,
	SQL_BOXES,
	SQL_MAIL_PUT,
	SQL_MAIL_GET,
	SQL_MAIL_WEIGHT,
	SQL_MAIL_FORGET,
	SQL_MAIL_OLD,
	SQL_MAIL_ANSWER_PUT,
	SQL_MAIL_ANSWER_NEXT,
	SQL_MAIL_ANSWERS_DONE,
	SQL_MAIL_ANSWERS_LAST,
	SQL_COUNT,
};

struct store_secret {
	uint8_t key[FOG_STORE_SECRET_LEN];
};

struct fog_store {
	sqlite3 *db;
	sqlite3_stmt *sql[SQL_COUNT];
	pthread_mutex_t lock;
	struct store_secret *secret; // sodium_malloc
	atomic_bool synced; // fog_store_durable has been called by fog_store_sync
};

// -ENOSPC when the disk is full, else -EIO; logged.
int store_error(struct fog_store *, const char *doing);
// A statement, reset and without bindings. Bind functions number parameters from 1.
sqlite3_stmt *store_statement(struct fog_store *, enum store_sql);
// Run a statement that yields no rows. Returns 0, or store_error's.
int store_run(struct fog_store *, sqlite3_stmt *, const char *doing);
// A value of fixed length in the table 'meta'. get returns 0 or -ENOENT (missing, or of another length).
int store_meta_get(struct fog_store *, const char *key, void *value, int len);
int store_meta_put(struct fog_store *, const char *key, const void *value, int len);
