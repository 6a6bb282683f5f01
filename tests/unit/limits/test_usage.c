// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 the Fogline authors
// Daily usage: exact at the limit, whoever takes it; nothing lost at a stop; days end by themselves.
#include <errno.h>
#include <pthread.h>
#include <sodium.h>

#include "../../../controlplane/limits/usage.h"
#include "../run.h"
#include "../store/store_rig.h"

#define DAY INT64_C(86400000000)

enum { THREADS = 8 };

static int64_t clock_us;

static int64_t test_clock(void *ctx)
{
	return clock_us;
}

static struct fog_usage *usage(struct fog_db *db, unsigned leases)
{
	const struct fog_usage_params p = {db, leases, test_clock, NULL};
	struct fog_usage *u;

	clock_us = 20000 * DAY + 12345;
	CU_ASSERT_EQUAL_FATAL(fog_usage_open(&u, &p), 0);
	return u;
}

static int take(struct fog_usage *u, const char *user, enum fog_usage_metric metric, int64_t amount)
{
	return fog_usage_take(u, user, "free", metric, amount, NULL);
}

struct stored {
	const char *user;
	int64_t used;
};

static int stored_read(struct fog_tx *tx, void *ctx)
{
	struct stored *s = ctx;
	struct fog_rows rows;
	int r = fog_db_one(
	        tx, &rows,
	        "SELECT used FROM daily_usage WHERE user_id = $1 AND day = 20000 AND metric = 'api_calls'",
	        FOG_BIND(FOG_TEXT(s->user))
	);

	s->used = r == 0 ? fog_rows_int(&rows, 0) : -1;
	fog_rows_end(&rows);
	return 0;
}

// What the store has counted, leases included.
static int64_t stored(struct fog_db *db, const char *user)
{
	struct stored s = {user, 0};

	CU_ASSERT_EQUAL_FATAL(fog_db_read(db, stored_read, &s), 0);
	return s.used;
}

static void test_limit(void)
{
	struct fog_db *db = rig_open_migrated();
	struct fog_usage *u = usage(db, 0);
	struct fog_usage_state s;

	for (int i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_DEPLOYMENTS, 1), 0);
	CU_ASSERT_EQUAL(fog_usage_take(u, "1", "free", FOG_USAGE_DEPLOYMENTS, 1, &s), -EDQUOT);
	CU_ASSERT_TRUE(
	        s.used == 10 && s.limit == 10 && s.remaining == 0 && s.resets_at_us == 20001 * DAY
	);
	CU_ASSERT_EQUAL(take(u, "2", FOG_USAGE_DEPLOYMENTS, 1), 0);
	CU_ASSERT_EQUAL(fog_usage_take(u, "1", "pro", FOG_USAGE_API_CALLS, 1, &s), 0);
	CU_ASSERT_TRUE(s.used == 1 && s.limit == 50000);
	CU_ASSERT_EQUAL(fog_usage_take(u, "1", "gold", FOG_USAGE_API_CALLS, 1000, NULL), -EINVAL);
	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_API_CALLS, 0), -EINVAL);
	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_API_CALLS, -5), -EINVAL);
	CU_ASSERT_EQUAL(take(u, "", FOG_USAGE_API_CALLS, 1), -EINVAL);
	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_API_CALLS, INT64_MAX), -EDQUOT);
	fog_usage_close(u);
	rig_close(db);
}

static void test_limits(void)
{
	struct fog_db *db = rig_open_migrated();
	struct fog_usage *u = usage(db, 0);
	int64_t limit[FOG_USAGE_METRICS];

	CU_ASSERT_EQUAL(fog_usage_limits(u, "free", limit), 0);
	CU_ASSERT_EQUAL(limit[FOG_USAGE_DEPLOYMENTS], 10);
	CU_ASSERT_EQUAL(limit[FOG_USAGE_API_CALLS], 5000);
	CU_ASSERT_EQUAL(limit[FOG_USAGE_COMPUTE_SECONDS], 36000);
	CU_ASSERT_EQUAL(limit[FOG_USAGE_STORAGE_BYTES], 5000000000);
	CU_ASSERT_EQUAL(fog_usage_limits(u, "pro", limit), 0);
	CU_ASSERT_EQUAL(limit[FOG_USAGE_API_CALLS], 50000);
	CU_ASSERT_EQUAL(fog_usage_limits(u, "enterprise", limit), 0);
	for (unsigned i = 0; i < FOG_USAGE_METRICS; i++)
		CU_ASSERT_EQUAL(limit[i], FOG_USAGE_UNLIMITED);
	CU_ASSERT_EQUAL(fog_usage_limits(u, "gold", limit), -EINVAL);
	CU_ASSERT_EQUAL(fog_usage_resets_us(u), 20001 * DAY);
	fog_usage_close(u);
	rig_close(db);
}

