// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../log/log.h"
#include "../now.h"
#include "db_postgres.h"

enum { RESOLVE_US = 100000 };

// Types of parameters as every server numbers them (pg_type.dat); 0: what their place asks for.
static const Oid type_of[] = {
        [FOG_VALUE_NULL] = 0, [FOG_VALUE_INT] = 20, [FOG_VALUE_TEXT] = 25, [FOG_VALUE_BYTES] = 17};

// What PostgreSQL's codes mean to a caller (its manual, Appendix A). A shorter one stands for a class.
static const struct {
	const char *code;
	int error;
} errors[] = {
        {"23505", -EEXIST},
        {"23503", -ENOENT},
        {"23001", -ENOENT},
        {"23", -EINVAL},
        {"22", -EINVAL},
        {"P0001", -EPERM},
        {"40001", DB_CONFLICT},
        {"40P01", DB_CONFLICT},
        {"55P03", -EBUSY},
        {"57014", -EBUSY},
        {"53100", -ENOSPC},
        {"53", -EAGAIN},
        {"57P", DB_LOST},
        {"08P01", -EINVAL},
        {"08", DB_LOST},
        {"25P03", DB_LOST},
        {"25006", DB_LOST},
        // Plans and statements of before somebody changed the tables, or reset the session.
        {"0A000", DB_LOST},
        {"26000", DB_LOST},
};

static int code_error(const char *code)
{
	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strncmp(code, errors[i].code, strlen(errors[i].code)) == 0)
			return errors[i].error;
	return -EIO;
}

static int postgres_error(struct fog_tx *tx, const PGresult *result, const char *doing)
{
	struct postgres_connection *c = tx->connection;
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	snprintf(tx->why, sizeof(tx->why), "%s", words != NULL ? words : PQerrorMessage(c->conn));
	int r = code != NULL ? code_error(code) : DB_LOST;
	if (PQstatus(c->conn) == CONNECTION_BAD)
		r = DB_LOST;
	else if (r == DB_LOST && tx->mode == DB_READ && strcmp(code, "25006") == 0)
		return -EROFS;
	if (r == DB_LOST)
		tx->lost = true;
	if (r == -EIO || (r == -EINVAL && strcmp(code, "08P01") == 0))
		LOG_ERR("store: %s failed: %s (%s): please report this, unless the database's user "
		        "lacks a right",
		        doing, tx->why, code);
	return r;
}

static int exec(struct fog_tx *tx, const char *sql, const char *doing, PGresult **out)
{
	struct postgres_connection *c = tx->connection;
	PGresult *result = PQexec(c->conn, sql);
	ExecStatusType status = PQresultStatus(result);
	int r = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
	        ? 0
	        : postgres_error(tx, result, doing);

	if (out != NULL && r == 0)
		*out = result;
	else
		PQclear(result);
	return r;
}

