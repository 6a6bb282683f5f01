// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../log/log.h"
#include "../now.h"
#include "db_private.h"

enum { AWAY_MS = 250, BACK_OFF_US = 1000, BACK_OFF_DOUBLINGS = 6 };

// The store in whose transaction this thread is.
static _Thread_local const struct fog_db *db_of_thread;

static void pool_init(struct db_pool *pool, unsigned size)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->given_back, &attr);
	pthread_condattr_destroy(&attr);
	pool->size = size;
}

static void pool_drop_idle(struct fog_db *db, struct db_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	while (pool->idle_count > 0)
		db->driver->disconnect(pool->idle[--pool->idle_count]);
	pthread_mutex_unlock(&pool->lock);
}

static void pool_destroy(struct fog_db *db, struct db_pool *pool)
{
	pool_drop_idle(db, pool);
	pthread_cond_destroy(&pool->given_back);
	pthread_mutex_destroy(&pool->lock);
}

static struct db_pool *pool_of(struct fog_db *db, enum db_mode mode)
{
	return mode == DB_READ && !db->driver->shared ? &db->readers : &db->writers;
}

// A connection that is idle, or NULL when a new one may be made. Returns 0 or -EBUSY.
static int pool_take(struct db_pool *pool, void **connection)
{
	struct timespec end = fog_deadline(FOG_DB_WAIT_MS);
	int r = 0;

	pthread_mutex_lock(&pool->lock);
	while (pool->used == pool->size && r == 0)
		r = -pthread_cond_timedwait(&pool->given_back, &pool->lock, &end);
	if (pool->used < pool->size) {
		pool->used++;
		*connection = pool->idle_count > 0 ? pool->idle[--pool->idle_count] : NULL;
		r = 0;
	}
	pthread_mutex_unlock(&pool->lock);
	return r < 0 ? -EBUSY : 0;
}

// 'connection' NULL: there is none after all.
static void pool_give(struct db_pool *pool, void *connection)
{
	pthread_mutex_lock(&pool->lock);
	pool->used--;
	if (connection != NULL)
		pool->idle[pool->idle_count++] = connection;
	pthread_cond_signal(&pool->given_back);
	pthread_mutex_unlock(&pool->lock);
}

int fog_db_open(struct fog_db **out, const struct fog_db_params *params)
{
	struct fog_db *db = calloc(1, sizeof(*db));

	if (db == NULL || sodium_init() < 0) {
		free(db);
		return -ENOMEM;
	}
	bool postgres = strncmp(params->url, "postgresql://", 13) == 0 ||
	        strncmp(params->url, "postgres://", 11) == 0;
	db->driver = postgres ? &db_postgres : &db_sqlite;
	pool_init(&db->readers, FOG_DB_CONNECTIONS);
	pool_init(&db->writers, db->driver->shared ? FOG_DB_CONNECTIONS : 1);
	int r = db->driver->open(db, params);
	if (r < 0) {
		fog_db_close(db);
		return r;
	}
	*out = db;
	return 0;
}

void fog_db_close(struct fog_db *db)
{
	if (db == NULL)
		return;
	pool_destroy(db, &db->readers);
	pool_destroy(db, &db->writers);
	db->driver->close(db);
	free(db);
}

bool fog_db_shared(const struct fog_db *db)
{
	return db->driver->shared;
}

static int db_public(int error)
{
	return error == DB_CONFLICT ? -EBUSY : error == DB_LOST ? -EAGAIN : error;
}

int db_failed(struct fog_tx *tx, int error)
{
	if (error >= 0)
		return error;
	if (tx->failed == 0)
		tx->failed = error;
	return db_public(tx->failed);
}

// Who finds the store away spares others the wait for a moment.
static int db_connect(struct fog_db *db, struct fog_tx *tx)
{
	if (fog_now_ms() < atomic_load(&db->away_until_ms))
		return -EAGAIN;
	int r = db->driver->connect(db, tx->mode, &tx->connection);
	if (r == -EAGAIN)
		atomic_store(&db->away_until_ms, fog_now_ms() + AWAY_MS);
	return r;
}

static int db_work(struct fog_tx *tx, fog_db_work *work, void *ctx)
{
	const struct db_driver *driver = tx->db->driver;
	int r = work(tx, ctx);

	if (tx->failed < 0)
		r = tx->failed;
	if (r < 0) {
		driver->rollback(tx);
		return r;
	}
	int e = driver->commit(tx);
	return e < 0 ? e : r;
}

static int db_try(struct fog_db *db, enum db_mode mode, fog_db_work *work, void *ctx)
{
	struct db_pool *pool = pool_of(db, mode);
	struct fog_tx tx = {.db = db, .mode = mode};
	int r = pool_take(pool, &tx.connection);

	if (r < 0)
		return r;
	if (tx.connection == NULL)
		r = db_connect(db, &tx);
	if (r == 0)
		r = db->driver->begin(&tx);
	if (r == 0)
		r = db_work(&tx, work, ctx);
	if (tx.lost) {
		db->driver->disconnect(tx.connection);
		tx.connection = NULL;
		// What one connection has met, the others have, most likely.
		pool_drop_idle(db, pool);
	}
	pool_give(pool, tx.connection);
	return r;
}

int db_transact(struct fog_db *db, enum db_mode mode, fog_db_work *work, void *ctx)
{
	int r = DB_CONFLICT;

	if (db_of_thread == db) {
		LOG_ERR("store: a transaction inside of another one was refused: please report this"
		);
		return -EDEADLK;
	}
	const struct fog_db *outer = db_of_thread;
	db_of_thread = db;
	for (int i = 0; i < FOG_DB_TRIES && (r == DB_CONFLICT || r == DB_LOST); i++) {
		int doublings = i < BACK_OFF_DOUBLINGS ? i : BACK_OFF_DOUBLINGS;

		if (i > 0 && r == DB_CONFLICT)
			usleep(randombytes_uniform(BACK_OFF_US << doublings));
		r = db_try(db, mode, work, ctx);
	}
	db_of_thread = outer;
	return db_public(r);
}

int fog_db_write(struct fog_db *db, fog_db_work *work, void *ctx)
{
	return db_transact(db, DB_WRITE, work, ctx);
}

int fog_db_read(struct fog_db *db, fog_db_work *work, void *ctx)
{
	return db_transact(db, DB_READ, work, ctx);
}
