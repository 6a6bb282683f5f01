// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MODULE "db_postgres"
#include "../../log/log.h"
#include "db_postgres.h"

enum { PASSWORD_LEN_MAX = 1024, VERSION_MIN = 130000 };

struct postgres_settings {
	char *url;
	char *password; // sodium_malloc, or NULL
	atomic_bool warned; // that its server does not write through
};

// Whoever waits for more than this is told so; a transaction that somebody forgot holds nobody up.
// A commit that the server would acknowledge before it is on its disk would be none. After a crash statistics begin anew,
// also when only a part of the server was killed and started again.
static const char session[] =
        "SET lock_timeout=5000; SET statement_timeout=30000;"
        "SET idle_in_transaction_session_timeout=30000;"
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') IN ('off', 'local');"
        "SELECT current_setting('fsync'), concat(pg_postmaster_start_time(), ' ', stats_reset)"
        " FROM pg_stat_bgwriter";

static_assert(FOG_DB_WAIT_MS == 5000, "lock_timeout in 'session'");

static int password_take(struct postgres_settings *s, int fd)
{
	s->password = sodium_malloc(PASSWORD_LEN_MAX + 1);
	if (s->password == NULL)
		return -ENOMEM;
	ssize_t n = read(fd, s->password, PASSWORD_LEN_MAX + 1);
	if (n < 0)
		return -errno;
	// White space at the end is the editor's.
	while (n > 0 && isspace((unsigned char)s->password[n - 1]))
		n--;
	if (n == 0 || n > PASSWORD_LEN_MAX)
		return -EINVAL;
	s->password[n] = '\0';
	return strlen(s->password) == (size_t)n ? 0 : -EINVAL;
}

static int password_load(struct postgres_settings *s, const struct fog_db_params *p)
{
	struct stat st;
	int r, fd = open(p->password_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 077) != 0)
		r = -EPERM;
	else
		r = password_take(s, fd);
	if (fd >= 0)
		close(fd);
	if (r < 0)
		snprintf(
		        p->error, p->error_len,
		        "%s: cannot read the store's password: %s: it is one line of 1 to %d characters in "
		        "a file that only user %u can read (chown, chmod 0600)",
		        p->password_file, strerror(-r), PASSWORD_LEN_MAX, geteuid()
		);
	return r;
}

int postgres_open(struct fog_db *db, const struct fog_db_params *p)
{
	struct postgres_settings *s = calloc(1, sizeof(*s));
	char *words = NULL;

	if (s == NULL)
		return -ENOMEM;
	db->settings = s;
	PQconninfoOption *options = PQconninfoParse(p->url, &words);
	PQconninfoFree(options);
	if (options == NULL) {
		// libpq's words repeat parts of the URL, where a password may stand.
		snprintf(
		        p->error, p->error_len,
		        "the store's URL is none of PostgreSQL: it is "
		        "postgresql://USER@HOST/DATABASE, or postgresql:///DATABASE?host=/FOLDER"
		);
		PQfreemem(words);
		return -EINVAL;
	}
	s->url = strdup(p->url);
	if (s->url == NULL)
		return -ENOMEM;
	return p->password_file != NULL ? password_load(s, p) : 0;
}

void postgres_close(struct fog_db *db)
{
	struct postgres_settings *s = db->settings;

	if (s == NULL)
		return;
	if (s->url != NULL)
		sodium_memzero(s->url, strlen(s->url));
	free(s->url);
	sodium_free(s->password);
	free(s);
}

static void notice_ignore(void *ctx, const PGresult *result)
{
}

static void say_away(PGconn *conn)
{
	char words[DB_WHY_LEN];

	snprintf(words, sizeof(words), "%s", PQerrorMessage(conn));
	words[strcspn(words, "\n")] = '\0';
	LOG_WARN(
	        "store: PostgreSQL does not answer: %s: see whether the server runs, and whether "
	        "store.url and the password are right",
	        words
	);
}

static int server_check(struct postgres_settings *s, struct postgres_connection *c)
{
	PGconn *conn = c->conn;
	const char *encoding = PQparameterStatus(conn, "server_encoding");
	int r = -EIO;

	if (PQserverVersion(conn) < VERSION_MIN) {
		LOG_ERR("store: PostgreSQL %d is too old: use 13 or newer",
		        PQserverVersion(conn) / 10000);
		return r;
	}
	if (encoding == NULL || strcmp(encoding, "UTF8") != 0) {
		LOG_ERR("store: the database's encoding is not UTF8: make another one with "
		        "'createdb --encoding=UTF8 --template=template0 NAME'");
		return r;
	}
	PGresult *result = PQexec(conn, session);
	if (PQresultStatus(result) == PGRES_TUPLES_OK) {
		r = 0;
		snprintf(c->life, sizeof(c->life), "%s", PQgetvalue(result, 0, 1));
		if (strcmp(PQgetvalue(result, 0, 0), "on") != 0 &&
		    !atomic_exchange(&s->warned, true))
			LOG_WARN(
			        "store: PostgreSQL runs with fsync=off: what it has acknowledged gets "
			        "lost in a power cut: turn it on in postgresql.conf"
			);
	} else {
		say_away(conn);
		r = -EAGAIN;
	}
	PQclear(result);
	return r;
}

// Of a name that stands twice libpq takes the later one: what stands before the URL may be said in it.
static PGconn *conn_make(const struct postgres_settings *s)
{
	const char *const names[] = {
	        "application_name",
	        "connect_timeout",
	        "keepalives_idle",
	        "keepalives_interval",
	        "keepalives_count",
	        "tcp_user_timeout",
	        "dbname",
	        "client_encoding",
	        "target_session_attrs",
	        s->password != NULL ? "password" : NULL,
	        NULL};
	const char *const values[] = {"fogline", "5",    "5",          "2",         "3", "10000",
	                              s->url,    "UTF8", "read-write", s->password, NULL};

	return PQconnectdbParams(names, values, 1);
}

int postgres_connect(struct fog_db *db, enum db_mode mode, void **connection)
{
	struct postgres_settings *s = db->settings;
	struct postgres_connection *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return -ENOMEM;
	c->conn = conn_make(s);
	if (PQstatus(c->conn) == CONNECTION_OK) {
		PQsetNoticeReceiver(c->conn, notice_ignore, NULL);
		r = server_check(s, c);
	} else {
		say_away(c->conn);
		r = -EAGAIN;
	}
	if (r < 0)
		postgres_disconnect(c);
	else
		*connection = c;
	return r;
}

void postgres_disconnect(void *connection)
{
	struct postgres_connection *c = connection;

	db_cache_clear(&c->cache, NULL);
	PQfinish(c->conn);
	free(c);
}
