// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The contract of store/db.h, the same on both stores: values, errors, transactions.
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../run.h"
#include "store_rig.h"

static const struct fog_schema_step steps[] = {
        {.number = 1,
         .name = "test",
         .digest = "d1",
         .sql = "CREATE TABLE owner(id $ID, name $TEXT NOT NULL UNIQUE) $STRICT;\n"
                "CREATE TABLE thing(id $ID, owner $INT REFERENCES owner(id) ON DELETE RESTRICT,"
                " number $INT CHECK (number <> 13), word $TEXT, data $BYTES) $STRICT;\n"
                "CREATE TABLE fixed(number $INT NOT NULL) $STRICT;\n"
                "-- only sqlite\n"
                "CREATE TRIGGER fixed_stays BEFORE UPDATE ON fixed BEGIN"
                " SELECT RAISE(ABORT, 'fixed stays'); END;\n"
                "-- only postgresql\n"
                "CREATE FUNCTION fixed_stays() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'fixed stays'; END $$;\n"
                "CREATE TRIGGER fixed_stays BEFORE UPDATE ON fixed FOR EACH ROW"
                " EXECUTE FUNCTION fixed_stays();\n"
                "-- both\n"
                "INSERT INTO fixed VALUES (1);\n"},
};

static const struct fog_schema schema = {steps, 1};
static struct fog_db *db;

static void begin(void)
{
	char error[256] = "";

	db = rig_open_empty();
	CU_ASSERT_EQUAL_FATAL(fog_db_migrate(db, &schema, 0, error, sizeof(error)), 1);
}

static void finish(void)
{
	rig_close(db);
	db = NULL;
}

// One statement with its parameters, in a transaction of its own.
struct statement {
	const char *sql;
	const struct fog_value *value;
	unsigned n;
};

static int run_work(struct fog_tx *tx, void *ctx)
{
	const struct statement *s = ctx;

	return fog_db_run(tx, s->sql, s->value, s->n);
}

static int run(const char *sql, const struct fog_value *value, unsigned n)
{
	return fog_db_write(db, run_work, &(struct statement){sql, value, n});
}

static int read_run(const char *sql, const struct fog_value *value, unsigned n)
{
	return fog_db_read(db, run_work, &(struct statement){sql, value, n});
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

	if (r == 0)
		number->value = fog_rows_int(&rows, 0);
	fog_rows_end(&rows);
	fog_rows_end(&rows);
	return r;
}

static int64_t number_of(const char *sql)
{
	struct number number = {.sql = sql};

	CU_ASSERT_EQUAL(fog_db_read(db, number_work, &number), 0);
	return number.value;
}

static void put_values(void)
{
	static const char put[] = "INSERT INTO thing(number, word, data) VALUES($3, $1, $2)";

	CU_ASSERT_EQUAL(
	        run(put, FOG_BIND(FOG_TEXT("one"), FOG_BYTES("\0a\\\xff", 4), FOG_INT(INT64_MAX))),
	        1
	);
	CU_ASSERT_EQUAL(run(put, FOG_BIND(FOG_NULL, FOG_NULL, FOG_NULL)), 1);
	CU_ASSERT_EQUAL(
	        run(put, FOG_BIND(FOG_TEXT(""), FOG_BYTES(NULL, 0), FOG_INT(INT64_MIN))), 1
	);
	CU_ASSERT_EQUAL(run(put, FOG_BIND(FOG_TEXT(NULL), FOG_BYTES("", 0), FOG_INT(-1))), 1);
	CU_ASSERT_EQUAL(
	        run(put, FOG_BIND(FOG_TEXT("\xc3\xa4'\xf0\x9f\x98\x80"), FOG_NULL, FOG_INT(0))), 1
	);
}

