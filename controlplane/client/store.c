// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The database itself: schema, statements, transactions.
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store_private.h"

static const char store_pragmas[] =
        "PRAGMA busy_timeout=10000; PRAGMA journal_mode=WAL; PRAGMA secure_delete=ON;"
        "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;";

// out: state, counts of fragments. piece: fragments that are not acknowledged. partial: fragments of
// messages that are not whole. seen: messages that were, so that a late copy makes no second one.
static const char store_schema[] =
        "BEGIN IMMEDIATE;"
        "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value BLOB NOT NULL)"
        " STRICT, WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS out(id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox BLOB NOT NULL,"
        " gateway BLOB NOT NULL, state INTEGER NOT NULL, fragments INTEGER NOT NULL,"
        " sent INTEGER NOT NULL, acknowledged INTEGER NOT NULL, again INTEGER NOT NULL,"
        " accepted_us INTEGER NOT NULL, changed_us INTEGER NOT NULL, why TEXT NOT NULL) STRICT;"
        "CREATE INDEX IF NOT EXISTS out_open ON out(accepted_us) WHERE state<3;"
        "CREATE TABLE IF NOT EXISTS piece(message INTEGER NOT NULL, number INTEGER NOT NULL,"
        " tries INTEGER NOT NULL, due_us INTEGER NOT NULL, waited INTEGER NOT NULL,"
        " data BLOB NOT NULL,"
        " PRIMARY KEY(message, number)) STRICT;"
        "CREATE INDEX IF NOT EXISTS piece_due ON piece(due_us, message, number);"
        "CREATE TABLE IF NOT EXISTS surb(id BLOB PRIMARY KEY, message INTEGER NOT NULL,"
        " number INTEGER NOT NULL, box BLOB NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE INDEX IF NOT EXISTS surb_of ON surb(message, number);"
        "CREATE TABLE IF NOT EXISTS partial(message BLOB NOT NULL, number INTEGER NOT NULL,"
        " count INTEGER NOT NULL, length INTEGER NOT NULL, time_us INTEGER NOT NULL,"
        " data BLOB NOT NULL, PRIMARY KEY(message, number)) STRICT;"
        "CREATE INDEX IF NOT EXISTS partial_time ON partial(time_us);"
        "CREATE TABLE IF NOT EXISTS seen(message BLOB PRIMARY KEY, time_us INTEGER NOT NULL)"
        " STRICT, WITHOUT ROWID;"
        "CREATE INDEX IF NOT EXISTS seen_time ON seen(time_us);"
        "CREATE TABLE IF NOT EXISTS message(id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " time_us INTEGER NOT NULL, data BLOB NOT NULL) STRICT;"
        "PRAGMA user_version=1;"
        "COMMIT;";

