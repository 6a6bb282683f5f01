// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Writing: what is acknowledged is there, in one chain, whoever writes beside it and whatever the store does.
#include <errno.h>
#include <pthread.h>

#include "chain_rig.h"

enum { THREADS = 32, EACH = 40, PATIENCE_MS = 60 * 1000 };

static struct fog_audit_list rows_of(struct fog_db *db, const char *action, const char *chain)
{
	const struct fog_audit_filter f = {
	        .action = action, .chain = chain, .limit = FOG_AUDIT_PAGE_MAX};
	struct fog_audit_list l;

	CU_ASSERT_EQUAL_FATAL(fog_audit_search(db, &f, &l), 0);
	return l;
}

static void test_fields(void)
{
	uint8_t digest[32] = {9, 8, 7};
	struct chain_rig rig;
	struct fog_audit_event e = event_of("user.create");

	chain_rig_start(&rig);
	e.body_digest = digest;
	e.time_us = 1700000000123456;
	int64_t sequence = 0;
	CU_ASSERT_EQUAL(fog_audit_chain_append(rig.chain, &e, &sequence), 0);
	CU_ASSERT_EQUAL(sequence, 2);
	e.action = NULL;
	CU_ASSERT_EQUAL(fog_audit_chain_append(rig.chain, &e, NULL), -EINVAL);
	struct fog_audit_list l = rows_of(rig.db, "user.create", NULL);
	CU_ASSERT_EQUAL_FATAL(l.count, 1);
	const struct fog_audit_row *row = &l.row[0];
	CU_ASSERT_STRING_EQUAL(row->chain, rig.id);
	CU_ASSERT_STRING_EQUAL(fog_audit_chain_id(rig.chain), rig.id);
	CU_ASSERT_EQUAL(row->sequence, 2);
	CU_ASSERT_EQUAL(row->time_us, 1700000000123456);
	CU_ASSERT_EQUAL(row->status, 201);
	CU_ASSERT_EQUAL(row->duration_us, 1234);
	CU_ASSERT_TRUE(row->body_digest_len == 32 && memcmp(row->body_digest, digest, 32) == 0);
	static const char *const texts[FOG_AUDIT_TEXTS] = {
	        "user", "17", "alice", "user.create", "user/18", "192.0.2.7",
	        "r1",   "c1", "POST",  "/v1/users",   "done",    "{\"role\":\"operator\"}"};
	for (int i = 0; i < FOG_AUDIT_TEXTS; i++)
		CU_ASSERT_STRING_EQUAL(row->text[i], texts[i]);
	fog_audit_list_free(&l);
	chain_rig_stop(&rig);
}