static void test_amounts(void)
{
	struct fog_db *db = rig_open_migrated();
	struct fog_usage *u = usage(db, 0);
	struct fog_usage_state s[FOG_USAGE_METRICS];

	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_STORAGE_BYTES, 4000000000), 0);
	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_STORAGE_BYTES, 2000000000), -EDQUOT);
	CU_ASSERT_EQUAL(
	        take(u, "1", FOG_USAGE_STORAGE_BYTES, 999999900), 0
	); // less is left, and given
	CU_ASSERT_EQUAL(fog_usage_give_back(u, "1", FOG_USAGE_STORAGE_BYTES, 4000000000), 0);
	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_STORAGE_BYTES, 4000000100), 0);
	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_STORAGE_BYTES, 1), -EDQUOT);
	CU_ASSERT_EQUAL(fog_usage_show(u, "1", "free", s), 0);
	CU_ASSERT_EQUAL(s[FOG_USAGE_STORAGE_BYTES].used, 5000000000);
	CU_ASSERT_EQUAL(s[FOG_USAGE_STORAGE_BYTES].remaining, 0);
	CU_ASSERT_EQUAL(s[FOG_USAGE_COMPUTE_SECONDS].limit, 36000);
	CU_ASSERT_EQUAL(s[FOG_USAGE_COMPUTE_SECONDS].remaining, 36000);
	CU_ASSERT_EQUAL(
	        fog_usage_give_back(u, "3", FOG_USAGE_STORAGE_BYTES, 7), 0
	); // nothing there
	for (int i = 0; i < 250; i++)
		CU_ASSERT_EQUAL(
		        fog_usage_take(u, "2", "enterprise", FOG_USAGE_API_CALLS, 1, NULL), 0
		);
	CU_ASSERT_EQUAL(fog_usage_show(u, "2", "enterprise", s), 0);
	CU_ASSERT_EQUAL(s[FOG_USAGE_API_CALLS].used, 250);
	CU_ASSERT_EQUAL(s[FOG_USAGE_API_CALLS].limit, FOG_USAGE_UNLIMITED);
	CU_ASSERT_EQUAL(s[FOG_USAGE_API_CALLS].remaining, FOG_USAGE_UNLIMITED);
	CU_ASSERT_EQUAL(fog_usage_show(u, "2", "gold", s), -EINVAL);
	fog_usage_close(u);
	rig_close(db);
}

static void test_leases(void)
{
	struct fog_db *db = rig_open_migrated();
	struct fog_usage *u = usage(db, 2); // room for two
	struct fog_usage_state s[FOG_USAGE_METRICS];

	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_API_CALLS, 1), 0);
	CU_ASSERT_EQUAL(stored(db, "1"), 100); // a fiftieth of 5,000
	for (int i = 0; i < 99; i++)
		CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_API_CALLS, 1), 0);
	CU_ASSERT_EQUAL(stored(db, "1"), 100); // without the store
	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_API_CALLS, 1), 0);
	CU_ASSERT_EQUAL(stored(db, "1"), 200);
	CU_ASSERT_EQUAL(fog_usage_show(u, "1", "free", s), 0);
	CU_ASSERT_EQUAL(s[FOG_USAGE_API_CALLS].used, 101);
	CU_ASSERT_EQUAL(s[FOG_USAGE_API_CALLS].remaining, 4899);
	// A third user takes the place of the first, whose rest goes back.
	CU_ASSERT_EQUAL(take(u, "2", FOG_USAGE_API_CALLS, 1), 0);
	CU_ASSERT_EQUAL(take(u, "3", FOG_USAGE_API_CALLS, 1), 0);
	CU_ASSERT_EQUAL(stored(db, "1"), 101);
	CU_ASSERT_EQUAL(fog_usage_settle(u), 0);
	CU_ASSERT_EQUAL(stored(db, "2"), 1);
	CU_ASSERT_EQUAL(take(u, "2", FOG_USAGE_API_CALLS, 1), 0);
	fog_usage_close(u);
	CU_ASSERT_EQUAL(stored(db, "2"), 2);
	CU_ASSERT_EQUAL(stored(db, "3"), 1);
	rig_close(db);
}

