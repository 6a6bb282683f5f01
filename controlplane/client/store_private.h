// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What the store's files share.
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

#include "store.h"

enum client_sql {
	CSQL_BEGIN,
	CSQL_COMMIT,
	CSQL_ROLLBACK,
	CSQL_META_GET,
	CSQL_META_PUT,
	CSQL_ACCEPT,
	CSQL_PIECE_PUT,
	CSQL_STATUS,
	CSQL_DUE,
	CSQL_LEFT,
	CSQL_LEFT_FIRST,
	CSQL_LEFT_AGAIN,
	CSQL_ALL_SENT,
	CSQL_SURB_PUT,
	CSQL_SURB_GET,
	CSQL_POSTPONE,
	CSQL_WAIT,
	CSQL_PIECE_DELETE,
	CSQL_ACKNOWLEDGED,
	CSQL_ALL_ACKNOWLEDGED,
	CSQL_SURB_DELETE,
	CSQL_SURBS_DELETE_PIECE,
	CSQL_FAILED,
	CSQL_PIECES_DELETE,
	CSQL_SURBS_DELETE,
	CSQL_SEEN_GET,
	CSQL_SEEN_PUT,
	CSQL_PARTIAL_LIKE,
	CSQL_PARTIAL_PUT,
	CSQL_PARTIAL_COUNT,
	CSQL_PARTIAL_LIST,
	CSQL_PARTIAL_DELETE,
	CSQL_PARTIAL_BYTES,
	CSQL_PARTIAL_STALEST,
	CSQL_MESSAGE_PUT,
	CSQL_MESSAGE_NEXT,
	CSQL_MESSAGE_DELETE,
	CSQL_OLD_OUT,
	CSQL_PRUNE_OUT,
	CSQL_PRUNE_SEEN,
	CSQL_PRUNE_PARTIAL,
	CSQL_COUNT,
};

struct client_store {
	sqlite3 *db;
	sqlite3_stmt *sql[CSQL_COUNT];
	const uint8_t *key;
	uint8_t *message; // received last
	char error[200];
};

// -ENOSPC when the disk is full, else -EIO; 'doing' and SQLite's words are kept.
int client_store_fail(struct client_store *, const char *doing);
// A row is not what we have written, though SQLite finds nothing wrong. Returns -EIO, said.
int client_store_damaged(struct client_store *, const char *doing);
// A statement, reset and without bindings.
sqlite3_stmt *client_store_sql(struct client_store *, enum client_sql);
// Run a statement that yields no rows.
int client_store_run(struct client_store *, sqlite3_stmt *, const char *doing);
// The first column of the first row; 'none' when there is no row.
int client_store_number(struct client_store *, sqlite3_stmt *, int64_t none, int64_t *out);
// A transaction that writes. 'durable': on disk when end returns. end undoes all when r < 0, which it
// returns.
int client_store_begin(struct client_store *, bool durable);
int client_store_end(struct client_store *, int r);
