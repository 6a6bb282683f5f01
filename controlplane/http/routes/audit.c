// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// The audit: search and export. Nothing here changes it.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../audit/search.h"
#include "../../node_platform.h"
#include "../page.h"
#include "../refusal.h"

enum { EXPORT_MAX = 64 << 20 };

// RFC 3339 in UTC, as its schema has let it in; what is behind the microseconds doesn't count. Returns -1: no such day.
static int64_t audit_time(const char *text)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t us = 0, unit = 100000;

	if (rest == NULL)
		return -1;
	for (rest += *rest == '.'; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
		us += (*rest - '0') * unit;
	return (int64_t)timegm(&tm) * 1000000 + us;
}

static bool audit_filter(
        const struct http_request *req, struct http_response *res, struct fog_audit_filter *f
)
{
	const char *from = http_query_text(req, "from"), *until = http_query_text(req, "until");

	*f = (struct fog_audit_filter){
	        .chain = http_query_text(req, "chain"),
	        .actor = http_query_text(req, "actor"),
	        .action = http_query_text(req, "action"),
	        .object = http_query_text(req, "object"),
	        .source = http_query_text(req, "source"),
	        .outcome = http_query_text(req, "outcome"),
	        .correlation_id = http_query_text(req, "correlation_id"),
	        .from_us = from != NULL ? audit_time(from) : 0,
	        .until_us = until != NULL ? audit_time(until) : 0,
	        .after = http_query_number(req, "after"),
	};
	if (f->from_us < 0 || f->until_us < 0) {
		http_reply_problem(
		        res, 400, "bad_parameter", "write it as 2026-11-26T12:00:00Z",
		        "'from' or 'until' is no time in UTC"
		);
		return false;
	}
	return true;
}

static struct fog_db *audit_store(const struct fog_node *n, struct http_response *res)
{
	struct fog_db *db = node_platform_store(n);

	if (db != NULL)
		return db;
	http_reply_away(res);
	return NULL;
}

void http_get_audit(struct fog_node *n, const struct http_request *req, struct http_response *res)
{
	struct fog_db *db = audit_store(n, res);
	struct fog_audit_list found = {0};
	const char *order = http_query_text(req, "order");
	struct fog_audit_filter filter;
	struct http_page page;

	if (db == NULL || !audit_filter(req, res, &filter))
		return;
	http_page_begin(&page, req, "after");
	filter.limit = (unsigned)page.limit + 1;
	filter.newest_first = order != NULL && strcmp(order, "newest") == 0;
	int r = fog_audit_search(db, &filter, &found);
	if (r < 0) {
		http_page_drop(&page);
		http_reply_error(res, r, NULL);
		return;
	}
	for (unsigned i = 0; i < found.count; i++)
		http_page_add(&page, found.row[i].id, fog_audit_row_json(&found.row[i], false));
	fog_audit_list_free(&found);
	http_reply_json(res, 200, http_page_json(&page, "rows"));
}

struct audit_stream {
	struct http_stream stream; // first
	struct fog_audit_export *export;
};

static ssize_t audit_stream_read(struct http_stream *stream, char *out, size_t max)
{
	return fog_audit_export_read(((struct audit_stream *)stream)->export, out, max);
}

static void audit_stream_end(struct http_stream *stream)
{
	fog_audit_export_end(((struct audit_stream *)stream)->export);
	free(stream);
}

void http_get_audit_export(
        struct fog_node *n, const struct http_request *req, struct http_response *res
)
{
	struct fog_db *db = audit_store(n, res);
	const char *format = http_query_text(req, "format");
	bool csv = format != NULL && strcmp(format, "csv") == 0;
	struct fog_audit_filter filter;

	if (db == NULL || !audit_filter(req, res, &filter))
		return;
	struct audit_stream *x = calloc(1, sizeof(*x));
	int r = x == NULL
	        ? -ENOMEM
	        : fog_audit_export_begin(
	                  &x->export, db, &filter, csv ? FOG_AUDIT_CSV : FOG_AUDIT_JSON_LINES
	          );
	if (r < 0) {
		free(x);
		http_reply_error(res, r, NULL);
		return;
	}
	x->stream = (struct http_stream){audit_stream_read, audit_stream_end};
	res->status = 200;
	res->stream = &x->stream;
	res->type = csv ? "text/csv; charset=utf-8" : "application/jsonl";
}
