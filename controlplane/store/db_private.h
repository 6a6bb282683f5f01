// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What db.c asks of a driver, and what the drivers share.
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "db.h"

enum db_mode { DB_READ, DB_WRITE, DB_SCHEMA };

// What only this folder sees: db.c runs the transaction again, or returns -EBUSY and -EAGAIN.
enum {
	DB_CONFLICT = -1001, // others got in its way
	DB_LOST = -1002, // the connection is gone, and nothing of the transaction happened
};

enum { DB_BUCKETS = 64, DB_WHY_LEN = 256 };

// Prepared statements of a connection, by the address of their text and the types of their parameters.
struct db_statement {
	struct db_statement *next;
	const char *sql; // NULL: in no cache
	uint64_t types;
	void *prepared;
	unsigned number; // grows from 0
	bool busy; // a result of it is being read
};

struct db_cache {
	struct db_statement *bucket[DB_BUCKETS];
	unsigned count;
};

struct db_statement *db_cache_find(const struct db_cache *, const char *sql, uint64_t types);
// Returns NULL without memory.
struct db_statement *db_cache_add(
        struct db_cache *, const char *sql, uint64_t types, void *prepared
);
void db_cache_clear(struct db_cache *, void (*forget)(void *prepared)); // 'forget' may be NULL

struct db_pool {
	pthread_mutex_t lock;
	pthread_cond_t given_back;
	void *idle[FOG_DB_CONNECTIONS];
	unsigned idle_count, used, size;
};

struct fog_db {
	const struct db_driver *driver;
	struct db_pool readers, writers; // a driver that is shared has all in 'writers'
	_Atomic uint64_t away_until_ms; // CLOCK_MONOTONIC: connecting has failed just before
	void *settings; // of the driver
};

struct fog_tx {
	struct fog_db *db;
	void *connection; // of the driver
	enum db_mode mode;
	bool lost; // the connection is of no more use
	bool once; // statements are not kept by their address
	int failed; // the first error, 0: none
	char why[DB_WHY_LEN]; // the store's own words for it
};

struct db_driver {
	bool shared;
	const char *types[5]; // $ID, $INT, $TEXT, $BYTES, $STRICT
	const char *only; // what '-- only' in a step calls it
	const char *tables; // SQL: names of all tables, in the order in which they were made
	const char *drops; // SQL: statements that take all of them away, and what belongs to them
	const char *walk
	        [3]; // SQL: all rows of table %s, or a cursor for them, what fetches some, what closes it
	int (*open)(struct fog_db *, const struct fog_db_params *);
	void (*close)(struct fog_db *);
	// Returns 0, -EAGAIN, -EIO (logged).
	int (*connect)(struct fog_db *, enum db_mode, void **connection);
	void (*disconnect)(void *connection);
	int (*begin)(struct fog_tx *);
	int (*commit)(struct fog_tx *); // after an error the transaction is over, too
	void (*rollback)(struct fog_tx *);
	int (*script)(struct fog_tx *, const char *sql); // several statements without parameters
	int (*run)(struct fog_tx *, const char *sql, const struct fog_value *, unsigned n);
	int (*ask)(struct fog_rows *, const char *sql, const struct fog_value *, unsigned n);
	int (*next)(struct fog_rows *);
	void (*end)(struct fog_rows *);
	int (*columns)(const struct fog_rows *);
	const char *(*name)(const struct fog_rows *, int column);
	int (*kind)(const struct fog_rows *, int column); // type of struct fog_value
	// The last id that a table has given: 1, or 0 when it gives none or has not yet.
	int (*sequence_get)(struct fog_tx *, const char *table, int64_t *last);
	int (*sequence_set)(struct fog_tx *, const char *table, int64_t last);
	bool (*null)(const struct fog_rows *, int column);
	int64_t (*number)(const struct fog_rows *, int column);
	const char *(*text)(const struct fog_rows *, int column);
	const uint8_t *(*bytes)(const struct fog_rows *, int column, size_t *len);
};

extern const struct db_driver db_sqlite, db_postgres;

// Note an error of a driver, for what follows in the transaction, and return what the caller of db.h sees.
int db_failed(struct fog_tx *, int error);
// A transaction of any mode; the statements of DB_SCHEMA may take long.
int db_transact(struct fog_db *, enum db_mode, fog_db_work *work, void *ctx);
// Several statements of a schema, their words replaced (README.md).
int db_script(struct fog_tx *, const char *sql);

// What migrations are made of, for restoring.

// 0: nothing is in the store, 1: steps of ours, 2: something else.
int db_store_holds(struct fog_tx *);
int db_steps_begin(struct fog_tx *); // the table of steps that ran
const struct fog_schema_step *db_step_find(const struct fog_schema *, int64_t number); // or NULL
int db_step_run(struct fog_tx *, const struct fog_schema_step *);
