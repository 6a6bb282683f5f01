// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A store as a file and back, from each kind of store to each: to itself, and by way of SQLite.
#include <errno.h>

#include "../../../controlplane/store/dump.h"
#include "../run.h"
#include "store_rig.h"

static const struct fog_schema_step steps[] = {
        {1, "one",
         "CREATE TABLE owner(id $ID, name $TEXT NOT NULL UNIQUE) $STRICT;\n"
         "CREATE TABLE thing(id $ID, owner $INT REFERENCES owner(id), word $TEXT, data $BYTES) $STRICT;\n"
         "CREATE TABLE fixed(number $INT NOT NULL) $STRICT;\n"
         "INSERT INTO fixed VALUES (1);\n"
         "CREATE VIEW seen AS SELECT name FROM owner;\n"
         "-- only sqlite\n"
         "CREATE TRIGGER stays BEFORE DELETE ON thing BEGIN SELECT RAISE(ABORT, 'stays'); END;\n"
         "-- only postgresql\n"
         "CREATE FUNCTION stays() RETURNS trigger LANGUAGE plpgsql AS"
         " $$ BEGIN RAISE EXCEPTION 'stays'; END $$;\n"
         "CREATE TRIGGER stays BEFORE DELETE ON thing FOR EACH ROW EXECUTE FUNCTION stays();\n",
         "d1"},
        {2, "two",
         "CREATE TABLE later(id $ID, n $INT) $STRICT;\nINSERT INTO later(n) VALUES (7);\n", "d2"},
};

static const struct fog_schema whole = {steps, 2}, older = {steps, 1};
static char error[512];

static int fill_work(struct fog_tx *tx, void *ctx)
{
	static const char *const sql[] = {
	        "INSERT INTO owner(name) VALUES ('ann'), ('bob'), ('cid')",
	        "DELETE FROM owner WHERE name='cid'",
	        "UPDATE fixed SET number=-5",
	        "INSERT INTO thing(owner, word) VALUES (2, 'it''s \"q\" \\ and \xc3\xa4'), (1, '')",
	        "INSERT INTO thing(owner, word) VALUES (NULL, NULL)",
	};
	uint8_t data[256];
	int r = 0;

	for (unsigned i = 0; i < sizeof(sql) / sizeof(sql[0]) && r >= 0; i++)
		r = fog_db_run(tx, sql[i], FOG_NONE);
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	for (unsigned i = 0; i < 1200 && r >= 0; i++)
		r = fog_db_run(
		        tx, "INSERT INTO thing(data, word) VALUES($1, $2)",
		        FOG_BIND(FOG_BYTES(data, i % 257), FOG_TEXT("row"))
		);
	return r;
}

static struct fog_db *filled(const struct fog_schema *schema)
{
	struct fog_db *db = rig_open_empty();

	CU_ASSERT_FATAL(fog_db_migrate(db, schema, 0, error, sizeof(error)) > 0);
	CU_ASSERT_FATAL(fog_db_write(db, fill_work, NULL) >= 0);
	return db;
}

static FILE *dump(struct fog_db *db, const struct fog_schema *schema)
{
	FILE *f = tmpfile();

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	int64_t rows = fog_db_dump(db, schema, f, error, sizeof(error));
	if (rows < 0)
		fprintf(stderr, "%s\n", error);
	CU_ASSERT_FATAL(rows >= 1206);
	return f;
}

static int64_t undump(struct fog_db *db, FILE *f, bool force)
{
	int64_t rows = fog_db_undump(db, &whole, f, force, error, sizeof(error));

	CU_ASSERT_EQUAL(rows < 0, error[0] != '\0');
	return rows;
}

static char *text_of(FILE *f, size_t *len)
{
	char *text;

	fseek(f, 0, SEEK_END);
	*len = (size_t)ftell(f);
	rewind(f);
	text = malloc(*len + 1);
	CU_ASSERT_EQUAL(fread(text, 1, *len, f), *len);
	text[*len] = '\0';
	return text;
}

