// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Long work, on a real store (store_rig.h): what is seen of it while it runs, after its end and after a restart.
#include <errno.h>
#include <pthread.h>

#include "../../../controlplane/now.h"
#include "../../../controlplane/operations/private.h"
#include "../run.h"
#include "../store/store_rig.h"

enum { PATIENCE = 3000, STEP_US = 10000 };

static struct fog_db *db;
static struct fog_operations *o;

static void begin(void)
{
	db = rig_open_migrated();
	CU_ASSERT_EQUAL_FATAL(fog_operations_create(db, "node a", &o), 0);
	CU_ASSERT_EQUAL_FATAL(fog_operations_start(o), 0);
}

static void finish(void)
{
	fog_operations_destroy(o);
	rig_close(db);
}

// A work that waits until it may go on.
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t news;
	bool open; // it may go on
	bool inside;
	bool given_back;
	bool heed; // ends when it is cancelled
	int result;
};

static struct gate gate_make(bool heed)
{
	return (struct gate
	){.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER, .heed = heed};
}

static void gate_set(struct gate *g, bool *what)
{
	pthread_mutex_lock(&g->lock);
	*what = true;
	pthread_cond_broadcast(&g->news);
	pthread_mutex_unlock(&g->lock);
}

static bool gate_get(struct gate *g, const bool *what)
{
	pthread_mutex_lock(&g->lock);
	bool is = *what;
	pthread_mutex_unlock(&g->lock);
	return is;
}

static int gate_work(struct fog_operation *op, void *ctx)
{
	struct gate *g = ctx;

	gate_set(g, &g->inside);
	fog_operation_log(op, "inside");
	fog_operation_progress(op, 40);
	while (!gate_get(g, &g->open)) {
		if (g->heed && fog_operation_cancelled(op))
			return -ECANCELED;
		usleep(STEP_US);
	}
	fog_operation_result(op, "{\"answer\": 42}");
	return g->result;
}

static void gate_done(void *ctx)
{
	struct gate *g = ctx;

	gate_set(g, &g->given_back);
}

static int64_t start(fog_operation_work *work, void *ctx, void (*done)(void *), const char *owner)
{
	const struct fog_operation_begin b = {
	        .kind = "test",
	        .owner = owner,
	        .parameters = "{\"size\": 3}",
	        .work = work,
	        .done = done,
	        .ctx = ctx};
	int64_t id = 0;

	CU_ASSERT_EQUAL_FATAL(fog_operations_begin(o, &b, &id), 0);
	return id;
}

// One operation as it is seen.
struct seen {
	struct fog_operation_view v;
	char code[64], text[256], result[128], owner[64];
	unsigned lines;
	int64_t first, last;
	char line[256]; // the last one
};

static void see(void *ctx, const struct fog_operation_view *v)
{
	struct seen *s = ctx;

	s->v = *v;
	snprintf(s->code, sizeof(s->code), "%s", v->error_code != NULL ? v->error_code : "");
	snprintf(s->text, sizeof(s->text), "%s", v->error_text != NULL ? v->error_text : "");
	snprintf(s->result, sizeof(s->result), "%s", v->result != NULL ? v->result : "");
	snprintf(s->owner, sizeof(s->owner), "%s", v->owner);
}

static void see_line(void *ctx, const struct fog_operation_line *l)
{
	struct seen *s = ctx;

	if (s->lines++ == 0)
		s->first = l->number;
	s->last = l->number;
	snprintf(s->line, sizeof(s->line), "%s", l->text);
}

static struct seen look(int64_t id)
{
	struct seen s = {0};

	CU_ASSERT_EQUAL(fog_operations_get(o, id, NULL, 0, see, see_line, &s), 0);
	return s;
}

#define UNTIL(condition) \
	do { \
		unsigned left = PATIENCE; \
		while (!(condition) && left-- > 0) \
			usleep(STEP_US); \
		CU_ASSERT_TRUE(condition); \
	} while (0)

