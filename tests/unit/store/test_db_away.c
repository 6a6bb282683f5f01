// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Stores that are away, busy or full, and connections that get lost: what is written is written once.
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../run.h"
#include "relay.h"
#include "store_rig.h"

static const struct fog_schema_step steps[] = {
        {1, "test", "CREATE TABLE thing(id $ID, number $INT, data $BYTES) $STRICT;\n", "d1"},
};
static const struct fog_schema schema = {steps, 1};

static struct fog_db *begin(void)
{
	struct fog_db *db = rig_open_empty();
	char error[256];

	CU_ASSERT_EQUAL_FATAL(fog_db_migrate(db, &schema, 0, error, sizeof(error)), 1);
	return db;
}

static struct fog_db *open_url(const char *url, const char *password_file)
{
	char error[512] = "";
	struct fog_db *db = NULL;
	struct fog_db_params p = {url, password_file, error, sizeof(error)};

	CU_ASSERT_EQUAL_FATAL(fog_db_open(&db, &p), 0);
	return db;
}

static int run_work(struct fog_tx *tx, void *ctx)
{
	return fog_db_run(tx, ctx, FOG_NONE);
}

static int run(struct fog_db *db, const char *sql)
{
	return fog_db_write(db, run_work, (void *)sql);
}

static int number_work(struct fog_tx *tx, void *ctx)
{
	struct fog_rows rows;
	int r = fog_db_one(tx, &rows, ctx, FOG_NONE);

	r = r < 0 ? r : (int)fog_rows_int(&rows, 0);
	fog_rows_end(&rows);
	return r;
}

static int number_of(struct fog_db *db, const char *sql)
{
	return fog_db_read(db, number_work, (void *)sql);
}

static const char put[] = "INSERT INTO thing(number) VALUES (1)";
static const char count[] = "SELECT count(*) FROM thing";
// Ends the conversations of all others with this database.
static const char end_others[] =
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()";

static void test_idle_lost(void)
{
	if (!rig_is_shared())
		return;
	struct fog_db *db = begin(), *other = rig_open();

	CU_ASSERT_EQUAL(run(db, put), 1);
	CU_ASSERT_EQUAL(number_of(other, end_others), 1);
	CU_ASSERT_EQUAL(run(db, put), 1);
	CU_ASSERT_EQUAL(number_of(other, end_others), 1);
	CU_ASSERT_EQUAL(number_of(db, count), 2);
	fog_db_close(other);
	rig_close(db);
}

struct lost {
	struct fog_db *other;
	int runs;
};

static int lost_work(struct fog_tx *tx, void *ctx)
{
	struct lost *lost = ctx;
	int r = fog_db_run(tx, put, FOG_NONE);

	CU_ASSERT_EQUAL(r, 1);
	if (lost->runs++ == 0)
		CU_ASSERT_EQUAL(number_of(lost->other, end_others), 1);
	r = fog_db_run(tx, put, FOG_NONE);
	CU_ASSERT_EQUAL(r, lost->runs == 1 ? -EAGAIN : 1);
	return r;
}

static void test_lost_inside(void)
{
	if (!rig_is_shared())
		return;
	struct lost lost = {.other = rig_open()};
	struct fog_db *db = begin();

	CU_ASSERT_EQUAL(fog_db_write(db, lost_work, &lost), 1);
	CU_ASSERT_EQUAL(lost.runs, 2);
	CU_ASSERT_EQUAL(number_of(db, count), 2);
	fog_db_close(lost.other);
	rig_close(db);
}

static int counted_work(struct fog_tx *tx, void *ctx)
{
	++*(int *)ctx;
	return fog_db_run(tx, put, FOG_NONE);
}

static void check_cut(struct fog_db *db, struct relay *relay, enum relay_cut cut, int expected)
{
	int runs = 0, before = number_of(db, count);
	unsigned cuts = relay_cuts(relay);

	relay_cut(relay, cut);
	CU_ASSERT_EQUAL(fog_db_write(db, counted_work, &runs), 1);
	CU_ASSERT_EQUAL(runs, expected);
	CU_ASSERT_EQUAL(relay_cuts(relay), cuts + 1);
	CU_ASSERT_EQUAL(number_of(db, count), before + 1);
}

