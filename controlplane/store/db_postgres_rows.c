// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Results in the binary form of PostgreSQL's protocol; types are told by the numbers that they have in every
// server (pg_type.dat). numeric: numeric_send() in its numeric.c.
#include <string.h>

#include "db_postgres.h"

enum {
	TYPE_BOOL = 16,
	TYPE_BYTEA = 17,
	TYPE_INT8 = 20,
	TYPE_INT2 = 21,
	TYPE_INT4 = 23,
	TYPE_FLOAT8 = 701,
	TYPE_NUMERIC = 1700,
	NUMERIC_NEGATIVE = 0x4000,
	NUMERIC_BASE = 10000,
};

int postgres_next(struct fog_rows *rows)
{
	if (rows->row + 1 >= rows->count)
		return 0;
	rows->row++;
	return 1;
}

void postgres_end(struct fog_rows *rows)
{
	PQclear(rows->statement);
}

int postgres_columns(const struct fog_rows *rows)
{
	return PQnfields(rows->statement);
}

const char *postgres_name(const struct fog_rows *rows, int column)
{
	return PQfname(rows->statement, column);
}

int postgres_kind(const struct fog_rows *rows, int column)
{
	if (postgres_null(rows, column))
		return FOG_VALUE_NULL;
	switch (PQftype(rows->statement, column)) {
	case TYPE_BYTEA:
		return FOG_VALUE_BYTES;
	case TYPE_BOOL:
	case TYPE_INT2:
	case TYPE_INT4:
	case TYPE_INT8:
		return FOG_VALUE_INT;
	default:
		return FOG_VALUE_TEXT;
	}
}

bool postgres_null(const struct fog_rows *rows, int column)
{
	return rows->row < 0 || rows->row >= rows->count ||
	        PQgetisnull(rows->statement, rows->row, column);
}

static uint64_t big_endian(const char *data, int len)
{
	uint64_t n = 0;

	for (int i = 0; i < len; i++)
		n = n << 8 | (uint8_t)data[i];
	return n;
}

// What stands behind the point is left out; too large a number is the largest.
static int64_t numeric_number(const char *data, int len)
{
	int digits = (int)big_endian(data, 2), weight = (int16_t)big_endian(data + 2, 2);
	bool negative = big_endian(data + 4, 2) == NUMERIC_NEGATIVE;
	int64_t n = 0;

	for (int i = 0; i <= weight; i++) {
		int digit = i < digits && 8 + 2 * i + 2 <= len
		        ? (int)big_endian(data + 8 + 2 * i, 2)
		        : 0;

		if (__builtin_mul_overflow(n, NUMERIC_BASE, &n) ||
		    __builtin_add_overflow(n, negative ? -digit : digit, &n))
			return negative ? INT64_MIN : INT64_MAX;
	}
	return n;
}

static int64_t float_number(const char *data)
{
	uint64_t bits = big_endian(data, 8);
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value >= 0x1p63 ? INT64_MAX : value < -0x1p63 ? INT64_MIN : (int64_t)value;
}

int64_t postgres_number(const struct fog_rows *rows, int column)
{
	const char *data = PQgetvalue(rows->statement, rows->row, column);
	int len = PQgetlength(rows->statement, rows->row, column);

	switch (PQftype(rows->statement, column)) {
	case TYPE_BOOL:
		return data[0] != 0;
	case TYPE_INT2:
		return (int16_t)big_endian(data, len);
	case TYPE_INT4:
		return (int32_t)big_endian(data, len);
	case TYPE_INT8:
		return (int64_t)big_endian(data, len);
	case TYPE_FLOAT8:
		return float_number(data);
	case TYPE_NUMERIC:
		return len >= 8 ? numeric_number(data, len) : 0;
	default:
		return 0;
	}
}

// libpq puts a NUL behind every value, of both forms.
const char *postgres_text(const struct fog_rows *rows, int column)
{
	return PQgetvalue(rows->statement, rows->row, column);
}

const uint8_t *postgres_bytes(const struct fog_rows *rows, int column, size_t *len)
{
	*len = (size_t)PQgetlength(rows->statement, rows->row, column);
	return (const uint8_t *)PQgetvalue(rows->statement, rows->row, column);
}
