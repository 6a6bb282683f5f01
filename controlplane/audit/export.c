// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Rows as JSON and CSV.
#include "list.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXPORT_PAGE = 200, TIME_LEN = 40 };

static void export_time(int64_t us, char text[TIME_LEN])
{
	int64_t s = us / 1000000 - (us % 1000000 < 0);
	char date[24];
	struct tm tm;

	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));
	snprintf(text, TIME_LEN, "%s.%06dZ", date, (int)(us - s * 1000000));
}

static json_t *bytes_json(const uint8_t *bytes, size_t len)
{
	char *hex = len > 0 ? malloc(2 * len + 1) : NULL;

	if (hex == NULL)
		return json_null();
	json_t *json = json_string(sodium_bin2hex(hex, 2 * len + 1, bytes, len));
	free(hex);
	return json;
}

// What somebody has put into the store around us need not be UTF-8.
static json_t *text_json(const char *text)
{
	json_t *json = json_string(text);

	return json != NULL ? json : json_string("(no UTF-8)");
}

static json_t *details_json(const char *text, bool exact)
{
	json_t *json = exact ? NULL : json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	return json_is_object(json) ? json : (json_decref(json), text_json(text));
}

json_t *fog_audit_row_json(const struct fog_audit_row *row, bool exact)
{
	char time[TIME_LEN];
	json_t *json;

	export_time(row->time_us, time);
	json = json_pack(
	        "{s:I, s:o, s:I, s:s, s:I, s:I, s:o}", "id", (json_int_t)row->id, "chain",
	        text_json(row->chain), "sequence", (json_int_t)row->sequence, "time", time,
	        "status", (json_int_t)row->status, "duration_us", (json_int_t)row->duration_us,
	        "body_digest", bytes_json(row->body_digest, row->body_digest_len)
	);
	for (int i = 0; json != NULL && i < FOG_AUDIT_TEXTS; i++)
		json_object_set_new(
		        json, fog_audit_text_name[i],
		        i == FOG_AUDIT_TEXT_details ? details_json(row->text[i], exact)
		                                    : text_json(row->text[i])
		);
	json_object_set_new(json, "previous", bytes_json(row->previous, sizeof(row->previous)));
	json_object_set_new(json, "hash", bytes_json(row->hash, sizeof(row->hash)));
	return json;
}

struct export_to {
	fog_audit_write *write;
	void *ctx;
};

static int export_json(const struct export_to *x, const struct fog_audit_row *row)
{
	json_t *json = fog_audit_row_json(row, true);
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	int r = -ENOMEM;

	json_decref(json);
	if (text != NULL) {
		size_t len = strlen(text);
		text[len] = '\n'; // over the NUL: the length goes along
		r = x->write(x->ctx, text, len + 1);
	}
	free(text);
	return r;
}

static void csv_cell(FILE *f, const char *text)
{
	fputs(strchr("=+-@\t\r", text[0]) != NULL && text[0] != '\0' ? "\"'" : "\"", f);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			fputc('"', f);
		fputc(*text, f);
	}
	fputc('"', f);
}

static void csv_row(FILE *f, const struct fog_audit_row *row)
{
	char time[TIME_LEN], hex[2 * FOG_AUDIT_HASH_LEN + 1] = "";

	export_time(row->time_us, time);
	fprintf(f, "%" PRId64 ",", row->id);
	csv_cell(f, row->chain);
	fprintf(f, ",%" PRId64 ",%s,%" PRId64 ",%" PRId64 ",", row->sequence, time, row->status,
	        row->duration_us);
	if (row->body_digest_len == FOG_AUDIT_HASH_LEN)
		sodium_bin2hex(hex, sizeof(hex), row->body_digest, row->body_digest_len);
	fputs(hex, f);
	for (int i = 0; i < FOG_AUDIT_TEXTS; i++) {
		fputc(',', f);
		csv_cell(f, row->text[i]);
	}
	fprintf(f, ",%s", sodium_bin2hex(hex, sizeof(hex), row->previous, sizeof(row->previous)));
	fprintf(f, ",%s\r\n", sodium_bin2hex(hex, sizeof(hex), row->hash, sizeof(row->hash)));
}

static int export_csv(const struct export_to *x, const struct fog_audit_row *row)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		return -ENOMEM;
	csv_row(f, row);
	int r = fclose(f) == 0 ? x->write(x->ctx, text, len) : -ENOMEM;
	free(text);
	return r;
}

static int export_names(const struct export_to *x)
{
	static const char names[] = "id,chain,sequence,time,status,duration_us,body_digest"
#define X(name, max) "," #name
#include "texts.def"
#undef X
	                            ",previous,hash\r\n";

	return x->write(x->ctx, names, sizeof(names) - 1);
}