static int values_work(struct fog_tx *tx, void *ctx)
{
	struct fog_rows rows;
	size_t len = 99;

	CU_ASSERT_EQUAL(
	        fog_db_ask(tx, &rows, "SELECT number, word, data FROM thing ORDER BY id", FOG_NONE),
	        0
	);
	CU_ASSERT_EQUAL_FATAL(fog_rows_next(&rows), 1);
	CU_ASSERT_EQUAL(fog_rows_int(&rows, 0), INT64_MAX);
	CU_ASSERT_STRING_EQUAL(fog_rows_text(&rows, 1), "one");
	CU_ASSERT_EQUAL(memcmp(fog_rows_bytes(&rows, 2, &len), "\0a\\\xff", 4), 0);
	CU_ASSERT_EQUAL(len, 4);
	CU_ASSERT_EQUAL_FATAL(fog_rows_next(&rows), 1);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_TRUE(fog_rows_null(&rows, i));
	CU_ASSERT_EQUAL(fog_rows_int(&rows, 0), 0);
	CU_ASSERT_STRING_EQUAL(fog_rows_text(&rows, 1), "");
	CU_ASSERT_PTR_NULL(fog_rows_bytes(&rows, 2, &len));
	CU_ASSERT_EQUAL(len, 0);
	CU_ASSERT_EQUAL_FATAL(fog_rows_next(&rows), 1);
	CU_ASSERT_EQUAL(fog_rows_int(&rows, 0), INT64_MIN);
	CU_ASSERT_FALSE(fog_rows_null(&rows, 1));
	CU_ASSERT_STRING_EQUAL(fog_rows_text(&rows, 1), "");
	CU_ASSERT_PTR_NOT_NULL(fog_rows_bytes(&rows, 2, &len));
	CU_ASSERT_EQUAL(len, 0);
	CU_ASSERT_EQUAL_FATAL(fog_rows_next(&rows), 1);
	CU_ASSERT_EQUAL(fog_rows_int(&rows, 0), -1);
	CU_ASSERT_TRUE(fog_rows_null(&rows, 1));
	CU_ASSERT_FALSE(fog_rows_null(&rows, 2));
	CU_ASSERT_EQUAL_FATAL(fog_rows_next(&rows), 1);
	CU_ASSERT_STRING_EQUAL(fog_rows_text(&rows, 1), "\xc3\xa4'\xf0\x9f\x98\x80");
	CU_ASSERT_EQUAL(fog_rows_next(&rows), 0);
	CU_ASSERT_EQUAL(fog_rows_next(&rows), 0);
	fog_rows_end(&rows);
	return 0;
}

static void test_values(void)
{
	begin();
	put_values();
	CU_ASSERT_EQUAL(fog_db_read(db, values_work, NULL), 0);
	// What isn't a column of 64 bits is a number, too.
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM thing"), 5);
	CU_ASSERT_EQUAL(
	        number_of("SELECT coalesce(sum(number), 0) FROM thing WHERE id IN (1, 3)"), -1
	);
	CU_ASSERT_EQUAL(number_of("SELECT sum(number) FROM thing WHERE id = 3"), INT64_MIN);
	CU_ASSERT_EQUAL(number_of("SELECT sum(number) + 10000 FROM thing WHERE id = 4"), 9999);
	CU_ASSERT_EQUAL(number_of("SELECT sum(id) * 100000000 FROM thing"), 1500000000);
	CU_ASSERT_EQUAL(number_of("SELECT count(*) > 4 FROM thing"), 1);
	CU_ASSERT_EQUAL(number_of("SELECT 7"), 7);
	finish();
}

static void test_values_refused(void)
{
	static const char put[] = "INSERT INTO thing(word) VALUES($1)";
	static const char *const bad[] = {"a\0b",
	                                  "\xff",
	                                  "\xc3",
	                                  "\xc0\xaf",
	                                  "\xed\xa0\x80",
	                                  "\xe0\x80\x80",
	                                  "\xf4\x90\x80\x80",
	                                  "\x80"};
	static const unsigned len[] = {3, 1, 1, 2, 3, 3, 4, 1};

	begin();
	for (unsigned i = 0; i < 8; i++) {
		struct fog_value value = {.type = FOG_VALUE_TEXT, .data = bad[i], .len = len[i]};
		CU_ASSERT_EQUAL(run(put, FOG_BIND(value)), -EINVAL);
	}
	struct fog_value large = {
	        .type = FOG_VALUE_BYTES, .data = put, .len = (size_t)FOG_DB_VALUE_MAX + 1};
	CU_ASSERT_EQUAL(run("INSERT INTO thing(data) VALUES($1)", FOG_BIND(large)), -EINVAL);
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM thing"), 0);
	// One type is not taken for another.
	CU_ASSERT(run("INSERT INTO thing(number) VALUES($1)", FOG_BIND(FOG_TEXT("x"))) < 0);
	finish();
}

