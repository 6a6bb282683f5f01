// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// A connection to PostgreSQL: made in db_postgres_connect.c, used in db_postgres.c, its results read in
// db_postgres_rows.c.
#pragma once

#include <libpq-fe.h>

#include "db_private.h"

enum { XID_LEN = 24, LIFE_LEN = 80 };

struct postgres_connection {
	PGconn *conn;
	struct db_cache cache;
	char xid[XID_LEN]; // of the transaction that writes
	char life[LIFE_LEN]; // of the server: another one after each crash
};

int postgres_open(struct fog_db *, const struct fog_db_params *);
void postgres_close(struct fog_db *);
int postgres_connect(struct fog_db *, enum db_mode, void **connection);
void postgres_disconnect(void *connection);

int postgres_next(struct fog_rows *);
void postgres_end(struct fog_rows *);
int postgres_columns(const struct fog_rows *);
const char *postgres_name(const struct fog_rows *, int column);
int postgres_kind(const struct fog_rows *, int column);
bool postgres_null(const struct fog_rows *, int column);
int64_t postgres_number(const struct fog_rows *, int column);
const char *postgres_text(const struct fog_rows *, int column);
const uint8_t *postgres_bytes(const struct fog_rows *, int column, size_t *len);
