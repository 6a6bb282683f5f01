// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../log/log.h"
#include "db_sqlite.h"

// SQLite's own name for a foreign key's RESTRICT is that of a trigger.
static int constraint_error(sqlite3 *db)
{
	switch (sqlite3_extended_errcode(db)) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		return -EEXIST;
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return -ENOENT;
	case SQLITE_CONSTRAINT_TRIGGER:
		return strcmp(sqlite3_errmsg(db), "FOREIGN KEY constraint failed") == 0 ? -ENOENT
		                                                                        : -EPERM;
	default:
		return -EINVAL;
	}
}

static const char *error_mend(int code)
{
	switch (code) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ": bring back a backup with 'fogctl store restore'";
	case SQLITE_FULL:
		return ": free some space in the state directory";
	case SQLITE_ERROR:
		return ": please report this";
	default:
		return ": see whether the state directory's disk is in order";
	}
}

static int sqlite_error(struct fog_tx *tx, const char *doing)
{
	sqlite3 *db = ((struct sqlite_connection *)tx->connection)->db;
	int code = sqlite3_errcode(db) & 0xff;

	snprintf(tx->why, sizeof(tx->why), "%s", sqlite3_errmsg(db));
	switch (code) {
	case SQLITE_CONSTRAINT:
		return constraint_error(db);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return tx->mode == DB_READ ? -EROFS : -EIO;
	case SQLITE_TOOBIG:
	case SQLITE_MISMATCH:
		return -EINVAL;
	}
	LOG_ERR("store: %s failed: %s%s", doing, tx->why, error_mend(code));
	return code == SQLITE_FULL ? -ENOSPC : -EIO;
}

static int sqlite_plain(struct fog_tx *tx, const char *sql, const char *doing)
{
	struct sqlite_connection *c = tx->connection;

	return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
	                                                               : sqlite_error(tx, doing);
}

static int sqlite_script(struct fog_tx *tx, const char *sql)
{
	return sqlite_plain(tx, sql, "a step of the schema");
}

static int sqlite_begin(struct fog_tx *tx)
{
	const char *sql = tx->mode == DB_READ ? "BEGIN" : "BEGIN IMMEDIATE";

	return sqlite_plain(tx, sql, "starting a transaction");
}

// Results that nobody has ended would keep the transaction.
static void sqlite_reset_all(struct fog_tx *tx)
{
	struct sqlite_connection *c = tx->connection;

	for (sqlite3_stmt *s = sqlite3_next_stmt(c->db, NULL); s != NULL;
	     s = sqlite3_next_stmt(c->db, s))
		if (sqlite3_stmt_busy(s))
			sqlite3_reset(s);
}

static void sqlite_rollback(struct fog_tx *tx)
{
	struct sqlite_connection *c = tx->connection;

	sqlite_reset_all(tx);
	// Some errors have rolled back already.
	if (!sqlite3_get_autocommit(c->db) &&
	    sqlite_plain(tx, "ROLLBACK", "undoing a transaction") < 0)
		tx->lost = true;
}

static int sqlite_commit(struct fog_tx *tx)
{
	sqlite_reset_all(tx);
	int r = sqlite_plain(tx, "COMMIT", "writing a transaction");
	if (r < 0)
		sqlite_rollback(tx);
	return r;
}

static struct db_statement *statement_prepare(struct fog_tx *tx, const char *sql, bool keep)
{
	struct sqlite_connection *c = tx->connection;
	sqlite3_stmt *prepared = NULL;
	struct db_statement *s;

	if (sqlite3_prepare_v3(
	            c->db, sql, -1, keep ? SQLITE_PREPARE_PERSISTENT : 0, &prepared, NULL
	    ) != SQLITE_OK)
		return NULL;
	s = keep ? db_cache_add(&c->cache, sql, 0, prepared) : calloc(1, sizeof(*s));
	if (s == NULL)
		sqlite3_finalize(prepared);
	else
		s->prepared = prepared;
	return s;
}

// One whose result is still being read is prepared a second time, for once.
static struct db_statement *statement_get(struct fog_tx *tx, const char *sql)
{
	struct sqlite_connection *c = tx->connection;
	struct db_statement *s = tx->once ? NULL : db_cache_find(&c->cache, sql, 0);