static void test_constraints(void)
{
	begin();
	CU_ASSERT_EQUAL(run("INSERT INTO owner(name) VALUES($1)", FOG_BIND(FOG_TEXT("ann"))), 1);
	CU_ASSERT_EQUAL(
	        run("INSERT INTO owner(name) VALUES($1)", FOG_BIND(FOG_TEXT("ann"))), -EEXIST
	);
	CU_ASSERT_EQUAL(run("INSERT INTO owner(id, name) VALUES(1, 'bob')", FOG_NONE), -EEXIST);
	CU_ASSERT_EQUAL(run("INSERT INTO owner(name) VALUES($1)", FOG_BIND(FOG_NULL)), -EINVAL);
	CU_ASSERT_EQUAL(run("INSERT INTO thing(owner) VALUES(99)", FOG_NONE), -ENOENT);
	CU_ASSERT_EQUAL(run("INSERT INTO thing(number) VALUES(13)", FOG_NONE), -EINVAL);
	CU_ASSERT_EQUAL(run("INSERT INTO thing(owner) VALUES(1)", FOG_NONE), 1);
	CU_ASSERT_EQUAL(run("DELETE FROM owner WHERE id=1", FOG_NONE), -ENOENT);
	CU_ASSERT_EQUAL(run("UPDATE fixed SET number=2", FOG_NONE), -EPERM);
	CU_ASSERT_EQUAL(read_run("DELETE FROM thing", FOG_NONE), -EROFS);
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM thing"), 1);
	CU_ASSERT_EQUAL(run("INSERT INTO nowhere VALUES(1)", FOG_NONE), -EIO);
	CU_ASSERT_EQUAL(run("INSERT INTO thing(number) VALUES($2)", FOG_BIND(FOG_INT(1))), -EINVAL);
	finish();
}

static void test_changed_rows(void)
{
	begin();
	CU_ASSERT_EQUAL(run("INSERT INTO owner(name) VALUES('a'), ('b'), ('c')", FOG_NONE), 3);
	CU_ASSERT_EQUAL(
	        run("UPDATE owner SET name = name || $1 WHERE id < $2",
	            FOG_BIND(FOG_TEXT("x"), FOG_INT(3))),
	        2
	);
	CU_ASSERT_EQUAL(run("UPDATE owner SET name = 'd' WHERE id = 77", FOG_NONE), 0);
	CU_ASSERT_EQUAL(
	        run("INSERT INTO owner(name) VALUES('c') ON CONFLICT DO NOTHING", FOG_NONE), 0
	);
	CU_ASSERT_EQUAL(
	        run("INSERT INTO owner(name) VALUES('c') ON CONFLICT(name) DO UPDATE SET name='e'",
	            FOG_NONE),
	        1
	);
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM owner WHERE name IN ('ax', 'bx', 'e')"), 3);
	// An id is never used again.
	CU_ASSERT_EQUAL(run("DELETE FROM owner WHERE name='e'", FOG_NONE), 1);
	CU_ASSERT_EQUAL(run("INSERT INTO owner(name) VALUES('f')", FOG_NONE), 1);
	CU_ASSERT(number_of("SELECT id FROM owner WHERE name='f'") > 3);
	finish();
}

// A statement whose rows are still being read runs a second time inside.
static int nested_work(struct fog_tx *tx, void *ctx)
{
	static const char list[] = "SELECT id FROM owner ORDER BY id";
	struct fog_rows outer, inner;
	int count = 0;

	CU_ASSERT_EQUAL(fog_db_ask(tx, &outer, list, FOG_NONE), 0);
	while (fog_rows_next(&outer) > 0) {
		CU_ASSERT_EQUAL(fog_db_ask(tx, &inner, list, FOG_NONE), 0);
		while (fog_rows_next(&inner) > 0)
			count++;
		fog_rows_end(&inner);
	}
	fog_rows_end(&outer);
	return count;
}