static void check_same(FILE *a, FILE *b)
{
	size_t m, n;
	char *s = text_of(a, &m), *t = text_of(b, &n);

	CU_ASSERT_EQUAL(m, n);
	CU_ASSERT(m == n && memcmp(s, t, m) == 0);
	free(s);
	free(t);
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

static int add_work(struct fog_tx *tx, void *ctx)
{
	return fog_db_run(tx, "INSERT INTO owner(name) VALUES ('dan')", FOG_NONE);
}

static int delete_work(struct fog_tx *tx, void *ctx)
{
	return fog_db_run(tx, "DELETE FROM thing", FOG_NONE);
}

// What was there is what is there: values, triggers, views, and ids that are not given again.
static void check_restored(struct fog_db *db, FILE *first)
{
	FILE *again = dump(db, &whole);

	check_same(first, again);
	fclose(again);
	CU_ASSERT_EQUAL(number_of(db, "SELECT number FROM fixed"), -5);
	CU_ASSERT_EQUAL(number_of(db, "SELECT count(*) FROM seen"), 2);
	CU_ASSERT_EQUAL(fog_db_migrated(db, &whole), 0);
	CU_ASSERT_EQUAL(fog_db_write(db, delete_work, NULL), -EPERM);
	CU_ASSERT_EQUAL(fog_db_write(db, add_work, NULL), 1);
	CU_ASSERT_EQUAL(number_of(db, "SELECT id FROM owner WHERE name='dan'"), 4);
}

static void test_itself(void)
{
	struct fog_db *db = filled(&whole);
	FILE *first = dump(db, &whole);

	CU_ASSERT_EQUAL(undump(db, first, false), -EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "--force"));
	CU_ASSERT_EQUAL(fog_db_write(db, add_work, NULL), 1);
	CU_ASSERT_EQUAL(undump(db, first, true), 1207);
	check_restored(db, first);
	fclose(first);
	rig_close(db);
}

static void test_other_store(void)
{
	char path[64];
	struct fog_db *other = NULL, *db = filled(&whole);
	struct fog_db_params p = {.url = path, .error = error, .error_len = sizeof(error)};
	FILE *first = dump(db, &whole), *second;

	fog_db_close(db);
	snprintf(path, sizeof(path), "/tmp/fogline-test-other-%d.db", (int)getpid());
	unlink(path);
	CU_ASSERT_EQUAL_FATAL(fog_db_open(&other, &p), 0);
	CU_ASSERT_EQUAL(undump(other, first, false), 1207);
	second = dump(other, &whole);
	check_same(first, second);
	check_restored(other, first);
	fog_db_close(other);
	unlink(path);
	// And back, into one that is empty.
	db = rig_open_empty();
	CU_ASSERT_EQUAL(undump(db, second, false), 1207);
	check_restored(db, first);
	fclose(first);
	fclose(second);
	rig_close(db);
}

// A file of an older version gets the steps that came later.
static void test_older(void)
{
	struct fog_db *db = filled(&older);
	FILE *f = dump(db, &older);

	CU_ASSERT_EQUAL(fog_db_dump(db, &whole, f, error, sizeof(error)), -ESTALE);
	rig_close(db);
	db = rig_open_empty();
	CU_ASSERT_EQUAL(undump(db, f, false), 1206);
	CU_ASSERT_EQUAL(fog_db_migrated(db, &whole), -ESTALE);
	CU_ASSERT_EQUAL(fog_db_migrate(db, &whole, 0, error, sizeof(error)), 1);
	CU_ASSERT_EQUAL(number_of(db, "SELECT n FROM later"), 7);
	CU_ASSERT_EQUAL(fog_db_undump(db, &older, f, true, error, sizeof(error)), 1206);
	fclose(f);
	f = dump(db, &older);
	CU_ASSERT_EQUAL(fog_db_migrate(db, &whole, 0, error, sizeof(error)), 1);
	fclose(f);
	f = dump(db, &whole);
	CU_ASSERT_EQUAL(fog_db_undump(db, &older, f, true, error, sizeof(error)), -ENOTSUP);
	fclose(f);
	rig_close(db);
}

