// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../now.h"
#include "db_private.h"

static const char *const schema_words[5] = {"$ID", "$INT", "$TEXT", "$BYTES", "$STRICT"};

static const char made_table[] =
        "CREATE TABLE IF NOT EXISTS schema_step(number $INT PRIMARY KEY, name $TEXT NOT NULL,"
        " digest $TEXT NOT NULL, time_us $INT NOT NULL) $STRICT;";

// The word that stands at 's', or -1.
static int word_at(const char *s)
{
	for (int i = 0; i < 5; i++) {
		size_t n = strlen(schema_words[i]);

		if (strncmp(s, schema_words[i], n) == 0 && !isalnum((unsigned char)s[n]) &&
		    s[n] != '_')
			return i;
	}
	return -1;
}

static void line_put(FILE *out, const char *line, size_t len, const char *const types[5])
{
	for (size_t i = 0; i < len;) {
		int word = line[i] == '$' ? word_at(line + i) : -1;

		if (word < 0) {
			fputc(line[i++], out);
		} else {
			fputs(types[word], out);
			i += strlen(schema_words[word]);
		}
	}
}

// Whether lines count from here on, by a line that begins with '-- only' or '-- both'.
static bool line_counts(const char *line, const char *only, bool before)
{
	if (strncmp(line, "-- both", 7) == 0)
		return true;
	if (strncmp(line, "-- only ", 8) == 0)
		return strncmp(line + 8, only, strlen(only)) == 0;
	return before;
}