// What a text becomes in the store.
static void stored_as(struct chain_rig *rig, const char *path, const char *stored)
{
	struct fog_audit_event e = event_of("text.check");
	const struct fog_audit_filter f = {.limit = 1, .newest_first = true};
	struct fog_audit_list l;

	e.path = path;
	CU_ASSERT_EQUAL_FATAL(fog_audit_chain_append(rig->chain, &e, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(fog_audit_search(rig->db, &f, &l), 0);
	CU_ASSERT_STRING_EQUAL(l.row[0].text[FOG_AUDIT_TEXT_path], stored);
	fog_audit_list_free(&l);
}

static void test_texts(void)
{
	char text[FOG_AUDIT_MAX_path + 64], cut[FOG_AUDIT_MAX_path + 64];
	char details[FOG_AUDIT_MAX_details + 64];
	struct chain_rig rig;

	chain_rig_start(&rig);
	stored_as(&rig, NULL, "");
	stored_as(&rig, "grüße, 漢字, 🜁", "grüße, 漢字, 🜁");
	stored_as(&rig, "a\nb\x7f\x01", "a?b??");
	stored_as(
	        &rig, "\xff\xc0\xaf\xed\xa0\x80\xf5\x80\x80\x80", "??????????"
	); // overlong, surrogate, beyond
	stored_as(&rig, "\xe6\xbc", "??");
	stored_as(&rig, "\xc2\x85", "??"); // a control character of Latin 1
	memset(text, 'x', sizeof(text));
	text[FOG_AUDIT_MAX_path] = '\0';
	stored_as(&rig, text, text);
	memcpy(cut, text, sizeof(cut));
	memcpy(text + FOG_AUDIT_MAX_path - 1, "\xc3\xbc", 3); // ü on the border
	cut[FOG_AUDIT_MAX_path - 1] = '\0';
	stored_as(&rig, text, cut);
	struct fog_audit_event e = event_of("details.check");
	memset(details, ' ', sizeof(details));
	details[0] = '{';
	memcpy(details + FOG_AUDIT_MAX_details, "}", 2);
	e.details = details;
	CU_ASSERT_EQUAL(fog_audit_chain_append(rig.chain, &e, NULL), 0);
	struct fog_audit_list l = rows_of(rig.db, "details.check", NULL);
	CU_ASSERT_STRING_EQUAL(l.row[0].text[FOG_AUDIT_TEXT_details], "{\"left_out_bytes\":4097}");
	fog_audit_list_free(&l);
	CU_ASSERT_EQUAL(verify(&rig).verdict.findings, 0);
	chain_rig_stop(&rig);
}

struct writer {
	pthread_t thread;
	struct fog_audit_chain *chain;
	int64_t sequence[EACH];
};

static void *write_many(void *arg)
{
	struct writer *w = arg;
	const struct fog_audit_event e = event_of("many");

	for (int i = 0; i < EACH; i++)
		if (fog_audit_chain_append(w->chain, &e, &w->sequence[i]) < 0)
			w->sequence[i] = -1;
	return NULL;
}

// Every thread gets numbers that grow, no number is given twice.
static void many_check(const struct writer *w, unsigned threads)
{
	static bool seen[THREADS * EACH + 8];

	memset(seen, 0, sizeof(seen));
	for (unsigned t = 0; t < threads; t++) {
		for (int i = 0; i < EACH; i++) {
			int64_t n = w[t].sequence[i];
			CU_ASSERT_TRUE_FATAL(n > 0 && n < (int64_t)sizeof(seen) && !seen[n]);
			CU_ASSERT_TRUE(i == 0 || n > w[t].sequence[i - 1]);
			seen[n] = true;
		}
	}
}

static void test_threads(void)
{
	static struct writer w[THREADS];
	struct chain_rig rig;

	chain_rig_start(&rig);
	for (int t = 0; t < THREADS; t++) {
		w[t].chain = rig.chain;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&w[t].thread, NULL, write_many, &w[t]), 0);
	}
	for (int i = 0; i < 10; i++) {
		fog_audit_chain_anonymous(rig.chain, "192.0.2.1", "user.create", 401);
		CU_ASSERT_EQUAL(verify(&rig).verdict.findings, 0); // while it grows
	}
	for (int t = 0; t < THREADS; t++)
		pthread_join(w[t].thread, NULL);
	many_check(w, THREADS);
	struct found f = verify(&rig);
	CU_ASSERT_EQUAL(f.verdict.findings, 0);
	CU_ASSERT_EQUAL(f.verdict.rows, THREADS * EACH + 1);
	chain_rig_stop(&rig);
}

static void test_two_writers(void)
{
	uint8_t seed[32] = {2};
	struct chain_rig rig, other;
	static struct writer w[2];

	chain_rig_start(&rig);
	other = rig;
	other.db = rig_open();
	snprintf(other.heads, sizeof(other.heads), "%s/other.jsonl", rig.folder);
	crypto_sign_seed_keypair(other.public_key, other.secret_key, seed);
	chain_open(&other);
	w[0].chain = rig.chain;
	w[1].chain = other.chain;
	for (int t = 0; t < 2; t++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&w[t].thread, NULL, write_many, &w[t]), 0);
	for (int t = 0; t < 2; t++) {
		pthread_join(w[t].thread, NULL);
		many_check(&w[t], 1);
		struct fog_audit_list l = rows_of(rig.db, "many", fog_audit_chain_id(w[t].chain));
		CU_ASSERT_EQUAL(l.count, EACH);
		fog_audit_list_free(&l);
	}
	const char *paths[] = {rig.heads, other.heads};
	struct found f = verify_by(&rig, NULL, paths, 2);
	CU_ASSERT_EQUAL(f.verdict.findings, 0);
	CU_ASSERT_EQUAL(f.verdict.chains, 2);
	CU_ASSERT_EQUAL(f.verdict.rows, 2 * EACH + 2);
	chain_close(&other);
	fog_db_close(other.db);
	chain_rig_stop(&rig);
}