// Rows behind f->after. Returns how many, or an error.
static int export_page(
        struct fog_db *db, struct fog_audit_filter *f, int64_t last, enum fog_audit_format format,
        const struct export_to *x
)
{
	struct fog_audit_list list;
	int count = 0, r;

	f->limit = EXPORT_PAGE;
	r = fog_audit_search(db, f, &list);
	for (unsigned i = 0; i < list.count && r >= 0 && list.row[i].id <= last; i++, count++)
		r = (format == FOG_AUDIT_CSV ? export_csv : export_json)(x, &list.row[i]);
	if (list.count > 0)
		f->after = list.row[list.count - 1].id;
	fog_audit_list_free(&list);
	return r < 0 ? r : count;
}

int fog_audit_export(
        struct fog_db *db, const struct fog_audit_filter *filter, enum fog_audit_format format,
        fog_audit_write *write, void *ctx
)
{
	const struct export_to x = {write, ctx};
	struct fog_audit_filter f = *filter;
	int r = format == FOG_AUDIT_CSV ? export_names(&x) : 0;

	if (r >= 0)
		do
			r = export_page(db, &f, INT64_MAX, format, &x);
		while (r == EXPORT_PAGE);
	return r < 0 ? r : 0;
}

struct fog_audit_export {
	struct fog_db *db;
	struct fog_audit_filter filter; // its texts are copies
	enum fog_audit_format format;
	int64_t last; // id of the newest row that belongs to it
	bool over; // the last page has been read
	char *text; // of a page
	size_t len, room, at;
};

static const char **export_texts(struct fog_audit_filter *f, unsigned i)
{
	const char **const texts[] = {&f->chain,  &f->actor,   &f->action,         &f->object,
	                              &f->source, &f->outcome, &f->correlation_id, NULL};

	return texts[i];
}

static int export_keep(void *ctx, const char *line, size_t len)
{
	struct fog_audit_export *x = ctx;
	size_t room = x->room > 0 ? x->room : 1 << 16;

	while (room < x->len + len)
		room *= 2;
	char *grown = room != x->room ? realloc(x->text, room) : x->text;
	if (grown == NULL)
		return -ENOMEM;
	x->text = grown;
	x->room = room;
	memcpy(x->text + x->len, line, len);
	x->len += len;
	return 0;
}

static int export_next(struct fog_audit_export *x)
{
	const struct export_to to = {export_keep, x};

	int r = export_page(x->db, &x->filter, x->last, x->format, &to);
	x->over = r != EXPORT_PAGE;
	return r;
}

static int export_last(struct fog_audit_export *x)
{
	const struct fog_audit_filter newest = {.newest_first = true, .limit = 1};
	struct fog_audit_list list;
	int r = fog_audit_search(x->db, &newest, &list);

	x->last = list.count > 0 ? list.row[0].id : 0;
	if (x->filter.newest_first)
		x->last = INT64_MAX; // what comes is before where it has begun
	fog_audit_list_free(&list);
	return r;
}

int fog_audit_export_begin(
        struct fog_audit_export **out, struct fog_db *db, const struct fog_audit_filter *filter,
        enum fog_audit_format format
)
{
	struct fog_audit_export *x = calloc(1, sizeof(*x));
	const struct export_to to = {export_keep, x};
	int r = 0;

	if (x == NULL)
		return -ENOMEM;
	x->db = db;
	x->filter = *filter;
	x->format = format;
	for (unsigned i = 0; export_texts(&x->filter, i) != NULL; i++) {
		const char **text = export_texts(&x->filter, i);
		*text = *text != NULL ? strdup(*text) : NULL;
	}
	r = export_last(x);
	if (r >= 0 && format == FOG_AUDIT_CSV)
		r = export_names(&to);
	if (r >= 0)
		r = export_next(x);
	if (r < 0) {
		fog_audit_export_end(x);
		return r;
	}
	*out = x;
	return 0;
}

ssize_t fog_audit_export_read(struct fog_audit_export *x, char *out, size_t max)
{
	while (x->at == x->len && !x->over) {
		x->at = x->len = 0;
		int r = export_next(x);
		if (r < 0)
			return r;
	}
	size_t n = x->len - x->at < max ? x->len - x->at : max;
	if (n > 0)
		memcpy(out, x->text + x->at, n);
	x->at += n;
	return (ssize_t)n;
}

void fog_audit_export_end(struct fog_audit_export *x)
{
	if (x == NULL)
		return;
	for (unsigned i = 0; export_texts(&x->filter, i) != NULL; i++)
		free((void *)*export_texts(&x->filter, i));
	free(x->text);
	free(x);
}