	if (s == NULL || s->busy)
		s = statement_prepare(tx, sql, s == NULL && !tx->once);
	if (s != NULL)
		s->busy = true;
	return s;
}

static void statement_put(struct db_statement *s)
{
	sqlite3_reset(s->prepared);
	sqlite3_clear_bindings(s->prepared);
	s->busy = false;
	if (s->sql == NULL) {
		sqlite3_finalize(s->prepared);
		free(s);
	}
}

static int value_bind(sqlite3_stmt *s, int place, const struct fog_value *value)
{
	const void *data = value->data != NULL ? value->data : "";

	switch (value->type) {
	case FOG_VALUE_INT:
		return sqlite3_bind_int64(s, place, value->number);
	case FOG_VALUE_TEXT:
		return sqlite3_bind_text(s, place, data, (int)value->len, SQLITE_STATIC);
	case FOG_VALUE_BYTES:
		return sqlite3_bind_blob(s, place, data, (int)value->len, SQLITE_STATIC);
	default:
		return sqlite3_bind_null(s, place);
	}
}

// $1 is the name of a parameter here, whose place follows from where it stands in the text.
static int values_bind(sqlite3_stmt *s, const struct fog_value *value, unsigned n)
{
	int places = sqlite3_bind_parameter_count(s);

	for (int place = 1; place <= places; place++) {
		const char *name = sqlite3_bind_parameter_name(s, place);
		unsigned long number = name != NULL && name[0] == '$' ? strtoul(name + 1, NULL, 10)
		                                                      : 0;

		if (number < 1 || number > n)
			return -EINVAL;
		if (value_bind(s, place, &value[number - 1]) != SQLITE_OK)
			return -ENOMEM;
	}
	return 0;
}

static struct db_statement *sqlite_start(
        struct fog_tx *tx, const char *sql, const struct fog_value *value, unsigned n, int *r
)
{
	struct db_statement *s = statement_get(tx, sql);

	if (s == NULL) {
		*r = sqlite_error(tx, sql);
		return NULL;
	}
	*r = values_bind(s->prepared, value, n);
	if (*r == 0)
		return s;
	snprintf(tx->why, sizeof(tx->why), "a parameter of the statement has no value");
	LOG_ERR("store: %s: a parameter has no value: please report this", sql);
	statement_put(s);
	return NULL;
}

static int sqlite_run(struct fog_tx *tx, const char *sql, const struct fog_value *value, unsigned n)
{
	struct sqlite_connection *c = tx->connection;
	int r, before = sqlite3_total_changes(c->db);
	struct db_statement *s = sqlite_start(tx, sql, value, n, &r);

	if (s == NULL)
		return r;
	do
		r = sqlite3_step(s->prepared);
	while (r == SQLITE_ROW);
	// sqlite3_changes() tells of an earlier statement when this one is none that changes rows.
	if (r == SQLITE_DONE)
		r = sqlite3_total_changes(c->db) == before ? 0 : sqlite3_changes(c->db);
	else
		r = sqlite_error(tx, sql);
	statement_put(s);
	return r;
}

static int sqlite_ask(
        struct fog_rows *rows, const char *sql, const struct fog_value *value, unsigned n
)
{
	int r;
	struct db_statement *s = sqlite_start(rows->tx, sql, value, n, &r);

	rows->statement = s;
	rows->count = s != NULL ? sqlite3_column_count(s->prepared) : 0;
	return r;
}

static int sqlite_next(struct fog_rows *rows)
{
	struct db_statement *s = rows->statement;
	int r = sqlite3_step(s->prepared);

	if (r == SQLITE_ROW) {
		rows->row++;
		return 1;
	}
	r = r == SQLITE_DONE ? 0 : sqlite_error(rows->tx, sqlite3_sql(s->prepared));
	statement_put(s);
	rows->statement = NULL;
	return r;
}

static void sqlite_end(struct fog_rows *rows)
{
	statement_put(rows->statement);
}

