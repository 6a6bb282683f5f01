// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// What operators have set of the filter. A prefix is stored as it stands in the blob, so that the
// primary key's order is the blob's.
#include <errno.h>
#include <string.h>

#include "private.h"

int fog_store_filter_get(struct fog_store *s, const char *key, int64_t *value)
{
	sqlite3_stmt *st = store_statement(s, SQL_FILTER_GET);
	int r = -ENOENT, e;

	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	if ((e = sqlite3_step(st)) == SQLITE_ROW) {
		*value = sqlite3_column_int64(st, 0);
		r = 0;
	} else if (e != SQLITE_DONE) {
		r = store_error(s, "reading the filter");
	}
	sqlite3_reset(st);
	return r;
}

int fog_store_filter_put(struct fog_store *s, const char *key, int64_t value)
{
	sqlite3_stmt *st = store_statement(s, SQL_FILTER_PUT);

	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, value);
	return store_run(s, st, "storing the filter");
}

int fog_store_filter_delete(struct fog_store *s, const char *key)
{
	sqlite3_stmt *st = store_statement(s, SQL_FILTER_DELETE);

	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	return store_run(s, st, "storing the filter");
}

int fog_store_deny_put(struct fog_store *s, const struct fog_prefix *p)
{
	sqlite3_stmt *st = store_statement(s, SQL_DENY_PUT);

	sqlite3_bind_blob(st, 1, p, sizeof(*p), SQLITE_STATIC);
	int r = store_run(s, st, "storing a denied prefix");
	return r < 0 ? r : sqlite3_changes(s->db) > 0;
}

int fog_store_deny_delete(struct fog_store *s, const struct fog_prefix *p)
{
	sqlite3_stmt *st = store_statement(s, SQL_DENY_DELETE);

	sqlite3_bind_blob(st, 1, p, sizeof(*p), SQLITE_STATIC);
	int r = store_run(s, st, "deleting a denied prefix");
	return r < 0 ? r : sqlite3_changes(s->db) > 0 ? 0 : -ENOENT;
}

int fog_store_deny_list(struct fog_store *s, struct fog_prefix *list, unsigned max)
{
	sqlite3_stmt *st = store_statement(s, SQL_DENY_LIST);
	unsigned count = 0;
	int r = 0, e;

	while (r == 0 && (e = sqlite3_step(st)) == SQLITE_ROW) {
		if (count == max)
			r = -E2BIG;
		else if (sqlite3_column_bytes(st, 0) != sizeof(list[0]))
			r = -EIO;
		else
			memcpy(&list[count++], sqlite3_column_blob(st, 0), sizeof(list[0]));
	}
	if (r == 0 && e != SQLITE_DONE)
		r = store_error(s, "reading the denied prefixes");
	sqlite3_reset(st);
	return r < 0 ? r : (int)count;
}