static void test_done(void)
{
	struct gate g = gate_make(false);

	begin();
	int64_t id = start(gate_work, &g, gate_done, "user 1");
	UNTIL(look(id).v.progress == 40);
	struct seen s = look(id);
	CU_ASSERT_EQUAL(s.v.state, FOG_OPERATION_RUNNING);
	CU_ASSERT_EQUAL(s.lines, 1);
	CU_ASSERT_STRING_EQUAL(s.line, "inside");
	CU_ASSERT_STRING_EQUAL(s.result, "");
	CU_ASSERT_TRUE(s.v.created_us > 0 && s.v.started_us >= s.v.created_us);
	CU_ASSERT_EQUAL(s.v.ended_us, 0);
	gate_set(&g, &g.open);
	UNTIL(look(id).v.state == FOG_OPERATION_DONE);
	s = look(id);
	CU_ASSERT_EQUAL(s.v.progress, 100);
	CU_ASSERT_STRING_EQUAL(s.result, "{\"answer\": 42}");
	CU_ASSERT_STRING_EQUAL(s.code, "");
	CU_ASSERT_TRUE(s.v.ended_us >= s.v.started_us);
	CU_ASSERT_TRUE(g.given_back);
	CU_ASSERT_EQUAL(fog_operations_cancel(o, id, NULL), -EALREADY);
	finish();
}

static int fail_work(struct fog_operation *op, void *ctx)
{
	if (ctx != NULL)
		fog_operation_error(op, "no_disk", "the disk of %s is full", "somebody");
	fog_operation_progress(op, 200);
	fog_operation_progress(op, 10);
	return -ENOSPC;
}

static int long_work(struct fog_operation *op, void *ctx)
{
	static char text[FOG_OPERATION_JSON_MAX + 2];

	memset(text, ' ', sizeof(text) - 1);
	fog_operation_result(op, text);
	return 0;
}

static void test_failed(void)
{
	int mark;

	begin();
	int64_t plain = start(fail_work, NULL, NULL, "user 1");
	int64_t said = start(fail_work, &mark, NULL, "user 1");
	int64_t too_long = start(long_work, NULL, NULL, "user 1");
	UNTIL(look(plain).v.state == FOG_OPERATION_FAILED);
	UNTIL(look(said).v.state == FOG_OPERATION_FAILED);
	UNTIL(look(too_long).v.state == FOG_OPERATION_FAILED);
	struct seen s = look(plain);
	CU_ASSERT_EQUAL(s.v.progress, 99);
	CU_ASSERT_STRING_EQUAL(s.code, "failed");
	CU_ASSERT_STRING_EQUAL(s.text, "No space left on device");
	s = look(said);
	CU_ASSERT_STRING_EQUAL(s.code, "no_disk");
	CU_ASSERT_STRING_EQUAL(s.text, "the disk of somebody is full");
	CU_ASSERT_STRING_EQUAL(look(too_long).code, "result_too_long");
	finish();
}

static void test_cancel(void)
{
	struct gate g = gate_make(true), waits = gate_make(true), keep[FOG_OPERATIONS_THREADS];

	begin();
	int64_t id = start(gate_work, &g, gate_done, "user 1");
	UNTIL(gate_get(&g, &g.inside));
	CU_ASSERT_EQUAL(fog_operations_cancel(o, id, "user 2"), -ENOENT);
	CU_ASSERT_EQUAL(fog_operations_cancel(o, id + 999, NULL), -ENOENT);
	CU_ASSERT_EQUAL(look(id).v.state == FOG_OPERATION_CANCELLED, false);
	CU_ASSERT_EQUAL(fog_operations_cancel(o, id, "user 1"), 0);
	UNTIL(look(id).v.state == FOG_OPERATION_CANCELLED);
	CU_ASSERT_TRUE(look(id).v.cancel);
	CU_ASSERT_TRUE(g.given_back);

	// One that waits never begins.
	for (unsigned i = 0; i < FOG_OPERATIONS_THREADS; i++) {
		keep[i] = gate_make(false);
		start(gate_work, &keep[i], NULL, "user 1");
	}
	for (unsigned i = 0; i < FOG_OPERATIONS_THREADS; i++)
		UNTIL(gate_get(&keep[i], &keep[i].inside));
	id = start(gate_work, &waits, gate_done, "user 1");
	CU_ASSERT_EQUAL(look(id).v.state, FOG_OPERATION_QUEUED);
	CU_ASSERT_EQUAL(fog_operations_cancel(o, id, NULL), 0);
	CU_ASSERT_TRUE(gate_get(&waits, &waits.given_back));
	UNTIL(look(id).v.state == FOG_OPERATION_CANCELLED);
	for (unsigned i = 0; i < FOG_OPERATIONS_THREADS; i++)
		gate_set(&keep[i], &keep[i].open);
	finish();
	CU_ASSERT_FALSE(waits.inside);
}