static bool away_becomes(struct chain_rig *rig, bool away)
{
	for (int ms = 0; ms < PATIENCE_MS && fog_audit_chain_away(rig->chain) != away; ms += 10)
		usleep(10 * 1000);
	return fog_audit_chain_away(rig->chain) == away;
}

static void test_away(void)
{
	const struct fog_audit_event e = event_of("lost");
	struct chain_rig rig;

	chain_rig_start(&rig);
	CU_ASSERT_FALSE(fog_audit_chain_away(rig.chain));
	CU_ASSERT_TRUE_FATAL(raw(rig.db, "ALTER TABLE audit RENAME TO elsewhere") >= 0);
	fog_audit_chain_anonymous(rig.chain, "192.0.2.1", "user.create", 401);
	CU_ASSERT_TRUE(fog_audit_chain_append(rig.chain, &e, NULL) < 0);
	CU_ASSERT_TRUE(fog_audit_chain_append(rig.chain, &e, NULL) < 0);
	CU_ASSERT_TRUE(fog_audit_chain_away(rig.chain));
	CU_ASSERT_TRUE(fog_audit_chain_flush(rig.chain) < 0);
	CU_ASSERT_TRUE_FATAL(raw(rig.db, "ALTER TABLE elsewhere RENAME TO audit") >= 0);
	CU_ASSERT_TRUE(away_becomes(&rig, false)); // by itself
	append(&rig, "user.create");
	CU_ASSERT_EQUAL(fog_audit_chain_flush(rig.chain), 0);
	struct fog_audit_list l = rows_of(rig.db, "audit.back", NULL);
	CU_ASSERT_EQUAL_FATAL(l.count, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(l.row[0].text[FOG_AUDIT_TEXT_details], "\"lost\":0"));
	fog_audit_list_free(&l);
	l = rows_of(rig.db, "audit.anonymous", NULL); // counted on meanwhile
	CU_ASSERT_EQUAL(l.count, 1);
	fog_audit_list_free(&l);
	l = rows_of(rig.db, "lost", NULL);
	CU_ASSERT_EQUAL(l.count, 0);
	fog_audit_list_free(&l);
	CU_ASSERT_EQUAL(verify(&rig).verdict.findings, 0);
	chain_rig_stop(&rig);
}

// A control plane that starts without its store says so, and goes on when it comes.
static void test_away_from_the_start(void)
{
	struct chain_rig rig;

	chain_rig_start(&rig);
	append(&rig, "user.create");
	chain_close(&rig);
	CU_ASSERT_TRUE_FATAL(raw(rig.db, "ALTER TABLE audit RENAME TO elsewhere") >= 0);
	chain_open(&rig);
	CU_ASSERT_TRUE(fog_audit_chain_away(rig.chain));
	CU_ASSERT_TRUE_FATAL(raw(rig.db, "ALTER TABLE elsewhere RENAME TO audit") >= 0);
	CU_ASSERT_TRUE(away_becomes(&rig, false));
	append(&rig, "user.create");
	struct found f = verify(&rig);
	CU_ASSERT_EQUAL(f.verdict.findings, 0);
	CU_ASSERT_EQUAL(f.verdict.rows, 5); // start, row, stop, start, row
	chain_rig_stop(&rig);
}

