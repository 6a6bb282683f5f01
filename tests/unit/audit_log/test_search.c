// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Searching by every filter, page by page, and exports.
#include <errno.h>

#include "chain_rig.h"

static void put(
        struct chain_rig *rig, const char *actor, const char *name, const char *action,
        const char *object, const char *source, enum fog_audit_outcome outcome,
        const char *correlation, int64_t time_us
)
{
	struct fog_audit_event e = event_of(action);

	e.actor_id = actor;
	e.actor_name = name;
	e.object = object;
	e.source = source;
	e.outcome = outcome;
	e.correlation_id = correlation;
	e.time_us = time_us;
	CU_ASSERT_EQUAL_FATAL(fog_audit_chain_append(rig->chain, &e, NULL), 0);
}

static void start(struct chain_rig *rig)
{
	chain_rig_start(rig); // row 1, audit.start
	put(rig, "1", "alice", "user.create", "user/7", "192.0.2.1", FOG_AUDIT_DONE, "c1", 1000);
	put(rig, "2", "bob", "user.delete", "user/7", "192.0.2.2", FOG_AUDIT_REFUSED, "c2", 2000);
	put(rig, "1", "alice", "key.create", "key/9", "192.0.2.1", FOG_AUDIT_FAILED, "c3", 3000);
	put(rig, "alice", "2", "user_x.create", "user/8", "192.0.2.3", FOG_AUDIT_DONE, "c3", 4000);
}

// The sequence numbers that a filter lets through, as text: "2,4". Without another chain it is the rig's.
static const char *numbers(struct chain_rig *rig, struct fog_audit_filter f)
{
	static char text[256];
	struct fog_audit_list l;
	int n = 0;

	text[0] = '\0';
	if (f.limit == 0)
		f.limit = 100;
	if (f.chain == NULL)
		f.chain = rig->id;
	CU_ASSERT_EQUAL_FATAL(fog_audit_search(rig->db, &f, &l), 0);
	for (unsigned i = 0; i < l.count; i++)
		n += snprintf(
		        text + n, sizeof(text) - (size_t)n, "%s%d", i > 0 ? "," : "",
		        (int)l.row[i].sequence
		);
	fog_audit_list_free(&l);
	return text;
}

#define FOUND(text, ...) \
	CU_ASSERT_STRING_EQUAL(numbers(&rig, (struct fog_audit_filter){__VA_ARGS__}), text)

static void test_filters(void)
{
	struct chain_rig rig;

	start(&rig);
	FOUND("1,2,3,4,5", .limit = 100);
	FOUND("5,4,3,2,1", .newest_first = true);
	FOUND("2,4,5", .actor = "alice"); // as a name and as an id
	FOUND("2,4", .actor = "1");
	FOUND("2,3", .action = "user.");
	FOUND("2,3,5", .action = "user");
	FOUND("", .action = "ser.");
	FOUND("", .action = "user%");
	FOUND("5", .action = "user_"); // no wildcard
	FOUND("2,3", .object = "user/7");
	FOUND("2,4", .source = "192.0.2.1");
	FOUND("3", .outcome = "refused");
	FOUND("4,5", .correlation_id = "c3");
	FOUND("5", .correlation_id = "c3", .action = "user");
	FOUND("3,4", .from_us = 2000, .until_us = 4000);
	FOUND("1,2,3,4,5", .chain = rig.id);
	FOUND("", .chain = "x");
	FOUND("", .actor = "' OR 1=1 --");
	FOUND("3", .object = "user/7", .newest_first = true, .limit = 1);
	chain_rig_stop(&rig);
}

static void test_pages(void)
{
	struct chain_rig rig;
	struct fog_audit_list l;

	start(&rig);
	struct fog_audit_filter f = {.limit = 2, .chain = rig.id},
	                        bad = {.limit = FOG_AUDIT_PAGE_MAX + 2};
	for (int page = 0; page < 2; page++) {
		CU_ASSERT_EQUAL_FATAL(fog_audit_search(rig.db, &f, &l), 0);
		CU_ASSERT_EQUAL_FATAL(l.count, 2);
		CU_ASSERT_EQUAL(l.row[0].sequence, 2 * page + 1);
		f.after = l.row[1].id;
		fog_audit_list_free(&l);
	}
	FOUND("5", .limit = 2, .after = f.after);
	FOUND("3,2", .limit = 2, .after = f.after, .newest_first = true);
	CU_ASSERT_EQUAL(fog_audit_search(rig.db, &bad, &l), -EINVAL);
	bad.limit = 0;
	CU_ASSERT_EQUAL(fog_audit_search(rig.db, &bad, &l), -EINVAL);
	chain_rig_stop(&rig);
}

struct text {
	char data[4096]; // of the first lines
	size_t len;
	unsigned lines, stop_at;
};

static int text_add(void *ctx, const char *line, size_t len)
{
	struct text *t = ctx;

	if (t->len + len < sizeof(t->data)) {
		memcpy(t->data + t->len, line, len);
		t->len += len;
		t->data[t->len] = '\0';
	}
	return ++t->lines == t->stop_at ? -ECANCELED : 0;
}

