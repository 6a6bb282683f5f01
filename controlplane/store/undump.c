// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "dump_private.h"

enum { BASE64 = sodium_base64_VARIANT_ORIGINAL, HASH_LEN = 32 };

struct undump {
	const struct fog_schema *schema;
	FILE *in;
	bool force;
	char *line, *error;
	size_t size, error_len;
	crypto_generichash_state hash;
	int64_t rows;
	char *insert; // of the present table
	unsigned columns;
};

static int refuse(struct undump *u, int error, const char *text)
{
	snprintf(u->error, u->error_len, "%s", text);
	return error;
}

static int damaged(struct undump *u)
{
	return refuse(
	        u, -EBADMSG, "the file is damaged, cut, or no backup of a store: take another one"
	);
}

// The next line as JSON, which the caller releases, or NULL. All but the last count for the hash.
static json_t *line_get(struct undump *u)
{
	ssize_t n = getline(&u->line, &u->size, u->in);

	if (n <= 1 || n > FOG_DUMP_LINE_MAX || u->line[n - 1] != '\n')
		return NULL;
	json_t *value = json_loadb(u->line, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	if (value != NULL && json_object_get(value, "blake2b") == NULL)
		crypto_generichash_update(&u->hash, (const uint8_t *)u->line, (size_t)n);
	return value;
}

// Names come from a file: only those that the store has itself get into SQL.
static bool name_in(const json_t *names, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(
	        names, i, one
	) if (name != NULL && strcmp(json_string_value(one), name) == 0) return true;
	return false;
}

static int step_restore(struct undump *u, struct fog_tx *tx, const json_t *step)
{
	json_int_t number = json_integer_value(json_array_get(step, 0));
	const char *digest = json_string_value(json_array_get(step, 2));
	const struct fog_schema_step *ours = db_step_find(u->schema, number);

	if (ours == NULL)
		return refuse(u, -ENOTSUP, "a newer version wrote the file: use that one");
	if (digest == NULL || strcmp(ours->digest, digest) != 0)
		return refuse(
		        u, -EBADMSG, "the file is of another schema: use the version that wrote it"
		);
	return db_step_run(tx, ours);
}

static int steps_restore(struct undump *u, struct fog_tx *tx)
{
	json_t *head = line_get(u), *step;
	size_t i;
	int r = 0;

	if (strcmp(json_string_value(json_object_get(head, "fogline")) ?: "", "store") != 0 ||
	    json_integer_value(json_object_get(head, "version")) != 1 ||
	    json_array_size(json_object_get(head, "steps")) == 0)
		r = damaged(u);
	if (r == 0)
		r = db_steps_begin(tx);
	json_array_foreach(json_object_get(head, "steps"), i, step) if (r >= 0)
	        r = step_restore(u, tx, step);
	json_decref(head);
	return r < 0 ? r : 0;
}

// Run what a query says, statement by statement.
static int run_all(struct fog_tx *tx, const char *query)
{
	json_t *statements = db_names(tx, query, NULL), *one;
	size_t i;
	int r = tx->failed;

	json_array_foreach(statements, i, one) if (r >= 0)
	        r = fog_db_run(tx, json_string_value(one), FOG_NONE);
	json_decref(statements);
	return r < 0 ? r : 0;
}

// What steps have put into their tables stands in the file as well.
static int tables_empty(struct fog_tx *tx, const json_t *tables)
{
	char sql[256];
	int r = 0;

	for (size_t i = json_array_size(tables); i-- > 0 && r >= 0;) {
		snprintf(
		        sql, sizeof(sql), "DELETE FROM \"%s\"",
		        json_string_value(json_array_get(tables, i))
		);
		r = fog_db_run(tx, sql, FOG_NONE);
	}
	return r < 0 ? r : 0;
}

static char *insert_make(const char *table, const json_t *columns)
{
	const json_t *name;
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	fprintf(out, "INSERT INTO \"%s\"(", table);
	json_array_foreach(columns, i, name)
	        fprintf(out, "%s\"%s\"", i > 0 ? "," : "", json_string_value(name));
	fputs(") VALUES(", out);
	for (i = 0; i < json_array_size(columns); i++)
		fprintf(out, "%s$%zu", i > 0 ? "," : "", i + 1);
	fputs(")", out);
	return fclose(out) == 0 ? text : NULL;
}

static int table_begin(
        struct undump *u, struct fog_tx *tx, const json_t *head, const json_t *tables
)
{
	const char *table = json_string_value(json_object_get(head, "table"));
	const json_t *columns = json_object_get(head, "columns"),
	             *sequence = json_object_get(head, "sequence");
	const json_t *name;
	size_t i;

	if (!name_in(tables, table) || json_array_size(columns) == 0 ||
	    json_array_size(columns) > FOG_DB_PARAMETERS)
		return damaged(u);
	json_t *ours = db_columns(tx, table);
	bool same = true;
	json_array_foreach(columns, i, name) same = same && name_in(ours, json_string_value(name));
	json_decref(ours);
	if (!same)
		return damaged(u);
	free(u->insert);
	u->insert = insert_make(table, columns);
	u->columns = (unsigned)json_array_size(columns);
	if (u->insert == NULL)
		return -ENOMEM;
	return json_is_integer(sequence)
	        ? tx->db->driver->sequence_set(tx, table, json_integer_value(sequence))
	        : 0;
}

// 'room' gets what the value points to.
static int value_read(const json_t *value, struct fog_value *out, uint8_t **room)
{
	const char *text = json_string_value(json_object_get(value, "b"));
	size_t size, len;

	if (json_is_null(value)) {
		*out = FOG_NULL;
	} else if (json_is_integer(value)) {
		*out = FOG_INT(json_integer_value(value));
	} else if (json_is_string(value)) {
		*out = FOG_TEXT(json_string_value(value));
	} else if (text != NULL) {
		size = strlen(text) / 4 * 3 + 3;
		*room = malloc(size);
		if (*room == NULL)
			return -ENOMEM;
		if (sodium_base642bin(*room, size, text, strlen(text), NULL, &len, NULL, BASE64) <
		    0)
			return -EBADMSG;
		*out = FOG_BYTES(*room, len);
	} else {
		return -EBADMSG;
	}
	return 0;
}

static int row_restore(struct undump *u, struct fog_tx *tx, const json_t *row)
{
	struct fog_value value[FOG_DB_PARAMETERS] = {0};
	uint8_t *room[FOG_DB_PARAMETERS] = {0};
	int r = u->insert != NULL && json_array_size(row) == u->columns ? 0 : -EBADMSG;

	for (unsigned i = 0; i < u->columns && r == 0; i++)
		r = value_read(json_array_get(row, i), &value[i], &room[i]);
	if (r == 0)
		r = fog_db_run(tx, u->insert, value, u->columns);
	else if (r == -EBADMSG)
		damaged(u);
	for (unsigned i = 0; i < u->columns; i++)
		free(room[i]);
	u->rows++;
	return r < 0 ? r : 0;
}

static int end_check(struct undump *u, const json_t *end)
{
	uint8_t hash[HASH_LEN];
	char hex[2 * HASH_LEN + 1];

	crypto_generichash_final(&u->hash, hash, sizeof(hash));
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	if (json_integer_value(json_object_get(end, "rows")) != u->rows ||
	    strcmp(json_string_value(json_object_get(end, "blake2b")) ?: "", hex) != 0 ||
	    getc(u->in) != EOF)
		return damaged(u);
	return 0;
}

static int rows_restore(struct undump *u, struct fog_tx *tx, const json_t *tables)
{
	bool ended = false;
	int r = 0;

	while (r == 0 && !ended) {
		json_t *line = line_get(u);

		ended = json_object_get(line, "blake2b") != NULL;
		if (line == NULL)
			r = damaged(u);
		else if (ended)
			r = end_check(u, line);
		else if (json_is_array(line))
			r = row_restore(u, tx, line);
		else
			r = table_begin(u, tx, line, tables);
		json_decref(line);
	}
	return r;
}

static int undump_work(struct fog_tx *tx, void *ctx)
{
	struct undump *u = ctx;
	int r = db_store_holds(tx);

	tx->once = true;
	u->rows = 0;
	crypto_generichash_init(&u->hash, NULL, 0, HASH_LEN);
	rewind(u->in);
	if (r == 2)
		return refuse(
		        u, -ENOTEMPTY,
		        "the store holds tables of something else: name an empty database"
		);
	if (r == 1 && !u->force)
		return refuse(u, -EEXIST, "the store is not empty: --force replaces what is in it");
	if (r == 1)
		r = run_all(tx, tx->db->driver->drops);
	if (r >= 0)
		r = steps_restore(u, tx);
	json_t *tables = db_names(tx, tx->db->driver->tables, "schema_step");
	if (r == 0)
		r = tables_empty(tx, tables);
	if (r == 0)
		r = rows_restore(u, tx, tables);
	json_decref(tables);
	if (r < 0 && u->error[0] == '\0')
		snprintf(
		        u->error, u->error_len, "the file does not fit into the store: %s", tx->why
		);
	return r;
}

int64_t fog_db_undump(
        struct fog_db *db, const struct fog_schema *schema, FILE *in, bool force, char *error,
        size_t error_len
)
{
	struct undump u = {
	        .schema = schema, .in = in, .force = force, .error = error, .error_len = error_len};

	error[0] = '\0';
	int r = db_transact(db, DB_SCHEMA, undump_work, &u);
	free(u.line);
	free(u.insert);
	if (r < 0 && error[0] == '\0')
		snprintf(
		        error, error_len, "the store does not answer: %s: see whether it runs",
		        strerror(-r)
		);
	return r < 0 ? r : u.rows;
}