static void test_full(void)
{
	struct gate keep[FOG_OPERATIONS_THREADS], waits = gate_make(false);
	struct fog_operation_begin b = {
	        .kind = "test",
	        .owner = "user 1",
	        .parameters = "{}",
	        .work = gate_work,
	        .ctx = &waits};
	static char text[FOG_OPERATION_JSON_MAX + 2];
	int64_t id;

	begin();
	for (unsigned i = 0; i < FOG_OPERATIONS_THREADS; i++) {
		keep[i] = gate_make(false);
		start(gate_work, &keep[i], NULL, "user 1");
	}
	for (unsigned i = 0; i < FOG_OPERATIONS_THREADS; i++)
		UNTIL(gate_get(&keep[i], &keep[i].inside));
	for (unsigned i = 0; i < FOG_OPERATIONS_QUEUE; i++)
		CU_ASSERT_EQUAL(fog_operations_begin(o, &b, &id), 0);
	CU_ASSERT_EQUAL(fog_operations_begin(o, &b, &id), -EBUSY);
	memset(text, ' ', sizeof(text) - 1);
	b.parameters = text;
	CU_ASSERT_EQUAL(fog_operations_begin(o, &b, &id), -EINVAL);
	gate_set(&waits, &waits.open);
	for (unsigned i = 0; i < FOG_OPERATIONS_THREADS; i++)
		gate_set(&keep[i], &keep[i].open);
	b.parameters = "{}";
	UNTIL(fog_operations_begin(o, &b, &id) == 0);
	UNTIL(look(id).v.state == FOG_OPERATION_DONE);
	finish();
}

// The end of a process that had no time to say anything: its rows stay as they are.
static void test_interrupted(void)
{
	const struct fog_operation_begin b = {
	        .kind = "test", .owner = "user 1", .parameters = "{}", .work = gate_work};
	struct fog_operations *other;
	int64_t mine, others;

	begin();
	CU_ASSERT_EQUAL_FATAL(fog_operations_create(db, "node b", &other), 0);
	CU_ASSERT_EQUAL_FATAL(operation_insert(o, &b, &mine), 0);
	CU_ASSERT_EQUAL_FATAL(operation_insert(other, &b, &others), 0);
	fog_operations_stop(o);
	CU_ASSERT_EQUAL(fog_operations_start(o), 0);
	struct seen s = look(mine);
	CU_ASSERT_EQUAL(s.v.state, FOG_OPERATION_FAILED);
	CU_ASSERT_STRING_EQUAL(s.code, "interrupted");
	CU_ASSERT_TRUE(s.v.ended_us > 0);
	CU_ASSERT_EQUAL(look(others).v.state, FOG_OPERATION_QUEUED); // that one is another's
	fog_operations_destroy(other);
	finish();
}

static void test_stopped(void)
{
	struct gate runs = gate_make(true), keep[FOG_OPERATIONS_THREADS], waits = gate_make(true);
	const struct fog_operation_begin b = {
	        .kind = "test", .owner = "user 1", .parameters = "{}", .work = gate_work};
	char text[200] = "";
	int64_t id;

	begin();
	CU_ASSERT_EQUAL(fog_operations_health(o, text, sizeof(text)), 0);
	id = start(gate_work, &runs, gate_done, "user 1");
	for (unsigned i = 1; i < FOG_OPERATIONS_THREADS; i++) {
		keep[i] = gate_make(true);
		start(gate_work, &keep[i], NULL, "user 1");
	}
	UNTIL(gate_get(&runs, &runs.inside));
	for (unsigned i = 1; i < FOG_OPERATIONS_THREADS; i++)
		UNTIL(gate_get(&keep[i], &keep[i].inside));
	int64_t waiting = start(gate_work, &waits, gate_done, "user 1");
	fog_operations_stop(o);
	CU_ASSERT_TRUE(runs.given_back && waits.given_back);
	CU_ASSERT_FALSE(waits.inside);
	CU_ASSERT_STRING_EQUAL(look(id).code, "interrupted");
	CU_ASSERT_STRING_EQUAL(look(waiting).code, "interrupted");
	CU_ASSERT_TRUE(fog_operations_health(o, text, sizeof(text)) < 0);
	CU_ASSERT_STRING_NOT_EQUAL(text, "");
	CU_ASSERT_EQUAL(fog_operations_begin(o, &b, &id), -EAGAIN);
	CU_ASSERT_EQUAL(fog_operations_start(o), 0);
	CU_ASSERT_EQUAL(fog_operations_start(o), 0);
	finish();
}