static char *schema_text(const struct db_driver *driver, const char *sql)
{
	size_t size;
	char *text = NULL;
	bool counts = true;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	while (*sql != '\0') {
		const char *end = strchrnul(sql, '\n');

		end += *end == '\n';
		counts = line_counts(sql, driver->only, counts);
		if (counts)
			line_put(out, sql, (size_t)(end - sql), driver->types);
		sql = end;
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

int db_script(struct fog_tx *tx, const char *sql)
{
	char *text = schema_text(tx->db->driver, sql);
	int r = text != NULL ? tx->failed : -ENOMEM;

	if (r == 0)
		r = tx->db->driver->script(tx, text);
	free(text);
	return db_failed(tx, r);
}

int db_steps_begin(struct fog_tx *tx)
{
	return db_script(tx, made_table);
}

struct migration {
	const struct fog_schema *schema;
	unsigned upto;
	const struct fog_schema_step *next; // that has not run
	char *error;
	size_t error_len;
};

int db_store_holds(struct fog_tx *tx)
{
	struct fog_rows rows;
	int r = fog_db_ask(tx, &rows, tx->db->driver->tables, FOG_NONE), holds = 0;

	while (r >= 0 && (r = fog_rows_next(&rows)) > 0)
		holds = holds == 1 || strcmp(fog_rows_text(&rows, 0), "schema_step") == 0 ? 1 : 2;
	fog_rows_end(&rows);
	return r < 0 ? r : holds;
}

const struct fog_schema_step *db_step_find(const struct fog_schema *schema, int64_t number)
{
	for (unsigned i = 0; i < schema->count; i++)
		if (schema->step[i].number == number)
			return &schema->step[i];
	return NULL;
}

static int step_check(const struct migration *m, const struct fog_rows *ran)
{
	const struct fog_schema_step *step = db_step_find(m->schema, fog_rows_int(ran, 0));

	if (step == NULL) {
		snprintf(
		        m->error, m->error_len,
		        "a newer version wrote the store (step %03d_%s): upgrade this one, or name another "
		        "store",
		        (int)fog_rows_int(ran, 0), fog_rows_text(ran, 1)
		);
		return -ENOTSUP;
	}
	if (strcmp(step->digest, fog_rows_text(ran, 2)) != 0) {
		snprintf(
		        m->error, m->error_len,
		        "step %03u_%s has run on the store with another text: use the version that made "
		        "the store, or a new store",
		        step->number, step->name
		);
		return -EBADMSG;
	}
	return 0;
}

// The first step that has not run, also when one with a greater number has.
static int steps_check(struct fog_tx *tx, struct migration *m)
{
	const struct fog_schema_step *step = m->schema->step, *end = step + m->schema->count;
	struct fog_rows rows;
	int r = fog_db_ask(
	        tx, &rows, "SELECT number, name, digest FROM schema_step ORDER BY number", FOG_NONE
	);

	m->next = NULL;
	while (r >= 0 && (r = fog_rows_next(&rows)) > 0) {
		r = step_check(m, &rows);
		if (m->next == NULL && step < end && step->number < fog_rows_int(&rows, 0))
			m->next = step;
		step++;
	}
	fog_rows_end(&rows);
	if (r == 0 && m->next == NULL && step < end)
		m->next = step;
	return r;
}

int db_step_run(struct fog_tx *tx, const struct fog_schema_step *step)
{
	int r = db_script(tx, step->sql);

	if (r == 0)
		r = fog_db_run(
		        tx,
		        "INSERT INTO schema_step(number, name, digest, time_us) VALUES($1,$2,$3,$4)",
		        FOG_BIND(
		                FOG_INT(step->number), FOG_TEXT(step->name), FOG_TEXT(step->digest),
		                FOG_INT(fog_now_unix_us())
		        )
		);
	return r;
}

static int migrate_say(struct fog_tx *tx, const struct migration *m, int r)
{
	if (r == -ENOTEMPTY)
		snprintf(
		        m->error, m->error_len,
		        "the store holds tables of something else: name an empty database"
		);
	else if (r < 0 && m->next != NULL && m->error[0] == '\0')
		snprintf(
		        m->error, m->error_len, "step %03u_%s failed: %s: please report this",
		        m->next->number, m->next->name, tx->why
		);
	return r;
}

// 1: a step ran, 0: none is left.
static int migrate_one(struct fog_tx *tx, void *ctx)
{
	struct migration *m = ctx;
	int r = db_store_holds(tx);

	m->error[0] = '\0';
	m->next = NULL;
	if (r == 2)
		return migrate_say(tx, m, -ENOTEMPTY);
	if (r >= 0)
		r = db_steps_begin(tx);
	if (r == 0)
		r = steps_check(tx, m);
	if (r == 0 && m->next != NULL && (m->upto == 0 || m->next->number <= m->upto)) {
		r = db_step_run(tx, m->next);
		if (r >= 0)
			return 1;
	}
	return migrate_say(tx, m, r);
}

int fog_db_migrate(
        struct fog_db *db, const struct fog_schema *schema, unsigned upto, char *error,
        size_t error_len
)
{
	char nobody[1];
	struct migration m = {
	        .schema = schema,
	        .upto = upto,
	        .error = error_len > 0 ? error : nobody,
	        .error_len = error_len > 0 ? error_len : sizeof(nobody),
	};
	int r, ran = 0;

	do {
		m.error[0] = '\0';
		r = db_transact(db, DB_SCHEMA, migrate_one, &m);
		ran += r > 0;
	} while (r > 0);
	if (r < 0 && m.error[0] == '\0')
		snprintf(
		        m.error, m.error_len,
		        "the store does not answer: %s: see whether it runs, and the log",
		        strerror(-r)
		);
	return r < 0 ? r : ran;
}

static int migrated(struct fog_tx *tx, void *ctx)
{
	struct migration *m = ctx;
	int r = db_store_holds(tx);

	if (r < 0)
		return r;
	if (r != 1)
		return -ESTALE;
	r = steps_check(tx, m);
	return r == 0 && m->next != NULL ? -ESTALE : r;
}

int fog_db_migrated(struct fog_db *db, const struct fog_schema *schema)
{
	char error[1];
	struct migration m = {.schema = schema, .error = error, .error_len = sizeof(error)};
	int r = fog_db_read(db, migrated, &m);

	return r == -ENOTSUP || r == -EBADMSG ? -ESTALE : r;
}
