// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Requests with an Idempotency-Key on a store that two control planes share: who does it, what the other one is told, what
// becomes of a key whose holder has died.
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../../../controlplane/store/answers.h"
#include "../run.h"
#include "store_rig.h"

static const uint8_t one[32] = {1}, two[32] = {2};

static struct fog_answers_request request(const char *plane, const char *key)
{
	return (struct fog_answers_request){"user:1", key, one, plane};
}

static int begin(struct fog_db *db, const char *plane, const char *key)
{
	struct fog_answers_request r = request(plane, key);
	struct fog_answer answer;
	int e = fog_answers_begin(db, &r, &answer);

	free(answer.body);
	return e;
}

static int keep(struct fog_db *db, const char *plane, const char *key)
{
	struct fog_answers_request r = request(plane, key);
	const struct fog_answer answer = {201, (char *)"{\"id\":7}"};

	return fog_answers_keep(db, &r, &answer);
}

static int run(struct fog_tx *tx, void *ctx)
{
	return fog_db_run(tx, ctx, FOG_NONE);
}

// Let all keys be over that much earlier.
static const char age[] = "UPDATE idempotent_answer SET until_us = until_us - 16000000";
static const char age_day[] = "UPDATE idempotent_answer SET until_us = until_us - 86400000000";

static void test_kept(void)
{
	struct fog_db *db = rig_open_migrated();
	struct fog_answers_request r = request("b", "k");
	struct fog_answer answer;

	CU_ASSERT_EQUAL(begin(db, "a", "k"), 0);
	CU_ASSERT_EQUAL(begin(db, "b", "k"), -EALREADY);
	CU_ASSERT_EQUAL(keep(db, "b", "k"), -ENOENT); // it isn't his
	CU_ASSERT_EQUAL(keep(db, "a", "k"), 0);
	CU_ASSERT_EQUAL(keep(db, "a", "k"), -ENOENT); // the first answer stays
	CU_ASSERT_EQUAL_FATAL(fog_answers_begin(db, &r, &answer), 1);
	CU_ASSERT_EQUAL(answer.status, 201);
	CU_ASSERT_STRING_EQUAL(answer.body, "{\"id\":7}");
	free(answer.body);
	CU_ASSERT_EQUAL(begin(db, "a", "k"), 1);
	r.digest = two;
	CU_ASSERT_EQUAL(fog_answers_begin(db, &r, &answer), -EEXIST);
	r.digest = one;
	r.caller = "user:2"; // somebody else's key
	CU_ASSERT_EQUAL(fog_answers_begin(db, &r, &answer), 0);
	CU_ASSERT_EQUAL(begin(db, "a", "other"), 0);
	CU_ASSERT_EQUAL(fog_db_write(db, run, (void *)age_day), 3);
	CU_ASSERT_EQUAL(begin(db, "b", "k"), 0); // a day later it is new
	rig_close(db);
}

static void test_dropped(void)
{
	struct fog_db *db = rig_open_migrated();
	struct fog_answers_request a = request("a", "k"), b = request("b", "k");

	CU_ASSERT_EQUAL(begin(db, "a", "k"), 0);
	CU_ASSERT_EQUAL(fog_answers_drop(db, &b), -ENOENT);
	CU_ASSERT_EQUAL(fog_answers_drop(db, &a), 0);
	CU_ASSERT_EQUAL(begin(db, "b", "k"), 0);
	CU_ASSERT_EQUAL(keep(db, "b", "k"), 0);
	CU_ASSERT_EQUAL(fog_answers_drop(db, &b), -ENOENT); // what was answered is no more at work
	rig_close(db);
}

