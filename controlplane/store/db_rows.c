// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../log/log.h"
#include "db_private.h"

struct fog_value fog_value_text(const char *text)
{
	if (text == NULL)
		return FOG_NULL;
	return (struct fog_value){.type = FOG_VALUE_TEXT, .data = text, .len = strlen(text)};
}

// Length of the sequence at 's' (RFC 3629, section 4), 0 when it is none.
static size_t utf8_sequence(const uint8_t *s, size_t left)
{
	size_t n = s[0] < 0x80 ? 1
	        : s[0] < 0xc2  ? 0
	        : s[0] < 0xe0  ? 2
	        : s[0] < 0xf0  ? 3
	        : s[0] < 0xf5  ? 4
	                       : 0;

	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static bool text_valid(const uint8_t *s, size_t len)
{
	size_t n;

	for (; len > 0; s += n, len -= n) {
		n = s[0] == 0 ? 0 : utf8_sequence(s, len);
		if (n == 0)
			return false;
	}
	return true;
}

// Both stores take the same values, and none that the other one refuses.
static int values_check(struct fog_tx *tx, const struct fog_value *value, unsigned n)
{
	if (n > FOG_DB_PARAMETERS) {
		snprintf(tx->why, sizeof(tx->why), "%u parameters are too many", n);
		return -EINVAL;
	}
	for (unsigned i = 0; i < n; i++) {
		bool sized = value[i].type == FOG_VALUE_TEXT || value[i].type == FOG_VALUE_BYTES;

		if ((sized && value[i].len > FOG_DB_VALUE_MAX) ||
		    (value[i].type == FOG_VALUE_TEXT && !text_valid(value[i].data, value[i].len))) {
			snprintf(
			        tx->why, sizeof(tx->why), "value $%u is too long or no UTF-8 text",
			        i + 1
			);
			return -EINVAL;
		}
	}
	return 0;
}

static int tx_ready(struct fog_tx *tx, const struct fog_value *value, unsigned n)
{
	int r = tx->failed;

	if (r == 0)
		r = values_check(tx, value, n);
	return db_failed(tx, r);
}

int fog_db_run(struct fog_tx *tx, const char *sql, const struct fog_value *value, unsigned n)
{
	int r = tx_ready(tx, value, n);

	return r < 0 ? r : db_failed(tx, tx->db->driver->run(tx, sql, value, n));
}

int fog_db_ask(
        struct fog_tx *tx, struct fog_rows *rows, const char *sql, const struct fog_value *value,
        unsigned n
)
{
	int r = tx_ready(tx, value, n);

	*rows = (struct fog_rows){.tx = tx, .row = -1};
	return r < 0 ? r : db_failed(tx, tx->db->driver->ask(rows, sql, value, n));
}

int fog_rows_next(struct fog_rows *rows)
{
	if (rows->tx->failed < 0)
		return db_failed(rows->tx, rows->tx->failed);
	if (rows->statement == NULL)
		return 0;
	return db_failed(rows->tx, rows->tx->db->driver->next(rows));
}

void fog_rows_end(struct fog_rows *rows)
{
	if (rows->statement != NULL)
		rows->tx->db->driver->end(rows);
	rows->statement = NULL;
}

int fog_db_one(
        struct fog_tx *tx, struct fog_rows *rows, const char *sql, const struct fog_value *value,
        unsigned n
)
{
	int r = fog_db_ask(tx, rows, sql, value, n);

	if (r == 0)
		r = fog_rows_next(rows);
	return r == 0 ? -ENOENT : r < 0 ? r : 0;
}

bool fog_rows_null(const struct fog_rows *rows, int column)
{
	return rows->statement == NULL || rows->tx->db->driver->null(rows, column);
}

int64_t fog_rows_int(const struct fog_rows *rows, int column)
{
	return fog_rows_null(rows, column) ? 0 : rows->tx->db->driver->number(rows, column);
}

const char *fog_rows_text(const struct fog_rows *rows, int column)
{
	return fog_rows_null(rows, column) ? "" : rows->tx->db->driver->text(rows, column);
}

const uint8_t *fog_rows_bytes(const struct fog_rows *rows, int column, size_t *len)
{
	*len = 0;
	return fog_rows_null(rows, column) ? NULL : rows->tx->db->driver->bytes(rows, column, len);
}
