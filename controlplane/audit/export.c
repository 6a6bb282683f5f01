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

int fog_audit_export(
        struct fog_db *db, const struct fog_audit_filter *filter, enum fog_audit_format format,
        fog_audit_write *write, void *ctx
)
{
	const struct export_to x = {write, ctx};
	struct fog_audit_filter f = *filter;
	struct fog_audit_list list;
	unsigned count = EXPORT_PAGE;
	int r = format == FOG_AUDIT_CSV ? export_names(&x) : 0;

	f.limit = EXPORT_PAGE;
	while (r >= 0 && count == EXPORT_PAGE) {
		r = fog_audit_search(db, &f, &list);
		count = r >= 0 ? list.count : 0;
		for (unsigned i = 0; i < count && r >= 0; i++)
			r = (format == FOG_AUDIT_CSV ? export_csv : export_json)(&x, &list.row[i]);
		if (count > 0)
			f.after = list.row[count - 1].id;
		fog_audit_list_free(&list);
	}
	return r < 0 ? r : 0;
}