// A holder of whom nothing is heard has died; one who says that he is at work has not.
static void test_died(void)
{
	struct fog_db *db = rig_open_migrated();
	struct fog_answers_request a = request("a", "k");

	CU_ASSERT_EQUAL(begin(db, "a", "k"), 0);
	CU_ASSERT_EQUAL(fog_db_write(db, run, (void *)age), 1);
	CU_ASSERT_EQUAL(fog_answers_hold(db, &a), 0);
	CU_ASSERT_EQUAL(begin(db, "b", "k"), -EALREADY);
	CU_ASSERT_EQUAL(fog_db_write(db, run, (void *)age), 1);
	CU_ASSERT_EQUAL(begin(db, "b", "k"), 0);
	CU_ASSERT_EQUAL(fog_answers_hold(db, &a), -ENOENT);
	CU_ASSERT_EQUAL(keep(db, "a", "k"), -ENOENT);
	CU_ASSERT_EQUAL(keep(db, "b", "k"), 0);
	// What one held in an earlier life is his, whatever it was.
	CU_ASSERT_EQUAL(begin(db, "a", "again"), 0);
	a = request("a", "again");
	a.digest = two;
	struct fog_answer answer;
	CU_ASSERT_EQUAL(fog_answers_begin(db, &a, &answer), 0);
	CU_ASSERT_EQUAL(fog_answers_keep(db, &a, &(struct fog_answer){200, (char *)""}), 0);
	CU_ASSERT_EQUAL(begin(db, "b", "again"), -EEXIST);
	rig_close(db);
}

struct racer {
	struct fog_db *db;
	const char *plane;
	pthread_barrier_t *barrier;
	_Atomic unsigned *won, *bad;
};

enum { RACES = 40 };

static void *race(void *arg)
{
	struct racer *r = arg;
	char key[16];

	for (int i = 0; i < RACES; i++) {
		snprintf(key, sizeof(key), "race %d", i);
		pthread_barrier_wait(r->barrier);
		int e = begin(r->db, r->plane, key);
		if (e == 0)
			(*r->won)++;
		else if (e != -EALREADY)
			(*r->bad)++;
	}
	return NULL;
}

static void test_at_once(void)
{
	static const char *const planes[] = {"a", "b", "c"};
	struct fog_db *db = rig_open_migrated();
	_Atomic unsigned won = 0, bad = 0;
	pthread_barrier_t barrier;
	pthread_t thread[3];
	struct racer racer[3];

	pthread_barrier_init(&barrier, NULL, 3);
	for (int i = 0; i < 3; i++) {
		racer[i] = (struct racer){db, planes[i], &barrier, &won, &bad};
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, race, &racer[i]), 0);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&barrier);
	CU_ASSERT_EQUAL(won, RACES);
	CU_ASSERT_EQUAL(bad, 0);
	rig_close(db);
}

static const char more[] =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 519) "
        "INSERT INTO idempotent_answer(caller, idempotency_key, request, control_plane, until_us) "
        "SELECT caller, CAST(i AS TEXT), request, control_plane, until_us FROM idempotent_answer, n";

static void test_sweep(void)
{
	struct fog_db *db = rig_open_migrated();
	CU_ASSERT_EQUAL(begin(db, "a", "first"), 0);
	CU_ASSERT_EQUAL(fog_db_write(db, run, (void *)more), FOG_ANSWERS_SWEEP + 19);
	CU_ASSERT_EQUAL(fog_answers_sweep(db), 0);
	CU_ASSERT_EQUAL(fog_db_write(db, run, (void *)age), FOG_ANSWERS_SWEEP + 20);
	CU_ASSERT_EQUAL(begin(db, "a", "fresh"), 0);
	CU_ASSERT_EQUAL(fog_answers_sweep(db), FOG_ANSWERS_SWEEP);
	CU_ASSERT_EQUAL(fog_answers_sweep(db), 20);
	CU_ASSERT_EQUAL(fog_answers_sweep(db), 0);
	CU_ASSERT_EQUAL(begin(db, "b", "fresh"), -EALREADY);
	rig_close(db);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
	        {"kept", test_kept},
	        {"dropped", test_dropped},
	        {"a holder that died", test_died},
	        {"at once", test_at_once},
	        {"sweep", test_sweep},
	        CU_TEST_INFO_NULL,
	};

	return check_run("answers", tests);
}
