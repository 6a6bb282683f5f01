// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Migrations: every step once, in order, whole or not at all, on both stores.
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../run.h"
#include "store_rig.h"

static const struct fog_schema_step steps[] = {
        {1, "one", "CREATE TABLE one(id $ID, n $INT, t $TEXT, b $BYTES) $STRICT;\n", "d1"},
        {2, "two",
         "-- only sqlite\nCREATE TABLE only_sqlite(n $INT);\n-- only postgresql\n"
         "CREATE TABLE only_postgresql(n $INT);\n-- both\nINSERT INTO one(n) VALUES (2);\n",
         "d2"},
        {4, "four", "INSERT INTO one(n) VALUES (4);\nINSERT INTO one(n) VALUES (5);\n", "d4"},
};

static const struct fog_schema three = {steps, 3}, two = {steps, 2};
static char error[512];

static int migrate(struct fog_db *db, const struct fog_schema *schema, unsigned upto)
{
	return fog_db_migrate(db, schema, upto, error, sizeof(error));
}

struct number {
	const char *sql;
	int64_t value;
};

static int number_work(struct fog_tx *tx, void *ctx)
{
	struct number *number = ctx;
	struct fog_rows rows;
	int r = fog_db_one(tx, &rows, number->sql, FOG_NONE);

	number->value = r == 0 ? fog_rows_int(&rows, 0) : -1;
	fog_rows_end(&rows);
	return r;
}

static int64_t number_of(struct fog_db *db, const char *sql)
{
	struct number number = {.sql = sql};

	return fog_db_read(db, number_work, &number) < 0 ? -1 : number.value;
}

static void test_all(void)
{
	struct fog_db *db = rig_open_empty();

	CU_ASSERT_EQUAL(fog_db_migrated(db, &three), -ESTALE);
	CU_ASSERT_EQUAL(migrate(db, &three, 0), 3);
	CU_ASSERT_EQUAL(fog_db_migrated(db, &three), 0);
	CU_ASSERT_EQUAL(migrate(db, &three, 0), 0);
	CU_ASSERT_EQUAL(number_of(db, "SELECT sum(n) FROM one"), 11);
	CU_ASSERT_EQUAL(
	        number_of(
	                db,
	                rig_is_shared() ? "SELECT count(*) FROM only_postgresql"
	                                : "SELECT count(*) FROM only_sqlite"
	        ),
	        0
	);
	CU_ASSERT_EQUAL(number_of(db, "SELECT count(*) FROM schema_step"), 3);
	rig_close(db);
}

static void test_step_by_step(void)
{
	struct fog_db *db = rig_open_empty();

	CU_ASSERT_EQUAL(migrate(db, &three, 1), 1);
	CU_ASSERT_EQUAL(migrate(db, &three, 3), 1);
	CU_ASSERT_EQUAL(number_of(db, "SELECT sum(n) FROM one"), 2);
	CU_ASSERT_EQUAL(fog_db_migrated(db, &three), -ESTALE);
	CU_ASSERT_EQUAL(fog_db_migrated(db, &two), 0);
	CU_ASSERT_EQUAL(migrate(db, &three, 4), 1);
	CU_ASSERT_EQUAL(fog_db_migrated(db, &three), 0);
	rig_close(db);
}

// A step that was added between two that have run is not forgotten.
static void test_gap(void)
{
	static const struct fog_schema_step gap[] = {
	        {1, "one", "CREATE TABLE one(id $ID, n $INT) $STRICT;\n", "d1"},
	        {4, "four", "INSERT INTO one(n) VALUES (4);\n", "d4"},
	};
	static const struct fog_schema without = {gap, 2};
	struct fog_db *db = rig_open_empty();

	CU_ASSERT_EQUAL(migrate(db, &without, 0), 2);
	CU_ASSERT_EQUAL(fog_db_migrated(db, &three), -ESTALE);
	CU_ASSERT_EQUAL(migrate(db, &three, 0), 1);
	CU_ASSERT_EQUAL(fog_db_migrated(db, &three), 0);
	CU_ASSERT_EQUAL(number_of(db, "SELECT sum(n) FROM one"), 6);
	rig_close(db);
}