// Answered at once while the store is away, and written when it is back.
static void test_posted(void)
{
	struct fog_audit_event e = event_of("posted");
	struct fog_audit_state state;
	struct chain_rig rig;

	chain_rig_start(&rig);
	CU_ASSERT_EQUAL(fog_audit_chain_post(rig.chain, &e, PATIENCE_MS), 0);
	e.action = "";
	CU_ASSERT_EQUAL(fog_audit_chain_post(rig.chain, &e, 0), -EINVAL);
	CU_ASSERT_TRUE_FATAL(raw(rig.db, "ALTER TABLE audit RENAME TO elsewhere") >= 0);
	e.action = "late";
	// Its own try shows that the store is away; then nobody waits.
	CU_ASSERT_EQUAL(fog_audit_chain_post(rig.chain, &e, PATIENCE_MS), 1);
	CU_ASSERT_TRUE(fog_audit_chain_away(rig.chain));
	for (unsigned i = 1; i < FOG_AUDIT_WAITING_MAX; i++)
		CU_ASSERT_EQUAL_FATAL(fog_audit_chain_post(rig.chain, &e, PATIENCE_MS), 1);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(fog_audit_chain_post(rig.chain, &e, PATIENCE_MS), -ENOBUFS);
	fog_audit_chain_state(rig.chain, &state);
	CU_ASSERT_TRUE(state.away && state.waiting == FOG_AUDIT_WAITING_MAX && state.lost == 3);
	CU_ASSERT_TRUE_FATAL(raw(rig.db, "ALTER TABLE elsewhere RENAME TO audit") >= 0);
	CU_ASSERT_TRUE(away_becomes(&rig, false));
	e.action = "posted";
	CU_ASSERT_EQUAL(fog_audit_chain_post(rig.chain, &e, PATIENCE_MS), 0); // behind all others
	struct fog_audit_list l = rows_of(rig.db, "late", NULL);
	CU_ASSERT_EQUAL(l.count, FOG_AUDIT_PAGE_MAX); // of FOG_AUDIT_WAITING_MAX
	fog_audit_list_free(&l);
	l = rows_of(rig.db, "audit.back", NULL);
	CU_ASSERT_EQUAL_FATAL(l.count, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(l.row[0].text[FOG_AUDIT_TEXT_details], "\"lost\":3"));
	fog_audit_list_free(&l);
	fog_audit_chain_state(rig.chain, &state);
	CU_ASSERT_TRUE(!state.away && state.waiting == 0 && state.lost == 3);
	CU_ASSERT_EQUAL(verify(&rig).verdict.rows, FOG_AUDIT_WAITING_MAX + 4);
	CU_ASSERT_EQUAL(verify(&rig).verdict.findings, 0);
	chain_rig_stop(&rig);
}

// While somebody holds the table, the writer hangs, and the store is not away yet.
static int hold_work(struct fog_tx *tx, void *ctx)
{
	const struct chain_rig *rig = ctx;
	const struct fog_audit_event e = event_of("hung");

	if (rig_is_shared())
		CU_ASSERT_TRUE(
		        fog_db_run(tx, "LOCK TABLE audit IN ACCESS EXCLUSIVE MODE", FOG_NONE) >= 0
		);
	CU_ASSERT_FALSE(fog_audit_chain_away(rig->chain));
	CU_ASSERT_EQUAL(fog_audit_chain_post(rig->chain, &e, 20), 1);
	CU_ASSERT_EQUAL(fog_audit_chain_post(rig->chain, &e, 0), 1);
	return 0;
}

static void test_posted_hung(void)
{
	const struct fog_audit_event e = event_of("hung");
	struct chain_rig rig;

	chain_rig_start(&rig);
	struct fog_db *other = rig_open();
	CU_ASSERT_EQUAL(fog_db_write(other, hold_work, &rig), 0);
	fog_db_close(other);
	CU_ASSERT_EQUAL(fog_audit_chain_append(rig.chain, &e, NULL), 0);
	CU_ASSERT_EQUAL(fog_audit_chain_flush(rig.chain), 0);
	struct fog_audit_list l = rows_of(rig.db, "hung", NULL);
	CU_ASSERT_EQUAL(l.count, 3);
	fog_audit_list_free(&l);
	chain_rig_stop(&rig);
}

// What is posted before there is a store is written when there is one, or lost aloud.
static void test_posted_before(void)
{
	const struct fog_audit_event e = event_of("early");
	struct chain_rig rig;

	chain_rig_start(&rig);
	const struct fog_audit_params p = {rig.db, rig.secret_key, rig.heads, false, NULL};
	chain_close(&rig);
	CU_ASSERT_EQUAL_FATAL(fog_audit_chain_create(&rig.chain, &p), 0);
	CU_ASSERT_TRUE(fog_audit_chain_away(rig.chain));
	CU_ASSERT_EQUAL(fog_audit_chain_append(rig.chain, &e, NULL), -EAGAIN);
	CU_ASSERT_EQUAL(fog_audit_chain_post(rig.chain, &e, PATIENCE_MS), 1);
	fog_audit_chain_anonymous(rig.chain, "192.0.2.1", "user.create", 401);
	CU_ASSERT_EQUAL_FATAL(fog_audit_chain_start(rig.chain), 0);
	CU_ASSERT_EQUAL(fog_audit_chain_flush(rig.chain), 0);
	struct fog_audit_list l = rows_of(rig.db, "early", NULL);
	CU_ASSERT_EQUAL(l.count, 1);
	fog_audit_list_free(&l);
	l = rows_of(rig.db, "audit.back", NULL);
	CU_ASSERT_EQUAL(l.count, 0); // it was never away
	fog_audit_list_free(&l);
	l = rows_of(rig.db, "audit.anonymous", NULL);
	CU_ASSERT_EQUAL(l.count, 1);
	fog_audit_list_free(&l);
	CU_ASSERT_EQUAL(verify(&rig).verdict.findings, 0);
	chain_close(&rig);
	CU_ASSERT_EQUAL_FATAL(fog_audit_chain_create(&rig.chain, &p), 0);
	CU_ASSERT_EQUAL(fog_audit_chain_post(rig.chain, &e, 0), 1);
	chain_rig_stop(&rig);
}

