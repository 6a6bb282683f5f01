// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Reading the audit: pages of a search, exports. Any thread; errors are the store's (store/db.h).
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "row.h"

struct fog_db;

enum { FOG_AUDIT_PAGE_MAX = 1000 };

struct fog_audit_list {
	struct fog_audit_row *row;
	unsigned count;
	void **memory; // of each row
};

void fog_audit_list_free(struct fog_audit_list *); // leaves an empty one

// NULL or 0: any.
struct fog_audit_filter {
	const char *chain;
	const char *actor; // its id or its name
	const char *action; // its beginning
	const char *object, *source, *outcome, *correlation_id;
	int64_t from_us, until_us; // from <= time < until
	int64_t after; // 'id' of the last row of the page before; 0: from the beginning
	bool newest_first;
	unsigned limit; // 1 to FOG_AUDIT_PAGE_MAX, and one more, which tells whether others follow
};

// A page, in the order in which the store took the rows. The caller frees the list. Of several control planes on one store
// a row may still be on its way while one with a greater id is there already: whoever follows the audit reads the last
// seconds again. Returns 0, -EINVAL (limit) or an error.
int fog_audit_search(struct fog_db *, const struct fog_audit_filter *, struct fog_audit_list *);

// One row: id, chain, sequence, time (RFC 3339, UTC, microseconds), status, duration_us, body_digest, the texts,
// previous, hash. 'details' is an object, or a string where it is no JSON or 'exact' is asked for: as it was hashed.
// The caller owns the result; NULL: no memory.
json_t *fog_audit_row_json(const struct fog_audit_row *, bool exact);

enum fog_audit_format { FOG_AUDIT_JSON_LINES, FOG_AUDIT_CSV };

// Gets the text of one line after the other, with its end. A negative return ends the export with it.
typedef int fog_audit_write(void *ctx, const char *line, size_t len);

// The same, read piece by piece, by one thread at a time: rows that were there when it began, a page of them in memory.
struct fog_audit_export;

// Returns 0 or an error. 'db' outlives it.
int fog_audit_export_begin(
        struct fog_audit_export **, struct fog_db *, const struct fog_audit_filter *,
        enum fog_audit_format
);
// Returns how many bytes of 'max' it has written, 0: that was all, or an error.
ssize_t fog_audit_export_read(struct fog_audit_export *, char *out, size_t max);
void fog_audit_export_end(struct fog_audit_export *); // accepts NULL

// All that the filter lets through (limit is ignored), page by page. CSV is RFC 4180 with a line of names; a cell
// that a spreadsheet would take for a formula has an apostrophe in front. JSON lines are exact (above). Returns 0, what
// 'write' returned, or an error.
int fog_audit_export(
        struct fog_db *, const struct fog_audit_filter *, enum fog_audit_format, fog_audit_write *,
        void *ctx
);