static sqlite3_stmt *prepared_of(const struct fog_rows *rows)
{
	return ((const struct db_statement *)rows->statement)->prepared;
}

static int sqlite_columns(const struct fog_rows *rows)
{
	return sqlite3_column_count(prepared_of(rows));
}

static const char *sqlite_name(const struct fog_rows *rows, int column)
{
	return sqlite3_column_name(prepared_of(rows), column);
}

static int sqlite_kind(const struct fog_rows *rows, int column)
{
	switch (sqlite3_column_type(prepared_of(rows), column)) {
	case SQLITE_NULL:
		return FOG_VALUE_NULL;
	case SQLITE_TEXT:
		return FOG_VALUE_TEXT;
	case SQLITE_BLOB:
		return FOG_VALUE_BYTES;
	default:
		return FOG_VALUE_INT;
	}
}

// The table of sequences comes with the first table that has one.
static int sqlite_sequence_get(struct fog_tx *tx, const char *table, int64_t *last)
{
	static const char *const sql[] = {
	        "SELECT 1 FROM sqlite_schema WHERE name='sqlite_sequence' AND $1 <> ''",
	        "SELECT seq FROM sqlite_sequence WHERE name=$1",
	};
	struct fog_rows rows;
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		r = fog_db_one(tx, &rows, sql[i], FOG_BIND(FOG_TEXT(table)));
		*last = r == 0 ? fog_rows_int(&rows, 0) : 0;
		fog_rows_end(&rows);
	}
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

static int sqlite_sequence_set(struct fog_tx *tx, const char *table, int64_t last)
{
	const struct fog_value value[] = {FOG_TEXT(table), FOG_INT(last)};
	int r = fog_db_run(tx, "UPDATE sqlite_sequence SET seq=$2 WHERE name=$1", value, 2);

	if (r == 0)
		r = fog_db_run(
		        tx, "INSERT INTO sqlite_sequence(name, seq) VALUES($1, $2)", value, 2
		);
	return r < 0 ? r : 0;
}

static bool sqlite_null(const struct fog_rows *rows, int column)
{
	return sqlite3_column_type(prepared_of(rows), column) == SQLITE_NULL;
}

static int64_t sqlite_number(const struct fog_rows *rows, int column)
{
	return sqlite3_column_int64(prepared_of(rows), column);
}

static const char *sqlite_text(const struct fog_rows *rows, int column)
{
	const char *text = (const char *)sqlite3_column_text(prepared_of(rows), column);

	return text != NULL ? text : "";
}

static const uint8_t *sqlite_bytes(const struct fog_rows *rows, int column, size_t *len)
{
	const uint8_t *data = sqlite3_column_blob(prepared_of(rows), column);

	*len = (size_t)sqlite3_column_bytes(prepared_of(rows), column);
	return data != NULL ? data : (const uint8_t *)"";
}

const struct db_driver db_sqlite = {
        .shared = false,
        .types = {"INTEGER PRIMARY KEY AUTOINCREMENT", "INTEGER", "TEXT", "BLOB", "STRICT"},
        .only = "sqlite",
        .tables = "SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite\\_%'"
                  " ESCAPE '\\' ORDER BY rowid",
        .drops =
                "SELECT 'DROP ' || type || ' \"' || name || '\"' FROM sqlite_schema WHERE type IN"
                " ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type DESC, rowid DESC",
        .walk = {"SELECT * FROM \"%s\" ORDER BY 1", NULL, NULL},
        .open = sqlite_open,
        .close = sqlite_close,
        .connect = sqlite_connect,
        .disconnect = sqlite_disconnect,
        .begin = sqlite_begin,
        .commit = sqlite_commit,
        .rollback = sqlite_rollback,
        .script = sqlite_script,
        .run = sqlite_run,
        .ask = sqlite_ask,
        .next = sqlite_next,
        .end = sqlite_end,
        .columns = sqlite_columns,
        .name = sqlite_name,
        .kind = sqlite_kind,
        .sequence_get = sqlite_sequence_get,
        .sequence_set = sqlite_sequence_set,
        .null = sqlite_null,
        .number = sqlite_number,
        .text = sqlite_text,
        .bytes = sqlite_bytes,
};