static const char *const store_text[CSQL_COUNT] = {
        [CSQL_BEGIN] = "BEGIN IMMEDIATE",
        [CSQL_COMMIT] = "COMMIT",
        [CSQL_ROLLBACK] = "ROLLBACK",
        [CSQL_META_GET] = "SELECT value FROM meta WHERE name=?1",
        [CSQL_META_PUT] = "INSERT OR REPLACE INTO meta VALUES(?1,?2)",
        [CSQL_ACCEPT] = "INSERT INTO out(mailbox,gateway,state,fragments,sent,acknowledged,again,"
                        "accepted_us,changed_us,why) VALUES(?1,?2,1,?3,0,0,0,?4,?4,'')",
        [CSQL_PIECE_PUT] = "INSERT INTO piece VALUES(?1,?2,0,?3,0,?4)",
        [CSQL_STATUS] = "SELECT state,fragments,sent,acknowledged,again,accepted_us,changed_us,why"
                        " FROM out WHERE id=?1",
        [CSQL_DUE] =
                "SELECT piece.message,number,tries,data,mailbox,gateway,accepted_us,waited FROM piece"
                " JOIN out ON out.id=piece.message WHERE due_us<=?1"
                " ORDER BY due_us,piece.message,number LIMIT 1",
        [CSQL_LEFT] = "UPDATE piece SET tries=tries+1,due_us=?3,waited=0"
                      " WHERE message=?1 AND number=?2",
        [CSQL_LEFT_FIRST] = "UPDATE out SET sent=sent+1 WHERE id=?1",
        [CSQL_LEFT_AGAIN] = "UPDATE out SET again=again+1 WHERE id=?1",
        [CSQL_ALL_SENT] = "UPDATE out SET state=2,changed_us=?2"
                          " WHERE id=?1 AND state=1 AND sent=fragments",
        [CSQL_SURB_PUT] = "INSERT INTO surb VALUES(?1,?2,?3,?4)",
        [CSQL_SURB_GET] = "SELECT message,number,box FROM surb WHERE id=?1",
        [CSQL_POSTPONE] = "UPDATE piece SET due_us=?3 WHERE message=?1 AND number=?2",
        [CSQL_WAIT] = "UPDATE piece SET due_us=?3,waited=1 WHERE message=?1 AND number=?2",
        [CSQL_PIECE_DELETE] = "DELETE FROM piece WHERE message=?1 AND number=?2",
        [CSQL_ACKNOWLEDGED] = "UPDATE out SET acknowledged=acknowledged+1 WHERE id=?1",
        [CSQL_ALL_ACKNOWLEDGED] = "UPDATE out SET state=3,changed_us=?2"
                                  " WHERE id=?1 AND state<3 AND acknowledged=fragments",
        [CSQL_SURB_DELETE] = "DELETE FROM surb WHERE id=?1",
        [CSQL_SURBS_DELETE_PIECE] = "DELETE FROM surb WHERE message=?1 AND number=?2",
        [CSQL_FAILED] = "UPDATE out SET state=4,why=?2,changed_us=?3 WHERE id=?1 AND state<3",
        [CSQL_PIECES_DELETE] = "DELETE FROM piece WHERE message=?1",
        [CSQL_SURBS_DELETE] = "DELETE FROM surb WHERE message=?1",
        [CSQL_SEEN_GET] = "SELECT 1 FROM seen WHERE message=?1",
        [CSQL_SEEN_PUT] = "INSERT INTO seen VALUES(?1,?2)",
        [CSQL_PARTIAL_LIKE] = "SELECT count=?2 AND length=?3 FROM partial WHERE message=?1 LIMIT 1",
        [CSQL_PARTIAL_PUT] = "INSERT OR IGNORE INTO partial VALUES(?1,?2,?3,?4,?5,?6)",
        [CSQL_PARTIAL_COUNT] = "SELECT count(*) FROM partial WHERE message=?1",
        [CSQL_PARTIAL_LIST] = "SELECT data FROM partial WHERE message=?1 ORDER BY number",
        [CSQL_PARTIAL_DELETE] = "DELETE FROM partial WHERE message=?1",
        [CSQL_PARTIAL_BYTES] = "SELECT count(*) FROM partial",
        [CSQL_PARTIAL_STALEST] = "DELETE FROM partial WHERE message=(SELECT message FROM partial"
                                 " GROUP BY message ORDER BY max(time_us) LIMIT 1)",
        [CSQL_MESSAGE_PUT] = "INSERT INTO message(time_us,data) VALUES(?1,?2)",
        [CSQL_MESSAGE_NEXT] = "SELECT id,time_us,data FROM message WHERE id>?1 ORDER BY id LIMIT 1",
        [CSQL_MESSAGE_DELETE] = "DELETE FROM message WHERE id=?1",
        [CSQL_OLD_OUT] = "SELECT id FROM out WHERE state<3 AND accepted_us<?1 LIMIT 1",
        [CSQL_PRUNE_OUT] = "DELETE FROM out WHERE state>=3 AND changed_us<?1",
        [CSQL_PRUNE_SEEN] = "DELETE FROM seen WHERE time_us<?1",
        [CSQL_PRUNE_PARTIAL] = "DELETE FROM partial WHERE message IN (SELECT message FROM partial"
                               " GROUP BY message HAVING max(time_us)<?1)",
};

int client_store_damaged(struct client_store *s, const char *doing)
{
	snprintf(
	        s->error, sizeof(s->error),
	        "the client's database: %s: client.db is damaged: put a copy of it there, or begin with a "
	        "new folder and the old one's key",
	        doing
	);
	return -EIO;
}

int client_store_fail(struct client_store *s, const char *doing)
{
	int code = sqlite3_errcode(s->db) & 0xff, system = sqlite3_system_errno(s->db);
	// The index of the log grows by other means than the database, and syncing may be where it shows.
	bool full = code == SQLITE_FULL ||
	        ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) &&
	         (system == ENOSPC || system == EDQUOT));

	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		return client_store_damaged(s, doing);
	snprintf(
	        s->error, sizeof(s->error), "the client's database: %s: %s%s", doing,
	        sqlite3_errmsg(s->db), full ? ": free some space" : ""
	);
	return full ? -ENOSPC : -EIO;
}