static int64_t undump_text(struct fog_db *db, const char *text, size_t len)
{
	FILE *f = tmpfile();

	CU_ASSERT_EQUAL(fwrite(text, 1, len, f), len);
	int64_t r = undump(db, f, true);
	fclose(f);
	return r;
}

// Whatever is wrong with the file, the store stays what it was.
static void test_damaged(void)
{
	struct fog_db *db = filled(&whole);
	FILE *f = dump(db, &whole), *after;
	size_t len;
	char *text = text_of(f, &len), *at;

	CU_ASSERT_EQUAL(undump_text(db, text, 0), -EBADMSG);
	CU_ASSERT_EQUAL(undump_text(db, "{}\n", 3), -EBADMSG);
	CU_ASSERT_EQUAL(undump_text(db, text, len - 1), -EBADMSG);
	CU_ASSERT_EQUAL(undump_text(db, text, len / 2), -EBADMSG);
	*strrchr(text, '\n') = '\0';
	CU_ASSERT_EQUAL(undump_text(db, text, (size_t)(strrchr(text, '\n') + 1 - text)), -EBADMSG);
	text[len - 1] = '\n';
	at = strstr(text, "\"ann\"");
	at[1] = 'b';
	CU_ASSERT_EQUAL(undump_text(db, text, len), -EBADMSG);
	at[1] = 'a';
	at = strstr(text, "\"d1\"");
	at[1] = 'x';
	CU_ASSERT_EQUAL(undump_text(db, text, len), -EBADMSG);
	at[1] = 'd';
	at = strstr(text, "\"table\":\"owner\"");
	memcpy(at, "\"table\":\"o\\\"; -\"", 15);
	CU_ASSERT_EQUAL(undump_text(db, text, len), -EBADMSG);
	memcpy(at, "\"table\":\"owner\"", 15);
	at = strstr(text, "\"name\"");
	memcpy(at, "\"nam)\"", 6);
	CU_ASSERT_EQUAL(undump_text(db, text, len), -EBADMSG);
	memcpy(at, "\"name\"", 6);
	after = dump(db, &whole);
	check_same(f, after);
	CU_ASSERT_EQUAL(undump_text(db, text, len), 1207);
	free(text);
	fclose(after);
	fclose(f);
	rig_close(db);
}

static int foreign_work(struct fog_tx *tx, void *ctx)
{
	return fog_db_run(tx, "CREATE TABLE somebody_elses(n INTEGER)", FOG_NONE);
}

static void test_foreign(void)
{
	struct fog_db *db = filled(&whole);
	FILE *f = dump(db, &whole);

	rig_close(db);
	db = rig_open_empty();
	CU_ASSERT_EQUAL(fog_db_write(db, foreign_work, NULL), 0);
	CU_ASSERT_EQUAL(undump(db, f, true), -ENOTEMPTY);
	CU_ASSERT_EQUAL(number_of(db, "SELECT count(*) FROM somebody_elses"), 0);
	fclose(f);
	rig_close(db);
}

// The platform's own schema, with all that its steps make.
static void test_platform(void)
{
	struct fog_db *db = rig_open_migrated();
	FILE *f = tmpfile(), *again = tmpfile();
	int64_t rows = fog_db_dump(db, &fog_schema_platform, f, error, sizeof(error));

	CU_ASSERT(rows > 0);
	CU_ASSERT_EQUAL(
	        fog_db_undump(db, &fog_schema_platform, f, true, error, sizeof(error)), rows
	);
	CU_ASSERT_EQUAL(fog_db_dump(db, &fog_schema_platform, again, error, sizeof(error)), rows);
	check_same(f, again);
	fclose(f);
	fclose(again);
	rig_close(db);
}

static const CU_TestInfo tests[] = {
        {"into itself", test_itself},
        {"into another store and back", test_other_store},
        {"of an older version", test_older},
        {"damaged files", test_damaged},
        {"tables of something else", test_foreign},
        {"the platform's schema", test_platform},
        CU_TEST_INFO_NULL,
};

int main(void)
{
	return check_run("dump", tests);
}