static int returning_work(struct fog_tx *tx, void *ctx)
{
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows, "UPDATE owner SET name=$1 WHERE id=$2 RETURNING name, id",
	        FOG_BIND(FOG_TEXT("z"), FOG_INT(2))
	);

	CU_ASSERT_EQUAL(r, 0);
	CU_ASSERT_STRING_EQUAL(fog_rows_text(&rows, 0), "z");
	CU_ASSERT_EQUAL(fog_rows_int(&rows, 1), 2);
	fog_rows_end(&rows);
	// No row is no error of the transaction.
	CU_ASSERT_EQUAL(
	        fog_db_one(tx, &rows, "SELECT id FROM owner WHERE id=99", FOG_NONE), -ENOENT
	);
	fog_rows_end(&rows);
	CU_ASSERT_TRUE(fog_rows_null(&rows, 0));
	CU_ASSERT_EQUAL(fog_rows_int(&rows, 0), 0);
	return 5;
}

static void test_rows(void)
{
	begin();
	CU_ASSERT_EQUAL(run("INSERT INTO owner(name) VALUES('a'), ('b'), ('c')", FOG_NONE), 3);
	CU_ASSERT_EQUAL(fog_db_read(db, nested_work, NULL), 9);
	CU_ASSERT_EQUAL(fog_db_read(db, nested_work, NULL), 9);
	CU_ASSERT_EQUAL(fog_db_write(db, returning_work, NULL), 5);
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM owner WHERE name='z'"), 1);
	finish();
}

static int undone_work(struct fog_tx *tx, void *ctx)
{
	CU_ASSERT_EQUAL(fog_db_run(tx, "INSERT INTO owner(name) VALUES('undone')", FOG_NONE), 1);
	return -EXDEV;
}

// Whoever overlooks an error has nothing of the transaction happen.
static int careless_work(struct fog_tx *tx, void *ctx)
{
	struct fog_rows rows;

	CU_ASSERT_EQUAL(fog_db_run(tx, "INSERT INTO owner(name) VALUES('careless')", FOG_NONE), 1);
	CU_ASSERT_EQUAL(fog_db_run(tx, "INSERT INTO thing(number) VALUES(13)", FOG_NONE), -EINVAL);
	CU_ASSERT_EQUAL(
	        fog_db_run(tx, "INSERT INTO owner(name) VALUES('after')", FOG_NONE), -EINVAL
	);
	CU_ASSERT_EQUAL(fog_db_ask(tx, &rows, "SELECT 1", FOG_NONE), -EINVAL);
	CU_ASSERT_EQUAL(fog_rows_next(&rows), -EINVAL);
	fog_rows_end(&rows);
	return 0;
}

static int inner_work(struct fog_tx *tx, void *ctx)
{
	return fog_db_read(db, returning_work, NULL);
}

static void test_rollback(void)
{
	begin();
	CU_ASSERT_EQUAL(fog_db_write(db, undone_work, NULL), -EXDEV);
	CU_ASSERT_EQUAL(fog_db_write(db, careless_work, NULL), -EINVAL);
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM owner"), 0);
	CU_ASSERT_EQUAL(fog_db_write(db, inner_work, NULL), -EDEADLK);
	CU_ASSERT_EQUAL(run("INSERT INTO owner(name) VALUES('a')", FOG_NONE), 1);
	finish();
}

static void test_durable(void)
{
	begin();
	CU_ASSERT_EQUAL(run("INSERT INTO owner(name) VALUES('a')", FOG_NONE), 1);
	fog_db_close(db);
	db = rig_open();
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM owner"), 1);
	CU_ASSERT_EQUAL(fog_db_shared(db), rig_is_shared());
	finish();
}

// Each reads the number and writes the next: none of the additions may get lost.
enum { THREADS = 4, ADDITIONS = 50 };

static atomic_uint runs, refused;

static int add_work(struct fog_tx *tx, void *ctx)
{
	struct fog_rows rows;
	int64_t number = 0;

	atomic_fetch_add(&runs, 1);
	int r = fog_db_one(tx, &rows, "SELECT number FROM thing WHERE id=1", FOG_NONE);
	if (r == 0)
		number = fog_rows_int(&rows, 0);
	fog_rows_end(&rows);
	return r < 0
	        ? r
	        : fog_db_run(
	                  tx, "UPDATE thing SET number=$1 WHERE id=1", FOG_BIND(FOG_INT(number + 1))
	          );
}