// A transaction that writes knows its number, by which to ask what became of it. Migrations wait for each other, and
// must see what the one before has written.
static int postgres_begin(struct fog_tx *tx)
{
	static const char *const begin[] = {
	        [DB_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	        [DB_WRITE] = "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT pg_current_xact_id()",
	        [DB_SCHEMA] =
	                "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout=0;"
	                "SET LOCAL statement_timeout=0; SELECT pg_advisory_xact_lock(7381235001);"
	                "SELECT pg_current_xact_id()",
	};
	struct postgres_connection *c = tx->connection;
	PGresult *result;
	int r = exec(tx, begin[tx->mode], "starting a transaction", &result);

	if (r < 0) {
		if (!tx->lost) // it may have begun, and the connection goes back to the pool
			exec(tx, "ROLLBACK", "undoing a transaction", NULL);
		return r;
	}
	if (tx->mode != DB_READ)
		snprintf(c->xid, sizeof(c->xid), "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	return 0;
}

static void postgres_rollback(struct fog_tx *tx)
{
	if (!tx->lost && exec(tx, "ROLLBACK", "undoing a transaction", NULL) < 0)
		tx->lost = true;
}

// What became of a transaction, as a later connection sees it: 0, DB_LOST (nothing), -EINPROGRESS, -EAGAIN (nobody
// knows). A crash forgets numbers that it has given to transactions which were not written yet, and gives them to
// others: then "committed" may be said of another one, while all else means that ours never was.
static int xid_status(const struct postgres_connection *lost, struct postgres_connection *later)
{
	const char *xid = lost->xid;
	bool crashed = strcmp(lost->life, later->life) != 0;
	PGresult *result = PQexecParams(
	        later->conn, "SELECT pg_xact_status($1::xid8)", 1, NULL, &xid, NULL, NULL, 0
	);
	const char *status = PQresultStatus(result) == PGRES_TUPLES_OK ? PQgetvalue(result, 0, 0)
	                                                               : "";
	int r = -EAGAIN;

	if (strcmp(status, "committed") == 0)
		r = crashed ? -EAGAIN : 0;
	else if (strcmp(status, "aborted") == 0)
		r = DB_LOST;
	else if (strcmp(status, "in progress") == 0)
		r = crashed ? DB_LOST : -EINPROGRESS;
	PQclear(result);
	return r;
}

// The connection went away in the commit: another one tells what became of it.
static int commit_resolve(struct fog_tx *tx)
{
	struct postgres_connection *c = tx->connection;
	uint64_t end = fog_now_ms() + FOG_DB_WAIT_MS;
	int r;

	do {
		void *later = NULL;

		r = postgres_connect(tx->db, tx->mode, &later);
		if (r == 0) {
			r = xid_status(c, later);
			postgres_disconnect(later);
			if (r != -EINPROGRESS)
				break;
		}
		usleep(RESOLVE_US);
	} while (fog_now_ms() < end);
	if (r == 0 || r == DB_LOST)
		return r;
	LOG_ERR("store: PostgreSQL went away while it wrote a transaction: whether it has is not "
	        "known: look at what was asked for before asking again");
	return -EAGAIN;
}

static int postgres_commit(struct fog_tx *tx)
{
	PGresult *result;
	int r = exec(tx, "COMMIT", "writing a transaction", &result);

	if (r == 0) {
		r = strcmp(PQcmdStatus(result), "COMMIT") == 0 ? 0 : -EIO;
		PQclear(result);
	} else if (r == DB_LOST) {
		r = tx->mode == DB_READ ? 0 : commit_resolve(tx);
	}
	return r;
}

static int postgres_script(struct fog_tx *tx, const char *sql)
{
	return exec(tx, sql, "a step of the schema", NULL);
}

struct parameters {
	Oid type[FOG_DB_PARAMETERS];
	const char *value[FOG_DB_PARAMETERS];
	int len[FOG_DB_PARAMETERS], format[FOG_DB_PARAMETERS];
	uint64_t number[FOG_DB_PARAMETERS];
	uint64_t types; // which they are, and how many
};

static void parameters_make(struct parameters *p, const struct fog_value *value, unsigned n)
{
	p->types = 1;
	for (unsigned i = 0; i < n; i++) {
		p->types = p->types << 2 | value[i].type;
		p->type[i] = type_of[value[i].type];
		p->format[i] = 1;
		p->len[i] = (int)value[i].len;
		p->value[i] = value[i].data != NULL ? value[i].data : "";
		if (value[i].type == FOG_VALUE_NULL)
			p->value[i] = NULL;
		if (value[i].type == FOG_VALUE_INT) {
			p->number[i] = htobe64((uint64_t)value[i].number);
			p->value[i] = (const char *)&p->number[i];
			p->len[i] = sizeof(p->number[i]);
		}
	}
}

static int statement_prepare(
        struct fog_tx *tx, const char *sql, const struct parameters *p, unsigned n, char name[16]
)
{
	struct postgres_connection *c = tx->connection;
	struct db_statement *s = db_cache_find(&c->cache, sql, p->types);

	snprintf(name, 16, "s%u", s != NULL ? s->number : c->cache.count);
	if (s != NULL)
		return 0;
	PGresult *result = PQprepare(c->conn, name, sql, (int)n, p->type);
	int r = PQresultStatus(result) == PGRES_COMMAND_OK ? 0 : postgres_error(tx, result, sql);
	PQclear(result);
	if (r == 0 && db_cache_add(&c->cache, sql, p->types, NULL) == NULL) {
		tx->lost = true; // its name is taken now
		r = -ENOMEM;
	}
	return r;
}

static int postgres_execute(
        struct fog_tx *tx, const char *sql, const struct fog_value *value, unsigned n,
        PGresult **out
)
{
	struct postgres_connection *c = tx->connection;
	struct parameters p;
	PGresult *result;
	char name[16];
	int r = 0;

	parameters_make(&p, value, n);
	if (tx->once) {
		result = PQexecParams(c->conn, sql, (int)n, p.type, p.value, p.len, p.format, 1);
	} else {
		r = statement_prepare(tx, sql, &p, n, name);
		if (r < 0)
			return r;
		result = PQexecPrepared(c->conn, name, (int)n, p.value, p.len, p.format, 1);
	}
	ExecStatusType status = PQresultStatus(result);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		r = postgres_error(tx, result, sql);
		PQclear(result);
		return r;
	}
	*out = result;
	return 0;
}

static int postgres_run(
        struct fog_tx *tx, const char *sql, const struct fog_value *value, unsigned n
)
{
	PGresult *result;
	int r = postgres_execute(tx, sql, value, n, &result);

	if (r < 0)
		return r;
	r = strncmp(PQcmdStatus(result), "SELECT", 6) == 0 ? 0 : atoi(PQcmdTuples(result));
	PQclear(result);
	return r;
}

static int postgres_ask(
        struct fog_rows *rows, const char *sql, const struct fog_value *value, unsigned n
)
{
	PGresult *result = NULL;
	int r = postgres_execute(rows->tx, sql, value, n, &result);

	rows->statement = result;
	rows->count = r == 0 ? PQntuples(result) : 0;
	return r;
}

#define OWN_SEQUENCE \
	" FROM pg_class s JOIN pg_depend d ON d.objid = s.oid AND d.deptype = 'i'" \
	" JOIN pg_class t ON t.oid = d.refobjid WHERE s.relkind = 'S' AND t.relname = $1" \
	" AND t.relnamespace = current_schema()::regnamespace"

static int postgres_sequence_get(struct fog_tx *tx, const char *table, int64_t *last)
{
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows, "SELECT pg_sequence_last_value(s.oid)" OWN_SEQUENCE,
	        FOG_BIND(FOG_TEXT(table))
	);
	bool given = r == 0 && !fog_rows_null(&rows, 0);

	*last = given ? fog_rows_int(&rows, 0) : 0;
	fog_rows_end(&rows);
	return r == -ENOENT ? 0 : r < 0 ? r : given;
}