static void test_json(void)
{
	static struct text t;
	struct chain_rig rig;
	const struct fog_audit_filter f = {.object = "key/9"};

	start(&rig);
	t = (struct text){0};
	CU_ASSERT_EQUAL(fog_audit_export(rig.db, &f, FOG_AUDIT_JSON_LINES, text_add, &t), 0);
	CU_ASSERT_EQUAL(t.lines, 1);
	json_t *row = json_loads(t.data, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	CU_ASSERT_STRING_EQUAL(
	        json_string_value(json_object_get(row, "time")), "1970-01-01T00:00:00.003000Z"
	);
	CU_ASSERT_STRING_EQUAL(
	        json_string_value(json_object_get(row, "details")), "{\"role\":\"operator\"}"
	);
	CU_ASSERT_TRUE(json_is_null(json_object_get(row, "body_digest")));
	json_decref(row);
	struct fog_audit_list l;
	const struct fog_audit_filter one = {.object = "key/9", .limit = 1};
	CU_ASSERT_EQUAL_FATAL(fog_audit_search(rig.db, &one, &l), 0);
	row = fog_audit_row_json(&l.row[0], false);
	CU_ASSERT_STRING_EQUAL(
	        json_string_value(json_object_get(json_object_get(row, "details"), "role")),
	        "operator"
	);
	json_decref(row);
	fog_audit_list_free(&l);
	const struct fog_audit_filter all = {0};
	t = (struct text){.stop_at = 2};
	CU_ASSERT_EQUAL(
	        fog_audit_export(rig.db, &all, FOG_AUDIT_JSON_LINES, text_add, &t), -ECANCELED
	);
	CU_ASSERT_EQUAL(t.lines, 2);
	chain_rig_stop(&rig);
}

static void test_csv(void)
{
	static struct text t;
	struct chain_rig rig;

	chain_rig_start(&rig);
	put(&rig, "=cmd()", "say \"hi\", all", "@sum", "-1", "+2", FOG_AUDIT_DONE, "", 1);
	for (int i = 0; i < 450; i++) // more than one page
		append(&rig, "user.create");
	t = (struct text){0};
	const struct fog_audit_filter f = {.action = "@"},
	                              all = {.action = "user.", .newest_first = true};
	CU_ASSERT_EQUAL(fog_audit_export(rig.db, &f, FOG_AUDIT_CSV, text_add, &t), 0);
	CU_ASSERT_EQUAL(t.lines, 2);
	CU_ASSERT_EQUAL(strncmp(t.data, "id,chain,sequence,time,", 23), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(
	        t.data,
	        "\"user\",\"'=cmd()\",\"say \"\"hi\"\", all\",\"'@sum\",\"'-1\",\"'+2\",\"r1\",\"\""
	));
	t = (struct text){0};
	CU_ASSERT_EQUAL(fog_audit_export(rig.db, &all, FOG_AUDIT_CSV, text_add, &t), 0);
	CU_ASSERT_EQUAL(t.lines, 451);
	chain_rig_stop(&rig);
}

static size_t piece_by_piece(
        struct chain_rig *rig, const struct fog_audit_filter *f, enum fog_audit_format format,
        char *out, size_t room
)
{
	struct fog_audit_export *x;
	size_t len = 0;
	ssize_t n;

	CU_ASSERT_EQUAL_FATAL(fog_audit_export_begin(&x, rig->db, f, format), 0);
	append(rig, "user.late"); // what comes later is not part of it
	while ((n = fog_audit_export_read(
	                x, out + len, len % 97 + 1 < room - len ? len % 97 + 1 : 0
	        )) > 0)
		len += (size_t)n;
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_EQUAL(fog_audit_export_read(x, out, 100), 0);
	fog_audit_export_end(x);
	return len;
}

struct whole {
	char *text;
	size_t len;
};

static int whole_add(void *ctx, const char *line, size_t len)
{
	struct whole *w = ctx;

	memcpy(w->text + w->len, line, len);
	w->len += len;
	return 0;
}

// The same bytes as in one go.
static void test_pieces(void)
{
	enum { ROOM = 1 << 20 };

	char *text = malloc(ROOM), *pieces = malloc(ROOM), action[] = "user.create";
	const struct fog_audit_filter f = {.action = action}, none = {.action = "nothing"};
	struct chain_rig rig;

	chain_rig_start(&rig);
	for (int i = 0; i < 400; i++) // two pages, both full
		append(&rig, "user.create");
	for (int format = 0; format < 2; format++) {
		struct whole w = {.text = text};
		CU_ASSERT_EQUAL(fog_audit_export(rig.db, &f, format, whole_add, &w), 0);
		size_t len = piece_by_piece(&rig, &f, format, pieces, ROOM);
		CU_ASSERT_TRUE(len == w.len && memcmp(text, pieces, len) == 0);
		CU_ASSERT_EQUAL(
		        piece_by_piece(&rig, &none, format, pieces, ROOM) > 0,
		        format == FOG_AUDIT_CSV
		);
	}
	const struct fog_audit_filter late = {.action = "user.late"};
	size_t len = piece_by_piece(&rig, &late, FOG_AUDIT_JSON_LINES, pieces, ROOM);
	unsigned lines = 0;
	for (size_t i = 0; i < len; i++)
		lines += pieces[i] == '\n';
	CU_ASSERT_EQUAL(lines, 4); // of the four before
	free(text);
	free(pieces);
	chain_rig_stop(&rig);
}

int main(void)
{
	const CU_TestInfo tests[] = {
	        {"every filter", test_filters},
	        {"pages in both orders", test_pages},
	        {"JSON", test_json},
	        {"CSV", test_csv},
	        {"piece by piece", test_pieces},
	        CU_TEST_INFO_NULL,
	};
	return sodium_init() < 0 ? 1 : check_run("audit search", tests);
}