static void test_lost_in_commit(void)
{
	char folder[128], url[256];

	if (!rig_is_shared())
		return;
	fog_db_close(begin());
	snprintf(folder, sizeof(folder), "%s", strstr(rig_url(), "host=") + 5);
	snprintf(url, sizeof(url), "%s&port=5433", rig_url());
	struct relay *relay = relay_start(folder);
	CU_ASSERT_PTR_NOT_NULL_FATAL(relay);
	struct fog_db *db = open_url(url, NULL);
	// The server never hears of the first, and has written the second: neither may happen twice, or not at all.
	check_cut(db, relay, RELAY_BEFORE, 2);
	check_cut(db, relay, RELAY_AFTER, 1);
	// What goes on for ever is given up.
	int runs = 0;
	relay_cut(relay, RELAY_ALWAYS_BEFORE);
	CU_ASSERT_EQUAL(fog_db_write(db, counted_work, &runs), -EAGAIN);
	CU_ASSERT_EQUAL(runs, FOG_DB_TRIES);
	relay_cut(relay, RELAY_NEVER);
	CU_ASSERT_EQUAL(number_of(db, count), 2);
	fog_db_close(db);
	relay_stop(relay);
}

static void test_away(void)
{
	struct fog_db *db = open_url("postgresql://nobody@/nothing?host=/nonexistent", NULL);

	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(run(db, put), -EAGAIN);
		CU_ASSERT_EQUAL(number_of(db, count), -EAGAIN);
	}
	CU_ASSERT_TRUE(fog_db_shared(db));
	fog_db_close(db);
}

// A statement that was prepared before somebody changed the table.
static void test_table_changed(void)
{
	static const char all[] = "SELECT * FROM thing";
	struct fog_db *db = begin(), *other = rig_open();

	CU_ASSERT_EQUAL(run(db, put), 1);
	CU_ASSERT_EQUAL(number_of(db, all), 1);
	CU_ASSERT_EQUAL(run(other, "ALTER TABLE thing ADD COLUMN more TEXT"), 0);
	CU_ASSERT_EQUAL(number_of(db, all), 1);
	fog_db_close(other);
	rig_close(db);
}

static int held_work(struct fog_tx *tx, void *ctx)
{
	CU_ASSERT_EQUAL(fog_db_run(tx, "UPDATE thing SET number=2", FOG_NONE), 1);
	CU_ASSERT_EQUAL(run(ctx, "UPDATE thing SET number=3"), -EBUSY);
	return 0;
}

static void test_busy(void)
{
	struct fog_db *db = begin(), *other = rig_open();

	CU_ASSERT_EQUAL(run(db, put), 1);
	CU_ASSERT_EQUAL(fog_db_write(other, held_work, db), 0);
	CU_ASSERT_EQUAL(number_of(db, "SELECT number FROM thing"), 2);
	fog_db_close(other);
	rig_close(db);
}

static pthread_barrier_t all_read, may_end;

static int stay_work(struct fog_tx *tx, void *ctx)
{
	int r = number_work(tx, (void *)count);

	pthread_barrier_wait(&all_read);
	pthread_barrier_wait(&may_end);
	return r;
}

static void *stay(void *ctx)
{
	CU_ASSERT_EQUAL(fog_db_read(ctx, stay_work, NULL), 0);
	return NULL;
}

static void test_pool_used_up(void)
{
	pthread_t thread[FOG_DB_CONNECTIONS];
	struct fog_db *db = begin();

	pthread_barrier_init(&all_read, NULL, FOG_DB_CONNECTIONS + 1);
	pthread_barrier_init(&may_end, NULL, FOG_DB_CONNECTIONS + 1);
	for (int i = 0; i < FOG_DB_CONNECTIONS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, stay, db), 0);
	pthread_barrier_wait(&all_read);
	CU_ASSERT_EQUAL(number_of(db, count), -EBUSY);
	pthread_barrier_wait(&may_end);
	for (int i = 0; i < FOG_DB_CONNECTIONS; i++)
		pthread_join(thread[i], NULL);
	CU_ASSERT_EQUAL(number_of(db, count), 0);
	rig_close(db);
}

static void test_full(void)
{
	static const char large[] = "INSERT INTO thing(data) VALUES (zeroblob(1000000))";

	if (rig_is_shared())
		return;
	struct fog_db *db = begin();
	CU_ASSERT_EQUAL(run(db, "PRAGMA max_page_count=50"), 0);
	CU_ASSERT_EQUAL(run(db, large), -ENOSPC);
	CU_ASSERT_EQUAL(number_of(db, count), 0);
	CU_ASSERT_EQUAL(run(db, put), 1);
	CU_ASSERT_EQUAL(run(db, "PRAGMA max_page_count=100000"), 0);
	CU_ASSERT_EQUAL(run(db, large), 1);
	rig_close(db);
}

static const CU_TestInfo tests[] = {
        {"an idle connection that was lost", test_idle_lost},
        {"a connection lost inside of a transaction", test_lost_inside},
        {"a connection lost in a commit", test_lost_in_commit},
        {"a store that is away", test_away},
        {"a table that somebody has changed", test_table_changed},
        {"a row that somebody holds", test_busy},
        {"all connections in use", test_pool_used_up},
        {"a full disk", test_full},
        CU_TEST_INFO_NULL,
};

int main(void)
{
	return check_run("db_away", tests);
}