static void *add_thread(void *ctx)
{
	for (int i = 0; i < ADDITIONS;) {
		int r = fog_db_write(db, add_work, NULL);

		if (r == -EBUSY)
			atomic_fetch_add(&refused, 1);
		else if (r == 1)
			i++;
		else
			return ctx;
	}
	return NULL;
}

static void test_concurrent(void)
{
	pthread_t thread[THREADS];
	void *bad;

	begin();
	CU_ASSERT_EQUAL(run("INSERT INTO thing(number) VALUES(100)", FOG_NONE), 1);
	for (int i = 0; i < THREADS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, add_thread, &runs), 0);
	for (int i = 0; i < 20; i++)
		CU_ASSERT(number_of("SELECT number FROM thing WHERE id=1") >= 100);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &bad);
		CU_ASSERT_PTR_NULL(bad);
	}
	CU_ASSERT_EQUAL(
	        number_of("SELECT number FROM thing WHERE id=1"), 100 + THREADS * ADDITIONS
	);
	finish();
}

// Both wait for each other after they have read: one of them is run again where both may read at once.
struct clash {
	pthread_barrier_t both_have_read;
	atomic_uint runs;
};

static int clash_work(struct fog_tx *tx, void *ctx)
{
	struct clash *clash = ctx;
	struct fog_rows rows;
	int r = fog_db_one(tx, &rows, "SELECT number FROM thing WHERE id=1", FOG_NONE);
	int64_t number = r == 0 ? fog_rows_int(&rows, 0) : 0;

	fog_rows_end(&rows);
	if (r == 0 && atomic_fetch_add(&clash->runs, 1) < 2)
		pthread_barrier_wait(&clash->both_have_read);
	return r < 0
	        ? r
	        : fog_db_run(
	                  tx, "UPDATE thing SET number=$1 WHERE id=1", FOG_BIND(FOG_INT(number + 1))
	          );
}

static void *clash_thread(void *ctx)
{
	CU_ASSERT_EQUAL(fog_db_write(db, clash_work, ctx), 1);
	return NULL;
}

static void test_clash(void)
{
	struct clash clash = {0};
	pthread_t thread[2];

	if (!rig_is_shared())
		return;
	begin();
	CU_ASSERT_EQUAL(run("INSERT INTO thing(number) VALUES(0)", FOG_NONE), 1);
	pthread_barrier_init(&clash.both_have_read, NULL, 2);
	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, clash_thread, &clash);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&clash.both_have_read);
	CU_ASSERT_EQUAL(number_of("SELECT number FROM thing WHERE id=1"), 2);
	CU_ASSERT_EQUAL(atomic_load(&clash.runs), 3);
	finish();
}

// A reader sees what was there when it began, whatever others write meanwhile.
static void *write_thread(void *ctx)
{
	CU_ASSERT_EQUAL(run("INSERT INTO owner(name) VALUES('meanwhile')", FOG_NONE), 1);
	return NULL;
}

static int one_state_work(struct fog_tx *tx, void *ctx)
{
	struct number first = {.sql = "SELECT count(*) FROM owner"}, second = first;
	pthread_t thread;

	CU_ASSERT_EQUAL(number_work(tx, &first), 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, write_thread, NULL), 0);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(number_work(tx, &second), 0);
	CU_ASSERT_EQUAL(first.value, 0);
	CU_ASSERT_EQUAL(second.value, 0);
	return 0;
}

static void test_one_state(void)
{
	begin();
	CU_ASSERT_EQUAL(fog_db_read(db, one_state_work, NULL), 0);
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM owner"), 1);
	finish();
}

static const CU_TestInfo tests[] = {
        {"values of all types come back", test_values},
        {"values that one store would refuse", test_values_refused},
        {"constraints have their errors", test_constraints},
        {"rows that changed", test_changed_rows},
        {"results inside of results, RETURNING, no row", test_rows},
        {"what is undone never happened", test_rollback},
        {"what is written is there when opened again", test_durable},
        {"writers beside each other lose nothing", test_concurrent},
        {"who got in another's way runs again", test_clash},
        {"a reader sees one state", test_one_state},
        CU_TEST_INFO_NULL,
};

int main(void)
{
	return check_run("db", tests);
}
