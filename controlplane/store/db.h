// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The platform's store: accounts, audit, limits, operations, history of the configuration. One interface
// over SQLite (one node, the default) and PostgreSQL (several control planes on one store). What is a
// node's own lies in store.h.
//
// SQL is written once for both: placeholders $1, $2, .. in any order; integers are 64 bits (booleans 0
// and 1, times microseconds since 1970 UTC, money in its smallest unit); text is UTF-8 without NUL; bytes
// are BLOB and bytea. INSERT .. ON CONFLICT, UPDATE .. RETURNING and the like work on both. A parameter
// has the type of its value on PostgreSQL, too; NULL gets the type that its place asks for.
//
// Any thread. SQLite has one writer and several readers, PostgreSQL a pool of connections.
//
// Errors of all functions: -EEXIST (unique), -ENOENT (foreign key; no such row), -EINVAL (check, not null, a
// value that no column takes), -EPERM (a trigger refused it), -EROFS (a write in fog_db_read), -ENOSPC,
// -EAGAIN (the store does not answer now: 503 and Retry-After), -EBUSY (too many at once, for longer than
// FOG_DB_WAIT_MS), -EDEADLK (this thread is in a transaction already), -EIO (logged). After an error inside a
// transaction all that follows in it returns the same, and nothing of it happens; only that fog_db_one
// finds no row is no such error.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fog_db;
struct fog_tx;

enum {
	FOG_DB_WAIT_MS = 5000, // for the writer's turn, or for a connection of the pool
	FOG_DB_TRIES = 10, // of a transaction that others got in the way of
	FOG_DB_CONNECTIONS = 8, // of the pool, and readers of SQLite
	FOG_DB_VALUE_MAX = 64 << 20, // bytes of one value; above: -EINVAL
	FOG_DB_PARAMETERS = 31, // of one statement
};

// 'url' is a path (SQLite; made with mode 0600) or postgresql://.. (libpq's URI; its password may stand in
// 'password_file'). SQLite: WAL, synchronous=FULL, foreign keys, quick_check at every open. Connections to
// PostgreSQL are made when they are used, and again when they were lost, so opening does not need the
// server. Returns 0, -errno; 'error' gets a sentence with its mend.
struct fog_db_params {
	const char *url;
	const char *password_file; // or NULL
	char *error;
	size_t error_len;
};

int fog_db_open(struct fog_db **, const struct fog_db_params *);
void fog_db_close(struct fog_db *); // accepts NULL; no transaction may be running
bool fog_db_shared(const struct fog_db *); // whether other control planes may be on it

struct fog_value {
	enum { FOG_VALUE_NULL, FOG_VALUE_INT, FOG_VALUE_TEXT, FOG_VALUE_BYTES } type;

	int64_t number;
	const void *data; // borrowed for the call
	size_t len;
};

#define FOG_NULL ((struct fog_value){.type = FOG_VALUE_NULL})
#define FOG_INT(n) ((struct fog_value){.type = FOG_VALUE_INT, .number = (n)})
#define FOG_TEXT(s) fog_value_text(s) // NULL becomes FOG_NULL
#define FOG_BYTES(p, n) ((struct fog_value){.type = FOG_VALUE_BYTES, .data = (p), .len = (n)})
// The parameters of a statement: FOG_BIND(FOG_INT(1), FOG_TEXT(name)), or FOG_NONE.
#define FOG_BIND(...) \
	(const struct fog_value[]){__VA_ARGS__}, \
	        sizeof((const struct fog_value[]){__VA_ARGS__}) / sizeof(struct fog_value)
#define FOG_NONE NULL, 0

struct fog_value fog_value_text(const char *text);

// Run 'work' in a transaction and commit when it returns 0 or more; any other return undoes it and comes
// back. Serializable on both. When others got in its way, or the connection was lost, it is run again, up to
// FOG_DB_TRIES times: it must do nothing that a second run would spoil. A return of 0 or more means durable
// (fsync, synchronous_commit). An error means that nothing of it happened, but for -EAGAIN when PostgreSQL
// crashed in the commit, or went away and has not come back within FOG_DB_WAIT_MS: then it is not known. One
// transaction of a thread at a time.
typedef int fog_db_work(struct fog_tx *, void *ctx);
int fog_db_write(struct fog_db *, fog_db_work *work, void *ctx);
int fog_db_read(
        struct fog_db *, fog_db_work *work, void *ctx
); // may not write; sees one state throughout

// 'sql' is one statement. It must be a string literal, or live as long as the store: statements are prepared
// once by its address. Returns the number of changed rows.
int fog_db_run(struct fog_tx *, const char *sql, const struct fog_value *, unsigned n);

// A result, read row by row. What a row points to lives until the next row or the end. It is ended before
// its transaction is.
struct fog_rows {
	struct fog_tx *tx;
	void *statement; // of the driver; NULL: ended
	int row, count;
};

int fog_db_ask(
        struct fog_tx *, struct fog_rows *, const char *sql, const struct fog_value *, unsigned n
);
int fog_rows_next(struct fog_rows *); // 1: a row, 0: no more, or -errno
void fog_rows_end(struct fog_rows *); // may be called twice
// The first row: 0, or -ENOENT when there is none. The caller ends it in both cases.
int fog_db_one(
        struct fog_tx *, struct fog_rows *, const char *sql, const struct fog_value *, unsigned n
);
// Columns count from 0 and are read as what they are: conversions differ between the stores.
bool fog_rows_null(const struct fog_rows *, int column);
int64_t fog_rows_int(
        const struct fog_rows *, int column
); // 0 for NULL; also of count(), sum() and conditions
const char *fog_rows_text(const struct fog_rows *, int column); // "" for NULL
const uint8_t *fog_rows_bytes(const struct fog_rows *, int column, size_t *len); // NULL, 0 for NULL

// Migrations: numbered steps of SQL, embedded when built (schema/NNN_name.sql). Each runs once, in a
// transaction, one control plane at a time.
struct fog_schema_step {
	unsigned number;
	const char *name;
	const char *sql; // README.md says what its words are
	const char
	        *digest; // hexadecimal BLAKE2b-256 of the text: a step that has run never changes
};

struct fog_schema {
	const struct fog_schema_step *step; // by growing number
	unsigned count;
};

extern const struct fog_schema fog_schema_platform;

// Bring the store up to 'schema', up to step 'upto' (0 = all). Returns the number of steps that ran, or
// -ENOTSUP (a newer version wrote it), -EBADMSG (a step that has run has another text), -ENOTEMPTY (it
// holds tables of something else), or an error as above; said in 'error'.
int fog_db_migrate(
        struct fog_db *, const struct fog_schema *, unsigned upto, char *error, size_t error_len
);
// Whether all steps have run: 0, or -ESTALE ('fogctl store migrate' is the mend).
int fog_db_migrated(struct fog_db *, const struct fog_schema *);
