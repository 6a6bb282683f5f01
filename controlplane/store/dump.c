// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump_private.h"

enum { BASE64 = sodium_base64_VARIANT_ORIGINAL, HASH_LEN = 32 };

struct dump {
	const struct fog_schema *schema;
	FILE *out;
	crypto_generichash_state hash;
	int64_t rows;
};

static int line_put(struct dump *d, json_t *value)
{
	char *text = value != NULL
	        ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY)
	        : NULL;
	int r = 0;

	json_decref(value);
	if (text == NULL)
		return -ENOMEM;
	crypto_generichash_update(&d->hash, (const uint8_t *)text, strlen(text));
	crypto_generichash_update(&d->hash, (const uint8_t *)"\n", 1);
	errno = 0;
	if (fputs(text, d->out) < 0 || fputc('\n', d->out) < 0)
		r = errno != 0 ? -errno : -EIO;
	free(text);
	return r;
}

static json_t *bytes_json(const uint8_t *data, size_t len)
{
	size_t size = sodium_base64_encoded_len(len, BASE64);
	char *text = malloc(size);

	if (text == NULL)
		return NULL;
	sodium_bin2base64(text, size, data, len, BASE64);
	json_t *value = json_pack("{s:s}", "b", text);
	free(text);
	return value;
}

static json_t *column_json(const struct fog_rows *rows, int column)
{
	const uint8_t *data;
	size_t len;

	switch (rows->tx->db->driver->kind(rows, column)) {
	case FOG_VALUE_INT:
		return json_integer(fog_rows_int(rows, column));
	case FOG_VALUE_TEXT:
		return json_string(fog_rows_text(rows, column));
	case FOG_VALUE_BYTES:
		data = fog_rows_bytes(rows, column, &len);
		return bytes_json(data, len);
	default:
		return json_null();
	}
}

static int row_dump(struct dump *d, const struct fog_rows *rows)
{
	int columns = rows->tx->db->driver->columns(rows);
	json_t *row = json_array();

	for (int i = 0; i < columns; i++)
		if (json_array_append_new(row, column_json(rows, i)) < 0) {
			json_decref(row);
			return -ENOMEM;
		}
	d->rows++;
	return line_put(d, row);
}

// Rows come in parts where a whole result would stand in memory.
static int rows_dump(struct dump *d, struct fog_tx *tx, const char *table)
{
	const char *const *walk = tx->db->driver->walk;
	char sql[256];
	struct fog_rows rows;
	int r = 0, got;

	snprintf(sql, sizeof(sql), walk[0], table);
	if (walk[1] != NULL)
		r = fog_db_run(tx, sql, FOG_NONE);
	do {
		got = 0;
		if (r >= 0)
			r = fog_db_ask(tx, &rows, walk[1] != NULL ? walk[1] : sql, FOG_NONE);
		if (r < 0)
			return r;
		while ((r = fog_rows_next(&rows)) > 0 && (r = row_dump(d, &rows)) == 0)
			got++;
		fog_rows_end(&rows);
	} while (r == 0 && got > 0 && walk[1] != NULL);
	return r == 0 && walk[2] != NULL ? fog_db_run(tx, walk[2], FOG_NONE) : r;
}

json_t *db_columns(struct fog_tx *tx, const char *table)
{
	const struct db_driver *driver = tx->db->driver;
	json_t *names = json_array();
	char sql[256];
	struct fog_rows rows;

	snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\" WHERE 1 = 0", table);
	if (fog_db_ask(tx, &rows, sql, FOG_NONE) == 0)
		for (int i = 0; i < driver->columns(&rows); i++)
			json_array_append_new(names, json_string(driver->name(&rows, i)));
	fog_rows_end(&rows);
	return names;
}

json_t *db_names(struct fog_tx *tx, const char *query, const char *except)
{
	json_t *names = json_array();
	struct fog_rows rows;
	int r = fog_db_ask(tx, &rows, query, FOG_NONE);

	while (r >= 0 && (r = fog_rows_next(&rows)) > 0)
		if (except == NULL || strcmp(fog_rows_text(&rows, 0), except) != 0)
			json_array_append_new(names, json_string(fog_rows_text(&rows, 0)));
	fog_rows_end(&rows);
	return names;
}

static json_t *sequence_json(struct fog_tx *tx, const char *table)
{
	int64_t last;

	return tx->db->driver->sequence_get(tx, table, &last) == 1 ? json_integer(last)
	                                                           : json_null();
}

static json_t *steps_json(const struct fog_schema *schema)
{
	json_t *steps = json_array();

	for (unsigned i = 0; i < schema->count; i++)
		json_array_append_new(
		        steps,
		        json_pack(
		                "[i,s,s]", (int)schema->step[i].number, schema->step[i].name,
		                schema->step[i].digest
		        )
		);
	return steps;
}

static int end_put(struct dump *d)
{
	uint8_t hash[HASH_LEN];
	char hex[2 * HASH_LEN + 1];

	crypto_generichash_final(&d->hash, hash, sizeof(hash));
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	return line_put(d, json_pack("{s:I,s:s}", "rows", (json_int_t)d->rows, "blake2b", hex));
}

static int table_dump(struct dump *d, struct fog_tx *tx, const char *table)
{
	int r = line_put(
	        d,
	        json_pack(
	                "{s:s,s:o,s:o}", "table", table, "columns", db_columns(tx, table),
	                "sequence", sequence_json(tx, table)
	        )
	);

	if (tx->failed < 0)
		return tx->failed;
	return r == 0 ? rows_dump(d, tx, table) : r;
}

static int dump_work(struct fog_tx *tx, void *ctx)
{
	struct dump *d = ctx;

	d->rows = 0;
	crypto_generichash_init(&d->hash, NULL, 0, HASH_LEN);
	// Of a run that was not the last one.
	rewind(d->out);
	if (ftruncate(fileno(d->out), 0) < 0 && errno != EINVAL)
		return -errno;
	tx->once = true;
	json_t *tables = db_names(tx, tx->db->driver->tables, "schema_step");
	int r = line_put(
	        d,
	        json_pack(
	                "{s:s,s:i,s:o}", "fogline", "store", "version", 1, "steps",
	                steps_json(d->schema)
	        )
	);
	for (size_t i = 0; i < json_array_size(tables) && r == 0; i++)
		r = table_dump(d, tx, json_string_value(json_array_get(tables, i)));
	json_decref(tables);
	return r == 0 ? end_put(d) : r;
}

int64_t fog_db_dump(
        struct fog_db *db, const struct fog_schema *schema, FILE *out, char *error, size_t error_len
)
{
	struct dump d = {.schema = schema, .out = out};
	int r = fog_db_migrated(db, schema);

	if (r == 0)
		r = fog_db_read(db, dump_work, &d);
	if (r == 0 && fflush(out) != 0)
		r = -errno;
	if (r == -ESTALE)
		snprintf(
		        error, error_len,
		        "the store is not of this version: run 'fogctl store migrate', or use "
		        "the version that made it"
		);
	else if (r < 0)
		snprintf(
		        error, error_len,
		        "cannot read the store: %s: see whether it runs, and whether the disk has room",
		        strerror(-r)
		);
	return r < 0 ? r : d.rows;
}