static void test_refused(void)
{
	struct fog_schema_step other[3];
	const struct fog_schema changed = {other, 3};
	struct fog_db *db = rig_open_empty();

	memcpy(other, steps, sizeof(other));
	other[1].digest = "d2 but changed";
	CU_ASSERT_EQUAL(migrate(db, &three, 0), 3);
	CU_ASSERT_EQUAL(migrate(db, &changed, 0), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "step 002_two"));
	CU_ASSERT_EQUAL(fog_db_migrated(db, &changed), -ESTALE);
	CU_ASSERT_EQUAL(migrate(db, &two, 0), -ENOTSUP);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "newer version"));
	CU_ASSERT_EQUAL(fog_db_migrated(db, &two), -ESTALE);
	rig_close(db);
}

static int foreign_work(struct fog_tx *tx, void *ctx)
{
	return fog_db_run(tx, "CREATE TABLE somebody_elses(n INTEGER)", FOG_NONE);
}

static void test_foreign(void)
{
	struct fog_db *db = rig_open_empty();

	CU_ASSERT_EQUAL(fog_db_write(db, foreign_work, NULL), 0);
	CU_ASSERT_EQUAL(migrate(db, &three, 0), -ENOTEMPTY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "something else"));
	CU_ASSERT_EQUAL(fog_db_migrated(db, &three), -ESTALE);
	rig_close(db);
}

// Nothing of a step that fails stays, and those before it do.
static void test_failing(void)
{
	struct fog_schema_step bad[3];
	const struct fog_schema schema = {bad, 3};
	struct fog_db *db = rig_open_empty();

	memcpy(bad, steps, sizeof(bad));
	bad[2].sql = "INSERT INTO one(n) VALUES (4);\nINSERT INTO nowhere VALUES (5);\n";
	CU_ASSERT_EQUAL(migrate(db, &schema, 0), -EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "step 004_four failed: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "nowhere"));
	CU_ASSERT_EQUAL(number_of(db, "SELECT sum(n) FROM one"), 2);
	CU_ASSERT_EQUAL(migrate(db, &three, 0), 1);
	CU_ASSERT_EQUAL(number_of(db, "SELECT sum(n) FROM one"), 11);
	rig_close(db);
}

static atomic_int steps_ran;

static void *migrate_thread(void *ctx)
{
	char words[256];
	struct fog_db *db = rig_open();
	int r = fog_db_migrate(db, &three, 0, words, sizeof(words));

	CU_ASSERT(r >= 0);
	atomic_fetch_add(&steps_ran, r);
	fog_db_close(db);
	return NULL;
}

static void test_two_at_once(void)
{
	struct fog_db *db = rig_open_empty();
	pthread_t thread[4];

	atomic_store(&steps_ran, 0);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, migrate_thread, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	CU_ASSERT_EQUAL(atomic_load(&steps_ran), 3);
	CU_ASSERT_EQUAL(fog_db_migrated(db, &three), 0);
	CU_ASSERT_EQUAL(number_of(db, "SELECT sum(n) FROM one"), 11);
	rig_close(db);
}

static void test_platform(void)
{
	struct fog_db *db = rig_open_migrated();

	CU_ASSERT_EQUAL(fog_db_migrated(db, &fog_schema_platform), 0);
	CU_ASSERT_EQUAL(number_of(db, "SELECT length(name) FROM platform"), 32);
	CU_ASSERT(number_of(db, "SELECT made_us FROM platform") > INT64_C(1700000000000000));
	rig_close(db);
}

static const CU_TestInfo tests[] = {
        {"an empty store gets all steps, once", test_all},
        {"step by step", test_step_by_step},
        {"a step between those that ran", test_gap},
        {"a changed step and a newer version are refused", test_refused},
        {"tables of something else", test_foreign},
        {"a step that fails leaves nothing", test_failing},
        {"several at once", test_two_at_once},
        {"the platform's own steps", test_platform},
        CU_TEST_INFO_NULL,
};

int main(void)
{
	return check_run("schema", tests);
}