static void append_as(struct chain_rig *rig, const char *request_id, enum fog_audit_outcome outcome)
{
	struct fog_audit_event e = event_of("user.delete");

	e.request_id = request_id;
	e.correlation_id = "c7";
	e.outcome = outcome;
	CU_ASSERT_EQUAL_FATAL(fog_audit_chain_append(rig->chain, &e, NULL), 0);
}

// What was begun and has no end is unknown after the next start, and only then.
static void test_left_open(void)
{
	struct chain_rig rig;

	chain_rig_start(&rig);
	append_as(&rig, "r1", FOG_AUDIT_BEGUN);
	append_as(&rig, "r2", FOG_AUDIT_BEGUN); // row 3
	append_as(&rig, "r3", FOG_AUDIT_BEGUN);
	append_as(&rig, "r1", FOG_AUDIT_DONE);
	append_as(&rig, "r3", FOG_AUDIT_REFUSED);
	for (int i = 0; i < 3; i++) {
		chain_close(&rig);
		chain_open(&rig);
	}
	const struct fog_audit_filter unknown = {.outcome = "unknown", .limit = 10};
	struct fog_audit_list l;
	CU_ASSERT_EQUAL_FATAL(fog_audit_search(rig.db, &unknown, &l), 0);
	CU_ASSERT_EQUAL_FATAL(l.count, 1);
	const struct fog_audit_row *row = &l.row[0];
	CU_ASSERT_EQUAL(row->sequence, 9); // behind the stop and the start
	static const char *const texts[FOG_AUDIT_TEXTS] = {
	        "user",    "17",        "alice",   "user.delete",
	        "user/18", "192.0.2.7", "r2",      "c7",
	        "POST",    "/v1/users", "unknown", "{\"why\":\"interrupted\",\"begun\":3}"};
	for (int i = 0; i < FOG_AUDIT_TEXTS; i++)
		CU_ASSERT_STRING_EQUAL(row->text[i], texts[i]);
	CU_ASSERT_EQUAL(row->status, 0);
	fog_audit_list_free(&l);
	CU_ASSERT_EQUAL(verify(&rig).verdict.findings, 0);
	chain_rig_stop(&rig);
}

// A command's chain has rows of what it did, and no others.
static void test_brief(void)
{
	struct chain_rig rig;

	chain_rig_start(&rig);
	const struct fog_audit_params p = {rig.db, rig.secret_key, rig.heads, true, NULL};
	for (int i = 0; i < 3; i++) {
		chain_close(&rig);
		CU_ASSERT_EQUAL_FATAL(fog_audit_chain_open(&rig.chain, &p), 0);
		CU_ASSERT_EQUAL(append(&rig, "user.create"), 3 + i); // behind start and stop
	}
	append_as(&rig, "r1", FOG_AUDIT_BEGUN);
	chain_close(&rig);
	triggers_drop(rig.db);
	CU_ASSERT_TRUE_FATAL(raw(rig.db, "DELETE FROM audit WHERE sequence = 5") > 0);
	CU_ASSERT_EQUAL_FATAL(fog_audit_chain_open(&rig.chain, &p), 0);
	append(&rig, "user.create");
	struct fog_audit_list l = rows_of(rig.db, "user.delete", NULL);
	CU_ASSERT_EQUAL_FATAL(l.count, 2);
	CU_ASSERT_STRING_EQUAL(l.row[1].text[FOG_AUDIT_TEXT_outcome], "unknown");
	fog_audit_list_free(&l);
	struct found f = verify(&rig);
	CU_ASSERT_TRUE(found_only(&f, FOG_AUDIT_GAP, 5, 5));
	// What is missing at its start is worth a row.
	chain_close(&rig);
	CU_ASSERT_TRUE_FATAL(raw(rig.db, "DELETE FROM audit WHERE sequence > 7") > 0);
	CU_ASSERT_EQUAL_FATAL(fog_audit_chain_open(&rig.chain, &p), 0);
	l = rows_of(rig.db, "audit.start", rig.id);
	CU_ASSERT_EQUAL(l.count, 2);
	fog_audit_list_free(&l);
	chain_rig_stop(&rig);
}