static void test_days(void)
{
	struct fog_db *db = rig_open_migrated();
	struct fog_usage *u = usage(db, 0);
	struct fog_usage_state s[FOG_USAGE_METRICS];

	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_API_CALLS, 5000), 0);
	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_API_CALLS, 1), -EDQUOT);
	CU_ASSERT_EQUAL(take(u, "2", FOG_USAGE_API_CALLS, 4990), 0);
	clock_us = 20001 * DAY - 1;
	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_API_CALLS, 1), -EDQUOT);
	clock_us = 20001 * DAY;
	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_API_CALLS, 1), 0);
	CU_ASSERT_EQUAL(take(u, "2", FOG_USAGE_API_CALLS, 5000), 0);
	CU_ASSERT_EQUAL(fog_usage_show(u, "1", "free", s), 0);
	CU_ASSERT_EQUAL(s[FOG_USAGE_API_CALLS].used, 1);
	CU_ASSERT_EQUAL(s[FOG_USAGE_API_CALLS].resets_at_us, 20002 * DAY);
	// A clock that goes back finds the day as it was left: nothing is given twice.
	clock_us = 20001 * DAY - 1;
	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_API_CALLS, 1), -EDQUOT);
	CU_ASSERT_EQUAL(take(u, "2", FOG_USAGE_API_CALLS, 11), -EDQUOT);
	CU_ASSERT_EQUAL(take(u, "2", FOG_USAGE_API_CALLS, 10), 0);
	clock_us = 20001 * DAY;
	CU_ASSERT_EQUAL(take(u, "2", FOG_USAGE_API_CALLS, 1), -EDQUOT);
	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_API_CALLS, 4999), 0);
	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_API_CALLS, 1), -EDQUOT);
	fog_usage_close(u);
	CU_ASSERT_EQUAL(stored(db, "1"), 5000);
	CU_ASSERT_EQUAL(stored(db, "2"), 5000);
	rig_close(db);
}

struct worker {
	pthread_t thread;
	struct fog_usage *usage;
	unsigned got, failed;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	int r;

	while ((r = take(w->usage, "1", FOG_USAGE_API_CALLS, 1)) == 0)
		w->got++;
	w->failed = r != -EDQUOT;
	return NULL;
}

// Two control planes, each with 8 threads that take until there is nothing left.
static void test_exact(void)
{
	static struct worker w[2 * THREADS];
	struct fog_db *db[2] = {rig_open_migrated(), rig_open()};
	struct fog_usage *u[2] = {usage(db[0], 0), usage(db[1], 0)};
	unsigned got = 0;

	memset(w, 0, sizeof(w));
	for (int i = 0; i < 2 * THREADS; i++) {
		w[i].usage = u[i % 2];
		CU_ASSERT_EQUAL_FATAL(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (int i = 0; i < 2 * THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		CU_ASSERT_EQUAL(w[i].failed, 0);
		got += w[i].got;
	}
	CU_ASSERT_EQUAL(got, 5000);
	fog_usage_close(u[0]);
	fog_usage_close(u[1]);
	CU_ASSERT_EQUAL(stored(db[0], "1"), 5000);
	fog_db_close(db[1]);
	rig_close(db[0]);
}

static int rename_table(struct fog_tx *tx, void *sql)
{
	return fog_db_run(tx, sql, FOG_NONE);
}

// Without the store nobody gets more than the lease that is there.
static void test_away(void)
{
	struct fog_db *db = rig_open_migrated();
	struct fog_usage *u = usage(db, 0);
	int got = 0, r;

	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_API_CALLS, 1), 0);
	CU_ASSERT_TRUE(
	        fog_db_write(db, rename_table, (void *)"ALTER TABLE daily_usage RENAME TO gone") >=
	        0
	);
	while ((r = take(u, "1", FOG_USAGE_API_CALLS, 1)) == 0 && got < 1000)
		got++;
	CU_ASSERT_EQUAL(got, 99);
	CU_ASSERT_TRUE(r < 0 && r != -EDQUOT);
	CU_ASSERT_TRUE(
	        fog_db_write(db, rename_table, (void *)"ALTER TABLE gone RENAME TO daily_usage") >=
	        0
	);
	CU_ASSERT_EQUAL(take(u, "1", FOG_USAGE_API_CALLS, 1), 0);
	fog_usage_close(u);
	CU_ASSERT_EQUAL(stored(db, "1"), 101);
	rig_close(db);
}

int main(void)
{
	const CU_TestInfo tests[] = {
	        {"limits of tiers", test_limit},
	        {"what each tier may", test_limits},
	        {"amounts, given back, unlimited", test_amounts},
	        {"leases", test_leases},
	        {"days, and a clock that goes back", test_days},
	        {"8 threads of two control planes", test_exact},
	        {"a store that is away", test_away},
	        CU_TEST_INFO_NULL,
	};
	return sodium_init() < 0 ? 1 : check_run("usage", tests);
}
