// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A connection to SQLite: opened in db_sqlite_open.c, used in db_sqlite.c.
#pragma once

#include <sqlite3.h>

#include "db_private.h"

struct sqlite_connection {
	sqlite3 *db;
	struct db_cache cache;
};

int sqlite_open(struct fog_db *, const struct fog_db_params *);
void sqlite_close(struct fog_db *);
int sqlite_connect(struct fog_db *, enum db_mode, void **connection);
void sqlite_disconnect(void *connection);