sqlite3_stmt *client_store_sql(struct client_store *s, enum client_sql which)
{
	sqlite3_reset(s->sql[which]);
	sqlite3_clear_bindings(s->sql[which]);
	return s->sql[which];
}

int client_store_run(struct client_store *s, sqlite3_stmt *st, const char *doing)
{
	int r = sqlite3_step(st) == SQLITE_DONE ? 0 : client_store_fail(s, doing);

	sqlite3_reset(st);
	return r;
}

int client_store_number(struct client_store *s, sqlite3_stmt *st, int64_t none, int64_t *out)
{
	int step = sqlite3_step(st), r = 0;

	*out = none;
	if (step == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	else if (step != SQLITE_DONE)
		r = client_store_fail(s, "reading");
	sqlite3_reset(st);
	return r;
}

// A commit that syncs takes everything along that is in the log before it.
int client_store_begin(struct client_store *s, bool durable)
{
	if (sqlite3_exec(
	            s->db, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", NULL,
	            NULL, NULL
	    ) != SQLITE_OK)
		return client_store_fail(s, "setting it up");
	return client_store_run(s, client_store_sql(s, CSQL_BEGIN), "beginning to write");
}

int client_store_end(struct client_store *s, int r)
{
	if (r >= 0) {
		int commit = client_store_run(s, client_store_sql(s, CSQL_COMMIT), "writing");
		r = commit < 0 ? commit : r;
	}
	// Some errors have rolled back already.
	if (r < 0 && !sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

static int store_prepare(struct client_store *s)
{
	if (sqlite3_exec(s->db, store_pragmas, NULL, NULL, NULL) != SQLITE_OK)
		return client_store_fail(s, "setting it up");
	if (sqlite3_exec(s->db, store_schema, NULL, NULL, NULL) != SQLITE_OK) {
		int r = client_store_fail(s, "making its tables");
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		return r;
	}
	for (unsigned i = 0; i < CSQL_COUNT; i++)
		if (sqlite3_prepare_v3(
		            s->db, store_text[i], -1, SQLITE_PREPARE_PERSISTENT, &s->sql[i], NULL
		    ) != SQLITE_OK)
			return client_store_fail(s, store_text[i]);
	return 0;
}

static int store_unmade(struct client_store *s, int why)
{
	bool full = why == ENOSPC || why == EDQUOT;

	snprintf(
	        s->error, sizeof(s->error),
	        "the client's database: client.db can't be made: %s: %s", strerror(why),
	        full ? "free some space" : "make its folder writable for this user"
	);
	return full ? -ENOSPC : -EIO;
}

int client_store_open(const char *dir, const uint8_t key[32], struct client_store **out)
{
	struct client_store *s = calloc(1, sizeof(*s));
	char path[4096];

	*out = s;
	if (s == NULL)
		return -ENOMEM;
	s->key = key;
	if ((size_t)snprintf(path, sizeof(path), "%s/client.db", dir) >= sizeof(path))
		return -ENAMETOOLONG;
	// SQLite would make it for all to read, and its other files like it. Not with open: where another object of
	// this process has the file, or has it in a moment, closing it would end that one's locks (fcntl(2), "Record
	// locking").
	if (mknod(path, S_IFREG | 0600, 0) < 0 && errno != EEXIST)
		return store_unmade(s, errno);
	if (sqlite3_open_v2(
	            path, &s->db,
	            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
	                    SQLITE_OPEN_NOFOLLOW,
	            NULL
	    ) != SQLITE_OK)
		return client_store_fail(s, path);
	return store_prepare(s);
}

void client_store_close(struct client_store *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < CSQL_COUNT; i++)
		sqlite3_finalize(s->sql[i]);
	sqlite3_close(s->db);
	free(s->message);
	free(s);
}

const char *client_store_error(const struct client_store *s)
{
	return s->error;
}

int client_store_get(struct client_store *s, const char *name, void *value, size_t len)
{
	sqlite3_stmt *st = client_store_sql(s, CSQL_META_GET);
	int r = -ENOENT;

	sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW && (size_t)sqlite3_column_bytes(st, 0) == len) {
		memcpy(value, sqlite3_column_blob(st, 0), len);
		r = 0;
	}
	sqlite3_reset(st);
	return r;
}

int client_store_put(struct client_store *s, const char *name, const void *value, size_t len)
{
	sqlite3_stmt *st = client_store_sql(s, CSQL_META_PUT);
	int r = client_store_begin(s, true);

	if (r < 0)
		return r;
	sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_blob(st, 2, value, (int)len, SQLITE_STATIC);
	return client_store_end(s, client_store_run(s, st, "writing"));
}