static bool talk_waits(struct fog_operation *op)
{
	pthread_mutex_lock(&op->lock);
	bool waits = op->now.pending > 0;
	pthread_mutex_unlock(&op->lock);
	return waits;
}

static int talk_work(struct fog_operation *op, void *ctx)
{
	for (unsigned i = 1; i <= 300; i++) {
		fog_operation_log(op, "line %u", i);
		// Not faster than the store can take it, or lines are lost.
		while (i % OPERATION_PENDING == 0 && talk_waits(op))
			usleep(STEP_US);
	}
	return 0;
}

static int foreign_work(struct fog_operation *op, void *ctx)
{
	char text[600];

	for (unsigned i = 0; i < sizeof(text) - 1; i++)
		text[i] = "\xc3\xa4"[i % 2];
	text[sizeof(text) - 1] = '\0';
	fog_operation_log(op, "%s", text); // cut inside of a character
	fog_operation_log(op, "a\xff\xc0\x80\xed\xa0\x80\n\x1b[0m \xe2\x82\xac");
	return 0;
}

static void test_lines(void)
{
	struct seen s = {0};

	begin();
	int64_t id = start(talk_work, NULL, NULL, "user 1");
	UNTIL(look(id).v.state == FOG_OPERATION_DONE);
	s = look(id);
	CU_ASSERT_EQUAL(s.lines, FOG_OPERATION_LINES);
	CU_ASSERT_EQUAL(s.first, 101);
	CU_ASSERT_EQUAL(s.last, 300);
	CU_ASSERT_STRING_EQUAL(s.line, "line 300");
	s = (struct seen){0};
	CU_ASSERT_EQUAL(fog_operations_get(o, id, NULL, 298, see, see_line, &s), 0);
	CU_ASSERT_EQUAL(s.lines, 2);
	CU_ASSERT_EQUAL(s.first, 299);
	id = start(foreign_work, NULL, NULL, "user 1");
	UNTIL(look(id).v.state == FOG_OPERATION_DONE);
	s = look(id);
	CU_ASSERT_EQUAL(s.lines, 2);
	CU_ASSERT_STRING_EQUAL(s.line, "a????????[0m \xe2\x82\xac");
	finish();
}

struct page {
	unsigned count;
	int64_t id[FOG_OPERATIONS_LIST_MAX];
};

static void see_page(void *ctx, const struct fog_operation_view *v)
{
	struct page *p = ctx;

	p->id[p->count++] = v->id;
}

static int list(struct fog_operation_filter f, struct page *p)
{
	*p = (struct page){0};
	return fog_operations_list(o, &f, see_page, p);
}

static void test_list(void)
{
	struct gate g = gate_make(false);
	struct page p;
	int64_t id[7];

	begin();
	for (unsigned i = 0; i < 6; i++)
		id[i] = start(fail_work, NULL, NULL, i % 2 ? "user 1" : "user 2");
	for (unsigned i = 0; i < 6; i++)
		UNTIL(look(id[i]).v.state == FOG_OPERATION_FAILED);
	id[6] = start(gate_work, &g, NULL, "user 1");
	UNTIL(look(id[6]).v.state == FOG_OPERATION_RUNNING);
	const enum fog_operation_state all = FOG_OPERATION_STATES;
	CU_ASSERT_EQUAL(list((struct fog_operation_filter){.state = all, .limit = 3}, &p), 1);
	CU_ASSERT_EQUAL(p.count, 3);
	CU_ASSERT_TRUE(p.id[0] == id[6] && p.id[1] == id[5] && p.id[2] == id[4]);
	CU_ASSERT_EQUAL(
	        list((struct fog_operation_filter){.state = all, .limit = 4, .before = id[4]}, &p),
	        0
	);
	CU_ASSERT_EQUAL(p.count, 4);
	CU_ASSERT_TRUE(p.id[0] == id[3] && p.id[3] == id[0]);
	CU_ASSERT_EQUAL(
	        list((struct fog_operation_filter){.state = all, .limit = 200, .owner = "user 1"},
	             &p),
	        0
	);
	CU_ASSERT_EQUAL(p.count, 4);
	CU_ASSERT_EQUAL(
	        list((struct fog_operation_filter){.state = FOG_OPERATION_RUNNING, .limit = 200},
	             &p),
	        0
	);
	CU_ASSERT_TRUE(p.count == 1 && p.id[0] == id[6]);
	CU_ASSERT_EQUAL(
	        list((struct fog_operation_filter){.state = all, .limit = 200, .kind = "other"},
	             &p),
	        0
	);
	CU_ASSERT_EQUAL(p.count, 0);
	CU_ASSERT_EQUAL(
	        list((struct fog_operation_filter
	             ){.state = all, .limit = 2, .parameters = "\"size\": 3"},
	             &p),
	        1
	);
	CU_ASSERT_EQUAL(
	        list((struct fog_operation_filter
	             ){.state = all, .limit = 200, .parameters = "\"size\": 4"},
	             &p),
	        0
	);
	CU_ASSERT_EQUAL(p.count, 0);
	CU_ASSERT_EQUAL(list((struct fog_operation_filter){.state = all, .limit = 0}, &p), -EINVAL);
	struct seen s;
	CU_ASSERT_EQUAL(fog_operations_get(o, id[0], "user 1", 0, see, NULL, &s), -ENOENT);
	CU_ASSERT_EQUAL(fog_operations_get(o, id[0], "user 2", 0, see, NULL, &s), 0);
	CU_ASSERT_STRING_EQUAL(s.owner, "user 2");
	gate_set(&g, &g.open);
	finish();
}