static int postgres_sequence_set(struct fog_tx *tx, const char *table, int64_t last)
{
	return fog_db_run(
	        tx, "SELECT setval(s.oid::regclass, $2)" OWN_SEQUENCE,
	        FOG_BIND(FOG_TEXT(table), FOG_INT(last))
	);
}

const struct db_driver db_postgres = {
        .shared = true,
        .types =
                {"BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", "BIGINT",
                 "TEXT COLLATE \"C\"", "BYTEA", ""},
        .only = "postgresql",
        .tables =
                "SELECT relname::text FROM pg_class"
                " WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' ORDER BY oid",
        // What extensions have made is theirs.
        .drops =
                "SELECT words FROM (SELECT CASE relkind WHEN 'v' THEN 1 ELSE 2 END AS part, oid,"
                " format('DROP %s IF EXISTS %I CASCADE', CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END,"
                " relname) AS words FROM pg_class"
                " WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v')"
                " UNION ALL SELECT 3, oid, format('DROP FUNCTION IF EXISTS %s CASCADE', oid::regprocedure)"
                " FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND prokind = 'f'"
                ") AS all_words WHERE NOT EXISTS"
                " (SELECT 1 FROM pg_depend WHERE objid = all_words.oid AND deptype = 'e')"
                " ORDER BY part, oid DESC",
        .walk =
                {"DECLARE dump NO SCROLL CURSOR FOR SELECT * FROM \"%s\" ORDER BY 1",
                 "FETCH 500 FROM dump", "CLOSE dump"},
        .open = postgres_open,
        .close = postgres_close,
        .connect = postgres_connect,
        .disconnect = postgres_disconnect,
        .begin = postgres_begin,
        .commit = postgres_commit,
        .rollback = postgres_rollback,
        .script = postgres_script,
        .run = postgres_run,
        .ask = postgres_ask,
        .next = postgres_next,
        .end = postgres_end,
        .columns = postgres_columns,
        .name = postgres_name,
        .kind = postgres_kind,
        .sequence_get = postgres_sequence_get,
        .sequence_set = postgres_sequence_set,
        .null = postgres_null,
        .number = postgres_number,
        .text = postgres_text,
        .bytes = postgres_bytes,
};
