// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../log/log.h"
#include "../now.h"
#include "db_sqlite.h"

enum { RETRY_US = 20000 };

// FULL: what was committed is on the disk, also after a power cut.
static const char pragmas[] =
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
        "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA secure_delete=FAST;"
        "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864;";

// SQLite's side files take over the mode of the main file, so make that one first. One that is there is not opened:
// where another object of this process has it, closing it would end that one's locks (fcntl(2), "Record locking").
static int file_make(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno != EEXIST || lstat(path, &st) < 0)
		return -errno;
	return S_ISLNK(st.st_mode) ? -ELOOP : S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

// Turning WAL on does not wait for others by itself.
static int pragmas_set(sqlite3 *db)
{
	uint64_t end = fog_now_ms() + FOG_DB_WAIT_MS;
	int r = sqlite3_exec(db, pragmas, NULL, NULL, NULL);

	while ((r & 0xff) == SQLITE_BUSY && fog_now_ms() < end) {
		usleep(RETRY_US);
		r = sqlite3_exec(db, pragmas, NULL, NULL, NULL);
	}
	return r;
}

static int error_of(sqlite3 *db)
{
	int code = db != NULL ? sqlite3_errcode(db) & 0xff : SQLITE_NOMEM;

	switch (code) {
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	default:
		return sqlite3_system_errno(db) > 0 ? -sqlite3_system_errno(db) : -EIO;
	}
}

static int connection_set_up(sqlite3 *db, enum db_mode mode)
{
	if (sqlite3_db_readonly(db, "main") == 1)
		return -EACCES;
	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_timeout(db, FOG_DB_WAIT_MS);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	// "x" is never a text here, as it is none in PostgreSQL.
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	if (pragmas_set(db) != SQLITE_OK)
		return error_of(db);
	if (mode == DB_READ &&
	    sqlite3_exec(db, "PRAGMA query_only=ON", NULL, NULL, NULL) != SQLITE_OK)
		return error_of(db);
	return 0;
}

static int sqlite_connect_file(const char *path, enum db_mode mode, void **connection)
{
	struct sqlite_connection *c = calloc(1, sizeof(*c));
	int r = 0, flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

	if (c == NULL)
		return -ENOMEM;
	if (sqlite3_open_v2(path, &c->db, flags, NULL) != SQLITE_OK)
		r = error_of(c->db);
	if (r == 0)
		r = connection_set_up(c->db, mode);
	if (r < 0)
		sqlite_disconnect(c);
	else
		*connection = c;
	return r;
}

int sqlite_connect(struct fog_db *db, enum db_mode mode, void **connection)
{
	int r = sqlite_connect_file(db->settings, mode, connection);

	if (r < 0)
		LOG_ERR("%s: cannot open the platform's store: %s: give its folder and all in it to "
		        "the control plane's user (chown -R)",
		        (const char *)db->settings, strerror(-r));
	return r == 0 || r == -EBUSY || r == -ENOSPC ? r : -EIO;
}

static void statement_finalize(void *prepared)
{
	sqlite3_finalize(prepared);
}

void sqlite_disconnect(void *connection)
{
	struct sqlite_connection *c = connection;

	db_cache_clear(&c->cache, statement_finalize);
	sqlite3_close_v2(c->db);
	free(c);
}

static void quick_check_row(void *words, const char *row)
{
	char *found = words;

	if (strcmp(row, "ok") != 0)
		snprintf(found, DB_WHY_LEN, "%s", row);
}

// Returns 0, or -EBADMSG with SQLite's words in 'found'.
static int quick_check(sqlite3 *db, char found[DB_WHY_LEN])
{
	sqlite3_stmt *s = NULL;
	int r = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &s, NULL);

	found[0] = '\0';
	if (r == SQLITE_OK)
		r = sqlite3_step(s);
	if (r == SQLITE_ROW)
		quick_check_row(found, (const char *)sqlite3_column_text(s, 0));
	else
		snprintf(found, DB_WHY_LEN, "%s", sqlite3_errmsg(db));
	sqlite3_finalize(s);
	return found[0] != '\0' ? -EBADMSG : 0;
}

static int open_refuse(const struct fog_db_params *p, int error, const char *found)
{
	if (error == -EBADMSG)
		snprintf(
		        p->error, p->error_len,
		        "%s is damaged%s%s: move it away and bring back a backup with 'fogctl store "
		        "restore'",
		        p->url, found[0] != '\0' ? ": " : "", found
		);
	else if (error == -ENOSPC)
		snprintf(p->error, p->error_len, "%s: the disk is full: free some space", p->url);
	else if (error == -EBUSY)
		snprintf(
		        p->error, p->error_len,
		        "%s is locked by another process: end what holds it (fuser names it)",
		        p->url
		);
	else
		snprintf(
		        p->error, p->error_len,
		        "%s: cannot open the platform's store: %s: give its folder and all in it to the "
		        "control plane's user (chown -R)",
		        p->url, strerror(-error)
		);
	return error;
}

int sqlite_open(struct fog_db *db, const struct fog_db_params *p)
{
	char found[DB_WHY_LEN] = "";
	void *connection = NULL;
	int r = file_make(p->url);

	if (r == 0)
		r = sqlite_connect_file(p->url, DB_WRITE, &connection);
	if (r == 0)
		r = quick_check(((struct sqlite_connection *)connection)->db, found);
	if (r == 0) {
		db->settings = strdup(p->url);
		r = db->settings == NULL ? -ENOMEM : 0;
	}
	if (r == 0) {
		db->writers.idle[db->writers.idle_count++] = connection;
		return 0;
	}
	if (connection != NULL)
		sqlite_disconnect(connection);
	return open_refuse(p, r, found);
}

void sqlite_close(struct fog_db *db)
{
	free(db->settings);
}
