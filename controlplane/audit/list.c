// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
#include "list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN_DIGEST = 6, COLUMN_TEXTS = 7, COLUMN_PREVIOUS = COLUMN_TEXTS + FOG_AUDIT_TEXTS };

void fog_audit_list_free(struct fog_audit_list *l)
{
	for (unsigned i = 0; i < l->count; i++)
		free(l->memory[i]);
	free(l->memory);
	free(l->row);
	*l = (struct fog_audit_list){0};
}

static size_t row_size(const struct fog_rows *rows)
{
	size_t digest = 0, size = strlen(fog_rows_text(rows, 1)) + 1;

	fog_rows_bytes(rows, COLUMN_DIGEST, &digest);
	for (int i = 0; i < FOG_AUDIT_TEXTS; i++)
		size += strlen(fog_rows_text(rows, COLUMN_TEXTS + i)) + 1;
	return size + digest;
}

static const char *row_keep(char **to, const void *from, size_t len)
{
	char *kept = *to;

	if (len > 0)
		memcpy(kept, from, len);
	*to += len;
	return kept;
}

// One of another length, which only somebody who went around us can have stored, is no hash of any row.
static void row_hash_read(const struct fog_rows *rows, int column, uint8_t hash[FOG_AUDIT_HASH_LEN])
{
	size_t len = 0;
	const uint8_t *bytes = fog_rows_bytes(rows, column, &len);

	memset(hash, 0, FOG_AUDIT_HASH_LEN);
	if (bytes != NULL && len == FOG_AUDIT_HASH_LEN)
		memcpy(hash, bytes, FOG_AUDIT_HASH_LEN);
}

static int row_read(const struct fog_rows *rows, struct fog_audit_row *row, void **memory)
{
	char *to = malloc(row_size(rows));
	const char *text = fog_rows_text(rows, 1);

	*memory = to;
	if (to == NULL)
		return -ENOMEM;
	row->id = fog_rows_int(rows, 0);
	row->chain = row_keep(&to, text, strlen(text) + 1);
	row->sequence = fog_rows_int(rows, 2);
	row->time_us = fog_rows_int(rows, 3);
	row->status = fog_rows_int(rows, 4);
	row->duration_us = fog_rows_int(rows, 5);
	for (int i = 0; i < FOG_AUDIT_TEXTS; i++) {
		text = fog_rows_text(rows, COLUMN_TEXTS + i);
		row->text[i] = row_keep(&to, text, strlen(text) + 1);
	}
	const uint8_t *digest = fog_rows_bytes(rows, COLUMN_DIGEST, &row->body_digest_len);
	row->body_digest = (const uint8_t *)row_keep(&to, digest, row->body_digest_len);
	row_hash_read(rows, COLUMN_PREVIOUS, row->previous);
	row_hash_read(rows, COLUMN_PREVIOUS + 1, row->hash);
	return 0;
}

int audit_list_read(
        struct fog_tx *tx, struct fog_audit_list *l, unsigned max, const char *sql,
        const struct fog_value *values, unsigned n
)
{
	struct fog_rows rows;
	int r;

	fog_audit_list_free(l);
	l->row = calloc(max, sizeof(*l->row));
	l->memory = calloc(max, sizeof(*l->memory));
	if (l->row == NULL || l->memory == NULL)
		return -ENOMEM;
	r = fog_db_ask(tx, &rows, sql, values, n);
	if (r < 0)
		return r;
	while (l->count < max && (r = fog_rows_next(&rows)) > 0) {
		r = row_read(&rows, &l->row[l->count], &l->memory[l->count]);
		if (r < 0)
			break;
		l->count++;
	}
	fog_rows_end(&rows);
	return r < 0 ? r : 0;
}