// Two control planes on one store.
static void test_other(void)
{
	struct gate g = gate_make(true);
	struct fog_operations *other;

	begin();
	if (!fog_db_shared(db)) {
		finish();
		return;
	}
	CU_ASSERT_EQUAL_FATAL(fog_operations_create(db, "node b", &other), 0);
	CU_ASSERT_EQUAL_FATAL(fog_operations_start(other), 0);
	int64_t id = start(gate_work, &g, NULL, "user 1");
	UNTIL(gate_get(&g, &g.inside));
	CU_ASSERT_EQUAL(fog_operations_cancel(other, id, NULL), 0);
	UNTIL(look(id).v.state == FOG_OPERATION_CANCELLED);
	fog_operations_destroy(other);
	finish();
}

static void test_prune(void)
{
	begin();
	int64_t old = start(talk_work, NULL, NULL, "user 1");
	UNTIL(look(old).v.state == FOG_OPERATION_DONE);
	int64_t between = fog_now_unix_us();
	usleep(STEP_US);
	int64_t young = start(fail_work, NULL, NULL, "user 1");
	UNTIL(look(young).v.state == FOG_OPERATION_FAILED);
	CU_ASSERT_EQUAL(operation_prune(o, between), 1);
	struct seen s;
	CU_ASSERT_EQUAL(fog_operations_get(o, old, NULL, 0, see, see_line, &s), -ENOENT);
	CU_ASSERT_EQUAL(look(young).v.state, FOG_OPERATION_FAILED);
	finish();
}

static void test_forget(void)
{
	struct gate g = gate_make(false);
	struct seen s;

	begin();
	int64_t ended = start(talk_work, NULL, NULL, "user 1");
	int64_t runs = start(gate_work, &g, NULL, "user 1");
	UNTIL(look(ended).v.state == FOG_OPERATION_DONE);
	UNTIL(look(runs).v.state == FOG_OPERATION_RUNNING);
	CU_ASSERT_EQUAL(fog_operations_forget(o, ended, "user 2"), -ENOENT);
	CU_ASSERT_EQUAL(fog_operations_forget(o, runs, "user 1"), -EINPROGRESS);
	CU_ASSERT_EQUAL(fog_operations_forget(o, ended, "user 1"), 0);
	CU_ASSERT_EQUAL(fog_operations_forget(o, ended, NULL), -ENOENT);
	CU_ASSERT_EQUAL(fog_operations_get(o, ended, NULL, 0, see, see_line, &s), -ENOENT);
	gate_set(&g, &g.open);
	UNTIL(look(runs).v.state == FOG_OPERATION_DONE);
	CU_ASSERT_EQUAL(fog_operations_forget(o, runs, NULL), 0);
	finish();
}

static CU_TestInfo tests[] = {
        {"queued, running, done", test_done},
        {"failed, and why", test_failed},
        {"cancelled", test_cancel},
        {"a full queue, texts that are too long", test_full},
        {"interrupted by a crash", test_interrupted},
        {"interrupted by a stop", test_stopped},
        {"lines", test_lines},
        {"pages, filters, owners", test_list},
        {"cancelled by another control plane", test_other},
        {"forgotten when old", test_prune},
        {"forgotten when somebody asks for it", test_forget},
        CU_TEST_INFO_NULL,
};

int main(void)
{
	return check_run("operations", tests);
}