static const char *counted(struct fog_audit_list *l, const char *source)
{
	for (unsigned i = 0; i < l->count; i++)
		if (strcmp(l->row[i].text[FOG_AUDIT_TEXT_source], source) == 0)
			return strstr(l->row[i].text[FOG_AUDIT_TEXT_details], "\"actions\"");
	return NULL;
}

static void test_anonymous(void)
{
	static char names[FOG_AUDIT_ACTIONS_MAX + 8][24];
	struct chain_rig rig;
	char source[32];

	chain_rig_start(&rig);
	for (int i = 0; i < 5; i++)
		fog_audit_chain_anonymous(
		        rig.chain, "192.0.2.1", i < 3 ? "user.create" : "user.list", 401
		);
	fog_audit_chain_anonymous(rig.chain, "192.0.2.1", "user.list", 429);
	for (int i = 0; i < FOG_AUDIT_ACTIONS_MAX + 8;
	     i++) { // more actions than one source is remembered for
		snprintf(names[i], sizeof(names[i]), "action.%03d", i);
		fog_audit_chain_anonymous(rig.chain, "192.0.2.2", names[i], 401);
	}
	for (int i = 0; i < FOG_AUDIT_SOURCES_MAX + 98; i++) { // and more sources
		snprintf(source, sizeof(source), "198.51.%d.%d", i / 250, i % 250);
		fog_audit_chain_anonymous(rig.chain, source, "user.create", 401);
	}
	CU_ASSERT_EQUAL(fog_audit_chain_flush(rig.chain), 0);
	CU_ASSERT_EQUAL(fog_audit_chain_flush(rig.chain), 0); // nothing twice
	struct fog_audit_list l = rows_of(rig.db, "audit.anonymous", NULL);
	CU_ASSERT_EQUAL_FATAL(l.count, FOG_AUDIT_SOURCES_MAX + 1);
	CU_ASSERT_STRING_EQUAL(
	        counted(&l, "192.0.2.1"),
	        "\"actions\":{\"user.create\":3,\"user.list\":3},"
	        "\"statuses\":{\"401\":5,\"429\":1}}"
	);
	CU_ASSERT_PTR_NOT_NULL(strstr(counted(&l, "192.0.2.2"), "\"others\":8}"));
	CU_ASSERT_STRING_EQUAL(
	        counted(&l, "others"),
	        "\"actions\":{\"user.create\":100},\"statuses\":{\"401\":100}}"
	);
	CU_ASSERT_STRING_EQUAL(l.row[0].text[FOG_AUDIT_TEXT_outcome], "refused");
	CU_ASSERT_STRING_EQUAL(l.row[0].text[FOG_AUDIT_TEXT_actor_kind], "anonymous");
	fog_audit_list_free(&l);
	// What is counted at the end is written, too.
	fog_audit_chain_anonymous(rig.chain, "192.0.2.9", "user.create", 401);
	chain_close(&rig);
	l = rows_of(rig.db, "audit.anonymous", NULL);
	CU_ASSERT_PTR_NOT_NULL(counted(&l, "192.0.2.9"));
	fog_audit_list_free(&l);
	CU_ASSERT_EQUAL(verify(&rig).verdict.findings, 0);
	chain_rig_stop(&rig);
}

int main(void)
{
	const CU_TestInfo tests[] = {
	        {"every field", test_fields},
	        {"texts of strangers", test_texts},
	        {"32 threads", test_threads},
	        {"two writers on one store", test_two_writers},
	        {"a store that takes no rows", test_away},
	        {"a start without the store", test_away_from_the_start},
	        {"rows that wait for the store", test_posted},
	        {"rows that wait for a store that hangs", test_posted_hung},
	        {"rows that are there before the store", test_posted_before},
	        {"what a dead process has begun", test_left_open},
	        {"the chain of a command", test_brief},
	        {"refusals of strangers", test_anonymous},
	        CU_TEST_INFO_NULL,
	};
	return sodium_init() < 0 ? 1 : check_run("audit chain", tests);
}
